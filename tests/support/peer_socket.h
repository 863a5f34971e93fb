/* One end of a WebSocket (RFC 6455), as scripted peers have it: written apart from src/http and
 * src/gate, so that the two can disagree.
 *
 * A peer begins it once the handshake is through, gives it every byte that comes, and sends what
 * rw_test_socket_next gives it, whenever it can send. Both ends send the body that the request's
 * script has for them, in messages of any size, fragments, with Pings between. Whose turn it is to
 * end says Close with 1000 when it has sent and received everything; the other answers. So who is
 * told 1000 must have received everything, whatever failed on the way.
 */
#ifndef RW_TESTS_SUPPORT_PEER_SOCKET_H
#define RW_TESTS_SUPPORT_PEER_SOCKET_H

#include "support/gateway_world.h"

struct rw_test_socket {
    struct rw_test_world *world;
    const struct rw_test_request *r;
    enum rw_test_side side; /* whose end it is */
    bool begun;
    struct rw_test_bytes out; /* whole frames, of which `out_at` bytes were given; only _next
                                 changes it */
    size_t out_at;
    uint32_t made;          /* bytes of the own body */
    uint64_t got;           /* of the other's */
    bool said_close;        /* it is in `out`: nothing follows */
    bool heard_close;       /* nothing may follow */
    unsigned code;          /* that was heard */
    bool fragments;         /* of an own message are to come */
    bool in_message;        /* of the other's, too */
    unsigned char head[14]; /* of the frame under way */
    unsigned head_bytes;
    uint64_t left; /* of its payload */
    uint64_t at;   /* in its payload */
    unsigned char control[125];
    char pong[125]; /* that is owed: to the last Ping */
    int pong_bytes; /* -1: none is */
};

void rw_test_socket_begin(struct rw_test_socket *socket, struct rw_test_world *world,
                          const struct rw_test_request *r, enum rw_test_side side);
/* What is wrong with the bytes is told by rw_test_fail. */
void rw_test_socket_feed(struct rw_test_socket *socket, struct rw_span bytes);
/* At most so many bytes to be sent; they stay until the next call. None: nothing now. */
struct rw_span rw_test_socket_next(struct rw_test_socket *socket, size_t most);
/* Both have said Close, and all of it was sent: the transport may end. */
bool rw_test_socket_over(const struct rw_test_socket *socket);
/* ... and everything has gone through. */
bool rw_test_socket_complete(const struct rw_test_socket *socket);
void rw_test_socket_free(struct rw_test_socket *socket);

#endif
