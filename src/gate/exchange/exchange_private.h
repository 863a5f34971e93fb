/* Within the exchange: what its loop (exchange.c) and the steps in files of their own have of each
 * other. The loop calls a step's function, which moves the exchange on and says what is next; from
 * anywhere else it is rw_exchange_run that goes on. Worker threads.
 */
#ifndef RW_GATE_EXCHANGE_EXCHANGE_PRIVATE_H
#define RW_GATE_EXCHANGE_EXCHANGE_PRIVATE_H

#include "gate/exchange/exchange.h"
#include "gate/snapshot.h"

/* What a step says to the loop. WAIT: an event will move the exchange on. GONE: it is freed. */
enum rw_go { RW_GO_ON, RW_GO_WAIT, RW_GO_GONE };

/* A bit for each step that may follow. */
extern const unsigned rw_step_moves[RW_STEP_COUNT];

static inline void rw_exchange_move(struct rw_exchange *x, enum rw_step step)
{
    rw_assert(rw_step_moves[x->step] & (1u << step));
    x->step = (uint8_t)step;
}

static inline bool rw_exchange_over_limit(const struct rw_exchange *x, uint64_t body_bytes)
{
    uint64_t limit = x->listener->limits->body_bytes, own = x->body_bytes_max;
    return ((limit && body_bytes > limit) || (own && body_bytes > own)) && !x->upgraded;
}

/* What is announced of the request's body, and what came with the head. */
static inline bool rw_exchange_announces_too_much(const struct rw_exchange *x)
{
    return (x->request.body_kind == RW_BODY_LENGTH &&
            rw_exchange_over_limit(x, x->request.body_bytes)) ||
           rw_exchange_over_limit(x, x->bytes_in);
}

/* ---- exchange.c ---- */

/* The loop. Events that come while it is on the stack only move the step; the loop sees it. The
 * result is the front's about more of the response; OVER when the exchange is gone. */
enum rw_flow rw_exchange_run(struct rw_exchange *x);
/* From any step before the response: the gateway answers by itself. */
enum rw_go rw_exchange_refuse(struct rw_exchange *x, enum rw_reason reason);
/* Fires x->total_timer. */
void rw_exchange_total_timeout(struct rw_timer *timer);
/* The first piece of the response goes, with the reference to the buffer of an origin that answered
 * at once. */
void rw_exchange_drop_first_piece(struct rw_exchange *x);
/* Calls the origin's cancel if it still works for this exchange. */
void rw_exchange_cancel_origin(struct rw_exchange *x);

/* ---- exchange_receive.c ---- */

enum rw_go rw_exchange_step_receive(struct rw_exchange *x);
enum rw_go rw_exchange_step_route(struct rw_exchange *x);

/* ---- exchange_policies.c ---- */

enum rw_go rw_exchange_step_request_policies(struct rw_exchange *x);
enum rw_go rw_exchange_step_response_policies(struct rw_exchange *x);
/* The one that was asked last about the request, of an exchange that `policy_answers`. */
const struct rw_policy_use *rw_exchange_asked_policy(const struct rw_exchange *x);
/* A policy waits, and the front has begun: it is told to hold back what follows; what came with
 * the head stays until the origin starts. */
void rw_exchange_hold_request(struct rw_exchange *x);
/* Nobody waits any more. */
void rw_exchange_end_wait(struct rw_exchange *x);

/* ---- exchange_reply.c ---- */

/* The answer of x->reason: problem details (RFC 9457), with Allow where 405 needs it. */
RW_MUST_CHECK enum rw_err rw_exchange_make_refusal(struct rw_exchange *x);
/* 204 to OPTIONS, with the methods that the routes for this path take. */
RW_MUST_CHECK enum rw_err rw_exchange_make_options(struct rw_exchange *x);

/* ---- exchange_tunnel.c ---- */

/* What the head of the response says about the tunnel to come. */
void rw_exchange_note_tunnel(struct rw_exchange *x);
/* The tunnel that goes on for this exchange; NULL: out of memory. */
struct rw_tunnel *rw_exchange_make_tunnel(struct rw_exchange *x);

/* ---- exchange_log.c ---- */

/* Metrics and the access log line. */
void rw_exchange_log(struct rw_exchange *x);
/* "-" when no endpoint was chosen. */
struct rw_span rw_exchange_endpoint_name(const struct rw_exchange *x);

#endif
