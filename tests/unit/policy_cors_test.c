/* The policy `cors`, and origins with their patterns. */
#include "origin/registry.h"
#include "policy/cors/cors.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rw_fixture gate;

static void open_gate(const char *match, const char *cors)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml),
             "listeners:\n- address: 127.0.0.1:8080\n"
             "routes:\n- match: %s\n"
             "  respond: { body: hi, headers: { Vary: Accept, Access-Control-Allow-Origin: x } }\n"
             "  policies: [ cors: { %s } ]\n",
             match, cors);
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
}

static void ask(const char *method, const char *fields)
{
    char head[1024];
    snprintf(head, sizeof(head), "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);
    rw_fixture_ask(&gate, head, NULL);
}

static void expect(const char *name, const char *value)
{
    const char *there = rw_fixture_field(&gate, name);
    if (strcmp(there, value) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", name, there, value);
}

#define PREFLIGHT                                                                                  \
    "Origin: https://shop.example\r\nAccess-Control-Request-Method: PUT\r\n"                       \
    "Access-Control-Request-Headers: x-a,content-type\r\n"

static void patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *origin;
        bool matches;
    } cases[] = {
        {"https://a.example", "https://a.example", true},
        {"https://a.example", "http://a.example", false},
        {"https://a.example", "https://a.example:8443", false},
        {"https://a.example", "https://a.example.evil", false},
        {"https://a.example:8443", "https://a.example:8443", true},
        {"https://*.a.example", "https://b.a.example", true},
        {"https://*.a.example", "https://c.b.a.example", true},
        {"https://*.a.example", "https://a.example", false},
        {"https://*.a.example", "https://.a.example", false},
        {"https://*.a.example", "https://eviLa.example", false},
        {"https://*.a.example", "https://evila.example", false},
        {"https://*.a.example", "https://evil.com/.a.example", false},
        {"https://*.a.example", "https://evil.com:1.a.example", false},
        {"https://*.a.example", "https://evil.com#.a.example", false},
        {"https://*.a.example", "http://b.a.example", false},
        {"https://*.a.example:1", "https://b.a.example:1", true},
        {"https://*.a.example:1", "https://b.a.example", false},
        {"http://[::1]:8080", "http://[::1]:8080", true},
        {"null", "null", true},
        {"null", "https://null", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_cors_pattern pattern;
        assert_true(rw_cors_pattern_parse(rw_span_text(cases[i].pattern), &pattern));
        if (rw_cors_matches(&pattern, rw_span_text(cases[i].origin)) != cases[i].matches)
            fail_msg("%s, %s", cases[i].pattern, cases[i].origin);
    }
    static const char *const none[] = {"",       "a.example",           "https://",
                                       "https:", "https://a.example/",  "https://A.example",
                                       "*",      "https://*",           "https://a.*.example",
                                       "1://a",  "https://*.*.example", "https://a example"};
    struct rw_cors_pattern pattern;
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
        if (rw_cors_pattern_parse(rw_span_text(none[i]), &pattern))
            fail_msg("%s", none[i]);
}

static void preflights(void **state)
{
    (void)state;
    open_gate("/", "origins: [https://shop.example], max_age: 1h");
    ask("OPTIONS", PREFLIGHT);
    assert_int_equal(gate.status, 204);
    expect("Access-Control-Allow-Origin", "https://shop.example");
    expect("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    expect("Access-Control-Allow-Headers", "x-a,content-type");
    expect("Access-Control-Max-Age", "3600");
    expect("Access-Control-Allow-Credentials", "");
    expect("Vary", "Access-Control-Request-Headers, Origin");
    ask("OPTIONS", "Origin: https://evil.example\r\nAccess-Control-Request-Method: PUT\r\n");
    assert_int_equal(gate.status, 403);
    expect("Access-Control-Allow-Origin", "");
    /* No preflight: the origin's business. */
    ask("OPTIONS", "Origin: https://shop.example\r\n");
    assert_int_equal(gate.status, 200);
    ask("OPTIONS", "Access-Control-Request-Method: PUT\r\n");
    assert_int_equal(gate.status, 200);
    /* What is no list of names is not repeated. */
    ask("OPTIONS", "Origin: https://shop.example\r\nAccess-Control-Request-Method: PUT\r\n"
                   "Access-Control-Request-Headers: a b, \"<script>\r\n");
    assert_int_equal(gate.status, 204);
    expect("Access-Control-Allow-Headers", "");
    rw_fixture_close(&gate);
}

static void answers(void **state)
{
    (void)state;
    open_gate("/", "origins: [https://shop.example], credentials: true, expose: [X-A, X-B]");
    ask("GET", "Origin: https://shop.example\r\n");
    assert_int_equal(gate.status, 200);
    expect("Access-Control-Allow-Origin", "https://shop.example");
    expect("Access-Control-Allow-Credentials", "true");
    expect("Access-Control-Expose-Headers", "X-A, X-B");
    expect("Vary", "Accept, Origin");
    ask("GET", "Origin: https://evil.example\r\n");
    assert_int_equal(gate.status, 200);
    expect("Access-Control-Allow-Origin", "");
    expect("Access-Control-Allow-Credentials", "");
    ask("GET", "");
    expect("Access-Control-Allow-Origin", "");
    expect("Vary", "Accept, Origin");
    rw_fixture_close(&gate);

    open_gate("/", "origins: [\"*\"], headers: [X-Q], methods: [GET]");
    ask("GET", "Origin: https://anybody.example\r\n");
    expect("Access-Control-Allow-Origin", "*");
    expect("Vary", "Accept");
    ask("GET", ""); /* what a cache keeps of it is for pages, too */
    expect("Access-Control-Allow-Origin", "*");
    expect("Vary", "Accept");
    ask("OPTIONS", PREFLIGHT);
    expect("Access-Control-Allow-Headers", "X-Q");
    expect("Access-Control-Allow-Methods", "GET");
    rw_fixture_close(&gate);
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *match, *cors, *told;
    } cases[] = {
        {"/", "origins: [https://shop.example/]", "is no origin"},
        {"/", "origins: [\"https://shop.example:443\"]", "without a path or the usual port"},
        {"/", "origins: [\"http://*.shop.example:80\"]", "without a path or the usual port"},
        {"/", "origins: [\"*\"], credentials: true", "name the origins"},
        {"/", "origins: []", "expected 1 to 256 origins"},
        {"/", "origins: [https://a.example, \"null\"], credentials: true",
         ":52: routes[0].policies[0].cors.origins[1]: `null` with `credentials`"},
        {"/", "origins: [https://a.example], methods: [GET, put]", "another method than PUT"},
        {"/", "origins: [https://a.example], credentials: true, expose: [\"*\"]",
         "name the fields"},
        {"/", "methods: [GET]", "origins"},
        {"/", "origins: [null], methods: [\"G T\"]", "is no method"},
        {"{ path: /, method: [GET] }", "origins: [https://a.example]", "add OPTIONS"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        open_gate(cases[i].match, cases[i].cors);
        if (gate.snapshot || !strstr(gate.mistakes.at, cases[i].told))
            fail_msg("%s: %s", cases[i].cors, gate.mistakes.at);
        rw_fixture_close(&gate);
    }
    open_gate("{ path: /, method: [GET, OPTIONS] }", "origins: [https://a.example]");
    assert_non_null(gate.snapshot);
    rw_fixture_close(&gate);
}

static void without_memory(void **state)
{
    (void)state;
    open_gate("/", "origins: [https://shop.example], credentials: true, expose: [X-A]");
    for (uint64_t n = 1;; n++) {
        gate.fail_after = n;
        ask("OPTIONS", PREFLIGHT);
        if (gate.status == 204)
            break;
        assert_true(n < 1000);
    }
    rw_fixture_close(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns), cmocka_unit_test(preflights),     cmocka_unit_test(answers),
        cmocka_unit_test(mistakes), cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
