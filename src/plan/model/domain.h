/* Within plan/model: what a formula may be given. Every formula here takes doubles and returns one;
 * NaN says that an argument lies outside what its header allows, or is no number itself.
 */
#ifndef RW_PLAN_MODEL_DOMAIN_H
#define RW_PLAN_MODEL_DOMAIN_H

#include <math.h>
#include <stdbool.h>

#define RW_MODEL_INVALID ((double)NAN)

static inline bool rw_model_positive(double value)
{
    return isfinite(value) && value > 0;
}

static inline bool rw_model_nonnegative(double value)
{
    return isfinite(value) && value >= 0;
}

/* A share, both ends included. */
static inline bool rw_model_share(double value)
{
    return value >= 0 && value <= 1;
}

/* A whole number from `min` to `max`. */
static inline bool rw_model_count(double value, double min, double max)
{
    return value >= min && value <= max && value == floor(value);
}

#endif
