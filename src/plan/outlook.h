/* The outlook of a finished plan: how wide its results are, and what moves them.
 *
 * rw_outlook_make runs after all chapters: draws for each tier's net present value, return and
 * cost (as far as they are not missing), and the inputs that move the tier the most. A cost that
 * most draws exceed is a finding.
 */
#ifndef RW_PLAN_OUTLOOK_H
#define RW_PLAN_OUTLOOK_H

#include "plan/draws/draws.h"
#include "plan/tier.h"

struct rw_plan;

enum { RW_OUTLOOK_SWINGS = 12, RW_OUTLOOK_DRAWS = 10000 };

struct rw_outlook_tier {
    struct rw_draws_range npv, roi, cost; /* `cell` is RW_CELL_NONE when missing */
    uint32_t swing_cell;                  /* what the swings are of: npv, else cost_term */
    struct rw_swing swings[RW_OUTLOOK_SWINGS];
    unsigned swing_count;
};

struct rw_outlook {
    unsigned draws;
    uint64_t seed;
    struct rw_outlook_tier tiers[RW_TIERS_MAX]; /* as plan->tiers */
};

/* Fills plan->outlook. RW_ELIMIT: more than RW_DRAWS_MAX draws; RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_outlook_make(struct rw_plan *plan, unsigned draws, uint64_t seed);

#endif
