/* The copy of a request, and the front that takes its answer. */
#include "policy/mirror/mirror_private.h"

#include "gate/cluster/balance/residency.h"
#include "watch/trace.h"

#include <netinet/in.h>

enum { SWALLOW_BYTES_MAX = 4 << 20 };

/* ---- The copy ---- */

/* In the arena, unless it is nothing; false: no memory. */
static bool copy(struct rw_arena *arena, struct rw_span *text)
{
    if (text->at)
        *text = rw_arena_copy(arena, *text);
    return text->at || text->len == 0;
}

static bool copy_fields(struct rw_arena *arena, struct rw_message *to,
                        const struct rw_message *from)
{
    to->fields = NULL;
    to->field_count = to->field_room = 0;
    for (unsigned i = 0; i < from->field_count; i++) {
        struct rw_field field = from->fields[i];
        if (field.hop)
            continue;
        if (!copy(arena, &field.name) || !copy(arena, &field.value) ||
            rw_message_add(to, arena, field.name, field.value))
            return false;
        to->fields[to->field_count - 1].sensitive = field.sensitive;
    }
    return true;
}

static bool copy_request(struct rw_exchange *to, const struct rw_exchange *from)
{
    struct rw_message *request = &to->request;
    struct rw_arena *arena = &to->arena;
    *request = from->request;
    request->upgrade = request->expect_continue = false;
    request->protocol = (struct rw_span){0};
    struct rw_span *texts[] = {&request->method_text, &request->scheme, &request->authority,
                               &request->target,      &request->path,   &request->query};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (!copy(arena, texts[i]))
            return false;
    to->upstream_target = from->upstream_target;
    to->upstream_host = from->upstream_host;
    return copy(arena, &to->upstream_target) && copy(arena, &to->upstream_host) &&
           copy_fields(arena, request, &from->request);
}

/* As the client's listener has it, without its policies. */
static bool copy_listener(struct rw_exchange *to, const struct rw_exchange *from)
{
    struct rw_listener_settings *own = rw_arena_alloc(&to->arena, sizeof(*own));
    if (!own)
        return false;
    *own = *from->listener;
    own->policies = NULL;
    own->policy_count = 0;
    to->listener = own;
    return true;
}

static bool copy_client(struct rw_exchange *to, const struct rw_exchange *from)
{
    struct sockaddr_storage *peer = rw_arena_zero(&to->arena, sizeof(*peer));
    if (!peer)
        return false;
    memcpy(peer, from->peer,
           from->peer->sa_family == AF_INET6  ? sizeof(struct sockaddr_in6)
           : from->peer->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                              : sizeof(from->peer->sa_family));
    to->peer = (const struct sockaddr *)peer;
    to->client = from->client;
    to->client_trusted = from->client_trusted;
    to->https = from->https;
    memcpy(to->traceparent, from->traceparent, RW_TRACEPARENT_BYTES);
    return true;
}

/* What keeps a request in some regions keeps its copies there. The regions are the snapshot's. */
static bool copy_residency(struct rw_exchange *to, const struct rw_residency *from)
{
    const struct rw_residency **link = &to->residency;
    for (; from; from = from->outer) {
        struct rw_residency *own = rw_arena_zero(&to->arena, sizeof(*own));
        if (!own)
            return false;
        own->regions = from->regions;
        *link = own;
        link = &own->outer;
    }
    return true;
}

/* The gateway's own mark, whatever the client sent under its name. */
static bool mark(struct rw_exchange *to, const struct rw_mirror *mirror)
{
    return rw_message_set(&to->request, &to->arena, RW_LITERAL("X-Ringway-Mirror"),
                          mirror->route) == RW_OK;
}

static const struct rw_front shadow_front;

struct rw_exchange *rw_mirror_copy(struct rw_mirror_job *job, const struct rw_exchange *x)
{
    unsigned listener = 0;
    struct rw_exchange *shadow =
        rw_exchange_create(job->worker, job->snapshot, &shadow_front, job, listener);
    if (!shadow)
        return NULL;
    shadow->arena.cap_bytes = x->listener->limits->exchange_bytes;
    if (!copy_listener(shadow, x) || !copy_request(shadow, x) || !copy_client(shadow, x) ||
        !copy_residency(shadow, x->residency) || !mark(shadow, job->mirror)) {
        rw_exchange_destroy(shadow);
        return NULL;
    }
    shadow->shadow = true;
    shadow->route = &job->mirror->shadow_route;
    return shadow;
}

/* Its policies have been asked, by the client's exchange: it begins where that one was. */
void rw_mirror_begin(struct rw_mirror_job *job)
{
    struct rw_exchange *x = job->shadow;
    struct rw_piece first = {.data = rw_text_span(&job->request_body), .end = true};
    if (x->request.body_kind != RW_BODY_NONE) {
        x->request.body_kind = RW_BODY_LENGTH;
        x->request.body_bytes = first.data.len;
        x->request.has_length = true;
    }
    x->started_ns = rw_loop_turn_ns(job->worker->loop);
    x->step = RW_STEP_FORWARD;
    job->begun = true;
    (void)rw_exchange_begin(x, &first);
}

/* ---- The front ---- */

static struct rw_mirror_job *job_of(struct rw_exchange *x)
{
    return x->front_state;
}

/* An answer without an end is not waited for. */
static enum rw_flow take(struct rw_mirror_job *job, const struct rw_piece *piece)
{
    rw_mirror_take_body(job, RW_MIRROR_SHADOW, piece->data);
    job->swallowed_bytes += piece->data.len;
    job->answered = piece->end;
    job->cut = job->cut || (!piece->end && job->swallowed_bytes > SWALLOW_BYTES_MAX);
    if (job->answered || job->cut)
        rw_mirror_job_wake(job);
    return job->cut ? RW_FLOW_HOLD : RW_FLOW_GO;
}

static enum rw_flow respond(struct rw_exchange *x, const struct rw_piece *first)
{
    rw_mirror_take_head(job_of(x), RW_MIRROR_SHADOW, &x->response);
    return take(job_of(x), first);
}

static enum rw_flow response_data(struct rw_exchange *x, const struct rw_piece *piece)
{
    return take(job_of(x), piece);
}

static enum rw_flow informational(struct rw_exchange *x)
{
    (void)x;
    return RW_FLOW_GO;
}

static void request_resume(struct rw_exchange *x)
{
    (void)x; /* all of the request was there at the begin */
}

static void on_abort(struct rw_exchange *x)
{
    job_of(x)->answers[RW_MIRROR_SHADOW].lost = true;
}

/* What the gateway answers by itself is no answer of the shadow. */
static void finished(struct rw_exchange *x)
{
    struct rw_mirror_job *job = job_of(x);
    struct rw_mirror_answer *answer = &job->answers[RW_MIRROR_SHADOW];
    answer->lost = answer->lost || x->reason != RW_REASON_NONE;
    answer->whole = !answer->lost;
    job->shadow = NULL;
    job->dead = x;
    rw_mirror_job_wake(job);
}

static const struct rw_front shadow_front = {
    .respond = respond,
    .response_data = response_data,
    .informational = informational,
    .request_resume = request_resume,
    .abort = on_abort,
    .finished = finished,
    .protocol = {"HTTP/1.1", 8},
};
