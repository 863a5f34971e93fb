/* Connections of a listener with `proxy_protocol`, until it is known whose they are.
 *
 * Only trusted proxies may say it. From them the header is wanted (require) or possible (accept);
 * what comes from others is refused (require), or taken as it is, unless it begins with a header
 * (accept): nothing that calls itself a PROXY header ever goes any further. */
#include "gate/front/client_proxy.h"

#include "base/log.h"
#include "gate/cluster/pool/pool.h"
#include "gate/front/flooders.h"
#include "gate/front/forwarded.h"
#include "gate/front/h1_pieces.h"
#include "http/proxy_protocol.h"
#include "io/address.h"

struct proxied {
    struct rw_client client; /* first: client.h */
    struct rw_buf *in;
    bool trusted;
};

size_t rw_client_proxy_bytes(void)
{
    return sizeof(struct proxied);
}

static struct proxied *proxied_of(struct rw_client *client)
{
    return rw_container_of(client, struct proxied, client);
}

static void close_now(struct rw_client *client)
{
    rw_deadline_stop(rw_client_worker(client)->loop, &client->deadline);
    rw_stream_close(&client->stream);
}

static void write_line(const struct rw_client *client)
{
    struct rw_worker *worker = rw_client_worker(client);
    const struct rw_access_record record = {
        .wall_ns = rw_loop_wall_ns(worker->loop),
        .client = &client->peer.any,
        .protocol = RW_LITERAL("proxy"),
        .reason = rw_span_text(rw_reason_name(RW_REASON_PROXY_REFUSED)),
        .status = RW_ACCESS_NO_STATUS,
        .upstream_us = UINT64_MAX,
    };
    if (worker->access && !rw_access_write(worker->access, &record))
        rw_worker_count(worker, RW_COUNTER_LOG_LINES_DROPPED, 1);
}

static void refuse(struct rw_client *client, const char *why)
{
    char text[RW_ADDRESS_HOST_TEXT_MAX];
    write_line(client);
    size_t len = rw_address_format_host(text, &client->peer.any);
    rw_log_limited(RW_LOG_WARN, "proxy", "%.*s: connection refused: %s", (int)len, text, why);
    rw_worker_count(rw_client_worker(client), RW_COUNTER_PROXY_REFUSED, 1);
    close_now(client);
}

static bool required(const struct rw_client *client)
{
    return rw_client_settings(client)->config->proxy_protocol == RW_PROXY_REQUIRE;
}

/* Over to what the listener speaks, with what is there of it. */
static void go_on(struct proxied *proxied)
{
    struct rw_buf *in = proxied->in;
    proxied->in = NULL;
    if (in && in->start == in->end) {
        rw_buf_drop(in);
        in = NULL;
    }
    rw_client_deadline_in(&proxied->client, 0);
    rw_client_begin(&proxied->client, in);
}

static void take_header(struct proxied *proxied, const struct rw_proxy_header *header)
{
    struct rw_client *client = &proxied->client;
    proxied->in->start += (uint32_t)header->bytes;
    if (!header->local)
        rw_client_set_peer(client, &header->source);
    if (rw_flooders_refuse(rw_client_worker(client), rw_client_settings(client), &client->peer.any))
        close_now(client);
    else
        go_on(proxied);
}

static void look(struct proxied *proxied)
{
    struct rw_proxy_header header;
    const char *reason;
    enum rw_proxy_result result = rw_proxy_parse(rw_buf_span(proxied->in), &header, &reason);
    if (result == RW_PROXY_INCOMPLETE)
        return;
    if (result == RW_PROXY_NONE && required(&proxied->client))
        refuse(&proxied->client, "it does not begin with a PROXY header");
    else if (result == RW_PROXY_NONE)
        go_on(proxied);
    else if (!proxied->trusted)
        refuse(&proxied->client, "a PROXY header from a peer that is not in trusted_proxies");
    else if (result == RW_PROXY_BAD)
        refuse(&proxied->client, reason);
    else
        take_header(proxied, &header);
}

/* ---- The front ---- */

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_client *client = rw_client_of(stream);
    struct proxied *proxied = proxied_of(client);
    if (rw_h1_append(rw_loop_buffers(stream->loop), &proxied->in, buf))
        look(proxied);
    else
        close_now(client);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    close_now(rw_client_of(stream));
}

static void on_closed(struct rw_stream *stream)
{
    struct rw_client *client = rw_client_of(stream);
    rw_buf_drop(proxied_of(client)->in);
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
    const struct rw_listener_settings *settings = rw_client_settings(client);
    const struct sockaddr *peer = &client->peer.any;
    /* Who may connect to a Unix socket is a matter of its permissions. */
    bool trusted = peer->sa_family == AF_UNIX || rw_forwarded_trusts(settings, peer);
    proxied_of(client)->trusted = trusted;
    if (!trusted && required(client)) {
        refuse(client, "the peer is not in trusted_proxies");
        return;
    }
    rw_client_deadline_in(client, settings->timeouts->header_ms);
    rw_stream_receive(&client->stream, true, false);
}

/* It has its deadline. */
static void drain(struct rw_client *client)
{
    (void)client;
}

const struct rw_client_front rw_client_proxy_front = {
    .events = {.on_data = on_data, .on_end = on_end, .on_closed = on_closed},
    .on_deadline = on_deadline,
    .start = start,
    .drain = drain,
    .close = close_now,
};

/* ---- The other way ---- */

/* The header has one family, and the client's address is what it is there for: when a PROXY header
 * has brought one of another family than the listener's, ours is told as far as that can be. */
static void as_family(struct sockaddr_storage *local, int family)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (family == AF_INET && local->ss_family == AF_INET6) {
        memcpy(&v6, local, sizeof(v6));
        v4.sin_port = v6.sin6_port;
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
            memcpy(&v4.sin_addr, &v6.sin6_addr.s6_addr[12], sizeof(v4.sin_addr));
    } else if (family == AF_INET6 && local->ss_family == AF_INET) {
        memcpy(&v4, local, sizeof(v4));
        v6.sin6_port = v4.sin_port;
        v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
        memcpy(&v6.sin6_addr.s6_addr[12], &v4.sin_addr, sizeof(v4.sin_addr));
    }
    if (family == AF_INET)
        memcpy(local, &v4, sizeof(v4));
    else
        memcpy(local, &v6, sizeof(v6));
}

void rw_client_introduce(const struct rw_client *client, unsigned version, char *to,
                         struct rw_lease *lease)
{
    struct sockaddr_storage local;
    if (rw_stream_local(&client->stream, &local))
        local.ss_family = AF_UNSPEC;
    sa_family_t family = client->peer.any.sa_family;
    if (family != local.ss_family && (family == AF_INET || family == AF_INET6))
        as_family(&local, family);
    lease->preface = rw_span(
        to, rw_proxy_write(to, version, &client->peer.any, (const struct sockaddr *)&local));
    lease->key = client->id;
}
