/* HTTP/2: many requests at a time, on the gateway's own engine. */
#include "http/h2.h"
#include "io/tls.h"
#include "load/socket.h"

#include <stdio.h>

enum { WINDOW_BYTES = 16 * 1024 * 1024, FIELDS_MAX = RW_LOAD_HEADERS_MAX + 8 };

struct connection {
    struct rw_load_connection base;
    struct rw_h2 h2;
    struct rw_later later;
    struct rw_list gone; /* WebSockets that have ended */
    struct rw_list idle; /* those that nobody's message is under way on, the longest idle first */
    uint32_t idle_count;
    uint32_t wanting; /* streams that are to be WebSockets, and are not */
    uint32_t opening; /* those of them that have asked to be */
    uint32_t under_way;
    bool begun; /* the engine is there */
    bool sending;
    bool leaving; /* GOAWAY: what is under way is still answered */
    uint8_t why;  /* enum rw_load_error, when it is closing */
};

static const struct rw_h2_settings settings = {
    .streams_max = RW_LOAD_STREAMS_MAX,
    .stream_window_bytes = WINDOW_BYTES,
    .connection_window_bytes = WINDOW_BYTES,
    .table_bytes_max = 4096,
    .head_bytes_max = RW_LOAD_HEAD_BYTES_MAX / 2,
    .fields_max = 200,
    .target_bytes_max = 8192,
    .block_bytes_max = RW_LOAD_HEAD_BYTES_MAX,
    .continuations_max = 16,
    .output_bytes_max = 1 << 20,
};

static struct connection *connection_of(struct rw_load_connection *base)
{
    return rw_container_of(base, struct connection, base);
}

static struct connection *connection_of_h2(struct rw_h2 *h2)
{
    return rw_container_of(h2, struct connection, h2);
}

static struct rw_load_call *call_of(const struct rw_h2_stream *stream)
{
    return stream->user;
}

static void see_to_it(struct connection *c)
{
    if (!c->base.closing)
        rw_loop_later(c->base.generator->loop, &c->later);
}

/* Are all streams WebSockets from their begin, and requests messages? */
static bool all_sockets(const struct connection *c)
{
    return c->base.generator->settings->upgrade != NULL;
}

static void be_busy(struct connection *c, struct rw_load_socket *socket)
{
    c->idle_count -= rw_list_linked(&socket->idle);
    rw_list_remove(&socket->idle);
}

/* A WebSocket goes with the call that opened it, at the end of the turn: it may be on the stack. */
static void free_call(struct connection *c, struct rw_load_call *call)
{
    c->under_way--;
    if (call->socket) {
        be_busy(c, call->socket);
        rw_list_push_back(&c->gone, &call->socket->gone);
        if (all_sockets(c) && call->status == 101)
            c->wanting++;
        else if (all_sockets(c))
            c->opening--;
        see_to_it(c);
    }
    rw_slab_put(&c->base.generator->calls, call);
}

/* ---- Requests ---- */

static uint32_t room(const struct rw_load_connection *base)
{
    const struct connection *c = rw_container_of(base, const struct connection, base);
    if (all_sockets(c))
        return c->idle_count;
    uint32_t own = base->generator->settings->streams - c->under_way;
    uint32_t theirs = c->leaving ? 0 : rw_h2_room(&c->h2);
    return own < theirs ? own : theirs;
}

static size_t head_bytes(const struct rw_load_settings *run, const struct rw_load_request *request)
{
    size_t sum = request->method.len + run->authority.len + request->target.len + 128;
    for (unsigned i = 0; i < request->header_count; i++)
        sum += request->headers[i].name.len + request->headers[i].value.len;
    return sum;
}

