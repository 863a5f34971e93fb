/* What the router should answer, the slow way: every route is held against the request, and the
 * winner is found by comparing two at a time in the words of gate/route/router.h. Shares no code
 * with the router.
 *
 * Its regular expressions are POSIX extended ones: patterns must mean the same to both.
 */
#ifndef RW_TESTS_SUPPORT_ROUTER_ORACLE_H
#define RW_TESTS_SUPPORT_ROUTER_ORACLE_H

#include "gate/route/router.h"

enum { ORACLE_TEXT_MAX = 2048 };

struct oracle_answer {
    int route; /* as rw_router_find */
    unsigned param_count;
    char names[RW_ROUTE_PARAMS_MAX][64];
    char values[RW_ROUTE_PARAMS_MAX][ORACLE_TEXT_MAX]; /* normal form */
};

/* For paths and hosts shorter than ORACLE_TEXT_MAX. Parameters of a regex are not told. */
void rw_oracle_find(const struct rw_config *config, unsigned listener,
                    const struct rw_message *message, struct oracle_answer *answer);

/* Does rw_router_find say the same? Else why not, in a static text. */
const char *rw_oracle_disagrees(const struct rw_config *config, unsigned listener,
                                const struct rw_message *message, int route,
                                const struct rw_route_params *params);

#endif
