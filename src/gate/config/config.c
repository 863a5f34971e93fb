#include "gate/config/config.h"

#include "gate/config/config_tables.h"

#define MEMBER(member) offsetof(struct rw_config, member)

/* Before rw_config_register: enough for a test of what is here. */
static const struct rw_conf_variant_kind upstream_kind = {
    .name = "upstream",
    .doc = "The name of the upstream that answers.",
};
static const struct rw_conf_variant_kind *const first_actions[] = {&upstream_kind, NULL};
static const struct rw_conf_variant_kind *const first_policies[] = {NULL};

const struct rw_conf_variant_kind *const *rw_config_actions = first_actions;
const struct rw_conf_variant_kind *const *rw_config_policies = first_policies;

static const char *const io_names[] = {"auto", "epoll", "io_uring", NULL};

static const struct rw_conf_field fields[] = {
    {
        .name = "threads",
        .type = RW_CONF_UINT,
        .offset = MEMBER(threads),
        .fallback = "0",
        .min = 0,
        .max = 1024,
        .doc =
            "Worker threads that carry traffic; 0 is one for each processor core. Set it when other "
            "programs share the machine.",
    },
    {
        .name = "io",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(io),
        .names = io_names,
        .fallback = "auto",
        .doc = "How the kernel is asked for input and output. `auto` takes the faster one that the "
               "kernel permits; many container runtimes forbid `io_uring`.",
    },
    {
        .name = "watch_file",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(watch_file),
        .fallback = "true",
        .doc =
            "Reload when this file changes. A file with mistakes is reported, and what runs stays. "
            "SIGHUP and the admin API reload as well. Switch it off where only they shall.",
    },
    {
        .name = "drain_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(drain_ms_max),
        .fallback = "30s",
        .min = 0,
        .max = 86400000,
        .doc =
            "How long requests under way may take to finish at SIGTERM and after an upgrade; then "
            "their connections are closed. Raise it for long downloads and WebSockets.",
    },
    {
        .name = "listeners",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED | RW_CONF_UNIQUE,
        .offset = MEMBER(listeners),
        .record = &rw_config_listener_record,
        .doc = "Where connections are accepted, and how clients are treated there.",
    },
    {
        .name = "routes",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_UNIQUE,
        .offset = MEMBER(routes),
        .record = &rw_config_route_record,
        .doc = "Which requests go where. A request that no route matches is answered with 404.",
    },
    {
        .name = "tcp_routes",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_UNIQUE,
        .offset = MEMBER(tcp_routes),
        .record = &rw_config_tcp_route_record,
        .doc = "Which connections of listeners with `protocol: tcp` go where. A connection that "
               "no route matches is closed.",
    },
    {
        .name = "upstreams",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_UNIQUE,
        .offset = MEMBER(upstreams),
        .record = &rw_config_upstream_record,
        .doc = "The servers behind the gateway, in groups that can stand in for each other.",
    },
    {
        .name = "locality",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(locality),
        .record = &rw_config_locality_record,
        .doc = "Where this gateway is, so that near endpoints can be preferred.",
    },
    {
        .name = "policies",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_UNIQUE,
        .offset = MEMBER(policies),
        .record = &rw_config_policy_record,
        .doc = "Policies with a name, for use in several routes and listeners.",
    },
    {
        .name = "consumers",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_UNIQUE,
        .offset = MEMBER(consumers),
        .record = &rw_config_consumer_record,
        .doc = "Those who use the APIs behind the gateway: what the policies `api_key` and `jwt` "
               "know callers by.",
    },
    {
        .name = "identity",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(identity),
        .record = &rw_config_identity_record,
        .doc = "How origins are told who asks.",
    },
    {
        .name = "access_log",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(access_log),
        .record = &rw_config_access_log_record,
        .doc = "One JSON line for each request.",
    },
    {
        .name = "error_log",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(error_log),
        .record = &rw_config_error_log_record,
        .doc = "What the gateway itself has to say, as JSON lines.",
    },
    {
        .name = "metrics",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(metrics),
        .record = &rw_config_metrics_record,
        .doc = "Prometheus metrics, which the admin listener serves.",
    },
    {
        .name = "admin",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(admin),
        .record = &rw_config_admin_record,
        .doc = "The admin listener: health, metrics, configuration, reload and drain. Without this "
               "record there is none.",
    },
    {
        .name = "dns",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(dns),
        .record = &rw_config_dns_record,
        .doc = "How the names of endpoints are resolved.",
    },
    {
        .name = "rate_limits",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(rate_limits),
        .record = &rw_config_rate_limits_record,
        .doc = "The table behind all policies `rate_limit`.",
    },
    {.name = NULL},
};

const struct rw_conf_record rw_config_record = {
    .name = "gateway",
    .doc = "The whole file.",
    .size = sizeof(struct rw_config),
    .fields = fields,
    .place_offset = -1,
    .check = rw_config_check,
};

void rw_config_register(const struct rw_conf_variant_kind *const *actions,
                        const struct rw_conf_variant_kind *const *policies)
{
    rw_config_actions = actions;
    rw_config_policies = policies;
}

enum rw_err rw_config_load(const char *path, struct rw_arena *arena, struct rw_config **config,
                           struct rw_conf_report *report)
{
    *config = rw_arena_alloc(arena, sizeof(**config));
    if (!*config)
        return RW_ENOMEM;
    return rw_conf_read_file(path, &rw_config_record, arena, *config, report);
}

enum rw_err rw_config_load_text(struct rw_span yaml, const char *name, struct rw_arena *arena,
                                struct rw_config **config, struct rw_conf_report *report)
{
    *config = rw_arena_alloc(arena, sizeof(**config));
    if (!*config)
        return RW_ENOMEM;
    return rw_conf_read_text(yaml, name, &rw_config_record, arena, *config, report);
}

const struct rw_config_upstream *rw_config_upstream_named(const struct rw_config *config,
                                                          struct rw_span name)
{
    const struct rw_config_upstream *upstreams = config->upstreams.items;
    for (size_t i = 0; i < config->upstreams.count; i++)
        if (rw_span_eq(upstreams[i].name, name))
            return &upstreams[i];
    return NULL;
}
