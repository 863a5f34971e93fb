/* Responses of the HTTP/1.1 front: heads and body pieces to the client. */
#include "gate/front_h1_connection.h"

#include <stdio.h>

enum { COPY_BYTES_MAX = 8 * 1024 };

/* ---- Heads ---- */

static void put_framing(const struct rw_exchange *x, const struct rw_h1_call *call,
                        struct rw_h1_out *out)
{
    const struct rw_message *response = &x->response;
    bool bodiless = rw_status_bodiless(response->status) || x->upgraded;
    if (call->chunked) {
        rw_h1_put(out, RW_LITERAL("Transfer-Encoding: chunked\r\n"));
    } else if (response->body_kind == RW_BODY_LENGTH ||
               (response->has_length &&
                (x->request.method == RW_METHOD_HEAD || response->status == 304))) {
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

static void put_head(const struct rw_exchange *x, const struct rw_h1_call *call,
                     struct rw_h1_out *out)
{
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
        x->request_ended = call->held_back = false;
        return;
    }
    call->chunked = endless && x->request.minor_version >= 1 && x->request.method != RW_METHOD_HEAD;
    if (endless && !call->chunked && x->request.method != RW_METHOD_HEAD)
        call->close = true; /* HTTP/1.0: the end of the connection is the end of the body */
    if (rw_h1_worker(c)->draining || c->peer_ended || !x->request_ended ||
        c->listener->index == RW_LISTENER_GONE)
        call->close = true;
}

/* ---- Sending ---- */

static void sent_all(struct rw_h1_connection *c)
{
    struct rw_h1_call *call = c->call;
    rw_buf_drop(call->out);
    rw_buf_drop(call->held);
    call->out = call->held = NULL;
    call->sending = false;
}

/* Sends the parts; `last` ends the response. */
static enum rw_flow send_parts(struct rw_h1_connection *c, const struct iovec *parts, int count,
                               bool last)
{
    struct rw_h1_call *call = c->call;
    struct rw_exchange *x = c->x;
    switch (rw_stream_send(&c->stream, parts, count)) {
    case RW_SEND_DONE:
        sent_all(c);
        if (last)
            rw_exchange_response_sent(x);
        return RW_FLOW_GO;
    case RW_SEND_PENDING:
        call->sending = true;
        call->last = last;
        rw_h1_deadline_in(c, x->listener->timeouts->send_idle_ms);
        return RW_FLOW_HOLD;
    default:
        /* on_closed cuts the exchange, from the loop: the caller may still use it. */
        rw_h1_close(c);
        return RW_FLOW_HOLD;
    }
}

static struct iovec part_of(struct rw_span bytes)
{
    return (struct iovec){.iov_base = (char *)bytes.at, .iov_len = bytes.len};
}

/* Appends one body piece as parts; keeps its buffer. */
static int add_body_parts(struct rw_h1_connection *c, struct iovec *parts, int count,
                          const struct rw_piece *piece)
{
    struct rw_h1_call *call = c->call;
    struct rw_span trailers = c->x->response_trailers;
    if (piece->data.len) {
        if (piece->buf)
            call->held = rw_buf_hold(piece->buf);
        if (call->chunked)
            parts[count++] = part_of(
                rw_span(call->chunk_head, rw_h1_chunk_head(call->chunk_head, piece->data.len)));
        parts[count++] = part_of(piece->data);
    }
    if (!call->chunked)
        return count;
    if (!piece->end) {
        parts[count++] = part_of(RW_LITERAL("\r\n"));
    } else if (trailers.len == 0) {
        parts[count++] =
            part_of(piece->data.len ? RW_LITERAL("\r\n0\r\n\r\n") : RW_LITERAL("0\r\n\r\n"));
    } else {
        parts[count++] = part_of(piece->data.len ? RW_LITERAL("\r\n0\r\n") : RW_LITERAL("0\r\n"));
        parts[count++] = part_of(trailers);
        parts[count++] = part_of(RW_LITERAL("\r\n"));
    }
    return count;
}

/* Copies small bodies behind the head: one part is cheaper than several. */
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

/* The head in a buffer of its own; NULL when there is no memory or it does not fit. */
static struct rw_buf *head_buf(struct rw_h1_connection *c, struct rw_exchange *x)
{
    struct rw_buf_pool *pool = rw_loop_buffers(rw_h1_worker(c)->loop);
    static const size_t rooms[] = {RW_BUF_SMALL_BYTES, RW_BUF_LARGE_BYTES};
    for (int i = 0; i < 2; i++) {
        struct rw_buf *buf = rw_buf_get(pool, rooms[i]);
        if (!buf)
            return NULL;
        struct rw_h1_out out = {.at = buf->data, .room = buf->room};
        put_head(x, c->call, &out);
        if (!out.overflow) {
            buf->end = (uint32_t)out.len;
            return buf;
        }
        rw_buf_drop(buf);
    }
    return NULL;
}

enum rw_flow rw_h1_respond(struct rw_exchange *x, const struct rw_piece *first)
{
    struct rw_h1_connection *c = x->front_state;
    struct rw_h1_call *call = c->call;
    if (c->phase != RW_H1_BUSY)
        return RW_FLOW_HOLD;
    if (call->sending) { /* a 1xx is stuck: the client does not read */
        rw_h1_close(c);
        return RW_FLOW_HOLD;
    }
    decide_framing(c, x);
    call->out = head_buf(c, x);
    if (!call->out) {
        rw_h1_close(c);
        return RW_FLOW_HOLD;
    }
    struct iovec parts[RW_SEND_PARTS_MAX];
    parts[0] = part_of(rw_buf_span(call->out));
    int count = 1;
    if (first->data.len || (call->chunked && first->end))
        count = add_body_parts(c, parts, count, first);
    count = fold_small(call->out, parts, count);
    if (call->held && count == 1) {
        rw_buf_drop(call->held);
        call->held = NULL;
    }
    enum rw_flow flow = send_parts(c, parts, count, first->end);
    if (!first->end && c->x == x && x->upgraded)
        rw_h1_feed_body(c);
    return flow;
}

enum rw_flow rw_h1_response_data(struct rw_exchange *x, const struct rw_piece *piece)
{
    struct rw_h1_connection *c = x->front_state;
    struct iovec parts[RW_SEND_PARTS_MAX];
    if (c->phase != RW_H1_BUSY)
        return RW_FLOW_HOLD;
    int count = 0;
    if (piece->data.len || (c->call->chunked && piece->end))
        count = add_body_parts(c, parts, 0, piece);
    if (count)
        return send_parts(c, parts, count, piece->end);
    if (piece->end)
        rw_exchange_response_sent(x);
    return RW_FLOW_GO;
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
    if (call->last)
        rw_exchange_response_sent(c->x);
    else
        rw_exchange_response_resume(c->x);
}

enum rw_flow rw_h1_informational(struct rw_exchange *x)
{
    struct rw_h1_connection *c = x->front_state;
    struct rw_buf_pool *pool = rw_loop_buffers(rw_h1_worker(c)->loop);
    if (c->phase != RW_H1_BUSY || c->call->sending || x->request.minor_version == 0)
        return RW_FLOW_GO;
    struct rw_buf *buf = rw_buf_get(pool, RW_BUF_SMALL_BYTES);
    if (!buf)
        return RW_FLOW_GO;
    static const struct rw_field_set none;
    struct rw_h1_out out = {.at = buf->data, .room = buf->room};
    rw_h1_put_status_line(&out, x->response.status, x->response.reason);
    rw_h1_put_fields(&out, &x->response, none);
    rw_h1_put(&out, RW_LITERAL("\r\n"));
    struct iovec part = {.iov_base = buf->data, .iov_len = out.len};
    if (out.overflow) {
        rw_buf_drop(buf);
        return RW_FLOW_GO;
    }
    c->call->out = buf;
    return send_parts(c, &part, 1, false);
}

void rw_h1_refuse(struct rw_h1_connection *c, unsigned status, const char *reason)
{
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(rw_h1_worker(c)->loop), RW_BUF_SMALL_BYTES);
    rw_buf_drop(c->in);
    c->in = buf;
    if (!buf) {
        rw_h1_close(c);
        return;
    }
    int len = snprintf(buf->data, buf->room,
                       "HTTP/1.1 %u %s\r\nContent-Type: text/plain\r\nConnection: close\r\n"
                       "Content-Length: %zu\r\n\r\n%s\n",
                       status, rw_status_reason(status), strlen(reason) + 1, reason);
    struct iovec part = {.iov_base = buf->data, .iov_len = (size_t)len};
    c->phase = RW_H1_REFUSED;
    switch (rw_stream_send(&c->stream, &part, 1)) {
    case RW_SEND_DONE:
        rw_h1_linger(c);
        break;
    case RW_SEND_PENDING:
        rw_h1_deadline_in(c, rw_h1_settings(c)->timeouts->send_idle_ms);
        break;
    default:
        rw_h1_close(c);
    }
}
