/* Upstream connections of one worker: kept alive per endpoint, within limits that hold over all
 * threads.
 *
 * An origin asks for a connection (rw_pool_acquire); it gets an idle one at once, or a new one when
 * that is open, or waits in a bounded queue while the endpoint is at its limit. After the response
 * it gives the connection back (rw_pool_release) or throws it away (rw_pool_discard). A kept
 * connection on which anything happens is closed.
 */
#ifndef RW_GATE_POOL_H
#define RW_GATE_POOL_H

#include "gate/cluster.h"
#include "gate/deadline.h"
#include "gate/reason.h"
#include "io/stream.h"

struct rw_lease;
struct rw_pool;
struct rw_worker;

/* A connection to an endpoint. While it is leased, what happens on its stream is told to the
 * lease's owner. */
struct rw_upstream_connection {
    struct rw_stream stream;
    struct rw_list link; /* in the pool's list of idle connections, newest first */
    struct rw_deadline deadline;
    struct rw_pool *pool;
    union {
        struct rw_lease *lease; /* NULL: idle or closing */
        void *holder;           /* of a connection that has left the pool: rw_pool_detach */
    };
    struct rw_tls_client *tls; /* made with; the stream keeps it alive */
    uint64_t requests;         /* sent over it so far */
    uint64_t key;              /* whose it is: rw_lease.key */
    bool open, closing;
};

struct rw_lease_events {
    /* A connection is there (lease->connection), or why not. Never from inside rw_pool_acquire. */
    void (*on_ready)(struct rw_lease *lease);
    /* `detail` is what exactly was wrong, alive for the call. */
    void (*on_failed)(struct rw_lease *lease, enum rw_reason reason, const char *detail);
    void (*on_data)(struct rw_lease *lease, struct rw_buf *buf);
    void (*on_end)(struct rw_lease *lease, enum rw_err err);
    void (*on_sent)(struct rw_lease *lease, enum rw_err err);
    void (*on_deadline)(struct rw_lease *lease);
};

/* A key that no other lease has. */
#define RW_LEASE_NOBODYS UINT64_MAX

/* Embedded in the owner; zeroed, `events` set. */
struct rw_lease {
    const struct rw_lease_events *events;
    struct rw_upstream_connection *connection;
    struct rw_list link; /* in the pool's queue while waiting */
    uint64_t queue_deadline_ms;
    /* Of a cluster whose connections say whose they are (proxy_protocol): bytes that go before
     * everything else, TLS too, alive until on_ready or on_failed; and a number of the client,
     * since only a lease with the same number gets the connection again. Else empty, and 0. */
    struct rw_span preface;
    uint64_t key;
    struct rw_cluster *cluster; /* alive as long as the lease: the owner pins its snapshot */
    struct rw_pool *pool;       /* while waiting */
    const char *detail;         /* after RW_POOL_FAILED: what was wrong; static */
    uint8_t reason;             /* ... enum rw_reason */
    bool reused;                /* the connection had carried a request before */
};

enum rw_pool_result { RW_POOL_READY, RW_POOL_WAIT, RW_POOL_FAILED };

/* READY: lease->connection is there. WAIT: on_ready or on_failed will come. FAILED: lease->reason
 * says why. `fresh`: not an idle one (a retry after a kept connection turned out to be dead). */
enum rw_pool_result rw_pool_acquire(struct rw_worker *worker, struct rw_cluster *cluster,
                                    struct rw_endpoint *endpoint, struct rw_lease *lease,
                                    bool fresh);
/* The response is complete and the connection may carry another request. */
void rw_pool_release(struct rw_lease *lease);
/* It may not: it is closed. Also ends waiting. A lease without a connection is fine. */
void rw_pool_discard(struct rw_lease *lease);

/* The connection of the lease leaves the pool for good: its stream tells `events` and its deadline
 * calls `fire` from now on, and connection->holder says whose it is. Receiving is off. It still
 * counts for the endpoint's limits, and the endpoint is there, until the new owner has closed the
 * stream and passes on_closed on to rw_pool_connection_closed, which frees the connection. */
struct rw_upstream_connection *rw_pool_detach(struct rw_lease *lease,
                                              const struct rw_stream_events *events,
                                              void (*fire)(struct rw_timer *timer), void *holder);
void rw_pool_connection_closed(struct rw_upstream_connection *connection);
struct rw_endpoint *rw_pool_endpoint(const struct rw_upstream_connection *connection);

/* on_deadline of the lease at this time (monotonic); RW_DEADLINE_NONE: never. A store in most
 * cases. */
void rw_pool_deadline(struct rw_lease *lease, uint64_t at_ms);

/* Another thread waits for a slot of this endpoint: closes an idle connection if there is one. */
void rw_pool_yield(struct rw_worker *worker, uint32_t endpoint_slot);
/* A slot has become free somewhere: whoever waits here may try again. */
void rw_pool_wake(struct rw_worker *worker, uint32_t endpoint_slot);
/* Closes idle connections of endpoints that were removed; all idle ones when `everything`. */
void rw_pool_sweep(struct rw_worker *worker, bool everything);
/* Once all connections are gone. */
void rw_pools_free(struct rw_worker *worker);

#endif
