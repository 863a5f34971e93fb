/* Bodies on their way through filters (gate/exchange/filter.h): what gate/exchange/exchange.c does
 * in their place where a chain is installed. Only exchange.c and filter.c call these. Worker
 * threads. */
#ifndef RW_GATE_EXCHANGE_EXCHANGE_FILTER_H
#define RW_GATE_EXCHANGE_EXCHANGE_FILTER_H

#include "gate/exchange/exchange.h"
#include "gate/exchange/filter.h"

/* In place of the origin's start. */
enum rw_flow rw_exchange_start_filtered(struct rw_exchange *x);
/* In place of the origin's request_data. */
enum rw_flow rw_exchange_request_data_filtered(struct rw_exchange *x, const struct rw_piece *piece);
/* The origin takes more. False: the filters have filled it again; the front is to wait. */
bool rw_exchange_resume_request_filters(struct rw_exchange *x);

/* In place of the front's respond. */
enum rw_flow rw_exchange_respond_filtered(struct rw_exchange *x);
/* In place of the front's response_data. */
enum rw_flow rw_exchange_response_data_filtered(struct rw_exchange *x,
                                                const struct rw_piece *piece);
/* The front takes more. False: the filters have filled it again, and the exchange may be gone. */
bool rw_exchange_resume_response_filters(struct rw_exchange *x);

/* The origin has broken off in the middle of the body: ends it with a status of gRPC, where a
 * filter knows how. True: the exchange is over, or will be once that has left. */
bool rw_exchange_conclude_filtered(struct rw_exchange *x, enum rw_reason reason);

/* For a filter that had to wait. */
void rw_exchange_go_on_request(struct rw_exchange *x);
void rw_exchange_go_on_response(struct rw_exchange *x);

/* None is fine. */
void rw_exchange_end_response_filters(struct rw_exchange *x);
void rw_exchange_end_filters(struct rw_exchange *x);

#endif
