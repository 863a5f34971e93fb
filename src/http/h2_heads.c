/* Header blocks in: HEADERS and CONTINUATION to a block, a block to a message, and the events
 * (RFC 9113 sections 6.2, 6.10 and 8.1). */
#include "http/h2_engine.h"
#include "http/h2_message.h"

#include "base/alloc.h"

/* ---- Decoding ---- */

static bool decode(struct rw_h2 *h2, const struct rw_hpack_limits *limits, struct rw_span block,
                   struct rw_arena *arena, struct rw_hpack_head *head)
{
    switch (rw_hpack_decode(&h2->decoder, limits, block, arena, head)) {
    case RW_HPACK_OK:
        return true;
    case RW_HPACK_ERROR:
        rw_h2_fail(h2, RW_H2_COMPRESSION_ERROR, "malformed header block");
        return false;
    case RW_HPACK_BOMB:
        rw_h2_fail_flood(h2, RW_H2_FLOOD_BOMB);
        return false;
    default:
        rw_h2_fail_memory(h2);
        return false;
    }
}

static bool decode_for(struct rw_h2 *h2, struct rw_span block, struct rw_arena *arena,
                       struct rw_hpack_head *head)
{
    const struct rw_hpack_limits limits = {
        .table_bytes_max = h2->settings->table_bytes_max,
        .list_bytes_max = h2->settings->head_bytes_max,
        .fields_max = h2->settings->fields_max,
        .expansion_max = h2->settings->expansion_max,
    };
    return decode(h2, &limits, block, arena, head);
}

/* Nobody wants it, but the table must stay in step. */
static void pass_over(struct rw_h2 *h2, struct rw_span block)
{
    const struct rw_hpack_limits limits = {.table_bytes_max = h2->settings->table_bytes_max,
                                           .expansion_max = h2->settings->expansion_max};
    struct rw_hpack_head head = {0};
    struct rw_arena arena;
    rw_arena_init(&arena, NULL, 0, 4096, SIZE_MAX / 2);
    (void)decode(h2, &limits, block, &arena, &head);
    rw_arena_free(&arena);
}

/* ---- Heads ---- */

static struct rw_h2_target ask_target(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    rw_h2_enter(h2);
    struct rw_h2_target target = h2->events->on_target(h2, stream);
    rw_h2_leave(h2);
    if (stream->gone)
        target.arena = NULL;
    stream->arena = target.arena;
    return target;
}

static void tell_head(struct rw_h2 *h2, struct rw_h2_stream *stream,
                      const struct rw_h2_reading *reading, bool end)
{
    stream->received_end = stream->told_end = end;
    h2->reason = reading->reason;
    rw_h2_enter(h2);
    h2->events->on_head(h2, stream, reading->status, end);
    rw_h2_leave(h2);
    if (!h2->ended)
        h2->reason = NULL;
    rw_h2_stream_settle(h2, stream);
}

static void take_reading(struct rw_h2 *h2, struct rw_h2_stream *stream,
                         const struct rw_message *message, const struct rw_h2_reading *reading,
                         bool end)
{
    if (reading->result == RW_H2_MALFORMED)
        rw_h2_stream_error(h2, stream, RW_H2_PROTOCOL_ERROR, reading->reason);
    else if (reading->result == RW_H2_NO_MEMORY)
        rw_h2_stream_error(h2, stream, RW_H2_INTERNAL_ERROR, "out of memory");
    else {
        if (reading->result == RW_H2_FINE && message->has_length &&
            message->body_kind == RW_BODY_LENGTH)
            stream->announced = message->body_bytes;
        stream->bodiless = reading->result == RW_H2_FINE && message->body_kind == RW_BODY_NONE &&
                           message->method != RW_METHOD_CONNECT;
        tell_head(h2, stream, reading, end);
    }
}

/* A block goes to the target's arena and message. */
static void read_head(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_h2_target target,
                      struct rw_span block, bool end)
{
    struct rw_hpack_head head;
    struct rw_h2_fields_first first;
    rw_h2_hpack_head_begin(&head, &first);
    if (!decode_for(h2, block, target.arena, &head))
        return;
    if (!rw_h2_hpack_head_keep(&head, &first, target.arena)) {
        rw_h2_stream_error(h2, stream, RW_H2_INTERNAL_ERROR, "out of memory");
        return;
    }
    struct rw_h2_reading reading;
    if (h2->settings->server) {
        stream->head_received = true;
        rw_h2_read_request(&head, h2->settings, end, target.arena, target.message, &reading);
        rw_h2_prioritise_new(h2, stream, reading.priority);
    } else {
        rw_h2_read_response(&head, (enum rw_method)stream->request_method, end, target.arena,
                            target.message, &reading);
        stream->head_received = target.message->status >= 200;
        if (!stream->head_received && ++stream->interims > RW_INTERIMS_MAX)
            reading = (struct rw_h2_reading){.result = RW_H2_MALFORMED, .reason = RW_INTERIMS_WHY};
    }
    take_reading(h2, stream, target.message, &reading, end);
}

