/* What no single value shows: names that are taken or that nobody has, options that do not go
 * together. */
#include "base/alloc.h"
#include "base/map.h"
#include "conf/scalar.h"
#include "gate/config/config_release.h"
#include "gate/config/config_tables.h"

#define EACH(type, item, list)                                                                     \
    type *item = (list).items;                                                                     \
    item &&item < (type *)(list).items + (list).count;                                             \
    item++

/* ---- Names ---- */

/* A table of names, and the same names as C texts for the search of the nearest. */
struct names {
    struct rw_map map;
    const char **texts;
    size_t count;
};

/* "listener-3" for the third listener, unless somebody took that. */
static void name_item(struct rw_conf_report *report, struct rw_map *taken, const char *kind,
                      size_t number, struct rw_span *name)
{
    struct rw_arena *results = rw_conf_results(report);
    *name = rw_arena_format(results, "%s-%zu", kind, number);
    for (unsigned again = 2; name->at && rw_map_get(taken, *name); again++)
        *name = rw_arena_format(results, "%s-%zu-%u", kind, number, again);
    if (!name->at || rw_map_put(taken, *name, name)) {
        *name = RW_LITERAL("");
        report->err = RW_ENOMEM;
    }
}

static void names_add(struct rw_conf_report *report, struct names *names, struct rw_span *name)
{
    if (name->len == 0)
        return;
    if (rw_map_put(&names->map, *name, name))
        report->err = RW_ENOMEM;
    else
        names->texts[names->count++] = name->at;
}

static bool names_init(struct rw_conf_report *report, struct names *names, size_t room)
{
    *names = (struct names){0};
    rw_map_init(&names->map, 0x5eed);
    names->texts = rw_alloc((room + 1) * sizeof(*names->texts));
    if (!names->texts)
        report->err = RW_ENOMEM;
    return names->texts != NULL;
}

static void names_free(struct names *names)
{
    rw_map_free(&names->map);
    rw_free(names->texts);
}

static void expect_name(struct rw_conf_report *report, const struct names *names,
                        const struct rw_span *name, const char *kind)
{
    if (name->len == 0 || rw_map_get(&names->map, *name) || rw_conf_report_full(report))
        return;
    const char *hint = rw_span_find(*name, ':') >= 0 ? "; a name is expected, not an address"
                       : names->count == 0
                           ? "; there is none"
                           : rw_conf_hint(report, *name, names->texts, names->count);
    rw_conf_mistake_on(report, name, "unknown %s %s%s", kind, rw_conf_quote(report, *name), hint);
}

/* ---- Listeners ---- */

/* An address in one form, whichever way it was written. */
struct address_key {
    unsigned char host[16];
    uint16_t port;
    bool v6;
};

/* False: an address that cannot be in the way of another. */
static bool make_key(struct rw_span address, struct address_key *key, struct rw_span *text)
{
    struct rw_conf_address parts;
    struct rw_conf_cidr host;
    memset(key, 0, sizeof(*key));
    *text = address;
    if (rw_conf_address(address, false, &parts))
        return false;
    if (parts.path.len)
        return true;
    if (parts.host.len == 0)
        parts.host = RW_LITERAL("0.0.0.0");
    if (rw_conf_cidr(parts.host, &host))
        return false;
    memcpy(key->host, host.bits, sizeof(key->host));
    key->port = parts.port;
    key->v6 = host.v6;
    *text = rw_span((const char *)key, sizeof(*key));
    return true;
}

static void take_address(struct rw_conf_report *report, struct rw_map *taken,
                         struct address_key *key, struct rw_span *address)
{
    struct rw_span text;
    if (!make_key(*address, key, &text))
        return;
    const struct rw_span *earlier = rw_map_get(taken, text);
    if (earlier)
        rw_conf_mistake_on(report, address, "the address %s is taken already, in line %u",
                           rw_conf_quote(report, *address), rw_conf_place_of(report, earlier).line);
    else if (rw_map_put(taken, text, address))
        report->err = RW_ENOMEM;
}

static void check_addresses(struct rw_config *config, struct rw_conf_report *report)
{
    struct rw_map taken;
    rw_map_init(&taken, 0x5eed);
    struct address_key *keys = rw_alloc((config->listeners.count + 1) * sizeof(*keys));
    struct address_key *key = keys;
    if (!keys) {
        report->err = RW_ENOMEM;
        return;
    }
    for (EACH(struct rw_config_listener, listener, config->listeners))
        take_address(report, &taken, key++, &listener->address);
    if (config->admin)
        take_address(report, &taken, key, &config->admin->address);
    rw_map_free(&taken);
    rw_free(keys);
}

static void check_uses(struct rw_conf_report *report, const struct names *policies,
                       const struct rw_conf_list *uses)
{
    for (EACH(struct rw_config_policy_use, use, *uses))
        expect_name(report, policies, &use->use, "policy");
}

