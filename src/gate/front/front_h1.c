#include "gate/front/front_h1.h"

#include "base/prefetch.h"
#include "gate/exchange/exchange_websocket.h"
#include "gate/front/front_h1_connection.h"
#include "gate/front/front_h2.h"
#include "gate/tunnel/tunnel.h"

enum { LINGER_MS = 2000, LINGER_KIB_MAX = 1024, DRAIN_IDLE_MS = 3000 };

size_t rw_front_h1_bytes(void)
{
    return sizeof(struct rw_h1_connection);
}

static struct rw_h1_connection *connection_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct rw_h1_connection, client.stream);
}

/* ---- The end of a connection ---- */

/* A response that is cut must not look complete: where its end is the connection's, only a reset
 * tells. */
static bool half_answered(const struct rw_h1_connection *c)
{
    return c->x && c->x->responded && !c->x->response_ended;
}

void rw_h1_close(struct rw_h1_connection *c)
{
    if (c->client.phase == RW_H1_CLOSED)
        return;
    c->client.phase = RW_H1_CLOSED;
    rw_deadline_stop(rw_h1_worker(c)->loop, &c->client.deadline);
    if (half_answered(c))
        rw_stream_abort(&c->client.stream);
    else
        rw_stream_close(&c->client.stream);
}

static void on_closed(struct rw_stream *stream)
{
    struct rw_h1_connection *c = connection_of(stream);
    struct rw_worker *worker = rw_h1_worker(c);
    c->client.phase = RW_H1_CLOSED;
    rw_deadline_stop(worker->loop, &c->client.deadline);
    if (c->x)
        rw_exchange_cut(c->x, RW_REASON_CLIENT_GONE);
    rw_assert(!c->x);
    rw_buf_drop(c->in);
    rw_client_release(&c->client);
}

/* The answer has been sent. What the client still sends is read for a while. */
void rw_h1_linger(struct rw_h1_connection *c)
{
    rw_buf_drop(c->in);
    c->in = NULL;
    if (c->client.peer_ended) {
        rw_h1_close(c);
        return;
    }
    c->client.phase = RW_H1_LINGER;
    rw_stream_shutdown(&c->client.stream);
    rw_stream_receive(&c->client.stream, true, false);
    rw_client_deadline_in(&c->client, LINGER_MS);
}

static void drop_lingering(struct rw_h1_connection *c, struct rw_buf *buf)
{
    c->lingered_kib = (uint16_t)(c->lingered_kib + rw_buf_span(buf).len / 1024 + 1);
    rw_buf_drop(buf);
    if (c->lingered_kib > LINGER_KIB_MAX)
        rw_h1_close(c);
}

/* ---- Between requests ---- */

static void become_idle(struct rw_h1_connection *c)
{
    c->client.phase = c->in ? RW_H1_HEAD : RW_H1_IDLE;
    const struct rw_config_timeouts *timeouts = rw_client_settings(&c->client)->timeouts;
    if (rw_h1_worker(c)->draining)
        rw_client_deadline_in(&c->client, DRAIN_IDLE_MS);
    else
        rw_client_deadline_in(&c->client, c->in ? timeouts->header_ms : timeouts->idle_ms);
}

/* The exchange is over: next request, or the end. */
static void finished(struct rw_exchange *x)
{
    struct rw_h1_connection *c = x->front_state;
    struct rw_h1_call *call = c->call;
    struct rw_tunnel *tunnel = call->tunnel;
    bool clean = x->request_ended && !x->aborted && !call->close && !x->upgraded;
    /* A client that did not ask for the end may have sent more, which the kernel would answer with
     * a reset that eats the response. */
    bool unread = !x->request_ended || c->in || x->request.keep_alive;
    rw_h1_sent(&call->out);
    rw_buf_drop(call->later.buf);
    rw_buf_drop(call->later_head);
    c->x = NULL;
    c->call = NULL;
    rw_exchange_destroy(x);
    if (tunnel)
        rw_tunnel_start(tunnel, &c->client, c->in);
    if (tunnel || c->client.phase == RW_H1_CLOSED)
        return;
    if (!clean) {
        if (unread)
            rw_h1_linger(c);
        else
            rw_h1_close(c);
        return;
    }
    become_idle(c);
    if (!c->client.busy)
        rw_h1_process(c);
}

