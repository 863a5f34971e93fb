/* Cores that all jobs share: processor sharing. Each of n jobs on c cores goes on at min(1, c/n) of
 * a core's speed, so that a short one is not kept waiting by a long one before it.
 *
 * Here an arrival changes when all others end, so nothing is known in advance: whoever owns it adds
 * a job, looks when the first one will end (rw_simulate_share_end), and comes back then to take it,
 * unless something was added meanwhile. Jobs wait in a heap by how much service each has had to get
 * since the beginning (virtual time; L. Kleinrock, *Queueing Systems* II, 4.4), which arrivals do
 * not change. Times in absolute seconds, never going back. One thread.
 */
#ifndef RW_SIMULATE_SHARE_H
#define RW_SIMULATE_SHARE_H

#include "base/err.h"

#include <stdint.h>

struct rw_simulate_share_job {
    double until; /* virtual time */
    uint32_t number;
};

struct rw_simulate_share {
    struct rw_simulate_share_job *jobs; /* a heap */
    uint32_t count, room, servers;
    double served, at; /* virtual time, and the time that it is of */
};

void rw_simulate_share_open(struct rw_simulate_share *share, uint32_t servers);
void rw_simulate_share_close(struct rw_simulate_share *share);

/* `number` is the caller's. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_simulate_share_add(struct rw_simulate_share *share, double now,
                                                double service, uint32_t number);
/* When the first will end, if nothing is added; INFINITY: there is none. */
double rw_simulate_share_end(const struct rw_simulate_share *share);
/* The first, which ends at `now`; there is one. */
uint32_t rw_simulate_share_take(struct rw_simulate_share *share, double now);

#endif
