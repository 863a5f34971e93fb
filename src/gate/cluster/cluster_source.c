#include "base/alloc.h"
#include "base/log.h"
#include "gate/cluster/balance/balance.h"
#include "gate/cluster/balance/tiers.h"
#include "gate/cluster/cluster_registry.h"

#include <stdlib.h>

enum { REFRESH_RETRY_MS = 1000 };

/* ---- Reading what is configured ---- */

static void on_resolved(struct rw_resolve_use *use);
static void on_discovered(struct rw_discovery_use *use);
static void retry_refresh(struct rw_timer *timer);

static bool set_text(struct rw_cluster_control *control, struct rw_span *to, struct rw_span text)
{
    *to = rw_arena_copy(&control->arena, text);
    return to->at != NULL;
}

/* A numeric or Unix address: it is its own host. */
static enum rw_err set_fixed(struct rw_cluster_source *source)
{
    char text[RW_ADDRESS_HOST_TEXT_MAX];
    size_t len = source->address.storage.ss_family == AF_UNIX
                     ? 0
                     : rw_address_format_host(text, rw_address_sockaddr(&source->address));
    return set_text(source->control, &source->host, rw_span(text, len)) ? RW_OK : RW_ENOMEM;
}

/* The resolver whose settings are those of the configuration. */
static enum rw_err use_resolver(struct rw_cluster_control *control, const struct rw_config *config)
{
    struct rw_clusters *clusters = control->clusters;
    for (struct rw_list *item = clusters->resolvers.next; item != &clusters->resolvers;
         item = item->next) {
        struct rw_cluster_resolver *known = rw_container_of(item, struct rw_cluster_resolver, link);
        if (rw_resolver_is(known->resolver, config->dns)) {
            known->clusters++;
            control->resolver = known;
            return RW_OK;
        }
    }
    struct rw_cluster_resolver *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    enum rw_err err = rw_resolver_create(clusters->options.loop, clusters->options.known,
                                         config->dns, &made->resolver);
    if (err) {
        rw_free(made);
        return err;
    }
    made->clusters = 1;
    rw_list_push_front(&clusters->resolvers, &made->link);
    control->resolver = made;
    return RW_OK;
}

static enum rw_err start_name(struct rw_cluster_source *source, const struct rw_config *config,
                              struct rw_span name, bool srv)
{
    struct rw_cluster_control *control = source->control;
    source->named = true;
    source->use.changed = on_resolved;
    /* Without a loop (a check, the simulation) the name stays unknown. */
    if (!control->clusters->options.loop)
        return RW_OK;
    enum rw_err err = control->resolver ? RW_OK : use_resolver(control, config);
    if (!err)
        err = rw_resolve_start(control->resolver->resolver, name, srv, &source->use);
    return err;
}

static enum rw_err read_name(struct rw_cluster_source *source, const struct rw_config *config,
                             struct rw_span text)
{
    const struct rw_span srv = RW_LITERAL("srv:");
    if (rw_span_starts(text, srv)) {
        source->host = RW_LITERAL("");
        return start_name(source, config, rw_span_skip(text, srv.len), true);
    }
    const char *colon = text.len ? memrchr(text.at, ':', text.len) : NULL;
    size_t len = colon ? (size_t)(colon - text.at) : 0;
    uint64_t port;
    if (len == 0 || memchr(text.at, ':', len) || memchr(text.at, '\0', text.len) ||
        !rw_span_to_u64(rw_span_skip(text, len + 1), &port) || port == 0 || port > UINT16_MAX)
        return RW_EINVAL;
    source->port = (uint16_t)port;
    if (!set_text(source->control, &source->host, rw_span(text.at, len)))
        return RW_ENOMEM;
    return start_name(source, config, source->host, false);
}

static enum rw_err set_locality(struct rw_cluster_source *source,
                                const struct rw_locality *locality)
{
    struct rw_cluster_control *control = source->control;
    bool copied = set_text(control, &source->locality.zone, locality->zone) &&
                  set_text(control, &source->locality.region, locality->region) &&
                  set_text(control, &source->locality.cloud, locality->cloud);
    return copied ? RW_OK : RW_ENOMEM;
}

