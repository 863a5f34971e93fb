/* What the admin API says of clusters: for the scrape see cluster_expose.c. */
#include "gate/cluster/balance/balance.h"
#include "gate/cluster/balance/tiers.h"
#include "gate/cluster/cluster_registry.h"
#include "gate/cluster/overload/limiter.h"

static const char *const balance_names[] = {
    [RW_BALANCE_ROUND_ROBIN] = "round_robin",
    [RW_BALANCE_LEAST_REQUESTS] = "least_requests",
    [RW_BALANCE_HASH] = "hash",
    [RW_BALANCE_RANDOM] = "random",
    [RW_BALANCE_LATENCY] = "latency",
    [RW_BALANCE_PATH] = "path",
};

const char *rw_cluster_endpoint_state(const struct rw_cluster *cluster,
                                      const struct rw_endpoint *endpoint, uint64_t now_ms)
{
    const struct rw_config_passive_health *passive = &cluster->passive;
    uint64_t until_ms = atomic_load_explicit(&endpoint->ejected_until_ms, memory_order_relaxed);
    uint64_t returned_ms = atomic_load_explicit(&endpoint->returned_ms, memory_order_relaxed);
    if (atomic_load_explicit(&endpoint->probe_failed, memory_order_relaxed))
        return "down";
    if (until_ms > now_ms)
        return "ejected";
    if (until_ms && !returned_ms && passive->trials)
        return "trial";
    if (until_ms && returned_ms && returned_ms + passive->slow_start_ms > now_ms)
        return "returning";
    return "up";
}

static void describe_label(const char *name, struct rw_span label, struct rw_text *json)
{
    if (label.len == 0)
        return;
    rw_text_addf(json, ",\"%s\":", name);
    rw_text_add_json(json, label);
}

static void describe_locality(const struct rw_locality *locality, struct rw_text *json)
{
    describe_label("zone", locality->zone, json);
    describe_label("region", locality->region, json);
    describe_label("cloud", locality->cloud, json);
}

static void describe_path(const struct rw_cluster *cluster, const struct rw_endpoint *endpoint,
                          uint64_t now_ms, struct rw_text *json)
{
    if (endpoint->path)
        describe_label("line", endpoint->path->line, json);
    if (cluster->balance == RW_BALANCE_PATH)
        rw_text_addf(json, ",\"rtt_us\":%u,\"loss\":%g,\"score_us\":%llu",
                     atomic_load(&endpoint->path_state.rtt_us),
                     atomic_load(&endpoint->path_state.loss_ppm) / 1e6,
                     (unsigned long long)rw_path_score(endpoint, now_ms));
}

static void describe_endpoint(const struct rw_cluster *cluster, const struct rw_endpoint_set *set,
                              unsigned at, uint64_t now_ms, struct rw_text *json)
{
    const struct rw_endpoint *endpoint = set->endpoints[at];
    rw_text_adds(json, "{\"address\":");
    rw_text_add_json(json, endpoint->name);
    rw_text_adds(json, ",\"host\":");
    rw_text_add_json(json, endpoint->host);
    describe_locality(&endpoint->locality, json);
    describe_path(cluster, endpoint, now_ms, json);
    rw_text_addf(
        json,
        ",\"weight\":%g,\"priority\":%u,\"state\":\"%s\",\"failures\":%u,\"ejections\":%u,\"open\":%u,"
        "\"active\":%u}",
        (double)set->weights[at] / RW_RESOLVE_WEIGHT_ONE, set->ranks[at] / RW_DISTANCE_COUNT,
        rw_cluster_endpoint_state(cluster, endpoint, now_ms),
        atomic_load_explicit(&endpoint->failures, memory_order_relaxed),
        atomic_load_explicit(&endpoint->ejections, memory_order_relaxed),
        atomic_load_explicit(&endpoint->open, memory_order_relaxed),
        atomic_load_explicit(&endpoint->active, memory_order_relaxed));
}

