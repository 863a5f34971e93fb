#include "gate/cluster/pool/pool.h"

#include "base/alloc.h"
#include "gate/cluster/pool/pool_private.h"
#include "gate/cluster/pool/turns.h"
#include "io/tls.h"

enum { OTHERS_FIRST_MS = 20 }; /* for another thread to take the slot that is its turn */

static void admit_waiting(struct rw_pool *pool);

static void ask_others(struct rw_pool *pool)
{
    if (pool->asked)
        return;
    pool->asked = true;
    rw_worker_tell_peers(pool->worker, UINT64_MAX, pool->endpoint->slot, rw_pool_yield);
}

/* ---- Slots: connections of all threads to one endpoint ---- */

static bool is_free(const struct rw_pool *pool, uint32_t open)
{
    uint32_t limit = pool->limits.per_endpoint_max;
    return !limit || open < limit;
}

static bool has_free(const struct rw_pool *pool)
{
    return is_free(pool, atomic_load(&pool->endpoint->open));
}

/* Never more than there are, not even for a moment: another thread would take a free slot for a
 * taken one, and wait. */
bool rw_pool_take_slot(struct rw_pool *pool)
{
    uint32_t open = atomic_load(&pool->endpoint->open);
    while (is_free(pool, open))
        if (atomic_compare_exchange_weak(&pool->endpoint->open, &open, open + 1))
            return true;
    return false;
}

bool rw_pool_take_slot_at_once(struct rw_pool *pool)
{
    return !rw_waiters_any(&pool->endpoint->waiting) && rw_pool_take_slot(pool);
}

static void tell_others(struct rw_pool *pool)
{
    uint64_t others = rw_waiters_others(&pool->endpoint->waiting, pool->worker->index);
    if (others)
        rw_worker_tell_peers(pool->worker, others, pool->endpoint->slot, rw_pool_wake);
}

void rw_pool_give_slot(struct rw_pool *pool)
{
    atomic_fetch_sub(&pool->endpoint->open, 1);
    tell_others(pool);
}

void rw_pool_count_in(struct rw_pool *pool)
{
    pool->connection_count++;
    rw_turns_publish(pool);
    pool->worker->upstream_count++;
    rw_worker_count(pool->worker, RW_COUNTER_UPSTREAM_OPEN, 1);
}

void rw_pool_connected(struct rw_pool *pool, uint16_t begun_ms)
{
    pool->connect_ms = (uint16_t)(rw_loop_now_ms(pool->worker->loop) - begun_ms);
    rw_turns_begin(pool);
    rw_worker_count(pool->worker, RW_COUNTER_UPSTREAM_CONNECTS, 1);
}

void rw_pool_count_out(struct rw_pool *pool)
{
    pool->connection_count--;
    rw_turns_publish(pool);
    pool->worker->upstream_count--;
    rw_worker_count(pool->worker, RW_COUNTER_UPSTREAM_OPEN, -1);
    rw_pool_give_slot(pool);
    admit_waiting(pool);
}

struct rw_connect_options rw_pool_connect_options(const struct rw_pool *pool,
                                                  const struct rw_lease *lease)
{
    const struct rw_cluster *cluster = lease->cluster;
    struct rw_connect_options options = rw_endpoint_connect_options(pool->endpoint);
    options.tls = rw_lease_tls(lease);
    options.tls_name = cluster->tls_name.len ? cluster->tls_name.at : pool->endpoint->host.at;
    options.tls_preface = lease->preface;
    return options;
}

/* ---- Why not ---- */

enum rw_reason rw_pool_reason_of(enum rw_err err)
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

/* It may be the line's begin, and not its end, that is not there. */
static const char *missing_begin(const struct rw_path *path)
{
    bool interface = path->socket.interface[0];
    if (interface && path->source.bytes)
        return "this machine does not have the source address or the interface of `tcp` or of the "
               "line";
    return interface ? "this machine does not have the interface of `tcp.interface` or of the line"
                     : "this machine does not have the source address of `tcp.source` or of the "
                       "line";
}

const char *rw_pool_detail_of(const struct rw_endpoint *endpoint, enum rw_err err)
{
    const struct rw_path *path = endpoint->path;
    if (err == RW_ELIMIT)
        return "no descriptor is left: see `ulimit -n`";
    bool begins = path && (path->source.bytes || path->socket.interface[0]) &&
                  endpoint->address.ss_family != AF_UNIX;
    if (err == RW_ENOENT && begins)
        return missing_begin(path);
    if (err == RW_EUNREACHABLE && begins)
        return "unreachable from the source address or interface of `tcp` or of the line";
    return rw_err_text(err);
}

