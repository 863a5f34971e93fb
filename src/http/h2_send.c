/* Bodies out, and who comes next.
 *
 * A stream that could not send all waits: in the list of its urgency while the peer's window for it
 * is open, in none while it is not. Lists are served in order of urgency (RFC 9218 section 10);
 * within one, an incremental stream sends a frame and goes to the end, another one sends all that
 * it has. A stream of which no priority was said is served like an incremental one, so that none is
 * starved by a body without end. */
#include "http/h2_engine.h"

enum {
    QUANTUM_BYTES = RW_H2_FRAME_BYTES_MAX,
    /* A frame of less is not begun at the end of a buffer. */
    FRAME_WORTH_BYTES = 1024,
    WINDOW_UPDATES_DUE_MAX = 1 << 20,
};

/* ---- Lists ---- */

void rw_h2_unready(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    if (!rw_list_linked(&stream->ready))
        return;
    rw_list_remove(&stream->ready);
    if (rw_list_empty(&h2->table->ready[stream->urgency]))
        h2->ready_bits &= (uint8_t) ~(1u << stream->urgency);
}

static bool may_send(const struct rw_h2_stream *stream)
{
    return stream->pending && (stream->send_window > 0 || stream->out_data.len == 0);
}

static void link_ready(struct rw_h2 *h2, struct rw_h2_stream *stream, bool first)
{
    struct rw_list *list = &h2->table->ready[stream->urgency];
    if (first)
        rw_list_push_front(list, &stream->ready);
    else
        rw_list_push_back(list, &stream->ready);
    h2->ready_bits |= (uint8_t)(1u << stream->urgency);
}

/* Has it come before all that wait with its urgency, and keeps its place? */
static bool is_first(const struct rw_h2 *h2, const struct rw_h2_stream *stream)
{
    struct rw_list *list = &h2->table->ready[stream->urgency];
    return !stream->incremental &&
           (rw_list_empty(list) ||
            stream->id < rw_container_of(list->next, struct rw_h2_stream, ready)->id);
}

void rw_h2_ready(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    if (!rw_list_linked(&stream->ready) && may_send(stream))
        link_ready(h2, stream, is_first(h2, stream));
}

/* ---- Frames ---- */

static bool has_room(const struct rw_h2 *h2)
{
    return h2->out_bytes < h2->settings->output_bytes_max && !h2->no_memory && !h2->ended;
}

/* No buffer for what must go: it waits for others to be sent, if there are any. */
static void no_memory(struct rw_h2 *h2)
{
    if (h2->out_bytes)
        h2->no_memory = true;
    else
        rw_h2_fail_memory(h2);
}

/* How much of it goes into a frame now, as far as windows say. */
static size_t allowed(const struct rw_h2 *h2, const struct rw_h2_stream *stream)
{
    size_t bytes = stream->out_data.len;
    if (stream->send_window <= 0 || h2->send_window <= 0)
        return 0;
    if (bytes > RW_H2_FRAME_BYTES_MAX)
        bytes = RW_H2_FRAME_BYTES_MAX;
    if (bytes > (size_t)stream->send_window)
        bytes = (size_t)stream->send_window;
    return bytes < (size_t)h2->send_window ? bytes : (size_t)h2->send_window;
}

/* Room for a frame with up to `*bytes`, which become fewer when the buffer ends. */
static char *frame_room(struct rw_h2 *h2, size_t *bytes)
{
    size_t least = *bytes < FRAME_WORTH_BYTES ? *bytes : FRAME_WORTH_BYTES;
    char *at = rw_h2_reserve(h2, RW_H2_FRAME_HEAD_BYTES + least);
    if (!at)
        return NULL;
    size_t space = rw_buf_space(h2->out_last) - RW_H2_FRAME_HEAD_BYTES;
    if (*bytes > space)
        *bytes = space;
    return at;
}

/* One DATA frame; false: not even that. */
static bool put_data(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    size_t bytes = allowed(h2, stream);
    if (stream->out_data.len && (bytes == 0 || !has_room(h2)))
        return false;
    char *at = frame_room(h2, &bytes);
    if (!at) {
        no_memory(h2);
        return false;
    }
    bool end = stream->out_end && !stream->out_trailers.len && bytes == stream->out_data.len;
    at = rw_h2_frame_write(at, bytes, RW_H2_DATA, end ? RW_H2_FLAG_END_STREAM : 0, stream->id);
    if (bytes) {
        memcpy(at, stream->out_data.at, bytes);
        stream->out_data = rw_span_skip(stream->out_data, bytes);
    }
    rw_h2_commit(h2, RW_H2_FRAME_HEAD_BYTES + bytes);
    stream->send_window -= (int32_t)bytes;
    h2->send_window -= (int32_t)bytes;
    stream->stalled_since_ms = 0;
    stream->sent_end = end;
    if (h2->window_updates_due < WINDOW_UPDATES_DUE_MAX)
        h2->window_updates_due += 2 + (uint32_t)bytes / 1024;
    return true;
}

/* What the stream has to send, up to `bytes_max`. True: all of it is in the output. */
static bool flush(struct rw_h2 *h2, struct rw_h2_stream *stream, size_t bytes_max)
{
    size_t before = stream->out_data.len;
    while (stream->out_data.len)
        if (before - stream->out_data.len >= bytes_max || !put_data(h2, stream))
            return false;
    if (!stream->out_end || stream->sent_end)
        return true;
    if (!stream->out_trailers.len)
        return put_data(h2, stream);
    if (rw_h2_put_trailers(h2, stream, stream->out_trailers))
        return true;
    no_memory(h2);
    return false;
}

