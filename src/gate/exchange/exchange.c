#include "gate/exchange/exchange.h"

#include "base/log.h"
#include "gate/exchange/exchange_filter.h"
#include "gate/exchange/exchange_log.h"
#include "gate/exchange/exchange_websocket.h"
#include "gate/exchange/grpc.h"
#include "gate/exchange/policy.h"
#include "gate/front/forwarded.h"
#include "gate/front/request_rules.h"
#include "gate/snapshot.h"
#include "gate/tunnel/tunnel.h"
#include "gate/worker.h"
#include "watch/trace.h"

#include <stdio.h>

enum { OWN_DEADLINE_MS_MAX = 30 * 86400000u };

/* What a step says to the loop. WAIT: an event will move the exchange on. GONE: it is freed. */
enum go { GO_ON, GO_WAIT, GO_GONE };

static const unsigned legal_moves[] = {
#define RW_STEP_MOVES(name, moves, doc) [RW_STEP_##name] = (moves),
    RW_STEPS(RW_STEP_MOVES)
#undef RW_STEP_MOVES
};

static void move(struct rw_exchange *x, enum rw_step step)
{
    rw_assert(legal_moves[x->step] & (1u << step));
    x->step = (uint8_t)step;
}

/* ---- Steps ---- */

/* From any step before the response: the gateway answers by itself. */
static enum go refuse(struct rw_exchange *x, enum rw_reason reason)
{
    x->reason = (uint8_t)reason;
    if (rw_exchange_make_refusal(x) != RW_OK) {
        x->aborted = true;
        x->front->abort(x);
        move(x, RW_STEP_LOG);
        return GO_ON;
    }
    move(x, RW_STEP_RESPONSE_POLICIES);
    return GO_ON;
}

static bool body_over_limit(const struct rw_exchange *x, uint64_t bytes)
{
    uint64_t limit = x->listener->limits->body_bytes;
    return limit && bytes > limit && !x->upgraded;
}

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
static enum go answer_here(struct rw_exchange *x)
{
    if (x->request.method == RW_METHOD_TRACE)
        return refuse(x, RW_REASON_TRACE_REFUSED);
    x->reason = RW_REASON_MAX_FORWARDS;
    if (rw_exchange_make_options(x) != RW_OK)
        return refuse(x, RW_REASON_EXCHANGE_LIMIT);
    move(x, RW_STEP_RESPONSE_POLICIES);
    return GO_ON;
}

static enum go take_hop(struct rw_exchange *x)
{
    switch (rw_request_take_hop(x)) {
    case RW_HOPS_HERE:
        return answer_here(x);
    case RW_HOPS_BAD:
        return refuse(x, RW_REASON_MALFORMED);
    case RW_HOPS_NO_MEMORY:
        return refuse(x, RW_REASON_EXCHANGE_LIMIT);
    default:
        move(x, RW_STEP_ROUTE);
        return GO_ON;
    }
}

static enum go step_receive(struct rw_exchange *x)
{
    keep_or_begin_trace(x);
    if (!rw_request_names_allowed(x))
        return refuse(x, RW_REASON_UNDERSCORE);
    if (!rw_forwarded_resolve(x))
        return refuse(x, RW_REASON_EXCHANGE_LIMIT);
    if (x->request.protocol.len) /* extended CONNECT, to what no front has made a request of */
        return refuse(x, RW_REASON_NO_UPGRADE);
    if (x->request.method == RW_METHOD_CONNECT && !x->listener->config->allow_connect)
        return refuse(x, RW_REASON_CONNECT_REFUSED);
    if (rw_forwarded_loops(x))
        return refuse(x, RW_REASON_LOOP);
    /* What is announced, and what came with the head. */
    if ((x->request.body_kind == RW_BODY_LENGTH && body_over_limit(x, x->request.body_bytes)) ||
        body_over_limit(x, x->bytes_in))
        return refuse(x, RW_REASON_BODY_TOO_LARGE);
    if (!rw_path_check(x->request.path, &x->detail))
        return refuse(x, RW_REASON_BAD_PATH);
    return take_hop(x);
}

static void total_timeout(struct rw_timer *timer);

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
    const char *cell = (const char *)rw_metrics_cell(x->worker->metrics, x->route->series);
    __builtin_prefetch(cell, 1);
    __builtin_prefetch(cell + 64, 1);
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
    x->total_timer.fire = total_timeout;
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

