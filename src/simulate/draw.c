#include "simulate/draw.h"

#include "load/histogram.h"

#include <math.h>

enum { POISSON_EXACT_MAX = 60 };

void rw_simulate_draw_init(struct rw_simulate_draw *draw, enum rw_simulate_kind kind, double mean,
                           double variation)
{
    static const double cv2[] = {[RW_SIMULATE_CONSTANT] = 0,
                                 [RW_SIMULATE_UNIFORM] = 1.0 / 3,
                                 [RW_SIMULATE_EXPONENTIAL] = 1,
                                 [RW_SIMULATE_LOGNORMAL] = 0,
                                 [RW_SIMULATE_MEASURED] = 0};
    rw_assert(kind != RW_SIMULATE_MEASURED);
    *draw = (struct rw_simulate_draw){.kind = kind, .mean = mean};
    if (kind != RW_SIMULATE_LOGNORMAL || mean <= 0) {
        draw->kind = mean > 0 ? kind : RW_SIMULATE_CONSTANT;
        draw->cv2 = cv2[draw->kind];
        return;
    }
    draw->cv2 = variation * variation;
    double variance = log1p(draw->cv2);
    draw->sigma = sqrt(variance);
    draw->mu = log(mean) - variance / 2;
}

/* One pass: the value in the middle of each of the equal shares. */
void rw_simulate_draw_measured(struct rw_simulate_draw *draw, const struct rw_histogram *histogram,
                               double less_s, double *quantiles)
{
    double sum = 0, squares = 0;
    uint64_t seen = 0;
    unsigned bucket = 0;
    rw_assert(histogram->count > 0);
    for (unsigned i = 0; i < RW_SIMULATE_QUANTILES; i++) {
        double rank = (i + 0.5) / RW_SIMULATE_QUANTILES * (double)histogram->count;
        while ((double)(seen + histogram->buckets[bucket]) < rank &&
               bucket + 1 < RW_HISTOGRAM_BUCKETS)
            seen += histogram->buckets[bucket++];
        double value = (double)rw_histogram_bucket_value(bucket);
        value = fmin(fmax(value, (double)histogram->least), (double)histogram->most);
        quantiles[i] = fmax(0, value / 1e9 - less_s);
        sum += quantiles[i];
        squares += quantiles[i] * quantiles[i];
    }
    double mean = sum / RW_SIMULATE_QUANTILES;
    *draw = (struct rw_simulate_draw){
        .kind = RW_SIMULATE_MEASURED, .mean = mean, .quantiles = quantiles};
    draw->cv2 = mean > 0 ? fmax(0, squares / RW_SIMULATE_QUANTILES / mean / mean - 1) : 0;
}

double rw_simulate_uniform(struct rw_random *random)
{
    return ((double)(rw_random_u64(random) >> 11) + 0.5) / 9007199254740992.0;
}

double rw_simulate_exponential(struct rw_random *random)
{
    return -log(rw_simulate_uniform(random));
}

/* G. E. P. Box and M. E. Muller, 1958; the second number is let go, so that no state is kept. */
static double normal(struct rw_random *random)
{
    double radius = sqrt(2 * rw_simulate_exponential(random));
    return radius * cos(2 * M_PI * rw_simulate_uniform(random));
}

double rw_simulate_draw(const struct rw_simulate_draw *draw, struct rw_random *random)
{
    switch (draw->kind) {
    case RW_SIMULATE_UNIFORM:
        return 2 * draw->mean * rw_simulate_uniform(random);
    case RW_SIMULATE_EXPONENTIAL:
        return draw->mean * rw_simulate_exponential(random);
    case RW_SIMULATE_LOGNORMAL:
        return exp(draw->mu + draw->sigma * normal(random));
    case RW_SIMULATE_MEASURED:
        return draw->quantiles[rw_random_below(random, RW_SIMULATE_QUANTILES)];
    case RW_SIMULATE_CONSTANT:
        break;
    }
    return draw->mean;
}

uint64_t rw_simulate_poisson(double mean, struct rw_random *random)
{
    if (!(mean > 0))
        return 0;
    if (mean > POISSON_EXACT_MAX)
        return (uint64_t)fmax(0, round(mean + sqrt(mean) * normal(random)));
    /* Arrivals of a process at rate 1 within `mean`. */
    uint64_t count = 0;
    double at = rw_simulate_exponential(random);
    while (at < mean) {
        at += rw_simulate_exponential(random);
        count++;
    }
    return count;
}

/* One of some by its size. */
static double draw_large(const struct rw_simulate_draw *draw, struct rw_random *random)
{
    enum { SOME = 16 };
    double values[SOME], sum = 0;
    for (unsigned i = 0; i < SOME; i++)
        sum += values[i] = rw_simulate_draw(draw, random);
    double at = sum * rw_simulate_uniform(random);
    unsigned which = 0;
    while (which + 1 < SOME && (at -= values[which]) > 0)
        which++;
    return values[which];
}

double rw_simulate_draw_residual(const struct rw_simulate_draw *draw, struct rw_random *random)
{
    struct rw_simulate_draw large = *draw;
    double whole = draw->mean;
    switch (draw->kind) {
    case RW_SIMULATE_EXPONENTIAL: /* forgets how long it has taken */
        return rw_simulate_draw(draw, random);
    case RW_SIMULATE_UNIFORM:
        whole = 2 * draw->mean * sqrt(rw_simulate_uniform(random));
        break;
    case RW_SIMULATE_LOGNORMAL:
        large.mu += draw->sigma * draw->sigma;
        whole = rw_simulate_draw(&large, random);
        break;
    case RW_SIMULATE_MEASURED:
        whole = draw_large(draw, random);
        break;
    case RW_SIMULATE_CONSTANT:
        break;
    }
    return whole * rw_simulate_uniform(random);
}