static bool put_head(struct connection *c, struct rw_h2_stream *stream,
                     const struct rw_load_request *request)
{
    const struct rw_load_settings *run = c->base.generator->settings;
    if (!rw_h2_head_begin(&c->h2, stream, head_bytes(run, request), FIELDS_MAX))
        return false;
    bool opens = request->act == RW_LOAD_OPEN;
    rw_h2_put_pseudo(&c->h2, RW_PSEUDO_METHOD, opens ? RW_LITERAL("CONNECT") : request->method);
    if (opens)
        rw_h2_put_pseudo(&c->h2, RW_PSEUDO_PROTOCOL, RW_LITERAL("websocket"));
    rw_h2_put_pseudo(&c->h2, RW_PSEUDO_SCHEME, run->tls ? RW_LITERAL("https") : RW_LITERAL("http"));
    rw_h2_put_pseudo(&c->h2, RW_PSEUDO_AUTHORITY, run->authority);
    rw_h2_put_pseudo(&c->h2, RW_PSEUDO_PATH, request->target);
    for (unsigned i = 0; i < request->header_count; i++)
        rw_h2_put_field(&c->h2, rw_field_id(request->headers[i].name), request->headers[i].name,
                        request->headers[i].value);
    if (opens)
        rw_h2_put_field(&c->h2, RW_FIELD_OTHER, RW_LITERAL("sec-websocket-version"),
                        RW_LITERAL("13"));
    if (request->body.at) {
        char digits[20];
        rw_h2_put_field(&c->h2, RW_FIELD_CONTENT_LENGTH, RW_LITERAL("content-length"),
                        rw_span(digits, rw_format_u64(digits, request->body.len)));
    }
    rw_h2_head_end(&c->h2, stream, !request->body.len && !opens, false);
    return true;
}

/* What it points to lives as long as the run, if it does not vary: the engine holds on to what no
 * window is there for. */
static bool send_body(struct connection *c, struct rw_h2_stream *stream,
                      const struct rw_load_request *request)
{
    struct rw_span body = request->body;
    struct rw_buf *buf = NULL;
    if (request->body_varies) {
        buf = rw_buf_get(rw_loop_buffers(c->base.generator->loop), RW_BUF_LARGE_BYTES);
        if (!buf)
            return false;
        memcpy(buf->data, body.at, body.len);
        buf->end = (uint32_t)body.len;
        body = rw_buf_span(buf);
    }
    (void)rw_h2_data(&c->h2, stream, buf, body, true, (struct rw_span){0});
    rw_buf_drop(buf);
    return true;
}

/* False: no memory. */
static bool prepare_socket(struct rw_load_call *call)
{
    call->socket = rw_load_socket_create(call->connection, call->user);
    if (call->socket)
        call->socket->stream = call->stream;
    return call->socket != NULL;
}

/* NULL: no memory. */
static struct rw_load_call *begin_call(struct connection *c)
{
    struct rw_load_call *call = rw_slab_get(&c->base.generator->calls);
    struct rw_h2_stream *stream = call ? rw_h2_stream_open(&c->h2, call) : NULL;
    if (!stream) {
        if (call)
            rw_slab_put(&c->base.generator->calls, call);
        return NULL;
    }
    *call = (struct rw_load_call){.connection = &c->base, .stream = stream};
    c->under_way++;
    return call;
}

/* On the WebSocket that has been idle for longest. */
static void send_message(struct connection *c, struct rw_load_due due)
{
    struct rw_load_socket *socket = rw_container_of(c->idle.next, struct rw_load_socket, idle);
    be_busy(c, socket);
    rw_load_socket_send(socket, due);
}

static void send_request(struct rw_load_connection *base, struct rw_load_due due)
{
    struct connection *c = connection_of(base);
    if (all_sockets(c)) {
        send_message(c, due);
        return;
    }
    struct rw_load_call *call = begin_call(c);
    if (!call) {
        rw_load_lost(base, RW_LOAD_ERROR_RESET);
        return;
    }
    struct rw_h2_stream *stream = call->stream;
    const struct rw_load_request *request = rw_load_choose(base->generator, call, due);
    if (request->act == RW_LOAD_OPEN && !prepare_socket(call)) {
        rw_load_lost(base, RW_LOAD_ERROR_RESET);
        return;
    }
    if (!put_head(c, stream, request) || (request->body.len && !send_body(c, stream, request)))
        rw_load_lost(base, RW_LOAD_ERROR_RESET);
}

static void leave_if_done(struct connection *c)
{
    if (c->leaving && !c->under_way)
        rw_load_lost(&c->base, RW_LOAD_ERROR_CLOSED);
    else
        rw_load_ready(&c->base);
}

static void give_up(struct rw_load_call *call)
{
    struct connection *c = connection_of(call->connection);
    rw_h2_reset(&c->h2, call->stream, RW_H2_CANCEL);
    free_call(c, call);
    leave_if_done(c);
}

static void finish(struct connection *c, struct rw_h2_stream *stream)
{
    struct rw_load_call *call = call_of(stream);
    rw_load_answered(call);
    rw_h2_forget(&c->h2, stream);
    free_call(c, call);
    leave_if_done(c);
}

/* ---- Where all streams are WebSockets ---- */

