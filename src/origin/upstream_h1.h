/* A request and its response over an HTTP/1.1 connection. Private to origin/upstream_h1*.c. */
#ifndef RW_ORIGIN_UPSTREAM_H1_H
#define RW_ORIGIN_UPSTREAM_H1_H

#include "gate/front/h1_pieces.h"
#include "http/h1.h"
#include "origin/upstream_call.h"

struct rw_upstream_h1 {
    struct rw_upstream_call call;
    struct rw_h1_sending out; /* of the request */
    struct rw_buf *in;        /* received, not yet passed on */
    struct rw_h1_body body;   /* of the response */
    struct rw_h1_trailers trailers;
    uint32_t head_seen, head_line, head_fields;
    bool sending; /* a send is pending */
    bool upgraded;
    bool peer_ended;
    bool slow_client;   /* it took long for the last piece */
    uint64_t held_ms;   /* when it was given that */
    uint32_t low_water; /* of the connection; 0 or 1: the rule */
};

/* upstream_h1_send.c: the request. */
enum rw_flow rw_upstream_h1_send_request(struct rw_upstream_call *call,
                                         const struct rw_piece *first);
enum rw_flow rw_upstream_h1_send_piece(struct rw_upstream_call *call, const struct rw_piece *piece);
void rw_upstream_h1_on_sent(struct rw_lease *lease, enum rw_err err);

/* upstream_h1_receive.c: the response. */
void rw_upstream_h1_on_data(struct rw_lease *lease, struct rw_buf *buf);
void rw_upstream_h1_on_end(struct rw_lease *lease, enum rw_err err);
void rw_upstream_h1_on_deadline(struct rw_lease *lease);
void rw_upstream_h1_resume(struct rw_upstream_call *call);

static inline struct rw_upstream_h1 *rw_upstream_h1_of(struct rw_upstream_call *call)
{
    return rw_container_of(call, struct rw_upstream_h1, call);
}

static inline struct rw_upstream_h1 *rw_upstream_h1_of_lease(struct rw_lease *lease)
{
    return rw_container_of(lease, struct rw_upstream_h1, call.lease);
}

#endif
