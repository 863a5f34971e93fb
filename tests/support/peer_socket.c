#include "support/peer_socket.h"

#include <stdlib.h>

enum { CONTINUATION = 0, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };
enum { FIN = 0x80, MASKED = 0x80, MESSAGE_BYTES_MAX = 3000, NORMAL = 1000 };

void rw_test_socket_begin(struct rw_test_socket *socket, struct rw_test_world *world,
                          const struct rw_test_request *r, enum rw_test_side side)
{
    rw_test_socket_free(socket);
    *socket = (struct rw_test_socket){
        .world = world, .r = r, .side = side, .begun = true, .pong_bytes = -1};
}

void rw_test_socket_free(struct rw_test_socket *socket)
{
    free(socket->out.at);
    socket->out = (struct rw_test_bytes){0};
}

static uint32_t own_bytes(const struct rw_test_socket *socket)
{
    return socket->side == RW_TEST_CLIENT ? socket->r->body_bytes : socket->r->answer_bytes;
}

static uint32_t other_bytes(const struct rw_test_socket *socket)
{
    return socket->side == RW_TEST_CLIENT ? socket->r->answer_bytes : socket->r->body_bytes;
}

/* ---- Sending ---- */

static void put_frame(struct rw_test_socket *socket, unsigned first, const char *payload,
                      uint32_t len)
{
    struct rw_test_bytes *out = &socket->out;
    unsigned char head[14] = {(unsigned char)first}, mask[4];
    size_t bytes = 2;
    if (len < 126) {
        head[1] = (unsigned char)len;
    } else if (len <= 0xffff) {
        head[1] = 126;
        head[2] = (unsigned char)(len >> 8);
        head[3] = (unsigned char)len;
        bytes = 4;
    } else {
        head[1] = 127;
        for (int i = 0; i < 4; i++)
            head[6 + i] = (unsigned char)(len >> (24 - 8 * i));
        bytes = 10;
    }
    for (int i = 0; i < 4; i++)
        mask[i] =
            socket->side == RW_TEST_CLIENT ? (unsigned char)rw_test_below(socket->world, 256) : 0;
    if (socket->side == RW_TEST_CLIENT) {
        head[1] |= MASKED;
        memcpy(head + bytes, mask, 4);
        bytes += 4;
    }
    rw_test_bytes_add(out, (const char *)head, bytes);
    size_t from = out->len;
    rw_test_bytes_add(out, payload, len);
    for (uint32_t i = 0; i < len; i++)
        out->at[from + i] = (char)(out->at[from + i] ^ mask[i % 4]);
}

static void put_close(struct rw_test_socket *socket, unsigned code)
{
    const char payload[] = {(char)(code >> 8), (char)code};
    socket->said_close = true;
    put_frame(socket, FIN | CLOSE, payload, sizeof(payload));
}

static void put_message(struct rw_test_socket *socket)
{
    char payload[MESSAGE_BYTES_MAX];
    uint32_t left = own_bytes(socket) - socket->made;
    uint32_t len = rw_test_below(socket->world, MESSAGE_BYTES_MAX + 1);
    len = len < left ? len : left;
    bool last = len == left || rw_test_chance(socket->world, 60);
    rw_test_body_fill(payload, len, socket->r->id, socket->side, socket->made);
    put_frame(socket, (last ? FIN : 0u) | (socket->fragments ? CONTINUATION : BINARY), payload,
              len);
    socket->fragments = !last;
    socket->made += len;
}

/* The script has no more for either side. */
static bool ends_now(const struct rw_test_socket *socket)
{
    bool ends = socket->r->origin_ends == (socket->side == RW_TEST_ORIGIN);
    return ends && socket->made == own_bytes(socket) && socket->got == other_bytes(socket) &&
           !socket->fragments && !socket->in_message;
}

static void make_more(struct rw_test_socket *socket)
{
    socket->out.len = socket->out_at = 0;
    if (socket->said_close)
        return;
    if (socket->heard_close) {
        put_close(socket, socket->code);
    } else if (socket->pong_bytes >= 0) {
        put_frame(socket, FIN | PONG, socket->pong, (uint32_t)socket->pong_bytes);
        socket->pong_bytes = -1;
    } else if (socket->made < own_bytes(socket) && rw_test_chance(socket->world, 10)) {
        put_frame(socket, FIN | PING, "?", 1);
    } else if (socket->made < own_bytes(socket)) {
        put_message(socket);
    } else if (ends_now(socket)) {
        put_close(socket, NORMAL);
    }
}

struct rw_span rw_test_socket_next(struct rw_test_socket *socket, size_t most)
{
    if (socket->out_at == socket->out.len)
        make_more(socket);
    size_t left = socket->out.len - socket->out_at;
    size_t len = left < most ? left : most;
    if (len == 0)
        return (struct rw_span){0};
    socket->out_at += len;
    return rw_span(socket->out.at + socket->out_at - len, len);
}

bool rw_test_socket_over(const struct rw_test_socket *socket)
{
    return socket->said_close && socket->heard_close && socket->out_at == socket->out.len;
}

