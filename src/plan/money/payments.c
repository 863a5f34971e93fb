/* How a tier is paid: yearly fees with a review, once, or quarterly with goals. */
#include "plan/money/formulas.h"
#include "plan/money/shared.h"

static void add_fees(struct rw_plan *plan, const struct rw_money *money, const struct rw_tier *tier,
                     struct rw_money_tier *cells)
{
    uint32_t inputs[RW_PLAN_YEARS_MAX + 1] = {cells->contract};
    memcpy(inputs + 1, money->weights, money->term * sizeof(inputs[0]));
    for (unsigned year = 0; year < money->horizon; year++) {
        const char *name = rw_sheet_text(&plan->sheet, "fee.%u", year + 1);
        struct rw_label label = {rw_sheet_text(&plan->sheet, "Fee of year %u", year + 1),
                                 rw_sheet_text(&plan->sheet, "第 %u 年费用", year + 1)};
        uint32_t renewal[] = {cells->fees[money->term - 1], plan->inputs[RW_INPUT_RENEWAL_RISE],
                              plan->inputs[RW_INPUT_FEE_RISE], cells->cost_setup, cells->cost_term};
        bool renewed = year >= money->term;
        cells->fees[year] = rw_money_cell(plan, tier, name, label, RW_UNIT_MONEY,
                                          renewed ? &rw_money_renewal : &rw_formula_split,
                                          renewed ? renewal : inputs, renewed ? 5 : money->term + 1,
                                          renewed ? year - money->term : year);
    }
}

/* The same years, both ways. */
static void compare_purchase(struct rw_plan *plan, const struct rw_money *money,
                             const struct rw_tier *tier, const struct rw_money_tier *cells)
{
    const uint32_t *in = plan->inputs;
    uint32_t price = rw_plan_compute(
        plan, "money", tier, "one_off_price", RW_TEXTS("One-off price", "一次性价格"),
        RW_UNIT_MONEY, &rw_formula_share_of, 2, cells->contract, in[RW_INPUT_ONE_OFF_SHARE]);
    uint32_t upkeep =
        rw_plan_compute(plan, "money", tier, "upkeep", RW_TEXTS("Maintenance a year", "年维护费"),
                        RW_UNIT_MONEY, &rw_formula_share_of, 2, price, in[RW_INPUT_UPKEEP]);
    rw_money_cell(plan, tier, "tco_subscription",
                  RW_TEXTS("Subscription over the horizon", "订阅制总拥有成本"), RW_UNIT_MONEY,
                  &rw_formula_sum, cells->fees, money->horizon, 0);
    rw_plan_compute(plan, "money", tier, "tco_one_off",
                    RW_TEXTS("One-off purchase over the horizon", "一次性采购总拥有成本"),
                    RW_UNIT_MONEY, &rw_money_tco_one_off, 4, price, upkeep, in[RW_INPUT_HORIZON],
                    in[RW_INPUT_RESIDUAL]);
    uint32_t inputs[RW_PLAN_YEARS_MAX + 1] = {in[RW_INPUT_DISCOUNT_RATE]};
    memcpy(inputs + 1, cells->fees, money->horizon * sizeof(inputs[0]));
    rw_money_cell(plan, tier, "pv_subscription",
                  RW_TEXTS("Subscription, present value", "订阅制现值"), RW_UNIT_MONEY,
                  &rw_money_pv_subscription, inputs, money->horizon + 1, 0);
    rw_plan_compute(plan, "money", tier, "pv_one_off",
                    RW_TEXTS("One-off purchase, present value", "一次性采购现值"), RW_UNIT_MONEY,
                    &rw_money_pv_one_off, 5, in[RW_INPUT_DISCOUNT_RATE], price, upkeep,
                    in[RW_INPUT_HORIZON], in[RW_INPUT_RESIDUAL]);
}

/* A year's fee in four equal payments. */
static void add_payment(struct rw_plan *plan, const struct rw_tier *tier, uint32_t fee,
                        unsigned quarter)
{
    uint32_t one = rw_sheet_find(&plan->sheet, "money.one");
    uint32_t inputs[] = {fee, one, one, one, one};
    struct rw_label label = {rw_sheet_text(&plan->sheet, "Payment of quarter %u", quarter + 1),
                             rw_sheet_text(&plan->sheet, "第 %u 季度付款", quarter + 1)};
    rw_money_cell(plan, tier, rw_sheet_text(&plan->sheet, "payment.%u", quarter + 1), label,
                  RW_UNIT_MONEY, &rw_formula_split, inputs, 5, quarter % 4);
}

/* Of each payment a part hangs on the goals of its quarter: all that can be credited, parted as the
 * payments are. */
static void add_quarters(struct rw_plan *plan, const struct rw_money *money,
                         const struct rw_tier *tier, const struct rw_money_tier *cells,
                         uint32_t credit_most)
{
    unsigned count = 4 * money->term;
    uint32_t inputs[4 * RW_PLAN_YEARS_MAX + 1] = {credit_most};
    for (unsigned i = 0; i < count; i++)
        inputs[i + 1] = money->weights[i / 4];
    for (unsigned i = 0; i < count; i++) {
        struct rw_label label = {rw_sheet_text(&plan->sheet, "At stake in quarter %u", i + 1),
                                 rw_sheet_text(&plan->sheet, "第 %u 季度与指标挂钩", i + 1)};
        add_payment(plan, tier, cells->fees[i / 4], i);
        rw_money_cell(plan, tier, rw_sheet_text(&plan->sheet, "at_stake.%u", i + 1), label,
                      RW_UNIT_MONEY, &rw_formula_split, inputs, count + 1, i);
    }
}

void rw_money_payments(struct rw_plan *plan, const struct rw_money *money,
                       const struct rw_tier *tier, struct rw_money_tier *cells)
{
    const uint32_t *in = plan->inputs;
    add_fees(plan, money, tier, cells);
    compare_purchase(plan, money, tier, cells);
    uint32_t credit_most = rw_plan_compute(
        plan, "money", tier, "credit_most", RW_TEXTS("Credits, at most", "指标扣款上限"),
        RW_UNIT_MONEY, &rw_formula_share_of, 2, cells->contract, in[RW_INPUT_KPI_SHARE]);
    add_quarters(plan, money, tier, cells, credit_most);
    rw_plan_compute(plan, "money", tier, "credit_expected",
                    RW_TEXTS("Credits expected", "指标扣款期望"), RW_UNIT_MONEY,
                    &rw_money_credit_expected, 3, cells->contract, in[RW_INPUT_KPI_SHARE],
                    in[RW_INPUT_KPI_CHANCE]);
}
