/* What a tunnel keeps of the request that began it, and its line in the log. */
#include "base/alloc.h"
#include "gate/cluster/balance/residency.h"
#include "gate/tunnel/tunnel_private.h"
#include "gate/worker.h"

#include <netinet/in.h>

enum { TRACE_ID_BYTES = 16 };

static const char hex_digits[] = "0123456789abcdef";
static const struct rw_span usual_method = {"GET", 3};

static size_t state_bytes(const struct rw_tunnel_terms *terms)
{
    return terms->observer ? terms->observer->state_bytes : 0;
}

/* ---- Keeping ---- */

static enum rw_tunnel_address address_of(const struct sockaddr *client)
{
    if (client->sa_family == AF_INET)
        return RW_TUNNEL_IPV4;
    return client->sa_family == AF_INET6 ? RW_TUNNEL_IPV6 : RW_TUNNEL_UNIX;
}

static size_t address_bytes(enum rw_tunnel_address address)
{
    static const uint8_t bytes[] = {
        [RW_TUNNEL_UNIX] = 0,
        [RW_TUNNEL_IPV4] = sizeof(struct in_addr) + sizeof(in_port_t),
        [RW_TUNNEL_IPV6] = sizeof(struct in6_addr) + sizeof(in_port_t),
    };
    return bytes[address];
}

static char *keep_address(char *to, const struct sockaddr *client)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)client;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)client;
    size_t bytes = address_bytes(address_of(client));
    if (bytes == 0)
        return to;
    bool six = client->sa_family == AF_INET6;
    size_t host = bytes - sizeof(in_port_t);
    memcpy(to, six ? (const void *)&v6->sin6_addr : &v4->sin_addr, host);
    memcpy(to + host, six ? &v6->sin6_port : &v4->sin_port, sizeof(in_port_t));
    return to + bytes;
}

static unsigned hex_value(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10) & 15;
}

static char *keep_trace_id(char *to, struct rw_span hex)
{
    for (size_t i = 0; i < hex.len / 2; i++)
        *to++ = (char)(hex_value(hex.at[2 * i]) << 4 | hex_value(hex.at[2 * i + 1]));
    return to;
}

/* The place and the rule, each a byte of length and so many bytes. */
static size_t residency_bytes(const struct rw_residency *residency)
{
    if (!residency)
        return 0;
    size_t rule = residency->rule.len;
    return 2 + residency->client.len +
           (rule < RW_ACCESS_LABEL_BYTES_MAX ? rule : RW_ACCESS_LABEL_BYTES_MAX);
}

/* A byte of length, and the name. */
static size_t consumer_bytes(struct rw_span consumer)
{
    return consumer.len ? 1 + consumer.len : 0;
}

static char *keep_consumer(char *to, struct rw_span consumer)
{
    rw_assert(consumer.len <= RW_CONSUMER_NAME_BYTES_MAX); /* by the configuration */
    *to++ = (char)consumer.len;
    memcpy(to, consumer.at, consumer.len);
    return to + consumer.len;
}

static char *keep_label(char *to, struct rw_span label)
{
    size_t len = label.len < RW_ACCESS_LABEL_BYTES_MAX ? label.len : RW_ACCESS_LABEL_BYTES_MAX;
    *to++ = (char)len;
    memcpy(to, label.at, len);
    return to + len;
}

/* What the log would cut off is not kept, nor the method that nearly all have. */
static size_t kept_bytes(unsigned which, struct rw_span text)
{
    if (which == RW_TUNNEL_METHOD && rw_span_eq(text, usual_method))
        return 0;
    size_t most = which == RW_TUNNEL_PATH ? RW_ACCESS_PATH_BYTES_MAX : UINT8_MAX;
    return text.len < most ? text.len : most;
}

static size_t text_bytes(const struct rw_tunnel *tunnel, unsigned which)
{
    return which == RW_TUNNEL_PATH ? tunnel->path_bytes : tunnel->text_bytes[which];
}

static void keep(struct rw_tunnel *tunnel, const struct rw_tunnel_options *options)
{
    char *to = tunnel->tail + state_bytes(tunnel->terms);
    if (tunnel->traced)
        to = keep_trace_id(to, options->trace_id);
    to = keep_address(to, options->client);
    if (tunnel->resident)
        to = keep_label(keep_label(to, options->residency->client), options->residency->rule);
    if (tunnel->identified)
        to = keep_consumer(to, options->consumer);
    for (unsigned i = 0; i < RW_TUNNEL_TEXTS; i++) {
        size_t bytes = kept_bytes(i, options->texts[i]);
        if (bytes)
            memcpy(to, options->texts[i].at, bytes);
        to += bytes;
        if (i == RW_TUNNEL_PATH)
            tunnel->path_bytes = bytes & 0xfff;
        else
            tunnel->text_bytes[i] = (uint8_t)bytes;
    }
}

