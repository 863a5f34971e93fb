/* The policy `cors`: lets pages of other origins call (Cross-Origin Resource Sharing, as the Fetch
 * standard of the WHATWG has it, section "CORS protocol").
 *
 * It answers preflights itself, and says of other responses which page may read them, in place of
 * whatever the origin server said about that: two answers to one question make browsers refuse. */
#ifndef RW_POLICY_CORS_CORS_H
#define RW_POLICY_CORS_CORS_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_cors;

/* Is this how a browser writes an origin ("https://a.example:8443", "null"), or with "*." in front
 * of the host a pattern of such? */
bool rw_cors_is_pattern(struct rw_span pattern);
/* "*." stands for one label or more. `origin` is what a client sent: anything. */
bool rw_cors_matches(struct rw_span pattern, struct rw_span origin);

#endif
