/* `ringway explain FILE tcp://host:port?sni=name`: which TCP route would take a connection. */
#include "cli/explain_tcp.h"

#include "gate/cluster/cluster_explain.h"
#include "gate/snapshot.h"
#include "io/tls_hello.h"

static void print_route(const struct rw_tcp_route *route,
                        const struct rw_listener_settings *listener, const struct sockaddr *client,
                        struct rw_text *text)
{
    const struct rw_endpoint_set *set = atomic_load(&route->cluster->set);
    rw_text_addf(text, "tcp route \"%.*s\"\n  listener  %.*s (%.*s)%s\n", RW_SPAN_ARGS(route->name),
                 RW_SPAN_ARGS(listener->name), RW_SPAN_ARGS(listener->address_text),
                 listener->tls ? ", where TLS ends" : "");
    rw_text_addf(text, "  upstream  %.*s%s: ", RW_SPAN_ARGS(route->cluster->name),
                 route->cluster->tls ? " (TLS)" : "");
    for (unsigned i = 0; i < set->count; i++)
        rw_text_addf(text, "%s%.*s", i ? ", " : "", RW_SPAN_ARGS(set->endpoints[i]->name));
    rw_text_adds(text, set->count ? "" : "no endpoint is known now");
    rw_cluster_explain_sources(route->cluster, text);
    if (client && route->cluster->balance == RW_BALANCE_HASH)
        rw_cluster_explain_hash(route->cluster, rw_tcp_client_hash(client), NULL, text);
    rw_text_adds(text, "\n");
}

/* The one with that port; or, without a port, the first that speaks TCP. */
static const struct rw_listener_settings *find_listener(const struct rw_snapshot *snapshot,
                                                        const char *named, uint64_t port)
{
    for (unsigned i = 0; i < snapshot->listener_count; i++) {
        const struct rw_listener_settings *listener = &snapshot->listeners[i];
        if (listener->config->protocol != RW_LISTENER_TCP)
            continue;
        if (named ? rw_span_is(listener->name, named)
                  : !port || rw_address_port(&listener->address.storage) == port)
            return listener;
    }
    return NULL;
}

static struct rw_span name_of(struct rw_span target, char *lower)
{
    const struct rw_span key = RW_LITERAL("?sni=");
    if (rw_span_starts(target, RW_LITERAL("/")))
        target = rw_span_skip(target, 1);
    struct rw_span name = {0};
    if (rw_span_starts(target, key))
        name = rw_span_skip(target, key.len);
    if (name.len > RW_TLS_HELLO_NAME_MAX)
        name.len = RW_TLS_HELLO_NAME_MAX;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = rw_lower(name.at[i]);
    return rw_span(lower, name.len);
}

int rw_explain_tcp(const struct rw_snapshot *snapshot, const char *named, uint64_t port,
                   struct rw_span target, const struct sockaddr *client, struct rw_text *text)
{
    char lower[RW_TLS_HELLO_NAME_MAX];
    const struct rw_listener_settings *listener = find_listener(snapshot, named, port);
    if (!listener) {
        rw_text_adds(text, "no listener with `protocol: tcp` has that port or name\n");
        return 1;
    }
    struct rw_span name = name_of(target, lower);
    unsigned index = (unsigned)(listener - snapshot->listeners);
    const struct rw_tcp_route *route = rw_tcp_routes_find(&snapshot->tcp, index, name);
    if (!route) {
        rw_text_addf(text, "closed: no tcp route takes %s%.*s at the listener %.*s\n",
                     name.len ? "the name " : "a connection without a name", RW_SPAN_ARGS(name),
                     RW_SPAN_ARGS(listener->name));
        return 1;
    }
    print_route(route, listener, client, text);
    return 0;
}