static enum go step_route(struct rw_exchange *x)
{
    struct rw_route_params params;
    unsigned listener = (unsigned)(x->listener - x->snapshot->listeners);
    int found = rw_router_find(x->snapshot->router, listener, &x->request, &params);
    if (found < 0)
        return refuse(x,
                      found == RW_ROUTE_WRONG_METHOD ? RW_REASON_WRONG_METHOD : RW_REASON_NO_ROUTE);
    if (!keep_params(x, &params))
        return refuse(x, RW_REASON_EXCHANGE_LIMIT);
    x->route = &x->snapshot->routes[found];
    prefetch_for_log(x);
    if (x->request.upgrade)
        x->upgrade_allowed = upgrade_allowed(x);
    start_total_timer(x);
    move(x, RW_STEP_REQUEST_POLICIES);
    return GO_ON;
}

/* From where it was interrupted, if a policy waited. */
static enum rw_verdict ask_request(struct rw_exchange *x)
{
    unsigned listener = x->listener->policy_count, all = listener + x->route->policy_count;
    for (; x->policies_asked < all; x->policies_asked++) {
        unsigned i = x->policies_asked;
        const struct rw_policy_use *use =
            i < listener ? &x->listener->policies[i] : &x->route->policies[i - listener];
        if (!use->policy->on_request)
            continue;
        enum rw_verdict verdict = use->policy->on_request(x, use->instance);
        if (verdict != RW_VERDICT_NEXT)
            return verdict;
    }
    return RW_VERDICT_NEXT;
}

static enum rw_verdict ask_response(struct rw_exchange *x, const struct rw_policy_use *uses,
                                    unsigned count)
{
    for (unsigned i = count; i-- > 0;) {
        if (!uses[i].policy->on_response)
            continue;
        enum rw_verdict verdict = uses[i].policy->on_response(x, uses[i].instance);
        if (verdict != RW_VERDICT_NEXT)
            return verdict;
    }
    return RW_VERDICT_NEXT;
}

static enum go step_request_policies(struct rw_exchange *x)
{
    if (x->policies_asked == 0)
        x->upstream_target = x->request.target;
    switch (ask_request(x)) {
    case RW_VERDICT_NEXT:
        move(x, RW_STEP_FORWARD);
        return GO_ON;
    case RW_VERDICT_REPLY:
        x->reason = x->reason ? x->reason : RW_REASON_POLICY;
        move(x, RW_STEP_RESPONSE_POLICIES);
        return GO_ON;
    case RW_VERDICT_WAIT:
        return GO_WAIT;
    case RW_VERDICT_CUT:
        x->aborted = true;
        x->front->abort(x);
        move(x, RW_STEP_LOG);
        return GO_ON;
    default:
        return refuse(x, RW_REASON_EXCHANGE_LIMIT);
    }
}

/* The origin may have answered inside start: then the step has moved on already. */
static enum go step_forward(struct rw_exchange *x)
{
    if (x->origin_started)
        return GO_WAIT;
    x->origin_started = true;
    enum rw_flow flow = x->request_filters ? rw_exchange_start_filtered(x)
                                           : x->route->origin->start(x, x->route->origin_instance,
                                                                     &x->first_request_piece);
    x->request_held = flow == RW_FLOW_HOLD;
    return x->step == RW_STEP_FORWARD ? GO_WAIT : GO_ON;
}

void rw_exchange_drop_first_piece(struct rw_exchange *x)
{
    if (x->first_response_held)
        rw_buf_drop(x->first_response_piece.buf);
    x->first_response_held = false;
    x->first_response_piece = (struct rw_piece){0};
}

void rw_exchange_discard_response(struct rw_exchange *x)
{
    rw_exchange_end_response_filters(x);
    rw_exchange_cancel_origin(x);
    rw_exchange_drop_first_piece(x);
    x->response = (struct rw_message){0};
    x->response_trailers = (struct rw_span){0};
}

