/* The body, piece by piece through an encoder. */
#include "gate/exchange/filter.h"
#include "gate/worker.h"
#include "policy/compress/compress_private.h"

struct compressing {
    struct rw_filter filter;
    struct rw_coder *coder;
    uint64_t bytes_in, bytes_out;
    enum rw_coding coding;
    bool unflushed; /* something went in after the last flush */
};

static enum rw_coder_flush flush_for(const struct rw_piece *in, bool flush)
{
    if (in->end)
        return RW_CODER_END;
    return flush ? RW_CODER_FLUSH : RW_CODER_GATHER;
}

/* One buffer of output at a time; small where a buffer is not filled, the front copies it. */
static enum rw_filter_outcome step(struct rw_filter *filter, struct rw_piece *in, bool flush,
                                   struct rw_piece *out)
{
    struct compressing *work = rw_container_of(filter, struct compressing, filter);
    if (in->data.len == 0 && !in->end && !(flush && work->unflushed))
        return RW_FILTER_MORE;
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(filter->x->worker->loop), RW_BUF_SMALL_BYTES);
    if (!buf)
        return RW_FILTER_FAIL;
    size_t before = in->data.len;
    enum rw_coder_outcome outcome = rw_coder_run(work->coder, flush_for(in, flush), &in->data, buf);
    work->bytes_in += before - in->data.len;
    work->bytes_out += rw_buf_span(buf).len;
    work->unflushed = outcome == RW_CODER_FULL || !flush;
    if (outcome == RW_CODER_FAILED) {
        rw_buf_drop(buf);
        return RW_FILTER_FAIL;
    }
    *out = (struct rw_piece){
        .buf = buf, .data = rw_buf_span(buf), .end = in->end && outcome == RW_CODER_DONE};
    return RW_FILTER_PIECE;
}

static void end(struct rw_filter *filter)
{
    static const enum rw_counter first[RW_CODING_COUNT] = {
        [RW_CODING_GZIP] = RW_COUNTER_COMPRESS_GZIP_RESPONSES,
        [RW_CODING_BR] = RW_COUNTER_COMPRESS_BR_RESPONSES,
        [RW_CODING_ZSTD] = RW_COUNTER_COMPRESS_ZSTD_RESPONSES,
    };
    struct compressing *work = rw_container_of(filter, struct compressing, filter);
    struct rw_worker *worker = filter->x->worker;
    enum rw_counter counter = first[work->coding];
    rw_worker_count(worker, counter, 1);
    rw_worker_count(worker, counter + 1, (int64_t)work->bytes_in);
    rw_worker_count(worker, counter + 2, (int64_t)work->bytes_out);
    rw_coder_give_back(work->coder);
}

static const struct rw_filter_kind kind = {.name = "compress",
                                           .effect = RW_FILTER_RECODES,
                                           .step = step,
                                           .end = end};

static enum rw_err say_coding(struct rw_exchange *x, enum rw_coding coding)
{
    static const char *const names[RW_CODING_COUNT] = {"gzip", "br", "zstd"};
    return rw_message_add(&x->response, &x->arena, RW_LITERAL("Content-Encoding"),
                          rw_span_text(names[coding]));
}

static enum rw_err install(struct rw_exchange *x, struct rw_coder *coder, enum rw_coding coding)
{
    struct compressing *work = rw_arena_zero(&x->arena, sizeof(*work));
    enum rw_err err = RW_ENOMEM;
    if (work) {
        *work = (struct compressing){.filter.kind = &kind, .coder = coder, .coding = coding};
        err = rw_filter_response(x, &work->filter);
    }
    if (err)
        rw_coder_give_back(coder); /* its `end` will not be called */
    return err;
}

enum rw_verdict rw_compress_install(struct rw_exchange *x, const struct rw_compress *policy,
                                    enum rw_coding coding)
{
    if (x->request.method == RW_METHOD_HEAD) {
        enum rw_err err = rw_filter_edit_response(x, kind.effect);
        return err || say_coding(x, coding) ? RW_VERDICT_FAIL : RW_VERDICT_NEXT;
    }
    bool known = x->response.body_kind == RW_BODY_LENGTH;
    struct rw_coder_options options = {
        .coding = coding,
        .level = policy->levels[coding],
        .window_bits = policy->window_bits,
        .stream = rw_filter_flushes(x),
        .bytes = known ? x->response.body_bytes : UINT64_MAX,
        .memory_max = policy->config->memory_bytes_max,
    };
    struct rw_coder *coder = rw_coder_take(x->worker, &options);
    if (!coder) { /* then as it is: that is always an answer too */
        rw_worker_count(x->worker, RW_COUNTER_COMPRESS_DECLINED, 1);
        return RW_VERDICT_NEXT;
    }
    return install(x, coder, coding) || say_coding(x, coding) ? RW_VERDICT_FAIL : RW_VERDICT_NEXT;
}
