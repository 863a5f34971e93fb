#include "gate/exchange/exchange_filter.h"

#include "gate/exchange/exchange_private.h"
#include "gate/exchange/grpc.h"
#include "gate/exchange/origin.h"
#include "gate/snapshot.h"

static bool has_something(const struct rw_piece *piece)
{
    return piece->data.len || piece->end;
}

/* ---- Requests ---- */

static enum rw_flow fail_request(struct rw_exchange *x)
{
    rw_exchange_request_failed(x, (enum rw_reason)x->request_filters->reason, NULL);
    return RW_FLOW_OVER;
}

static enum rw_flow give_origin(struct rw_exchange *x, struct rw_piece *piece)
{
    struct rw_filter_chain *chain = x->request_filters;
    enum rw_flow flow = x->route->origin->request_data(x, piece);
    rw_buf_drop(piece->buf);
    if (flow == RW_FLOW_HOLD)
        chain->held = true;
    return flow;
}

static enum rw_flow pump_request(struct rw_exchange *x)
{
    enum rw_flow flow = RW_FLOW_GO;
    while (flow == RW_FLOW_GO && !x->origin_done) {
        struct rw_piece piece;
        switch (rw_filter_chain_take(x->request_filters, &piece)) {
        case RW_FILTER_PIECE:
            flow = give_origin(x, &piece);
            break;
        case RW_FILTER_MORE:
            return RW_FLOW_GO;
        case RW_FILTER_WAIT:
            return RW_FLOW_HOLD;
        case RW_FILTER_FAIL:
            return fail_request(x);
        }
    }
    return flow;
}

enum rw_flow rw_exchange_start_filtered(struct rw_exchange *x)
{
    struct rw_filter_chain *chain = x->request_filters;
    struct rw_piece first = {0};
    enum rw_filter_outcome outcome = RW_FILTER_MORE;
    if (has_something(&x->first_request_piece)) {
        rw_filter_chain_feed(chain, &x->first_request_piece);
        outcome = rw_filter_chain_take(chain, &first);
    }
    if (outcome == RW_FILTER_FAIL) {
        x->origin_started = false;
        return fail_request(x);
    }
    enum rw_flow flow = x->route->origin->start(x, x->route->origin_instance, &first);
    rw_buf_drop(first.buf);
    if (flow == RW_FLOW_HOLD)
        chain->held = true;
    if (outcome == RW_FILTER_WAIT && flow == RW_FLOW_GO)
        return RW_FLOW_HOLD;
    bool more = flow == RW_FLOW_GO && !x->origin_done && x->route->origin->request_data;
    return more ? pump_request(x) : flow;
}

enum rw_flow rw_exchange_request_data_filtered(struct rw_exchange *x, const struct rw_piece *piece)
{
    if (!has_something(piece) || rw_filter_chain_closed(x->request_filters))
        return RW_FLOW_GO; /* what comes after the end that a filter made is dropped */
    rw_filter_chain_feed(x->request_filters, piece);
    return pump_request(x);
}

bool rw_exchange_resume_request_filters(struct rw_exchange *x)
{
    x->request_filters->held = false;
    return pump_request(x) == RW_FLOW_GO;
}

void rw_exchange_go_on_request(struct rw_exchange *x)
{
    if (x->origin_started && !x->origin_done)
        rw_exchange_request_resume(x);
}

/* ---- Responses ---- */

static enum rw_flow fail_response(struct rw_exchange *x)
{
    rw_exchange_cut(x, (enum rw_reason)x->response_filters->reason);
    return RW_FLOW_OVER;
}

/* A filter has ended the body before the origin did: the rest of it is not wanted. */
static void stop_origin_if_closed(struct rw_exchange *x)
{
    if (rw_filter_chain_closed(x->response_filters))
        rw_exchange_cancel_origin(x);
}

