/* Requests to an endpoint: the head, and the body in pieces. */
#include "gate/forwarded.h"
#include "origin/upstream_call.h"
#include "watch/trace.h"

enum { COPY_BYTES_MAX = 8 * 1024 };

/* ---- The head ---- */

static bool may_carry_body(const struct rw_message *request)
{
    return request->method == RW_METHOD_POST || request->method == RW_METHOD_PUT ||
           request->method == RW_METHOD_PATCH;
}

static void put_framing(const struct rw_upstream_call *call, struct rw_h1_out *out)
{
    const struct rw_message *request = &call->x->request;
    if (call->chunked) {
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

static void put_head(const struct rw_upstream_call *call, struct rw_h1_out *out)
{
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

static struct rw_buf *head_buf(struct rw_upstream_call *call)
{
    static const size_t rooms[] = {RW_BUF_SMALL_BYTES, RW_BUF_LARGE_BYTES};
    for (int i = 0; i < 2; i++) {
        struct rw_buf *buf = rw_buf_get(rw_loop_buffers(call->x->worker->loop), rooms[i]);
        if (!buf)
            return NULL;
        struct rw_h1_out out = {.at = buf->data, .room = buf->room};
        put_head(call, &out);
        if (!out.overflow) {
            buf->end = (uint32_t)out.len;
            return buf;
        }
        rw_buf_drop(buf);
    }
    return NULL;
}

/* ---- Pieces ---- */

static struct iovec part_of(struct rw_span bytes)
{
    return (struct iovec){.iov_base = (char *)bytes.at, .iov_len = bytes.len};
}

static int add_body_parts(struct rw_upstream_call *call, struct iovec *parts, int count,
                          const struct rw_piece *piece)
{
    struct rw_span trailers = call->x->request_trailers;
    if (piece->data.len) {
        if (piece->buf)
            call->held = rw_buf_hold(piece->buf);
        if (call->chunked)
            parts[count++] = part_of(
                rw_span(call->chunk_head, rw_h1_chunk_head(call->chunk_head, piece->data.len)));
        parts[count++] = part_of(piece->data);
        if (call->chunked)
            parts[count++] = part_of(RW_LITERAL("\r\n"));
    }
    if (!call->chunked || !piece->end)
        return count;
    parts[count++] = part_of(RW_LITERAL("0\r\n"));
    if (trailers.len)
        parts[count++] = part_of(trailers);
    parts[count++] = part_of(RW_LITERAL("\r\n"));
    return count;
}

static void sent_all(struct rw_upstream_call *call)
{
    rw_buf_drop(call->out);
    rw_buf_drop(call->held);
    call->out = call->held = NULL;
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

/* Copies a small body behind the head: one part is cheaper than several. */
static int fold_small(struct rw_buf *out, struct iovec *parts, int count)
{
    size_t total = 0;
    for (int i = 1; i < count; i++)
        total += parts[i].iov_len;
    if (total > COPY_BYTES_MAX || total > rw_buf_space(out))
        return count;
    for (int i = 1; i < count; i++) {
        memcpy(out->data + out->end, parts[i].iov_base, parts[i].iov_len);
        out->end += (uint32_t)parts[i].iov_len;
    }
    parts[0].iov_len += total;
    return 1;
}

enum rw_flow rw_upstream_send_request(struct rw_upstream_call *call, const struct rw_piece *first)
{
    call->chunked = call->x->request.body_kind == RW_BODY_CHUNKED;
    call->request_started = true;
    call->out = head_buf(call);
    if (!call->out) {
        rw_upstream_fail(call, RW_REASON_MEMORY, NULL);
        return RW_FLOW_OVER;
    }
    struct iovec parts[RW_SEND_PARTS_MAX];
    parts[0] = part_of(rw_buf_span(call->out));
    int count = add_body_parts(call, parts, 1, first);
    /* What has a body is only sent again while the whole of it is at hand: without one, always. */
    call->replayable = call->replayable && first->end && first->data.len == 0;
    count = fold_small(call->out, parts, count);
    if (call->held && count == 1) {
        rw_buf_drop(call->held);
        call->held = NULL;
    }
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
    int count = 0;
    if (piece->data.len || (call->chunked && piece->end))
        count = add_body_parts(call, parts, 0, piece);
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
