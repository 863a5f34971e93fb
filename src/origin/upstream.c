#include "origin/upstream.h"

#include "base/map.h"

#include "io/tls.h"
#include "origin/upstream_call.h"

#include <netinet/in.h>

static const struct rw_lease_events lease_events;

/* ---- Choosing an endpoint ---- */

static struct rw_span cookie_value(struct rw_span cookies, struct rw_span name)
{
    struct rw_span pair;
    while (rw_span_next(&cookies, ';', &pair))
        if (pair.len > name.len && pair.at[name.len] == '=' && rw_span_starts(pair, name))
            return rw_span_skip(pair, name.len + 1);
    return (struct rw_span){0};
}

static struct rw_span query_value(struct rw_span query, struct rw_span name)
{
    struct rw_span pair;
    while (rw_span_next(&query, '&', &pair))
        if (pair.len > name.len && pair.at[name.len] == '=' && rw_span_starts(pair, name))
            return rw_span_skip(pair, name.len + 1);
    return (struct rw_span){0};
}

static struct rw_span address_key(const struct rw_exchange *x)
{
    if (x->client.ss_family == AF_INET6)
        return rw_span((const char *)&((const struct sockaddr_in6 *)&x->client)->sin6_addr, 16);
    if (x->client.ss_family == AF_INET)
        return rw_span((const char *)&((const struct sockaddr_in *)&x->client)->sin_addr, 4);
    return RW_LITERAL("unix");
}

/* What the hash is over; without the header, cookie or parameter it is the client's address. */
static struct rw_span hash_key(const struct rw_exchange *x, const struct rw_config_hash *hash)
{
    struct rw_span key = {0};
    const struct rw_field *field;
    switch ((enum rw_config_hash_on)hash->on) {
    case RW_HASH_HEADER:
        field = rw_message_find_name(&x->request, hash->name);
        key = field ? field->value : key;
        break;
    case RW_HASH_COOKIE:
        key = cookie_value(rw_message_value(&x->request, RW_FIELD_COOKIE), hash->name);
        break;
    case RW_HASH_PATH:
        key = x->request.path;
        break;
    case RW_HASH_QUERY:
        key = query_value(x->request.query, hash->name);
        break;
    case RW_HASH_ADDRESS:
        break;
    }
    return key.len ? key : address_key(x);
}

static struct rw_endpoint *choose(struct rw_upstream_call *call, const struct rw_endpoint *avoid)
{
    struct rw_exchange *x = call->x;
    struct rw_worker *worker = x->worker;
    struct rw_choice choice = {
        .now_ms = rw_loop_now_ms(worker->loop),
        .cursor = rw_worker_cursor(worker, call->cluster->slot),
        .random = rw_loop_random(worker->loop),
        .avoid = avoid,
    };
    if (call->cluster->balance == RW_BALANCE_HASH) {
        struct rw_span key = hash_key(x, &call->cluster->hash);
        choice.hash = rw_hash(key.at, key.len, 0);
    }
    return rw_cluster_choose(call->cluster, &choice);
}

/* ---- The end of a call ---- */

void rw_upstream_let_go(struct rw_upstream_call *call)
{
    rw_pool_discard(&call->lease);
    rw_buf_drop(call->waiting.buf);
    rw_h1_sent(&call->out);
    rw_buf_drop(call->in);
    call->waiting.buf = call->in = NULL;
}

/* Want of memory or descriptors here says nothing about the endpoint. */
static void blame(struct rw_upstream_call *call, enum rw_reason reason)
{
    struct rw_exchange *x = call->x;
    bool ours = reason == RW_REASON_MEMORY || reason == RW_REASON_DESCRIPTORS ||
                reason == RW_REASON_EXCHANGE_LIMIT;
    if (x->endpoint && !ours)
        rw_cluster_report(call->cluster, x->endpoint, true, rw_loop_now_ms(x->worker->loop));
}

