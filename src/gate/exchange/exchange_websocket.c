#include "gate/exchange/exchange_websocket.h"

#include "gate/deadline.h"
#include "gate/exchange/origin.h"
#include "gate/snapshot.h"
#include "gate/tunnel/websocket_relay.h"
#include "gate/worker.h"

/* A Ping that waits, then of one piece: the head before it, itself, a Close frame. */
enum { QUEUE_MAX = 4 };

/* Towards a side. */
struct way {
    struct rw_piece queue[QUEUE_MAX]; /* each with a reference to its buffer */
    uint8_t count;
    bool held; /* the receiver has said HOLD, or has not begun */
    bool end;  /* the other side has ended: told after the queue */
    bool shut; /* that was told: nothing more goes there */
};

struct rw_exchange_websocket {
    struct rw_exchange *x;
    struct way ways[2];
    struct rw_websocket_state state;
    struct rw_tunnel_limits limits;
    struct rw_deadline idle, alarm;
    uint64_t active_ms;
    bool counted;    /* rw_websocket_relay_started was called */
    uint8_t failure; /* enum rw_reason: to be cut */
};

static enum rw_tunnel_side other(enum rw_tunnel_side side)
{
    return side == RW_TUNNEL_CLIENT ? RW_TUNNEL_UPSTREAM : RW_TUNNEL_CLIENT;
}

/* ---- What the relay asks for: all of it is done once it has returned ---- */

static void put(void *host, enum rw_tunnel_side to, const struct rw_piece *piece)
{
    struct rw_exchange_websocket *w = host;
    struct way *way = &w->ways[to];
    if (piece->data.len == 0 || way->shut || w->failure) {
        rw_buf_drop(piece->buf);
        return;
    }
    rw_assert(way->count < QUEUE_MAX);
    way->queue[way->count++] = *piece;
}

static void finish(void *host, enum rw_tunnel_side from)
{
    struct rw_exchange_websocket *w = host;
    w->ways[other(from)].end = true;
}

static void because(void *host, enum rw_reason reason)
{
    struct rw_exchange_websocket *w = host;
    w->x->reason = (uint8_t)reason;
}

static void alarm_at(void *host, uint64_t at_ms)
{
    struct rw_exchange_websocket *w = host;
    rw_deadline_set(w->x->worker->loop, &w->alarm, at_ms);
}

static void end(void *host, enum rw_reason reason)
{
    struct rw_exchange_websocket *w = host;
    if (!w->failure)
        w->failure = (uint8_t)reason;
}

static bool is_over(const void *host)
{
    const struct rw_exchange_websocket *w = host;
    return w->failure || w->ways[RW_TUNNEL_CLIENT].shut;
}

static bool client_owes(const void *host)
{
    const struct way *way = &((const struct rw_exchange_websocket *)host)->ways[RW_TUNNEL_CLIENT];
    return way->count || way->held;
}

static uint64_t active_ms(const void *host)
{
    return ((const struct rw_exchange_websocket *)host)->active_ms;
}

static const struct rw_websocket_host ops = {
    .put = put,
    .finish = finish,
    .because = because,
    .alarm = alarm_at,
    .end = end,
    .over = is_over,
    .client_owes = client_owes,
    .active_ms = active_ms,
};

static struct rw_websocket_relay relay_of(struct rw_exchange_websocket *w)
{
    return (struct rw_websocket_relay){
        .ops = &ops, .host = w, .state = &w->state, .worker = w->x->worker, .limits = &w->limits};
}

/* ---- Time ---- */

static void touch(struct rw_exchange_websocket *w)
{
    struct rw_loop *loop = w->x->worker->loop;
    bool half_closed = w->ways[0].end || w->ways[1].end;
    uint32_t idle_ms = w->limits.idle_ms;
    if (half_closed && w->limits.half_closed_ms < idle_ms)
        idle_ms = w->limits.half_closed_ms;
    w->active_ms = rw_loop_now_ms(loop);
    rw_deadline_set(loop, &w->idle, w->active_ms + idle_ms);
}

