#include "cli/cli.h"
#include "cli/compile.h"
#include "cli/explain_client.h"
#include "cli/explain_tcp.h"
#include "gate/exchange/exchange.h"
#include "http/url.h"
#include "origin/release.h"
#include "origin/upstream.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEADERS_MAX = 64 };

struct request {
    const char *config, *method, *url, *listener, *client;
    const char *headers[HEADERS_MAX];
    unsigned header_count;
    struct rw_address peer; /* where there is a `client` */
};

/* ---- Arguments ---- */

static bool takes(int argc, char **argv, int *i, const char *name, const char **to, int *code)
{
    bool lacking;
    const char *value = rw_cli_option(argc, argv, i, name, &lacking);
    if (lacking)
        *code = rw_cli_usage_error("explain", "%s needs a value", name);
    if (value)
        *to = value;
    return value || lacking;
}

static int parse(int argc, char **argv, struct request *request)
{
    const char *header = NULL;
    int code = 0;
    for (int i = 0; i < argc && !code; i++) {
        if (takes(argc, argv, &i, "--method", &request->method, &code) ||
            takes(argc, argv, &i, "-X", &request->method, &code) ||
            takes(argc, argv, &i, "--listener", &request->listener, &code) ||
            takes(argc, argv, &i, "--client", &request->client, &code))
            continue;
        if (takes(argc, argv, &i, "--header", &header, &code) ||
            takes(argc, argv, &i, "-H", &header, &code)) {
            if (!header)
                return code;
            if (!strchr(header, ':') || request->header_count == HEADERS_MAX)
                return rw_cli_usage_error("explain", "--header: \"%s\" is not `Name: value`",
                                          header);
            request->headers[request->header_count++] = header;
        } else if (argv[i][0] == '-') {
            return rw_cli_usage_error("explain", "unknown option \"%s\"", argv[i]);
        } else if (!request->config) {
            request->config = argv[i];
        } else if (!request->url) {
            request->url = argv[i];
        } else {
            return rw_cli_usage_error("explain", "one request at a time: \"%s\"", argv[i]);
        }
    }
    if (!code && !request->url)
        return rw_cli_usage_error("explain", "needs a configuration file and a URL");
    if (!code && request->client &&
        rw_address_parse_ip(rw_span_text(request->client), 0, &request->peer) != RW_OK)
        return rw_cli_usage_error("explain", "--client: \"%s\" is no IP address", request->client);
    return code;
}

/* ---- The URL ---- */

/* Otherwise it is only a path. */
static bool has_scheme(struct rw_span text)
{
    ptrdiff_t slash = rw_span_find(text, '/');
    return slash > 0 && rw_span_starts(rw_span_skip(text, (size_t)slash - 1), RW_LITERAL("://"));
}

static int parse_url(const char *text, struct rw_url *url)
{
    const char *why = NULL;
    rw_assert(text);
    *url = (struct rw_url){.authority = RW_LITERAL("localhost"), .target = rw_span_text(text)};
    if (!has_scheme(url->target))
        return 0;
    if (rw_url_parse(rw_span_text(text), url, &why) != RW_OK)
        return rw_cli_usage_error("explain", "\"%s\": %s", text, why);
    if (!rw_span_is(url->scheme, "http") && !rw_span_is(url->scheme, "https") &&
        !rw_span_is(url->scheme, "tcp"))
        return rw_cli_usage_error("explain", "\"%s\": the scheme is none of http, https, tcp",
                                  text);
    return 0;
}

/* ---- The request as the parser would see it ---- */

static void write_request(const struct request *request, const struct rw_url *url,
                          struct rw_text *text)
{
    bool no_path = url->scheme.len && !rw_span_starts(url->target, RW_LITERAL("/"));
    rw_text_addf(text, "%s %s%.*s HTTP/1.1\r\n", request->method ? request->method : "GET",
                 no_path ? "/" : "", RW_SPAN_ARGS(url->target));
    bool has_host = false;
    for (unsigned i = 0; i < request->header_count; i++) {
        rw_text_addf(text, "%s\r\n", request->headers[i]);
        has_host |= rw_span_is_nocase(
            rw_span(request->headers[i], strcspn(request->headers[i], ":")), "host");
    }
    if (!has_host)
        rw_text_addf(text, "Host: %.*s\r\n", RW_SPAN_ARGS(url->authority));
    rw_text_adds(text, "\r\n");
}

/* ---- The listener ---- */

