#include "support/peer_message.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static void bad(struct rw_test_reader *reader, const char *why)
{
    if (reader->state == RW_TEST_BAD)
        return;
    reader->state = RW_TEST_BAD;
    reader->events->bad(reader, why);
}

/* ---- Fields ---- */

/* The value on this line, if it is the field's. */
static bool value_on_line(const char *line, size_t len, const char *name, struct rw_span *value)
{
    size_t name_len = strlen(name);
    if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0)
        return false;
    const char *at = line + name_len + 1;
    while (*at == ' ')
        at++;
    *value = rw_span(at, (size_t)(line + len - at));
    return true;
}

static unsigned find(const struct rw_test_reader *reader, const char *name, struct rw_span *value)
{
    unsigned count = 0;
    struct rw_span found;
    const char *line = strstr(reader->head, "\r\n");
    for (line += 2; strncmp(line, "\r\n", 2) != 0;) {
        const char *end = strstr(line, "\r\n");
        if (value_on_line(line, (size_t)(end - line), name, &found) && count++ == 0)
            *value = found;
        line = end + 2;
    }
    return count;
}

struct rw_span rw_test_head_value(const struct rw_test_reader *reader, const char *name)
{
    struct rw_span value = {0};
    (void)find(reader, name, &value);
    return value;
}

unsigned rw_test_head_count(const struct rw_test_reader *reader, const char *name)
{
    struct rw_span value;
    return find(reader, name, &value);
}

enum rw_test_body rw_test_head_framing(const struct rw_test_reader *reader, uint64_t *length,
                                       const char **why)
{
    unsigned lengths = rw_test_head_count(reader, "Content-Length");
    unsigned encodings = rw_test_head_count(reader, "Transfer-Encoding");
    *why = lengths + encodings > 1 ? "framed more than once" : NULL;
    if (encodings) {
        if (!rw_span_is(rw_test_head_value(reader, "Transfer-Encoding"), "chunked"))
            *why = "an unknown transfer encoding";
        return RW_TEST_BODY_CHUNKED;
    }
    if (!lengths)
        return RW_TEST_BODY_NONE;
    *length = strtoull(rw_test_head_value(reader, "Content-Length").at, NULL, 10);
    return RW_TEST_BODY_LENGTH;
}

static const char *check_lines(const struct rw_test_reader *reader)
{
    if (strlen(reader->head) != reader->head_bytes)
        return "a NUL in a head";
    const char *line = strstr(reader->head, "\r\n");
    for (line += 2; strncmp(line, "\r\n", 2) != 0;) {
        const char *end = strstr(line, "\r\n");
        const char *colon = memchr(line, ':', (size_t)(end - line));
        if (!colon || colon == line || memchr(line, ' ', (size_t)(colon - line)))
            return "a field without a name";
        line = end + 2;
    }
    return NULL;
}

/* ---- Heads ---- */

static void begin_body(struct rw_test_reader *reader)
{
    const char *why = NULL;
    uint64_t length = 0;
    reader->body_bytes = 0;
    reader->trailer[0] = '\0';
    (void)rw_test_head_framing(reader, &length, &why);
    if (!why)
        why = check_lines(reader);
    if (why) {
        bad(reader, why);
        return;
    }
    enum rw_test_body body = reader->events->head(reader);
    if (reader->state == RW_TEST_BAD || reader->stopped)
        return;
    static const enum rw_test_reader_state states[] = {
        RW_TEST_HEAD, RW_TEST_LENGTH, RW_TEST_CHUNK_SIZE, RW_TEST_UNTIL_CLOSE, RW_TEST_RAW};
    reader->state = states[body];
    reader->remaining = length;
    reader->line_bytes = reader->head_bytes = 0;
    if (body == RW_TEST_BODY_NONE || (body == RW_TEST_BODY_LENGTH && length == 0)) {
        reader->state = RW_TEST_HEAD;
        reader->events->complete(reader);
    }
}

static void add_head_byte(struct rw_test_reader *reader, char byte)
{
    if (reader->head_bytes + 2 > reader->head_room) {
        reader->head_room = reader->head_room ? reader->head_room * 2 : 1024;
        reader->head = realloc(reader->head, reader->head_room);
        rw_assert(reader->head);
    }
    reader->head[reader->head_bytes++] = byte;
    reader->head[reader->head_bytes] = '\0';
    if (byte == '\n' && reader->head_bytes >= 4 &&
        memcmp(reader->head + reader->head_bytes - 4, "\r\n\r\n", 4) == 0)
        begin_body(reader);
    else if (reader->head_bytes > RW_TEST_HEAD_BYTES_MAX)
        bad(reader, "a head without an end");
}

