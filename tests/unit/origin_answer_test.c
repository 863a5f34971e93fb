/* The origins that answer by themselves: respond, redirect, echo. */
#include "gate/exchange/origin.h"
#include "origin/registry.h"
#include "support/exchange_fixture.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct rw_conf_variant_kind *const no_policies[] = {NULL};
static struct rw_fixture gate;

#define LISTENER "listeners:\n- address: 127.0.0.1:8080\n"

static void open_gate(const char *yaml)
{
    rw_fixture_open(&gate, rw_origin_kinds, no_policies, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
}

static void expect_mistake(const char *yaml, const char *part)
{
    rw_fixture_expect_mistake(&gate, rw_origin_kinds, no_policies, yaml, part);
}

/* ---- respond ---- */

static void respond_sends_status_fields_and_body(void **state)
{
    (void)state;
    open_gate(LISTENER "routes:\n"
                       "- respond: { status: 418, body: short, content_type: text/x, headers: "
                       "{ X-A: b, Content-Language: en } }\n");
    rw_fixture_get(&gate, "/");
    assert_int_equal(gate.status, 418);
    assert_string_equal(rw_fixture_body(&gate), "short");
    assert_int_equal(gate.length, 5);
    assert_string_equal(rw_fixture_field(&gate, "Content-Type"), "text/x");
    assert_string_equal(rw_fixture_field(&gate, "X-A"), "b");
    rw_fixture_ask(&gate, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    assert_string_equal(rw_fixture_body(&gate), "");
    assert_int_equal(gate.length, 5);
    rw_fixture_close(&gate);
}

static void respond_as_a_text(void **state)
{
    (void)state;
    open_gate(LISTENER "routes:\n- respond: hello\n");
    rw_fixture_ask(&gate, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", "abc");
    assert_int_equal(gate.status, 200);
    assert_string_equal(rw_fixture_body(&gate), "hello");
    rw_fixture_close(&gate);
}

static void respond_mistakes(void **state)
{
    (void)state;
    expect_mistake(LISTENER "routes:\n- respond: { headers: { Content-Length: \"3\" } }\n",
                   "frames the message");
    expect_mistake(LISTENER "routes:\n- respond: { headers: { Connection: close } }\n",
                   "belongs to one connection");
    expect_mistake(LISTENER "routes:\n- respond: { headers: { \"a b\": close } }\n",
                   "not a field name");
    expect_mistake(LISTENER "routes:\n- respond: { headers: { A: \"x\\r\\ny\" } }\n",
                   "characters that no field may have");
    expect_mistake(LISTENER "routes:\n- respond: { status: 204, body: x }\n", "has no body");
    expect_mistake(LISTENER "routes:\n- respond: { status: 205, body: x }\n", "has no body");
}

/* ---- Statuses without a body ---- */

static unsigned own_status;

static enum rw_flow start_own(struct rw_exchange *x, void *instance, const struct rw_piece *first)
{
    (void)instance, (void)first;
    return rw_exchange_reply(
        x, rw_exchange_make_reply(x, own_status, "text/plain", RW_LITERAL("text")));
}

static enum rw_err compile_own(struct rw_compile *compile, const void *config, void **instance)
{
    (void)compile, (void)config;
    *instance = NULL;
    return RW_OK;
}

static const struct rw_origin own_origin = {
    .kind = {.name = "own", .doc = "For tests.", .user = &own_origin},
    .compile = compile_own,
    .start = start_own,
};

static const struct rw_conf_variant_kind *const own_kinds[] = {&own_origin.kind, NULL};

static void a_status_without_a_body_gets_none(void **state)
{
    (void)state;
    static const unsigned statuses[] = {204, 205, 304};
    rw_fixture_open(&gate, own_kinds, no_policies, LISTENER "routes:\n- own: x\n");
    assert_non_null(gate.snapshot);
    own_status = 200;
    rw_fixture_get(&gate, "/");
    assert_string_equal(rw_fixture_body(&gate), "text");
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        own_status = statuses[i];
        rw_fixture_get(&gate, "/");
        assert_int_equal(gate.status, statuses[i]);
        assert_string_equal(rw_fixture_body(&gate), "");
        assert_true(gate.length == (statuses[i] == 205 ? 0 : UINT64_MAX));
    }
    rw_fixture_close(&gate);
}

/* ---- redirect ---- */

struct redirect_case {
    const char *to, *head, *location;
    bool https;
};

static const struct redirect_case redirects[] = {
    {"https://{host}{path}{query}", "GET /a?b=c HTTP/1.1\r\nHost: x.test:8080\r\n",
     "https://x.test/a?b=c", false},
    {"https://{host}:8443{path}", "GET /a%20b HTTP/1.1\r\nHost: [::1]:80\r\n",
     "https://[::1]:8443/a%20b", false},
    {"{scheme}://{authority}/new{query}", "GET /a? HTTP/1.1\r\nHost: x.test:81\r\n",
     "http://x.test:81/new?", false},
    {"{scheme}://{host}:{port}/", "GET /a HTTP/1.1\r\nHost: x.test\r\n", "https://x.test:443/",
     true},
    {"/fixed", "GET /a HTTP/1.1\r\nHost: x.test\r\n", "/fixed", false},
    {"{path}/", "GET /a HTTP/1.1\r\nHost: x.test\r\n", "/a/", false},
    {"{path}/", "GET //evil.test HTTP/1.1\r\nHost: x.test\r\n", "/evil.test/", false},
    {"/{*}", "GET /go//evil.test HTTP/1.1\r\nHost: x.test\r\n", "/evil.test", false},
    {"/{*}", "GET /go/deep/er HTTP/1.1\r\nHost: x.test\r\n", "/deep/er", false},
    {"/{{{*}}}", "GET /go/x HTTP/1.1\r\nHost: x.test\r\n", "/{x}", false},
    {"https://new.test{path}{query}", "GET /go/x?y HTTP/1.1\r\nHost: x.test\r\n",
     "https://new.test/go/x?y", false},
    {"/login?next={path}{query}", "GET /a;b=c&d?e=f+g HTTP/1.1\r\nHost: x.test\r\n",
     "/login?next=/a%3Bb%3Dc%26d?e%3Df%2Bg", false},
};

static void redirect_targets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(redirects) / sizeof(*redirects); i++) {
        const struct redirect_case *one = &redirects[i];
        char yaml[1024], head[1024];
        snprintf(yaml, sizeof(yaml), LISTENER "routes:\n- match: %s\n  redirect: \"%s\"\n",
                 strstr(one->to, "{*}")      ? "/go/*"
                 : strstr(one->to, "{path}") ? "/*"
                                             : "/a",
                 one->to);
        snprintf(head, sizeof(head), "%s\r\n", one->head);
        open_gate(yaml);
        gate.https = one->https;
        rw_fixture_ask(&gate, head, NULL);
        assert_int_equal(gate.status, 308);
        assert_string_equal(rw_fixture_field(&gate, "Location"), one->location);
        assert_int_equal(gate.length, 0);
        rw_fixture_close(&gate);
    }
}