bool rw_test_socket_complete(const struct rw_test_socket *socket)
{
    return rw_test_socket_over(socket) && socket->code == NORMAL;
}

/* ---- Receiving ---- */

static void wrong(struct rw_test_socket *socket, const char *why)
{
    rw_test_fail(socket->world, "%u: the %s of a WebSocket was sent %s, after %u bytes",
                 socket->r->id, socket->side == RW_TEST_CLIENT ? "client" : "origin", why,
                 (unsigned)socket->got);
}

static unsigned opcode_of(const struct rw_test_socket *socket)
{
    return socket->head[0] & 0x0f;
}

static unsigned head_length(const struct rw_test_socket *socket)
{
    if (socket->head_bytes < 2)
        return 2;
    unsigned length = socket->head[1] & 0x7f;
    return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + (socket->head[1] & MASKED ? 4 : 0);
}

static uint64_t payload_length(const struct rw_test_socket *socket)
{
    unsigned length = socket->head[1] & 0x7f;
    uint64_t value = 0;
    if (length < 126)
        return length;
    for (unsigned i = 0; i < (length == 126 ? 2u : 8u); i++)
        value = value << 8 | socket->head[2 + i];
    return value;
}

static void check_frame(struct rw_test_socket *socket)
{
    unsigned opcode = opcode_of(socket);
    bool fin = socket->head[0] & FIN;
    bool masked = socket->head[1] & MASKED;
    if (masked != (socket->side == RW_TEST_ORIGIN))
        wrong(socket, "a frame masked the wrong way");
    if (opcode > BINARY && opcode != CLOSE && opcode != PING && opcode != PONG)
        wrong(socket, "an opcode that nobody uses");
    if (opcode >= CLOSE && (!fin || socket->left > sizeof(socket->control)))
        wrong(socket, "a control frame that is none");
    if (opcode < CLOSE && socket->in_message != (opcode == CONTINUATION))
        wrong(socket, "fragments out of order");
    if (opcode < CLOSE)
        socket->in_message = !fin;
}

/* 1000 comes from the other end, when it has everything and has sent everything; the rest is the
 * gateway's. */
static void take_close(struct rw_test_socket *socket, uint64_t len)
{
    static const unsigned gateways[] = {1001, 1009};
    socket->heard_close = true;
    socket->code = len >= 2 ? (unsigned)socket->control[0] << 8 | socket->control[1] : 0;
    rw_test_trace(socket->world, "%u: side %d is told Close %u", socket->r->id, socket->side,
                  socket->code);
    bool known =
        socket->code == NORMAL || socket->code == gateways[0] || socket->code == gateways[1];
    if (!known || (socket->world->strict && socket->code != NORMAL))
        wrong(socket, "a Close with a code that nobody has reason for");
    if (socket->code == NORMAL && socket->got != other_bytes(socket))
        wrong(socket, "a Close before all that was sent");
}

static void end_frame(struct rw_test_socket *socket)
{
    uint64_t len = socket->at;
    socket->head_bytes = 0;
    if (opcode_of(socket) == CLOSE)
        take_close(socket, len);
    if (opcode_of(socket) != PING)
        return;
    memcpy(socket->pong, socket->control, len);
    socket->pong_bytes = (int)len;
}

static void take_byte(struct rw_test_socket *socket, unsigned char byte)
{
    unsigned mask_at = head_length(socket) - 4;
    if (socket->head[1] & MASKED)
        byte ^= socket->head[mask_at + socket->at % 4];
    if (opcode_of(socket) >= CLOSE) {
        socket->control[socket->at % sizeof(socket->control)] = byte;
    } else {
        const struct rw_span one = {(const char *)&byte, 1};
        enum rw_test_side from = socket->side == RW_TEST_CLIENT ? RW_TEST_ORIGIN : RW_TEST_CLIENT;
        if (!rw_test_body_is(one, socket->r->id, from, socket->got) ||
            socket->got == other_bytes(socket))
            wrong(socket, "bytes that are not its own");
        socket->got++;
    }
    socket->at++;
    socket->left--;
}

static void take_head_byte(struct rw_test_socket *socket, unsigned char byte)
{
    socket->head[socket->head_bytes++] = byte;
    if (socket->head_bytes < head_length(socket))
        return;
    socket->left = payload_length(socket);
    socket->at = 0;
    check_frame(socket);
    if (socket->left == 0)
        end_frame(socket);
}

void rw_test_socket_feed(struct rw_test_socket *socket, struct rw_span bytes)
{
    for (size_t i = 0; i < bytes.len && !socket->world->failed; i++) {
        unsigned char byte = (unsigned char)bytes.at[i];
        bool in_payload = socket->head_bytes && socket->head_bytes == head_length(socket);
        if (socket->heard_close) {
            wrong(socket, "bytes after Close");
            return;
        }
        if (!in_payload) {
            take_head_byte(socket, byte);
            continue;
        }
        take_byte(socket, byte);
        if (socket->left == 0)
            end_frame(socket);
    }
}
