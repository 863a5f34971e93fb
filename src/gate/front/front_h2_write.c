/* Answers of the HTTP/2 front: from exchanges to the engine. */
#include "gate/exchange/grpc.h"
#include "gate/front/front_h2_connection.h"
#include "http/grpc_web.h"

#include <stdio.h>

/* Besides hop-by-hop fields, which never pass: the body's framing is the frames', and what RFC 9113
 * section 8.2.2 forbids is not said whoever put it there. */
#define BIT(name) ((uint64_t)1 << RW_FIELD_##name)
#define NEVER                                                                                      \
    (BIT(CONTENT_LENGTH) | BIT(TRANSFER_ENCODING) | BIT(CONNECTION) | BIT(KEEP_ALIVE) |            \
     BIT(PROXY_CONNECTION) | BIT(UPGRADE))

enum { HEAD_SLACK_BYTES = 256, HEAD_SLACK_FIELDS = 6 };

/* ---- Heads ---- */

static size_t field_bytes(const struct rw_message *message)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < message->field_count; i++)
        bytes += message->fields[i].name.len + message->fields[i].value.len;
    return bytes;
}

static void put_number(struct rw_h2 *h2, enum rw_field_id id, uint64_t value)
{
    char digits[20];
    rw_h2_put_field(h2, id, rw_field_name(id), rw_span(digits, rw_format_u64(digits, value)));
}

/* As HTTP/1.1 has it, but that a body without a length needs no word. */
static void put_length(struct rw_h2 *h2, const struct rw_exchange *x)
{
    const struct rw_message *response = &x->response;
    bool bodiless = rw_status_bodiless(response->status) || x->upgraded;
    bool head = x->request.method == RW_METHOD_HEAD;
    if (response->body_kind == RW_BODY_LENGTH ||
        (response->has_length && (response->status == 304 || (head && !bodiless))))
        put_number(h2, RW_FIELD_CONTENT_LENGTH, response->body_bytes);
    else if (response->body_kind == RW_BODY_NONE && !bodiless && !head)
        put_number(h2, RW_FIELD_CONTENT_LENGTH, 0);
}

static bool put_head(struct rw_h2_call *call, bool end, bool informational)
{
    struct rw_h2 *h2 = &call->c->h2;
    struct rw_exchange *x = call->x;
    const struct rw_message *response = &x->response;
    if (!rw_h2_head_begin(h2, call->stream, field_bytes(response) + HEAD_SLACK_BYTES,
                          response->field_count + HEAD_SLACK_FIELDS))
        return false;
    rw_h2_put_status(h2, response->status);
    rw_h2_put_fields(h2, response, NEVER);
    if (!informational)
        put_length(h2, x);
    rw_h2_head_end(h2, call->stream, end, informational);
    return true;
}

static void log_refused(const struct rw_h2_connection *c, const struct rw_message *request,
                        unsigned status, size_t bytes_out)
{
    struct rw_worker *worker = rw_h2_worker(c);
    struct rw_access_record record = {
        .wall_ns = rw_loop_wall_ns(worker->loop),
        .client = &c->client->peer.any,
        .method = request->method_text,
        .scheme = c->client->tls ? RW_LITERAL("https") : RW_LITERAL("http"),
        .host = request->authority,
        .path = request->path,
        .protocol = rw_front_h2.protocol,
        .reason = rw_span_text(rw_reason_name(RW_REASON_MALFORMED)),
        .status = status,
        .bytes_out = bytes_out,
        .upstream_us = UINT64_MAX,
    };
    if (!rw_access_write(worker->access, &record))
        rw_worker_count(worker, RW_COUNTER_LOG_LINES_DROPPED, 1);
}

/* NULL: no memory. */
static struct rw_buf *make_problem(struct rw_h2_connection *c, unsigned status, const char *detail)
{
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(rw_h2_worker(c)->loop), RW_BUF_SMALL_BYTES);
    if (!buf)
        return NULL;
    int len =
        snprintf(buf->data, buf->room, RW_PROBLEM_FORMAT, rw_status_reason(status), status, detail);
    rw_assert(len > 0 && (size_t)len < buf->room);
    buf->end = (uint32_t)len;
    return buf;
}

