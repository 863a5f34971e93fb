/* Is the new version of a release worse than the one beside it? Pure functions of what was counted
 * of both in the same time.
 *
 * Errors: Fisher's exact test, one-sided, of the two versions' errors. Latency: the quantile test
 * (Johnson, Verrill and Moore, Two-sample rank tests for detecting changes that occur in a small
 * proportion of the treated population, Biometrics 43, 1987): both versions' responses together are
 * parted at a bound of the histogram near the quantile, and Fisher's test says whether too many of
 * the slow ones are the new version's. A version that is slow all over has all of the slow ones
 * behind that bound, and with much of the traffic most of its own before it: so they are also
 * parted where all of the new version and the baseline's slowest would be behind, and of two
 * partings the smaller p counts twice (Boole's inequality). Both tests are exact: without a
 * difference between the versions the chance of a p-value of at most `a` is at most `a`, however
 * few errors there are.
 *
 * Who looks again and again finds something in the end. So the looks are numbered, and the k-th may
 * only be wrong with a chance of alpha / (k (k + 1)), the sum of which over all k is alpha (Boole's
 * inequality); they are made when the number of requests has grown by half, not at every moment
 * (geometric epochs, as in Howard, Ramdas, McAuliffe and Sekhon, Time-uniform, nonparametric,
 * nonasymptotic confidence sequences, Annals of Statistics 49, 2021), which keeps k small. Any
 * thread.
 */
#ifndef RW_GATE_RELEASE_JUDGE_H
#define RW_GATE_RELEASE_JUDGE_H

#include "watch/metrics.h"

/* The chance, if hits had nothing to do with the group, that of all hits this many or more are in
 * the first group: P(X >= hits), X hypergeometric. */
double rw_fisher_greater(uint64_t hits, uint64_t total, uint64_t other_hits, uint64_t other_total);

/* What was counted of one version. */
struct rw_release_counts {
    uint64_t requests, errors;
    uint64_t buckets[RW_LATENCY_BUCKETS];
};

/* Of a series, since `then`. */
struct rw_release_counts rw_release_counts_since(const struct rw_series_cell *now,
                                                 const struct rw_release_counts *then);

double rw_release_error_rate(const struct rw_release_counts *counts); /* 0 of nothing */

/* Microseconds, linear within a bucket; past the last bound that bound; 0 of nothing. `quantile`
 * in (0, 1). */
double rw_release_quantile_us(const struct rw_release_counts *counts, double quantile);

/* One-sided p of the quantile test: the first has more slow ones. 1 when nothing parts them. */
double rw_release_slower_p(const struct rw_release_counts *candidate,
                           const struct rw_release_counts *baseline, double quantile);

struct rw_judge_settings {
    double alpha;             /* of both tests and all looks together */
    double error_tolerance;   /* of the rates' difference */
    double quantile;          /* of latency */
    double latency_tolerance; /* of the quantiles' ratio, less 1 */
};

/* What a look has found. */
struct rw_judgement {
    double error_rates[2]; /* of the candidate, of the baseline */
    double quantiles_us[2];
    double errors_p, latency_p;
    double limit;             /* a p below this, at this look, is no chance */
    bool more_errors, slower; /* beyond the tolerance, and no chance */
    bool within;              /* the figures are within the tolerances */
};

/* The look number `look`, from 1. */
struct rw_judgement rw_judge(const struct rw_judge_settings *settings, unsigned look,
                             const struct rw_release_counts *candidate,
                             const struct rw_release_counts *baseline);

#endif
