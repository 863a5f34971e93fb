/* Faults of name resolution: the name server that the gateway asks is told to fail or to lie. */
#include "verify/fault/fault_private.h"

#include <stdio.h>

static const enum rw_names_mode modes[RW_FAULT_CLASS_COUNT] = {
    [RW_FAULT_DNS_FAIL] = RW_NAMES_FAIL,
    [RW_FAULT_DNS_UNKNOWN] = RW_NAMES_UNKNOWN,
    [RW_FAULT_DNS_SILENT] = RW_NAMES_SILENT,
    [RW_FAULT_DNS_LIE] = RW_NAMES_LIE,
};

static const char *lacks(const struct rw_fault_target *target, enum rw_fault_class fault)
{
    (void)fault;
    return target->names ? NULL
                         : "the gateway asks a name server that is not ours: `servers` must have "
                           "one for each endpoint with a name, at its port";
}

static enum rw_err begin(struct rw_fault *fault, char *why)
{
    enum rw_err err = rw_names_disturb(fault->target.names, modes[fault->order.fault]);
    if (err)
        snprintf(why, RW_FAULT_WHY_BYTES, "another fault disturbs name resolution already");
    return err;
}

static void observe(struct rw_fault *fault)
{
    struct rw_names_counts counts;
    rw_names_count(fault->target.names, &counts);
    fault->observed =
        (struct rw_fault_observed){.happened = counts.disturbed > 0, .count = counts.disturbed};
}

static void end(struct rw_fault *fault)
{
    enum rw_err err = rw_names_disturb(fault->target.names, RW_NAMES_TRUTH);
    rw_assert(!err);
}

const struct rw_fault_means rw_fault_by_names = {.lacks = lacks,
                                                 .begin = begin,
                                                 .observe = observe,
                                                 .end = end};
