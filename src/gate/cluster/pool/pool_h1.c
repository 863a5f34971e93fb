/* Connections that carry one request at a time: HTTP/1.1. */
#include "gate/cluster/pool/turns.h"

#include "base/prefetch.h"

static struct rw_upstream_connection *connection_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct rw_upstream_connection, stream);
}

static void close_connection(struct rw_upstream_connection *connection)
{
    if (connection->closing)
        return;
    connection->closing = true;
    connection->lease = NULL;
    if (rw_list_linked(&connection->link)) {
        rw_list_remove(&connection->link);
        connection->pool->idle_count--;
    }
    rw_deadline_stop(connection->pool->worker->loop, &connection->deadline);
    rw_stream_close(&connection->stream);
}

static void fail_lease(struct rw_upstream_connection *connection, enum rw_reason reason,
                       const char *detail)
{
    struct rw_lease *lease = connection->lease;
    struct rw_worker *worker = connection->pool->worker;
    rw_worker_count(worker, RW_COUNTER_UPSTREAM_CONNECT_FAILURES, 1);
    close_connection(connection);
    if (lease) {
        lease->connection = NULL;
        lease->events->on_failed(lease, reason, detail);
    }
}

/* The connection could not be made. Whatever the endpoint has chosen before, it may be another
 * program by now. */
static void fail_open(struct rw_upstream_connection *connection, enum rw_err err)
{
    atomic_store_explicit(&connection->pool->endpoint->http1_until_ms, 0, memory_order_relaxed);
    struct rw_pool_failure failure =
        rw_pool_explain(connection->pool, &connection->stream, connection->tls != NULL, err);
    fail_lease(connection, failure.reason, failure.detail);
}

static void be_ready(struct rw_upstream_connection *connection)
{
    struct rw_stream *stream = &connection->stream;
    connection->open = true;
    rw_pool_connected(connection->pool, connection->begun_ms);
    rw_deadline_set(connection->pool->worker->loop, &connection->deadline, RW_DEADLINE_NONE);
    rw_stream_receive(stream, true, false);
    if (connection->lease)
        connection->lease->events->on_ready(connection->lease);
}

/* What goes before everything else; under TLS it has gone already. */
static void send_preface(struct rw_upstream_connection *connection)
{
    struct rw_span preface = connection->lease->preface;
    struct iovec part = {.iov_base = (char *)preface.at, .iov_len = preface.len};
    enum rw_send result = RW_SEND_DONE;
    if (preface.len && !connection->tls)
        result = rw_stream_send(&connection->stream, &part, 1);
    if (result == RW_SEND_DONE)
        be_ready(connection);
    else if (result == RW_SEND_FAILED)
        fail_open(connection, RW_ERESET);
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct rw_upstream_connection *connection = connection_of(stream);
    if (err)
        fail_open(connection, err);
    else if (connection->lease)
        send_preface(connection);
    else
        be_ready(connection);
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_upstream_connection *connection = connection_of(stream);
    if (connection->lease) {
        connection->lease->events->on_data(connection->lease, buf);
        return;
    }
    /* An origin that speaks without being asked: nothing of it may reach the next request. */
    rw_buf_drop(buf);
    close_connection(connection);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    struct rw_upstream_connection *connection = connection_of(stream);
    if (!connection->lease)
        close_connection(connection);
    else if (!connection->open)
        fail_open(connection, err);
    else
        connection->lease->events->on_end(connection->lease, err);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct rw_upstream_connection *connection = connection_of(stream);
    if (!connection->lease)
        return;
    if (connection->open)
        connection->lease->events->on_sent(connection->lease, err);
    else if (err)
        fail_open(connection, err);
    else
        be_ready(connection);
}

static void on_closed(struct rw_stream *stream)
{
    rw_pool_connection_closed(connection_of(stream));
}

