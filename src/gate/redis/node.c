#include "gate/redis/node.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

/* ---- Commands ---- */

static struct rw_redis_command *command_of(struct rw_list *link)
{
    return rw_container_of(link, struct rw_redis_command, link);
}

static void lose(struct rw_redis_node *node, struct rw_list *commands)
{
    struct rw_list *link;
    while ((link = rw_list_pop_front(commands)))
        node->events->lost(node->user, command_of(link));
}

bool rw_redis_node_ready(const struct rw_redis_node *node)
{
    return node->state == RW_REDIS_UP && rw_redis_ready(node->redis);
}

void rw_redis_node_put(struct rw_redis_node *node, struct rw_redis_command *command)
{
    rw_assert(node->state == RW_REDIS_UP);
    rw_list_push_back(&node->waiting, &command->link);
}

static void send_batch(struct rw_redis_node *node, struct rw_text *text, unsigned replies)
{
    node->sent_ns = rw_loop_now_ns(node->loop);
    node->ask_replied = false;
    rw_redis_send(node->redis, text, replies);
}

void rw_redis_node_flush(struct rw_redis_node *node)
{
    struct rw_text text = {0};
    struct rw_list *link;
    unsigned replies = 0;
    if (!rw_redis_node_ready(node))
        return;
    while (!text.err && (link = rw_list_pop_front(&node->waiting))) {
        struct rw_redis_command *command = command_of(link);
        rw_list_push_back(&node->sent, link);
        if (command->asking) {
            rw_resp_begin(&text, 1);
            rw_resp_word(&text, RW_LITERAL("ASKING"));
        }
        replies += 1 + command->asking;
        node->events->write(node->user, command, &text);
    }
    if (text.err) {
        lose(node, &node->sent);
        lose(node, &node->waiting);
    } else if (replies) {
        send_batch(node, &text, replies);
    }
    rw_text_free(&text);
}

/* ---- Replies ---- */

static void note_trip(struct rw_redis_node *node)
{
    node->trip_ns = rw_loop_now_ns(node->loop) - node->sent_ns;
    node->trip_sum_ns += node->trip_ns;
    node->batches++;
}

static void come_up(struct rw_redis_node *node)
{
    node->state = RW_REDIS_UP;
    node->up_count++;
    node->why[0] = '\0';
    node->events->changed(node->user, node, NULL);
}

static const char *take_probe(struct rw_redis_node *node, struct rw_span reply)
{
    const char *why = node->events->take(node->user, node, NULL, reply);
    if (!why)
        come_up(node);
    return why;
}

/* A user may lack the right. The server is of use for all slots that stay where they are. */
static void take_asking(struct rw_redis_node *node, struct rw_span reply)
{
    struct rw_resp_value value;
    bool refused = rw_resp_next(&reply, &value) && value.kind == RW_RESP_ERROR;
    if (refused && !node->ask_refused)
        rw_log_warn("limits",
                    "redis %s: ASKING is refused: %.*s; what is counted in a slot that moves there "
                    "is not shared until it has moved",
                    node->place.text, RW_SPAN_ARGS(value.text));
    node->ask_refused = refused;
    node->ask_replied = true;
}

/* Without ASKING the server would send the command back, and that one here again. */
static const char *take_command(struct rw_redis_node *node, struct rw_span reply)
{
    struct rw_redis_command *command = command_of(node->sent.next);
    if (command->asking && !node->ask_replied) {
        take_asking(node, reply);
        return NULL;
    }
    node->ask_replied = false;
    node->commands++;
    rw_list_remove(&command->link);
    if (!command->asking || !node->ask_refused)
        return node->events->take(node->user, node, command, reply);
    node->events->lost(node->user, command);
    return NULL;
}

static void on_reply(void *user, struct rw_span reply)
{
    struct rw_redis_node *node = user;
    bool probing = node->state == RW_REDIS_PROBING;
    const char *why = probing ? take_probe(node, reply) : take_command(node, reply);
    if (why) {
        rw_redis_fail(node->redis, why);
    } else if (rw_list_empty(&node->sent)) {
        note_trip(node);
        rw_redis_node_flush(node);
    }
}

/* ---- Up and down ---- */

static const char *locate(void *user, struct rw_redis_target *target)
{
    struct rw_redis_node *node = user;
    const char *why = rw_redis_aim(&node->place, node->secure, target);
    node->address = target->address;
    return why;
}

static void on_up(void *user)
{
    struct rw_redis_node *node = user;
    struct rw_text text = {0};
    node->state = RW_REDIS_PROBING;
    bool probe = node->events->probe(node->user, node, &text);
    if (text.err)
        rw_redis_fail(node->redis, rw_err_text(text.err));
    else if (probe)
        send_batch(node, &text, 1);
    else
        come_up(node);
    rw_text_free(&text);
}

static void on_down(void *user, const char *why)
{
    struct rw_redis_node *node = user;
    node->state = RW_REDIS_DOWN;
    node->down_count++;
    snprintf(node->why, sizeof(node->why), "%s", why);
    lose(node, &node->sent);
    lose(node, &node->waiting);
    node->events->changed(node->user, node, why);
}

static void on_closed(void *user)
{
    struct rw_redis_node *node = user;
    const struct rw_redis_node_events *events = node->events;
    void *owner = node->user;
    rw_free(node);
    events->closed(owner);
}

static const struct rw_redis_events redis_events = {
    .locate = locate,
    .on_up = on_up,
    .on_reply = on_reply,
    .on_down = on_down,
    .on_closed = on_closed,
};

static void on_resolved(struct rw_resolve_use *use)
{
    struct rw_redis_node *node = rw_container_of(use, struct rw_redis_node, place.use);
    if (node->state != RW_REDIS_DOWN && !rw_place_has(&node->place, &node->address))
        rw_redis_fail(node->redis, "its name has another address now");
    rw_redis_node_hurry(node);
}

void rw_redis_node_hurry(struct rw_redis_node *node)
{
    if (node->state == RW_REDIS_DOWN)
        rw_redis_hurry(node->redis);
}

/* ---- Start and end ---- */

enum rw_err rw_redis_node_create(struct rw_loop *loop, const struct rw_redis_node_options *options,
                                 const struct rw_place *place, struct rw_redis_node **made)
{
    struct rw_redis_node *node = rw_alloc_zero(sizeof(*node));
    if (!node)
        return RW_ENOMEM;
    const struct rw_redis_options redis = {
        .username = options->username,
        .password = options->password,
        .database = options->database,
        .primary = options->primary,
        .timeout_ms = options->timeout_ms,
        .events = &redis_events,
        .user = node,
    };
    node->loop = loop;
    node->place = *place;
    node->secure = options->secure;
    node->events = options->events;
    node->user = options->user;
    rw_list_init(&node->waiting);
    rw_list_init(&node->sent);
    enum rw_err err = rw_place_start(&node->place, options->resolver, on_resolved);
    if (!err)
        err = rw_redis_create(loop, &redis, &node->redis);
    if (err) {
        rw_place_stop(&node->place);
        rw_free(node);
        return err;
    }
    *made = node;
    return RW_OK;
}

void rw_redis_node_close(struct rw_redis_node *node)
{
    node->state = RW_REDIS_DOWN;
    rw_place_stop(&node->place);
    rw_redis_close(node->redis);
    lose(node, &node->sent);
    lose(node, &node->waiting);
}
