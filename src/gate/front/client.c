#include "gate/front/client.h"

#include "base/log.h"
#include "gate/front/client_proxy.h"
#include "gate/front/flooders.h"
#include "gate/front/front_h1.h"
#include "gate/front/front_h2.h"
#include "gate/front/front_tcp.h"
#include "gate/tunnel/tunnel.h"
#include "io/address.h"
#include "io/tls.h"

#include <stdarg.h>
#include <stdio.h>

enum { EVICT_LOOKS_MAX = 32 };

static const struct rw_client_front opening;

static const struct rw_client_front *const fronts[] = {
    [RW_CLIENT_OPENING] = &opening,
    [RW_CLIENT_H1] = &rw_front_h1_client,
    [RW_CLIENT_TCP] = &rw_front_tcp_client,
    [RW_CLIENT_TUNNEL] = &rw_tunnel_client_front,
    [RW_CLIENT_PROXY] = &rw_client_proxy_front,
    [RW_CLIENT_H2] = &rw_front_h2_client,
};

size_t rw_client_bytes(void)
{
    const size_t bytes[] = {rw_front_h1_bytes(), rw_tunnel_client_bytes(), rw_client_proxy_bytes(),
                            rw_front_tcp_bytes(), rw_front_h2_bytes()};
    size_t most = 0;
    for (size_t i = 0; i < sizeof(bytes) / sizeof(*bytes); i++)
        most = bytes[i] > most ? bytes[i] : most;
    return most;
}

/* ---- For fronts ---- */

const struct rw_listener_settings *rw_client_settings(const struct rw_client *client)
{
    unsigned index;
    struct rw_snapshot *snapshot = rw_worker_listener_snapshot(client->listener, &index);
    return &snapshot->listeners[index];
}

void rw_client_set_peer(struct rw_client *client, const struct sockaddr_storage *peer)
{
    memset(&client->peer, 0, sizeof(client->peer));
    if (peer->ss_family == AF_INET || peer->ss_family == AF_INET6)
        memcpy(&client->peer, peer, sizeof(client->peer));
    else
        client->peer.any.sa_family = AF_UNIX;
}

void rw_client_deadline_in(struct rw_client *client, uint32_t ms)
{
    struct rw_loop *loop = rw_client_worker(client)->loop;
    rw_deadline_set(loop, &client->deadline, ms ? rw_loop_now_ms(loop) + ms : RW_DEADLINE_NONE);
}

void rw_client_tell(struct rw_client *client, const char *format, ...)
{
    char host[RW_ADDRESS_HOST_TEXT_MAX], text[256];
    size_t len = rw_address_format_host(host, &client->peer.any);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    rw_log_limited(RW_LOG_WARN, "http", "%.*s: %s", (int)len, host, text);
}

/* Which options of the listener draw the line that was crossed. */
static const char *options_of(unsigned status)
{
    switch (status) {
    case 414:
        return "; see limits.target and limits.head";
    case 431:
        return "; see limits.head and limits.fields";
    default:
        return "";
    }
}

void rw_client_malformed(struct rw_client *client, unsigned status, const char *reason)
{
    rw_client_tell(client, "request refused with %u: %s%s", status, reason, options_of(status));
    rw_worker_count(rw_client_worker(client), RW_COUNTER_REQUESTS_MALFORMED, 1);
}

/* ---- Opening: the TLS handshake ---- */

/* What is spoken once TLS, if there is any, is through. On a plain connection the first bytes tell,
 * when both versions of HTTP are allowed: HTTP/1.1's front looks. */
static enum rw_client_protocol protocol_of(const struct rw_client *client)
{
    const struct rw_listener_settings *settings = rw_client_settings(client);
    struct rw_tls_info info;
    if (settings->config->protocol == RW_LISTENER_TCP)
        return RW_CLIENT_TCP;
    if (!settings->http1)
        return RW_CLIENT_H2;
    if (!settings->http2 || !rw_tls_info(&client->stream, &info))
        return RW_CLIENT_H1;
    return rw_span_eq(info.alpn, RW_LITERAL("h2")) ? RW_CLIENT_H2 : RW_CLIENT_H1;
}

static void close_opening(struct rw_client *client)
{
    rw_deadline_stop(rw_client_worker(client)->loop, &client->deadline);
    rw_stream_close(&client->stream);
}