static bool put_refusal(struct rw_h2_connection *c, struct rw_h2_stream *stream, unsigned status,
                        size_t body_bytes, bool end)
{
    struct rw_h2 *h2 = &c->h2;
    if (!rw_h2_head_begin(h2, stream, HEAD_SLACK_BYTES, HEAD_SLACK_FIELDS))
        return false;
    rw_h2_put_status(h2, status);
    rw_h2_put_field(h2, RW_FIELD_DATE, RW_LITERAL("Date"), rw_worker_date(rw_h2_worker(c)));
    rw_h2_put_field(h2, RW_FIELD_CONTENT_TYPE, RW_LITERAL("Content-Type"),
                    RW_LITERAL("application/problem+json"));
    if (rw_client_settings(c->client)->config->reason_header)
        rw_h2_put_field(h2, RW_FIELD_OTHER, RW_LITERAL("X-Ringway-Reason"),
                        rw_span_text(rw_reason_name(RW_REASON_MALFORMED)));
    put_number(h2, RW_FIELD_CONTENT_LENGTH, body_bytes);
    rw_h2_head_end(h2, stream, end, false);
    return true;
}

void rw_h2_refuse(struct rw_h2_connection *c, struct rw_h2_stream *stream,
                  const struct rw_message *request, unsigned status, const char *detail)
{
    struct rw_worker *worker = rw_h2_worker(c);
    struct rw_buf *body = make_problem(c, status, detail);
    size_t bytes = body ? rw_buf_span(body).len : 0;
    bool head = request->method == RW_METHOD_HEAD;
    if (!body || !put_refusal(c, stream, status, bytes, head)) {
        rw_buf_drop(body);
        rw_h2_reset(&c->h2, stream, RW_H2_REFUSED_STREAM);
        return;
    }
    if (!head)
        (void)rw_h2_data(&c->h2, stream, body, rw_buf_span(body), true, (struct rw_span){0});
    rw_buf_drop(body);
    rw_h2_forget(&c->h2, stream);
    rw_metrics_observe(rw_metrics_cell(worker->metrics, worker->snapshot->route_series_none),
                       status / 100, 0, 0, head ? 0 : bytes);
    if (worker->access)
        log_refused(c, request, status, head ? 0 : bytes);
}

/* ---- Bodies ---- */

static enum rw_flow send_piece(struct rw_h2_call *call, const struct rw_piece *piece)
{
    struct rw_exchange *x = call->x;
    struct rw_h2_connection *c = call->c;
    struct rw_span trailers = piece->end ? x->response_trailers : (struct rw_span){0};
    if (rw_h2_data(&c->h2, call->stream, piece->buf, piece->data, piece->end, trailers) ==
        RW_H2_HOLD) {
        call->sending = true;
        call->last = piece->end;
        c->held_count++;
        rw_h2_await(call);
        return RW_FLOW_HOLD;
    }
    if (piece->end)
        rw_exchange_response_sent(x);
    return RW_FLOW_GO;
}

/* The tunnel is open: what the client has sent meanwhile goes on. */
static void open_tunnel(struct rw_h2_call *call)
{
    struct rw_exchange *x = call->x;
    call->tunnel = false;
    x->upgraded = true;
    x->request_ended = false;
}

/* There was no memory for the head. The exchange is cut from the loop: the caller may still use it.
 */
static enum rw_flow give_up(struct rw_h2_call *call)
{
    struct rw_loop *loop = call->x->worker->loop;
    rw_h2_cut_stream(call, RW_H2_INTERNAL_ERROR);
    rw_deadline_set(loop, &call->deadline, rw_loop_now_ms(loop));
    return RW_FLOW_HOLD;
}

