#include "plan/sizing/sizing.h"

#include "plan/sizing/formulas.h"
#include "plan/sizing/shared.h"

#include <stdio.h>

static const char *id_of(const struct rw_sizing *sizing, const struct rw_tier *tier,
                         const char *name)
{
    struct rw_sheet *sheet = &sizing->plan->sheet;
    const char *id = tier ? rw_sheet_text(sheet, "sizing.%s.%s", tier->id, name)
                          : rw_sheet_text(sheet, "sizing.%s", name);
    return sizing->year ? rw_sheet_text(sheet, "%s.%u", id, sizing->year) : id;
}

static struct rw_label label_of(const struct rw_sizing *sizing, struct rw_label label)
{
    struct rw_sheet *sheet = &sizing->plan->sheet;
    if (!sizing->year)
        return label;
    return (struct rw_label){rw_sheet_text(sheet, "%s, year %u", label.en, sizing->year),
                             rw_sheet_text(sheet, "%s（第 %u 年）", label.zh, sizing->year)};
}

uint32_t rw_sizing_add(struct rw_sizing *sizing, const struct rw_tier *tier, const char *name,
                       struct rw_label label, enum rw_unit unit, const struct rw_formula *formula,
                       unsigned input_count, ...)
{
    va_list args;
    va_start(args, input_count);
    uint32_t cell = rw_sheet_vcompute(&sizing->plan->sheet, id_of(sizing, tier, name),
                                      label_of(sizing, label), unit, formula, input_count, args);
    va_end(args);
    return cell;
}

uint32_t rw_sizing_greatest(struct rw_sizing *sizing, const char *name, struct rw_label label,
                            enum rw_unit unit, const uint32_t *inputs, unsigned input_count)
{
    return rw_sheet_add(&sizing->plan->sheet, &(struct rw_cell){
                                                  .id = id_of(sizing, NULL, name),
                                                  .label = label_of(sizing, label),
                                                  .unit = unit,
                                                  .origin = RW_ORIGIN_COMPUTED,
                                                  .formula = &rw_formula_greatest,
                                                  .inputs = inputs,
                                                  .input_count = input_count,
                                              });
}

static void count_year(struct rw_sizing *sizing, unsigned year, uint32_t elapsed)
{
    sizing->year = year;
    sizing->elapsed = elapsed;
    rw_sizing_load(sizing);
    rw_sizing_data(sizing);
    for (unsigned i = 0; i < sizing->plan->tier_count; i++) {
        rw_sizing_nodes(sizing, i);
        rw_sizing_volumes(sizing, i);
        if (!year)
            rw_sizing_promise(sizing, i);
    }
}

static void count_earlier_years(struct rw_sizing *sizing)
{
    struct rw_sheet *sheet = &sizing->plan->sheet;
    for (unsigned year = 1; year < rw_plan_term(sizing->plan) && !sheet->err; year++)
        count_year(sizing, year,
                   rw_sheet_add(sheet, &(struct rw_cell){
                                           .id = rw_sheet_text(sheet, "sizing.elapsed.%u", year),
                                           .label = RW_LABEL("Years of growth", "增长年数"),
                                           .unit = RW_UNIT_ONE,
                                           .origin = RW_ORIGIN_DATA,
                                           .value = year,
                                           .source = RW_BY_DEFINITION}));
}

enum rw_err rw_sizing_chapter(struct rw_plan *plan)
{
    struct rw_sizing sizing = {.plan = plan};
    rw_sizing_today(&sizing);
    rw_sizing_goals(&sizing);
    for (unsigned i = 0; i < plan->tier_count; i++)
        rw_sizing_properties(&sizing, i);
    count_year(&sizing, 0, plan->inputs[RW_INPUT_TERM]);
    if (!plan->sheet.err)
        rw_sizing_findings(&sizing);
    count_earlier_years(&sizing);
    return plan->sheet.err ? plan->sheet.err : plan->findings.err;
}

uint32_t rw_sizing_of_year(const struct rw_plan *plan, const struct rw_tier *tier, const char *name,
                           unsigned year)
{
    char of_year[64];
    if (year >= rw_plan_term(plan))
        return rw_plan_find(plan, "sizing", tier, name);
    int length = snprintf(of_year, sizeof(of_year), "%s.%u", name, year);
    rw_assert(length > 0 && (size_t)length < sizeof(of_year));
    return rw_plan_find(plan, "sizing", tier, of_year);
}
