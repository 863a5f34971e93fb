/* When requests are due: an open-loop schedule that knows nothing of the answers.
 *
 * A profile is a row of phases, each with a rate that is constant or changes evenly. Arrivals are
 * evenly spaced in it, or a Poisson process: the k-th arrival is where the integral of the rate
 * reaches k, or a sum of k exponential numbers. Of `shares` schedules with the same profile, each
 * gives every so-many-th arrival (even) or its part of the process (Poisson), so that threads
 * together keep the rate exactly. In place of phases a profile may be a row of times, of a log that
 * is replayed. No clock: times are nanoseconds since the begin.
 */
#ifndef RW_LOAD_SCHEDULE_H
#define RW_LOAD_SCHEDULE_H

#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rw_arrivals { RW_ARRIVALS_EVEN, RW_ARRIVALS_POISSON };

enum { RW_PHASES_MAX = 64 };

struct rw_phase {
    double seconds;
    double from, to; /* requests per second at its begin and its end */
};

struct rw_profile {
    enum rw_arrivals arrivals;
    unsigned phase_count;
    struct rw_phase phases[RW_PHASES_MAX];
    const uint64_t *times_ns; /* in place of phases: since the begin, rising; the owner's */
    size_t time_count;
};

struct rw_schedule {
    const struct rw_profile *profile;
    struct rw_random random;
    unsigned shares;
    unsigned phase;
    double begun_s; /* when the phase began */
    double before;  /* arrivals that the phases before it have brought (of all shares) */
    double next;    /* the next arrival's number (of all shares; Poisson: not whole) */
};

/* `share` is from 0 to shares - 1. The profile outlives the schedule. */
void rw_schedule_begin(struct rw_schedule *schedule, const struct rw_profile *profile,
                       unsigned share, unsigned shares, uint64_t seed);
/* False: the profile is over. */
bool rw_schedule_next(struct rw_schedule *schedule, uint64_t *due_ns);

double rw_profile_seconds(const struct rw_profile *profile);
/* Expected, of all shares. */
double rw_profile_arrivals(const struct rw_profile *profile);
/* At a time since the begin, by the phases; 0 after the end. */
double rw_profile_rate(const struct rw_profile *profile, double seconds);

#endif
