/* The configuration as a user writes it: plain structs, filled by the tables in config.c.
 *
 * Nothing here is looked at on the hot path: gate/snapshot.h compiles it into what the data plane
 * uses. Memory: all of it lives in the arena that rw_config_load is given.
 */
#ifndef RW_GATE_CONFIG_CONFIG_H
#define RW_GATE_CONFIG_CONFIG_H

#include "conf/read.h"
#include "conf/schema.h"
#include "gate/cluster/balance/locality.h"
#include "gate/cluster/retry/hedge.h"
#include "gate/cluster/retry/retry_budget.h"
#include "http/h2.h"

/* ---- TLS ---- */

struct rw_config_certificate {
    struct rw_span cert; /* PEM file: leaf first, then intermediates */
    struct rw_span key;  /* PEM file */
    struct rw_conf_place place;
};

enum rw_config_client_auth { RW_CLIENT_AUTH_OFF, RW_CLIENT_AUTH_OPTIONAL, RW_CLIENT_AUTH_REQUIRED };

struct rw_config_tls_server {
    struct rw_conf_list
        certificates;       /* of rw_config_certificate; chosen by SNI; the first is the default */
    int min_version;        /* enum: "1.2", "1.3" */
    struct rw_span ciphers; /* TLS 1.2 list; empty: the program's own */
    int client_auth;        /* enum rw_config_client_auth */
    struct rw_span client_ca; /* PEM file; needed with client_auth */
    bool tickets;
    uint32_t ticket_rotation_ms;
    bool takeover;
    uint32_t handshake_ms_max;
    struct rw_conf_place place;
};

struct rw_config_tls_client {
    bool verify;              /* default true */
    struct rw_span ca;        /* PEM file; empty: the system's */
    struct rw_span name;      /* SNI and name to verify; empty: the endpoint's host */
    struct rw_span cert, key; /* client certificate */
    int min_version;
    struct rw_conf_place place;
};

enum rw_config_protocol {
    RW_PROTOCOL_HTTP1,
    RW_PROTOCOL_HTTP2,
    RW_PROTOCOL_COUNT,
    RW_PROTOCOL_AUTO = RW_PROTOCOL_COUNT, /* of upstreams: as each server chooses */
};

/* ---- Listeners ---- */

struct rw_config_timeouts {
    uint32_t header_ms;     /* whole request head, from its first byte */
    uint32_t body_idle_ms;  /* no byte of a body for so long */
    uint32_t idle_ms;       /* keep-alive connection without a request */
    uint32_t send_idle_ms;  /* the client takes no byte for so long */
    uint64_t body_rate_min; /* bytes per second of a request body, after a grace of 5 s; 0: off */
};

struct rw_config_limits {
    uint64_t head_bytes, target_bytes;
    uint32_t fields;
    uint64_t body_bytes;              /* of a request; 0: no limit */
    uint32_t connections;             /* per worker thread */
    uint32_t requests_per_connection; /* 0: no limit */
    uint64_t exchange_bytes;          /* arena cap of one exchange */
};

enum rw_config_listener_protocol { RW_LISTENER_HTTP, RW_LISTENER_TCP };
enum rw_config_proxy { RW_PROXY_OFF, RW_PROXY_ACCEPT, RW_PROXY_REQUIRE };
enum rw_config_underscores { RW_UNDERSCORES_DROP, RW_UNDERSCORES_PASS, RW_UNDERSCORES_REFUSE };

struct rw_config_http2_floods {
    uint32_t max[RW_H2_FLOOD_CONTINUATIONS]; /* by enum rw_h2_flood: in 10 s; 0: no limit */
};

struct rw_config_http2 {
    uint32_t streams;
    uint64_t stream_window_bytes, connection_window_bytes;
    uint64_t output_bytes; /* made ahead of the client */
    uint64_t table_bytes;  /* HPACK, each direction */
    uint64_t block_bytes;  /* compressed head */
    uint32_t continuations;
    uint32_t expansion; /* of a head, by HPACK */
    uint32_t flooders;  /* connections of one address that end by a flood, in 10 s; 0: any */
    uint32_t settings_ms;
    uint32_t ping_interval_ms; /* 0: never */
    uint32_t ping_ms;
    struct rw_config_http2_floods *floods;
};

