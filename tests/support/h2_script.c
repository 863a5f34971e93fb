#include "support/h2_script.h"

#include "http/h2_frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORD_BYTES_MAX = 4096 };

/* ---- Scripts to bytes ---- */

struct writer {
    char *to;
    size_t len, room;
    struct rw_span rest; /* of the line */
};

static void put(struct writer *writer, const void *bytes, size_t len)
{
    if (writer->len + len > writer->room)
        abort();
    if (len)
        memcpy(writer->to + writer->len, bytes, len);
    writer->len += len;
}

static void put_byte(struct writer *writer, unsigned byte)
{
    char c = (char)byte;
    put(writer, &c, 1);
}

static bool word(struct writer *writer, struct rw_span *word)
{
    return rw_span_next(&writer->rest, ' ', word);
}

static uint32_t number(struct writer *writer)
{
    struct rw_span text = {"", 0};
    uint64_t value;
    if (!word(writer, &text) || !rw_span_to_u64(text, &value))
        abort();
    return (uint32_t)value;
}

static unsigned flags(struct writer *writer)
{
    struct rw_span text = {"", 0};
    unsigned bits = 0;
    if (!word(writer, &text))
        abort();
    for (size_t i = 0; i < text.len; i++)
        bits |= text.at[i] == 's'   ? RW_H2_FLAG_END_STREAM
                : text.at[i] == 'h' ? RW_H2_FLAG_END_HEADERS
                : text.at[i] == 'p' ? RW_H2_FLAG_PADDED
                : text.at[i] == 'o' ? RW_H2_FLAG_PRIORITY
                                    : 0;
    return bits;
}

/* "0102" */
static void put_hex(struct writer *writer, struct rw_span text)
{
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        const char digits[3] = {text.at[i], text.at[i + 1], 0};
        put_byte(writer, (unsigned)strtoul(digits, NULL, 16));
    }
}

static void put_string(struct writer *writer, struct rw_span text)
{
    /* Seven bits, RFC 7541 section 5.1. */
    if (text.len < 127)
        put_byte(writer, (unsigned)text.len);
    else {
        size_t rest = text.len - 127;
        put_byte(writer, 127);
        for (; rest >= 128; rest /= 128)
            put_byte(writer, (unsigned)(rest % 128 + 128));
        put_byte(writer, (unsigned)rest);
    }
    for (size_t i = 0; i < text.len; i++)
        put_byte(writer, (uint8_t)(text.at[i] == '~' ? ' ' : text.at[i]));
}

/* Never indexed, and no Huffman coding. */
static void put_field(struct writer *writer, struct rw_span field)
{
    if (field.at[0] == '#') {
        put_hex(writer, rw_span_skip(field, 1));
        return;
    }
    size_t equals = 1;
    while (equals < field.len && field.at[equals] != '=')
        equals++;
    put_byte(writer, 0);
    put_string(writer, rw_span(field.at, equals));
    put_string(writer, equals < field.len ? rw_span_skip(field, equals + 1) : rw_span("", 0));
}

static size_t frame_begin(struct writer *writer, unsigned type, unsigned bits, uint32_t id)
{
    char head[RW_H2_FRAME_HEAD_BYTES];
    size_t at = writer->len;
    rw_h2_frame_write(head, 0, (enum rw_h2_frame_type)type, bits, id);
    put(writer, head, sizeof(head));
    return at;
}

static void frame_end(struct writer *writer, size_t at)
{
    size_t len = writer->len - at - RW_H2_FRAME_HEAD_BYTES;
    writer->to[at] = (char)(len >> 16);
    writer->to[at + 1] = (char)(len >> 8);
    writer->to[at + 2] = (char)len;
}

static void put_fields(struct writer *writer)
{
    struct rw_span field;
    while (word(writer, &field))
        put_field(writer, field);
}

static void put_number_frame(struct writer *writer, unsigned type, uint32_t id, uint32_t value)
{
    char bytes[4];
    size_t at = frame_begin(writer, type, 0, id);
    rw_h2_write32(bytes, value);
    put(writer, bytes, sizeof(bytes));
    frame_end(writer, at);
}

