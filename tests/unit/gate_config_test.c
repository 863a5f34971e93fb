/* The gateway's configuration: the smallest file, all defaults, every cross check word for word. */
#include "base/alloc.h"
#include "conf/scalar.h"
#include "gate/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- Kinds as the registries would bring them ---- */

struct redirect {
    struct rw_span to;
};

static const struct rw_conf_field redirect_fields[] = {
    {.name = "to",
     .type = RW_CONF_TEXT,
     .flags = RW_CONF_REQUIRED,
     .offset = offsetof(struct redirect, to),
     .example = "https://example.com/"},
    {.name = NULL},
};
static const struct rw_conf_record redirect_record = {
    .name = "redirect",
    .doc = "Elsewhere.",
    .size = sizeof(struct redirect),
    .fields = redirect_fields,
    .place_offset = -1,
    .scalar_field = "to",
};
static const struct rw_conf_variant_kind upstream = {.name = "upstream", .doc = "To an upstream."};
static const struct rw_conf_variant_kind redirect = {.name = "redirect",
                                                     .record = &redirect_record,
                                                     .doc = "Elsewhere."};
static const struct rw_conf_variant_kind headers = {.name = "headers",
                                                    .record = &redirect_record,
                                                    .doc = "Edits."};
static const struct rw_conf_variant_kind *const actions[] = {&upstream, &redirect, NULL};
static const struct rw_conf_variant_kind *const policies[] = {&headers, NULL};

static int register_kinds(void **state)
{
    (void)state;
    rw_config_register(actions, policies);
    return 0;
}

/* ---- Helpers ---- */

struct loading {
    struct rw_arena arena;
    struct rw_conf_report report;
    struct rw_config *config;
    enum rw_err err;
    struct rw_text printed;
};

static void begin(struct loading *loading, const char *yaml)
{
    memset(loading, 0, sizeof(*loading));
    rw_arena_init(&loading->arena, NULL, 0, 4096, 64 << 20);
    loading->err = rw_config_load_text(rw_span_text(yaml), "gateway.yaml", &loading->arena,
                                       &loading->config, &loading->report);
    rw_conf_report_print(&loading->report, &loading->printed);
}

static void end(struct loading *loading)
{
    rw_text_free(&loading->printed);
    rw_arena_free(&loading->arena);
}

static void expect_mistakes(const char *yaml, const char *printed)
{
    struct loading loading;
    begin(&loading, yaml);
    if (!loading.printed.at || strcmp(loading.printed.at, printed) != 0)
        print_error("for:\n%s\n", yaml);
    assert_string_equal(loading.printed.at ? loading.printed.at : "", printed);
    assert_int_equal(loading.err, RW_EINVAL);
    end(&loading);
}

/* ---- What is right ---- */

static const char smallest[] = "listeners: [{ address: \":8080\" }]\n"
                               "routes: [{ upstream: app }]\n"
                               "upstreams: [{ name: app, endpoints: [\"127.0.0.1:9000\"] }]\n";

static void test_smallest(void **state)
{
    (void)state;
    struct loading l;
    begin(&l, smallest);
    assert_int_equal(l.err, RW_OK);
    const struct rw_config_listener *listener = l.config->listeners.items;
    const struct rw_config_route *route = l.config->routes.items;
    const struct rw_config_upstream *app = l.config->upstreams.items;
    const struct rw_config_endpoint *endpoint = app->endpoints.items;
    assert_string_equal(listener->name.at, "listener-1");
    assert_string_equal(listener->address.at, ":8080");
    assert_null(listener->tls);
    assert_string_equal(route->name.at, "route-1");
    assert_int_equal(route->match->path.count, 0);
    assert_ptr_equal(route->action.kind, &upstream);
    assert_string_equal(((struct rw_span *)route->action.value)->at, "app");
    assert_int_equal(route->action.place.line, 2);
    assert_int_equal(route->action.place.column, 22);
    assert_string_equal(endpoint->address.at, "127.0.0.1:9000");
    assert_int_equal(endpoint->weight, 1);
    end(&l);
}

