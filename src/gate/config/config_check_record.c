/* Checks within one record: options that need or exclude each other, and texts with a syntax of
 * their own. */
#include "conf/scalar.h"
#include "gate/config/config_tables.h"
#include "gate/route/router_regex.h"

#define EACH(type, item, list)                                                                     \
    type *item = (list).items;                                                                     \
    item &&item < (type *)(list).items + (list).count;                                             \
    item++

/* ---- TLS ---- */

void rw_config_check_tls_server(void *value, struct rw_conf_report *report)
{
    struct rw_config_tls_server *tls = value;
    if (tls->client_auth != RW_CLIENT_AUTH_OFF && tls->client_ca.len == 0)
        rw_conf_mistake_on(report, &tls->client_auth,
                           "\"client_auth\" needs \"client_ca\": who signs client certificates");
    if (tls->client_auth == RW_CLIENT_AUTH_OFF && tls->client_ca.len)
        rw_conf_mistake_on(report, &tls->client_ca,
                           "\"client_ca\" has no effect without \"client_auth\"");
}

void rw_config_check_tls_client(void *value, struct rw_conf_report *report)
{
    struct rw_config_tls_client *tls = value;
    if (tls->cert.len && tls->key.len == 0)
        rw_conf_mistake_on(report, &tls->cert, "\"cert\" needs \"key\"");
    if (tls->key.len && tls->cert.len == 0)
        rw_conf_mistake_on(report, &tls->key, "\"key\" needs \"cert\"");
    if (!tls->verify && tls->ca.len)
        rw_conf_mistake_on(report, &tls->ca, "\"ca\" has no effect with \"verify: false\"");
}

/* ---- Listeners ---- */

static void check_protocols(struct rw_config_listener *listener, struct rw_conf_report *report)
{
    bool there[RW_PROTOCOL_COUNT] = {0};
    if (listener->protocols.count == 0)
        rw_conf_mistake_on(report, &listener->protocols, "at least one protocol is needed");
    for (EACH(int, protocol, listener->protocols)) {
        if (there[*protocol])
            rw_conf_mistake_on(report, protocol, "it stands here twice");
        there[*protocol] = true;
    }
}

void rw_config_check_listener(void *value, struct rw_conf_report *report)
{
    struct rw_config_listener *listener = value;
    bool local = rw_span_starts(listener->address, RW_LITERAL("unix:"));
    if (listener->proxy_protocol != RW_PROXY_OFF && listener->trusted_proxies.count == 0 && !local)
        rw_conf_mistake_on(report, &listener->proxy_protocol,
                           "\"proxy_protocol\" needs \"trusted_proxies\": who may say whose "
                           "connection it is");
    if (listener->protocol == RW_LISTENER_TCP && listener->policies.count)
        rw_conf_mistake_on(report, &listener->policies,
                           "policies are for requests: \"protocol: tcp\" has none");
    check_protocols(listener, report);
}

void rw_config_check_limits(void *value, struct rw_conf_report *report)
{
    struct rw_config_limits *limits = value;
    char text[32];
    if (limits->target_bytes > limits->head_bytes)
        rw_conf_mistake_on(report, &limits->target_bytes,
                           "the target is a part of the head, which is at most %s",
                           rw_conf_format_size(text, limits->head_bytes));
    if (limits->head_bytes > limits->exchange_bytes)
        rw_conf_mistake_on(report, &limits->head_bytes,
                           "the head is kept in the memory of its exchange, which is at most %s",
                           rw_conf_format_size(text, limits->exchange_bytes));
}

void rw_config_check_http2(void *value, struct rw_conf_report *report)
{
    struct rw_config_http2 *http2 = value;
    char text[32];
    if (http2->stream_window_bytes > http2->connection_window_bytes)
        rw_conf_mistake_on(report, &http2->stream_window_bytes,
                           "one stream cannot have more than the connection, which has %s",
                           rw_conf_format_size(text, http2->connection_window_bytes));
}

void rw_config_check_policy_use(void *value, struct rw_conf_report *report)
{
    struct rw_config_policy_use *use = value;
    if (use->use.len && use->kind.kind)
        rw_conf_mistake_on(report, &use->use,
                           "\"use\" does not go with \"%s\": a policy is named or written in place",
                           use->kind.kind->name);
}

/* ---- Match ---- */