static enum rw_err read_source(struct rw_cluster_source *source, const struct rw_config *config,
                               const struct rw_config_endpoint *endpoint)
{
    source->weight = endpoint->weight;
    source->priority = endpoint->priority;
    if (!set_text(source->control, &source->text, endpoint->address))
        return RW_ENOMEM;
    enum rw_err err = set_locality(source, &endpoint->locality);
    if (err)
        return err;
    err = rw_address_parse(endpoint->address, &source->address);
    if (err == RW_OK)
        return set_fixed(source);
    /* A Unix path that is too long, or malformed, is no name of a host. */
    if (err != RW_EINVAL || rw_span_starts(endpoint->address, RW_LITERAL("unix:")))
        return err;
    return read_name(source, config, endpoint->address);
}

static enum rw_err name_servers(struct rw_cluster_control *control,
                                const struct rw_config_etcd *etcd)
{
    const struct rw_span *servers = etcd->servers.items;
    struct rw_text text = {0};
    for (size_t i = 0; i < etcd->servers.count; i++)
        rw_text_addf(&text, "%s%.*s", i ? ", " : "", RW_SPAN_ARGS(servers[i]));
    bool named = !text.err && set_text(control, &control->discovery_from, rw_text_span(&text));
    rw_text_free(&text);
    return named ? RW_OK : RW_ENOMEM;
}

static enum rw_err name_discovery(struct rw_cluster_control *control,
                                  const struct rw_config_discovery *config)
{
    struct rw_span what = config->file, kind = RW_LITERAL("file");
    if (config->etcd) {
        kind = RW_LITERAL("etcd");
        what = config->etcd->prefix;
        enum rw_err err = name_servers(control, config->etcd);
        if (err)
            return err;
    } else if (config->kubernetes) {
        kind = RW_LITERAL("kubernetes");
        what = config->kubernetes->service;
        if (!set_text(control, &control->discovery_from, config->kubernetes->server))
            return RW_ENOMEM;
    }
    control->cluster.discovery =
        rw_arena_format(&control->arena, "%.*s %.*s", RW_SPAN_ARGS(kind), RW_SPAN_ARGS(what));
    return control->cluster.discovery.at ? RW_OK : RW_ENOMEM;
}

/* Without a loop (a check, the simulation) only what a file says is found. */
static enum rw_err start_discovery(struct rw_cluster_control *control,
                                   const struct rw_config *config,
                                   const struct rw_config_upstream *upstream,
                                   struct rw_conf_report *report)
{
    struct rw_clusters *clusters = control->clusters;
    if (!upstream->discovery)
        return RW_OK;
    enum rw_err err = name_discovery(control, upstream->discovery);
    control->discovery.changed = on_discovered;
    if (err)
        return err;
    if (!clusters->options.loop && !upstream->discovery->file.len)
        return rw_discovery_check(upstream->discovery, report);
    return rw_discovery_start(&clusters->discoveries, control->cluster.name, upstream->discovery,
                              config->dns, report, &control->discovery);
}

enum rw_err rw_cluster_read_sources(struct rw_cluster_control *control,
                                    const struct rw_config *config,
                                    const struct rw_config_upstream *upstream,
                                    struct rw_conf_report *report)
{
    const struct rw_config_endpoint *endpoints = upstream->endpoints.items;
    size_t count = upstream->endpoints.count;
    control->retry.fire = retry_refresh;
    if (count > RW_CLUSTER_ENDPOINTS_MAX) {
        rw_conf_mistake_at(report, upstream->place, "%zu endpoints, at most %d are allowed", count,
                           (int)RW_CLUSTER_ENDPOINTS_MAX);
        return RW_EINVAL;
    }
    control->sources = rw_arena_zero(&control->arena, (count + 1) * sizeof(*control->sources));
    if (!control->sources)
        return RW_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct rw_cluster_source *source = &control->sources[control->source_count++];
        source->control = control;
        enum rw_err err = read_source(source, config, &endpoints[i]);
        if (err == RW_EINVAL || err == RW_ELIMIT) {
            rw_conf_mistake_at(report, endpoints[i].place, "cannot use the address \"%.*s\": %s",
                               RW_SPAN_ARGS(endpoints[i].address), rw_err_text(err));
            return RW_EINVAL;
        }
        if (err)
            return err;
    }
    return start_discovery(control, config, upstream, report);
}