static void put_request(struct writer *writer, bool end)
{
    static const char *const pseudo[] = {":method=GET", ":scheme=http", ":path=/", ":authority=a"};
    size_t at = frame_begin(writer, RW_H2_HEADERS, RW_H2_FLAG_END_HEADERS | (end ? 1u : 0u),
                            number(writer));
    for (size_t i = 0; i < 4; i++)
        put_field(writer, rw_span_text(i == 0 && !end ? ":method=POST" : pseudo[i]));
    put_fields(writer);
    frame_end(writer, at);
}

static void put_settings(struct writer *writer)
{
    struct rw_span pair;
    size_t at = frame_begin(writer, RW_H2_SETTINGS, 0, 0);
    while (word(writer, &pair)) {
        char value[4];
        struct rw_span which;
        uint64_t numbers[2];
        for (int i = 0; i < 2; i++)
            if (!rw_span_next(&pair, '=', &which) || !rw_span_to_u64(which, &numbers[i]))
                abort();
        put_byte(writer, (unsigned)numbers[0] >> 8);
        put_byte(writer, (unsigned)numbers[0]);
        rw_h2_write32(value, (uint32_t)numbers[1]);
        put(writer, value, 4);
    }
    frame_end(writer, at);
}

static void put_goaway(struct writer *writer)
{
    char bytes[8];
    size_t at = frame_begin(writer, RW_H2_GOAWAY, 0, 0);
    uint32_t last = number(writer);
    rw_h2_write32(rw_h2_write32(bytes, last), number(writer));
    put(writer, bytes, sizeof(bytes));
    frame_end(writer, at);
}

static void put_block(struct writer *writer, unsigned type)
{
    uint32_t id = number(writer);
    size_t at = frame_begin(writer, type, flags(writer), id);
    put_fields(writer);
    frame_end(writer, at);
}

static void put_text_frame(struct writer *writer, unsigned type, unsigned bits, uint32_t id)
{
    size_t at = frame_begin(writer, type, bits, id);
    put(writer, writer->rest.at, writer->rest.len);
    frame_end(writer, at);
}

static void put_any(struct writer *writer, bool huge)
{
    struct rw_span hex;
    unsigned type = number(writer), bits = number(writer);
    uint32_t id = number(writer);
    size_t at = frame_begin(writer, type, bits, id);
    if (huge)
        for (uint32_t bytes = number(writer); bytes > 0; bytes--)
            put_byte(writer, 0);
    else if (word(writer, &hex))
        put_hex(writer, hex);
    frame_end(writer, at);
}

static void put_update(struct writer *writer)
{
    char id[4];
    rw_h2_write32(id, number(writer));
    size_t at = frame_begin(writer, RW_H2_PRIORITY_UPDATE, 0, 0);
    put(writer, id, 4);
    put(writer, writer->rest.at, writer->rest.len);
    frame_end(writer, at);
}

