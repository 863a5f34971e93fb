/* What stands behind the nodes: endpoints, each with so many servers and a queue in front of them;
 * a request goes to any of them with the same chance, and may be tried again elsewhere.
 *
 * Requests that are split by chance over endpoints come to each as a Poisson process of its own, so
 * one endpoint simulated with its part of the rate is as good as any: sampled mode does so
 * (rw_simulate_origin_sample, before the nodes of the second). Exact mode has them all
 * (rw_simulate_origin_try). What is given up by the gateway is served nevertheless.
 */
#ifndef RW_SIMULATE_ORIGIN_H
#define RW_SIMULATE_ORIGIN_H

#include "simulate/ledger.h"
#include "simulate/model.h"
#include "simulate/queue.h"

enum { RW_SIMULATE_ORIGIN_SAMPLES_MAX = 4096 };

/* How one try ends, and after how long. */
struct rw_simulate_try {
    double seconds;
    bool failed;
    enum rw_simulate_cause cause;
};

struct rw_simulate_origin_state {
    const struct rw_simulate_origin *origin; /* NULL: there is none, and every try ends at once */
    struct rw_random *random;
    struct rw_simulate_queue *endpoints;
    unsigned endpoint_count;
    double slower, error_share; /* while it ails: failure.h */
    double tokens;              /* of the retry budget, in retries */
    double tries, tried_again;  /* of the second */
    double again_share;         /* of the last second: retries for each first try */
    /* Sampled mode. */
    struct rw_simulate_try *samples;
    unsigned sample_count;
};

/* RW_ENOMEM. rw_simulate_origin_close in any case. */
RW_MUST_CHECK enum rw_err rw_simulate_origin_open(struct rw_simulate_origin_state *state,
                                                  const struct rw_simulate_origin *origin,
                                                  struct rw_random *random, bool sampled);
void rw_simulate_origin_close(struct rw_simulate_origin_state *state);

/* A second begins. */
void rw_simulate_origin_second(struct rw_simulate_origin_state *state);

/* One try at `now`; times rise from call to call. */
struct rw_simulate_try rw_simulate_origin_try(struct rw_simulate_origin_state *state, double now);

/* The second from `now` on, in which `rate` first tries come: fills the samples, `detail` at most.
 */
void rw_simulate_origin_sample(struct rw_simulate_origin_state *state, double now, double rate,
                               unsigned detail);
/* One of them. */
struct rw_simulate_try rw_simulate_origin_pick(const struct rw_simulate_origin_state *state);

/* A first try is made: it earns its part of the budget. */
void rw_simulate_origin_begin(struct rw_simulate_origin_state *state);
/* After `tries` that failed, may there be another one? */
bool rw_simulate_origin_again(struct rw_simulate_origin_state *state, unsigned tries);

#endif
