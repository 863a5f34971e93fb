/* The life of a connection that many requests share: its stream, its engine, its time. */
#include "base/alloc.h"
#include "gate/cluster/pool/pool_h2.h"
#include "io/tls.h"

enum {
    FINISH_MS_MAX = 1000,       /* for the last bytes of a connection to leave */
    HTTP1_HOLDS_MS = 5 * 60000, /* before an endpoint that has chosen HTTP/1.1 is asked again */
};

static struct rw_shared_connection *shared_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct rw_shared_connection, stream);
}

/* At the end of the turn: see end_of_turn. */
void rw_shared_see_to_it(struct rw_shared_connection *c)
{
    if (c->phase != RW_SHARED_CLOSED)
        rw_loop_later(rw_shared_loop(c), &c->later);
}

void rw_shared_deadline_in(struct rw_shared_connection *c, uint32_t ms)
{
    rw_deadline_set(rw_shared_loop(c), &c->deadline,
                    ms ? rw_loop_now_ms(rw_shared_loop(c)) + ms : RW_DEADLINE_NONE);
}

void rw_shared_leave(struct rw_shared_connection *c)
{
    if (c->phase != RW_SHARED_OPEN)
        return;
    c->phase = RW_SHARED_LEAVING;
    rw_shared_see_to_it(c);
}

/* ---- The end of a connection ---- */

static void fail_waiting(struct rw_shared_connection *c, enum rw_reason reason, const char *detail)
{
    struct rw_list *item;
    while ((item = rw_list_pop_front(&c->waiting))) {
        struct rw_lease *lease = rw_container_of(item, struct rw_lease, link);
        c->waiting_count--;
        lease->shared = NULL;
        lease->events->on_failed(lease, reason, detail);
    }
}

static void close_stream(struct rw_shared_connection *c)
{
    c->phase = RW_SHARED_CLOSED;
    rw_loop_later_stop(&c->later);
    rw_deadline_stop(rw_shared_loop(c), &c->deadline);
    rw_deadline_stop(rw_shared_loop(c), &c->lease_deadline);
    rw_stream_close(&c->stream);
}

void rw_shared_end(struct rw_shared_connection *c, enum rw_reason reason, const char *detail)
{
    const struct rw_lease_reset reset = {.reason = reason, .detail = detail};
    bool opening = c->phase == RW_SHARED_OPENING;
    if (c->phase == RW_SHARED_CLOSED)
        return;
    close_stream(c);
    if (opening)
        rw_worker_count(c->pool->worker, RW_COUNTER_UPSTREAM_CONNECT_FAILURES, 1);
    else if (c->lease_count)
        c->pool->broken_ms = rw_loop_now_ms(rw_shared_loop(c));
    while (!rw_list_empty(&c->leases)) {
        struct rw_lease *lease = rw_container_of(c->leases.next, struct rw_lease, link);
        rw_h2_reset(&c->h2, lease->stream, RW_H2_CANCEL);
        rw_shared_part(lease);
        lease->events->on_reset(lease, &reset);
    }
    fail_waiting(c, reason, detail);
}

/* The endpoint has chosen HTTP/1.1: this connection is of no use, and who waits for it goes there.
 */
static void end_for_http1(struct rw_shared_connection *c)
{
    struct rw_list *item;
    atomic_store_explicit(&c->pool->endpoint->http1_until_ms,
                          rw_loop_now_ms(rw_shared_loop(c)) + HTTP1_HOLDS_MS, memory_order_relaxed);
    close_stream(c);
    while ((item = rw_list_pop_front(&c->waiting))) {
        struct rw_lease *lease = rw_container_of(item, struct rw_lease, link);
        c->waiting_count--;
        lease->shared = NULL;
        lease->events->on_http1(lease);
    }
}

static void end_finished(struct rw_shared_connection *c)
{
    rw_shared_end(c, c->reason, c->detail);
}

/* What is still to be sent leaves; then it is closed, for this reason. */
static void finish(struct rw_shared_connection *c, enum rw_reason reason, const char *detail)
{
    c->phase = RW_SHARED_FINISHING;
    c->reason = (uint8_t)reason;
    c->detail = detail;
    rw_shared_deadline_in(c, FINISH_MS_MAX);
    rw_shared_see_to_it(c);
}

