/* What rollout.c and rollout_describe.c share; nobody else includes this. */
#ifndef RW_GATE_RELEASE_ROLLOUT_PRIVATE_H
#define RW_GATE_RELEASE_ROLLOUT_PRIVATE_H

#include "gate/release/rollout.h"

struct rw_rollouts {
    struct rw_rollouts_options options;
    struct rw_release *releases; /* of the configuration in force */
    struct rw_timer timer;
};

static inline enum rw_release_phase rw_rollout_phase(const struct rw_rollout *rollout)
{
    return (enum rw_release_phase)atomic_load(&rollout->state->phase);
}
/* The stage that it is in; the first before any. */
static inline const struct rw_config_rollout_stage *rw_rollout_now(const struct rw_rollout *rollout)
{
    unsigned stage = atomic_load(&rollout->state->stage);
    return rw_rollout_stage(rollout->config, stage ? stage : 1);
}

#endif
