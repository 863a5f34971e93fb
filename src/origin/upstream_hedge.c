/* Hedging: a read that takes long is asked of a second endpoint as well. Whoever answers first
 * wins, the other one is called off: its stream is reset, or its connection closed.
 *
 * The two are calls of one exchange. The first is its origin_state, until it is out. An answer that
 * says that the server has failed (502, 503, 504), and every failure, puts a call out as long as
 * the other one is under way; what is left then goes on as if it had been alone. */
#include "gate/cluster/overload/limiter.h"
#include "origin/upstream_call.h"

static struct rw_worker_upstream *own_of(const struct rw_upstream_call *call)
{
    return rw_worker_upstream(call->x->worker, call->cluster->slot);
}

static uint64_t waited_us(const struct rw_upstream_call *call)
{
    return (rw_loop_turn_ns(call->x->worker->loop) - call->sent_ns) / 1000;
}

/* ---- The second one ---- */

/* Another endpoint, if there is one, there is room and the budget allows. */
static struct rw_endpoint *find_endpoint(const struct rw_upstream_call *first)
{
    struct rw_exchange *x = first->x;
    const struct rw_cluster *cluster = first->cluster;
    const struct rw_limiter *limiter = cluster->limiter;
    if (limiter && atomic_load_explicit(&limiter->in_flight, memory_order_relaxed) >=
                       rw_limiter_limit(limiter, &cluster->overload.limits))
        return NULL;
    struct rw_endpoint *endpoint = rw_upstream_choose(first, x->endpoint);
    if (!endpoint || endpoint == x->endpoint)
        return NULL;
    if (rw_retry_budget_take(&own_of(first)->hedges, &cluster->hedging.budget,
                             x->snapshot->worker_count, rw_loop_now_ms(x->worker->loop)))
        return endpoint;
    rw_metrics_upstream(x->worker->metrics, cluster->series, RW_UPSTREAM_EVENT_HEDGE_DENIED);
    return NULL;
}

static struct rw_upstream_call *make_second(struct rw_upstream_call *first)
{
    struct rw_exchange *x = first->x;
    struct rw_upstream_call *second = rw_upstream_call_new(x, first->cluster);
    if (!second)
        return NULL;
    second->hedge = first->hedge;
    second->replayable = rw_upstream_worth_keeping(second);
    second->waiting.end = true;
    second->failure = RW_REASON_NO_ENDPOINT;
    return second;
}

static void on_late(struct rw_timer *timer)
{
    struct rw_upstream_hedge *hedge = rw_container_of(timer, struct rw_upstream_hedge, timer);
    struct rw_upstream_call *first = hedge->calls[0];
    struct rw_exchange *x = first->x;
    struct rw_endpoint *endpoint = find_endpoint(first);
    struct rw_upstream_call *second = endpoint ? make_second(first) : NULL;
    if (!second)
        return;
    hedge->calls[1] = second;
    hedge->endpoint = endpoint;
    rw_endpoint_enter(endpoint);
    x->hedge = RW_HEDGE_LOST;
    rw_metrics_upstream(x->worker->metrics, first->cluster->series, RW_UPSTREAM_EVENT_HEDGE);
    rw_upstream_acquire(second, endpoint, false);
}

/* RFC 9110 section 9.2.1: safe methods; and there is no body that would have to be kept. */
static bool may_hedge(const struct rw_upstream_call *call)
{
    const struct rw_exchange *x = call->x;
    enum rw_method method = x->request.method;
    bool safe = method == RW_METHOD_GET || method == RW_METHOD_HEAD || method == RW_METHOD_OPTIONS;
    return safe && call->kept.end && !call->kept.data.len && !x->upgrade_allowed &&
           !x->request_trailers.len && !call->cluster->proxy_version && x->hedge == RW_HEDGE_NONE;
}

