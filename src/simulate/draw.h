/* Times that vary: what a distribution is, and a number from it. Pure but for the generator. */
#ifndef RW_SIMULATE_DRAW_H
#define RW_SIMULATE_DRAW_H

#include "base/err.h"
#include "base/random.h"

struct rw_histogram;

/* A measured distribution is kept as the values of so many equal shares. */
enum { RW_SIMULATE_QUANTILES = 4096 };

enum rw_simulate_kind {
    RW_SIMULATE_CONSTANT,
    RW_SIMULATE_UNIFORM, /* from nothing to twice the mean */
    RW_SIMULATE_EXPONENTIAL,
    RW_SIMULATE_LOGNORMAL,
    RW_SIMULATE_MEASURED,
};

struct rw_simulate_draw {
    enum rw_simulate_kind kind;
    double mean;             /* seconds */
    double cv2;              /* squared coefficient of variation */
    double mu, sigma;        /* LOGNORMAL: of the logarithm */
    const double *quantiles; /* MEASURED: RW_SIMULATE_QUANTILES of them, rising */
};

/* `variation`: the coefficient of variation, of LOGNORMAL only. Not for MEASURED. */
void rw_simulate_draw_init(struct rw_simulate_draw *draw, enum rw_simulate_kind kind, double mean,
                           double variation);
/* `quantiles` (RW_SIMULATE_QUANTILES) outlives the draw; the histogram, which is not empty, need
 * not. What was measured is `less_s` too long. */
void rw_simulate_draw_measured(struct rw_simulate_draw *draw, const struct rw_histogram *histogram,
                               double less_s, double *quantiles);

double rw_simulate_draw(const struct rw_simulate_draw *draw, struct rw_random *random);

/* What is left of one that is met somewhere on its way: of long ones there are more to be met
 * (equilibrium distribution of renewal theory; Cox, *Renewal Theory*, 5.2). */
double rw_simulate_draw_residual(const struct rw_simulate_draw *draw, struct rw_random *random);

/* From 0 (never) to 1 (never). */
double rw_simulate_uniform(struct rw_random *random);
/* Of mean 1. */
double rw_simulate_exponential(struct rw_random *random);
/* Of mean and variance `mean`: exact to 60, above by the normal distribution, whose error at its
 * quantiles is below 1 / sqrt(mean). */
uint64_t rw_simulate_poisson(double mean, struct rw_random *random);

#endif
