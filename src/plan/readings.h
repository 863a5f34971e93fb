/* What the load may mean, and which load the budgets pay for.
 *
 * "A million at once" are requests in flight or users who think in between: the one is sixteen
 * times the other, and so is the bill. rw_readings_make runs after all chapters. It tries each
 * reading of what was stated in the finished sheet, with the costs of every tier, and looks for the
 * highest peak rate whose cost stays within each budget; then it takes everything back. Where the
 * reading alone decides whether a budget pays, that is a finding.
 */
#ifndef RW_PLAN_READINGS_H
#define RW_PLAN_READINGS_H

#include "conf/schema.h"
#include "plan/tier.h"

struct rw_plan;

enum { RW_READINGS_MAX = 4 };

struct rw_reading {
    struct rw_label label;
    double rate; /* today's peak, requests a second */
    bool planned;
    double cost[RW_TIERS_MAX], reserve[RW_TIERS_MAX]; /* as plan->tiers; NaN: missing */
};

struct rw_readings {
    struct rw_reading at[RW_READINGS_MAX];
    unsigned count;            /* 0: the load is not known, or costs are missing */
    double most[RW_TIERS_MAX]; /* today's peak that the budget pays; 0: none; NaN: no budget */
};

/* Fills plan->readings. */
RW_MUST_CHECK enum rw_err rw_readings_make(struct rw_plan *plan);

#endif