/* What has no arguments. */
static bool put_known(struct writer *writer, struct rw_span verb)
{
    if (rw_span_is(verb, "preface"))
        put(writer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    else if (rw_span_is(verb, "ack"))
        frame_begin(writer, RW_H2_SETTINGS, RW_H2_FLAG_ACK, 0);
    else
        return false;
    return true;
}

static void put_line(struct writer *writer)
{
    struct rw_span verb = {"", 0};
    if (!word(writer, &verb) || put_known(writer, verb))
        return;
    if (rw_span_is(verb, "settings"))
        put_settings(writer);
    else if (rw_span_is(verb, "get") || rw_span_is(verb, "post"))
        put_request(writer, verb.at[0] == 'g');
    else if (rw_span_is(verb, "headers") || rw_span_is(verb, "continuation"))
        put_block(writer, verb.at[0] == 'h' ? RW_H2_HEADERS : RW_H2_CONTINUATION);
    else if (rw_span_is(verb, "data")) {
        uint32_t id = number(writer);
        put_text_frame(writer, RW_H2_DATA, flags(writer), id);
    } else if (rw_span_is(verb, "ping") || rw_span_is(verb, "pong"))
        put_text_frame(writer, RW_H2_PING, verb.at[1] == 'o', 0);
    else if (rw_span_is(verb, "reset") || rw_span_is(verb, "window")) {
        uint32_t id = number(writer);
        put_number_frame(writer, verb.at[0] == 'r' ? RW_H2_RST_STREAM : RW_H2_WINDOW_UPDATE, id,
                         number(writer));
    } else if (rw_span_is(verb, "goaway"))
        put_goaway(writer);
    else if (rw_span_is(verb, "priority")) {
        size_t at = frame_begin(writer, RW_H2_PRIORITY, 0, number(writer));
        put(writer, "\0\0\0\0\20", 5);
        frame_end(writer, at);
    } else if (rw_span_is(verb, "update"))
        put_update(writer);
    else if (rw_span_is(verb, "frame") || rw_span_is(verb, "huge"))
        put_any(writer, verb.at[0] == 'h');
    else
        abort();
}

size_t h2_script_bytes(const char *script, char *to, size_t room)
{
    struct writer writer = {.to = to, .room = room};
    struct rw_span lines = rw_span_text(script), line;
    while (rw_span_next(&lines, '\n', &line)) {
        writer.rest = line;
        put_line(&writer);
    }
    return writer.len;
}

/* ---- The transcript ---- */

__attribute__((format(printf, 2, 3))) static void note(struct h2_transcript *transcript,
                                                       const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof(transcript->text) - transcript->len;
    if (room < 256)
        return;
    char *to = transcript->text + transcript->len;
    size_t len = (size_t)snprintf(to, room, "%s", transcript->len ? "; " : "");
    va_start(arguments, format);
    len += (size_t)vsnprintf(to + len, room - len, format, arguments);
    va_end(arguments);
    transcript->len += len < room ? len : room - 1;
}

/* A body that came in pieces. */
static void end_data(struct h2_world *world, const char *end)
{
    if (world->data_bytes > sizeof(world->data))
        note(&world->events_seen, "data %u %zu bytes%s", world->data_id, world->data_bytes, end);
    else if (world->data_bytes || *end)
        note(&world->events_seen, "data %u \"%.*s\"%s", world->data_id, (int)world->data_bytes,
             world->data, end);
    world->data_bytes = 0;
}

#define NOTE_FRAME(world, ...) note(&(world)->frames_seen, __VA_ARGS__)
#define NOTE_EVENT(world, ...) (end_data(world, ""), note(&(world)->events_seen, __VA_ARGS__))

const char *h2_transcript(struct h2_world *world)
{
    static char both[2 * sizeof(world->events_seen.text)];
    end_data(world, "");
    snprintf(both, sizeof(both), "%s | %s", world->events_seen.text, world->frames_seen.text);
    return both;
}

static void note_block(struct h2_world *world, struct rw_h2_frame frame, const char *payload)
{
    struct rw_arena arena;
    struct rw_hpack_head head = {0};
    char line[WORD_BYTES_MAX];
    size_t len = 0;
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 24);
    if (rw_hpack_decode(&world->decoder, &rw_hpack_limits_default, rw_span(payload, frame.len),
                        &arena, &head))
        NOTE_FRAME(world, "undecodable");
    line[0] = 0;
    if (head.status)
        len = (size_t)snprintf(line, sizeof(line), " %u", head.status);
    if (head.pseudo_seen & RW_PSEUDO_BIT(METHOD))
        len = (size_t)snprintf(line, sizeof(line), " %.*s %.*s",
                               RW_SPAN_ARGS(head.pseudo[RW_PSEUDO_METHOD]),
                               RW_SPAN_ARGS(head.pseudo[RW_PSEUDO_PATH]));
    for (unsigned i = 0; i < head.count && len < sizeof(line); i++)
        len +=
            (size_t)snprintf(line + len, sizeof(line) - len, " %.*s=%.*s",
                             RW_SPAN_ARGS(head.fields[i].name), RW_SPAN_ARGS(head.fields[i].value));
    NOTE_FRAME(world, "HEADERS %u%s%s", frame.id, frame.flags & 1 ? " end" : "", line);
    rw_arena_free(&arena);
}

static void note_frame(struct h2_world *world, struct rw_h2_frame frame, const char *payload)
{
    bool flag = frame.flags & 1;
    switch (frame.type) {
    case RW_H2_HEADERS:
        note_block(world, frame, payload);
        break;
    case RW_H2_RST_STREAM:
        NOTE_FRAME(world, "RST_STREAM %u %s", frame.id,
                   rw_h2_code_name((enum rw_h2_code)rw_h2_read32(payload)));
        break;
    case RW_H2_SETTINGS:
        if (!flag)
            NOTE_FRAME(world, "SETTINGS");
        break;
    case RW_H2_PING:
        NOTE_FRAME(world, "PING%s %.8s", flag ? " ACK" : "", payload);
        break;
    case RW_H2_GOAWAY:
        NOTE_FRAME(world, "GOAWAY %u %s", rw_h2_read32(payload),
                   rw_h2_code_name((enum rw_h2_code)rw_h2_read32(payload + 4)));
        break;
    case RW_H2_WINDOW_UPDATE:
        NOTE_FRAME(world, "WINDOW_UPDATE %u %u", frame.id, rw_h2_read32(payload));
        break;
    default:
        NOTE_FRAME(world, "frame %u", frame.type);
    }
}

