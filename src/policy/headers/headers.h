/* The policy `headers`: removes, sets and adds fields of requests and of responses. */
#ifndef RW_POLICY_HEADERS_HEADERS_H
#define RW_POLICY_HEADERS_HEADERS_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_headers;

#endif
