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
