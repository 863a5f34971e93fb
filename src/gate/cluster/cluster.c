#include "gate/cluster/cluster.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "gate/cluster/balance/balance.h"
#include "gate/cluster/balance/tiers.h"
#include "gate/cluster/cluster_registry.h"
#include "gate/cluster/overload/limiter.h"
#include "io/tls.h"
#include "watch/metrics.h"

enum { CONTROL_BLOCK_BYTES = 1024, CONTROL_BYTES_MAX = 8 * 1024 * 1024 };

/* ---- Workers ---- */

struct rw_endpoint *rw_cluster_choose(const struct rw_cluster *cluster,
                                      const struct rw_choice *choice)
{
    const struct rw_endpoint_set *set = atomic_load_explicit(&cluster->set, memory_order_acquire);
    if (__builtin_expect(set->tiers != NULL, 0))
        return rw_tiers_choose(set, cluster->balance, choice);
    return rw_balance_choose(set, cluster->balance, choice);
}

/* ---- The registry ---- */

static struct rw_cluster_control *control_of(struct rw_cluster *cluster)
{
    return rw_container_of(cluster, struct rw_cluster_control, cluster);
}

enum rw_err rw_clusters_create(const struct rw_clusters_options *options,
                               struct rw_clusters **clusters)
{
    struct rw_clusters *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    made->options = *options;
    rw_list_init(&made->clusters);
    rw_list_init(&made->resolvers);
    rw_list_init(&made->discoveries.all);
    made->discoveries.loop = options->loop;
    made->discoveries.known = options->known;
    for (unsigned i = 0; i < RW_CLUSTER_BUCKETS; i++)
        rw_list_init(&made->names[i]);
    enum rw_err err = rw_clusters_create_endpoints(made);
    if (!err)
        err = rw_slots_create(&made->endpoint_slots);
    if (err)
        goto out;
    err = rw_slots_create(&made->cluster_slots);
    if (err) {
        rw_slots_drop(made->endpoint_slots);
        goto out;
    }
    *clusters = made;
    made = NULL;
out:
    if (made)
        rw_free(made->endpoints);
    rw_free(made);
    return err;
}

void rw_clusters_destroy(struct rw_clusters *clusters)
{
    rw_assert(rw_list_empty(&clusters->clusters));
    rw_assert(rw_list_empty(&clusters->resolvers));
    rw_assert(rw_list_empty(&clusters->discoveries.all));
    rw_slots_drop(clusters->endpoint_slots);
    rw_slots_drop(clusters->cluster_slots);
    rw_free(clusters->endpoints);
    rw_free(clusters);
}

struct rw_list *rw_clusters_bucket(struct rw_list *buckets, struct rw_span name)
{
    return &buckets[rw_hash(name.at, name.len, 0) % RW_CLUSTER_BUCKETS];
}

uint64_t rw_clusters_now_ms(const struct rw_clusters *clusters)
{
    return clusters->options.loop ? rw_loop_now_ms(clusters->options.loop)
                                  : rw_clock_monotonic_ns() / RW_NS_PER_MS;
}

void rw_clusters_defer(struct rw_clusters *clusters, void (*release)(void *object), void *object)
{
    if (clusters->options.defer)
        clusters->options.defer(clusters->options.defer_user, release, object);
    else
        release(object);
}

struct rw_cluster_control *rw_clusters_in_force(const struct rw_clusters *clusters,
                                                struct rw_span name)
{
    struct rw_list *bucket = rw_clusters_bucket((struct rw_list *)clusters->names, name);
    struct rw_cluster_control *newest = NULL;
    for (struct rw_list *item = bucket->next; item != bucket; item = item->next) {
        struct rw_cluster_control *control = rw_container_of(item, struct rw_cluster_control, same);
        if (!rw_span_eq(control->cluster.name, name))
            continue;
        if (control->active)
            return control;
        if (!newest)
            newest = control;
    }
    return newest;
}

/* ---- Making a cluster ---- */

static bool copy_text(struct rw_cluster_control *control, struct rw_span *text)
{
    *text = rw_arena_copy(&control->arena, text->at ? *text : RW_LITERAL(""));
    return text->at != NULL;
}

/* What an endpoint may do: a response has the limits of HTTP/1.1. Many small messages, and signs of
 * life, are what streaming services live by: only floods that no service needs are bounded. `to` is
 * zeroed, padding too. */
