#include "origin/upstream.h"

#include "base/clock.h"
#include "gate/front/client.h"
#include "http/proxy_protocol.h"
#include "io/tls.h"
#include "origin/upstream_call.h"

/* ---- The end of a call ---- */

void rw_upstream_end_try(struct rw_upstream_call *call)
{
    rw_pool_discard(&call->lease);
    if (__builtin_expect(call->hedge != NULL, 0))
        rw_upstream_hedge_disarm(call);
    if (rw_timer_running(&call->backoff))
        rw_timer_stop(call->x->worker->loop, &call->backoff);
    rw_buf_drop(call->waiting.buf);
    rw_buf_drop(call->kept.buf);
    call->waiting.buf = call->kept.buf = NULL;
    call->replayable = false;
    call->protocol->let_go(call);
}

void rw_upstream_let_go(struct rw_upstream_call *call)
{
    rw_upstream_end_try(call);
    if (__builtin_expect(call->admission != NULL, 0))
        rw_upstream_leave(call);
}

void rw_upstream_blame(struct rw_upstream_call *call, enum rw_reason reason)
{
    struct rw_exchange *x = call->x;
    struct rw_endpoint *endpoint = rw_upstream_endpoint(call);
    uint64_t now_ms = rw_loop_now_ms(x->worker->loop);
    if (!endpoint || rw_reason_ours(reason))
        return;
    if (rw_cluster_report(call->cluster, endpoint, true, now_ms))
        rw_metrics_upstream(x->worker->metrics, call->cluster->series, RW_UPSTREAM_EVENT_EJECTION);
    if (call->cluster->balance == RW_BALANCE_LATENCY)
        rw_endpoint_observe(endpoint, 0, true, now_ms);
}

void rw_upstream_give_up(struct rw_upstream_call *call, enum rw_reason reason, const char *detail)
{
    struct rw_exchange *x = call->x;
    if (__builtin_expect(call->hedge != NULL, 0) && rw_upstream_twin(call)) {
        rw_upstream_step_aside(call);
        return;
    }
    rw_upstream_let_go(call);
    rw_exchange_fail(x, reason, detail);
}

void rw_upstream_fail(struct rw_upstream_call *call, enum rw_reason reason, const char *detail)
{
    rw_upstream_blame(call, reason);
    rw_upstream_give_up(call, reason, detail);
}

/* ---- Getting a connection ---- */

void rw_upstream_use(struct rw_exchange *x, struct rw_endpoint *endpoint)
{
    rw_endpoint_enter(endpoint);
    if (x->endpoint)
        rw_endpoint_leave(x->endpoint);
    x->endpoint = endpoint;
}

static enum rw_flow send_request(struct rw_upstream_call *call, const struct rw_piece *first)
{
    struct rw_exchange *x = call->x;
    call->request_started = true;
    call->sent_ns = rw_loop_turn_ns(x->worker->loop);
    if (rw_timer_running(&x->total_timer) && rw_upstream_pass_on_deadline(x)) {
        rw_upstream_fail(call, RW_REASON_EXCHANGE_LIMIT, NULL);
        return RW_FLOW_OVER;
    }
    call->reused = call->lease.reused;
    if (first->end && first->data.len == 0)
        call->kept.end = true;
    else
        rw_upstream_keep(call, first);
    enum rw_flow flow = call->protocol->send_request(call, first);
    /* OVER: the call may be gone. */
    if (flow != RW_FLOW_OVER && __builtin_expect(call->cluster->hedge != NULL, 0) &&
        call->request_started)
        rw_upstream_hedge_arm(call);
    return flow;
}

/* The piece that came with the head is kept until there is a connection. */
void rw_upstream_on_ready(struct rw_lease *lease)
{
    struct rw_upstream_call *call = rw_container_of(lease, struct rw_upstream_call, lease);
    struct rw_piece first = call->waiting;
    call->waiting = (struct rw_piece){0};
    struct rw_exchange *x = call->x;
    enum rw_flow flow = send_request(call, &first);
    rw_buf_drop(first.buf);
    if (flow == RW_FLOW_GO && call->request_held) {
        call->request_held = false;
        rw_exchange_request_resume(x);
    }
}

void rw_upstream_on_failed(struct rw_lease *lease, enum rw_reason reason, const char *detail)
{
    struct rw_upstream_call *call = rw_container_of(lease, struct rw_upstream_call, lease);
    struct rw_span copy = rw_arena_copy(&call->x->arena, rw_span_text(detail ? detail : ""));
    /* Who has waited as long as anyone may does not queue up again. */
    if (reason != RW_REASON_QUEUE_TIMEOUT &&
        rw_upstream_try_again(call, RW_RETRY_CONNECT, reason, false))
        return;
    rw_upstream_fail(call, reason, copy.len ? copy.at : detail ? rw_reason_text(reason) : NULL);
}