static bool take_tunnel(struct rw_exchange *x, struct rw_tunnel *tunnel)
{
    struct rw_h1_connection *c = x->front_state;
    if (c->client.phase == RW_H1_CLOSED)
        return false;
    c->call->tunnel = tunnel;
    return true;
}

static void abort_exchange(struct rw_exchange *x)
{
    struct rw_h1_connection *c = x->front_state;
    c->call->close = true;
    /* A response that was cut must not look complete: a reset is the only sign that HTTP/1.0
     * clients understand. */
    if (c->client.phase != RW_H1_CLOSED) {
        c->client.phase = RW_H1_CLOSED;
        rw_deadline_stop(rw_h1_worker(c)->loop, &c->client.deadline);
        rw_stream_abort(&c->client.stream);
    }
}

/* ---- Heads ---- */

/* Moves the head's bytes into the exchange's arena, so that the buffer is free at once. */
static bool keep_head(struct rw_exchange *x, struct rw_span bytes, size_t head_bytes)
{
    char *copy = rw_arena_alloc(&x->arena, head_bytes);
    if (!copy)
        return false;
    memcpy(copy, bytes.at, head_bytes);
    rw_h1_rebase(&x->request, bytes.at, copy);
    return true;
}

static void begin(struct rw_h1_connection *c, struct rw_exchange *x)
{
    struct rw_piece first = {0};
    c->x = x;
    c->client.phase = RW_H1_BUSY;
    c->requests++;
    x->peer = &c->client.peer.any;
    x->client_connection = &c->client;
    x->https = c->client.tls;
    uint32_t limit = x->listener->limits->requests_per_connection;
    c->call->close = !x->request.keep_alive || (limit && c->requests >= limit);
    if (!rw_h1_start_body(c, &first))
        return;
    /* The next request is here already: more of it would only pile up. */
    if (c->in)
        rw_stream_receive(&c->client.stream, false, false);
    struct rw_buf *body_buf = first.buf;
    uint32_t turn = c->requests;
    enum rw_flow flow = rw_exchange_begin(x, &first);
    rw_buf_drop(body_buf);
    if (!rw_h1_same(c, turn))
        return;
    rw_h1_hold_back(c, flow == RW_FLOW_HOLD);
    if (x->request_ended)
        rw_h1_await(c); /* all of the body came with the head: no more of it is due */
    else
        rw_h1_feed_body(c);
}

static void no_memory(struct rw_h1_connection *c, struct rw_exchange *x)
{
    if (x)
        rw_exchange_destroy(x);
    rw_h1_refuse_for_memory(c);
}

static void dispatch(struct rw_h1_connection *c, struct rw_exchange *x,
                     const struct rw_h1_head *head)
{
    struct rw_span bytes = rw_buf_span(c->in);
    struct rw_h1_call *call = rw_arena_zero(&x->arena, sizeof(*call));
    if (!call || !keep_head(x, bytes, head->consumed)) {
        no_memory(c, x);
        return;
    }
    c->in->start += head->consumed;
    c->head_seen = c->head_line = c->head_fields = 0;
    if (c->in->start == c->in->end) {
        rw_buf_drop(c->in);
        c->in = NULL;
    }
    c->call = call;
    begin(c, x);
}

