/* Where a run sends to and what: the URL, its addresses, the one request of the command line. */
#include "cli/cli.h"
#include "cli/load_options.h"
#include "http/url.h"
#include "io/tls.h"
#include "load/script/replay.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODY_BYTES_MAX = 64 * 1024 * 1024 };

#define fail(...) rw_cli_usage_error("load", __VA_ARGS__)

/* ---- The target ---- */

static void take_address(struct rw_load_settings *settings, const struct addrinfo *found)
{
    if (settings->address_count == RW_LOAD_ADDRESSES_MAX)
        return;
    struct rw_address *address = &settings->addresses[settings->address_count++];
    memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
    address->bytes = found->ai_addrlen;
}

static const struct addrinfo *next_of(const struct addrinfo *from, int family, bool same)
{
    while (from && (from->ai_family == family) != same)
        from = from->ai_next;
    return from;
}

/* In the system's order, but the families by turns: a host whose IPv6 leads nowhere is reached by
 * the second attempt (RFC 8305 section 4). */
static void take_addresses(struct rw_load_settings *settings, const struct addrinfo *found)
{
    int family = found->ai_family;
    const struct addrinfo *same = found, *other = next_of(found, family, false);
    while (same || other) {
        if (same)
            take_address(settings, same);
        if (other)
            take_address(settings, other);
        same = same ? next_of(same->ai_next, family, true) : NULL;
        other = other ? next_of(other->ai_next, family, false) : NULL;
    }
}

static int resolve(struct rw_load_options *o, const struct rw_url *url, bool tls)
{
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (url->host.len >= sizeof(host))
        return fail("the host of the URL is too long");
    snprintf(host, sizeof(host), "%.*s", RW_SPAN_ARGS(url->host));
    snprintf(port, sizeof(port), "%u", url->port ? url->port : tls ? 443u : 80u);
    int error = getaddrinfo(host, port, &hints, &found);
    if (error) {
        fprintf(stderr, "ringway load: %s: %s\n", host, gai_strerror(error));
        return 1;
    }
    take_addresses(&o->settings, found);
    freeaddrinfo(found);
    const struct sockaddr_in *ip = (const struct sockaddr_in *)&o->settings.addresses[0].storage;
    o->settings.sources = o->sources;
    if (o->sources && (ip->sin_family != AF_INET || ntohl(ip->sin_addr.s_addr) >> 24 != 127))
        return fail("--sources is for targets at 127.x.x.x: \"%s\"", o->target);
    return 0;
}

static int set_tls(struct rw_load_options *o, const struct rw_url *url)
{
    const struct rw_span h1 = RW_LITERAL("http/1.1"), h2 = RW_LITERAL("h2");
    const struct rw_tls_client_options client = {
        .insecure = o->insecure,
        .ca = rw_span_text(o->ca),
        .name = url->host,
        .alpn = o->settings.protocol == RW_LOAD_H2 ? &h2 : &h1,
        .alpn_count = 1,
    };
    struct rw_text why = {0};
    int code = 0;
    if (rw_tls_client_create(&client, &o->settings.tls, &why)) {
        const char *text = why.at ? why.at : "out of memory";
        code = fail("TLS: %.*s", (int)strcspn(text, "\n"), text);
    }
    rw_text_free(&why);
    return code;
}

int rw_load_options_target(struct rw_load_options *o)
{
    struct rw_url url;
    const char *why;
    if (!o->target)
        o->target = o->url;
    if (rw_url_parse(rw_span_text(o->target), &url, &why))
        return fail("\"%s\": %s", o->target, why);
    bool tls = rw_span_is_nocase(url.scheme, "https") || rw_span_is_nocase(url.scheme, "wss");
    o->websocket = rw_span_is_nocase(url.scheme, "ws") || rw_span_is_nocase(url.scheme, "wss");
    if (!tls && !o->websocket && !rw_span_is_nocase(url.scheme, "http"))
        return fail("\"%s\": the scheme is none of http, https, ws, wss", o->target);
    struct rw_span slash = RW_LITERAL("/");
    if (o->settings.script && url.target.len && !rw_span_is(url.target, "/"))
        return fail("the target of \"%s\" has a path: the steps tell theirs", o->url);
    o->settings.url = rw_span_text(o->url);
    o->settings.authority = url.authority;
    o->request.target = url.target;
    if (!rw_span_starts(url.target, slash))
        o->request.target = rw_arena_format(&o->arena, "/%.*s", RW_SPAN_ARGS(url.target));
    int code = o->check ? 0 : resolve(o, &url, tls);
    return !code && tls ? set_tls(o, &url) : code;
}

/* ---- The request ---- */

