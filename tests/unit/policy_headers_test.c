/* The policy `headers`, and the templates and rules about names that it shares with others. */
#include "origin/registry.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct rw_fixture gate;

#define LISTENER "listeners:\n- address: 127.0.0.1:8080\n"

static void open_gate(const char *yaml)
{
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
}

static void expect_mistake(const char *yaml, const char *part)
{
    rw_fixture_expect_mistake(&gate, rw_origin_kinds, rw_policy_kinds, yaml, part);
}

static void fields_are_removed_set_and_added(void **state)
{
    (void)state;
    open_gate(LISTENER "routes:\n"
                       "- match: \"/user/{id}\"\n"
                       "  respond: { body: hi, headers: { X-Old: gone, X-Kept: first } }\n"
                       "  policies:\n"
                       "  - headers:\n"
                       "      request:\n"
                       "        remove: [X-Debug]\n"
                       "        set: { X-Client: \"{client_ip}\", X-User: \"{id}\" }\n"
                       "        add: { X-More: \"two\" }\n"
                       "      response:\n"
                       "        remove: X-Old\n"
                       "        set: { X-Trace: \"{trace_id}\", Server: ringway }\n"
                       "        add: { X-Kept: \"{method} {scheme}://{host}{path}\" }\n");
    rw_fixture_ask(&gate,
                   "GET /user/7 HTTP/1.1\r\nHost: a.test:8080\r\nX-Debug: 1\r\nx-debug: 2\r\n"
                   "X-Client: forged\r\nX-More: one\r\n\r\n",
                   NULL);
    assert_string_equal(rw_fixture_request_field(&gate, "X-Debug"), "");
    assert_string_equal(rw_fixture_request_field(&gate, "X-Client"), "192.0.2.7");
    assert_string_equal(rw_fixture_request_field(&gate, "X-User"), "7");
    assert_string_equal(rw_fixture_request_field(&gate, "X-More"), "one, two");
    assert_string_equal(rw_fixture_field(&gate, "X-Old"), "");
    assert_string_equal(rw_fixture_field(&gate, "Server"), "ringway");
    assert_string_equal(rw_fixture_field(&gate, "X-Kept"), "first, GET http://a.test/user/7");
    assert_int_equal(strlen(rw_fixture_field(&gate, "X-Trace")), 32);
    rw_fixture_close(&gate);
}

/* Listener before route on the way in, after it on the way out; by name and in place. */
static void order_of_policies(void **state)
{
    (void)state;
    open_gate(
        "listeners:\n"
        "- address: 127.0.0.1:8080\n"
        "  policies: [outer]\n"
        "policies:\n"
        "- name: outer\n"
        "  headers: { request: { add: { X-In: outer } }, response: { add: { X-Out: outer } } }\n"
        "routes:\n"
        "- respond: hi\n"
        "  match: /here\n"
        "  policies:\n"
        "  - headers: { request: { add: { X-In: one } }, response: { add: { X-Out: one } } }\n"
        "  - headers: { request: { add: { X-In: two } }, response: { add: { X-Out: two } } }\n");
    rw_fixture_get(&gate, "/here");
    assert_string_equal(rw_fixture_request_field(&gate, "X-In"), "outer, one, two");
    assert_string_equal(rw_fixture_field(&gate, "X-Out"), "two, one, outer");
    rw_fixture_get(&gate, "/none");
    assert_int_equal(gate.status, 404);
    assert_string_equal(rw_fixture_field(&gate, "X-Out"), "outer");
    rw_fixture_close(&gate);
}

/* A trusted proxy says what the client spoke; somebody else's word does not count. */
static void scheme_of_a_trusted_proxy(void **state)
{
    (void)state;
    static const char *const request =
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n\r\n";
    for (int trusted = 0; trusted < 2; trusted++) {
        char yaml[512];
        snprintf(yaml, sizeof(yaml),
                 "listeners:\n- address: 127.0.0.1:8080\n  trusted_proxies: [%s]\n"
                 "routes:\n- respond: hi\n"
                 "  policies: [ headers: { response: { set: { X-S: \"{scheme}\" } } } ]\n",
                 trusted ? "192.0.2.0/24" : "10.0.0.0/8");
        open_gate(yaml);
        rw_fixture_ask(&gate, request, NULL);
        assert_string_equal(rw_fixture_field(&gate, "X-S"), trusted ? "https" : "http");
        rw_fixture_close(&gate);
    }
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *edits, *part;
    } cases[] = {
        {"request: { set: { Host: x } }", "use the policy rewrite"},
        {"request: { set: { content-length: \"1\" } }", "frames the message"},
        {"request: { remove: [Transfer-Encoding] }", "frames the message"},
        {"response: { remove: [Connection] }", "belongs to one connection"},
        {"request: { add: { X-Forwarded-For: x } }", "trusted_proxies"},
        {"request: { set: { Traceparent: x } }", "by the gateway itself"},
        {"response: { set: { \"X Y\": x } }", "not a field name"},
        {"response: { set: { X: \"a\\nb\" } }", "characters that no field may have"},
        {"response: { add: { A: b, X: \"a\\nb\" } }",
         ":6:44: routes[0].policies[0].headers.response.add.X: the value of \"X\""},
        {"request: { set: { A: b, Host: x } }",
         ":6:46: routes[0].policies[0].headers.request.set.Host: \"Host\" cannot be set"},
        {"response: { set: { X: \"{clientip}\" } }", "did you mean {client_ip}?"},
        {"response: { set: { X: \"{id}\" } }", "no parameter of every path"},
        {"response: { set: { X: \"{\" } }", "without a name"},
        {"response: { sett: { X: a } }", "did you mean"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char yaml[512];
        snprintf(yaml, sizeof(yaml),
                 LISTENER "routes:\n- respond: hi\n  policies:\n  - headers: { %s }\n",
                 cases[i].edits);
        expect_mistake(yaml, cases[i].part);
    }
    expect_mistake("listeners:\n- address: 127.0.0.1:8080\n"
                   "  policies: [ headers: { response: { set: { X: \"{id}\" } } } ]\n",
                   "a listener has no route parameters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_removed_set_and_added),
        cmocka_unit_test(order_of_policies),
        cmocka_unit_test(scheme_of_a_trusted_proxy),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