static void note_data(struct h2_world *world, struct rw_h2_frame frame, const char *payload)
{
    const char *end = frame.flags & 1 ? " end" : "";
    if (frame.len > 64)
        NOTE_FRAME(world, "DATA %u%s %u bytes", frame.id, end, frame.len);
    else
        NOTE_FRAME(world, "DATA %u%s \"%.*s\"", frame.id, end, (int)frame.len, payload);
}

/* ---- Output ---- */

static size_t gather_output(struct h2_world *world, char *to, size_t room)
{
    struct iovec parts[8];
    size_t len = 0;
    for (int count; (count = rw_h2_output(&world->h2, parts, 8)) > 0; rw_h2_output_sent(&world->h2))
        for (int i = 0; i < count; i++) {
            if (len + parts[i].iov_len > room)
                abort();
            memcpy(to + len, parts[i].iov_base, parts[i].iov_len);
            len += parts[i].iov_len;
        }
    return len;
}

void h2_take_output(struct h2_world *world)
{
    enum { ROOM = 1 << 20 };
    static char bytes[ROOM];
    rw_h2_wake(&world->h2);
    size_t len = gather_output(world, bytes, ROOM), at = 0;
    while (at + RW_H2_FRAME_HEAD_BYTES <= len) {
        struct rw_h2_frame frame = rw_h2_frame_read(bytes + at);
        at += RW_H2_FRAME_HEAD_BYTES;
        if (frame.type == RW_H2_DATA)
            note_data(world, frame, bytes + at);
        else
            note_frame(world, frame, bytes + at);
        at += frame.len;
    }
    if (at != len)
        NOTE_FRAME(world, "half a frame");
}

/* ---- Events ---- */

static struct h2_world *world_of(struct rw_h2 *h2)
{
    return h2->user;
}

static struct rw_h2_target on_target(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    struct h2_world *world = world_of(h2);
    (void)stream;
    if (world->refuse)
        return (struct rw_h2_target){NULL, NULL};
    return (struct rw_h2_target){&world->arena, &world->message};
}

static void answer(struct h2_world *world, struct rw_h2_stream *stream)
{
    struct rw_h2 *h2 = &world->h2;
    if (!world->answer || !rw_h2_head_begin(h2, stream, 64, 4))
        return;
    rw_h2_put_status(h2, 200);
    rw_h2_head_end(h2, stream, false, false);
    enum rw_h2_more more = rw_h2_data(h2, stream, NULL, RW_LITERAL("hello"), true, rw_span("", 0));
    if (more == RW_H2_GO && !world->keep)
        rw_h2_forget(h2, stream);
}

static void on_head(struct rw_h2 *h2, struct rw_h2_stream *stream, unsigned status, bool end)
{
    struct h2_world *world = world_of(h2);
    const struct rw_message *message = &world->message;
    if (status)
        NOTE_EVENT(world, "head %u refused %u", stream->id, status);
    else if (h2->settings->server)
        NOTE_EVENT(world, "head %u %.*s %.*s%s", stream->id, RW_SPAN_ARGS(message->method_text),
                   RW_SPAN_ARGS(message->target), end ? " end" : "");
    else
        NOTE_EVENT(world, "head %u %u%s", stream->id, message->status, end ? " end" : "");
    if (end)
        answer(world, stream);
}

static enum rw_h2_more on_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                               struct rw_span data, bool end, struct rw_span trailers)
{
    struct h2_world *world = world_of(h2);
    (void)buf;
    if (world->data_id != stream->id)
        end_data(world, "");
    world->data_id = stream->id;
    if (world->data_bytes + data.len <= sizeof(world->data) && data.len)
        memcpy(world->data + world->data_bytes, data.at, data.len);
    world->data_bytes += data.len;
    if (end)
        end_data(world, " end");
    if (trailers.len)
        NOTE_EVENT(world, "trailers %.*s", (int)trailers.len - 2, trailers.at);
    if (end)
        answer(world, stream);
    return world->hold ? RW_H2_HOLD : RW_H2_GO;
}

