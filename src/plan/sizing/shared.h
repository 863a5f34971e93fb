/* Within plan/sizing: the cells that all tiers share, by number. */
#ifndef RW_PLAN_SIZING_SHARED_H
#define RW_PLAN_SIZING_SHARED_H

#include "plan/sizing/sizing.h"

struct rw_sizing {
    uint32_t rate_peak, rate_mean, requests_month, connections, origin_rate, cores_needed;
    uint32_t service_tail, utilization_max;
    uint32_t query_rate, query_load, database_connections;
    uint32_t data_day, raw_hot, raw_cold, hot, cold, backup, egress_month, link;
    uint32_t incidents;
};

void rw_sizing_load(struct rw_plan *plan, struct rw_sizing *sizing);
void rw_sizing_data(struct rw_plan *plan, struct rw_sizing *sizing);
void rw_sizing_tier(struct rw_plan *plan, const struct rw_sizing *sizing,
                    const struct rw_tier *tier);
void rw_sizing_findings(struct rw_plan *plan, const struct rw_sizing *sizing);

#endif