struct rw_tunnel *rw_tunnel_create(const struct rw_tunnel_options *options)
{
    bool traced = options->trace_id.len == 2 * (size_t)TRACE_ID_BYTES;
    size_t tail = state_bytes(&options->terms) + (traced ? TRACE_ID_BYTES : 0) +
                  address_bytes(address_of(options->client)) + residency_bytes(options->residency) +
                  consumer_bytes(options->consumer);
    for (unsigned i = 0; i < RW_TUNNEL_TEXTS; i++)
        tail += kept_bytes(i, options->texts[i]);
    struct rw_tunnel *tunnel = rw_alloc_zero(sizeof(*tunnel) + tail);
    const struct rw_tunnel_terms *terms = tunnel ? rw_tunnel_terms_hold(&options->terms) : NULL;
    if (!terms) {
        rw_free(tunnel);
        return NULL;
    }
    uint64_t upstream_us = options->upstream_us;
    *tunnel = (struct rw_tunnel){
        .terms = terms,
        .ways = {[RW_TUNNEL_UPSTREAM].bytes = options->bytes_in,
                 [RW_TUNNEL_CLIENT].bytes = options->bytes_out},
        .active_ms = rw_loop_now_ms(terms->worker->loop),
        .https = options->https,
        .traced = traced,
        .resident = options->residency != NULL,
        .protocol = options->protocol & 7,
        .identified = options->consumer.len > 0,
        .address = address_of(options->client) & 3,
        .status = options->status & 0x3ff,
        .upstream_us = upstream_us < UINT32_MAX ? (uint32_t)upstream_us : UINT32_MAX,
        .started_ns = options->started_ns,
    };
    keep(tunnel, options);
    return tunnel;
}

void rw_tunnel_free(struct rw_tunnel *tunnel)
{
    rw_tunnel_terms_drop(tunnel->terms);
    rw_free(tunnel);
}

void *rw_tunnel_state(struct rw_tunnel *tunnel)
{
    return tunnel->tail;
}

/* ---- Telling ---- */

static void tell_address(const struct rw_tunnel *tunnel, const char *at,
                         struct sockaddr_storage *client)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)client;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)client;
    memset(client, 0, sizeof(*client));
    client->ss_family = AF_UNIX;
    if (tunnel->address == RW_TUNNEL_UNIX)
        return;
    size_t host = address_bytes(tunnel->address) - sizeof(in_port_t);
    bool six = tunnel->address == RW_TUNNEL_IPV6;
    client->ss_family = six ? AF_INET6 : AF_INET;
    memcpy(six ? (void *)&v6->sin6_addr : &v4->sin_addr, at, host);
    memcpy(six ? &v6->sin6_port : &v4->sin_port, at + host, sizeof(in_port_t));
}

static void tell_trace_id(const char *at, char *hex)
{
    for (int i = 0; i < TRACE_ID_BYTES; i++) {
        hex[2 * i] = hex_digits[(uint8_t)at[i] >> 4];
        hex[2 * i + 1] = hex_digits[at[i] & 15];
    }
}

static const char *tell_label(const char *at, struct rw_span *label)
{
    *label = rw_span(at + 1, (unsigned char)*at);
    return at + 1 + label->len;
}

static const char *tell_residency(const struct rw_tunnel *tunnel, const char *at,
                                  const struct rw_endpoint *endpoint,
                                  struct rw_access_record *record)
{
    if (!tunnel->resident)
        return at;
    at = tell_label(tell_label(at, &record->client_place), &record->residency);
    if (record->residency.len == 0)
        record->residency = (struct rw_span){0};
    if (endpoint)
        record->endpoint_region = endpoint->locality.region;
    return at;
}

static void tell_texts(const struct rw_tunnel *tunnel, const char *at,
                       struct rw_access_record *record)
{
    struct rw_span *const texts[RW_TUNNEL_TEXTS] = {
        [RW_TUNNEL_METHOD] = &record->method,
        [RW_TUNNEL_HOST] = &record->host,
        [RW_TUNNEL_PATH] = &record->path,
        [RW_TUNNEL_USER_AGENT] = &record->user_agent,
    };
    for (unsigned i = 0; i < RW_TUNNEL_TEXTS; i++) {
        size_t bytes = text_bytes(tunnel, i);
        if (bytes)
            *texts[i] = rw_span(at, bytes);
        at += bytes;
    }
}

