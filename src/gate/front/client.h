/* A client's connection, whatever protocol it speaks: what all fronts have in common.
 *
 * A listener hands over a descriptor to rw_client_accept, which makes the connection, has the TLS
 * handshake done if there is one, and starts a front on it: the one that ALPN chose, or, on a plain
 * connection, HTTP/1.1, which gives it on to HTTP/2 when the first bytes are that protocol's
 * preface. A front's own object begins with the struct here and lies in the same slab object, so
 * that the stream never moves. rw_client_release frees it, from the front's on_closed. On the
 * worker's thread.
 */
#ifndef RW_GATE_FRONT_CLIENT_H
#define RW_GATE_FRONT_CLIENT_H

#include "gate/deadline.h"
#include "gate/front/listener.h"
#include "gate/worker.h"

#include <netinet/in.h>

/* What a connection keeps of its peer's address. */
union rw_peer {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

enum rw_client_protocol {
    RW_CLIENT_OPENING, /* TLS handshake */
    RW_CLIENT_H1,
    RW_CLIENT_TCP,    /* gate/front/front_tcp.h */
    RW_CLIENT_TUNNEL, /* gate/tunnel/tunnel.h */
    RW_CLIENT_PROXY,  /* a PROXY header is awaited: gate/front/client_proxy.h */
    RW_CLIENT_H2,
};

struct rw_client {
    struct rw_stream stream;
    struct rw_list link; /* worker->fronts */
    struct rw_deadline deadline;
    struct rw_worker_listener *listener;
    uint64_t id; /* its number among all of the worker's, from 1 */
    union rw_peer peer;
    uint8_t protocol; /* enum rw_client_protocol */
    uint8_t phase;    /* the front's own enum; 0 when it starts */
    bool tls : 1;
    bool peer_ended : 1; /* FIN came */
    bool beyond : 1;     /* its descriptor is beyond worker->client_fd_max */
    bool busy : 1;       /* the front's own loop over what came is on the stack */
};
_Static_assert(sizeof(struct rw_client) == 176, "one for each idle connection");

/* What a front is to the connections that it has. */
struct rw_client_front {
    struct rw_stream_events events; /* on_open is not needed: a front starts when that is through */
    void (*on_deadline)(struct rw_timer *timer);
    /* What follows the struct rw_client is zeroed; the deadline is whatever it was. */
    void (*start)(struct rw_client *client);
    /* The worker drains: the connection ends with what is under way. */
    void (*drain)(struct rw_client *client);
    /* Its listener has been removed. NULL: it ends with the next response by itself. */
    void (*listener_gone)(struct rw_client *client);
    /* Cuts it now. */
    void (*close)(struct rw_client *client);
    /* Nothing is under way: its deadline is that of the next request, and it may be closed to make
     * room for another client. NULL: never. */
    bool (*idle)(const struct rw_client *client);
};

/* Size of a connection object, for the worker's slab. */
size_t rw_client_bytes(void);

/* Takes over an accepted descriptor. */
void rw_client_accept(struct rw_worker_listener *listener, int fd,
                      const struct sockaddr_storage *peer);
/* Gives the connection to a front, from now on. */
void rw_client_start(struct rw_client *client, enum rw_client_protocol protocol);
/* A plain connection that a front has looked into begins as its listener says: with a TLS
 * handshake, or the protocol of plain connections. `early` (NULL: none): what has come and is not
 * used. */
void rw_client_begin(struct rw_client *client, struct rw_buf *early);
/* From on_closed: what the front kept has been let go. */
void rw_client_release(struct rw_client *client);

/* All connections of a worker. */
void rw_clients_drain(struct rw_worker *worker);
void rw_clients_close(struct rw_worker *worker);
/* Those of a listener that has just been removed. */
void rw_clients_listener_gone(struct rw_worker_listener *listener);

/* ---- For fronts ---- */

static inline struct rw_client *rw_client_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct rw_client, stream);
}

static inline struct rw_worker *rw_client_worker(const struct rw_client *client)
{
    return client->listener->worker;
}

/* Settings by the current snapshot; of a removed listener by the last one that had it. */
const struct rw_listener_settings *rw_client_settings(const struct rw_client *client);

/* Whose connection it is, by the word of somebody who is trusted. */
void rw_client_set_peer(struct rw_client *client, const struct sockaddr_storage *peer);

/* 0: none. */
void rw_client_deadline_in(struct rw_client *client, uint32_t ms);

/* For a lease of a cluster with a PROXY header: the header of this client's connection, which `to`
 * (RW_PROXY_WRITE_BYTES_MAX) holds, and its number. */
struct rw_lease;
void rw_client_introduce(const struct rw_client *client, unsigned version, char *to,
                         struct rw_lease *lease);

/* Tells in the log what happened to a connection, with the client's address in front. */
void rw_client_tell(struct rw_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Tells in the log, and counts, that what came is no request; `reason` is static text. */
void rw_client_malformed(struct rw_client *client, unsigned status, const char *reason);

#endif