void rw_upstream_hedge_arm(struct rw_upstream_call *call)
{
    struct rw_loop *loop = call->x->worker->loop;
    const struct rw_cluster *cluster = call->cluster;
    if (call->hedge || !may_hedge(call))
        return;
    rw_retry_budget_add(&own_of(call)->hedges, cluster->hedging.budget.percent);
    struct rw_upstream_hedge *hedge = rw_arena_zero(&call->x->arena, sizeof(*hedge));
    if (!hedge)
        return; /* it is done without */
    hedge->first = hedge->calls[0] = call;
    hedge->timer.fire = on_late;
    call->hedge = hedge;
    uint64_t now_ms = rw_loop_now_ms(loop);
    rw_timer_start(loop, &hedge->timer,
                   now_ms + rw_hedge_after_ms(cluster->hedge, &cluster->hedging, now_ms));
}

void rw_upstream_hedge_disarm(struct rw_upstream_call *call)
{
    if (call->hedge->calls[0] == call && rw_timer_running(&call->hedge->timer))
        rw_timer_stop(call->x->worker->loop, &call->hedge->timer);
}

/* ---- One is out ---- */

static void leave_endpoint(struct rw_upstream_hedge *hedge)
{
    rw_endpoint_leave(hedge->endpoint);
    hedge->endpoint = NULL;
}

/* The exchange is the second one's from now on. */
static void lead(struct rw_upstream_call *second, struct rw_upstream_call *first)
{
    struct rw_upstream_hedge *hedge = second->hedge;
    struct rw_exchange *x = second->x;
    x->origin_state = second;
    rw_upstream_use(x, hedge->endpoint);
    leave_endpoint(hedge);
    if (first->admission)
        rw_upstream_hand_over(first, second);
}

void rw_upstream_step_aside(struct rw_upstream_call *call)
{
    struct rw_upstream_hedge *hedge = call->hedge;
    struct rw_upstream_call *twin = rw_upstream_twin(call);
    rw_upstream_end_try(call);
    if (call == hedge->first)
        lead(twin, call);
    else
        leave_endpoint(hedge);
    hedge->calls[call != hedge->first] = NULL;
}

/* ---- A head has come ---- */

/* What it was waited for in vain is known of its endpoint, too. */
static void call_off(struct rw_upstream_call *loser)
{
    struct rw_cluster *cluster = loser->cluster;
    uint64_t now_ms = rw_loop_now_ms(loser->x->worker->loop);
    if (loser->request_started) {
        rw_hedge_observe(cluster->hedge, waited_us(loser), now_ms);
        if (cluster->balance == RW_BALANCE_LATENCY)
            rw_endpoint_observe(rw_upstream_endpoint(loser), waited_us(loser), false, now_ms);
    }
    rw_upstream_step_aside(loser);
}

static enum rw_upstream_head settle(struct rw_upstream_call *call)
{
    struct rw_upstream_hedge *hedge = call->hedge;
    struct rw_upstream_call *twin = rw_upstream_twin(call);
    struct rw_exchange *x = call->x;
    bool second = call != hedge->first;
    if (twin && second) {
        x->hedge = RW_HEDGE_WON;
        rw_metrics_upstream(x->worker->metrics, call->cluster->series, RW_UPSTREAM_EVENT_HEDGE_WON);
    }
    if (twin)
        call_off(twin);
    rw_upstream_hedge_disarm(call);
    if (second)
        x->response = hedge->response;
    call->hedge = NULL;
    return RW_HEAD_TAKEN;
}

enum rw_upstream_head rw_upstream_hedge_head(struct rw_upstream_call *call)
{
    struct rw_message *response = rw_upstream_response(call);
    unsigned status = response->status;
    bool two = rw_upstream_twin(call) != NULL;
    if (status < 200 && (two || call != call->hedge->first)) {
        *response = (struct rw_message){0};
        return RW_HEAD_PASSED_OVER;
    }
    if (status < 200) {
        /* The client gets it, which may take a while: no other's answer may come between. */
        rw_upstream_hedge_disarm(call);
        call->hedge = NULL;
        return RW_HEAD_TAKEN;
    }
    if (two && status >= 502 && status <= 504) {
        rw_upstream_blame(call, RW_REASON_NONE);
        rw_upstream_step_aside(call);
        return RW_HEAD_OVER;
    }
    return settle(call);
}