static void check_default_listener(const struct rw_config_listener *listener)
{
    assert_int_equal(listener->timeouts->header_ms, 10000);
    assert_int_equal(listener->timeouts->body_idle_ms, 30000);
    assert_int_equal(listener->timeouts->idle_ms, 75000);
    assert_int_equal(listener->timeouts->send_idle_ms, 30000);
    assert_int_equal(listener->timeouts->body_rate_min, 256);
    assert_int_equal(listener->limits->head_bytes, 16384);
    assert_int_equal(listener->limits->target_bytes, 8192);
    assert_int_equal(listener->limits->fields, 100);
    assert_int_equal(listener->limits->body_bytes, 0);
    assert_int_equal(listener->limits->connections, 100000);
    assert_int_equal(listener->limits->exchange_bytes, 65536);
    assert_false(listener->reason_header);
    assert_int_equal(listener->backlog, 4096);
}

static void test_defaults(void **state)
{
    (void)state;
    struct loading l;
    begin(&l, "listeners: \":8080\"\n"
              "routes: {upstream: app}\n"
              "upstreams: {name: app, endpoints: a:1, health: /up, tls: {}}\n"
              "admin: 127.0.0.1:9901\n");
    assert_int_equal(l.err, RW_OK);
    const struct rw_config *config = l.config;
    const struct rw_config_route *route = config->routes.items;
    const struct rw_config_upstream *app = config->upstreams.items;
    assert_int_equal(config->threads, 0);
    assert_int_equal(config->drain_ms_max, 30000);
    assert_true(config->watch_file);
    check_default_listener(config->listeners.items);
    assert_int_equal(route->timeouts->first_byte_ms, 60000);
    assert_int_equal(route->timeouts->total_ms, 0);
    assert_string_equal(((struct rw_span *)route->upgrade.items)->at, "websocket");
    assert_int_equal(app->connect_ms, 2000);
    assert_int_equal(app->balance, RW_BALANCE_ROUND_ROBIN);
    assert_int_equal(app->connections->per_endpoint_max, 0);
    assert_int_equal(app->connections->idle_max, 1024);
    assert_int_equal(app->connections->idle_ms, 60000);
    assert_int_equal(app->connections->queue_max, 1024);
    assert_int_equal(app->connections->queue_ms_max, 5000);
    assert_int_equal(app->retries->tries, 3);
    assert_int_equal(app->retries->on.count, 2);
    assert_int_equal(((const int *)app->retries->on.items)[1], RW_RETRY_RESET);
    assert_int_equal(app->retries->body_bytes_max, 65536);
    assert_int_equal(app->retries->budget.percent, 20);
    assert_null(app->overload);
    assert_int_equal(route->overload->class, RW_CLASS_NORMAL);
    assert_int_equal(route->overload->status, 503);
    assert_int_equal(app->passive_health->failures, 5);
    assert_int_equal(app->passive_health->eject_ms, 10000);
    assert_int_equal(app->passive_health->eject_percent_max, 50);
    assert_string_equal(app->health->path.at, "/up");
    assert_int_equal(app->health->interval_ms, 5000);
    assert_int_equal(app->health->timeout_ms, 2000);
    assert_int_equal(app->health->healthy_after, 2);
    assert_int_equal(app->health->unhealthy_after, 3);
    assert_int_equal(app->health->status_min, 200);
    assert_int_equal(app->health->status_max, 399);
    assert_true(app->tls->verify);
    assert_int_equal(config->metrics->series_max, 2000);
    assert_string_equal(config->access_log->path.at, "");
    assert_int_equal(config->access_log->rotate_bytes, 100 << 20);
    assert_int_equal(config->access_log->rotate_keep, 5);
    assert_string_equal(config->error_log->path.at, "-");
    assert_int_equal(config->error_log->level, 1);
    assert_int_equal(config->dns->timeout_ms, 2000);
    assert_int_equal(config->dns->ttl_ms_min, 1000);
    assert_int_equal(config->dns->ttl_ms_max, 300000);
    assert_string_equal(config->admin->address.at, "127.0.0.1:9901");
    end(&l);
}

static void test_tls(void **state)
{
    (void)state;
    struct loading l;
    begin(&l, "listeners:\n"
              "  - address: 0.0.0.0:8443\n"
              "    tls:\n"
              "      certificates: {cert: a.pem, key: a.key}\n"
              "      min_version: 1.3\n"
              "      client_auth: required\n"
              "      client_ca: ca.pem\n");
    assert_int_equal(l.err, RW_OK);
    const struct rw_config_tls_server *tls =
        ((struct rw_config_listener *)l.config->listeners.items)->tls;
    assert_int_equal(tls->certificates.count, 1);
    assert_int_equal(tls->min_version, 1);
    assert_int_equal(tls->client_auth, RW_CLIENT_AUTH_REQUIRED);
    assert_true(tls->tickets);
    assert_true(tls->takeover);
    assert_int_equal(tls->ticket_rotation_ms, 43200000);
    assert_int_equal(tls->handshake_ms_max, 10000);
    end(&l);
}

