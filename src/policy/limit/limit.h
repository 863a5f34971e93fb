/* The policy `rate_limit`: so many requests in so much time, by client, route and others. */
#ifndef RW_POLICY_LIMIT_LIMIT_H
#define RW_POLICY_LIMIT_LIMIT_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_rate_limit;

#endif