/* One head out of c->in; false when it is not complete. */
static bool parse_head(struct rw_h1_connection *c)
{
    struct rw_worker *worker = rw_h1_worker(c);
    unsigned index;
    struct rw_snapshot *snapshot = rw_worker_listener_snapshot(c->client.listener, &index);
    struct rw_exchange *x = rw_exchange_create(worker, snapshot, &rw_front_h1, c, index);
    if (!x) {
        no_memory(c, NULL);
        return false;
    }
    struct rw_h1_head head = {.seen = c->head_seen, .line = c->head_line, .fields = c->head_fields};
    switch (
        rw_h1_parse_request(rw_buf_span(c->in), &x->listener->h1, &x->arena, &x->request, &head)) {
    case RW_H1_COMPLETE:
        dispatch(c, x, &head);
        return true;
    case RW_H1_INCOMPLETE:
        c->head_seen = head.seen;
        c->head_line = head.line;
        c->head_fields = (uint16_t)head.fields;
        rw_exchange_destroy(x);
        return false;
    case RW_H1_BAD:
        rw_h1_refuse_malformed(c, head.refusal.status, head.refusal.reason, &x->request);
        rw_exchange_destroy(x);
        return false;
    default:
        no_memory(c, x);
        return false;
    }
}

void rw_h1_process(struct rw_h1_connection *c)
{
    c->client.busy = true;
    while ((c->client.phase == RW_H1_IDLE || c->client.phase == RW_H1_HEAD) && c->in)
        if (!parse_head(c))
            break;
    c->client.busy = false;
    if (c->client.phase == RW_H1_IDLE && c->in) {
        c->client.phase = RW_H1_HEAD;
        rw_client_deadline_in(&c->client, rw_client_settings(&c->client)->timeouts->header_ms);
    }
    if ((c->client.phase == RW_H1_IDLE || c->client.phase == RW_H1_HEAD)) {
        if (c->client.peer_ended)
            rw_h1_close(c);
        else
            rw_stream_receive(&c->client.stream, true, false);
    }
}

/* ---- Bytes ---- */

static const struct rw_span preface = RW_LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/* How many of the first bytes are those of HTTP/2's preface; 0: it is none. */
static size_t preface_bytes(const struct rw_h1_connection *c)
{
    struct rw_span bytes = rw_buf_span(c->in);
    size_t len = bytes.len < preface.len ? bytes.len : preface.len;
    bool begun = bytes.at[0] == 'P' && memcmp(bytes.at, preface.at, len) == 0 && !c->client.tls &&
                 rw_client_settings(&c->client)->http2;
    return begun ? len : 0;
}

/* Then the connection is that protocol's, or the rest of the preface must come. */
static bool speaks_http2(struct rw_h1_connection *c)
{
    size_t len = preface_bytes(c);
    if (len == 0)
        return false;
    if (len == preface.len) {
        struct rw_buf *buf = c->in;
        c->in = NULL;
        rw_front_h2_take(&c->client, buf);
        return true;
    }
    if (c->client.phase == RW_H1_IDLE) {
        c->client.phase = RW_H1_HEAD;
        rw_client_deadline_in(&c->client, rw_client_settings(&c->client)->timeouts->header_ms);
    }
    rw_stream_receive(&c->client.stream, true, false);
    return true;
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_h1_connection *c = connection_of(stream);
    if (c->client.phase >= RW_H1_REFUSED) {
        drop_lingering(c, buf);
        return;
    }
    if (!rw_h1_append(rw_loop_buffers(rw_h1_worker(c)->loop), &c->in, buf)) {
        if (c->x)
            rw_h1_close(c);
        else
            rw_h1_refuse_malformed(c, 431, "request head does not fit into its buffer", NULL);
        return;
    }
    if (c->requests == 0 && speaks_http2(c))
        return;
    if (!c->x)
        rw_h1_process(c);
    else if (!c->x->request_ended && !c->x->tunnels)
        rw_h1_feed_body(c);
    else
        rw_stream_receive(&c->client.stream, false, false);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    struct rw_h1_connection *c = connection_of(stream);
    c->client.peer_ended = true;
    /* An orderly end after a whole request is a client that only closed its sending side. */
    bool half_closed = !err && c->x && c->x->request_ended && !c->x->upgraded;
    if (!err && c->client.phase == RW_H1_REFUSED)
        return;
    if (half_closed) {
        c->call->close = true;
        return;
    }
    if (!err && c->x && c->x->upgraded && !c->x->request_ended) {
        if (!c->x->tunnels)
            rw_h1_feed_body(c);
        return;
    }
    rw_h1_close(c);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct rw_h1_connection *c = connection_of(stream);
    if (c->client.phase == RW_H1_CLOSED)
        return;
    if (c->client.phase == RW_H1_REFUSED && !err)
        rw_h1_linger(c);
    else if (c->client.phase == RW_H1_REFUSED)
        rw_h1_close(c);
    else
        rw_h1_on_sent(c, err);
}