static enum go step_response_policies(struct rw_exchange *x)
{
    enum rw_verdict verdict = RW_VERDICT_NEXT;
    if (x->route)
        verdict = ask_response(x, x->route->policies, x->route->policy_count);
    if (verdict == RW_VERDICT_NEXT)
        verdict = ask_response(x, x->listener->policies, x->listener->policy_count);
    if (verdict != RW_VERDICT_NEXT) /* in place of the origin's answer, and of its body */
        rw_exchange_end_response_filters(x);
    if (verdict == RW_VERDICT_REPLY)
        rw_exchange_cancel_origin(x);
    if (verdict != RW_VERDICT_FAIL && x->reason && x->listener->config->reason_header)
        if (rw_message_add(&x->response, &x->arena, RW_LITERAL("X-Ringway-Reason"),
                           rw_span_text(rw_reason_name(x->reason))))
            verdict = RW_VERDICT_FAIL;
    if (verdict == RW_VERDICT_FAIL) {
        rw_exchange_cancel_origin(x);
        rw_exchange_drop_first_piece(x);
        x->reason = RW_REASON_EXCHANGE_LIMIT;
        if (rw_exchange_make_refusal(x) != RW_OK) {
            x->aborted = true;
            x->front->abort(x);
            move(x, RW_STEP_LOG);
            return GO_ON;
        }
    }
    move(x, RW_STEP_RELAY);
    return GO_ON;
}

/* What was an exchange goes on without it; the line in the log comes with the tunnel's end. */
static enum go become_tunnel(struct rw_exchange *x)
{
    struct rw_tunnel *tunnel = rw_exchange_make_tunnel(x);
    if (!tunnel) {
        rw_exchange_cancel_origin(x);
        x->reason = RW_REASON_MEMORY;
        x->aborted = true;
        x->front->abort(x);
        move(x, RW_STEP_LOG);
        return GO_ON;
    }
    if (!x->front->tunnel(x, tunnel)) {
        rw_tunnel_destroy(tunnel);
        return GO_WAIT;
    }
    rw_timer_stop(x->worker->loop, &x->total_timer);
    rw_exchange_end_filters(x);
    x->origin_done = true;
    x->route->origin->detach(x, tunnel);
    move(x, RW_STEP_DONE);
    return GO_ON;
}

/* False: out of memory; the exchange is cut. */
static bool prepare_upgrade(struct rw_exchange *x)
{
    if (x->tunnels || x->response.status == 101) { /* there is no body to change */
        rw_exchange_note_tunnel(x);
        rw_exchange_end_response_filters(x);
    }
    if (!x->websocket || x->tunnels || rw_exchange_websocket_begin(x))
        return true;
    rw_exchange_drop_first_piece(x);
    rw_exchange_cut(x, RW_REASON_EXCHANGE_LIMIT);
    return false;
}

static enum go step_relay(struct rw_exchange *x, enum rw_flow *flow)
{
    if (x->tunnel_ready == RW_TUNNEL_READY && x->responded)
        return become_tunnel(x);
    if (x->response_ended) {
        move(x, RW_STEP_LOG);
        return GO_ON;
    }
    if (x->responded)
        return GO_WAIT;
    x->responded = true;
    struct rw_piece first = x->first_response_piece;
    if (x->request.method == RW_METHOD_HEAD) {
        first.data.len = 0;
        first.end = true;
    }
    x->bytes_out += first.data.len;
    if (!prepare_upgrade(x))
        return GO_ON;
    *flow = x->response_filters ? rw_exchange_respond_filtered(x) : x->front->respond(x, &first);
    rw_exchange_drop_first_piece(x);
    if (x->socket)
        rw_exchange_websocket_started(x, *flow);
    /* An origin that answered inside its start was told to wait until here. */
    if (*flow == RW_FLOW_GO && x->origin_waits && !x->response_ended)
        rw_exchange_response_resume(x);
    x->origin_waits = false;
    bool moves = x->response_ended || x->step != RW_STEP_RELAY;
    return moves || x->tunnel_ready == RW_TUNNEL_READY ? GO_ON : GO_WAIT;
}

static void end_wait(struct rw_exchange *x);

static enum go step_log(struct rw_exchange *x)
{
    rw_timer_stop(x->worker->loop, &x->total_timer);
    end_wait(x);
    rw_exchange_cancel_origin(x);
    rw_exchange_end_filters(x);
    rw_exchange_websocket_end(x);
    rw_exchange_log(x);
    move(x, RW_STEP_DONE);
    return GO_ON;
}

