/* What a tier brings, from named causes only, and what the investment comes to. */
#include "plan/money/formulas.h"
#include "plan/money/shared.h"

static bool known(const struct rw_plan *plan, enum rw_input input)
{
    return !isnan(rw_plan_input(plan, input));
}

/* Causes that follow from the intake's own numbers: a year's worth each. */
static unsigned standing_causes(struct rw_plan *plan, const struct rw_tier *tier, uint32_t *causes)
{
    unsigned count = 0;
    if (known(plan, RW_INPUT_COST_NOW))
        causes[count++] =
            rw_plan_compute(plan, "money", tier, "benefit_replaced",
                            RW_TEXTS("Today's system is switched off", "现系统下线"), RW_UNIT_MONEY,
                            &rw_formula_same, 1, plan->inputs[RW_INPUT_COST_NOW]);
    if (known(plan, RW_INPUT_DOWNTIME_NOW) && known(plan, RW_INPUT_LOSS_PER_MINUTE))
        causes[count++] = rw_plan_compute(
            plan, "money", tier, "benefit_downtime",
            RW_TEXTS("Downtime that no longer happens", "避免的停机损失"), RW_UNIT_MONEY,
            &rw_money_downtime, 3, plan->inputs[RW_INPUT_DOWNTIME_NOW],
            rw_plan_find(plan, "sizing", tier, "downtime"), plan->inputs[RW_INPUT_LOSS_PER_MINUTE]);
    return count;
}

bool rw_money_counts(const struct rw_plan *plan, unsigned saving)
{
    return !plan->terms.savings[saving].share_of_cost || !known(plan, RW_INPUT_COST_NOW);
}

/* Without a single cause there is no return to tell: a missing cell says what is needed. */
static uint32_t no_cause(struct rw_plan *plan, const struct rw_tier *tier)
{
    return rw_sheet_add(
        &plan->sheet,
        &(struct rw_cell){
            .id = rw_sheet_text(&plan->sheet, "money.%s.benefit_cause", tier->id),
            .label = RW_LABEL("A benefit with its cause", "有因由的收益"),
            .unit = RW_UNIT_MONEY,
            .currency = plan->sheet.currency,
            .value = NAN,
            .reason =
                RW_LABEL("no saving with a cause was given: name the cost of today's system, "
                         "the loss of a minute of downtime, or savings with their causes",
                         "没有给出有因由的节省：请提供现系统成本、每分钟停机损失或注明因由的节省"),
        });
}

static void add_benefits(struct rw_plan *plan, const struct rw_money *money,
                         const struct rw_tier *tier, struct rw_money_tier *cells)
{
    uint32_t causes[RW_SAVINGS_MAX + 3];
    unsigned standing = 1 + standing_causes(plan, tier, causes + 1);
    if (standing == 1 && !plan->terms.saving_count)
        causes[standing++] = no_cause(plan, tier);
    uint32_t nothing = rw_sheet_find(&plan->sheet, "money.nothing");
    for (unsigned year = 0; year < money->term; year++) {
        unsigned count = standing;
        causes[0] = rw_plan_months(plan, year + 1);
        for (unsigned i = 0; i < plan->terms.saving_count; i++)
            if (plan->terms.savings[i].from_year <= year + 1 && rw_money_counts(plan, i))
                causes[count++] = money->savings[i];
        if (count == 1)
            causes[count++] = nothing;
        struct rw_label label = {rw_sheet_text(&plan->sheet, "Benefits of year %u", year + 1),
                                 rw_sheet_text(&plan->sheet, "第 %u 年收益", year + 1)};
        cells->benefits[year] =
            rw_money_cell(plan, tier, rw_sheet_text(&plan->sheet, "benefit.%u", year + 1), label,
                          RW_UNIT_MONEY, &rw_money_months_of_all, causes, count, 0);
    }
}