/* ---- Bodies ---- */

static void end_message(struct rw_test_reader *reader)
{
    reader->state = RW_TEST_HEAD;
    reader->events->complete(reader);
}

static void end_line(struct rw_test_reader *reader)
{
    reader->line[reader->line_bytes -= 2] = '\0';
    size_t len = reader->line_bytes;
    char *end;
    reader->line_bytes = 0;
    switch (reader->state) {
    case RW_TEST_CHUNK_SIZE:
        reader->remaining = strtoull(reader->line, &end, 16);
        if (len == 0 || *end)
            bad(reader, "a chunk size that is none");
        else
            reader->state = reader->remaining ? RW_TEST_CHUNK_DATA : RW_TEST_TRAILERS;
        break;
    case RW_TEST_CHUNK_END:
        if (len)
            bad(reader, "a chunk that does not end");
        reader->state = RW_TEST_CHUNK_SIZE;
        break;
    default:
        if (len == 0)
            end_message(reader);
        else
            memcpy(reader->trailer, reader->line, len + 1);
    }
}

static void add_line_byte(struct rw_test_reader *reader, char byte)
{
    if (reader->line_bytes + 1 >= sizeof(reader->line)) {
        bad(reader, "a line in a body is too long");
        return;
    }
    reader->line[reader->line_bytes++] = byte;
    if (byte == '\n') {
        if (reader->line_bytes < 2 || reader->line[reader->line_bytes - 2] != '\r')
            bad(reader, "a bare LF");
        else
            end_line(reader);
    }
}

static size_t add_body(struct rw_test_reader *reader, struct rw_span bytes)
{
    bool counted = reader->state == RW_TEST_LENGTH || reader->state == RW_TEST_CHUNK_DATA;
    if (counted && bytes.len > reader->remaining)
        bytes.len = (size_t)reader->remaining;
    size_t len = bytes.len;
    reader->events->body(reader, bytes);
    reader->body_bytes += len;
    reader->remaining -= counted ? len : 0;
    if (!counted || reader->remaining || reader->stopped || reader->state == RW_TEST_BAD)
        return len;
    if (reader->state == RW_TEST_LENGTH)
        end_message(reader);
    else
        reader->state = RW_TEST_CHUNK_END;
    return len;
}

void rw_test_reader_feed(struct rw_test_reader *reader, struct rw_span bytes)
{
    while (bytes.len && !reader->stopped) {
        size_t used = 1;
        switch (reader->state) {
        case RW_TEST_HEAD:
            add_head_byte(reader, bytes.at[0]);
            break;
        case RW_TEST_CHUNK_SIZE:
        case RW_TEST_CHUNK_END:
        case RW_TEST_TRAILERS:
            add_line_byte(reader, bytes.at[0]);
            break;
        case RW_TEST_LENGTH:
        case RW_TEST_CHUNK_DATA:
        case RW_TEST_UNTIL_CLOSE:
        case RW_TEST_RAW:
            used = add_body(reader, bytes);
            break;
        case RW_TEST_BAD:
            return;
        }
        bytes = rw_span_skip(bytes, used);
    }
}

void rw_test_reader_free(struct rw_test_reader *reader)
{
    free(reader->head);
    reader->head = NULL;
}

bool rw_test_reader_between(const struct rw_test_reader *reader)
{
    return reader->state == RW_TEST_HEAD && reader->head_bytes == 0;
}

/* ---- Contents ---- */

static char byte_at(uint32_t id, enum rw_test_side side, uint64_t offset)
{
    uint64_t x = offset * 0x9e3779b97f4a7c15 + id * 2654435761u + side * 77u;
    return (char)(x >> 24 ^ x >> 43);
}

void rw_test_body_fill(char *to, size_t len, uint32_t id, enum rw_test_side side, uint64_t offset)
{
    for (size_t i = 0; i < len; i++)
        to[i] = byte_at(id, side, offset + i);
}

bool rw_test_body_is(struct rw_span bytes, uint32_t id, enum rw_test_side side, uint64_t offset)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.at[i] != byte_at(id, side, offset + i))
            return false;
    return true;
}