static void set_http2(struct rw_cluster_http2 *to, const struct rw_config_upstream_http2 *config)
{
    struct rw_h2_settings *settings = &to->settings;
    settings->streams_max = config->streams;
    settings->stream_window_bytes = (uint32_t)config->stream_window_bytes;
    settings->connection_window_bytes = (uint32_t)config->connection_window_bytes;
    settings->table_bytes_max = RW_HPACK_TABLE_BYTES_DEFAULT;
    settings->head_bytes_max = 64 * 1024;
    settings->fields_max = 200;
    settings->target_bytes_max = 8 * 1024;
    settings->block_bytes_max = 64 * 1024;
    settings->continuations_max = 16;
    settings->expansion_max = 8;
    settings->output_bytes_max = 256 * 1024;
    settings->flood_max[RW_H2_FLOOD_SETTINGS] = 1000;
    settings->flood_max[RW_H2_FLOOD_PINGS] = 10000;
    settings->flood_max[RW_H2_FLOOD_EMPTY_FRAMES] = 10000;
    settings->flood_max[RW_H2_FLOOD_PRIORITIES] = 1000;
    settings->flood_max[RW_H2_FLOOD_UNKNOWN] = 10000;
    to->ping_interval_ms = config->ping_interval_ms;
    to->ping_ms = config->ping_ms;
    to->age_ms_max = config->age_ms_max;
}

/* Processes count for themselves, so that one that is killed holds nothing. At least one each. */
static uint32_t share_of(const struct rw_clusters_options *options, uint32_t limit)
{
    unsigned processes = options->processes ? options->processes : 1;
    uint32_t share = limit / processes + (options->process < limit % processes);
    return limit && !share ? 1 : share;
}

static void set_retries(struct rw_cluster_retries *to, const struct rw_config_retries *config)
{
    const int *on = config->on.items;
    for (size_t i = 0; i < config->on.count && config->tries > 1; i++)
        to->on |= 1u << on[i];
    to->tries = config->tries;
    to->backoff_ms = config->backoff_ms;
    to->backoff_ms_max = config->backoff_ms_max;
    to->try_ms = config->try_ms;
    to->body_bytes_max = (uint32_t)config->body_bytes_max;
    to->budget = config->budget;
}

const struct rw_config_active_health *rw_cluster_probed(const struct rw_cluster *cluster)
{
    const struct rw_cluster_control *control = cluster->control;
    return control->probed ? &control->health : NULL;
}

static bool copy_health(struct rw_cluster_control *control,
                        const struct rw_config_active_health *health)
{
    if (!health)
        return true;
    control->health = *health;
    control->probed = true;
    if (health->grpc) {
        control->grpc_health = *health->grpc;
        control->health.grpc = &control->grpc_health;
    }
    return copy_text(control, &control->health.path) && copy_text(control, &control->health.host) &&
           copy_text(control, &control->grpc_health.service);
}

static void set_overload(struct rw_cluster_overload *to, const struct rw_config_overload *config)
{
    to->limits = (struct rw_gradient_settings){
        .first = config->limit,
        .least = config->limit_min,
        .most = config->limit_max,
    };
    to->queue_max = config->queue_max;
    to->queue_ms_max = config->queue_ms_max;
    to->target_ms = config->target_ms;
    to->retry_after_s = (config->retry_after_ms + 999) / 1000;
    if (config->fair_by)
        to->fair_by = *config->fair_by;
}

static void set_tiers(struct rw_cluster_tiers *to, const struct rw_config *config,
                      const struct rw_config_locality *locality)
{
    *to = (struct rw_cluster_tiers){.full_percent = 100};
    if (config->locality)
        to->own = *config->locality;
    if (!locality)
        return;
    to->prefer = locality->prefer;
    to->full_percent = locality->overflow_below_percent;
}

/* What the upstream can take is known from before a reload. */
static enum rw_err find_limiter(struct rw_cluster_control *control,
                                const struct rw_config_upstream *upstream)
{
    struct rw_cluster *cluster = &control->cluster;
    struct rw_cluster_control *older = rw_clusters_in_force(control->clusters, cluster->name);
    if (!upstream->overload)
        return RW_OK;
    if (!older || !older->cluster.limiter)
        return rw_limiter_create(&cluster->overload.limits, &cluster->limiter);
    cluster->limiter = rw_limiter_hold(older->cluster.limiter);
    return RW_OK;
}

