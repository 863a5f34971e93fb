#include "gate/snapshot.h"

#include "base/alloc.h"
#include "gate/config_warnings.h"
#include "gate/front/forwarded.h"
#include "gate/identity/consumers.h"
#include "gate/route/circles.h"
#include "gate/snapshot_tls.h"
#include "io/tls.h"

/* ---- Policies ---- */

static const struct rw_config_policy *policy_named(const struct rw_config *config,
                                                   struct rw_span name)
{
    const struct rw_config_policy *policies = config->policies.items;
    for (size_t i = 0; i < config->policies.count; i++)
        if (rw_span_eq(policies[i].name, name))
            return &policies[i];
    return NULL;
}

/* What a use means: written in place, or by the name of one of `policies`. NULL: the checks of the
 * configuration have told already. */
static const struct rw_conf_variant *meant_by(const struct rw_config *config,
                                              const struct rw_config_policy_use *item)
{
    const struct rw_conf_variant *kind = &item->kind;
    if (item->use.len) {
        const struct rw_config_policy *named = policy_named(config, item->use);
        kind = named ? &named->kind : kind;
    }
    return kind->kind ? kind : NULL;
}

/* All uses of one of `policies` have one instance where that does not depend on the place: a list
 * of 100,000 networks is read once, the signature of a token is checked once. */
static enum rw_err compile_policy(struct rw_compile *compile, const struct rw_conf_variant *kind,
                                  struct rw_policy_use *use)
{
    struct rw_map *known = &compile->snapshot->policy_by_config;
    const struct rw_span key = rw_span((const char *)&kind->value, sizeof(kind->value));
    use->policy = kind->kind->user;
    compile->place = kind->place;
    use->instance = use->policy->placeless ? rw_map_get(known, key) : NULL;
    use->borrowed = use->instance != NULL;
    if (use->borrowed)
        return RW_OK;
    enum rw_err err = use->policy->compile(compile, kind->value, &use->instance);
    if (err || !use->policy->placeless)
        return err;
    err = rw_map_put(known, key, use->instance);
    if (err && use->policy->destroy)
        use->policy->destroy(use->instance);
    return err;
}

/* "route:shop": a route and a listener may have one name. */
static enum rw_err name_series(const struct rw_compile *compile, const char *place,
                               struct rw_span name, struct rw_policy_use *use)
{
    if (!compile->metrics || !use->policy->on_request)
        return RW_OK;
    struct rw_span label = rw_arena_format(compile->arena, "%s:%.*s", place, RW_SPAN_ARGS(name));
    if (!label.at)
        return RW_ENOMEM;
    use->series = rw_metrics_series(compile->metrics, RW_SERIES_POLICY,
                                    rw_span_text(use->policy->kind.name), label);
    return RW_OK;
}

/* Of the listener or route (`place`) of this name. All of them, so that all mistakes are told at
 * once. */
static enum rw_err compile_policies(struct rw_compile *compile, const struct rw_conf_list *list,
                                    const char *place, struct rw_span name,
                                    struct rw_policy_use **uses, unsigned *count)
{
    const struct rw_config_policy_use *items = list->items;
    enum rw_err result = RW_OK;
    *uses = list->count ? rw_arena_zero(compile->arena, list->count * sizeof(**uses)) : NULL;
    if (list->count && !*uses)
        return RW_ENOMEM;
    for (size_t i = 0; i < list->count && result != RW_ENOMEM; i++) {
        const struct rw_conf_variant *kind = meant_by(compile->snapshot->config, &items[i]);
        struct rw_policy_use *use = &(*uses)[*count];
        enum rw_err err = kind ? compile_policy(compile, kind, use) : RW_EINVAL;
        *count += !err;
        err = err ? err : name_series(compile, place, name, use);
        result = err ? err : result;
    }
    return result;
}

static void destroy_policies(struct rw_policy_use *uses, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (uses[i].policy->destroy && !uses[i].borrowed)
            uses[i].policy->destroy(uses[i].instance);
}