static void tell_handshake(const struct rw_client *client, enum rw_err err)
{
    char host[RW_ADDRESS_HOST_TEXT_MAX];
    size_t len = rw_address_format_host(host, &client->peer.any);
    const char *detail = rw_tls_error_text(&client->stream);
    rw_log_limited(RW_LOG_INFO, "tls", "%.*s: no TLS handshake at listener %.*s: %s%s%s", (int)len,
                   host, RW_SPAN_ARGS(rw_client_settings(client)->name), rw_err_text(err),
                   *detail ? ": " : "", detail);
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct rw_client *client = rw_client_of(stream);
    struct rw_worker *worker = rw_client_worker(client);
    rw_worker_count(worker, err ? RW_COUNTER_TLS_FAILURES : RW_COUNTER_TLS_HANDSHAKES, 1);
    if (err) {
        tell_handshake(client, err);
        close_opening(client);
        return;
    }
    rw_client_start(client, protocol_of(client));
}

static void on_opening_end(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    close_opening(rw_client_of(stream));
}

static void on_opening_closed(struct rw_stream *stream)
{
    rw_client_release(rw_client_of(stream));
}

static void on_opening_deadline(struct rw_timer *timer)
{
    struct rw_client *client = rw_container_of(timer, struct rw_client, deadline.timer);
    struct rw_worker *worker = rw_client_worker(client);
    if (!rw_deadline_due(worker->loop, &client->deadline))
        return;
    rw_worker_count(worker, RW_COUNTER_CLIENT_TIMEOUTS, 1);
    close_opening(client);
}

static void start_opening(struct rw_client *client)
{
    rw_client_deadline_in(client, rw_client_settings(client)->config->tls->handshake_ms_max);
}

/* A handshake is under way, and has its own deadline. */
static void drain_opening(struct rw_client *client)
{
    (void)client;
}

static const struct rw_client_front opening = {
    .events = {.on_open = on_open, .on_end = on_opening_end, .on_closed = on_opening_closed},
    .on_deadline = on_opening_deadline,
    .start = start_opening,
    .drain = drain_opening,
    .close = close_opening,
};

/* ---- Life ---- */

void rw_client_start(struct rw_client *client, enum rw_client_protocol protocol)
{
    const struct rw_client_front *front = fronts[protocol];
    memset(client + 1, 0, rw_client_bytes() - sizeof(*client));
    client->protocol = (uint8_t)protocol;
    client->phase = 0;
    client->deadline.timer.fire = front->on_deadline;
    rw_stream_hand_on(&client->stream, &front->events);
    front->start(client);
}

/* ---- Room for another ---- */

static bool is_beyond(const struct rw_worker *worker, int fd)
{
    return worker->client_fd_max && fd > worker->client_fd_max;
}

static bool is_idle(const struct rw_client *client)
{
    const struct rw_client_front *front = fronts[client->protocol];
    return front->idle && front->idle(client) && client->deadline.at_ms != RW_DEADLINE_NONE;
}

/* The one that has been idle for longest, among those that were looked at least lately: all of a
 * small worker, a sample of a large one. What was looked at goes to the end of the list. */
static struct rw_client *find_idle(struct rw_worker *worker)
{
    struct rw_client *oldest = NULL;
    for (size_t i = 0; i < EVICT_LOOKS_MAX && i < worker->front_count; i++) {
        struct rw_client *client = rw_container_of(worker->fronts.next, struct rw_client, link);
        rw_list_remove(&client->link);
        rw_list_push_back(&worker->fronts, &client->link);
        if (is_idle(client) && (!oldest || client->deadline.at_ms < oldest->deadline.at_ms))
            oldest = client;
    }
    return oldest;
}

static bool evict_idle(struct rw_worker *worker)
{
    struct rw_client *client = find_idle(worker);
    if (!client)
        return false;
    rw_log_limited(RW_LOG_INFO, "listener",
                   "an idle client connection is closed to make room for a new one");
    rw_worker_count(worker, RW_COUNTER_CONNECTIONS_EVICTED, 1);
    fronts[client->protocol]->close(client);
    return true;
}

/* A descriptor beyond those that clients may have shows that they are all in use. It stays in use
 * while that of the evicted one is soon free: so as long as there are clients with such a
 * descriptor, of whichever worker, a small one shows nothing, and each new client has to take the
 * place of another. */
static bool make_room(struct rw_worker *worker, const struct rw_listener_settings *settings, int fd)
{
    bool beyond = is_beyond(worker, fd);
    bool full = worker->front_count >= settings->limits->connections;
    if (!full && !beyond && atomic_load_explicit(worker->beyond_count, memory_order_relaxed) == 0)
        return true;
    if (evict_idle(worker) || (!full && !beyond))
        return true;
    rw_log_limited(RW_LOG_WARN, "listener", "a client is turned away, and none is idle: %s",
                   beyond ? "the last of the descriptors (ulimit -n) are kept for origins and the "
                            "admin API"
                          : "limits.connections is reached");
    return false;
}

