#include "support/filter_policy.h"

#include "gate/exchange/filter.h"
#include "gate/exchange/policy.h"
#include "gate/worker.h"

enum { TAKE_BYTES_MAX = 3000, WAIT_MS_MAX = 3, KEEP_BYTES_MAX = 5000 };

struct doubling {
    bool request, response, wait, same;
};

struct half {
    struct rw_filter filter;
    const struct doubling *policy;
    struct rw_timer timer;
    struct rw_buf *made; /* by the second one: not given yet */
    uint32_t keep;       /* it holds back so many bytes where it may */
    bool waited, odd;
    char first;
};

static uint32_t below(struct half *half, uint32_t bound)
{
    return rw_random_below(rw_loop_random(half->filter.x->worker->loop), bound);
}

static void fired(struct rw_timer *timer)
{
    rw_filter_wake(&rw_container_of(timer, struct half, timer)->filter);
}

/* Not twice in a row. */
static bool waits(struct half *half)
{
    struct rw_loop *loop = half->filter.x->worker->loop;
    if (rw_timer_running(&half->timer))
        return true;
    half->waited = half->policy->wait && !half->waited && below(half, 10) == 0;
    if (!half->waited)
        return false;
    half->timer.fire = fired;
    rw_timer_start(loop, &half->timer, rw_loop_now_ms(loop) + below(half, WAIT_MS_MAX));
    return true;
}

static void end(struct rw_filter *filter)
{
    struct half *half = rw_container_of(filter, struct half, filter);
    rw_timer_stop(filter->x->worker->loop, &half->timer);
    rw_buf_drop(half->made);
    half->made = NULL;
}

static struct rw_buf *buffer(struct half *half)
{
    return rw_buf_get(rw_loop_buffers(half->filter.x->worker->loop), RW_BUF_SMALL_BYTES);
}

static enum rw_filter_outcome give(struct rw_buf *buf, bool end_too, struct rw_piece *out)
{
    *out = (struct rw_piece){.buf = buf, .end = end_too};
    if (buf)
        out->data = rw_buf_span(buf);
    return RW_FILTER_PIECE;
}

static enum rw_filter_outcome twice(struct rw_filter *filter, struct rw_piece *in, bool flush,
                                    struct rw_piece *out)
{
    struct half *half = rw_container_of(filter, struct half, filter);
    (void)flush;
    if (waits(half))
        return RW_FILTER_WAIT;
    if (in->data.len == 0)
        return in->end ? give(NULL, true, out) : RW_FILTER_MORE;
    uint32_t take = 1 + below(half, TAKE_BYTES_MAX);
    if (take > in->data.len)
        take = (uint32_t)in->data.len;
    struct rw_buf *buf = buffer(half);
    if (!buf)
        return RW_FILTER_FAIL;
    for (uint32_t i = 0; i < take; i++)
        buf->data[2 * i] = buf->data[2 * i + 1] = in->data.at[i];
    buf->end = 2 * take;
    in->data = rw_span_skip(in->data, take);
    return give(buf, in->end && in->data.len == 0 && below(half, 2), out);
}

static void halve(struct half *half, struct rw_piece *in, uint32_t most)
{
    struct rw_buf *buf = half->made;
    size_t i = 0;
    for (; i < in->data.len && buf->end < most; i++) {
        if (half->odd)
            rw_assert(half->first == in->data.at[i]);
        else
            half->first = in->data.at[i];
        if (half->odd)
            buf->data[buf->end++] = half->first;
        half->odd = !half->odd;
    }
    if (i)
        in->data = rw_span_skip(in->data, i);
}

static enum rw_filter_outcome once(struct rw_filter *filter, struct rw_piece *in, bool flush,
                                   struct rw_piece *out)
{
    struct half *half = rw_container_of(filter, struct half, filter);
    if (waits(half))
        return RW_FILTER_WAIT;
    if (!half->made && !(half->made = buffer(half)))
        return RW_FILTER_FAIL;
    halve(half, in, half->keep + 1);
    bool all = in->data.len == 0;
    if (all && !in->end && (half->made->end == 0 || (!flush && half->made->end <= half->keep)))
        return RW_FILTER_MORE;
    struct rw_buf *buf = half->made;
    half->made = NULL;
    half->keep = below(half, KEEP_BYTES_MAX);
    return give(buf, all && in->end, out);
}

static const struct rw_filter_kind kinds[2][2] = {
    {{.name = "twice", .effect = RW_FILTER_REWRITES, .step = twice, .end = end},
     {.name = "once", .effect = RW_FILTER_RECODES, .step = once, .end = end}},
    {{.name = "twice", .effect = RW_FILTER_OBSERVES, .step = twice, .end = end},
     {.name = "once", .effect = RW_FILTER_OBSERVES, .step = once, .end = end}},
};

static enum rw_verdict install(struct rw_exchange *x, const struct doubling *policy,
                               enum rw_err (*add)(struct rw_exchange *x, struct rw_filter *filter))
{
    for (unsigned i = 0; i < 2; i++) {
        struct half *half = rw_arena_zero(&x->arena, sizeof(*half));
        if (!half)
            return RW_VERDICT_FAIL;
        half->policy = policy;
        half->filter.kind = &kinds[policy->same][i];
        if (add(x, &half->filter))
            return RW_VERDICT_FAIL;
    }
    return RW_VERDICT_NEXT;
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct doubling *policy = instance;
    bool possible = policy->request && rw_filter_request_possible(x);
    return possible ? install(x, policy, rw_filter_request) : RW_VERDICT_NEXT;
}

static enum rw_verdict on_response(struct rw_exchange *x, const void *instance)
{
    const struct doubling *policy = instance;
    bool possible = policy->response && rw_filter_response_possible(x);
    return possible ? install(x, policy, rw_filter_response) : RW_VERDICT_NEXT;
}

static enum rw_err compile(struct rw_compile *compile, const void *config, void **instance)
{
    const char *text = ((const struct rw_span *)config)->at;
    struct doubling *policy = rw_arena_zero(compile->arena, sizeof(*policy));
    if (!policy)
        return RW_ENOMEM;
    policy->request = strstr(text, "request");
    policy->response = strstr(text, "response");
    policy->wait = strstr(text, "wait");
    policy->same = strstr(text, "same");
    *instance = policy;
    return RW_OK;
}

static const struct rw_policy policy = {.compile = compile,
                                        .on_request = on_request,
                                        .on_response = on_response};

const struct rw_conf_variant_kind rw_test_doubling = {.name = "doubling",
                                                      .doc = "For tests.",
                                                      .user = &policy};
