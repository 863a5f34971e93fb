/* A rule that leaves an upstream no endpoint is a mistake, told before any request meets it. */
#include "gate/cluster/balance/residency.h"
#include "gate/cluster/cluster.h"
#include "gate/release/release.h"
#include "gate/snapshot.h"
#include "origin/release.h"
#include "origin/upstream.h"
#include "policy/residency/residency_private.h"

static bool leaves_one(const struct rw_residency_rule_config *rule,
                       const struct rw_config_upstream *upstream)
{
    const struct rw_config_endpoint *endpoints = upstream->endpoints.items;
    const struct rw_regions regions = {rule->regions.items, rule->regions.count};
    for (size_t i = 0; i < upstream->endpoints.count; i++)
        if (endpoints[i].weight && rw_regions_have(&regions, endpoints[i].locality.region))
            return true;
    return rule->refuse || upstream->discovery; /* whose endpoints are not known here */
}

static const struct rw_cluster *cluster_of(const struct rw_route *route, unsigned index)
{
    if (route->origin == &rw_origin_upstream && index == 0)
        return route->origin_instance;
    if (route->origin != &rw_origin_release)
        return NULL;
    const struct rw_release *release = route->origin_instance;
    return index < release->count ? release->versions[index].cluster : NULL;
}

const struct rw_config_upstream *rw_residency_upstream(const struct rw_route *route,
                                                       const struct rw_snapshot *snapshot,
                                                       unsigned index)
{
    const struct rw_cluster *cluster = cluster_of(route, index);
    return cluster ? rw_config_upstream_named(snapshot->config, cluster->name) : NULL;
}

static enum rw_err check_upstream(const struct rw_residency_config *config,
                                  const struct rw_route *route,
                                  const struct rw_config_upstream *upstream,
                                  struct rw_conf_report *report)
{
    const struct rw_residency_rule_config *rules = config->rules.items;
    enum rw_err err = RW_OK;
    for (size_t i = 0; i < config->rules.count; i++) {
        if (leaves_one(&rules[i], upstream))
            continue;
        rw_conf_mistake_at(report, rules[i].place,
                           "the rule %s leaves no endpoint of the upstream %s, to which the route "
                           "%s sends requests: none has a region that it admits",
                           rw_conf_quote(report, rules[i].name),
                           rw_conf_quote(report, upstream->name),
                           rw_conf_quote(report, route->name));
        err = RW_EINVAL;
    }
    return err;
}

enum rw_err rw_residency_check_route(const struct rw_residency_config *config,
                                     const struct rw_route *route,
                                     const struct rw_snapshot *snapshot,
                                     struct rw_conf_report *report)
{
    const struct rw_config_upstream *upstream;
    enum rw_err result = RW_OK;
    for (unsigned i = 0; (upstream = rw_residency_upstream(route, snapshot, i)); i++) {
        enum rw_err err = check_upstream(config, route, upstream, report);
        result = err ? err : result;
    }
    return result;
}
