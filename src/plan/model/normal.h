/* The normal distribution. As plan/model/queueing.h: a plain function, any thread.
 */
#ifndef RW_PLAN_MODEL_NORMAL_H
#define RW_PLAN_MODEL_NORMAL_H

/* The inverse of the standard normal distribution to 1 in 10^16 (Wichura 1988, algorithm AS 241,
 * PPND16); infinite for 0 and 1, NaN outside of them. */
double rw_model_normal_quantile(double p);

#endif
