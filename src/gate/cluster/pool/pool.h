/* Upstream connections of one worker: kept alive per endpoint, within limits that hold over all
 * threads.
 *
 * An origin asks for a connection (rw_pool_acquire); it gets an idle one at once, or a new one when
 * that is open, or waits in a bounded queue while the endpoint is at its limit. After the response
 * it gives the connection back (rw_pool_release) or throws it away (rw_pool_discard).
 *
 * Over HTTP/1 the connection is wholly the lease's (pool_h1.c). A kept one on which anything
 * happens is closed. Over HTTP/2 the lease has one stream of a connection that others share
 * (pool_h2.c): the one with the fewest streams and room for more, a new one only when all are full.
 * What the leases of a turn send leaves together at its end. Of a cluster whose endpoints choose
 * (`negotiated`), a lease is for HTTP/2 until the endpoint has chosen otherwise.
 */
#ifndef RW_GATE_CLUSTER_POOL_POOL_H
#define RW_GATE_CLUSTER_POOL_POOL_H

#include "gate/cluster/cluster.h"
#include "gate/deadline.h"
#include "gate/exchange/reason.h"
#include "http/h2.h"
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
    uint64_t key;              /* whose it is: rw_lease.key */
    uint32_t requests;         /* sent over it so far; stays at UINT32_MAX */
    uint16_t begun_ms;         /* when it was asked for: low bits of the loop's clock */
    bool open, closing;
    struct rw_span touched; /* of the lease */
};
_Static_assert(sizeof(struct rw_upstream_connection) == 184, "one for each idle connection");

enum rw_shared_phase {
    RW_SHARED_OPENING,   /* until the endpoint's SETTINGS have come */
    RW_SHARED_OPEN,      /* takes new streams */
    RW_SHARED_LEAVING,   /* takes no more: ends with its last stream */
    RW_SHARED_FINISHING, /* what is still to be sent leaves, then it is closed */
    RW_SHARED_CLOSED
};

/* An HTTP/2 connection to an endpoint. */
struct rw_shared_connection {
    struct rw_stream stream;
    struct rw_h2 h2;
    struct rw_cluster_http2 settings; /* made with */
    struct rw_tls_client *tls;        /* made with; the stream keeps it alive */
    struct rw_list link;              /* in the pool */
    struct rw_pool *pool;
    struct rw_list leases;  /* with a stream */
    struct rw_list waiting; /* leases: for it to be open */
    uint32_t lease_count, waiting_count;
    struct rw_deadline deadline;       /* of the connection: by its phase */
    struct rw_deadline lease_deadline; /* the earliest of the leases', or before it */
    struct rw_later later;             /* the end of the turn */
    uint64_t requests;
    uint32_t turn_stream; /* the first since the turn was last over: turns.h */
    uint64_t opened_ms;   /* while it opens: when that began */
    uint64_t received_ms;
    const char *detail; /* FINISHING: why; static */
    uint8_t reason;     /* ... */
    uint8_t phase;      /* enum rw_shared_phase */
    bool connected, sending;
    bool pinged;     /* PING was sent, and nothing has come since */
    bool proved;     /* it was answered, and nothing has happened since */
    bool full;       /* the endpoint refused a stream: no more before one ends */
    bool useless;    /* from the start it took no requests */
    bool negotiated; /* the endpoint may choose HTTP/1.1 instead */
    bool yielded;    /* to another thread, while it opened */
};

/* How a stream has ended before its time. */
struct rw_lease_reset {
    enum rw_reason reason;
    const char *detail; /* static */
    bool untouched;     /* the endpoint has not begun to work on the request, */
    bool left_out;      /* since it ends the connection (GOAWAY) */
};

struct rw_lease_events {
    /* A connection is there, or why not. Never from inside rw_pool_acquire. `detail` is what
     * exactly was wrong, alive for the call. */
    void (*on_ready)(struct rw_lease *lease);
    void (*on_failed)(struct rw_lease *lease, enum rw_reason reason, const char *detail);
    void (*on_deadline)(struct rw_lease *lease);
    /* HTTP/1: of lease->connection. */
    void (*on_data)(struct rw_lease *lease, struct rw_buf *buf);
    void (*on_end)(struct rw_lease *lease, enum rw_err err);
    void (*on_sent)(struct rw_lease *lease, enum rw_err err);
    /* HTTP/2: of lease->stream, as in http/h2.h. After on_reset the lease has neither stream nor
     * connection. */
    struct rw_h2_target (*on_target)(struct rw_lease *lease);
    void (*on_head)(struct rw_lease *lease, bool end);
    enum rw_h2_more (*on_body)(struct rw_lease *lease, struct rw_buf *buf, struct rw_span data,
                               bool end, struct rw_span trailers);
    void (*on_writable)(struct rw_lease *lease);
    void (*on_reset)(struct rw_lease *lease, const struct rw_lease_reset *reset);
    /* HTTP/2 of a negotiated cluster: the endpoint has chosen HTTP/1.1, and http1_until_ms tells.
     * The lease is nobody's: to be acquired again, for that. NULL: of no such cluster. */
    void (*on_http1)(struct rw_lease *lease);
};

/* A key that no other lease has. */
#define RW_LEASE_NOBODYS UINT64_MAX

/* Embedded in the owner; zeroed, `events` set. */
struct rw_lease {
    const struct rw_lease_events *events;
    struct rw_upstream_connection *connection; /* HTTP/1 */
    struct rw_shared_connection *shared;       /* HTTP/2: has a stream of it, or waits for it */
    struct rw_h2_stream *stream;               /* HTTP/2 */
    struct rw_list link;  /* in the pool's queue while waiting; in a list of `shared` */
    uint64_t deadline_ms; /* in the queue; HTTP/2: of the stream */
    /* Of a cluster whose connections say whose they are (proxy_protocol): bytes that go before
     * everything else, TLS too, alive until on_ready or on_failed; and a number of the client,
     * since only a lease with the same number gets the connection again. Else empty, and 0. */
    struct rw_span preface;
    uint64_t key;
    /* Of the owner's memory, what is touched at an event; fetched ahead of it. May be empty. */
    struct rw_span touched;
    struct rw_cluster *cluster; /* alive as long as the lease: the owner pins its snapshot */
    struct rw_pool *pool;       /* while waiting */
    const char *detail;         /* after RW_POOL_FAILED: what was wrong; static */
    uint8_t reason;             /* ... enum rw_reason */
    bool http2;                 /* of which kind it is: the owner's, before it acquires */
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
/* It may not: it is closed, or the stream reset. Also ends waiting. A lease without a connection is
 * fine. */
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

/* Another thread waits for a slot of this endpoint: closes an idle connection if there is one, or
 * gives no more streams to a shared one. */
void rw_pool_yield(struct rw_worker *worker, uint32_t endpoint_slot);
/* A slot has become free somewhere: whoever waits here may try again. */
void rw_pool_wake(struct rw_worker *worker, uint32_t endpoint_slot);
/* Closes idle connections of endpoints that were removed; all idle ones when `everything`. */
void rw_pool_sweep(struct rw_worker *worker, bool everything);
/* Once all connections are gone. */
void rw_pools_free(struct rw_worker *worker);

#endif