static enum go do_step(struct rw_exchange *x, enum rw_flow *flow)
{
    switch ((enum rw_step)x->step) {
    case RW_STEP_RECEIVE:
        return step_receive(x);
    case RW_STEP_ROUTE:
        return step_route(x);
    case RW_STEP_REQUEST_POLICIES:
        return step_request_policies(x);
    case RW_STEP_FORWARD:
        return step_forward(x);
    case RW_STEP_RESPONSE_POLICIES:
        return step_response_policies(x);
    case RW_STEP_RELAY:
        return step_relay(x, flow);
    case RW_STEP_LOG:
        return step_log(x);
    case RW_STEP_DONE:
    case RW_STEP_COUNT:
        break;
    }
    x->front->finished(x);
    return GO_GONE;
}

/* The loop. Events that come while it is on the stack only move the step; the loop sees it. The
 * result is the front's about more of the response; OVER when the exchange is gone. */
static enum rw_flow run(struct rw_exchange *x)
{
    enum rw_flow flow = RW_FLOW_GO;
    if (x->running)
        return RW_FLOW_HOLD;
    x->running = true;
    for (;;) {
        switch (do_step(x, &flow)) {
        case GO_ON:
            continue;
        case GO_WAIT:
            x->running = false;
            return flow;
        case GO_GONE:
            return RW_FLOW_OVER;
        }
    }
}

/* ---- Policies that wait ---- */

struct rw_exchange_wait {
    struct rw_exchange *x;
    struct rw_timer timer;
    struct rw_buf *first_buf; /* of the request's first piece: held until the origin has it */
};

static void end_wait(struct rw_exchange *x)
{
    if (!x->wait)
        return;
    rw_timer_stop(x->worker->loop, &x->wait->timer);
    rw_buf_drop(x->wait->first_buf);
    x->wait->first_buf = NULL;
}

static void wait_over(struct rw_timer *timer)
{
    struct rw_exchange *x = rw_container_of(timer, struct rw_exchange_wait, timer)->x;
    bool held = x->request_held;
    if (x->step != RW_STEP_REQUEST_POLICIES) /* it was answered for another reason */
        return;
    x->request_held = false;
    if (run(x) == RW_FLOW_OVER)
        return;
    if (x->step == RW_STEP_REQUEST_POLICIES) { /* and waits again */
        x->request_held = held;
        return;
    }
    end_wait(x);
    if (held && (!x->request_held || x->origin_done))
        x->front->request_resume(x);
}

enum rw_err rw_exchange_wait(struct rw_exchange *x, uint32_t ms)
{
    if (!x->wait) {
        x->wait = rw_arena_zero(&x->arena, sizeof(*x->wait));
        if (!x->wait)
            return RW_ENOMEM;
        x->wait->x = x;
        x->wait->timer.fire = wait_over;
    }
    struct rw_loop *loop = x->worker->loop;
    rw_timer_start(loop, &x->wait->timer, rw_loop_now_ms(loop) + ms);
    return RW_OK;
}

/* The front is told to hold back what follows; what came with the head stays until the origin
 * starts. */
static void hold_request(struct rw_exchange *x)
{
    struct rw_buf *buf = x->first_request_piece.buf;
    x->wait->first_buf = buf ? rw_buf_hold(buf) : NULL;
    x->request_held = !x->request_ended;
}

/* ---- For fronts ---- */

struct rw_exchange *rw_exchange_create(struct rw_worker *worker, struct rw_snapshot *snapshot,
                                       const struct rw_front *front, void *front_state,
                                       unsigned listener_index)
{
    struct rw_exchange *x = rw_slab_get(&worker->exchanges);
    if (!x)
        return NULL;
    memset(x, 0, offsetof(struct rw_exchange, traceparent));
    x->traceparent[RW_TRACEPARENT_BYTES] = '\0';
    worker->exchange_count++;
    x->worker = worker;
    x->snapshot = rw_snapshot_pin(snapshot, worker->index);
    x->listener = &x->snapshot->listeners[listener_index];
    x->front = front;
    x->front_state = front_state;
    x->started_ns = rw_loop_turn_ns(worker->loop);
    size_t first_bytes = RW_EXCHANGE_BYTES - offsetof(struct rw_exchange, first_block);
    rw_arena_init(&x->arena, x->first_block, first_bytes, RW_EXCHANGE_BLOCK_BYTES,
                  x->listener->limits->exchange_bytes);
    x->arena.slab = &worker->exchange_blocks;
    return x;
}

