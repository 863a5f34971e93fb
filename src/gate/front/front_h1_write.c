/* Responses of the HTTP/1.1 front: heads and body pieces to the client. */
#include "gate/front/front_h1_connection.h"

/* ---- Heads ---- */

static void put_framing(const struct rw_exchange *x, const struct rw_h1_call *call,
                        struct rw_h1_out *out)
{
    const struct rw_message *response = &x->response;
    bool bodiless = rw_status_bodiless(response->status) || x->upgraded;
    if (call->out.chunked) {
        rw_h1_put(out, RW_LITERAL("Transfer-Encoding: chunked\r\n"));
    } else if (response->body_kind == RW_BODY_LENGTH ||
               (response->has_length &&
                (response->status == 304 || (x->request.method == RW_METHOD_HEAD && !bodiless)))) {
        rw_h1_put(out, RW_LITERAL("Content-Length: "));
        rw_h1_put_u64(out, response->body_bytes);
        rw_h1_put(out, RW_LITERAL("\r\n"));
    } else if (response->body_kind == RW_BODY_NONE && !bodiless &&
               x->request.method != RW_METHOD_HEAD) {
        rw_h1_put(out, RW_LITERAL("Content-Length: 0\r\n"));
    }
}

static void put_connection(const struct rw_exchange *x, const struct rw_h1_call *call,
                           struct rw_h1_out *out)
{
    if (call->switch_over) {
        rw_h1_put(out, RW_LITERAL("Connection: Upgrade\r\n"));
        rw_h1_put_field(out, RW_LITERAL("Upgrade"),
                        rw_message_value(&x->response, RW_FIELD_UPGRADE));
    } else if (call->close) {
        rw_h1_put(out, RW_LITERAL("Connection: close\r\n"));
    } else if (x->request.minor_version == 0) {
        rw_h1_put(out, RW_LITERAL("Connection: keep-alive\r\n"));
    }
}

static void put_head(const void *of, struct rw_h1_out *out)
{
    const struct rw_exchange *x = of;
    const struct rw_h1_call *call = ((const struct rw_h1_connection *)x->front_state)->call;
    static const struct rw_field_set none;
    rw_h1_put_status_line(out, x->response.status, x->response.reason);
    rw_h1_put_fields(out, &x->response, none);
    put_framing(x, call, out);
    put_connection(x, call, out);
    rw_h1_put(out, RW_LITERAL("\r\n"));
}

/* Decides what the head says about the connection and the body's framing. */
static void decide_framing(struct rw_h1_connection *c, struct rw_exchange *x)
{
    struct rw_h1_call *call = c->call;
    const struct rw_message *response = &x->response;
    bool endless =
        response->body_kind == RW_BODY_CHUNKED || response->body_kind == RW_BODY_UNTIL_CLOSE;
    bool tunnel = x->request.method == RW_METHOD_CONNECT && response->status / 100 == 2;
    call->switch_over = response->status == 101;
    x->upgraded = call->switch_over || tunnel;
    if (x->upgraded) {
        /* The client's bytes go on, as the tunnel's. */
        x->request_ended = false;
        call->pace.held = 0;
        return;
    }
    call->out.chunked =
        endless && x->request.minor_version >= 1 && x->request.method != RW_METHOD_HEAD;
    if (endless && !call->out.chunked && x->request.method != RW_METHOD_HEAD)
        call->close = true; /* HTTP/1.0: the end of the connection is the end of the body */
    /* A client of CONNECT may have sent what is for the tunnel already: without one, nobody shall
     * read that as a request. */
    if (rw_h1_worker(c)->draining || c->client.peer_ended || !x->request_ended ||
        x->request.method == RW_METHOD_CONNECT || c->client.listener->index == RW_LISTENER_GONE)
        call->close = true;
}

/* ---- Sending ---- */

static void sent_all(struct rw_h1_connection *c)
{
    struct rw_h1_call *call = c->call;
    rw_h1_sent(&call->out);
    call->sending = false;
}

/* Sends the parts; `last` ends the response. */
static enum rw_flow send_parts(struct rw_h1_connection *c, const struct iovec *parts, int count,
                               bool last)
{
    struct rw_h1_call *call = c->call;
    struct rw_exchange *x = c->x;
    switch (rw_stream_send(&c->client.stream, parts, count)) {
    case RW_SEND_DONE:
        sent_all(c);
        if (last)
            rw_exchange_response_sent(x);
        return RW_FLOW_GO;
    case RW_SEND_PENDING:
        call->sending = true;
        call->last = last;
        rw_client_deadline_in(&c->client, x->listener->timeouts->send_idle_ms);
        return RW_FLOW_HOLD;
    default:
        /* on_closed cuts the exchange, from the loop: the caller may still use it. */
        rw_h1_close(c);
        return RW_FLOW_HOLD;
    }
}

