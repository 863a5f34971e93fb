#include "load/socket.h"

#include "load/generator_parts.h"

enum {
    OUT_MAX = 32,   /* frames that wait to be sent: a peer that pings and does not read */
    LEAVE_MS = 2000 /* how long the peer's Close frame is waited for */
};

static struct rw_load_generator *generator_of(const struct rw_load_socket *socket)
{
    return socket->connection->generator;
}

/* ---- Coming and going ---- */

struct rw_load_socket *rw_load_socket_create(struct rw_load_connection *connection,
                                             struct rw_load_user *user)
{
    struct rw_load_generator *g = connection->generator;
    struct rw_load_socket *socket = rw_slab_get(&g->sockets);
    uint64_t nonce[RW_WEBSOCKET_NONCE_BYTES / sizeof(uint64_t)];
    if (!socket)
        return NULL;
    memset(socket, 0, sizeof(*socket));
    socket->connection = connection;
    socket->user = user;
    for (unsigned i = 0; i < sizeof(nonce) / sizeof(nonce[0]); i++)
        nonce[i] = rw_random_u64(&g->masks);
    rw_websocket_key(socket->key, (const uint8_t *)nonce);
    return socket;
}

void rw_load_socket_free(struct rw_load_socket *socket)
{
    if (!socket)
        return;
    while (socket->out_first) {
        struct rw_buf *buf = socket->out_first;
        socket->out_first = buf->next;
        rw_buf_drop(buf);
    }
    rw_list_remove(&socket->leaving);
    rw_list_remove(&socket->gone);
    rw_list_remove(&socket->idle);
    rw_slab_put(&generator_of(socket)->sockets, socket);
}

bool rw_load_socket_accepts(const struct rw_load_socket *socket, const struct rw_message *message)
{
    char expected[RW_WEBSOCKET_ACCEPT_BYTES];
    const struct rw_field *accept =
        rw_message_find_name(message, RW_LITERAL("Sec-WebSocket-Accept"));
    return message->upgrade &&
           rw_span_is_nocase(rw_message_value(message, RW_FIELD_UPGRADE), "websocket") && accept &&
           rw_websocket_accept(expected, rw_span(socket->key, sizeof(socket->key))) &&
           rw_span_eq(accept->value, rw_span(expected, sizeof(expected)));
}

/* No extension was asked for: no reserved bit is allowed. */
void rw_load_socket_opened(struct rw_load_socket *socket)
{
    struct rw_load_generator *g = generator_of(socket);
    rw_websocket_start(&socket->track, false, 0);
    socket->open = true;
    g->tally->counts.sockets++;
    if (socket->user)
        socket->user->socket = socket;
}

static void detach(struct rw_load_socket *socket)
{
    if (socket->user && socket->user->socket == socket)
        socket->user->socket = NULL;
    socket->user = NULL;
}

void rw_load_socket_lost(struct rw_load_socket *socket, enum rw_load_error why)
{
    bool was_open = socket->open;
    struct rw_load_user *user = was_open ? socket->user : NULL;
    detach(socket);
    rw_list_remove(&socket->leaving);
    socket->open = false;
    if (socket->asking) {
        socket->asking = false;
        rw_load_failed(&socket->call, why);
    } else if (user) {
        rw_load_user_deserted(user, why);
    } else if (was_open && !socket->left_alone) {
        rw_load_count_error(generator_of(socket), rw_loop_now_ns(generator_of(socket)->loop), why);
    }
}

static void hang_up(struct rw_load_socket *socket, enum rw_load_error why)
{
    generator_of(socket)->protocol->hang_up(socket, why);
}

/* ---- Sending ---- */

/* A message may be sent: its user's, or whatever is next. */
static void be_ready(struct rw_load_socket *socket)
{
    struct rw_load_generator *g = generator_of(socket);
    if (socket->user)
        rw_loop_later(g->loop, &g->serve);
    else
        g->protocol->idle(socket);
}

static void flush(struct rw_load_socket *socket)
{
    while (socket->out_first && !socket->sending) {
        struct rw_buf *buf = socket->out_first;
        generator_of(socket)->tally->counts.bytes_out += rw_buf_span(buf).len;
        socket->sending = true; /* before: it may be lost from inside */
        switch (generator_of(socket)->protocol->put(socket, buf)) {
        case RW_SEND_DONE:
            rw_load_socket_sent(socket);
            break;
        case RW_SEND_PENDING:
            break;
        case RW_SEND_FAILED:
            hang_up(socket, RW_LOAD_ERROR_RESET);
            return;
        }
    }
}