struct rw_config_listener {
    struct rw_span name;
    struct rw_span address;
    int protocol;                     /* enum rw_config_listener_protocol */
    struct rw_config_tls_server *tls; /* NULL: plain */
    struct rw_config_timeouts *timeouts;
    struct rw_config_limits *limits;
    struct rw_conf_list protocols; /* of int: enum rw_config_protocol, the preferred one first */
    struct rw_config_http2 *http2;
    struct rw_conf_list
        trusted_proxies; /* of CIDR: whose Forwarded, X-Forwarded-*, traceparent are believed */
    int proxy_protocol;  /* enum rw_config_proxy */
    int forwarded;       /* enum: "x_forwarded", "forwarded", "both", "off" */
    int underscores;     /* enum rw_config_underscores */
    bool allow_connect;
    bool reason_header; /* X-Ringway-Reason on answers of the gateway itself */
    uint32_t backlog;
    struct rw_conf_list policies; /* of rw_config_policy_use: for all routes of this listener */
    struct rw_conf_place place;
};

/* ---- Policies ---- */

struct rw_config_policy {
    struct rw_span name; /* may be empty when written in place */
    struct rw_conf_variant kind;
    struct rw_conf_place place;
};

/* In a route or listener: either a name (a scalar), or a policy written in place. */
struct rw_config_policy_use {
    struct rw_span use;
    struct rw_conf_variant kind;
    struct rw_conf_place place;
};

/* ---- Routes ---- */

struct rw_config_match {
    struct rw_conf_list host; /* of text: "api.example.com", "*.example.com"; empty: any */
    struct rw_conf_list
        path; /* of text: "/a", "/a/" + "*" as the last segment, "/users/{id}"; empty: any */
    struct rw_span path_regex;     /* PCRE2, anchored at both ends; not together with `path` */
    struct rw_conf_list method;    /* of text */
    struct rw_conf_list headers;   /* map: name -> value, "~regex" or "*" (present) */
    struct rw_conf_list query;     /* map: the same */
    struct rw_conf_list listeners; /* of text: names; empty: all */
    struct rw_conf_place place;
};

struct rw_config_route_timeouts {
    uint32_t first_byte_ms;         /* from the request being sent to the response head */
    uint32_t total_ms;              /* whole exchange; 0: off */
    struct rw_span deadline_field;  /* with milliseconds that a request may take; empty: none */
    uint32_t tunnel_idle_ms;        /* no byte in either direction for so long */
    uint32_t tunnel_half_closed_ms; /* the same, once a side has ended */
};

struct rw_config_websocket {
    uint64_t message_bytes_max; /* payload of all frames of a message; 0: no limit */
    uint32_t ping_ms;           /* after so long a silence; 0: none */
    uint32_t close_ms_max;      /* for the answer to a Close frame of the gateway */
};

/* Of a route to an upstream. */
struct rw_config_route_overload {
    int class; /* enum rw_config_class */
    uint32_t status;
    struct rw_span content_type, body; /* body: empty: a problem document */
};

struct rw_config_route {
    struct rw_span name;
    struct rw_config_match *match;
    int32_t priority; /* higher wins; default 0 */
    struct rw_conf_variant
        action; /* upstream, respond, redirect, files, echo: the registry of origins */
    struct rw_conf_list policies; /* of rw_config_policy_use */
    struct rw_config_route_timeouts *timeouts;
    struct rw_conf_list
        upgrade; /* of text: protocols allowed in Upgrade, e.g. websocket; default websocket */
    struct rw_config_websocket *websocket;
    struct rw_config_route_overload *overload;
    struct rw_conf_place place;
};

/* ---- TCP routes ---- */

struct rw_config_tcp_match {
    struct rw_conf_list sni;       /* of text: "a.example.com", "*.example.com"; empty: any */
    struct rw_conf_list listeners; /* of text: names; empty: all of protocol tcp */
    struct rw_conf_place place;
};

struct rw_config_tcp_timeouts {
    uint32_t idle_ms, half_closed_ms;
    uint32_t total_ms; /* 0: off */
};

struct rw_config_tcp_route {
    struct rw_span name;
    struct rw_config_tcp_match *match;
    struct rw_span upstream;
    struct rw_config_tcp_timeouts *timeouts;
    struct rw_conf_place place;
};

/* ---- Upstreams ---- */

struct rw_config_endpoint {
    struct rw_span address; /* 10.0.0.1:80, [::1]:80, name:80, srv:_http._tcp.name, unix:/path */
    uint32_t weight;
    uint32_t priority; /* lower ones first */
    struct rw_locality locality;
    struct rw_conf_place place;
};

/* Of an upstream: which endpoints are preferred. */
struct rw_config_locality {
    int prefer;                      /* enum rw_prefer */
    uint32_t overflow_below_percent; /* of those that are preferred are up: others help */
};

