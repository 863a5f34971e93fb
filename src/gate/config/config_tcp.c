/* Tables of TCP routes. */
#include "gate/config/config_tables.h"

#define MEMBER(member) offsetof(struct rw_config_tcp_match, member)
static const struct rw_conf_field match_fields[] = {
    {
        .name = "sni",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(sni),
        .min = 1,
        .max = 253,
        .doc = "Names that TLS clients ask for (SNI). `*.example.com` takes every name below "
               "example.com. By default any connection, TLS or not.",
        .example = "[db.example.com, \"*.db.example.com\"]",
    },
    {
        .name = "listeners",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(listeners),
        .min = 1,
        .max = 128,
        .doc = "Only connections that came in at these listeners, by name. By default at all that "
               "have `protocol: tcp`.",
        .example = "[listener-1]",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record match_record = {
    .name = "tcp_route.match",
    .doc = "Both conditions must hold. An exact name wins over a wildcard, a longer wildcard over "
           "a shorter one, any name over none; then the order in the file.",
    .size = sizeof(struct rw_config_tcp_match),
    .fields = match_fields,
    .place_offset = offsetof(struct rw_config_tcp_match, place),
    .scalar_field = "sni",
    .check = rw_config_check_tcp_match,
};

#define MEMBER(member) offsetof(struct rw_config_tcp_timeouts, member)
static const struct rw_conf_field timeouts_fields[] = {
    {
        .name = "idle",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(idle_ms),
        .fallback = "1h",
        .min = 1,
        .max = 30 * 86400000ll,
        .doc = "Without a byte in either direction.",
    },
    {
        .name = "half_closed",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(half_closed_ms),
        .fallback = "5m",
        .min = 1,
        .max = 30 * 86400000ll,
        .doc = "The same, once one side has said that it sends no more.",
    },
    {
        .name = "total",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(total_ms),
        .fallback = "0s",
        .min = 0,
        .max = 30 * 86400000ll,
        .doc = "For the whole connection; 0s is off.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record timeouts_record = {
    .name = "tcp_route.timeouts",
    .doc = "How long a connection may last.",
    .size = sizeof(struct rw_config_tcp_timeouts),
    .fields = timeouts_fields,
    .place_offset = -1,
};

#define MEMBER(member) offsetof(struct rw_config_tcp_route, member)
static const struct rw_conf_field route_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(name),
        .min = 1,
        .max = 128,
        .doc = "For logs, metrics and `ringway explain`.",
        .example = "database",
    },
    {
        .name = "match",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(match),
        .record = &match_record,
        .doc = "Which connections. Without it: all of listeners with `protocol: tcp`.",
    },
    {
        .name = "upstream",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(upstream),
        .min = 1,
        .max = 128,
        .doc = "Name of the upstream whose endpoints take the connection.",
        .example = "app",
    },
    {
        .name = "timeouts",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(timeouts),
        .record = &timeouts_record,
        .doc = "How long a connection may last.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_tcp_route_record = {
    .name = "tcp_route",
    .doc = "Which connections of listeners with `protocol: tcp` go where, as bytes. With TLS at "
           "the listener it ends there; without, TLS passes through, and only the name that the "
           "client asks for is looked at, where a route asks for it.",
    .size = sizeof(struct rw_config_tcp_route),
    .fields = route_fields,
    .place_offset = offsetof(struct rw_config_tcp_route, place),
};
