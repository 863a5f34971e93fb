/* Draws of one uncertain input: a uniform number, put through the inverse of the distribution. */
#include "base/random.h"
#include "plan/draws/draws.h"
#include "plan/model/normal.h"

/* Of the standard normal distribution. */
static const double z95 = 1.6448536269514722;

static double uniform(struct rw_random *random)
{
    return ((double)(rw_random_u64(random) >> 12) + 0.5) * 0x1p-52;
}

static double triangular(const struct rw_spread *spread, double u)
{
    double width = spread->high - spread->low, left = spread->mode - spread->low;
    if (width <= 0)
        return spread->mode;
    if (u * width < left)
        return spread->low + sqrt(u * width * left);
    return spread->high - sqrt((1 - u) * width * (spread->high - spread->mode));
}

static double lognormal(const struct rw_spread *spread, double u)
{
    double log_low = log(spread->low), log_high = log(spread->high);
    double middle = (log_low + log_high) / 2, deviation = (log_high - log_low) / (2 * z95);
    return exp(middle + deviation * rw_model_normal_quantile(u));
}

static double draw(const struct rw_spread *spread, double u)
{
    switch (spread->shape) {
    case RW_SPREAD_TRIANGULAR:
        return triangular(spread, u);
    case RW_SPREAD_NORMAL:
        return spread->mode +
               (spread->high - spread->low) / (2 * z95) * rw_model_normal_quantile(u);
    case RW_SPREAD_LOGNORMAL:
        return lognormal(spread, u);
    case RW_SPREAD_UNIFORM:
        return spread->low + u * (spread->high - spread->low);
    default:
        return spread->mode;
    }
}

void rw_draws_sample(const struct rw_spread *spread, struct rw_random *random, double *column,
                     size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        column[i] = draw(spread, uniform(random));
}
