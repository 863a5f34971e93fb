#include "gate/front/front_tcp.h"

#include "base/alloc.h"
#include "gate/cluster/pool/pool.h"
#include "gate/front/h1_pieces.h"
#include "gate/tunnel/tunnel.h"
#include "http/proxy_protocol.h"
#include "io/tls.h"
#include "io/tls_hello.h"

enum { TRIES_MAX = 3 };

/* Until there is a tunnel. */
struct call {
    struct rw_lease lease;
    struct rw_client *client;
    struct rw_snapshot *snapshot; /* a reference */
    const struct rw_listener_settings *listener;
    const struct rw_tcp_route *route;
    struct rw_endpoint *endpoint;
    uint64_t started_ns;
    uint8_t tries;
    bool tls; /* the client speaks it, with us or with the endpoint */
    struct rw_tls_hello hello;
    char preface[RW_PROXY_WRITE_BYTES_MAX];
};

struct connection {
    struct rw_client client; /* first: client.h */
    struct call *call;
    struct rw_buf *in; /* not passed on yet */
    bool closed;
};

size_t rw_front_tcp_bytes(void)
{
    return sizeof(struct connection);
}

static struct connection *connection_of(struct rw_client *client)
{
    return rw_container_of(client, struct connection, client);
}

/* ---- The end of a call ---- */

static struct rw_tunnel_options describe(const struct call *call)
{
    const struct rw_tcp_route *route = call->route;
    const struct rw_config_tcp_timeouts *timeouts = route ? route->config->timeouts : NULL;
    struct rw_span none = {0};
    return (struct rw_tunnel_options){
        .terms = {.worker = rw_client_worker(call->client),
                  .limits = {.total_ms = timeouts ? timeouts->total_ms : 0,
                             .idle_ms = timeouts ? timeouts->idle_ms : 0,
                             .half_closed_ms = timeouts ? timeouts->half_closed_ms : 0,
                             .send_idle_ms = call->listener->timeouts->send_idle_ms},
                  .route_series = route ? route->series : call->snapshot->route_series_none,
                  .route = route ? route->name : none,
                  .upstream = route ? route->cluster->name : none},
        .protocol = call->tls ? RW_TUNNEL_TLS : RW_TUNNEL_TCP,
        .started_ns = call->started_ns,
        .upstream_us = UINT64_MAX,
        .client = &call->client->peer.any,
        .texts = {[RW_TUNNEL_HOST] = rw_span(call->hello.name, call->hello.name_bytes)},
    };
}

static void leave_endpoint(struct call *call)
{
    if (call->endpoint)
        rw_endpoint_leave(call->endpoint);
    call->endpoint = NULL;
}

static void free_call(struct connection *c)
{
    struct call *call = c->call;
    struct rw_worker *worker = rw_client_worker(&c->client);
    c->call = NULL;
    rw_pool_discard(&call->lease);
    leave_endpoint(call);
    rw_snapshot_unpin(call->snapshot, worker->index);
    rw_free(call);
}

static void close_now(struct rw_client *client)
{
    struct connection *c = connection_of(client);
    c->closed = true;
    rw_deadline_stop(rw_client_worker(client)->loop, &client->deadline);
    rw_stream_close(&client->stream);
}

/* No tunnel: says so in the log. */
static void fail(struct connection *c, enum rw_reason reason)
{
    struct rw_tunnel_options options = describe(c->call);
    rw_worker_count(options.terms.worker, RW_COUNTER_REQUESTS_ACTIVE, -1);
    rw_tunnel_log_failure(&options, reason, c->call->endpoint);
    free_call(c);
    close_now(&c->client);
}

/* The call ends before the connection has closed: until then an endpoint might come. */
static void end(struct connection *c, enum rw_reason reason)
{
    if (c->call && c->call->route) {
        fail(c, reason);
        return;
    }
    if (c->call)
        free_call(c);
    close_now(&c->client);
}

static void cut(struct rw_client *client)
{
    end(connection_of(client), RW_REASON_DRAINING);
}

/* ---- The endpoint ---- */

