/* Within plan/money: the formulas of the chapter. */
#ifndef RW_PLAN_MONEY_FORMULAS_H
#define RW_PLAN_MONEY_FORMULAS_H

#include "plan/formula.h"

/* (1 + {0})^part: weight of a year's fee, counted from 0. */
extern const struct rw_formula rw_money_fee_weight;
/* Last fee {0}, rise at renewal {1}, at the reviews after it {2}, setup {3} within the cost of the
 * term {4}, which is not paid again; part: years since renewal. */
extern const struct rw_formula rw_money_renewal;
/* Price {0}, upkeep {1}, years {2}, residual share {3}. */
extern const struct rw_formula rw_money_tco_one_off;
/* Rate {0}, fees {1}...: paid in advance. */
extern const struct rw_formula rw_money_pv_subscription;
/* Rate {0}, price {1}, upkeep {2}, years {3}, residual share {4}. */
extern const struct rw_formula rw_money_pv_one_off;
/* Contract {0}, share at stake {1}, chance {2}. */
extern const struct rw_formula rw_money_credit_expected;
/* Downtime now {0} and then {1}, minutes a quarter; loss of a minute {2}. */
extern const struct rw_formula rw_money_downtime;
/* A year's amount {0}, months {1} of it; and of the sum of {1}... */
extern const struct rw_formula rw_money_months_of;
extern const struct rw_formula rw_money_months_of_all;
/* Rate {0}, flows {1}... */
extern const struct rw_formula rw_money_npv;
extern const struct rw_formula rw_money_payback_discounted;
/* Flows {0}... */
extern const struct rw_formula rw_money_irr;
extern const struct rw_formula rw_money_payback;
/* Benefits {0}, costs {1}. */
extern const struct rw_formula rw_money_roi;

#endif