static void admit(struct rw_client *client, bool beyond)
{
    struct rw_worker *worker = rw_client_worker(client);
    client->beyond = beyond;
    if (beyond)
        atomic_fetch_add_explicit(worker->beyond_count, 1, memory_order_relaxed);
    client->listener->references++;
    rw_list_push_back(&worker->fronts, &client->link);
    worker->front_count++;
    rw_worker_count(worker, RW_COUNTER_CONNECTIONS_ACCEPTED, 1);
    rw_worker_count(worker, RW_COUNTER_CONNECTIONS_OPEN, 1);
}

void rw_client_accept(struct rw_worker_listener *listener, int fd,
                      const struct sockaddr_storage *peer)
{
    struct rw_worker *worker = listener->worker;
    unsigned index;
    const struct rw_snapshot *snapshot = rw_worker_listener_snapshot(listener, &index);
    const struct rw_listener_settings *settings = &snapshot->listeners[index];
    if (rw_flooders_refuse(worker, settings, (const struct sockaddr *)peer))
        return rw_listener_refuse(&listener->io, fd);
    struct rw_client *client =
        make_room(worker, settings, fd) ? rw_slab_get(&worker->connections) : NULL;
    if (!client) {
        rw_worker_count(worker, RW_COUNTER_CONNECTIONS_REFUSED, 1);
        rw_listener_refuse(&listener->io, fd);
        return;
    }
    memset(client, 0, sizeof(*client));
    client->listener = listener;
    client->id = ++worker->client_ids;
    client->tls = settings->tls != NULL;
    rw_client_set_peer(client, peer);
    rw_deadline_init(&client->deadline, NULL);
    bool proxied = settings->config->proxy_protocol != RW_PROXY_OFF;
    struct rw_tls_server *tls = proxied ? NULL : settings->tls;
    if (rw_stream_attach(worker->loop, &client->stream, &opening.events, fd, tls)) {
        rw_worker_count(worker, RW_COUNTER_CONNECTIONS_REFUSED, 1);
        rw_slab_put(&worker->connections, client);
        return;
    }
    admit(client, is_beyond(worker, fd));
    rw_client_start(client, proxied       ? RW_CLIENT_PROXY
                            : client->tls ? RW_CLIENT_OPENING
                                          : protocol_of(client));
}

void rw_client_begin(struct rw_client *client, struct rw_buf *early)
{
    rw_stream_receive(&client->stream, false, false);
    if (!client->tls) {
        rw_client_start(client, protocol_of(client));
        if (early)
            client->stream.events->on_data(&client->stream, early);
        return;
    }
    rw_client_start(client, RW_CLIENT_OPENING);
    if (rw_stream_secure(&client->stream, rw_client_settings(client)->tls, early))
        close_opening(client);
}

void rw_client_release(struct rw_client *client)
{
    struct rw_worker *worker = rw_client_worker(client);
    rw_deadline_stop(worker->loop, &client->deadline);
    rw_list_remove(&client->link);
    worker->front_count--;
    if (client->beyond)
        atomic_fetch_sub_explicit(worker->beyond_count, 1, memory_order_relaxed);
    rw_worker_count(worker, RW_COUNTER_CONNECTIONS_OPEN, -1);
    rw_worker_listener_drop(client->listener);
    rw_slab_put(&worker->connections, client);
    rw_worker_check_drained(worker);
}

/* ---- All of them ---- */

void rw_clients_drain(struct rw_worker *worker)
{
    for (struct rw_list *at = worker->fronts.next, *next; at != &worker->fronts; at = next) {
        struct rw_client *client = rw_container_of(at, struct rw_client, link);
        next = at->next;
        fronts[client->protocol]->drain(client);
    }
}

void rw_clients_close(struct rw_worker *worker)
{
    for (struct rw_list *at = worker->fronts.next, *next; at != &worker->fronts; at = next) {
        struct rw_client *client = rw_container_of(at, struct rw_client, link);
        next = at->next;
        fronts[client->protocol]->close(client);
    }
}

void rw_clients_listener_gone(struct rw_worker_listener *listener)
{
    struct rw_worker *worker = listener->worker;
    for (struct rw_list *at = worker->fronts.next, *next; at != &worker->fronts; at = next) {
        struct rw_client *client = rw_container_of(at, struct rw_client, link);
        next = at->next;
        if (client->listener == listener && fronts[client->protocol]->listener_gone)
            fronts[client->protocol]->listener_gone(client);
    }
}
