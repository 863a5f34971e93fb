#include "plan/outlook.h"

#include "plan/plan.h"

/* What is drawn for each tier, and where its range belongs. */
static const struct watched {
    const char *name;
    size_t member;
} watched[] = {
    {"npv", offsetof(struct rw_outlook_tier, npv)},
    {"roi", offsetof(struct rw_outlook_tier, roi)},
    {"cost_term", offsetof(struct rw_outlook_tier, cost)},
};

enum { watched_count = sizeof(watched) / sizeof(watched[0]) };

static struct rw_draws_range *member_of(struct rw_outlook_tier *tier, unsigned index)
{
    return (struct rw_draws_range *)((char *)tier + watched[index].member);
}

static enum rw_err draw(struct rw_plan *plan, unsigned draws, uint64_t seed)
{
    uint32_t cells[RW_TIERS_MAX * watched_count] = {0};
    struct rw_draws_range ranges[RW_TIERS_MAX * watched_count];
    struct rw_draws_range *to[RW_TIERS_MAX * watched_count];
    unsigned count = 0;
    for (unsigned i = 0; i < plan->tier_count; i++)
        for (unsigned k = 0; k < watched_count; k++) {
            uint32_t cell = rw_plan_find(plan, "money", &plan->tiers[i], watched[k].name);
            struct rw_draws_range *range = member_of(&plan->outlook.tiers[i], k);
            *range = (struct rw_draws_range){.cell = RW_CELL_NONE};
            if (isnan(rw_sheet_value(&plan->sheet, cell)))
                continue;
            to[count] = range;
            cells[count++] = cell;
        }
    enum rw_err err = rw_draws_run(&plan->sheet, seed, draws, cells, count, ranges);
    for (unsigned i = 0; i < count && !err; i++)
        *to[i] = ranges[i];
    return err;
}

static void swing(struct rw_plan *plan, const struct rw_tier *tier, struct rw_outlook_tier *outlook)
{
    uint32_t cell = rw_plan_find(plan, "money", tier, "roi");
    bool returns = !isnan(rw_sheet_value(&plan->sheet, cell));
    cell = rw_plan_find(plan, "money", tier, returns ? "npv" : "cost_term");
    outlook->swing_cell = cell;
    outlook->swing_count = rw_swings(&plan->sheet, cell, outlook->swings, RW_OUTLOOK_SWINGS);
}

/* Most ranges reach further up than down: a sum of likely values is then no likely sum. */
static void tell_odds(struct rw_plan *plan, const struct rw_tier *tier,
                      const struct rw_draws_range *cost)
{
    const struct rw_sheet *sheet = &plan->sheet;
    if (!plan->outlook.draws || cost->cell == RW_CELL_NONE || !(cost->within_plan < 0.5))
        return;
    struct rw_quantity high = rw_sheet_quantity(sheet, cost->cell);
    high.value = cost->high;
    rw_findings_add(
        &plan->findings,
        &(struct rw_finding){
            .rule = "cost_odds",
            .severity = RW_SEVERITY_NOTE,
            .text = RW_LABEL("{2}: the cost of the term holds in {0} of the draws within the "
                             "ranges of what was assumed; nine of ten stay below {1}",
                             "{2}：在各假设的区间内抽样，订阅期成本仅在 {0} 的情况下不超过方案值；"
                             "九成情况低于 {1}"),
            .action =
                RW_LABEL("Measure what the sensitivity names first, or budget for nine of ten",
                         "请先实测敏感性排在前列的输入，或按九成情况编制预算"),
            .numbers = {{.value = cost->within_plan, .unit = RW_UNIT_SHARE}, high},
            .cells = {RW_CELL_NONE, cost->cell},
            .subject = tier->name,
            .named = tier->label,
            .source = "draws of the plan",
        });
}

enum rw_err rw_outlook_make(struct rw_plan *plan, unsigned draws, uint64_t seed)
{
    plan->outlook = (struct rw_outlook){.draws = draws, .seed = seed};
    enum rw_err err = draw(plan, draws, seed);
    for (unsigned i = 0; i < plan->tier_count && !err; i++)
        swing(plan, &plan->tiers[i], &plan->outlook.tiers[i]);
    for (unsigned i = 0; i < plan->tier_count && !err; i++)
        tell_odds(plan, &plan->tiers[i], &plan->outlook.tiers[i].cost);
    return err ? err : plan->findings.err;
}
