/* Within plan/money: what the parts of the chapter hand to each other. */
#ifndef RW_PLAN_MONEY_SHARED_H
#define RW_PLAN_MONEY_SHARED_H

#include "plan/money/money.h"

struct rw_money {
    unsigned term, horizon; /* whole years */
    uint32_t budget;
    uint32_t shares[RW_SHARES_MAX];
    uint32_t savings[RW_SAVINGS_MAX];
    uint32_t weights[RW_PLAN_YEARS_MAX]; /* of the fees of the term */
};

struct rw_money_tier {
    uint32_t cost_setup, cost_year, cost_term, contract, reserve; /* cost_year: the mean */
    uint32_t cost_years[RW_PLAN_YEARS_MAX];
    uint32_t fees[RW_PLAN_YEARS_MAX];
    uint32_t benefits[RW_PLAN_YEARS_MAX];
    uint32_t flows[RW_PLAN_YEARS_MAX + 1];
    uint32_t npv, roi;
};

/* A computed cell money.TIER.NAME with `count` inputs from an array, and the formula's part. */
uint32_t rw_money_cell(struct rw_plan *plan, const struct rw_tier *tier, const char *name,
                       struct rw_label label, enum rw_unit unit, const struct rw_formula *formula,
                       const uint32_t *inputs, unsigned count, unsigned part);

/* A saving that is a share of today's cost is no further one where all of that cost is saved. */
bool rw_money_counts(const struct rw_plan *plan, unsigned saving);
/* Of those that do not count. */
void rw_money_tell_savings(struct rw_plan *plan);

void rw_money_cost(struct rw_plan *plan, const struct rw_money *money, const struct rw_tier *tier,
                   struct rw_money_tier *cells);
void rw_money_payments(struct rw_plan *plan, const struct rw_money *money,
                       const struct rw_tier *tier, struct rw_money_tier *cells);
void rw_money_returns(struct rw_plan *plan, const struct rw_money *money,
                      const struct rw_tier *tier, struct rw_money_tier *cells);
void rw_money_findings(struct rw_plan *plan, const struct rw_money *money,
                       const struct rw_tier *tier, const struct rw_money_tier *cells);

#endif
