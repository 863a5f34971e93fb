/* How many nodes there should be: the algorithm of Kubernetes' Horizontal Pod Autoscaler
 * (https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/, "Algorithm details"
 * and "Configurable scaling behavior").
 *
 * Each second rw_simulate_autoscale_second takes note of how busy the nodes were; at the end of
 * each period it compares the mean with the target: ceil(nodes x busy / target), unless that is
 * within the tolerance; the same with their memory, if that has a target, and the larger number
 * counts. Nodes that are not ready count as idle when that would mean more nodes.
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
    /* Of the nodes that serve, since it looked last: busy cores of all, bytes taken of all. */
    double busy_core_s, core_s, taken_byte_s, byte_s;
    double next_s;
    struct rw_simulate_advice past[RW_SIMULATE_ADVICE_MAX]; /* a ring */
    unsigned first, count;
};

void rw_simulate_autoscale_begin(struct rw_simulate_autoscale *autoscale,
                                 const struct rw_simulate_model *model);
/* After the second that began at `now`: sets fleet->wanted for the next one. */
void rw_simulate_autoscale_second(struct rw_simulate_autoscale *autoscale,
                                  struct rw_simulate_fleet *fleet, double now);

/* Pure: how many are wanted when `ready` of `nodes` serve and are used so much times more than they
 * are to be. */
unsigned rw_simulate_advise(unsigned nodes, unsigned ready, double ratio, double tolerance);

#endif
