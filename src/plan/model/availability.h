/* Availability: chains, redundant parts, repair, error budgets.
 *
 * As plan/model/queueing.h: plain functions, NaN for an argument outside the stated range.
 * Availabilities are shares of one. Parts are taken to fail independently; what they share
 * (software, configuration, region) belongs into a chain with them.
 */
#ifndef RW_PLAN_MODEL_AVAILABILITY_H
#define RW_PLAN_MODEL_AVAILABILITY_H

#include <stddef.h>

enum { RW_MODEL_PARTS_MAX = 100000 };

/* Product of `count` parts, each of which is needed; 1 of none. */
double rw_model_series(const double *parts, size_t count);
/* One of `count` >= 1 parts is enough. */
double rw_model_parallel(const double *parts, size_t count);
/* At least `needed` of `installed` like parts (whole, 0 <= needed <= installed <=
 * RW_MODEL_PARTS_MAX). */
double rw_model_k_of_n(double part, double needed, double installed);

/* MTBF / (MTBF + MTTR), in the same unit; not both zero. */
double rw_model_steady_state(double mtbf, double mttr);
/* Incidents of that length that fit into a budget of downtime; INFINITY for a length of zero. */
double rw_model_incidents_allowed(double budget, double mttr);

/* (1 - slo) * window, in the unit of the window; and back: the slo that allows that downtime. */
double rw_model_error_budget(double slo, double window);
double rw_model_slo_of_downtime(double downtime, double window);
/* error_rate / (1 - slo), slo < 1. */
double rw_model_burn_rate(double error_rate, double slo);
/* window / burn; INFINITY for a burn of zero. */
double rw_model_time_to_empty(double window, double burn);

#endif
