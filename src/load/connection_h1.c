/* HTTP/1.1: one request at a time. What is idle holds no buffer. */
#include "http/h1.h"
#include "load/socket.h"

#include <stdio.h>

struct connection {
    struct rw_load_connection base;
    struct rw_load_call call;
    struct rw_h1_body body;
    struct rw_buf *partial;        /* of a head that is not whole */
    struct rw_load_socket *socket; /* what the connection has become, or is to be */
    bool busy;                     /* a request is under way */
    bool in_body;
    bool sending; /* its bytes are still with us */
    bool keep;    /* the connection may be used again */
};

_Static_assert(sizeof(struct connection) <= 256, "a million idle ones are a quarter of a gigabyte");

static struct connection *connection_of(struct rw_load_connection *base)
{
    return rw_container_of(base, struct connection, base);
}

static bool is_socket(const struct connection *c)
{
    return c->socket && c->socket->open;
}

static uint32_t room(const struct rw_load_connection *base)
{
    const struct connection *c = rw_container_of(base, const struct connection, base);
    if (c->socket)
        return !c->socket->user && rw_load_socket_has_room(c->socket);
    return !c->busy && !c->sending;
}

static void drop_partial(struct connection *c)
{
    rw_buf_drop(c->partial);
    c->partial = NULL;
}

static void drop_written(struct connection *c)
{
    rw_buf_drop(c->call.written);
    c->call.written = NULL;
}

static void end(struct rw_load_connection *base, enum rw_load_error why)
{
    struct connection *c = connection_of(base);
    drop_partial(c);
    if (c->busy)
        rw_load_failed(&c->call, why);
    c->busy = false;
    if (is_socket(c))
        rw_load_socket_lost(c->socket, why);
}

static void send_parts(struct connection *c, const struct iovec *parts, int count)
{
    struct rw_load_connection *base = &c->base;
    for (int i = 0; i < count; i++)
        base->generator->tally->counts.bytes_out += parts[i].iov_len;
    enum rw_send result = rw_stream_send(&base->stream, parts, count);
    c->sending = result == RW_SEND_PENDING;
    if (!c->sending)
        drop_written(c);
    if (result == RW_SEND_FAILED)
        rw_load_lost(base, RW_LOAD_ERROR_RESET);
}

/* A request that varies: its head, and its body if that does, into a buffer. */
static void send_written(struct connection *c, const struct rw_load_request *request)
{
    struct rw_load_generator *g = c->base.generator;
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(g->loop), RW_BUF_LARGE_BYTES);
    if (!buf) {
        rw_load_lost(&c->base, RW_LOAD_ERROR_RESET);
        return;
    }
    struct rw_h1_out out = {.at = buf->data, .room = buf->room};
    struct rw_span key = RW_LITERAL("");
    if (c->socket)
        key = rw_span(c->socket->key, sizeof(c->socket->key));
    rw_load_put_head(g->settings, request, key, &out);
    if (request->body_varies)
        rw_h1_put(&out, request->body);
    rw_assert(!out.overflow); /* rw_load_user_write has seen to it */
    c->call.written = buf;
    const struct iovec parts[2] = {
        {.iov_base = buf->data, .iov_len = out.len},
        {.iov_base = (char *)request->body.at, .iov_len = request->body.len},
    };
    send_parts(c, parts, request->body_varies || !request->body.len ? 1 : 2);
}

/* All connections are WebSockets: this one asks to be one. */
static enum rw_err begin(struct rw_load_connection *base)
{
    struct connection *c = connection_of(base);
    const struct rw_load_settings *settings = base->generator->settings;
    if (settings->protocol != RW_LOAD_WEBSOCKET)
        return RW_OK;
    c->socket = rw_load_socket_create(base, NULL);
    if (!c->socket)
        return RW_ENOMEM;
    base->upgrading = true;
    send_written(c, settings->upgrade);
    return RW_OK;
}

static void send_open(struct connection *c, const struct rw_load_request *request)
{
    c->socket = rw_load_socket_create(&c->base, c->call.user);
    if (c->socket)
        send_written(c, request);
    else
        rw_load_lost(&c->base, RW_LOAD_ERROR_RESET);
}

static void send_request(struct rw_load_connection *base, struct rw_load_due due)
{
    struct connection *c = connection_of(base);
    if (c->socket) {
        rw_load_socket_send(c->socket, due);
        return;
    }
    c->call = (struct rw_load_call){.connection = base};
    c->busy = true;
    c->in_body = false;
    const struct rw_load_request *request = rw_load_choose(base->generator, &c->call, due);
    const struct iovec part = {.iov_base = (char *)request->h1.at, .iov_len = request->h1.len};
    if (request->act == RW_LOAD_OPEN)
        send_open(c, request);
    else if (request->varies)
        send_written(c, request);
    else
        send_parts(c, &part, 1);
}

