/* Requests to an endpoint: the head, and the body in pieces. */
#include "gate/forwarded.h"
#include "origin/upstream_call.h"
#include "watch/trace.h"

/* ---- The head ---- */

static bool may_carry_body(const struct rw_message *request)
{
    return request->method == RW_METHOD_POST || request->method == RW_METHOD_PUT ||
           request->method == RW_METHOD_PATCH;
}

static void put_framing(const struct rw_upstream_call *call, struct rw_h1_out *out)
{
    const struct rw_message *request = &call->x->request;
    if (call->out.chunked) {
        rw_h1_put(out, RW_LITERAL("Transfer-Encoding: chunked\r\n"));
    } else if (request->body_kind == RW_BODY_LENGTH || request->has_length ||
               may_carry_body(request)) {
        rw_h1_put(out, RW_LITERAL("Content-Length: "));
        rw_h1_put_u64(out, request->body_kind == RW_BODY_LENGTH ? request->body_bytes : 0);
        rw_h1_put(out, RW_LITERAL("\r\n"));
    }
}

static void put_host(const struct rw_upstream_call *call, struct rw_h1_out *out)
{
    const struct rw_exchange *x = call->x;
    struct rw_span host = x->request.authority;
    if (x->upstream_host.at)
        host = x->upstream_host;
    else if (call->cluster->host.len)
        host = call->cluster->host;
    else if (host.len == 0)
        host = x->endpoint->name; /* HTTP/1.0 without Host */
    rw_h1_put_field(out, RW_LITERAL("Host"), host);
}

static void put_head(const void *of, struct rw_h1_out *out)
{
    const struct rw_upstream_call *call = of;
    const struct rw_exchange *x = call->x;
    struct rw_field_set skip = {.bits = RW_FORWARDED_REPLACED | RW_FIELD_BIT(RW_FIELD_HOST) |
                                        RW_FIELD_BIT(RW_FIELD_TRACEPARENT)};
    rw_h1_put_request_line(out, x->request.method_text, x->upstream_target);
    put_host(call, out);
    rw_h1_put_fields(out, &x->request, skip);
    rw_h1_put_field(out, RW_LITERAL("traceparent"), rw_span(x->traceparent, RW_TRACEPARENT_BYTES));
    rw_forwarded_put(x, out);
    put_framing(call, out);
    if (x->upgrade_allowed) {
        rw_h1_put(out, RW_LITERAL("Connection: Upgrade\r\n"));
        rw_h1_put_field(out, RW_LITERAL("Upgrade"),
                        rw_message_value(&x->request, RW_FIELD_UPGRADE));
    }
    rw_h1_put(out, RW_LITERAL("\r\n"));
}

/* ---- Pieces ---- */

static void sent_all(struct rw_upstream_call *call)
{
    rw_h1_sent(&call->out);
    call->sending = false;
    if (call->request_sent && call->upgraded)
        rw_stream_shutdown(&call->lease.connection->stream);
    else if (call->request_sent && !call->responded)
        rw_upstream_wait_deadline(call, call->x->route->first_byte_ms);
}

static enum rw_flow send_failed(struct rw_upstream_call *call)
{
    if (rw_upstream_try_again(call))
        return RW_FLOW_HOLD;
    rw_upstream_fail(call, RW_REASON_UPSTREAM_RESET, "while sending the request");
    return RW_FLOW_OVER;
}

static enum rw_flow send_parts(struct rw_upstream_call *call, const struct iovec *parts, int count,
                               bool last)
{
    call->request_sent = last;
    call->replayable = call->replayable && last;
    switch (rw_stream_send(&call->lease.connection->stream, parts, count)) {
    case RW_SEND_DONE:
        sent_all(call);
        return RW_FLOW_GO;
    case RW_SEND_PENDING:
        call->sending = call->request_held = true;
        rw_upstream_wait_deadline(call, call->x->route->first_byte_ms);
        return RW_FLOW_HOLD;
    default:
        return send_failed(call);
    }
}

enum rw_flow rw_upstream_send_request(struct rw_upstream_call *call, const struct rw_piece *first)
{
    call->out.chunked = call->x->request.body_kind == RW_BODY_CHUNKED;
    call->request_started = true;
    if (!rw_h1_make_head(&call->out, rw_loop_buffers(call->x->worker->loop), put_head, call)) {
        rw_upstream_fail(call, RW_REASON_MEMORY, NULL);
        return RW_FLOW_OVER;
    }
    struct iovec parts[RW_SEND_PARTS_MAX];
    int count = rw_h1_first_parts(&call->out, parts, first, call->x->request_trailers);
    /* What has a body is only sent again while the whole of it is at hand: without one, always. */
    call->replayable = call->replayable && first->end && first->data.len == 0;
    return send_parts(call, parts, count, first->end);
}

static enum rw_flow keep_waiting(struct rw_upstream_call *call, const struct rw_piece *piece)
{
    rw_assert(call->waiting.data.len == 0 && !call->waiting.end);
    call->waiting = *piece;
    call->request_held = true;
    if (piece->buf)
        rw_buf_hold(piece->buf);
    return RW_FLOW_HOLD;
}

enum rw_flow rw_upstream_send_piece(struct rw_upstream_call *call, const struct rw_piece *piece)
{
    struct iovec parts[RW_SEND_PARTS_MAX];
    if (!call->request_started || call->sending)
        return keep_waiting(call, piece);
    int count = rw_h1_piece_parts(&call->out, parts, piece, call->x->request_trailers);
    if (count)
        return send_parts(call, parts, count, piece->end);
    call->request_sent = piece->end;
    if (piece->end && call->upgraded)
        rw_stream_shutdown(&call->lease.connection->stream);
    else if (piece->end)
        rw_upstream_wait_deadline(call, call->x->route->first_byte_ms);
    return RW_FLOW_GO;
}

void rw_upstream_on_sent(struct rw_upstream_call *call, enum rw_err err)
{
    struct rw_exchange *x = call->x;
    if (err) {
        (void)send_failed(call);
        return;
    }
    sent_all(call);
    struct rw_piece piece = call->waiting;
    enum rw_flow flow = RW_FLOW_GO;
    if (piece.data.len || piece.end) {
        call->waiting = (struct rw_piece){0};
        flow = rw_upstream_send_piece(call, &piece);
        rw_buf_drop(piece.buf);
    }
    if (flow == RW_FLOW_GO && call->request_held && !call->request_sent) {
        call->request_held = false;
        rw_exchange_request_resume(x);
    }
}