static void on_deadline(struct rw_timer *timer)
{
    struct rw_upstream_connection *connection =
        rw_container_of(timer, struct rw_upstream_connection, deadline.timer);
    if (!rw_deadline_due(connection->pool->worker->loop, &connection->deadline))
        return;
    if (!connection->lease)
        close_connection(connection);
    else if (!connection->open)
        fail_lease(connection, RW_REASON_CONNECT_TIMEOUT, rw_err_text(RW_ETIMEDOUT));
    else
        connection->lease->events->on_deadline(connection->lease);
}

static void on_ahead(const struct rw_stream *stream)
{
    enum { OWNER_BYTES = 448 }; /* what a lease is the first member of: a call, about */
    const struct rw_upstream_connection *connection =
        rw_container_of(stream, struct rw_upstream_connection, stream);
    if (!connection->lease)
        return;
    rw_prefetch(connection->lease, OWNER_BYTES);
    rw_prefetch(connection->touched.at, connection->touched.len);
}

static const struct rw_stream_events stream_events = {
    .on_ahead = on_ahead,
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

enum rw_err rw_pool_h1_open(struct rw_pool *pool, struct rw_lease *lease)
{
    struct rw_worker *worker = pool->worker;
    struct rw_upstream_connection *connection = rw_slab_get(&worker->upstreams);
    if (!connection)
        return RW_ENOMEM;
    memset(connection, 0, sizeof(*connection));
    connection->pool = pool;
    connection->lease = lease;
    connection->touched = lease->touched;
    connection->tls = rw_lease_tls(lease);
    connection->key = lease->key;
    connection->begun_ms = (uint16_t)rw_loop_now_ms(worker->loop);
    rw_deadline_init(&connection->deadline, on_deadline);
    const struct rw_connect_options options = rw_pool_connect_options(pool, lease);
    enum rw_err err =
        rw_stream_connect(worker->loop, &connection->stream, &stream_events, &options);
    if (err) {
        rw_slab_put(&worker->upstreams, connection);
        return err;
    }
    rw_deadline_set(worker->loop, &connection->deadline,
                    rw_loop_now_ms(worker->loop) + lease->cluster->connect_ms);
    lease->connection = connection;
    lease->reused = false;
    rw_pool_count_in(pool);
    return RW_OK;
}

/* ---- Lending ---- */

/* May the connection carry what the lease is for? */
static bool fits(const struct rw_upstream_connection *connection, const struct rw_lease *lease)
{
    return connection->key == lease->key && lease->key != RW_LEASE_NOBODYS;
}

/* The newest idle connection; those made under other TLS settings (before a reload) are closed. */
static struct rw_upstream_connection *take_idle(struct rw_pool *pool, const struct rw_lease *lease)
{
    for (struct rw_list *at = pool->idle.next, *next; at != &pool->idle; at = next) {
        struct rw_upstream_connection *connection =
            rw_container_of(at, struct rw_upstream_connection, link);
        next = at->next;
        if (connection->tls != rw_lease_tls(lease)) {
            close_connection(connection);
            continue;
        }
        if (!fits(connection, lease))
            continue;
        rw_list_remove(&connection->link);
        pool->idle_count--;
        return connection;
    }
    return NULL;
}

/* A kept connection: whatever was set for its last use or its idle time is of no account. */
static void lend(struct rw_upstream_connection *connection, struct rw_lease *lease)
{
    connection->lease = lease;
    connection->touched = lease->touched;
    lease->connection = connection;
    lease->reused = connection->requests > 0;
    rw_deadline_set(connection->pool->worker->loop, &connection->deadline, RW_DEADLINE_NONE);
    rw_stream_receive(&connection->stream, true, false);
}

enum rw_pool_result rw_pool_h1_acquire(struct rw_pool *pool, struct rw_lease *lease, bool fresh)
{
    struct rw_upstream_connection *connection = fresh ? NULL : take_idle(pool, lease);
    if (connection) {
        lend(connection, lease);
        rw_worker_count(pool->worker, RW_COUNTER_UPSTREAM_REUSED, 1);
        return RW_POOL_READY;
    }
    if (!rw_list_empty(&pool->queue) || !rw_pool_take_slot_at_once(pool)) {
        /* One that is kept for somebody else, or for HTTP/2, makes room. */
        if (!rw_pool_h1_close_idle(pool))
            rw_pool_h2_yield(pool);
        return rw_pool_enqueue(pool, lease);
    }
    enum rw_err err = rw_pool_h1_open(pool, lease);
    if (!err)
        return RW_POOL_WAIT;
    rw_pool_give_slot(pool);
    return rw_pool_refuse(lease, rw_pool_reason_of(err), rw_pool_detail_of(pool->endpoint, err));
}

/* Hands a connection that has become free to the first in the queue. */
static void pass_on(struct rw_pool *pool, struct rw_upstream_connection *connection)
{
    struct rw_lease *next = rw_pool_dequeue(pool);
    lend(connection, next);
    next->events->on_ready(next);
}

/* After a reload who waits may want another protocol, other TLS settings, or another introduction
 * than the connection was made with. */
static bool suits_first(const struct rw_pool *pool, const struct rw_upstream_connection *connection)
{
    const struct rw_lease *first = rw_container_of(pool->queue.next, struct rw_lease, link);
    return !first->http2 && rw_lease_tls(first) == connection->tls && fits(connection, first);
}

void rw_pool_h1_release(struct rw_lease *lease)
{
    struct rw_upstream_connection *connection = lease->connection;
    struct rw_pool *pool = connection->pool;
    struct rw_loop *loop = pool->worker->loop;
    connection->requests += connection->requests < UINT32_MAX;
    lease->connection = NULL;
    connection->lease = NULL;
    bool worn_out = pool->limits.requests_max && connection->requests >= pool->limits.requests_max;
    bool others_wait = rw_waiters_any(&pool->endpoint->waiting);
    bool removed = atomic_load_explicit(&pool->endpoint->removed, memory_order_relaxed);
    bool queue = !rw_list_empty(&pool->queue);
    bool misfit = queue ? !suits_first(pool, connection) : connection->key == RW_LEASE_NOBODYS;
    bool surplus = !queue && (others_wait || pool->idle_count >= pool->limits.idle_max);
    bool over = queue && rw_turns_over(pool);
    if (over)
        rw_turns_pass(pool);
    if (worn_out || removed || surplus || misfit || over) {
        close_connection(connection);
    } else if (queue) {
        pass_on(pool, connection);
    } else {
        rw_list_push_front(&pool->idle, &connection->link);
        pool->idle_count++;
        rw_deadline_set(loop, &connection->deadline, rw_loop_now_ms(loop) + pool->limits.idle_ms);
        rw_stream_receive(&connection->stream, true, false);
    }
}

void rw_pool_h1_discard(struct rw_lease *lease)
{
    close_connection(lease->connection);
    lease->connection = NULL;
}

void rw_pool_h1_deadline(struct rw_lease *lease, uint64_t at_ms)
{
    struct rw_upstream_connection *connection = lease->connection;
    rw_deadline_set(connection->pool->worker->loop, &connection->deadline, at_ms);
}

bool rw_pool_h1_close_idle(struct rw_pool *pool)
{
    if (rw_list_empty(&pool->idle))
        return false;
    close_connection(rw_container_of(pool->idle.prev, struct rw_upstream_connection, link));
    return true;
}

/* ---- Connections that leave ---- */

struct rw_upstream_connection *rw_pool_detach(struct rw_lease *lease,
                                              const struct rw_stream_events *events,
                                              void (*fire)(struct rw_timer *timer), void *holder)
{
    struct rw_upstream_connection *connection = lease->connection;
    rw_stream_receive(&connection->stream, false, false);
    rw_stream_hand_on(&connection->stream, events);
    rw_deadline_stop(connection->pool->worker->loop, &connection->deadline);
    rw_deadline_init(&connection->deadline, fire);
    lease->connection = NULL;
    connection->holder = holder;
    return connection;
}

void rw_pool_connection_closed(struct rw_upstream_connection *connection)
{
    struct rw_pool *pool = connection->pool;
    rw_slab_put(&pool->worker->upstreams, connection);
    rw_pool_count_out(pool);
}

struct rw_endpoint *rw_pool_endpoint(const struct rw_upstream_connection *connection)
{
    return connection->pool->endpoint;
}
