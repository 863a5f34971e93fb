/* Tables of routes and policies. */
#include "gate/config/config_tables.h"

/* ---- Policies ---- */

#define MEMBER(member) offsetof(struct rw_config_policy, member)
static const struct rw_conf_field policy_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(name),
        .min = 1,
        .max = 128,
        .doc = "What routes and listeners use it by.",
        .example = "common",
    },
    {
        .name = "policy",
        .type = RW_CONF_VARIANT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(kind),
        .variants = &rw_config_policies,
        .doc = "What it does: exactly one of these.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_policy_record = {
    .name = "policy",
    .doc = "A rule on requests and responses, with a name.",
    .size = sizeof(struct rw_config_policy),
    .fields = policy_fields,
    .place_offset = offsetof(struct rw_config_policy, place),
};

#define MEMBER(member) offsetof(struct rw_config_policy_use, member)
static const struct rw_conf_field policy_use_fields[] = {
    {
        .name = "use",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(use),
        .min = 1,
        .max = 128,
        .doc = "The name of a policy under `policies`.",
        .example = "common",
    },
    {
        .name = "policy",
        .type = RW_CONF_VARIANT,
        .offset = MEMBER(kind),
        .variants = &rw_config_policies,
        .doc = "Or a policy for this place alone.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_policy_use_record = {
    .name = "policy use",
    .doc = "A policy in a route or listener: by its name, which may stand alone in place of the "
           "mapping, or written in place.",
    .size = sizeof(struct rw_config_policy_use),
    .fields = policy_use_fields,
    .place_offset = offsetof(struct rw_config_policy_use, place),
    .scalar_field = "use",
    .check = rw_config_check_policy_use,
};

/* ---- What a route matches ---- */

#define MEMBER(member) offsetof(struct rw_config_match, member)
static const struct rw_conf_field match_fields[] = {
    {
        .name = "host",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(host),
        .min = 1,
        .max = 253,
        .doc = "Host names, without a port. `*.example.com` takes every name below example.com.",
        .example = "[example.com, \"*.example.com\"]",
    },
    {
        .name = "path",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(path),
        .min = 1,
        .max = 8192,
        .doc = "Paths: `/status` is exactly that, `/files/*` everything below and /files itself, "
               "`/users/{id}` has a parameter that takes one segment.",
        .example = "[/users, \"/users/{id}\", /files/*]",
    },
    {
        .name = "path_regex",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(path_regex),
        .min = 1,
        .max = 4096,
        .doc = "In place of `path`: a regular expression (PCRE2) for the whole path.",
        .example = "/v[0-9]+/.*",
    },
    {
        .name = "method",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(method),
        .min = 1,
        .max = 32,
        .doc = "Methods. Others, where nothing else matches, are answered with 405.",
        .example = "[GET, HEAD]",
    },
    {
        .name = "headers",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP,
        .offset = MEMBER(headers),
        .max = 4096,
        .doc = "Header fields that have this value; `*` is any, `~` begins a regular expression.",
        .example = "{X-Version: \"2\", X-Debug: \"*\", User-Agent: \"~curl\"}",
    },
    {
        .name = "query",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP,
        .offset = MEMBER(query),
        .max = 4096,
        .doc = "Query parameters that have this value; `*` and `~` as in `headers`.",
        .example = "{format: json}",
    },
    {
        .name = "listeners",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(listeners),
        .min = 1,
        .max = 128,
        .doc = "Only requests that came in at these listeners, by name. By default at all.",
        .example = "[listener-1]",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record match_record = {
    .name = "route.match",
    .doc = "All conditions that are given must hold. A text in place of the mapping is the path.",
    .size = sizeof(struct rw_config_match),
    .fields = match_fields,
    .place_offset = offsetof(struct rw_config_match, place),
    .scalar_field = "path",
    .check = rw_config_check_match,
};

/* ---- Routes ---- */

static const struct rw_conf_field timeouts_fields[] = {
    {
        .name = "first_byte",
        .type = RW_CONF_DURATION,
        .offset = offsetof(struct rw_config_route_timeouts, first_byte_ms),
        .fallback = "60s",
        .min = 1,
        .max = 86400000,
        .doc = "From the request being sent to the head of the response, whatever comes of it or "
               "before it (1xx); answered with 504. Later, the longest pause within the body. "
               "Raise it for slow reports and long polling.",
    },
    {
        .name = "total",
        .type = RW_CONF_DURATION,
        .offset = offsetof(struct rw_config_route_timeouts, total_ms),
        .fallback = "0s",
        .min = 0,
        .max = 86400000,
        .doc =
            "For the request and its response as a whole; 0s is off, which streams and downloads "
            "need.",
    },
    {
        .name = "deadline_field",
        .type = RW_CONF_TEXT,
        .offset = offsetof(struct rw_config_route_timeouts, deadline_field),
        .min = 1,
        .max = 64,
        .doc = "A request field in which clients may say how many milliseconds a request may take: "
               "it holds as `total` does, if it is shorter, and the origin is told what is left of "
               "it. Calls of gRPC have `grpc-timeout` for that, always.",
        .example = "X-Request-Timeout",
    },
    {
        .name = "tunnel_idle",
        .type = RW_CONF_DURATION,
        .offset = offsetof(struct rw_config_route_timeouts, tunnel_idle_ms),
        .fallback = "1h",
        .min = 1,
        .max = 30 * 86400000ll,
        .doc = "A WebSocket or another tunnel through which no byte has gone for so long, in "
               "either direction, is ended.",
    },
    {
        .name = "tunnel_half_closed",
        .type = RW_CONF_DURATION,
        .offset = offsetof(struct rw_config_route_timeouts, tunnel_half_closed_ms),
        .fallback = "5m",
        .min = 1,
        .max = 30 * 86400000ll,
        .doc = "The same for a tunnel of which one side has said that it sends no more.",
    },
    {.name = NULL},
};

static const struct rw_conf_record timeouts_record = {
    .name = "route.timeouts",
    .doc = "How long the answer may take.",
    .size = sizeof(struct rw_config_route_timeouts),
    .fields = timeouts_fields,
    .place_offset = -1,
    .check = rw_config_check_route_timeouts,
};

#define MEMBER(member) offsetof(struct rw_config_websocket, member)
static const struct rw_conf_field websocket_fields[] = {
    {
        .name = "message_max",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(message_bytes_max),
        .fallback = "64MiB",
        .min = 0,
        .max = UINT32_MAX - 1,
        .doc = "A message in either direction, all its frames together, as it is sent: a "
               "compressed one counts compressed. A larger one ends the WebSocket with the code "
               "1009 to both sides. Messages are passed on as they come and cost no memory here; "
               "0 is no limit.",
    },
    {
        .name = "ping_interval",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(ping_ms),
        .fallback = "0s",
        .min = 0,
        .max = 86400000,
        .doc = "After so long without a byte in either direction the client is sent a Ping; when "
               "nothing has come from it after as long again, it is taken for gone. Keeps NAT and "
               "other proxies from forgetting the connection, and `tunnel_idle` from ending it. "
               "0s is off, as most servers send Pings of their own, and each one wakes a phone.",
    },
    {
        .name = "close_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(close_ms_max),
        .fallback = "5s",
        .min = 1,
        .max = 600000,
        .doc = "Once the gateway has sent a Close frame (a limit, a mistake in the protocol, a "
               "drain) both sides have so long to answer it.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record websocket_record = {
    .name = "route.websocket",
    .doc = "Limits of WebSockets.",
    .size = sizeof(struct rw_config_websocket),
    .fields = websocket_fields,
    .place_offset = -1,
};

#define MEMBER(member) offsetof(struct rw_config_route, member)
static const struct rw_conf_field route_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(name),
        .min = 1,
        .max = 128,
        .doc = "For logs, metrics and `ringway explain`. By default `route-1` and so on.",
        .example = "users",
    },
    {
        .name = "match",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(match),
        .record = &match_record,
        .doc = "Which requests. Without it: all.",
    },
    {
        .name = "priority",
        .type = RW_CONF_INT,
        .offset = MEMBER(priority),
        .fallback = "0",
        .min = -1000000,
        .max = 1000000,
        .doc =
            "Where several routes match, the highest priority wins; among equals the more precise "
            "host, then path, then the number of conditions, then the order of the file.",
    },
    {
        .name = "action",
        .type = RW_CONF_VARIANT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(action),
        .variants = &rw_config_actions,
        .doc = "What becomes of the request: exactly one of these.",
    },
    {
        .name = "policies",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(policies),
        .record = &rw_config_policy_use_record,
        .doc = "Policies of this route, in this order, after those of the listener.",
    },
    {
        .name = "timeouts",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(timeouts),
        .record = &timeouts_record,
        .doc = "How long the answer may take.",
    },
    {
        .name = "upgrade",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(upgrade),
        .min = 1,
        .max = 64,
        .fallback = "[websocket]",
        .doc = "Protocols that a client may switch to by the Upgrade field; [] is none.",
    },
    {
        .name = "websocket",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(websocket),
        .record = &websocket_record,
        .doc = "Limits of WebSockets.",
    },
    {
        .name = "overload",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(overload),
        .record = &rw_config_route_overload_record,
        .doc = "What becomes of requests when their upstream has too many.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_route_record = {
    .name = "route",
    .doc = "Which requests, and what becomes of them.",
    .size = sizeof(struct rw_config_route),
    .fields = route_fields,
    .place_offset = offsetof(struct rw_config_route, place),
};
