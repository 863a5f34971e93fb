/* Who comes: users and requests per second at a time since the begin, by the model's curve. Pure.
 */
#ifndef RW_SIMULATE_ARRIVALS_H
#define RW_SIMULATE_ARRIVALS_H

#include "simulate/model.h"

/* By users: how many are there; else 0. */
double rw_simulate_users(const struct rw_simulate_model *model, double seconds);

/* Requests per second. Users wait for `response_s` before they think again: the interactive law
 * (P. J. Denning and J. P. Buzen, 1978). */
double rw_simulate_rate(const struct rw_simulate_model *model, double seconds, double response_s);

/* How many are expected in all, without waits. */
double rw_simulate_expected(const struct rw_simulate_model *model);

#endif
