/* Several policies hold for one request, those of the listener and of the route: where what they
 * admit has nothing in common, the client could go nowhere. That is a mistake as well, told before
 * any request meets it. */
#include "gate/cluster/balance/residency.h"
#include "gate/route/router.h"
#include "gate/snapshot.h"
#include "policy/residency/residency_private.h"

/* No country's name: of one that no rule has by name. */
#define NO_NAME "--"

enum { POLICIES_MAX = 8 };

struct together {
    const struct rw_residency_config *policies[POLICIES_MAX]; /* as they are asked */
    const void *last;                                         /* its instance */
    unsigned count;
};

static void gather(struct together *together, const struct rw_policy_use *uses, unsigned count)
{
    for (unsigned i = 0; i < count && together->count < POLICIES_MAX; i++) {
        if (uses[i].policy != &rw_policy_residency)
            continue;
        together->last = uses[i].instance;
        together->policies[together->count++] = rw_residency_config_of(uses[i].instance);
    }
}

/* ---- One place ---- */

/* The rules for it that keep to regions; 0: a rule refuses it, or none is for it. */
static unsigned find_rules(const struct together *together, const struct rw_geo_place *place,
                           const struct rw_residency_rule_config **rules)
{
    unsigned count = 0;
    for (unsigned i = 0; i < together->count; i++) {
        rules[count] = rw_residency_rule_for(together->policies[i], place);
        if (rules[count] && rules[count]->refuse)
            return 0;
        count += rules[count] != NULL;
    }
    return count;
}

static bool all_admit(const struct rw_residency_rule_config *const *rules, unsigned count,
                      struct rw_span region)
{
    for (unsigned i = 0; i < count; i++) {
        const struct rw_regions regions = {rules[i]->regions.items, rules[i]->regions.count};
        if (!rw_regions_have(&regions, region))
            return false;
    }
    return true;
}

static bool leave_one(const struct rw_residency_rule_config *const *rules, unsigned count,
                      const struct rw_config_upstream *upstream)
{
    const struct rw_config_endpoint *endpoints = upstream->endpoints.items;
    for (size_t i = 0; i < upstream->endpoints.count; i++)
        if (endpoints[i].weight && all_admit(rules, count, endpoints[i].locality.region))
            return true;
    return upstream->discovery; /* whose endpoints are not known here */
}

static struct rw_span name_of(const struct rw_geo_place *place)
{
    if (!place->country[0])
        return RW_LITERAL("of unknown countries");
    if (memcmp(place->country, NO_NAME, 2) == 0)
        return place->eu ? RW_LITERAL("from the rest of the EU") : RW_LITERAL("from elsewhere");
    return rw_span(place->country, 2);
}

static bool can_go(const struct together *together, const struct rw_geo_place *place,
                   const struct rw_route *route, const struct rw_snapshot *snapshot,
                   struct rw_conf_report *report)
{
    const struct rw_residency_rule_config *rules[POLICIES_MAX];
    const struct rw_config_upstream *upstream;
    unsigned count = find_rules(together, place, rules);
    for (unsigned i = 0; count > 1 && (upstream = rw_residency_upstream(route, snapshot, i)); i++) {
        if (leave_one(rules, count, upstream))
            continue;
        struct rw_span name = name_of(place);
        rw_conf_mistake_at(
            report, rules[count - 1]->place,
            "the rules %s and %s together leave clients %s%.*s no endpoint of the "
            "upstream %s, to which the route %s sends requests",
            rw_conf_quote(report, rules[0]->name), rw_conf_quote(report, rules[count - 1]->name),
            name.len == 2 ? "from " : "", RW_SPAN_ARGS(name), rw_conf_quote(report, upstream->name),
            rw_conf_quote(report, route->name));
        return false;
    }
    return true;
}

/* ---- All places ---- */

/* Each country that a rule has by name. */
static bool named_can_go(const struct together *together, const struct rw_conf_list *clients,
                         const struct rw_route *route, const struct rw_snapshot *snapshot,
                         struct rw_conf_report *report)
{
    const struct rw_span *names = clients->items;
    for (size_t i = 0; i < clients->count; i++) {
        struct rw_geo_place place = {.eu = false};
        if (names[i].len != sizeof(place.country) || rw_span_is(names[i], "EU"))
            continue;
        memcpy(place.country, names[i].at, sizeof(place.country));
        place.eu = rw_geo_is_eu(place.country);
        if (!can_go(together, &place, route, snapshot, report))
            return false;
    }
    return true;
}

/* The first mistake is enough. */
static enum rw_err check_together(const struct together *together, const struct rw_route *route,
                                  const struct rw_snapshot *snapshot, struct rw_conf_report *report)
{
    static const struct rw_geo_place others[] = {
        {.country = NO_NAME, .eu = true}, {.country = NO_NAME, .eu = false}, {.eu = false}};
    for (unsigned i = 0; i < together->count; i++) {
        const struct rw_residency_rule_config *rules = together->policies[i]->rules.items;
        for (size_t k = 0; k < together->policies[i]->rules.count; k++)
            if (!named_can_go(together, &rules[k].clients, route, snapshot, report))
                return RW_EINVAL;
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (!can_go(together, &others[i], route, snapshot, report))
            return RW_EINVAL;
    return RW_OK;
}

enum rw_err rw_residency_check_together(const void *instance, const struct rw_route *route,
                                        const struct rw_snapshot *snapshot,
                                        struct rw_conf_report *report)
{
    for (unsigned i = 0; i < snapshot->listener_count; i++) {
        const struct rw_listener_settings *listener = &snapshot->listeners[i];
        struct together together = {.count = 0};
        if (!rw_route_takes_listener(route, listener->name))
            continue;
        gather(&together, listener->policies, listener->policy_count);
        gather(&together, route->policies, route->policy_count);
        enum rw_err err = together.count > 1 && together.last == instance
                              ? check_together(&together, route, snapshot, report)
                              : RW_OK;
        if (err)
            return err;
    }
    return RW_OK;
}
