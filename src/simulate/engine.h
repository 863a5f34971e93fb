/* Requests through the nodes, a second at a time: two ways to do it, with the same results.
 *
 * exact.c: every request is a chain of events: it comes to a node, waits for a core, goes to the
 * origin, perhaps again, and is answered. What is in flight at the end of a second is there in the
 * next. Its cost is that of its requests.
 *
 * sampled.c: nodes in the same state that get the same load are alike, so one of them stands for
 * its class; and of a second so many of its requests are simulated as the budget allows, each of
 * which counts for many (slice.h has what becomes of the rest of the second). Its cost is that of
 * its seconds, whatever the rate. It is right where arrivals are independent (a Poisson process
 * split by chance is Poisson on every node), and where the load changes little within a second;
 * tests compare both ways.
 *
 * Requests of a second go through these calls, in this order: open once; `second` for each second;
 * close. The ledger is told of every request. One thread.
 */
#ifndef RW_SIMULATE_ENGINE_H
#define RW_SIMULATE_ENGINE_H

#include "simulate/origin.h"
#include "simulate/traffic.h"

struct rw_simulate_world {
    const struct rw_simulate_model *model;
    struct rw_random random;
    struct rw_simulate_fleet fleet;
    struct rw_simulate_traffic traffic;
    struct rw_simulate_origin_state origin;
    struct rw_simulate_ledger *ledger;
    double response_s; /* mean of the last second's answers */
    unsigned detail;   /* sampled: requests of a class in a second */
    void *engine;      /* the engine's own */
};

struct rw_simulate_engine {
    const char *name;
    bool cuts_off; /* finds by itself what was in flight on a dead node */
    enum rw_err (*open)(struct rw_simulate_world *world);
    void (*close)(struct rw_simulate_world *world);
    /* Fills each node's busy, in_flight and handshakes_lost. RW_ENOMEM; RW_ELIMIT: too many
     * requests for it. */
    enum rw_err (*second)(struct rw_simulate_world *world, double now);
};

extern const struct rw_simulate_engine rw_simulate_exact, rw_simulate_sampled;

/* The chance that the next job of a node is a handshake, not a request. */
static inline double rw_simulate_handshake_share(const struct rw_simulate_node *node)
{
    double jobs = node->rate + node->handshakes;
    return jobs > 0 ? node->handshakes / jobs : 0;
}

/* Seconds of a core that come to a node in a second. */
static inline double rw_simulate_node_work(const struct rw_simulate_world *world,
                                           const struct rw_simulate_node *node)
{
    return (node->rate * world->model->request->cpu.mean +
            node->handshakes * world->model->connection->handshake_s) /
           node->speed;
}

#endif