void rw_exchange_destroy(struct rw_exchange *x)
{
    struct rw_worker *worker = x->worker;
    rw_arena_free(&x->arena);
    rw_snapshot_unpin(x->snapshot, worker->index);
    rw_slab_put(&worker->exchanges, x);
    if (worker->exchanges.in_use == 0)
        rw_worker_rest(worker);
}

enum rw_flow rw_exchange_begin(struct rw_exchange *x, const struct rw_piece *first)
{
    x->wall_ns = rw_loop_wall_ns(x->worker->loop);
    x->first_request_piece = *first;
    x->request_ended = first->end;
    x->bytes_in = first->data.len;
    rw_worker_count(x->worker, RW_COUNTER_REQUESTS_ACTIVE, 1);
    if (run(x) == RW_FLOW_OVER)
        return RW_FLOW_OVER;
    if (x->step == RW_STEP_REQUEST_POLICIES)
        hold_request(x);
    /* Without an origin the rest is read and dropped. */
    return x->request_held && !x->origin_done ? RW_FLOW_HOLD : RW_FLOW_GO;
}

/* The whole answer is with the front: what still comes of the request interests nobody. */
static bool answered(const struct rw_exchange *x)
{
    return x->responded && (!x->origin_started || x->origin_done);
}

enum rw_flow rw_exchange_request_data(struct rw_exchange *x, const struct rw_piece *piece)
{
    x->request_ended = piece->end;
    x->bytes_in += piece->data.len;
    if (answered(x))
        return RW_FLOW_GO;
    if (body_over_limit(x, x->bytes_in)) {
        rw_exchange_request_failed(x, RW_REASON_BODY_TOO_LARGE, NULL);
        return RW_FLOW_OVER;
    }
    if (x->socket)
        return rw_exchange_websocket_from_client(x, piece);
    bool wanted = x->origin_started && !x->origin_done && x->route->origin->request_data;
    if (wanted && x->request_filters)
        return rw_exchange_request_data_filtered(x, piece);
    return wanted ? x->route->origin->request_data(x, piece) : RW_FLOW_GO;
}

void rw_exchange_cancel_origin(struct rw_exchange *x)
{
    if (!x->origin_started || x->origin_done)
        return;
    x->origin_done = true;
    x->tunnels = false;
    if (x->route->origin->cancel)
        x->route->origin->cancel(x);
}

/* Answers with the reason while that is still possible, else tells it at the end of what has left,
 * or cuts. The origin is out of it. */
static void end_early(struct rw_exchange *x, enum rw_reason reason)
{
    if (x->step >= RW_STEP_LOG || (x->responded && rw_exchange_conclude_filtered(x, reason)))
        return;
    if (x->responded || rw_reason_status(reason) == 0) {
        rw_exchange_cut(x, reason);
        return;
    }
    (void)refuse(x, reason);
    run(x);
}

void rw_exchange_request_failed(struct rw_exchange *x, enum rw_reason reason, const char *detail)
{
    if (answered(x))
        return;
    x->detail = detail;
    rw_exchange_cancel_origin(x);
    end_early(x, reason);
}

void rw_exchange_response_resume(struct rw_exchange *x)
{
    if (x->response_filters && !rw_exchange_resume_response_filters(x))
        return;
    if (x->socket && !rw_exchange_websocket_client_resume(x))
        return;
    if (x->origin_started && !x->origin_done && x->route->origin->response_resume)
        x->route->origin->response_resume(x);
}

void rw_exchange_response_sent(struct rw_exchange *x)
{
    x->response_ended = true;
    run(x);
}

enum rw_flow rw_exchange_tunnel_ready(struct rw_exchange *x, unsigned who)
{
    x->tunnel_ready |= (uint8_t)who;
    return run(x);
}

