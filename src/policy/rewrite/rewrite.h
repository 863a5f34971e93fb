/* The policy `rewrite`: what path, query and host the origin gets.
 *
 * The route was found by the request as it came; this changes what is sent on. The new path is
 * looked at as the request's own was (gate/route/path.h), since it may consist of parts of that. */
#ifndef RW_POLICY_REWRITE_REWRITE_H
#define RW_POLICY_REWRITE_REWRITE_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_rewrite;

#endif
