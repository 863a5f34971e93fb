/* Tables of connections to endpoints: how many, HTTP/2, TLS. */
#include "gate/config/config_tables.h"

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

const struct rw_conf_record rw_config_connections_record = {
    .name = "upstream.connections",
    .doc = "Connections to the endpoints.",
    .size = sizeof(struct rw_config_connections),
    .fields = connections_fields,
    .place_offset = -1,
};

/* ---- HTTP/2 ---- */

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

const struct rw_conf_record rw_config_upstream_http2_record = {
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
