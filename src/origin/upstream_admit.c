/* Requests of an upstream that is given so many at once. */
#include "base/clock.h"
#include "origin/upstream_call.h"

struct waiting {
    struct rw_admission admission;
    struct rw_upstream_call *call;
};

static struct rw_upstream_call *call_of(struct rw_admission *admission)
{
    return rw_container_of(admission, struct waiting, admission)->call;
}

static void on_admitted(struct rw_admission *admission)
{
    struct rw_upstream_call *call = call_of(admission);
    call->failure = RW_REASON_NO_ENDPOINT;
    rw_upstream_begin_try(call);
}

static void note_refusal(struct rw_upstream_call *call)
{
    uint32_t seconds = call->cluster->overload.retry_after_s;
    call->x->retry_after_s = (uint16_t)(seconds < UINT16_MAX ? seconds : UINT16_MAX);
    rw_worker_count(call->x->worker, RW_COUNTER_OVERLOAD_REFUSED, 1);
}

static void on_refused(struct rw_admission *admission)
{
    struct rw_upstream_call *call = call_of(admission);
    note_refusal(call);
    rw_upstream_give_up(call, RW_REASON_OVERLOADED, NULL);
}

static struct rw_admission *make(struct rw_upstream_call *call)
{
    struct waiting *waiting = rw_arena_zero(&call->x->arena, sizeof(*waiting));
    if (!waiting)
        return NULL;
    waiting->call = call;
    waiting->admission.on_admitted = on_admitted;
    waiting->admission.on_refused = on_refused;
    return &waiting->admission;
}

enum rw_flow rw_upstream_admit(struct rw_upstream_call *call, const struct rw_piece *first,
                               enum rw_flow (*goes)(struct rw_upstream_call *call,
                                                    const struct rw_piece *first))
{
    struct rw_exchange *x = call->x;
    call->admission = make(call);
    if (!call->admission) {
        rw_upstream_give_up(call, RW_REASON_EXCHANGE_LIMIT, NULL);
        return RW_FLOW_GO;
    }
    enum rw_config_class class = (enum rw_config_class)x->route->config->overload->class;
    switch (rw_admission_enter(x->worker, call->cluster, call->admission, class,
                               rw_upstream_hash(x, &call->cluster->overload.fair_by))) {
    case RW_ADMITTED:
        return goes(call, first);
    case RW_ADMISSION_WAITS:
        return rw_upstream_keep_waiting(call, first);
    case RW_ADMISSION_REFUSED:
        break;
    }
    note_refusal(call);
    rw_upstream_give_up(call, RW_REASON_OVERLOADED, NULL);
    return RW_FLOW_GO;
}

void rw_upstream_tell_latency(const struct rw_upstream_call *call)
{
    struct rw_loop *loop = call->x->worker->loop;
    uint64_t us = (rw_loop_turn_ns(loop) - call->sent_ns) / 1000;
    rw_admission_answered(call->admission, us, call->sent_ns / RW_NS_PER_MS, rw_loop_now_ms(loop));
}
