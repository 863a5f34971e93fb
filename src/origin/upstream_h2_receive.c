/* Responses over HTTP/2: heads, then the body in pieces to the exchange. */
#include "origin/upstream_h2.h"

/* A head waits for the first piece of its body, which mostly came in the same buffer: so both leave
 * together. At the end of the turn it goes alone. */

/* The connection's other streams must not suffer from the memory that an exchange has used up: a
 * head that cannot be decoded would cost the connection (http/hpack.h). What it takes is bounded by
 * the connection's settings, so it comes on top of the exchange's. */
static void make_room(struct rw_upstream_h2 *h2)
{
    const struct rw_h2_settings *settings = &h2->call.lease.shared->settings.settings;
    struct rw_arena *arena = &h2->call.x->arena;
    size_t need = settings->head_bytes_max + 2 * (size_t)settings->block_bytes_max +
                  (settings->fields_max + 64) * sizeof(struct rw_field) * 2;
    if (arena->cap_bytes - arena->used_bytes < need)
        arena->cap_bytes = arena->used_bytes + need;
}

struct rw_h2_target rw_upstream_h2_on_target(struct rw_lease *lease)
{
    struct rw_upstream_h2 *h2 = rw_upstream_h2_of_lease(lease);
    h2->call.response_begun = true;
    make_room(h2);
    return (struct rw_h2_target){&h2->call.x->arena, rw_upstream_response(&h2->call)};
}

/* All of the response is there. What the endpoint did not want of the request is not sent. */
static void end_response(struct rw_upstream_h2 *h2)
{
    struct rw_upstream_call *call = &h2->call;
    call->x->response_trailers = h2->trailers;
    if (call->request_sent && !call->request_held)
        rw_pool_release(&call->lease);
    rw_upstream_let_go(call);
}

/* What the exchange said to a piece; after OVER the call's memory may be another's. */
static enum rw_flow after_piece(struct rw_upstream_h2 *h2, enum rw_flow flow, bool end)
{
    struct rw_upstream_call *call = &h2->call;
    if (end || flow == RW_FLOW_OVER)
        return RW_FLOW_OVER;
    call->response_held = flow == RW_FLOW_HOLD;
    rw_upstream_wait_deadline(call, call->response_held ? 0 : rw_upstream_h2_patience_ms(h2));
    return flow;
}

/* All of the body is here with the head: its length is known, though the endpoint did not say. */
static void note_length(struct rw_upstream_h2 *h2, const struct rw_piece *piece)
{
    struct rw_message *response = &h2->call.x->response;
    if (response->body_kind != RW_BODY_CHUNKED || h2->trailers.len)
        return;
    response->body_kind = RW_BODY_LENGTH;
    response->body_bytes = piece->data.len;
    response->has_length = true;
}

/* The final head is in x->response. */
static enum rw_flow respond(struct rw_upstream_h2 *h2, const struct rw_piece *first)
{
    struct rw_upstream_call *call = &h2->call;
    struct rw_exchange *x = call->x;
    bool end = first->end;
    rw_loop_later_stop(&h2->later);
    if (!rw_upstream_take_response(call, end))
        return RW_FLOW_OVER;
    x->response.reason = rw_span_text(rw_status_reason(x->response.status));
    if (!rw_upstream_ensure_date(x)) {
        rw_upstream_fail(call, RW_REASON_EXCHANGE_LIMIT, NULL);
        return RW_FLOW_OVER;
    }
    if (end) {
        note_length(h2, first);
        end_response(h2);
    }
    return after_piece(h2, rw_exchange_respond(x, first), end);
}

/* The endpoint has agreed to a WebSocket: frames are no body that could come along. */
static void open_websocket(struct rw_upstream_h2 *h2, bool end)
{
    if (end)
        rw_upstream_fail(&h2->call, RW_REASON_UPSTREAM_BAD,
                         "the answer to an extended CONNECT ends its stream");
    else if (!rw_upstream_h2_websocket_response(h2))
        rw_upstream_fail(&h2->call, RW_REASON_EXCHANGE_LIMIT, NULL);
    else
        (void)respond(h2, &(struct rw_piece){0});
}