static enum rw_flow respond(struct rw_exchange *x, const struct rw_piece *first)
{
    struct rw_h2_call *call = x->front_state;
    if (!call->stream)
        return RW_FLOW_HOLD;
    bool tunnel = call->websocket ? rw_h2_websocket_response(call)
                                  : call->tunnel && x->response.status / 100 == 2;
    if (tunnel)
        open_tunnel(call);
    bool bodiless = x->request.method == RW_METHOD_HEAD || rw_status_bodiless(x->response.status);
    bool end = first->end && first->data.len == 0 && (bodiless || x->response_trailers.len == 0);
    if (!put_head(call, end, false))
        return give_up(call);
    if (end) {
        rw_exchange_response_sent(x);
        return RW_FLOW_GO;
    }
    enum rw_flow flow = first->data.len || first->end ? send_piece(call, first) : RW_FLOW_GO;
    if (tunnel && !first->end && call->stream)
        rw_h2_go_on(call);
    return flow;
}

static enum rw_flow response_data(struct rw_exchange *x, const struct rw_piece *piece)
{
    struct rw_h2_call *call = x->front_state;
    if (!call->stream)
        return RW_FLOW_HOLD;
    if (x->upgraded && !piece->end)
        rw_h2_await(call);
    return piece->data.len || piece->end ? send_piece(call, piece) : RW_FLOW_GO;
}

static enum rw_flow informational(struct rw_exchange *x)
{
    struct rw_h2_call *call = x->front_state;
    if (call->stream)
        (void)put_head(call, false, true);
    return RW_FLOW_GO;
}

static void request_resume(struct rw_exchange *x)
{
    struct rw_h2_call *call = x->front_state;
    if (call->stream && call->pace.held)
        rw_h2_go_on(call);
}

/* ---- The end ---- */

/* Is its status still to come, and can be told behind what has left? */
static bool awaits_grpc_status(const struct rw_h2_call *call)
{
    const struct rw_exchange *x = call->x;
    struct rw_span format;
    bool open_end =
        x->response.body_kind == RW_BODY_CHUNKED || x->response.body_kind == RW_BODY_UNTIL_CLOSE;
    return call->stream && !call->sending && x->responded && open_end &&
           rw_grpc_type(rw_message_value(&x->response, RW_FIELD_CONTENT_TYPE), &format);
}

/* A call of gRPC that is cut in the middle of its answer hears why. */
static bool end_with_grpc_status(struct rw_h2_call *call)
{
    const struct rw_span nothing = {0};
    struct rw_exchange *x = call->x;
    unsigned status;
    struct rw_span trailers = rw_grpc_trailers(&x->arena, (enum rw_reason)x->reason, &status);
    if (!trailers.at)
        return false;
    x->grpc_told = (uint16_t)(status + 1);
    if (rw_h2_data(&call->c->h2, call->stream, NULL, nothing, true, trailers) == RW_H2_HOLD) {
        call->sending = call->last = true;
        call->c->held_count++;
    }
    return true;
}

static void abort_exchange(struct rw_exchange *x)
{
    struct rw_h2_call *call = x->front_state;
    if (awaits_grpc_status(call) && end_with_grpc_status(call))
        return;
    rw_h2_cut_stream(call,
                     x->reason == RW_REASON_CLIENT_STALLED ? RW_H2_CANCEL : RW_H2_INTERNAL_ERROR);
}

static void finished(struct rw_exchange *x)
{
    struct rw_h2_call *call = x->front_state;
    struct rw_h2_connection *c = call->c;
    rw_deadline_stop(x->worker->loop, &call->deadline);
    rw_buf_drop(call->waiting.buf);
    if (call->stream) {
        call->stream->user = NULL;
        rw_h2_forget(&c->h2, call->stream);
        c->held_count -= call->sending;
    }
    rw_exchange_destroy(x);
    c->idle_ms = rw_h2_now_ms(c);
    rw_h2_flush_later(c);
}

const struct rw_front rw_front_h2 = {
    .respond = respond,
    .response_data = response_data,
    .informational = informational,
    .request_resume = request_resume,
    .abort = abort_exchange,
    .finished = finished,
    .protocol = {"HTTP/2", 6},
    .via = {"2.0 ringway", 11},
};