static void test_http2(void **state)
{
    (void)state;
    struct loading l;
    begin(&l, "listeners:\n"
              "  - { address: 0.0.0.0:80 }\n"
              "  - { address: 0.0.0.0:81, protocols: http1 }\n"
              "  - address: 0.0.0.0:82\n"
              "    protocols: [http1, http2]\n"
              "    http2: { streams: 7, stream_window: 64KiB, floods: { resets: 3, pings: 0 } }\n");
    assert_int_equal(l.err, RW_OK);
    const struct rw_config_listener *listeners = l.config->listeners.items;
    const int *both = listeners[0].protocols.items, *one = listeners[1].protocols.items;
    assert_int_equal(listeners[0].protocols.count, 2);
    assert_int_equal(both[0], RW_PROTOCOL_HTTP2);
    assert_int_equal(both[1], RW_PROTOCOL_HTTP1);
    assert_int_equal(listeners[1].protocols.count, 1);
    assert_int_equal(one[0], RW_PROTOCOL_HTTP1);
    const struct rw_config_http2 *usual = listeners[0].http2, *own = listeners[2].http2;
    assert_int_equal(usual->streams, 128);
    assert_int_equal(usual->floods->max[RW_H2_FLOOD_RESETS], 200);
    assert_int_equal(usual->floods->max[RW_H2_FLOOD_UNKNOWN], 1000);
    assert_int_equal(own->streams, 7);
    assert_int_equal(own->stream_window_bytes, 64 << 10);
    assert_int_equal(own->floods->max[RW_H2_FLOOD_RESETS], 3);
    assert_int_equal(own->floods->max[RW_H2_FLOOD_PINGS], 0);
    end(&l);
}

static void mistake(const char *yaml, const char *part)
{
    struct loading l;
    begin(&l, yaml);
    assert_int_equal(l.err, RW_EINVAL);
    assert_non_null(strstr(l.printed.at, part));
    end(&l);
}

static void test_http2_mistakes(void **state)
{
    (void)state;
    mistake("listeners: [{ address: \":80\", protocols: [] }]\n",
            "at least one protocol is needed");
    mistake("listeners: [{ address: \":80\", protocols: [http1, http1] }]\n",
            "it stands here twice");
    mistake("listeners: [{ address: \":80\", http2: { stream_window: 2MiB } }]\n",
            "one stream cannot have more than the connection, which has 1MiB");
}

static void test_route_overload_mistakes(void **state)
{
    (void)state;
    static const char *const statuses[] = {"204", "205", "304"};
    for (size_t i = 0; i < 3; i++) {
        char yaml[256];
        snprintf(yaml, sizeof(yaml),
                 "listeners: \":80\"\n"
                 "routes: [{ upstream: app, overload: { status: %s, body: x } }]\n"
                 "upstreams: [{ name: app, endpoints: a:1 }]\n",
                 statuses[i]);
        mistake(yaml, "has no body");
    }
    mistake("listeners: \":80\"\n"
            "routes: [{ upstream: app, overload: { content_type: \"a\\r\\nb: c\", body: x } }]\n"
            "upstreams: [{ name: app, endpoints: a:1 }]\n",
            "not a field value");
}

static void test_policies(void **state)
{
    (void)state;
    struct loading l;
    begin(&l, "listeners: [{address: \":1\", policies: common}]\n"
              "policies: [{name: common, headers: a}]\n"
              "routes:\n"
              "  - redirect: https://example.com/\n"
              "    policies: [common, {use: common}, {headers: {to: b}}]\n");
    assert_int_equal(l.err, RW_OK);
    const struct rw_config_route *route = l.config->routes.items;
    const struct rw_config_policy_use *uses = route->policies.items;
    assert_int_equal(route->policies.count, 3);
    assert_string_equal(uses[0].use.at, "common");
    assert_string_equal(uses[1].use.at, "common");
    assert_ptr_equal(uses[2].kind.kind, &headers);
    assert_string_equal(((struct redirect *)uses[2].kind.value)->to.at, "b");
    assert_string_equal(((struct redirect *)route->action.value)->to.at, "https://example.com/");
    end(&l);
}