/* ---- Going on ---- */

static void drop_queue(struct way *way)
{
    for (unsigned i = 0; i < way->count; i++)
        rw_buf_drop(way->queue[i].buf);
    way->count = 0;
}

static enum rw_flow give(struct rw_exchange *x, enum rw_tunnel_side to,
                         const struct rw_piece *piece)
{
    if (to == RW_TUNNEL_UPSTREAM)
        return x->route->origin->request_data(x, piece);
    x->bytes_out += piece->data.len;
    return x->front->response_data(x, piece);
}

/* The end of the response is that of the exchange: where the gateway closes, the client is heard
 * first. */
static bool end_is_due(const struct rw_exchange_websocket *w, enum rw_tunnel_side to)
{
    const struct way *way = &w->ways[to];
    if (!way->end || way->shut)
        return false;
    return to == RW_TUNNEL_UPSTREAM || w->x->origin_done || w->ways[RW_TUNNEL_UPSTREAM].end;
}

/* Gives a side what waits for it. OVER: the exchange may be gone. */
static enum rw_flow push(struct rw_exchange_websocket *w, enum rw_tunnel_side to)
{
    struct way *way = &w->ways[to];
    if (to == RW_TUNNEL_UPSTREAM && w->x->origin_done)
        drop_queue(way);
    while (way->count && !way->held) {
        struct rw_piece piece = way->queue[0];
        for (unsigned i = 1; i < way->count; i++)
            way->queue[i - 1] = way->queue[i];
        way->count--;
        enum rw_flow flow = give(w->x, to, &piece);
        rw_buf_drop(piece.buf);
        if (flow == RW_FLOW_OVER)
            return flow;
        way->held = flow == RW_FLOW_HOLD;
    }
    if (way->count || way->held)
        return RW_FLOW_HOLD;
    if (!end_is_due(w, to) || (to == RW_TUNNEL_UPSTREAM && w->x->origin_done))
        return RW_FLOW_GO;
    way->shut = true;
    enum rw_flow flow = give(w->x, to, &(struct rw_piece){.end = true});
    return to == RW_TUNNEL_CLIENT ? RW_FLOW_OVER : flow;
}

/* What an event has led to. OVER: the exchange may be gone. Else what the giver towards `to` is to
 * do. */
static enum rw_flow settle(struct rw_exchange_websocket *w, enum rw_tunnel_side to)
{
    if (w->failure) {
        rw_exchange_cut(w->x, (enum rw_reason)w->failure);
        return RW_FLOW_OVER;
    }
    if (push(w, RW_TUNNEL_UPSTREAM) == RW_FLOW_OVER || push(w, RW_TUNNEL_CLIENT) == RW_FLOW_OVER)
        return RW_FLOW_OVER;
    const struct way *way = &w->ways[to];
    return way->count || way->held ? RW_FLOW_HOLD : RW_FLOW_GO;
}

static enum rw_flow take(struct rw_exchange *x, enum rw_tunnel_side from,
                         const struct rw_piece *piece)
{
    struct rw_exchange_websocket *w = x->socket;
    const struct rw_websocket_relay relay = relay_of(w);
    if (is_over(w))
        return RW_FLOW_GO;
    if (piece->data.len) {
        if (piece->buf)
            rw_buf_hold(piece->buf);
        /* The end is told below, behind all that waits. */
        rw_websocket_relay_data(&relay, from,
                                (struct rw_piece){.buf = piece->buf, .data = piece->data});
    }
    if (piece->end && !w->failure) {
        rw_websocket_relay_ended(&relay, from);
        finish(w, from);
    }
    touch(w);
    return settle(w, other(from));
}

enum rw_flow rw_exchange_websocket_from_client(struct rw_exchange *x, const struct rw_piece *piece)
{
    return take(x, RW_TUNNEL_CLIENT, piece);
}

enum rw_flow rw_exchange_websocket_from_origin(struct rw_exchange *x, const struct rw_piece *piece)
{
    return take(x, RW_TUNNEL_UPSTREAM, piece);
}