struct rw_pool_failure rw_pool_explain(const struct rw_pool *pool, const struct rw_stream *stream,
                                       bool tls, enum rw_err err)
{
    bool cut = err == RW_OK || err == RW_ECLOSED || err == RW_ERESET;
    if (tls && cut)
        return (struct rw_pool_failure){RW_REASON_UPSTREAM_TLS,
                                        "the peer closed during the TLS handshake"};
    const char *text = err == RW_ETLS || err == RW_EVERIFY ? rw_tls_error_text(stream) : "";
    return (struct rw_pool_failure){rw_pool_reason_of(err),
                                    *text ? text : rw_pool_detail_of(pool->endpoint, err)};
}

/* ---- The queue ---- */

/* What the others keep once nobody waits here, they have to be asked for again; and what they leave
 * to this thread, since it is its turn, it does not take. */
static void leave_queue(struct rw_pool *pool, struct rw_lease *lease)
{
    rw_list_remove(&lease->link);
    pool->queue_count--;
    if (pool->queue_count > 0) {
        rw_turns_publish(pool);
        return;
    }
    rw_waiters_remove(&pool->endpoint->waiting, pool->worker->index);
    pool->asked = false;
    pool->patient_ms = 0;
    if (has_free(pool))
        tell_others(pool);
}

static struct rw_lease *first_in_queue(const struct rw_pool *pool)
{
    return rw_list_empty(&pool->queue) ? NULL
                                       : rw_container_of(pool->queue.next, struct rw_lease, link);
}

/* For the first of the queue; or for a slot that is free and that another thread has not taken
 * though it was its turn, or of which nobody has told: look_again. */
static void start_timer(struct rw_pool *pool)
{
    const struct rw_lease *first = first_in_queue(pool);
    uint64_t at_ms = first->deadline_ms;
    if (pool->patient_ms && pool->patient_ms < at_ms)
        at_ms = pool->patient_ms;
    rw_timer_start(pool->worker->loop, &pool->queue_timer, at_ms);
}

static void queue_timeout(struct rw_timer *timer)
{
    struct rw_pool *pool = rw_container_of(timer, struct rw_pool, queue_timer);
    struct rw_loop *loop = pool->worker->loop;
    struct rw_lease *lease;
    while ((lease = first_in_queue(pool)) && lease->deadline_ms <= rw_loop_now_ms(loop)) {
        leave_queue(pool, lease);
        lease->events->on_failed(lease, RW_REASON_QUEUE_TIMEOUT, rw_err_text(RW_ETIMEDOUT));
    }
    admit_waiting(pool);
}

enum rw_pool_result rw_pool_refuse(struct rw_lease *lease, enum rw_reason reason,
                                   const char *detail)
{
    lease->reason = (uint8_t)reason;
    lease->detail = detail;
    return RW_POOL_FAILED;
}

/* A slot may be free though somebody waits: the queue is served at once, from the loop. */
static void look_again(struct rw_pool *pool)
{
    struct rw_loop *loop = pool->worker->loop;
    if (has_free(pool) && !pool->patient_ms)
        rw_timer_start(loop, &pool->queue_timer, rw_loop_now_ms(loop));
}

enum rw_pool_result rw_pool_enqueue(struct rw_pool *pool, struct rw_lease *lease)
{
    if (pool->queue_count >= pool->limits.queue_max)
        return rw_pool_refuse(lease, RW_REASON_QUEUE_FULL, NULL);
    if (!rw_turns_prepare(pool->endpoint))
        return rw_pool_refuse(lease, RW_REASON_MEMORY, NULL);
    uint64_t due_ms = rw_loop_now_ms(pool->worker->loop) + pool->limits.queue_ms_max;
    lease->deadline_ms = due_ms;
    lease->pool = pool;
    rw_list_push_back(&pool->queue, &lease->link);
    pool->queue_count++;
    if (!rw_timer_running(&pool->queue_timer))
        rw_timer_start(pool->worker->loop, &pool->queue_timer, due_ms);
    rw_turns_publish(pool);
    rw_waiters_add(&pool->endpoint->waiting, pool->worker->index);
    look_again(pool); /* what has been given back since, nobody has told */
    if (!has_free(pool))
        ask_others(pool);
    return RW_POOL_WAIT;
}