/* The head is in call->out. */
static enum rw_flow send_head(struct rw_h1_connection *c, const struct rw_piece *first)
{
    struct rw_exchange *x = c->x;
    struct iovec parts[RW_SEND_PARTS_MAX];
    int count = rw_h1_first_parts(&c->call->out, parts, first, x->response_trailers);
    bool tunnels = x->tunnels;
    enum rw_flow flow = send_parts(c, parts, count, first->end);
    if (tunnels && flow == RW_FLOW_GO)
        return rw_exchange_tunnel_ready(x, RW_TUNNEL_FRONT_READY);
    if (tunnels)
        return flow;
    if (!first->end && c->x == x && x->upgraded)
        rw_h1_feed_body(c);
    return flow;
}

/* A 1xx has not left yet. The texts of x->response need not outlive the call, so the head is
 * written by now: only that waits, and the first piece. */
static void send_head_later(struct rw_h1_call *call, struct rw_buf *head,
                            const struct rw_piece *first)
{
    call->later_head = head;
    call->later = *first;
    if (first->buf)
        rw_buf_hold(first->buf);
}

enum rw_flow rw_h1_respond(struct rw_exchange *x, const struct rw_piece *first)
{
    struct rw_h1_connection *c = x->front_state;
    struct rw_h1_call *call = c->call;
    struct rw_h1_sending made = {0};
    if (c->client.phase != RW_H1_BUSY)
        return RW_FLOW_HOLD;
    decide_framing(c, x);
    if (!rw_h1_make_head(&made, rw_loop_buffers(x->worker->loop), put_head, x)) {
        rw_h1_close(c);
        return RW_FLOW_HOLD;
    }
    if (call->sending) {
        send_head_later(call, made.out, first);
        return RW_FLOW_HOLD;
    }
    call->out.out = made.out;
    return send_head(c, first);
}

enum rw_flow rw_h1_response_data(struct rw_exchange *x, const struct rw_piece *piece)
{
    struct rw_h1_connection *c = x->front_state;
    struct iovec parts[RW_SEND_PARTS_MAX];
    if (c->client.phase != RW_H1_BUSY)
        return RW_FLOW_HOLD;
    int count = rw_h1_piece_parts(&c->call->out, parts, piece, x->response_trailers);
    if (count)
        return send_parts(c, parts, count, piece->end);
    if (piece->end)
        rw_exchange_response_sent(x);
    return RW_FLOW_GO;
}

/* The answer that had to wait for a 1xx to leave. */
static void respond_now(struct rw_h1_connection *c)
{
    struct rw_exchange *x = c->x;
    uint32_t turn = c->requests;
    struct rw_piece first = c->call->later;
    c->call->out.out = c->call->later_head;
    c->call->later_head = NULL;
    c->call->later = (struct rw_piece){0};
    enum rw_flow flow = send_head(c, &first);
    rw_buf_drop(first.buf);
    if (flow == RW_FLOW_GO && !first.end && rw_h1_same(c, turn))
        rw_exchange_response_resume(x);
}

void rw_h1_on_sent(struct rw_h1_connection *c, enum rw_err err)
{
    struct rw_h1_call *call = c->call;
    if (!call)
        return;
    if (err) {
        rw_h1_close(c);
        return;
    }
    sent_all(c);
    rw_h1_await(c);
    if (call->later_head)
        respond_now(c);
    else if (c->x->tunnels)
        (void)rw_exchange_tunnel_ready(c->x, RW_TUNNEL_FRONT_READY);
    else if (call->last)
        rw_exchange_response_sent(c->x);
    else
        rw_exchange_response_resume(c->x);
}

static void put_interim(const void *of, struct rw_h1_out *out)
{
    const struct rw_exchange *x = of;
    static const struct rw_field_set none;
    rw_h1_put_status_line(out, x->response.status, x->response.reason);
    rw_h1_put_fields(out, &x->response, none);
    rw_h1_put(out, RW_LITERAL("\r\n"));
}

enum rw_flow rw_h1_informational(struct rw_exchange *x)
{
    static const struct rw_piece no_body;
    struct rw_h1_connection *c = x->front_state;
    struct rw_h1_call *call = c->call;
    struct iovec parts[RW_SEND_PARTS_MAX];
    if (c->client.phase != RW_H1_BUSY || call->sending || x->request.minor_version == 0)
        return RW_FLOW_GO;
    if (!rw_h1_make_head(&call->out, rw_loop_buffers(x->worker->loop), put_interim, x))
        return RW_FLOW_GO;
    int count = rw_h1_first_parts(&call->out, parts, &no_body, (struct rw_span){0});
    return send_parts(c, parts, count, false);
}