void rw_load_socket_sent(struct rw_load_socket *socket)
{
    struct rw_buf *buf = socket->out_first;
    socket->sending = false;
    socket->out_first = buf->next;
    socket->out_count--;
    rw_buf_drop(buf);
    if (socket->out_first)
        flush(socket);
    else if (socket->over)
        hang_up(socket, RW_LOAD_ERROR_CLOSED);
    else if (rw_load_socket_has_room(socket))
        be_ready(socket);
}

/* Takes over `buf`. */
static void put(struct rw_load_socket *socket, struct rw_buf *buf)
{
    buf->next = NULL;
    if (socket->out_first)
        socket->out_last->next = buf;
    else
        socket->out_first = buf;
    socket->out_last = buf;
    if (++socket->out_count > OUT_MAX)
        hang_up(socket, RW_LOAD_ERROR_PROTOCOL);
    else
        flush(socket);
}

static void make_mask(struct rw_load_socket *socket, uint8_t mask[RW_WEBSOCKET_MASK_BYTES])
{
    uint64_t random = rw_random_u64(&generator_of(socket)->masks);
    memcpy(mask, &random, RW_WEBSOCKET_MASK_BYTES);
}

static struct rw_buf *get_buf(struct rw_load_socket *socket, size_t room)
{
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(generator_of(socket)->loop), room);
    if (!buf)
        hang_up(socket, RW_LOAD_ERROR_RESET);
    return buf;
}

static void put_control(struct rw_load_socket *socket, enum rw_websocket_opcode opcode,
                        struct rw_span payload)
{
    uint8_t mask[RW_WEBSOCKET_MASK_BYTES];
    struct rw_buf *buf = get_buf(socket, RW_WEBSOCKET_WRITE_MAX);
    if (!buf)
        return;
    make_mask(socket, mask);
    buf->end = (uint32_t)rw_websocket_write(buf->data, opcode, payload, mask);
    put(socket, buf);
}

static void put_close(struct rw_load_socket *socket, unsigned code)
{
    const char payload[] = {(char)(code >> 8), (char)(code & 0xff)};
    socket->closing = true;
    put_control(socket, RW_WEBSOCKET_CLOSE, rw_span(payload, sizeof(payload)));
}

static void put_message(struct rw_load_socket *socket, const struct rw_load_request *request)
{
    uint8_t mask[RW_WEBSOCKET_MASK_BYTES];
    struct rw_buf *buf = get_buf(socket, request->body.len + RW_WEBSOCKET_FRAME_MAX);
    if (!buf)
        return;
    make_mask(socket, mask);
    buf->end = (uint32_t)rw_websocket_write_message(
        buf->data, request->binary ? RW_WEBSOCKET_BINARY : RW_WEBSOCKET_TEXT, request->body, mask);
    put(socket, buf);
}

void rw_load_socket_send(struct rw_load_socket *socket, struct rw_load_due due)
{
    struct rw_load_generator *g = generator_of(socket);
    socket->call = (struct rw_load_call){
        .connection = socket->connection, .socket = socket, .is_message = true};
    const struct rw_load_request *request = rw_load_choose(g, &socket->call, due);
    bool waits = request->act == RW_LOAD_CLOSE || !request->unanswered;
    socket->asking = waits;
    socket->heard = false;
    if (request->act == RW_LOAD_CLOSE) {
        put_close(socket, request->close_code);
        return;
    }
    g->tally->counts.messages_out += rw_load_is_recorded(g, due.ns);
    put_message(socket, request);
    if (!waits)
        rw_load_sent_off(&socket->call);
}

void rw_load_socket_give_up(struct rw_load_socket *socket)
{
    socket->asking = false;
    if (!socket->left_alone) /* nobody's: a late answer would be taken for another's */
        hang_up(socket, RW_LOAD_ERROR_TIMEOUT);
}

/* A connection that was all its own has done what it was for. */
static void be_spent(struct rw_load_socket *socket)
{
    socket->connection->spent = !socket->stream;
}

/* It is to end soon, in good order or not. */
static void be_left_alone(struct rw_load_socket *socket)
{
    struct rw_load_generator *g = generator_of(socket);
    socket->left_alone = true;
    socket->asking = false;
    socket->leaving_since_ns = rw_loop_now_ns(g->loop);
    if (!rw_list_linked(&socket->leaving))
        rw_list_push_back(&g->leaving, &socket->leaving);
}

