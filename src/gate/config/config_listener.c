/* Tables of listeners: addresses, TLS, timeouts, limits. */
#include "gate/config/config_tables.h"

/* ---- TLS ---- */

static const struct rw_conf_field certificate_fields[] = {
    {
        .name = "cert",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = offsetof(struct rw_config_certificate, cert),
        .min = 1,
        .max = 4095,
        .doc = "PEM file with the certificate, followed by the intermediate ones.",
        .example = "/etc/ringway/example.com.pem",
    },
    {
        .name = "key",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = offsetof(struct rw_config_certificate, key),
        .min = 1,
        .max = 4095,
        .doc = "PEM file with the private key.",
        .example = "/etc/ringway/example.com.key",
    },
    {.name = NULL},
};

static const struct rw_conf_record certificate_record = {
    .name = "certificate",
    .doc =
        "A certificate with its key. The names that it is for are read from it. Both files are "
        "read again when they change. One that has expired is served all the same, with a warning "
        "in the log: clients refuse it, but not what has other names.",
    .size = sizeof(struct rw_config_certificate),
    .fields = certificate_fields,
    .place_offset = offsetof(struct rw_config_certificate, place),
};

static const char *const version_names[] = {"1.2", "1.3", NULL};
static const char *const client_auth_names[] = {"off", "optional", "required", NULL};

