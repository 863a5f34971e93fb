/* Sending a request once more: when that is safe, what of it is kept until then, and after which
 * time. Nothing of a response has gone to the client by then. */
#include "gate/exchange/grpc.h"
#include "origin/upstream_call.h"

/* ---- What has been sent ---- */

/* Endpoints of HTTP/2 can say of any request that they have not looked at it. */
bool rw_upstream_worth_keeping(const struct rw_upstream_call *call)
{
    return call->cluster->retries.on &&
           (call->lease.http2 || rw_method_idempotent(call->x->request.method));
}

static void forget(struct rw_upstream_call *call)
{
    rw_buf_drop(call->kept.buf);
    call->kept = (struct rw_piece){0};
    call->kept_own = false;
    call->replayable = false;
}

/* All that was kept, in a buffer of its own with room for so much more. */
static bool make_own(struct rw_upstream_call *call, size_t more)
{
    size_t bytes = call->kept.data.len + more;
    if (call->kept_own && rw_buf_space(call->kept.buf) >= more)
        return true;
    if (bytes > RW_BUF_LARGE_BYTES)
        return false;
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(call->x->worker->loop), bytes);
    if (!buf)
        return false;
    memcpy(buf->data, call->kept.data.at, call->kept.data.len);
    buf->end = (uint32_t)call->kept.data.len;
    rw_buf_drop(call->kept.buf);
    call->kept.buf = buf;
    call->kept.data.at = buf->data;
    call->kept_own = true;
    return true;
}

void rw_upstream_keep(struct rw_upstream_call *call, const struct rw_piece *piece)
{
    if (!call->replayable)
        return;
    if (call->kept.data.len + piece->data.len > call->cluster->retries.body_bytes_max) {
        forget(call);
        return;
    }
    call->kept.end = piece->end;
    if (piece->data.len == 0)
        return;
    if (call->kept.data.len == 0) { /* mostly it is all of it */
        call->kept = *piece;
        if (piece->buf)
            rw_buf_hold(piece->buf);
        return;
    }
    if (!make_own(call, piece->data.len)) {
        forget(call);
        return;
    }
    struct rw_buf *buf = call->kept.buf;
    memcpy(buf->data + buf->end, piece->data.at, piece->data.len);
    buf->end += (uint32_t)piece->data.len;
    call->kept.data.len += piece->data.len;
}

/* What goes with the head when it is sent once more: what never left, or all that did. */
static struct rw_piece take_first_piece(struct rw_upstream_call *call)
{
    struct rw_piece *from = call->request_started ? &call->kept : &call->waiting;
    struct rw_piece first = *from;
    *from = (struct rw_piece){0};
    call->kept_own = false;
    return first;
}

/* ---- May it be? ---- */

/* After an interim response the client has begun to hear of this try. */
static bool wanted(const struct rw_upstream_call *call, enum rw_config_retry_on cause)
{
    return call->cluster->retries.on & 1u << cause && !call->responded && !call->x->informed;
}

static bool is_whole(const struct rw_upstream_call *call)
{
    return !call->request_started || (call->replayable && call->kept.end);
}

/* `untouched`: the endpoint says that it has not looked at the request. */
static bool may_repeat(const struct rw_upstream_call *call, enum rw_config_retry_on cause,
                       bool untouched)
{
    bool safe = !call->request_started || untouched || cause >= RW_RETRY_GRPC_CANCELLED ||
                rw_method_idempotent(call->x->request.method);
    return wanted(call, cause) && call->x->retries + 1u < call->cluster->retries.tries && safe &&
           is_whole(call);
}

/* A try that would begin after the exchange's time is none. */
static bool in_time(const struct rw_exchange *x, uint32_t delay_ms)
{
    return !rw_timer_running(&x->total_timer) ||
           rw_loop_now_ms(x->worker->loop) + delay_ms < x->total_timer.due_ms;
}

void rw_upstream_feed_budget(const struct rw_upstream_call *call)
{
    const struct rw_cluster *cluster = call->cluster;
    rw_retry_budget_add(&rw_worker_upstream(call->x->worker, cluster->slot)->retries,
                        cluster->retries.budget.percent);
}

static bool take_from_budget(const struct rw_upstream_call *call)
{
    struct rw_worker *worker = call->x->worker;
    struct rw_worker_upstream *own = rw_worker_upstream(worker, call->cluster->slot);
    if (rw_retry_budget_take(&own->retries, &call->cluster->retries.budget,
                             call->x->snapshot->worker_count, rw_loop_now_ms(worker->loop)))
        return true;
    rw_metrics_upstream(worker->metrics, call->cluster->series, RW_UPSTREAM_EVENT_RETRY_DENIED);
    return false;
}

/* Full jitter: any time up to a limit that doubles, so that those who failed together do not come
 * back together. */
static uint32_t choose_delay(const struct rw_upstream_call *call)
{
    const struct rw_cluster_retries *retries = &call->cluster->retries;
    uint64_t limit = (uint64_t)retries->backoff_ms << call->x->retries;
    if (limit > retries->backoff_ms_max)
        limit = retries->backoff_ms_max;
    return rw_random_below(rw_loop_random(call->x->worker->loop), (uint32_t)limit + 1);
}

/* ---- Doing it ---- */