static void check_listeners(struct rw_config *config, struct rw_conf_report *report,
                            const struct names *policies, struct names *listeners)
{
    for (EACH(struct rw_config_listener, named, config->listeners))
        names_add(report, listeners, &named->name);
    size_t number = 0;
    for (EACH(struct rw_config_listener, listener, config->listeners)) {
        number++;
        if (listener->name.len == 0) {
            name_item(report, &listeners->map, "listener", number, &listener->name);
            listeners->texts[listeners->count++] = listener->name.at;
        }
        check_uses(report, policies, &listener->policies);
    }
    check_addresses(config, report);
}

/* ---- Routes ---- */

static void name_routes(struct rw_config *config, struct rw_conf_report *report)
{
    struct rw_map taken;
    rw_map_init(&taken, 0x5eed);
    for (EACH(struct rw_config_route, named, config->routes))
        if (named->name.len && rw_map_put(&taken, named->name, named))
            report->err = RW_ENOMEM;
    size_t number = 0;
    for (EACH(struct rw_config_route, route, config->routes)) {
        number++;
        if (route->name.len == 0)
            name_item(report, &taken, "route", number, &route->name);
    }
    rw_map_free(&taken);
}

static void check_action(struct rw_conf_report *report, const struct names *upstreams,
                         const struct rw_conf_variant *action)
{
    if (!action->kind || !action->value)
        return;
    if (!action->kind->record && strcmp(action->kind->name, "upstream") == 0)
        expect_name(report, upstreams, action->value, "upstream");
    if (action->kind->record != &rw_config_release_record)
        return;
    const struct rw_config_release *release = action->value;
    for (EACH(struct rw_config_version, version, release->versions))
        expect_name(report, upstreams, &version->upstream, "upstream");
}

static void check_routes(struct rw_config *config, struct rw_conf_report *report,
                         const struct names *policies, const struct names *listeners,
                         const struct names *upstreams)
{
    name_routes(config, report);
    for (EACH(struct rw_config_route, route, config->routes)) {
        if (route->match)
            for (EACH(struct rw_span, name, route->match->listeners))
                expect_name(report, listeners, name, "listener");
        check_action(report, upstreams, &route->action);
        check_uses(report, policies, &route->policies);
    }
}

/* Names of listeners are unique by now. */
static bool speaks_tcp(const struct rw_config *config, struct rw_span name)
{
    for (EACH(const struct rw_config_listener, listener, config->listeners))
        if (rw_span_eq(listener->name, name))
            return listener->protocol == RW_LISTENER_TCP;
    return true; /* told already */
}

/* May its connections carry more than one conversation? */
static bool shares_connections(const struct rw_config *config, struct rw_span name)
{
    const struct rw_config_upstream *upstream = rw_config_upstream_named(config, name);
    return upstream && upstream->protocol != RW_PROTOCOL_HTTP1; /* none: told already */
}

static void check_tcp_routes(struct rw_config *config, struct rw_conf_report *report,
                             const struct names *listeners, const struct names *upstreams)
{
    for (EACH(struct rw_config_tcp_route, route, config->tcp_routes)) {
        for (EACH(struct rw_span, name, route->match->listeners)) {
            expect_name(report, listeners, name, "listener");
            if (!speaks_tcp(config, *name))
                rw_conf_mistake_on(report, name, "the listener %s does not have \"protocol: tcp\"",
                                   rw_conf_quote(report, *name));
        }
        expect_name(report, upstreams, &route->upstream, "upstream");
        if (shares_connections(config, route->upstream))
            rw_conf_mistake_on(report, &route->upstream,
                               "the upstream %s does not have \"protocol: http1\": its connections "
                               "carry requests and no bytes of a TCP route",
                               rw_conf_quote(report, route->upstream));
    }
}

/* ---- The whole ---- */

void rw_config_check(void *value, struct rw_conf_report *report)
{
    struct rw_config *config = value;
    struct names policies = {0}, listeners = {0}, upstreams = {0};
    if (names_init(report, &policies, config->policies.count) &&
        names_init(report, &listeners, config->listeners.count) &&
        names_init(report, &upstreams, config->upstreams.count)) {
        for (EACH(struct rw_config_policy, policy, config->policies))
            names_add(report, &policies, &policy->name);
        for (EACH(struct rw_config_upstream, upstream, config->upstreams))
            names_add(report, &upstreams, &upstream->name);
        check_listeners(config, report, &policies, &listeners);
        check_routes(config, report, &policies, &listeners, &upstreams);
        check_tcp_routes(config, report, &listeners, &upstreams);
    }
    names_free(&policies);
    names_free(&listeners);
    names_free(&upstreams);
}
