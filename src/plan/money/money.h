/* The money chapter: what each tier costs, how it is paid, what it brings.
 *
 * rw_money_chapter runs after the bill. A tier's contract is its budget, when the customer named
 * one for it, else what its bill comes to over the term, or, while a price is missing, the budget
 * of the whole. All amounts are whole cents of the plan's currency, and every table adds up: parts,
 * fees and payments are splits of the contract.
 *
 *   money.budget             MONEY  for the term, of all tiers alike
 *   money.share.K            ONE    the K-th share that was asked for (from 1)
 *   money.saving.K           MONEY  a year, of the K-th named cause
 *
 * and for each tier (money.t1.* ...):
 *
 *   build, operate.Y                        work that no price list has: once, and in year Y
 *   cost_setup, cost_year.Y, cost_term      bill and work; cost_term = setup + all years
 *   cost_year                               a year, as the mean of the term
 *   contract                                what is paid over the term
 *   reserve                                 budget - cost_term
 *   part.K                                  of the contract, by the shares
 *   fee.Y                                   of year Y (from 1): the term's add up to the contract,
 *                                           later ones are renewals
 *   tco_subscription, tco_one_off           over the horizon, not discounted
 *   pv_subscription, pv_one_off             present values
 *   one_off_price, upkeep                   once, and a year
 *   payment.Q, at_stake.Q                   quarterly: a quarter of its year's fee; at_stake is the
 *                                           part that hangs on KPIs, and adds up to credit_most
 *   credit_expected, credit_most            over the term
 *   benefit.Y                               of year Y, from named causes only
 *   flow.Y                                  from year 0: the setup, then each year's benefits less
 *                                           its cost, at its end
 *   npv, irr, payback, payback_discounted, roi
 *
 * Returns are the customer's: what he spends is what the system costs (cost_setup, cost_year.Y, and
 * today's system for as long as both run), not the contract, which may be a budget that does not
 * pay for it, or holds a reserve that is not spent.
 */
#ifndef RW_PLAN_MONEY_MONEY_H
#define RW_PLAN_MONEY_MONEY_H

#include "plan/plan.h"

RW_MUST_CHECK enum rw_err rw_money_chapter(struct rw_plan *plan);

#endif
