/* Upstream connections of one worker: kept alive per endpoint, within limits that hold over all
 * threads.
 *
 * An origin asks for a connection (rw_pool_acquire); it gets an idle one at once, or a new one
 * after connecting, or waits in a bounded queue while the endpoint is at its limit. After the
 * response it gives the connection back (rw_pool_release) or throws it away (rw_pool_discard). A
 * kept connection on which anything happens is closed.
 */
#ifndef RW_GATE_POOL_H
#define RW_GATE_POOL_H

#include "gate/cluster.h"
#include "gate/reason.h"
#include "io/stream.h"

struct rw_pool;
struct rw_worker;
struct rw_lease;

/* A connection to an endpoint. While leased, stream events go to the lease's owner. */
struct rw_upstream_connection {
    struct rw_stream stream;
    struct rw_list link; /* in the pool's idle list, newest first */
    struct rw_pool *pool;
    struct rw_lease *lease; /* NULL: idle or closing */
    struct rw_timer timer;  /* lazy: see deadline_ms */
    uint64_t deadline_ms;   /* UINT64_MAX: none */
    uint64_t requests;      /* sent over it so far */
    bool opening;
};

/* Embedded in the owner (the http origin's per-exchange state). */
struct rw_lease_events {
    /* A connection is there, or why not (never from inside rw_pool_acquire unless it returned it).
     */
    void (*on_ready)(struct rw_lease *lease, struct rw_upstream_connection *connection);
    void (*on_failed)(struct rw_lease *lease, enum rw_reason reason);
    void (*on_data)(struct rw_lease *lease, struct rw_buf *buf);
    void (*on_end)(struct rw_lease *lease, enum rw_err err);
    void (*on_sent)(struct rw_lease *lease, enum rw_err err);
    void (*on_deadline)(struct rw_lease *lease);
};

struct rw_lease {
    const struct rw_lease_events *events;
    struct rw_upstream_connection *connection;
    struct rw_list link; /* in the pool's queue while waiting */
    uint64_t queue_deadline_ms;
    struct rw_pool *pool;
    bool reused; /* the connection had carried a request before */
};

/* Returns a connection at once (already leased), or NULL: wait for on_ready or on_failed. `fresh`:
 * not an idle one (a retry after a kept connection turned out to be dead). */
struct rw_upstream_connection *rw_pool_acquire(struct rw_worker *worker, struct rw_cluster *cluster,
                                               struct rw_endpoint *endpoint, struct rw_lease *lease,
                                               bool fresh);
/* The response is complete and the connection may be used again. */
void rw_pool_release(struct rw_lease *lease);
/* It may not: close it. Also ends waiting. */
void rw_pool_discard(struct rw_lease *lease);

/* The connection's deadline (on_deadline of its lease): a store in most cases. UINT64_MAX: none. */
void rw_upstream_deadline(struct rw_upstream_connection *connection, uint64_t deadline_ms);

/* Another thread waits for a slot of this endpoint: close an idle connection if there is one. */
void rw_pool_yield(struct rw_worker *worker, uint32_t endpoint_slot);
/* Closes idle connections of endpoints that were removed; all when `everything`. */
void rw_pool_sweep(struct rw_worker *worker, bool everything);
size_t rw_pool_idle_count(const struct rw_worker *worker);

#endif
