#include "plan/model/finance.h"

#include "plan/model/domain.h"

static bool flows_valid(const double *flows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(flows[i]))
            return false;
    return count <= RW_MODEL_PERIODS_MAX;
}

static bool rate_valid(double rate)
{
    return isfinite(rate) && rate > -1;
}

/* Horner's scheme: sum flows[t] * factor^t. */
static double polynomial(const double *flows, size_t count, double factor)
{
    double value = 0;
    for (size_t i = count; i-- > 0;)
        value = value * factor + flows[i];
    return value;
}

double rw_model_npv(const double *flows, size_t count, double rate)
{
    if (!flows_valid(flows, count) || !rate_valid(rate))
        return RW_MODEL_INVALID;
    return polynomial(flows, count, 1 / (1 + rate));
}

/* ---- Rate of return ---- */

static size_t sign_changes(const double *flows, size_t count)
{
    size_t changes = 0;
    double last = 0;
    for (size_t i = 0; i < count; i++) {
        if (flows[i] == 0)
            continue;
        changes += last != 0 && (last < 0) != (flows[i] < 0);
        last = flows[i];
    }
    return changes;
}

static double derivative(const double *flows, size_t count, double factor)
{
    double value = 0;
    for (size_t i = count; i-- > 1;)
        value = value * factor + (double)i * flows[i];
    return value;
}

/* Newton's steps on the discount factor, held within a bracket that bisection narrows. With one
 * change of sign there is exactly one positive root (Descartes). */
static double find_factor(const double *flows, size_t count, double low, double high)
{
    bool low_negative = polynomial(flows, count, low) < 0;
    double at = sqrt(low) * sqrt(high);
    for (int i = 0; i < 300 && high - low > 1e-15 * high; i++) {
        double value = polynomial(flows, count, at);
        if (value == 0)
            return at;
        if ((value < 0) == low_negative)
            low = at;
        else
            high = at;
        double next = at - value / derivative(flows, count, at);
        bool inside = next > low && next < high;
        if (inside && fabs(next - at) <= 4e-16 * at)
            return next;
        at = inside && i % 4 != 3 ? next : low + (high - low) / 2;
    }
    return at;
}

enum rw_model_irr_outcome rw_model_irr(const double *flows, size_t count, double *rate)
{
    *rate = RW_MODEL_INVALID;
    if (!flows_valid(flows, count))
        return RW_MODEL_IRR_INVALID;
    size_t changes = sign_changes(flows, count);
    if (changes != 1)
        return changes ? RW_MODEL_IRR_SEVERAL : RW_MODEL_IRR_NONE;
    while (*flows == 0) { /* a shift in time moves no root */
        flows++;
        count--;
    }
    while (flows[count - 1] == 0)
        count--;
    bool begins_negative = *flows < 0;
    double low = 1;
    double high = 1;
    while (high < 1e12 && (polynomial(flows, count, high) < 0) == begins_negative)
        high *= 2;
    while (low > 1e-12 && (polynomial(flows, count, low) < 0) != begins_negative)
        low /= 2;
    if (low == high || high >= 1e12 || low <= 1e-12)
        return RW_MODEL_IRR_NONE; /* beyond what a rate can mean */
    *rate = 1 / find_factor(flows, count, low, high) - 1;
    return RW_MODEL_IRR_FOUND;
}

double rw_model_roi(double benefits, double costs)
{
    return isfinite(benefits) && rw_model_positive(costs) ? (benefits - costs) / costs
                                                          : RW_MODEL_INVALID;
}

double rw_model_payback(const double *flows, size_t count, double rate)
{
    if (!flows_valid(flows, count) || !rate_valid(rate) || count == 0)
        return RW_MODEL_INVALID;
    double sum = 0;
    double factor = 1;
    for (size_t i = 0; i < count; i++) {
        double flow = flows[i] * factor;
        if (sum + flow >= 0)
            return i == 0 ? 0 : (double)(i - 1) + -sum / flow;
        sum += flow;
        factor /= 1 + rate;
    }
    return INFINITY;
}

/* ---- Payments ---- */

double rw_model_annuity(double present_value, double rate, double periods)
{
    if (!isfinite(present_value) || !rate_valid(rate) || !isfinite(periods) || periods < 1)
        return RW_MODEL_INVALID;
    /* expm1 and log1p, so that a rate near zero loses no digits. */
    double share = rate == 0 ? 1 / periods : rate / -expm1(-periods * log1p(rate));
    return present_value * share;
}

