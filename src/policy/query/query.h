/* The policy `query`: removes, renames, sets and adds parameters of the query that the origin gets.
 * What the client sent stays as it is for everybody who decides by it: routes, rate limits. */
#ifndef RW_POLICY_QUERY_QUERY_H
#define RW_POLICY_QUERY_QUERY_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_query;

#endif
