/* WebSockets in streams of HTTP/2 (RFC 8441), as the gateway knows them from HTTP/1.1. */
#include "gate/front_h2_connection.h"
#include "gate/snapshot.h"
#include "gate/tunnel_websocket.h"
#include "http/websocket.h"

/* In the exchange's arena. */
struct rw_h2_websocket {
    struct rw_websocket_track from_client, from_origin;
    uint32_t message_max;
    uint16_t code;   /* of the first Close frame; 0: none so far */
    uint16_t owed;   /* of one that the origin gets as soon as a frame of the client ends */
    uint8_t failure; /* enum rw_reason: the exchange is to be cut */
    bool open;
    bool deaf; /* the origin has had its Close frame */
};

/* Where a piece ends before its time. */
struct cut {
    ptrdiff_t at;  /* negative: no cut; where a frame begins */
    unsigned code; /* of the Close frame in place of the rest; 0: none */
};

/* ---- The request ---- */

static bool make_key(struct rw_exchange *x, struct rw_span *key, struct rw_span *accept)
{
    uint64_t nonce[2];
    char key_text[RW_WEBSOCKET_KEY_BYTES], accept_text[RW_WEBSOCKET_ACCEPT_BYTES];
    _Static_assert(sizeof(nonce) == RW_WEBSOCKET_NONCE_BYTES, "section 4.1");
    for (int i = 0; i < 2; i++)
        nonce[i] = rw_random_u64(rw_loop_random(x->worker->loop));
    rw_websocket_key(key_text, (const uint8_t *)nonce);
    if (!rw_websocket_accept(accept_text, rw_span(key_text, sizeof(key_text))))
        return false;
    *key = rw_arena_copy(&x->arena, rw_span(key_text, sizeof(key_text)));
    *accept = rw_arena_copy(&x->arena, rw_span(accept_text, sizeof(accept_text)));
    return key->at && accept->at;
}

bool rw_h2_websocket_request(struct rw_h2_call *call)
{
    struct rw_exchange *x = call->x;
    struct rw_message *request = &x->request;
    struct rw_span key, accept;
    if (!rw_span_is_nocase(request->protocol, "websocket") || !make_key(x, &key, &accept) ||
        rw_message_set(request, &x->arena, RW_LITERAL("Upgrade"), RW_LITERAL("websocket")) ||
        rw_message_set(request, &x->arena, RW_LITERAL("Sec-WebSocket-Key"), key))
        return false;
    call->websocket = rw_arena_zero(&x->arena, sizeof(*call->websocket));
    if (!call->websocket)
        return false;
    request->method = RW_METHOD_GET;
    request->method_text = RW_LITERAL("GET");
    request->protocol = (struct rw_span){0};
    request->body_kind = RW_BODY_NONE;
    x->websocket_accept = accept;
    return true;
}

/* ---- The response ---- */

static void start(struct rw_h2_call *call)
{
    struct rw_h2_websocket *w = call->websocket;
    struct rw_exchange *x = call->x;
    uint8_t rsv = 0;
    for (unsigned i = 0; i < x->response.field_count; i++)
        if (rw_span_is_nocase(x->response.fields[i].name, "Sec-WebSocket-Extensions"))
            rsv |= rw_websocket_rsv(x->response.fields[i].value);
    rw_websocket_start(&w->from_client, true, rsv);
    rw_websocket_start(&w->from_origin, false, rsv);
    w->message_max = (uint32_t)x->route->config->websocket->message_bytes_max;
    w->open = true;
    if (x->worker->draining)
        w->owed = RW_WEBSOCKET_GOING_AWAY;
    rw_worker_count(x->worker, RW_COUNTER_WEBSOCKETS_OPEN, 1);
}

/* A request for an upgrade that is answered as if it were none has failed: 200 would tell the
 * client that the stream is a WebSocket. */
bool rw_h2_websocket_response(struct rw_h2_call *call)
{
    struct rw_message *response = &call->x->response;
    bool open = response->status == 101;
    if (open) {
        response->status = 200;
        (void)rw_message_remove(response, RW_LITERAL("Sec-WebSocket-Accept"));
        start(call);
    } else if (response->status / 100 == 2) {
        response->status = 501;
    }
    return open;
}

/* ---- Frames ---- */

static void count_frame(struct rw_h2_call *call, const struct rw_websocket_frame *frame, bool in)
{
    struct rw_h2_websocket *w = call->websocket;
    if (frame->opcode == RW_WEBSOCKET_TEXT || frame->opcode == RW_WEBSOCKET_BINARY)
        rw_worker_count(call->x->worker,
                        in ? RW_COUNTER_WEBSOCKET_MESSAGES_IN : RW_COUNTER_WEBSOCKET_MESSAGES_OUT,
                        1);
    if (frame->opcode == RW_WEBSOCKET_CLOSE && !w->code)
        w->code = frame->close_code;
}

