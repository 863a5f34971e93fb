/* The nodes: from their launch to their end, and the connections that they hold.
 *
 * Once a second of simulated time run.c calls: rw_simulate_fleet_advance (what was to happen by now
 * happens: a node is ready, has drained, is found dead, is back), then whoever changes the fleet
 * (failures, deploys, the autoscaler: they set `wanted`, kill nodes, begin a new generation), then
 * rw_simulate_fleet_reconcile, which launches and drains nodes until the fleet is as wanted, then
 * rw_simulate_fleet_connect, which gives the users their connections. One thread.
 *
 * A node's life: BOOTING, WARMING (slower), SERVING, DRAINING, GONE. When it fails it is DEAD,
 * which nobody knows until the health checks have found it; then DOWN until it is back, or GONE
 * when it is replaced.
 */
#ifndef RW_SIMULATE_FLEET_H
#define RW_SIMULATE_FLEET_H

#include "simulate/model.h"
#include "simulate/queue.h"

enum rw_simulate_state {
    RW_SIMULATE_BOOTING,
    RW_SIMULATE_WARMING,
    RW_SIMULATE_SERVING,
    RW_SIMULATE_DRAINING,
    RW_SIMULATE_DEAD,
    RW_SIMULATE_DOWN,
    RW_SIMULATE_GONE,
    RW_SIMULATE_STATES
};

struct rw_simulate_node {
    const struct rw_simulate_type *type;
    enum rw_simulate_state state;
    unsigned zone, generation;
    unsigned life;     /* grows when it dies: what was in flight is lost */
    double until_s;    /* when the state ends by itself; INFINITY: never */
    double back_s;     /* DEAD, DOWN: when it is there again; INFINITY: replaced, or never */
    double fails_s;    /* by chance */
    double launched_s; /* is paid for from then on */
    double speed;
    double connections;
    /* Of the current second: what comes, and (engine.h) what it takes. */
    double rate, handshakes;
    double busy;      /* share of its cores */
    double in_flight; /* requests */
    double handshakes_lost;
    struct rw_simulate_queue queue;
};

/* How a generation of nodes comes and goes. */
struct rw_simulate_terms {
    double ready_s, drain_s, warmup_s, warmup_speed;
};

struct rw_simulate_fleet {
    const struct rw_simulate_model *model;
    struct rw_random *random; /* the run's */
    struct rw_simulate_node *nodes;
    uint32_t count, room;
    bool per_core; /* a node's queue is that of one core, which stands for all */
    unsigned wanted;
    unsigned generation;
    unsigned surge, unavailable; /* while a deploy goes on */
    bool deploying;
    struct rw_simulate_terms terms;
    bool zone_down[RW_SIMULATE_ZONES_MAX];
    double now_s;
    double *returning; /* connections that will be back, by second from now: a ring */
    unsigned returning_room;
    double returning_sum;
    double connections_wanted, connections_held;
    /* Counted; the reader sets them back. */
    double accepted, refused_memory, refused_limit;
    double cut_off; /* requests that were in flight on nodes that died */
    unsigned launched, failed;
};

/* RW_ENOMEM. rw_simulate_fleet_close in any case. */
RW_MUST_CHECK enum rw_err rw_simulate_fleet_open(struct rw_simulate_fleet *fleet,
                                                 const struct rw_simulate_model *model,
                                                 struct rw_random *random, bool per_core);
void rw_simulate_fleet_close(struct rw_simulate_fleet *fleet);

void rw_simulate_fleet_advance(struct rw_simulate_fleet *fleet, double now_s);
/* RW_ENOMEM; RW_ELIMIT: more nodes than RW_SIMULATE_NODES_MAX. */
RW_MUST_CHECK enum rw_err rw_simulate_fleet_reconcile(struct rw_simulate_fleet *fleet);
/* `wanted`: connections of all users that are there. At the very begin they are there already. */
void rw_simulate_fleet_connect(struct rw_simulate_fleet *fleet, double wanted, bool first);

/* It is gone at once, and back after `for_s`, unless it is replaced. */
void rw_simulate_fleet_kill(struct rw_simulate_fleet *fleet, struct rw_simulate_node *node,
                            double for_s);

/* How many nodes are in a state. */
unsigned rw_simulate_fleet_count(const struct rw_simulate_fleet *fleet,
                                 enum rw_simulate_state state);
/* The least and the most that the types allow. */
unsigned rw_simulate_fleet_least(const struct rw_simulate_model *model);
unsigned rw_simulate_fleet_most(const struct rw_simulate_model *model);

/* Does it get new requests and connections? */
static inline bool rw_simulate_node_serves(const struct rw_simulate_node *node)
{
    return node->state == RW_SIMULATE_SERVING || node->state == RW_SIMULATE_WARMING;
}

/* Does it cost something? What is paid for ends with the node. */
static inline bool rw_simulate_node_billed(const struct rw_simulate_node *node)
{
    return node->state != RW_SIMULATE_GONE;
}

double rw_simulate_node_memory(const struct rw_simulate_model *model,
                               const struct rw_simulate_node *node);

#endif