static void count(const struct rw_upstream_call *call, enum rw_config_retry_on cause,
                  enum rw_reason failure)
{
    static const enum rw_upstream_event causes[RW_RETRY_COUNT] = {
        [RW_RETRY_CONNECT] = RW_UPSTREAM_EVENT_RETRY_CONNECT,
        [RW_RETRY_RESET] = RW_UPSTREAM_EVENT_RETRY_RESET,
        [RW_RETRY_TIMEOUT] = RW_UPSTREAM_EVENT_RETRY_TIMEOUT,
    };
    struct rw_exchange *x = call->x;
    bool by_status = cause > RW_RETRY_TIMEOUT;
    rw_worker_count(x->worker, RW_COUNTER_UPSTREAM_RETRIES, 1);
    rw_metrics_upstream(x->worker->metrics, call->cluster->series,
                        by_status ? RW_UPSTREAM_EVENT_RETRY_STATUS : causes[cause]);
    if (x->endpoint && !rw_reason_ours(failure))
        rw_metrics_failure(rw_metrics_cell(x->worker->metrics, x->endpoint->series));
    x->retries++;
    x->retry_cause = (uint8_t)cause;
}

void rw_upstream_begin_try(struct rw_upstream_call *call)
{
    struct rw_exchange *x = call->x;
    struct rw_endpoint *endpoint = rw_upstream_choose(call, call->fresh ? NULL : x->endpoint);
    if (!endpoint) {
        rw_upstream_give_up(call, call->failure, NULL);
        return;
    }
    rw_upstream_use(x, endpoint);
    rw_upstream_acquire(call, endpoint, call->fresh);
}

static void on_backoff_over(struct rw_timer *timer)
{
    rw_upstream_begin_try(rw_container_of(timer, struct rw_upstream_call, backoff));
}

/* As if nothing had been sent. */
static void begin_anew(struct rw_upstream_call *call)
{
    struct rw_piece first = take_first_piece(call);
    rw_upstream_end_try(call);
    *rw_upstream_response(call) = (struct rw_message){0};
    call->reused = call->request_started = call->request_sent = call->response_begun = false;
    call->replayable = rw_upstream_worth_keeping(call);
    call->waiting = first;
}

bool rw_upstream_may_repeat(const struct rw_upstream_call *call, enum rw_config_retry_on cause)
{
    return may_repeat(call, cause, false);
}

bool rw_upstream_try_again(struct rw_upstream_call *call, enum rw_config_retry_on cause,
                           enum rw_reason failure, bool untouched)
{
    struct rw_exchange *x = call->x;
    if (__builtin_expect(call->hedge != NULL, 0) && rw_upstream_twin(call)) {
        if (!untouched && !(cause == RW_RETRY_RESET && call->reused))
            rw_upstream_blame(call, failure);
        rw_upstream_step_aside(call);
        return true;
    }
    if (!may_repeat(call, cause, untouched))
        return false;
    /* That a kept connection had gone says nothing about the endpoint. */
    bool stale = cause == RW_RETRY_RESET && call->reused && x->retries == 0;
    uint32_t delay_ms = choose_delay(call);
    bool at_once = x->retries == 0 && (stale || untouched);
    if (!in_time(x, at_once ? 0 : delay_ms) || !take_from_budget(call))
        return false;
    if (!stale && !untouched)
        rw_upstream_blame(call, failure);
    count(call, cause, failure);
    begin_anew(call);
    call->fresh = stale;
    call->failure = (uint8_t)failure;
    if (at_once) {
        rw_upstream_begin_try(call);
    } else {
        call->backoff.fire = on_backoff_over;
        rw_timer_start(x->worker->loop, &call->backoff, rw_loop_now_ms(x->worker->loop) + delay_ms);
    }
    return true;
}

bool rw_upstream_move(struct rw_upstream_call *call)
{
    enum { MOVES_MAX = 16 }; /* an endpoint that does nothing but end connections has failed */
    bool alone = !__builtin_expect(call->hedge != NULL, 0) || !rw_upstream_twin(call);
    if (!alone || call->moves == MOVES_MAX || call->cluster->retries.tries == 1 ||
        call->response_begun || !wanted(call, RW_RETRY_CONNECT) || !is_whole(call))
        return false;
    call->moves++;
    rw_metrics_upstream(call->x->worker->metrics, call->cluster->series, RW_UPSTREAM_EVENT_MOVE);
    begin_anew(call);
    call->fresh = false;
    call->failure = RW_REASON_UPSTREAM_RESET;
    rw_upstream_begin_try(call);
    return true;
}

/* ---- By the response ---- */

/* A status of gRPC that stands in the head of an answer that is nothing else. */
static bool grpc_cause(const struct rw_exchange *x, enum rw_config_retry_on *cause)
{
    static const struct {
        const char *status;
        enum rw_config_retry_on cause;
    } statuses[] = {
        {"1", RW_RETRY_GRPC_CANCELLED},          {"4", RW_RETRY_GRPC_DEADLINE_EXCEEDED},
        {"8", RW_RETRY_GRPC_RESOURCE_EXHAUSTED}, {"13", RW_RETRY_GRPC_INTERNAL},
        {"14", RW_RETRY_GRPC_UNAVAILABLE},
    };
    const struct rw_field *field = rw_message_find_name(&x->response, RW_LITERAL("grpc-status"));
    for (size_t i = 0; field && i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (!rw_span_eq(field->value, rw_span_text(statuses[i].status)))
            continue;
        *cause = statuses[i].cause;
        return rw_grpc_call(&x->request);
    }
    return false;
}

bool rw_upstream_retries_response(struct rw_upstream_call *call, bool end)
{
    const struct rw_exchange *x = call->x;
    unsigned status = x->response.status;
    enum rw_config_retry_on cause = RW_RETRY_502;
    if (status >= 502 && status <= 504)
        cause = (enum rw_config_retry_on)(RW_RETRY_502 + status - 502);
    else if (status != 200 || !end || !grpc_cause(x, &cause))
        return false;
    return rw_upstream_try_again(call, cause, RW_REASON_NO_ENDPOINT, false);
}
