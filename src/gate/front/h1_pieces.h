/* Bodies on HTTP/1.1 connections: what the front (requests in, responses out) and the upstream
 * origin (responses in, requests out) have in common.
 *
 * In: received buffers are gathered (rw_h1_append) until the codec can use them; what they hold of
 * a body becomes one piece, dechunked in place (rw_h1_gather). Out: a head and pieces become the
 * parts of one send; what they need of memory is kept in struct rw_h1_sending until the send is
 * through (rw_h1_sent). On the worker's thread.
 */
#ifndef RW_GATE_FRONT_H1_PIECES_H
#define RW_GATE_FRONT_H1_PIECES_H

#include "gate/exchange/piece.h"
#include "http/h1.h"
#include "io/stream.h"

/* Adds what has come to what is there (*in may be NULL); takes over `more`. False when it does not
 * fit into RW_BUF_LARGE_BYTES or there is no memory: `more` is gone then. */
bool rw_h1_append(struct rw_buf_pool *pool, struct rw_buf **in, struct rw_buf *more);

/* Takes what *in holds of the body as one piece, with a reference to its buffer that is the
 * caller's. What belongs to the next message stays in *in, which is NULL when nothing does. */
enum rw_h1_body_event rw_h1_gather(struct rw_h1_body *body, const struct rw_h1_limits *limits,
                                   struct rw_h1_trailers *trailers, struct rw_buf **in,
                                   struct rw_piece *piece);

struct rw_h1_sending {
    struct rw_buf *out;  /* a head, with a small body behind it */
    struct rw_buf *held; /* of body bytes */
    char chunk_head[RW_H1_CHUNK_HEAD_MAX];
    bool chunked; /* the body's framing */
};

/* Writes a head by `put(of, out)` into a buffer that is large enough. False when there is no
 * memory, or it is over RW_BUF_LARGE_BYTES. */
bool rw_h1_make_head(struct rw_h1_sending *sending, struct rw_buf_pool *pool,
                     void (*put)(const void *of, struct rw_h1_out *out), const void *of);

/* The parts of the head and the first piece; small pieces are copied behind the head, since one
 * part is cheaper. */
int rw_h1_first_parts(struct rw_h1_sending *sending, struct iovec *parts,
                      const struct rw_piece *piece, struct rw_span trailers);

/* The parts of a further piece; 0: it has no bytes to send. */
int rw_h1_piece_parts(struct rw_h1_sending *sending, struct iovec *parts,
                      const struct rw_piece *piece, struct rw_span trailers);

/* The send is through (or given up): lets go of the buffers. */
void rw_h1_sent(struct rw_h1_sending *sending);

#endif
