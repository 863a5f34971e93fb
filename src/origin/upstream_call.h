/* One exchange's dealings with an endpoint. Private to origin/upstream*.c. */
#ifndef RW_ORIGIN_UPSTREAM_CALL_H
#define RW_ORIGIN_UPSTREAM_CALL_H

#include "gate/exchange.h"
#include "gate/h1_pieces.h"
#include "gate/pool.h"
#include "gate/snapshot.h"
#include "gate/worker.h"
#include "http/h1.h"

enum { RW_UPSTREAM_TRIES_MAX = 3 };

struct rw_upstream_call {
    struct rw_lease lease;
    struct rw_exchange *x;
    struct rw_cluster *cluster;
    struct rw_piece
        waiting; /* request body piece that waits for the connection; holds its buffer */
    struct rw_h1_sending out; /* of the request */
    struct rw_buf *in;        /* received, not yet passed on */
    struct rw_h1_body body;   /* of the response */
    struct rw_h1_trailers trailers;
    uint32_t head_seen, head_line, head_fields;
    uint8_t tries;
    bool sending;         /* a send is pending */
    bool request_started; /* the head has been sent */
    bool request_sent;    /* all of it is with the kernel */
    bool request_held;    /* HOLD was said to the front */
    bool replayable;      /* nothing but what is still here was sent: it may be sent again */
    bool response_begun;  /* a byte of the response has arrived */
    bool responded;       /* the head went to the exchange */
    bool response_held;   /* the exchange said HOLD */
    bool upgraded;
    bool peer_ended;
    bool slow_client;   /* it took long for the last piece */
    uint64_t held_ms;   /* when it was given that */
    uint32_t low_water; /* of the connection; 0 or 1: the rule */
};

/* upstream.c: ends the call and tells the exchange. */
void rw_upstream_fail(struct rw_upstream_call *call, enum rw_reason reason, const char *detail);
/* Sends the request once more over a fresh connection, if that is safe; false: it is not. */
bool rw_upstream_try_again(struct rw_upstream_call *call);
/* Lets go of buffers and the connection. */
void rw_upstream_let_go(struct rw_upstream_call *call);
void rw_upstream_wait_deadline(struct rw_upstream_call *call, uint32_t ms);

/* upstream_send.c: the request. */
enum rw_flow rw_upstream_send_request(struct rw_upstream_call *call, const struct rw_piece *first);
enum rw_flow rw_upstream_send_piece(struct rw_upstream_call *call, const struct rw_piece *piece);
void rw_upstream_on_sent(struct rw_upstream_call *call, enum rw_err err);

/* upstream_receive.c: the response. */
void rw_upstream_on_data(struct rw_upstream_call *call, struct rw_buf *buf);
void rw_upstream_on_end(struct rw_upstream_call *call, enum rw_err err);
void rw_upstream_resume(struct rw_upstream_call *call);
/* The deadline has come. True: only a large piece was being waited for, and it goes on with what is
 * there. */
bool rw_upstream_hurry(struct rw_upstream_call *call);

#endif
