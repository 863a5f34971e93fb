#include "gate/pool.h"

#include "base/alloc.h"
#include "gate/worker.h"
#include "io/tls.h"

struct rw_pool {
    struct rw_worker *worker;
    struct rw_endpoint *endpoint; /* a reference */
    struct rw_config_connections limits;
    struct rw_list idle;  /* rw_upstream_connection.link */
    struct rw_list queue; /* rw_lease.link */
    size_t idle_count, queue_count, connection_count;
    struct rw_timer queue_timer;
    bool asked; /* the other workers were asked to give up an idle connection */
};

static void admit_waiting(struct rw_pool *pool);

static void ask_others(struct rw_pool *pool)
{
    if (pool->asked)
        return;
    pool->asked = true;
    rw_worker_tell_peers(pool->worker, UINT64_MAX, pool->endpoint->slot, rw_pool_yield);
}

/* ---- Slots: connections of all threads to one endpoint ---- */

static bool take_slot(struct rw_pool *pool)
{
    uint32_t limit = pool->limits.per_endpoint_max;
    uint32_t open = atomic_fetch_add(&pool->endpoint->open, 1);
    if (!limit || open < limit)
        return true;
    atomic_fetch_sub(&pool->endpoint->open, 1);
    return false;
}

static void give_slot(struct rw_pool *pool)
{
    atomic_fetch_sub(&pool->endpoint->open, 1);
    uint64_t waiting = atomic_load_explicit(&pool->endpoint->waiting, memory_order_acquire);
    if (waiting)
        rw_worker_tell_peers(pool->worker, waiting, pool->endpoint->slot, rw_pool_wake);
}

/* ---- Connections ---- */

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

static enum rw_reason reason_of(enum rw_err err)
{
    switch (err) {
    case RW_ETLS:
    case RW_EVERIFY:
        return RW_REASON_UPSTREAM_TLS;
    case RW_ETIMEDOUT:
        return RW_REASON_CONNECT_TIMEOUT;
    case RW_ENOMEM:
        return RW_REASON_MEMORY;
    case RW_ELIMIT:
        return RW_REASON_DESCRIPTORS;
    default:
        return RW_REASON_CONNECT_FAILED;
    }
}

static const char *detail_of(enum rw_err err)
{
    return err == RW_ELIMIT ? "no descriptor is left: see `ulimit -n`" : rw_err_text(err);
}

/* The connection could not be made. */
static void fail_open(struct rw_upstream_connection *connection, enum rw_err err)
{
    bool cut = err == RW_OK || err == RW_ECLOSED || err == RW_ERESET;
    if (connection->tls && cut) {
        fail_lease(connection, RW_REASON_UPSTREAM_TLS, "the peer closed during the TLS handshake");
        return;
    }
    const char *tls =
        err == RW_ETLS || err == RW_EVERIFY ? rw_tls_error_text(&connection->stream) : "";
    fail_lease(connection, reason_of(err), *tls ? tls : detail_of(err));
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct rw_upstream_connection *connection = connection_of(stream);
    if (err) {
        fail_open(connection, err);
        return;
    }
    connection->open = true;
    rw_worker_count(connection->pool->worker, RW_COUNTER_UPSTREAM_CONNECTS, 1);
    rw_deadline_set(connection->pool->worker->loop, &connection->deadline, RW_DEADLINE_NONE);
    rw_stream_receive(stream, true, false);
    if (connection->lease)
        connection->lease->events->on_ready(connection->lease);
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
    if (connection->lease)
        connection->lease->events->on_sent(connection->lease, err);
}

