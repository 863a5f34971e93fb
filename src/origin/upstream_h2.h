/* A request and its response over a stream of an HTTP/2 connection. Private to
 * origin/upstream_h2*.c. */
#ifndef RW_ORIGIN_UPSTREAM_H2_H
#define RW_ORIGIN_UPSTREAM_H2_H

#include "http/h2.h"
#include "origin/upstream_call.h"

struct rw_upstream_h2 {
    struct rw_upstream_call call;
    struct rw_later later; /* a head waits to the end of the turn for the first of its body */
    struct rw_piece late;  /* came when the exchange had said HOLD to the head; holds its buffer */
    struct rw_span trailers; /* of the response, with the last piece */
    bool engine_held;        /* HOLD was said to the engine */
    bool websocket;          /* the request is an extended CONNECT (RFC 8441) */
    bool upgraded;           /* ... which was agreed to: both directions are raw bytes */
};

/* upstream_h2_send.c: the request. */
enum rw_flow rw_upstream_h2_send_request(struct rw_upstream_call *call,
                                         const struct rw_piece *first);
enum rw_flow rw_upstream_h2_send_piece(struct rw_upstream_call *call, const struct rw_piece *piece);
void rw_upstream_h2_on_writable(struct rw_lease *lease);

/* upstream_h2_websocket.c: a WebSocket in the stream (RFC 8441). */
/* May it be asked for over this connection? */
bool rw_upstream_h2_websocket_offered(const struct rw_upstream_h2 *h2);
/* The answer to an extended CONNECT becomes what it is over HTTP/1.1: 101 if it is one of success.
 * False: no memory. */
bool rw_upstream_h2_websocket_response(struct rw_upstream_h2 *h2);

/* upstream_h2_receive.c: the response. */
/* How long the endpoint may be waited for; 0: what is inside has times of its own. */
static inline uint32_t rw_upstream_h2_patience_ms(const struct rw_upstream_h2 *h2)
{
    return h2->upgraded ? 0 : h2->call.x->route->first_byte_ms;
}
struct rw_h2_target rw_upstream_h2_on_target(struct rw_lease *lease);
void rw_upstream_h2_on_head(struct rw_lease *lease, bool end);
enum rw_h2_more rw_upstream_h2_on_body(struct rw_lease *lease, struct rw_buf *buf,
                                       struct rw_span data, bool end, struct rw_span trailers);
void rw_upstream_h2_on_reset(struct rw_lease *lease, const struct rw_lease_reset *reset);
void rw_upstream_h2_resume(struct rw_upstream_call *call);
void rw_upstream_h2_end_of_turn(struct rw_later *later);

static inline struct rw_upstream_h2 *rw_upstream_h2_of(struct rw_upstream_call *call)
{
    return rw_container_of(call, struct rw_upstream_h2, call);
}

static inline struct rw_upstream_h2 *rw_upstream_h2_of_lease(struct rw_lease *lease)
{
    return rw_container_of(lease, struct rw_upstream_h2, call.lease);
}

#endif
