/* How many requests may be repeated: a share of what is asked for, so that an upstream in trouble
 * is not given several times its load. Each worker keeps a budget for each upstream: a bucket into
 * which every request puts its share and time adds a minimum, and out of which every repetition
 * takes one. A bucket that is full overflows. So in any span of time a worker repeats at most
 *
 *   burst + requests * percent / 100 + milliseconds * per_second / 1000
 *
 * `burst` and `per_second` being its part of the upstream's. A zeroed budget is full. (The idea is
 * that of a token bucket that is filled by work; here in thousandths of a repetition.) On the
 * worker's thread.
 */
#ifndef RW_GATE_CLUSTER_RETRY_RETRY_BUDGET_H
#define RW_GATE_CLUSTER_RETRY_RETRY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct rw_retry_budget {
    uint64_t spent; /* thousandths: what the bucket is short of being full */
    uint64_t filled_ms;
};

struct rw_retry_budget_settings {
    uint32_t percent;    /* of requests */
    uint32_t per_second; /* whatever the requests */
    uint32_t burst;
};

/* A request is sent for the first time. */
static inline void rw_retry_budget_add(struct rw_retry_budget *budget, uint32_t percent)
{
    if (__builtin_expect(budget->spent != 0, 0))
        budget->spent -= budget->spent < 10ull * percent ? budget->spent : 10ull * percent;
}

/* Takes one out; false: there is none. `parts`: so many workers share the upstream's budget. */
bool rw_retry_budget_take(struct rw_retry_budget *budget,
                          const struct rw_retry_budget_settings *settings, unsigned parts,
                          uint64_t now_ms);

#endif
