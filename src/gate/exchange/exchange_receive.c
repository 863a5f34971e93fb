/* What is looked at before anybody is asked: the request by itself, and which route takes it. */
#include "gate/exchange/exchange_private.h"

#include "base/prefetch.h"
#include "gate/exchange/grpc.h"
#include "gate/front/forwarded.h"
#include "gate/front/request_rules.h"
#include "gate/snapshot.h"
#include "gate/worker.h"
#include "watch/trace.h"

enum { OWN_DEADLINE_MS_MAX = 30 * 86400000u };

/* ---- RECEIVE ---- */

static void keep_or_begin_trace(struct rw_exchange *x)
{
    const struct rw_field *field = rw_message_find(&x->request, RW_FIELD_TRACEPARENT);
    if (field && field->value.len == RW_TRACEPARENT_BYTES && rw_traceparent_valid(field->value))
        memcpy(x->traceparent, field->value.at, RW_TRACEPARENT_BYTES);
    else
        rw_traceparent_begin(x->traceparent, rw_loop_random(x->worker->loop));
}

/* The request goes no further by its own will. TRACE is not echoed: what proxies in front have
 * added is nobody's to read. */
static enum rw_go answer_here(struct rw_exchange *x)
{
    if (x->request.method == RW_METHOD_TRACE)
        return rw_exchange_refuse(x, RW_REASON_TRACE_REFUSED);
    x->reason = RW_REASON_MAX_FORWARDS;
    if (rw_exchange_make_options(x) != RW_OK)
        return rw_exchange_refuse(x, RW_REASON_EXCHANGE_LIMIT);
    rw_exchange_move(x, RW_STEP_RESPONSE_POLICIES);
    return RW_GO_ON;
}

static enum rw_go take_hop(struct rw_exchange *x)
{
    switch (rw_request_take_hop(x)) {
    case RW_HOPS_HERE:
        return answer_here(x);
    case RW_HOPS_BAD:
        return rw_exchange_refuse(x, RW_REASON_MALFORMED);
    case RW_HOPS_NO_MEMORY:
        return rw_exchange_refuse(x, RW_REASON_EXCHANGE_LIMIT);
    default:
        rw_exchange_move(x, RW_STEP_ROUTE);
        return RW_GO_ON;
    }
}

enum rw_go rw_exchange_step_receive(struct rw_exchange *x)
{
    keep_or_begin_trace(x);
    if (!rw_request_names_allowed(x))
        return rw_exchange_refuse(x, RW_REASON_UNDERSCORE);
    if (!rw_forwarded_resolve(x))
        return rw_exchange_refuse(x, RW_REASON_EXCHANGE_LIMIT);
    if (x->snapshot->tells_identity)
        rw_identity_strip(x->snapshot->config->identity, &x->request);
    if (x->request.protocol.len) /* extended CONNECT, to what no front has made a request of */
        return rw_exchange_refuse(x, RW_REASON_NO_UPGRADE);
    if (x->request.method == RW_METHOD_CONNECT && !x->listener->config->allow_connect)
        return rw_exchange_refuse(x, RW_REASON_CONNECT_REFUSED);
    if (rw_forwarded_loops(x))
        return rw_exchange_refuse(x, RW_REASON_LOOP);
    if (rw_exchange_announces_too_much(x))
        return rw_exchange_refuse(x, RW_REASON_BODY_TOO_LARGE);
    if (!rw_path_check(x->request.path, &x->detail))
        return rw_exchange_refuse(x, RW_REASON_BAD_PATH);
    return take_hop(x);
}

static bool upgrade_allowed(const struct rw_exchange *x)
{
    struct rw_span protocol = rw_message_value(&x->request, RW_FIELD_UPGRADE);
    const struct rw_conf_list *allowed = &x->route->config->upgrade;
    const struct rw_span *names = allowed->items;
    for (size_t i = 0; i < allowed->count; i++)
        if (rw_span_eq_nocase(names[i], protocol))
            return true;
    return false;
}

/* The log step comes when the response has; with many routes its memory would be cold by then. */
static void prefetch_for_log(const struct rw_exchange *x)
{
    rw_prefetch(rw_metrics_cell(x->worker->metrics, x->route->series), 2 * RW_CACHE_LINE_BYTES);
    __builtin_prefetch(x->route->name.at);
}

/* What the client says in a field of its own; UINT64_MAX: nothing. */
static uint64_t own_deadline_ms(const struct rw_exchange *x)
{
    struct rw_span name = x->route->config->timeouts->deadline_field;
    const struct rw_field *field = rw_message_find_name(&x->request, name);
    uint64_t ms;
    if (!field || !rw_span_to_u64(field->value, &ms) || ms > OWN_DEADLINE_MS_MAX)
        return UINT64_MAX;
    return ms ? ms : 1;
}

/* A call of gRPC, which is always a POST, says itself how long it may take. */
static void start_total_timer(struct rw_exchange *x)
{
    uint64_t ms = x->route->total_ms ? x->route->total_ms : UINT64_MAX, own_ms = UINT64_MAX;
    if (x->request.method == RW_METHOD_POST && rw_grpc_call(&x->request))
        own_ms = rw_grpc_timeout_ms(&x->request);
    if (x->route->own_deadline && own_ms == UINT64_MAX)
        own_ms = own_deadline_ms(x);
    if (own_ms < ms)
        ms = own_ms;
    if (ms == UINT64_MAX)
        return;
    x->total_timer.fire = rw_exchange_total_timeout;
    rw_timer_start(x->worker->loop, &x->total_timer, rw_loop_now_ms(x->worker->loop) + ms);
}

/* The router's table has room for the most that there may be; few routes have any. */
static bool keep_params(struct rw_exchange *x, const struct rw_route_params *params)
{
    if (!params->count)
        return true;
    size_t bytes =
        offsetof(struct rw_route_params, items) + params->count * sizeof(params->items[0]);
    struct rw_route_params *kept = rw_arena_alloc(&x->arena, bytes);
    if (kept)
        memcpy(kept, params, bytes);
    x->params = kept;
    return kept;
}

enum rw_go rw_exchange_step_route(struct rw_exchange *x)
{
    struct rw_route_params params;
    unsigned listener = (unsigned)(x->listener - x->snapshot->listeners);
    int found = rw_router_find(x->snapshot->router, listener, &x->request, &params);
    if (found < 0)
        return rw_exchange_refuse(x, found == RW_ROUTE_WRONG_METHOD ? RW_REASON_WRONG_METHOD
                                                                    : RW_REASON_NO_ROUTE);
    if (!keep_params(x, &params))
        return rw_exchange_refuse(x, RW_REASON_EXCHANGE_LIMIT);
    x->route = &x->snapshot->routes[found];
    prefetch_for_log(x);
    if (x->request.upgrade)
        x->upgrade_allowed = upgrade_allowed(x);
    start_total_timer(x);
    rw_exchange_move(x, RW_STEP_REQUEST_POLICIES);
    return RW_GO_ON;
}
