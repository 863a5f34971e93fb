/* Within plan/sizing: the cells that the parts of the chapter hand to each other, by number.
 *
 * The chapter counts once for the end of the term, which is what the system must be able to do, and
 * then once for the end of each year before: those cells have the year behind their id, and only
 * what grows is counted anew.
 */
#ifndef RW_PLAN_SIZING_SHARED_H
#define RW_PLAN_SIZING_SHARED_H

#include "plan/sizing/sizing.h"

/* Of one tier: properties and rates of a node, which no year changes, and what it needs. */
struct rw_sizing_tier {
    uint32_t zones, regions, standby, headroom, failover, node_memory, database_cores;
    uint32_t utilization, app_rate, gateway_rate, gateway_memory, database_load, cache_rate;
    uint32_t monitor_reach;
    /* Of the year. */
    uint32_t app, gateway, database, cache;
    uint32_t app_standby, gateway_standby, database_standby;
};

struct rw_sizing {
    struct rw_plan *plan;
    unsigned year;    /* 0: the end of the term */
    uint32_t elapsed; /* years of growth until then */
    /* The same in all years. */
    uint32_t rate_today, service_tail, call_percentile, utilization_max, incidents;
    uint32_t network_time, log_line, log_days;
    /* Of the year. */
    uint32_t rate_peak, rate_mean, requests_month, connections, origin_rate, cores_needed;
    uint32_t query_rate, query_load;
    uint32_t data_day, raw_hot, raw_cold, hot, cold, backup, logs, egress_month, entry_month, link;
    struct rw_sizing_tier tiers[RW_TIERS_MAX];
};

/* A computed cell of the year in hand: "sizing.NAME", "sizing.TIER.NAME" (tier not NULL), with
 * ".YEAR" behind it and the year in its label when that is not the end of the term. */
uint32_t rw_sizing_add(struct rw_sizing *sizing, const struct rw_tier *tier, const char *name,
                       struct rw_label label, enum rw_unit unit, const struct rw_formula *formula,
                       unsigned input_count, ...);
uint32_t rw_sizing_greatest(struct rw_sizing *sizing, const char *name, struct rw_label label,
                            enum rw_unit unit, const uint32_t *inputs, unsigned input_count);

/* Once: what does not grow. */
void rw_sizing_today(struct rw_sizing *sizing);
void rw_sizing_goals(struct rw_sizing *sizing);
void rw_sizing_properties(struct rw_sizing *sizing, unsigned number);
/* For each year. */
void rw_sizing_load(struct rw_sizing *sizing);
void rw_sizing_data(struct rw_sizing *sizing);
void rw_sizing_nodes(struct rw_sizing *sizing, unsigned number);
void rw_sizing_volumes(struct rw_sizing *sizing, unsigned number);
/* For the end of the term. */
void rw_sizing_promise(struct rw_sizing *sizing, unsigned number);
void rw_sizing_findings(const struct rw_sizing *sizing);

static inline bool rw_sizing_known(const struct rw_sizing *sizing, enum rw_input input)
{
    return !isnan(rw_plan_input(sizing->plan, input));
}

/* How long a request takes at the busiest time: the promise, or without one the work itself. */
static inline uint32_t rw_sizing_time(const struct rw_sizing *sizing)
{
    return sizing->plan->inputs[rw_sizing_known(sizing, RW_INPUT_LATENCY) ? RW_INPUT_LATENCY
                                                                          : RW_INPUT_SERVICE_TIME];
}

#endif
