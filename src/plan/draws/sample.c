/* Draws of one uncertain input: a uniform number, put through the inverse of the distribution. */
#include "base/random.h"
#include "plan/draws/draws.h"

/* Of the standard normal distribution. */
static const double z95 = 1.6448536269514722;

static double uniform(struct rw_random *random)
{
    return ((double)(rw_random_u64(random) >> 12) + 0.5) * 0x1p-52;
}

static double polynomial(const double *coefficients, unsigned count, double x)
{
    double value = 0;
    for (unsigned i = count; i-- > 0;)
        value = value * x + coefficients[i];
    return value;
}

/* The inverse of the normal distribution to 1 in 10^16 (Wichura 1988, algorithm AS 241, PPND16). */
static double normal_quantile(double p)
{
    static const double a[] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                               1.9715909503065514427e+3, 1.3731693765509461125e+4,
                               4.5921953931549871457e+4, 6.7265770927008700853e+4,
                               3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double b[] = {1.0,
                               4.2313330701600911252e+1,
                               6.8718700749205790830e+2,
                               5.3941960214247511077e+3,
                               2.1213794301586595867e+4,
                               3.9307895800092710610e+4,
                               2.8729085735721942674e+4,
                               5.2264952788528545610e+3};
    static const double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                               5.76949722146069140550e0,  3.64784832476320460504e0,
                               1.27045825245236838258e0,  2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[] = {1.0,
                               2.05319162663775882187e0,
                               1.67638483018380384940e0,
                               6.89767334985100004550e-1,
                               1.48103976427480074590e-1,
                               1.51986665636164571966e-2,
                               5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
    static const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                               1.78482653991729133580e0,  2.96560571828504891230e-1,
                               2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[] = {1.0,
                               5.99832206555887937690e-1,
                               1.36929880922735805310e-1,
                               1.48753612908506148525e-2,
                               7.86869131145613259100e-4,
                               1.84631831751005468180e-5,
                               1.42151175831644588870e-7,
                               2.04426310338993978564e-15};
    double q = p - 0.5;
    if (fabs(q) <= 0.425) {
        double r = 0.180625 - q * q;
        return q * polynomial(a, 8, r) / polynomial(b, 8, r);
    }
    double r = sqrt(-log(q < 0 ? p : 1 - p));
    double z = r <= 5 ? polynomial(c, 8, r - 1.6) / polynomial(d, 8, r - 1.6)
                      : polynomial(e, 8, r - 5) / polynomial(f, 8, r - 5);
    return q < 0 ? -z : z;
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
    return exp(middle + deviation * normal_quantile(u));
}

static double draw(const struct rw_spread *spread, double u)
{
    switch (spread->shape) {
    case RW_SPREAD_TRIANGULAR:
        return triangular(spread, u);
    case RW_SPREAD_NORMAL:
        return spread->mode + (spread->high - spread->low) / (2 * z95) * normal_quantile(u);
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
