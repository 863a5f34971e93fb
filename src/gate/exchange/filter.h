/* Body filters: what policies put into the way of a body that streams through an exchange.
 *
 *   origin -> [filter] -> [filter] -> front          response: the first installed is at the origin
 *   front  -> [filter] -> [filter] -> origin         request: the first installed is at the client
 *
 * A policy makes its filter in the exchange's arena (struct rw_filter at its head) and installs it:
 * in on_response for the response, in on_request for the request. So filters stand in the order in
 * which policies are asked: of a response those of the route first, from the last in its list to
 * the first, then those of the listener in the same order. Installing edits the head at once, by
 * the filter's effect (below), so that policies asked later see what will be true of the body.
 *
 * The exchange then asks the filters for their output (`step`), the one nearest to the receiver
 * first, and only what has no more to give gets new input: there is never more under way than one
 * piece before each filter. One piece in may become none, one or many; a receiver that says HOLD
 * stops all of them, and the giver. A filter holds what it needs to understand its input (a line, a
 * frame, a window), with a limit of its own; what it cannot hold it fails over.
 *
 * Everything runs on the worker's thread; no filter blocks. One that has to ask somebody else (a
 * guard with a service of its own) says WAIT and calls rw_filter_wake later.
 *
 * `end` is called exactly once for each filter that was installed, whatever becomes of the
 * exchange: with its last step, or when it is cut, or when another answer takes the place of this
 * one. There may have been no step at all.
 */
#ifndef RW_GATE_EXCHANGE_FILTER_H
#define RW_GATE_EXCHANGE_FILTER_H

#include "base/err.h"
#include "gate/exchange/piece.h"

struct rw_exchange;
struct rw_filter;
struct rw_filter_chain;

/* What a filter does to the content, and so to the head of the message. */
enum rw_filter_effect {
    RW_FILTER_OBSERVES, /* passes on the same bytes (a copy for a comparison): the head stays */
    RW_FILTER_RECODES, /* the same content in other bytes (a content coding): the length and digests
                          of these bytes go, ranges are no longer offered, a strong ETag becomes
                          weak */
    RW_FILTER_REWRITES, /* other content: the ETag goes too, and Last-Modified */
};

enum rw_filter_outcome {
    RW_FILTER_PIECE, /* `out` is filled; ask again */
    RW_FILTER_MORE,  /* all input is used up; of no use after the last piece of it */
    RW_FILTER_WAIT,  /* neither before rw_filter_wake; not from inside step */
    RW_FILTER_FAIL,  /* out of memory, or the input is none for this filter: the exchange is cut, or
                        a request without an answer is answered with the filter's reason */
};

struct rw_filter_kind {
    const char *name;
    enum rw_filter_effect effect;
    /* `in` is what is left of the current piece of input; the filter takes bytes off its front by
     * moving in->data on, and leaves the rest for the next step. in->end stays set from the last
     * piece on. With `flush`, MORE may only be said when the receiver could make sense of all that
     * came in so far. `out`, zeroed before: a piece with a buffer whose reference becomes the
     * caller's, or with bytes that outlive the exchange. It may be a part of `in` (hold in->buf).
     * An empty `out` without `end` is passed over. The piece with `end` is the last: the filter is
     * not asked again; input that comes after it is not wanted, and its giver is stopped. */
    enum rw_filter_outcome (*step)(struct rw_filter *filter, struct rw_piece *in, bool flush,
                                   struct rw_piece *out);
    /* Frees what is not in the exchange's arena. NULL: nothing. */
    void (*end)(struct rw_filter *filter);
    /* The giver of a response has broken off, and x->response_trailers say how (a status of gRPC):
     * would the receiver understand that here? If so it gets an end. NULL: no, it gets none. */
    bool (*may_conclude)(const struct rw_filter *filter);
};

struct rw_filter {
    const struct rw_filter_kind *kind;
    struct rw_exchange *x;
    uint8_t reason; /* enum rw_reason of a FAIL; 0: out of memory */
    /* The chain's own. */
    struct rw_filter_chain *chain;
    struct rw_filter *next, *before; /* toward the receiver, toward the giver */
    struct rw_piece in;              /* not used up; with a reference to its buffer */
    bool fed;                        /* there may be output, or `in` is not used up */
    bool last_fed;                   /* the last piece of the input has come */
};

/* ---- For policies ---- */

/* Can the message have a body for filters? Not the answer to a HEAD, 204, 304, one of no bytes, and
 * what follows a switch of protocols. */
bool rw_filter_response_possible(const struct rw_exchange *x);
bool rw_filter_request_possible(const struct rw_exchange *x);

/* Edits the head as installing would: for the answer to a HEAD, which is to say what that to a GET
 * would. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_filter_edit_response(struct rw_exchange *x,
                                                  enum rw_filter_effect effect);

/* Adds a filter behind those that are there; `kind` is set; only where it is possible (above). On
 * an error (RW_ENOMEM) it is not installed, and its `end` not called. */
RW_MUST_CHECK enum rw_err rw_filter_response(struct rw_exchange *x, struct rw_filter *filter);
RW_MUST_CHECK enum rw_err rw_filter_request(struct rw_exchange *x, struct rw_filter *filter);

/* For a step that changes nothing: what came in goes out. */
void rw_filter_pass_on(struct rw_piece *in, struct rw_piece *out);

/* After WAIT, from the loop, never from inside a step: ask again. The exchange may be gone
 * afterwards. */
void rw_filter_wake(struct rw_filter *filter);

/* Is this the Content-Type of messages one after the other, for which somebody waits (RFC 9110
 * section 8.3 has no list): an event stream, gRPC? */
bool rw_filter_message_stream(struct rw_span type);

/* Does each piece of this response go out by itself, whatever that costs? Event streams, gRPC and
 * other streams of messages, and every body whose length nobody told: it may be made as it is sent,
 * and somebody waits for what is there. */
bool rw_filter_flushes(const struct rw_exchange *x);

/* ---- For the exchange (gate/exchange/exchange_filter.c) ---- */

struct rw_filter_chain {
    struct rw_filter *first, *last;
    uint8_t reason; /* of the filter that failed */
    bool flush;
    bool response;
    bool held; /* the receiver said HOLD, and has not resumed */
};

/* Gives the chain a piece: only after it has said MORE, and is not closed. */
void rw_filter_chain_feed(struct rw_filter_chain *chain, const struct rw_piece *piece);
/* The next piece of output; RW_FILTER_MORE: feed it. */
enum rw_filter_outcome rw_filter_chain_take(struct rw_filter_chain *chain, struct rw_piece *out);
/* Gives the chain an end, if a filter knows how to end the body here (may_conclude) and none has
 * input left; else false. */
bool rw_filter_chain_conclude(struct rw_filter_chain *chain);
/* Ends every filter, and lets go of the pieces. */
void rw_filter_chain_end(struct rw_filter_chain *chain);

/* It takes no more input: it had the last piece, or a filter ended the body by itself. */
static inline bool rw_filter_chain_closed(const struct rw_filter_chain *chain)
{
    return chain->first->last_fed;
}

#endif