/* How well a listener fits the request; 0: it cannot be meant. */
static int fitness(const struct rw_listener_settings *listener, const struct request *request,
                   const struct rw_url *url)
{
    uint16_t port = rw_address_port(&listener->address.storage);
    bool same_scheme = !url->scheme.len || rw_span_is(url->scheme, "https") == !!listener->tls;
    if (request->listener)
        return rw_span_is(listener->name, request->listener);
    if (url->port)
        return port == url->port ? 1 + same_scheme : 0;
    return 1 + 2 * same_scheme + (url->scheme.len && port == (listener->tls ? 443 : 80));
}

/* 0 with the index in *index, or the exit code. */
static int find_listener(const struct request *request, const struct rw_url *url,
                         const struct rw_snapshot *snapshot, unsigned *index)
{
    struct rw_text known = {0};
    int best = 0;
    for (unsigned i = 0; i < snapshot->listener_count; i++) {
        const struct rw_listener_settings *listener = &snapshot->listeners[i];
        int fits = fitness(listener, request, url);
        if (fits > best)
            *index = i;
        best = fits > best ? fits : best;
        rw_text_addf(&known, "%s%.*s (%.*s)", i ? ", " : "", RW_SPAN_ARGS(listener->name),
                     RW_SPAN_ARGS(listener->address_text));
    }
    int code = 0;
    if (!best && request->listener)
        code = rw_cli_usage_error("explain", "no listener is named \"%s\"; there is %s",
                                  request->listener, known.at ? known.at : "none");
    else if (!best)
        code = rw_cli_usage_error(
            "explain",
            "no listener has the port %u of the URL; there is %s; --listener chooses one",
            (unsigned)url->port, known.at ? known.at : "none");
    rw_text_free(&known);
    return code;
}

/* ---- The answer ---- */

/* `x`: of the client that is asked about; NULL: of none. */
static void print_policies(const char *of, const struct rw_policy_use *uses, unsigned count,
                           struct rw_exchange *x, struct rw_text *text)
{
    for (unsigned i = 0; i < count; i++) {
        rw_text_addf(text, "  policy    %s (of the %s)", uses[i].policy->kind.name, of);
        if (uses[i].policy->explain) {
            rw_text_adds(text, ": ");
            uses[i].policy->explain(uses[i].instance, text);
        }
        if (x && uses[i].policy->explain_client)
            uses[i].policy->explain_client(x, uses[i].instance, text);
        rw_text_adds(text, "\n");
    }
}

/* What a route says about requests that go to an upstream. */
static void print_forwarding(const struct rw_config_route *route, struct rw_text *text)
{
    const struct rw_config_route_timeouts *timeouts = route->timeouts;
    const struct rw_config_route_overload *overload = route->overload;
    rw_text_addf(text, "  time      first byte %u ms", timeouts->first_byte_ms);
    if (timeouts->total_ms)
        rw_text_addf(text, ", in all %u ms", timeouts->total_ms);
    if (timeouts->deadline_field.len)
        rw_text_addf(text, ", or what %.*s says; the endpoint is told what is left",
                     RW_SPAN_ARGS(timeouts->deadline_field));
    rw_text_addf(text, "\n  class     %s", rw_config_class_names[overload->class]);
    if (overload->class == RW_CLASS_EXEMPT)
        rw_text_adds(text, ": not counted for the limit, and never made to wait for it");
    if (overload->body.len)
        rw_text_addf(text, "; without room or connection %u and %zu bytes of %.*s",
                     overload->status, overload->body.len, RW_SPAN_ARGS(overload->content_type));
    rw_text_adds(text, "\n");
}

static void print_route(const struct rw_snapshot *snapshot, unsigned listener, int found,
                        const struct rw_route_params *params, struct rw_exchange *x,
                        struct rw_text *text)
{
    const struct rw_route *route = &snapshot->routes[found];
    const struct rw_listener_settings *settings = &snapshot->listeners[listener];
    rw_text_addf(text, "\nroute \"%.*s\"\n  listener  %.*s (%.*s)\n", RW_SPAN_ARGS(route->name),
                 RW_SPAN_ARGS(settings->name), RW_SPAN_ARGS(settings->address_text));
    for (unsigned i = 0; i < params->count; i++)
        rw_text_addf(text, "  parameter %.*s = %.*s\n", RW_SPAN_ARGS(params->items[i].name),
                     RW_SPAN_ARGS(params->items[i].value));
    if (x)
        rw_explain_client_print(x, text);
    print_policies("listener", settings->policies, settings->policy_count, x, text);
    print_policies("route", route->policies, route->policy_count, x, text);
    rw_text_adds(text, "  action    ");
    route->origin->explain(route->origin_instance, text);
    if (x && route->origin->explain_client)
        route->origin->explain_client(x, route->origin_instance, text);
    rw_text_adds(text, "\n");
    if (route->origin == &rw_origin_upstream || route->origin == &rw_origin_release)
        print_forwarding(route->config, text);
}