/* Running both systems for a while costs what today's costs. */
static uint32_t parallel_cost(struct rw_plan *plan, const struct rw_tier *tier)
{
    if (!known(plan, RW_INPUT_COST_NOW))
        return rw_sheet_find(&plan->sheet, "money.nothing");
    return rw_plan_compute(plan, "money", tier, "cost_parallel",
                           RW_TEXTS("Both systems at the migration", "新旧并行成本"), RW_UNIT_MONEY,
                           &rw_money_months_of, 2, plan->inputs[RW_INPUT_COST_NOW],
                           plan->inputs[RW_INPUT_RUN_PARALLEL]);
}

/* What the customer spends is what the system costs him, whatever a contract says: the setup now,
 * each year's cost and benefit at its end. */
static void add_flows(struct rw_plan *plan, const struct rw_money *money,
                      const struct rw_tier *tier, struct rw_money_tier *cells, uint32_t parallel)
{
    uint32_t nothing = rw_sheet_find(&plan->sheet, "money.nothing");
    uint32_t outlay = rw_plan_compute(plan, "money", tier, "outlay",
                                      RW_TEXTS("Spent at the beginning", "期初投入"), RW_UNIT_MONEY,
                                      &rw_formula_sum, 2, cells->cost_setup, parallel);
    for (unsigned year = 0; year <= money->term; year++) {
        struct rw_label label = {rw_sheet_text(&plan->sheet, "Cash flow of year %u", year),
                                 rw_sheet_text(&plan->sheet, "第 %u 年现金流", year)};
        if (!year)
            label = (struct rw_label)RW_LABEL("Cash flow at the beginning", "期初现金流");
        uint32_t in = year ? cells->benefits[year - 1] : nothing;
        uint32_t out = year ? cells->cost_years[year - 1] : outlay;
        cells->flows[year] =
            rw_plan_compute(plan, "money", tier, rw_sheet_text(&plan->sheet, "flow.%u", year),
                            label, RW_UNIT_MONEY, &rw_formula_difference, 2, in, out);
    }
}

static void add_measures(struct rw_plan *plan, const struct rw_money *money,
                         const struct rw_tier *tier, struct rw_money_tier *cells)
{
    uint32_t inputs[RW_PLAN_YEARS_MAX + 2] = {plan->inputs[RW_INPUT_DISCOUNT_RATE]};
    unsigned count = money->term + 1;
    memcpy(inputs + 1, cells->flows, count * sizeof(inputs[0]));
    cells->npv = rw_money_cell(plan, tier, "npv", RW_TEXTS("Net present value", "净现值"),
                               RW_UNIT_MONEY, &rw_money_npv, inputs, count + 1, 0);
    rw_money_cell(plan, tier, "irr", RW_TEXTS("Internal rate of return", "内部收益率"),
                  RW_UNIT_SHARE, &rw_money_irr, cells->flows, count, 0);
    rw_money_cell(plan, tier, "payback", RW_TEXTS("Payback", "静态回收期"), RW_UNIT_YEARS,
                  &rw_money_payback, cells->flows, count, 0);
    rw_money_cell(plan, tier, "payback_discounted", RW_TEXTS("Discounted payback", "动态回收期"),
                  RW_UNIT_YEARS, &rw_money_payback_discounted, inputs, count + 1, 0);
}

void rw_money_returns(struct rw_plan *plan, const struct rw_money *money,
                      const struct rw_tier *tier, struct rw_money_tier *cells)
{
    add_benefits(plan, money, tier, cells);
    uint32_t parallel = parallel_cost(plan, tier);
    add_flows(plan, money, tier, cells, parallel);
    uint32_t benefits =
        rw_money_cell(plan, tier, "benefits", RW_TEXTS("Benefits of the term", "订阅期收益"),
                      RW_UNIT_MONEY, &rw_formula_sum, cells->benefits, money->term, 0);
    uint32_t costs =
        rw_plan_compute(plan, "money", tier, "costs",
                        RW_TEXTS("Costs of the term, both systems at the migration included",
                                 "订阅期支出（含新旧并行）"),
                        RW_UNIT_MONEY, &rw_formula_sum, 2, cells->cost_term, parallel);
    cells->roi =
        rw_plan_compute(plan, "money", tier, "roi", RW_TEXTS("Return on investment", "投资回报率"),
                        RW_UNIT_SHARE, &rw_money_roi, 2, benefits, costs);
    add_measures(plan, money, tier, cells);
}