/* ---- A server's requests ---- */

/* `over`: what was announced; otherwise it is for a lack of memory, and not the client's fault. */
static void refuse_stream(struct rw_h2 *h2, uint32_t id, bool over)
{
    if (over)
        rw_h2_charge(h2, RW_H2_FLOOD_REFUSED);
    if (h2->ended)
        return;
    h2->refused++;
    rw_h2_put_number(h2, RW_H2_RST_STREAM, id, RW_H2_REFUSED_STREAM);
    rw_h2_note_reset(h2, id);
}

static void note_id(struct rw_h2 *h2, uint32_t id)
{
    uint32_t next = h2->peer_last_id ? h2->peer_last_id + 2 : 1;
    if (id != next) {
        h2->gap_first = next;
        h2->gap_last = id - 2;
    }
    h2->peer_last_id = id;
}

static void new_request(struct rw_h2 *h2, uint32_t id, struct rw_span block, bool end)
{
    note_id(h2, id);
    if (id > h2->goaway_id) {
        rw_h2_charge(h2, RW_H2_FLOOD_REFUSED);
        if (!h2->ended)
            pass_over(h2, block);
        return;
    }
    bool over = h2->open_count >= h2->settings->streams_max;
    struct rw_h2_stream *stream = over ? NULL : rw_h2_stream_new(h2, id);
    struct rw_h2_target target = {NULL, NULL};
    if (stream)
        target = ask_target(h2, stream);
    if (target.arena) {
        h2->window_updates_due += 2;
        read_head(h2, stream, target, block, end);
        return;
    }
    pass_over(h2, block);
    if (stream && stream->gone)
        return;
    if (stream)
        rw_h2_stream_drop(h2, stream);
    refuse_stream(h2, id, over);
}

/* ---- Trailers ---- */

/* False: no memory. */
static bool read_trailers(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_span block,
                          const char **malformed, bool *too_large)
{
    struct rw_hpack_head head = {0};
    *malformed = NULL;
    *too_large = false;
    if (!decode_for(h2, block, stream->arena, &head))
        return true;
    *too_large = head.too_large;
    *malformed = head.pseudo_seen ? "pseudo-header field in trailers" : head.malformed;
    if (*malformed || head.too_large)
        return true;
    return rw_h2_read_trailers(&head, stream->arena, &stream->trailers);
}

static void trailers(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_span block, bool end)
{
    if (stream->received_end || !end || stream->forgotten) {
        pass_over(h2, block);
        if (h2->ended)
            return;
        if (stream->received_end)
            rw_h2_stream_error(h2, stream, RW_H2_STREAM_CLOSED, "HEADERS after the end");
        else if (!end)
            rw_h2_stream_error(h2, stream, RW_H2_PROTOCOL_ERROR, "trailers do not end the stream");
        else
            rw_h2_body_ended(h2, stream);
        return;
    }
    const char *malformed;
    bool too_large;
    bool fine = read_trailers(h2, stream, block, &malformed, &too_large);
    if (h2->ended)
        return;
    if (!fine)
        rw_h2_stream_error(h2, stream, RW_H2_INTERNAL_ERROR, "out of memory");
    else if (malformed)
        rw_h2_stream_error(h2, stream, RW_H2_PROTOCOL_ERROR, malformed);
    else if (too_large)
        rw_h2_stream_error(h2, stream, RW_H2_ENHANCE_YOUR_CALM, "trailers are too large");
    else
        rw_h2_body_ended(h2, stream);
}

/* ---- A client's responses ---- */

static void response(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_span block, bool end)
{
    struct rw_h2_target target = {NULL, NULL};
    bool forgotten = stream->forgotten;
    if (!forgotten)
        target = ask_target(h2, stream);
    if (target.arena) {
        read_head(h2, stream, target, block, end);
        return;
    }
    pass_over(h2, block);
    if (stream->gone || h2->ended)
        return;
    if (!forgotten) {
        rw_h2_reset(h2, stream, RW_H2_CANCEL);
        return;
    }
    stream->head_received = true;
    stream->received_end = end;
    rw_h2_stream_settle(h2, stream);
}