static void test_names(void **state)
{
    (void)state;
    struct loading l;
    begin(&l, "listeners: [{address: \":1\", name: listener-2}, \":2\", \":3\"]\n"
              "routes: [{redirect: a}, {name: route-1, redirect: a}, {redirect: a}]\n");
    assert_int_equal(l.err, RW_OK);
    const struct rw_config_listener *listeners = l.config->listeners.items;
    const struct rw_config_route *routes = l.config->routes.items;
    assert_string_equal(listeners[1].name.at, "listener-2-2");
    assert_string_equal(listeners[2].name.at, "listener-3");
    assert_string_equal(routes[0].name.at, "route-1-2");
    assert_string_equal(routes[2].name.at, "route-3");
    end(&l);
}

/* Nothing of a configuration lives in the report. */
static void test_lifetimes(void **state)
{
    (void)state;
    struct rw_arena arena, mistakes;
    rw_arena_init(&arena, NULL, 0, 4096, 64 << 20);
    rw_arena_init(&mistakes, NULL, 0, 4096, 64 << 10);
    struct rw_conf_report report = {.arena = &mistakes};
    struct rw_config *config;
    assert_int_equal(
        rw_config_load_text(rw_span_text(smallest), "gateway.yaml", &arena, &config, &report),
        RW_OK);
    rw_arena_free(&mistakes);
    assert_string_equal(((struct rw_config_listener *)config->listeners.items)->name.at,
                        "listener-1");
    assert_string_equal(((struct rw_config_route *)config->routes.items)->name.at, "route-1");
    rw_arena_free(&arena);
}

/* ---- What is wrong ---- */

static void test_unknown_names(void **state)
{
    (void)state;
    expect_mistakes(
        "listeners: [{address: \":1\", name: web, policies: [gzp]}]\n"
        "policies: [{name: gzip, headers: x}]\n"
        "upstreams: [{name: api, endpoints: a:1}]\n"
        "routes:\n"
        "  - upstream: apj\n"
        "    match: {listeners: [web, wbe, other]}\n"
        "    policies: [gzip, nothing]\n",
        "gateway.yaml:1:51: listeners[0].policies[0]: unknown policy \"gzp\"; did you "
        "mean \"gzip\"?\n"
        "gateway.yaml:5:15: routes[0].upstream: unknown upstream \"apj\"; did you mean "
        "\"api\"?\n"
        "gateway.yaml:6:30: routes[0].match.listeners[1]: unknown listener \"wbe\"; did "
        "you mean \"web\"?\n"
        "gateway.yaml:6:35: routes[0].match.listeners[2]: unknown listener \"other\"\n"
        "gateway.yaml:7:22: routes[0].policies[1]: unknown policy \"nothing\"\n");
    expect_mistakes("listeners: \":1\"\n"
                    "routes: [{upstream: \"http://a:1\"}]\n",
                    "gateway.yaml:2:21: routes[0].upstream: unknown upstream \"http://a:1\"; a "
                    "name is expected, not an address\n");
    setenv("RW_TEST_HIDDEN", "hunter2", 1);
    expect_mistakes("listeners: \":1\"\n"
                    "routes: [{upstream: \"${RW_TEST_HIDDEN}\"}]\n",
                    "gateway.yaml:2:21: routes[0].upstream: unknown upstream the value from the "
                    "environment; there is none\n");
}

static void test_taken(void **state)
{
    (void)state;
    expect_mistakes(
        "listeners:\n"
        "  - {address: \":80\", name: a}\n"
        "  - {address: \"127.0.0.1:80\", name: b}\n"
        "  - {address: \"0.0.0.0:80\", name: a}\n"
        "  - \"[::1]:80\"\n"
        "  - \"[0:0::1]:80\"\n"
        "  - unix:/run/a\n"
        "  - unix:/run/a\n"
        "admin: 127.0.0.1:80\n",
        "gateway.yaml:4:15: listeners[2].address: the address \"0.0.0.0:80\" is taken "
        "already, in line 2\n"
        "gateway.yaml:4:35: listeners[2].name: the name \"a\" is taken already, in line "
        "2\n"
        "gateway.yaml:6:5: listeners[4]: the address \"[0:0::1]:80\" is taken already, "
        "in line 5\n"
        "gateway.yaml:8:5: listeners[6]: the address \"unix:/run/a\" is taken already, "
        "in line 7\n"
        "gateway.yaml:9:8: admin: the address \"127.0.0.1:80\" is taken already, in "
        "line 3\n");
}

