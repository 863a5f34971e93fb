/* How sure a measured figure is: intervals that hold for any distribution of latencies.
 *
 * All of it rests on one function, the regularised incomplete beta function I_x(a, b), by its
 * continued fraction (NIST DLMF 8.17.22); quantiles are found by bisection. Pure functions; any
 * thread. `confidence` is a share, 0.95; the intervals are two-sided, and each side may err by
 * (1 - confidence) / 2.
 */
#ifndef RW_VERIFY_CONFIDENCE_H
#define RW_VERIFY_CONFIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rw_interval {
    double low, high;
};

/* I_x(a, b) for 0 <= x <= 1 and a, b > 0. */
double rw_beta_share(double a, double b, double x);

/* P(X <= k) of a binomial distribution. */
double rw_binomial_share(uint64_t k, uint64_t n, double p);

/* Of a share, from `k` out of `n`: Clopper and Pearson, Biometrika 26 (1934): never less sure than
 * asked for. 0 to 1 where n is 0. */
struct rw_interval rw_confidence_share(uint64_t k, uint64_t n, double confidence);

/* So many without a failure are needed, to be sure that fewer than `share` (above 0) fail. */
uint64_t rw_confidence_trials(double share, double confidence);

/* Of a quantile (0 < share < 1) of `n` values: the ranks, from 1, of the values that bound it,
 * whatever their distribution (David and Nagaraja, Order Statistics, section 7.1). False: `n` is
 * too small for a bound on both sides; *low 0 or *high above `n`: there is none on that side. */
bool rw_confidence_ranks(uint64_t n, double share, double confidence, uint64_t *low,
                         uint64_t *high);
/* How many values that takes at least. */
uint64_t rw_confidence_values(double share, double confidence);

/* Student's t: the value that so much of the distribution with `freedom` degrees does not exceed;
 * share from 0.5 to 1. */
double rw_student_quantile(double share, double freedom);

/* Of the mean of `count` repetitions, two at least: Student (1908). */
struct rw_interval rw_confidence_mean(const double *values, size_t count, double confidence);

double rw_mean(const double *values, size_t count);

#endif
