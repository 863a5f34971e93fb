/* Connections that carry many requests at a time: HTTP/2. */
#include "base/alloc.h"
#include "gate/pool_private.h"
#include "io/tls.h"

enum { FINISH_MS_MAX = 1000 }; /* for the last bytes of a connection to leave */

static struct rw_shared_connection *shared_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct rw_shared_connection, stream);
}

static struct rw_loop *loop_of(const struct rw_shared_connection *c)
{
    return c->pool->worker->loop;
}

/* At the end of the turn: see end_of_turn. */
static void see_to_it(struct rw_shared_connection *c)
{
    if (c->phase != RW_SHARED_CLOSED)
        rw_loop_later(loop_of(c), &c->later);
}

/* ---- Leases come and go ---- */

static void add(struct rw_list *list, uint32_t *count, struct rw_lease *lease)
{
    rw_list_push_back(list, &lease->link);
    ++*count;
}

static void wait_for(struct rw_shared_connection *c, struct rw_lease *lease)
{
    lease->shared = c;
    add(&c->waiting, &c->waiting_count, lease);
}

static void set_deadline_in(struct rw_shared_connection *c, uint32_t ms)
{
    rw_deadline_set(loop_of(c), &c->deadline,
                    ms ? rw_loop_now_ms(loop_of(c)) + ms : RW_DEADLINE_NONE);
}

/* No new streams: others take its place. */
static void leave(struct rw_shared_connection *c)
{
    if (c->phase != RW_SHARED_OPEN)
        return;
    c->phase = RW_SHARED_LEAVING;
    see_to_it(c);
}

/* A request leaves: if nothing comes after it, the endpoint is asked by PING. */
static void expect_answer(struct rw_shared_connection *c)
{
    c->proved = false;
    if (c->lease_count == 1)
        set_deadline_in(c, c->settings.ping_interval_ms);
}

static bool worn_out(const struct rw_shared_connection *c)
{
    uint32_t requests_max = c->pool->limits.requests_max;
    uint32_t age_ms_max = c->settings.age_ms_max;
    return (requests_max && c->requests >= requests_max) ||
           (age_ms_max && rw_loop_now_ms(loop_of(c)) - c->opened_ms >= age_ms_max);
}

/* False: no memory. */
static bool begin(struct rw_shared_connection *c, struct rw_lease *lease)
{
    lease->stream = rw_h2_stream_open(&c->h2, lease);
    if (!lease->stream)
        return false;
    lease->shared = c;
    lease->deadline_ms = RW_DEADLINE_NONE;
    lease->reused = c->requests > 0;
    if (lease->reused)
        rw_worker_count(c->pool->worker, RW_COUNTER_UPSTREAM_REUSED, 1);
    c->requests++;
    add(&c->leases, &c->lease_count, lease);
    expect_answer(c);
    if (worn_out(c))
        leave(c);
    return true;
}

/* The last stream has gone: is the connection worth keeping? */
static bool worth_keeping(const struct rw_shared_connection *c)
{
    struct rw_pool *pool = c->pool;
    size_t idle = 0;
    for (struct rw_list *at = pool->shared.next; at != &pool->shared; at = at->next) {
        const struct rw_shared_connection *other =
            rw_container_of(at, struct rw_shared_connection, link);
        idle += other->phase == RW_SHARED_OPEN && other->lease_count == 0;
    }
    bool others_wait = atomic_load_explicit(&pool->endpoint->waiting, memory_order_relaxed) != 0;
    return !atomic_load_explicit(&pool->endpoint->removed, memory_order_relaxed) &&
           idle <= pool->limits.idle_max && (!others_wait || !rw_list_empty(&pool->queue));
}