static void test_missing(void **state)
{
    (void)state;
    expect_mistakes("routes: []\n", "gateway.yaml:1:1: \"listeners\" is missing\n");
    expect_mistakes("listeners: []\n",
                    "gateway.yaml:1:12: listeners: expected at least one value\n");
    expect_mistakes("listeners: [{name: a}]\n",
                    "gateway.yaml:1:13: listeners[0]: \"address\" is missing\n");
    expect_mistakes(
        "listeners: \":1\"\nroutes: [{name: a}, {name: b, redirect: a, upstream: c}]\n",
        "gateway.yaml:2:10: routes[0]: the action is missing: one of upstream, "
        "redirect\n"
        "gateway.yaml:2:44: routes[1]: \"upstream\" does not go with \"redirect\": there "
        "can be only one of them\n");
    expect_mistakes("listeners: \":1\"\n"
                    "rate_limits: { redis: { address: \"127.0.0.1:6379\", username: me } }\n",
                    "gateway.yaml:2:62: rate_limits.redis.username: \"username\" needs "
                    "\"password\"\n");
    expect_mistakes(
        "listeners: \":1\"\n"
        "rate_limits: { redis: { address: \"a:1\", cluster: [\"b:1\"], database: 1 } }\n",
        "gateway.yaml:2:23: rate_limits.redis: expected one of \"address\", "
        "\"sentinel\" and \"cluster\"\n"
        "gateway.yaml:2:69: rate_limits.redis.database: a Redis Cluster has no "
        "database but 0\n");
    expect_mistakes("listeners: \":1\"\n"
                    "rate_limits: { redis: { sentinel: { addresses: \"srv:a.b\", primary: x, "
                    "username: y } } }\n",
                    "gateway.yaml:2:48: rate_limits.redis.sentinel.addresses: expected an address "
                    "or name with a port, not \"srv:a.b\"\n"
                    "gateway.yaml:2:81: rate_limits.redis.sentinel.username: \"username\" needs "
                    "\"password\"\n");
    expect_mistakes("listeners: \":1\"\nrate_limits: { redis: { timeout: 1s } }\n",
                    "gateway.yaml:2:23: rate_limits.redis: expected one of \"address\", "
                    "\"sentinel\" and \"cluster\"\n");
    expect_mistakes("listeners: \":1\"\nadmin: {}\n",
                    "gateway.yaml:2:8: admin: \"address\" is missing\n");
}

/* One condition of a route, and what is wrong with it. */
static void expect_match_mistake(const char *condition, const char *mistake)
{
    char yaml[512], printed[512];
    snprintf(yaml, sizeof(yaml), "listeners: \":1\"\nroutes:\n- redirect: a\n  match: {%s}\n",
             condition);
    snprintf(printed, sizeof(printed), "gateway.yaml:4:%s\n", mistake);
    expect_mistakes(yaml, printed);
}