static void give_up(struct rw_upstream_call *call, enum rw_reason reason, const char *detail)
{
    struct rw_exchange *x = call->x;
    rw_upstream_let_go(call);
    rw_exchange_fail(x, reason, detail);
}

void rw_upstream_fail(struct rw_upstream_call *call, enum rw_reason reason, const char *detail)
{
    blame(call, reason);
    give_up(call, reason, detail);
}

/* ---- Getting a connection ---- */

static void use_endpoint(struct rw_exchange *x, struct rw_endpoint *endpoint)
{
    if (x->endpoint)
        atomic_fetch_sub_explicit(&x->endpoint->active, 1, memory_order_relaxed);
    x->endpoint = endpoint;
    atomic_fetch_add_explicit(&endpoint->active, 1, memory_order_relaxed);
}

/* The piece that came with the head is kept until there is a connection. */
static void on_ready(struct rw_lease *lease)
{
    struct rw_upstream_call *call = rw_container_of(lease, struct rw_upstream_call, lease);
    struct rw_piece first = call->waiting;
    call->waiting = (struct rw_piece){0};
    struct rw_exchange *x = call->x;
    enum rw_flow flow = rw_upstream_send_request(call, &first);
    rw_buf_drop(first.buf);
    if (flow == RW_FLOW_GO && call->request_held) {
        call->request_held = false;
        rw_exchange_request_resume(x);
    }
}

bool rw_upstream_try_again(struct rw_upstream_call *call)
{
    struct rw_exchange *x = call->x;
    bool safe = call->replayable && !call->response_begun && call->tries < RW_UPSTREAM_TRIES_MAX &&
                (!call->request_started || rw_method_idempotent(x->request.method));
    if (!safe)
        return false;
    struct rw_endpoint *endpoint = choose(call, call->lease.reused ? NULL : x->endpoint);
    if (!endpoint)
        return false;
    struct rw_piece again = {.end = true};
    bool had_waiting = call->waiting.end || call->waiting.data.len;
    struct rw_piece waiting = call->waiting;
    bool reused = call->lease.reused;
    call->waiting.buf = NULL;
    rw_upstream_let_go(call);
    use_endpoint(x, endpoint);
    rw_worker_count(x->worker, RW_COUNTER_UPSTREAM_RETRIES, 1);
    call->tries++;
    call->sending = call->request_started = call->request_sent = false;
    call->waiting = had_waiting ? waiting : again;
    enum rw_pool_result result =
        rw_pool_acquire(x->worker, call->cluster, endpoint, &call->lease, reused);
    if (result == RW_POOL_READY)
        on_ready(&call->lease);
    else if (result == RW_POOL_FAILED)
        rw_upstream_fail(call, call->lease.reason, call->lease.detail);
    return true;
}

static void on_failed(struct rw_lease *lease, enum rw_reason reason, const char *detail)
{
    struct rw_upstream_call *call = rw_container_of(lease, struct rw_upstream_call, lease);
    blame(call, reason);
    if (rw_upstream_try_again(call))
        return;
    struct rw_span copy = rw_arena_copy(&call->x->arena, rw_span_text(detail));
    give_up(call, reason, copy.at ? copy.at : rw_reason_text(reason));
}

void rw_upstream_wait_deadline(struct rw_upstream_call *call, uint32_t ms)
{
    struct rw_loop *loop = call->x->worker->loop;
    rw_pool_deadline(&call->lease, ms ? rw_loop_now_ms(loop) + ms : RW_DEADLINE_NONE);
}

static void on_deadline(struct rw_lease *lease)
{
    struct rw_upstream_call *call = rw_container_of(lease, struct rw_upstream_call, lease);
    if (rw_upstream_hurry(call))
        return;
    rw_upstream_fail(
        call, call->responded ? RW_REASON_UPSTREAM_STALLED : RW_REASON_FIRST_BYTE_TIMEOUT, NULL);
}