struct rw_lease *rw_pool_dequeue(struct rw_pool *pool)
{
    struct rw_lease *lease = first_in_queue(pool);
    if (lease)
        leave_queue(pool, lease);
    return lease;
}

/* A slot is for the thread that is due first; where that one does not take it (it is busy with
 * something else), it is anybody's after a moment. */
static bool take_slot_in_turn(struct rw_pool *pool)
{
    uint32_t limit = pool->limits.per_endpoint_max, open = atomic_load(&pool->endpoint->open);
    uint64_t now_ms = rw_loop_now_ms(pool->worker->loop);
    bool patient = is_free(pool, open) && limit && limit - open <= rw_turns_ahead(pool);
    if (patient && !pool->patient_ms) {
        pool->patient_ms = now_ms + OTHERS_FIRST_MS;
        tell_others(pool); /* whose turn it has become without a slot having been given */
    }
    if (patient && now_ms < pool->patient_ms)
        return false;
    pool->patient_ms = 0;
    return rw_pool_take_slot(pool);
}

static void admit_waiting(struct rw_pool *pool)
{
    struct rw_lease *lease;
    pool->asked = false;
    while ((lease = first_in_queue(pool))) {
        if (lease->http2 && rw_pool_h2_admit(pool, lease))
            continue;
        if (!take_slot_in_turn(pool))
            break;
        leave_queue(pool, lease);
        enum rw_err err =
            lease->http2 ? rw_pool_h2_open(pool, lease) : rw_pool_h1_open(pool, lease);
        if (err) {
            rw_pool_give_slot(pool);
            lease->events->on_failed(lease, rw_pool_reason_of(err),
                                     rw_pool_detail_of(pool->endpoint, err));
        }
    }
    if (rw_list_empty(&pool->queue))
        return;
    start_timer(pool);
    if (!has_free(pool))
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
    rw_list_init(&pool->shared);
    rw_list_init(&pool->queue);
    worker->pools[endpoint->slot] = pool;
    return pool;
}

enum rw_pool_result rw_pool_acquire(struct rw_worker *worker, struct rw_cluster *cluster,
                                    struct rw_endpoint *endpoint, struct rw_lease *lease,
                                    bool fresh)
{
    struct rw_pool *pool = pool_for(worker, endpoint);
    if (!pool)
        return rw_pool_refuse(lease, RW_REASON_MEMORY, NULL);
    /* The newest configuration's limits hold for connections that outlive a reload too. */
    pool->limits = cluster->connections;
    if (!rw_list_empty(&pool->queue))
        look_again(pool); /* they may be higher now */
    lease->cluster = cluster;
    return lease->http2 ? rw_pool_h2_acquire(pool, lease, fresh)
                        : rw_pool_h1_acquire(pool, lease, fresh);
}

static void sample_path(const struct rw_lease *lease)
{
    const struct rw_pool *pool = lease->shared ? lease->shared->pool : lease->connection->pool;
    const struct rw_stream *stream =
        lease->shared ? &lease->shared->stream : &lease->connection->stream;
    rw_path_sample(pool->endpoint, stream, rw_loop_now_ms(pool->worker->loop));
}

void rw_pool_release(struct rw_lease *lease)
{
    if (__builtin_expect(lease->cluster->balance == RW_BALANCE_PATH, 0))
        sample_path(lease);
    if (lease->shared)
        rw_pool_h2_release(lease);
    else
        rw_pool_h1_release(lease);
}

void rw_pool_discard(struct rw_lease *lease)
{
    if (lease->shared)
        rw_pool_h2_discard(lease);
    else if (lease->connection)
        rw_pool_h1_discard(lease);
    else if (rw_list_linked(&lease->link))
        leave_queue(lease->pool, lease);
}

void rw_pool_deadline(struct rw_lease *lease, uint64_t at_ms)
{
    if (lease->shared)
        rw_pool_h2_deadline(lease, at_ms);
    else
        rw_pool_h1_deadline(lease, at_ms);
}

static struct rw_pool *pool_at(const struct rw_worker *worker, uint32_t slot)
{
    return slot < worker->pool_room ? worker->pools[slot] : NULL;
}

void rw_pool_yield(struct rw_worker *worker, uint32_t endpoint_slot)
{
    struct rw_pool *pool = pool_at(worker, endpoint_slot);
    if (pool && !rw_pool_h1_close_idle(pool))
        rw_pool_h2_yield(pool);
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
        while (rw_pool_h1_close_idle(pool))
            continue;
        rw_pool_h2_leave_all(pool);
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
