/* What a scrape says of clusters: figures of an upstream or endpoint that no worker counts. */
#include "gate/cluster/balance/balance.h"
#include "gate/cluster/balance/tiers.h"
#include "gate/cluster/cluster_registry.h"
#include "gate/cluster/overload/limiter.h"
#include "watch/metrics.h"

/* ---- Endpoints ---- */

static bool takes_requests(const char *state)
{
    return strcmp(state, "up") == 0 || strcmp(state, "returning") == 0;
}

static void expose_endpoint(const struct rw_cluster *cluster, const struct rw_endpoint *endpoint,
                            uint64_t now_ms, struct rw_text *text)
{
    rw_text_adds(text, "ringway_upstream_endpoint_healthy{upstream=\"");
    rw_metrics_expose_label(text, cluster->name);
    rw_text_adds(text, "\",endpoint=\"");
    rw_metrics_expose_label(text, endpoint->name);
    rw_text_addf(text, "\"} %d\n",
                 takes_requests(rw_cluster_endpoint_state(cluster, endpoint, now_ms)));
}

/* Joined with other series of endpoints: what went from where to where. */
static void expose_locality(const struct rw_cluster *cluster, const struct rw_endpoint *endpoint,
                            struct rw_text *text)
{
    const struct rw_locality *locality = &endpoint->locality;
    if (locality->zone.len + locality->region.len + locality->cloud.len == 0)
        return;
    rw_text_adds(text, "ringway_upstream_endpoint_locality{upstream=\"");
    rw_metrics_expose_label(text, cluster->name);
    rw_text_adds(text, "\",endpoint=\"");
    rw_metrics_expose_label(text, endpoint->name);
    rw_text_adds(text, "\",zone=\"");
    rw_metrics_expose_label(text, locality->zone);
    rw_text_adds(text, "\",region=\"");
    rw_metrics_expose_label(text, locality->region);
    rw_text_adds(text, "\",cloud=\"");
    rw_metrics_expose_label(text, locality->cloud);
    rw_text_adds(text, "\"} 1\n");
}

static void expose_localities(const struct rw_clusters *clusters, struct rw_text *text)
{
    const struct rw_cluster_control *control = NULL;
    rw_metrics_expose_head(text, "ringway_upstream_endpoint_locality", "gauge",
                           "Where an endpoint with labels is; always 1");
    while ((control = rw_clusters_next_in_force(clusters, control))) {
        const struct rw_endpoint_set *set =
            atomic_load_explicit(&control->cluster.set, memory_order_relaxed);
        for (unsigned i = 0; i < set->count; i++)
            expose_locality(&control->cluster, set->endpoints[i], text);
    }
}

static void expose_path(const struct rw_cluster *cluster, const struct rw_endpoint *endpoint,
                        const char *name, double value, struct rw_text *text)
{
    rw_text_addf(text, "%s{upstream=\"", name);
    rw_metrics_expose_label(text, cluster->name);
    rw_text_adds(text, "\",endpoint=\"");
    rw_metrics_expose_label(text, endpoint->name);
    rw_text_addf(text, "\"} %g\n", value);
}

static void expose_paths(const struct rw_clusters *clusters, struct rw_text *text)
{
    static const char *const names[][2] = {
        {"ringway_upstream_path_rtt_seconds",
         "Round-trip time to an endpoint, by its TCP connections"},
        {"ringway_upstream_path_loss_ratio", "Share of the segments to it that were sent again"},
        {"ringway_upstream_path_score_seconds",
         "What the choice of a path goes by; less is better"},
    };
    uint64_t now_ms = rw_clusters_now_ms(clusters);
    for (unsigned n = 0; n < 3; n++) {
        const struct rw_cluster_control *control = NULL;
        rw_metrics_expose_head(text, names[n][0], "gauge", names[n][1]);
        while ((control = rw_clusters_next_in_force(clusters, control))) {
            const struct rw_endpoint_set *set =
                atomic_load_explicit(&control->cluster.set, memory_order_relaxed);
            for (unsigned i = 0; control->cluster.balance == RW_BALANCE_PATH && i < set->count;
                 i++) {
                const struct rw_endpoint *endpoint = set->endpoints[i];
                const double values[] = {atomic_load(&endpoint->path_state.rtt_us) / 1e6,
                                         atomic_load(&endpoint->path_state.loss_ppm) / 1e6,
                                         (double)rw_path_score(endpoint, now_ms) / 1e6};
                expose_path(&control->cluster, endpoint, names[n][0], values[n], text);
            }
        }
    }
}

/* ---- Upstreams ---- */

static void expose_tiers(const struct rw_clusters *clusters, struct rw_text *text)
{
    const struct rw_cluster_control *control = NULL;
    uint64_t now_ms = rw_clusters_now_ms(clusters);
    rw_metrics_expose_head(text, "ringway_upstream_tier_share", "gauge",
                           "Share of the requests that endpoints of one priority and distance are "
                           "given, where they differ");
    while ((control = rw_clusters_next_in_force(clusters, control))) {
        const struct rw_endpoint_set *set =
            atomic_load_explicit(&control->cluster.set, memory_order_relaxed);
        if (set->tiers)
            rw_tiers_count(set, &control->cluster.passive, now_ms);
        for (unsigned i = 0; set->tiers && i < set->tiers->count; i++) {
            const struct rw_endpoint_tier *tier = &set->tiers->tiers[i];
            rw_text_adds(text, "ringway_upstream_tier_share{upstream=\"");
            rw_metrics_expose_label(text, control->cluster.name);
            rw_text_addf(text, "\",priority=\"%u\",distance=\"%s\"} %.4f\n",
                         tier->rank / RW_DISTANCE_COUNT,
                         rw_distance_name(tier->rank % RW_DISTANCE_COUNT),
                         (double)atomic_load(&tier->share) / RW_TIER_SHARE_ONE);
        }
    }
}

