/* Tables: what is started, and the load. */
#include "load/settings.h"
#include "verify/acceptance_tables.h"

static const char *const distributions[] = {"constant", "uniform", "exponential", NULL};
/* In the order of enum rw_dependency_kind, whose others are no servers; the check joins them. */
static const char *const server_kinds[] = {"upstream", "redis", "database", "broker", NULL};
static const char *const arrivals[] = {"even", "poisson", NULL};

/* ---- What is started ---- */

#define MEMBER(member) offsetof(struct rw_verify_gateway, member)

static const struct rw_conf_field gateway_fields[] = {
    {
        .name = "config",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(config),
        .max = 4096,
        .doc = "The configuration to start the gateway with; relative to the acceptance file. Of a "
               "gateway that runs already, it says what can be disturbed.",
        .example = "gateway.yaml",
    },
    {
        .name = "pid_file",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(pid_file),
        .max = 4096,
        .doc = "The gateway runs already, and this file has the id of its process, whose workers "
               "may be killed, stopped or limited. It is left alone unless it listens at the port "
               "of `url`. Relative to the acceptance file.",
        .example = "/run/ringway.pid",
    },
    {
        .name = "start_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(start_ms_max),
        .fallback = "10s",
        .min = 100,
        .max = 600000,
        .doc = "How long it may take until it accepts connections at `url`.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_acceptance_gateway_record = {
    .name = "gateway",
    .doc =
        "The gateway that is started, by this very program, for each repetition anew; or one that "
        "runs already, with its `pid_file`.",
    .size = sizeof(struct rw_verify_gateway),
    .fields = gateway_fields,
    .place_offset = -1,
    .scalar_field = "config",
    .check = rw_acceptance_check_gateway,
};

#define MEMBER(member) offsetof(struct rw_verify_origin, member)

static const struct rw_conf_field origin_fields[] = {
    {
        .name = "latency",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(latency_ms),
        .fallback = "0s",
        .max = 600000,
        .doc = "How long an answer takes, on average.",
    },
    {
        .name = "distribution",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(distribution),
        .names = distributions,
        .fallback = "constant",
        .doc =
            "How the latency varies: `constant`, `uniform` from nothing to twice the average, or "
            "`exponential` (its 99th percentile is 4.6 times the average).",
    },
    {
        .name = "slow_percent",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(slow_percent),
        .fallback = "0",
        .max = 100,
        .doc = "So many of the answers take `slow_latency` instead.",
    },
    {
        .name = "slow_latency",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(slow_ms),
        .fallback = "1s",
        .max = 600000,
        .doc = "How long the slow ones take.",
    },
    {
        .name = "error_percent",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(error_percent),
        .fallback = "0",
        .max = 100,
        .doc = "So many of the answers are 503.",
    },
    {
        .name = "body",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(body_bytes),
        .fallback = "128B",
        .max = 16 << 20,
        .doc = "How large an answer's body is.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record origin_record = {
    .name = "origin",
    .doc = "A server that is built in: its latency is known, and it counts what it sees.",
    .size = sizeof(struct rw_verify_origin),
    .fields = origin_fields,
    .place_offset = -1,
};

#define MEMBER(member) offsetof(struct rw_verify_server, member)

static const struct rw_conf_field server_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(name),
        .min = 1,
        .max = 64,
        .doc = "What messages and reports call it.",
        .example = "app",
    },
    {
        .name = "upstream",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(upstream),
        .max = 128,
        .doc = "The upstream that it serves, in the gateway's configuration; without it, the one "
               "with its name.",
    },
    {
        .name = "kind",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(kind),
        .names = server_kinds,
        .fallback = "upstream",
        .doc = "What it is to the gateway.",
    },
    {
        .name = "address",
        .type = RW_CONF_ADDRESS,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(address),
        .doc = "Where the gateway expects it: an endpoint in the gateway's configuration.",
        .example = "127.0.0.1:9001",
    },
    {
        .name = "listens",
        .type = RW_CONF_ADDRESS,
        .offset = MEMBER(listens),
        .doc = "Where it listens itself while a relay stands at `address`. The built-in server and "
               "a command with placeholders need none; others cannot be cut off, slowed down or "
               "the like without it. A relay stands before a server that runs already all the "
               "time, and before others while faults are caused.",
        .example = "127.0.0.1:9101",
    },
    {
        .name = "origin",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(origin),
        .record = &origin_record,
        .doc = "The built-in server. Without it and without `command`, the server runs already.",
    },
    {
        .name = "command",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(command),
        .doc =
            "A program to start, and its arguments. `{port}`, `{host}` and `{address}` stand for "
            "where it must listen; without them this is at `address`, and at `listens` while "
            "faults are caused. No shell reads it.",
        .example = "[node, shop.mjs, \"{port}\"]",
    },
    {
        .name = "pid_file",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(pid_file),
        .max = 4096,
        .doc = "The server runs already, and this file has the id of its process, which may be "
               "killed or stopped. It is left alone unless it listens at the port of `address` "
               "(of `listens`, if given). Relative to the acceptance file.",
        .example = "/run/redis/redis-server.pid",
    },
    {
        .name = "restart",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(restart),
        .doc = "With `pid_file`: a program that starts the server again after a kill, in the "
               "background, and its arguments. Without it somebody else does, within "
               "`start_timeout`.",
        .example = "[systemctl, start, redis-server]",
    },
    {
        .name = "start_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(start_ms_max),
        .fallback = "10s",
        .min = 100,
        .max = 600000,
        .doc = "How long it may take until it accepts connections.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_acceptance_server_record = {
    .name = "server",
    .doc = "What stands behind the gateway.",
    .size = sizeof(struct rw_verify_server),
    .fields = server_fields,
    .place_offset = offsetof(struct rw_verify_server, place),
    .check = rw_acceptance_check_server,
};

/* ---- What is sent ---- */

#define MEMBER(member) offsetof(struct rw_verify_request, member)

static const struct rw_conf_field request_fields[] = {
    {
        .name = "path",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(path),
        .fallback = "/",
        .min = 1,
        .max = 8192,
        .doc = "Path and query, behind the path of `url`.",
        .example = "/orders?page=1",
    },
    {
        .name = "method",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(method),
        .fallback = "GET",
        .min = 1,
        .max = 64,
        .doc = "The method.",
    },
    {
        .name = "headers",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP,
        .offset = MEMBER(headers),
        .doc = "Fields of the head, without Host and Content-Length.",
        .example = "{ Accept: application/json }",
    },
    {
        .name = "body",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(body),
        .doc = "What is sent behind the head.",
    },
    {
        .name = "weight",
        .type = RW_CONF_UINT,
        .offset = MEMBER(weight),
        .fallback = "1",
        .min = 1,
        .max = 1000,
        .doc = "How often it is sent, beside the others.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_acceptance_request_record = {
    .name = "request",
    .doc = "One of the requests that are sent.",
    .size = sizeof(struct rw_verify_request),
    .fields = request_fields,
    .place_offset = -1,
    .scalar_field = "path",
    .check = rw_acceptance_check_request,
};

#define MEMBER(member) offsetof(struct rw_verify_load, member)

static const struct rw_conf_field load_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(name),
        .fallback = "load",
        .min = 1,
        .max = 64,
        .doc = "By which targets and faults name it.",
        .example = "peak",
    },
    {
        .name = "rate",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(rate),
        .fallback = "0",
        .max = 100000000,
        .doc =
            "Requests per second: they leave when they are due, whatever becomes of those before "
            "(open loop). 0: each connection asks again as soon as it is answered (closed "
            "loop).",
    },
    {
        .name = "rate_to",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(rate_to),
        .fallback = "0",
        .max = 100000000,
        .doc = "The rate at the end, where it changes evenly; 0: it does not.",
    },
    {
        .name = "arrivals",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(arrivals),
        .names = arrivals,
        .fallback = "poisson",
        .doc = "`poisson`: at random, as independent users come. `even`: evenly spaced.",
    },
    {
        .name = "duration",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(duration_ms),
        .fallback = "10s",
        .min = 1000,
        .max = 86400000,
        .doc = "How long is measured.",
    },
    {
        .name = "warmup",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(warmup_ms),
        .fallback = "1s",
        .max = 3600000,
        .doc = "Before that: sent, and not counted.",
    },
    {
        .name = "timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(timeout_ms),
        .fallback = "10s",
        .min = 1,
        .max = 600000,
        .doc = "An answer that takes longer has failed.",
    },
    {
        .name = "connections",
        .type = RW_CONF_UINT,
        .offset = MEMBER(connections),
        .fallback = "64",
        .min = 1,
        .max = RW_LOAD_CONNECTIONS_MAX,
        .doc = "Connections that are held open.",
    },
    {
        .name = "http2",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(http2),
        .fallback = "false",
        .doc = "HTTP/2 instead of HTTP/1.1; without TLS by prior knowledge.",
    },
    {
        .name = "streams",
        .type = RW_CONF_UINT,
        .offset = MEMBER(streams),
        .fallback = "32",
        .min = 1,
        .max = RW_LOAD_STREAMS_MAX,
        .doc = "Requests at a time on a connection of HTTP/2.",
    },
    {
        .name = "threads",
        .type = RW_CONF_UINT,
        .offset = MEMBER(threads),
        .fallback = "1",
        .min = 1,
        .max = RW_LOAD_THREADS_MAX,
        .doc = "Threads of the generator, in each process.",
    },
    {
        .name = "processes",
        .type = RW_CONF_UINT,
        .offset = MEMBER(processes),
        .fallback = "1",
        .min = 1,
        .max = RW_LOAD_THREADS_MAX,
        .doc = "Processes of the generator: for more connections than one has descriptors.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_acceptance_load_record = {
    .name = "load",
    .doc = "A load, as `ringway load` makes it; all loads come one after the other.",
    .size = sizeof(struct rw_verify_load),
    .fields = load_fields,
    .place_offset = -1,
    .check = rw_acceptance_check_load,
};
