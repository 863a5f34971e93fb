/* The policy `maintenance`: a route or a listener is closed for a while, but for those who work on
 * it. */
#ifndef RW_POLICY_MAINTENANCE_MAINTENANCE_H
#define RW_POLICY_MAINTENANCE_MAINTENANCE_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_maintenance;

#endif