static void flush(struct rw_shared_connection *c)
{
    struct iovec parts[RW_SEND_PARTS_MAX];
    int count;
    while (!c->sending && (count = rw_h2_output(&c->h2, parts, RW_SEND_PARTS_MAX)) > 0) {
        switch (rw_stream_send(&c->stream, parts, count)) {
        case RW_SEND_DONE:
            rw_h2_output_sent(&c->h2);
            break;
        case RW_SEND_PENDING:
            c->sending = true;
            break;
        case RW_SEND_FAILED:
            rw_shared_end(c, RW_REASON_UPSTREAM_RESET, "the connection broke while sending");
            return;
        }
    }
    if (c->phase == RW_SHARED_FINISHING && !c->sending)
        end_finished(c);
}

/* In good order: nothing is under way. */
static void say_goodbye(struct rw_shared_connection *c)
{
    rw_h2_goaway(&c->h2, RW_H2_NO_ERROR, true);
    finish(c, RW_REASON_UPSTREAM_RESET, "the connection was closed");
}

/* ---- The end of the turn ---- */

/* Requests leave, and who waited for room begins; what all of them have made goes out in one send.
 */
static void end_of_turn(struct rw_later *later)
{
    struct rw_shared_connection *c = rw_container_of(later, struct rw_shared_connection, later);
    if (!c->connected)
        return;
    rw_h2_wake(&c->h2);
    rw_shared_admit(c);
    if (c->phase == RW_SHARED_LEAVING && c->lease_count == 0)
        say_goodbye(c);
    if (c->phase == RW_SHARED_FINISHING)
        fail_waiting(c, c->reason, c->detail);
    flush(c);
}

/* ---- Events of the engine ---- */

static struct rw_lease *lease_of(const struct rw_h2_stream *stream)
{
    return stream->user;
}

static struct rw_h2_target on_target(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    (void)h2;
    struct rw_lease *lease = lease_of(stream);
    return lease->events->on_target(lease);
}

static void on_head(struct rw_h2 *h2, struct rw_h2_stream *stream, unsigned status, bool end)
{
    (void)h2;
    (void)status; /* of servers only */
    struct rw_lease *lease = lease_of(stream);
    lease->events->on_head(lease, end);
}

static enum rw_h2_more on_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                               struct rw_span data, bool end, struct rw_span trailers)
{
    (void)h2;
    struct rw_lease *lease = lease_of(stream);
    return lease->events->on_body(lease, buf, data, end, trailers);
}

static void on_writable(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    (void)h2;
    struct rw_lease *lease = lease_of(stream);
    lease->events->on_writable(lease);
}

/* `why` is the engine's, of what it found wrong; without it the endpoint has reset the stream. */
static struct rw_lease_reset explain_reset(enum rw_h2_code code, const char *why)
{
    struct rw_lease_reset reset = {.reason = RW_REASON_UPSTREAM_RESET};
    if (why && code == RW_H2_INTERNAL_ERROR)
        reset.reason = RW_REASON_MEMORY;
    else if (why)
        reset.reason = RW_REASON_UPSTREAM_BAD;
    reset.untouched = !why && code == RW_H2_REFUSED_STREAM;
    reset.detail = why ? why : rw_h2_code_name(code);
    return reset;
}

static void on_reset(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code)
{
    struct rw_lease *lease = lease_of(stream);
    struct rw_shared_connection *c = lease->shared;
    struct rw_lease_reset reset = explain_reset(code, h2->reason);
    reset.left_out = reset.untouched && rw_h2_left_out(h2, stream);
    rw_shared_part(lease);
    /* It takes no more than it has, whatever it announced. */
    if (reset.untouched && c->phase == RW_SHARED_OPEN) {
        c->full = c->lease_count > 0;
        if (!c->full)
            rw_shared_leave(c);
    }
    lease->events->on_reset(lease, &reset);
}

static struct rw_shared_connection *shared_of_h2(struct rw_h2 *h2)
{
    return rw_container_of(h2, struct rw_shared_connection, h2);
}

static void on_output(struct rw_h2 *h2)
{
    rw_shared_see_to_it(shared_of_h2(h2));
}

static void on_goaway(struct rw_h2 *h2, enum rw_h2_code code)
{
    (void)code;
    struct rw_shared_connection *c = shared_of_h2(h2);
    c->useless = c->useless || c->requests == 0;
    rw_shared_leave(c);
}

/* With the first SETTINGS the endpoint has shown that it speaks HTTP/2, and how much it takes. */
static void on_settings(struct rw_h2 *h2)
{
    struct rw_shared_connection *c = shared_of_h2(h2);
    if (c->phase == RW_SHARED_OPENING) {
        c->phase = RW_SHARED_OPEN;
        rw_pool_connected(c->pool, (uint16_t)c->opened_ms);
        c->opened_ms = rw_loop_now_ms(rw_shared_loop(c));
        rw_shared_deadline_in(c, c->pool->limits.idle_ms);
        c->useless = !rw_shared_has_room(c);
        if (c->useless)
            rw_shared_leave(c);
    }
    rw_shared_see_to_it(c);
}

