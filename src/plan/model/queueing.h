/* Waiting: Little's law, the interactive law, M/M/1, M/M/c, M/G/1 and G/G/c.
 *
 * Sizing calls these as plain functions, also a hundred thousand times for a Monte Carlo run: no
 * state, no allocation, no locale, any thread. Units: seconds, requests per second, Erlang, shares
 * of one. Every function returns NaN when an argument is outside the range that its contract names
 * (an infinity and a NaN always are). A queue that grows without end (utilisation of one or more)
 * is no error: waits and responses are then INFINITY, and so are their percentiles.
 * Names, validity and sources of each model: data/plan/models.yaml.
 */
#ifndef RW_PLAN_MODEL_QUEUEING_H
#define RW_PLAN_MODEL_QUEUEING_H

enum { RW_MODEL_SERVERS_MAX = 10000000 };

/* Little: throughput X = L / W for time_s > 0, and L = X * W. */
double rw_model_little_rate(double items, double time_s);
double rw_model_little_items(double rate, double time_s);

/* Closed population: X = N / (R + Z); response + think > 0. */
double rw_model_interactive_rate(double users, double response_s, double think_s);
/* R = N / X - Z; NaN for a rate of zero. Below zero: the users cannot make that rate. */
double rw_model_interactive_response(double users, double rate, double think_s);

/* a = X * S, and rho = a / c for c > 0. */
double rw_model_offered_load(double rate, double service_s);
double rw_model_utilization(double rate, double service_s, double servers);

/* M/M/1: mean and percentile (0 <= p < 1) of the response time. */
double rw_model_mm1_response(double service_s, double utilization);
double rw_model_mm1_percentile(double service_s, double utilization, double p);

/* Erlang B (loss) and C (must wait) for a whole number of servers, 1..RW_MODEL_SERVERS_MAX, by the
 * recurrence, which neither overflows nor cancels. C is 1 from a load of `servers` on. */
double rw_model_erlang_b(double servers, double load);
double rw_model_erlang_c(double servers, double load);

/* M/M/c with `service_rate` per server > 0. */
double rw_model_mmc_wait(double rate, double service_rate, double servers);
double rw_model_mmc_response(double rate, double service_rate, double servers);
/* P(wait > time_s), P(response > time_s). */
double rw_model_mmc_wait_tail(double rate, double service_rate, double servers, double time_s);
double rw_model_mmc_response_tail(double rate, double service_rate, double servers, double time_s);
/* The time that a share p (0 <= p < 1) does not exceed. */
double rw_model_mmc_wait_percentile(double rate, double service_rate, double servers, double p);
double rw_model_mmc_response_percentile(double rate, double service_rate, double servers, double p);
/* The fewest servers with which a share p of the waits (responses) is at most time_s. NaN when no
 * number up to RW_MODEL_SERVERS_MAX does: a response target below the service time's own
 * percentile, for one. */
double rw_model_mmc_servers_for_wait(double rate, double service_rate, double p, double time_s);
double rw_model_mmc_servers_for_response(double rate, double service_rate, double p, double time_s);

/* First guess of the servers: a + beta * sqrt(a). Not rounded. */
double rw_model_square_root_staffing(double load, double beta);

/* Pollaczek-Khinchine: mean wait; cv2 is the squared coefficient of variation of the service. */
double rw_model_mg1_wait(double service_s, double utilization, double cv2);

/* Processor sharing: mean response of a job of that size (or of the mean size). Means only. */
double rw_model_ps_response(double size_s, double utilization);

/* Allen-Cunneen: the wait of M/M/c times (ca2 + cs2) / 2. */
double rw_model_ggc_wait(double rate, double service_rate, double servers, double arrival_cv2,
                         double service_cv2);

#endif
