/* Faults from those who use or run the gateway: slow clients, reloads in a storm. */
#include "verify/fault/fault_private.h"
#include "verify/fault/storm.h"

#include <stdio.h>

/* ---- Clients ---- */

static const char *lacks_front(const struct rw_fault_target *target, enum rw_fault_class fault)
{
    (void)fault;
    return target->front ? NULL : "the address of a listener is not known";
}

enum rw_err rw_fault_open_army(struct rw_fault *fault, enum rw_army_kind kind, uint32_t connections,
                               uint32_t tick_ms, struct rw_army **army)
{
    const struct rw_fault_target *target = &fault->target;
    const struct rw_army_options options = {
        .loop = fault->faults->loop,
        .kind = kind,
        .address = target->front,
        .tls = target->front_tls,
        .host = target->front_host.len ? target->front_host : RW_LITERAL("ringway-verify"),
        .path = target->front_path.len ? target->front_path : RW_LITERAL("/"),
        .connections = connections,
        .tick_ms = tick_ms,
    };
    enum rw_err err = rw_army_open(&options, army);
    if (!err)
        rw_faults_part_opened(fault->faults);
    return err;
}

static enum rw_err begin_army(struct rw_fault *fault, char *why)
{
    enum { TICK_MS_MIN = 10 };
    const struct rw_fault_order *order = &fault->order;
    uint64_t rate = order->bytes_per_second ? order->bytes_per_second : 1;
    uint32_t tick_ms = rate > 1000 / TICK_MS_MIN ? TICK_MS_MIN : (uint32_t)(1000 / rate);
    enum rw_army_kind kind =
        order->fault == RW_FAULT_SLOW_SENDERS ? RW_ARMY_SENDERS : RW_ARMY_READERS;
    enum rw_err err = rw_fault_open_army(fault, kind, order->connections, tick_ms,
                                         (struct rw_army **)&fault->state);
    if (err == RW_ELIMIT)
        snprintf(why, RW_FAULT_WHY_BYTES, "connections: from 1 to %d", RW_ARMY_MAX);
    return err;
}

static void observe_army(struct rw_fault *fault)
{
    struct rw_army_counts counts;
    rw_army_count(fault->state, &counts);
    fault->observed = (struct rw_fault_observed){.happened = counts.hit > 0, .count = counts.hit};
}

static void end_army(struct rw_fault *fault)
{
    rw_army_close(fault->state, rw_faults_part_closed, fault->faults);
}

const struct rw_fault_means rw_fault_by_clients = {.lacks = lacks_front,
                                                   .begin = begin_army,
                                                   .observe = observe_army,
                                                   .end = end_army};

/* ---- Reloads ---- */

static const char *lacks_admin(const struct rw_fault_target *target, enum rw_fault_class fault)
{
    (void)fault;
    return target->admin ? NULL : "the gateway has no admin listener";
}

static enum rw_err begin_storm(struct rw_fault *fault, char *why)
{
    enum rw_err err = rw_storm_open(fault->faults->loop, fault->target.admin,
                                    fault->order.per_second, (struct rw_storm **)&fault->state);
    if (err == RW_ELIMIT)
        snprintf(why, RW_FAULT_WHY_BYTES, "reloads per second: from 1 to %d",
                 RW_STORM_PER_SECOND_MAX);
    if (!err)
        rw_faults_part_opened(fault->faults);
    return err;
}

static void observe_storm(struct rw_fault *fault)
{
    struct rw_storm_counts counts;
    rw_storm_count(fault->state, &counts);
    fault->observed = (struct rw_fault_observed){.happened = counts.done > 0, .count = counts.done};
}

static void end_storm(struct rw_fault *fault)
{
    rw_storm_close(fault->state, rw_faults_part_closed, fault->faults);
}

const struct rw_fault_means rw_fault_by_reloads = {.lacks = lacks_admin,
                                                   .begin = begin_storm,
                                                   .observe = observe_storm,
                                                   .end = end_storm};
