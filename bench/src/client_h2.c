#include "client.h"
#include "h2_frame.h"
#include "net.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_BYTES (64 * 1024)
#define OUTPUT_BYTES (64 * 1024)
#define BLOCK_BYTES_MAX (CLIENT_REQUEST_BYTES_MAX + 64)
#define STREAM_WINDOW_BYTES (16 * 1024 * 1024)
/* The connection's window is as wide as it can be; it is given back in pieces of this size. */
#define WINDOW_PIECE_BYTES (256 * 1024 * 1024)
/* No stream: an answer to something that was not asked. */
#define NOT_A_FAILURE (-1)

struct stream {
    uint32_t id; /* 0: free */
    bool headed; /* status 200 has come */
    uint64_t received;
    uint64_t due_ns;
};

/* The streams lie in a ring by their number, at least twice as long as streams may be under way; a
 * number whose place is taken by a late answer is left out. */
struct client_h2 {
    bool settled; /* the gateway's settings have come */
    bool indexed; /* the request's fields are in the table */
    bool leaving; /* GOAWAY has come: what is under way is still answered */
    uint32_t next_id;
    uint32_t under_way;
    uint32_t streams_max;
    uint32_t ring_mask;
    uint32_t unreported; /* received, and not yet given back as window */
    size_t kept;         /* bytes of an unfinished frame */
    struct stream ring[2 * CLIENT_STREAMS_MAX];
    uint8_t keep[H2_FRAME_BYTES_MAX];
};

static uint8_t input[INPUT_BYTES + H2_FRAME_BYTES_MAX];
/* What one connection is about to send: there is room for a request on every stream and more. */
static uint8_t output[OUTPUT_BYTES];
static uint8_t *output_end = output;
static bool gathering;

static struct stream *place_of(struct client_h2 *h2, uint32_t id)
{
    return &h2->ring[(id >> 1) & h2->ring_mask];
}

/* Every request under way fails with the connection. */
static void lose(struct client *client, struct client_connection *connection,
                 enum bench_failure kind)
{
    output_end = output;
    for (uint32_t i = 1; i < connection->h2->under_way; i++) {
        client_count_failure(client, kind);
    }
    client_fail(client, connection, kind);
}

static bool flush(struct client *client, struct client_connection *connection)
{
    size_t length = (size_t)(output_end - output);
    output_end = output;
    if (length > 0 && !client_write(connection, (const char *)output, length)) {
        lose(client, connection, BENCH_FAILURE_RESET);
        return false;
    }
    return true;
}

/* A string without Huffman code (RFC 7541 section 5.2) of less than 127 bytes. */
static uint8_t *put_string(uint8_t *to, const char *text)
{
    size_t length = strlen(text);
    *to++ = (uint8_t)length;
    return h2_put_bytes(to, text, length);
}

/* GET, the scheme, the path; then three fields that enter the gateway's table with the first
 * request and are known by number from then on, as any client does. */
static uint8_t *put_block(const struct client *client, const struct client_h2 *h2, uint8_t *to)
{
    *to++ = 0x82;
    *to++ = client->tls_context != NULL ? 0x87 : 0x86;
    if (strcmp(client->path, "/") == 0) {
        *to++ = 0x84;
    } else {
        *to++ = 0x04;
        to = put_string(to, client->path);
    }
    if (h2->indexed) {
        return h2_put_bytes(to, "\xc0\xbf\xbe", 3);
    }
    *to++ = 0x41; /* :authority */
    to = put_string(to, "bench.test");
    *to++ = 0x7a; /* user-agent */
    to = put_string(to, "bench/1");
    *to++ = 0x53; /* accept */
    return put_string(to, "*/*");
}

bool client_h2_may_send(const struct client_connection *connection)
{
    const struct client_h2 *h2 = connection->h2;
    return connection->step == STEP_STREAMS && h2->settled && !h2->leaving &&
           h2->under_way < h2->streams_max;
}

void client_h2_send(struct client *client, struct client_connection *connection, uint64_t due_ns)
{
    struct client_h2 *h2 = connection->h2;
    while (place_of(h2, h2->next_id)->id != 0) {
        h2->next_id += 2;
    }
    *place_of(h2, h2->next_id) = (struct stream){.id = h2->next_id, .due_ns = due_ns};
    uint8_t *block = output_end + H2_FRAME_HEAD_BYTES;
    uint8_t *end = put_block(client, h2, block);
    h2_put_head(output_end, (size_t)(end - block), H2_HEADERS, H2_END_HEADERS | H2_END_STREAM,
                h2->next_id);
    output_end = end;
    h2->indexed = true;
    h2->next_id += 2;
    h2->under_way++;
    client->under_way++;
    if (!gathering) {
        flush(client, connection);
    }
}

