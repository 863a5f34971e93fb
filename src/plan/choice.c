#include "plan/choice.h"

static bool keeps(const struct rw_plan *plan, const struct rw_tier *tier, enum rw_input wanted,
                  const char *name, bool at_least)
{
    double limit = rw_plan_input(plan, wanted);
    double given = rw_sheet_value(&plan->sheet, rw_plan_find(plan, "sizing", tier, name));
    return isnan(limit) || (at_least ? given >= limit : given <= limit);
}

bool rw_plan_keeps(const struct rw_plan *plan, const struct rw_tier *tier)
{
    return keeps(plan, tier, RW_INPUT_AVAILABILITY, "availability", true) &&
           keeps(plan, tier, RW_INPUT_DOWNTIME_ALLOWED, "downtime", false) &&
           keeps(plan, tier, RW_INPUT_RECOVERY_TIME, "recovery", false) &&
           keeps(plan, tier, RW_INPUT_LATENCY, "response_tail", false);
}

bool rw_plan_affords(const struct rw_plan *plan, const struct rw_tier *tier)
{
    uint32_t reserve = rw_plan_find(plan, "money", tier, "reserve");
    uint32_t cost = rw_plan_find(plan, "money", tier, "cost_term");
    double left = rw_sheet_value(&plan->sheet, reserve);
    bool unbounded = isnan(left) && !isnan(rw_sheet_value(&plan->sheet, cost));
    return unbounded || left >= 0;
}

const struct rw_tier *rw_plan_recommended(const struct rw_plan *plan)
{
    for (unsigned i = 0; i < plan->tier_count; i++)
        if (rw_plan_keeps(plan, &plan->tiers[i]) && rw_plan_affords(plan, &plan->tiers[i]))
            return &plan->tiers[i];
    return NULL;
}

unsigned rw_plan_shown(const struct rw_plan *plan)
{
    rw_assert(plan->tier_count > 0);
    const struct rw_tier *tier = rw_plan_recommended(plan);
    return tier ? (unsigned)(tier - plan->tiers) : plan->tier_count - 1;
}