/* ---- Listeners ---- */

static struct rw_h1_limits h1_limits(const struct rw_config_limits *limits)
{
    struct rw_h1_limits h1 = rw_h1_limits_default;
    h1.head_bytes_max = (uint32_t)limits->head_bytes;
    h1.target_bytes_max = (uint32_t)limits->target_bytes;
    h1.fields_max = (uint16_t)limits->fields;
    return h1;
}

static bool speaks(const struct rw_config_listener *config, enum rw_config_protocol protocol)
{
    const int *protocols = config->protocols.items;
    for (size_t i = 0; i < config->protocols.count; i++)
        if (protocols[i] == (int)protocol)
            return true;
    return false;
}

static enum rw_err compile_listener(struct rw_compile *compile,
                                    const struct rw_snapshot_options *options,
                                    struct rw_config_listener *config,
                                    struct rw_listener_settings *to)
{
    *to = (struct rw_listener_settings){
        .name = config->name,
        .address_text = config->address,
        .config = config,
        .timeouts = config->timeouts,
        .limits = config->limits,
        .h1 = h1_limits(config->limits),
        .http1 = speaks(config, RW_PROTOCOL_HTTP1),
        .http2 = speaks(config, RW_PROTOCOL_HTTP2),
        .fd_count = options->workers,
    };
    to->fds = rw_arena_alloc(compile->arena, options->workers * sizeof(int));
    if (!to->fds)
        return RW_ENOMEM;
    for (unsigned i = 0; i < options->workers; i++)
        to->fds[i] = -1;
    enum rw_err err = rw_address_parse(config->address, &to->address);
    if (err) {
        rw_conf_mistake_at(compile->report, config->place, "address %.*s: %s",
                           RW_SPAN_ARGS(config->address), rw_err_text(err));
        return RW_EINVAL;
    }
    err = rw_cidrs_parse(&compile->snapshot->arena, &config->trusted_proxies, &to->trusted,
                         &to->trusted_count);
    if (!err && config->tls)
        err = rw_snapshot_tls_server(config, options->ticket_keys, compile->report,
                                     options->warnings, &to->tls);
    if (!err)
        err = compile_policies(compile, &config->policies, "listener", to->name, &to->policies,
                               &to->policy_count);
    return err;
}

static enum rw_err compile_listeners(struct rw_compile *compile,
                                     const struct rw_snapshot_options *options)
{
    struct rw_snapshot *snapshot = compile->snapshot;
    const struct rw_conf_list *list = &snapshot->config->listeners;
    struct rw_config_listener *items = list->items;
    snapshot->listeners =
        rw_arena_zero(compile->arena, (list->count + 1) * sizeof(*snapshot->listeners));
    if (!snapshot->listeners)
        return RW_ENOMEM;
    enum rw_err result = RW_OK;
    for (size_t i = 0; i < list->count; i++) {
        struct rw_listener_settings *to = &snapshot->listeners[snapshot->listener_count++];
        enum rw_err err = compile_listener(compile, options, &items[i], to);
        if (err == RW_ENOMEM)
            return err;
        result = err ? err : result;
    }
    return result;
}

/* ---- Clusters and routes ---- */

static enum rw_err compile_clusters(struct rw_compile *compile,
                                    const struct rw_snapshot_options *options)
{
    struct rw_snapshot *snapshot = compile->snapshot;
    const struct rw_conf_list *list = &snapshot->config->upstreams;
    const struct rw_config_upstream *items = list->items;
    snapshot->clusters =
        rw_arena_zero(compile->arena, (list->count + 1) * sizeof(*snapshot->clusters));
    if (!snapshot->clusters)
        return RW_ENOMEM;
    enum rw_err result = RW_OK;
    for (size_t i = 0; i < list->count; i++) {
        struct rw_cluster *cluster = NULL;
        enum rw_err err = rw_clusters_make(options->clusters, snapshot->config, &items[i], false,
                                           compile->report, &cluster);
        if (!err) {
            snapshot->clusters[snapshot->cluster_count++] = cluster;
            err = rw_map_put(&snapshot->cluster_by_name, items[i].name, cluster);
        }
        if (err == RW_ENOMEM)
            return err;
        result = err ? err : result;
    }
    if (!result)
        rw_config_warn_of_upstreams(snapshot->config, compile->report->file, options->warnings);
    uint32_t wait_ms = snapshot->config->dns->timeout_ms;
    if (wait_ms > options->dns_wait_ms_max)
        wait_ms = options->dns_wait_ms_max;
    if (wait_ms && !result)
        rw_clusters_settle(options->clusters, wait_ms);
    return result;
}

