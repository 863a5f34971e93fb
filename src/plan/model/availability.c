#include "plan/model/availability.h"

#include "plan/model/domain.h"

double rw_model_series(const double *parts, size_t count)
{
    double product = 1;
    for (size_t i = 0; i < count; i++) {
        if (!rw_model_share(parts[i]))
            return RW_MODEL_INVALID;
        product *= parts[i];
    }
    return product;
}

double rw_model_parallel(const double *parts, size_t count)
{
    double none = 1;
    for (size_t i = 0; i < count; i++) {
        if (!rw_model_share(parts[i]))
            return RW_MODEL_INVALID;
        none *= 1 - parts[i];
    }
    return count ? 1 - none : RW_MODEL_INVALID;
}

/* ln of the binomial coefficient. lgamma_r, as lgamma writes a global. */
static double log_choose(double n, double k)
{
    int sign = 0;
    return lgamma_r(n + 1, &sign) - lgamma_r(k + 1, &sign) - lgamma_r(n - k + 1, &sign);
}

/* Chance of exactly j up. */
static double exactly(double part, double j, double n)
{
    return exp(log_choose(n, j) + j * log(part) + (n - j) * log1p(-part));
}

double rw_model_k_of_n(double part, double needed, double installed)
{
    if (!rw_model_share(part) || !rw_model_count(installed, 0, RW_MODEL_PARTS_MAX) ||
        !rw_model_count(needed, 0, installed))
        return RW_MODEL_INVALID;
    if (needed == 0 || part == 1)
        return 1;
    if (part == 0)
        return 0;
    /* The shorter side of the sum, and never one minus nearly one where it can be helped. */
    double sum = 0;
    if (installed - needed <= needed) {
        for (int j = (int)needed; j <= (int)installed; j++)
            sum += exactly(part, j, installed);
        return fmin(1, sum);
    }
    for (int j = 0; j < (int)needed; j++)
        sum += exactly(part, j, installed);
    return fmax(0, 1 - sum);
}

double rw_model_steady_state(double mtbf, double mttr)
{
    bool valid = rw_model_nonnegative(mtbf) && rw_model_nonnegative(mttr) && mtbf + mttr > 0;
    return valid ? mtbf / (mtbf + mttr) : RW_MODEL_INVALID;
}

double rw_model_incidents_allowed(double budget, double mttr)
{
    if (!rw_model_nonnegative(budget) || !rw_model_nonnegative(mttr))
        return RW_MODEL_INVALID;
    return mttr == 0 ? INFINITY : budget / mttr;
}

double rw_model_error_budget(double slo, double window)
{
    return rw_model_share(slo) && rw_model_nonnegative(window) ? (1 - slo) * window
                                                               : RW_MODEL_INVALID;
}

double rw_model_slo_of_downtime(double downtime, double window)
{
    bool valid = rw_model_nonnegative(downtime) && rw_model_positive(window) && downtime <= window;
    return valid ? 1 - downtime / window : RW_MODEL_INVALID;
}

double rw_model_burn_rate(double error_rate, double slo)
{
    bool valid = rw_model_share(error_rate) && rw_model_share(slo) && slo < 1;
    return valid ? error_rate / (1 - slo) : RW_MODEL_INVALID;
}

double rw_model_time_to_empty(double window, double burn)
{
    if (!rw_model_nonnegative(window) || !rw_model_nonnegative(burn))
        return RW_MODEL_INVALID;
    return burn == 0 ? INFINITY : window / burn;
}
