/* Tables of upstreams: balancing, health, connections. */
#include "gate/config/config_tables.h"
#include "http/grpc_health.h"

/* ---- Balancing ---- */

static const char *const balance_names[] = {"round_robin", "least_requests", "hash", "random",
                                            "latency",     "path",           NULL};
const char *const rw_config_hash_on_names[] = {"address", "header", "cookie",
                                               "path",    "query",  NULL};

static const struct rw_conf_field hash_fields[] = {
    {
        .name = "on",
        .type = RW_CONF_ENUM,
        .offset = offsetof(struct rw_config_hash, on),
        .names = rw_config_hash_on_names,
        .fallback = "address",
        .doc =
            "What decides about the endpoint: the client's address, a header field, a cookie, the "
            "path or a query parameter.",
    },
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = offsetof(struct rw_config_hash, name),
        .min = 1,
        .max = 256,
        .doc = "Of the header field, cookie or query parameter.",
        .example = "session",
    },
    {.name = NULL},
};

const struct rw_conf_record rw_config_hash_record = {
    .name = "upstream.hash",
    .doc = "A property of requests. For `balance: hash` equal values go to the same endpoint, as "
           "long as it is there; for `overload.fair_by` they are one tenant.",
    .size = sizeof(struct rw_config_hash),
    .fields = hash_fields,
    .place_offset = -1,
};

/* ---- Health ---- */

static const struct rw_conf_field grpc_health_fields[] = {
    {
        .name = "service",
        .type = RW_CONF_TEXT,
        .offset = offsetof(struct rw_config_grpc_health, service),
        .min = 1,
        .max = RW_GRPC_SERVICE_BYTES_MAX,
        .doc = "The service that is asked about. By default the server as a whole.",
        .example = "shop.Orders",
    },
    {.name = NULL},
};

static const struct rw_conf_record grpc_health_record = {
    .name = "upstream.health.grpc",
    .doc = "The health check of gRPC: good is the status SERVING. A text in place of the mapping "
           "is the service.",
    .size = sizeof(struct rw_config_grpc_health),
    .fields = grpc_health_fields,
    .place_offset = -1,
    .scalar_field = "service",
};