/* Nor does it forget how long answers take. */
static enum rw_err find_hedge(struct rw_cluster_control *control,
                              const struct rw_config_upstream *upstream)
{
    struct rw_cluster *cluster = &control->cluster;
    struct rw_cluster_control *older = rw_clusters_in_force(control->clusters, cluster->name);
    if (!upstream->hedging)
        return RW_OK;
    cluster->hedging = *upstream->hedging;
    if (!older || !older->cluster.hedge)
        return rw_hedge_create(&cluster->hedge);
    cluster->hedge = rw_hedge_hold(older->cluster.hedge);
    return RW_OK;
}

/* The cluster outlives the configuration it was made of. */
static enum rw_err copy_settings(struct rw_cluster_control *control, const struct rw_config *config,
                                 const struct rw_config_upstream *upstream)
{
    struct rw_cluster *cluster = &control->cluster;
    cluster->name = upstream->name;
    cluster->balance = upstream->balance;
    cluster->connections = *upstream->connections;
    cluster->connections.per_endpoint_max =
        share_of(&control->clusters->options, upstream->connections->per_endpoint_max);
    cluster->connect_ms = upstream->connect_ms;
    cluster->proxy_version = (unsigned)upstream->proxy_protocol;
    cluster->http2 = upstream->protocol == RW_PROTOCOL_HTTP2;
    cluster->negotiated = upstream->protocol == RW_PROTOCOL_AUTO;
    if (upstream->http2)
        set_http2(&cluster->http2_settings, upstream->http2);
    cluster->host = upstream->host;
    if (upstream->hash)
        cluster->hash = *upstream->hash;
    if (upstream->retries)
        set_retries(&cluster->retries, upstream->retries);
    if (upstream->overload)
        set_overload(&cluster->overload, upstream->overload);
    if (upstream->passive_health)
        cluster->passive = *upstream->passive_health;
    if (upstream->tls)
        cluster->tls_name = upstream->tls->name;
    set_tiers(&cluster->tiers, config, upstream->locality);
    bool copied =
        copy_text(control, &cluster->name) && copy_text(control, &cluster->host) &&
        copy_text(control, &cluster->hash.name) &&
        copy_text(control, &cluster->overload.fair_by.name) &&
        copy_text(control, &cluster->tls_name) && copy_text(control, &cluster->tiers.own.zone) &&
        copy_text(control, &cluster->tiers.own.region) &&
        copy_text(control, &cluster->tiers.own.cloud) && copy_health(control, upstream->health);
    return copied ? RW_OK : RW_ENOMEM;
}

static enum rw_err tell_tls(const struct rw_config_tls_client *config, enum rw_err err,
                            const struct rw_text *why, struct rw_conf_report *report)
{
    struct rw_span rest = why->len ? rw_text_span(why) : rw_span_text(rw_err_text(err)), line;
    if (err == RW_ENOMEM)
        return err;
    while (rw_span_next(&rest, '\n', &line))
        if (line.len)
            rw_conf_mistake_at(report, config->place, "%.*s", RW_SPAN_ARGS(line));
    return RW_EINVAL;
}

static enum rw_err make_tls_client(const struct rw_config_tls_client *config,
                                   const struct rw_span *alpn, size_t alpn_count,
                                   struct rw_conf_report *report, struct rw_tls_client **client)
{
    const struct rw_tls_client_options options = {
        .insecure = !config->verify,
        .ca = config->ca,
        .name = config->name,
        .cert = config->cert,
        .key = config->key,
        .alpn = alpn,
        .alpn_count = alpn_count,
        .min_version = (enum rw_tls_version)config->min_version,
    };
    struct rw_text why = {0};
    enum rw_err err = rw_tls_client_create(&options, client, &why);
    if (err) {
        *client = NULL;
        err = tell_tls(config, err, &why, report);
    }
    rw_text_free(&why);
    return err;
}

static enum rw_err make_tls(struct rw_cluster *cluster, const struct rw_config_tls_client *config,
                            struct rw_conf_report *report)
{
    static const struct rw_span alpn[] = {{"h2", 2}, {"http/1.1", 8}};
    if (!config)
        return RW_OK;
    bool http2 = cluster->http2 || cluster->negotiated;
    enum rw_err err =
        make_tls_client(config, &alpn[!http2], cluster->negotiated ? 2 : 1, report, &cluster->tls);
    if (!err && cluster->negotiated)
        err = make_tls_client(config, &alpn[1], 1, report, &cluster->tls_http1);
    return err;
}