static void on_writable(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    NOTE_EVENT(world_of(h2), "writable %u", stream->id);
}

static void on_reset(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code)
{
    NOTE_EVENT(world_of(h2), "reset %u %s", stream->id, rw_h2_code_name(code));
}

static void on_output(struct rw_h2 *h2)
{
    (void)h2;
}

static void on_goaway(struct rw_h2 *h2, enum rw_h2_code code)
{
    NOTE_EVENT(world_of(h2), "goaway %s", rw_h2_code_name(code));
}

static void on_settings(struct rw_h2 *h2)
{
    (void)h2;
}

static void on_pong(struct rw_h2 *h2)
{
    NOTE_EVENT(world_of(h2), "pong");
}

static void on_error(struct rw_h2 *h2, enum rw_h2_code code, enum rw_h2_flood flood,
                     const char *text)
{
    (void)text;
    NOTE_EVENT(world_of(h2), "error %s%s%s", rw_h2_code_name(code),
               flood < RW_H2_FLOOD_COUNT ? " " : "",
               flood < RW_H2_FLOOD_COUNT ? rw_h2_flood_name(flood) : "");
}

/* ---- The world ---- */

static const struct rw_h2_events script_events = {
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

void h2_world_begin(struct h2_world *world, bool server)
{
    memset(world, 0, sizeof(*world));
    world->settings = (struct rw_h2_settings){
        .server = server,
        .streams_max = 100,
        .stream_window_bytes = 65535,
        .connection_window_bytes = 65535,
        .table_bytes_max = 4096,
        .head_bytes_max = 16384,
        .fields_max = 100,
        .target_bytes_max = 8192,
        .block_bytes_max = 32768,
        .continuations_max = 8,
        .expansion_max = 8,
        .output_bytes_max = 65536,
        .flood_max =
            {
#define FLOOD_MAX(name, text, number, doc) number,
                RW_H2_FLOODS(FLOOD_MAX)
#undef FLOOD_MAX
            },
    };
    world->events = script_events;
    world->now_ms = 1000;
    rw_buf_pool_init(&world->buffers, 1 << 28, 0);
    rw_slab_init(&world->streams, sizeof(struct rw_h2_stream), 16, 10000);
    rw_arena_init(&world->arena, NULL, 0, 65536, 1 << 28);
}

void h2_world_open(struct h2_world *world)
{
    rw_hpack_decoder_init(&world->decoder, 4096);
    if (rw_h2_open(&world->h2, &world->settings, &world->events, &world->buffers, &world->streams,
                   world))
        abort();
    struct iovec parts[4];
    if (rw_h2_output(&world->h2, parts, 4) > 0)
        rw_h2_output_sent(&world->h2);
}

void h2_world_end(struct h2_world *world)
{
    rw_h2_close(&world->h2, RW_H2_CANCEL);
    rw_hpack_decoder_free(&world->decoder);
    rw_arena_free(&world->arena);
    rw_slab_destroy(&world->streams);
    rw_buf_pool_destroy(&world->buffers);
}

void h2_give(struct h2_world *world, struct rw_span bytes, size_t piece)
{
    while (bytes.len) {
        size_t part = bytes.len < piece ? bytes.len : piece;
        struct rw_buf *buf = rw_buf_get(&world->buffers, RW_BUF_LARGE_BYTES);
        if (!buf) /* one allocation is made to fail, and it was this */
            buf = rw_buf_get(&world->buffers, RW_BUF_LARGE_BYTES);
        if (!buf || part > RW_BUF_LARGE_BYTES)
            abort();
        memcpy(buf->data, bytes.at, part);
        buf->end = (uint32_t)part;
        bytes = rw_span_skip(bytes, part);
        rw_h2_receive(&world->h2, buf, world->now_ms);
        h2_take_output(world);
    }
}

void h2_play(struct h2_world *world, const char *script)
{
    enum { ROOM = 1 << 18 };
    char *bytes = malloc(ROOM);
    if (!bytes)
        abort();
    h2_give(world, rw_span(bytes, h2_script_bytes(script, bytes, ROOM)), RW_BUF_LARGE_BYTES);
    free(bytes);
}