static void print_found(const struct request *request, struct rw_snapshot *snapshot,
                        unsigned listener, int found, const struct rw_message *message,
                        const struct rw_route_params *params, struct rw_text *text)
{
    struct rw_exchange *x = NULL;
    if (request->client)
        x = rw_explain_client_create(snapshot, listener, found, message, params,
                                     rw_address_sockaddr(&request->peer));
    if (!x && request->client)
        text->err = RW_ENOMEM;
    else
        print_route(snapshot, listener, found, params, x, text);
    rw_explain_client_destroy(x);
}

static int explain(const struct request *request, const struct rw_url *url,
                   struct rw_snapshot *snapshot, struct rw_text *text)
{
    struct rw_text head = {0};
    struct rw_arena arena;
    struct rw_message message = {0};
    struct rw_h1_head parsed = {0};
    struct rw_route_params params = {0};
    const char *why = NULL;
    unsigned listener = 0;
    if (rw_span_is(url->scheme, "tcp"))
        return rw_explain_tcp(snapshot, request->listener, url->port, url->target,
                              request->client ? rw_address_sockaddr(&request->peer) : NULL, text);
    int code = find_listener(request, url, snapshot, &listener);
    if (code)
        return code;
    rw_arena_init(&arena, NULL, 0, 64 * 1024, 1 << 20);
    write_request(request, url, &head);
    enum rw_h1_result result = rw_h1_parse_request(
        rw_text_span(&head), &snapshot->listeners[listener].h1, &arena, &message, &parsed);
    int found = RW_ROUTE_NONE;
    if (result != RW_H1_COMPLETE)
        rw_text_addf(text, "refused with %u: %s\n", parsed.refusal.status, parsed.refusal.reason);
    else if (!rw_path_check(message.path, &why))
        rw_text_addf(text, "refused with 400: %s\n", why);
    else
        found = rw_router_explain(snapshot->router, listener, &message, &params, text);
    if (found >= 0)
        print_found(request, snapshot, listener, found, &message, &params, text);
    else if (found == RW_ROUTE_WRONG_METHOD)
        rw_text_adds(text, "\nanswered with 405: routes match, but none with this method\n");
    else if (result == RW_H1_COMPLETE && !why)
        rw_text_adds(text, "\nanswered with 404: no route matches\n");
    rw_text_free(&head);
    rw_arena_free(&arena);
    return found >= 0 ? 0 : 1;
}

static int run(int argc, char **argv)
{
    struct request request = {0};
    struct rw_url url;
    struct rw_compiled compiled;
    int code = parse(argc, argv, &request);
    if (!code)
        code = parse_url(request.url, &url);
    if (!code)
        code = rw_cli_compile(request.config, &compiled);
    if (code)
        return code;
    struct rw_text text = {0};
    code = explain(&request, &url, compiled.snapshot, &text);
    if (text.err)
        fprintf(stderr, "ringway explain: out of memory\n");
    else if (text.at)
        fputs(text.at, stdout);
    rw_text_free(&text);
    rw_cli_compiled_free(&compiled);
    return code;
}

const struct rw_verb rw_verb_explain = {
    .name = "explain",
    .arguments = "[OPTIONS] FILE URL",
    .summary = "which route, policies and upstream would take a request, and why",
    .help =
        "URL is https://host/path?query, or only the path, or tcp://host:port?sni=name.\n"
        "Nothing is sent.\n\nOptions:\n"
        "  -X, --method METHOD     default GET\n"
        "  -H, --header 'N: value' as often as needed\n"
        "  --listener NAME         default: the one with the URL's port; where the URL has none,\n"
        "                          the first for its scheme\n"
        "  --client ADDRESS        what becomes of a request from this IP address: limits, lists and\n"
        "                          rules that look at it. Of a trusted proxy of the listener: of\n"
        "                          the client that its X-Forwarded-For (--header) names\n\n"
        "Exit codes: 0 a route takes it; 1 none does; 2 wrong use or configuration.\n",
    .run = run,
};
