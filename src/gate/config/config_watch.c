/* Tables of logs, metrics, the admin listener and DNS. */
#include "gate/config/config_tables.h"

/* ---- Logs and metrics ---- */

#define MEMBER(member) offsetof(struct rw_config_access_log, member)
static const struct rw_conf_field access_log_fields[] = {
    {
        .name = "path",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(path),
        .fallback = "",
        .max = 4095,
        .doc = "The file; `-` is standard output, `off` or nothing is no access log.",
        .example = "/var/log/ringway/access.log",
    },
    {
        .name = "rotate_size",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(rotate_bytes),
        .fallback = "100MiB",
        .doc = "At this size the file is renamed and a new one begun; 0 is never.",
    },
    {
        .name = "rotate_keep",
        .type = RW_CONF_UINT,
        .offset = MEMBER(rotate_keep),
        .fallback = "5",
        .min = 0,
        .max = 1000,
        .doc = "So many old files are kept.",
    },
    {.name = NULL},
};
#undef MEMBER

/* A word where a path is expected would become a file of that name. */
static bool is_switch(struct rw_span path)
{
    static const char *const words[] = {"off", "false", "no", "none", "on", "true", "yes"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (rw_span_is_nocase(path, words[i]))
            return true;
    return false;
}

static void check_access_log(void *value, struct rw_conf_report *report)
{
    struct rw_config_access_log *log = value;
    log->path_place = rw_conf_place_of(report, &log->path);
    if (rw_span_is(log->path, "off"))
        log->path = RW_LITERAL("");
    else if (is_switch(log->path))
        rw_conf_mistake_on(report, &log->path,
                           "expected a path, \"-\" for standard output or \"off\", not %s",
                           rw_conf_quote(report, log->path));
}

static void check_error_log(void *value, struct rw_conf_report *report)
{
    struct rw_config_error_log *log = value;
    log->path_place = rw_conf_place_of(report, &log->path);
    if (is_switch(log->path))
        rw_conf_mistake_on(report, &log->path,
                           "expected a path or \"-\" for standard error, not %s; it cannot be off, "
                           "\"level\" says what is written",
                           rw_conf_quote(report, log->path));
}

const struct rw_conf_record rw_config_access_log_record = {
    .name = "access_log",
    .doc =
        "One JSON line for each request, written off the hot path. A text in place of the mapping "
        "is the path.",
    .size = sizeof(struct rw_config_access_log),
    .fields = access_log_fields,
    .place_offset = -1,
    .check = check_access_log,
    .scalar_field = "path",
};

static const char *const level_names[] = {"debug", "info", "warn", "error", NULL};

static const struct rw_conf_field error_log_fields[] = {
    {
        .name = "path",
        .type = RW_CONF_TEXT,
        .offset = offsetof(struct rw_config_error_log, path),
        .fallback = "-",
        .min = 1,
        .max = 4095,
        .doc = "The file; `-` is standard error.",
    },
    {
        .name = "level",
        .type = RW_CONF_ENUM,
        .offset = offsetof(struct rw_config_error_log, level),
        .names = level_names,
        .fallback = "info",
        .doc = "The least important lines that are written.",
    },
    {.name = NULL},
};

const struct rw_conf_record rw_config_error_log_record = {
    .name = "error_log",
    .doc =
        "What the gateway itself has to say, as JSON lines. A text in place of the mapping is the "
        "path.",
    .size = sizeof(struct rw_config_error_log),
    .fields = error_log_fields,
    .place_offset = -1,
    .check = check_error_log,
    .scalar_field = "path",
};

static const struct rw_conf_field metrics_fields[] = {
    {
        .name = "series_max",
        .type = RW_CONF_UINT,
        .offset = offsetof(struct rw_config_metrics, series_max),
        .fallback = "2000",
        .min = 16,
        .max = 100000,
        .doc =
            "Label sets (routes, upstreams, endpoints) that are counted apart; what goes beyond is "
            "counted as `_other`. Bounds memory and the size of a scrape.",
    },
    {.name = NULL},
};

const struct rw_conf_record rw_config_metrics_record = {
    .name = "metrics",
    .doc = "Prometheus metrics, which the admin listener serves at /metrics.",
    .size = sizeof(struct rw_config_metrics),
    .fields = metrics_fields,
    .place_offset = -1,
};

/* ---- Admin ---- */

static const struct rw_conf_field admin_fields[] = {
    {
        .name = "address",
        .type = RW_CONF_ADDRESS,
        .flags = RW_CONF_REQUIRED,
        .offset = offsetof(struct rw_config_admin, address),
        .doc =
            "IP address and port, or a Unix socket. Must be on loopback unless allow_remote is set.",
        .example = "127.0.0.1:9901",
    },
    {
        .name = "allow_remote",
        .type = RW_CONF_BOOL,
        .offset = offsetof(struct rw_config_admin, allow_remote),
        .fallback = "false",
        .doc =
            "Permit an address that other machines reach. Whoever reaches it can reload and drain.",
    },
    {.name = NULL},
};

const struct rw_conf_record rw_config_admin_record = {
    .name = "admin",
    .doc = "The admin listener. A text in place of the mapping is the address.",
    .size = sizeof(struct rw_config_admin),
    .fields = admin_fields,
    .place_offset = offsetof(struct rw_config_admin, place),
    .scalar_field = "address",
    .check = rw_config_check_admin,
};

/* ---- DNS ---- */

#define MEMBER(member) offsetof(struct rw_config_dns, member)
static const struct rw_conf_field dns_fields[] = {
    {
        .name = "servers",
        .type = RW_CONF_ADDRESS,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(servers),
        .doc = "Servers to ask. By default those of /etc/resolv.conf.",
        .example = "[\"10.0.0.53:53\"]",
    },
    {
        .name = "timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(timeout_ms),
        .fallback = "2s",
        .min = 10,
        .max = 60000,
        .doc = "For an answer. Until there is one the last known addresses are used.",
    },
    {
        .name = "ttl_min",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(ttl_ms_min),
        .fallback = "1s",
        .min = 100,
        .max = 86400000,
        .doc = "An answer is good for at least so long, whatever it says itself.",
    },
    {
        .name = "ttl_max",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(ttl_ms_max),
        .fallback = "5m",
        .min = 100,
        .max = 86400000,
        .doc = "An answer is good for at most so long.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_dns_record = {
    .name = "dns",
    .doc = "How the names of endpoints are resolved.",
    .size = sizeof(struct rw_config_dns),
    .fields = dns_fields,
    .place_offset = -1,
    .check = rw_config_check_dns,
};