static void give_up(struct rw_load_call *call)
{
    struct connection *c = rw_container_of(call, struct connection, call);
    c->busy = false;
    rw_load_lost(&c->base, RW_LOAD_ERROR_TIMEOUT);
}

static void finish(struct connection *c)
{
    c->busy = false;
    rw_load_socket_free(c->socket); /* it was refused */
    c->socket = NULL;
    rw_load_answered(&c->call);
    if (!c->keep)
        rw_load_lost(&c->base, RW_LOAD_ERROR_CLOSED);
    else if (!c->sending)
        rw_load_ready(&c->base);
}

static void be_wrong(struct connection *c)
{
    rw_load_lost(&c->base, RW_LOAD_ERROR_PROTOCOL);
}

/* What follows are frames. */
static void become_socket(struct connection *c, const struct rw_message *message)
{
    if (!c->socket || !rw_load_socket_accepts(c->socket, message)) {
        be_wrong(c);
        return;
    }
    rw_load_socket_opened(c->socket);
    if (c->base.upgrading) {
        rw_load_opened(&c->base);
        return;
    }
    c->busy = false;
    c->call.status = message->status;
    rw_load_user_head(c->call.user, message);
    rw_load_answered(&c->call);
}

static void be_refused(struct connection *c, unsigned status)
{
    struct rw_load_generator *g = c->base.generator;
    if (!g->slot->why[0])
        snprintf(g->slot->why, sizeof(g->slot->why),
                 "the server does not agree to a WebSocket: status %u", status);
    rw_load_lost(&c->base, RW_LOAD_ERROR_CONNECT);
}

/* False: what is there does not make a head yet, or the connection is over, or a WebSocket. */
static bool take_head(struct connection *c, struct rw_span *bytes)
{
    struct rw_load_generator *g = c->base.generator;
    const struct rw_load_request *request = &g->settings->requests[c->call.request];
    struct rw_message message = {0};
    struct rw_h1_head head = {0};
    rw_arena_init(&g->scratch, g->scratch_memory, RW_LOAD_HEAD_BYTES_MAX, 4096, 0);
    switch (rw_h1_parse_response(*bytes, &rw_h1_limits_default, rw_method_from(request->method),
                                 &g->scratch, &message, &head)) {
    case RW_H1_COMPLETE:
        *bytes = rw_span_skip(*bytes, head.consumed);
        break;
    case RW_H1_INCOMPLETE:
        return false;
    default:
        be_wrong(c);
        return false;
    }
    if (message.status == 101)
        become_socket(c, &message);
    else if (message.status >= 200 && c->base.upgrading)
        be_refused(c, message.status);
    if (message.status == 101 || c->base.closing)
        return false;
    if (message.status < 200 && ++c->call.interims > RW_INTERIMS_MAX) {
        be_wrong(c);
        return false;
    }
    if (message.status < 200)
        return true;
    c->call.status = message.status;
    c->keep = message.keep_alive;
    c->in_body = true;
    if (c->call.user)
        rw_load_user_head(c->call.user, &message);
    rw_h1_body_start(&c->body, &message);
    return true;
}

/* False: more is needed, or the connection is over. */
static bool take_body(struct connection *c, struct rw_span *bytes)
{
    struct rw_span data;
    for (;;) {
        switch (rw_h1_body_next(&c->body, &rw_h1_limits_default, bytes, &data, NULL)) {
        case RW_H1_BODY_DATA:
            if (c->call.user)
                rw_load_user_body(c->call.user, data);
            break;
        case RW_H1_BODY_MORE:
            return false;
        case RW_H1_BODY_END:
            if (bytes->len)
                be_wrong(c); /* nothing else was asked for */
            else
                finish(c);
            return false;
        case RW_H1_BODY_BAD:
            be_wrong(c);
            return false;
        }
    }
}

static void keep_partial(struct connection *c, struct rw_buf *buf, struct rw_span rest)
{
    if (c->base.closing || c->in_body || !rest.len)
        return;
    buf->start = buf->end - (uint32_t)rest.len;
    if (buf != c->partial)
        c->partial = rw_buf_hold(buf);
}

