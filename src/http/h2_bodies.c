/* Bodies in: DATA to on_data, what a held stream gets meanwhile, and windows given back (RFC 9113
 * sections 5.2 and 6.1). */
#include "http/h2_engine.h"

enum { SMALL_DATA_BYTES = 64 };

/* ---- Windows ---- */

static uint32_t connection_window_bytes(const struct rw_h2 *h2)
{
    uint32_t bytes = h2->settings->connection_window_bytes;
    return bytes > RW_H2_WINDOW_BYTES_DEFAULT ? bytes : RW_H2_WINDOW_BYTES_DEFAULT;
}

void rw_h2_credit(struct rw_h2 *h2, uint32_t bytes)
{
    h2->unreported += bytes;
    if (h2->unreported < connection_window_bytes(h2) / 2 || h2->ended)
        return;
    h2->receive_window += (int32_t)h2->unreported;
    rw_h2_put_number(h2, RW_H2_WINDOW_UPDATE, 0, h2->unreported);
    h2->unreported = 0;
}

/* More window for a stream, when half of it is used up, and it is needed. */
static void credit_stream(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    if (!stream->unreported || stream->held || stream->received_end || h2->ended ||
        (uint64_t)stream->unreported * 2 < h2->settings->stream_window_bytes)
        return;
    if (stream->announced != UINT64_MAX &&
        (int64_t)(stream->announced - stream->received) <= stream->receive_window)
        return;
    stream->receive_window += (int32_t)stream->unreported;
    rw_h2_put_number(h2, RW_H2_WINDOW_UPDATE, stream->id, stream->unreported);
    stream->unreported = 0;
}

/* ---- To the owner ---- */

static void tell(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                 struct rw_span data, bool end)
{
    static const struct rw_span none = {"", 0};
    stream->told_end = end;
    stream->unreported += (uint32_t)data.len;
    rw_h2_credit(h2, (uint32_t)data.len);
    rw_h2_enter(h2);
    enum rw_h2_more more =
        h2->events->on_data(h2, stream, buf, data, end, end ? stream->trailers : none);
    rw_h2_leave(h2);
    if (stream->gone)
        return;
    stream->held = more == RW_H2_HOLD && !end;
    credit_stream(h2, stream);
    if (end)
        rw_h2_stream_settle(h2, stream);
}

/* Keeps what comes while the owner takes nothing. */
static bool keep(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_span *data)
{
    while (data->len) {
        struct rw_buf *last = stream->waiting_last;
        if (!last || rw_buf_space(last) == 0) {
            struct rw_buf *buf = rw_buf_get(h2->buffers, RW_BUF_SMALL_BYTES);
            if (!buf)
                return false;
            if (last)
                last->next = buf;
            else
                stream->waiting = buf;
            stream->waiting_last = last = buf;
        }
        size_t part = rw_buf_space(last) < data->len ? rw_buf_space(last) : data->len;
        memcpy(last->data + last->end, data->at, part);
        last->end += (uint32_t)part;
        *data = rw_span_skip(*data, part);
    }
    return true;
}

static void arrive(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                   struct rw_span data, bool end)
{
    stream->received_end = end;
    if (stream->forgotten) {
        rw_h2_credit(h2, (uint32_t)data.len);
        rw_h2_stream_settle(h2, stream);
        return;
    }
    if (!stream->held && !rw_list_linked(&stream->woken)) {
        tell(h2, stream, buf, data, end);
        return;
    }
    if (!keep(h2, stream, &data)) {
        rw_h2_credit(h2, (uint32_t)data.len);
        rw_h2_stream_error(h2, stream, RW_H2_INTERNAL_ERROR, "out of memory");
    } else if (end)
        rw_h2_stream_settle(h2, stream);
}

void rw_h2_body_ended(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    if (stream->announced != UINT64_MAX && stream->received != stream->announced)
        rw_h2_stream_error(h2, stream, RW_H2_PROTOCOL_ERROR, "body shorter than Content-Length");
    else
        arrive(h2, stream, NULL, rw_span("", 0), true);
}

void rw_h2_resume(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    if (stream->gone || !stream->held)
        return;
    stream->held = false;
    if (stream->waiting || stream->received_end) {
        if (!rw_list_linked(&stream->woken))
            rw_list_push_back(&h2->table->woken, &stream->woken);
        rw_h2_ask(h2);
    } else
        credit_stream(h2, stream);
}

/* All that waits for one stream. */
static void tell_waiting(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    while (!stream->gone && !stream->held && stream->waiting) {
        struct rw_buf *buf = stream->waiting;
        stream->waiting = buf->next;
        buf->next = NULL;
        if (!stream->waiting)
            stream->waiting_last = NULL;
        tell(h2, stream, buf, rw_buf_span(buf), stream->received_end && !stream->waiting);
        rw_buf_drop(buf);
    }
    if (!stream->gone && !stream->held && stream->received_end && !stream->told_end)
        tell(h2, stream, NULL, rw_span("", 0), true);
}

void rw_h2_tell_woken(struct rw_h2 *h2)
{
    struct rw_list *item;
    while (h2->table && !h2->ended && (item = rw_list_pop_front(&h2->table->woken)))
        tell_waiting(h2, rw_container_of(item, struct rw_h2_stream, woken));
}