/* The lease is through with the connection. */
static void part(struct rw_lease *lease)
{
    struct rw_shared_connection *c = lease->shared;
    lease->shared = NULL;
    rw_list_remove(&lease->link);
    if (!lease->stream) {
        c->waiting_count--;
        return;
    }
    lease->stream = NULL;
    c->lease_count--;
    c->full = false;
    if (c->lease_count == 0 && c->phase == RW_SHARED_OPEN) {
        set_deadline_in(c, c->pool->limits.idle_ms);
        if (!worth_keeping(c))
            leave(c);
    }
    if (c->phase == RW_SHARED_LEAVING || !rw_list_empty(&c->pool->queue))
        see_to_it(c);
}

void rw_pool_h2_release(struct rw_lease *lease)
{
    struct rw_h2_stream *stream = lease->stream;
    struct rw_shared_connection *c = lease->shared;
    rw_h2_forget(&c->h2, stream);
    part(lease);
}

void rw_pool_h2_discard(struct rw_lease *lease)
{
    if (lease->stream)
        rw_h2_reset(&lease->shared->h2, lease->stream, RW_H2_CANCEL);
    part(lease);
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

/* Closes now. Its streams end, with a reset, and who waits for it is told why. Never from inside an
 * event of the engine. */
static void end(struct rw_shared_connection *c, enum rw_reason reason, const char *detail)
{
    const struct rw_lease_reset reset = {.reason = reason, .detail = detail};
    bool opening = c->phase == RW_SHARED_OPENING;
    if (c->phase == RW_SHARED_CLOSED)
        return;
    c->phase = RW_SHARED_CLOSED;
    rw_loop_later_stop(&c->later);
    rw_deadline_stop(loop_of(c), &c->deadline);
    rw_deadline_stop(loop_of(c), &c->lease_deadline);
    if (opening)
        rw_worker_count(c->pool->worker, RW_COUNTER_UPSTREAM_CONNECT_FAILURES, 1);
    else if (c->lease_count)
        c->pool->broken_ms = rw_loop_now_ms(loop_of(c));
    rw_stream_close(&c->stream);
    while (!rw_list_empty(&c->leases)) {
        struct rw_lease *lease = rw_container_of(c->leases.next, struct rw_lease, link);
        rw_h2_reset(&c->h2, lease->stream, RW_H2_CANCEL);
        part(lease);
        lease->events->on_reset(lease, &reset);
    }
    fail_waiting(c, reason, detail);
}

static void end_finished(struct rw_shared_connection *c)
{
    end(c, c->reason, c->detail);
}

/* What is still to be sent leaves; then it is closed, for this reason. */
static void finish(struct rw_shared_connection *c, enum rw_reason reason, const char *detail)
{
    c->phase = RW_SHARED_FINISHING;
    c->reason = (uint8_t)reason;
    c->detail = detail;
    set_deadline_in(c, FINISH_MS_MAX);
    see_to_it(c);
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
            end(c, RW_REASON_UPSTREAM_RESET, "the connection broke while sending");
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

static bool has_room(const struct rw_shared_connection *c)
{
    return c->phase == RW_SHARED_OPEN && !c->full && rw_h2_room(&c->h2) > 0;
}

static void start(struct rw_shared_connection *c, struct rw_lease *lease)
{
    if (begin(c, lease))
        lease->events->on_ready(lease);
    else
        lease->events->on_failed(lease, RW_REASON_MEMORY, rw_err_text(RW_ENOMEM));
}

/* More waited for the connection than it has room for: elsewhere, or in the queue. */
static void go_elsewhere(struct rw_pool *pool, struct rw_lease *lease)
{
    switch (rw_pool_h2_acquire(pool, lease, false)) {
    case RW_POOL_READY:
        lease->events->on_ready(lease);
        break;
    case RW_POOL_WAIT:
        break;
    case RW_POOL_FAILED:
        lease->events->on_failed(lease, lease->reason, lease->detail ? lease->detail : "");
        break;
    }
}

static void admit_waiting(struct rw_shared_connection *c)
{
    bool opened = c->phase == RW_SHARED_OPEN || c->phase == RW_SHARED_LEAVING;
    while (opened && !rw_list_empty(&c->waiting)) {
        struct rw_lease *lease = rw_container_of(c->waiting.next, struct rw_lease, link);
        part(lease);
        if (has_room(c))
            start(c, lease);
        else if (c->useless)
            lease->events->on_failed(lease, RW_REASON_CONNECT_FAILED, "it takes no requests");
        else
            go_elsewhere(c->pool, lease);
    }
}

static bool suits(const struct rw_shared_connection *c, const struct rw_cluster *cluster)
{
    return c->tls == cluster->tls &&
           memcmp(&c->settings, &cluster->http2_settings, sizeof(c->settings)) == 0;
}

static void admit_queue(struct rw_shared_connection *c)
{
    struct rw_list *queue = &c->pool->queue;
    while (has_room(c) && !rw_list_empty(queue)) {
        struct rw_lease *lease = rw_container_of(queue->next, struct rw_lease, link);
        if (!lease->cluster->http2 || !suits(c, lease->cluster))
            break;
        start(c, rw_pool_dequeue(c->pool));
    }
}

/* Requests leave, and who waited for room begins; what all of them have made goes out in one send.
 */
static void end_of_turn(struct rw_later *later)
{
    struct rw_shared_connection *c = rw_container_of(later, struct rw_shared_connection, later);
    if (!c->connected)
        return;
    rw_h2_wake(&c->h2);
    admit_waiting(c);
    admit_queue(c);
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
    const struct rw_lease_reset reset = explain_reset(code, h2->reason);
    part(lease);
    /* It takes no more than it has, whatever it announced. */
    if (reset.untouched && c->phase == RW_SHARED_OPEN) {
        c->full = c->lease_count > 0;
        if (!c->full)
            leave(c);
    }
    lease->events->on_reset(lease, &reset);
}

static struct rw_shared_connection *shared_of_h2(struct rw_h2 *h2)
{
    return rw_container_of(h2, struct rw_shared_connection, h2);
}

static void on_output(struct rw_h2 *h2)
{
    see_to_it(shared_of_h2(h2));
}

static void on_goaway(struct rw_h2 *h2, enum rw_h2_code code)
{
    (void)code;
    struct rw_shared_connection *c = shared_of_h2(h2);
    c->useless = c->useless || c->requests == 0;
    leave(c);
}

/* With the first SETTINGS the endpoint has shown that it speaks HTTP/2, and how much it takes. */
static void on_settings(struct rw_h2 *h2)
{
    struct rw_shared_connection *c = shared_of_h2(h2);
    if (c->phase == RW_SHARED_OPENING) {
        c->phase = RW_SHARED_OPEN;
        c->opened_ms = rw_loop_now_ms(loop_of(c));
        rw_worker_count(c->pool->worker, RW_COUNTER_UPSTREAM_CONNECTS, 1);
        set_deadline_in(c, c->pool->limits.idle_ms);
        c->useless = !has_room(c);
        if (c->useless)
            leave(c);
    }
    see_to_it(c);
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
    struct rw_pool_failure failure = rw_pool_explain(&c->stream, c->tls != NULL, err);
    end(c, failure.reason, failure.detail);
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
    if (!agreed(c)) {
        end(c, RW_REASON_UPSTREAM_TLS, "the server does not agree to HTTP/2 (ALPN)");
        return;
    }
    c->connected = true;
    rw_stream_receive(stream, true, false);
    see_to_it(c);
}

static void on_received(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_shared_connection *c = shared_of(stream);
    c->received_ms = rw_loop_now_ms(loop_of(c));
    c->pinged = c->proved = false;
    rw_h2_receive(&c->h2, buf, c->received_ms);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    struct rw_shared_connection *c = shared_of(stream);
    if (c->phase == RW_SHARED_OPENING && c->connected)
        end(c, RW_REASON_CONNECT_FAILED, "it closed before its SETTINGS: is it HTTP/2?");
    else if (c->phase == RW_SHARED_OPENING)
        fail_open(c, err);
    else if (c->phase == RW_SHARED_FINISHING)
        end_finished(c);
    else
        end(c, RW_REASON_UPSTREAM_RESET, "the connection was closed");
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct rw_shared_connection *c = shared_of(stream);
    c->sending = false;
    if (err) {
        end(c, RW_REASON_UPSTREAM_RESET, "the connection broke while sending");
        return;
    }
    rw_h2_output_sent(&c->h2);
    see_to_it(c);
}

static void on_closed(struct rw_stream *stream)
{
    struct rw_shared_connection *c = shared_of(stream);
    struct rw_pool *pool = c->pool;
    bool yielded = c->yielded;
    rw_h2_close(&c->h2, RW_H2_NO_ERROR);
    rw_loop_later_stop(&c->later);
    rw_list_remove(&c->link);
    rw_free(c);
    rw_pool_count_out(pool, yielded);
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
    uint64_t now_ms = rw_loop_now_ms(loop_of(c));
    uint32_t interval_ms = c->settings.ping_interval_ms;
    if (c->pinged) {
        end(c, RW_REASON_UPSTREAM_RESET, "it answers neither requests nor PING");
    } else if (!c->proved && now_ms - c->received_ms >= interval_ms) {
        c->pinged = true;
        rw_h2_ping(&c->h2);
        set_deadline_in(c, c->settings.ping_ms);
    } else {
        rw_deadline_set(loop_of(c), &c->deadline,
                        (c->proved ? now_ms : c->received_ms) + interval_ms);
    }
}

static void on_deadline(struct rw_timer *timer)
{
    struct rw_shared_connection *c =
        rw_container_of(timer, struct rw_shared_connection, deadline.timer);
    if (!rw_deadline_due(loop_of(c), &c->deadline))
        return;
    if (c->phase == RW_SHARED_OPENING)
        end(c, RW_REASON_CONNECT_TIMEOUT, rw_err_text(RW_ETIMEDOUT));
    else if (c->phase == RW_SHARED_FINISHING)
        end_finished(c);
    else if (c->lease_count)
        check_silence(c);
    else
        leave(c);
}

void rw_pool_h2_deadline(struct rw_lease *lease, uint64_t at_ms)
{
    struct rw_shared_connection *c = lease->shared;
    lease->deadline_ms = at_ms;
    if (at_ms < c->lease_deadline.at_ms)
        rw_deadline_set(loop_of(c), &c->lease_deadline, at_ms);
}

/* Those whose deadline has come go to `due`; the earliest of the others'. */
static uint64_t sort_out(struct rw_shared_connection *c, struct rw_list *due)
{
    uint64_t now_ms = rw_loop_now_ms(loop_of(c)), next_ms = RW_DEADLINE_NONE;
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
    if (!rw_deadline_due(loop_of(c), &c->lease_deadline))
        return;
    rw_list_init(&due);
    rw_deadline_set(loop_of(c), &c->lease_deadline, sort_out(c, &due));
    while ((at = rw_list_pop_front(&due))) {
        struct rw_lease *lease = rw_container_of(at, struct rw_lease, link);
        rw_list_push_back(&c->leases, at);
        lease->deadline_ms = RW_DEADLINE_NONE;
        lease->events->on_deadline(lease);
    }
}

/* ---- For the pool ---- */

static struct rw_shared_connection *create(struct rw_pool *pool, const struct rw_cluster *cluster)
{
    struct rw_worker *worker = pool->worker;
    struct rw_shared_connection *c = rw_alloc_zero(sizeof(*c));
    if (!c)
        return NULL;
    c->pool = pool;
    c->tls = cluster->tls;
    memcpy(&c->settings, &cluster->http2_settings, sizeof(c->settings));
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
    set_deadline_in(c, cluster->connect_ms);
    rw_list_push_back(&pool->shared, &c->link);
    rw_pool_count_in(pool);
    wait_for(c, lease);
    return RW_OK;
}

/* The one with the fewest streams. `fresh`: one that has shown signs of life since another broke.
 */
static struct rw_shared_connection *pick(struct rw_pool *pool, const struct rw_cluster *cluster,
                                         bool fresh)
{
    struct rw_shared_connection *best = NULL;
    for (struct rw_list *at = pool->shared.next; at != &pool->shared; at = at->next) {
        struct rw_shared_connection *c = rw_container_of(at, struct rw_shared_connection, link);
        bool better = has_room(c) && (!best || c->lease_count < best->lease_count);
        if (better && suits(c, cluster) && !(fresh && c->received_ms <= pool->broken_ms))
            best = c;
    }
    return best;
}

/* One that is being opened, and will perhaps have room. */
static struct rw_shared_connection *pick_opening(struct rw_pool *pool,
                                                 const struct rw_cluster *cluster)
{
    for (struct rw_list *at = pool->shared.next; at != &pool->shared; at = at->next) {
        struct rw_shared_connection *c = rw_container_of(at, struct rw_shared_connection, link);
        if (c->phase == RW_SHARED_OPENING && suits(c, cluster) &&
            c->waiting_count < c->settings.settings.streams_max)
            return c;
    }
    return NULL;
}

/* Those made under other settings (before a reload) take no new streams. */
static void retire_unsuited(struct rw_pool *pool, const struct rw_cluster *cluster)
{
    for (struct rw_list *at = pool->shared.next; at != &pool->shared; at = at->next) {
        struct rw_shared_connection *c = rw_container_of(at, struct rw_shared_connection, link);
        if (c->phase == RW_SHARED_OPEN && !suits(c, cluster))
            leave(c);
    }
}

enum rw_pool_result rw_pool_h2_acquire(struct rw_pool *pool, struct rw_lease *lease, bool fresh)
{
    const struct rw_cluster *cluster = lease->cluster;
    if (!rw_list_empty(&pool->queue))
        return rw_pool_enqueue(pool, lease);
    struct rw_shared_connection *c = pick(pool, cluster, fresh);
    if (c)
        return begin(c, lease) ? RW_POOL_READY
                               : rw_pool_refuse(lease, RW_REASON_MEMORY, rw_err_text(RW_ENOMEM));
    c = pick_opening(pool, cluster);
    if (c) {
        wait_for(c, lease);
        return RW_POOL_WAIT;
    }
    retire_unsuited(pool, cluster);
    if (!rw_pool_take_slot(pool))
        return rw_pool_enqueue(pool, lease);
    enum rw_err err = rw_pool_h2_open(pool, lease);
    if (!err)
        return RW_POOL_WAIT;
    rw_pool_give_slot(pool);
    return rw_pool_refuse(lease, rw_pool_reason_of(err), rw_pool_detail_of(err));
}

bool rw_pool_h2_admit(struct rw_pool *pool, struct rw_lease *lease)
{
    struct rw_shared_connection *c = pick_opening(pool, lease->cluster);
    if (!c)
        return false;
    (void)rw_pool_dequeue(pool);
    wait_for(c, lease);
    return true;
}

void rw_pool_h2_yield(struct rw_pool *pool)
{
    struct rw_shared_connection *least = NULL;
    if (!rw_list_empty(&pool->queue))
        return;
    for (struct rw_list *at = pool->shared.next; at != &pool->shared; at = at->next) {
        struct rw_shared_connection *c = rw_container_of(at, struct rw_shared_connection, link);
        if (c->phase == RW_SHARED_OPEN && (!least || c->lease_count < least->lease_count))
            least = c;
    }
    if (!least)
        return;
    least->yielded = true;
    leave(least);
}

void rw_pool_h2_leave_all(struct rw_pool *pool)
{
    for (struct rw_list *at = pool->shared.next; at != &pool->shared; at = at->next) {
        struct rw_shared_connection *c = rw_container_of(at, struct rw_shared_connection, link);
        if (c->phase == RW_SHARED_OPENING)
            end(c, RW_REASON_CONNECT_FAILED, "the endpoint is no longer wanted");
        else
            leave(c);
    }
}
