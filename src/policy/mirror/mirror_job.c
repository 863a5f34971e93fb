/* The life of a job: from the request to the verdict. */
#include "policy/mirror/mirror_private.h"

#include "base/alloc.h"

enum { JOB_BLOCK_BYTES = 2048, JOB_BYTES_MAX = 4 << 20 };

void rw_mirror_count(const struct rw_mirror *mirror, struct rw_worker *worker,
                     enum rw_mirror_result result)
{
    rw_metrics_mirror(rw_metrics_cell(worker->metrics, mirror->result_series), result);
}

void rw_mirror_job_wake(struct rw_mirror_job *job)
{
    rw_loop_later(job->worker->loop, &job->later);
}

/* ---- The end ---- */

/* Nothing that is under way needs it any more. */
static bool unused(const struct rw_mirror_job *job)
{
    return !job->shadow && !job->dead && !job->request_tap.installed &&
           !job->response_tap.installed;
}

static void destroy(struct rw_mirror_job *job)
{
    rw_timer_stop(job->worker->loop, &job->timer);
    rw_loop_later_stop(&job->later);
    rw_list_remove(&job->link);
    job->store->count--;
    rw_text_free(&job->request_body);
    for (unsigned side = 0; side < RW_MIRROR_SIDES; side++)
        rw_text_free(&job->answers[side].body);
    rw_arena_free(&job->arena);
    rw_snapshot_unpin(job->snapshot, job->worker->index);
    rw_free(job);
}

static bool known(const struct rw_mirror_answer *answer)
{
    return answer->whole || answer->lost;
}

/* The verdict can be given. */
static bool settled(const struct rw_mirror_job *job)
{
    if (job->abandoned)
        return true;
    const struct rw_mirror_answer *shadow = &job->answers[RW_MIRROR_SHADOW];
    bool alone = shadow->lost || !job->mirror->config->compare;
    return job->begun && !job->shadow && known(shadow) &&
           (alone || known(&job->answers[RW_MIRROR_CLIENT]));
}

/* ---- Going on ---- */

static void drop_unbegun(struct rw_mirror_job *job)
{
    if (!job->shadow || job->begun)
        return;
    struct rw_exchange *shadow = job->shadow;
    job->shadow = NULL;
    rw_exchange_destroy(shadow);
}

static void free_dead(struct rw_mirror_job *job)
{
    struct rw_exchange *dead = job->dead;
    job->dead = NULL;
    if (dead)
        rw_exchange_destroy(dead);
}

/* A turn of its own: nothing of any exchange is on the stack. */
static void go_on(struct rw_later *later)
{
    struct rw_mirror_job *job = rw_container_of(later, struct rw_mirror_job, later);
    free_dead(job);
    if (job->abandoned)
        drop_unbegun(job);
    else if (job->request_whole && !job->begun)
        rw_mirror_begin(job);
    if (job->shadow && job->begun && job->answered) {
        job->answered = false;
        rw_exchange_response_sent(job->shadow);
    }
    if (job->shadow && job->begun && job->cut)
        rw_exchange_cut(job->shadow, RW_REASON_TOTAL_TIMEOUT);
    if (!settled(job) || !unused(job))
        return;
    if (!job->abandoned)
        rw_mirror_judge(job);
    destroy(job);
}

void rw_mirror_job_give_up(struct rw_mirror_job *job, enum rw_mirror_result result)
{
    job->abandoned = true;
    rw_mirror_count(job->mirror, job->worker, result);
    rw_mirror_job_wake(job);
}

/* Both sides have had their time: whoever has not answered does not. */
static void time_out(struct rw_timer *timer)
{
    struct rw_mirror_job *job = rw_container_of(timer, struct rw_mirror_job, timer);
    struct rw_mirror_answer *client = &job->answers[RW_MIRROR_CLIENT];
    if (!job->begun && !job->abandoned)
        rw_mirror_job_give_up(job, RW_MIRROR_DROPPED);
    client->lost = client->lost || !client->whole;
    job->cut = true;
    rw_mirror_job_wake(job);
}

/* ---- The store ---- */

static void trim(struct rw_worker_store *store)
{
    (void)store;
}

static void destroy_store(struct rw_worker_store *base)
{
    struct rw_mirror_store *store = rw_container_of(base, struct rw_mirror_store, store);
    rw_assert(rw_list_empty(&store->jobs));
    rw_free(store);
}

static void close_job(struct rw_mirror_job *job)
{
    job->answers[RW_MIRROR_CLIENT].lost = true;
    if (!job->begun)
        job->abandoned = true;
    if (job->shadow && job->begun)
        rw_exchange_cut(job->shadow, RW_REASON_DRAINING);
    drop_unbegun(job);
    free_dead(job);
    if (unused(job))
        destroy(job);
}

static void close_store(struct rw_worker_store *base)
{
    struct rw_mirror_store *store = rw_container_of(base, struct rw_mirror_store, store);
    struct rw_list *next;
    store->closed = true;
    for (struct rw_list *at = store->jobs.next; at != &store->jobs; at = next) {
        next = at->next;
        close_job(rw_container_of(at, struct rw_mirror_job, link));
    }
}

static const struct rw_worker_store_kind store_kind = {.trim = trim,
                                                       .destroy = destroy_store,
                                                       .close = close_store};

struct rw_mirror_store *rw_mirror_store(struct rw_worker *worker)
{
    struct rw_worker_store *known_store = rw_worker_store(worker, &store_kind);
    if (known_store)
        return rw_container_of(known_store, struct rw_mirror_store, store);
    struct rw_mirror_store *store = rw_alloc_zero(sizeof(*store));
    if (!store)
        return NULL;
    store->store.kind = &store_kind;
    rw_list_init(&store->jobs);
    rw_worker_add_store(worker, &store->store);
    return store;
}

/* ---- The begin ---- */

static bool copy_names(struct rw_mirror_job *job, const struct rw_exchange *x)
{
    job->method = rw_arena_copy(&job->arena, x->request.method_text);
    job->path = rw_arena_copy(&job->arena, x->request.path);
    return job->method.at && job->path.at;
}

struct rw_mirror_job *rw_mirror_job_create(struct rw_mirror_store *store,
                                           const struct rw_mirror *mirror, struct rw_exchange *x)
{
    if (store->closed || store->count >= mirror->config->requests_max)
        return NULL;
    struct rw_mirror_job *job = rw_alloc_zero(sizeof(*job));
    if (!job)
        return NULL;
    struct rw_loop *loop = x->worker->loop;
    job->store = store;
    job->worker = x->worker;
    job->snapshot = rw_snapshot_pin(x->snapshot, x->worker->index);
    job->mirror = mirror;
    job->id = ++store->ids;
    job->timer.fire = time_out;
    job->later.run = go_on;
    rw_arena_init(&job->arena, NULL, 0, JOB_BLOCK_BYTES, JOB_BYTES_MAX);
    rw_list_push_back(&store->jobs, &job->link);
    store->count++;
    job->shadow = copy_names(job, x) ? rw_mirror_copy(job, x) : NULL;
    if (!job->shadow) {
        destroy(job);
        return NULL;
    }
    rw_timer_start(loop, &job->timer, rw_loop_now_ms(loop) + mirror->config->timeout_ms);
    return job;
}

struct rw_mirror_job *rw_mirror_job_find(const struct rw_mirror_store *store, uint64_t id)
{
    for (struct rw_list *at = store->jobs.next; at != &store->jobs; at = at->next) {
        struct rw_mirror_job *job = rw_container_of(at, struct rw_mirror_job, link);
        if (job->id == id)
            return job;
    }
    return NULL;
}
