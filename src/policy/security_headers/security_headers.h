/* The policy `security_headers`: fields that make browsers careful with what a site sends them,
 * with defaults that break few sites (after the OWASP Secure Headers project). */
#ifndef RW_POLICY_SECURITY_HEADERS_SECURITY_HEADERS_H
#define RW_POLICY_SECURITY_HEADERS_SECURITY_HEADERS_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_security_headers;

#endif
