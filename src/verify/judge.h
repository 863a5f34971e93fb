/* Within verify: how each kind of target is judged. A judge fills what was measured, its interval
 * and the values of the repetitions, and decides by rw_verdict_decide, or gives a reason why it
 * cannot. `value` is the kind's own struct of acceptance.h. */
#ifndef RW_VERIFY_JUDGE_H
#define RW_VERIFY_JUDGE_H

#include "verify/target.h"

void rw_judge_latency(const struct rw_judging *judging, const void *value,
                      struct rw_verdict *verdict);
void rw_judge_errors(const struct rw_judging *judging, const void *value,
                     struct rw_verdict *verdict);
void rw_judge_throughput(const struct rw_judging *judging, const void *value,
                         struct rw_verdict *verdict);
void rw_judge_goodput(const struct rw_judging *judging, const void *value,
                      struct rw_verdict *verdict);
void rw_judge_concurrency(const struct rw_judging *judging, const void *value,
                          struct rw_verdict *verdict);
void rw_judge_cost(const struct rw_judging *judging, const void *value, struct rw_verdict *verdict);
void rw_judge_availability(const struct rw_judging *judging, const void *value,
                           struct rw_verdict *verdict);
void rw_judge_recovery(const struct rw_judging *judging, const void *value,
                       struct rw_verdict *verdict);
void rw_judge_data_loss(const struct rw_judging *judging, const void *value,
                        struct rw_verdict *verdict);
void rw_judge_coverage(const struct rw_judging *judging, const void *value,
                       struct rw_verdict *verdict);

#endif
