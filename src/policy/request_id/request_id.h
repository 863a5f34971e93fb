/* The policy `request_id`: each request has a name, which the origin, the log and the client know.
 */
#ifndef RW_POLICY_REQUEST_ID_REQUEST_ID_H
#define RW_POLICY_REQUEST_ID_REQUEST_ID_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_request_id;

#endif