/* Do others wait whose turn comes first? */
static bool must_queue(const struct rw_h2 *h2, const struct rw_h2_stream *stream)
{
    unsigned up_to_mine = h2->ready_bits & ((2u << stream->urgency) - 1);
    if (!up_to_mine || !stream->out_data.len)
        return false;
    return up_to_mine != 1u << stream->urgency || !is_first(h2, stream);
}

enum rw_h2_more rw_h2_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                           struct rw_span data, bool end, struct rw_span trailers)
{
    if (h2->ended || stream->gone || stream->deaf)
        return RW_H2_GO;
    rw_assert(stream->head_sent && !stream->pending && !stream->sent_end);
    stream->out_data = data;
    stream->out_end = end;
    stream->out_trailers = trailers;
    if (!must_queue(h2, stream) && flush(h2, stream, SIZE_MAX)) {
        rw_h2_stream_settle(h2, stream);
        return RW_H2_GO;
    }
    if (h2->ended)
        return RW_H2_GO;
    stream->out_buf = buf && stream->out_data.len ? rw_buf_hold(buf) : NULL;
    stream->pending = true;
    rw_h2_ready(h2, stream);
    return RW_H2_HOLD;
}

/* ---- Those that wait ---- */

static void written(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    rw_buf_drop(stream->out_buf);
    stream->out_buf = NULL;
    stream->pending = false;
    bool forgotten = stream->forgotten;
    rw_h2_stream_settle(h2, stream);
    if (stream->gone || forgotten)
        return;
    rw_h2_enter(h2);
    h2->events->on_writable(h2, stream);
    rw_h2_leave(h2);
}

static void serve_one(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    rw_h2_unready(h2, stream);
    if (flush(h2, stream, stream->incremental ? QUANTUM_BYTES : SIZE_MAX))
        written(h2, stream);
    else if (may_send(stream))
        link_ready(h2, stream, !stream->incremental);
}

void rw_h2_serve(struct rw_h2 *h2)
{
    while (h2->ready_bits && h2->send_window > 0 && has_room(h2)) {
        struct rw_list *list = &h2->table->ready[__builtin_ctz(h2->ready_bits)];
        serve_one(h2, rw_container_of(list->next, struct rw_h2_stream, ready));
    }
}

/* ---- Forgotten streams ---- */

/* What is still to be sent lies in memory of the owner's, which goes now. */
static bool copy_rest(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    size_t data = stream->out_buf ? 0 : stream->out_data.len;
    size_t bytes = data + stream->out_trailers.len;
    if (bytes == 0)
        return true;
    struct rw_buf *buf = bytes <= RW_BUF_LARGE_BYTES ? rw_buf_get(h2->buffers, bytes) : NULL;
    if (!buf)
        return false;
    if (data) {
        memcpy(buf->data, stream->out_data.at, data);
        stream->out_data.at = buf->data;
    }
    if (stream->out_trailers.len)
        memcpy(buf->data + data, stream->out_trailers.at, stream->out_trailers.len);
    stream->out_trailers.at = buf->data + data;
    if (stream->out_buf)
        stream->waiting = buf; /* empty as it seems: only held */
    else
        stream->out_buf = buf;
    return true;
}

void rw_h2_forget(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    if (stream->gone)
        return;
    stream->forgotten = true;
    stream->user = NULL;
    stream->arena = NULL;
    rw_h2_stream_drop_waiting(h2, stream);
    if (stream->sent_end) {
        rw_h2_stream_settle(h2, stream);
        if (!h2->busy)
            rw_h2_sweep(h2);
    } else if (h2->ended || !stream->pending || !stream->out_end || !copy_rest(h2, stream))
        rw_h2_reset(h2, stream, RW_H2_CANCEL);
}

/* ---- Stalls ---- */

bool rw_h2_is_stalled(const struct rw_h2 *h2, const struct rw_h2_stream *stream)
{
    return stream->pending && stream->out_data.len &&
           (stream->send_window <= 0 || h2->send_window <= 0);
}

uint32_t rw_h2_stalled_count(const struct rw_h2 *h2)
{
    uint32_t count = 0;
    for (uint32_t i = 0; h2->table && i <= h2->table->mask; i++)
        for (struct rw_h2_stream *stream = h2->table->buckets[i]; stream; stream = stream->chain)
            count += !stream->gone && rw_h2_is_stalled(h2, stream);
    return count;
}

/* Is it stalled, and for long? */
static bool look_at(struct rw_h2 *h2, struct rw_h2_stream *stream, uint64_t now_ms,
                    uint64_t stall_ms_max)
{
    if (stream->gone || !rw_h2_is_stalled(h2, stream)) {
        stream->stalled_since_ms = 0;
        return false;
    }
    if (!stream->stalled_since_ms)
        stream->stalled_since_ms = now_ms ? now_ms : 1;
    if (now_ms - stream->stalled_since_ms < stall_ms_max)
        return true;
    rw_h2_charge(h2, RW_H2_FLOOD_STALLS);
    if (h2->ended)
        return false;
    rw_h2_put_number(h2, RW_H2_RST_STREAM, stream->id, RW_H2_CANCEL);
    rw_h2_note_reset(h2, stream->id);
    rw_h2_stream_lost(h2, stream, RW_H2_CANCEL);
    return false;
}

bool rw_h2_reset_stalled(struct rw_h2 *h2, uint64_t now_ms, uint64_t stall_ms_max)
{
    bool stalled = false;
    if (!h2->table || h2->ended)
        return false;
    rw_h2_enter(h2);
    for (uint32_t i = 0; i <= h2->table->mask; i++)
        for (struct rw_h2_stream *stream = h2->table->buckets[i]; stream; stream = stream->chain)
            stalled = look_at(h2, stream, now_ms, stall_ms_max) || stalled;
    rw_h2_leave(h2);
    rw_h2_turn(h2);
    return stalled;
}
