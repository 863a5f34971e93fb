/* Where a request may go: what a residency rule has decided about the client of an exchange, and
 * the choice of an endpoint keeps to. The exchange has it (policy/residency makes it), the log
 * tells it. Immutable; any thread.
 */
#ifndef RW_GATE_CLUSTER_BALANCE_RESIDENCY_H
#define RW_GATE_CLUSTER_BALANCE_RESIDENCY_H

#include "gate/cluster/balance/locality.h"

/* Regions: whole names, or beginnings of names ("eu-*"). */
struct rw_regions {
    const struct rw_span *patterns;
    size_t count;
};

struct rw_residency {
    struct rw_span client;            /* "EU/DE", "US", "unknown": for the log */
    struct rw_span rule;              /* whose name it has; empty: no rule is for this client */
    struct rw_regions regions;        /* count 0: anywhere */
    const struct rw_residency *outer; /* decided before by another policy, and holds too; NULL */
};

/* An endpoint without a region is in none. */
bool rw_regions_have(const struct rw_regions *regions, struct rw_span region);

/* May the request go to an endpoint that is there? */
bool rw_residency_admits(const struct rw_residency *residency, const struct rw_locality *locality);

/* Is there anywhere that it may not go? */
bool rw_residency_binds(const struct rw_residency *residency);

#endif
