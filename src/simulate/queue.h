/* A queue in front of equal servers, first come, first served: G/G/k, one arrival at a time.
 *
 * What it knows is when each server will be free (J. Kiefer and J. Wolfowitz, 1955; for one server
 * D. V. Lindley, 1952): that is all that a later arrival's wait depends on, so an arrival's whole
 * stay is known at once, without an event for its end. Arrivals come in the order of their times,
 * absolute seconds. One thread.
 */
#ifndef RW_SIMULATE_QUEUE_H
#define RW_SIMULATE_QUEUE_H

#include "base/err.h"
#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rw_simulate_queue {
    double *free;  /* when each server is free; a heap, the earliest first, unless `pinned` */
    double *begun; /* a ring: when those that wait, or waited, begin to be served */
    uint32_t servers;
    uint32_t room, first, count; /* of the ring; room 0: any number may wait */
    bool pinned; /* each arrival belongs to a server of its own, as a connection to its core */
};

/* RW_ENOMEM. rw_simulate_queue_close in any case. */
RW_MUST_CHECK enum rw_err rw_simulate_queue_open(struct rw_simulate_queue *queue, uint32_t servers,
                                                 bool pinned, uint32_t waiting_max);
void rw_simulate_queue_close(struct rw_simulate_queue *queue);

/* Nobody is there, from `now` on. */
void rw_simulate_queue_clear(struct rw_simulate_queue *queue, double now);
/* The same state as another one of the same shape. */
void rw_simulate_queue_copy(struct rw_simulate_queue *to, const struct rw_simulate_queue *from);

/* Which server an arrival would get. */
static inline uint32_t rw_simulate_queue_choose(const struct rw_simulate_queue *queue,
                                                struct rw_random *random)
{
    return queue->pinned && queue->servers > 1 ? rw_random_below(random, queue->servers) : 0;
}

/* How long an arrival at `now` would wait for it. */
static inline double rw_simulate_queue_wait(const struct rw_simulate_queue *queue, uint32_t server,
                                            double now)
{
    return queue->free[server] > now ? queue->free[server] - now : 0;
}

/* Do as many wait as may? */
bool rw_simulate_queue_full(struct rw_simulate_queue *queue, double now);

/* The arrival takes its place; when it will have been served. */
double rw_simulate_queue_serve(struct rw_simulate_queue *queue, uint32_t server, double now,
                               double service);

/* Time passes over it: everything that is to happen happens so much later. */
void rw_simulate_queue_shift(struct rw_simulate_queue *queue, double seconds);

/* Shortens all waits at `now` by up to `seconds`, down to `least`; below that nothing changes. */
void rw_simulate_queue_drain(struct rw_simulate_queue *queue, double now, double seconds,
                             double least);

#endif