static void describe_tiers(const struct rw_cluster *cluster, const struct rw_endpoint_set *set,
                           uint64_t now_ms, struct rw_text *json)
{
    const struct rw_endpoint_tiers *tiers = set->tiers;
    if (!tiers)
        return;
    rw_tiers_count(set, &cluster->passive, now_ms);
    rw_text_adds(json, ",\"tiers\":[");
    for (unsigned i = 0; i < tiers->count; i++)
        rw_text_addf(json, "%s{\"priority\":%u,\"distance\":\"%s\",\"share\":%.4f}", i ? "," : "",
                     tiers->tiers[i].rank / RW_DISTANCE_COUNT,
                     rw_distance_name(tiers->tiers[i].rank % RW_DISTANCE_COUNT),
                     (double)atomic_load(&tiers->tiers[i].share) / RW_TIER_SHARE_ONE);
    rw_text_adds(json, "]");
}

static void describe_discovery(const struct rw_cluster_control *control, struct rw_text *json)
{
    const struct rw_discovery_use *use = &control->discovery;
    if (!control->cluster.discovery.len)
        return;
    describe_label("discovery", control->cluster.discovery, json);
    rw_text_addf(json, ",\"discovered\":%s,\"discovery_failures\":%llu",
                 rw_discovery_answered(use) ? "true" : "false",
                 (unsigned long long)rw_discovery_failures(use));
    describe_label("discovery_error", rw_discovery_flaw(use), json);
    if (rw_discovery_answered(use))
        rw_text_addf(json, ",\"discovery_age_ms\":%llu",
                     (unsigned long long)rw_discovery_age_ms(use));
}

static void describe_cluster(const struct rw_cluster_control *control, struct rw_text *json)
{
    const struct rw_endpoint_set *set =
        atomic_load_explicit(&control->cluster.set, memory_order_relaxed);
    uint64_t now_ms = rw_clusters_now_ms(control->clusters);
    rw_text_adds(json, "{\"name\":");
    rw_text_add_json(json, control->cluster.name);
    rw_text_addf(json,
                 ",\"balance\":\"%s\",\"probed\":%s,\"tls\":%s,\"protocol\":\"%s\",\"endpoints\":[",
                 balance_names[control->cluster.balance], control->probes ? "true" : "false",
                 control->cluster.tls ? "true" : "false",
                 control->cluster.negotiated ? "auto"
                 : control->cluster.http2    ? "http2"
                                             : "http1");
    for (unsigned i = 0; i < set->count; i++) {
        if (i)
            rw_text_adds(json, ",");
        describe_endpoint(&control->cluster, set, i, now_ms, json);
    }
    rw_text_adds(json, "]");
    describe_tiers(&control->cluster, set, now_ms, json);
    describe_discovery(control, json);
    const struct rw_limiter *limiter = control->cluster.limiter;
    if (limiter)
        rw_text_addf(json, ",\"limit\":%u,\"in_flight\":%u,\"waiting\":%u,\"baseline_us\":%llu",
                     rw_limiter_limit(limiter, &control->cluster.overload.limits),
                     atomic_load(&limiter->in_flight), atomic_load(&limiter->waits),
                     (unsigned long long)atomic_load(&limiter->baseline_us));
    struct rw_hedge *hedge = control->cluster.hedge;
    if (hedge)
        rw_text_addf(json, ",\"hedge_after_ms\":%u",
                     rw_hedge_after_ms(hedge, &control->cluster.hedging, now_ms));
    rw_text_adds(json, "}");
}

const struct rw_cluster_control *rw_clusters_next_in_force(const struct rw_clusters *clusters,
                                                           const struct rw_cluster_control *after)
{
    const struct rw_list *item = after ? after->link.prev : clusters->clusters.prev;
    for (; item != &clusters->clusters; item = item->prev) {
        const struct rw_cluster_control *control =
            rw_container_of(item, struct rw_cluster_control, link);
        if (rw_clusters_in_force(clusters, control->cluster.name) == control)
            return control;
    }
    return NULL;
}

void rw_clusters_describe(const struct rw_clusters *clusters, struct rw_text *json)
{
    const struct rw_cluster_control *control = NULL;
    const char *separator = "";
    rw_text_adds(json, "[");
    while ((control = rw_clusters_next_in_force(clusters, control))) {
        rw_text_adds(json, separator);
        describe_cluster(control, json);
        separator = ",";
    }
    rw_text_adds(json, "]");
}
