#include "gate/config_warnings.h"

#include "base/log.h"
#include "io/host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MESSAGE_BYTES_MAX = 512 };

/* Where a warning goes. */
struct destination {
    struct rw_span file;
    struct rw_text *text; /* NULL: the log */
};

static void warn(const struct destination *to, struct rw_conf_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void warn(const struct destination *to, struct rw_conf_place place, const char *format, ...)
{
    char message[MESSAGE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (to->text)
        rw_text_addf(to->text, "%.*s:%u:%u: warning: %s\n", RW_SPAN_ARGS(to->file), place.line,
                     place.column, message);
    else
        rw_log_warn("config", "%.*s:%u:%u: %s", RW_SPAN_ARGS(to->file), place.line, place.column,
                    message);
}

/* ---- Ways to the endpoints ---- */

static void warn_of_way(const struct destination *to, const struct rw_config_upstream *upstream,
                        const struct rw_config_path *path)
{
    struct rw_address source;
    if (path->source.len && !rw_address_parse_ip(path->source, 0, &source) &&
        !rw_host_has_address(&source))
        warn(to, path->source_place,
             "upstream %.*s: this machine does not have the source address %.*s",
             RW_SPAN_ARGS(upstream->name), RW_SPAN_ARGS(path->source));
    if (path->interface.len && !rw_host_has_interface(path->interface.at))
        warn(to, path->interface_place,
             "upstream %.*s: this machine does not have the interface %.*s",
             RW_SPAN_ARGS(upstream->name), RW_SPAN_ARGS(path->interface));
}

/* ---- Settings that do nothing ---- */

/* A name may have many addresses, and a list that is found any number of endpoints. */
static bool has_one_endpoint(const struct rw_config_upstream *upstream)
{
    const struct rw_config_endpoint *endpoints = upstream->endpoints.items;
    struct rw_address address;
    return upstream->endpoints.count == 1 && !upstream->discovery && upstream->lines.count < 2 &&
           rw_address_parse(endpoints[0].address, &address) == RW_OK;
}

static void warn_of_idle(const struct destination *to, const struct rw_config_upstream *upstream)
{
    const struct rw_config_passive_health *passive = upstream->passive_health;
    if (upstream->hedging && has_one_endpoint(upstream))
        warn(to, upstream->place, "upstream %.*s: `hedging` does nothing with one endpoint",
             RW_SPAN_ARGS(upstream->name));
    if (passive->all_out == RW_ALL_OUT_REFUSE && passive->eject_percent_max < 100 &&
        !upstream->health)
        warn(to, upstream->place,
             "upstream %.*s: `all_out: refuse` is for when all endpoints are out, and at "
             "`eject_percent_max: %u` they never are; set that to 100",
             RW_SPAN_ARGS(upstream->name), passive->eject_percent_max);
}

void rw_config_warn_of_upstreams(const struct rw_config *config, struct rw_span file,
                                 struct rw_text *warnings)
{
    const struct destination to = {file, warnings};
    const struct rw_config_upstream *upstreams = config->upstreams.items;
    for (size_t i = 0; i < config->upstreams.count; i++) {
        const struct rw_config_line *lines = upstreams[i].lines.items;
        if (upstreams[i].tcp)
            warn_of_way(&to, &upstreams[i], &upstreams[i].tcp->path);
        for (size_t l = 0; l < upstreams[i].lines.count; l++)
            warn_of_way(&to, &upstreams[i], &lines[l].path);
        warn_of_idle(&to, &upstreams[i]);
    }
}

/* ---- What is needed at the start ---- */

/* Only what other rights would not change. `path` ends with a zero. */
static void warn_of_file(const struct destination *to, struct rw_conf_place place, const char *name,
                         struct rw_span path)
{
    char folder[4096];
    struct stat info;
    const char *slash = path.len ? memrchr(path.at, '/', path.len) : NULL;
    size_t len = slash ? (size_t)(slash - path.at) : 0;
    if (path.len == 0 || rw_span_is(path, "-") || len >= sizeof(folder))
        return;
    if (stat(path.at, &info) == 0 && S_ISDIR(info.st_mode)) {
        warn(to, place, "%s: %.*s: a directory, not a file", name, RW_SPAN_ARGS(path));
        return;
    }
    memcpy(folder, path.at, len);
    folder[len] = '\0';
    if (len && stat(folder, &info) < 0 && errno == ENOENT)
        warn(to, place, "%s: %.*s: this machine does not have the folder", name,
             RW_SPAN_ARGS(path));
}

static void warn_of_listening(const struct destination *to, struct rw_conf_place place,
                              const char *name, struct rw_span text)
{
    struct rw_address address;
    if (rw_address_parse(text, &address))
        return;
    if (rw_span_starts(text, RW_LITERAL("unix:/")))
        warn_of_file(to, place, name, rw_span_skip(text, strlen("unix:")));
    else if (!rw_host_has_address(&address))
        warn(to, place, "%s: this machine does not have the address %.*s", name,
             RW_SPAN_ARGS(text));
}

void rw_config_warn_of_start(const struct rw_config *config, struct rw_span file,
                             struct rw_text *warnings)
{
    const struct destination to = {file, warnings};
    const struct rw_config_listener *listeners = config->listeners.items;
    for (size_t i = 0; i < config->listeners.count; i++) {
        char name[128];
        snprintf(name, sizeof(name), "listener %.*s", RW_SPAN_ARGS(listeners[i].name));
        warn_of_listening(&to, listeners[i].place, name, listeners[i].address);
    }
    if (config->admin)
        warn_of_listening(&to, config->admin->place, "admin", config->admin->address);
    warn_of_file(&to, config->access_log->path_place, "access_log.path", config->access_log->path);
    warn_of_file(&to, config->error_log->path_place, "error_log.path", config->error_log->path);
    warn_of_file(&to, config->rate_limits->quota_file_place, "rate_limits.quota_file",
                 config->rate_limits->quota_file);
}