/* ---- Blocks ---- */

static void take_block(struct rw_h2 *h2, uint32_t id, struct rw_span block, bool end)
{
    struct rw_h2_stream *stream = rw_h2_stream_find(h2, id);
    if (stream && stream->head_received)
        trailers(h2, stream, block, end);
    else if (stream && !h2->settings->server)
        response(h2, stream, block, end);
    else if (rw_h2_is_idle(h2, id))
        new_request(h2, id, block, end);
    else {
        pass_over(h2, block);
        if (!h2->ended)
            rw_h2_frame_for_closed(h2, id);
    }
}

/* The stream of a HEADERS frame may be one of the client's; for a client only one that it has
 * opened. */
static bool id_allowed(const struct rw_h2 *h2, uint32_t id)
{
    return (id & 1) && (h2->settings->server || !rw_h2_is_idle(h2, id));
}

/* Without padding and the old priority; false: an error. */
static bool strip(struct rw_h2 *h2, struct rw_h2_frame frame, struct rw_span *fragment)
{
    size_t padding = 0;
    if (frame.flags & RW_H2_FLAG_PADDED) {
        if (fragment->len < 1) {
            rw_h2_fail(h2, RW_H2_FRAME_SIZE_ERROR, "HEADERS of a wrong size");
            return false;
        }
        padding = (uint8_t)fragment->at[0];
        *fragment = rw_span_skip(*fragment, 1);
    }
    if (frame.flags & RW_H2_FLAG_PRIORITY) {
        if (fragment->len < 5) {
            rw_h2_fail(h2, RW_H2_FRAME_SIZE_ERROR, "HEADERS of a wrong size");
            return false;
        }
        *fragment = rw_span_skip(*fragment, 5);
    }
    if (padding > fragment->len) {
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "padding larger than the frame");
        return false;
    }
    fragment->len -= padding;
    return true;
}

static bool gather(struct rw_h2 *h2, struct rw_span fragment)
{
    uint32_t bytes = h2->block_bytes + (uint32_t)fragment.len;
    if (bytes > h2->block_room) {
        uint32_t room = bytes < 1024 ? 2048 : bytes * 2;
        char *block = rw_realloc(h2->block, room);
        if (!block) {
            rw_h2_fail_memory(h2);
            return false;
        }
        h2->block = block;
        h2->block_room = room;
    }
    if (fragment.len)
        memcpy(h2->block + h2->block_bytes, fragment.at, fragment.len);
    h2->block_bytes = bytes;
    return true;
}

/* May the block grow by this? */
static bool block_allowed(struct rw_h2 *h2, struct rw_h2_frame frame, size_t len)
{
    if (len == 0 && !(frame.flags & RW_H2_FLAG_END_HEADERS))
        rw_h2_charge(h2, RW_H2_FLOOD_EMPTY_FRAMES);
    if (!h2->ended && h2->block_bytes + len > h2->settings->block_bytes_max)
        rw_h2_fail_flood(h2, RW_H2_FLOOD_HEAD);
    return !h2->ended;
}

void rw_h2_headers(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload)
{
    struct rw_span fragment = rw_span(payload, frame.len);
    if (!id_allowed(h2, frame.id)) {
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "HEADERS on a stream that is not for it");
        return;
    }
    if (!strip(h2, frame, &fragment) || !block_allowed(h2, frame, fragment.len))
        return;
    if (frame.flags & RW_H2_FLAG_END_HEADERS) {
        take_block(h2, frame.id, fragment, frame.flags & RW_H2_FLAG_END_STREAM);
        return;
    }
    h2->block_id = frame.id;
    h2->block_flags = frame.flags;
    h2->block_frames = 0;
    gather(h2, fragment);
}

void rw_h2_continuation(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload)
{
    if (!h2->block_id) {
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "CONTINUATION without HEADERS");
        return;
    }
    if (!block_allowed(h2, frame, frame.len))
        return;
    if (++h2->block_frames > h2->settings->continuations_max) {
        rw_h2_fail_flood(h2, RW_H2_FLOOD_CONTINUATIONS);
        return;
    }
    if (!gather(h2, rw_span(payload, frame.len)) || !(frame.flags & RW_H2_FLAG_END_HEADERS))
        return;
    uint32_t id = h2->block_id;
    char *block = h2->block;
    struct rw_span bytes = rw_span(block, h2->block_bytes);
    h2->block = NULL;
    h2->block_id = h2->block_bytes = h2->block_room = 0;
    take_block(h2, id, bytes, h2->block_flags & RW_H2_FLAG_END_STREAM);
    rw_free(block);
}
