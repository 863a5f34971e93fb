/* A body of gRPC-Web in text mode. The first byte says in which pieces it comes; then it must hold
 * that pieces make no difference, that what was decoded and is encoded again decodes to the same,
 * and that a row of messages is judged alike whole and in pieces. The rest is also taken as a media
 * type and as lines of trailers. */
#include "base/base64.h"
#include "http/grpc_web.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 1 << 16 };

struct decoded {
    char bytes[BYTES_MAX];
    size_t count;
    bool good;
};

static struct decoded whole, pieces, again;
static char text[2 * BYTES_MAX];

static void decode(struct decoded *result, struct rw_span from, size_t step, size_t room)
{
    struct rw_base64_decoder decoder = {0};
    size_t written;
    result->count = 0;
    result->good = true;
    while (from.len && result->good) {
        struct rw_span piece = rw_span(from.at, step < from.len ? step : from.len);
        from = rw_span_skip(from, piece.len);
        while (piece.len && result->good) {
            result->good =
                rw_base64_decode(&decoder, &piece, result->bytes + result->count, room, &written);
            rw_assert(written <= room);
            result->count += written;
        }
    }
    if (result->good)
        result->good = rw_base64_decoded(&decoder);
}

static size_t encode(struct rw_span from, size_t step)
{
    struct rw_base64_encoder encoder = {0};
    size_t written = 0;
    while (from.len) {
        struct rw_span piece = rw_span(from.at, step < from.len ? step : from.len);
        from = rw_span_skip(from, piece.len);
        while (piece.len)
            written += rw_base64_encode(&encoder, &piece, text + written, 4 + step);
    }
    return written + rw_base64_finish(&encoder, text + written);
}

static enum rw_grpc_frames_flaw judge(struct rw_grpc_frames *frames, struct rw_span bytes,
                                      size_t step)
{
    enum rw_grpc_frames_flaw flaw = RW_GRPC_FRAMES_GOOD;
    while (bytes.len && !flaw) {
        struct rw_span piece = rw_span(bytes.at, step < bytes.len ? step : bytes.len);
        flaw = rw_grpc_frames_pass(frames, piece, 1000);
        bytes = rw_span_skip(bytes, piece.len);
    }
    return flaw;
}

static void check_messages(struct rw_span bytes, size_t step)
{
    struct rw_grpc_frames at_once = {0}, in_pieces = {0};
    enum rw_grpc_frames_flaw flaw = judge(&at_once, bytes, BYTES_MAX);
    rw_assert(judge(&in_pieces, bytes, step) == flaw);
    if (!flaw)
        rw_assert(at_once.left == in_pieces.left && at_once.held == in_pieces.held);
}

static void check_texts(struct rw_span input)
{
    struct rw_span format;
    char *frame = malloc(rw_grpc_web_trailers_bytes(input)); /* exactly */
    if (!frame)
        abort();
    rw_grpc_web_put_trailers(frame, input);
    free(frame);
    if (rw_grpc_web_type(input, &format))
        rw_assert(format.len == 0 ||
                  (format.at >= input.at && format.at + format.len <= input.at + input.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > BYTES_MAX)
        return 0;
    struct rw_span input = rw_span((const char *)data + 1, size - 1);
    size_t step = 1u + (data[0] & 31);
    decode(&whole, input, BYTES_MAX, BYTES_MAX);
    decode(&pieces, input, step, 3u + (data[0] >> 5));
    rw_assert(whole.good == pieces.good);
    if (whole.good) {
        rw_assert(whole.count == pieces.count);
        rw_assert(memcmp(whole.bytes, pieces.bytes, whole.count) == 0);
        size_t len = encode(rw_span(whole.bytes, whole.count), step);
        rw_assert(len == (whole.count + 2) / 3 * 4);
        decode(&again, rw_span(text, len), BYTES_MAX, BYTES_MAX);
        rw_assert(again.good && again.count == whole.count);
        rw_assert(memcmp(whole.bytes, again.bytes, whole.count) == 0);
        check_messages(rw_span(whole.bytes, whole.count), step);
    }
    check_messages(input, step);
    check_texts(input);
    return 0;
}
