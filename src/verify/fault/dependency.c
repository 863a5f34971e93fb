/* What a configuration depends on, and the pairs of chaos coverage that follow. */
#include "verify/fault/class.h"

bool rw_endpoint_has_name(const struct rw_config_endpoint *endpoint,
                          struct rw_conf_address *address)
{
    struct rw_conf_cidr numeric;
    if (rw_conf_address(endpoint->address, true, address))
        return false;
    return address->srv.len || (address->host.len && rw_conf_cidr(address->host, &numeric) &&
                                !rw_span_is_nocase(address->host, "localhost"));
}

static bool has_name(const struct rw_config_upstream *upstream)
{
    const struct rw_config_endpoint *endpoints = upstream->endpoints.items;
    struct rw_conf_address address;
    for (size_t i = 0; i < upstream->endpoints.count; i++)
        if (rw_endpoint_has_name(&endpoints[i], &address))
            return true;
    return false;
}

static bool any_has_name(const struct rw_config *config)
{
    const struct rw_config_upstream *upstreams = config->upstreams.items;
    for (size_t i = 0; i < config->upstreams.count; i++)
        if (has_name(&upstreams[i]))
            return true;
    return false;
}

/* Of a kind that there is at most once. */
static bool has_kind(const struct rw_config *config, enum rw_dependency_kind kind)
{
    switch (kind) {
    case RW_DEPENDENCY_DNS:
        return any_has_name(config);
    case RW_DEPENDENCY_REDIS:
        return config->rate_limits && config->rate_limits->redis;
    case RW_DEPENDENCY_WORKER:
    case RW_DEPENDENCY_LIMITS:
    case RW_DEPENDENCY_CLOCK:
    case RW_DEPENDENCY_CLIENTS:
    case RW_DEPENDENCY_CONFIGURATION:
        return true;
    default: /* DATABASE and BROKER: a configuration has none, the acceptance file may name some */
        return false;
    }
}

static void add(struct rw_dependencies *dependencies, enum rw_dependency_kind kind,
                struct rw_span name, struct rw_conf_place place)
{
    dependencies->items[dependencies->count++] =
        (struct rw_dependency){.kind = kind, .name = name, .place = place};
}

static void add_upstreams(const struct rw_config *config, enum rw_dependency_kind kind,
                          struct rw_dependencies *dependencies)
{
    const struct rw_config_upstream *upstreams = config->upstreams.items;
    for (size_t i = 0; i < config->upstreams.count; i++) {
        const struct rw_config_tls_client *tls = upstreams[i].tls;
        if (kind == RW_DEPENDENCY_UPSTREAM || (tls && tls->verify))
            add(dependencies, kind, upstreams[i].name, upstreams[i].place);
    }
}

enum rw_err rw_dependencies_of(const struct rw_config *config, struct rw_arena *arena,
                               struct rw_dependencies *dependencies)
{
    size_t most = 2 * config->upstreams.count + RW_DEPENDENCY_KIND_COUNT;
    *dependencies = (struct rw_dependencies){0};
    if (most > RW_DEPENDENCIES_MAX)
        return RW_ELIMIT;
    dependencies->items = rw_arena_zero(arena, most * sizeof(*dependencies->items));
    if (!dependencies->items)
        return RW_ENOMEM;
    for (unsigned i = 0; i < RW_DEPENDENCY_KIND_COUNT; i++) {
        enum rw_dependency_kind kind = (enum rw_dependency_kind)i;
        if (kind == RW_DEPENDENCY_UPSTREAM || kind == RW_DEPENDENCY_CERTIFICATE)
            add_upstreams(config, kind, dependencies);
        else if (has_kind(config, kind))
            add(dependencies, kind, rw_span_text(rw_dependency_name(kind)),
                (struct rw_conf_place){0});
    }
    return RW_OK;
}

/* ---- Pairs ---- */

static size_t pairs_of(const struct rw_dependency *dependency)
{
    size_t count = 0;
    for (unsigned i = 0; i < RW_FAULT_CLASS_COUNT; i++)
        count += rw_fault_applies((enum rw_fault_class)i, dependency->kind);
    return count;
}

size_t rw_fault_pairs(const struct rw_dependencies *dependencies)
{
    size_t count = 0;
    for (size_t i = 0; i < dependencies->count; i++)
        count += pairs_of(&dependencies->items[i]);
    return count;
}

static enum rw_fault_class fault_at(enum rw_dependency_kind kind, size_t index)
{
    unsigned fault = 0;
    while (!rw_fault_applies((enum rw_fault_class)fault, kind) || index--)
        fault++;
    return (enum rw_fault_class)fault;
}

void rw_fault_pair(const struct rw_dependencies *dependencies, size_t index,
                   const struct rw_dependency **dependency, enum rw_fault_class *fault)
{
    const struct rw_dependency *at = dependencies->items;
    for (; index >= pairs_of(at); at++)
        index -= pairs_of(at);
    *dependency = at;
    *fault = fault_at(at->kind, index);
}
