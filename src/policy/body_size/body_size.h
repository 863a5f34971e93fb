/* The policy `body_size`: how large a request's body may be. It only says so; the exchange
 * compares, what is announced before the request goes on, and what comes as it comes. */
#ifndef RW_POLICY_BODY_SIZE_BODY_SIZE_H
#define RW_POLICY_BODY_SIZE_BODY_SIZE_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_body_size;

#endif