void rw_cluster_stop_sources(struct rw_cluster_control *control)
{
    rw_discovery_stop(&control->discovery);
    for (unsigned i = 0; i < control->source_count; i++)
        rw_resolve_stop(&control->sources[i].use);
    if (control->clusters->options.loop)
        rw_timer_stop(control->clusters->options.loop, &control->retry);
    struct rw_cluster_resolver *resolver = control->resolver;
    control->resolver = NULL;
    if (!resolver || --resolver->clusters > 0)
        return;
    rw_list_remove(&resolver->link);
    rw_resolver_destroy(resolver->resolver);
    rw_free(resolver);
}

/* ---- From sources to a set ---- */

struct gathered {
    struct rw_balance_member *members;
    unsigned count, room;
    unsigned left_out;
    bool once; /* an address that is there twice counts once */
};

/* Priority first, then how near it is. */
static uint32_t rank_of(const struct rw_cluster_source *source, const struct rw_cluster_line *line)
{
    const struct rw_cluster_tiers *tiers = &source->control->cluster.tiers;
    enum rw_distance distance = rw_locality_distance(&tiers->own, &source->locality);
    uint32_t priority = source->priority + line->priority;
    if (priority >= RW_PRIORITIES) /* of one that was discovered */
        priority = RW_PRIORITIES - 1;
    return priority * RW_DISTANCE_COUNT +
           rw_locality_prefer(distance, (enum rw_prefer)tiers->prefer);
}

static enum rw_err add_by_line(struct gathered *gathered, const struct rw_cluster_source *source,
                               const struct rw_cluster_line *line, const struct rw_address *address,
                               struct rw_span host, uint64_t weight)
{
    struct rw_cluster_control *control = source->control;
    const struct rw_endpoint_identity identity = {
        .upstream = control->cluster.name,
        .address = address,
        .host = host,
        .locality = source->locality,
        .path = control->paths ? &line->path : NULL,
    };
    if (gathered->count == RW_CLUSTER_ENDPOINTS_MAX) {
        gathered->left_out++;
        return RW_OK;
    }
    if (gathered->count == gathered->room) {
        unsigned room = gathered->room ? gathered->room * 2 : 16;
        void *members = rw_realloc(gathered->members, room * sizeof(*gathered->members));
        if (!members)
            return RW_ENOMEM;
        gathered->members = members;
        gathered->room = room;
    }
    struct rw_balance_member *member = &gathered->members[gathered->count];
    enum rw_err err = rw_clusters_endpoint(control->clusters, &identity, &member->endpoint);
    if (err)
        return err;
    member->weight = weight < UINT32_MAX ? (uint32_t)weight : UINT32_MAX;
    member->rank = rank_of(source, line);
    gathered->count++;
    return RW_OK;
}

/* From an IPv4 address no way leads to an IPv6 one. */
static bool leads_to(const struct rw_cluster_line *line, const struct rw_address *address)
{
    return !line->path.source.bytes ||
           line->path.source.storage.ss_family == address->storage.ss_family;
}

/* By every line one. */
static enum rw_err add_member(struct gathered *gathered, const struct rw_cluster_source *source,
                              const struct rw_address *address, struct rw_span host,
                              uint64_t weight)
{
    const struct rw_cluster_control *control = source->control;
    enum rw_err err = RW_OK;
    for (unsigned i = 0; i < control->line_count && !err; i++)
        if (leads_to(&control->lines[i], address))
            err = add_by_line(gathered, source, &control->lines[i], address, host,
                              weight * control->lines[i].weight);
    return err;
}

static enum rw_err gather_source(struct gathered *gathered, struct rw_cluster_source *source)
{
    uint64_t weight = (uint64_t)source->weight;
    if (!source->named)
        return add_member(gathered, source, &source->address, source->host,
                          weight * RW_RESOLVE_WEIGHT_ONE);
    size_t count = 0;
    const struct rw_resolved *resolved = NULL;
    if (source->use.name)
        resolved = rw_resolve_answer(&source->use, &count);
    enum rw_err err = RW_OK;
    for (size_t i = 0; i < count && !err; i++) {
        struct rw_address address = resolved[i].address;
        if (source->port)
            rw_address_set_port(&address.storage, source->port);
        err = add_member(gathered, source, &address, resolved[i].host, weight * resolved[i].weight);
    }
    return err;
}

