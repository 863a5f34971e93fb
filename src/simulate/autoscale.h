/* How many nodes there should be: the algorithm of Kubernetes' Horizontal Pod Autoscaler
 * (https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/, "Algorithm details"
 * and "Configurable scaling behavior").
 *
 * Each second rw_simulate_autoscale_second takes note of how busy the nodes were; at the end of
 * each period it compares the mean with the target: ceil(nodes x busy / target), unless that is
 * within the tolerance. Nodes that are not ready count as idle when that would mean more nodes.
 * Then the stabilisation windows, then at most so much up or down in a step. One thread.
 */
#ifndef RW_SIMULATE_AUTOSCALE_H
#define RW_SIMULATE_AUTOSCALE_H

#include "simulate/fleet.h"

enum { RW_SIMULATE_ADVICE_MAX = 3600 };

/* What was wanted, and how many there were, at a time. */
struct rw_simulate_advice {
    double at_s;
    unsigned wanted, nodes;
};

struct rw_simulate_autoscale {
    const struct rw_simulate_autoscaling *terms; /* NULL: none */
    double busy_sum;                             /* of the nodes that serve, by their cores */
    double core_seconds, next_s;
    struct rw_simulate_advice past[RW_SIMULATE_ADVICE_MAX]; /* a ring */
    unsigned first, count;
};

void rw_simulate_autoscale_begin(struct rw_simulate_autoscale *autoscale,
                                 const struct rw_simulate_model *model);
/* After the second that began at `now`: sets fleet->wanted for the next one. */
void rw_simulate_autoscale_second(struct rw_simulate_autoscale *autoscale,
                                  struct rw_simulate_fleet *fleet, double now);

/* Pure, for tests: how many of `nodes` (`ready` of which serve) are wanted at that much load. */
unsigned rw_simulate_advise(const struct rw_simulate_autoscaling *terms, unsigned nodes,
                            unsigned ready, double busy);

#endif
