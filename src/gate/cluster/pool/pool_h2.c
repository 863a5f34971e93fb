/* Leases of connections that carry many requests at a time: HTTP/2. */
#include "gate/cluster/pool/pool_h2.h"
#include "gate/cluster/pool/turns.h"

/* ---- Leases come and go ---- */

static void add(struct rw_list *list, uint32_t *count, struct rw_lease *lease)
{
    rw_list_push_back(list, &lease->link);
    ++*count;
}

void rw_shared_wait_for(struct rw_shared_connection *c, struct rw_lease *lease)
{
    lease->shared = c;
    add(&c->waiting, &c->waiting_count, lease);
}

/* A request leaves: if nothing comes after it, the endpoint is asked by PING. */
static void expect_answer(struct rw_shared_connection *c)
{
    c->proved = false;
    if (c->lease_count == 1)
        rw_shared_deadline_in(c, c->settings.ping_interval_ms);
}

static bool worn_out(const struct rw_shared_connection *c)
{
    uint32_t requests_max = c->pool->limits.requests_max;
    uint32_t age_ms_max = c->settings.age_ms_max;
    return (requests_max && c->requests >= requests_max) ||
           (age_ms_max && rw_loop_now_ms(rw_shared_loop(c)) - c->opened_ms >= age_ms_max);
}

bool rw_shared_begin(struct rw_shared_connection *c, struct rw_lease *lease)
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
        rw_shared_leave(c);
    return true;
}

/* No stream is left: is the connection worth keeping? */
static bool worth_keeping(const struct rw_shared_connection *c)
{
    struct rw_pool *pool = c->pool;
    size_t idle = 0;
    for (struct rw_list *at = pool->shared.next; at != &pool->shared; at = at->next) {
        const struct rw_shared_connection *other =
            rw_container_of(at, struct rw_shared_connection, link);
        idle += other->phase == RW_SHARED_OPEN && other->lease_count == 0;
    }
    bool others_wait = rw_waiters_any(&pool->endpoint->waiting);
    return !atomic_load_explicit(&pool->endpoint->removed, memory_order_relaxed) &&
           idle <= pool->limits.idle_max && (!others_wait || !rw_list_empty(&pool->queue));
}

void rw_shared_part(struct rw_lease *lease)
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
        rw_shared_deadline_in(c, c->pool->limits.idle_ms);
        if (!worth_keeping(c))
            rw_shared_leave(c);
    }
    if (c->phase == RW_SHARED_LEAVING || !rw_list_empty(&c->pool->queue))
        rw_shared_see_to_it(c);
}

void rw_pool_h2_release(struct rw_lease *lease)
{
    struct rw_h2_stream *stream = lease->stream;
    struct rw_shared_connection *c = lease->shared;
    rw_h2_forget(&c->h2, stream);
    rw_shared_part(lease);
}

void rw_pool_h2_discard(struct rw_lease *lease)
{
    if (lease->stream)
        rw_h2_reset(&lease->shared->h2, lease->stream, RW_H2_CANCEL);
    rw_shared_part(lease);
}

/* ---- Who waits ---- */

static bool same_engine(const struct rw_h2_settings *a, const struct rw_h2_settings *b)
{
    return a->server == b->server && a->connect_protocol == b->connect_protocol &&
           a->streams_max == b->streams_max && a->stream_window_bytes == b->stream_window_bytes &&
           a->connection_window_bytes == b->connection_window_bytes &&
           a->table_bytes_max == b->table_bytes_max && a->head_bytes_max == b->head_bytes_max &&
           a->fields_max == b->fields_max && a->target_bytes_max == b->target_bytes_max &&
           a->block_bytes_max == b->block_bytes_max &&
           a->continuations_max == b->continuations_max &&
           a->output_bytes_max == b->output_bytes_max &&
           memcmp(a->flood_max, b->flood_max, sizeof(a->flood_max)) == 0;
}

static bool same_settings(const struct rw_cluster_http2 *a, const struct rw_cluster_http2 *b)
{
    return same_engine(&a->settings, &b->settings) && a->ping_interval_ms == b->ping_interval_ms &&
           a->ping_ms == b->ping_ms && a->age_ms_max == b->age_ms_max;
}

static bool suits(const struct rw_shared_connection *c, const struct rw_cluster *cluster)
{
    return c->tls == cluster->tls && same_settings(&c->settings, &cluster->http2_settings);
}

static void start(struct rw_shared_connection *c, struct rw_lease *lease)
{
    if (rw_shared_begin(c, lease))
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
        rw_shared_part(lease);
        if (rw_shared_has_room(c))
            start(c, lease);
        else if (c->useless)
            lease->events->on_failed(lease, RW_REASON_CONNECT_FAILED, "it takes no requests");
        else
            go_elsewhere(c->pool, lease);
    }
}

/* Who waits needs another kind of connection: this one makes room for it if it is idle. So does one
 * that may never be. */
static void make_room(struct rw_shared_connection *c)
{
    const struct rw_pool *pool = c->pool;
    bool leaves = false;
    for (struct rw_list *at = pool->shared.next; at != &pool->shared; at = at->next)
        leaves |= rw_container_of(at, struct rw_shared_connection, link)->phase > RW_SHARED_OPEN;
    if (!leaves || c->lease_count == 0)
        rw_shared_leave(c);
}