/* What was found, as if it were configured. */
static enum rw_err gather_discovered(struct gathered *gathered, struct rw_cluster_control *control)
{
    const struct rw_discovered *found = NULL;
    enum rw_err err = RW_OK;
    gathered->once = true;
    while (!err && (found = rw_discovery_next(&control->discovery, found))) {
        const struct rw_cluster_source source = {
            .control = control, .priority = found->priority, .locality = found->locality};
        char host[RW_ADDRESS_HOST_TEXT_MAX];
        size_t len = found->address.storage.ss_family == AF_UNIX
                         ? 0
                         : rw_address_format_host(host, rw_address_sockaddr(&found->address));
        err = add_member(gathered, &source, &found->address, rw_span(host, len),
                         (uint64_t)found->weight * RW_RESOLVE_WEIGHT_ONE);
    }
    return err;
}

/* The configured ones do until it is known what there is. */
static enum rw_err gather(struct gathered *gathered, struct rw_cluster_control *control)
{
    enum rw_err err = RW_OK;
    if (rw_discovery_answered(&control->discovery))
        return gather_discovered(gathered, control);
    for (unsigned i = 0; i < control->source_count && !err; i++)
        err = gather_source(gathered, &control->sources[i]);
    return err;
}

static int compare_spans(struct rw_span a, struct rw_span b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    if (order)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

/* By name, then host, so that of one address with several hosts always the same one stays; of one
 * in several places the nearest. */
static int compare_members(const void *a, const void *b)
{
    const struct rw_endpoint *left = ((const struct rw_balance_member *)a)->endpoint;
    const struct rw_endpoint *right = ((const struct rw_balance_member *)b)->endpoint;
    int order = compare_spans(left->name, right->name);
    if (order)
        return order;
    uint32_t left_rank = ((const struct rw_balance_member *)a)->rank;
    uint32_t right_rank = ((const struct rw_balance_member *)b)->rank;
    if (left_rank != right_rank)
        return left_rank < right_rank ? -1 : 1;
    return compare_spans(left->host, right->host);
}

/* Two sources that are configured share the work of one address; of two entries that were found one
 * is old, or on its way from one slice to another. */
static uint32_t merge_weights(const struct gathered *gathered, uint32_t a, uint32_t b)
{
    if (gathered->once)
        return a > b ? a : b;
    return a < UINT32_MAX - b ? a + b : UINT32_MAX;
}

/* An address that several sources gave is one endpoint. */
static void sort_members(struct gathered *gathered)
{
    unsigned kept = 0;
    if (gathered->count)
        qsort(gathered->members, gathered->count, sizeof(*gathered->members), compare_members);
    for (unsigned i = 0; i < gathered->count; i++) {
        struct rw_balance_member *member = &gathered->members[i];
        struct rw_balance_member *last = kept ? &gathered->members[kept - 1] : NULL;
        if (last && rw_span_eq(last->endpoint->name, member->endpoint->name)) {
            last->weight = merge_weights(gathered, last->weight, member->weight);
            rw_endpoint_drop(member->endpoint);
        } else {
            gathered->members[kept++] = *member;
        }
    }
    gathered->count = kept;
}

static bool is_in_force(const struct rw_endpoint_set *set, const struct gathered *gathered)
{
    if (set->count != gathered->count)
        return false;
    for (unsigned i = 0; i < set->count; i++) {
        if (set->endpoints[i] != gathered->members[i].endpoint ||
            set->weights[i] != gathered->members[i].weight ||
            set->ranks[i] != gathered->members[i].rank)
            return false;
    }
    return true;
}

void rw_cluster_start_probes(struct rw_cluster_control *control)
{
    struct rw_loop *loop = control->clusters->options.loop;
    struct rw_endpoint_set *set = atomic_load_explicit(&control->cluster.set, memory_order_relaxed);
    enum rw_err err = RW_OK;
    if (!control->probes)
        err = rw_health_create(loop, &control->cluster, &control->health, &control->probes);
    if (!err)
        err = rw_health_sync(control->probes, set);
    if (!err)
        return;
    rw_log_limited(RW_LOG_ERROR, "cluster", "upstream %.*s: cannot probe all endpoints: %s",
                   RW_SPAN_ARGS(control->cluster.name), rw_err_text(err));
    rw_timer_start(loop, &control->retry, rw_loop_now_ms(loop) + REFRESH_RETRY_MS);
}

static void release_set(void *object)
{
    rw_endpoint_set_destroy(object);
}

static void put_into_force(struct rw_cluster_control *control, struct rw_endpoint_set *set)
{
    struct rw_clusters *clusters = control->clusters;
    struct rw_endpoint_set *old = atomic_load_explicit(&control->cluster.set, memory_order_relaxed);
    rw_clusters_count_in(clusters, set);
    atomic_store_explicit(&control->cluster.set, set, memory_order_release);
    rw_cluster_judge_panic(&control->cluster, control->health.panic_percent);
    rw_clusters_count_out(clusters, old);
    if (control->probes)
        rw_cluster_start_probes(control);
    /* Before it is listed, no worker can have seen it. */
    if (rw_list_linked(&control->link))
        rw_clusters_defer(clusters, release_set, old);
    else
        rw_endpoint_set_destroy(old);
}

/* Of the configuration these are mistakes, told when it is read; what is found at run time is in
 * force, and somebody should know. */
static void tell_of_nothing(const struct rw_cluster_control *control,
                            const struct rw_endpoint_set *set)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < set->count; i++)
        sum += set->weights[i];
    if (sum || !rw_discovery_answered(&control->discovery))
        return;
    const char *what = set->count ? "every endpoint that was found has the weight 0"
                                  : "there is no endpoint any more";
    rw_log_limited(RW_LOG_WARN, "discovery", "upstream %.*s: %s: requests get 503",
                   RW_SPAN_ARGS(control->cluster.name), what);
}