/* What no worker needs any more, or never saw. */
static void release_control(void *object)
{
    struct rw_cluster_control *control = object;
    struct rw_endpoint_set *set = atomic_load_explicit(&control->cluster.set, memory_order_relaxed);
    if (set)
        rw_endpoint_set_destroy(set);
    rw_tls_client_drop(control->cluster.tls);
    rw_tls_client_drop(control->cluster.tls_http1);
    rw_limiter_drop(control->cluster.limiter);
    rw_hedge_drop(control->cluster.hedge);
    rw_slots_give(control->slots, control->cluster.slot);
    rw_slots_drop(control->slots);
    rw_arena_free(&control->arena);
    rw_free(control);
}

static enum rw_err alloc_control(struct rw_clusters *clusters, struct rw_span name,
                                 struct rw_cluster_control **control)
{
    struct rw_cluster_control *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    enum rw_err err = rw_slots_take(clusters->cluster_slots, &made->cluster.slot);
    if (err) {
        rw_free(made);
        return err;
    }
    made->slots = rw_slots_hold(clusters->cluster_slots);
    made->clusters = clusters;
    made->cluster.control = made;
    if (clusters->options.metrics)
        made->cluster.series = rw_metrics_series(clusters->options.metrics, RW_SERIES_UPSTREAM,
                                                 name, (struct rw_span){0});
    rw_arena_init(&made->arena, NULL, 0, CONTROL_BLOCK_BYTES, CONTROL_BYTES_MAX);
    *control = made;
    return RW_OK;
}

static enum rw_err fill_control(struct rw_cluster_control *control, const struct rw_config *config,
                                const struct rw_config_upstream *upstream,
                                struct rw_conf_report *report)
{
    struct rw_endpoint_set *empty;
    enum rw_err err = copy_settings(control, config, upstream);
    if (!err)
        err = find_limiter(control, upstream);
    if (!err)
        err = find_hedge(control, upstream);
    if (!err)
        err = make_tls(&control->cluster, upstream->tls, report);
    if (!err)
        err = rw_endpoint_set_create(NULL, 0, upstream->balance, &empty);
    if (err)
        return err;
    atomic_init(&control->cluster.set, empty);
    err = rw_cluster_read_lines(control, upstream, report);
    if (!err)
        err = rw_cluster_read_sources(control, config, upstream, report);
    return err ? err : rw_cluster_refresh(control);
}

enum rw_err rw_clusters_make(struct rw_clusters *clusters, const struct rw_config *config,
                             const struct rw_config_upstream *upstream, bool wait,
                             struct rw_conf_report *report, struct rw_cluster **cluster)
{
    struct rw_cluster_control *control;
    enum rw_err err = alloc_control(clusters, upstream->name, &control);
    if (err)
        return err;
    err = fill_control(control, config, upstream, report);
    if (err) {
        rw_cluster_stop_sources(control);
        release_control(control);
        return err;
    }
    rw_list_push_front(&clusters->clusters, &control->link);
    rw_list_push_front(rw_clusters_bucket(clusters->names, control->cluster.name), &control->same);
    if (wait && control->resolver)
        rw_resolver_settle(control->resolver->resolver, config->dns->timeout_ms);
    *cluster = &control->cluster;
    return RW_OK;
}

void rw_clusters_settle(struct rw_clusters *clusters, uint32_t ms_max)
{
    uint64_t deadline_ms = rw_clock_monotonic_ns() / RW_NS_PER_MS + ms_max;
    for (struct rw_list *item = clusters->resolvers.next; item != &clusters->resolvers;
         item = item->next) {
        uint64_t now_ms = rw_clock_monotonic_ns() / RW_NS_PER_MS;
        uint32_t left_ms = now_ms < deadline_ms ? (uint32_t)(deadline_ms - now_ms) : 0;
        rw_resolver_settle(rw_container_of(item, struct rw_cluster_resolver, link)->resolver,
                           left_ms);
    }
}

/* ---- Panic ---- */

static unsigned count_up(const struct rw_endpoint_set *set)
{
    unsigned up = 0;
    for (unsigned i = 0; i < set->count; i++)
        up += !atomic_load_explicit(&set->endpoints[i]->probe_failed, memory_order_relaxed);
    return up;
}

/* True: it is other than before. */
static bool judge_set(struct rw_endpoint_set *set, uint32_t panic_percent)
{
    bool panic = (uint64_t)count_up(set) * 100 < (uint64_t)panic_percent * set->count;
    for (unsigned i = 0; set->tiers && i < set->tiers->count; i++)
        atomic_store_explicit(&set->tiers->tiers[i].set->panic, panic, memory_order_relaxed);
    return atomic_exchange_explicit(&set->panic, panic, memory_order_relaxed) != panic;
}

