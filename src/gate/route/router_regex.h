/* Regular expressions of the router: PCRE2 with JIT, on bytes, with limits that a hostile subject
 * cannot pass.
 *
 * Compiled on the control thread; matched by any number of threads at once. Matching needs scratch
 * memory, which is taken from the caller's stack.
 */
#ifndef RW_GATE_ROUTE_ROUTER_REGEX_H
#define RW_GATE_ROUTE_ROUTER_REGEX_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#include <stdint.h>

enum { RW_ROUTER_GROUPS_MAX = 32 }; /* a named group has a lower number than this */

struct rw_router_regex;

enum rw_router_regex_result { RW_REGEX_NO, RW_REGEX_YES, RW_REGEX_EXHAUSTED };

/* Where a named group matched; start == SIZE_MAX: it took no part. */
struct rw_router_group {
    size_t start, end;
};

/* `whole`: it must match the whole subject. RW_EINVAL: it does not compile, and `flaw` says why. */
RW_MUST_CHECK enum rw_err rw_router_regex_create(struct rw_span pattern, bool whole, char flaw[256],
                                                 struct rw_router_regex **regex);
/* NULL is fine. */
void rw_router_regex_destroy(struct rw_router_regex *regex);

/* How many named groups there are, at most RW_ROUTE_PARAMS_MAX, and their names, which live as long
 * as the regex. */
unsigned rw_router_regex_group_count(const struct rw_router_regex *regex);
struct rw_span rw_router_regex_group_name(const struct rw_router_regex *regex, unsigned group);

/* `groups`, room for RW_ROUTE_PARAMS_MAX, is filled on RW_REGEX_YES, in the order of the names; may
 * be NULL. */
enum rw_router_regex_result rw_router_regex_match(const struct rw_router_regex *regex,
                                                  struct rw_span subject,
                                                  struct rw_router_group *groups);

#endif
