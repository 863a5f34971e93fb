#include "base/version.h"
#include "serve/process.h"

#include <stdio.h>
#include <string.h>

/* An address that a person on this machine can use: ":8080" is reached at 127.0.0.1. */
static void write_url(const struct rw_listener_settings *listener, char *to, size_t room)
{
    struct rw_span address = listener->address_text;
    bool any = address.len && (address.at[0] == ':' || address.at[0] == '*');
    bool tcp = listener->config->protocol == RW_LISTENER_TCP;
    const char *scheme = tcp ? "tcp" : listener->tls ? "https" : "http";
    if (rw_span_starts(address, RW_LITERAL("unix:")))
        snprintf(to, room, "%.*s", RW_SPAN_ARGS(address));
    else if (any)
        snprintf(to, room, "%s://127.0.0.1%.*s", scheme,
                 RW_SPAN_ARGS(rw_span_skip(address, address.at[0] == '*')));
    else
        snprintf(to, room, "%s://%.*s", scheme, RW_SPAN_ARGS(address));
}

static const struct rw_listener_settings *first_for_curl(const struct rw_snapshot *snapshot)
{
    for (unsigned i = 0; i < snapshot->listener_count; i++)
        if (snapshot->listeners[i].config->protocol != RW_LISTENER_TCP)
            return &snapshot->listeners[i];
    return &snapshot->listeners[0];
}

static bool names(const struct rw_conf_list *list, struct rw_span name)
{
    const struct rw_span *items = list->items;
    for (size_t i = 0; i < list->count; i++)
        if (rw_span_eq(items[i], name))
            return true;
    return list->count == 0;
}

/* Whether a plain GET may reach the route: it asks for nothing but a host and a path. */
static bool takes_get(const struct rw_config_match *match, struct rw_span listener)
{
    return !match ||
           (match->path_regex.len == 0 && match->headers.count == 0 && match->query.count == 0 &&
            names(&match->method, RW_LITERAL("GET")) && names(&match->listeners, listener));
}

static const struct rw_config_match *first_match(const struct rw_config *config,
                                                 struct rw_span listener)
{
    const struct rw_config_route *routes = config->routes.items;
    for (size_t i = 0; i < config->routes.count; i++)
        if (takes_get(routes[i].match, listener))
            return routes[i].match;
    return NULL;
}

static struct rw_span first_text(const struct rw_conf_list *list)
{
    return list->count ? ((const struct rw_span *)list->items)[0] : (struct rw_span){0};
}

static bool plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("/._~-", c);
}

/* One that the pattern matches: what may be anything is left out, a parameter is its own name. "/"
 * when a shell would not take it as it is. */
static void write_path(struct rw_span pattern, char *to, size_t room)
{
    size_t len = 0;
    bool odd = pattern.len == 0 || pattern.len >= room;
    for (size_t i = 0; i < pattern.len && !odd; i++) {
        if (plain(pattern.at[i]))
            to[len++] = pattern.at[i];
        else
            odd = !strchr("*{}", pattern.at[i]);
    }
    to[len] = '\0';
    if (odd)
        snprintf(to, room, "/");
}

/* What curl has to say for the first route that it can reach. */
static void write_request(const struct rw_snapshot *snapshot,
                          const struct rw_listener_settings *listener, char *host, size_t host_room,
                          char *path, size_t path_room)
{
    static const struct rw_config_match any;
    const struct rw_config_match *match = first_match(snapshot->config, listener->name);
    struct rw_span name = first_text(match ? &match->host : &any.host);
    bool wild = rw_span_starts(name, RW_LITERAL("*."));
    snprintf(host, host_room, "%s%s%.*s%s", name.len ? " -H 'Host: " : "", wild ? "www" : "",
             RW_SPAN_ARGS(rw_span_skip(name, wild)), name.len ? "'" : "");
    write_path(first_text(match ? &match->path : &any.path), path, path_room);
}

/* The last line: all is ready. A command that works. */
static void write_try(const struct rw_snapshot *snapshot)
{
    char url[256], host[300], path[300];
    const struct rw_listener_settings *listener = first_for_curl(snapshot);
    write_request(snapshot, listener, host, sizeof(host), path, sizeof(path));
    bool tcp = listener->config->protocol == RW_LISTENER_TCP;
    write_url(listener, url, sizeof(url));
    if (rw_span_starts(listener->address_text, RW_LITERAL("unix:")))
        fprintf(stderr, "try: curl -i%s --unix-socket %s http://localhost%s\n", host,
                url + strlen("unix:"), path);
    else if (tcp)
        fprintf(stderr, "try: curl telnet%s\n", url + strlen("tcp"));
    else
        fprintf(stderr, "try: curl -i%s%s %s%s\n", listener->tls ? "k" : "", host, url, path);
}

void rw_banner(const struct rw_process *process)
{
    const struct rw_snapshot *snapshot = process->snapshot;
    const struct rw_worker *first = &process->threads[0].worker;
    char url[256];
    fprintf(stderr, "ringway %s: %u process%s x %u thread%s, %s\n", RW_VERSION,
            process->options.processes, process->options.processes == 1 ? "" : "es",
            process->running, process->running == 1 ? "" : "s", rw_loop_backend_name(first->loop));
    fprintf(stderr, "  config    %s (%u route%s, %u upstream%s)\n", process->options.config_path,
            snapshot->route_count, snapshot->route_count == 1 ? "" : "s", snapshot->cluster_count,
            snapshot->cluster_count == 1 ? "" : "s");
    for (unsigned i = 0; i < snapshot->listener_count; i++) {
        write_url(&snapshot->listeners[i], url, sizeof(url));
        fprintf(stderr, "  listener  %-12.*s %s\n", RW_SPAN_ARGS(snapshot->listeners[i].name), url);
    }
    if (process->admin) {
        write_url(&process->admin->listeners[0], url, sizeof(url));
        fprintf(stderr, "  admin     %-12s %s/status\n", "", url);
    }
    if (process->access)
        fprintf(stderr, "  log       %-12s %.*s\n", "access",
                RW_SPAN_ARGS(process->access_config.path));
    if (snapshot->listener_count)
        write_try(snapshot);
}
