#include "gate/front_h1.h"

#include "base/log.h"
#include "gate/front_h1_connection.h"
#include "io/address.h"
#include "io/tls.h"

enum { LINGER_MS = 2000, LINGER_KIB_MAX = 1024, DRAIN_IDLE_MS = 3000 };

size_t rw_front_h1_bytes(void)
{
    return sizeof(struct rw_h1_connection);
}

static struct rw_h1_connection *connection_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct rw_h1_connection, stream);
}

const struct rw_listener_settings *rw_h1_settings(const struct rw_h1_connection *c)
{
    unsigned index;
    struct rw_snapshot *snapshot = rw_worker_listener_snapshot(c->listener, &index);
    return &snapshot->listeners[index];
}

void rw_h1_deadline_in(struct rw_h1_connection *c, uint32_t ms)
{
    struct rw_loop *loop = rw_h1_worker(c)->loop;
    rw_deadline_set(loop, &c->deadline, ms ? rw_loop_now_ms(loop) + ms : RW_DEADLINE_NONE);
}

static void keep_peer(struct rw_h1_connection *c, const struct sockaddr_storage *peer)
{
    memset(&c->peer, 0, sizeof(c->peer));
    if (peer->ss_family == AF_INET || peer->ss_family == AF_INET6)
        memcpy(&c->peer, peer, sizeof(c->peer));
    else
        c->peer.any.sa_family = AF_UNIX;
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
    if (c->phase == RW_H1_CLOSED)
        return;
    c->phase = RW_H1_CLOSED;
    rw_deadline_stop(rw_h1_worker(c)->loop, &c->deadline);
    if (half_answered(c))
        rw_stream_abort(&c->stream);
    else
        rw_stream_close(&c->stream);
}

static void on_closed(struct rw_stream *stream)
{
    struct rw_h1_connection *c = connection_of(stream);
    struct rw_worker *worker = rw_h1_worker(c);
    c->phase = RW_H1_CLOSED;
    rw_deadline_stop(worker->loop, &c->deadline);
    if (c->x)
        rw_exchange_cut(c->x, RW_REASON_CLIENT_GONE);
    rw_assert(!c->x);
    rw_buf_drop(c->in);
    rw_list_remove(&c->link);
    worker->front_count--;
    rw_worker_count(worker, RW_COUNTER_CONNECTIONS_OPEN, -1);
    rw_worker_listener_drop(c->listener);
    rw_slab_put(&worker->connections, c);
    rw_worker_check_drained(worker);
}

/* The answer has been sent. What the client still sends is read for a while. */
void rw_h1_linger(struct rw_h1_connection *c)
{
    rw_buf_drop(c->in);
    c->in = NULL;
    if (c->peer_ended) {
        rw_h1_close(c);
        return;
    }
    c->phase = RW_H1_LINGER;
    rw_stream_shutdown(&c->stream);
    rw_stream_receive(&c->stream, true, false);
    rw_h1_deadline_in(c, LINGER_MS);
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
    c->phase = c->in ? RW_H1_HEAD : RW_H1_IDLE;
    const struct rw_config_timeouts *timeouts = rw_h1_settings(c)->timeouts;
    if (rw_h1_worker(c)->draining)
        rw_h1_deadline_in(c, DRAIN_IDLE_MS);
    else
        rw_h1_deadline_in(c, c->in ? timeouts->header_ms : timeouts->idle_ms);
}

/* The exchange is over: next request, or the end. */
static void finished(struct rw_exchange *x)
{
    struct rw_h1_connection *c = x->front_state;
    struct rw_h1_call *call = c->call;
    bool clean = x->request_ended && !x->aborted && !call->close && !x->upgraded;
    /* A client that did not ask for the end may have sent more, which the kernel would answer with
     * a reset that eats the response. */
    bool unread = !x->request_ended || c->in || x->request.keep_alive;
    rw_h1_sent(&call->out);
    rw_buf_drop(call->later.buf);
    c->x = NULL;
    c->call = NULL;
    rw_exchange_destroy(x);
    if (c->phase == RW_H1_CLOSED)
        return;
    if (!clean) {
        if (unread)
            rw_h1_linger(c);
        else
            rw_h1_close(c);
        return;
    }
    become_idle(c);
    if (!c->parsing)
        rw_h1_process(c);
}

static void abort_exchange(struct rw_exchange *x)
{
    struct rw_h1_connection *c = x->front_state;
    c->call->close = true;
    /* A response that was cut must not look complete: a reset is the only sign that HTTP/1.0
     * clients understand. */
    if (c->phase != RW_H1_CLOSED) {
        c->phase = RW_H1_CLOSED;
        rw_deadline_stop(rw_h1_worker(c)->loop, &c->deadline);
        rw_stream_abort(&c->stream);
    }
}

