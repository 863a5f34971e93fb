#include "simulate/failure.h"

#include <math.h>

static bool begins(uint32_t at_ms, double now)
{
    return at_ms / 1000 == (uint32_t)now;
}

static bool lasts(uint32_t at_ms, uint32_t for_ms, double now)
{
    return (uint32_t)now >= at_ms / 1000 && now < at_ms / 1e3 + for_ms / 1e3;
}

/* Any of those that serve, each with the same chance. */
static void fail_nodes(const struct rw_simulate_fail_nodes *failure,
                       struct rw_simulate_fleet *fleet)
{
    for (uint32_t left = failure->count; left; left--) {
        unsigned serving = rw_simulate_fleet_count(fleet, RW_SIMULATE_SERVING);
        unsigned which = serving ? rw_random_below(fleet->random, serving) : 0;
        for (uint32_t i = 0; serving && i < fleet->count; i++)
            if (fleet->nodes[i].state == RW_SIMULATE_SERVING && which-- == 0) {
                rw_simulate_fleet_kill(fleet, &fleet->nodes[i], failure->for_ms / 1e3);
                break;
            }
    }
}

static void fail_zone(const struct rw_simulate_fail_zone *failure, struct rw_simulate_fleet *fleet,
                      double now)
{
    if (!lasts(failure->at_ms, failure->for_ms, now))
        return;
    fleet->zone_down[failure->zone] = true;
    double left_s = failure->at_ms / 1e3 + failure->for_ms / 1e3 - now;
    for (uint32_t i = 0; i < fleet->count; i++)
        if (fleet->nodes[i].zone == failure->zone)
            rw_simulate_fleet_kill(fleet, &fleet->nodes[i], left_s);
}

void rw_simulate_failures_second(const struct rw_simulate_model *model,
                                 struct rw_simulate_fleet *fleet,
                                 struct rw_simulate_origin_state *origin, double now)
{
    const struct rw_simulate_failure *failures = model->failures.items;
    origin->slower = 1;
    origin->error_share = 0;
    for (unsigned i = 0; i < model->zone_count; i++)
        fleet->zone_down[i] = false;
    for (size_t i = 0; i < model->failures.count; i++) {
        const void *failure = failures[i].what.value;
        if (rw_simulate_fails(&failures[i], RW_SIMULATE_FAIL_ZONE))
            fail_zone(failure, fleet, now);
        if (rw_simulate_fails(&failures[i], RW_SIMULATE_FAIL_NODES) &&
            begins(((const struct rw_simulate_fail_nodes *)failure)->at_ms, now))
            fail_nodes(failure, fleet);
        const struct rw_simulate_fail_origin *ailing = failure;
        if (rw_simulate_fails(&failures[i], RW_SIMULATE_FAIL_ORIGIN) &&
            lasts(ailing->at_ms, ailing->for_ms, now)) {
            origin->slower *= ailing->slower;
            origin->error_share = fmax(origin->error_share, ailing->error_percent / 100);
        }
    }
}
