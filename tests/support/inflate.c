#include "support/inflate.h"

#include <brotli/decode.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

enum { ROOM = 4 << 20 };

static size_t from_gzip(struct rw_span in, char *to)
{
    z_stream stream = {.next_in = (Bytef *)in.at,
                       .avail_in = (uInt)in.len,
                       .next_out = (Bytef *)to,
                       .avail_out = ROOM};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    size_t bytes = stream.total_out;
    inflateEnd(&stream);
    return bytes;
}

static size_t from_br(struct rw_span in, char *to)
{
    size_t bytes = ROOM;
    assert_int_equal(BrotliDecoderDecompress(in.len, (const uint8_t *)in.at, &bytes, (uint8_t *)to),
                     BROTLI_DECODER_RESULT_SUCCESS);
    return bytes;
}

static size_t from_zstd(struct rw_span in, char *to)
{
    size_t bytes = ZSTD_decompress(to, ROOM, in.at, in.len);
    assert_false(ZSTD_isError(bytes));
    return bytes;
}

void rw_test_inflate(enum rw_coding coding, struct rw_text *body)
{
    static size_t (*const decoders[])(struct rw_span in, char *to) = {
        [RW_CODING_GZIP] = from_gzip, [RW_CODING_BR] = from_br, [RW_CODING_ZSTD] = from_zstd};
    char *to = malloc(ROOM);
    assert_non_null(to);
    size_t bytes = decoders[coding](rw_text_span(body), to);
    rw_text_free(body);
    *body = (struct rw_text){0};
    rw_text_add(body, rw_span(to, bytes));
    assert_int_equal(body->err, RW_OK);
    free(to);
}
