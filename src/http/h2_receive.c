/* From buffers to frames. A frame that lies whole in a buffer is read there; what is cut off at a
 * buffer's end is gathered in a block of its own, of just the frame's size. DATA is never gathered:
 * what is there is handed on. */
#include "http/h2_engine.h"

#include "base/alloc.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/* How many bytes must be there in one piece to handle the frame that begins with the `len` bytes at
 * `at`, as far as they tell. */
static size_t bytes_needed(const char *at, size_t len)
{
    if (len < RW_H2_FRAME_HEAD_BYTES)
        return RW_H2_FRAME_HEAD_BYTES;
    struct rw_h2_frame frame = rw_h2_frame_read(at);
    if (frame.type != RW_H2_DATA)
        return RW_H2_FRAME_HEAD_BYTES + (size_t)frame.len;
    return RW_H2_FRAME_HEAD_BYTES + (frame.flags & RW_H2_FLAG_PADDED && frame.len);
}

/* What holds for every frame, and can be said when its header is here. */
static bool frame_allowed(struct rw_h2 *h2, const struct rw_h2_frame *frame)
{
    if (frame->len > RW_H2_FRAME_BYTES_MAX)
        rw_h2_fail(h2, RW_H2_FRAME_SIZE_ERROR, "frame larger than SETTINGS_MAX_FRAME_SIZE");
    else if (!h2->settings_received &&
             (frame->type != RW_H2_SETTINGS || frame->flags & RW_H2_FLAG_ACK))
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "the first frame is not SETTINGS");
    else if (h2->block_id && (frame->type != RW_H2_CONTINUATION || frame->id != h2->block_id))
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "a frame inside of a header block");
    return !h2->ended;
}

static void take_frame(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload)
{
    switch (frame.type) {
    case RW_H2_DATA:
        rw_h2_data_begin(h2, frame, payload);
        break;
    case RW_H2_HEADERS:
        rw_h2_headers(h2, frame, payload);
        break;
    case RW_H2_CONTINUATION:
        rw_h2_continuation(h2, frame, payload);
        break;
    default:
        rw_h2_control(h2, frame, payload);
        break;
    }
    if (!h2->block_id)
        h2->partial_ms = 0;
    else if (!h2->partial_ms)
        h2->partial_ms = h2->now_ms;
    rw_h2_sweep(h2);
}

/* Frames that are whole, and DATA as far as it is there; returns where it stopped. */
static const char *whole_frames(struct rw_h2 *h2, struct rw_buf *buf, const char *at,
                                const char *end)
{
    while (at < end && !h2->ended) {
        if (h2->data_left) {
            at += rw_h2_data_take(h2, buf, rw_span(at, (size_t)(end - at)));
            continue;
        }
        size_t len = (size_t)(end - at);
        if (len < RW_H2_FRAME_HEAD_BYTES)
            break;
        struct rw_h2_frame frame = rw_h2_frame_read(at);
        if (!frame_allowed(h2, &frame))
            break;
        size_t needed = bytes_needed(at, len);
        if (needed > len)
            break;
        take_frame(h2, frame, at + RW_H2_FRAME_HEAD_BYTES);
        at += needed;
    }
    return at;
}

/* ---- Frames in pieces ---- */

/* Moves a header that is whole to a block that has room for its frame. */
static bool make_room(struct rw_h2 *h2, size_t needed)
{
    if (h2->in || needed <= sizeof(h2->partial))
        return true;
    h2->in = rw_alloc(needed);
    if (!h2->in) {
        rw_h2_fail_memory(h2);
        return false;
    }
    memcpy(h2->in, h2->partial, h2->in_bytes);
    return true;
}

/* Adds bytes to the frame that is gathered, up to its end; returns where it stopped. */
static const char *gather(struct rw_h2 *h2, const char *at, const char *end)
{
    if (!h2->partial_ms)
        h2->partial_ms = h2->now_ms;
    for (;;) {
        char *in = h2->in ? h2->in : h2->partial;
        size_t needed = bytes_needed(in, h2->in_bytes);
        if (h2->in_bytes >= RW_H2_FRAME_HEAD_BYTES) {
            struct rw_h2_frame frame = rw_h2_frame_read(in);
            if (!frame_allowed(h2, &frame) || !make_room(h2, needed))
                return end;
            in = h2->in ? h2->in : h2->partial;
        }
        if (h2->in_bytes == needed || at == end)
            return at;
        size_t more = needed - h2->in_bytes;
        if (more > (size_t)(end - at))
            more = (size_t)(end - at);
        memcpy(in + h2->in_bytes, at, more);
        h2->in_bytes += (uint32_t)more;
        at += more;
    }
}

/* Goes on with the frame that is gathered; returns where it stopped. */
static const char *complete(struct rw_h2 *h2, const char *at, const char *end)
{
    at = gather(h2, at, end);
    char *block = h2->in, *in = block ? block : h2->partial;
    if (h2->ended || h2->in_bytes < bytes_needed(in, h2->in_bytes))
        return at;
    h2->in = NULL;
    h2->in_bytes = 0;
    take_frame(h2, rw_h2_frame_read(in), in + RW_H2_FRAME_HEAD_BYTES);
    rw_free(block);
    return at;
}

/* ---- All that has come ---- */

static const char *take_preface(struct rw_h2 *h2, const char *at, const char *end)
{
    while (h2->preface_bytes && at < end) {
        if (*at++ != preface[sizeof(preface) - 1 - h2->preface_bytes--]) {
            rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "the connection does not begin with the preface");
            break;
        }
    }
    return at;
}

static void take_bytes(struct rw_h2 *h2, struct rw_buf *buf)
{
    const char *at = buf->data + buf->start, *end = buf->data + buf->end;
    if (h2->preface_bytes)
        at = take_preface(h2, at, end);
    while (at < end && !h2->ended) {
        at = h2->in_bytes ? complete(h2, at, end) : whole_frames(h2, buf, at, end);
        if (!h2->in_bytes && !h2->data_left && at < end && !h2->ended &&
            bytes_needed(at, (size_t)(end - at)) > (size_t)(end - at))
            at = gather(h2, at, end);
    }
}

void rw_h2_receive(struct rw_h2 *h2, struct rw_buf *buf, uint64_t now_ms)
{
    rw_assert(h2->depth == 0 && !h2->busy);
    h2->now_ms = now_ms;
    h2->busy = true;
    if (!h2->ended)
        take_bytes(h2, buf);
    rw_buf_drop(buf);
    h2->busy = false;
    rw_h2_turn(h2);
}