double rw_model_subscription(const double *fees, size_t count, double rate)
{
    return rw_model_npv(fees, count, rate);
}

double rw_model_one_off(double price, const double *upkeep, size_t count, double residual,
                        double rate)
{
    if (!isfinite(price) || !isfinite(residual) || !rate_valid(rate))
        return RW_MODEL_INVALID;
    double later = rw_model_npv(upkeep, count, rate) / (1 + rate);
    return price + later - residual * pow(1 + rate, -(double)count);
}

double rw_model_tco(const struct rw_model_costs *costs, const double *operation, size_t count)
{
    if (!flows_valid(operation, count))
        return RW_MODEL_INVALID;
    double sum = costs->capital + costs->migration + costs->dual_run + costs->exit;
    for (size_t i = 0; i < count; i++)
        sum += operation[i];
    sum -= costs->residual;
    return isfinite(sum) ? sum : RW_MODEL_INVALID;
}

double rw_model_downtime_benefit(double minutes_old, double minutes_new, double loss_minute)
{
    bool valid = rw_model_nonnegative(minutes_old) && rw_model_nonnegative(minutes_new) &&
                 rw_model_nonnegative(loss_minute);
    return valid ? (minutes_old - minutes_new) * loss_minute : RW_MODEL_INVALID;
}

static bool band_valid(const struct rw_model_credit_band *band)
{
    return rw_model_share(band->below) && rw_model_share(band->from) && band->from <= band->below &&
           rw_model_share(band->credit);
}

double rw_model_sla_credit(double fee, double uptime, const struct rw_model_credit_band *bands,
                           size_t count)
{
    double credit = 0;
    for (size_t i = 0; i < count; i++) {
        if (!band_valid(&bands[i]))
            return RW_MODEL_INVALID;
        if (uptime >= bands[i].from && uptime < bands[i].below)
            credit = fee * bands[i].credit;
    }
    return rw_model_nonnegative(fee) && rw_model_share(uptime) ? credit : RW_MODEL_INVALID;
}

double rw_model_sla_credit_expected(double fee, const double *chances,
                                    const struct rw_model_credit_band *bands, size_t count)
{
    double sum = 0;
    double all = 0;
    for (size_t i = 0; i < count; i++) {
        if (!band_valid(&bands[i]) || !rw_model_share(chances[i]))
            return RW_MODEL_INVALID;
        sum += chances[i] * bands[i].credit;
        all += chances[i];
    }
    return rw_model_nonnegative(fee) && all <= 1 + 1e-9 ? sum * fee : RW_MODEL_INVALID;
}

/* ---- Prices ---- */

double rw_model_price_steps(double quantity, const struct rw_model_price_step *steps, size_t count)
{
    if (!rw_model_nonnegative(quantity))
        return RW_MODEL_INVALID;
    double cost = 0;
    double reached = 0;
    for (size_t i = 0; i < count; i++) {
        bool valid = steps[i].from == reached && steps[i].to > steps[i].from &&
                     rw_model_nonnegative(steps[i].price);
        if (!valid)
            return RW_MODEL_INVALID;
        cost += fmax(0, fmin(quantity, steps[i].to) - steps[i].from) * steps[i].price;
        reached = steps[i].to;
    }
    return quantity <= reached ? cost : RW_MODEL_INVALID;
}

double rw_model_commit_breakeven(double price_committed, double price_on_demand)
{
    bool valid = rw_model_nonnegative(price_committed) && rw_model_positive(price_on_demand);
    return valid ? price_committed / price_on_demand : RW_MODEL_INVALID;
}

double rw_model_commit_mix(double need, double base, double price_committed, double price_on_demand)
{
    bool valid = rw_model_nonnegative(need) && rw_model_nonnegative(base) &&
                 rw_model_nonnegative(price_committed) && rw_model_nonnegative(price_on_demand);
    return valid ? price_committed * base + price_on_demand * fmax(0, need - base)
                 : RW_MODEL_INVALID;
}

double rw_model_carbon_intensity(double energy_kwh, double intensity_g_kwh, double embodied_g,
                                 double units)
{
    bool valid = rw_model_nonnegative(energy_kwh) && rw_model_nonnegative(intensity_g_kwh) &&
                 rw_model_nonnegative(embodied_g) && rw_model_positive(units);
    return valid ? (energy_kwh * intensity_g_kwh + embodied_g) / units : RW_MODEL_INVALID;
}
