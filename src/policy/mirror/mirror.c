#include "policy/mirror/mirror.h"

#include "origin/upstream.h"
#include "policy/mirror/mirror_private.h"

enum { FRACTION_BITS = 53 };

/* Which job an exchange has, for its response: the job may end before. */
struct note {
    struct rw_policy_note note;
    uint64_t id;
};

/* ---- Requests ---- */

static bool drawn(const struct rw_mirror *mirror, struct rw_exchange *x)
{
    uint64_t bits = rw_random_u64(rw_loop_random(x->worker->loop)) >> (64 - FRACTION_BITS);
    return (double)bits < mirror->config->share * (double)(1ull << FRACTION_BITS);
}

/* Is it one that a copy can be made of: no tunnel? */
static bool copyable(const struct rw_exchange *x)
{
    return x->request.method != RW_METHOD_CONNECT && !x->request.upgrade && !x->shadow;
}

/* What is known of its length. */
static bool too_large(const struct rw_mirror *mirror, const struct rw_exchange *x)
{
    return x->request.body_kind == RW_BODY_LENGTH &&
           x->request.body_bytes > mirror->config->body_bytes_max;
}

/* RW_ENOMEM: the job is to be given up. */
static enum rw_err tap(struct rw_mirror_job *job, struct rw_exchange *x)
{
    struct note *note = rw_arena_alloc(&x->arena, sizeof(*note));
    if (!note)
        return RW_ENOMEM;
    if (rw_filter_request_possible(x)) {
        enum rw_err err = rw_mirror_tap_request(job, x);
        if (err)
            return err;
    } else {
        job->request_whole = true;
        rw_mirror_job_wake(job);
    }
    note->id = job->id;
    rw_policy_keep(x, &note->note, job->mirror);
    return RW_OK;
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct rw_mirror *mirror = instance;
    if (!copyable(x) || !drawn(mirror, x))
        return RW_VERDICT_NEXT;
    if (too_large(mirror, x)) {
        rw_mirror_count(mirror, x->worker, RW_MIRROR_TOO_LARGE);
        return RW_VERDICT_NEXT;
    }
    struct rw_mirror_store *store = rw_mirror_store(x->worker);
    struct rw_mirror_job *job = store ? rw_mirror_job_create(store, mirror, x) : NULL;
    if (!job)
        rw_mirror_count(mirror, x->worker, RW_MIRROR_DROPPED);
    else if (tap(job, x))
        rw_mirror_job_give_up(job, RW_MIRROR_DROPPED);
    return RW_VERDICT_NEXT;
}

/* ---- Responses ---- */

static struct rw_mirror_job *job_of(const struct rw_exchange *x, const struct rw_mirror *mirror)
{
    struct rw_policy_note *kept = rw_policy_kept(x, mirror);
    const struct rw_mirror_store *store = kept ? rw_mirror_store(x->worker) : NULL;
    return store ? rw_mirror_job_find(store, rw_container_of(kept, struct note, note)->id) : NULL;
}

static enum rw_verdict on_response(struct rw_exchange *x, const void *instance)
{
    const struct rw_mirror *mirror = instance;
    struct rw_mirror_job *job = job_of(x, mirror);
    if (!job || !mirror->config->compare)
        return RW_VERDICT_NEXT;
    struct rw_mirror_answer *answer = &job->answers[RW_MIRROR_CLIENT];
    answer->lost = answer->lost || x->reason != RW_REASON_NONE;
    if (!answer->lost)
        rw_mirror_take_head(job, RW_MIRROR_CLIENT, &x->response);
    if (!answer->lost && rw_filter_response_possible(x))
        answer->lost = rw_mirror_tap_response(job, x) != RW_OK;
    else if (!answer->lost)
        answer->whole = true;
    rw_mirror_job_wake(job);
    return RW_VERDICT_NEXT;
}

/* ---- Explaining ---- */

static void explain(const void *instance, struct rw_text *text)
{
    const struct rw_mirror *mirror = instance;
    const struct rw_mirror_config *config = mirror->config;
    rw_text_addf(text, "%.*s of the requests, with bodies up to %llu bytes, to upstream %.*s",
                 RW_SPAN_ARGS(config->share_text), (unsigned long long)config->body_bytes_max,
                 RW_SPAN_ARGS(config->upstream));
    if (config->compare)
        rw_text_addf(text, "; answers are compared: status, %zu fields, bodies up to %llu bytes",
                     config->compare->fields.count,
                     (unsigned long long)config->compare->body_bytes_max);
}

const struct rw_policy rw_policy_mirror = {
    .kind = {.name = "mirror",
             .record = &rw_mirror_record,
             .doc = "Sends copies of requests to another upstream, and compares the answers.",
             .user = &rw_policy_mirror},
    .compile = rw_mirror_compile,
    .on_request = on_request,
    .on_response = on_response,
    .explain = explain,
};