static void redirect_with_parameters(void **state)
{
    (void)state;
    open_gate(LISTENER "routes:\n"
                       "- match: \"/user/{id}/{tab}\"\n"
                       "  redirect: { to: \"/u/{id}?tab={tab}\", status: 302 }\n"
                       "- match: { path_regex: \"/v(?<number>[0-9]+)\" }\n"
                       "  redirect: { to: \"/version/{number}\", status: 301 }\n");
    rw_fixture_get(&gate, "/user/7%2B/mail");
    assert_int_equal(gate.status, 302);
    assert_string_equal(rw_fixture_field(&gate, "Location"), "/u/7%2B?tab=mail");
    rw_fixture_get(&gate, "/v12");
    assert_int_equal(gate.status, 301);
    assert_string_equal(rw_fixture_field(&gate, "Location"), "/version/12");
    rw_fixture_close(&gate);
}

static void redirect_without_a_host(void **state)
{
    (void)state;
    open_gate(LISTENER "routes:\n- redirect: \"https://{host}/x\"\n");
    rw_fixture_ask(&gate, "GET / HTTP/1.0\r\n\r\n", NULL);
    assert_int_equal(gate.status, 400);
    assert_string_equal(gate.reason, "malformed_request");
    rw_fixture_close(&gate);
}

