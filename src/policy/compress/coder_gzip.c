/* gzip (RFC 1952) by zlib. */
#include "policy/compress/coder_kinds.h"

#include <zlib.h>

enum { WINDOW_BITS = 15, GZIP_FRAME = 16, MEMORY_LEVEL = 8 };

static void *allocate(void *coders, unsigned count, unsigned size)
{
    return rw_coders_alloc(coders, (size_t)count * size);
}

static void release(void *coders, void *block)
{
    rw_coders_free(coders, block);
}

static enum rw_err again(z_stream *stream, int level)
{
    bool good =
        deflateReset(stream) == Z_OK && deflateParams(stream, level, Z_DEFAULT_STRATEGY) == Z_OK;
    return good ? RW_OK : RW_ENOMEM;
}

static void end(struct rw_coder *coder)
{
    (void)deflateEnd(coder->state);
    rw_coders_free(coder->coders, coder->state);
    coder->state = NULL;
}

static enum rw_err begin(struct rw_coder *coder, const struct rw_coder_options *options)
{
    if (coder->state)
        return again(coder->state, options->level);
    z_stream *stream = rw_coders_alloc(coder->coders, sizeof(*stream));
    if (!stream)
        return RW_ENOMEM;
    *stream = (z_stream){.zalloc = allocate, .zfree = release, .opaque = coder->coders};
    if (deflateInit2(stream, options->level, Z_DEFLATED, WINDOW_BITS + GZIP_FRAME, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        rw_coders_free(coder->coders, stream);
        return RW_ENOMEM;
    }
    coder->state = stream;
    return RW_OK;
}

static enum rw_coder_outcome run(struct rw_coder *coder, enum rw_coder_flush flush,
                                 struct rw_span *in, struct rw_buf *out)
{
    static const int modes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    z_stream *stream = coder->state;
    stream->next_in = (Bytef *)in->at;
    stream->avail_in = (uInt)in->len; /* a piece is no longer than a buffer */
    stream->next_out = (Bytef *)out->data + out->end;
    stream->avail_out = (uInt)rw_buf_space(out);
    rw_assert(stream->avail_in == in->len);
    int result = deflate(stream, modes[flush]);
    *in = rw_span_skip(*in, in->len - stream->avail_in);
    out->end = out->room - stream->avail_out;
    if (result == Z_STREAM_ERROR)
        return RW_CODER_FAILED;
    if (flush == RW_CODER_END)
        return result == Z_STREAM_END ? RW_CODER_DONE : RW_CODER_FULL;
    return stream->avail_out ? RW_CODER_DONE : RW_CODER_FULL;
}

const struct rw_coder_kind rw_coder_gzip = {.begin = begin, .run = run, .free = end};
