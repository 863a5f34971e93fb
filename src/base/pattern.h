/* Regular expressions by PCRE2, with this program's memory and limits that no subject can pass:
 * what all who use them have in common. Subjects are bytes, not UTF-8. A pattern is made by whoever
 * reads the configuration, and never changes; any number of threads search with it at once, each
 * with match data of its own. Include this in place of pcre2.h. */
#ifndef RW_BASE_PATTERN_H
#define RW_BASE_PATTERN_H

#include "base/err.h"
#include "base/span.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { RW_PATTERN_FLAW_BYTES = 192 };

struct rw_pattern_limits {
    uint32_t pattern_bytes_max;
    uint32_t steps_max; /* of one search: PCRE2's match limit */
    uint32_t depth_max;
    uint32_t heap_kib_max;
};

struct rw_pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
};

/* Memory by base/alloc.h. NULL: there is none. */
pcre2_general_context *rw_pattern_memory(void);

/* `options` of PCRE2 beyond those that all have: "." is any byte, no UTF-8, no \C. `memory` is from
 * rw_pattern_memory, and not needed afterwards. RW_EINVAL: it does not compile, and `flaw` says why
 * and where. RW_ENOMEM. On error `pattern` is zeroed. */
RW_MUST_CHECK enum rw_err rw_pattern_create(struct rw_span text, uint32_t options,
                                            const struct rw_pattern_limits *limits,
                                            pcre2_general_context *memory,
                                            char flaw[RW_PATTERN_FLAW_BYTES],
                                            struct rw_pattern *pattern);
/* A zeroed one is fine. */
void rw_pattern_destroy(struct rw_pattern *pattern);

/* As pcre2_match: the number of groups that are set, 0 when there are more than `match` has room
 * for, below 0 none or an error. */
int rw_pattern_search(const struct rw_pattern *pattern, struct rw_span subject,
                      pcre2_match_data *match);

#endif
