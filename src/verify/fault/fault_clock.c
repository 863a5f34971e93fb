/* The gateway's wall clock jumps, and back at the end. */
#include "verify/fault/clock_shim.h"
#include "verify/fault/fault_private.h"

#include <stdio.h>

enum { STEP_DAYS_MAX = 3650, DAY_MS = 24 * 3600 * 1000 };

static const char *lacks(const struct rw_fault_target *target, enum rw_fault_class fault)
{
    (void)fault;
    return target->clock ? NULL : "verify has not started the gateway: its clock is not ours";
}

static enum rw_err begin(struct rw_fault *fault, char *why)
{
    int64_t step_ms = fault->order.step_ms, most_ms = (int64_t)STEP_DAYS_MAX * DAY_MS;
    if (step_ms == 0 || step_ms > most_ms || step_ms < -most_ms) {
        snprintf(why, RW_FAULT_WHY_BYTES, "a clock jumps by at most %d days, and not by nothing",
                 STEP_DAYS_MAX);
        return RW_EINVAL;
    }
    rw_clock_shim_step(fault->target.clock, step_ms);
    return RW_OK;
}

static void observe(struct rw_fault *fault)
{
    int64_t step_ms = fault->order.step_ms;
    bool seen = rw_clock_shim_seen(fault->target.clock);
    fault->observed.happened |= seen;
    if (seen)
        fault->observed.count = (uint64_t)(step_ms < 0 ? -step_ms : step_ms);
}

static void end(struct rw_fault *fault)
{
    rw_clock_shim_step(fault->target.clock, 0);
}

const struct rw_fault_means rw_fault_by_clock = {.lacks = lacks,
                                                 .begin = begin,
                                                 .observe = observe,
                                                 .end = end};