static void write_line(const struct rw_tunnel *tunnel, const struct rw_endpoint *endpoint,
                       uint64_t duration_us)
{
    static const struct rw_span protocols[] = {[RW_TUNNEL_HTTP1] = {"HTTP/1.1", 8},
                                               [RW_TUNNEL_TCP] = {"tcp", 3},
                                               [RW_TUNNEL_TLS] = {"tls", 3}};
    const struct rw_tunnel_terms *terms = tunnel->terms;
    struct rw_worker *worker = terms->worker;
    struct sockaddr_storage client;
    char trace_id[2 * TRACE_ID_BYTES];
    bool http = tunnel->protocol == RW_TUNNEL_HTTP1;
    struct rw_access_record record = {
        .wall_ns = rw_loop_wall_ns(worker->loop) - duration_us * 1000,
        .client = (const struct sockaddr *)&client,
        .protocol = protocols[tunnel->protocol],
        .route = terms->route,
        .upstream = terms->upstream,
        .endpoint = endpoint ? endpoint->name : (struct rw_span){0},
        .status = http ? tunnel->status : RW_ACCESS_NO_STATUS,
        .bytes_in = tunnel->ways[RW_TUNNEL_UPSTREAM].bytes,
        .bytes_out = tunnel->ways[RW_TUNNEL_CLIENT].bytes,
        .duration_us = duration_us,
        .upstream_us = tunnel->upstream_us == UINT32_MAX ? UINT64_MAX : tunnel->upstream_us,
        .aborted = tunnel->reason != RW_REASON_NONE,
    };
    const char *at = tunnel->tail + state_bytes(terms);
    if (http) {
        record.method = usual_method;
        record.scheme = tunnel->https ? RW_LITERAL("https") : RW_LITERAL("http");
    }
    if (tunnel->reason)
        record.reason = rw_span_text(rw_reason_name(tunnel->reason));
    if (tunnel->traced) {
        tell_trace_id(at, trace_id);
        record.trace_id = rw_span(trace_id, sizeof(trace_id));
        at += TRACE_ID_BYTES;
    }
    tell_address(tunnel, at, &client);
    at = tell_residency(tunnel, at + address_bytes(tunnel->address), endpoint, &record);
    if (tunnel->identified)
        at = tell_label(at, &record.consumer);
    tell_texts(tunnel, at, &record);
    if (!rw_access_write(worker->access, &record))
        rw_worker_count(worker, RW_COUNTER_LOG_LINES_DROPPED, 1);
}

static void observe(const struct rw_tunnel *tunnel, unsigned series, uint64_t duration_us,
                    bool failed)
{
    struct rw_series_cell *cell = rw_metrics_cell(tunnel->terms->worker->metrics, series);
    /* Without HTTP: 2xx is what ended in good order. */
    unsigned class = tunnel->status ? tunnel->status / 100 : tunnel->reason ? 0 : 2;
    rw_metrics_observe(cell, class, duration_us, tunnel->ways[RW_TUNNEL_UPSTREAM].bytes,
                       tunnel->ways[RW_TUNNEL_CLIENT].bytes);
    if (failed)
        rw_metrics_failure(cell);
}

void rw_tunnel_log(const struct rw_tunnel *tunnel, const struct rw_endpoint *endpoint)
{
    struct rw_worker *worker = tunnel->terms->worker;
    uint64_t duration_us = (rw_loop_now_ns(worker->loop) - tunnel->started_ns) / 1000;
    observe(tunnel, tunnel->terms->route_series, duration_us, false);
    if (endpoint)
        observe(tunnel, endpoint->series, duration_us, tunnel->reason != RW_REASON_NONE);
    if (worker->access)
        write_line(tunnel, endpoint, duration_us);
}

void rw_tunnel_log_failure(const struct rw_tunnel_options *options, enum rw_reason reason,
                           const struct rw_endpoint *endpoint)
{
    struct rw_tunnel *tunnel = rw_tunnel_create(options);
    if (!tunnel) {
        rw_worker_count(options->terms.worker, RW_COUNTER_LOG_LINES_DROPPED, 1);
        return;
    }
    tunnel->reason = (uint8_t)reason;
    rw_tunnel_log(tunnel, endpoint);
    rw_tunnel_destroy(tunnel);
}
