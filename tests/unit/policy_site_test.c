/* The policies `security_headers`, `request_id` and `maintenance`. */
#include "origin/registry.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rw_fixture gate;

static void open_gate(const char *policy)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml),
             "listeners:\n- { address: 127.0.0.1:8080, trusted_proxies: [203.0.113.1] }\n"
             "routes:\n- match: /*\n"
             "  respond: { body: hi, headers: { Server: old, Referrer-Policy: no-referrer } }\n"
             "  policies: [ %s ]\n",
             policy);
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
}

static void expect(const char *name, const char *value)
{
    const char *there = rw_fixture_field(&gate, name);
    if (strcmp(there, value) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", name, there, value);
}

static void expect_mistake(const char *policy, const char *told)
{
    open_gate(policy);
    if (gate.snapshot || !strstr(gate.mistakes.at, told))
        fail_msg("%s: %s", policy, gate.mistakes.at);
    rw_fixture_close(&gate);
}

/* ---- security_headers ---- */

static void careful_browsers(void **state)
{
    (void)state;
    open_gate("security_headers: {}");
    rw_fixture_get(&gate, "/");
    expect("X-Content-Type-Options", "nosniff");
    expect("X-Frame-Options", "SAMEORIGIN");
    expect("Referrer-Policy", "no-referrer"); /* the server's own */
    expect("Server", "");
    expect("Content-Security-Policy", "");
    expect("Strict-Transport-Security", "");
    gate.https = true;
    rw_fixture_get(&gate, "/");
    expect("Strict-Transport-Security", "max-age=2592000");
    rw_fixture_close(&gate);

    open_gate("security_headers: { hsts: 1h, hsts_subdomains: true, nosniff: false, frame: any, "
              "content_security: \"default-src 'self'\", permissions: \"camera=()\", "
              "opener: same-origin, resource: same-site, override: true, hide_server: false }");
    gate.https = true;
    rw_fixture_get(&gate, "/");
    expect("Strict-Transport-Security", "max-age=3600; includeSubDomains");
    expect("X-Content-Type-Options", "");
    expect("X-Frame-Options", "");
    expect("Referrer-Policy", "strict-origin-when-cross-origin");
    expect("Content-Security-Policy", "default-src 'self'");
    expect("Permissions-Policy", "camera=()");
    expect("Cross-Origin-Opener-Policy", "same-origin");
    expect("Cross-Origin-Resource-Policy", "same-site");
    expect("Server", "old");
    rw_fixture_close(&gate);

    expect_mistake("security_headers: { opener: \"a\\nb\" }", "cannot be the value of a field");
    expect_mistake("security_headers: { frame: all }", "same_origin");
    expect_mistake("security_headers: { referrer: no-referer }", "did you mean \"no-referrer\"?");
    expect_mistake("security_headers: { referrer: \"no-referrer, origin-only\" }",
                   "browsers know no \"origin-only\"");
    expect_mistake("security_headers: { opener: same-site }", "browsers know no \"same-site\"");
    expect_mistake("security_headers: { resource: same_site }", "did you mean \"same-site\"?");
    open_gate("security_headers: { referrer: \"no-referrer, strict-origin\", "
              "opener: \"same-origin; report-to=x\", resource: cross-origin, override: true }");
    rw_fixture_get(&gate, "/");
    expect("Referrer-Policy", "no-referrer, strict-origin");
    expect("Cross-Origin-Opener-Policy", "same-origin; report-to=x");
    rw_fixture_close(&gate);
}

/* ---- request_id ---- */

#define OWN_ID "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: order-7:a\r\n\r\n"

static void ids_of_our_own(void **state)
{
    (void)state;
    char first[64];
    open_gate("request_id: {}");
    rw_fixture_get(&gate, "/");
    snprintf(first, sizeof(first), "%s", rw_fixture_field(&gate, "X-Request-Id"));
    assert_int_equal(strlen(first), 36);
    assert_int_equal(first[14], '7');
    assert_non_null(strchr("89ab", first[19]));
    assert_int_equal(strspn(first, "0123456789abcdef-"), 36);
    assert_non_null(strstr(gate.request_head.at, first));
    rw_fixture_get(&gate, "/");
    assert_string_not_equal(rw_fixture_field(&gate, "X-Request-Id"), first);
    rw_fixture_ask(&gate, OWN_ID, NULL); /* nobody whom we trust */
    assert_string_not_equal(rw_fixture_field(&gate, "X-Request-Id"), "order-7:a");
    rw_fixture_close(&gate);
}

static void ids_of_others(void **state)
{
    (void)state;
    static const struct {
        const char *policy, *client, *id;
        bool kept;
    } cases[] = {
        {"request_id: {}", "203.0.113.1", "order-7:a", true},
        {"request_id: { accept: nobody }", "203.0.113.1", "order-7:a", false},
        {"request_id: { accept: anybody }", "192.0.2.7", "order-7:a", true},
        {"request_id: { accept: anybody }", "192.0.2.7", "a b", false},
        {"request_id: { accept: anybody }", "192.0.2.7", "a\"b", false},
        {"request_id: { accept: anybody }", "192.0.2.7",
         "0123456789012345678901234567890123456789012345678901234567890123", true},
        {"request_id: { accept: anybody }", "192.0.2.7",
         "01234567890123456789012345678901234567890123456789012345678901234", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char head[256];
        snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: %s\r\n\r\n",
                 cases[i].id);
        open_gate(cases[i].policy);
        gate.client = cases[i].client;
        rw_fixture_ask(&gate, head, NULL);
        bool kept = strcmp(rw_fixture_field(&gate, "X-Request-Id"), cases[i].id) == 0;
        if (kept != cases[i].kept)
            fail_msg("%s, %s: %d", cases[i].policy, cases[i].id, kept);
        rw_fixture_close(&gate);
    }
}

static void ids_by_another_name(void **state)
{
    (void)state;
    open_gate("request_id: { field: X-Correlation-Id, respond: false }");
    rw_fixture_get(&gate, "/");
    expect("X-Correlation-Id", "");
    assert_non_null(strstr(gate.request_head.at, "X-Correlation-Id: 0"));
    rw_fixture_close(&gate);
    expect_mistake("request_id: { field: Content-Length }", "Content-Length");
}

/* ---- maintenance ---- */

static void closed_for_a_while(void **state)
{
    (void)state;
    open_gate("maintenance: { allow: [198.51.100.0/24], retry_after: 90s }");
    rw_fixture_get(&gate, "/");
    assert_int_equal(gate.status, 503);
    expect("Retry-After", "90");
    expect("Content-Type", "application/problem+json");
    gate.client = "198.51.100.7";
    rw_fixture_get(&gate, "/");
    assert_int_equal(gate.status, 200);
    rw_fixture_close(&gate);

    open_gate("maintenance: { body: <h1>noon</h1>, status: 599, retry_after: 0s }");
    rw_fixture_get(&gate, "/");
    assert_int_equal(gate.status, 599);
    expect("Retry-After", "");
    expect("Content-Type", "text/html; charset=utf-8");
    assert_string_equal(gate.body.at, "<h1>noon</h1>");
    rw_fixture_close(&gate);

    open_gate("maintenance: { active: false }");
    rw_fixture_get(&gate, "/");
    assert_int_equal(gate.status, 200);
    rw_fixture_close(&gate);
    expect_mistake("maintenance: { allow: [nowhere] }", "nowhere");
}

static void without_memory(void **state)
{
    (void)state;
    static const char *const policies[] = {"security_headers: {}", "request_id: {}",
                                           "maintenance: { status: 503 }"};
    for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
        open_gate(policies[i]);
        for (gate.fail_after = 1; gate.fail_after < 200; gate.fail_after++) {
            rw_fixture_get(&gate, "/");
            assert_true(gate.finished);
        }
        rw_fixture_close(&gate);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(careful_browsers),   cmocka_unit_test(ids_of_our_own),
        cmocka_unit_test(ids_of_others),      cmocka_unit_test(ids_by_another_name),
        cmocka_unit_test(closed_for_a_while), cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