static bool is_label_byte(char c)
{
    char lower = rw_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* NULL, or what is wrong. */
static const char *host_flaw(struct rw_span host)
{
    struct rw_conf_cidr address;
    bool wildcard = rw_span_starts(host, RW_LITERAL("*."));
    if (host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
        return rw_conf_cidr(rw_span(host.at + 1, host.len - 2), &address)
                   ? "no IPv6 address stands between the brackets"
                   : NULL;
    if (wildcard)
        host = rw_span_skip(host, 2);
    if (rw_span_find(host, '*') >= 0)
        return "\"*\" stands only for the first label, as in \"*.example.com\"";
    if (rw_span_find(host, ':') >= 0 || rw_span_find(host, '/') >= 0)
        return "only the name is wanted: no scheme, port or path";
    size_t label = 0;
    for (size_t i = 0; i < host.len; i++) {
        if (host.at[i] == '.' && label == 0)
            return "a label is empty";
        if (host.at[i] != '.' && !is_label_byte(host.at[i]))
            return "it has a character that no host name has";
        label = host.at[i] == '.' ? 0 : label + 1;
        if (label > 63)
            return "a label is longer than 63 characters";
    }
    return host.len ? NULL : "it is empty";
}

static const char *parameter_flaw(struct rw_span segment)
{
    if (segment.len < 3 || segment.at[0] != '{' || segment.at[segment.len - 1] != '}')
        return "a parameter is a whole segment, as in \"/users/{id}\"";
    for (size_t i = 1; i + 1 < segment.len; i++)
        if (!is_label_byte(segment.at[i]))
            return "the name of a parameter has letters, digits, \"_\" and \"-\"";
    return NULL;
}

static const char *path_flaw(struct rw_span path)
{
    if (path.len == 0 || path.at[0] != '/')
        return "a path begins with \"/\"";
    if (rw_span_find(path, '?') >= 0 || rw_span_find(path, '#') >= 0)
        return "\"?\" and \"#\" are no part of a path; for the query there is \"query\"";
    path = rw_span_skip(path, 1);
    for (;;) {
        ptrdiff_t slash = rw_span_find(path, '/');
        struct rw_span segment = rw_span(path.at, slash < 0 ? path.len : (size_t)slash);
        if (rw_span_find(segment, '*') >= 0 && !(rw_span_is(segment, "*") && slash < 0))
            return "\"*\" stands only alone, as the last segment: \"/files/*\"";
        if (rw_span_find(segment, '{') >= 0 || rw_span_find(segment, '}') >= 0) {
            const char *flaw = parameter_flaw(segment);
            if (flaw)
                return flaw;
        }
        if (slash < 0)
            return NULL;
        path = rw_span_skip(path, (size_t)slash + 1);
    }
}

/* RFC 9110 section 5.6.2. */
static bool is_token(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_label_byte(text.at[i]) && !strchr("!#$%&'*+.^`|~", text.at[i]))
            return false;
    return text.len > 0 && !memchr(text.at, 0, text.len);
}

static void check_method(struct rw_conf_report *report, const struct rw_span *method)
{
    static const char *const known[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    if (method->len == 0)
        return;
    if (!is_token(*method))
        rw_conf_mistake_on(report, method, "%s is not a method", rw_conf_quote(report, *method));
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (rw_span_is_nocase(*method, known[i]) && !rw_span_is(*method, known[i]))
            rw_conf_mistake_on(report, method, "methods are in capital letters: \"%s\"", known[i]);
}

static void check_field_names(struct rw_conf_report *report, const struct rw_conf_list *headers)
{
    for (EACH(struct rw_conf_pair, pair, *headers))
        if (pair->key.len && !is_token(pair->key))
            rw_conf_mistake_on(report, &pair->value, "%s is not the name of a header field",
                               rw_conf_quote(report, pair->key));
}

static void check_pattern(struct rw_conf_report *report, const struct rw_span *value,
                          struct rw_span pattern, bool whole)
{
    char flaw[256] = "";
    struct rw_router_regex *regex = NULL;
    if (rw_router_regex_create(pattern, whole, flaw, &regex) == RW_EINVAL)
        rw_conf_mistake_on(report, value, "%s is no regular expression: %s",
                           rw_conf_quote(report, pattern), flaw);
    rw_router_regex_destroy(regex);
}

static void check_patterns(struct rw_conf_report *report, const struct rw_conf_list *pairs)
{
    for (EACH(struct rw_conf_pair, pair, *pairs))
        if (pair->value.len && pair->value.at[0] == '~')
            check_pattern(report, &pair->value, rw_span_skip(pair->value, 1), false);
}

void rw_config_check_match(void *value, struct rw_conf_report *report)
{
    struct rw_config_match *match = value;
    const char *flaw;
    for (EACH(struct rw_span, host, match->host))
        if (host->len && (flaw = host_flaw(*host)))
            rw_conf_mistake_on(report, host, "%s is not a host name: %s",
                               rw_conf_quote(report, *host), flaw);
    for (EACH(struct rw_span, path, match->path))
        if (path->len && (flaw = path_flaw(*path)))
            rw_conf_mistake_on(report, path, "%s is not a path: %s", rw_conf_quote(report, *path),
                               flaw);
    for (EACH(struct rw_span, method, match->method))
        check_method(report, method);
    check_field_names(report, &match->headers);
    check_patterns(report, &match->headers);
    check_patterns(report, &match->query);
    if (match->path_regex.len)
        check_pattern(report, &match->path_regex, match->path_regex, true);
    if (match->path.count && match->path_regex.len)
        rw_conf_mistake_on(report, &match->path_regex, "\"path_regex\" does not go with \"path\"");
}

void rw_config_check_tcp_match(void *value, struct rw_conf_report *report)
{
    struct rw_config_tcp_match *match = value;
    const char *flaw;
    for (EACH(struct rw_span, name, match->sni))
        if (name->len && (flaw = host_flaw(*name)))
            rw_conf_mistake_on(report, name, "%s is not a host name: %s",
                               rw_conf_quote(report, *name), flaw);
}

/* ---- Upstreams ---- */

void rw_config_check_health(void *value, struct rw_conf_report *report)
{
    struct rw_config_active_health *health = value;
    if (!health->path.len && !health->grpc)
        rw_conf_mistake_on(report, &health->path, "expected `path` or `grpc`");
    if (health->path.len && health->grpc)
        rw_conf_mistake_on(report, &health->grpc, "a probe is either a GET of `path` or `grpc`");
    if (health->path.len && health->path.at[0] != '/')
        rw_conf_mistake_on(report, &health->path, "a path begins with \"/\"");
    if (health->status_min > health->status_max)
        rw_conf_mistake_on(report, &health->status_min, "more than \"status_max\", which is %u",
                           health->status_max);
    if (health->timeout_ms > health->interval_ms)
        rw_conf_mistake_on(report, &health->timeout_ms, "longer than \"interval\"");
}

void rw_config_check_hash(struct rw_config_hash *hash, struct rw_conf_report *report)
{
    static const char *const named[] = {
        [RW_HASH_HEADER] = "header field",
        [RW_HASH_COOKIE] = "cookie",
        [RW_HASH_QUERY] = "query parameter",
        [RW_HASH_CLAIM] = "claim",
    };
    if (named[hash->on] && hash->name.len == 0)
        rw_conf_mistake_on(report, &hash->on, "\"name\" is missing: which %s?", named[hash->on]);
    if (!named[hash->on] && hash->name.len)
        rw_conf_mistake_on(report, &hash->name, "\"name\" has no effect: the %s has none",
                           rw_config_hash_on_names[hash->on]);
}

void rw_config_check_route_timeouts(void *value, struct rw_conf_report *report)
{
    struct rw_config_route_timeouts *timeouts = value;
    struct rw_span name = timeouts->deadline_field;
    if (name.len && !rw_is_token(name))
        rw_conf_mistake_on(report, &timeouts->deadline_field, "%s is no name of a field",
                           rw_conf_quote(report, name));
}

void rw_config_check_overload(void *value, struct rw_conf_report *report)
{
    struct rw_config_overload *overload = value;
    if (overload->limit_min > overload->limit_max)
        rw_conf_mistake_on(report, &overload->limit_min, "more than \"limit_max\", which is %u",
                           overload->limit_max);
    if (overload->target_ms > overload->queue_ms_max)
        rw_conf_mistake_on(report, &overload->target_ms, "longer than \"queue_timeout\"");
    if (overload->fair_by)
        rw_config_check_hash(overload->fair_by, report);
}

void rw_config_check_route_overload(void *value, struct rw_conf_report *report)
{
    struct rw_config_route_overload *overload = value;
    if (!rw_is_field_value(overload->content_type))
        rw_conf_mistake_on(report, &overload->content_type, "not a field value");
    if (overload->body.len && rw_status_contentless(overload->status))
        rw_conf_mistake_on(report, &overload->body, "a response with status %u has no body",
                           overload->status);
}

void rw_config_check_upstream_http2(void *value, struct rw_conf_report *report)
{
    struct rw_config_upstream_http2 *http2 = value;
    char text[32];
    if (http2->stream_window_bytes > http2->connection_window_bytes)
        rw_conf_mistake_on(report, &http2->stream_window_bytes,
                           "one stream cannot have more than the connection, which has %s",
                           rw_conf_format_size(text, http2->connection_window_bytes));
}

void rw_config_check_retries(void *value, struct rw_conf_report *report)
{
    struct rw_config_retries *retries = value;
    bool timeouts = false;
    for (EACH(int, on, retries->on))
        timeouts = timeouts || *on == RW_RETRY_TIMEOUT;
    if (retries->try_ms && !timeouts)
        rw_conf_mistake_on(report, &retries->try_ms,
                           "\"try_timeout\" has no effect without \"timeout\" in \"on\"");
    if (retries->backoff_ms > retries->backoff_ms_max)
        rw_conf_mistake_on(report, &retries->backoff_ms, "longer than \"backoff_max\"");
}

void rw_config_check_upstream(void *value, struct rw_conf_report *report)
{
    struct rw_config_upstream *upstream = value;
    uint64_t weights = 0;
    if (!upstream->endpoints.count && !upstream->discovery)
        rw_conf_mistake_at(report, upstream->place,
                           "\"endpoints\" is missing, and so is \"discovery\"");
    for (EACH(struct rw_config_endpoint, endpoint, upstream->endpoints))
        weights += endpoint->weight;
    if (upstream->endpoints.count && weights == 0)
        rw_conf_mistake_on(report, &upstream->endpoints,
                           "every endpoint has the weight 0: none would get a request");
    if (upstream->hash)
        rw_config_check_hash(upstream->hash, report);
    rw_config_check_paths(upstream, report);
    if (upstream->hash && upstream->balance != RW_BALANCE_HASH)
        rw_conf_mistake_on(report, &upstream->hash,
                           "\"hash\" has no effect without \"balance: hash\"");
    if (upstream->protocol != RW_PROTOCOL_HTTP2 && upstream->health && upstream->health->grpc)
        rw_conf_mistake_on(report, &upstream->health->grpc,
                           "gRPC needs \"protocol: http2\" of the upstream");
    if (upstream->protocol != RW_PROTOCOL_HTTP1 && upstream->proxy_protocol)
        rw_conf_mistake_on(report, &upstream->proxy_protocol,
                           "\"proxy_protocol\" says whose a connection is: those of \"protocol: "
                           "%s\" are shared by all clients",
                           upstream->protocol == RW_PROTOCOL_AUTO ? "auto" : "http2");
    if (upstream->protocol == RW_PROTOCOL_AUTO && !upstream->tls)
        rw_conf_mistake_on(report, &upstream->protocol,
                           "\"auto\" is agreed on with the server within TLS (ALPN): it needs "
                           "\"tls\"");
}

/* ---- Admin, DNS ---- */

static bool is_loopback(struct rw_span text)
{
    struct rw_conf_address address;
    struct rw_conf_cidr host;
    static const unsigned char v6[16] = {[15] = 1};
    if (rw_conf_address(text, false, &address) || address.path.len)
        return true; /* told already; a Unix socket */
    if (address.host.len == 0 || rw_conf_cidr(address.host, &host))
        return false;
    return host.v6 ? memcmp(host.bits, v6, sizeof(v6)) == 0 : host.bits[0] == 127;
}

void rw_config_check_admin(void *value, struct rw_conf_report *report)
{
    struct rw_config_admin *admin = value;
    if (!admin->allow_remote && !is_loopback(admin->address))
        rw_conf_mistake_on(report, &admin->address,
                           "%s is not on loopback: write 127.0.0.1, or set \"allow_remote\"",
                           rw_conf_quote(report, admin->address));
}

void rw_config_check_dns(void *value, struct rw_conf_report *report)
{
    struct rw_config_dns *dns = value;
    struct rw_conf_address parts;
    if (dns->ttl_ms_min > dns->ttl_ms_max)
        rw_conf_mistake_on(report, &dns->ttl_ms_min, "longer than \"ttl_max\"");
    for (EACH(struct rw_span, server, dns->servers))
        if (server->len && !rw_conf_address(*server, false, &parts) && parts.host.len == 0)
            rw_conf_mistake_on(report, server,
                               "%s is not a server: expected an IP address and port",
                               rw_conf_quote(report, *server));
}