/* The start of a head lies in another buffer: both together. */
static struct rw_buf *join(struct connection *c, struct rw_buf *buf)
{
    struct rw_span more = rw_buf_span(buf);
    if (!c->partial)
        return buf;
    if (rw_buf_space(c->partial) < more.len) {
        struct rw_span kept = rw_buf_span(c->partial);
        struct rw_buf *larger = rw_buf_get(buf->pool, RW_BUF_LARGE_BYTES);
        if (!larger || kept.len + more.len > larger->room) {
            rw_buf_drop(larger);
            return NULL;
        }
        memcpy(larger->data, kept.at, kept.len);
        larger->end = (uint32_t)kept.len;
        drop_partial(c);
        c->partial = larger;
    }
    memcpy(c->partial->data + c->partial->end, more.at, more.len);
    c->partial->end += (uint32_t)more.len;
    return c->partial;
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct connection *c = connection_of(rw_load_connection_of(stream));
    struct rw_span received = rw_buf_span(buf);
    c->base.generator->tally->counts.bytes_in += received.len;
    if (is_socket(c)) {
        rw_load_socket_receive(c->socket, received);
        rw_buf_drop(buf);
        return;
    }
    struct rw_buf *whole = c->busy || c->base.upgrading ? join(c, buf) : NULL;
    if (!whole) {
        rw_buf_drop(buf);
        be_wrong(c);
        return;
    }
    struct rw_span bytes = rw_buf_span(whole);
    while (!c->in_body && take_head(c, &bytes))
        ;
    if (c->in_body || is_socket(c)) {
        if (whole == c->partial)
            c->partial = NULL; /* ours from here */
        if (c->in_body)
            take_body(c, &bytes);
        else
            rw_load_socket_receive(c->socket, bytes);
        if (whole != buf)
            rw_buf_drop(whole);
    } else {
        keep_partial(c, whole, bytes);
    }
    rw_buf_drop(buf);
}

/* The handshake's own bytes may still be with us when its answer is there. */
static enum rw_send put(struct rw_load_socket *socket, struct rw_buf *buf)
{
    struct connection *c = connection_of(socket->connection);
    struct rw_span bytes = rw_buf_span(buf);
    const struct iovec part = {.iov_base = (char *)bytes.at, .iov_len = bytes.len};
    return c->sending ? RW_SEND_PENDING : rw_stream_send(&c->base.stream, &part, 1);
}

static void be_idle(struct rw_load_socket *socket)
{
    rw_load_ready(socket->connection);
}

static void hang_up(struct rw_load_socket *socket, enum rw_load_error why)
{
    rw_load_lost(socket->connection, why);
}

static void leave(struct rw_load_connection *base)
{
    struct connection *c = connection_of(base);
    if (is_socket(c))
        rw_load_socket_leave(c->socket);
}

/* The handshake has left: what its WebSocket has put meanwhile follows. */
static void put_waiting(struct connection *c)
{
    switch (put(c->socket, c->socket->out_first)) {
    case RW_SEND_DONE:
        rw_load_socket_sent(c->socket);
        break;
    case RW_SEND_PENDING:
        break;
    case RW_SEND_FAILED:
        rw_load_lost(&c->base, RW_LOAD_ERROR_RESET);
    }
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct connection *c = connection_of(rw_load_connection_of(stream));
    bool of_request = c->sending;
    c->sending = false;
    if (of_request)
        drop_written(c);
    if (err)
        rw_load_lost(&c->base, RW_LOAD_ERROR_RESET);
    else if (c->socket && c->socket->sending && of_request)
        put_waiting(c);
    else if (c->socket && c->socket->sending)
        rw_load_socket_sent(c->socket);
    else if (!c->busy)
        rw_load_ready(&c->base);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    struct connection *c = connection_of(rw_load_connection_of(stream));
    if (c->busy && c->in_body && !err && rw_h1_body_may_end(&c->body)) {
        c->keep = false;
        finish(c);
        return;
    }
    rw_load_lost(&c->base, rw_load_error_of(err));
}

static void on_closed(struct rw_stream *stream)
{
    struct connection *c = connection_of(rw_load_connection_of(stream));
    drop_written(c);
    rw_load_socket_free(c->socket);
    rw_load_on_closed(stream);
}

static const struct rw_stream_events events = {
    .on_open = rw_load_on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

const struct rw_load_protocol rw_load_protocol_h1 = {
    .connection_bytes = sizeof(struct connection),
    .events = &events,
    .begin = begin,
    .room = room,
    .send = send_request,
    .give_up = give_up,
    .put = put,
    .idle = be_idle,
    .leave = leave,
    .hang_up = hang_up,
    .end = end,
};
