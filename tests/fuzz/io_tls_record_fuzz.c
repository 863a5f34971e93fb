/* A TLS 1.3 connection after it was taken over from libssl. An input is a program: records made
 * with the right keys around whatever text and type, damaged ones, raw bytes, and what the owner
 * does meanwhile: sends that wait, receiving off and on, shutdown, close from within a callback.
 *
 * A second receiver (struct reference), which has all bytes in a row and takes the long way,
 * says what must come out: only authentic data, in order; the end with the same verdict; the right
 * alert, with nothing behind it. What the server sends must open with the keys that are due. */
#include "base/list.h"
#include "base/log.h"
#include "io/tls_internal.h"
#include "support/tls_records.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WIRE_BYTES_MAX = 1 << 18, STEPS_MAX = 200, NO_ALERT = -1, RECORDS_MAX = 7 };

struct reference {
    struct records_side side;
    unsigned char data[WIRE_BYTES_MAX];
    size_t data_bytes, used, data_records;
    unsigned char message[8];
    size_t message_bytes, trivial;
    bool ended, closed, updates_asked;
    int alert; /* that the server has to send */
};

static struct world {
    struct rw_loop loop;
    struct rw_stream stream;
    struct rw_tls_server server;
    /* From the client to the server. */
    struct records_side client;
    struct reference reference;
    unsigned char in[WIRE_BYTES_MAX];
    size_t in_bytes, in_given, split;
    bool fin, fin_told, receiving;
    /* From the server to the client. */
    unsigned char out[WIRE_BYTES_MAX];
    size_t out_bytes;
    struct rw_parts pending;
    bool sends_wait, shut, raw_closed;
    /* The owner. */
    size_t received, sent, close_at;
    bool wants, ended, sending, echo, shutdown_called, failed_send;
    enum rw_err end_err;
    unsigned char owners[WIRE_BYTES_MAX]; /* what it sends */
} * world;

/* ---- The reference ---- */

static void reference_ends(struct reference *reference, int alert)
{
    reference->ended = true;
    reference->alert = alert;
}

static void reference_trivial(struct reference *reference)
{
    if (++reference->trivial > 32)
        reference_ends(reference, 10);
}

static void reference_handshake(struct reference *reference, const unsigned char *text,
                                size_t bytes)
{
    if (bytes == 0 || reference->message_bytes + bytes > 5) {
        reference_ends(reference, 10);
        return;
    }
    memcpy(reference->message + reference->message_bytes, text, bytes);
    reference->message_bytes += bytes;
    if (reference->message[0] != 24) {
        reference_ends(reference, 10);
    } else if (reference->message_bytes == 5) {
        unsigned char *message = reference->message;
        reference->message_bytes = 0;
        if (message[1] || message[2] || message[3] != 1) {
            reference_ends(reference, 50);
        } else if (message[4] > 1) {
            reference_ends(reference, 47);
        } else {
            records_update(&reference->side);
            reference->updates_asked |= message[4] == 1;
            reference_trivial(reference);
        }
    }
}

static void reference_alert(struct reference *reference, const unsigned char *text, size_t bytes)
{
    if (bytes == 0) {
        reference_ends(reference, 10);
    } else if (bytes != 2) {
        reference_ends(reference, 50);
    } else if (text[1] == 90) {
        reference_trivial(reference);
    } else {
        reference_ends(reference, NO_ALERT);
        reference->closed = text[1] == 0;
    }
}

static void reference_data(struct reference *reference, const unsigned char *text, size_t bytes)
{
    if (reference->message_bytes) {
        reference_ends(reference, 10);
    } else if (bytes == 0) {
        reference_trivial(reference);
    } else {
        rw_assert(reference->data_bytes + bytes <= WIRE_BYTES_MAX);
        memcpy(reference->data + reference->data_bytes, text, bytes);
        reference->data_bytes += bytes;
        reference->trivial = 0;
    }
}

static void reference_record(struct reference *reference, const unsigned char *at, size_t whole)
{
    static unsigned char text[RECORDS_BYTES_MAX];
    unsigned char type = 0;
    size_t bytes = 0;
    if (whole > 5 + 16384 + 17)
        reference_ends(reference, 22);
    else if (!records_open(&reference->side, at, whole, text, &bytes, &type))
        reference_ends(reference, 20);
    else if (type == RECORDS_DATA)
        reference_data(reference, text, bytes);
    else if (type == RECORDS_ALERT)
        reference_alert(reference, text, bytes);
    else if (type == RECORDS_HANDSHAKE)
        reference_handshake(reference, text, bytes);
    else
        reference_ends(reference, 10);
}