static enum rw_err compile_route(struct rw_compile *compile,
                                 const struct rw_snapshot_options *options,
                                 struct rw_config_route *config, struct rw_route *to)
{
    to->name = config->name;
    to->config = config;
    to->first_byte_ms = config->timeouts->first_byte_ms;
    to->total_ms = config->timeouts->total_ms & INT32_MAX;
    to->own_deadline = config->timeouts->deadline_field.len > 0;
    if (options->metrics)
        to->series =
            rw_metrics_series(options->metrics, RW_SERIES_ROUTE, config->name, (struct rw_span){0});
    if (!config->action.kind)
        return RW_EINVAL; /* told by the config checks already */
    const struct rw_origin *origin = config->action.kind->user;
    compile->place = config->action.place;
    compile->route = config;
    enum rw_err err = origin->compile(compile, config->action.value, &to->origin_instance);
    if (err == RW_ENOMEM)
        return err;
    if (!err)
        to->origin = origin;
    enum rw_err policies = compile_policies(compile, &config->policies, "route", to->name,
                                            &to->policies, &to->policy_count);
    return policies ? policies : err;
}

static enum rw_err compile_routes(struct rw_compile *compile,
                                  const struct rw_snapshot_options *options)
{
    struct rw_snapshot *snapshot = compile->snapshot;
    const struct rw_conf_list *list = &snapshot->config->routes;
    struct rw_config_route *items = list->items;
    char *room = rw_arena_zero(compile->arena, (list->count + 2) * sizeof(*snapshot->routes));
    if (!room)
        return RW_ENOMEM;
    room += -(uintptr_t)room % sizeof(*snapshot->routes);
    snapshot->routes = (struct rw_route *)room;
    enum rw_err result = RW_OK;
    for (size_t i = 0; i < list->count; i++) {
        struct rw_route *to = &snapshot->routes[snapshot->route_count++];
        enum rw_err err = compile_route(compile, options, &items[i], to);
        if (err == RW_ENOMEM)
            return err;
        result = err ? err : result;
    }
    if (options->metrics)
        snapshot->route_series_none = rw_metrics_series(options->metrics, RW_SERIES_ROUTE,
                                                        RW_LITERAL("_none"), (struct rw_span){0});
    enum rw_err err = rw_router_create(snapshot->config, compile->report, &snapshot->router);
    return err ? err : result;
}

/* ---- Policies and routes together ---- */

bool rw_route_takes_listener(const struct rw_route *route, struct rw_span listener)
{
    const struct rw_config_match *match = route->config->match;
    const struct rw_span *names = match->listeners.items;
    for (size_t i = 0; i < match->listeners.count; i++)
        if (rw_span_eq(names[i], listener))
            return true;
    return match->listeners.count == 0;
}

static enum rw_err check_uses(const struct rw_snapshot *snapshot, const struct rw_route *route,
                              const struct rw_policy_use *uses, unsigned count,
                              struct rw_conf_report *report)
{
    enum rw_err result = RW_OK;
    for (unsigned i = 0; i < count && result != RW_ENOMEM; i++) {
        if (!uses[i].policy->check_route)
            continue;
        enum rw_err err = uses[i].policy->check_route(uses[i].instance, route, snapshot, report);
        result = err ? err : result;
    }
    return result;
}

