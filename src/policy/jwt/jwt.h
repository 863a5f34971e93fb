/* The policy `jwt`: knows callers by signed tokens (RFC 7519), checked as RFC 8725 asks for. */
#ifndef RW_POLICY_JWT_JWT_H
#define RW_POLICY_JWT_JWT_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_jwt;

#endif