static void reference_reads(struct reference *reference)
{
    while (!reference->ended && world->in_bytes - reference->used >= 5) {
        const unsigned char *at = world->in + reference->used;
        size_t body = (size_t)at[3] << 8 | at[4];
        size_t whole = records_bytes(at, world->in_bytes - reference->used);
        if (at[0] != 23)
            reference_ends(reference, 10);
        else if (body > 16384 + 256)
            reference_ends(reference, 22);
        else if (body < 17)
            reference_ends(reference, 20);
        else if (whole)
            reference_record(reference, at, whole);
        else
            return;
        reference->used += whole;
    }
}

/* ---- The transport ---- */

static void transport_receive(struct rw_stream *stream, bool on, bool large)
{
    (void)stream, (void)large;
    world->receiving = on;
}

static void put_out(const struct iovec *parts, int count)
{
    rw_assert(!world->shut);
    for (int i = 0; i < count; i++) {
        rw_assert(world->out_bytes + parts[i].iov_len <= WIRE_BYTES_MAX);
        memcpy(world->out + world->out_bytes, parts[i].iov_base, parts[i].iov_len);
        world->out_bytes += parts[i].iov_len;
    }
}

static enum rw_send transport_send(struct rw_stream *stream, const struct iovec *parts, int count)
{
    rw_assert(!world->pending.count && !stream->pending);
    if (!world->sends_wait) {
        put_out(parts, count);
        return RW_SEND_DONE;
    }
    rw_parts_set(&world->pending, parts, count, 0);
    return RW_SEND_PENDING;
}

static void transport_shutdown(struct rw_stream *stream)
{
    (void)stream;
    rw_assert(!world->pending.count);
    world->shut = true;
}

static void transport_close(struct rw_stream *stream, bool abort)
{
    (void)stream, (void)abort;
    world->raw_closed = true;
}

static void transport_ready(struct rw_stream *stream)
{
    (void)stream;
}

static const struct rw_io_backend transport = {
    .name = "fuzz",
    .kind = RW_LOOP_SIM, /* no descriptor */
    .receive = transport_receive,
    .send = transport_send,
    .shutdown = transport_shutdown,
    .close = transport_close,
    .ready = transport_ready,
};

static bool is_closing(void)
{
    return rw_stream_closing(&world->stream);
}

static void finish_pending(void)
{
    struct rw_parts parts = world->pending;
    if (!parts.count || is_closing())
        return;
    world->pending.count = 0;
    put_out(parts.parts, parts.count);
    rw_tls_hook_sent(&world->stream, RW_OK);
}

static void give(size_t bytes)
{
    struct rw_buf *buf = rw_buf_get(&world->loop.buffers, RW_BUF_SMALL_BYTES);
    rw_assert(buf && bytes <= buf->room);
    memcpy(buf->data, world->in + world->in_given, bytes);
    buf->end = (uint32_t)bytes;
    world->in_given += bytes;
    rw_tls_hook_data(&world->stream, buf);
}

static void give_all(void)
{
    struct rw_stream *stream = &world->stream;
    for (;;) {
        if (is_closing())
            return;
        if (stream->flags & RW_STREAM_TLS_READY) {
            stream->flags &= ~(uint32_t)RW_STREAM_TLS_READY;
            rw_list_remove(&stream->ready);
            rw_tls_hook_ready(stream);
            continue;
        }
        size_t left = world->in_bytes - world->in_given;
        if (!world->receiving)
            return;
        if (left) {
            size_t most = world->split ? world->split : RW_BUF_SMALL_BYTES;
            give(left < most ? left : most);
            continue;
        }
        if (!world->fin || world->fin_told)
            return;
        world->fin_told = true;
        rw_tls_hook_end(stream, RW_OK);
    }
}

/* ---- The owner ---- */

static void owner_sends(size_t bytes)
{
    if (world->sending || world->shutdown_called || is_closing() || bytes == 0 ||
        world->sent + bytes > sizeof(world->owners) / 2)
        return;
    /* In two parts, the second of which may be empty. */
    struct iovec parts[2] = {{world->owners + world->sent, bytes / 2 + 1},
                             {world->owners + world->sent + bytes / 2 + 1, bytes - bytes / 2 - 1}};
    enum rw_send result = rw_stream_send(&world->stream, parts, 2);
    world->failed_send |= result == RW_SEND_FAILED;
    world->sending = result == RW_SEND_PENDING;
    if (result != RW_SEND_FAILED)
        world->sent += bytes;
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    (void)stream, (void)err;
    rw_assert(false);
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_span bytes = rw_buf_span(buf);
    const struct reference *reference = &world->reference;
    rw_assert(bytes.len && !world->ended && !is_closing());
    rw_assert(world->received + bytes.len <= reference->data_bytes);
    rw_assert(memcmp(reference->data + world->received, bytes.at, bytes.len) == 0);
    world->received += bytes.len;
    rw_buf_drop(buf);
    if (world->echo)
        owner_sends(3);
    if (world->close_at && world->received >= world->close_at)
        rw_stream_close(stream);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    (void)stream;
    rw_assert(!world->ended && !is_closing());
    world->ended = true;
    world->end_err = err;
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    (void)stream;
    rw_assert(world->sending && !is_closing());
    world->sending = false;
    world->failed_send |= err != RW_OK;
}