static bool open_socket(struct connection *c)
{
    struct rw_load_call *call = begin_call(c);
    return call && prepare_socket(call) &&
           put_head(c, call->stream, c->base.generator->settings->upgrade);
}

/* As many as there are to be: at the begin, and in place of those that have ended. */
static void open_sockets(struct connection *c)
{
    struct rw_load_generator *g = c->base.generator;
    bool wanted = !c->leaving && !g->stopped && !g->done && !g->ended;
    for (; wanted && c->wanting > c->opening; c->opening++)
        if (!open_socket(c)) {
            rw_load_lost(&c->base, RW_LOAD_ERROR_RESET);
            return;
        }
}

/* A message may be sent on it. */
static void be_idle(struct rw_load_socket *socket)
{
    struct connection *c = connection_of(socket->connection);
    if (!rw_list_linked(&socket->idle) && !rw_list_linked(&socket->gone)) {
        rw_list_push_back(&c->idle, &socket->idle);
        c->idle_count++;
    }
    if (c->base.open)
        rw_load_ready(&c->base);
}

/* One of them is there; the connection is open when the last of the first is. */
static void have_socket(struct connection *c, struct rw_load_socket *socket)
{
    c->opening--;
    c->wanting--;
    rw_load_socket_opened(socket);
    be_idle(socket);
    if (c->base.upgrading && !c->wanting)
        rw_load_opened(&c->base);
}

static void fail_to_open(struct connection *c, const char *what, unsigned number)
{
    struct rw_load_generator *g = c->base.generator;
    if (!g->slot->why[0])
        snprintf(g->slot->why, sizeof(g->slot->why), "the server %s %u", what, number);
    rw_load_lost(&c->base, RW_LOAD_ERROR_CONNECT);
}

static void answer_open(struct connection *c, struct rw_load_call *call, unsigned status, bool end)
{
    if (status >= 300 || end) {
        fail_to_open(c, "does not agree to a WebSocket: status", status);
        return;
    }
    call->status = 101;
    have_socket(c, call->socket);
}

/* ---- Events of the engine ---- */

static struct rw_h2_target on_target(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    (void)stream;
    struct rw_load_generator *g = connection_of_h2(h2)->base.generator;
    rw_arena_init(&g->scratch, g->scratch_memory, RW_LOAD_HEAD_BYTES_MAX, 4096, 0);
    g->message = (struct rw_message){0};
    return (struct rw_h2_target){.arena = &g->scratch, .message = &g->message};
}

/* The answer to an extended CONNECT (RFC 8441 section 5) is told as what it is over HTTP/1.1. */
static void become_socket(struct rw_load_call *call, struct rw_message *message)
{
    message->status = call->status = 101;
    rw_load_socket_opened(call->socket);
    rw_load_user_head(call->user, message);
    rw_load_answered(call);
}

static void on_head(struct rw_h2 *h2, struct rw_h2_stream *stream, unsigned status, bool end)
{
    (void)status; /* of servers only */
    struct connection *c = connection_of_h2(h2);
    struct rw_message *message = &c->base.generator->message;
    if (message->status < 200)
        return;
    if (all_sockets(c)) {
        answer_open(c, call_of(stream), message->status, end);
        return;
    }
    if (call_of(stream)->socket && message->status < 300 && !end) {
        become_socket(call_of(stream), message);
        return;
    }
    call_of(stream)->status = message->status;
    if (call_of(stream)->user)
        rw_load_user_head(call_of(stream)->user, message);
    if (end)
        finish(c, stream);
}

/* A WebSocket's stream is over; whoever had it is told. */
static void hang_up(struct rw_load_socket *socket, enum rw_load_error why)
{
    struct connection *c = connection_of(socket->connection);
    struct rw_h2_stream *stream = socket->stream;
    if (rw_list_linked(&socket->gone) || !stream)
        return;
    struct rw_load_call *call = call_of(stream);
    rw_h2_reset(&c->h2, stream, RW_H2_CANCEL);
    free_call(c, call);
    if (socket->open)
        rw_load_socket_lost(socket, why);
    if (c->base.open)
        leave_if_done(c);
}

static enum rw_send put(struct rw_load_socket *socket, struct rw_buf *buf)
{
    struct connection *c = connection_of(socket->connection);
    if (rw_list_linked(&socket->gone))
        return RW_SEND_PENDING; /* it goes nowhere any more */
    enum rw_h2_more more =
        rw_h2_data(&c->h2, socket->stream, buf, rw_buf_span(buf), false, (struct rw_span){0});
    return more == RW_H2_HOLD ? RW_SEND_PENDING : RW_SEND_DONE;
}

