#include "simulate/deploy.h"

#include <math.h>

#define USUAL_DRAIN_S 30

struct rw_simulate_terms rw_simulate_usual_terms(const struct rw_simulate_model *model)
{
    uint32_t ready_ms = model->autoscaling ? model->autoscaling->ready_ms : model->health->ready_ms;
    return (struct rw_simulate_terms){
        .ready_s = ready_ms / 1e3, .drain_s = USUAL_DRAIN_S, .warmup_speed = 1};
}

/* Nodes of the generation before are still there. */
static bool goes_on(const struct rw_simulate_fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->count; i++)
        if (fleet->nodes[i].state <= RW_SIMULATE_DRAINING &&
            fleet->nodes[i].generation != fleet->generation)
            return true;
    return false;
}

static void begin(struct rw_simulate_rollout *rollout, struct rw_simulate_fleet *fleet,
                  const struct rw_simulate_deploy *deploy, double now)
{
    fleet->deploying = true;
    fleet->generation++;
    fleet->surge = deploy->surge;
    fleet->unavailable = deploy->unavailable;
    fleet->terms =
        (struct rw_simulate_terms){deploy->ready_ms / 1e3, deploy->drain_ms / 1e3,
                                   deploy->warmup_ms / 1e3, deploy->warmup_speed_percent / 100};
    rollout->begun_s = now;
    rollout->next++;
}

void rw_simulate_deploys_second(struct rw_simulate_rollout *rollout,
                                struct rw_simulate_fleet *fleet, double now)
{
    const struct rw_simulate_deploy *deploys = fleet->model->deploys.items;
    if (fleet->deploying && !goes_on(fleet)) {
        fleet->deploying = false;
        fleet->surge = fleet->unavailable = 0;
        fleet->terms = rw_simulate_usual_terms(fleet->model);
        rollout->done++;
        rollout->longest_s = fmax(rollout->longest_s, now - rollout->begun_s);
    }
    if (!fleet->deploying && rollout->next < fleet->model->deploys.count &&
        deploys[rollout->next].at_ms / 1e3 <= now)
        begin(rollout, fleet, &deploys[rollout->next], now);
}
