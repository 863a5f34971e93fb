/* Taps: filters that pass on what they are given, and copy it. */
#include "policy/mirror/mirror_private.h"

static struct rw_mirror_tap *tap_of(struct rw_filter *filter)
{
    return rw_container_of(filter, struct rw_mirror_tap, filter);
}

/* ---- Requests ---- */

static void copy_request(struct rw_mirror_job *job, const struct rw_piece *piece)
{
    if (job->cut || job->abandoned)
        return;
    if (job->request_body.len + piece->data.len > job->mirror->config->body_bytes_max) {
        rw_mirror_job_give_up(job, RW_MIRROR_TOO_LARGE);
        return;
    }
    if (piece->data.len)
        rw_text_add(&job->request_body, piece->data);
    if (job->request_body.err) {
        rw_mirror_job_give_up(job, RW_MIRROR_DROPPED);
        return;
    }
    job->request_whole = piece->end;
    if (piece->end)
        rw_mirror_job_wake(job);
}

static enum rw_filter_outcome step_request(struct rw_filter *filter, struct rw_piece *in,
                                           bool flush, struct rw_piece *out)
{
    (void)flush;
    if (in->data.len == 0 && !in->end)
        return RW_FILTER_MORE;
    copy_request(tap_of(filter)->job, in);
    rw_filter_pass_on(in, out);
    return RW_FILTER_PIECE;
}

static void end_request(struct rw_filter *filter)
{
    struct rw_mirror_job *job = tap_of(filter)->job;
    job->request_tap.installed = false;
    job->abandoned = job->abandoned || !job->request_whole;
    rw_mirror_job_wake(job);
}

static const struct rw_filter_kind request_kind = {.name = "mirror request",
                                                   .effect = RW_FILTER_OBSERVES,
                                                   .step = step_request,
                                                   .end = end_request};

enum rw_err rw_mirror_tap_request(struct rw_mirror_job *job, struct rw_exchange *x)
{
    struct rw_mirror_tap *tap = &job->request_tap;
    *tap = (struct rw_mirror_tap){.filter.kind = &request_kind, .job = job};
    enum rw_err err = rw_filter_request(x, &tap->filter);
    tap->installed = !err;
    return err;
}

/* ---- Responses ---- */

static enum rw_filter_outcome step_response(struct rw_filter *filter, struct rw_piece *in,
                                            bool flush, struct rw_piece *out)
{
    (void)flush;
    struct rw_mirror_job *job = tap_of(filter)->job;
    if (in->data.len == 0 && !in->end)
        return RW_FILTER_MORE;
    rw_mirror_take_body(job, RW_MIRROR_CLIENT, in->data);
    job->answers[RW_MIRROR_CLIENT].whole = in->end;
    rw_filter_pass_on(in, out);
    return RW_FILTER_PIECE;
}

static void end_response(struct rw_filter *filter)
{
    struct rw_mirror_job *job = tap_of(filter)->job;
    struct rw_mirror_answer *answer = &job->answers[RW_MIRROR_CLIENT];
    job->response_tap.installed = false;
    answer->lost = answer->lost || !answer->whole;
    rw_mirror_job_wake(job);
}

static const struct rw_filter_kind response_kind = {.name = "mirror response",
                                                    .effect = RW_FILTER_OBSERVES,
                                                    .step = step_response,
                                                    .end = end_response};

enum rw_err rw_mirror_tap_response(struct rw_mirror_job *job, struct rw_exchange *x)
{
    struct rw_mirror_tap *tap = &job->response_tap;
    *tap = (struct rw_mirror_tap){.filter.kind = &response_kind, .job = job};
    enum rw_err err = rw_filter_response(x, &tap->filter);
    tap->installed = !err;
    return err;
}
