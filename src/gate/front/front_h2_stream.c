/* Streams of the HTTP/2 front: from the engine's events to exchanges. */
#include "gate/front/front_h2_connection.h"

static struct rw_h2_connection *connection_in(struct rw_h2 *h2)
{
    return rw_container_of(h2, struct rw_h2_connection, h2);
}

/* ---- Beginning ---- */

static void on_deadline(struct rw_timer *timer);

/* Decoding may need more than an exchange is allowed later (http/hpack.h): what is over that then
 * is an error of this request, not of the connection. */
static size_t decoding_bytes(const struct rw_h2_settings *settings)
{
    return settings->head_bytes_max + 2 * (size_t)settings->block_bytes_max +
           2 * (settings->fields_max + 8) * sizeof(struct rw_field);
}

static struct rw_h2_call *make_call(struct rw_h2_connection *c)
{
    unsigned index;
    struct rw_snapshot *snapshot = rw_worker_listener_snapshot(c->client->listener, &index);
    struct rw_exchange *x =
        rw_exchange_create(rw_h2_worker(c), snapshot, &rw_front_h2, NULL, index);
    struct rw_h2_call *call = x ? rw_arena_zero(&x->arena, sizeof(*call)) : NULL;
    if (!call) {
        if (x)
            rw_exchange_destroy(x);
        return NULL;
    }
    size_t bytes = decoding_bytes(&c->settings);
    if (x->arena.cap_bytes < bytes)
        x->arena.cap_bytes = bytes;
    x->front_state = call;
    call->c = c;
    call->x = x;
    rw_deadline_init(&call->deadline, on_deadline);
    return call;
}

struct rw_h2_target rw_h2_on_target(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    struct rw_h2_connection *c = connection_in(h2);
    struct rw_h2_call *call = c->client->phase == RW_H2_OPEN ? make_call(c) : NULL;
    rw_worker_count(rw_h2_worker(c), RW_COUNTER_HTTP2_STREAMS, 1);
    stream->user = call;
    c->rested = false;
    if (!call)
        return (struct rw_h2_target){0};
    call->stream = stream;
    return (struct rw_h2_target){&call->x->arena, &call->x->request};
}

static void count_request(struct rw_h2_connection *c, const struct rw_exchange *x)
{
    uint32_t limit = x->listener->limits->requests_per_connection;
    if (++c->requests >= limit && limit)
        rw_h2_begin_drain(c);
}

/* What came of the body with the head goes along with it. CONNECT has none: what comes behind it is
 * the tunnel's, once there is one, and waits until then. */
static struct rw_piece take_first(struct rw_h2_call *call)
{
    struct rw_piece first = {.end = true};
    if (call->end || call->tunnel)
        return first;
    first = call->waiting;
    call->waiting = (struct rw_piece){0};
    return first;
}

static void begin(struct rw_h2_connection *c, struct rw_h2_call *call)
{
    struct rw_exchange *x = call->x;
    bool websocket = !call->end && x->request.protocol.len && rw_h2_websocket_request(call);
    call->websocket = websocket;
    call->tunnel = !call->end && (x->request.method == RW_METHOD_CONNECT || websocket);
    call->begun = true;
    x->peer = &c->client->peer.any;
    x->https = c->client->tls;
    count_request(c, x);
    call->pace.started_ms = rw_h2_now_ms(c);
    struct rw_piece first = take_first(call);
    struct rw_buf *buf = first.buf;
    enum rw_flow flow = rw_exchange_begin(x, &first);
    rw_buf_drop(buf);
    if (flow == RW_FLOW_OVER)
        return;
    bool held = flow == RW_FLOW_HOLD || x->request_held;
    rw_body_pace_hold(&call->pace, held, rw_h2_now_ms(c));
    rw_h2_await(call);
    if (!held && !call->tunnel && !x->request_ended && call->stream)
        rw_h2_resume(&c->h2, call->stream);
}

void rw_h2_begin_arrived(struct rw_h2_connection *c)
{
    struct rw_list *first;
    while ((first = rw_list_pop_front(&c->arrived)))
        begin(c, rw_container_of(first, struct rw_h2_call, arrived));
}

void rw_h2_on_head(struct rw_h2 *h2, struct rw_h2_stream *stream, unsigned status, bool end)
{
    struct rw_h2_connection *c = connection_in(h2);
    struct rw_h2_call *call = stream->user;
    call->x->arena.cap_bytes = call->x->listener->limits->exchange_bytes;
    if (status == 0) {
        call->end = end;
        rw_list_push_back(&c->arrived, &call->arrived);
        return;
    }
    rw_client_malformed(c->client, status, h2->reason);
    stream->user = NULL;
    rw_h2_refuse(c, stream, &call->x->request, status, h2->reason);
    rw_exchange_destroy(call->x);
}

/* ---- The request's body ---- */

void rw_h2_await(struct rw_h2_call *call)
{
    const struct rw_exchange *x = call->x;
    struct rw_loop *loop = x->worker->loop;
    bool owed = !x->request_ended && !x->upgraded && !call->pace.held && !call->sending;
    uint64_t due_ms = RW_DEADLINE_NONE;
    if (!call->stream) /* the deadline is that of its end */
        return;
    if (x->upgraded && !x->socket)
        due_ms = rw_loop_now_ms(loop) + x->route->config->timeouts->tunnel_idle_ms;
    else if (owed)
        due_ms = rw_loop_now_ms(loop) + x->listener->timeouts->body_idle_ms;
    rw_deadline_set(loop, &call->deadline, due_ms);
}

