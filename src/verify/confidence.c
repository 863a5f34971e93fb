#include "verify/confidence.h"

#include "base/err.h"

#include <math.h>

enum { FRACTION_STEPS_MAX = 100000, BISECTIONS = 200 };

/* One of the continued fraction's terms brings the next convergent (W. J. Lentz, 1976): a numerator
 * or denominator of zero is a very small number instead. */
static double keep_off_zero(double value)
{
    return fabs(value) < 1e-300 ? 1e-300 : value;
}

static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / keep_off_zero(1 - (a + b) * x / (a + 1)), result = d;
    for (int m = 1; m <= FRACTION_STEPS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / keep_off_zero(1 + even * d);
        c = keep_off_zero(1 + even / c);
        result *= d * c;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / keep_off_zero(1 + odd * d);
        c = keep_off_zero(1 + odd / c);
        result *= d * c;
        if (fabs(d * c - 1) < 1e-15)
            break;
    }
    return result;
}

/* lgamma() writes a global that other threads have, too. */
static double log_gamma(double value)
{
    int sign;
    return lgamma_r(value, &sign);
}

double rw_beta_share(double a, double b, double x)
{
    rw_assert(a > 0 && b > 0);
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    /* The fraction converges fast on this side; the other is its mirror. */
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double rw_binomial_share(uint64_t k, uint64_t n, double p)
{
    if (k >= n)
        return 1;
    return rw_beta_share((double)(n - k), (double)k + 1, 1 - p);
}

/* Where I_x(a, b) reaches `share`. */
static double beta_quantile(double a, double b, double share)
{
    double low = 0, high = 1;
    for (int i = 0; i < BISECTIONS && low < high; i++) {
        double middle = (low + high) / 2;
        if (rw_beta_share(a, b, middle) < share)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

struct rw_interval rw_confidence_share(uint64_t k, uint64_t n, double confidence)
{
    double tail = (1 - confidence) / 2, failures = (double)k, rest = (double)(n - k);
    struct rw_interval interval = {0, 1};
    rw_assert(k <= n);
    if (k > 0)
        interval.low = beta_quantile(failures, rest + 1, tail);
    if (k < n)
        interval.high = beta_quantile(failures + 1, rest, 1 - tail);
    return interval;
}

uint64_t rw_confidence_trials(double share, double confidence)
{
    return share >= 1 ? 1 : (uint64_t)ceil(log((1 - confidence) / 2) / log1p(-share));
}

uint64_t rw_confidence_values(double share, double confidence)
{
    double rarer = share > 0.5 ? share : 1 - share;
    return (uint64_t)ceil(log((1 - confidence) / 2) / log(rarer));
}

/* The smallest k with P(X <= k) >= share. */
static uint64_t binomial_quantile(uint64_t n, double p, double share)
{
    uint64_t low = 0, high = n;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (rw_binomial_share(middle, n, p) >= share)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool rw_confidence_ranks(uint64_t n, double share, double confidence, uint64_t *low, uint64_t *high)
{
    double tail = (1 - confidence) / 2;
    *low = 0;
    *high = 1;
    if (n == 0)
        return false;
    /* So many values are at most the quantile: a binomial number. The lowest rank of those that it
     * is below with too little probability, and the highest of those that it reaches. */
    uint64_t below = binomial_quantile(n, share, tail);
    uint64_t above = binomial_quantile(n, share, 1 - tail) + 1;
    *low = below;
    *high = above;
    if (rw_binomial_share(below, n, share) <= tail)
        *low = below + 1;
    return *low >= 1 && *high <= n;
}

double rw_student_quantile(double share, double freedom)
{
    double low = 0, high = 1e9;
    rw_assert(share >= 0.5 && share < 1 && freedom > 0);
    for (int i = 0; i < BISECTIONS && low < high; i++) {
        double t = (low + high) / 2;
        double beyond = rw_beta_share(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2;
        if (1 - beyond < share)
            low = t;
        else
            high = t;
    }
    return (low + high) / 2;
}

double rw_mean(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return count ? sum / (double)count : 0;
}

struct rw_interval rw_confidence_mean(const double *values, size_t count, double confidence)
{
    rw_assert(count >= 2);
    double mean = rw_mean(values, count), squares = 0, n = (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    double error = sqrt(squares / (n - 1) / n);
    double half = rw_student_quantile(1 - (1 - confidence) / 2, n - 1) * error;
    return (struct rw_interval){mean - half, mean + half};
}
