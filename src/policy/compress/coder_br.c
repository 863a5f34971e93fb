/* br (RFC 7932) by the brotli library.
 *
 * Its encoders cannot be used twice. And where it was built so, which Debian does, it ends the
 * process when its allocator has nothing for it; so the allocator does not return then but jumps
 * out of the library. The encoder is not usable any more, not even to be destroyed: its blocks are
 * in a list, and freed without it. It has nothing else. */
#include "policy/compress/coder_kinds.h"

#include <brotli/encode.h>
#include <setjmp.h>

struct br {
    BrotliEncoderState *encoder;
    struct rw_coders *coders;
    struct rw_list blocks; /* in front of each: it keeps the alignment */
    jmp_buf without_memory;
};
_Static_assert(sizeof(struct rw_list) % 16 == 0, "as malloc aligns");

static void *allocate(void *of, size_t size)
{
    struct br *br = of;
    struct rw_list *block = rw_coders_alloc(br->coders, sizeof(*block) + size);
    if (!block)
        longjmp(br->without_memory, 1); /* library: it would call exit() */
    *block = (struct rw_list){0};
    rw_list_push_front(&br->blocks, block);
    return block + 1;
}

static void release(void *of, void *memory)
{
    struct br *br = of;
    if (!memory)
        return;
    struct rw_list *block = (struct rw_list *)memory - 1;
    rw_list_remove(block);
    rw_coders_free(br->coders, block);
}

static void end(struct rw_coder *coder)
{
    struct br *br = coder->state;
    struct rw_list *block;
    while ((block = rw_list_pop_front(&br->blocks)))
        rw_coders_free(coder->coders, block);
    rw_coders_free(coder->coders, br);
    coder->state = NULL;
}

static enum rw_err begin(struct rw_coder *coder, const struct rw_coder_options *options)
{
    struct br *br = rw_coders_alloc(coder->coders, sizeof(*br));
    if (!br)
        return RW_ENOMEM;
    br->coders = coder->coders;
    rw_list_init(&br->blocks);
    coder->state = br;
    if (setjmp(br->without_memory)) /* library: see above */
        return RW_ENOMEM;
    br->encoder = BrotliEncoderCreateInstance(allocate, release, br);
    if (!br->encoder)
        return RW_ENOMEM;
    BrotliEncoderSetParameter(br->encoder, BROTLI_PARAM_QUALITY, (uint32_t)options->level);
    BrotliEncoderSetParameter(br->encoder, BROTLI_PARAM_LGWIN, options->window_bits);
    if (options->bytes < UINT32_MAX)
        BrotliEncoderSetParameter(br->encoder, BROTLI_PARAM_SIZE_HINT, (uint32_t)options->bytes);
    return RW_OK;
}

static enum rw_coder_outcome run(struct rw_coder *coder, enum rw_coder_flush flush,
                                 struct rw_span *in, struct rw_buf *out)
{
    static const BrotliEncoderOperation operations[] = {
        BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH, BROTLI_OPERATION_FINISH};
    struct br *br = coder->state;
    const uint8_t *next_in = (const uint8_t *)in->at;
    uint8_t *next_out = (uint8_t *)out->data + out->end;
    size_t input = in->len, room = rw_buf_space(out);
    if (setjmp(br->without_memory)) /* library: see above */
        return RW_CODER_FAILED;
    if (!BrotliEncoderCompressStream(br->encoder, operations[flush], &input, &next_in, &room,
                                     &next_out, NULL))
        return RW_CODER_FAILED;
    *in = rw_span_skip(*in, in->len - input);
    out->end = out->room - (uint32_t)room;
    bool more = input || BrotliEncoderHasMoreOutput(br->encoder) ||
                (flush == RW_CODER_END && !BrotliEncoderIsFinished(br->encoder));
    return more ? RW_CODER_FULL : RW_CODER_DONE;
}

const struct rw_coder_kind rw_coder_br = {.begin = begin, .run = run, .free = end, .once = true};
