/* zstd (RFC 8878) by its library. Own allocators are in the part of its interface that is not for
 * dynamic linking; this function of it has not changed since 1.0. */
#define ZSTD_STATIC_LINKING_ONLY
#include "policy/compress/coder_kinds.h"

#include <zstd.h>

static void end(struct rw_coder *coder)
{
    ZSTD_freeCCtx(coder->state);
    coder->state = NULL;
}

static bool set(ZSTD_CCtx *context, ZSTD_cParameter parameter, int value)
{
    return !ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value));
}

static enum rw_err begin(struct rw_coder *coder, const struct rw_coder_options *options)
{
    ZSTD_customMem memory = {rw_coders_alloc, rw_coders_free, coder->coders};
    if (!coder->state)
        coder->state = ZSTD_createCCtx_advanced(memory);
    ZSTD_CCtx *context = coder->state;
    if (!context)
        return RW_ENOMEM;
    (void)ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
    int bits = (int)options->window_bits;
    bool good = set(context, ZSTD_c_compressionLevel, options->level) &&
                set(context, ZSTD_c_windowLog, bits);
    if (good && options->stream)
        good = set(context, ZSTD_c_hashLog, bits) && set(context, ZSTD_c_chainLog, bits - 1);
    if (good && options->bytes != UINT64_MAX)
        good = !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(context, options->bytes));
    return good ? RW_OK : RW_EINVAL;
}

static enum rw_coder_outcome run(struct rw_coder *coder, enum rw_coder_flush flush,
                                 struct rw_span *in, struct rw_buf *out)
{
    static const ZSTD_EndDirective directives[] = {ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end};
    ZSTD_inBuffer input = {in->at, in->len, 0};
    ZSTD_outBuffer output = {out->data + out->end, rw_buf_space(out), 0};
    size_t left = ZSTD_compressStream2(coder->state, &output, &input, directives[flush]);
    if (ZSTD_isError(left))
        return RW_CODER_FAILED;
    *in = rw_span_skip(*in, input.pos);
    out->end += (uint32_t)output.pos;
    /* With ZSTD_e_continue, `left` is only a hint. */
    bool more = flush == RW_CODER_GATHER ? in->len || output.pos == output.size : left != 0;
    return more ? RW_CODER_FULL : RW_CODER_DONE;
}

const struct rw_coder_kind rw_coder_zstd = {.begin = begin, .run = run, .free = end};
