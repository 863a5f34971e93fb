#include "policy/grpc_web/grpc_web_filter.h"

#include "base/base64.h"
#include "gate/exchange/filter.h"
#include "gate/worker.h"
#include "http/grpc_health.h"

/* ---- Pieces ---- */

/* Room for as much as comes of these bytes, or some of it. */
static struct rw_buf *get_buf(struct rw_filter *filter, size_t wanted)
{
    return rw_buf_get_for(rw_loop_buffers(filter->x->worker->loop), wanted > RW_BUF_SMALL_BYTES);
}

/* All of the piece as it is. */
static void pass_on(struct rw_piece *in, struct rw_piece *out)
{
    *out = (struct rw_piece){.buf = in->buf, .data = in->data, .end = in->end};
    if (in->buf)
        rw_buf_hold(in->buf);
    in->data = rw_span_skip(in->data, in->data.len);
}

/* ---- Requests ---- */

struct request_filter {
    struct rw_filter filter;
    struct rw_base64_decoder decoder;
    struct rw_grpc_frames frames;
    uint64_t message_bytes_max;
};

static struct request_filter *request_of(struct rw_filter *filter)
{
    return rw_container_of(filter, struct request_filter, filter);
}

static enum rw_filter_outcome refuse(struct rw_filter *filter, enum rw_reason reason)
{
    rw_worker_count(filter->x->worker, RW_COUNTER_GRPC_WEB_REFUSED, 1);
    filter->reason = (uint8_t)reason;
    return RW_FILTER_FAIL;
}

/* What goes on to the origin is a row of messages, which ends behind one. */
static enum rw_filter_outcome look_at(struct request_filter *work, const struct rw_piece *out)
{
    enum rw_grpc_frames_flaw flaw =
        rw_grpc_frames_pass(&work->frames, out->data, work->message_bytes_max);
    if (flaw == RW_GRPC_FRAMES_TOO_LONG)
        return refuse(&work->filter, RW_REASON_BODY_TOO_LARGE);
    if (flaw || (out->end && !rw_grpc_frames_whole(&work->frames)))
        return refuse(&work->filter, RW_REASON_GRPC_WEB_BAD);
    return RW_FILTER_PIECE;
}

static enum rw_filter_outcome step_request_binary(struct rw_filter *filter, struct rw_piece *in,
                                                  bool flush, struct rw_piece *out)
{
    (void)flush;
    if (in->data.len == 0 && !in->end)
        return RW_FILTER_MORE;
    struct rw_piece piece = *in;
    enum rw_filter_outcome outcome = look_at(request_of(filter), &piece);
    if (outcome == RW_FILTER_PIECE)
        pass_on(in, out);
    return outcome;
}

static enum rw_filter_outcome step_request_text(struct rw_filter *filter, struct rw_piece *in,
                                                bool flush, struct rw_piece *out)
{
    (void)flush;
    struct request_filter *work = request_of(filter);
    if (in->data.len == 0 && !in->end)
        return RW_FILTER_MORE;
    struct rw_buf *buf = get_buf(filter, in->data.len);
    size_t written;
    if (!buf)
        return RW_FILTER_FAIL;
    bool good = rw_base64_decode(&work->decoder, &in->data, buf->data, buf->room, &written);
    bool end = in->end && in->data.len == 0;
    buf->end = (uint32_t)written;
    struct rw_piece piece = {.buf = buf, .data = rw_buf_span(buf), .end = end};
    enum rw_filter_outcome outcome = good && (!end || rw_base64_decoded(&work->decoder))
                                         ? look_at(work, &piece)
                                         : refuse(filter, RW_REASON_GRPC_WEB_BAD);
    if (outcome == RW_FILTER_PIECE)
        *out = piece;
    else
        rw_buf_drop(buf);
    return outcome;
}

/* The bytes stay as they are, and their length. */
static const struct rw_filter_kind request_binary = {.name = "grpc_web request",
                                                     .effect = RW_FILTER_OBSERVES,
                                                     .step = step_request_binary};
static const struct rw_filter_kind request_text = {.name = "grpc_web-text request",
                                                   .effect = RW_FILTER_RECODES,
                                                   .step = step_request_text};

enum rw_err rw_grpc_web_filter_request(struct rw_exchange *x, enum rw_grpc_web_mode mode,
                                       uint64_t message_bytes_max)
{
    struct request_filter *work = rw_arena_zero(&x->arena, sizeof(*work));
    if (!work)
        return RW_ENOMEM;
    work->message_bytes_max = message_bytes_max;
    work->filter.kind = mode == RW_GRPC_WEB_TEXT ? &request_text : &request_binary;
    return rw_filter_request(x, &work->filter);
}

/* ---- Responses ---- */

struct response_filter {
    struct rw_filter filter;
    struct rw_base64_encoder encoder;
    struct rw_grpc_frames frames;
    struct rw_span last; /* of the frame with the trailers, what is not encoded yet */
    bool ending;         /* `last` has been made */
};

