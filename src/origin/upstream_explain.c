/* What `ringway explain` tells of an upstream. */
#include "gate/cluster/balance/residency.h"
#include "gate/cluster/balance/tiers.h"
#include "gate/cluster/cluster_explain.h"
#include "io/host.h"
#include "origin/upstream_call.h"

/* By which property of requests. */
static void explain_by(const struct rw_config_hash *hash, struct rw_text *text)
{
    rw_text_addf(text, " by %s", rw_config_hash_on_names[hash->on]);
    if (hash->name.len)
        rw_text_addf(text, " %.*s", RW_SPAN_ARGS(hash->name));
}

static void explain_endpoints(const struct rw_cluster *cluster, struct rw_text *text)
{
    static const char *const balances[] = {"round robin", "least requests", "consistent hash",
                                           "random",      "latency",        "path"};
    const struct rw_endpoint_set *set = atomic_load(&cluster->set);
    rw_text_addf(text, "upstream %.*s (%s", RW_SPAN_ARGS(cluster->name),
                 balances[cluster->balance]);
    if (cluster->balance == RW_BALANCE_HASH)
        explain_by(&cluster->hash, text);
    rw_text_adds(text, "): ");
    for (unsigned i = 0; i < set->count; i++)
        rw_text_addf(text, "%s%.*s", i ? ", " : "", RW_SPAN_ARGS(set->endpoints[i]->name));
    if (set->count == 0)
        rw_text_adds(text, "no endpoint is known now");
}

/* In which order endpoints are taken. */
static void explain_tiers(const struct rw_cluster *cluster, struct rw_text *text)
{
    const struct rw_endpoint_set *set = atomic_load(&cluster->set);
    for (unsigned i = 0; set->tiers && i < set->tiers->count; i++) {
        const struct rw_endpoint_tier *tier = &set->tiers->tiers[i];
        rw_text_addf(text, "\n  %s priority %u, %s: ", i ? "then     " : "first    ",
                     tier->rank / RW_DISTANCE_COUNT,
                     rw_distance_name(tier->rank % RW_DISTANCE_COUNT));
        for (unsigned k = 0; k < tier->set->count; k++)
            rw_text_addf(text, "%s%.*s", k ? ", " : "",
                         RW_SPAN_ARGS(tier->set->endpoints[k]->name));
    }
    if (set->tiers)
        rw_text_addf(text, "\n            a part goes on to the next when less than %u%% are up",
                     cluster->tiers.full_percent);
}

/* What connections ask of the kernel. */
static void explain_socket(const struct rw_socket_options *socket, struct rw_text *text)
{
    rw_text_addf(text, "interface %s, congestion control %s",
                 socket->interface[0] ? socket->interface : "any",
                 socket->congestion[0] ? socket->congestion : "the system's");
    if (socket->user_timeout_ms)
        rw_text_addf(text, ", user timeout %u ms", socket->user_timeout_ms);
    if (socket->keepalive_idle_s)
        rw_text_addf(text, ", keep-alive after %u s, %u times every %u s", socket->keepalive_idle_s,
                     socket->keepalive_probes, socket->keepalive_interval_s);
}

static void explain_lacking(const struct rw_path *path, struct rw_text *text)
{
    bool source = path->source.bytes && !rw_host_has_address(&path->source);
    bool interface = path->socket.interface[0] && !rw_host_has_interface(path->socket.interface);
    if (source || interface)
        rw_text_addf(text, "; this machine does not have the %s%s%s",
                     source ? "source address" : "", source && interface ? " and the " : "",
                     interface ? "interface" : "");
}

/* By which ways; where there is only one, it is that of all endpoints. */
static void explain_lines(const struct rw_cluster *cluster, struct rw_text *text)
{
    const struct rw_endpoint_set *set = atomic_load(&cluster->set);
    for (unsigned i = 0; i < set->count; i++) {
        const struct rw_path *path = set->endpoints[i]->path;
        if (!path || (i && path->line.len == 0))
            continue;
        char source[RW_ADDRESS_HOST_TEXT_MAX];
        size_t len = path->source.bytes
                         ? rw_address_format_host(source, rw_address_sockaddr(&path->source))
                         : 0;
        struct rw_span to = path->line.len ? set->endpoints[i]->name : RW_LITERAL("all");
        rw_text_addf(text, "\n  path      %.*s: from %.*s, ", RW_SPAN_ARGS(to), len ? (int)len : 3,
                     len ? source : "any");
        explain_socket(&path->socket, text);
        if (cluster->balance == RW_BALANCE_PATH)
            rw_text_addf(text, ", costs as much as %.1f ms", path->price_us / 1000.0);
        explain_lacking(path, text);
    }
}

static void explain_connections(const struct rw_cluster *cluster, struct rw_text *text)
{
    const struct rw_config_connections *connections = &cluster->connections;
    rw_text_addf(text, "\n  connects  by %s%s, within %u ms",
                 cluster->negotiated ? "HTTP/2 or HTTP/1.1"
                 : cluster->http2    ? "HTTP/2"
                                     : "HTTP/1.1",
                 cluster->tls ? " over TLS" : "", cluster->connect_ms);
    if (cluster->tls_name.len)
        rw_text_addf(text, ", as %.*s", RW_SPAN_ARGS(cluster->tls_name));
    if (connections->per_endpoint_max)
        rw_text_addf(text, "; %u to an endpoint, %u requests wait %u ms at most",
                     connections->per_endpoint_max, connections->queue_max,
                     connections->queue_ms_max);
}