static enum rw_err make_set(const struct rw_cluster_control *control,
                            const struct gathered *gathered, struct rw_endpoint_set **set)
{
    const struct rw_cluster *cluster = &control->cluster;
    enum rw_err err =
        rw_endpoint_set_create(gathered->members, gathered->count, cluster->balance, set);
    if (err)
        return err;
    err = rw_endpoint_set_add_tiers(*set, gathered->members, cluster->balance,
                                    cluster->tiers.full_percent);
    if (err)
        rw_endpoint_set_destroy(*set);
    return err;
}

enum rw_err rw_cluster_refresh(struct rw_cluster_control *control)
{
    struct gathered gathered = {0};
    struct rw_endpoint_set *set = NULL;
    enum rw_err err = gather(&gathered, control);
    if (err)
        goto out;
    sort_members(&gathered);
    if (gathered.left_out)
        rw_log_limited(
            RW_LOG_WARN, "cluster", "upstream %.*s: %u endpoints left out, the limit is %d",
            RW_SPAN_ARGS(control->cluster.name), gathered.left_out, (int)RW_CLUSTER_ENDPOINTS_MAX);
    if (is_in_force(atomic_load_explicit(&control->cluster.set, memory_order_relaxed), &gathered))
        goto out;
    err = make_set(control, &gathered, &set);
    if (err)
        goto out;
    tell_of_nothing(control, set);
    put_into_force(control, set);
out:
    for (unsigned i = 0; i < gathered.count; i++)
        rw_endpoint_drop(gathered.members[i].endpoint);
    rw_free(gathered.members);
    return err;
}

static void refresh_or_retry(struct rw_cluster_control *control)
{
    enum rw_err err = rw_cluster_refresh(control);
    if (!err)
        return;
    struct rw_loop *loop = control->clusters->options.loop;
    rw_log_limited(RW_LOG_ERROR, "cluster", "upstream %.*s: cannot take over new addresses: %s",
                   RW_SPAN_ARGS(control->cluster.name), rw_err_text(err));
    rw_timer_start(loop, &control->retry, rw_loop_now_ms(loop) + REFRESH_RETRY_MS);
}

static void on_resolved(struct rw_resolve_use *use)
{
    refresh_or_retry(rw_container_of(use, struct rw_cluster_source, use)->control);
}

static void on_discovered(struct rw_discovery_use *use)
{
    refresh_or_retry(rw_container_of(use, struct rw_cluster_control, discovery));
}

static void retry_refresh(struct rw_timer *timer)
{
    struct rw_cluster_control *control = rw_container_of(timer, struct rw_cluster_control, retry);
    if (control->active && control->probed)
        rw_cluster_start_probes(control);
    refresh_or_retry(control);
}
