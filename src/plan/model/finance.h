/* Money over time: present value, rate of return, payback, annuities, prices in steps, commitments.
 *
 * As plan/model/queueing.h: plain functions, NaN for an argument outside the stated range. A cash
 * flow is an array whose first entry is now and whose others are the ends of equal periods; rates
 * are per period and above -1. Amounts may have either sign unless said otherwise. Nothing is
 * rounded here: that is done once, at the line item.
 */
#ifndef RW_PLAN_MODEL_FINANCE_H
#define RW_PLAN_MODEL_FINANCE_H

#include <stddef.h>

enum { RW_MODEL_PERIODS_MAX = 1200 };

/* sum CF_t / (1 + r)^t; 0 of no flows. */
double rw_model_npv(const double *flows, size_t count, double rate);

enum rw_model_irr_outcome {
    RW_MODEL_IRR_FOUND,
    RW_MODEL_IRR_NONE,    /* no change of sign: no rate makes it zero */
    RW_MODEL_IRR_SEVERAL, /* more than one change of sign: none of the rates means anything */
    RW_MODEL_IRR_INVALID, /* an entry that is no number, or too many of them */
};
/* The rate at which the present value is zero. *rate is NaN unless it was found. */
enum rw_model_irr_outcome rw_model_irr(const double *flows, size_t count, double *rate);

/* (benefits - costs) / costs, costs > 0. */
double rw_model_roi(double benefits, double costs);

/* Periods until the sum of the flows, discounted by the rate (0: simple), is no longer below zero;
 * linear within the period. INFINITY when it never is. */
double rw_model_payback(const double *flows, size_t count, double rate);

/* Equal payments at the ends of `periods` >= 1 that are worth present_value. */
double rw_model_annuity(double present_value, double rate, double periods);

/* Fees paid in advance (t = 0 .. n-1); a price now, upkeep at the ends (t = 1 .. n), a residual at
 * the last. */
double rw_model_subscription(const double *fees, size_t count, double rate);
double rw_model_one_off(double price, const double *upkeep, size_t count, double residual,
                        double rate);

struct rw_model_costs {
    double capital, migration, dual_run, exit, residual;
};
/* capital + operation of each period + migration + dual run + exit - residual. */
double rw_model_tco(const struct rw_model_costs *costs, const double *operation, size_t count);

/* (old minutes - new minutes) * loss per minute; minutes and loss >= 0. */
double rw_model_downtime_benefit(double minutes_old, double minutes_new, double loss_minute);

struct rw_model_credit_band {
    double below, from; /* uptime shares, from <= uptime < below */
    double credit;      /* share of the fee */
};
/* What the supplier pays back at that uptime; 0 outside all bands. */
double rw_model_sla_credit(double fee, double uptime, const struct rw_model_credit_band *bands,
                           size_t count);
/* Expected value for the bands' probabilities (each a share, at most 1 together). */
double rw_model_sla_credit_expected(double fee, const double *chances,
                                    const struct rw_model_credit_band *bands, size_t count);

struct rw_model_price_step {
    double from, to; /* of the quantity; `to` may be INFINITY */
    double price;    /* of one unit within the step */
};
/* Graduated: each part of the quantity at its step's price. NaN when the steps, which ascend and
 * touch from 0 on, end below the quantity: a price is missing. */
double rw_model_price_steps(double quantity, const struct rw_model_price_step *steps, size_t count);

/* The share of hours above which a commitment is cheaper than paying on demand (> 0). */
double rw_model_commit_breakeven(double price_committed, double price_on_demand);
/* Cost of `base` committed units, used or not, and what `need` has above them on demand. */
double rw_model_commit_mix(double need, double base, double price_committed,
                           double price_on_demand);

/* Software carbon intensity (E * I + M) / R, for R > 0 and the others >= 0. */
double rw_model_carbon_intensity(double energy_kwh, double intensity_g_kwh, double embodied_g,
                                 double units);

#endif