/* ---- Discovery ---- */

static void expose_discovered(const struct rw_discovery_use *use, struct rw_text *text)
{
    rw_text_addf(text, "%d\n", rw_discovery_answered(use));
}

static void expose_age(const struct rw_discovery_use *use, struct rw_text *text)
{
    if (rw_discovery_answered(use))
        rw_text_addf(text, "%.3f\n", (double)rw_discovery_age_ms(use) / 1e3);
    else
        rw_text_adds(text, "+Inf\n");
}

static void expose_failures(const struct rw_discovery_use *use, struct rw_text *text)
{
    rw_text_addf(text, "%llu\n", (unsigned long long)rw_discovery_failures(use));
}

static const struct {
    const char *name, *type, *help;
    void (*value)(const struct rw_discovery_use *use, struct rw_text *text);
} discovery_metrics[] = {
    {"ringway_upstream_discovered", "gauge",
     "Whether the endpoints of an upstream with `discovery` were ever found", expose_discovered},
    {"ringway_upstream_discovery_age_seconds", "gauge",
     "For how long changes of the endpoints have not been seen; 0 while they are, +Inf if they "
     "never were",
     expose_age},
    {"ringway_upstream_discovery_failures_total", "counter",
     "Times that asking for the endpoints of an upstream failed", expose_failures},
};

static void expose_discovery(const struct rw_clusters *clusters, struct rw_text *text)
{
    for (size_t i = 0; i < sizeof(discovery_metrics) / sizeof(discovery_metrics[0]); i++) {
        const struct rw_cluster_control *control = NULL;
        rw_metrics_expose_head(text, discovery_metrics[i].name, discovery_metrics[i].type,
                               discovery_metrics[i].help);
        while ((control = rw_clusters_next_in_force(clusters, control))) {
            if (!control->cluster.discovery.len)
                continue;
            rw_text_addf(text, "%s{upstream=\"", discovery_metrics[i].name);
            rw_metrics_expose_label(text, control->cluster.name);
            rw_text_adds(text, "\"} ");
            discovery_metrics[i].value(&control->discovery, text);
        }
    }
}

/* ---- Overload ---- */

static double limit_of(const struct rw_cluster *cluster)
{
    return rw_limiter_limit(cluster->limiter, &cluster->overload.limits);
}

static double in_flight_of(const struct rw_cluster *cluster)
{
    return atomic_load(&cluster->limiter->in_flight);
}

static double waiting_of(const struct rw_cluster *cluster)
{
    return atomic_load(&cluster->limiter->waits);
}

static double baseline_of(const struct rw_cluster *cluster)
{
    return (double)atomic_load(&cluster->limiter->baseline_us) / 1e6;
}

static double queued_of(const struct rw_cluster *cluster)
{
    return (double)atomic_load(&cluster->limiter->queued);
}

static double refused_of(const struct rw_cluster *cluster)
{
    return (double)atomic_load(&cluster->limiter->refused);
}

static const struct {
    const char *name, *type, *help;
    double (*value)(const struct rw_cluster *cluster);
} limiter_metrics[] = {
    {"ringway_upstream_limit", "gauge",
     "Requests at once that an upstream with `overload` is given", limit_of},
    {"ringway_upstream_in_flight", "gauge",
     "Requests that an upstream with `overload` works on now", in_flight_of},
    {"ringway_upstream_waiting", "gauge", "Requests that wait for a place there", waiting_of},
    {"ringway_upstream_baseline_seconds", "gauge",
     "The latency that its limit is found by: what answers take while little is asked",
     baseline_of},
    {"ringway_upstream_queued_total", "counter", "Requests that found it at its limit", queued_of},
    {"ringway_upstream_refused_total", "counter", "... of these those that were refused",
     refused_of},
};

static void expose_limiters(const struct rw_clusters *clusters, struct rw_text *text)
{
    for (size_t i = 0; i < sizeof(limiter_metrics) / sizeof(limiter_metrics[0]); i++) {
        const struct rw_cluster_control *control = NULL;
        rw_metrics_expose_head(text, limiter_metrics[i].name, limiter_metrics[i].type,
                               limiter_metrics[i].help);
        while ((control = rw_clusters_next_in_force(clusters, control))) {
            if (!control->cluster.limiter)
                continue;
            rw_text_addf(text, "%s{upstream=\"", limiter_metrics[i].name);
            rw_metrics_expose_label(text, control->cluster.name);
            rw_text_addf(text, "\"} %.15g\n", limiter_metrics[i].value(&control->cluster));
        }
    }
}

/* ---- All of it ---- */

void rw_clusters_expose(const struct rw_clusters *clusters, struct rw_text *text)
{
    const struct rw_cluster_control *control = NULL;
    uint64_t now_ms = rw_clusters_now_ms(clusters);
    rw_text_adds(text, "# HELP ringway_upstream_endpoint_healthy Whether the endpoint takes "
                       "requests: neither down by its probes nor ejected nor on trial\n"
                       "# TYPE ringway_upstream_endpoint_healthy gauge\n");
    while ((control = rw_clusters_next_in_force(clusters, control))) {
        const struct rw_endpoint_set *set =
            atomic_load_explicit(&control->cluster.set, memory_order_relaxed);
        for (unsigned i = 0; i < set->count; i++)
            expose_endpoint(&control->cluster, set->endpoints[i], now_ms, text);
    }
    expose_localities(clusters, text);
    expose_tiers(clusters, text);
    expose_paths(clusters, text);
    expose_discovery(clusters, text);
    expose_limiters(clusters, text);
}
