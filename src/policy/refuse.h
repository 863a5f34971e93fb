/* What policies answer when they do not let a request pass: problem details (RFC 9457), as the
 * gateway's own refusals are. Worker threads. */
#ifndef RW_POLICY_REFUSE_H
#define RW_POLICY_REFUSE_H

#include "gate/exchange/policy.h"

/* Makes the reply and returns REPLY, or FAIL when there is no memory for it. `detail` is static
 * text for people, without quotes or backslashes. */
enum rw_verdict rw_policy_refuse(struct rw_exchange *x, unsigned status, const char *detail);

/* For what is no fault of the client's and will pass: 503, and Retry-After of a second. */
enum rw_verdict rw_policy_refuse_for_now(struct rw_exchange *x, const char *detail);

#endif