static void on_closed(struct rw_stream *stream)
{
    (void)stream;
}

static const struct rw_stream_events events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

/* ---- The program ---- */

struct input {
    const uint8_t *at;
    size_t left;
};

static unsigned take(struct input *input)
{
    if (!input->left)
        return 0;
    input->left--;
    return *input->at++;
}

static size_t take_length(struct input *input)
{
    size_t len = take(input);
    return len < 128 ? len : ((len & 127) << 8 | take(input));
}

static size_t take_bytes(struct input *input, unsigned char *to, size_t most)
{
    size_t bytes = take(input);
    bytes = bytes < input->left ? bytes : input->left;
    bytes = bytes < most ? bytes : most;
    if (bytes)
        memcpy(to, input->at, bytes);
    input->at += bytes;
    input->left -= bytes;
    return bytes;
}

static unsigned char *room(size_t bytes)
{
    rw_assert(world->in_bytes + bytes <= WIRE_BYTES_MAX);
    return world->in + world->in_bytes;
}

static void record(unsigned char type, const unsigned char *text, size_t bytes, size_t padding)
{
    world->in_bytes +=
        records_seal(&world->client, type, text, bytes, padding, room(RECORDS_BYTES_MAX));
}

static void key_update(unsigned char asked)
{
    const unsigned char update[] = {24, 0, 0, 1, asked};
    record(RECORDS_HANDSHAKE, update, 5, 0);
    records_update(&world->client);
}

static void client_does(unsigned what, struct input *input)
{
    static unsigned char text[RECORDS_BYTES_MAX];
    size_t bytes, before = world->in_bytes;
    switch (what) {
    case 0:
    case 1:
        bytes = take_length(input);
        memset(text, (int)(before * 7), bytes);
        record(RECORDS_DATA, text, bytes, what ? take_length(input) % 32000 : 0);
        break;
    case 2:
    case 3:
        key_update(what == 3);
        break;
    case 4:
        text[0] = (unsigned char)take(input);
        text[1] = (unsigned char)take(input);
        record(RECORDS_ALERT, text, 2, 0);
        break;
    case 5:
        bytes = take_bytes(input, text, 255);
        world->in_bytes += records_seal_inner(&world->client, text, bytes, room(1024));
        break;
    case 6:
        world->in_bytes += take_bytes(input, room(255), 255);
        break;
    case 7:
        record(RECORDS_DATA, (const unsigned char *)"damaged", 7, 0);
        world->in[before + take(input) % (world->in_bytes - before)] ^= 1u << take(input) % 8;
        break;
    default:
        bytes = take_bytes(input, text, 255);
        record(RECORDS_HANDSHAKE, text, bytes, 0);
        break;
    }
}

static void owner_does(unsigned what, struct input *input)
{
    switch (what) {
    case 9:
        owner_sends(take_length(input) * 4);
        break;
    case 10:
        finish_pending();
        break;
    case 11:
        world->sends_wait = !world->sends_wait;
        break;
    case 12:
        world->wants = !world->wants;
        rw_stream_receive(&world->stream, world->wants, take(input) & 1);
        break;
    case 13:
        if (!world->sending && !world->shutdown_called) {
            world->shutdown_called = true;
            rw_stream_shutdown(&world->stream);
        }
        break;
    case 14:
        world->split = take(input);
        break;
    default:
        world->fin = true;
        break;
    }
}

static void step(struct input *input)
{
    unsigned what = take(input);
    if ((what & 15) < 9) {
        if (!world->fin && world->in_bytes < WIRE_BYTES_MAX - 2 * RECORDS_BYTES_MAX)
            client_does(what & 15, input);
    } else {
        owner_does(what & 15, input);
    }
    reference_reads(&world->reference);
    if (!(what & 16)) /* else it comes together with what follows */
        give_all();
}

/* ---- The verdict ---- */

static void check_received(void)
{
    const struct reference *reference = &world->reference;
    rw_assert(world->received == reference->data_bytes);
    rw_assert(world->ended == (reference->ended || world->fin));
    if (!world->ended)
        return;
    if (reference->ended)
        rw_assert(world->end_err == (reference->closed ? RW_OK : RW_ETLS));
    else
        rw_assert(world->end_err == RW_ECLOSED);
}

