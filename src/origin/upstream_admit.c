/* Requests of an upstream that is given so many at once. */
#include "base/clock.h"
#include "gate/exchange/filter.h"
#include "origin/upstream_call.h"

/* A response that still goes on so long after its head is a stream of some kind, or its client is
 * slow: it no longer tells how much the origin has to do. */
enum { RELAY_MS_MAX = 3000 };

struct waiting {
    struct rw_admission admission;
    struct rw_upstream_call *call;
    struct rw_timer relay_timer; /* runs while the response does */
};

static struct waiting *waiting_of(struct rw_admission *admission)
{
    return rw_container_of(admission, struct waiting, admission);
}

static struct rw_upstream_call *call_of(struct rw_admission *admission)
{
    return waiting_of(admission)->call;
}

static void on_admitted(struct rw_admission *admission)
{
    struct rw_upstream_call *call = call_of(admission);
    call->failure = RW_REASON_NO_ENDPOINT;
    rw_upstream_feed_budget(call);
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

static void on_relay_long(struct rw_timer *timer)
{
    struct waiting *waiting = rw_container_of(timer, struct waiting, relay_timer);
    rw_admission_leave(waiting->call->x->worker, &waiting->admission);
}

static struct rw_admission *make(struct rw_upstream_call *call)
{
    struct waiting *waiting = rw_arena_zero(&call->x->arena, sizeof(*waiting));
    if (!waiting)
        return NULL;
    waiting->call = call;
    waiting->admission.on_admitted = on_admitted;
    waiting->admission.on_refused = on_refused;
    waiting->relay_timer.fire = on_relay_long;
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

void rw_upstream_hand_over(struct rw_upstream_call *from, struct rw_upstream_call *to)
{
    to->admission = from->admission;
    from->admission = NULL;
    waiting_of(to->admission)->call = to;
}

void rw_upstream_tell_latency(const struct rw_upstream_call *call)
{
    struct rw_loop *loop = call->x->worker->loop;
    uint64_t us = (rw_loop_turn_ns(loop) - call->sent_ns) / 1000;
    rw_admission_answered(call->admission, us, call->sent_ns / RW_NS_PER_MS, rw_loop_now_ms(loop));
}

static bool may_last(const struct rw_exchange *x)
{
    return x->response.status == 101 || x->request.method == RW_METHOD_CONNECT ||
           rw_filter_message_stream(rw_message_value(&x->response, RW_FIELD_CONTENT_TYPE));
}

void rw_upstream_relay_begins(struct rw_upstream_call *call)
{
    struct rw_loop *loop = call->x->worker->loop;
    if (may_last(call->x))
        rw_upstream_leave(call);
    else
        rw_timer_start(loop, &waiting_of(call->admission)->relay_timer,
                       rw_loop_now_ms(loop) + RELAY_MS_MAX);
}

void rw_upstream_leave(struct rw_upstream_call *call)
{
    struct rw_worker *worker = call->x->worker;
    rw_timer_stop(worker->loop, &waiting_of(call->admission)->relay_timer);
    rw_admission_leave(worker, call->admission);
}