void rw_exchange_cut(struct rw_exchange *x, enum rw_reason reason)
{
    if (x->step >= RW_STEP_LOG)
        return;
    rw_exchange_cancel_origin(x);
    x->reason = (uint8_t)reason;
    x->aborted = true;
    x->front->abort(x);
    move(x, RW_STEP_LOG);
    run(x);
}

static void total_timeout(struct rw_timer *timer)
{
    struct rw_exchange *x = rw_container_of(timer, struct rw_exchange, total_timer);
    rw_exchange_cancel_origin(x);
    end_early(x, RW_REASON_TOTAL_TIMEOUT);
}

/* ---- For origins ---- */

enum rw_flow rw_exchange_respond(struct rw_exchange *x, const struct rw_piece *first)
{
    x->first_response_piece = *first;
    x->origin_done = first->end;
    x->origin_waits = x->running;
    x->first_response_held = x->running && first->buf;
    if (x->first_response_held)
        rw_buf_hold(first->buf);
    x->response_ns = rw_loop_turn_ns(x->worker->loop);
    move(x, RW_STEP_RESPONSE_POLICIES);
    enum rw_flow flow = run(x);
    return flow != RW_FLOW_OVER && x->origin_done ? RW_FLOW_OVER : flow;
}

enum rw_flow rw_exchange_response_data(struct rw_exchange *x, const struct rw_piece *piece)
{
    if (piece->end)
        x->origin_done = true;
    if (x->request.method == RW_METHOD_HEAD)
        return RW_FLOW_GO;
    if (x->response_filters)
        return rw_exchange_response_data_filtered(x, piece);
    if (x->socket)
        return rw_exchange_websocket_from_origin(x, piece);
    x->bytes_out += piece->data.len;
    return x->front->response_data(x, piece);
}

enum rw_flow rw_exchange_informational(struct rw_exchange *x)
{
    enum rw_flow flow = x->front->informational(x);
    x->informed = true;
    x->response = (struct rw_message){0};
    return flow;
}

void rw_exchange_request_resume(struct rw_exchange *x)
{
    x->request_held = false;
    if (x->request_filters && !rw_exchange_resume_request_filters(x))
        return;
    if (x->socket && !rw_exchange_websocket_origin_resume(x))
        return;
    if (!x->request_ended)
        x->front->request_resume(x);
}

void rw_exchange_fail(struct rw_exchange *x, enum rw_reason reason, const char *detail)
{
    x->origin_done = true;
    x->detail = detail;
    bool quiet = rw_reason_status(reason) < 500 || x->shadow;
    enum rw_log_level level = quiet ? RW_LOG_DEBUG : RW_LOG_WARN;
    rw_log_limited(level, "exchange", "%.*s %.*s: route %.*s, endpoint %.*s: %s%s%s",
                   RW_SPAN_ARGS(x->request.method_text), RW_SPAN_ARGS(x->request.path),
                   RW_SPAN_ARGS(x->route->name), RW_SPAN_ARGS(rw_exchange_endpoint_name(x)),
                   rw_reason_name(reason), detail ? ": " : "", detail ? detail : "");
    end_early(x, reason);
}

const char *rw_step_name(enum rw_step step)
{
    static const char *const names[] = {
#define RW_STEP_NAME(name, moves, doc) #name,
        RW_STEPS(RW_STEP_NAME)
#undef RW_STEP_NAME
    };
    return names[step];
}

void rw_steps_manual(struct rw_text *text)
{
    static const char *const docs[] = {
#define RW_STEP_DOC(name, moves, doc) (doc),
        RW_STEPS(RW_STEP_DOC)
#undef RW_STEP_DOC
    };
    rw_text_adds(text,
                 "# The steps of an exchange\n\n"
                 "Generated from src/gate/exchange/steps.h by `ringway schema --format steps`; "
                 "driven by the loop in src/gate/exchange/exchange.c.\n\n"
                 "| step | what happens | may be followed by |\n|---|---|---|\n");
    for (unsigned step = 0; step < RW_STEP_COUNT; step++) {
        rw_text_addf(text, "| %s | %s |", rw_step_name(step), docs[step]);
        for (unsigned next = 0; next < RW_STEP_COUNT; next++)
            if (legal_moves[step] & (1u << next))
                rw_text_addf(text, " %s", rw_step_name(next));
        rw_text_adds(text, " |\n");
    }
}