static void redirect_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *to, *part;
    } cases[] = {
        {"https://{tenant}.test/", "only {host}, {port} and {authority}"},
        {"https://new.test{query}", "only {host}, {port} and {authority}"},
        {"https:///x", "no host"},
        {"new.test/x", "expected a URL with its scheme"},
        {"//new.test/x", "needs its scheme"},
        {"{query}", "expected a URL"},
        {"/a b", "a space"},
        {"/a\\\\b", "backslash"},
        {"/a\\r\\nSet-Cookie: a=b", "a space"},
        {"/{pat}", "did you mean {path}?"},
        {"/{id}", "no parameter of every path"},
        {"/{path", "without a name"},
        {"/path}", "without its"},
        {"/{}", "without a name"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char yaml[512];
        snprintf(yaml, sizeof(yaml),
                 LISTENER "routes:\n- match: { path: [\"/{tenant}\", /x] }\n  redirect: \"%s\"\n",
                 cases[i].to);
        expect_mistake(yaml, cases[i].part);
    }
    expect_mistake(LISTENER "routes:\n- redirect: { to: /x, status: 304 }\n", "is no redirect");
}

/* ---- Circles ---- */

static const struct {
    const char *routes, *circle; /* NULL: there is none */
} circles[] = {
    {"- { name: a, match: /a, redirect: /b }\n"
     "- { name: b, match: /b, redirect: /c?x }\n"
     "- { name: c, match: /c, redirect: /a }\n",
     "circle: a -> b -> c -> a\n"},
    {"- { name: a, match: /a, redirect: /b }\n"
     "- { name: b, match: /b, redirect: /c }\n"
     "- { name: c, match: /c, redirect: /b }\n",
     "circle: b -> c -> b\n"},
    {"- { name: self, match: \"/x/{id}\", redirect: \"{path}\" }\n", "circle: self -> self\n"},
    {"- { name: new, match: /x/*, redirect: /x/new }\n", "circle: new -> new\n"},
    {"- { name: all, redirect: \"http://{host}:8080{path}{query}\" }\n", "circle: all -> all\n"},
    {"- { name: all, redirect: \"http://{authority}/there\" }\n", "circle: all -> all\n"},
    {"- { name: www, match: { host: www.test }, redirect: \"http://bare.test:8080/\" }\n"
     "- { name: bare, match: { host: bare.test }, redirect: \"http://www.test:8080/\" }\n",
     "circle: www -> bare -> www\n"},
    {"- { name: wild, match: { host: \"*.test\" }, redirect: \"http://www.test:8080/\" }\n",
     "circle: wild -> wild\n"},
    /* It may be somebody else's host, or port. */
    {"- { name: any, redirect: \"http://www.test:8080/\" }\n", NULL},
    {"- { name: any, match: { host: a.test }, redirect: \"https://{host}{path}\" }\n", NULL},
    {"- { name: any, match: { host: a.test }, redirect: \"http://{host}{path}\" }\n", NULL},
    /* Further fields decide: a client without them goes on. */
    {"- { name: a, match: { path: /a, headers: { X: y } }, redirect: /b }\n"
     "- { name: b, match: /b, redirect: /a }\n",
     NULL},
    {"- { name: post, match: { path: /a, method: POST }, redirect: { to: /a, status: 303 } }\n",
     NULL},
    {"- { name: more, match: \"/x/*\", redirect: \"/x/y/{*}\" }\n", NULL},
};

static void circles_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(circles) / sizeof(*circles); i++) {
        char yaml[1024];
        snprintf(yaml, sizeof(yaml), LISTENER "routes:\n%s", circles[i].routes);
        if (circles[i].circle) {
            expect_mistake(yaml, circles[i].circle);
            continue;
        }
        open_gate(yaml);
        rw_fixture_close(&gate);
    }
}

static void circles_are_told_once(void **state)
{
    (void)state;
    rw_fixture_open(&gate, rw_origin_kinds, no_policies,
                    LISTENER "routes:\n"
                             "- { name: a, match: { path: [/a, /a/*] }, redirect: /b }\n"
                             "- { name: b, match: /b, redirect: /a }\n"
                             "- { name: c, match: /c, redirect: /c }\n");
    const char *first = strstr(gate.mistakes.at, "a -> b -> a");
    assert_non_null(first);
    assert_null(strstr(gate.mistakes.at, "b -> a -> b"));
    assert_non_null(strstr(first, "c -> c"));
    rw_fixture_close(&gate);
}

