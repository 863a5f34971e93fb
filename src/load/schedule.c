#include "load/schedule.h"

#include <math.h>

static double phase_arrivals(const struct rw_phase *phase)
{
    return phase->seconds * (phase->from + phase->to) / 2;
}

/* When, within the phase, its arrivals reach `count`: the root of from * t + slope * t^2 / 2. */
static double phase_time(const struct rw_phase *phase, double count)
{
    double slope = (phase->to - phase->from) / phase->seconds;
    double root = sqrt(fmax(phase->from * phase->from + 2 * slope * count, 0));
    /* Without cancellation, also for a slope of nearly nothing; at the very begin of a rise from
     * nothing both are 0. */
    double sum = phase->from + root;
    return sum > 0 ? 2 * count / sum : 0;
}

static double exponential(struct rw_random *random)
{
    /* 53 bits, never 0. */
    double uniform = ((double)(rw_random_u64(random) >> 11) + 0.5) / 9007199254740992.0;
    return -log(uniform);
}

static bool is_poisson(const struct rw_schedule *schedule)
{
    const struct rw_profile *profile = schedule->profile;
    return profile->arrivals == RW_ARRIVALS_POISSON && !profile->times_ns;
}

static bool next_time(struct rw_schedule *schedule, uint64_t *due_ns)
{
    size_t number = (size_t)schedule->next;
    if (number >= schedule->profile->time_count)
        return false;
    *due_ns = schedule->profile->times_ns[number];
    schedule->next += schedule->shares;
    return true;
}

static double next_gap(struct rw_schedule *schedule)
{
    double gap = is_poisson(schedule) ? exponential(&schedule->random) : 1;
    return gap * schedule->shares;
}

void rw_schedule_begin(struct rw_schedule *schedule, const struct rw_profile *profile,
                       unsigned share, unsigned shares, uint64_t seed)
{
    *schedule = (struct rw_schedule){.profile = profile, .shares = shares};
    rw_random_seed(&schedule->random, seed + share);
    schedule->next = is_poisson(schedule) ? next_gap(schedule) : share;
}

bool rw_schedule_next(struct rw_schedule *schedule, uint64_t *due_ns)
{
    const struct rw_profile *profile = schedule->profile;
    if (profile->times_ns)
        return next_time(schedule, due_ns);
    for (; schedule->phase < profile->phase_count; schedule->phase++) {
        const struct rw_phase *phase = &profile->phases[schedule->phase];
        double arrivals = phase_arrivals(phase);
        /* A whole number of arrivals may come out as a hair less. */
        if (schedule->next < schedule->before + arrivals - 1e-9 * (1 + schedule->before)) {
            double at_s = schedule->begun_s + phase_time(phase, schedule->next - schedule->before);
            *due_ns = (uint64_t)(at_s * 1e9);
            schedule->next += next_gap(schedule);
            return true;
        }
        schedule->before += arrivals;
        schedule->begun_s += phase->seconds;
    }
    return false;
}

double rw_profile_seconds(const struct rw_profile *profile)
{
    double sum = 0;
    if (profile->times_ns) /* a second for the last one's */
        return (double)profile->times_ns[profile->time_count - 1] / 1e9 + 1;
    for (unsigned i = 0; i < profile->phase_count; i++)
        sum += profile->phases[i].seconds;
    return sum;
}

double rw_profile_arrivals(const struct rw_profile *profile)
{
    double sum = (double)profile->time_count;
    for (unsigned i = 0; i < profile->phase_count; i++)
        sum += phase_arrivals(&profile->phases[i]);
    return sum;
}

double rw_profile_rate(const struct rw_profile *profile, double seconds)
{
    for (unsigned i = 0; i < profile->phase_count; i++) {
        const struct rw_phase *phase = &profile->phases[i];
        if (seconds < phase->seconds)
            return phase->from + (phase->to - phase->from) * seconds / phase->seconds;
        seconds -= phase->seconds;
    }
    return 0;
}
