#include "plan/money/formulas.h"

#include "plan/model/finance.h"
#include "plan/money/money.h"

#include <math.h>

/* A formula whose result of a row is one expression over the inputs of that row. */
#define FORMULA(name, model_id, reader_text, expression)                                           \
    static void evaluate_##name(double *out, const struct rw_formula_inputs *in)                   \
    {                                                                                              \
        for (size_t row = 0; row < in->rows; row++)                                                \
            out[row] = (expression);                                                               \
    }                                                                                              \
    const struct rw_formula rw_money_##name = {                                                    \
        .evaluate = evaluate_##name, .text = (reader_text), .model = (model_id)};
#define IN(k) (in->column[k][row])

/* (1 + rate)^years for whole years: pow() costs as much as a dozen products. */
static double power(double base, double years)
{
    double value = 1;
    if (years != rint(years) || years < 0 || years > RW_PLAN_YEARS_MAX)
        return pow(base, years);
    for (int year = (int)years; year > 0; year--)
        value *= base;
    return value;
}

FORMULA(fee_weight, NULL, "(1 + {0})^(year - 1)", power(1 + IN(0), in->part))
FORMULA(renewal, NULL, "{0} × (1 - {3} / {4}) × (1 + {1}) × (1 + {2})^(years since renewal)",
        IN(4) > 0 ? IN(0) * (1 - IN(3) / IN(4)) * (1 + IN(1)) * power(1 + IN(2), in->part)
                  : IN(0) * (1 + IN(1)) * power(1 + IN(2), in->part))
FORMULA(tco_one_off, "tco", "{0} + {1} × {2} - {0} × {3}", IN(0) + IN(1) * IN(2) - IN(0) * IN(3))
FORMULA(credit_expected, "sla_credit", "{0} × {1} × (1 - {2})", IN(0) * IN(1) * (1 - IN(2)))
FORMULA(downtime, "downtime_loss", "({0} - {1}) × 4 × {2}", (IN(0) - IN(1)) * 4 * IN(2))
FORMULA(months_of, NULL, "{0} × {1} / 12", IN(0) * IN(1) / 12)

static double months_of_all(const struct rw_formula_inputs *in, size_t row)
{
    double sum = 0;
    for (unsigned k = 1; k < in->count; k++)
        sum += IN(k);
    return sum * IN(0) / 12;
}

FORMULA(months_of_all, NULL, "months / 12 × sum({,})", months_of_all(in, row))
FORMULA(roi, "roi", "({0} - {1}) / {1}", IN(1) > 0 ? (IN(0) - IN(1)) / IN(1) : NAN)

/* Payments now and at the end of each year, at the rate of the row. */
static double present(const struct rw_formula_inputs *in, size_t row, unsigned first)
{
    double value = 0, base = 1 + IN(0);
    if (!(base > 0))
        return NAN;
    for (unsigned k = in->count; k-- > first;)
        value = value / base + IN(k);
    return value;
}

FORMULA(npv, "npv", "NPV({0}; {,})", present(in, row, 1))
FORMULA(pv_subscription, "sub_vs_oneoff", "PV({0}; {,})", present(in, row, 1))

static double pv_one_off(double rate, double price, double upkeep, double years, double residual)
{
    double at_end = power(1 + rate, years);
    double yearly = rate == 0 ? years : (1 - 1 / at_end) / rate;
    return price + upkeep * yearly - price * residual / at_end;
}

FORMULA(pv_one_off, "sub_vs_oneoff",
        "{1} + {2} × (1 - (1 + {0})^-{3}) / {0} - {1} × {4} / (1 + {0})^{3}",
        pv_one_off(IN(0), IN(1), IN(2), IN(3), IN(4)))

/* Collects the flows of a row; `first` is the first input that is one. */
static size_t flows_of(const struct rw_formula_inputs *in, size_t row, unsigned first,
                       double *flows)
{
    size_t count = 0;
    for (unsigned k = first; k < in->count; k++)
        flows[count++] = IN(k);
    return count;
}

static double payback(const struct rw_formula_inputs *in, size_t row, unsigned first, double rate)
{
    double flows[RW_PLAN_YEARS_MAX + 2];
    size_t count = flows_of(in, row, first, flows);
    return rw_model_payback(flows, count, rate);
}

static double irr(const struct rw_formula_inputs *in, size_t row)
{
    double flows[RW_PLAN_YEARS_MAX + 2], rate;
    size_t count = flows_of(in, row, 0, flows);
    return rw_model_irr(flows, count, &rate) == RW_MODEL_IRR_FOUND ? rate : NAN;
}

FORMULA(payback, "payback", "payback({,})", payback(in, row, 0, 0))
FORMULA(payback_discounted, "payback", "payback({,})", payback(in, row, 1, IN(0)))
FORMULA(irr, "irr", "IRR({,})", irr(in, row))
