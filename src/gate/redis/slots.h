/* Redis Cluster: which slot a key is in, and what servers say about who has which slots
 * (redis.io/docs/reference/cluster-spec). Bytes in, values out: no I/O, no memory. Whatever a
 * server sends is checked. Any thread.
 */
#ifndef RW_GATE_REDIS_SLOTS_H
#define RW_GATE_REDIS_SLOTS_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { RW_REDIS_SLOTS = 16384 };

/* CRC16 (XMODEM) of the key, or of what stands between its first "{" and the next "}", modulo
 * RW_REDIS_SLOTS. */
uint16_t rw_redis_slot(struct rw_span key);

/* The primary of some slots. */
struct rw_redis_range {
    uint16_t first, last; /* both included */
    struct rw_span host;  /* empty: that of the server which says so */
    uint16_t port;
};

/* Ranges of a reply to CLUSTER SLOTS, which is whole (rw_resp_whole). */
struct rw_redis_ranges {
    struct rw_span rest;
    int64_t left;
};

/* NULL, and the ranges can be taken; else what is wrong with the reply, in words (static). */
const char *rw_redis_ranges_begin(struct rw_redis_ranges *ranges, struct rw_span reply);
/* RW_ENOENT: it was the last; RW_EPROTO: the reply is not what it should be. */
RW_MUST_CHECK enum rw_err rw_redis_ranges_next(struct rw_redis_ranges *ranges,
                                               struct rw_redis_range *range);

/* What an error says about where a command belongs. */
enum rw_redis_turn {
    RW_REDIS_TURN_NONE,  /* another error */
    RW_REDIS_TURN_MOVED, /* -MOVED 3999 10.0.0.1:6381: for good */
    RW_REDIS_TURN_ASK,   /* -ASK 3999 10.0.0.1:6381: this once, behind ASKING */
    RW_REDIS_TURN_SPLIT, /* -TRYAGAIN: several keys of a slot that moves: each by itself */
};

struct rw_redis_redirect {
    uint16_t slot;
    struct rw_span host; /* empty: that of the server which says so */
    uint16_t port;
};

/* `error` without its mark and line end. `redirect` is filled for MOVED and ASK; one that is not
 * well-formed is NONE. */
enum rw_redis_turn rw_redis_turn(struct rw_span error, struct rw_redis_redirect *redirect);

/* A reply to SENTINEL get-master-addr-by-name. NULL: host and port are there; else what is wrong.
 */
const char *rw_redis_primary(struct rw_span reply, struct rw_span *host, uint16_t *port);

#endif
