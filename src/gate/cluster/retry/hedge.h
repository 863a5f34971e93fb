/* When a request is worth a second one: its endpoint group's own latency, and how long the answer
 * to a request may take until another endpoint is asked as well (Dean and Barroso, "The Tail at
 * Scale", Communications of the ACM 56(2), 2013: hedged requests after the 95th percentile).
 *
 * One for each upstream with `hedging`, shared by all threads of a process, over reloads (as
 * gate/cluster/overload/limiter.h). Every response tells how long it took to begin, one that was
 * not waited for how long it was waited for, so that what is cut off does not make the group look
 * quicker. The histogram has eight steps for each doubling, so a percentile is too large by an
 * eighth at the most; it is that of the last 10 to 20 seconds. It is worked out at most ten times a
 * second, by whichever thread comes first. Any thread, no lock.
 */
#ifndef RW_GATE_CLUSTER_RETRY_HEDGE_H
#define RW_GATE_CLUSTER_RETRY_HEDGE_H

#include "base/err.h"
#include "gate/cluster/retry/retry_budget.h"

#include <stdatomic.h>

enum {
    RW_HEDGE_BUCKETS = 200,     /* up to two minutes; longer ones are in the last */
    RW_HEDGE_SAMPLES_MIN = 100, /* fewer say nothing about percentiles */
};

struct rw_hedge_settings {
    uint32_t percentile; /* 1 to 99; 0: no hedging */
    uint32_t after_ms_min, after_ms_max;
    struct rw_retry_budget_settings budget;
};

struct rw_hedge {
    _Atomic uint32_t references; /* clusters */
    _Atomic uint32_t current;    /* which of the two windows is being filled */
    _Atomic uint64_t window_ms;  /* when it began */
    _Atomic uint64_t due_ms;     /* the percentile is worked out again */
    _Atomic uint32_t after_us;   /* the percentile; 0: not known */
    _Atomic uint32_t counts[2][RW_HEDGE_BUCKETS];
};

RW_MUST_CHECK enum rw_err rw_hedge_create(struct rw_hedge **hedge);
struct rw_hedge *rw_hedge_hold(struct rw_hedge *hedge);
void rw_hedge_drop(struct rw_hedge *hedge); /* NULL is fine */

/* A response began after so long, or was waited for so long in vain. */
void rw_hedge_observe(struct rw_hedge *hedge, uint64_t us, uint64_t now_ms);
/* A request that has waited so long is worth a second one; at least one millisecond. As long as
 * there are few answers: after_ms_max. */
uint32_t rw_hedge_after_ms(struct rw_hedge *hedge, const struct rw_hedge_settings *settings,
                           uint64_t now_ms);

#endif