/* By which way endpoints are reached. */
struct rw_config_path {
    struct rw_span congestion, source, interface; /* empty: the system's choice */
    struct rw_conf_place source_place, interface_place;
};

struct rw_config_keepalive {
    uint32_t idle_ms, interval_ms, probes;
};

struct rw_config_tcp {
    struct rw_config_path path;
    uint32_t user_timeout_ms;              /* 0: the system's */
    struct rw_config_keepalive *keepalive; /* NULL: none */
    struct rw_conf_place place;
};

struct rw_config_line {
    struct rw_span name;
    struct rw_config_path path;
    struct rw_span cost_per_gb;
    uint64_t cost_millionths; /* the same, by the check */
    uint32_t weight, priority;
    struct rw_conf_place place;
};

enum rw_config_balance {
    RW_BALANCE_ROUND_ROBIN,
    RW_BALANCE_LEAST_REQUESTS,
    RW_BALANCE_HASH,
    RW_BALANCE_RANDOM,
    RW_BALANCE_LATENCY,
    RW_BALANCE_PATH
};
enum rw_config_hash_on {
    RW_HASH_ADDRESS,
    RW_HASH_HEADER,
    RW_HASH_COOKIE,
    RW_HASH_PATH,
    RW_HASH_QUERY,
    RW_HASH_CONSUMER,
    RW_HASH_TENANT,
    RW_HASH_CLAIM
};

extern const char *const rw_config_hash_on_names[]; /* and NULL */

struct rw_config_hash {
    int on;              /* enum rw_config_hash_on */
    struct rw_span name; /* of the header, cookie, query parameter or claim */
    struct rw_conf_place place;
};

struct rw_config_grpc_health {
    struct rw_span service; /* empty: the server as a whole */
};

/* Either `path` or `grpc`. */
struct rw_config_active_health {
    struct rw_span path;                /* GET */
    struct rw_config_grpc_health *grpc; /* grpc.health.v1.Health/Check; NULL: a GET */
    struct rw_span host;                /* Host field; empty: the upstream's name */
    uint32_t interval_ms, timeout_ms;
    uint32_t healthy_after;   /* good probes in a row */
    uint32_t unhealthy_after; /* bad ones */
    uint32_t status_min, status_max;
    uint32_t
        panic_percent; /* fewer endpoints are up: probes are not believed; 0: they always are */
};

enum rw_config_all_out { RW_ALL_OUT_ASK, RW_ALL_OUT_REFUSE };

struct rw_config_passive_health {
    uint32_t failures;          /* connect errors, resets, timeouts, 502/503/504 in a row; 0: off */
    uint32_t eject_ms;          /* how long it gets no request */
    uint32_t eject_percent_max; /* of the endpoints, at most so many are out */
    uint32_t error_percent;     /* of the requests in a window; 0: off */
    uint32_t slow_ms;           /* a response that takes so long is slow; 0: off */
    uint32_t slow_percent;      /* of the responses in a window */
    uint32_t window_ms;
    uint32_t requests_min; /* in a window, for shares to say something */
    uint32_t trials;       /* good ones before it is back; 0: it is back when its time is over */
    uint32_t slow_start_ms;
    int all_out; /* enum rw_config_all_out */
};

struct rw_config_connections {
    uint32_t per_endpoint_max; /* over all threads; 0: no limit */
    uint32_t idle_max;         /* kept per endpoint and thread */
    uint32_t idle_ms;
    uint32_t requests_max; /* per connection; 0: no limit */
    uint32_t queue_max;    /* requests that wait for a connection, per thread */
    uint32_t queue_ms_max;
};

/* Of HTTP/2 connections to endpoints. */
struct rw_config_upstream_http2 {
    uint32_t streams; /* requests under way on one connection */
    uint64_t stream_window_bytes, connection_window_bytes;
    uint32_t ping_interval_ms; /* 0: never */
    uint32_t ping_ms;
    uint32_t age_ms_max; /* 0: no limit */
};

enum rw_config_retry_on {
    RW_RETRY_CONNECT, /* or refused unseen */
    RW_RETRY_RESET,
    RW_RETRY_TIMEOUT,
    RW_RETRY_502,
    RW_RETRY_503,
    RW_RETRY_504,
    RW_RETRY_GRPC_CANCELLED,
    RW_RETRY_GRPC_DEADLINE_EXCEEDED,
    RW_RETRY_GRPC_RESOURCE_EXHAUSTED,
    RW_RETRY_GRPC_INTERNAL,
    RW_RETRY_GRPC_UNAVAILABLE,
    RW_RETRY_COUNT
};

