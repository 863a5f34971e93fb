#include "gate/release/judge.h"

#include <math.h>

/* ---- Fisher ---- */

static double log_choose(double n, double k)
{
    int sign;
    return lgamma_r(n + 1, &sign) - lgamma_r(k + 1, &sign) - lgamma_r(n - k + 1, &sign);
}

/* `drawn` of `all` have been drawn, and `marked` of all are marked. */
struct urn {
    double all, marked, drawn;
};

static double log_chance(const struct urn *urn, double x)
{
    return log_choose(urn->marked, x) + log_choose(urn->all - urn->marked, urn->drawn - x) -
           log_choose(urn->all, urn->drawn);
}

/* The sum of the chances from x on in one direction, in which they fall; what no longer counts is
 * left out. */
static double tail(const struct urn *urn, double x, bool up)
{
    double unmarked_left = urn->all - urn->marked - urn->drawn;
    double chance = exp(log_chance(urn, x)), sum = 0;
    while (chance > sum * 1e-17) {
        sum += chance;
        double gain = up ? (urn->marked - x) * (urn->drawn - x) : x * (unmarked_left + x);
        double loss =
            up ? (x + 1) * (unmarked_left + x + 1) : (urn->marked - x + 1) * (urn->drawn - x + 1);
        if (gain <= 0)
            break;
        chance *= gain / loss;
        x += up ? 1 : -1;
    }
    return sum < 1 ? sum : 1;
}

double rw_fisher_greater(uint64_t hits, uint64_t total, uint64_t other_hits, uint64_t other_total)
{
    const struct urn urn = {.all = (double)total + (double)other_total,
                            .marked = (double)hits + (double)other_hits,
                            .drawn = (double)total};
    double x = (double)hits;
    double fewest = urn.marked > (double)other_total ? urn.marked - (double)other_total : 0;
    if (x <= fewest)
        return 1;
    bool above = x * urn.all > urn.marked * urn.drawn;
    return above ? tail(&urn, x, true) : 1 - tail(&urn, x - 1, false);
}

/* ---- Counts ---- */

struct rw_release_counts rw_release_counts_since(const struct rw_series_cell *now,
                                                 const struct rw_release_counts *then)
{
    struct rw_release_counts counts = {.errors = now->failures - then->errors};
    for (unsigned i = 0; i < RW_LATENCY_BUCKETS; i++) {
        counts.buckets[i] = now->buckets[i] - then->buckets[i];
        counts.requests += counts.buckets[i];
    }
    /* They are read while threads count: an error may be seen before its request. */
    if (counts.errors > counts.requests)
        counts.errors = counts.requests;
    return counts;
}

double rw_release_error_rate(const struct rw_release_counts *counts)
{
    return counts->requests ? (double)counts->errors / (double)counts->requests : 0;
}

/* ---- Latency ---- */

static const double bounds_us[] = {
#define BOUND(us) us,
    RW_LATENCY_BOUNDS_US(BOUND)
#undef BOUND
};
_Static_assert(sizeof(bounds_us) / sizeof(bounds_us[0]) == RW_LATENCY_BUCKETS - 1, "bounds");

double rw_release_quantile_us(const struct rw_release_counts *counts, double quantile)
{
    double rank = quantile * (double)counts->requests, before = 0;
    for (unsigned i = 0; i < RW_LATENCY_BUCKETS - 1; i++) {
        double here = (double)counts->buckets[i], from = i ? bounds_us[i - 1] : 0;
        if (here > 0 && before + here >= rank)
            return from + (bounds_us[i] - from) * (rank - before) / here;
        before += here;
    }
    return counts->requests ? bounds_us[RW_LATENCY_BUCKETS - 2] : 0;
}

static uint64_t slower_than(const struct rw_release_counts *counts, unsigned bucket)
{
    uint64_t count = 0;
    for (unsigned i = bucket + 1; i < RW_LATENCY_BUCKETS; i++)
        count += counts->buckets[i];
    return count;
}

/* The bucket behind whose end both together have nearest to `aim` (by the ratio), and something.
 * Which of the two a response is of plays no part in it: that keeps the test exact. */
static unsigned parting(const struct rw_release_counts *a, const struct rw_release_counts *b,
                        double aim)
{
    double nearest = INFINITY;
    unsigned best = RW_LATENCY_BUCKETS - 1;
    for (unsigned i = 0; i < RW_LATENCY_BUCKETS - 1; i++) {
        double slow = (double)(slower_than(a, i) + slower_than(b, i));
        double off = slow > 0 ? fabs(log(slow / aim)) : INFINITY;
        if (off < nearest) {
            nearest = off;
            best = i;
        }
    }
    return best;
}

static double slower_beyond(const struct rw_release_counts *candidate,
                            const struct rw_release_counts *baseline, unsigned bucket)
{
    return rw_fisher_greater(slower_than(candidate, bucket), candidate->requests,
                             slower_than(baseline, bucket), baseline->requests);
}

double rw_release_slower_p(const struct rw_release_counts *candidate,
                           const struct rw_release_counts *baseline, double quantile)
{
    uint64_t all = candidate->requests + baseline->requests;
    double beyond = 1 - quantile, of_baseline = beyond * (double)baseline->requests;
    unsigned tail = parting(candidate, baseline, beyond * (double)all);
    unsigned body = parting(candidate, baseline, (double)candidate->requests + of_baseline);
    double p = slower_beyond(candidate, baseline, tail);
    if (body == tail || slower_than(candidate, body) + slower_than(baseline, body) == all)
        return p; /* that one would part nothing */
    double other = slower_beyond(candidate, baseline, body);
    p = 2 * (other < p ? other : p);
    return p < 1 ? p : 1;
}

/* ---- The look ---- */

struct rw_judgement rw_judge(const struct rw_judge_settings *settings, unsigned look,
                             const struct rw_release_counts *candidate,
                             const struct rw_release_counts *baseline)
{
    double q = settings->quantile;
    struct rw_judgement found = {
        .error_rates = {rw_release_error_rate(candidate), rw_release_error_rate(baseline)},
        .quantiles_us = {rw_release_quantile_us(candidate, q), rw_release_quantile_us(baseline, q)},
        .errors_p = rw_fisher_greater(candidate->errors, candidate->requests, baseline->errors,
                                      baseline->requests),
        .latency_p = rw_release_slower_p(candidate, baseline, q),
        .limit = settings->alpha / 2 / ((double)look * ((double)look + 1)),
    };
    bool errors_beyond = found.error_rates[0] - found.error_rates[1] > settings->error_tolerance;
    bool latency_beyond =
        found.quantiles_us[0] > found.quantiles_us[1] * (1 + settings->latency_tolerance);
    found.more_errors = errors_beyond && found.errors_p < found.limit;
    found.slower = latency_beyond && found.latency_p < found.limit;
    found.within = !errors_beyond && !latency_beyond;
    return found;
}