static enum rw_err check_policies(const struct rw_snapshot *snapshot, struct rw_conf_report *report)
{
    enum rw_err result = RW_OK;
    for (unsigned r = 0; r < snapshot->route_count && result != RW_ENOMEM; r++) {
        const struct rw_route *route = &snapshot->routes[r];
        enum rw_err err = check_uses(snapshot, route, route->policies, route->policy_count, report);
        result = err ? err : result;
        if (route->origin->check_route && result != RW_ENOMEM)
            err = route->origin->check_route(route->origin_instance, route, snapshot, report);
        result = err ? err : result;
        for (unsigned l = 0; l < snapshot->listener_count && result != RW_ENOMEM; l++) {
            const struct rw_listener_settings *listener = &snapshot->listeners[l];
            if (!rw_route_takes_listener(route, listener->name))
                continue;
            err = check_uses(snapshot, route, listener->policies, listener->policy_count, report);
            result = err ? err : result;
        }
    }
    return result;
}

/* ---- The whole ---- */

static enum rw_err compile_redis(struct rw_snapshot *snapshot, struct rw_conf_report *report)
{
    const struct rw_config_redis *redis = snapshot->config->rate_limits->redis;
    if (!redis)
        return RW_OK;
    enum rw_err err = rw_snapshot_tls_client(redis->tls, report, &snapshot->redis_tls);
    if (!err && redis->sentinel)
        err = rw_snapshot_tls_client(redis->sentinel->tls, report, &snapshot->sentinel_tls);
    return err;
}

static enum rw_err compile_consumers(struct rw_compile *compile)
{
    struct rw_snapshot *snapshot = compile->snapshot;
    const struct rw_config_identity *identity = snapshot->config->identity;
    snapshot->tells_identity =
        identity->consumer_field.len || identity->tenant_field.len || identity->claim_fields.count;
    if (snapshot->config->consumers.count == 0)
        return RW_OK;
    return rw_consumers_create(snapshot->config, snapshot->worker_count, compile->arena,
                               compile->report, &snapshot->consumers);
}

static enum rw_err compile_all(struct rw_snapshot *snapshot,
                               const struct rw_snapshot_options *options,
                               struct rw_conf_report *report)
{
    struct rw_compile compile = {.snapshot = snapshot,
                                 .arena = &snapshot->arena,
                                 .report = report,
                                 .metrics = options->metrics,
                                 .meters = options->meters,
                                 .shares = options->shares,
                                 .documents = options->documents,
                                 .release_states = options->release_states,
                                 .samples = options->samples};
    enum rw_err consumers = compile_consumers(&compile);
    if (consumers == RW_ENOMEM)
        return consumers;
    enum rw_err clusters = compile_clusters(&compile, options);
    if (clusters == RW_ENOMEM)
        return clusters;
    enum rw_err listeners = compile_listeners(&compile, options);
    if (listeners == RW_ENOMEM)
        return listeners;
    /* A route to one of those clusters that could not be made says nothing more. */
    enum rw_err routes = compile_routes(&compile, options);
    if (routes == RW_ENOMEM)
        return routes;
    if (!clusters && !listeners && !routes)
        routes = rw_tcp_routes_compile(snapshot, options->metrics);
    enum rw_err first = consumers   ? consumers
                        : clusters  ? clusters
                        : listeners ? listeners
                                    : routes;
    if (!first)
        first = check_policies(snapshot, report);
    if (!first)
        first = compile_redis(snapshot, report);
    return first ? first : rw_circles_check(snapshot, report);
}

