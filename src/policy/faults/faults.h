/* The policy `faults`: failures on purpose, to see what clients and monitoring make of them.
 *
 * Off unless `enabled`. What happens to a request is drawn once, when the policy is first asked: by
 * the worker's own generator, or from `seed`. Requests are delayed, cut or answered before the
 * origin has them; bodies of responses are slowed down or cut by a filter. Each is counted, and
 * stands in the line of the access log. */
#ifndef RW_POLICY_FAULTS_FAULTS_H
#define RW_POLICY_FAULTS_FAULTS_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_faults;

#endif