void rw_upstream_h2_on_head(struct rw_lease *lease, bool end)
{
    struct rw_upstream_h2 *h2 = rw_upstream_h2_of_lease(lease);
    struct rw_upstream_call *call = &h2->call;
    struct rw_exchange *x = call->x;
    if (__builtin_expect(call->hedge != NULL, 0) && rw_upstream_hedge_head(call) != RW_HEAD_TAKEN)
        return;
    if (x->response.status < 200) {
        (void)rw_exchange_informational(x);
        return;
    }
    make_room(h2); /* for trailers */
    if (h2->websocket && x->response.status / 100 == 2)
        open_websocket(h2, end);
    else if (end)
        (void)respond(h2, &(struct rw_piece){.end = true});
    else
        rw_loop_later(x->worker->loop, &h2->later);
}

void rw_upstream_h2_end_of_turn(struct rw_later *later)
{
    struct rw_upstream_h2 *h2 = rw_container_of(later, struct rw_upstream_h2, later);
    (void)respond(h2, &(struct rw_piece){0});
}

/* One piece of the body to the exchange. */
static enum rw_flow pass(struct rw_upstream_h2 *h2, const struct rw_piece *piece)
{
    struct rw_exchange *x = h2->call.x;
    bool end = piece->end;
    if (!h2->call.responded)
        return respond(h2, piece);
    if (end)
        end_response(h2);
    return after_piece(h2, rw_exchange_response_data(x, piece), end);
}

/* The exchange has said HOLD to the head, which went without a body: the engine does not know. */
static enum rw_flow keep(struct rw_upstream_h2 *h2, const struct rw_piece *piece)
{
    h2->late = *piece;
    if (piece->buf)
        rw_buf_hold(piece->buf);
    return RW_FLOW_HOLD;
}

enum rw_h2_more rw_upstream_h2_on_body(struct rw_lease *lease, struct rw_buf *buf,
                                       struct rw_span data, bool end, struct rw_span trailers)
{
    struct rw_upstream_h2 *h2 = rw_upstream_h2_of_lease(lease);
    const struct rw_piece piece = {.buf = buf, .data = data, .end = end};
    h2->trailers = trailers;
    enum rw_flow flow = h2->call.response_held ? keep(h2, &piece) : pass(h2, &piece);
    if (flow != RW_FLOW_HOLD)
        return RW_H2_GO;
    h2->engine_held = true;
    return RW_H2_HOLD;
}

void rw_upstream_h2_resume(struct rw_upstream_call *call)
{
    struct rw_upstream_h2 *h2 = rw_upstream_h2_of(call);
    struct rw_piece late = h2->late;
    call->response_held = false;
    h2->late = (struct rw_piece){0};
    if (late.end || late.data.len) {
        enum rw_flow flow = pass(h2, &late);
        rw_buf_drop(late.buf);
        if (flow != RW_FLOW_GO)
            return;
    }
    if (h2->engine_held)
        rw_h2_resume(&call->lease.shared->h2, call->lease.stream);
    h2->engine_held = false;
    if (call->responded)
        rw_upstream_wait_deadline(call, rw_upstream_h2_patience_ms(h2));
}

void rw_upstream_h2_on_reset(struct rw_lease *lease, const struct rw_lease_reset *reset)
{
    struct rw_upstream_call *call = &rw_upstream_h2_of_lease(lease)->call;
    enum rw_config_retry_on cause = reset->untouched ? RW_RETRY_CONNECT : RW_RETRY_RESET;
    if (reset->left_out && rw_upstream_move(call))
        return;
    if (!call->response_begun &&
        rw_upstream_try_again(call, cause, reset->reason, reset->untouched))
        return;
    rw_upstream_fail(call, reset->reason, reset->detail);
}
