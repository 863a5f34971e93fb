/* A simulation: the model's seconds, one after the other, for each of the runs.
 *
 * rw_simulate_run blocks; meanwhile it calls `progress` after some of the seconds on the caller's
 * thread. rw_simulate_stop (any thread, signal handlers) ends it early: then there is no result.
 * Runs differ by their seed alone: model->seed, and the numbers after it. The same model and seed
 * give the same result, on every machine whose C library computes the same logarithms.
 */
#ifndef RW_SIMULATE_RUN_H
#define RW_SIMULATE_RUN_H

#include "simulate/deploy.h"
#include "simulate/engine.h"
#include "simulate/ledger.h"

#include <stdatomic.h>

struct rw_simulate_result {
    struct rw_simulate_ledger ledger;
    uint64_t seed;
    unsigned deploys_done, deploys_begun;
    double deploy_longest_s;
};

struct rw_simulate_run {
    /* The caller's. */
    const struct rw_simulate_model *model;
    unsigned runs;
    void (*progress)(double share, const struct rw_simulate_ledger *ledger, void *user);
    void *user;
    /* Called after every second, for tests. */
    void (*look)(const struct rw_simulate_world *world, void *user);
    /* Results, `runs` of them. */
    struct rw_simulate_result *results;
    struct rw_histogram *latency; /* of all runs */
    /* Its own. */
    unsigned done;
    _Atomic bool stop;
};

/* RW_ENOMEM; RW_ELIMIT: more requests or nodes than it takes; RW_ECANCELED. The results are the
 * caller's to close in any case. */
RW_MUST_CHECK enum rw_err rw_simulate_run(struct rw_simulate_run *run);
void rw_simulate_stop(struct rw_simulate_run *run);
void rw_simulate_run_close(struct rw_simulate_run *run);

const struct rw_simulate_engine *rw_simulate_engine_of(const struct rw_simulate_model *model);

#endif