/* ---- Frames ---- */

void rw_h2_frame_for_closed(struct rw_h2 *h2, uint32_t id)
{
    if (id > h2->goaway_id) /* it was told that nobody looks at it */
        return;
    if (id >= h2->gap_first && id <= h2->gap_last) {
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "the stream's id is lower than that of another");
        return;
    }
    switch (rw_h2_was_reset(h2, id)) {
    case RW_H2_WAS_RESET:
        break;
    case RW_H2_MAYBE_RESET:
        if (h2->settings->server)
            rw_h2_charge(h2, RW_H2_FLOOD_RESETS);
        if (!h2->ended)
            rw_h2_put_number(h2, RW_H2_RST_STREAM, id, RW_H2_STREAM_CLOSED);
        break;
    case RW_H2_NOT_RESET:
        rw_h2_fail(h2, RW_H2_STREAM_CLOSED, "a frame for a closed stream");
        break;
    }
}

/* The stream that takes the frame's data; NULL: it is passed over, or an error. */
static struct rw_h2_stream *data_stream(struct rw_h2 *h2, struct rw_h2_frame frame, uint32_t data)
{
    struct rw_h2_stream *stream = rw_h2_stream_find(h2, frame.id);
    bool end = frame.flags & RW_H2_FLAG_END_STREAM;
    enum rw_h2_code code = RW_H2_PROTOCOL_ERROR;
    const char *text;
    if (!stream) {
        if (rw_h2_is_idle(h2, frame.id))
            rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "DATA on an idle stream");
        else
            rw_h2_frame_for_closed(h2, frame.id);
        return NULL;
    }
    uint64_t received = stream->received + data;
    if (stream->received_end) {
        code = RW_H2_STREAM_CLOSED;
        text = "DATA after the end";
    } else if (frame.len && (int64_t)frame.len > stream->receive_window) {
        code = RW_H2_FLOW_CONTROL_ERROR;
        text = "more DATA than the stream's window";
    } else if (!stream->head_received)
        text = "DATA before the head";
    else if (stream->bodiless && data)
        text = "body of a message that has none";
    else if (stream->announced != UINT64_MAX &&
             (received > stream->announced || (end && received != stream->announced)))
        text = "body differs from Content-Length";
    else {
        stream->received = received;
        stream->receive_window -= (int32_t)frame.len;
        stream->unreported += frame.len - data;
        return stream;
    }
    rw_h2_stream_error(h2, stream, code, text);
    return NULL;
}

static void charge_data(struct rw_h2 *h2, struct rw_h2_frame frame, uint32_t data)
{
    if (frame.flags & RW_H2_FLAG_END_STREAM || data >= SMALL_DATA_BYTES)
        return;
    rw_h2_charge(h2, data ? RW_H2_FLOOD_SMALL_DATA : RW_H2_FLOOD_EMPTY_FRAMES);
}

void rw_h2_data_begin(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload)
{
    uint32_t overhead = 0;
    bool padded = frame.flags & RW_H2_FLAG_PADDED;
    if (padded && frame.len)
        overhead = 1 + (uint32_t)(uint8_t)payload[0];
    if (frame.id == 0)
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "DATA on the connection");
    else if (padded && frame.len == 0)
        rw_h2_fail(h2, RW_H2_FRAME_SIZE_ERROR, "DATA of a wrong size");
    else if (overhead > frame.len)
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "padding larger than the frame");
    else if ((int64_t)frame.len > h2->receive_window)
        rw_h2_fail(h2, RW_H2_FLOW_CONTROL_ERROR, "more DATA than the connection's window");
    else
        charge_data(h2, frame, frame.len - overhead);
    if (h2->ended)
        return;
    h2->receive_window -= (int32_t)frame.len;
    h2->data_left = frame.len - (overhead ? 1 : 0);
    h2->data_padding = (uint8_t)(overhead ? overhead - 1 : 0);
    h2->data_end = frame.flags & RW_H2_FLAG_END_STREAM;
    h2->data_stream = NULL;
    struct rw_h2_stream *stream = data_stream(h2, frame, frame.len - overhead);
    rw_h2_credit(h2, stream ? overhead : frame.len);
    h2->data_stream = stream;
    if (stream && overhead)
        credit_stream(h2, stream);
    if (stream && h2->data_left == 0 && h2->data_end)
        rw_h2_body_ended(h2, stream);
}

size_t rw_h2_data_take(struct rw_h2 *h2, struct rw_buf *buf, struct rw_span bytes)
{
    size_t body = h2->data_left > h2->data_padding ? h2->data_left - h2->data_padding : 0;
    size_t taken = bytes.len < h2->data_left ? bytes.len : h2->data_left;
    size_t data = taken < body ? taken : body;
    h2->data_left -= (uint32_t)taken;
    bool end = h2->data_end && h2->data_left == 0;
    if (h2->data_stream && (data || end))
        arrive(h2, h2->data_stream, buf, rw_span(bytes.at, data), end);
    rw_h2_sweep(h2);
    return taken;
}
