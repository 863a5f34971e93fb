/* What the machines of today cost at the list price: a bound for a saving, where nobody said what
 * they really cost. Never a benefit by itself, for discounts and whatever else runs are not known.
 */
#include "plan/bill/article.h"
#include "plan/bill/formulas.h"
#include "plan/bill/line.h"

static uint32_t add_given(struct rw_plan *plan, const char *id, const struct rw_term_fleet *fleet)
{
    struct rw_sheet *sheet = &plan->sheet;
    return rw_sheet_add(
        sheet, &(struct rw_cell){
                   .id = rw_sheet_text(sheet, "%s.count", id),
                   .label = RW_LABEL(rw_sheet_text(sheet, "Machines of today: %s", fleet->shape),
                                     rw_sheet_text(sheet, "现有机器：%s", fleet->shape)),
                   .unit = RW_UNIT_COUNT,
                   .origin = RW_ORIGIN_GIVEN,
                   .value = fleet->machines,
                   .file = plan->terms.file,
                   .place = fleet->place,
               });
}

/* A year of them; RW_CELL_NONE: no list has their price. */
static uint32_t add_fleet(struct rw_plan *plan, unsigned number)
{
    static const struct rw_label hours = RW_LABEL("Hours of a year", "每年小时数");
    struct rw_sheet *sheet = &plan->sheet;
    const struct rw_term_fleet *fleet = &plan->terms.fleets[number];
    const struct rw_bill_article *article = rw_bill_article(fleet->provider, RW_BILL_COMPUTE);
    if (!article || strcmp(article->unit, "hour") != 0)
        return RW_CELL_NONE;
    struct rw_price_key key = {fleet->provider, article->service, fleet->shape, fleet->region,
                               "on_demand"};
    struct rw_price_offer offer;
    if (!rw_prices_find(plan->prices, &key, plan->terms.date, &offer))
        return RW_CELL_NONE;
    const char *id = rw_sheet_text(sheet, "bill.now.%u", number + 1);
    uint32_t count = add_given(plan, id, fleet);
    uint32_t year =
        rw_bill_constant(plan, "bill.hours_year", hours, RW_UNIT_ONE, 8760, "prices.yaml, meta");
    return rw_sheet_compute(
        sheet, rw_sheet_text(sheet, "%s.year", id),
        (struct rw_label){rw_sheet_text(sheet, "%s at the list price, a year", fleet->shape),
                          rw_sheet_text(sheet, "%s 按目录价的年费用", fleet->shape)},
        RW_UNIT_MONEY, &rw_formula_line_item, 3, count, rw_bill_price(plan, &key, "hour").paid,
        year);
}

static void tell(struct rw_plan *plan, uint32_t year)
{
    rw_findings_add(
        &plan->findings,
        &(struct rw_finding){
            .rule = "cost_now_open",
            .severity = RW_SEVERITY_NOTE,
            .text = RW_LABEL("Today's cost was not stated; the machines that were named cost {0} a "
                             "year at the list price",
                             "未说明现系统成本；所列机器按目录价每年为 {0}"),
            .action = RW_LABEL("State what today's system costs a year: savings and returns are "
                               "counted from it",
                               "请提供现系统年成本：节省与回报由此计算"),
            .numbers = {rw_sheet_quantity(&plan->sheet, year), {.value = NAN}},
            .cells = {year, RW_CELL_NONE},
            .source = "data/plan/prices.yaml",
            .file = plan->terms.file,
            .place = plan->terms.fleets[0].place,
        });
}

void rw_bill_today(struct rw_plan *plan)
{
    uint32_t years[RW_SITES_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < plan->terms.fleet_count; i++) {
        uint32_t year = add_fleet(plan, i);
        if (year != RW_CELL_NONE)
            years[count++] = year;
    }
    if (!count)
        return;
    uint32_t all = rw_sheet_add(&plan->sheet,
                                &(struct rw_cell){
                                    .id = "bill.now.year",
                                    .label = RW_LABEL("Machines of today at the list price, a year",
                                                      "现有机器按目录价的年费用"),
                                    .unit = RW_UNIT_MONEY,
                                    .currency = plan->sheet.currency,
                                    .origin = RW_ORIGIN_COMPUTED,
                                    .formula = &rw_formula_sum,
                                    .inputs = years,
                                    .input_count = count,
                                });
    bool stated = !isnan(rw_plan_input(plan, RW_INPUT_COST_NOW));
    if (!stated && !isnan(rw_sheet_value(&plan->sheet, all)))
        tell(plan, all);
}
