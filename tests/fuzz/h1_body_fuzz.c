/* Chunked bodies. The first byte of an input says in which pieces the rest comes; then it must hold
 * that data, trailers, end and verdict are the same whole and in pieces, and that what was decoded
 * comes back when it is encoded again. */
#include "base/text.h"
#include "http/h1.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct decoding {
    struct rw_h1_body body;
    struct rw_text data;
    struct rw_h1_trailers trailers;
    size_t used;
    enum rw_h1_body_event event;
};

static void decode_piece(struct decoding *decoding, struct rw_span piece)
{
    char *block = malloc(piece.len ? piece.len : 1); /* exactly */
    struct rw_span bytes = rw_span(block, piece.len), data;
    if (!block)
        abort();
    if (piece.len)
        memcpy(block, piece.at, piece.len);
    while ((decoding->event = rw_h1_body_next(&decoding->body, &rw_h1_limits_default, &bytes, &data,
                                              &decoding->trailers)) == RW_H1_BODY_DATA) {
        rw_assert(data.len > 0);
        rw_text_add(&decoding->data, data);
    }
    rw_assert(decoding->event != RW_H1_BODY_MORE || bytes.len == 0);
    decoding->used += piece.len - bytes.len;
    free(block);
}

static void decode(struct decoding *decoding, struct rw_span input, size_t step)
{
    const struct rw_message message = {.body_kind = RW_BODY_CHUNKED};
    *decoding = (struct decoding){.event = RW_H1_BODY_MORE};
    decoding->trailers.room = rw_h1_limits_default.trailer_bytes_max;
    decoding->trailers.at = malloc(decoding->trailers.room);
    if (!decoding->trailers.at)
        abort();
    rw_h1_body_start(&decoding->body, &message);
    while (input.len && decoding->event == RW_H1_BODY_MORE) {
        size_t len = step < input.len ? step : input.len;
        decode_piece(decoding, rw_span(input.at, len));
        input = rw_span_skip(input, len);
    }
    rw_assert(rw_h1_body_may_end(&decoding->body) == (decoding->event == RW_H1_BODY_END));
}

static void decoding_end(struct decoding *decoding)
{
    rw_text_free(&decoding->data);
    free(decoding->trailers.at);
}

static struct rw_span trailers_of(const struct decoding *decoding)
{
    return rw_span(decoding->trailers.at, decoding->trailers.len);
}

static void assert_same(const struct decoding *a, const struct decoding *b)
{
    rw_assert(a->event == b->event);
    rw_assert(rw_span_eq(rw_text_span(&a->data), rw_text_span(&b->data)));
    if (a->event == RW_H1_BODY_BAD) {
        rw_assert(a->body.status == b->body.status);
        rw_assert(strcmp(a->body.reason, b->body.reason) == 0);
    }
    if (a->event == RW_H1_BODY_END) {
        rw_assert(a->used == b->used);
        rw_assert(rw_span_eq(trailers_of(a), trailers_of(b)));
    }
}

static void encode(struct rw_text *out, const struct decoding *decoding, size_t step)
{
    struct rw_span rest = rw_text_span(&decoding->data);
    char head[RW_H1_CHUNK_HEAD_MAX];
    while (rest.len) {
        size_t len = step < rest.len ? step : rest.len;
        rw_text_add(out, rw_span(head, rw_h1_chunk_head(head, len)));
        rw_text_add(out, rw_span(rest.at, len));
        rw_text_adds(out, "\r\n");
        rest = rw_span_skip(rest, len);
    }
    rw_text_add(out, rw_span(head, rw_h1_chunk_head(head, 0)));
    rw_text_add(out, trailers_of(decoding));
    rw_text_adds(out, "\r\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct rw_span input = rw_span((const char *)data + 1, size - 1);
    size_t step = 1u + data[0] % 32u;
    struct decoding whole, pieces;
    decode(&whole, input, input.len);
    decode(&pieces, input, step);
    assert_same(&whole, &pieces);
    decoding_end(&pieces);
    if (whole.event == RW_H1_BODY_END) {
        struct rw_text encoded = {0};
        encode(&encoded, &whole, step);
        decode(&pieces, rw_text_span(&encoded), encoded.len);
        rw_assert(pieces.used == encoded.len);
        whole.used = pieces.used;
        assert_same(&whole, &pieces);
        decoding_end(&pieces);
        rw_text_free(&encoded);
    }
    decoding_end(&whole);
    return 0;
}