static enum rw_h2_more on_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                               struct rw_span data, bool end, struct rw_span trailers)
{
    (void)buf;
    struct rw_load_socket *socket = call_of(stream)->socket;
    if (socket && stream->head_received && call_of(stream)->status == 101) {
        rw_load_socket_receive(socket, data);
        if (end && !socket->gone.next)
            hang_up(socket, RW_LOAD_ERROR_CLOSED);
        return RW_H2_GO;
    }
    struct rw_load_user *user = call_of(stream)->user;
    if (user)
        rw_load_user_body(user, data);
    if (user && trailers.len)
        rw_load_user_trailers(user, trailers);
    if (end)
        finish(connection_of_h2(h2), stream);
    return RW_H2_GO;
}

static void on_writable(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    (void)h2;
    struct rw_load_socket *socket = call_of(stream)->socket;
    if (socket && socket->sending)
        rw_load_socket_sent(socket);
}

static void on_reset(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code)
{
    struct connection *c = connection_of_h2(h2);
    struct rw_load_call *call = call_of(stream);
    enum rw_load_error error = RW_LOAD_ERROR_RESET;
    if (c->base.closing)
        error = c->why;
    else if (h2->reason)
        error = RW_LOAD_ERROR_PROTOCOL;
    else if (code == RW_H2_REFUSED_STREAM)
        error = RW_LOAD_ERROR_REFUSED;
    struct rw_load_socket *socket = call->status == 101 ? call->socket : NULL;
    if (!socket && !all_sockets(c))
        rw_load_failed(call, error);
    else if (!socket && !c->base.closing)
        fail_to_open(c, "does not agree to a WebSocket: it resets the stream with", code);
    free_call(c, call);
    if (socket && socket->open)
        rw_load_socket_lost(socket, error);
    if (c->base.open)
        leave_if_done(c);
}

static void on_output(struct rw_h2 *h2)
{
    see_to_it(connection_of_h2(h2));
}

static void on_goaway(struct rw_h2 *h2, enum rw_h2_code code)
{
    (void)code;
    struct connection *c = connection_of_h2(h2);
    c->leaving = true;
    see_to_it(c);
}

static bool opens_sockets(const struct rw_load_settings *run)
{
    for (unsigned i = 0; i < run->request_count; i++)
        if (run->requests[i].act == RW_LOAD_OPEN)
            return true;
    return run->upgrade != NULL;
}

static void begin_sockets(struct connection *c)
{
    uint32_t streams = c->base.generator->settings->streams, room = rw_h2_room(&c->h2);
    c->wanting = streams;
    if (room < streams)
        fail_to_open(c, "lets a connection have fewer streams than --streams asks for:", room);
    else
        open_sockets(c);
}

/* The server's settings are there: does it have them? */
static void look_for_sockets(struct connection *c)
{
    struct rw_load_generator *g = c->base.generator;
    if (c->h2.peer_connect_protocol && all_sockets(c))
        begin_sockets(c);
    else if (c->h2.peer_connect_protocol)
        rw_load_opened(&c->base);
    if (c->h2.peer_connect_protocol)
        return;
    if (!g->slot->why[0])
        snprintf(g->slot->why, sizeof(g->slot->why),
                 "the server has no WebSockets over HTTP/2 (RFC 8441)");
    rw_load_lost(&c->base, RW_LOAD_ERROR_CONNECT);
}

/* The peer may allow more streams now. */
static void on_settings(struct rw_h2 *h2)
{
    struct connection *c = connection_of_h2(h2);
    see_to_it(c);
    if (c->base.upgrading && !c->wanting)
        look_for_sockets(c);
    else if (c->base.open)
        rw_load_ready(&c->base);
}

static void on_pong(struct rw_h2 *h2)
{
    (void)h2;
}

static void on_error(struct rw_h2 *h2, enum rw_h2_code code, enum rw_h2_flood flood,
                     const char *text)
{
    (void)code;
    (void)flood;
    (void)text;
    rw_load_lost(&connection_of_h2(h2)->base, RW_LOAD_ERROR_PROTOCOL);
}

static const struct rw_h2_events h2_events = {
    .on_target = on_target,
    .on_head = on_head,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_reset = on_reset,
    .on_output = on_output,
    .on_goaway = on_goaway,
    .on_settings = on_settings,
    .on_pong = on_pong,
    .on_error = on_error,
};

/* ---- The connection ---- */