static struct cut look(struct rw_h2_call *call, struct rw_websocket_track *track, unsigned owed,
                       struct rw_span data)
{
    bool in = track == &call->websocket->from_client;
    struct rw_span bytes = data;
    struct rw_websocket_frame frame;
    for (;;) {
        enum rw_websocket_event event =
            rw_websocket_next(track, call->websocket->message_max, &bytes, &frame);
        ptrdiff_t here = bytes.at - data.at, begins = here - frame.head_bytes;
        if (event == RW_WEBSOCKET_BAD)
            return (struct cut){begins > 0 ? begins : 0, frame.close_code};
        if (event == RW_WEBSOCKET_SURPLUS)
            return (struct cut){here, 0};
        if (event == RW_WEBSOCKET_MORE)
            return (struct cut){owed && rw_websocket_between(track) && !track->held ? here : -1,
                                owed};
        if (owed && begins >= 0)
            return (struct cut){begins, owed};
        count_frame(call, &frame, in);
    }
}

/* What comes before the cut, and a Close frame; then it is the last. */
static bool close_piece(struct rw_h2_call *call, struct rw_piece *piece, size_t keep, unsigned code,
                        bool masked)
{
    struct rw_worker *worker = call->x->worker;
    uint64_t mask = rw_random_u64(rw_loop_random(worker->loop));
    if (keep + RW_WEBSOCKET_WRITE_MAX > RW_BUF_LARGE_BYTES)
        return false;
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(worker->loop), keep + RW_WEBSOCKET_WRITE_MAX);
    if (!buf)
        return false;
    if (keep)
        memcpy(buf->data, piece->data.at, keep);
    size_t len =
        rw_websocket_write_close(buf->data + keep, code, masked ? (const uint8_t *)&mask : NULL);
    *piece = (struct rw_piece){.buf = buf, .data = rw_span(buf->data, keep + len), .end = true};
    if (!call->websocket->code)
        call->websocket->code = (uint16_t)code;
    return true;
}

static enum rw_reason reason_of(unsigned code)
{
    return code == RW_WEBSOCKET_TOO_BIG      ? RW_REASON_WEBSOCKET_TOO_BIG
           : code == RW_WEBSOCKET_GOING_AWAY ? RW_REASON_DRAINING
                                             : RW_REASON_WEBSOCKET_BAD;
}

/* The exchange is cut from the loop: others may still use it. */
static void fail(struct rw_h2_call *call, enum rw_reason reason)
{
    struct rw_loop *loop = call->x->worker->loop;
    call->websocket->failure = (uint8_t)reason;
    rw_deadline_set(loop, &call->deadline, rw_loop_now_ms(loop));
}

/* The origin answers the Close frame by its own, which the client gets. */
bool rw_h2_websocket_in(struct rw_h2_call *call, struct rw_piece *piece)
{
    struct rw_h2_websocket *w = call->websocket;
    if (!w->open || piece->data.len == 0)
        return true;
    struct cut cut = look(call, &w->from_client, w->owed, piece->data);
    if (cut.at < 0)
        return true;
    if (!cut.code) {
        piece->data.len = (size_t)cut.at;
        return true;
    }
    w->deaf = true;
    call->x->reason = (uint8_t)reason_of(cut.code);
    if (close_piece(call, piece, (size_t)cut.at, cut.code, true))
        return true;
    fail(call, RW_REASON_MEMORY);
    return false;
}

/* The exchange does not know that this is the last: the origin is still there. */
static void send_last(struct rw_h2_call *call, struct rw_piece *piece)
{
    const struct rw_span none = {0};
    if (rw_h2_data(&call->c->h2, call->stream, piece->buf, piece->data, true, none) == RW_H2_HOLD) {
        call->sending = true;
        call->c->held_count++;
    }
    rw_buf_drop(piece->buf);
}

bool rw_h2_websocket_out(struct rw_h2_call *call, struct rw_piece *piece)
{
    struct rw_h2_websocket *w = call->websocket;
    if (w->failure)
        return false;
    if (!w->open || piece->data.len == 0)
        return true;
    struct cut cut = look(call, &w->from_origin, 0, piece->data);
    if (cut.at < 0)
        return true;
    if (!cut.code) {
        piece->data.len = (size_t)cut.at;
        return true;
    }
    w->deaf = true;
    if (close_piece(call, piece, (size_t)cut.at, cut.code, false))
        send_last(call, piece);
    fail(call, reason_of(cut.code));
    return false;
}

bool rw_h2_websocket_deaf(const struct rw_h2_call *call)
{
    return call->websocket && call->websocket->deaf;
}

enum rw_reason rw_h2_websocket_failure(const struct rw_h2_call *call)
{
    return call->websocket ? (enum rw_reason)call->websocket->failure : RW_REASON_NONE;
}

/* ---- The end ---- */

void rw_h2_websocket_drain(struct rw_h2_call *call)
{
    struct rw_h2_websocket *w = call->websocket;
    struct rw_exchange *x = call->x;
    struct rw_piece piece = {0};
    if (!w || !w->open || w->deaf || x->request_ended)
        return;
    w->owed = RW_WEBSOCKET_GOING_AWAY;
    if (call->pace.held || w->from_client.in_payload || w->from_client.held ||
        w->from_client.closed)
        return;
    w->deaf = true;
    x->reason = RW_REASON_DRAINING;
    if (!close_piece(call, &piece, 0, w->owed, true)) {
        fail(call, RW_REASON_MEMORY);
        return;
    }
    struct rw_buf *buf = piece.buf;
    (void)rw_exchange_request_data(x, &piece);
    rw_buf_drop(buf);
}

void rw_h2_websocket_over(struct rw_h2_call *call)
{
    if (call->websocket && call->websocket->open)
        rw_tunnel_websocket_count(call->x->worker, call->websocket->code);
}