void rw_load_socket_leave(struct rw_load_socket *socket)
{
    detach(socket);
    be_left_alone(socket);
    be_spent(socket);
    if (socket->open && !socket->closing)
        put_close(socket, RW_WEBSOCKET_NORMAL);
}

void rw_load_sockets_look(struct rw_load_generator *g)
{
    while (!rw_list_empty(&g->leaving)) {
        struct rw_load_socket *socket =
            rw_container_of(g->leaving.next, struct rw_load_socket, leaving);
        if (rw_loop_now_ns(g->loop) < socket->leaving_since_ns + LEAVE_MS * RW_NS_PER_MS)
            break;
        rw_list_remove(&socket->leaving);
        hang_up(socket, RW_LOAD_ERROR_CLOSED);
    }
}

/* ---- Receiving ---- */

static bool is_control(const struct rw_load_socket *socket)
{
    return socket->opcode >= RW_WEBSOCKET_CLOSE;
}

static void answer(struct rw_load_socket *socket)
{
    socket->asking = false;
    rw_load_answered(&socket->call);
    if (rw_load_socket_has_room(socket))
        be_ready(socket);
}

/* The message that came is whole. */
static void end_message(struct rw_load_socket *socket)
{
    struct rw_load_generator *g = generator_of(socket);
    bool recorded = rw_load_is_recorded(g, rw_loop_now_ns(g->loop));
    bool asked = socket->asking && socket->heard && rw_load_is_answer(&socket->call);
    g->tally->counts.messages_in += recorded;
    g->tally->counts.pushed += recorded && !asked;
    socket->heard = false;
    if (asked)
        answer(socket);
}

static void end_frame(struct rw_load_socket *socket)
{
    if (socket->opcode == RW_WEBSOCKET_PING) {
        struct rw_load_generator *g = generator_of(socket);
        g->tally->counts.pings += rw_load_is_recorded(g, rw_loop_now_ns(g->loop));
        if (!socket->closing)
            put_control(socket, RW_WEBSOCKET_PONG, rw_span(socket->control, socket->control_bytes));
    } else if (!is_control(socket) && socket->fin) {
        end_message(socket);
    }
}

/* The peer's Close frame: the answer to ours, or the end that it wants. */
static void be_closed(struct rw_load_socket *socket)
{
    if (!socket->closing) {
        rw_load_socket_lost(socket, RW_LOAD_ERROR_CLOSED);
        put_close(socket, RW_WEBSOCKET_NORMAL);
    } else if (socket->asking) {
        be_spent(socket);
        detach(socket);
        answer(socket);
    }
    be_left_alone(socket);
    socket->open = false;
    socket->over = true;
    if (!socket->out_first)
        hang_up(socket, RW_LOAD_ERROR_CLOSED);
}

static void begin_frame(struct rw_load_socket *socket, const struct rw_websocket_frame *frame)
{
    socket->opcode = frame->opcode;
    socket->fin = frame->fin;
    socket->left = frame->bytes;
    socket->control_bytes = 0;
    if (frame->opcode == RW_WEBSOCKET_TEXT || frame->opcode == RW_WEBSOCKET_BINARY)
        socket->heard = socket->asking && !socket->closing;
    if (frame->opcode == RW_WEBSOCKET_CLOSE)
        be_closed(socket);
    else if (!socket->left)
        end_frame(socket);
}

static void take_payload(struct rw_load_socket *socket, struct rw_span bytes)
{
    struct rw_span piece = rw_span(bytes.at, socket->left < bytes.len ? socket->left : bytes.len);
    if (!piece.len)
        return;
    if (is_control(socket)) {
        memcpy(socket->control + socket->control_bytes, piece.at, piece.len);
        socket->control_bytes = (uint8_t)(socket->control_bytes + piece.len);
    } else if (socket->asking && socket->heard && socket->call.user) {
        rw_load_user_body(socket->call.user, piece);
    }
    socket->left -= piece.len;
    if (!socket->left)
        end_frame(socket);
}

void rw_load_socket_receive(struct rw_load_socket *socket, struct rw_span bytes)
{
    struct rw_websocket_frame frame;
    while (socket->open) {
        take_payload(socket, bytes);
        if (!socket->open)
            return;
        switch (rw_websocket_next(&socket->track, 0, &bytes, &frame)) {
        case RW_WEBSOCKET_MORE:
            return;
        case RW_WEBSOCKET_FRAME:
            begin_frame(socket, &frame);
            break;
        case RW_WEBSOCKET_BAD:
        case RW_WEBSOCKET_SURPLUS:
            hang_up(socket, RW_LOAD_ERROR_PROTOCOL);
            return;
        }
    }
}