/* ---- Heads ---- */

void rw_h1_refuse_malformed(struct rw_h1_connection *c, const struct rw_h1_refusal *refusal)
{
    struct sockaddr_storage peer = {0};
    char text[RW_ADDRESS_HOST_TEXT_MAX];
    memcpy(&peer, &c->peer, sizeof(c->peer));
    size_t len = rw_address_format_host(text, &peer);
    rw_log_limited(RW_LOG_WARN, "http", "%.*s: request refused with %u: %s", (int)len, text,
                   refusal->status, refusal->reason);
    rw_worker_count(rw_h1_worker(c), RW_COUNTER_REQUESTS_MALFORMED, 1);
    rw_h1_refuse(c, refusal->status, refusal->reason);
}

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
    c->phase = RW_H1_BUSY;
    c->requests++;
    x->peer = &c->peer.any;
    x->https = c->tls;
    uint32_t limit = x->listener->limits->requests_per_connection;
    c->call->close = !x->request.keep_alive || (limit && c->requests >= limit);
    if (!rw_h1_start_body(c, &first))
        return;
    /* The next request is here already: more of it would only pile up. */
    if (c->in)
        rw_stream_receive(&c->stream, false, false);
    struct rw_buf *body_buf = first.buf;
    uint32_t turn = c->requests;
    enum rw_flow flow = rw_exchange_begin(x, &first);
    rw_buf_drop(body_buf);
    if (!rw_h1_same(c, turn))
        return;
    rw_h1_hold_back(c, flow == RW_FLOW_HOLD);
    if (!x->request_ended)
        rw_h1_feed_body(c);
}

static void no_memory(struct rw_h1_connection *c, struct rw_exchange *x)
{
    if (x)
        rw_exchange_destroy(x);
    rw_h1_refuse(c, 503, "out of memory");
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
    struct rw_snapshot *snapshot = rw_worker_listener_snapshot(c->listener, &index);
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
        c->head_fields = head.fields;
        rw_exchange_destroy(x);
        return false;
    case RW_H1_BAD:
        rw_exchange_destroy(x);
        rw_h1_refuse_malformed(c, &head.refusal);
        return false;
    default:
        no_memory(c, x);
        return false;
    }
}

void rw_h1_process(struct rw_h1_connection *c)
{
    c->parsing = true;
    while ((c->phase == RW_H1_IDLE || c->phase == RW_H1_HEAD) && c->in)
        if (!parse_head(c))
            break;
    c->parsing = false;
    if (c->phase == RW_H1_IDLE && c->in) {
        c->phase = RW_H1_HEAD;
        rw_h1_deadline_in(c, rw_h1_settings(c)->timeouts->header_ms);
    }
    if ((c->phase == RW_H1_IDLE || c->phase == RW_H1_HEAD)) {
        if (c->peer_ended)
            rw_h1_close(c);
        else
            rw_stream_receive(&c->stream, true, false);
    }
}

/* ---- Bytes ---- */

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_h1_connection *c = connection_of(stream);
    if (c->phase >= RW_H1_REFUSED) {
        drop_lingering(c, buf);
        return;
    }
    if (!rw_h1_append(rw_loop_buffers(rw_h1_worker(c)->loop), &c->in, buf)) {
        struct rw_h1_refusal refusal = {431, "request head does not fit into its buffer"};
        if (c->x)
            rw_h1_close(c);
        else
            rw_h1_refuse_malformed(c, &refusal);
        return;
    }
    if (!c->x)
        rw_h1_process(c);
    else if (!c->x->request_ended)
        rw_h1_feed_body(c);
    else
        rw_stream_receive(&c->stream, false, false);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    struct rw_h1_connection *c = connection_of(stream);
    c->peer_ended = true;
    /* An orderly end after a whole request is a client that only closed its sending side. */
    bool half_closed = !err && c->x && c->x->request_ended && !c->x->upgraded;
    if (!err && c->phase == RW_H1_REFUSED)
        return;
    if (half_closed) {
        c->call->close = true;
        return;
    }
    if (!err && c->x && c->x->upgraded && !c->x->request_ended) {
        rw_h1_feed_body(c);
        return;
    }
    rw_h1_close(c);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct rw_h1_connection *c = connection_of(stream);
    if (c->phase == RW_H1_CLOSED)
        return;
    if (c->phase == RW_H1_REFUSED && !err)
        rw_h1_linger(c);
    else if (c->phase == RW_H1_REFUSED)
        rw_h1_close(c);
    else
        rw_h1_on_sent(c, err);
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct rw_h1_connection *c = connection_of(stream);
    rw_worker_count(rw_h1_worker(c), err ? RW_COUNTER_TLS_FAILURES : RW_COUNTER_TLS_HANDSHAKES, 1);
    if (err) {
        rw_log_limited(RW_LOG_INFO, "tls", "handshake failed: %s: %s", rw_err_text(err),
                       rw_tls_error_text(stream));
        rw_h1_close(c);
        return;
    }
    become_idle(c);
    rw_stream_receive(&c->stream, true, false);
}