enum rw_err rw_snapshot_create(const struct rw_snapshot_options *options, struct rw_arena *arena,
                               struct rw_config *config, struct rw_conf_report *report,
                               struct rw_snapshot **out)
{
    rw_assert(options->workers > 0 && options->workers <= RW_WORKERS_MAX);
    struct rw_snapshot *snapshot = rw_alloc_zero(sizeof(*snapshot));
    if (!snapshot)
        return RW_ENOMEM;
    snapshot->arena = *arena;
    snapshot->config = config;
    snapshot->generation = options->generation;
    snapshot->worker_count = options->workers;
    atomic_init(&snapshot->users, 1);
    rw_map_init(&snapshot->cluster_by_name, 0);
    rw_map_init(&snapshot->limit_by_name, 0);
    rw_map_init(&snapshot->policy_by_config, 0);
    rw_map_init(&snapshot->tcp.by_name, 0);
    snapshot->pins = rw_alloc_aligned(64, options->workers * sizeof(*snapshot->pins));
    enum rw_err err = RW_ENOMEM;
    if (snapshot->pins) {
        memset(snapshot->pins, 0, options->workers * sizeof(*snapshot->pins));
        err = compile_all(snapshot, options, report);
    }
    if (err) {
        *arena = snapshot->arena; /* stays the caller's */
        snapshot->arena = (struct rw_arena){0};
        rw_snapshot_destroy(snapshot, options->clusters);
        return err;
    }
    *arena = (struct rw_arena){0};
    *out = snapshot;
    return RW_OK;
}

void rw_snapshot_destroy(struct rw_snapshot *snapshot, struct rw_clusters *clusters)
{
    for (unsigned i = 0; i < snapshot->route_count; i++) {
        struct rw_route *route = &snapshot->routes[i];
        destroy_policies(route->policies, route->policy_count);
        if (route->origin && route->origin->destroy)
            route->origin->destroy(route->origin_instance);
    }
    for (unsigned i = 0; i < snapshot->listener_count; i++) {
        destroy_policies(snapshot->listeners[i].policies, snapshot->listeners[i].policy_count);
        rw_tls_server_drop(snapshot->listeners[i].tls);
    }
    rw_tls_client_drop(snapshot->redis_tls);
    rw_tls_client_drop(snapshot->sentinel_tls);
    rw_tcp_routes_free(&snapshot->tcp);
    if (snapshot->router)
        rw_router_destroy(snapshot->router);
    for (unsigned i = 0; i < snapshot->cluster_count; i++)
        rw_cluster_drop(clusters, snapshot->clusters[i]);
    rw_map_free(&snapshot->cluster_by_name);
    rw_map_free(&snapshot->limit_by_name);
    rw_map_free(&snapshot->policy_by_config);
    rw_consumers_destroy(snapshot->consumers);
    rw_free(snapshot->pins);
    rw_arena_free(&snapshot->arena);
    rw_free(snapshot);
}

/* ---- References ---- */

void rw_snapshot_drop(struct rw_snapshot *snapshot)
{
    if (atomic_fetch_sub_explicit(&snapshot->users, 1, memory_order_acq_rel) == 1)
        snapshot->release(snapshot);
}

void rw_snapshot_unpin(struct rw_snapshot *snapshot, unsigned worker)
{
    struct rw_snapshot_pins *pins = &snapshot->pins[worker];
    rw_assert(pins->count > 0);
    pins->count--;
    if (pins->count == 0 && !pins->current)
        rw_snapshot_drop(snapshot);
}

void rw_snapshot_set_current(struct rw_snapshot *snapshot, unsigned worker, bool current)
{
    struct rw_snapshot_pins *pins = &snapshot->pins[worker];
    bool was = pins->current;
    pins->current = current;
    /* The reference for this worker was taken by whoever published the snapshot. */
    if (was && !current && pins->count == 0)
        rw_snapshot_drop(snapshot);
}

void rw_snapshot_hold(struct rw_snapshot *snapshot, unsigned count)
{
    atomic_fetch_add_explicit(&snapshot->users, count, memory_order_relaxed);
}

struct rw_cluster *rw_snapshot_cluster(const struct rw_snapshot *snapshot, struct rw_span name)
{
    return rw_map_get(&snapshot->cluster_by_name, name);
}
