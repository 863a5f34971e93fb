/* From `tcp` and `lines` of an upstream to the paths of its endpoints. */
#include "gate/cluster/cluster_registry.h"

enum { MICROSECONDS_MAX = 1000000000 };

static void copy_name(char *to, size_t room, struct rw_span name)
{
    size_t len = name.len < room ? name.len : room - 1;
    if (len)
        memcpy(to, name.at, len);
    to[len] = '\0';
}

static struct rw_span first_of(struct rw_span own, struct rw_span common)
{
    return own.len ? own : common;
}

/* The kernel is asked now, so that no request finds out. */
static enum rw_err check_congestion(const struct rw_path *path, struct rw_conf_place place,
                                    struct rw_conf_report *report)
{
    char list[256];
    const char *name = path->socket.congestion;
    enum rw_err err = *name ? rw_socket_check_congestion(name, list) : RW_OK;
    if (err == RW_ENOENT)
        rw_conf_mistake_at(report, place, "the kernel has no congestion control \"%s\"; it has: %s",
                           name, list);
    else if (err == RW_EACCES)
        rw_conf_mistake_at(report, place,
                           "the congestion control \"%s\" is not allowed to this program; "
                           "net.ipv4.tcp_allowed_congestion_control has: %s",
                           name, list);
    return err == RW_ENOENT || err == RW_EACCES ? RW_EINVAL : err;
}

static void take_tcp(struct rw_path *path, const struct rw_config_tcp *tcp)
{
    if (!tcp)
        return;
    path->socket.user_timeout_ms = tcp->user_timeout_ms;
    if (!tcp->keepalive)
        return;
    path->socket.keepalive_idle_s = tcp->keepalive->idle_ms / 1000;
    path->socket.keepalive_interval_s = tcp->keepalive->interval_ms / 1000;
    path->socket.keepalive_probes = tcp->keepalive->probes;
}

/* What a line does not say is as in `tcp`. */
static enum rw_err make_path(struct rw_path *path, const struct rw_config_tcp *tcp,
                             const struct rw_config_path *own, struct rw_conf_place place,
                             struct rw_conf_report *report)
{
    static const struct rw_config_path nothing;
    const struct rw_config_path *common = tcp ? &tcp->path : &nothing;
    struct rw_span source = first_of(own->source, common->source);
    copy_name(path->socket.congestion, sizeof(path->socket.congestion),
              first_of(own->congestion, common->congestion));
    copy_name(path->socket.interface, sizeof(path->socket.interface),
              first_of(own->interface, common->interface));
    take_tcp(path, tcp);
    if (source.len && rw_address_parse_ip(source, 0, &path->source))
        return RW_EINVAL; /* told by the config checks already */
    return check_congestion(path, place, report);
}

static uint32_t price_of(const struct rw_config_line *line, uint32_t cost_weight_ms)
{
    uint64_t us = line->cost_millionths * cost_weight_ms / 1000;
    return us < MICROSECONDS_MAX ? (uint32_t)us : MICROSECONDS_MAX;
}

static enum rw_err read_line(struct rw_cluster_control *control,
                             const struct rw_config_upstream *upstream,
                             const struct rw_config_line *config, struct rw_cluster_line *line,
                             struct rw_conf_report *report)
{
    line->weight = config->weight;
    line->priority = config->priority;
    line->path.price_us = price_of(config, upstream->cost_weight_ms);
    line->path.line = rw_arena_copy(&control->arena, config->name);
    if (!line->path.line.at)
        return RW_ENOMEM;
    return make_path(&line->path, upstream->tcp, &config->path, config->place, report);
}

enum rw_err rw_cluster_read_lines(struct rw_cluster_control *control,
                                  const struct rw_config_upstream *upstream,
                                  struct rw_conf_report *report)
{
    static const struct rw_config_path nothing;
    const struct rw_config_line *lines = upstream->lines.items;
    unsigned count = (unsigned)upstream->lines.count;
    control->paths = count || upstream->tcp;
    control->line_count = count ? count : 1;
    control->lines = rw_arena_zero(&control->arena, control->line_count * sizeof(*control->lines));
    if (!control->lines)
        return RW_ENOMEM;
    control->lines[0].weight = 1;
    if (!count && upstream->tcp)
        return make_path(&control->lines[0].path, upstream->tcp, &nothing, upstream->tcp->place,
                         report);
    for (unsigned i = 0; i < count; i++) {
        enum rw_err err = read_line(control, upstream, &lines[i], &control->lines[i], report);
        if (err)
            return err;
    }
    return RW_OK;
}