/* Everything that the server sent, opened in turn. */
static void check_sent(struct records_side *side)
{
    static unsigned char text[RECORDS_BYTES_MAX];
    size_t at = 0, bytes, whole, data = 0, updates = 0;
    unsigned char type = 0;
    int alert = NO_ALERT;
    while ((whole = records_bytes(world->out + at, world->out_bytes - at))) {
        rw_assert(alert == NO_ALERT);
        rw_assert(records_open(side, world->out + at, whole, text, &bytes, &type));
        /* Looked at before each buffer full of records. */
        rw_assert(side->sequence <= RECORDS_MAX + 2 + RW_BUF_LARGE_BYTES / 16384);
        at += whole;
        if (type == RECORDS_DATA) {
            rw_assert(bytes && data + bytes <= world->sent);
            rw_assert(memcmp(text, world->owners + data, bytes) == 0);
            data += bytes;
        } else if (type == RECORDS_HANDSHAKE) {
            rw_assert(bytes == 5 && memcmp(text, "\x18\0\0\1\0", 5) == 0);
            records_update(side);
            updates++;
        } else {
            rw_assert(type == RECORDS_ALERT && bytes == 2 && text[0] == (text[1] ? 2 : 1));
            alert = text[1];
        }
    }
    rw_assert(at == world->out_bytes);
    rw_assert(alert <= 0 || alert == world->reference.alert);
    rw_assert(world->failed_send || data == world->sent);
    bool told = world->ended && world->end_err == RW_ETLS && !world->shutdown_called;
    if (told && world->reference.alert != NO_ALERT)
        rw_assert(alert == world->reference.alert);
}

static void finish(struct records_side *from_server)
{
    struct rw_stream *stream = &world->stream;
    if (!world->wants && !is_closing())
        rw_stream_receive(stream, true, false);
    world->sends_wait = false;
    give_all();
    finish_pending();
    give_all();
    if (!is_closing()) {
        check_received();
        check_sent(from_server);
    }
    if (!is_closing())
        rw_stream_close(stream);
    rw_tls_hook_closed(stream);
    rw_assert(!stream->tls);
}

/* ---- A connection as rw_tls_take_over leaves it ---- */

static void open_loop(void)
{
    struct rw_loop *loop = &world->loop;
    loop->backend = &transport;
    rw_list_init(&loop->ready);
    rw_list_init(&loop->starved);
    rw_list_init(&loop->closed);
    rw_list_init(&loop->closed_listeners);
    rw_wheel_init(&loop->wheel, 0);
    rw_buf_pool_init(&loop->buffers, (size_t)64 * 1024 * 1024, (size_t)1024 * 1024);
}

static void open_connection(unsigned cipher, const unsigned char *secrets)
{
    struct rw_tls *tls = calloc(1, sizeof(*tls));
    struct rw_tls_records *records = calloc(1, sizeof(*records));
    size_t hash_bytes = records_hash_bytes(cipher);
    rw_assert(tls && records);
    records->receive.secret_bytes = records->send.secret_bytes = (uint8_t)hash_bytes;
    memcpy(records->receive.secret, secrets, hash_bytes);
    memcpy(records->send.secret, secrets + 48, hash_bytes);
    rw_assert(rw_tls_records_begin(records, cipher));
    world->server.references = 2;
    world->stream = (struct rw_stream){.events = &events, .loop = &world->loop, .fd = -1};
    world->stream.tls = tls;
    tls->stream = &world->stream;
    tls->records = records;
    tls->of.server = &world->server;
    tls->flags = RW_TLS_OPEN | RW_TLS_COUNTED;
    world->wants = true;
    rw_stream_receive(&world->stream, true, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char secrets[96];
    struct input input = {data, size};
    struct records_side from_server;
    if (!world) {
        rw_assert(rw_tls_init() == RW_OK);
        world = malloc(sizeof(*world));
        rw_assert(world);
        for (size_t i = 0; i < sizeof(secrets); i++)
            secrets[i] = (unsigned char)(i * 37);
        rw_tls_records_max = RECORDS_MAX;
        rw_log_set_level(RW_LOG_ERROR);
    }
    memset(world, 0, sizeof(*world));
    for (size_t i = 0; i < sizeof(world->owners); i++)
        world->owners[i] = (unsigned char)(i * 31 + (i >> 8));
    unsigned first = take(&input);
    unsigned cipher = 0x1301 + first % 3;
    world->echo = first & 64;
    world->close_at = first & 128 ? 1 + 10 * take(&input) : 0;
    open_loop();
    records_start(&world->client, cipher, secrets);
    records_start(&world->reference.side, cipher, secrets);
    records_start(&from_server, cipher, secrets + 48);
    open_connection(cipher, secrets);
    for (int steps = 0; steps < STEPS_MAX && input.left && !is_closing(); steps++)
        step(&input);
    finish(&from_server);
    rw_buf_pool_destroy(&world->loop.buffers);
    return 0;
}
