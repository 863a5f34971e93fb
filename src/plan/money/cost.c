/* What a tier costs, what is paid for it, and how that parts. */
#include "plan/money/formulas.h"
#include "plan/money/shared.h"

/* The bill's cell; a missing one in its place when there is no bill. */
static uint32_t bill(struct rw_plan *plan, const struct rw_tier *tier, const char *name,
                     struct rw_label label)
{
    uint32_t cell = rw_plan_find(plan, "bill", tier, name);
    if (cell != RW_CELL_NONE)
        return cell;
    return rw_sheet_add(
        &plan->sheet,
        &(struct rw_cell){
            .id = rw_sheet_text(&plan->sheet, "bill.%s.%s", tier->id, name),
            .label = label,
            .unit = RW_UNIT_MONEY,
            .currency = plan->sheet.currency,
            .value = NAN,
            .reason = RW_LABEL("there is no bill of materials for this tier", "该档次没有物料清单"),
        });
}

static uint32_t tier_budget(struct rw_plan *plan, const struct rw_tier *tier)
{
    return rw_sheet_add(&plan->sheet,
                        &(struct rw_cell){
                            .id = rw_sheet_text(&plan->sheet, "money.%s.budget", tier->id),
                            .label = RW_LABEL("Budget of the tier", "本档预算"),
                            .unit = RW_UNIT_MONEY,
                            .currency = plan->sheet.currency,
                            .value = tier->budget,
                            .file = plan->terms.file,
                        });
}

static void add_parts(struct rw_plan *plan, const struct rw_money *money,
                      const struct rw_tier *tier, const struct rw_money_tier *cells)
{
    uint32_t inputs[RW_SHARES_MAX + 1] = {cells->contract};
    unsigned count = plan->terms.share_count;
    for (unsigned i = 0; i < count; i++)
        inputs[i + 1] = money->shares[i];
    for (unsigned i = 0; i < count; i++) {
        const char *name = plan->terms.shares[i].name;
        rw_money_cell(plan, tier, rw_sheet_text(&plan->sheet, "part.%u", i + 1),
                      RW_TEXTS(name, name), RW_UNIT_MONEY, &rw_formula_split, inputs, count + 1, i);
    }
}

/* The work: as stated, else what was set aside for the beginning, else in proportion. */
static uint32_t build(struct rw_plan *plan, const struct rw_tier *tier, uint32_t year)
{
    static const enum rw_input stated[] = {RW_INPUT_BUILD, RW_INPUT_BUDGET_INITIAL};
    struct rw_label label = RW_TEXTS("Building and moving", "建设与迁移");
    for (size_t i = 0; i < sizeof(stated) / sizeof(stated[0]); i++)
        if (!isnan(rw_plan_input(plan, stated[i])))
            return rw_plan_compute(plan, "money", tier, "build", label, RW_UNIT_MONEY,
                                   &rw_formula_same, 1, plan->inputs[stated[i]]);
    return rw_plan_compute(plan, "money", tier, "build", label, RW_UNIT_MONEY, &rw_formula_share_of,
                           2, year, plan->inputs[RW_INPUT_BUILD_SHARE]);
}

/* Each year's bill, and the people who run it. */
static uint32_t add_year(struct rw_plan *plan, const struct rw_tier *tier, unsigned year,
                         uint32_t billed)
{
    struct rw_sheet *sheet = &plan->sheet;
    struct rw_label people = {rw_sheet_text(sheet, "People who run it, year %u", year),
                              rw_sheet_text(sheet, "第 %u 年运维服务费", year)};
    struct rw_label cost = {rw_sheet_text(sheet, "Cost of year %u", year),
                            rw_sheet_text(sheet, "第 %u 年运行成本", year)};
    uint32_t operate = rw_plan_compute(
        plan, "money", tier, rw_sheet_text(sheet, "operate.%u", year), people, RW_UNIT_MONEY,
        &rw_formula_share_of, 2, billed, plan->inputs[RW_INPUT_OPERATE_SHARE]);
    return rw_plan_compute(plan, "money", tier, rw_sheet_text(sheet, "cost_year.%u", year), cost,
                           RW_UNIT_MONEY, &rw_formula_sum, 2, billed, operate);
}

/* Returns the cost of all years. */
static uint32_t add_years(struct rw_plan *plan, const struct rw_money *money,
                          const struct rw_tier *tier, struct rw_money_tier *cells, uint32_t first)
{
    struct rw_sheet *sheet = &plan->sheet;
    for (unsigned year = 1; year <= money->term; year++) {
        struct rw_label label = {rw_sheet_text(sheet, "Bill of year %u", year),
                                 rw_sheet_text(sheet, "第 %u 年账单", year)};
        uint32_t billed =
            year == 1 ? first : bill(plan, tier, rw_sheet_text(sheet, "year.%u", year), label);
        cells->cost_years[year - 1] = add_year(plan, tier, year, billed);
    }
    return rw_money_cell(plan, tier, "cost_operation",
                         RW_TEXTS("Cost of all years of operation", "各年运行成本合计"),
                         RW_UNIT_MONEY, &rw_formula_sum, cells->cost_years, money->term, 0);
}

static void add_costs(struct rw_plan *plan, const struct rw_money *money,
                      const struct rw_tier *tier, struct rw_money_tier *cells)
{
    uint32_t setup = bill(plan, tier, "setup", RW_TEXTS("Setup", "建设费用"));
    uint32_t first = bill(plan, tier, "year.1", RW_TEXTS("Bill of year 1", "第 1 年账单"));
    cells->cost_setup = rw_plan_compute(plan, "money", tier, "cost_setup",
                                        RW_TEXTS("Cost of the setup", "建设成本"), RW_UNIT_MONEY,
                                        &rw_formula_sum, 2, setup, build(plan, tier, first));
    uint32_t operation = add_years(plan, money, tier, cells, first);
    cells->cost_year = rw_plan_compute(
        plan, "money", tier, "cost_year",
        RW_TEXTS("Cost of a year, mean of the term", "年运行成本（订阅期平均）"), RW_UNIT_MONEY,
        &rw_formula_ratio, 2, operation, plan->inputs[RW_INPUT_TERM]);
    cells->cost_term = rw_plan_compute(plan, "money", tier, "cost_term",
                                       RW_TEXTS("Cost of the term", "订阅期成本"), RW_UNIT_MONEY,
                                       &rw_formula_sum, 2, cells->cost_setup, operation);
}

void rw_money_cost(struct rw_plan *plan, const struct rw_money *money, const struct rw_tier *tier,
                   struct rw_money_tier *cells)
{
    add_costs(plan, money, tier, cells);
    bool own = !isnan(tier->budget);
    uint32_t budget = own ? tier_budget(plan, tier) : money->budget;
    /* While a price is missing, what can be paid is the budget. */
    bool priced = !isnan(rw_sheet_value(&plan->sheet, cells->cost_term));
    bool budgeted = own || (!priced && !isnan(rw_sheet_value(&plan->sheet, budget)));
    cells->contract = rw_plan_compute(
        plan, "money", tier, "contract", RW_TEXTS("Contract over the term", "订阅期合同额"),
        RW_UNIT_MONEY, &rw_formula_same, 1, budgeted ? budget : cells->cost_term);
    cells->reserve =
        rw_plan_compute(plan, "money", tier, "reserve", RW_TEXTS("Budget less cost", "预算减成本"),
                        RW_UNIT_MONEY, &rw_formula_difference, 2, budget, cells->cost_term);
    add_parts(plan, money, tier, cells);
}
