/* HTTP/2 frames (RFC 9113 section 4.1) as the bench's own programs need them: both sides of a run
 * speak a fixed handful of header blocks, so there is no HPACK beyond them. Shared by the load
 * client, the attacker and the HTTP/2 origin; nothing here is shared with the gateway.
 */
#ifndef BENCH_H2_FRAME_H
#define BENCH_H2_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define H2_PREFACE_BYTES 24
#define H2_FRAME_HEAD_BYTES 9
#define H2_PAYLOAD_BYTES_MAX 16384
#define H2_FRAME_BYTES_MAX (H2_FRAME_HEAD_BYTES + H2_PAYLOAD_BYTES_MAX)
#define H2_WINDOW_BYTES_DEFAULT 65535
#define H2_WINDOW_BYTES_MAX 0x7fffffff

/* What the fixed header blocks add to the dynamic table (section 4.1 of RFC 7541), rounded up: a
 * peer that announces less than this is beyond the bench's programs. */
#define H2_TABLE_BYTES_NEEDED 256

enum h2_type {
    H2_DATA,
    H2_HEADERS,
    H2_PRIORITY,
    H2_RST_STREAM,
    H2_SETTINGS,
    H2_PUSH_PROMISE,
    H2_PING,
    H2_GOAWAY,
    H2_WINDOW_UPDATE,
    H2_CONTINUATION,
};

enum h2_flag {
    H2_END_STREAM = 0x1,
    H2_ACK = 0x1,
    H2_END_HEADERS = 0x4,
    H2_PADDED = 0x8,
    H2_WITH_PRIORITY = 0x20,
};

enum h2_setting {
    H2_HEADER_TABLE_SIZE = 1,
    H2_MAX_CONCURRENT_STREAMS = 3,
    H2_INITIAL_WINDOW_SIZE = 4,
};

struct h2_frame {
    uint32_t length; /* of the payload */
    uint8_t type;
    uint8_t flags;
    uint32_t stream;
    const uint8_t *payload;
};

static inline uint32_t h2_read_32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static inline uint8_t *h2_put_32(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 24);
    to[1] = (uint8_t)(value >> 16);
    to[2] = (uint8_t)(value >> 8);
    to[3] = (uint8_t)value;
    return to + 4;
}

static inline uint8_t *h2_put_head(uint8_t *to, size_t length, enum h2_type type, unsigned flags,
                                   uint32_t stream)
{
    h2_put_32(to, (uint32_t)length << 8 | (uint32_t)type);
    to[4] = (uint8_t)flags;
    return h2_put_32(to + 5, stream);
}

static inline uint8_t *h2_put_bytes(uint8_t *to, const void *bytes, size_t length)
{
    memcpy(to, bytes, length);
    return to + length;
}

static inline uint8_t *h2_put_setting(uint8_t *to, enum h2_setting setting, uint32_t value)
{
    to[0] = 0;
    to[1] = (uint8_t)setting;
    return h2_put_32(to + 2, value);
}

static inline uint8_t *h2_put_window_update(uint8_t *to, uint32_t stream, uint32_t bytes)
{
    return h2_put_32(h2_put_head(to, 4, H2_WINDOW_UPDATE, 0, stream), bytes);
}

/* Takes the next whole frame off the bytes. Returns its length with its head, 0 when it is not
 * whole, or -1 when it is longer than allowed. */
static inline long h2_take_frame(const uint8_t *data, size_t length, struct h2_frame *frame)
{
    if (length < H2_FRAME_HEAD_BYTES) {
        return 0;
    }
    frame->length = h2_read_32(data) >> 8;
    frame->type = data[3];
    frame->flags = data[4];
    frame->stream = h2_read_32(data + 5) & 0x7fffffff;
    frame->payload = data + H2_FRAME_HEAD_BYTES;
    if (frame->length > H2_PAYLOAD_BYTES_MAX) {
        return -1;
    }
    return length < H2_FRAME_HEAD_BYTES + frame->length
               ? 0
               : (long)(H2_FRAME_HEAD_BYTES + frame->length);
}

/* Removes padding and priority (sections 6.1 and 6.2). Returns false when they do not fit. */
static inline int h2_strip(struct h2_frame *frame)
{
    uint32_t padding = 0;
    uint32_t before = 0;
    if (frame->flags & H2_PADDED) {
        padding = frame->length > 0 ? frame->payload[0] : 1;
        before = 1;
    }
    if (frame->type == H2_HEADERS && (frame->flags & H2_WITH_PRIORITY)) {
        before += 5;
    }
    if (before + padding > frame->length) {
        return 0;
    }
    frame->payload += before;
    frame->length -= before + padding;
    return 1;
}

/* Calls nothing: finds one value in a SETTINGS payload, the last one given, or `fallback`. */
static inline uint32_t h2_setting_value(const struct h2_frame *frame, enum h2_setting setting,
                                        uint32_t fallback)
{
    for (uint32_t at = 0; at + 6 <= frame->length; at += 6) {
        if ((uint32_t)(frame->payload[at] << 8 | frame->payload[at + 1]) == (uint32_t)setting) {
            fallback = h2_read_32(frame->payload + at + 2);
        }
    }
    return fallback;
}

#endif