static void flush(struct connection *c)
{
    struct iovec parts[RW_SEND_PARTS_MAX];
    int count;
    while (!c->sending && !c->base.closing &&
           (count = rw_h2_output(&c->h2, parts, RW_SEND_PARTS_MAX)) > 0) {
        for (int i = 0; i < count; i++)
            c->base.generator->tally->counts.bytes_out += parts[i].iov_len;
        switch (rw_stream_send(&c->base.stream, parts, count)) {
        case RW_SEND_DONE:
            rw_h2_output_sent(&c->h2);
            break;
        case RW_SEND_PENDING:
            c->sending = true;
            break;
        case RW_SEND_FAILED:
            rw_load_lost(&c->base, RW_LOAD_ERROR_RESET);
            return;
        }
    }
}

static void free_gone(struct connection *c)
{
    for (struct rw_list *item; (item = rw_list_pop_front(&c->gone));)
        rw_load_socket_free(rw_container_of(item, struct rw_load_socket, gone));
}

static void end_of_turn(struct rw_later *later)
{
    struct connection *c = rw_container_of(later, struct connection, later);
    free_gone(c);
    if (c->base.closing)
        return;
    if (c->leaving && !c->under_way) {
        rw_load_lost(&c->base, RW_LOAD_ERROR_CLOSED);
        return;
    }
    if (all_sockets(c) && c->base.open)
        open_sockets(c);
    rw_h2_wake(&c->h2);
    flush(c);
}

static enum rw_err begin(struct rw_load_connection *base)
{
    struct connection *c = connection_of(base);
    struct rw_load_generator *g = base->generator;
    struct rw_tls_info info;
    if (g->settings->tls && (!rw_tls_info(&base->stream, &info) || !rw_span_is(info.alpn, "h2"))) {
        snprintf(g->slot->why, sizeof(g->slot->why), "the server does not agree to HTTP/2 (ALPN)");
        return RW_EPROTO;
    }
    c->later.run = end_of_turn;
    rw_list_init(&c->gone);
    rw_list_init(&c->idle);
    base->upgrading = opens_sockets(g->settings);
    enum rw_err err =
        rw_h2_open(&c->h2, &settings, &h2_events, rw_loop_buffers(g->loop), &g->streams, c);
    c->begun = !err;
    return err;
}

/* The engine goes when no event can be on the stack: in on_closed. */
static void end(struct rw_load_connection *base, enum rw_load_error why)
{
    struct connection *c = connection_of(base);
    c->why = (uint8_t)why;
    rw_loop_later_stop(&c->later);
}

static void on_received(struct rw_stream *stream, struct rw_buf *buf)
{
    struct connection *c = connection_of(rw_load_connection_of(stream));
    struct rw_load_generator *g = c->base.generator;
    g->tally->counts.bytes_in += rw_buf_span(buf).len;
    rw_h2_receive(&c->h2, buf, rw_loop_now_ms(g->loop));
}

/* Users have left theirs by themselves. */
static void leave(struct rw_load_connection *base)
{
    struct connection *c = connection_of(base);
    while (c->idle_count) {
        struct rw_load_socket *socket = rw_container_of(c->idle.next, struct rw_load_socket, idle);
        be_busy(c, socket);
        rw_load_socket_leave(socket);
    }
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct connection *c = connection_of(rw_load_connection_of(stream));
    c->sending = false;
    if (err) {
        rw_load_lost(&c->base, RW_LOAD_ERROR_RESET);
        return;
    }
    rw_h2_output_sent(&c->h2);
    see_to_it(c);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    rw_load_lost(rw_load_connection_of(stream), rw_load_error_of(err));
}

static void on_closed(struct rw_stream *stream)
{
    struct connection *c = connection_of(rw_load_connection_of(stream));
    if (c->begun)
        rw_h2_close(&c->h2, RW_H2_CANCEL); /* on_reset for what was under way */
    rw_loop_later_stop(&c->later);
    if (c->begun)
        free_gone(c);
    rw_load_on_closed(stream);
}

static const struct rw_stream_events events = {
    .on_open = rw_load_on_open,
    .on_data = on_received,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

const struct rw_load_protocol rw_load_protocol_h2 = {
    .connection_bytes = sizeof(struct connection),
    .events = &events,
    .begin = begin,
    .room = room,
    .send = send_request,
    .give_up = give_up,
    .put = put,
    .idle = be_idle,
    .hang_up = hang_up,
    .leave = leave,
    .end = end,
};
