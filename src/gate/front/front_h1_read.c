/* Request bodies of the HTTP/1.1 front: from the connection's buffer to the exchange, in pieces. */
#include "gate/front/front_h1_connection.h"

static enum rw_h1_body_event gather(struct rw_h1_connection *c, struct rw_piece *piece)
{
    struct rw_h1_call *call = c->call;
    return rw_h1_gather(&call->body, &c->x->listener->h1, &call->trailers, &c->in, piece);
}

/* An upgraded connection: whatever comes is passed on. */
static void gather_raw(struct rw_h1_connection *c, struct rw_piece *piece)
{
    *piece = (struct rw_piece){.buf = c->in, .end = c->client.peer_ended && !c->in};
    if (c->in)
        piece->data = rw_buf_span(c->in);
    c->in = NULL;
}

void rw_h1_await(struct rw_h1_connection *c)
{
    const struct rw_exchange *x = c->x;
    if (c->call->sending)
        return;
    bool more = !x->request_ended && !x->upgraded && !c->call->pace.held;
    rw_client_deadline_in(&c->client, more ? x->listener->timeouts->body_idle_ms : 0);
}

static bool prepare_trailers(struct rw_h1_connection *c)
{
    struct rw_h1_call *call = c->call;
    if (c->x->request.body_kind != RW_BODY_CHUNKED)
        return true;
    uint32_t room = c->x->listener->h1.trailer_bytes_max;
    if (room > 1024)
        room = 1024; /* what does not fit is refused; few send trailers at all */
    call->trailers.at = rw_arena_alloc(&c->x->arena, room);
    call->trailers.room = room;
    return call->trailers.at != NULL;
}

/* The exchange has not begun: nobody but the front knows of it. */
static void forget_exchange(struct rw_h1_connection *c)
{
    rw_exchange_destroy(c->x);
    c->x = NULL;
    c->call = NULL;
}

bool rw_h1_start_body(struct rw_h1_connection *c, struct rw_piece *first)
{
    struct rw_h1_call *call = c->call;
    if (rw_message_bodiless(&c->x->request)) {
        rw_client_deadline_in(&c->client, 0);
        first->end = true;
        return true;
    }
    rw_h1_body_start(&call->body, &c->x->request);
    call->pace.started_ms = rw_loop_now_ms(rw_h1_worker(c)->loop);
    rw_h1_await(c);
    if (!prepare_trailers(c)) {
        forget_exchange(c);
        rw_h1_refuse_for_memory(c);
        return false;
    }
    if (!c->in)
        return true;
    if (gather(c, first) == RW_H1_BODY_BAD) {
        struct rw_exchange *x = c->x;
        rw_buf_drop(first->buf);
        c->x = NULL;
        c->call = NULL;
        rw_h1_refuse_malformed(c, call->body.status, call->body.reason, &x->request);
        rw_exchange_destroy(x);
        return false;
    }
    c->x->request_trailers = rw_span(call->trailers.at, call->trailers.len);
    return true;
}

void rw_h1_hold_back(struct rw_h1_connection *c, bool held_back)
{
    rw_body_pace_hold(&c->call->pace, held_back, rw_loop_now_ms(rw_h1_worker(c)->loop));
}

/* The answer is on its way already, and the body cannot be followed any more: lingering reads what
 * is left. */
static void give_up_body(struct rw_h1_connection *c)
{
    rw_buf_drop(c->in);
    c->in = NULL;
    rw_h1_hold_back(c, true);
}

/* One piece to the exchange; false when there is no more to do now. */
static bool feed_once(struct rw_h1_connection *c)
{
    struct rw_exchange *x = c->x;
    struct rw_h1_call *call = c->call;
    uint32_t turn = c->requests;
    struct rw_piece piece;
    if (x->upgraded) {
        gather_raw(c, &piece);
    } else if (gather(c, &piece) == RW_H1_BODY_BAD) {
        rw_buf_drop(piece.buf);
        rw_worker_count(rw_h1_worker(c), RW_COUNTER_REQUESTS_MALFORMED, 1);
        call->close = true;
        rw_exchange_request_failed(x, RW_REASON_MALFORMED, call->body.reason);
        if (rw_h1_same(c, turn))
            give_up_body(c);
        return false;
    }
    if (rw_body_too_slow(&call->pace, x, &piece, rw_loop_now_ms(rw_h1_worker(c)->loop))) {
        rw_buf_drop(piece.buf);
        rw_exchange_request_failed(x, RW_REASON_BODY_TIMEOUT, "below the minimum rate");
        return false;
    }
    x->request_trailers = rw_span(call->trailers.at, call->trailers.len);
    enum rw_flow flow = RW_FLOW_GO;
    if (piece.data.len || piece.end)
        flow = rw_exchange_request_data(x, &piece);
    rw_buf_drop(piece.buf);
    if (!rw_h1_same(c, turn))
        return false;
    rw_h1_hold_back(c, flow == RW_FLOW_HOLD);
    return !x->request_ended;
}

void rw_h1_feed_body(struct rw_h1_connection *c)
{
    struct rw_h1_call *call = c->call;
    uint32_t turn = c->requests;
    while (!call->pace.held && (c->in || (c->client.peer_ended && c->x->upgraded)))
        if (!feed_once(c))
            break;
    if (!rw_h1_same(c, turn))
        return;
    if (c->x->request_ended) {
        /* Only the response is awaited now; its pace is the origin's and, while sending, the
         * client's. */
        rw_h1_await(c);
        rw_stream_receive(&c->client.stream, !c->in, false);
        return;
    }
    rw_h1_await(c);
    rw_stream_receive(&c->client.stream, !call->pace.held, true);
}

void rw_h1_request_resume(struct rw_exchange *x)
{
    struct rw_h1_connection *c = x->front_state;
    if (c->client.phase != RW_H1_BUSY || !c->call->pace.held)
        return;
    rw_h1_hold_back(c, false);
    rw_h1_feed_body(c);
}