/* Until something else happens, it is not asked again: servers take offence at many PINGs. */
static void on_pong(struct rw_h2 *h2)
{
    shared_of_h2(h2)->proved = true;
}

static void on_error(struct rw_h2 *h2, enum rw_h2_code code, enum rw_h2_flood flood,
                     const char *text)
{
    struct rw_shared_connection *c = shared_of_h2(h2);
    (void)flood;
    if (c->phase < RW_SHARED_FINISHING)
        finish(c, code == RW_H2_INTERNAL_ERROR ? RW_REASON_MEMORY : RW_REASON_UPSTREAM_BAD, text);
}

static const struct rw_h2_events h2_events = {
    .on_target = on_target,
    .on_head = on_head,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_reset = on_reset,
    .on_output = on_output,
    .on_goaway = on_goaway,
    .on_settings = on_settings,
    .on_pong = on_pong,
    .on_error = on_error,
};

/* ---- Events of the stream ---- */

static void fail_open(struct rw_shared_connection *c, enum rw_err err)
{
    struct rw_pool_failure failure = rw_pool_explain(c->pool, &c->stream, c->tls != NULL, err);
    rw_shared_end(c, failure.reason, failure.detail);
}

/* Over TLS the endpoint must have agreed to HTTP/2 (RFC 9113 section 3.3). */
static bool agreed(const struct rw_shared_connection *c)
{
    struct rw_tls_info info;
    return !c->tls || (rw_tls_info(&c->stream, &info) && rw_span_is(info.alpn, "h2"));
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct rw_shared_connection *c = shared_of(stream);
    if (err) {
        fail_open(c, err);
        return;
    }
    if (!agreed(c) && c->negotiated) {
        end_for_http1(c);
        return;
    }
    if (!agreed(c)) {
        rw_shared_end(c, RW_REASON_UPSTREAM_TLS, "the server does not agree to HTTP/2 (ALPN)");
        return;
    }
    c->connected = true;
    rw_stream_receive(stream, true, false);
    rw_shared_see_to_it(c);
}

static void on_received(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_shared_connection *c = shared_of(stream);
    c->received_ms = rw_loop_now_ms(rw_shared_loop(c));
    c->pinged = c->proved = false;
    rw_h2_receive(&c->h2, buf, c->received_ms);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    struct rw_shared_connection *c = shared_of(stream);
    if (c->phase == RW_SHARED_OPENING && c->connected)
        rw_shared_end(c, RW_REASON_CONNECT_FAILED, "it closed before its SETTINGS: is it HTTP/2?");
    else if (c->phase == RW_SHARED_OPENING)
        fail_open(c, err);
    else if (c->phase == RW_SHARED_FINISHING)
        end_finished(c);
    else
        rw_shared_end(c, RW_REASON_UPSTREAM_RESET, "the connection was closed");
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct rw_shared_connection *c = shared_of(stream);
    c->sending = false;
    if (err) {
        rw_shared_end(c, RW_REASON_UPSTREAM_RESET, "the connection broke while sending");
        return;
    }
    rw_h2_output_sent(&c->h2);
    rw_shared_see_to_it(c);
}

static void on_closed(struct rw_stream *stream)
{
    struct rw_shared_connection *c = shared_of(stream);
    struct rw_pool *pool = c->pool;
    rw_h2_close(&c->h2, RW_H2_NO_ERROR);
    rw_loop_later_stop(&c->later);
    rw_list_remove(&c->link);
    rw_free(c);
    rw_pool_count_out(pool);
}