void client_h2_begin(struct client *client, struct client_connection *connection)
{
    const unsigned char *protocol = NULL;
    unsigned length = 0;
    struct client_h2 *h2 = bench_allocate(1, sizeof *h2);
    connection->h2 = h2;
    h2->next_id = 1;
    h2->streams_max = client->streams;
    h2->ring_mask = 1;
    while (h2->ring_mask + 1 < 2 * client->streams) {
        h2->ring_mask = 2 * h2->ring_mask + 1;
    }
    if (connection->tls != NULL) {
        SSL_get0_alpn_selected(connection->tls, &protocol, &length);
        if (length != 2 || memcmp(protocol, "h2", 2) != 0) {
            lose(client, connection, BENCH_FAILURE_TLS);
            return;
        }
    }
    output_end = h2_put_bytes(output, H2_PREFACE, H2_PREFACE_BYTES);
    output_end = h2_put_head(output_end, 6, H2_SETTINGS, 0, 0);
    output_end = h2_put_setting(output_end, H2_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES);
    output_end = h2_put_window_update(output_end, 0, H2_WINDOW_BYTES_MAX - H2_WINDOW_BYTES_DEFAULT);
    flush(client, connection);
}

uint32_t client_h2_end(struct client_connection *connection)
{
    uint32_t under_way = connection->h2->under_way;
    free(connection->h2);
    connection->h2 = NULL;
    return under_way;
}

static void end_stream(struct client *client, struct client_h2 *h2, struct stream *stream)
{
    stream->id = 0;
    h2->under_way--;
    client->under_way--;
}

static int finish_answer(struct client *client, struct client_connection *connection,
                         struct stream *stream)
{
    if (!stream->headed) {
        return BENCH_FAILURE_MALFORMED;
    }
    if (stream->received != client->body_bytes_expected) {
        return BENCH_FAILURE_LENGTH;
    }
    end_stream(client, connection->h2, stream);
    client_count_answer(client, connection);
    client_pace_answered(client, connection, stream->due_ns);
    return NOT_A_FAILURE;
}

/* The first field of an answer is its status, and 200 has a number of its own (RFC 7541 appendix
 * A), behind changes of the table's size if there are any. What else the head says is not read. */
static int take_head(struct client *client, struct client_connection *connection,
                     struct stream *stream, const struct h2_frame *frame)
{
    uint32_t at = 0;
    if (!stream->headed) {
        while (at < frame->length && (frame->payload[at] & 0xe0) == 0x20) {
            at++;
        }
        if (at == frame->length || frame->payload[at] != 0x88) {
            return at == frame->length ? BENCH_FAILURE_MALFORMED : BENCH_FAILURE_STATUS;
        }
        stream->headed = true;
    }
    return frame->flags & H2_END_STREAM ? finish_answer(client, connection, stream) : NOT_A_FAILURE;
}

/* The body is the letter x throughout. */
static bool is_body(const uint8_t *data, size_t length)
{
    return length == 0 || (data[0] == 'x' && memcmp(data, data + 1, length - 1) == 0);
}

static int take_data(struct client *client, struct client_connection *connection,
                     struct stream *stream, const struct h2_frame *frame)
{
    if (!stream->headed || !is_body(frame->payload, frame->length)) {
        return BENCH_FAILURE_MALFORMED;
    }
    stream->received += frame->length;
    bench_board_add(&client->board->body_bytes, frame->length);
    return frame->flags & H2_END_STREAM ? finish_answer(client, connection, stream) : NOT_A_FAILURE;
}

static void give_back(struct client_h2 *h2, uint32_t bytes)
{
    h2->unreported += bytes;
    if (h2->unreported >= WINDOW_PIECE_BYTES) {
        output_end = h2_put_window_update(output_end, 0, h2->unreported);
        h2->unreported = 0;
    }
}

static int take_settings(struct client *client, struct client_connection *connection,
                         const struct h2_frame *frame)
{
    struct client_h2 *h2 = connection->h2;
    if (frame->flags & H2_ACK) {
        return NOT_A_FAILURE;
    }
    if (h2_setting_value(frame, H2_HEADER_TABLE_SIZE, 4096) < H2_TABLE_BYTES_NEEDED ||
        h2_setting_value(frame, H2_MAX_CONCURRENT_STREAMS, client->streams) < client->streams) {
        bench_fail("the gateway takes less than %u streams, or keeps no table", client->streams);
    }
    output_end = h2_put_head(output_end, 0, H2_SETTINGS, H2_ACK, 0);
    if (!h2->settled) {
        h2->settled = true;
        client_pace_ready(client, connection);
    }
    return NOT_A_FAILURE;
}

