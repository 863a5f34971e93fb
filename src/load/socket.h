/* A WebSocket of the generator (RFC 6455): the client's end, over whatever carries it.
 *
 * A protocol makes one (rw_load_socket_create) when a request to open it leaves, tells when it is
 * open (rw_load_socket_opened), gives it what comes (rw_load_socket_receive), and takes what it
 * sends by `put`. From then on a message is a call like any other: sent when it is due
 * (rw_load_socket_send), answered by the next message that comes, or the next that is what its step
 * waits for. Pings are answered, what nobody has asked for is counted. It is a user's of a script,
 * who leaves it (rw_load_socket_leave) at the end of an iteration; or nobody's, where all
 * connections, or all streams of HTTP/2, are WebSockets (settings->upgrade). The protocol frees it
 * when its bytes are over.
 */
#ifndef RW_LOAD_SOCKET_H
#define RW_LOAD_SOCKET_H

#include "http/websocket.h"
#include "load/generator.h"

struct rw_load_socket {
    struct rw_load_connection *connection;
    struct rw_h2_stream *stream; /* HTTP/2's; NULL: all of the connection */
    struct rw_load_user *user;   /* whose; NULL: nobody's */
    struct rw_list leaving;      /* in the generator's list of those that wait for the end */
    struct rw_list gone;         /* HTTP/2: in the connection's, to be freed */
    struct rw_list idle;         /* HTTP/2: in the connection's, nobody's and free to send */
    uint64_t leaving_since_ns;
    struct rw_load_call call; /* the message that waits for its answer */
    struct rw_websocket_track track;
    uint64_t left;                       /* bytes to come of a frame's payload */
    char key[RW_WEBSOCKET_KEY_BYTES];    /* of the handshake */
    struct rw_buf *out_first, *out_last; /* what waits to be put */
    uint8_t opcode;                      /* of the frame that is coming */
    uint8_t out_count;
    uint8_t control_bytes; /* of a Ping that is coming */
    bool open : 1;
    bool fin : 1;        /* of the frame that is coming */
    bool asking : 1;     /* `call` waits for its answer */
    bool heard : 1;      /* ... and the message that is coming may be it */
    bool sending : 1;    /* the first of `out` is with the transport */
    bool over : 1;       /* ends once `out` is sent */
    bool closing : 1;    /* our Close frame is written: nothing else follows */
    bool left_alone : 1; /* nobody's any more: it only waits for the peer's Close frame */
    char control[RW_WEBSOCKET_CONTROL_MAX];
};

/* NULL: no memory. `user` may be NULL. */
struct rw_load_socket *rw_load_socket_create(struct rw_load_connection *connection,
                                             struct rw_load_user *user);
/* Its bytes are over; NULL is fine. */
void rw_load_socket_free(struct rw_load_socket *socket);

/* Is this head the answer to its handshake over HTTP/1.1? */
bool rw_load_socket_accepts(const struct rw_load_socket *socket, const struct rw_message *message);
void rw_load_socket_opened(struct rw_load_socket *socket);
void rw_load_socket_receive(struct rw_load_socket *socket, struct rw_span bytes);
/* What was put last has left. */
void rw_load_socket_sent(struct rw_load_socket *socket);
/* The transport is gone: what is under way fails, and its user goes on without. */
void rw_load_socket_lost(struct rw_load_socket *socket, enum rw_load_error why);

/* May a message be sent now? */
static inline bool rw_load_socket_has_room(const struct rw_load_socket *socket)
{
    return socket->open && !socket->asking && !socket->closing && !socket->out_first;
}
/* A message or a Close frame, by what the due request is. */
void rw_load_socket_send(struct rw_load_socket *socket, struct rw_load_due due);
/* Its call has taken too long, and has been told so. */
void rw_load_socket_give_up(struct rw_load_socket *socket);
/* Its user is through with it. */
void rw_load_socket_leave(struct rw_load_socket *socket);
/* Now and then: who has not ended in time what nobody uses any more. */
void rw_load_sockets_look(struct rw_load_generator *generator);

#endif