/* After the last piece the exchange may be gone. */
static enum rw_flow give_front(struct rw_exchange *x, struct rw_piece *piece)
{
    struct rw_filter_chain *chain = x->response_filters;
    bool end = piece->end;
    stop_origin_if_closed(x);
    x->bytes_out += piece->data.len;
    enum rw_flow flow = x->front->response_data(x, piece);
    rw_buf_drop(piece->buf);
    if (end)
        return RW_FLOW_OVER;
    if (flow == RW_FLOW_HOLD)
        chain->held = true;
    return flow;
}

static enum rw_flow pump_response(struct rw_exchange *x)
{
    enum rw_flow flow = RW_FLOW_GO;
    while (flow == RW_FLOW_GO) {
        struct rw_piece piece;
        switch (rw_filter_chain_take(x->response_filters, &piece)) {
        case RW_FILTER_PIECE:
            flow = give_front(x, &piece);
            break;
        case RW_FILTER_MORE:
            return RW_FLOW_GO;
        case RW_FILTER_WAIT:
            return RW_FLOW_HOLD;
        case RW_FILTER_FAIL:
            return fail_response(x);
        }
    }
    return flow;
}

/* All of the body has come out at once: its length can be told. */
static void tell_length(struct rw_message *response, const struct rw_piece *whole)
{
    response->body_kind = RW_BODY_LENGTH;
    response->body_bytes = whole->data.len;
    response->has_length = true;
}

enum rw_flow rw_exchange_respond_filtered(struct rw_exchange *x)
{
    struct rw_filter_chain *chain = x->response_filters;
    struct rw_piece first = {0};
    enum rw_filter_outcome outcome = RW_FILTER_MORE;
    x->bytes_out = 0; /* what is counted is what comes out */
    if (has_something(&x->first_response_piece)) {
        rw_filter_chain_feed(chain, &x->first_response_piece);
        outcome = rw_filter_chain_take(chain, &first);
    }
    if (outcome == RW_FILTER_FAIL)
        return fail_response(x);
    stop_origin_if_closed(x);
    if (first.end && x->response_trailers.len == 0)
        tell_length(&x->response, &first);
    x->bytes_out = first.data.len;
    enum rw_flow flow = x->front->respond(x, &first);
    rw_buf_drop(first.buf);
    if (flow == RW_FLOW_HOLD)
        chain->held = true;
    if (first.end || flow != RW_FLOW_GO)
        return flow;
    return outcome == RW_FILTER_WAIT ? RW_FLOW_HOLD : pump_response(x);
}

enum rw_flow rw_exchange_response_data_filtered(struct rw_exchange *x, const struct rw_piece *piece)
{
    if (!has_something(piece))
        return RW_FLOW_GO;
    rw_filter_chain_feed(x->response_filters, piece);
    enum rw_flow flow = pump_response(x);
    return flow != RW_FLOW_OVER && x->origin_done ? RW_FLOW_OVER : flow;
}

bool rw_exchange_resume_response_filters(struct rw_exchange *x)
{
    x->response_filters->held = false;
    return pump_response(x) == RW_FLOW_GO;
}

bool rw_exchange_conclude_filtered(struct rw_exchange *x, enum rw_reason reason)
{
    struct rw_filter_chain *chain = x->response_filters;
    unsigned status;
    struct rw_span trailers = {0};
    if (chain)
        trailers = rw_grpc_trailers(&x->arena, reason, &status);
    if (!trailers.at || !rw_filter_chain_conclude(chain))
        return false;
    x->reason = (uint8_t)reason;
    x->aborted = true;
    x->response_trailers = trailers;
    if (!chain->held) /* else the receiver's resume asks for the end */
        (void)pump_response(x);
    return true;
}

void rw_exchange_go_on_response(struct rw_exchange *x)
{
    if (x->responded)
        rw_exchange_response_resume(x);
}

/* ---- The end ---- */

static void end_chain(struct rw_filter_chain **chain)
{
    if (*chain)
        rw_filter_chain_end(*chain);
    *chain = NULL;
}

void rw_exchange_end_response_filters(struct rw_exchange *x)
{
    end_chain(&x->response_filters);
}

void rw_exchange_end_filters(struct rw_exchange *x)
{
    end_chain(&x->request_filters);
    end_chain(&x->response_filters);
}
