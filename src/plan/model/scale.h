/* Scaling: the Universal Scalability Law, fan-out, autoscaling, head-room, the loss of a zone.
 *
 * As plan/model/queueing.h: plain functions, NaN for an argument outside the stated range. Counts
 * of nodes that are results are rounded up, forgiving the last few bits of a division: what is a
 * whole number but for rounding stays that number.
 */
#ifndef RW_PLAN_MODEL_SCALE_H
#define RW_PLAN_MODEL_SCALE_H

#include <stdbool.h>
#include <stddef.h>

enum { RW_MODEL_USL_POINTS_MIN = 3, RW_MODEL_USL_POINTS_MAX = 1000 };

/* X(N) for N > 0, lambda1 >= 0, sigma in 0..1, kappa >= 0. */
double rw_model_usl_rate(double nodes, double lambda1, double sigma, double kappa);
/* The number of nodes with the highest throughput; INFINITY when kappa is 0; never below 1. */
double rw_model_usl_nodes_best(double sigma, double kappa);
/* The throughput that no number of nodes exceeds; INFINITY when it grows without end. */
double rw_model_usl_rate_roof(double lambda1, double sigma, double kappa);

struct rw_model_usl {
    double lambda1, sigma, kappa;
    double error; /* root mean square of the relative errors at the points */
};

/* Fits the law to measured points (nodes and rates > 0) by least squares of N / X, which is linear
 * in its coefficients, with sigma and kappa held to their ranges. False: fewer than
 * RW_MODEL_USL_POINTS_MIN points, more than RW_MODEL_USL_POINTS_MAX, one that is no measurement,
 * or fewer than three different numbers of nodes. */
bool rw_model_usl_fit(const double *nodes, const double *rates, size_t count,
                      struct rw_model_usl *fit);

/* Chance that the slowest of n >= 1 calls exceeds what one exceeds with chance p. */
double rw_model_fanout_slow(double p, double calls);
/* What one call may have so that all of them together stay at `target`. */
double rw_model_fanout_leaf(double target, double calls);

/* Replicas that the Kubernetes autoscaler asks for; unchanged within the tolerance. current >= 1
 * and whole, target > 0. */
double rw_model_hpa_replicas(double current, double metric, double target, double tolerance);

/* The highest utilisation that leaves room for growth (per second) while a scale-out takes. */
double rw_model_headroom_utilization(double growth_per_s, double scale_out_s);
/* Nodes for a peak at that utilisation; node_rate > 0, utilization in (0, 1]. */
double rw_model_headroom_nodes(double peak_rate, double node_rate, double utilization);

/* Nodes that leave `nodes` of them when one of `zones` >= 2 is gone. */
double rw_model_zone_loss_nodes(double nodes, double zones);

/* value rounded up; a value that exceeds a whole number by less than 1e-9 of it is that number. */
double rw_model_round_up(double value);

#endif