/* OVER: the exchange is gone. */
static enum rw_flow give(struct rw_h2_call *call, const struct rw_piece *piece)
{
    struct rw_exchange *x = call->x;
    uint64_t now_ms = rw_h2_now_ms(call->c);
    if (rw_body_too_slow(&call->pace, x, piece, now_ms)) {
        rw_exchange_request_failed(x, RW_REASON_BODY_TIMEOUT, "below the minimum rate");
        return RW_FLOW_OVER;
    }
    enum rw_flow flow = rw_exchange_request_data(x, piece);
    if (flow == RW_FLOW_OVER)
        return flow;
    rw_body_pace_hold(&call->pace, flow == RW_FLOW_HOLD, now_ms);
    rw_h2_await(call);
    return flow;
}

/* Nothing is wanted now: this piece waits here, and the engine keeps what follows. */
static enum rw_h2_more keep(struct rw_h2_call *call, const struct rw_piece *piece)
{
    rw_assert(!call->waiting.data.len && !call->waiting.end);
    call->waiting = *piece;
    if (piece->buf)
        rw_buf_hold(piece->buf);
    return RW_H2_HOLD;
}

enum rw_h2_more rw_h2_on_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                              struct rw_span data, bool end, struct rw_span trailers)
{
    (void)h2;
    struct rw_h2_call *call = stream->user;
    struct rw_exchange *x = call->x;
    struct rw_piece piece = {.buf = buf, .data = data, .end = end};
    if (end)
        x->request_trailers = trailers;
    if (!call->begun || call->pace.held || (call->tunnel && !x->upgraded))
        return keep(call, &piece);
    return give(call, &piece) == RW_FLOW_HOLD ? RW_H2_HOLD : RW_H2_GO;
}

void rw_h2_go_on(struct rw_h2_call *call)
{
    struct rw_h2_connection *c = call->c;
    struct rw_piece piece = call->waiting;
    struct rw_h2_stream *stream = call->stream;
    rw_body_pace_hold(&call->pace, false, rw_h2_now_ms(c));
    call->waiting = (struct rw_piece){0};
    enum rw_flow flow = RW_FLOW_GO;
    if (piece.data.len || piece.end)
        flow = give(call, &piece);
    else
        rw_h2_await(call);
    rw_buf_drop(piece.buf);
    if (flow == RW_FLOW_GO && stream)
        rw_h2_resume(&c->h2, stream);
}

static void on_deadline(struct rw_timer *timer)
{
    struct rw_h2_call *call = rw_container_of(timer, struct rw_h2_call, deadline.timer);
    struct rw_exchange *x = call->x;
    if (!rw_deadline_due(x->worker->loop, &call->deadline))
        return;
    if (!call->stream) { /* it was cut by the front */
        rw_exchange_cut(x, RW_REASON_MEMORY);
        return;
    }
    if (x->upgraded) {
        rw_exchange_cut(x, RW_REASON_TUNNEL_IDLE);
        return;
    }
    rw_worker_count(x->worker, RW_COUNTER_CLIENT_TIMEOUTS, 1);
    if (x->responded)
        rw_exchange_cut(x, RW_REASON_BODY_TIMEOUT);
    else
        rw_exchange_request_failed(x, RW_REASON_BODY_TIMEOUT, NULL);
}

/* ---- The end ---- */

void rw_h2_cut_stream(struct rw_h2_call *call, enum rw_h2_code code)
{
    struct rw_h2_stream *stream = call->stream;
    if (!stream)
        return;
    call->stream = NULL;
    stream->user = NULL;
    call->c->held_count -= call->sending;
    call->sending = false;
    rw_worker_count(call->x->worker, RW_COUNTER_HTTP2_RESETS_SENT, 1);
    rw_h2_reset(&call->c->h2, stream, code);
}

/* Also of a stream whose head could not be read, or was not even begun (no memory for it). */
void rw_h2_on_reset(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code)
{
    (void)code;
    struct rw_h2_connection *c = connection_in(h2);
    struct rw_h2_call *call = stream->user;
    if (c->client->phase != RW_H2_CLOSED)
        rw_worker_count(rw_h2_worker(c),
                        c->stalled ? RW_COUNTER_HTTP2_STALLED : RW_COUNTER_HTTP2_RESETS_RECEIVED,
                        1);
    if (!call)
        return;
    stream->user = NULL;
    call->stream = NULL;
    c->held_count -= call->sending;
    call->sending = false;
    if (call->begun) {
        rw_exchange_cut(call->x, c->stalled   ? RW_REASON_CLIENT_STALLED
                                 : h2->reason ? RW_REASON_MALFORMED
                                              : RW_REASON_CLIENT_GONE);
        return;
    }
    rw_list_remove(&call->arrived);
    if (h2->reason)
        rw_client_malformed(c->client, 400, h2->reason);
    rw_buf_drop(call->waiting.buf);
    rw_exchange_destroy(call->x);
}

void rw_h2_on_writable(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    struct rw_h2_connection *c = connection_in(h2);
    struct rw_h2_call *call = stream->user;
    c->held_count--;
    call->sending = false;
    rw_h2_await(call);
    if (call->last)
        rw_exchange_response_sent(call->x);
    else
        rw_exchange_response_resume(call->x);
}