static bool resume(struct rw_exchange *x, enum rw_tunnel_side side)
{
    struct rw_exchange_websocket *w = x->socket;
    w->ways[side].held = false;
    return settle(w, side) == RW_FLOW_GO;
}

bool rw_exchange_websocket_client_resume(struct rw_exchange *x)
{
    return resume(x, RW_TUNNEL_CLIENT);
}

bool rw_exchange_websocket_origin_resume(struct rw_exchange *x)
{
    return resume(x, RW_TUNNEL_UPSTREAM);
}

/* ---- From the loop ---- */

static void on_idle(struct rw_timer *timer)
{
    struct rw_exchange_websocket *w =
        rw_container_of(timer, struct rw_exchange_websocket, idle.timer);
    if (rw_deadline_due(w->x->worker->loop, &w->idle))
        rw_exchange_cut(w->x, RW_REASON_TUNNEL_IDLE);
}

static void on_alarm(struct rw_timer *timer)
{
    struct rw_exchange_websocket *w =
        rw_container_of(timer, struct rw_exchange_websocket, alarm.timer);
    const struct rw_websocket_relay relay = relay_of(w);
    if (!rw_deadline_due(w->x->worker->loop, &w->alarm) || is_over(w))
        return;
    rw_websocket_relay_alarm(&relay);
    (void)settle(w, RW_TUNNEL_CLIENT);
}

void rw_exchange_websocket_drain(struct rw_exchange *x)
{
    struct rw_exchange_websocket *w = x->socket;
    if (!w || !w->counted || is_over(w))
        return;
    const struct rw_websocket_relay relay = relay_of(w);
    rw_websocket_relay_drain(&relay);
    (void)settle(w, RW_TUNNEL_CLIENT);
}

/* ---- From beginning to end ---- */

bool rw_exchange_websocket_begin(struct rw_exchange *x)
{
    const struct rw_config_route_timeouts *timeouts = x->route->config->timeouts;
    const struct rw_config_websocket *config = x->route->config->websocket;
    struct rw_exchange_websocket *w = rw_arena_zero(&x->arena, sizeof(*w));
    if (!w)
        return false;
    w->x = x;
    w->limits = (struct rw_tunnel_limits){.idle_ms = timeouts->tunnel_idle_ms,
                                          .half_closed_ms = timeouts->tunnel_half_closed_ms,
                                          .message_bytes_max = (uint32_t)config->message_bytes_max,
                                          .ping_ms = config->ping_ms,
                                          .close_ms_max = config->close_ms_max};
    w->ways[RW_TUNNEL_CLIENT].held = true;
    rw_deadline_init(&w->idle, on_idle);
    rw_deadline_init(&w->alarm, on_alarm);
    rw_websocket_relay_begin(&w->state, x->websocket_rsv);
    x->socket = w;
    touch(w);
    return true;
}

void rw_exchange_websocket_started(struct rw_exchange *x, enum rw_flow flow)
{
    struct rw_exchange_websocket *w = x->socket;
    if (x->step != RW_STEP_RELAY || x->response_ended)
        return;
    const struct rw_websocket_relay relay = relay_of(w);
    w->counted = true;
    w->ways[RW_TUNNEL_CLIENT].held = flow != RW_FLOW_GO;
    rw_websocket_relay_started(&relay);
    (void)settle(w, RW_TUNNEL_CLIENT);
}

void rw_exchange_websocket_end(struct rw_exchange *x)
{
    struct rw_exchange_websocket *w = x->socket;
    if (!w)
        return;
    const struct rw_websocket_relay relay = relay_of(w);
    rw_deadline_stop(x->worker->loop, &w->idle);
    rw_deadline_stop(x->worker->loop, &w->alarm);
    if (w->counted)
        rw_websocket_relay_over(&relay);
    drop_queue(&w->ways[0]);
    drop_queue(&w->ways[1]);
    x->socket = NULL;
}