static void on_data(struct rw_lease *lease, struct rw_buf *buf)
{
    rw_upstream_on_data(rw_container_of(lease, struct rw_upstream_call, lease), buf);
}

static void on_end(struct rw_lease *lease, enum rw_err err)
{
    rw_upstream_on_end(rw_container_of(lease, struct rw_upstream_call, lease), err);
}

static void on_sent(struct rw_lease *lease, enum rw_err err)
{
    rw_upstream_on_sent(rw_container_of(lease, struct rw_upstream_call, lease), err);
}

static const struct rw_lease_events lease_events = {
    .on_ready = on_ready,
    .on_failed = on_failed,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_deadline = on_deadline,
};

/* ---- The origin ---- */

static enum rw_flow fail_start(struct rw_exchange *x, enum rw_reason reason)
{
    rw_exchange_fail(x, reason, NULL);
    return RW_FLOW_GO;
}

static enum rw_flow start(struct rw_exchange *x, void *instance, const struct rw_piece *first)
{
    struct rw_upstream_call *call = rw_arena_zero(&x->arena, sizeof(*call));
    if (!call)
        return fail_start(x, RW_REASON_EXCHANGE_LIMIT);
    x->origin_state = call;
    call->x = x;
    call->cluster = instance;
    x->upstream = call->cluster->name;
    call->lease.events = &lease_events;
    call->replayable = first->end;
    struct rw_endpoint *endpoint = choose(call, NULL);
    if (!endpoint)
        return fail_start(x, RW_REASON_NO_ENDPOINT);
    use_endpoint(x, endpoint);
    enum rw_pool_result result =
        rw_pool_acquire(x->worker, call->cluster, endpoint, &call->lease, false);
    if (result == RW_POOL_READY)
        return rw_upstream_send_request(call, first);
    if (result == RW_POOL_FAILED) {
        rw_upstream_fail(call, call->lease.reason, call->lease.detail);
        return RW_FLOW_GO;
    }
    call->waiting = *first;
    if (first->buf)
        rw_buf_hold(first->buf);
    call->request_held = true;
    return RW_FLOW_HOLD;
}

static enum rw_flow request_data(struct rw_exchange *x, const struct rw_piece *piece)
{
    return rw_upstream_send_piece(x->origin_state, piece);
}

static void response_resume(struct rw_exchange *x)
{
    rw_upstream_resume(x->origin_state);
}

static void cancel(struct rw_exchange *x)
{
    struct rw_upstream_call *call = x->origin_state;
    if (!call)
        return;
    rw_upstream_let_go(call);
}

static enum rw_err compile(struct rw_compile *compile, const void *config, void **instance)
{
    const struct rw_span *name = config;
    *instance = rw_snapshot_cluster(compile->snapshot, *name);
    return *instance ? RW_OK : RW_EINVAL;
}

static void explain(const void *instance, struct rw_text *text)
{
    static const char *const balances[] = {"round robin", "least requests", "consistent hash",
                                           "random"};
    const struct rw_cluster *cluster = instance;
    const struct rw_endpoint_set *set = atomic_load(&cluster->set);
    rw_text_addf(text, "upstream %.*s (%s): ", RW_SPAN_ARGS(cluster->name),
                 balances[cluster->balance]);
    for (unsigned i = 0; i < set->count; i++)
        rw_text_addf(text, "%s%.*s", i ? ", " : "", RW_SPAN_ARGS(set->endpoints[i]->name));
    if (set->count == 0)
        rw_text_adds(text, "no endpoint is known now");
}

const struct rw_origin rw_origin_upstream = {
    .kind = {.name = "upstream",
             .doc = "Name of the upstream whose endpoints answer.",
             .user = &rw_origin_upstream},
    .compile = compile,
    .start = start,
    .request_data = request_data,
    .response_resume = response_resume,
    .cancel = cancel,
    .explain = explain,
};