static void explain_probes(const struct rw_cluster *cluster, struct rw_text *text)
{
    const struct rw_config_active_health *health = rw_cluster_probed(cluster);
    if (!health)
        return;
    if (health->grpc)
        rw_text_adds(text, "\n  probes    grpc.health.v1.Health/Check");
    else
        rw_text_addf(text, "\n  probes    GET %.*s, good from %u to %u", RW_SPAN_ARGS(health->path),
                     health->status_min, health->status_max);
    rw_text_addf(text, ", every %u ms: down after %u bad ones, up after %u good ones",
                 health->interval_ms, health->unhealthy_after, health->healthy_after);
    if (health->panic_percent)
        rw_text_addf(text, "; not believed when less than %u%% are up", health->panic_percent);
}

static void explain_retries(const struct rw_cluster_retries *retries, struct rw_text *text)
{
    const char *separator = "";
    if (!retries->on) {
        rw_text_adds(text, "\n  retries   none");
        return;
    }
    rw_text_addf(text, "\n  retries   %u at most, on ", retries->tries - 1);
    for (unsigned i = 0; i < RW_RETRY_COUNT; i++) {
        if (!(retries->on & 1u << i))
            continue;
        rw_text_addf(text, "%s%s", separator, rw_config_retry_names[i]);
        separator = ", ";
    }
    rw_text_addf(text, "; of all requests %u%%, or %u a second", retries->budget.percent,
                 retries->budget.per_second);
}

/* When an endpoint is put out, and how it comes back. */
static void explain_breaker(const struct rw_config_passive_health *passive, struct rw_text *text)
{
    const char *separator = "";
    if (!passive->failures && !passive->error_percent && !passive->slow_ms) {
        rw_text_adds(text, "\n  breaker   none");
        return;
    }
    rw_text_adds(text, "\n  breaker   ");
    if (passive->failures) {
        rw_text_addf(text, "%u failures in a row", passive->failures);
        separator = ", or ";
    }
    if (passive->error_percent) {
        rw_text_addf(text, "%s%u%% failures", separator, passive->error_percent);
        separator = ", or ";
    }
    if (passive->slow_ms)
        rw_text_addf(text, "%s%u%% responses of %u ms or longer", separator, passive->slow_percent,
                     passive->slow_ms);
    if (passive->error_percent || passive->slow_ms)
        rw_text_addf(text, " (of %u or more in %u ms)", passive->requests_min, passive->window_ms);
    rw_text_addf(text, ": out for %u ms, then %u on trial, slow start %u ms; %u%% out at most; %s",
                 passive->eject_ms, passive->trials, passive->slow_start_ms,
                 passive->eject_percent_max,
                 passive->all_out == RW_ALL_OUT_REFUSE ? "when all are out: refused with 503"
                                                       : "when all are out: asked all the same");
}

static void explain_overload(const struct rw_cluster *cluster, struct rw_text *text)
{
    const struct rw_cluster_overload *overload = &cluster->overload;
    if (!cluster->limiter) {
        rw_text_adds(text, "\n  overload  no limit");
        return;
    }
    if (overload->limits.least == overload->limits.most)
        rw_text_addf(text, "\n  overload  %u requests at once", overload->limits.most);
    else
        rw_text_addf(text, "\n  overload  %u to %u requests at once, by latency",
                     overload->limits.least, overload->limits.most);
    rw_text_addf(text, "; %u wait, %u ms at most, or %u ms under overload, in turn",
                 overload->queue_max, overload->queue_ms_max, overload->target_ms);
    explain_by(&overload->fair_by, text);
}

static void explain_hedging(const struct rw_cluster *cluster, struct rw_text *text)
{
    const struct rw_hedge_settings *hedging = &cluster->hedging;
    if (cluster->hedge)
        rw_text_addf(
            text,
            "\n  hedging   reads that take longer than %u%% of them, %u ms at least, %u ms "
            "at most; of all reads %u%%",
            hedging->percentile, hedging->after_ms_min, hedging->after_ms_max,
            hedging->budget.percent);
}

void rw_upstream_explain(const void *instance, struct rw_text *text)
{
    const struct rw_cluster *cluster = instance;
    explain_endpoints(cluster, text);
    rw_cluster_explain_sources(cluster, text);
    explain_tiers(cluster, text);
    explain_lines(cluster, text);
    explain_connections(cluster, text);
    explain_probes(cluster, text);
    explain_retries(&cluster->retries, text);
    explain_hedging(cluster, text);
    explain_breaker(&cluster->passive, text);
    explain_overload(cluster, text);
}

/* ---- One client ---- */

/* Of the endpoints that are known now. */
static void explain_residency(const struct rw_cluster *cluster,
                              const struct rw_residency *residency, struct rw_text *text)
{
    const struct rw_endpoint_set *set = atomic_load(&cluster->set);
    unsigned count = 0;
    if (!rw_residency_binds(residency))
        return;
    rw_text_addf(text, "\n  kept to   ");
    for (unsigned i = 0; i < set->count; i++) {
        const struct rw_endpoint *endpoint = set->endpoints[i];
        if (rw_residency_admits(residency, &endpoint->locality))
            rw_text_addf(text, "%s%.*s (%.*s)", count++ ? ", " : "", RW_SPAN_ARGS(endpoint->name),
                         RW_SPAN_ARGS(endpoint->locality.region));
    }
    if (count == 0)
        rw_text_adds(text, "no endpoint that is known now: such requests get 503");
}

void rw_upstream_explain_client(struct rw_exchange *x, const void *instance, struct rw_text *text)
{
    const struct rw_cluster *cluster = instance;
    enum rw_identity_part part;
    explain_residency(cluster, x->residency, text);
    if (cluster->balance == RW_BALANCE_HASH && !rw_upstream_asks_identity(&cluster->hash, &part))
        rw_cluster_explain_hash(cluster, rw_upstream_hash(x, &cluster->hash), x->residency, text);
}
