/* What goes wrong at its time: nodes, a zone, the origin. (Nodes that die by chance: fleet.h.) */
#ifndef RW_SIMULATE_FAILURE_H
#define RW_SIMULATE_FAILURE_H

#include "simulate/fleet.h"
#include "simulate/origin.h"

/* What begins or ends in the second from `now` on. */
void rw_simulate_failures_second(const struct rw_simulate_model *model,
                                 struct rw_simulate_fleet *fleet,
                                 struct rw_simulate_origin_state *origin, double now);

#endif