static struct rw_endpoint *choose(const struct call *call, const struct rw_endpoint *avoid)
{
    struct rw_worker *worker = rw_client_worker(call->client);
    const struct rw_choice choice = {
        .hash = rw_tcp_client_hash(&call->client->peer.any),
        .now_ms = rw_loop_now_ms(worker->loop),
        .cursor = &rw_worker_upstream(worker, call->route->cluster->slot)->cursor,
        .random = rw_loop_random(worker->loop),
        .avoid = avoid,
        .passive = &call->route->cluster->passive,
    };
    return rw_cluster_choose(call->route->cluster, &choice);
}

static void report(const struct call *call, bool failed)
{
    struct rw_worker *worker = rw_client_worker(call->client);
    if (rw_cluster_report(call->route->cluster, call->endpoint, failed,
                          rw_loop_now_ms(worker->loop)))
        rw_metrics_upstream(worker->metrics, call->route->cluster->series,
                            RW_UPSTREAM_EVENT_EJECTION);
}

static void try_endpoint(struct connection *c, struct rw_endpoint *endpoint)
{
    struct call *call = c->call;
    leave_endpoint(call);
    call->endpoint = endpoint;
    call->tries++;
    rw_endpoint_enter(endpoint);
    enum rw_pool_result result = rw_pool_acquire(rw_client_worker(&c->client), call->route->cluster,
                                                 endpoint, &call->lease, true);
    if (result == RW_POOL_FAILED)
        fail(c, (enum rw_reason)call->lease.reason);
}

/* Connected: the rest is the tunnel's. */
static void on_ready(struct rw_lease *lease)
{
    struct call *call = rw_container_of(lease, struct call, lease);
    struct connection *c = connection_of(call->client);
    struct rw_tunnel_options options = describe(call);
    options.upstream_us = (rw_loop_now_ns(options.terms.worker->loop) - call->started_ns) / 1000;
    struct rw_tunnel *tunnel = rw_tunnel_create(&options);
    if (!tunnel) {
        fail(c, RW_REASON_MEMORY);
        return;
    }
    report(call, false);
    rw_tunnel_upstream(tunnel, lease, NULL);
    call->endpoint = NULL; /* the tunnel's */
    free_call(c);
    rw_tunnel_start(tunnel, &c->client, c->in);
}

static void on_failed(struct rw_lease *lease, enum rw_reason reason, const char *detail)
{
    struct call *call = rw_container_of(lease, struct call, lease);
    struct connection *c = connection_of(call->client);
    bool ours = rw_reason_ours(reason);
    (void)detail;
    if (!ours)
        report(call, true);
    struct rw_endpoint *next =
        ours || call->tries >= TRIES_MAX ? NULL : choose(call, call->endpoint);
    if (!next) {
        fail(c, reason);
        return;
    }
    struct rw_worker *worker = rw_client_worker(&c->client);
    rw_worker_count(worker, RW_COUNTER_UPSTREAM_RETRIES, 1);
    rw_metrics_upstream(worker->metrics, call->route->cluster->series,
                        RW_UPSTREAM_EVENT_RETRY_CONNECT);
    try_endpoint(c, next);
}

static const struct rw_lease_events lease_events = {.on_ready = on_ready, .on_failed = on_failed};

/* ---- The route ---- */

static void route(struct connection *c)
{
    struct call *call = c->call;
    unsigned listener = (unsigned)(call->listener - call->snapshot->listeners);
    rw_client_deadline_in(&c->client, 0);
    rw_stream_receive(&c->client.stream, false, false);
    rw_worker_count(rw_client_worker(&c->client), RW_COUNTER_REQUESTS_ACTIVE, 1);
    call->route = rw_tcp_routes_find(&call->snapshot->tcp, listener,
                                     rw_span(call->hello.name, call->hello.name_bytes));
    if (!call->route) {
        fail(c, RW_REASON_NO_ROUTE);
        return;
    }
    unsigned version = call->route->cluster->proxy_version;
    if (version)
        rw_client_introduce(&c->client, version, call->preface, &call->lease);
    struct rw_endpoint *endpoint = choose(call, NULL);
    if (endpoint)
        try_endpoint(c, endpoint);
    else
        fail(c, RW_REASON_NO_ENDPOINT);
}

