/* Bodies that come slowly, or not to their end. */
#include "gate/exchange/filter.h"
#include "gate/worker.h"
#include "policy/faults/faults_private.h"

enum {
    STEP_MS = 20, /* of a slow body: so often some of it goes */
    LAST_MS = 20, /* what came before a cut shall reach the client */
};

struct work {
    struct rw_filter filter;
    struct rw_timer timer;
    uint64_t left;  /* TRUNCATE: bytes until the cut; UINT64_MAX: none */
    uint64_t rate;  /* THROTTLE: bytes per second; 0: as they come */
    uint64_t spare; /* THROTTLE: bytes that may go at once */
    uint64_t spare_ms;
    bool slowed; /* told already */
    bool waited; /* LAST_MS are over, or begun */
};

static void wake(struct rw_timer *timer)
{
    rw_filter_wake(&rw_container_of(timer, struct work, timer)->filter);
}

static enum rw_filter_outcome wait(struct work *work, uint64_t ms)
{
    struct rw_loop *loop = work->filter.x->worker->loop;
    work->timer.fire = wake;
    rw_timer_start(loop, &work->timer, rw_loop_now_ms(loop) + ms);
    return RW_FILTER_WAIT;
}

static void end(struct rw_filter *filter)
{
    rw_timer_stop(filter->x->worker->loop, &rw_container_of(filter, struct work, filter)->timer);
}

/* How much of `len` may go now, at that rate. */
static size_t spare(struct work *work, size_t len)
{
    uint64_t now_ms = rw_loop_now_ms(work->filter.x->worker->loop);
    uint64_t step_bytes = work->rate * STEP_MS / 1000, passed_ms = now_ms - work->spare_ms;
    uint64_t most = step_bytes ? step_bytes : 1;
    uint64_t more = passed_ms >= STEP_MS && step_bytes ? most : work->rate * passed_ms / 1000;
    if (more) {
        work->spare = work->spare + more < most ? work->spare + more : most;
        work->spare_ms = now_ms;
    }
    len = len < work->spare ? len : (size_t)work->spare;
    work->spare -= len;
    return len;
}

static enum rw_filter_outcome cut(struct work *work)
{
    if (!work->waited) {
        work->waited = true;
        return wait(work, LAST_MS);
    }
    rw_faults_tell(work->filter.x, RW_FAULTS_TRUNCATE);
    work->filter.reason = RW_REASON_FAULT;
    return RW_FILTER_FAIL;
}

static enum rw_filter_outcome step(struct rw_filter *filter, struct rw_piece *in, bool flush,
                                   struct rw_piece *out)
{
    struct work *work = rw_container_of(filter, struct work, filter);
    size_t len = in->data.len;
    (void)flush;
    if (rw_timer_running(&work->timer))
        return RW_FILTER_WAIT;
    if (len == 0 && !in->end)
        return RW_FILTER_MORE;
    if (len && work->left == 0)
        return cut(work);
    if (len > work->left)
        len = (size_t)work->left;
    if (len && work->rate) {
        len = spare(work, len);
        if (!work->slowed)
            rw_faults_tell(filter->x, RW_FAULTS_THROTTLE);
        work->slowed = true;
        if (len == 0)
            return wait(work, STEP_MS);
    }
    *out = (struct rw_piece){
        .buf = in->buf, .data = rw_span(in->data.at, len), .end = in->end && len == in->data.len};
    if (out->buf)
        rw_buf_hold(out->buf);
    in->data = rw_span_skip(in->data, len);
    work->left -= work->left == UINT64_MAX ? 0 : len;
    return RW_FILTER_PIECE;
}

/* To the gateway it is the same body; that the client does not get it so is the point. */
static const struct rw_filter_kind kind = {.name = "faults",
                                           .effect = RW_FILTER_OBSERVES,
                                           .step = step,
                                           .end = end};

enum rw_err rw_faults_filter(struct rw_exchange *x, const struct rw_faults_config *config,
                             unsigned kinds)
{
    struct work *work = rw_arena_zero(&x->arena, sizeof(*work));
    if (!work)
        return RW_ENOMEM;
    work->filter.kind = &kind;
    work->left = kinds & 1 << RW_FAULTS_TRUNCATE ? config->truncate->after_bytes : UINT64_MAX;
    work->rate = kinds & 1 << RW_FAULTS_THROTTLE ? config->throttle->bytes_per_second : 0;
    work->spare_ms = rw_loop_now_ms(x->worker->loop);
    return rw_filter_response(x, &work->filter);
}
