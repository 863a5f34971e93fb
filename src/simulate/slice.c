#include "simulate/slice.h"

#include "plan/model/queueing.h"

#include <math.h>

/* A wait that chance alone exceeds once in e^10 arrivals. */
#define USUAL_WAITS 10

static double shortest_wait(const struct rw_simulate_queue *queue, double now)
{
    double wait = INFINITY;
    for (uint32_t i = 0; i < queue->servers; i++)
        wait = fmin(wait, queue->free[i] - now);
    return wait;
}

void rw_simulate_slice_rest(struct rw_simulate_queue *queue, double begin, double end, double work,
                            double service, double cv2, double wait_max)
{
    double rest = begin + 1 - end, load = work / queue->servers;
    rw_simulate_queue_shift(queue, rest);
    if (rest <= 0 || service <= 0)
        return;
    double now = begin + 1, wait = shortest_wait(queue, now);
    if (load >= 1) {
        double more = fmin((load - 1) * rest, wait_max - wait);
        if (more > 0)
            rw_simulate_queue_shift(queue, more);
        return;
    }
    if (wait <= service) /* never more than usual: no need to look */
        return;
    double usual = rw_model_ggc_wait(work / service, 1 / service, queue->servers, 1, cv2);
    rw_simulate_queue_drain(queue, now, (1 - load) * rest, USUAL_WAITS * fmax(usual, service));
}
