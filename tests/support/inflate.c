#include "support/inflate.h"

#include <brotli/decode.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

enum { ROOM = 4 << 20 };

static bool from_gzip(struct rw_span in, char *to, size_t *bytes)
{
    z_stream stream = {.next_in = (Bytef *)in.at,
                       .avail_in = (uInt)in.len,
                       .next_out = (Bytef *)to,
                       .avail_out = ROOM};
    bool whole = inflateInit2(&stream, 15 + 16) == Z_OK &&
                 inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0;
    *bytes = stream.total_out;
    inflateEnd(&stream);
    return whole;
}

static bool from_br(struct rw_span in, char *to, size_t *bytes)
{
    *bytes = ROOM;
    return BrotliDecoderDecompress(in.len, (const uint8_t *)in.at, bytes, (uint8_t *)to) ==
           BROTLI_DECODER_RESULT_SUCCESS;
}

static bool from_zstd(struct rw_span in, char *to, size_t *bytes)
{
    *bytes = ZSTD_decompress(to, ROOM, in.at, in.len);
    return !ZSTD_isError(*bytes);
}

bool rw_test_inflates(enum rw_coding coding, struct rw_text *body)
{
    static bool (*const decoders[])(struct rw_span in, char *to, size_t *bytes) = {
        [RW_CODING_GZIP] = from_gzip, [RW_CODING_BR] = from_br, [RW_CODING_ZSTD] = from_zstd};
    size_t bytes;
    char *to = malloc(ROOM);
    rw_assert(to);
    bool whole = decoders[coding](rw_text_span(body), to, &bytes);
    if (whole) {
        rw_text_free(body);
        *body = (struct rw_text){0};
        rw_text_add(body, rw_span(to, bytes));
        rw_assert(!body->err);
    }
    free(to);
    return whole;
}

void rw_test_inflate(enum rw_coding coding, struct rw_text *body)
{
    assert_true(rw_test_inflates(coding, body));
}