extern const char *const rw_config_retry_names[]; /* and NULL */

struct rw_config_retries {
    uint32_t tries;
    struct rw_conf_list on; /* of int: enum rw_config_retry_on */
    uint32_t backoff_ms, backoff_ms_max;
    uint32_t try_ms; /* 0: none */
    uint64_t body_bytes_max;
    struct rw_retry_budget_settings budget;
};

enum rw_config_class {
    RW_CLASS_CRITICAL,
    RW_CLASS_NORMAL,
    RW_CLASS_BULK,
    RW_CLASS_COUNT, /* of those that wait */
    RW_CLASS_EXEMPT = RW_CLASS_COUNT,
};

extern const char *const rw_config_class_names[]; /* and NULL */

/* Of an upstream. */
struct rw_config_overload {
    uint32_t limit, limit_min, limit_max; /* requests at once */
    uint32_t queue_max, queue_ms_max, target_ms;
    uint32_t retry_after_ms;
    struct rw_config_hash *fair_by;
};

/* Endpoints that are found at run time: by one of the three. */
struct rw_config_etcd {
    struct rw_conf_list servers; /* of address */
    struct rw_span prefix;
    struct rw_span username, password; /* empty: none */
    struct rw_config_tls_client *tls;  /* NULL: plain */
};

enum rw_config_family { RW_CONFIG_FAMILY_ANY, RW_CONFIG_FAMILY_IPV4, RW_CONFIG_FAMILY_IPV6 };

struct rw_config_kubernetes {
    struct rw_span server, namespace, service;
    int family;                /* enum rw_config_family */
    struct rw_span port;       /* name or number; empty: the first */
    struct rw_span token_file; /* empty: none */
    struct rw_config_tls_client *tls;
    bool plain; /* else `tls` is there */
};

struct rw_config_discovery {
    struct rw_span file; /* empty: not this */
    struct rw_config_etcd *etcd;
    struct rw_config_kubernetes *kubernetes;
    struct rw_locality locality; /* of endpoints that do not say */
    struct rw_conf_place place;
};

struct rw_config_upstream {
    struct rw_span name;
    struct rw_conf_list endpoints;         /* of rw_config_endpoint */
    struct rw_config_discovery *discovery; /* NULL: none */
    int protocol;                          /* enum rw_config_protocol */
    struct rw_config_upstream_http2 *http2;
    int balance; /* enum rw_config_balance */
    struct rw_config_hash *hash;
    struct rw_config_locality *locality;
    struct rw_config_active_health *health;
    struct rw_config_passive_health *passive_health;
    struct rw_config_retries *retries;
    struct rw_config_overload *overload; /* NULL: no limit */
    struct rw_hedge_settings *hedging;   /* NULL: none */
    struct rw_config_connections *connections;
    struct rw_config_tls_client *tls; /* NULL: plain */
    struct rw_config_tcp *tcp;        /* NULL: the system's defaults */
    struct rw_conf_list lines;        /* of rw_config_line */
    uint32_t cost_weight_ms;
    uint32_t connect_ms;
    int proxy_protocol;  /* enum: "off", "v1", "v2" */
    struct rw_span host; /* Host sent to the origin; empty: as the client sent it */
    struct rw_conf_place place;
};

/* ---- To see it work ---- */

struct rw_config_access_log {
    struct rw_span path;   /* "-" standard output; empty: off */
    uint64_t rotate_bytes; /* 0: never by size */
    uint32_t rotate_keep;
    struct rw_conf_place path_place;
};

struct rw_config_error_log {
    struct rw_span path; /* "-" standard error */
    int level;           /* enum rw_log_level */
    struct rw_conf_place path_place;
};

enum { RW_REDIS_PREFIX_BYTES_MAX = 64, RW_REDIS_ADDRESSES_MAX = 16 };
enum rw_config_redis_down { RW_REDIS_DOWN_LOCAL, RW_REDIS_DOWN_ADMIT, RW_REDIS_DOWN_REFUSE };

struct rw_config_sentinel {
    struct rw_conf_list addresses;     /* of text */
    struct rw_span primary;            /* what they call it */
    struct rw_span username, password; /* of the Sentinels; empty: none */
    struct rw_config_tls_client *tls;  /* towards them; NULL: plain */
};

