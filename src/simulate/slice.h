/* Within simulate: a queue of which only the begin of each second is simulated.
 *
 * In sampled mode a queue sees as many arrivals a second as the budget allows, at their true
 * distances; then the rest of the second is passed over. What happens in the rest is known from the
 * rate (R. Stolletz, "Approximation of the non-stationary M(t)/M(t)/c(t)-queue using stationary
 * queueing models: the stationary backlog-carryover approach", 2008): beyond capacity the backlog
 * grows by what is too much, below it a backlog larger than usual shrinks by what is left over, and
 * a usual one stays (pointwise stationary: L. V. Green and P. J. Kolesar, 1991).
 */
#ifndef RW_SIMULATE_SLICE_H
#define RW_SIMULATE_SLICE_H

#include "simulate/queue.h"

/* The second began at `begin` and has been simulated up to `end`. `work` is what comes in a second,
 * in seconds of one server; `service` the mean of one arrival's, `cv2` its variation. No wait grows
 * beyond `wait_max`. */
void rw_simulate_slice_rest(struct rw_simulate_queue *queue, double begin, double end, double work,
                            double service, double cv2, double wait_max);

#endif