static void test_match(void **state)
{
    (void)state;
    expect_match_mistake("path: a", "17: routes[0].match.path: \"a\" is not a path: a path begins "
                                    "with \"/\"");
    expect_match_mistake("path: [/, /a*]", "21: routes[0].match.path[1]: \"/a*\" is not a path: "
                                           "\"*\" stands only alone, as the last segment: "
                                           "\"/files/*\"");
    expect_match_mistake("path: /*/b", "17: routes[0].match.path: \"/*/b\" is not a path: \"*\" "
                                       "stands only alone, as the last segment: \"/files/*\"");
    expect_match_mistake("path: '/{a/b}'",
                         "17: routes[0].match.path: \"/{a/b}\" is not a path: a parameter is a "
                         "whole segment, as in \"/users/{id}\"");
    expect_match_mistake(
        "path: '/x{a}'",
        "17: routes[0].match.path: \"/x{a}\" is not a path: a parameter is a whole "
        "segment, as in \"/users/{id}\"");
    expect_match_mistake("path: '/{}'", "17: routes[0].match.path: \"/{}\" is not a path: a "
                                        "parameter is a whole segment, as in \"/users/{id}\"");
    expect_match_mistake("path: '/{a b}'",
                         "17: routes[0].match.path: \"/{a b}\" is not a path: the name of a "
                         "parameter has letters, digits, \"_\" and \"-\"");
    expect_match_mistake("path: '/a?b'",
                         "17: routes[0].match.path: \"/a?b\" is not a path: \"?\" and \"#\" are no "
                         "part of a path; for the query there is \"query\"");
    expect_match_mistake(
        "path: /a, path_regex: /b",
        "33: routes[0].match.path_regex: \"path_regex\" does not go with \"path\"");
    expect_match_mistake("path_regex: '/('",
                         "23: routes[0].match.path_regex: \"/(\" is no regular expression: missing "
                         "closing parenthesis at offset 2");
    expect_match_mistake("query: {a: '~['}",
                         "22: routes[0].match.query.a: \"[\" is no regular expression: missing "
                         "terminating ] for character class at offset 1");
    expect_match_mistake(
        "host: 'a.*.b'",
        "17: routes[0].match.host: \"a.*.b\" is not a host name: \"*\" stands only "
        "for the first label, as in \"*.example.com\"");
    expect_match_mistake("host: 'http://a'",
                         "17: routes[0].match.host: \"http://a\" is not a host name: only the name "
                         "is wanted: no scheme, port or path");
    expect_match_mistake("host: 'a..b'",
                         "17: routes[0].match.host: \"a..b\" is not a host name: a label is empty");
    expect_match_mistake("host: 'a b'", "17: routes[0].match.host: \"a b\" is not a host name: it "
                                        "has a character that no host name has");
    expect_match_mistake("method: get",
                         "19: routes[0].match.method: methods are in capital letters: \"GET\"");
    expect_match_mistake("method: 'G T'", "19: routes[0].match.method: \"G T\" is not a method");
    expect_match_mistake("headers: {'a b': c}", "28: routes[0].match.headers.a b: \"a b\" is not "
                                                "the name of a header field");
}

static void test_match_good(void **state)
{
    (void)state;
    struct loading l;
    begin(&l, "listeners: [{address: \":1\", name: web}]\n"
              "routes:\n"
              "  - redirect: a\n"
              "    match:\n"
              "      host: [example.com, \"*.example.com\", 10.0.0.1, \"[::1]\", example.com.]\n"
              "      path: [/, /*, /a/, /a/*, '/users/{id}/posts/{post}', '/{a}/*', /a//b]\n"
              "      method: [GET, PURGE, M-SEARCH]\n"
              "      headers: {X-A: '~^b$', X-B: '*'}\n"
              "      query: {'a b': c}\n"
              "      listeners: web\n"
              "  - {redirect: b, match: /short}\n"
              "  - {redirect: c, match: {path_regex: '/v[0-9]+'}}\n");
    if (l.err)
        print_error("%s", l.printed.at);
    assert_int_equal(l.err, RW_OK);
    const struct rw_config_route *routes = l.config->routes.items;
    assert_string_equal(((struct rw_span *)routes[1].match->path.items)->at, "/short");
    end(&l);
}

static void test_together(void **state)
{
    (void)state;
    expect_mistakes(
        "listeners:\n"
        "  - address: \":1\"\n"
        "    tls: {certificates: {cert: a, key: b}, client_auth: optional}\n"
        "    limits: {target: 64KiB}\n"
        "  - address: \":2\"\n"
        "    tls: {certificates: {cert: a, key: b}, client_ca: a}\n"
        "    limits: {head: 1MiB}\n"
        "    policies: [{use: a, headers: b}]\n"
        "policies: [{name: a, headers: b}]\n",
        "gateway.yaml:3:57: listeners[0].tls.client_auth: \"client_auth\" needs \"client_ca\": who "
        "signs client certificates\n"
        "gateway.yaml:4:22: listeners[0].limits.target: the target is a part of the head, which is "
        "at most 16KiB\n"
        "gateway.yaml:6:55: listeners[1].tls.client_ca: \"client_ca\" has no effect without "
        "\"client_auth\"\n"
        "gateway.yaml:7:20: listeners[1].limits.head: the head is kept in the memory of its "
        "exchange, which is at most 64KiB\n"
        "gateway.yaml:8:22: listeners[1].policies[0].use: \"use\" does not go with \"headers\": a "
        "policy is named or written in place\n");
}

