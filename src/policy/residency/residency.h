/* The policy `residency`: requests of clients from some countries go to endpoints in some regions
 * only, or are refused.
 *
 * on_request finds out where the client is (policy/residency/geo.h), and leaves with the exchange
 * which regions its rule admits (gate/cluster/balance/residency.h). Whoever chooses an endpoint for
 * that exchange, for a retry or a copy of it too, keeps to that; the log tells all of it. */
#ifndef RW_POLICY_RESIDENCY_RESIDENCY_H
#define RW_POLICY_RESIDENCY_RESIDENCY_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_residency;

#endif
