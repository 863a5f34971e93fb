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

enum rw_err rw_outlook_make(struct rw_plan *plan, unsigned draws, uint64_t seed)
{
    plan->outlook = (struct rw_outlook){.draws = draws, .seed = seed};
    enum rw_err err = draw(plan, draws, seed);
    for (unsigned i = 0; i < plan->tier_count && !err; i++)
        swing(plan, &plan->tiers[i], &plan->outlook.tiers[i]);
    return err;
}