static void test_upstreams(void **state)
{
    (void)state;
    expect_mistakes(
        "listeners: \":1\"\n"
        "upstreams:\n"
        "  - {name: a, endpoints: {address: \"a:1\", weight: 0}}\n"
        "  - {name: b, endpoints: \"a:1\", balance: hash, hash: {on: header}}\n"
        "  - {name: c, endpoints: \"a:1\", balance: hash, hash: {on: path, name: x}}\n"
        "  - {name: d, endpoints: \"a:1\", hash: {on: path}}\n"
        "  - {name: e, endpoints: \":1\"}\n"
        "  - {name: f, endpoints: \"a:1\", health: {path: up, timeout: 6s, status_min: 500}}\n"
        "  - {name: g, endpoints: \"a:1\", tls: {cert: a, verify: false, ca: b}}\n"
        "  - {name: g, endpoints: \"a:1\", tls: {key: a}}\n",
        "gateway.yaml:3:26: upstreams[0].endpoints: every endpoint has the weight 0: none would "
        "get a request\n"
        "gateway.yaml:4:59: upstreams[1].hash.on: \"name\" is missing: which header field?\n"
        "gateway.yaml:5:71: upstreams[2].hash.name: \"name\" has no effect: the path has none\n"
        "gateway.yaml:6:39: upstreams[3].hash: \"hash\" has no effect without \"balance: hash\"\n"
        "gateway.yaml:7:26: upstreams[4].endpoints: expected an address like 10.0.0.1:80, "
        "[::1]:80, name:80, srv:_http._tcp.name or unix:/path, not \":1\"; the host is missing\n"
        "gateway.yaml:8:48: upstreams[5].health.path: a path begins with \"/\"\n"
        "gateway.yaml:8:61: upstreams[5].health.timeout: longer than \"interval\"\n"
        "gateway.yaml:8:77: upstreams[5].health.status_min: more than \"status_max\", which is "
        "399\n"
        "gateway.yaml:9:45: upstreams[6].tls.cert: \"cert\" needs \"key\"\n"
        "gateway.yaml:9:67: upstreams[6].tls.ca: \"ca\" has no effect with \"verify: false\"\n"
        "gateway.yaml:10:12: upstreams[7].name: the name \"g\" is taken already, in line 9\n"
        "gateway.yaml:10:44: upstreams[7].tls.key: \"key\" needs \"cert\"\n");
}

static void test_admin_and_dns(void **state)
{
    (void)state;
    expect_mistakes(
        "listeners: \":1\"\nadmin: \":9901\"\n",
        "gateway.yaml:2:8: admin: \":9901\" is not on loopback: write 127.0.0.1, or set "
        "\"allow_remote\"\n");
    expect_mistakes("listeners: \":1\"\nadmin: {address: \"[::]:9901\"}\n",
                    "gateway.yaml:2:18: admin.address: \"[::]:9901\" is not on loopback: write "
                    "127.0.0.1, or set \"allow_remote\"\n");
    expect_mistakes(
        "listeners: \":1\"\ndns: {servers: \":53\", ttl_min: 10m}\n",
        "gateway.yaml:2:16: dns.servers: \":53\" is not a server: expected an IP address "
        "and port\n"
        "gateway.yaml:2:32: dns.ttl_min: longer than \"ttl_max\"\n");
    static const char *const good[] = {
        "listeners: \":1\"\nadmin: {address: \":9901\", allow_remote: true}\n",
        "listeners: \":1\"\nadmin: \"[::1]:9901\"\n",
        "listeners: \":1\"\nadmin: 127.1.2.3:9901\n",
        "listeners: \":1\"\nadmin: unix:/run/ringway/admin.sock\n",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        struct loading l;
        begin(&l, good[i]);
        assert_int_equal(l.err, RW_OK);
        end(&l);
    }
}

/* ---- The tables themselves ---- */

static void check_tables(const struct rw_conf_record *record, unsigned depth)
{
    assert_true(depth < 16);
    assert_non_null(record->doc);
    for (const struct rw_conf_field *field = record->fields; field->name; field++) {
        bool single = !(field->flags & (RW_CONF_LIST | RW_CONF_MAP)) &&
                      field->type != RW_CONF_RECORD && field->type != RW_CONF_VARIANT;
        struct rw_conf_complaint complaint;
        uint64_t room[4];
        assert_non_null(field->doc);
        if (single && field->example)
            assert_true(rw_conf_scalar(field, rw_span_text(field->example), room, &complaint));
        if (single && field->fallback)
            assert_true(rw_conf_scalar(field, rw_span_text(field->fallback), room, &complaint));
        if (field->type != RW_CONF_RECORD && field->type != RW_CONF_VARIANT)
            assert_true(field->fallback || field->example);
        if (field->type == RW_CONF_RECORD)
            check_tables(field->record, depth + 1);
    }
}