/* ---- echo ---- */

static json_t *echoed(void)
{
    json_error_t error;
    json_t *document = json_loads(rw_fixture_body(&gate), 0, &error);
    if (!document)
        fail_msg("%s: %s", error.text, rw_fixture_body(&gate));
    return document;
}

static const char *member(const json_t *document, const char *name)
{
    const char *text = json_string_value(json_object_get(document, name));
    return text ? text : "(none)";
}

static void echo_describes_the_request(void **state)
{
    (void)state;
    open_gate(LISTENER "routes:\n- name: demo\n  echo: {}\n");
    rw_fixture_ask(&gate,
                   "GET /a%22?q=1 HTTP/1.1\r\nHost: x.test\r\nAuthorization: Bearer secret\r\n"
                   "Cookie: secret=1\r\nX-Two: a\"\r\nx-two: b\\\r\nX-Byte: \xff\r\n\r\n",
                   NULL);
    assert_int_equal(gate.status, 200);
    assert_string_equal(rw_fixture_field(&gate, "Content-Type"), "application/json");
    assert_null(strstr(rw_fixture_body(&gate), "secret"));
    json_t *document = echoed();
    assert_string_equal(member(document, "method"), "GET");
    assert_string_equal(member(document, "path"), "/a%22");
    assert_string_equal(member(document, "query"), "q=1");
    assert_string_equal(member(document, "host"), "x.test");
    assert_string_equal(member(document, "client"), "192.0.2.7");
    assert_string_equal(member(document, "protocol"), "HTTP/1.1");
    assert_string_equal(member(document, "route"), "demo");
    assert_int_equal(strlen(member(document, "trace_id")), 32);
    const json_t *headers = json_object_get(document, "headers");
    assert_string_equal(member(headers, "Authorization"), "(hidden)");
    assert_string_equal(member(headers, "Cookie"), "(hidden)");
    assert_string_equal(member(headers, "X-Two"), "a\", b\\");
    json_decref(document);
    rw_fixture_close(&gate);
}

static void echo_counts_the_body(void **state)
{
    (void)state;
    open_gate(LISTENER "routes:\n- echo: {}\n");
    for (size_t piece = 0; piece < 4; piece++) {
        gate.body_piece = piece;
        rw_fixture_ask(&gate, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n", "1234567");
        assert_int_equal(gate.status, 200);
        json_t *document = echoed();
        assert_int_equal(json_integer_value(json_object_get(document, "body_bytes")), 7);
        json_decref(document);
    }
    rw_fixture_close(&gate);
}

static void echo_stays_within_the_exchange(void **state)
{
    (void)state;
    open_gate("listeners:\n- address: 127.0.0.1:8080\n  limits: { exchange: 64KiB, head: 63KiB }\n"
              "routes:\n- echo: {}\n");
    struct rw_text head = {0};
    rw_text_adds(&head, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: ");
    for (int i = 0; i < 30000; i++)
        rw_text_adds(&head, "\"\"");
    rw_text_adds(&head, "\r\n\r\n");
    rw_fixture_ask(&gate, head.at, NULL);
    assert_int_equal(gate.status, 503);
    assert_string_equal(gate.reason, "exchange_limit");
    rw_text_free(&head);
    rw_fixture_close(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(respond_sends_status_fields_and_body),
        cmocka_unit_test(respond_as_a_text),
        cmocka_unit_test(respond_mistakes),
        cmocka_unit_test(a_status_without_a_body_gets_none),
        cmocka_unit_test(redirect_targets),
        cmocka_unit_test(redirect_with_parameters),
        cmocka_unit_test(redirect_without_a_host),
        cmocka_unit_test(redirect_mistakes),
        cmocka_unit_test(circles_are_named),
        cmocka_unit_test(circles_are_told_once),
        cmocka_unit_test(echo_describes_the_request),
        cmocka_unit_test(echo_counts_the_body),
        cmocka_unit_test(echo_stays_within_the_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
