/* How an exchange ends: what is counted, and its line in the access log. */
#include "gate/exchange/exchange_private.h"

#include "gate/cluster/balance/residency.h"
#include "gate/cluster/cluster.h"
#include "gate/exchange/grpc.h"
#include "gate/exchange/policy.h"
#include "gate/identity/identity.h"
#include "gate/snapshot.h"
#include "gate/worker.h"
#include "http/grpc_health.h"
#include "watch/trace.h"

struct rw_span rw_exchange_endpoint_name(const struct rw_exchange *x)
{
    return x->endpoint ? x->endpoint->name : RW_LITERAL("-");
}

static void count_series(struct rw_exchange *x, unsigned series, uint64_t duration_us, bool failed)
{
    struct rw_series_cell *cell = rw_metrics_cell(x->worker->metrics, series);
    unsigned class = x->responded ? x->response.status / 100 : 0;
    rw_metrics_observe(cell, class < 6 ? class : 0, duration_us, x->bytes_in, x->bytes_out);
    if (failed)
        rw_metrics_failure(cell);
}

/* What the access log says of a call. */
static unsigned grpc_told(const struct rw_exchange *x)
{
    enum { STATUS_MAX = 999 };
    uint64_t status;
    if (x->grpc_told || x->request.method != RW_METHOD_POST || !x->responded ||
        !rw_grpc_call(&x->request))
        return x->grpc_told;
    const struct rw_field *field = rw_message_find_name(&x->response, RW_LITERAL("grpc-status"));
    bool told = field ? rw_span_to_u64(field->value, &status)
                      : rw_grpc_status_of(x->response_trailers, &status);
    return told && status <= STATUS_MAX ? (unsigned)status + 1 : 0;
}

/* The statuses that say that the server has failed, not the caller. */
static bool grpc_failed(const struct rw_exchange *x)
{
    enum { DATA_LOSS = 15 };
    unsigned told = grpc_told(x);
    switch (told ? told - 1 : 0) {
    case RW_GRPC_UNKNOWN:
    case RW_GRPC_DEADLINE_EXCEEDED:
    case RW_GRPC_UNIMPLEMENTED:
    case RW_GRPC_INTERNAL:
    case RW_GRPC_UNAVAILABLE:
    case DATA_LOSS:
        return true;
    default:
        return false;
    }
}

/* Of a release. What failed for want of something here says nothing about the version. A client
 * that has gone before the response counts with the time that it waited, so that a version does not
 * look the faster for it. */
static void count_version(struct rw_exchange *x, uint64_t duration_us)
{
    enum rw_reason reason = (enum rw_reason)x->reason;
    if (rw_reason_ours(reason))
        return;
    bool failed = rw_reason_status(reason) >= 500 || (x->responded && x->response.status >= 500) ||
                  grpc_failed(x);
    if (x->response_ns > x->started_ns)
        duration_us = (x->response_ns - x->started_ns) / 1000;
    count_series(x, x->version_series, duration_us, failed);
}

/* An endpoint without a region is told so: "". */
static void tell_residency(const struct rw_exchange *x, struct rw_access_record *record)
{
    record->client_place = x->residency->client;
    if (x->residency->rule.len)
        record->residency = x->residency->rule;
    if (x->endpoint)
        record->endpoint_region = x->endpoint->locality.region;
}

static const char *policy_name(const struct rw_exchange *x)
{
    return x->policy_answers ? rw_exchange_asked_policy(x)->policy->kind.name : NULL;
}

static void write_access_line(struct rw_exchange *x, uint64_t duration_us)
{
    static const char *const hedges[] = {[RW_HEDGE_LOST] = "lost", [RW_HEDGE_WON] = "won"};
    bool from_origin = x->endpoint && x->response_ns;
    struct rw_access_record record = {
        .wall_ns = x->wall_ns,
        .client = x->client,
        .method = x->request.method_text,
        .scheme = x->https ? RW_LITERAL("https") : RW_LITERAL("http"),
        .host = x->request.authority,
        .path = x->request.path,
        .protocol = x->front->protocol,
        .route = x->route ? x->route->name : (struct rw_span){0},
        .upstream = x->upstream ? *x->upstream : (struct rw_span){0},
        .endpoint = x->endpoint ? x->endpoint->name : (struct rw_span){0},
        .reason = x->reason ? rw_span_text(rw_reason_name(x->reason)) : (struct rw_span){0},
        .policy = policy_name(x),
        .limit = x->limit,
        .fault = rw_span_text(x->fault),
        .request_id = x->request_id,
        .trace_id = rw_traceparent_trace_id(rw_span(x->traceparent, RW_TRACEPARENT_BYTES)),
        .user_agent = rw_message_value(&x->request, RW_FIELD_USER_AGENT),
        .status = x->responded ? x->response.status : 0,
        .grpc_told = grpc_told(x),
        .bytes_in = x->bytes_in,
        .bytes_out = x->bytes_out,
        .duration_us = duration_us,
        .upstream_us = from_origin ? (x->response_ns - x->started_ns) / 1000 : UINT64_MAX,
        .aborted = x->aborted,
        .hedge = hedges[x->hedge],
        .retries = x->retries,
        .retry_cause = x->retries ? rw_config_retry_names[x->retry_cause] : NULL,
    };
    if (x->identity && x->identity->consumer.len)
        record.consumer = x->identity->consumer;
    if (__builtin_expect(x->residency != NULL, 0))
        tell_residency(x, &record);
    if (!rw_access_write(x->worker->access, &record))
        rw_worker_count(x->worker, RW_COUNTER_LOG_LINES_DROPPED, 1);
}

void rw_exchange_log(struct rw_exchange *x)
{
    uint64_t duration_us = (rw_loop_now_ns(x->worker->loop) - x->started_ns) / 1000;
    rw_worker_count(x->worker, RW_COUNTER_REQUESTS_ACTIVE, -1);
    count_series(x, x->route ? x->route->series : x->snapshot->route_series_none, duration_us,
                 false);
    if (x->endpoint)
        count_series(x, x->endpoint->series, duration_us, x->reason != RW_REASON_NONE);
    if (__builtin_expect(x->version_series != 0, 0))
        count_version(x, duration_us);
    if (__builtin_expect(x->policy_answers, 0))
        count_series(x, rw_exchange_asked_policy(x)->series, duration_us, false);
    if (x->worker->access && !x->shadow)
        write_access_line(x, duration_us);
    if (x->endpoint)
        rw_endpoint_leave(x->endpoint);
}