static const struct rw_stream_events stream_events = {
    .on_open = on_open,
    .on_data = on_received,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

/* ---- Time ---- */

/* Nothing came for a while, though requests are under way: is the endpoint still there? */
static void check_silence(struct rw_shared_connection *c)
{
    uint64_t now_ms = rw_loop_now_ms(rw_shared_loop(c));
    uint32_t interval_ms = c->settings.ping_interval_ms;
    if (c->pinged) {
        rw_shared_end(c, RW_REASON_UPSTREAM_RESET, "it answers neither requests nor PING");
    } else if (!c->proved && now_ms - c->received_ms >= interval_ms) {
        c->pinged = true;
        rw_h2_ping(&c->h2);
        rw_shared_deadline_in(c, c->settings.ping_ms);
    } else {
        rw_deadline_set(rw_shared_loop(c), &c->deadline,
                        (c->proved ? now_ms : c->received_ms) + interval_ms);
    }
}

static void on_deadline(struct rw_timer *timer)
{
    struct rw_shared_connection *c =
        rw_container_of(timer, struct rw_shared_connection, deadline.timer);
    if (!rw_deadline_due(rw_shared_loop(c), &c->deadline))
        return;
    if (c->phase == RW_SHARED_OPENING)
        rw_shared_end(c, RW_REASON_CONNECT_TIMEOUT, rw_err_text(RW_ETIMEDOUT));
    else if (c->phase == RW_SHARED_FINISHING)
        end_finished(c);
    else if (c->lease_count)
        check_silence(c);
    else
        rw_shared_leave(c);
}

void rw_pool_h2_deadline(struct rw_lease *lease, uint64_t at_ms)
{
    struct rw_shared_connection *c = lease->shared;
    lease->deadline_ms = at_ms;
    if (at_ms < c->lease_deadline.at_ms)
        rw_deadline_set(rw_shared_loop(c), &c->lease_deadline, at_ms);
}

/* Those whose deadline has come go to `due`; the earliest of the others'. */
static uint64_t sort_out(struct rw_shared_connection *c, struct rw_list *due)
{
    uint64_t now_ms = rw_loop_now_ms(rw_shared_loop(c)), next_ms = RW_DEADLINE_NONE;
    for (struct rw_list *at = c->leases.next, *next; at != &c->leases; at = next) {
        struct rw_lease *lease = rw_container_of(at, struct rw_lease, link);
        next = at->next;
        if (lease->deadline_ms <= now_ms) {
            rw_list_remove(at);
            rw_list_push_back(due, at);
        } else if (lease->deadline_ms < next_ms) {
            next_ms = lease->deadline_ms;
        }
    }
    return next_ms;
}

static void on_lease_deadline(struct rw_timer *timer)
{
    struct rw_shared_connection *c =
        rw_container_of(timer, struct rw_shared_connection, lease_deadline.timer);
    struct rw_list due, *at;
    if (!rw_deadline_due(rw_shared_loop(c), &c->lease_deadline))
        return;
    rw_list_init(&due);
    rw_deadline_set(rw_shared_loop(c), &c->lease_deadline, sort_out(c, &due));
    while ((at = rw_list_pop_front(&due))) {
        struct rw_lease *lease = rw_container_of(at, struct rw_lease, link);
        rw_list_push_back(&c->leases, at);
        lease->deadline_ms = RW_DEADLINE_NONE;
        lease->events->on_deadline(lease);
    }
}

/* ---- The beginning ---- */

static struct rw_shared_connection *create(struct rw_pool *pool, const struct rw_cluster *cluster)
{
    struct rw_worker *worker = pool->worker;
    struct rw_shared_connection *c = rw_alloc_zero(sizeof(*c));
    if (!c)
        return NULL;
    c->pool = pool;
    c->tls = cluster->tls;
    c->negotiated = cluster->negotiated;
    memcpy(&c->settings, &cluster->http2_settings, sizeof(c->settings));
    c->opened_ms = rw_loop_now_ms(worker->loop);
    c->turn_stream = UINT32_MAX;
    c->later.run = end_of_turn;
    rw_list_init(&c->leases);
    rw_list_init(&c->waiting);
    rw_deadline_init(&c->deadline, on_deadline);
    rw_deadline_init(&c->lease_deadline, on_lease_deadline);
    if (rw_h2_open(&c->h2, &c->settings.settings, &h2_events, rw_loop_buffers(worker->loop),
                   &worker->h2_streams, c)) {
        rw_free(c);
        return NULL;
    }
    return c;
}

static void destroy(struct rw_shared_connection *c)
{
    rw_h2_close(&c->h2, RW_H2_NO_ERROR);
    rw_loop_later_stop(&c->later);
    rw_free(c);
}

enum rw_err rw_pool_h2_open(struct rw_pool *pool, struct rw_lease *lease)
{
    const struct rw_cluster *cluster = lease->cluster;
    struct rw_shared_connection *c = create(pool, cluster);
    if (!c)
        return RW_ENOMEM;
    const struct rw_connect_options options = rw_pool_connect_options(pool, lease);
    enum rw_err err = rw_stream_connect(pool->worker->loop, &c->stream, &stream_events, &options);
    if (err) {
        destroy(c);
        return err;
    }
    rw_shared_deadline_in(c, cluster->connect_ms);
    rw_list_push_back(&pool->shared, &c->link);
    rw_pool_count_in(pool);
    rw_shared_wait_for(c, lease);
    return RW_OK;
}