/* ---- The request ---- */

struct rw_span rw_upstream_host(const struct rw_upstream_call *call)
{
    const struct rw_exchange *x = call->x;
    if (x->upstream_host.at)
        return x->upstream_host;
    if (call->cluster->host.len)
        return call->cluster->host;
    return x->request.authority.len
               ? x->request.authority
               : rw_endpoint_address_text(rw_upstream_endpoint(call)); /* HTTP/1.0 without Host */
}

enum rw_flow rw_upstream_keep_waiting(struct rw_upstream_call *call, const struct rw_piece *piece)
{
    rw_assert(call->waiting.data.len == 0 && !call->waiting.end);
    call->waiting = *piece;
    call->request_held = true;
    if (piece->buf)
        rw_buf_hold(piece->buf);
    return RW_FLOW_HOLD;
}

/* ---- The response ---- */

/* RFC 9110 section 6.6.1: who passes on a response without Date adds one. */
bool rw_upstream_ensure_date(struct rw_exchange *x)
{
    return rw_message_find(&x->response, RW_FIELD_DATE) || x->response.status < 200 ||
           rw_message_add(&x->response, &x->arena, RW_LITERAL("Date"), rw_worker_date(x->worker)) ==
               RW_OK;
}

static void report_response(struct rw_upstream_call *call, bool failed)
{
    const struct rw_exchange *x = call->x;
    const struct rw_cluster *cluster = call->cluster;
    uint64_t now_ms = rw_loop_now_ms(x->worker->loop);
    uint64_t us = (rw_loop_turn_ns(x->worker->loop) - call->sent_ns) / 1000;
    bool ejected = rw_cluster_report(cluster, x->endpoint, failed, now_ms);
    if (__builtin_expect(cluster->passive.slow_ms != 0, 0))
        ejected |= rw_cluster_report_time(cluster, x->endpoint, us / 1000, now_ms);
    if (ejected)
        rw_metrics_upstream(x->worker->metrics, cluster->series, RW_UPSTREAM_EVENT_EJECTION);
    if (cluster->balance == RW_BALANCE_LATENCY)
        rw_endpoint_observe(x->endpoint, us, failed, now_ms);
    if (call->admission && !failed)
        rw_upstream_tell_latency(call);
    if (__builtin_expect(cluster->hedge != NULL, 0) && !failed)
        rw_hedge_observe(cluster->hedge, us, now_ms);
}

bool rw_upstream_take_response(struct rw_upstream_call *call, bool end)
{
    unsigned status = call->x->response.status;
    bool failed = status == 502 || status == 503 || status == 504;
    if (call->cluster->retries.on >> RW_RETRY_502 && rw_upstream_retries_response(call, end))
        return false;
    call->responded = true;
    call->replayable = false;
    if (call->kept.buf)
        rw_buf_drop(call->kept.buf);
    call->kept.buf = NULL;
    report_response(call, failed);
    if (__builtin_expect(call->admission && !end, 0))
        rw_upstream_relay_begins(call);
    return true;
}

/* Waiting for the endpoint may last so long; 0: as long as it takes. */
void rw_upstream_wait_deadline(struct rw_upstream_call *call, uint32_t ms)
{
    struct rw_loop *loop = call->x->worker->loop;
    uint32_t try_ms = call->cluster->retries.try_ms;
    call->try_limited = __builtin_expect(try_ms != 0, 0) && ms > try_ms &&
                        rw_upstream_may_repeat(call, RW_RETRY_TIMEOUT);
    if (call->try_limited)
        ms = try_ms;
    rw_pool_deadline(&call->lease, ms ? rw_loop_now_ms(loop) + ms : RW_DEADLINE_NONE);
}

void rw_upstream_time_out(struct rw_upstream_call *call)
{
    if (call->admission && !call->responded)
        rw_upstream_tell_latency(call);
    if (rw_upstream_try_again(call, RW_RETRY_TIMEOUT, RW_REASON_FIRST_BYTE_TIMEOUT, false))
        return;
    if (call->try_limited) { /* it was the try's time, but there is no other try */
        uint32_t ms = call->x->route->first_byte_ms - call->cluster->retries.try_ms;
        call->try_limited = false;
        rw_pool_deadline(&call->lease, rw_loop_now_ms(call->x->worker->loop) + ms);
        return;
    }
    rw_upstream_fail(
        call, call->responded ? RW_REASON_UPSTREAM_STALLED : RW_REASON_FIRST_BYTE_TIMEOUT, NULL);
}

/* ---- The origin ---- */

static enum rw_flow fail_start(struct rw_exchange *x, enum rw_reason reason)
{
    rw_exchange_fail(x, reason, NULL);
    return RW_FLOW_GO;
}