/* The name that the client has asked us for. */
static void keep_name(struct call *call)
{
    struct rw_tls_info info;
    if (!rw_tls_info(&call->client->stream, &info))
        return;
    call->tls = true;
    if (info.sni.len > sizeof(call->hello.name))
        return;
    for (size_t i = 0; i < info.sni.len; i++)
        call->hello.name[i] = rw_lower(info.sni.at[i]);
    call->hello.name_bytes = info.sni.len;
}

/* Out of what has come: what the name is, or that there will be none. */
static void look(struct connection *c)
{
    struct call *call = c->call;
    switch (rw_tls_hello_parse(rw_buf_span(c->in), &call->hello)) {
    case RW_TLS_HELLO_INCOMPLETE:
        return;
    case RW_TLS_HELLO_BAD:
        rw_client_tell(&c->client, "connection refused: a ClientHello that is none");
        rw_worker_count(rw_client_worker(&c->client), RW_COUNTER_REQUESTS_MALFORMED, 1);
        free_call(c);
        close_now(&c->client);
        return;
    case RW_TLS_HELLO_COMPLETE:
        call->tls = true;
        break;
    case RW_TLS_HELLO_NONE:
        call->hello.name_bytes = 0;
        break;
    }
    route(c);
}

static bool begin_call(struct connection *c)
{
    unsigned index;
    struct rw_worker *worker = rw_client_worker(&c->client);
    struct rw_snapshot *snapshot = rw_worker_listener_snapshot(c->client.listener, &index);
    struct call *call = rw_alloc_zero(sizeof(*call));
    if (!call)
        return false;
    c->call = call;
    call->client = &c->client;
    call->snapshot = rw_snapshot_pin(snapshot, worker->index);
    call->listener = &snapshot->listeners[index];
    call->lease.events = &lease_events;
    call->started_ns = rw_loop_now_ns(worker->loop);
    return true;
}

/* ---- The front ---- */

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct connection *c = connection_of(rw_client_of(stream));
    bool routed = c->call && c->call->route;
    if (c->closed) {
        rw_buf_drop(buf);
        return;
    }
    if (!rw_h1_append(rw_loop_buffers(stream->loop), &c->in, buf)) {
        end(c, RW_REASON_MEMORY);
        return;
    }
    if (!routed)
        look(c);
    else
        rw_stream_receive(stream, false, false);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    struct rw_client *client = rw_client_of(stream);
    struct connection *c = connection_of(client);
    client->peer_ended = true;
    /* One that has said all may still be answered. */
    if (err || !c->call || !c->call->route)
        end(c, RW_REASON_CLIENT_GONE);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    (void)stream, (void)err;
}

static void on_closed(struct rw_stream *stream)
{
    struct rw_client *client = rw_client_of(stream);
    struct connection *c = connection_of(client);
    c->closed = true;
    if (c->call && c->call->route)
        fail(c, RW_REASON_CLIENT_GONE);
    else if (c->call)
        free_call(c);
    rw_buf_drop(c->in);
    rw_client_release(client);
}

static void on_deadline(struct rw_timer *timer)
{
    struct rw_client *client = rw_container_of(timer, struct rw_client, deadline.timer);
    struct rw_worker *worker = rw_client_worker(client);
    if (!rw_deadline_due(worker->loop, &client->deadline))
        return;
    rw_worker_count(worker, RW_COUNTER_CLIENT_TIMEOUTS, 1);
    close_now(client);
}

static void start(struct rw_client *client)
{
    struct connection *c = connection_of(client);
    unsigned index;
    struct rw_snapshot *snapshot = rw_worker_listener_snapshot(client->listener, &index);
    if (!begin_call(c)) {
        close_now(client);
        return;
    }
    if (client->tls || !snapshot->tcp.by_sni[index]) {
        keep_name(c->call);
        route(c);
        return;
    }
    rw_client_deadline_in(client, c->call->listener->timeouts->header_ms);
    rw_stream_receive(&client->stream, true, false);
}

/* What is being connected is soon a tunnel, or has failed. */
static void drain(struct rw_client *client)
{
    (void)client;
}

const struct rw_client_front rw_front_tcp_client = {
    .events = {.on_data = on_data, .on_end = on_end, .on_sent = on_sent, .on_closed = on_closed},
    .on_deadline = on_deadline,
    .start = start,
    .drain = drain,
    .close = cut,
};
