/* The policy `stale`: keeps what a route has answered, and answers from it when its upstream fails
 * (brown-out; RFC 5861 section 4, stale-if-error). It is no cache: as long as the upstream answers,
 * every request goes there.
 *
 *   stale.c           which request and which response it is about, and the answer
 *   stale_control.h   what Cache-Control and Vary allow
 *   stale_store.h     the answers of a worker, bounded in bytes
 */
#ifndef RW_POLICY_STALE_STALE_H
#define RW_POLICY_STALE_STALE_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_stale;

#endif
