#include "base/log.h"
#include "gate/redis/store_private.h"

/* It may have no slot yet, so that it is in nobody's map. */
static struct rw_redis_node *target_of(struct rw_redis_store *store,
                                       const struct rw_redis_node *from,
                                       const struct rw_redis_redirect *redirect)
{
    struct rw_span host = redirect->host.len ? redirect->host : rw_span_text(from->place.host);
    struct rw_redis_node *target = rw_redis_store_reach(store, host, redirect->port);
    if (target)
        target->guest_ms = rw_loop_now_ms(store->loop) + RW_REDIS_GUEST_MS;
    return target;
}

static void send_to(struct rw_redis_node *target, struct rw_redis_command *command)
{
    rw_redis_node_put(target, command);
    rw_redis_node_flush(target);
}

/* For good: what is told next goes there at once. */
static void move_slot(struct rw_redis_store *store, uint16_t slot, struct rw_redis_node *target)
{
    struct rw_redis_node **at = &store->by_slot[slot];
    if (*at == target)
        return;
    if (*at && (*at)->slots)
        (*at)->slots--;
    if (target)
        target->slots++;
    store->covered += (target != NULL) - (*at != NULL);
    *at = target;
    store->counts.changes++;
    rw_log_limited(RW_LOG_INFO, "limits", "redis: slot %u has moved to %s", slot,
                   target ? target->place.text : "an address that is none");
    store->events->moved(store->user);
}

const char *rw_redis_store_turn(struct rw_redis_store *store, const struct rw_redis_node *node,
                                struct rw_redis_command *command, enum rw_redis_turn turn,
                                const struct rw_redis_redirect *redirect)
{
    struct rw_redis_store_counts *counts = &store->counts;
    command->asking = turn == RW_REDIS_TURN_ASK;
    if (turn == RW_REDIS_TURN_SPLIT) {
        counts->split++;
        store->events->again(store->user, command, true);
        return NULL;
    }
    struct rw_redis_node *target = target_of(store, node, redirect);
    *(turn == RW_REDIS_TURN_ASK ? &counts->asked : &counts->moved) += 1;
    if (turn == RW_REDIS_TURN_MOVED) {
        move_slot(store, redirect->slot, target);
        rw_redis_guide_ask(store->guide, 0);
    }
    if (command->hops == RW_REDIS_HOPS_MAX) {
        rw_log_limited(RW_LOG_WARN, "limits",
                       "redis %s: slot %u is sent on for the %dth time in a row, and given up",
                       node->place.text, redirect->slot, RW_REDIS_HOPS_MAX + 1);
        store->events->lost(store->user, command);
    } else if (target && target->state == RW_REDIS_UP) {
        command->hops++;
        send_to(target, command);
    } else {
        store->events->again(store->user, command, false);
    }
    return NULL;
}
