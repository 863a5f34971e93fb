/* Tables of upstreams, and how they are balanced. */
#include "gate/config/config_tables.h"

/* ---- Balancing ---- */

static const char *const balance_names[] = {"round_robin", "least_requests", "hash", "random",
                                            "latency",     "path",           NULL};
const char *const rw_config_hash_on_names[] = {
    [RW_HASH_ADDRESS] = "address", [RW_HASH_HEADER] = "header", [RW_HASH_COOKIE] = "cookie",
    [RW_HASH_PATH] = "path",       [RW_HASH_QUERY] = "query",   [RW_HASH_CONSUMER] = "consumer",
    [RW_HASH_TENANT] = "tenant",   [RW_HASH_CLAIM] = "claim",   NULL,
};

static const struct rw_conf_field hash_fields[] = {
    {
        .name = "on",
        .type = RW_CONF_ENUM,
        .offset = offsetof(struct rw_config_hash, on),
        .names = rw_config_hash_on_names,
        .fallback = "address",
        .doc =
            "What decides about the endpoint: the client's address, a header field, a cookie, the "
            "path, a query parameter, or what the policies `api_key` and `jwt` have found out "
            "about who asks: the consumer, its tenant, or a claim; then each route to the upstream "
            "has such a policy. A request without it is known by its address; the policy "
            "`session_cookie` gives each a cookie.",
    },
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = offsetof(struct rw_config_hash, name),
        .min = 1,
        .max = 256,
        .doc = "Of the header field, cookie, query parameter or claim.",
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
    .place_offset = offsetof(struct rw_config_hash, place),
};

/* ---- The upstream ---- */

static const char *const protocol_names[] = {"http1", "http2", "auto", NULL};
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
        .record = &rw_config_upstream_http2_record,
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
        .record = &rw_config_health_record,
        .doc = "Probes of each endpoint. Without it there are none.",
    },
    {
        .name = "passive_health",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(passive_health),
        .record = &rw_config_passive_health_record,
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
        .record = &rw_config_connections_record,
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
