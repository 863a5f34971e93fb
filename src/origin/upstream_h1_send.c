/* Requests over HTTP/1.1: the head, and the body in pieces. */
#include "gate/front/forwarded.h"
#include "origin/upstream_h1.h"
#include "watch/trace.h"

/* ---- The head ---- */

static bool may_carry_body(const struct rw_message *request)
{
    return request->method == RW_METHOD_POST || request->method == RW_METHOD_PUT ||
           request->method == RW_METHOD_PATCH;
}

static void put_framing(const struct rw_upstream_h1 *h1, struct rw_h1_out *out)
{
    const struct rw_message *request = &h1->call.x->request;
    if (h1->out.chunked) {
        rw_h1_put(out, RW_LITERAL("Transfer-Encoding: chunked\r\n"));
    } else if (request->body_kind == RW_BODY_LENGTH || request->has_length ||
               may_carry_body(request)) {
        rw_h1_put(out, RW_LITERAL("Content-Length: "));
        rw_h1_put_u64(out, request->body_kind == RW_BODY_LENGTH ? request->body_bytes : 0);
        rw_h1_put(out, RW_LITERAL("\r\n"));
    }
}

static void put_head(const void *of, struct rw_h1_out *out)
{
    const struct rw_upstream_h1 *h1 = of;
    const struct rw_exchange *x = h1->call.x;
    struct rw_field_set skip = {.bits = RW_FORWARDED_REPLACED | RW_FIELD_BIT(RW_FIELD_HOST) |
                                        RW_FIELD_BIT(RW_FIELD_TRACEPARENT)};
    rw_h1_put_request_line(out, x->request.method_text, x->upstream_target);
    rw_h1_put_field(out, RW_LITERAL("Host"), rw_upstream_host(&h1->call));
    rw_h1_put_fields(out, &x->request, skip);
    rw_h1_put_field(out, RW_LITERAL("traceparent"), rw_span(x->traceparent, RW_TRACEPARENT_BYTES));
    rw_forwarded_put(x, out);
    put_framing(h1, out);
    if (x->upgrade_allowed) {
        rw_h1_put(out, RW_LITERAL("Connection: Upgrade\r\n"));
        rw_h1_put_field(out, RW_LITERAL("Upgrade"),
                        rw_message_value(&x->request, RW_FIELD_UPGRADE));
    }
    rw_h1_put(out, RW_LITERAL("\r\n"));
}

/* ---- Pieces ---- */

static void sent_all(struct rw_upstream_h1 *h1)
{
    rw_h1_sent(&h1->out);
    h1->sending = false;
    if (h1->call.request_sent && h1->upgraded)
        rw_stream_shutdown(&h1->call.lease.connection->stream);
    else if (h1->call.request_sent && !h1->call.responded)
        rw_upstream_wait_deadline(&h1->call, h1->call.x->route->first_byte_ms);
}

static enum rw_flow send_failed(struct rw_upstream_h1 *h1)
{
    if (rw_upstream_try_again(&h1->call, RW_RETRY_RESET, RW_REASON_UPSTREAM_RESET, false))
        return RW_FLOW_HOLD;
    rw_upstream_fail(&h1->call, RW_REASON_UPSTREAM_RESET, "while sending the request");
    return RW_FLOW_OVER;
}

static enum rw_flow send_parts(struct rw_upstream_h1 *h1, const struct iovec *parts, int count,
                               bool last)
{
    h1->call.request_sent = last;
    switch (rw_stream_send(&h1->call.lease.connection->stream, parts, count)) {
    case RW_SEND_DONE:
        sent_all(h1);
        return RW_FLOW_GO;
    case RW_SEND_PENDING:
        h1->sending = h1->call.request_held = true;
        rw_upstream_wait_deadline(&h1->call, h1->call.x->route->first_byte_ms);
        return RW_FLOW_HOLD;
    default:
        return send_failed(h1);
    }
}

enum rw_flow rw_upstream_h1_send_request(struct rw_upstream_call *call,
                                         const struct rw_piece *first)
{
    struct rw_upstream_h1 *h1 = rw_upstream_h1_of(call);
    h1->out.chunked = h1->call.x->request.body_kind == RW_BODY_CHUNKED;
    if (!rw_h1_make_head(&h1->out, rw_loop_buffers(h1->call.x->worker->loop), put_head, h1)) {
        rw_upstream_fail(&h1->call, RW_REASON_MEMORY, NULL);
        return RW_FLOW_OVER;
    }
    struct iovec parts[RW_SEND_PARTS_MAX];
    int count = rw_h1_first_parts(&h1->out, parts, first, h1->call.x->request_trailers);
    return send_parts(h1, parts, count, first->end);
}

enum rw_flow rw_upstream_h1_send_piece(struct rw_upstream_call *call, const struct rw_piece *piece)
{
    struct rw_upstream_h1 *h1 = rw_upstream_h1_of(call);
    struct iovec parts[RW_SEND_PARTS_MAX];
    if (h1->sending)
        return rw_upstream_keep_waiting(call, piece);
    int count = rw_h1_piece_parts(&h1->out, parts, piece, h1->call.x->request_trailers);
    if (count)
        return send_parts(h1, parts, count, piece->end);
    h1->call.request_sent = piece->end;
    if (piece->end && h1->upgraded)
        rw_stream_shutdown(&h1->call.lease.connection->stream);
    else if (piece->end)
        rw_upstream_wait_deadline(&h1->call, h1->call.x->route->first_byte_ms);
    return RW_FLOW_GO;
}

void rw_upstream_h1_on_sent(struct rw_lease *lease, enum rw_err err)
{
    struct rw_upstream_h1 *h1 = rw_upstream_h1_of_lease(lease);
    struct rw_exchange *x = h1->call.x;
    if (err) {
        (void)send_failed(h1);
        return;
    }
    sent_all(h1);
    if (x->tunnels) {
        (void)rw_exchange_tunnel_ready(x, RW_TUNNEL_ORIGIN_READY);
        return;
    }
    struct rw_piece piece = h1->call.waiting;
    enum rw_flow flow = RW_FLOW_GO;
    if (piece.data.len || piece.end) {
        h1->call.waiting = (struct rw_piece){0};
        flow = rw_upstream_h1_send_piece(&h1->call, &piece);
        rw_buf_drop(piece.buf);
    }
    if (flow == RW_FLOW_GO && h1->call.request_held && !h1->call.request_sent) {
        h1->call.request_held = false;
        rw_exchange_request_resume(x);
    }
}
