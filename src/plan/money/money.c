#include "plan/money/money.h"

#include "plan/money/formulas.h"
#include "plan/money/shared.h"

/* Why a formula may come to no number though all its inputs are there. */
static struct rw_label missing_reason(const struct rw_formula *formula)
{
    if (formula == &rw_money_irr)
        return RW_TEXTS("no rate, or no single one, makes the present value zero",
                        "不存在唯一使现值为零的收益率");
    return (struct rw_label){NULL, NULL};
}

uint32_t rw_money_cell(struct rw_plan *plan, const struct rw_tier *tier, const char *name,
                       struct rw_label label, enum rw_unit unit, const struct rw_formula *formula,
                       const uint32_t *inputs, unsigned count, unsigned part)
{
    return rw_sheet_add(&plan->sheet,
                        &(struct rw_cell){
                            .id = rw_sheet_text(&plan->sheet, "money.%s.%s", tier->id, name),
                            .label = label,
                            .unit = unit,
                            .currency = unit == RW_UNIT_MONEY ? plan->sheet.currency : NULL,
                            .origin = RW_ORIGIN_COMPUTED,
                            .formula = formula,
                            .inputs = inputs,
                            .input_count = count,
                            .part = part,
                            .reason = missing_reason(formula),
                        });
}

/* A number of the customer's terms. */
static uint32_t term_cell(struct rw_plan *plan, const char *id, const char *name, enum rw_unit unit,
                          double value, struct rw_conf_place place)
{
    return rw_sheet_add(&plan->sheet,
                        &(struct rw_cell){
                            .id = id,
                            .label = {.en = name, .zh = name},
                            .unit = unit,
                            .currency = unit == RW_UNIT_MONEY ? plan->sheet.currency : NULL,
                            .value = value,
                            .file = plan->terms.file,
                            .place = place,
                        });
}

/* A range that was given is drawn from. */
static uint32_t saving_cell(struct rw_plan *plan, unsigned number)
{
    const struct rw_term_saving *saving = &plan->terms.savings[number];
    struct rw_cell cell = {
        .id = rw_sheet_text(&plan->sheet, "money.saving.%u", number + 1),
        .label = {.en = saving->cause, .zh = saving->cause},
        .unit = RW_UNIT_MONEY,
        .currency = plan->sheet.currency,
        .value = saving->per_year,
        .file = plan->terms.file,
        .place = saving->place,
    };
    if (saving->low < saving->high) {
        cell.spread =
            (struct rw_spread){RW_SPREAD_TRIANGULAR, saving->low, saving->per_year, saving->high};
        cell.spread_reason = (struct rw_label)RW_LABEL("the range that was given", "所给区间");
    }
    return rw_sheet_add(&plan->sheet, &cell);
}

/* One budget for whichever tier: the sum that was named, or so much a year for the term. */
static uint32_t add_budget(struct rw_plan *plan)
{
    const uint32_t *in = plan->inputs;
    bool whole = !isnan(rw_plan_input(plan, RW_INPUT_BUDGET_TOTAL));
    return rw_sheet_compute(
        &plan->sheet, "money.budget", RW_TEXTS("Budget for the term", "订阅期预算"), RW_UNIT_MONEY,
        whole ? &rw_formula_same : &rw_formula_product, whole ? 1 : 2,
        in[whole ? RW_INPUT_BUDGET_TOTAL : RW_INPUT_BUDGET_PER_YEAR], in[RW_INPUT_TERM]);
}

static void add_shared(struct rw_plan *plan, struct rw_money *money)
{
    struct rw_sheet *sheet = &plan->sheet;
    const struct rw_terms *terms = &plan->terms;
    money->budget = add_budget(plan);
    rw_sheet_add(sheet, &(struct rw_cell){.id = "money.one",
                                          .label = RW_LABEL("Equal weight", "等权"),
                                          .unit = RW_UNIT_ONE,
                                          .origin = RW_ORIGIN_DATA,
                                          .value = 1,
                                          .source = RW_BY_DEFINITION});
    rw_sheet_add(sheet, &(struct rw_cell){.id = "money.nothing",
                                          .label = RW_LABEL("Nothing", "无"),
                                          .unit = RW_UNIT_MONEY,
                                          .currency = sheet->currency,
                                          .origin = RW_ORIGIN_DATA,
                                          .source = RW_BY_DEFINITION});
    for (unsigned i = 0; i < terms->share_count; i++)
        money->shares[i] =
            term_cell(plan, rw_sheet_text(sheet, "money.share.%u", i + 1), terms->shares[i].name,
                      RW_UNIT_ONE, terms->shares[i].weight, terms->shares[i].place);
    for (unsigned i = 0; i < terms->saving_count; i++)
        money->savings[i] = saving_cell(plan, i);
    for (unsigned year = 0; year < money->term; year++)
        money->weights[year] = rw_sheet_add(
            sheet, &(struct rw_cell){.id = rw_sheet_text(sheet, "money.fee_weight.%u", year + 1),
                                     .label = RW_LABEL("Weight of a year's fee", "年费权重"),
                                     .unit = RW_UNIT_ONE,
                                     .origin = RW_ORIGIN_COMPUTED,
                                     .formula = &rw_money_fee_weight,
                                     .inputs = &plan->inputs[RW_INPUT_FEE_RISE],
                                     .input_count = 1,
                                     .part = year});
}

enum rw_err rw_money_chapter(struct rw_plan *plan)
{
    struct rw_money money = {.term = rw_plan_term(plan), .horizon = rw_plan_horizon(plan)};
    add_shared(plan, &money);
    for (unsigned i = 0; i < plan->tier_count && !plan->sheet.err; i++) {
        struct rw_money_tier cells = {0};
        rw_money_cost(plan, &money, &plan->tiers[i], &cells);
        rw_money_payments(plan, &money, &plan->tiers[i], &cells);
        rw_money_returns(plan, &money, &plan->tiers[i], &cells);
        if (!plan->sheet.err)
            rw_money_findings(plan, &money, &plan->tiers[i], &cells);
    }
    if (!plan->sheet.err)
        rw_money_tell_savings(plan);
    return plan->sheet.err ? plan->sheet.err : plan->findings.err;
}
