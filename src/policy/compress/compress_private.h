/* The parts of the policy `compress`: its configuration (compress.c), which responses it is for and
 * what it says in their heads (compress_head.c), and the filter (compress_filter.c). */
#ifndef RW_POLICY_COMPRESS_COMPRESS_PRIVATE_H
#define RW_POLICY_COMPRESS_COMPRESS_PRIVATE_H

#include "gate/exchange/policy.h"
#include "policy/compress/coder.h"

/* What becomes of a request that carries a cookie or credentials (see the manual: BREACH). */
enum rw_compress_credentials {
    RW_COMPRESS_SKIP_CROSS_SITE, /* not compressed when another site made the browser send it */
    RW_COMPRESS_SKIP_ALL,
    RW_COMPRESS_SKIP_NONE
};

struct rw_compress_levels {
    uint32_t gzip, br, zstd;
};

struct rw_compress_config {
    struct rw_conf_list codings; /* of int: enum rw_coding */
    struct rw_conf_list types;   /* of rw_span */
    struct rw_compress_levels *levels;
    uint64_t bytes_min, window_bytes_max, memory_bytes_max;
    int credentials; /* enum rw_compress_credentials */
    struct rw_conf_place place;
};

struct rw_compress {
    const struct rw_compress_config *config;
    uint8_t order[RW_CODING_COUNT];
    unsigned order_count;
    int levels[RW_CODING_COUNT];
    unsigned window_bits;
};

/* ---- compress_head.c ---- */

/* Does the media type match the pattern: "text/html", "text/", "application/" and "+json" around
 * one star? Parameters of the type do not count. */
bool rw_compress_type_matches(struct rw_span pattern, struct rw_span type);
/* Is what has this type (a pattern too) compressed in itself? */
bool rw_compress_type_is_compressed(struct rw_span type);

enum rw_compress_answer {
    RW_COMPRESS_NOT,  /* not for this policy: nothing is touched */
    RW_COMPRESS_VARY, /* the head says that it might have been */
    RW_COMPRESS_YES   /* and it is, in `*coding` */
};

/* Looks at both heads. */
enum rw_compress_answer rw_compress_decide(const struct rw_exchange *x,
                                           const struct rw_compress *policy,
                                           enum rw_coding *coding);

/* Of a 304: the client named the tag as the compressed response has it, so it gets it that way. */
RW_MUST_CHECK enum rw_err rw_compress_weaken_304(struct rw_exchange *x);

/* ---- compress_filter.c ---- */

enum rw_verdict rw_compress_install(struct rw_exchange *x, const struct rw_compress *policy,
                                    enum rw_coding coding);

#endif
