#include "gate/tunnel/tcp_routes.h"

#include "gate/snapshot.h"
#include "io/tls_hello.h"

#include <netinet/in.h>
#include <stdio.h>

enum { KEY_BYTES_MAX = RW_TLS_HELLO_NAME_MAX + 16 };

/* ---- Compiling ---- */

static bool takes_listener(const struct rw_config_tcp_route *route,
                           const struct rw_listener_settings *listener)
{
    const struct rw_span *names = route->match->listeners.items;
    if (listener->config->protocol != RW_LISTENER_TCP)
        return false;
    for (size_t i = 0; i < route->match->listeners.count; i++)
        if (rw_span_eq(names[i], listener->name))
            return true;
    return route->match->listeners.count == 0;
}

static struct rw_span lower_name(char *to, struct rw_span name)
{
    if (name.len && name.at[name.len - 1] == '.')
        name.len--;
    for (size_t i = 0; i < name.len; i++)
        to[i] = rw_lower(name.at[i]);
    return rw_span(to, name.len);
}

/* The first route in the file keeps its place. */
static enum rw_err put(struct rw_snapshot *snapshot, unsigned listener, struct rw_span name,
                       struct rw_tcp_route *route)
{
    char lower[RW_TLS_HELLO_NAME_MAX];
    name = lower_name(lower, name);
    struct rw_span key = rw_arena_format(&snapshot->arena, "%u/%.*s", listener, RW_SPAN_ARGS(name));
    if (!key.at)
        return RW_ENOMEM;
    if (rw_map_get(&snapshot->tcp.by_name, key))
        return RW_OK;
    return rw_map_put(&snapshot->tcp.by_name, key, route);
}

static enum rw_err put_all(struct rw_snapshot *snapshot, unsigned listener,
                           struct rw_tcp_route *route)
{
    const struct rw_conf_list *names = &route->config->match->sni;
    enum rw_err err = RW_OK;
    if (names->count == 0)
        return put(snapshot, listener, RW_LITERAL(""), route);
    snapshot->tcp.by_sni[listener] = true;
    for (size_t i = 0; i < names->count && !err; i++)
        err = put(snapshot, listener, ((const struct rw_span *)names->items)[i], route);
    return err;
}

enum rw_err rw_tcp_routes_compile(struct rw_snapshot *snapshot, struct rw_metrics *metrics)
{
    struct rw_tcp_routes *tcp = &snapshot->tcp;
    const struct rw_conf_list *list = &snapshot->config->tcp_routes;
    const struct rw_config_tcp_route *items = list->items;
    tcp->routes = rw_arena_zero(&snapshot->arena, (list->count + 1) * sizeof(*tcp->routes));
    tcp->by_sni =
        rw_arena_zero(&snapshot->arena, (snapshot->listener_count + 1) * sizeof(*tcp->by_sni));
    if (!tcp->routes || !tcp->by_sni)
        return RW_ENOMEM;
    for (size_t i = 0; i < list->count; i++) {
        struct rw_tcp_route *route = &tcp->routes[tcp->count++];
        route->config = &items[i];
        route->name = items[i].name;
        route->cluster = rw_snapshot_cluster(snapshot, items[i].upstream);
        if (!route->cluster)
            return RW_EINVAL;
        if (metrics)
            route->series =
                rw_metrics_series(metrics, RW_SERIES_ROUTE, route->name, (struct rw_span){0});
        for (unsigned l = 0; l < snapshot->listener_count; l++)
            if (takes_listener(&items[i], &snapshot->listeners[l]) &&
                put_all(snapshot, l, route) != RW_OK)
                return RW_ENOMEM;
    }
    return RW_OK;
}

void rw_tcp_routes_free(struct rw_tcp_routes *tcp)
{
    rw_map_free(&tcp->by_name);
}

/* ---- Finding ---- */

static const struct rw_tcp_route *look_up(const struct rw_tcp_routes *tcp, unsigned listener,
                                          const char *wildcard, struct rw_span name)
{
    char key[KEY_BYTES_MAX];
    int len = snprintf(key, sizeof(key), "%u/%s%.*s", listener, wildcard, RW_SPAN_ARGS(name));
    return rw_map_get(&tcp->by_name, rw_span(key, (size_t)len));
}

const struct rw_tcp_route *rw_tcp_routes_find(const struct rw_tcp_routes *tcp, unsigned listener,
                                              struct rw_span name)
{
    const struct rw_tcp_route *route = NULL;
    if (name.len)
        route = look_up(tcp, listener, "", name);
    while (!route && name.len) {
        ptrdiff_t dot = rw_span_find(name, '.');
        name = rw_span_skip(name, dot < 0 ? name.len : (size_t)dot + 1);
        if (name.len)
            route = look_up(tcp, listener, "*.", name);
    }
    return route ? route : look_up(tcp, listener, "", rw_span("", 0));
}

uint64_t rw_tcp_client_hash(const struct sockaddr *client)
{
    if (client->sa_family == AF_INET)
        return rw_hash(&((const struct sockaddr_in *)client)->sin_addr, 4, 0);
    if (client->sa_family == AF_INET6)
        return rw_hash(&((const struct sockaddr_in6 *)client)->sin6_addr, 16, 0);
    return 0;
}
