#include "gate/worker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "gate/cluster/pool/pool.h"
#include "gate/exchange/exchange.h"
#include "gate/front/client.h"
#include "gate/front/flooders.h"
#include "gate/front/listener.h"

#include <malloc.h>

enum {
    EXCHANGES_PER_PAGE = 40,
    BLOCKS_PER_PAGE = 26,
    CONNECTIONS_PER_PAGE = 63,
    H2_STREAMS_PER_PAGE = 31,
    REST_MS = 250, /* without an exchange, before memory is given back */
};

enum rw_err rw_worker_create(const struct rw_worker_options *options, struct rw_worker *worker)
{
    *worker = (struct rw_worker){
        .index = options->index,
        .metrics = options->metrics,
        .access = options->access,
        .client_fd_max = options->client_fd_max,
        .beyond_count = options->beyond_count ? options->beyond_count : &worker->own_beyond_count,
        .user = options->user,
    };
    rw_list_init(&worker->fronts);
    rw_list_init(&worker->listeners);
    rw_list_init(&worker->stores);
    rw_slab_init(&worker->exchanges, RW_EXCHANGE_BYTES, EXCHANGES_PER_PAGE, SIZE_MAX);
    rw_slab_init(&worker->exchange_blocks, RW_EXCHANGE_BLOCK_BYTES, BLOCKS_PER_PAGE, SIZE_MAX);
    rw_slab_init(&worker->connections, rw_client_bytes(), CONNECTIONS_PER_PAGE, SIZE_MAX);
    rw_slab_init(&worker->upstreams, sizeof(struct rw_upstream_connection), CONNECTIONS_PER_PAGE,
                 SIZE_MAX);
    rw_slab_init(&worker->h2_streams, sizeof(struct rw_h2_stream), H2_STREAMS_PER_PAGE, SIZE_MAX);
    return rw_loop_create(&options->loop, &worker->loop);
}

static bool busy(const struct rw_worker *worker)
{
    return worker->front_count || worker->upstream_count || !rw_list_empty(&worker->listeners);
}

static void close_stores(struct rw_worker *worker)
{
    for (struct rw_list *at = worker->stores.next; at != &worker->stores; at = at->next) {
        struct rw_worker_store *store = rw_container_of(at, struct rw_worker_store, link);
        if (store->kind->close)
            store->kind->close(store);
    }
}

void rw_worker_close(struct rw_worker *worker)
{
    rw_listeners_stop(worker, false);
    rw_clients_close(worker);
    close_stores(worker);
    rw_pool_sweep(worker, true);
    while (busy(worker)) {
        rw_loop_turn(worker->loop, 10);
        rw_clients_close(worker); /* what was accepted while the listeners closed */
    }
    close_stores(worker); /* what waited for these clients */
    if (worker->snapshot)
        rw_snapshot_set_current(worker->snapshot, worker->index, false);
    worker->snapshot = NULL;
}

void rw_worker_close_with_peers(struct rw_worker *worker, _Atomic unsigned *closed)
{
    rw_worker_close(worker);
    atomic_fetch_add(closed, 1);
    while (atomic_load(closed) < worker->peer_count)
        rw_loop_turn(worker->loop, 1);
    rw_loop_turn(worker->loop, 0); /* what they have told it meanwhile */
}

static void destroy_stores(struct rw_worker *worker)
{
    struct rw_list *link;
    while ((link = rw_list_pop_front(&worker->stores))) {
        struct rw_worker_store *store = rw_container_of(link, struct rw_worker_store, link);
        store->kind->destroy(store);
    }
}

void rw_worker_destroy(struct rw_worker *worker)
{
    rw_worker_close(worker);
    rw_timer_stop(worker->loop, &worker->drain_timer);
    rw_timer_stop(worker->loop, &worker->idle_timer);
    rw_pools_free(worker);
    destroy_stores(worker);
    rw_slab_destroy(&worker->exchanges);
    rw_slab_destroy(&worker->exchange_blocks);
    rw_slab_destroy(&worker->connections);
    rw_slab_destroy(&worker->upstreams);
    rw_slab_destroy(&worker->h2_streams);
    rw_free(worker->upstream_states);
    rw_flooders_free(worker);
    rw_loop_destroy(worker->loop);
}

void rw_worker_adopt(struct rw_worker *worker, struct rw_snapshot *snapshot)
{
    struct rw_snapshot *old = worker->snapshot;
    worker->snapshot = snapshot;
    rw_snapshot_set_current(snapshot, worker->index, true);
    if (!worker->draining)
        rw_listeners_match(worker, old);
    if (old)
        rw_snapshot_set_current(old, worker->index, false);
}

/* ---- Drain ---- */