#define MEMBER(member) offsetof(struct rw_config_tls_server, member)
static const struct rw_conf_field tls_fields[] = {
    {
        .name = "certificates",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED,
        .offset = MEMBER(certificates),
        .record = &certificate_record,
        .doc =
            "Certificates, chosen by the name that the client asks for (SNI; wildcards count). The "
            "first one is for clients that name none.",
    },
    {
        .name = "min_version",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(min_version),
        .names = version_names,
        .fallback = "1.2",
        .doc = "The oldest TLS version that is accepted. Take 1.3 where all clients are known.",
    },
    {
        .name = "ciphers",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(ciphers),
        .max = 1024,
        .doc =
            "Ciphers for TLS 1.2 in OpenSSL's notation. By default those with forward secrecy and "
            "authenticated encryption.",
        .example = "ECDHE+AESGCM:ECDHE+CHACHA20",
    },
    {
        .name = "client_auth",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(client_auth),
        .names = client_auth_names,
        .fallback = "off",
        .doc = "Whether clients show a certificate: `optional` checks one if it comes, `required` "
               "refuses connections without.",
    },
    {
        .name = "client_ca",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(client_ca),
        .min = 1,
        .max = 4095,
        .doc =
            "PEM file with the authorities that sign client certificates. Needed with client_auth.",
        .example = "/etc/ringway/clients-ca.pem",
    },
    {
        .name = "tickets",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(tickets),
        .fallback = "true",
        .doc = "Session tickets: a client that comes back saves most of the handshake.",
    },
    {
        .name = "ticket_rotation",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(ticket_rotation_ms),
        .fallback = "12h",
        .min = 60000,
        .max = 7 * 86400000ll,
        .doc =
            "How long one key encrypts session tickets. Shorter is safer, longer saves handshakes.",
    },
    {
        .name = "takeover",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(takeover),
        .fallback = "true",
        .doc = "TLS 1.3 connections that last longer than a second are carried on without "
               "OpenSSL's connection object: 10 KB less memory for each, and fewer copies. "
               "`false` leaves them to OpenSSL.",
    },
    {
        .name = "handshake_timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(handshake_ms_max),
        .fallback = "10s",
        .min = 1,
        .max = 600000,
        .doc = "Time for the whole handshake, then the connection is closed.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record tls_record = {
    .name = "listener.tls",
    .doc = "TLS towards clients.",
    .size = sizeof(struct rw_config_tls_server),
    .fields = tls_fields,
    .place_offset = offsetof(struct rw_config_tls_server, place),
    .check = rw_config_check_tls_server,
};

/* ---- Times ---- */

#define MEMBER(member) offsetof(struct rw_config_timeouts, member)
static const struct rw_conf_field timeouts_fields[] = {
    {
        .name = "header",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(header_ms),
        .fallback = "10s",
        .min = 1,
        .max = 600000,
        .doc = "For a whole request head, from its first byte. Answered with 408.",
    },
    {
        .name = "body_idle",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(body_idle_ms),
        .fallback = "30s",
        .min = 1,
        .max = 3600000,
        .doc = "For the next byte of a request body. Answered with 408.",
    },
    {
        .name = "idle",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(idle_ms),
        .fallback = "75s",
        .min = 1,
        .max = 86400000,
        .doc =
            "For the next request on a kept connection, which is then closed. A load balancer in "
            "front should give up earlier than this.",
    },
    {
        .name = "send_idle",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(send_idle_ms),
        .fallback = "30s",
        .min = 1,
        .max = 3600000,
        .doc = "For the client to take the next byte of a response; then it is reset.",
    },
    {
        .name = "body_rate_min",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(body_rate_min),
        .fallback = "256B",
        .min = 0,
        .max = 1 << 30,
        .doc = "Bytes a second that a request body has to come with on average, after 5 seconds of "
               "grace; 0 is off. Stops clients that hold a request open by trickling.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record timeouts_record = {
    .name = "listener.timeouts",
    .doc = "How long clients may take.",
    .size = sizeof(struct rw_config_timeouts),
    .fields = timeouts_fields,
    .place_offset = -1,
};

/* ---- Limits ---- */

#define MEMBER(member) offsetof(struct rw_config_limits, member)
static const struct rw_conf_field limits_fields[] = {
    {
        .name = "head",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(head_bytes),
        .fallback = "16KiB",
        .min = 1024,
        .max = 1 << 20,
        .doc = "A whole request head: request line and fields. More is answered with 431. Raise it "
               "where cookies or tokens are large.",
    },
    {
        .name = "target",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(target_bytes),
        .fallback = "8KiB",
        .min = 64,
        .max = 64 << 10,
        .doc = "The request target: path and query. More is answered with 414.",
    },
    {
        .name = "fields",
        .type = RW_CONF_UINT,
        .offset = MEMBER(fields),
        .fallback = "100",
        .min = 1,
        .max = 1000,
        .doc = "Header fields of a request. More is answered with 431.",
    },
    {
        .name = "body",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(body_bytes),
        .fallback = "0",
        .doc = "A request body; 0 is no limit, as bodies are streamed and cost no memory. More is "
               "answered with 413. Set it where the servers behind have no limit of their own.",
        .example = "10MiB",
    },
    {
        .name = "connections",
        .type = RW_CONF_UINT,
        .offset = MEMBER(connections),
        .fallback = "100000",
        .min = 1,
        .max = 10000000,
        .doc = "Connections of one worker thread. For a further one, the connection that has been "
               "idle for longest is closed; where none is idle, the new one is. `ulimit -n` limits "
               "them too, an eighth of which is kept for origins and the admin API.",
    },
    {
        .name = "requests_per_connection",
        .type = RW_CONF_UINT,
        .offset = MEMBER(requests_per_connection),
        .fallback = "0",
        .doc = "Requests on one connection before it is closed; 0 is no limit.",
    },
    {
        .name = "exchange",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(exchange_bytes),
        .fallback = "64KiB",
        .min = 16 << 10,
        .max = 64 << 20,
        .doc =
            "Memory for one request with its response: both heads and what policies keep. More is "
            "answered with 431 or 502.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record limits_record = {
    .name = "listener.limits",
    .doc = "How much clients may send.",
    .size = sizeof(struct rw_config_limits),
    .fields = limits_fields,
    .place_offset = -1,
    .check = rw_config_check_limits,
};

/* ---- The listener ---- */

static const char *const protocol_names[] = {"http", "tcp", NULL};
static const char *const proxy_names[] = {"off", "accept", "require", NULL};
static const char *const underscores_names[] = {"drop", "pass", "refuse", NULL};
static const char *const http_names[] = {"http1", "http2", NULL};
static const char *const forwarded_names[] = {"x_forwarded", "forwarded", "both", "off", NULL};

#define MEMBER(member) offsetof(struct rw_config_listener, member)
static const struct rw_conf_field listener_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(name),
        .min = 1,
        .max = 128,
        .doc = "For logs, metrics and `match.listeners`. By default `listener-1` and so on.",
        .example = "web",
    },
    {
        .name = "address",
        .type = RW_CONF_ADDRESS,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(address),
        .doc =
            "IP address and port, or a Unix socket. Without the IP address: all of the machine's.",
        .example = ":8080",
    },
    {
        .name = "protocol",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(protocol),
        .names = protocol_names,
        .fallback = "http",
        .doc =
            "What is spoken here: `http`, or `tcp` for anything else, which `tcp_routes` pass on "
            "as bytes.",
    },
    {
        .name = "tls",
        .type = RW_CONF_RECORD,
        .offset = MEMBER(tls),
        .record = &tls_record,
        .doc = "TLS with these certificates. Without it, connections are plain.",
    },
    {
        .name = "timeouts",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(timeouts),
        .record = &timeouts_record,
        .doc = "How long clients may take.",
    },
    {
        .name = "limits",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(limits),
        .record = &limits_record,
        .doc = "How much clients may send.",
    },
    {
        .name = "protocols",
        .type = RW_CONF_ENUM,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(protocols),
        .names = http_names,
        .fallback = "[http2, http1]",
        .doc = "What clients may speak. Within TLS they are offered (ALPN), the preferred one "
               "first; on plain connections HTTP/2 is known by its first bytes (prior knowledge).",
    },
    {
        .name = "http2",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(http2),
        .record = &rw_config_http2_record,
        .doc = "Limits of HTTP/2.",
    },
    {
        .name = "trusted_proxies",
        .type = RW_CONF_CIDR,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(trusted_proxies),
        .doc =
            "Proxies in front, whose Forwarded, X-Forwarded-* and X-Real-IP fields are believed. "
            "From everybody else these fields are replaced or dropped.",
        .example = "[10.0.0.0/8, fd00::/8]",
    },
    {
        .name = "proxy_protocol",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(proxy_protocol),
        .names = proxy_names,
        .fallback = "off",
        .doc = "Connections from `trusted_proxies` begin with a PROXY header (version 1 or 2), or "
               "may (`accept`), before TLS; the client that it names is the peer for everything. "
               "`require` refuses connections from anybody else, `accept` their headers.",
    },
    {
        .name = "forwarded",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(forwarded),
        .names = forwarded_names,
        .fallback = "x_forwarded",
        .doc = "How servers behind learn who the client is: X-Forwarded-For, -Proto and -Host, the "
               "Forwarded field of RFC 7239, both, or not at all.",
    },
    {
        .name = "underscores_in_headers",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(underscores),
        .names = underscores_names,
        .fallback = "drop",
        .doc = "Request fields with \"_\" in their name: CGI, WSGI and their like make the same "
               "variable of X_User and X-User, so that a client could say what only a policy or a "
               "proxy may. `drop` them, `pass` them on, or `refuse` the request with 400.",
    },
    {
        .name = "allow_connect",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(allow_connect),
        .fallback = "false",
        .doc =
            "Accept the method CONNECT. Leave it off unless the routes are made for it: it opens "
            "tunnels.",
    },
    {
        .name = "reason_header",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(reason_header),
        .fallback = "false",
        .doc =
            "Add X-Ringway-Reason to the gateway's own error responses. For operators; it tells the "
            "public about the inside.",
    },
    {
        .name = "backlog",
        .type = RW_CONF_UINT,
        .offset = MEMBER(backlog),
        .fallback = "4096",
        .min = 1,
        .max = 65535,
        .doc =
            "Connections that the kernel holds until they are accepted. The kernel's own limit is "
            "net.core.somaxconn.",
    },
    {
        .name = "policies",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(policies),
        .record = &rw_config_policy_use_record,
        .doc = "Policies for all requests of this listener, before those of the route.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_config_listener_record = {
    .name = "listener",
    .doc = "An address to accept connections at. A text in place of the mapping is the address.",
    .size = sizeof(struct rw_config_listener),
    .fields = listener_fields,
    .place_offset = offsetof(struct rw_config_listener, place),
    .scalar_field = "address",
    .check = rw_config_check_listener,
};