static struct response_filter *response_of(struct rw_filter *filter)
{
    return rw_container_of(filter, struct response_filter, filter);
}

/* In the middle of a message a frame with trailers would be taken for a part of it. */
static bool may_conclude(const struct rw_filter *filter)
{
    const struct response_filter *work =
        rw_container_of(filter, const struct response_filter, filter);
    return !work->ending && rw_grpc_frames_whole(&work->frames);
}

/* Where an origin tells no status at all, clients are to read that from a call that has ended. */
static struct rw_span final_lines(const struct rw_exchange *x)
{
    if (x->response_trailers.len || rw_message_find_name(&x->response, RW_LITERAL("grpc-status")))
        return x->response_trailers;
    return RW_LITERAL("grpc-status: 2\r\ngrpc-message: The origin told no status.\r\n");
}

/* For the log, which does not find it any more. */
static void note_status(struct rw_exchange *x, struct rw_span lines)
{
    uint64_t status;
    if (rw_grpc_status_of(lines, &status) && status < UINT16_MAX)
        x->grpc_told = (uint16_t)(status + 1);
}

static bool make_last_frame(struct response_filter *work)
{
    struct rw_exchange *x = work->filter.x;
    struct rw_span lines = final_lines(x);
    size_t bytes = rw_grpc_web_trailers_bytes(lines);
    char *frame = rw_arena_alloc(&x->arena, bytes);
    if (!frame)
        return false;
    rw_grpc_web_put_trailers(frame, lines);
    note_status(x, lines);
    x->response_trailers = (struct rw_span){0};
    work->last = rw_span(frame, bytes);
    work->ending = true;
    return true;
}

static enum rw_filter_outcome step_response_binary(struct rw_filter *filter, struct rw_piece *in,
                                                   bool flush, struct rw_piece *out)
{
    (void)flush;
    struct response_filter *work = response_of(filter);
    if (in->data.len) {
        (void)rw_grpc_frames_pass(&work->frames, in->data, 0);
        pass_on(in, out);
        out->end = false;
        return RW_FILTER_PIECE;
    }
    if (!in->end)
        return RW_FILTER_MORE;
    if (!make_last_frame(work))
        return RW_FILTER_FAIL;
    *out = (struct rw_piece){.data = work->last, .end = true};
    return RW_FILTER_PIECE;
}

/* Fills the buffer; true: that was the last of it. */
static bool encode(struct response_filter *work, struct rw_piece *in, struct rw_buf *buf)
{
    struct rw_span before = in->data;
    struct rw_span *from = work->ending ? &work->last : &in->data;
    size_t room = buf->room - RW_BASE64_GROUP_CHARS; /* for padding */
    buf->end = (uint32_t)rw_base64_encode(&work->encoder, from, buf->data, room);
    /* Flaws are the client's business; it loses no more than the places of the padding and of a
     * status, should the origin break off. */
    if (!work->ending)
        (void)rw_grpc_frames_pass(&work->frames, rw_span(before.at, before.len - in->data.len), 0);
    if (from->len == 0 && (work->ending || rw_grpc_frames_whole(&work->frames)))
        buf->end += (uint32_t)rw_base64_finish(&work->encoder, buf->data + buf->end);
    return work->ending && work->last.len == 0;
}

static enum rw_filter_outcome step_response_text(struct rw_filter *filter, struct rw_piece *in,
                                                 bool flush, struct rw_piece *out)
{
    (void)flush;
    struct response_filter *work = response_of(filter);
    if (in->data.len == 0 && !in->end)
        return RW_FILTER_MORE;
    if (in->data.len == 0 && !work->ending && !make_last_frame(work))
        return RW_FILTER_FAIL;
    struct rw_buf *buf = get_buf(filter, 2 * in->data.len);
    if (!buf)
        return RW_FILTER_FAIL;
    bool end = encode(work, in, buf);
    *out = (struct rw_piece){.buf = buf, .data = rw_buf_span(buf), .end = end};
    return RW_FILTER_PIECE;
}

static const struct rw_filter_kind response_binary = {.name = "grpc_web response",
                                                      .effect = RW_FILTER_RECODES,
                                                      .step = step_response_binary,
                                                      .may_conclude = may_conclude};
static const struct rw_filter_kind response_text = {.name = "grpc_web-text response",
                                                    .effect = RW_FILTER_RECODES,
                                                    .step = step_response_text,
                                                    .may_conclude = may_conclude};

enum rw_err rw_grpc_web_filter_response(struct rw_exchange *x, enum rw_grpc_web_mode mode)
{
    struct response_filter *work = rw_arena_zero(&x->arena, sizeof(*work));
    if (!work)
        return RW_ENOMEM;
    work->filter.kind = mode == RW_GRPC_WEB_TEXT ? &response_text : &response_binary;
    return rw_filter_response(x, &work->filter);
}