static void on_closed(struct rw_stream *stream)
{
    struct rw_upstream_connection *connection = connection_of(stream);
    struct rw_pool *pool = connection->pool;
    struct rw_worker *worker = pool->worker;
    rw_free(connection);
    pool->connection_count--;
    worker->upstream_count--;
    rw_worker_count(worker, RW_COUNTER_UPSTREAM_OPEN, -1);
    give_slot(pool);
    admit_waiting(pool);
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

static const struct rw_stream_events stream_events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

/* Begins to connect; the slot has been taken. */
static enum rw_err open_connection(struct rw_pool *pool, struct rw_lease *lease)
{
    struct rw_worker *worker = pool->worker;
    struct rw_upstream_connection *connection = rw_alloc_zero(sizeof(*connection));
    if (!connection)
        return RW_ENOMEM;
    connection->pool = pool;
    connection->lease = lease;
    connection->tls = lease->cluster->tls;
    rw_deadline_init(&connection->deadline, on_deadline);
    struct rw_connect_options options = {
        .address = (const struct sockaddr *)&pool->endpoint->address,
        .address_bytes = pool->endpoint->address_bytes,
        .tls = lease->cluster->tls,
        .tls_name =
            lease->cluster->tls_name.len ? lease->cluster->tls_name.at : pool->endpoint->host.at,
    };
    enum rw_err err =
        rw_stream_connect(worker->loop, &connection->stream, &stream_events, &options);
    if (err) {
        rw_free(connection);
        return err;
    }
    rw_deadline_set(worker->loop, &connection->deadline,
                    rw_loop_now_ms(worker->loop) + lease->cluster->connect_ms);
    lease->connection = connection;
    lease->reused = false;
    pool->connection_count++;
    worker->upstream_count++;
    rw_worker_count(worker, RW_COUNTER_UPSTREAM_OPEN, 1);
    return RW_OK;
}

/* ---- The queue ---- */

static void leave_queue(struct rw_pool *pool, struct rw_lease *lease)
{
    rw_list_remove(&lease->link);
    pool->queue_count--;
    if (pool->queue_count == 0)
        atomic_fetch_and(&pool->endpoint->waiting, ~(1ull << (pool->worker->index % 64)));
}

static void queue_timeout(struct rw_timer *timer)
{
    struct rw_pool *pool = rw_container_of(timer, struct rw_pool, queue_timer);
    uint64_t now_ms = rw_loop_now_ms(pool->worker->loop);
    while (!rw_list_empty(&pool->queue)) {
        struct rw_lease *lease = rw_container_of(pool->queue.next, struct rw_lease, link);
        if (lease->queue_deadline_ms > now_ms) {
            rw_timer_start(pool->worker->loop, timer, lease->queue_deadline_ms);
            return;
        }
        leave_queue(pool, lease);
        lease->events->on_failed(lease, RW_REASON_QUEUE_TIMEOUT, rw_err_text(RW_ETIMEDOUT));
    }
}

static enum rw_pool_result refuse(struct rw_lease *lease, enum rw_reason reason, const char *detail)
{
    lease->reason = (uint8_t)reason;
    lease->detail = detail;
    return RW_POOL_FAILED;
}

static enum rw_pool_result enqueue(struct rw_pool *pool, struct rw_lease *lease)
{
    if (pool->queue_count >= pool->limits.queue_max)
        return refuse(lease, RW_REASON_QUEUE_FULL, NULL);
    uint64_t due_ms = rw_loop_now_ms(pool->worker->loop) + pool->limits.queue_ms_max;
    lease->queue_deadline_ms = due_ms;
    lease->pool = pool;
    rw_list_push_back(&pool->queue, &lease->link);
    pool->queue_count++;
    if (!rw_timer_running(&pool->queue_timer))
        rw_timer_start(pool->worker->loop, &pool->queue_timer, due_ms);
    atomic_fetch_or(&pool->endpoint->waiting, 1ull << (pool->worker->index % 64));
    ask_others(pool);
    return RW_POOL_WAIT;
}

static void admit_waiting(struct rw_pool *pool)
{
    pool->asked = false;
    while (!rw_list_empty(&pool->queue) && take_slot(pool)) {
        struct rw_lease *lease = rw_container_of(pool->queue.next, struct rw_lease, link);
        leave_queue(pool, lease);
        enum rw_err err = open_connection(pool, lease);
        if (err) {
            give_slot(pool);
            lease->events->on_failed(lease, reason_of(err), detail_of(err));
        }
    }
    if (!rw_list_empty(&pool->queue))
        ask_others(pool);
}

/* ---- Pools ---- */

static bool make_room(struct rw_worker *worker, uint32_t slot)
{
    if (slot < worker->pool_room)
        return true;
    size_t room = (size_t)slot + 64;
    struct rw_pool **bigger = rw_realloc(worker->pools, room * sizeof(*bigger));
    if (!bigger)
        return false;
    memset(bigger + worker->pool_room, 0, (room - worker->pool_room) * sizeof(*bigger));
    worker->pools = bigger;
    worker->pool_room = room;
    return true;
}

static struct rw_pool *pool_for(struct rw_worker *worker, struct rw_endpoint *endpoint)
{
    if (!make_room(worker, endpoint->slot))
        return NULL;
    struct rw_pool *pool = worker->pools[endpoint->slot];
    if (pool)
        return pool;
    pool = rw_alloc_zero(sizeof(*pool));
    if (!pool)
        return NULL;
    pool->worker = worker;
    pool->endpoint = rw_endpoint_hold(endpoint);
    pool->queue_timer.fire = queue_timeout;
    rw_list_init(&pool->idle);
    rw_list_init(&pool->queue);
    worker->pools[endpoint->slot] = pool;
    return pool;
}

/* The newest idle connection; those made under other TLS settings (before a reload) are closed. */
static struct rw_upstream_connection *take_idle(struct rw_pool *pool,
                                                const struct rw_tls_client *tls)
{
    while (!rw_list_empty(&pool->idle)) {
        struct rw_upstream_connection *connection =
            rw_container_of(pool->idle.next, struct rw_upstream_connection, link);
        if (connection->tls != tls) {
            close_connection(connection);
            continue;
        }
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
    lease->connection = connection;
    lease->reused = connection->requests > 0;
    rw_deadline_set(connection->pool->worker->loop, &connection->deadline, RW_DEADLINE_NONE);
    rw_stream_receive(&connection->stream, true, false);
}

enum rw_pool_result rw_pool_acquire(struct rw_worker *worker, struct rw_cluster *cluster,
                                    struct rw_endpoint *endpoint, struct rw_lease *lease,
                                    bool fresh)
{
    struct rw_pool *pool = pool_for(worker, endpoint);
    if (!pool)
        return refuse(lease, RW_REASON_MEMORY, NULL);
    /* The newest configuration's limits hold for connections that outlive a reload too. */
    pool->limits = cluster->connections;
    lease->cluster = cluster;
    struct rw_upstream_connection *connection = fresh ? NULL : take_idle(pool, cluster->tls);
    if (connection) {
        lend(connection, lease);
        rw_worker_count(worker, RW_COUNTER_UPSTREAM_REUSED, 1);
        return RW_POOL_READY;
    }
    if (!rw_list_empty(&pool->queue) || !take_slot(pool))
        return enqueue(pool, lease);
    enum rw_err err = open_connection(pool, lease);
    if (!err)
        return RW_POOL_WAIT;
    give_slot(pool);
    return refuse(lease, reason_of(err), detail_of(err));
}

/* Hands a connection that has become free to the first in the queue. */
static void pass_on(struct rw_pool *pool, struct rw_upstream_connection *connection)
{
    struct rw_lease *next = rw_container_of(pool->queue.next, struct rw_lease, link);
    leave_queue(pool, next);
    lend(connection, next);
    next->events->on_ready(next);
}

void rw_pool_release(struct rw_lease *lease)
{
    struct rw_upstream_connection *connection = lease->connection;
    struct rw_pool *pool = connection->pool;
    struct rw_loop *loop = pool->worker->loop;
    connection->requests++;
    lease->connection = NULL;
    connection->lease = NULL;
    bool worn_out = pool->limits.requests_max && connection->requests >= pool->limits.requests_max;
    bool others_wait = atomic_load_explicit(&pool->endpoint->waiting, memory_order_relaxed) != 0;
    bool removed = atomic_load_explicit(&pool->endpoint->removed, memory_order_relaxed);
    bool queue = !rw_list_empty(&pool->queue);
    bool surplus = !queue && (others_wait || pool->idle_count >= pool->limits.idle_max);
    if (worn_out || removed || surplus) {
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

void rw_pool_discard(struct rw_lease *lease)
{
    if (lease->connection) {
        close_connection(lease->connection);
        lease->connection = NULL;
    }
    if (rw_list_linked(&lease->link))
        leave_queue(lease->pool, lease);
}

void rw_pool_deadline(struct rw_lease *lease, uint64_t at_ms)
{
    struct rw_upstream_connection *connection = lease->connection;
    rw_deadline_set(connection->pool->worker->loop, &connection->deadline, at_ms);
}

static struct rw_pool *pool_at(const struct rw_worker *worker, uint32_t slot)
{
    return slot < worker->pool_room ? worker->pools[slot] : NULL;
}

void rw_pool_yield(struct rw_worker *worker, uint32_t endpoint_slot)
{
    struct rw_pool *pool = pool_at(worker, endpoint_slot);
    if (pool && !rw_list_empty(&pool->idle))
        close_connection(rw_container_of(pool->idle.prev, struct rw_upstream_connection, link));
}

void rw_pool_wake(struct rw_worker *worker, uint32_t endpoint_slot)
{
    struct rw_pool *pool = pool_at(worker, endpoint_slot);
    if (pool)
        admit_waiting(pool);
}

static void free_pool(struct rw_worker *worker, size_t slot)
{
    struct rw_pool *pool = worker->pools[slot];
    rw_timer_stop(worker->loop, &pool->queue_timer);
    rw_endpoint_drop(pool->endpoint);
    rw_free(pool);
    worker->pools[slot] = NULL;
}

void rw_pool_sweep(struct rw_worker *worker, bool everything)
{
    for (size_t slot = 0; slot < worker->pool_room; slot++) {
        struct rw_pool *pool = worker->pools[slot];
        if (!pool || (!everything && !atomic_load(&pool->endpoint->removed)))
            continue;
        while (!rw_list_empty(&pool->idle))
            close_connection(rw_container_of(pool->idle.next, struct rw_upstream_connection, link));
        if (pool->connection_count == 0 && pool->queue_count == 0 &&
            atomic_load(&pool->endpoint->active) == 0)
            free_pool(worker, slot);
    }
}

void rw_pools_free(struct rw_worker *worker)
{
    for (size_t slot = 0; slot < worker->pool_room; slot++)
        if (worker->pools[slot])
            free_pool(worker, slot);
    rw_free(worker->pools);
    worker->pools = NULL;
    worker->pool_room = 0;
}
