/* Faults on the way to a server: relays that are told to disturb. */
#include "verify/fault/fault_private.h"

#include "base/alloc.h"

#include <stdio.h>

static const enum rw_relay_mode modes[RW_FAULT_CLASS_COUNT] = {
    [RW_FAULT_REFUSE] = RW_RELAY_REFUSE,       [RW_FAULT_RESET] = RW_RELAY_RESET,
    [RW_FAULT_DELAY] = RW_RELAY_DELAY,         [RW_FAULT_THROTTLE] = RW_RELAY_THROTTLE,
    [RW_FAULT_TRUNCATE] = RW_RELAY_TRUNCATE,   [RW_FAULT_STALL] = RW_RELAY_STALL,
    [RW_FAULT_BLACKHOLE] = RW_RELAY_BLACKHOLE,
};

static const char *lacks(const struct rw_fault_target *target, enum rw_fault_class fault)
{
    (void)fault;
    return target->relay_count ? NULL : "no relay stands in front of it";
}

/* `state` is an array of bool: which relays were chosen. */
static void calm(struct rw_fault *fault, size_t count)
{
    const bool *chosen = fault->state;
    for (size_t i = 0; i < count; i++)
        if (chosen[i])
            rw_relay_calm(fault->target.relays[i]);
}

static enum rw_err disturb(struct rw_fault *fault, const struct rw_relay_disturbance *disturbance)
{
    const bool *chosen = fault->state;
    for (size_t i = 0; i < fault->target.relay_count; i++) {
        enum rw_err err =
            chosen[i] ? rw_relay_disturb(fault->target.relays[i], disturbance) : RW_OK;
        if (err) {
            calm(fault, i);
            return err;
        }
    }
    return RW_OK;
}

enum rw_err rw_fault_disturb_relays(struct rw_fault *fault,
                                    const struct rw_relay_disturbance *disturbance, char *why)
{
    size_t count = fault->target.relay_count;
    fault->state = rw_alloc_zero(count * sizeof(bool));
    if (!fault->state)
        return RW_ENOMEM;
    rw_fault_choose(fault->faults, fault->order.parts, count, fault->state);
    enum rw_err err = disturb(fault, disturbance);
    if (err == RW_EEXIST)
        snprintf(why, RW_FAULT_WHY_BYTES, "another fault disturbs %.*s already",
                 RW_SPAN_ARGS(fault->target.dependency->name));
    if (err)
        rw_free(fault->state);
    return err;
}

static enum rw_err begin(struct rw_fault *fault, char *why)
{
    const struct rw_fault_order *order = &fault->order;
    const struct rw_relay_disturbance disturbance = {
        .mode = modes[order->fault],
        .share_percent = order->share_percent,
        .delay_ms = order->delay_ms,
        .jitter_ms = order->jitter_ms,
        .bytes = order->bytes,
        .bytes_per_second = order->bytes_per_second ? order->bytes_per_second : 1,
    };
    return rw_fault_disturb_relays(fault, &disturbance, why);
}

static uint64_t figure(enum rw_fault_class fault, const struct rw_relay_counts *counts)
{
    switch (fault) {
    case RW_FAULT_REFUSE:
        return counts->connections_hit + counts->refused;
    case RW_FAULT_DELAY:
    case RW_FAULT_THROTTLE:
    case RW_FAULT_BLACKHOLE:
        return counts->bytes_hit;
    default:
        return counts->connections_hit;
    }
}

void rw_fault_observe_relays(struct rw_fault *fault)
{
    const bool *chosen = fault->state;
    fault->observed = (struct rw_fault_observed){0};
    for (size_t i = 0; i < fault->target.relay_count; i++) {
        struct rw_relay_counts counts;
        rw_relay_count(fault->target.relays[i], &counts);
        if (chosen[i])
            fault->observed.count += figure(fault->order.fault, &counts);
    }
    fault->observed.happened = fault->observed.count > 0;
}

void rw_fault_calm_relays(struct rw_fault *fault)
{
    calm(fault, fault->target.relay_count);
    rw_free(fault->state);
}

const struct rw_fault_means rw_fault_by_relay = {.lacks = lacks,
                                                 .begin = begin,
                                                 .observe = rw_fault_observe_relays,
                                                 .end = rw_fault_calm_relays};