static void admit_queue(struct rw_shared_connection *c)
{
    struct rw_list *queue = &c->pool->queue;
    while (rw_shared_has_room(c) && !rw_list_empty(queue)) {
        struct rw_lease *lease = rw_container_of(queue->next, struct rw_lease, link);
        if (!lease->http2 || !suits(c, lease->cluster)) {
            make_room(c);
            break;
        }
        start(c, rw_pool_dequeue(c->pool));
    }
}

/* A stream that was there when the turn began would keep the connection, which then is of use to
 * nobody, for who knows how long. */
static bool streams_are_short(struct rw_shared_connection *c)
{
    uint32_t first = c->turn_stream, last = 0;
    bool all = true;
    for (const struct rw_list *at = c->leases.next; at != &c->leases; at = at->next) {
        uint32_t id = rw_container_of(at, struct rw_lease, link)->stream->id;
        all &= id >= first;
        last = id > last ? id : last;
    }
    c->turn_stream = last + 1;
    return all;
}

static void end_turn(struct rw_shared_connection *c)
{
    if (streams_are_short(c)) {
        rw_turns_pass(c->pool);
        rw_shared_leave(c);
    } else {
        rw_turns_begin(c->pool);
    }
}

/* Who wanted it may have gone before it was open, and other threads may have asked for it then. */
void rw_shared_admit(struct rw_shared_connection *c)
{
    admit_waiting(c);
    if (c->phase == RW_SHARED_OPEN && rw_turns_over(c->pool))
        end_turn(c);
    admit_queue(c);
    if (c->phase == RW_SHARED_OPEN && (c->yielded || (c->lease_count == 0 && !worth_keeping(c))))
        rw_shared_leave(c);
}

/* ---- For the pool ---- */

/* The one with the fewest streams. `fresh`: one that has shown signs of life since another broke.
 */
static struct rw_shared_connection *pick(struct rw_pool *pool, const struct rw_cluster *cluster,
                                         bool fresh)
{
    struct rw_shared_connection *best = NULL;
    for (struct rw_list *at = pool->shared.next; at != &pool->shared; at = at->next) {
        struct rw_shared_connection *c = rw_container_of(at, struct rw_shared_connection, link);
        bool better = rw_shared_has_room(c) && (!best || c->lease_count < best->lease_count);
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
            rw_shared_leave(c);
    }
}

enum rw_pool_result rw_pool_h2_acquire(struct rw_pool *pool, struct rw_lease *lease, bool fresh)
{
    const struct rw_cluster *cluster = lease->cluster;
    if (!rw_list_empty(&pool->queue))
        return rw_pool_enqueue(pool, lease);
    struct rw_shared_connection *c = pick(pool, cluster, fresh);
    if (c)
        return rw_shared_begin(c, lease)
                   ? RW_POOL_READY
                   : rw_pool_refuse(lease, RW_REASON_MEMORY, rw_err_text(RW_ENOMEM));
    c = pick_opening(pool, cluster);
    if (c) {
        rw_shared_wait_for(c, lease);
        return RW_POOL_WAIT;
    }
    retire_unsuited(pool, cluster);
    if (!rw_pool_take_slot_at_once(pool)) {
        (void)rw_pool_h1_close_idle(pool); /* of the time before the endpoint chose HTTP/2 */
        return rw_pool_enqueue(pool, lease);
    }
    enum rw_err err = rw_pool_h2_open(pool, lease);
    if (!err)
        return RW_POOL_WAIT;
    rw_pool_give_slot(pool);
    return rw_pool_refuse(lease, rw_pool_reason_of(err), rw_pool_detail_of(pool->endpoint, err));
}

bool rw_pool_h2_admit(struct rw_pool *pool, struct rw_lease *lease)
{
    struct rw_shared_connection *c = pick_opening(pool, lease->cluster);
    if (!c)
        return false;
    (void)rw_pool_dequeue(pool);
    rw_shared_wait_for(c, lease);
    return true;
}

/* One that opens still is the last choice: it leaves once those who wait for it have been served.
 * One with streams leaves when its turn is over: end_turn. */
static bool yields_rather(const struct rw_shared_connection *c,
                          const struct rw_shared_connection *than)
{
    if (c->phase != RW_SHARED_OPEN)
        return c->phase == RW_SHARED_OPENING && !than;
    return !than || than->phase == RW_SHARED_OPENING || c->lease_count < than->lease_count;
}

void rw_pool_h2_yield(struct rw_pool *pool)
{
    struct rw_shared_connection *least = NULL;
    if (!rw_list_empty(&pool->queue))
        return;
    for (struct rw_list *at = pool->shared.next; at != &pool->shared; at = at->next) {
        struct rw_shared_connection *c = rw_container_of(at, struct rw_shared_connection, link);
        if (yields_rather(c, least))
            least = c;
    }
    if (!least)
        return;
    if (least->phase == RW_SHARED_OPENING)
        least->yielded = true;
    else if (least->lease_count == 0)
        rw_shared_leave(least);
}

void rw_pool_h2_leave_all(struct rw_pool *pool)
{
    for (struct rw_list *at = pool->shared.next; at != &pool->shared; at = at->next) {
        struct rw_shared_connection *c = rw_container_of(at, struct rw_shared_connection, link);
        if (c->phase == RW_SHARED_OPENING)
            rw_shared_end(c, RW_REASON_CONNECT_FAILED, "the endpoint is no longer wanted");
        else
            rw_shared_leave(c);
    }
}
