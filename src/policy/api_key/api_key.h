/* The policy `api_key`: knows consumers by a key in a field, a parameter of the query or a cookie.
 */
#ifndef RW_POLICY_API_KEY_API_KEY_H
#define RW_POLICY_API_KEY_API_KEY_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_api_key;

#endif
