/* A worker: one thread with its loop, its upstream pools, its metrics shard and its log ring.
 *
 * The process makes workers with rw_worker_create and gives each its listening sockets; the control
 * thread publishes snapshots (rw_worker_publish) and asks for the drain. Everything else here
 * belongs to the worker's own thread.
 */
#ifndef RW_GATE_WORKER_H
#define RW_GATE_WORKER_H

#include "base/slab.h"
#include "gate/cluster/retry/retry_budget.h"
#include "gate/snapshot.h"
#include "io/loop.h"
#include "watch/access.h"
#include "watch/metrics.h"

#include <stdatomic.h>

struct rw_flooders;
struct rw_pool;
struct rw_worker;
struct rw_worker_store;

/* What a policy or origin keeps with a worker from one exchange to the next; one of each kind. */
struct rw_worker_store_kind {
    void (*trim)(struct rw_worker_store *store); /* the worker rests: what is not in use goes */
    void (*destroy)(struct rw_worker_store *store);
    /* The worker closes: what the store has under way by itself is cut, and nothing begins any
     * more. NULL: nothing. */
    void (*close)(struct rw_worker_store *store);
};

struct rw_worker_store {
    struct rw_list link;
    const struct rw_worker_store_kind *kind;
};

/* What a worker has to know of an upstream. */
struct rw_worker_upstream {
    uint32_t cursor; /* round robin; random at first */
    struct rw_retry_budget retries, hedges;
};

struct rw_worker {
    struct rw_loop *loop;
    unsigned index;                 /* among all threads of this process */
    struct rw_worker *const *peers; /* all workers of the process, this one too; NULL: alone */
    unsigned peer_count;
    struct rw_snapshot *snapshot;
    struct rw_metrics_shard *metrics;
    struct rw_access_ring *access;       /* NULL: off */
    struct rw_slab exchanges;            /* of RW_EXCHANGE_BYTES */
    struct rw_slab exchange_blocks;      /* of RW_EXCHANGE_BLOCK_BYTES, for their arenas */
    uint64_t exchange_count, rest_count; /* made so far, and when idle_timer was started */
    struct rw_timer idle_timer;          /* runs once there is no exchange: then memory goes back */
    struct rw_slab connections;          /* of clients */
    struct rw_slab upstreams;            /* of pool.c: connections to endpoints */
    struct rw_list stores;               /* of struct rw_worker_store */
    struct rw_slab h2_streams;           /* of HTTP/2 connections, on either side */
    struct rw_list fronts; /* open client connections, for the drain and the admin page */
    size_t front_count;
    uint64_t client_ids;
    struct rw_flooders *flooders; /* gate/front/flooders.h; NULL: nobody has flooded yet */
    int client_fd_max; /* the descriptors above are for connections to origins, files, the admin
                          API: an idle crowd of clients must not take the last one; 0: no limit */
    _Atomic size_t *beyond_count;    /* clients of all workers of the process that have a descriptor
                                        above it, in the place of others */
    _Atomic size_t own_beyond_count; /* ... of a worker that is alone */
    struct rw_list listeners;        /* of struct listener (listener.c) */
    struct rw_pool **pools;          /* by endpoint slot */
    size_t pool_room;
    struct rw_worker_upstream *upstream_states; /* by cluster slot */
    size_t upstream_state_room;
    struct rw_worker_upstream spare_upstream_state; /* for when there is no memory for more */
    size_t upstream_count;                          /* upstream connections that exist */
    uint64_t date_second;
    char date[29]; /* IMF-fixdate of date_second */
    bool draining;
    struct rw_timer drain_timer;
    void (*on_drained)(struct rw_worker *worker); /* last connection gone */
    void *user;
};

struct rw_worker_options {
    struct rw_loop_options loop;
    unsigned index;
    struct rw_metrics_shard *metrics;
    struct rw_access_ring *access;
    int client_fd_max; /* clients with a descriptor above it are turned away; 0: none is */
    _Atomic size_t *beyond_count; /* of all workers that share the descriptors; NULL: alone */
    void *user;
};

RW_MUST_CHECK enum rw_err rw_worker_create(const struct rw_worker_options *options,
                                           struct rw_worker *worker);
/* Closes what is still open, runs the loop until all of it has gone, lets go of the snapshot. */
void rw_worker_close(struct rw_worker *worker);
/* ... and until all its peers have closed as well, which count themselves in `closed`: none of them
 * tells it anything from now on. */
void rw_worker_close_with_peers(struct rw_worker *worker, _Atomic unsigned *closed);
/* Closes, then ends the loop. */
void rw_worker_destroy(struct rw_worker *worker);

/* On the worker's thread: from now on exchanges begin with this snapshot (a reference is taken
 * over); listeners are started and stopped so that they match snapshot->listeners and their
 * descriptors. */
void rw_worker_adopt(struct rw_worker *worker, struct rw_snapshot *snapshot);

/* No new connections, keep-alive ends with the response under way, idle connections close; what is
 * left at the deadline is cut. */
void rw_worker_drain(struct rw_worker *worker, uint64_t deadline_ms,
                     void (*on_drained)(struct rw_worker *worker));

/* The present time as an HTTP date; made once a second. Valid until the worker returns to its loop.
 */
struct rw_span rw_worker_date(struct rw_worker *worker);

/* The worker's own state of a cluster. Valid until the next call. */
struct rw_worker_upstream *rw_worker_make_upstream(struct rw_worker *worker, uint32_t slot);
static inline struct rw_worker_upstream *rw_worker_upstream(struct rw_worker *worker, uint32_t slot)
{
    return __builtin_expect(slot < worker->upstream_state_room, 1)
               ? &worker->upstream_states[slot]
               : rw_worker_make_upstream(worker, slot);
}

/* The store of this kind; NULL: there is none yet. */
struct rw_worker_store *rw_worker_store(struct rw_worker *worker,
                                        const struct rw_worker_store_kind *kind);
/* The worker takes it over. */
void rw_worker_add_store(struct rw_worker *worker, struct rw_worker_store *store);

/* The last exchange has gone: unless others come soon, what a burst has taken is given back to the
 * system. */
void rw_worker_rest(struct rw_worker *worker);

/* Runs `act(peer, slot)` on the threads of the workers whose bit (index modulo 64) is set in
 * `mask`, this one excepted. Best effort: without memory nothing is told. */
void rw_worker_tell_peers(struct rw_worker *worker, uint64_t mask, uint32_t slot,
                          void (*act)(struct rw_worker *peer, uint32_t slot));

/* For fronts and listeners when one has gone. */
void rw_worker_check_drained(struct rw_worker *worker);

static inline void rw_worker_count(struct rw_worker *worker, enum rw_counter counter,
                                   int64_t amount)
{
    rw_metrics_count(worker->metrics, counter, amount);
}

#endif