/* Whose connection it is, for an upstream that is told so. False: no memory. */
static bool introduce(struct rw_upstream_call *call)
{
    struct rw_exchange *x = call->x;
    static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    unsigned version = call->cluster->proxy_version;
    if (!version)
        return true;
    char *header = rw_arena_alloc(&x->arena, RW_PROXY_WRITE_BYTES_MAX);
    if (!header)
        return false;
    if (x->client_connection) {
        rw_client_introduce(x->client_connection, version, header, &call->lease);
        return true;
    }
    call->lease.preface = rw_span(header, rw_proxy_write(header, version, &nobody, &nobody));
    call->lease.key = RW_LEASE_NOBODYS;
    return true;
}

static enum rw_flow go(struct rw_upstream_call *call, const struct rw_piece *first)
{
    struct rw_exchange *x = call->x;
    struct rw_cluster *cluster = call->cluster;
    struct rw_endpoint *endpoint = rw_upstream_choose(call, NULL);
    if (!endpoint) {
        rw_upstream_give_up(call, rw_upstream_no_endpoint(x), NULL);
        return RW_FLOW_GO;
    }
    rw_upstream_use(x, endpoint);
    rw_upstream_feed_budget(call);
    rw_upstream_speak(call, endpoint);
    enum rw_pool_result result = rw_pool_acquire(x->worker, cluster, endpoint, &call->lease, false);
    if (result == RW_POOL_READY)
        return send_request(call, first);
    enum rw_flow flow = rw_upstream_keep_waiting(call, first);
    if (result == RW_POOL_FAILED)
        rw_upstream_on_failed(&call->lease, call->lease.reason, call->lease.detail);
    return flow;
}

static enum rw_flow start(struct rw_exchange *x, void *instance, const struct rw_piece *first)
{
    struct rw_cluster *cluster = instance;
    bool upgrade = x->upgrade_allowed || x->request.method == RW_METHOD_CONNECT;
    /* Upgrades are HTTP/1.1's (RFC 9113 section 8.6), but for the one that has a form of its own.
     */
    if (cluster->http2 && upgrade && !rw_upstream_h2_is_websocket(x, first))
        return fail_start(x, RW_REASON_NO_UPGRADE);
    struct rw_upstream_call *call = rw_upstream_call_new(x, cluster);
    if (!call)
        return fail_start(x, RW_REASON_EXCHANGE_LIMIT);
    x->origin_state = call;
    call->upgrade = upgrade;
    x->upstream = &cluster->name;
    call->replayable = rw_upstream_worth_keeping(call);
    enum rw_reason reason =
        cluster->http2 && upgrade ? rw_upstream_h2_websocket_begin(call) : RW_REASON_NONE;
    if (reason)
        return fail_start(x, reason);
    if (!introduce(call))
        return fail_start(x, RW_REASON_EXCHANGE_LIMIT);
    return rw_upstream_limited(call) ? rw_upstream_admit(call, first, go) : go(call, first);
}

static enum rw_flow request_data(struct rw_exchange *x, const struct rw_piece *piece)
{
    struct rw_upstream_call *call = x->origin_state;
    if (!call->request_started)
        return rw_upstream_keep_waiting(call, piece);
    rw_upstream_keep(call, piece);
    return call->protocol->send_piece(call, piece);
}

static void response_resume(struct rw_exchange *x)
{
    struct rw_upstream_call *call = x->origin_state;
    call->protocol->resume(call);
}

static void cancel(struct rw_exchange *x)
{
    struct rw_upstream_call *call = x->origin_state;
    if (!call)
        return;
    struct rw_upstream_call *second = rw_upstream_twin(call);
    if (__builtin_expect(second != NULL, 0))
        rw_upstream_step_aside(second);
    rw_upstream_let_go(call);
}

static void detach(struct rw_exchange *x, struct rw_tunnel *tunnel)
{
    struct rw_upstream_call *call = x->origin_state;
    call->protocol->detach(call, tunnel);
    rw_upstream_let_go(call);
}

static enum rw_err compile(struct rw_compile *compile, const void *config, void **instance)
{
    const struct rw_span *name = config;
    *instance = rw_snapshot_cluster(compile->snapshot, *name);
    return *instance ? RW_OK : RW_EINVAL;
}

static enum rw_err check_route(const void *instance, const struct rw_route *route,
                               const struct rw_snapshot *snapshot, struct rw_conf_report *report)
{
    return rw_upstream_expect_keys(instance, route, snapshot, report);
}

const struct rw_origin rw_origin_upstream = {
    .kind = {.name = "upstream",
             .doc = "Name of the upstream whose endpoints answer.",
             .user = &rw_origin_upstream},
    .compile = compile,
    .check_route = check_route,
    .start = start,
    .request_data = request_data,
    .response_resume = response_resume,
    .cancel = cancel,
    .detach = detach,
    .explain = rw_upstream_explain,
    .explain_client = rw_upstream_explain_client,
};
