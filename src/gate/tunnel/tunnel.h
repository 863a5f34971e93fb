/* A tunnel: bytes between a client and an endpoint, both ways, until both sides have ended.
 *
 * What is left of an exchange after 101 or CONNECT (gate/exchange/exchange_tunnel.c), and what
 * carries a TCP route. It needs neither exchange nor snapshot: it has the two connections, a few
 * numbers, copies of the texts that its line in the access log will have, and shares with others of
 * its route what is the same for all (gate/tunnel/tunnel_terms.h). An idle one holds no buffer.
 *
 *   rw_tunnel_create      a record of who talks to whom; nothing flows
 *   rw_tunnel_upstream    takes the endpoint's connection out of a lease
 *   rw_tunnel_start       takes the client's connection: from now on bytes flow
 *
 * Each direction has its own back-pressure: while a send is pending, nothing is received from the
 * other side. A side that ends is half closed: the rest of what it has said is sent, then the end
 * is passed on, and the other direction goes on. A reset is passed on as a reset. When it is over
 * the tunnel counts and logs itself, closes both connections, and is gone once both have closed.
 * All on one worker thread.
 */
#ifndef RW_GATE_TUNNEL_TUNNEL_H
#define RW_GATE_TUNNEL_TUNNEL_H

#include "gate/cluster/pool/pool.h"
#include "gate/tunnel/tunnel_terms.h"

struct rw_client;
struct rw_client_front;
struct rw_residency;
struct rw_tunnel;

/* Who looks at the bytes, or has a say: all on the worker's thread. NULL members do what a tunnel
 * without an observer does. */
struct rw_tunnel_observer {
    size_t state_bytes; /* of zeroed memory behind the tunnel: rw_tunnel_state */
    /* Bytes flow from now on. The first call; a tunnel that was not started has none. */
    void (*started)(struct rw_tunnel *tunnel);
    /* Bytes have come from a side. The callee owns the buffer, and passes on what it wants by
     * rw_tunnel_put: this buffer, others before or after it, none. */
    void (*data)(struct rw_tunnel *tunnel, enum rw_tunnel_side from, struct rw_buf *buf);
    /* A side has ended in good order; afterwards the tunnel passes that on. */
    void (*ended)(struct rw_tunnel *tunnel, enum rw_tunnel_side from);
    /* The time that rw_tunnel_alarm was told. */
    void (*alarm)(struct rw_tunnel *tunnel);
    /* The worker drains: the tunnel has until the drain's deadline. */
    void (*drain)(struct rw_tunnel *tunnel);
    /* It is over: what the state refers to is let go. The last call. */
    void (*over)(struct rw_tunnel *tunnel);
};

/* What the log and the metrics will be told. */
enum rw_tunnel_text {
    RW_TUNNEL_METHOD,
    RW_TUNNEL_HOST,
    RW_TUNNEL_USER_AGENT,
    RW_TUNNEL_PATH,
    RW_TUNNEL_TEXTS
};

enum rw_tunnel_protocol { RW_TUNNEL_HTTP1, RW_TUNNEL_TCP, RW_TUNNEL_TLS };

struct rw_tunnel_options {
    struct rw_tunnel_terms terms; /* copied */
    enum rw_tunnel_protocol protocol;
    bool https;
    uint16_t status;                       /* 0: none */
    uint64_t started_ns;                   /* of the request */
    uint64_t bytes_in, bytes_out;          /* so far */
    uint64_t upstream_us;                  /* until the origin agreed; UINT64_MAX: not told */
    const struct sockaddr *client;         /* AF_INET, AF_INET6 or AF_UNIX */
    struct rw_span trace_id;               /* 32 hexadecimal digits, or empty */
    const struct rw_residency *residency;  /* NULL: nobody asked where the client is */
    struct rw_span consumer;               /* who asks; empty: not known */
    struct rw_span texts[RW_TUNNEL_TEXTS]; /* copied */
};

/* NULL: out of memory. */
struct rw_tunnel *rw_tunnel_create(const struct rw_tunnel_options *options);
/* For what did not come to a tunnel: its line in the log, and the metrics. `endpoint` may be NULL.
 */
void rw_tunnel_log_failure(const struct rw_tunnel_options *options, enum rw_reason reason,
                           const struct rw_endpoint *endpoint);
/* One that was not started: it never was. */
void rw_tunnel_destroy(struct rw_tunnel *tunnel);

/* The connection of the lease, which is empty afterwards; no send may be pending on it. The tunnel
 * is from now on what its endpoint had as an active request, and gives that back at its end.
 * `early` (NULL: none): what came from the endpoint already. */
void rw_tunnel_upstream(struct rw_tunnel *tunnel, struct rw_lease *lease, struct rw_buf *early);
/* `client` has no send pending, and is the tunnel's from now on, until it has closed. `early` as
 * above. The tunnel may be over when this returns. */
void rw_tunnel_start(struct rw_tunnel *tunnel, struct rw_client *client, struct rw_buf *early);

/* Ends it now: in both directions, whatever is still to be sent. */
void rw_tunnel_end(struct rw_tunnel *tunnel, enum rw_reason reason);

/* ---- For client.c: what a tunnel is to the connections of clients ---- */

extern const struct rw_client_front rw_tunnel_client_front;
size_t rw_tunnel_client_bytes(void);

/* ---- For observers ---- */

void *rw_tunnel_state(struct rw_tunnel *tunnel);
/* Sends the buffer (and takes it over) to a side, after what was put before. At any time; after the
 * end of that side, or of the tunnel, it is dropped. */
void rw_tunnel_put(struct rw_tunnel *tunnel, enum rw_tunnel_side to, struct rw_buf *buf);
/* As if `from` had ended: what was put is sent, then the other side is told. */
void rw_tunnel_finish(struct rw_tunnel *tunnel, enum rw_tunnel_side from);
/* Should it end in good order: why, all the same, for its line. */
void rw_tunnel_because(struct rw_tunnel *tunnel, enum rw_reason reason);
/* `alarm` at this time (monotonic), on the client's deadline; RW_DEADLINE_NONE: not. One at a time,
 * from `started` on. */
void rw_tunnel_alarm(struct rw_tunnel *tunnel, uint64_t at_ms);

#endif
