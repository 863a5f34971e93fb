#include "gate/exchange/exchange_private.h"

#include "base/log.h"
#include "gate/exchange/exchange_filter.h"
#include "gate/exchange/exchange_websocket.h"
#include "gate/identity/identity.h"
#include "gate/snapshot.h"
#include "gate/tunnel/tunnel.h"
#include "gate/worker.h"
#include "watch/trace.h"

/* ---- Steps ---- */

enum rw_go rw_exchange_refuse(struct rw_exchange *x, enum rw_reason reason)
{
    x->reason = (uint8_t)reason;
    if (rw_exchange_make_refusal(x) != RW_OK) {
        x->aborted = true;
        x->front->abort(x);
        rw_exchange_move(x, RW_STEP_LOG);
        return RW_GO_ON;
    }
    rw_exchange_move(x, RW_STEP_RESPONSE_POLICIES);
    return RW_GO_ON;
}

/* The origin may have answered inside start: then the step has moved on already. */
static enum rw_go step_forward(struct rw_exchange *x)
{
    if (x->origin_started)
        return RW_GO_WAIT;
    x->origin_started = true;
    enum rw_flow flow = x->request_filters ? rw_exchange_start_filtered(x)
                                           : x->route->origin->start(x, x->route->origin_instance,
                                                                     &x->first_request_piece);
    x->request_held = flow == RW_FLOW_HOLD;
    return x->step == RW_STEP_FORWARD ? RW_GO_WAIT : RW_GO_ON;
}

/* What was an exchange goes on without it; the line in the log comes with the tunnel's end. */
static enum rw_go become_tunnel(struct rw_exchange *x)
{
    struct rw_tunnel *tunnel = rw_exchange_make_tunnel(x);
    if (!tunnel) {
        rw_exchange_cancel_origin(x);
        x->reason = RW_REASON_MEMORY;
        x->aborted = true;
        x->front->abort(x);
        rw_exchange_move(x, RW_STEP_LOG);
        return RW_GO_ON;
    }
    if (!x->front->tunnel(x, tunnel)) {
        rw_tunnel_destroy(tunnel);
        return RW_GO_WAIT;
    }
    rw_timer_stop(x->worker->loop, &x->total_timer);
    rw_exchange_end_filters(x);
    x->origin_done = true;
    x->route->origin->detach(x, tunnel);
    rw_exchange_move(x, RW_STEP_DONE);
    return RW_GO_ON;
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

static enum rw_go step_relay(struct rw_exchange *x, enum rw_flow *flow)
{
    if (x->tunnel_ready == RW_TUNNEL_READY && x->responded)
        return become_tunnel(x);
    if (x->response_ended) {
        rw_exchange_move(x, RW_STEP_LOG);
        return RW_GO_ON;
    }
    if (x->responded)
        return RW_GO_WAIT;
    x->responded = true;
    struct rw_piece first = x->first_response_piece;
    if (x->request.method == RW_METHOD_HEAD) {
        first.data.len = 0;
        first.end = true;
    }
    x->bytes_out += first.data.len;
    if (!prepare_upgrade(x))
        return RW_GO_ON;
    *flow = x->response_filters ? rw_exchange_respond_filtered(x) : x->front->respond(x, &first);
    rw_exchange_drop_first_piece(x);
    if (x->socket)
        rw_exchange_websocket_started(x, *flow);
    /* An origin that answered inside its start was told to wait until here. */
    if (*flow == RW_FLOW_GO && x->origin_waits && !x->response_ended)
        rw_exchange_response_resume(x);
    x->origin_waits = false;
    bool moves = x->response_ended || x->step != RW_STEP_RELAY;
    return moves || x->tunnel_ready == RW_TUNNEL_READY ? RW_GO_ON : RW_GO_WAIT;
}

static enum rw_go step_log(struct rw_exchange *x)
{
    rw_timer_stop(x->worker->loop, &x->total_timer);
    rw_exchange_end_wait(x);
    rw_exchange_cancel_origin(x);
    rw_exchange_end_filters(x);
    rw_exchange_websocket_end(x);
    rw_exchange_log(x);
    rw_exchange_move(x, RW_STEP_DONE);
    return RW_GO_ON;
}

static enum rw_go do_step(struct rw_exchange *x, enum rw_flow *flow)
{
    switch ((enum rw_step)x->step) {
    case RW_STEP_RECEIVE:
        return rw_exchange_step_receive(x);
    case RW_STEP_ROUTE:
        return rw_exchange_step_route(x);
    case RW_STEP_REQUEST_POLICIES:
        return rw_exchange_step_request_policies(x);
    case RW_STEP_FORWARD:
        return step_forward(x);
    case RW_STEP_RESPONSE_POLICIES:
        return rw_exchange_step_response_policies(x);
    case RW_STEP_RELAY:
        return step_relay(x, flow);
    case RW_STEP_LOG:
        return step_log(x);
    case RW_STEP_DONE:
    case RW_STEP_COUNT:
        break;
    }
    x->front->finished(x);
    return RW_GO_GONE;
}

enum rw_flow rw_exchange_run(struct rw_exchange *x)
{
    enum rw_flow flow = RW_FLOW_GO;
    if (x->running)
        return RW_FLOW_HOLD;
    x->running = true;
    for (;;) {
        switch (do_step(x, &flow)) {
        case RW_GO_ON:
            continue;
        case RW_GO_WAIT:
            x->running = false;
            return flow;
        case RW_GO_GONE:
            return RW_FLOW_OVER;
        }
    }
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

static void note_end(struct rw_exchange *x, bool end)
{
    x->request_ended = end;
    if (end && x->request_trailers.len && x->snapshot->tells_identity)
        rw_identity_strip_trailers(x);
}

enum rw_flow rw_exchange_begin(struct rw_exchange *x, const struct rw_piece *first)
{
    x->wall_ns = rw_loop_wall_ns(x->worker->loop);
    x->first_request_piece = *first;
    note_end(x, first->end);
    x->bytes_in = first->data.len;
    rw_worker_count(x->worker, RW_COUNTER_REQUESTS_ACTIVE, 1);
    if (rw_exchange_run(x) == RW_FLOW_OVER)
        return RW_FLOW_OVER;
    if (x->step == RW_STEP_REQUEST_POLICIES)
        rw_exchange_hold_request(x);
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
    note_end(x, piece->end);
    x->bytes_in += piece->data.len;
    if (answered(x))
        return RW_FLOW_GO;
    if (rw_exchange_over_limit(x, x->bytes_in)) {
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
    (void)rw_exchange_refuse(x, reason);
    rw_exchange_run(x);
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
    rw_exchange_run(x);
}

enum rw_flow rw_exchange_tunnel_ready(struct rw_exchange *x, unsigned who)
{
    x->tunnel_ready |= (uint8_t)who;
    return rw_exchange_run(x);
}

void rw_exchange_cut(struct rw_exchange *x, enum rw_reason reason)
{
    if (x->step >= RW_STEP_LOG)
        return;
    rw_exchange_cancel_origin(x);
    x->reason = (uint8_t)reason;
    x->aborted = true;
    x->front->abort(x);
    rw_exchange_move(x, RW_STEP_LOG);
    rw_exchange_run(x);
}

void rw_exchange_total_timeout(struct rw_timer *timer)
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
    rw_exchange_move(x, RW_STEP_RESPONSE_POLICIES);
    enum rw_flow flow = rw_exchange_run(x);
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