static int read_body(struct rw_load_options *o)
{
    FILE *file = fopen(o->body_file, "rb");
    char *at = file ? rw_arena_alloc(&o->arena, BODY_BYTES_MAX) : NULL;
    size_t len = at ? fread(at, 1, BODY_BYTES_MAX, file) : 0;
    bool bad = !at || ferror(file) || !feof(file);
    if (file)
        fclose(file);
    if (bad)
        return fail("--body-file: \"%s\" cannot be read, or has more than %d MiB", o->body_file,
                    BODY_BYTES_MAX >> 20);
    o->request.body = rw_span(at, len);
    return 0;
}

static int set_headers(struct rw_load_options *o)
{
    for (unsigned i = 0; i < o->header_count; i++) {
        struct rw_span line = rw_span_text(o->headers[i]);
        size_t len = (size_t)rw_span_find(line, ':');
        struct rw_load_header *header = &o->request.headers[o->request.header_count];
        header->name = rw_span(line.at, len);
        header->value = rw_span_trim(rw_span_skip(line, len + 1));
        if (!rw_is_token(header->name) || !rw_is_field_value(header->value))
            return fail("--header: \"%s\" is no field that HTTP has", o->headers[i]);
        if (rw_span_is_nocase(header->name, "host"))
            o->settings.authority = header->value;
        else
            o->request.header_count++;
    }
    return 0;
}

static int prepare(struct rw_load_options *o)
{
    return rw_load_prepare(&o->settings, &o->arena) ? fail("the request is too large") : 0;
}

/* ---- A log ---- */

static int read_log(struct rw_load_options *o)
{
    struct rw_load_replay replay = {.speed = 1, .all_methods = o->all_methods};
    char why[192] = "", *end = "";
    if (o->method || o->body || o->body_file)
        return fail("--replay: the log tells methods, and has no bodies");
    if (o->speed)
        replay.speed = strtod(o->speed, &end);
    if (*end || !(replay.speed >= 0.001 && replay.speed <= 1000))
        return fail("--speed: \"%s\" is not a number from 0.001 to 1000", o->speed);
    if (set_headers(o))
        return 2;
    enum rw_err err =
        rw_load_replay_read(o->replay, &o->request, &o->arena, &replay, &o->settings, why);
    if (err) {
        fprintf(stderr, "ringway load: %s: %s\n", o->replay, why[0] ? why : rw_err_text(err));
        return 2;
    }
    if (replay.strange)
        fprintf(stderr, "ringway load: %s: %zu of %zu lines are left out: no requests\n", o->replay,
                replay.strange, replay.lines);
    if (replay.unsafe)
        fprintf(stderr,
                "ringway load: %s: %zu of %zu lines are left out: other methods than GET, HEAD, "
                "OPTIONS; --all-methods sends them too, without bodies\n",
                o->replay, replay.unsafe, replay.lines);
    return 0;
}

/* Each connection, with HTTP/2 each stream, is a WebSocket, and what is due is a message. */
static int set_messages(struct rw_load_options *o)
{
    struct rw_load_settings *s = &o->settings;
    if (o->method)
        return fail("--method: what a WebSocket is sent are messages");
    if (!o->body && !o->body_file)
        return fail("a WebSocket needs a message: --body TEXT, or --body-file FILE for bytes");
    if (o->request.body.len > RW_LOAD_MESSAGE_BYTES_MAX)
        return fail("a message has at most %d KiB", RW_LOAD_MESSAGE_BYTES_MAX >> 10);
    o->message = (struct rw_load_request){
        .name = o->request.target,
        .method = RW_LITERAL("GET"),
        .target = o->request.target,
        .body = o->request.body,
        .weight = 1,
        .act = RW_LOAD_MESSAGE,
        .binary = o->body_file != NULL,
    };
    o->request.act = RW_LOAD_OPEN;
    o->request.body = (struct rw_span){0};
    o->request.method = RW_LITERAL("GET");
    if (!o->http2)
        s->protocol = RW_LOAD_WEBSOCKET;
    s->upgrade = &o->request;
    s->requests = &o->message;
    return 0;
}

int rw_load_options_request(struct rw_load_options *o)
{
    if (o->settings.script || o->replay) {
        int code = o->replay ? read_log(o) : 0;
        return code ? code : prepare(o);
    }
    o->request.weight = 1;
    o->request.method = rw_span_text(o->method                 ? o->method
                                     : o->body || o->body_file ? "POST"
                                                               : "GET");
    o->request.name = o->request.target;
    if (!rw_is_token(o->request.method))
        return fail("--method: \"%s\" is no method", o->method);
    if (o->body && o->body_file)
        return fail("--body and --body-file: one of them");
    o->request.body = rw_span_text(o->body);
    int code = o->body_file ? read_body(o) : 0;
    if (!code)
        code = set_headers(o);
    o->settings.requests = &o->request;
    o->settings.request_count = 1;
    if (!code && o->websocket)
        code = set_messages(o);
    return code ? code : prepare(o);
}