void rw_worker_check_drained(struct rw_worker *worker)
{
    if (!worker->draining || worker->front_count || !rw_list_empty(&worker->listeners))
        return;
    void (*on_drained)(struct rw_worker *) = worker->on_drained;
    worker->on_drained = NULL;
    rw_timer_stop(worker->loop, &worker->drain_timer);
    if (on_drained)
        on_drained(worker);
}

static void drain_deadline(struct rw_timer *timer)
{
    rw_clients_close(rw_container_of(timer, struct rw_worker, drain_timer));
}

void rw_worker_drain(struct rw_worker *worker, uint64_t deadline_ms,
                     void (*on_drained)(struct rw_worker *worker))
{
    worker->draining = true;
    worker->on_drained = on_drained;
    rw_listeners_stop(worker, true);
    rw_clients_drain(worker);
    worker->drain_timer.fire = drain_deadline;
    rw_timer_start(worker->loop, &worker->drain_timer, deadline_ms);
    rw_worker_check_drained(worker);
}

/* ---- Small services ---- */

struct rw_span rw_worker_date(struct rw_worker *worker)
{
    uint64_t now_ns = rw_loop_wall_ns(worker->loop);
    if (worker->date_second != now_ns / RW_NS_PER_S) {
        worker->date_second = now_ns / RW_NS_PER_S;
        rw_clock_format_http(worker->date, now_ns);
    }
    return rw_span(worker->date, sizeof(worker->date));
}

struct rw_worker_upstream *rw_worker_make_upstream(struct rw_worker *worker, uint32_t slot)
{
    size_t room = (size_t)slot + 16;
    struct rw_worker_upstream *bigger = rw_realloc(worker->upstream_states, room * sizeof(*bigger));
    if (!bigger)
        return &worker->spare_upstream_state;
    for (size_t i = worker->upstream_state_room; i < room; i++)
        bigger[i] = (struct rw_worker_upstream){
            .cursor = (uint32_t)rw_random_u64(rw_loop_random(worker->loop)),
        };
    worker->upstream_states = bigger;
    worker->upstream_state_room = room;
    return &worker->upstream_states[slot];
}

/* ---- Stores ---- */

struct rw_worker_store *rw_worker_store(struct rw_worker *worker,
                                        const struct rw_worker_store_kind *kind)
{
    for (struct rw_list *at = worker->stores.next; at != &worker->stores; at = at->next) {
        struct rw_worker_store *store = rw_container_of(at, struct rw_worker_store, link);
        if (store->kind == kind)
            return store;
    }
    return NULL;
}

void rw_worker_add_store(struct rw_worker *worker, struct rw_worker_store *store)
{
    rw_list_push_back(&worker->stores, &store->link);
}

/* ---- Rest ---- */

static void trim_stores(struct rw_worker *worker)
{
    for (struct rw_list *at = worker->stores.next; at != &worker->stores; at = at->next) {
        struct rw_worker_store *store = rw_container_of(at, struct rw_worker_store, link);
        store->kind->trim(store);
    }
}

static void still_idle(struct rw_timer *timer)
{
    struct rw_worker *worker = rw_container_of(timer, struct rw_worker, idle_timer);
    if (worker->exchanges.in_use)
        return;
    if (worker->exchange_count != worker->rest_count) {
        rw_worker_rest(worker);
        return;
    }
    rw_slab_trim(&worker->exchanges);
    rw_slab_trim(&worker->exchange_blocks);
    trim_stores(worker);
    rw_slab_trim(&worker->h2_streams);
    rw_buf_pool_trim(rw_loop_buffers(worker->loop));
    malloc_trim(0); /* the allocator keeps what is free in the middle of its heap */
}

void rw_worker_rest(struct rw_worker *worker)
{
    if (rw_timer_running(&worker->idle_timer))
        return;
    worker->rest_count = worker->exchange_count;
    worker->idle_timer.fire = still_idle;
    rw_timer_start(worker->loop, &worker->idle_timer, rw_loop_now_ms(worker->loop) + REST_MS);
}

/* ---- Between workers ---- */

struct peer_message {
    struct rw_task task;
    struct rw_worker *to;
    uint32_t slot;
    void (*act)(struct rw_worker *peer, uint32_t slot);
};

static void deliver(struct rw_task *task)
{
    struct peer_message *message = rw_container_of(task, struct peer_message, task);
    message->act(message->to, message->slot);
    rw_free(message);
}

void rw_worker_tell_peers(struct rw_worker *worker, uint64_t mask, uint32_t slot,
                          void (*act)(struct rw_worker *peer, uint32_t slot))
{
    for (unsigned i = 0; i < worker->peer_count; i++) {
        struct rw_worker *peer = worker->peers[i];
        if (peer == worker || !(mask >> (peer->index % 64) & 1))
            continue;
        struct peer_message *message = rw_alloc(sizeof(*message));
        if (!message)
            return;
        *message = (struct peer_message){.task.run = deliver, .to = peer, .slot = slot, .act = act};
        rw_loop_post(peer->loop, &message->task);
    }
}