/* Who has begun HTTP/2's preface would not understand an answer of HTTP/1.1; what is no longer than
 * a method may be one. */
static void refuse_slow(struct rw_h1_connection *c)
{
    if (c->requests == 0 && c->in && preface_bytes(c) > sizeof("PRI ") - 1) {
        rw_h1_close(c);
        return;
    }
    struct rw_h1_refused refused = {.status = rw_reason_status(RW_REASON_HEADER_TIMEOUT),
                                    .reason = RW_REASON_HEADER_TIMEOUT,
                                    .detail = rw_reason_text(RW_REASON_HEADER_TIMEOUT)};
    rw_h1_refuse(c, &refused);
}

static void on_deadline(struct rw_timer *timer)
{
    struct rw_h1_connection *c =
        rw_container_of(timer, struct rw_h1_connection, client.deadline.timer);
    struct rw_worker *worker = rw_h1_worker(c);
    if (!rw_deadline_due(worker->loop, &c->client.deadline))
        return;
    if (c->client.phase == RW_H1_IDLE || c->client.phase == RW_H1_LINGER) {
        rw_h1_close(c);
        return;
    }
    rw_worker_count(worker, RW_COUNTER_CLIENT_TIMEOUTS, 1);
    if (c->client.phase == RW_H1_HEAD)
        refuse_slow(c);
    else if (c->x && !c->call->sending && !c->x->request_ended && !c->x->upgraded)
        rw_exchange_request_failed(c->x, RW_REASON_BODY_TIMEOUT, NULL);
    else if (c->x)
        rw_exchange_cut(c->x, RW_REASON_CLIENT_STALLED);
    else
        rw_h1_close(c);
}

static void on_ahead(const struct rw_stream *stream)
{
    const struct rw_h1_connection *c =
        rw_container_of(stream, struct rw_h1_connection, client.stream);
    if (!c->x)
        return;
    struct rw_span touched = rw_exchange_touched(c->x);
    rw_prefetch(touched.at, touched.len);
    rw_prefetch(c->call, sizeof(*c->call));
}

/* ---- What the connection is to others ---- */

static void start(struct rw_client *client)
{
    struct rw_h1_connection *c = rw_container_of(client, struct rw_h1_connection, client);
    become_idle(c);
    rw_stream_receive(&client->stream, true, false);
}

static void drain(struct rw_client *client)
{
    struct rw_exchange *x = rw_container_of(client, struct rw_h1_connection, client)->x;
    if (client->phase == RW_H1_IDLE)
        rw_client_deadline_in(client, DRAIN_IDLE_MS);
    else if (x && rw_client_worker(client)->draining)
        rw_exchange_websocket_drain(x);
}

static bool idle(const struct rw_client *client)
{
    return client->phase == RW_H1_IDLE;
}

static void close_now(struct rw_client *client)
{
    rw_h1_close(rw_container_of(client, struct rw_h1_connection, client));
}

const struct rw_client_front rw_front_h1_client = {
    .events = {.on_data = on_data,
               .on_end = on_end,
               .on_sent = on_sent,
               .on_closed = on_closed,
               .on_ahead = on_ahead},
    .on_deadline = on_deadline,
    .start = start,
    .drain = drain,
    .close = close_now,
    .idle = idle,
};

const struct rw_front rw_front_h1 = {
    .respond = rw_h1_respond,
    .response_data = rw_h1_response_data,
    .informational = rw_h1_informational,
    .request_resume = rw_h1_request_resume,
    .abort = abort_exchange,
    .tunnel = take_tunnel,
    .finished = finished,
    .protocol = {"HTTP/1.1", 8},
};
