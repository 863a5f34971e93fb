/* Heads out: straight into the output, the frame's length put in at the end; what is longer than a
 * frame is cut into CONTINUATION frames then (RFC 9113 sections 6.2 and 6.10). */
#include "http/h2_engine.h"

/* Behind a field's own bytes, and in front of a block: changes of the table's size. */
enum { FIELD_EXTRA_BYTES = 48, BLOCK_EXTRA_BYTES = 16 };

bool rw_h2_head_begin(struct rw_h2 *h2, struct rw_h2_stream *stream, size_t bytes_max,
                      unsigned fields_max)
{
    rw_assert(!h2->head_at && !stream->sent_end);
    if (h2->ended || stream->gone || bytes_max > RW_BUF_LARGE_BYTES ||
        !rw_h2_takes_head(h2, bytes_max, fields_max))
        return false;
    if (!stream->id && h2->own_next_id > RW_H2_STREAM_ID_MAX)
        return false;
    size_t block = bytes_max + fields_max * (size_t)FIELD_EXTRA_BYTES + BLOCK_EXTRA_BYTES;
    size_t room = block + RW_H2_FRAME_HEAD_BYTES * (1 + block / RW_H2_FRAME_BYTES_MAX);
    char *at = rw_h2_reserve(h2, room);
    if (!at)
        return false;
    if (!stream->id) {
        rw_h2_stream_name(h2, stream, h2->own_next_id);
        h2->own_next_id += 2;
    }
    h2->head_stream = stream;
    h2->head_start = at;
    h2->head_at = at + RW_H2_FRAME_HEAD_BYTES;
    h2->head_limit = h2->head_at + block;
    return true;
}

static void check_room(const struct rw_h2 *h2, struct rw_span name, struct rw_span value)
{
    rw_assert(h2->head_at &&
              name.len + value.len + FIELD_EXTRA_BYTES <= (size_t)(h2->head_limit - h2->head_at));
}

void rw_h2_put_status(struct rw_h2 *h2, unsigned status)
{
    check_room(h2, RW_LITERAL(""), RW_LITERAL(""));
    h2->head_at = rw_hpack_encode_status(&h2->encoder, h2->head_at, status);
}

void rw_h2_put_pseudo(struct rw_h2 *h2, enum rw_pseudo which, struct rw_span value)
{
    check_room(h2, RW_LITERAL(""), value);
    if (which == RW_PSEUDO_METHOD)
        h2->head_stream->request_method = (uint8_t)rw_method_from(value);
    h2->head_at = rw_hpack_encode_pseudo(&h2->encoder, h2->head_at, which, value);
}

static inline void put_field(struct rw_h2 *h2, const struct rw_field *field)
{
    check_room(h2, field->name, field->value);
    h2->head_at = rw_hpack_encode_field(&h2->encoder, h2->head_at, (enum rw_field_id)field->id,
                                        field->name, field->value, field->sensitive);
}

void rw_h2_put_field(struct rw_h2 *h2, enum rw_field_id id, struct rw_span name,
                     struct rw_span value)
{
    const struct rw_field field = {.name = name, .value = value, .id = (uint8_t)id};
    put_field(h2, &field);
}

void rw_h2_put_fields(struct rw_h2 *h2, const struct rw_message *message, uint64_t skip)
{
    skip &= ~(1ull << RW_FIELD_OTHER);
    for (unsigned i = 0; i < message->field_count; i++) {
        const struct rw_field *field = &message->fields[i];
        if (!field->hop && !(skip >> field->id & 1))
            put_field(h2, field);
    }
}

/* Moves the parts behind the first one back, the last first, and writes a frame header before each.
 * Returns the end. */
static char *split(struct rw_h2 *h2, size_t len)
{
    char *block = h2->head_start + RW_H2_FRAME_HEAD_BYTES;
    size_t more = (len - 1) / RW_H2_FRAME_BYTES_MAX;
    for (size_t i = more; i > 0; i--) {
        char *from = block + i * RW_H2_FRAME_BYTES_MAX;
        char *to = from + i * RW_H2_FRAME_HEAD_BYTES;
        size_t part = i == more ? len - i * RW_H2_FRAME_BYTES_MAX : RW_H2_FRAME_BYTES_MAX;
        memmove(to, from, part);
        rw_h2_frame_write(to - RW_H2_FRAME_HEAD_BYTES, part, RW_H2_CONTINUATION,
                          i == more ? RW_H2_FLAG_END_HEADERS : 0, h2->head_stream->id);
    }
    return block + len + more * RW_H2_FRAME_HEAD_BYTES;
}

void rw_h2_head_end(struct rw_h2 *h2, struct rw_h2_stream *stream, bool end, bool informational)
{
    rw_assert(h2->head_at && stream == h2->head_stream && !(end && informational));
    size_t len = (size_t)(h2->head_at - h2->head_start) - RW_H2_FRAME_HEAD_BYTES;
    unsigned flags = end ? RW_H2_FLAG_END_STREAM : 0;
    char *at = h2->head_at;
    if (len <= RW_H2_FRAME_BYTES_MAX)
        rw_h2_frame_write(h2->head_start, len, RW_H2_HEADERS, flags | RW_H2_FLAG_END_HEADERS,
                          stream->id);
    else {
        at = split(h2, len);
        rw_h2_frame_write(h2->head_start, RW_H2_FRAME_BYTES_MAX, RW_H2_HEADERS, flags, stream->id);
    }
    rw_h2_commit(h2, (size_t)(at - h2->head_start));
    h2->head_start = h2->head_at = h2->head_limit = NULL;
    h2->head_stream = NULL;
    stream->head_sent = stream->head_sent || !informational;
    if (end) {
        stream->sent_end = true;
        rw_h2_stream_settle(h2, stream);
    }
}

/* ---- Trailers ---- */

static unsigned count_lines(struct rw_span lines)
{
    unsigned count = 0;
    for (size_t i = 0; i < lines.len; i++)
        count += lines.at[i] == '\n';
    return count;
}

static void put_line(struct rw_h2 *h2, struct rw_span line)
{
    ptrdiff_t colon = rw_span_find(line, ':');
    if (colon <= 0)
        return;
    struct rw_span name = rw_span(line.at, (size_t)colon);
    enum rw_field_id id = rw_field_id(name);
    rw_h2_put_field(h2, id, name, rw_span_trim(rw_span_skip(line, (size_t)colon + 1)));
}

bool rw_h2_put_trailers(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_span lines)
{
    struct rw_span rest = lines;
    if (!rw_h2_head_begin(h2, stream, lines.len, count_lines(lines)))
        return false;
    while (rest.len) {
        ptrdiff_t end = rw_span_find(rest, '\n');
        if (end < 0)
            break;
        size_t len = (size_t)end - (end > 0 && rest.at[end - 1] == '\r');
        put_line(h2, rw_span(rest.at, len));
        rest = rw_span_skip(rest, (size_t)end + 1);
    }
    rw_h2_head_end(h2, stream, true, false);
    return true;
}
