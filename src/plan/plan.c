#include "plan/plan.h"

#include <stdarg.h>
#include <stdio.h>

void rw_plan_init(struct rw_plan *plan)
{
    *plan = (struct rw_plan){.terms = {.date = NAN, .deadline = NAN, .currency = "USD"}};
    rw_sheet_init(&plan->sheet);
    rw_findings_init(&plan->findings, &plan->sheet.arena);
}

void rw_plan_free(struct rw_plan *plan)
{
    rw_findings_free(&plan->findings);
    rw_sheet_free(&plan->sheet);
}

static unsigned whole_years(double years, unsigned least)
{
    if (!(years > least))
        return least;
    return years >= RW_PLAN_YEARS_MAX ? RW_PLAN_YEARS_MAX : (unsigned)ceil(years);
}

unsigned rw_plan_term(const struct rw_plan *plan)
{
    return whole_years(rw_plan_input(plan, RW_INPUT_TERM), 1);
}

unsigned rw_plan_horizon(const struct rw_plan *plan)
{
    return whole_years(rw_plan_input(plan, RW_INPUT_HORIZON), rw_plan_term(plan));
}

static void months(double *out, const struct rw_formula_inputs *in)
{
    for (size_t i = 0; i < in->rows; i++)
        out[i] = fmin(12, fmax(0, rint(12 * (in->column[0][i] - in->part))));
}

static const struct rw_formula months_formula = {months, "min(12, 12 × {0})", NULL};

uint32_t rw_plan_months(struct rw_plan *plan, unsigned year)
{
    struct rw_sheet *sheet = &plan->sheet;
    const char *id = rw_sheet_text(sheet, "plan.months.%u", year);
    uint32_t known = rw_sheet_find(sheet, id);
    if (known != RW_CELL_NONE)
        return known;
    return rw_sheet_add(sheet, &(struct rw_cell){
                                   .id = id,
                                   .label = {rw_sheet_text(sheet, "Months of year %u", year),
                                             rw_sheet_text(sheet, "第 %u 年月数", year)},
                                   .unit = RW_UNIT_ONE,
                                   .origin = RW_ORIGIN_COMPUTED,
                                   .formula = &months_formula,
                                   .inputs = &plan->inputs[RW_INPUT_TERM],
                                   .input_count = 1,
                                   .part = year - 1,
                               });
}

uint32_t rw_plan_compute(struct rw_plan *plan, const char *prefix, const struct rw_tier *tier,
                         const char *name, struct rw_label label, enum rw_unit unit,
                         const struct rw_formula *formula, unsigned input_count, ...)
{
    va_list args;
    va_start(args, input_count);
    const char *id = rw_sheet_text(&plan->sheet, "%s.%s.%s", prefix, tier->id, name);
    uint32_t cell = rw_sheet_vcompute(&plan->sheet, id, label, unit, formula, input_count, args);
    va_end(args);
    return cell;
}

uint32_t rw_plan_find(const struct rw_plan *plan, const char *prefix, const struct rw_tier *tier,
                      const char *name)
{
    char id[256];
    int length = snprintf(id, sizeof(id), "%s.%s.%s", prefix, tier->id, name);
    if (length < 0 || (size_t)length >= sizeof(id))
        return RW_CELL_NONE;
    return rw_sheet_find(&plan->sheet, id);
}