/* Requests that began before a reload go by the sets of older clusters, and nobody else judges
 * these. */
static void judge_older(const struct rw_cluster_control *control, uint32_t panic_percent)
{
    struct rw_span name = control->cluster.name;
    struct rw_list *bucket = rw_clusters_bucket(control->clusters->names, name);
    for (struct rw_list *item = bucket->next; item != bucket; item = item->next) {
        const struct rw_cluster_control *other =
            rw_container_of(item, struct rw_cluster_control, same);
        if (other != control && rw_span_eq(other->cluster.name, name))
            judge_set(atomic_load_explicit(&other->cluster.set, memory_order_relaxed),
                      panic_percent);
    }
}

void rw_cluster_judge_panic(const struct rw_cluster *cluster, uint32_t panic_percent)
{
    const struct rw_cluster_control *control = cluster->control;
    struct rw_endpoint_set *set = atomic_load_explicit(&cluster->set, memory_order_relaxed);
    if (control->active)
        judge_older(control, panic_percent);
    if (!judge_set(set, panic_percent))
        return;
    bool panic = atomic_load_explicit(&set->panic, memory_order_relaxed);
    rw_log_at(panic ? RW_LOG_WARN : RW_LOG_INFO, "health",
              "upstream %.*s: %u of %u endpoints are up: probes are %s",
              RW_SPAN_ARGS(cluster->name), count_up(set), set->count,
              panic ? "not believed, all are asked" : "believed again");
}

/* ---- Coming into force, going ---- */

static void stop_probes(struct rw_cluster_control *control)
{
    rw_health_destroy(control->probes);
    control->probes = NULL;
}

/* Nobody probes any more: what probes found must not stand for ever, nor for requests that began
 * before a reload, whose endpoints may be others. */
static void forget_probes(struct rw_cluster_control *control)
{
    struct rw_span name = control->cluster.name;
    struct rw_list *bucket = rw_clusters_bucket(control->clusters->names, name);
    for (struct rw_list *item = bucket->next; item != bucket; item = item->next) {
        struct rw_cluster_control *one = rw_container_of(item, struct rw_cluster_control, same);
        if (!rw_span_eq(one->cluster.name, name))
            continue;
        struct rw_endpoint_set *set = atomic_load_explicit(&one->cluster.set, memory_order_relaxed);
        for (unsigned i = 0; i < set->count; i++)
            atomic_store_explicit(&set->endpoints[i]->probe_failed, false, memory_order_relaxed);
    }
    rw_cluster_judge_panic(&control->cluster, 0);
}

/* The newest that has probes of the same kind lets them go on. */
static void hand_over_probes(struct rw_cluster_control *from, struct rw_cluster_control *to)
{
    if (!from->probes || !to->probed || to->probes ||
        !rw_health_hand_over(from->probes, &to->cluster, &to->health))
        return;
    to->probes = from->probes;
    from->probes = NULL;
}

static void retire_older(struct rw_clusters *clusters, struct rw_cluster_control *newest)
{
    struct rw_list *bucket = rw_clusters_bucket(clusters->names, newest->cluster.name);
    for (struct rw_list *item = bucket->next; item != bucket; item = item->next) {
        struct rw_cluster_control *control = rw_container_of(item, struct rw_cluster_control, same);
        if (control == newest || !rw_span_eq(control->cluster.name, newest->cluster.name))
            continue;
        hand_over_probes(control, newest);
        stop_probes(control);
        control->active = false;
    }
}

void rw_clusters_activate(struct rw_clusters *clusters, struct rw_cluster *cluster)
{
    struct rw_cluster_control *control = control_of(cluster);
    if (control->active)
        return;
    retire_older(clusters, control);
    control->active = true;
    if (control->probed && clusters->options.loop) {
        rw_cluster_start_probes(control);
        rw_cluster_judge_panic(cluster, control->health.panic_percent);
    } else {
        forget_probes(control);
    }
}

void rw_cluster_drop(struct rw_clusters *clusters, struct rw_cluster *cluster)
{
    struct rw_cluster_control *control = control_of(cluster);
    stop_probes(control);
    rw_cluster_stop_sources(control);
    rw_list_remove(&control->link);
    rw_list_remove(&control->same);
    rw_clusters_count_out(clusters, atomic_load_explicit(&cluster->set, memory_order_relaxed));
    rw_clusters_defer(clusters, release_control, control);
}
