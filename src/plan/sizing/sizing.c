#include "plan/sizing/sizing.h"

#include "plan/sizing/shared.h"

enum rw_err rw_sizing_chapter(struct rw_plan *plan)
{
    struct rw_sizing sizing = {0};
    rw_sizing_load(plan, &sizing);
    rw_sizing_data(plan, &sizing);
    for (unsigned i = 0; i < plan->tier_count; i++)
        rw_sizing_tier(plan, &sizing, &plan->tiers[i]);
    if (plan->sheet.err)
        return plan->sheet.err;
    rw_sizing_findings(plan, &sizing);
    return plan->findings.err;
}