static void test_words_for_a_log(void **state)
{
    (void)state;
    struct loading l;
    struct rw_text yaml = {0};
    rw_text_addf(&yaml, "%saccess_log: off\n", smallest);
    begin(&l, yaml.at);
    assert_int_equal(l.err, RW_OK);
    assert_int_equal(l.config->access_log->path.len, 0);
    end(&l);
    rw_text_addf(&yaml, "error_log: { path: off }\n");
    expect_mistakes(
        yaml.at, "gateway.yaml:5:20: error_log.path: expected a path or \"-\" for standard error, "
                 "not \"off\"; it cannot be off, \"level\" says what is written\n");
    rw_text_free(&yaml);
    rw_text_addf(&yaml, "%saccess_log: { path: False }\n", smallest);
    expect_mistakes(
        yaml.at, "gateway.yaml:4:21: access_log.path: expected a path, \"-\" for standard output "
                 "or \"off\", not \"False\"\n");
    rw_text_free(&yaml);
}

static void test_tables(void **state)
{
    (void)state;
    check_tables(&rw_config_record, 0);
}

static void test_example(void **state)
{
    (void)state;
    struct rw_text text = {0};
    rw_conf_example(&rw_config_record, &text);
    struct loading l;
    begin(&l, text.at);
    if (l.err)
        print_error("%s\n%s", text.at, l.printed.at);
    assert_int_equal(l.err, RW_OK);
    assert_int_equal(l.config->routes.count, 1);
    assert_int_equal(l.config->policies.count, 1);
    end(&l);
    rw_text_free(&text);
}

static enum rw_err load_failing(const char *yaml, uint64_t successes)
{
    struct rw_arena arena;
    struct rw_conf_report report = {0};
    struct rw_config *config;
    rw_arena_init(&arena, NULL, 0, 64, 64 << 20);
    rw_alloc_fail_after(successes);
    enum rw_err err =
        rw_config_load_text(rw_span_text(yaml), "gateway.yaml", &arena, &config, &report);
    rw_alloc_fail_never();
    rw_arena_free(&arena);
    return err;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    static const char wrong[] = "listeners: [\":1\", \":1\", {address: \":2\", policies: x}]\n"
                                "routes: [{upstream: a, match: {listeners: b}}, {redirect: c}]\n"
                                "upstreams: [{name: a1, endpoints: \"a:1\"}]\n";
    uint64_t n = 0;
    while (load_failing(smallest, n) == RW_ENOMEM)
        n++;
    assert_true(n > 20);
    assert_int_equal(load_failing(smallest, n), RW_OK);
    for (n = 0; load_failing(wrong, n) == RW_ENOMEM;)
        n++;
    assert_int_equal(load_failing(wrong, n), RW_EINVAL);
}

/* Ten thousand routes are no matter. */
static void test_many_routes(void **state)
{
    (void)state;
    struct rw_text yaml = {0};
    rw_text_adds(&yaml, "listeners: \":1\"\nroutes:\n");
    for (int i = 0; i < 10000; i++)
        rw_text_addf(&yaml, "- {name: r-%d, match: {path: /r-%d/*}, upstream: app}\n", i, i);
    rw_text_adds(&yaml, "upstreams: [{name: app, endpoints: [\"127.0.0.1:9000\"]}]\n");
    struct loading l;
    begin(&l, yaml.at);
    assert_int_equal(l.err, RW_OK);
    assert_int_equal(l.config->routes.count, 10000);
    end(&l);
    rw_text_free(&yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smallest),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_http2),
        cmocka_unit_test(test_http2_mistakes),
        cmocka_unit_test(test_route_overload_mistakes),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_lifetimes),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_match_good),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_upstreams),
        cmocka_unit_test(test_admin_and_dns),
        cmocka_unit_test(test_words_for_a_log),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_allocation_failures),
        cmocka_unit_test(test_many_routes),
    };
    return cmocka_run_group_tests(tests, register_kinds, NULL);
}