/* Exactly one of address, sentinel and cluster. */
struct rw_config_redis {
    struct rw_span address; /* empty: not one server */
    struct rw_config_sentinel *sentinel;
    struct rw_conf_list cluster;       /* of text: members to begin with */
    struct rw_config_tls_client *tls;  /* towards the servers; NULL: plain */
    struct rw_span username, password; /* empty: none */
    uint32_t database;
    struct rw_span prefix; /* of the keys there */
    uint32_t interval_ms;  /* between two rounds */
    uint32_t timeout_ms;
    int when_down; /* enum rw_config_redis_down */
    struct rw_conf_place place;
};

/* "local", "admit", "refuse". */
const char *rw_config_redis_down_name(int when_down);

struct rw_config_rate_limits {
    uint32_t keys_max;
    int when_full;                 /* enum rw_meters_full */
    struct rw_span quota_file;     /* empty: none */
    struct rw_config_redis *redis; /* NULL: none */
    struct rw_conf_place quota_file_place;
};

/* ---- Who asks ---- */

enum { RW_CONSUMER_KEYS_MAX = 16, RW_CONSUMER_NAME_BYTES_MAX = 128, RW_CONSUMER_DIGEST_BYTES = 32 };

struct rw_config_subject {
    struct rw_span subject, issuer; /* issuer empty: whoever it is */
    struct rw_conf_place place;
};

struct rw_config_consumer {
    struct rw_span name, tenant;  /* tenant empty: none */
    struct rw_conf_list keys;     /* of rw_span: secrets, or "sha256:" and their digests */
    struct rw_conf_list subjects; /* of rw_config_subject */
    struct rw_conf_place place;
};

/* Is the key written as its digest? RW_EINVAL: it is not one. */
bool rw_consumer_digest_written(struct rw_span key);
RW_MUST_CHECK enum rw_err rw_consumer_digest_parse(struct rw_span key,
                                                   uint8_t to[RW_CONSUMER_DIGEST_BYTES]);

/* What origins are told, by fields that no client can set. */
struct rw_config_identity {
    struct rw_span consumer_field, tenant_field; /* empty: not told */
    struct rw_conf_list claim_fields;            /* of rw_conf_pair: claim, field */
};

struct rw_config_metrics {
    uint32_t series_max; /* labelled series at most; the rest is counted as "_other" */
};

struct rw_config_admin {
    struct rw_span address; /* loopback unless allow_remote */
    bool allow_remote;
    struct rw_conf_place place;
};

struct rw_config_dns {
    struct rw_conf_list servers; /* of address; empty: the system's */
    uint32_t timeout_ms;
    uint32_t ttl_ms_min, ttl_ms_max; /* bounds put on a record's own */
};

struct rw_config {
    uint32_t threads;      /* 0: one a core */
    int io;                /* enum: "auto", "epoll", "io_uring" */
    bool watch_file;       /* reload when the file changes */
    uint32_t drain_ms_max; /* at SIGTERM and after an upgrade */
    struct rw_conf_list listeners, routes, tcp_routes, upstreams, policies;
    struct rw_conf_list consumers; /* of rw_config_consumer */
    struct rw_config_identity *identity;
    struct rw_config_access_log *access_log;
    struct rw_config_error_log *error_log;
    struct rw_config_metrics *metrics;
    struct rw_config_admin *admin; /* NULL: none */
    struct rw_config_dns *dns;
    struct rw_config_rate_limits *rate_limits;
    struct rw_locality
        *locality; /* where this gateway is; what is not said is in the environment */
};

extern const struct rw_conf_record rw_config_record;

/* What kinds of action and policy there are: told once at start-up, before the first load, by the
 * program's main. Both arrays are NULL-terminated and live forever. */
void rw_config_register(const struct rw_conf_variant_kind *const *actions,
                        const struct rw_conf_variant_kind *const *policies);

/* Reads and checks everything that needs no file but this one and no network: unknown names,
 * duplicate names, conflicting options. Mistakes in the report; RW_EINVAL when there are any. */
RW_MUST_CHECK enum rw_err rw_config_load(const char *path, struct rw_arena *arena,
                                         struct rw_config **config, struct rw_conf_report *report);
RW_MUST_CHECK enum rw_err rw_config_load_text(struct rw_span yaml, const char *name,
                                              struct rw_arena *arena, struct rw_config **config,
                                              struct rw_conf_report *report);

/* NULL: there is none of this name. */
const struct rw_config_upstream *rw_config_upstream_named(const struct rw_config *config,
                                                          struct rw_span name);

#endif