static void on_deadline(struct rw_timer *timer)
{
    struct rw_h1_connection *c = rw_container_of(timer, struct rw_h1_connection, deadline.timer);
    struct rw_worker *worker = rw_h1_worker(c);
    if (!rw_deadline_due(worker->loop, &c->deadline))
        return;
    if (c->phase == RW_H1_IDLE || c->phase == RW_H1_LINGER) {
        rw_h1_close(c);
        return;
    }
    rw_worker_count(worker, RW_COUNTER_CLIENT_TIMEOUTS, 1);
    if (c->phase == RW_H1_HEAD)
        rw_h1_refuse(c, 408, "request head came too slowly");
    else if (c->x && !c->x->request_ended && !c->x->upgraded)
        rw_exchange_request_failed(c->x, RW_REASON_BODY_TIMEOUT, NULL);
    else if (c->x)
        rw_exchange_cut(c->x, RW_REASON_CLIENT_STALLED);
    else
        rw_h1_close(c);
}

static const struct rw_stream_events stream_events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

/* ---- For listeners and the drain ---- */

static bool has_room(struct rw_worker *worker, const struct rw_listener_settings *settings, int fd)
{
    if (worker->client_fd_max && fd > worker->client_fd_max) {
        rw_log_limited(RW_LOG_WARN, "listener",
                       "a client is turned away: the last of the descriptors (ulimit -n) are kept "
                       "for origins and the admin API");
        return false;
    }
    return worker->front_count < settings->limits->connections;
}

void rw_front_h1_accept(struct rw_worker_listener *listener, int fd,
                        const struct sockaddr_storage *peer)
{
    struct rw_worker *worker = listener->worker;
    if (listener->index == RW_LISTENER_GONE)
        return rw_listener_refuse(&listener->io, fd);
    const struct rw_listener_settings *settings = &worker->snapshot->listeners[listener->index];
    struct rw_h1_connection *c =
        has_room(worker, settings, fd) ? rw_slab_get(&worker->connections) : NULL;
    if (!c) {
        rw_worker_count(worker, RW_COUNTER_CONNECTIONS_REFUSED, 1);
        rw_listener_refuse(&listener->io, fd);
        return;
    }
    memset(c, 0, sizeof(*c));
    c->listener = listener;
    c->tls = settings->tls != NULL;
    keep_peer(c, peer);
    rw_deadline_init(&c->deadline, on_deadline);
    if (rw_stream_attach(worker->loop, &c->stream, &stream_events, fd, settings->tls)) {
        rw_worker_count(worker, RW_COUNTER_CONNECTIONS_REFUSED, 1);
        rw_slab_put(&worker->connections, c);
        return;
    }
    listener->references++;
    rw_list_push_back(&worker->fronts, &c->link);
    worker->front_count++;
    rw_worker_count(worker, RW_COUNTER_CONNECTIONS_ACCEPTED, 1);
    rw_worker_count(worker, RW_COUNTER_CONNECTIONS_OPEN, 1);
    if (c->tls) {
        rw_h1_deadline_in(c, settings->config->tls->handshake_ms_max);
        return;
    }
    become_idle(c);
    rw_stream_receive(&c->stream, true, false);
}

void rw_front_h1_drain(struct rw_worker *worker)
{
    for (struct rw_list *at = worker->fronts.next; at != &worker->fronts; at = at->next) {
        struct rw_h1_connection *c = rw_container_of(at, struct rw_h1_connection, link);
        if (c->phase == RW_H1_IDLE)
            rw_h1_deadline_in(c, DRAIN_IDLE_MS);
    }
}

void rw_front_h1_close_all(struct rw_worker *worker)
{
    for (struct rw_list *at = worker->fronts.next, *next; at != &worker->fronts; at = next) {
        next = at->next;
        rw_h1_close(rw_container_of(at, struct rw_h1_connection, link));
    }
}

const struct rw_front rw_front_h1 = {
    .respond = rw_h1_respond,
    .response_data = rw_h1_response_data,
    .informational = rw_h1_informational,
    .request_resume = rw_h1_request_resume,
    .abort = abort_exchange,
    .finished = finished,
    .protocol = {"HTTP/1.1", 8},
};