/* One request has failed; the connection goes on. */
static int take_reset(struct client *client, struct client_connection *connection,
                      struct stream *stream)
{
    end_stream(client, connection->h2, stream);
    client_count_failure(client, BENCH_FAILURE_RESET);
    client_pace_ready(client, connection);
    return NOT_A_FAILURE;
}

static int take_of_connection(struct client *client, struct client_connection *connection,
                              const struct h2_frame *frame)
{
    switch (frame->type) {
    case H2_SETTINGS:
        return take_settings(client, connection, frame);
    case H2_PING:
        if (!(frame->flags & H2_ACK) && frame->length == 8) {
            output_end = h2_put_head(output_end, 8, H2_PING, H2_ACK, 0);
            output_end = h2_put_bytes(output_end, frame->payload, 8);
        }
        return NOT_A_FAILURE;
    case H2_GOAWAY:
        connection->h2->leaving = true;
        return frame->length < 8 || h2_read_32(frame->payload + 4) != 0 ? BENCH_FAILURE_CLOSED
                                                                        : NOT_A_FAILURE;
    case H2_DATA:
    case H2_HEADERS:
    case H2_RST_STREAM:
    case H2_PUSH_PROMISE:
        return BENCH_FAILURE_MALFORMED; /* of a stream that is not open */
    default:
        return NOT_A_FAILURE;
    }
}

/* Returns a failure that ends the connection, or NOT_A_FAILURE. */
static int take_frame(struct client *client, struct client_connection *connection,
                      struct h2_frame *frame)
{
    struct client_h2 *h2 = connection->h2;
    struct stream *stream = place_of(h2, frame->stream);
    if (frame->type == H2_DATA) {
        give_back(h2, frame->length);
    }
    if (frame->stream == 0 || stream->id != frame->stream) {
        return take_of_connection(client, connection, frame);
    }
    switch (frame->type) {
    case H2_HEADERS:
        return h2_strip(frame) ? take_head(client, connection, stream, frame)
                               : BENCH_FAILURE_MALFORMED;
    case H2_DATA:
        return h2_strip(frame) ? take_data(client, connection, stream, frame)
                               : BENCH_FAILURE_MALFORMED;
    case H2_RST_STREAM:
        return take_reset(client, connection, stream);
    default:
        return NOT_A_FAILURE;
    }
}

/* Takes each whole frame and keeps what is left of the last. Returns as take_frame. */
static int take_frames(struct client *client, struct client_connection *connection,
                       const uint8_t *data, size_t length)
{
    struct client_h2 *h2 = connection->h2;
    struct h2_frame frame;
    long taken;
    while ((taken = h2_take_frame(data, length, &frame)) > 0) {
        int failure = take_frame(client, connection, &frame);
        if (failure != NOT_A_FAILURE) {
            return failure;
        }
        data += taken;
        length -= (size_t)taken;
    }
    if (taken < 0) {
        return BENCH_FAILURE_MALFORMED;
    }
    memcpy(h2->keep, data, length);
    h2->kept = length;
    return NOT_A_FAILURE;
}

/* Reads once. Returns what the transport returned; `failure` as take_frame. */
static ssize_t read_frames(struct client *client, struct client_connection *connection,
                           int *failure)
{
    struct client_h2 *h2 = connection->h2;
    size_t kept = h2->kept;
    memcpy(input, h2->keep, kept);
    ssize_t count = client_read(connection, (char *)input + kept, INPUT_BYTES);
    if (count > 0) {
        *failure = take_frames(client, connection, input, kept + (size_t)count);
    } else if (count == CLIENT_BROKEN) {
        *failure = BENCH_FAILURE_RESET;
    } else if (count == CLIENT_END && (h2->under_way > 0 || !h2->settled)) {
        *failure = BENCH_FAILURE_CLOSED;
    }
    return count;
}

/* Whatever is made meanwhile, new requests above all, leaves with one send at the end. */
void client_h2_receive(struct client *client, struct client_connection *connection)
{
    int failure = NOT_A_FAILURE;
    ssize_t count;
    gathering = true;
    do {
        count = read_frames(client, connection, &failure);
        /* A short read has emptied the socket, but TLS may still hold a record. */
    } while (failure == NOT_A_FAILURE &&
             (count == INPUT_BYTES || (count > 0 && connection->tls != NULL)));
    gathering = false;
    if (failure != NOT_A_FAILURE) {
        lose(client, connection, (enum bench_failure)failure);
        return;
    }
    if (!flush(client, connection)) {
        return;
    }
    if (connection->h2->under_way == 0 && (count == CLIENT_END || connection->h2->leaving)) {
        client_reopen(client, connection);
    }
}
