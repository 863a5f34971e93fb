/* What the exchange does besides moving: its own answers, and its line in the log. Private to
 * gate/. */
#ifndef RW_GATE_EXCHANGE_EXCHANGE_LOG_H
#define RW_GATE_EXCHANGE_EXCHANGE_LOG_H

#include "gate/exchange/exchange.h"

/* The answer of x->reason: problem details (RFC 9457), with Allow where 405 needs it. */
RW_MUST_CHECK enum rw_err rw_exchange_make_refusal(struct rw_exchange *x);

/* 204 to OPTIONS, with the methods that the routes for this path take. */
RW_MUST_CHECK enum rw_err rw_exchange_make_options(struct rw_exchange *x);

/* Metrics and the access log line. */
void rw_exchange_log(struct rw_exchange *x);

/* exchange_tunnel.c: what the head of the response says about the tunnel to come. */
void rw_exchange_note_tunnel(struct rw_exchange *x);
/* exchange_tunnel.c: the tunnel that goes on for this exchange; NULL: out of memory. */
struct rw_tunnel *rw_exchange_make_tunnel(struct rw_exchange *x);

/* "-" when no endpoint was chosen. */
struct rw_span rw_exchange_endpoint_name(const struct rw_exchange *x);

/* The first piece of the response goes, with the reference to the buffer of an origin that answered
 * at once. */
void rw_exchange_drop_first_piece(struct rw_exchange *x);

/* Calls the origin's cancel if it still works for this exchange. */
void rw_exchange_cancel_origin(struct rw_exchange *x);

#endif
