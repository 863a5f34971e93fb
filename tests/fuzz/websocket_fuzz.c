/* One direction of a WebSocket. The first byte of an input says from whom it comes, in which
 * pieces, and what the limit is; then it must hold that the frames are the same whole and in
 * pieces, that each frame taken apart by a plain reading of RFC 6455 is the one that was told, and
 * that what is said of a piece never goes beyond it. */
#include "base/text.h"
#include "http/websocket.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAMES_MAX = 4096 };

struct found {
    uint64_t at, bytes;
    uint16_t code;
    uint8_t opcode;
    bool fin, bad;
};

struct reading {
    struct rw_websocket_track track;
    struct found frames[FRAMES_MAX];
    size_t count;
    uint64_t surplus_at;
};

static struct reading whole, pieces;

static void note(struct reading *reading, const struct rw_websocket_frame *frame, uint64_t at,
                 bool bad)
{
    if (reading->count == FRAMES_MAX)
        return;
    rw_assert(!bad || *frame->reason);
    reading->frames[reading->count++] = (struct found){.at = at,
                                                       .bytes = frame->bytes,
                                                       .code = frame->close_code,
                                                       .opcode = frame->opcode,
                                                       .fin = frame->fin,
                                                       .bad = bad};
}

static void read_piece(struct reading *reading, uint32_t max, struct rw_span piece, uint64_t at)
{
    char *block = malloc(piece.len); /* exactly */
    if (!block)
        abort();
    memcpy(block, piece.at, piece.len);
    struct rw_span bytes = rw_span(block, piece.len);
    struct rw_websocket_frame frame;
    enum rw_websocket_event event;
    while ((event = rw_websocket_next(&reading->track, max, &bytes, &frame)) ==
               RW_WEBSOCKET_FRAME ||
           event == RW_WEBSOCKET_BAD) {
        rw_assert(bytes.len <= piece.len);
        note(reading, &frame, at + (piece.len - bytes.len) - frame.head_bytes,
             event == RW_WEBSOCKET_BAD);
    }
    if (event == RW_WEBSOCKET_MORE)
        rw_assert(bytes.len == 0 && reading->track.held < RW_WEBSOCKET_HEAD_MAX);
    else if (reading->surplus_at == UINT64_MAX)
        reading->surplus_at = at + (piece.len - bytes.len);
    free(block);
}

static void read_all(struct reading *reading, uint8_t mode, struct rw_span input, size_t step)
{
    reading->count = 0;
    reading->surplus_at = UINT64_MAX;
    rw_websocket_start(&reading->track, mode & 1, mode & 2 ? RW_WEBSOCKET_RSV1 : 0);
    for (uint64_t at = 0; input.len;) {
        size_t len = step < input.len ? step : input.len;
        read_piece(reading, mode & 4 ? 100 : 0, rw_span(input.at, len), at);
        input = rw_span_skip(input, len);
        at += len;
    }
}

/* The head as RFC 6455 section 5.2 draws it; returns its length. */
static unsigned read_head(const uint8_t *at, uint64_t *bytes)
{
    unsigned extended = (at[1] & 127) == 127 ? 8 : (at[1] & 127) == 126 ? 2 : 0;
    *bytes = extended ? 0 : at[1] & 127;
    for (unsigned i = 0; i < extended; i++)
        *bytes = *bytes << 8 | at[2 + i];
    return 2 + extended + (at[1] & 128 ? 4 : 0);
}

/* Frames follow each other without a gap. */
static void check_frames(const uint8_t *data)
{
    uint64_t at = 0, bytes;
    for (size_t i = 0; i < whole.count; i++) {
        const struct found *frame = &whole.frames[i];
        rw_assert(frame->at == at);
        if (frame->bad && frame->code == RW_WEBSOCKET_PROTOCOL_ERROR)
            return;
        const uint8_t *head = data + frame->at;
        unsigned head_bytes = read_head(head, &bytes);
        rw_assert(frame->opcode == (head[0] & 15) && frame->fin == !!(head[0] & 128));
        rw_assert(frame->bytes == bytes);
        at += head_bytes + bytes;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct rw_span input = rw_span((const char *)data + 1, size - 1);
    read_all(&whole, data[0], input, input.len);
    read_all(&pieces, data[0], input, 1u + (data[0] >> 3));
    rw_assert(whole.count == pieces.count);
    for (size_t i = 0; i < whole.count; i++) {
        const struct found *a = &whole.frames[i], *b = &pieces.frames[i];
        rw_assert(a->at == b->at && a->opcode == b->opcode && a->code == b->code);
        rw_assert(a->bad == b->bad && a->fin == b->fin);
        rw_assert(a->bad || a->bytes == b->bytes);
    }
    rw_assert(whole.surplus_at == pieces.surplus_at);
    rw_assert(whole.track.held == pieces.track.held);
    rw_assert(whole.track.in_payload == pieces.track.in_payload);
    check_frames(data + 1);
    return 0;
}