#define MEMBER(member) offsetof(struct rw_config_active_health, member)
static const struct rw_conf_field health_fields[] = {
    {
        .name = "path",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(path),
        .min = 1,
        .max = 4096,
        .doc = "What is asked for, by GET. Either this or `grpc`.",
        .example = "/healthz",
    },
    {
        .name = "grpc",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(grpc),
        .record = &grpc_health_record,
        .doc = "Ask by gRPC (grpc.health.v1.Health/Check) in place of a GET; {} asks about the "
               "server as a whole. For `protocol: http2`.",
    },
    {
        .name = "host",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(host),
        .min = 1,
        .max = 253,
        .doc = "The Host field of the probe. By default the upstream's name.",
        .example = "app.internal",
    },
    {
        .name = "interval",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(interval_ms),
        .fallback = "5s",
        .min = 100,
        .max = 3600000,
        .doc = "From one probe to the next.",
    },
    {
        .name = "timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(timeout_ms),
        .fallback = "2s",
        .min = 10,
        .max = 600000,
        .doc = "For the whole probe; not longer than the interval.",
    },
    {
        .name = "healthy_after",
        .type = RW_CONF_UINT,
        .offset = MEMBER(healthy_after),
        .fallback = "2",
        .min = 1,
        .max = 100,
        .doc = "So many good probes in a row bring an endpoint back, also one that "
               "`passive_health` has put out.",
    },
    {
        .name = "unhealthy_after",
        .type = RW_CONF_UINT,
        .offset = MEMBER(unhealthy_after),
        .fallback = "3",
        .min = 1,
        .max = 100,
        .doc = "So many bad probes in a row take an endpoint out.",
    },
    {
        .name = "status_min",
        .type = RW_CONF_UINT,
        .offset = MEMBER(status_min),
        .fallback = "200",
        .min = 100,
        .max = 599,
        .doc = "The lowest status that counts as good.",
    },
    {
        .name = "status_max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(status_max),
        .fallback = "399",
        .min = 100,
        .max = 599,
        .doc = "The highest status that counts as good.",
    },
    {
        .name = "panic_percent",
        .type = RW_CONF_UINT,
        .offset = MEMBER(panic_percent),
        .fallback = "0",
        .min = 0,
        .max = 100,
        .doc = "When fewer than so many percent of the endpoints are up by their probes, the "
               "probes are not believed and all are asked: better some answers than the whole "
               "load on the few. 0: a request goes to none that is down.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record health_record = {
    .name = "upstream.health",
    .doc = "Probes of each endpoint. A text in place of the mapping is the path.",
    .size = sizeof(struct rw_config_active_health),
    .fields = health_fields,
    .place_offset = -1,
    .scalar_field = "path",
    .check = rw_config_check_health,
};

static const char *const all_out_names[] = {"ask", "refuse", NULL};

#define MEMBER(member) offsetof(struct rw_config_passive_health, member)
static const struct rw_conf_field passive_health_fields[] = {
    {
        .name = "failures",
        .type = RW_CONF_UINT,
        .offset = MEMBER(failures),
        .fallback = "5",
        .min = 0,
        .max = 1000,
        .doc = "So many failures in a row put an endpoint out: no connection, reset, timeout, or a "
               "status 502, 503 or 504; 0 is off.",
    },
    {
        .name = "eject",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(eject_ms),
        .fallback = "10s",
        .min = 1,
        .max = 3600000,
        .doc = "How long it then gets no requests; longer each time that it fails again.",
    },
    {
        .name = "eject_percent_max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(eject_percent_max),
        .fallback = "50",
        .min = 0,
        .max = 100,
        .doc =
            "At most so many percent of the endpoints are out at a time, so that a failure of all "
            "does not leave none.",
    },
    {
        .name = "error_percent",
        .type = RW_CONF_UINT,
        .offset = MEMBER(error_percent),
        .fallback = "0",
        .min = 0,
        .max = 100,
        .doc = "So many percent of an endpoint's requests in a `window` that fail put it out, too; "
               "0 is off.",
    },
    {
        .name = "slow",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(slow_ms),
        .fallback = "0s",
        .min = 0,
        .max = 86400000,
        .doc = "A response that takes so long, from the request to its head, is slow; 0s is off.",
        .example = "2s",
    },
    {
        .name = "slow_percent",
        .type = RW_CONF_UINT,
        .offset = MEMBER(slow_percent),
        .fallback = "50",
        .min = 1,
        .max = 100,
        .doc = "So many percent of slow responses in a `window` put an endpoint out.",
    },
    {
        .name = "window",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(window_ms),
        .fallback = "10s",
        .min = 100,
        .max = 3600000,
        .doc = "Over which these shares are taken, one window after the other.",
    },
    {
        .name = "requests_min",
        .type = RW_CONF_UINT,
        .offset = MEMBER(requests_min),
        .fallback = "20",
        .min = 1,
        .max = 1000000,
        .doc = "With fewer requests in a window shares say nothing.",
    },
    {
        .name = "trials",
        .type = RW_CONF_UINT,
        .offset = MEMBER(trials),
        .fallback = "1",
        .min = 0,
        .max = 1000,
        .doc = "After its time an endpoint gets one request at a time, and is back when so many in "
               "a row were good; one that fails puts it out again. 0: it is back at once.",
    },
    {
        .name = "slow_start",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(slow_start_ms),
        .fallback = "0s",
        .min = 0,
        .max = 3600000,
        .doc =
            "An endpoint that is back, by `trials` or by its probes, gets a tenth of its share at "
            "first, and the whole of it after this time. 0s: at once.",
    },
    {
        .name = "all_out",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(all_out),
        .names = all_out_names,
        .fallback = "ask",
        .doc = "When no endpoint takes requests but those that failed: `ask` them all the same, or "
               "`refuse` with 503 at once, which spares them (a circuit breaker of the upstream). "
               "With fewer than all the endpoints out, `eject_percent_max` decides first.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record passive_health_record = {
    .name = "upstream.passive_health",
    .doc = "What real requests tell about an endpoint.",
    .size = sizeof(struct rw_config_passive_health),
    .fields = passive_health_fields,
    .place_offset = -1,
};

/* ---- Connections ---- */

#define MEMBER(member) offsetof(struct rw_config_connections, member)
static const struct rw_conf_field connections_fields[] = {
    {
        .name = "per_endpoint_max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(per_endpoint_max),
        .fallback = "0",
        .min = 0,
        .max = 1000000,
        .doc =
            "Connections to one endpoint, of all threads together; 0 is no limit. Set it to what "
            "the server can take: further requests wait in the queue. With `--processes N` each "
            "process has an Nth part, but at least one connection.",
        .example = "512",
    },
    {
        .name = "idle_max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(idle_max),
        .fallback = "1024",
        .min = 0,
        .max = 1000000,
        .doc = "Idle connections that each thread keeps open to an endpoint; 0 opens a new one for "
               "every request.",
    },
    {
        .name = "idle_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(idle_ms),
        .fallback = "60s",
        .min = 1,
        .max = 86400000,
        .doc = "How long an idle connection is kept. It should be less than the server's own time.",
    },
    {
        .name = "requests_max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(requests_max),
        .fallback = "0",
        .doc = "Requests on one connection before it is closed; 0 is no limit.",
    },
    {
        .name = "queue_max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(queue_max),
        .fallback = "1024",
        .min = 0,
        .max = 1000000,
        .doc = "Requests of one thread that may wait for a connection when per_endpoint_max is "
               "reached. More is answered with 503.",
    },
    {
        .name = "queue_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(queue_ms_max),
        .fallback = "5s",
        .min = 1,
        .max = 600000,
        .doc = "How long a request waits there. Then it is answered with 503.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record connections_record = {
    .name = "upstream.connections",
    .doc = "Connections to the endpoints.",
    .size = sizeof(struct rw_config_connections),
    .fields = connections_fields,
    .place_offset = -1,
};

/* ---- HTTP/2 ---- */

static const char *const protocol_names[] = {"http1", "http2", "auto", NULL};

#define MEMBER(member) offsetof(struct rw_config_upstream_http2, member)
static const struct rw_conf_field http2_fields[] = {
    {
        .name = "streams",
        .type = RW_CONF_UINT,
        .offset = MEMBER(streams),
        .fallback = "100",
        .min = 1,
        .max = 10000,
        .doc = "Requests under way on one connection, or fewer where the server announces fewer. "
               "When all connections are full another one is opened.",
    },
    {
        .name = "stream_window",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(stream_window_bytes),
        .fallback = "256KiB",
        .min = 65535,
        .max = 16 << 20,
        .doc = "What the server may send of one response before the client has taken it.",
    },
    {
        .name = "connection_window",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(connection_window_bytes),
        .fallback = "8MiB",
        .min = 65535,
        .max = 1 << 30,
        .doc = "The same for all responses of one connection together.",
    },
    {
        .name = "ping_interval",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(ping_interval_ms),
        .fallback = "10s",
        .min = 0,
        .max = 86400000,
        .doc = "When nothing has come for so long after a request was sent, the server is asked by "
               "PING whether it is still there; 0 is never.",
    },
    {
        .name = "ping_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(ping_ms),
        .fallback = "5s",
        .min = 1,
        .max = 600000,
        .doc = "For the answer to that. Without one the connection is given up, and its requests "
               "are repeated where they may be.",
    },
    {
        .name = "age_max",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(age_ms_max),
        .fallback = "1h",
        .min = 0,
        .max = 2147483647,
        .doc = "A connection that old takes no more requests, and another one is opened in its "
               "place; 0 is no limit.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record http2_record = {
    .name = "upstream.http2",
    .doc = "For `protocol: http2`: connections that many requests share. How many there may be is "
           "said by `connections`, which counts them like others.",
    .size = sizeof(struct rw_config_upstream_http2),
    .fields = http2_fields,
    .place_offset = -1,
    .check = rw_config_check_upstream_http2,
};

/* ---- TLS ---- */

static const char *const version_names[] = {"1.2", "1.3", NULL};

#define MEMBER(member) offsetof(struct rw_config_tls_client, member)
static const struct rw_conf_field tls_fields[] = {
    {
        .name = "verify",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(verify),
        .fallback = "true",
        .doc =
            "Verify the server's certificate and name. Without it anybody in between can read and "
            "change everything.",
    },
    {
        .name = "ca",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(ca),
        .min = 1,
        .max = 4095,
        .doc = "PEM file with the authorities to trust. By default those of the system.",
        .example = "/etc/ringway/internal-ca.pem",
    },
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(name),
        .min = 1,
        .max = 253,
        .doc = "The name to ask for (SNI) and to verify. By default the host of the endpoint.",
        .example = "app.internal",
    },
    {
        .name = "cert",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(cert),
        .min = 1,
        .max = 4095,
        .doc = "PEM file with a client certificate to show.",
        .example = "/etc/ringway/gateway.pem",
    },
    {
        .name = "key",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(key),
        .min = 1,
        .max = 4095,
        .doc = "PEM file with its private key.",
        .example = "/etc/ringway/gateway.key",
    },
    {
        .name = "min_version",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(min_version),
        .names = version_names,
        .fallback = "1.2",
        .doc = "The oldest TLS version that is accepted.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_tls_client_record = {
    .name = "upstream.tls",
    .doc = "TLS towards the endpoints; {} takes the defaults.",
    .size = sizeof(struct rw_config_tls_client),
    .fields = tls_fields,
    .place_offset = offsetof(struct rw_config_tls_client, place),
    .check = rw_config_check_tls_client,
};

/* ---- The upstream ---- */

static const char *const proxy_names[] = {"off", "v1", "v2", NULL};

#define MEMBER(member) offsetof(struct rw_config_upstream, member)
static const struct rw_conf_field upstream_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(name),
        .min = 1,
        .max = 128,
        .doc = "What routes name it by.",
        .example = "app",
    },
    {
        .name = "endpoints",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_ALWAYS,
        .offset = MEMBER(endpoints),
        .record = &rw_config_endpoint_record,
        .doc = "The servers, any of which can answer. There is at least one, or `discovery`.",
    },
    {
        .name = "discovery",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(discovery),
        .record = &rw_config_discovery_record,
        .doc = "Where to find the servers, when they come and go.",
    },
    {
        .name = "protocol",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(protocol),
        .names = protocol_names,
        .fallback = "http1",
        .doc = "What the servers speak. HTTP/2 with `tls` is agreed on with the server (ALPN h2), "
               "without it is taken as known. `auto` takes what each server prefers that speaks "
               "one or both of them, and needs `tls`. Upgrades other than to WebSocket need http1 "
               "or auto.",
    },
    {
        .name = "http2",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(http2),
        .record = &http2_record,
        .doc = "For `protocol: http2` and `auto`: connections that many requests share.",
    },
    {
        .name = "balance",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(balance),
        .names = balance_names,
        .fallback = "round_robin",
        .doc =
            "How an endpoint is chosen: in turn by weight; the one of two random ones with fewer "
            "requests under way; by a hash (see `hash`); at random; the one that answers soonest, by "
            "its latency and the requests under way; the one whose path (see `lines`) is best.",
    },
    {
        .name = "hash",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(hash),
        .record = &rw_config_hash_record,
        .doc = "What `balance: hash` looks at. By default the client's address.",
    },
    {
        .name = "locality",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(locality),
        .record = &rw_config_upstream_locality_record,
        .doc = "Which endpoints are preferred, where they are not all in one place.",
    },
    {
        .name = "health",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(health),
        .record = &health_record,
        .doc = "Probes of each endpoint. Without it there are none.",
    },
    {
        .name = "passive_health",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(passive_health),
        .record = &passive_health_record,
        .doc = "What real requests tell about an endpoint.",
    },
    {
        .name = "retries",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(retries),
        .record = &rw_config_retries_record,
        .doc = "When a request is sent again.",
    },
    {
        .name = "overload",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(overload),
        .record = &rw_config_overload_record,
        .doc = "How many requests the upstream is given at once, and who waits for how long: see "
               "the manual, When servers fail. Without it, all that come.",
    },
    {
        .name = "hedging",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(hedging),
        .record = &rw_config_hedging_record,
        .doc = "Reads that take long are asked of a second endpoint as well. Without it, they are "
               "waited for.",
    },
    {
        .name = "connections",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(connections),
        .record = &connections_record,
        .doc = "Connections to the endpoints.",
    },
    {
        .name = "tls",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(tls),
        .record = &rw_config_tls_client_record,
        .doc = "TLS towards the endpoints. Without it, connections are plain.",
    },
    {
        .name = "tcp",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(tcp),
        .record = &rw_config_upstream_tcp_record,
        .doc = "What connections to the endpoints ask of the kernel. Without it, nothing special.",
    },
    {
        .name = "lines",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_UNIQUE,
        .offset = MEMBER(lines),
        .record = &rw_config_line_record,
        .doc = "Several ways to the endpoints, each of which is then one endpoint for each line.",
    },
    {
        .name = "cost_weight",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(cost_weight_ms),
        .fallback = "100ms",
        .min = 0,
        .max = 600000,
        .doc =
            "With `balance: path`: so much slower may a path be whose `cost_per_gb` is less by 1.",
    },
    {
        .name = "connect_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(connect_ms),
        .fallback = "2s",
        .min = 1,
        .max = 600000,
        .doc = "For a connection to be made, with its TLS handshake.",
    },
    {
        .name = "proxy_protocol",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(proxy_protocol),
        .names = proxy_names,
        .fallback = "off",
        .doc =
            "Tell the endpoints by a PROXY header, before TLS, whose connection it is. Then each "
            "client connection has its own connections to endpoints: they are never shared.",
    },
    {
        .name = "host",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(host),
        .min = 1,
        .max = 255,
        .doc = "The Host field that the endpoints get. By default what the client sent.",
        .example = "app.internal",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_upstream_record = {
    .name = "upstream",
    .doc = "Servers that can stand in for each other.",
    .size = sizeof(struct rw_config_upstream),
    .fields = upstream_fields,
    .place_offset = offsetof(struct rw_config_upstream, place),
    .check = rw_config_check_upstream,
};
