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

/* The last line: all is ready. A command that works. */
static void write_try(const struct rw_snapshot *snapshot)
{
    char url[256];
    const struct rw_listener_settings *listener = first_for_curl(snapshot);
    bool tcp = listener->config->protocol == RW_LISTENER_TCP;
    write_url(listener, url, sizeof(url));
    if (rw_span_starts(listener->address_text, RW_LITERAL("unix:")))
        fprintf(stderr, "try: curl -i --unix-socket %s http://localhost/\n", url + strlen("unix:"));
    else if (tcp)
        fprintf(stderr, "try: curl telnet%s\n", url + strlen("tcp"));
    else
        fprintf(stderr, "try: curl -i%s %s/\n", listener->tls ? "k" : "", url);
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
