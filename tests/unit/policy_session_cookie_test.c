/* The policy `session_cookie`: who gets a cookie, and what the origin sees. */
#include "origin/registry.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rw_fixture gate;

static void open_gate(const char *options)
{
    char yaml[512];
    snprintf(yaml, sizeof(yaml),
             "listeners:\n- address: 127.0.0.1:8080\n"
             "routes:\n- { echo: {}, policies: [ session_cookie: { %s } ] }\n",
             options);
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
}

static void ask(const char *fields)
{
    char head[512];
    snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    rw_fixture_ask(&gate, head, NULL);
    assert_int_equal(gate.status, 200);
}

static const char *set_cookie(void)
{
    const char *value = rw_fixture_field(&gate, "Set-Cookie");
    return value ? value : "";
}

/* What `got` begins with before 32 digits, and ends with behind them. */
static void expect(const char *got, const char *begin, const char *end)
{
    size_t len = strlen(begin);
    if (strncmp(got, begin, len) != 0 || strspn(got + len, "0123456789abcdef") != 32 ||
        strcmp(got + len + 32, end) != 0)
        fail_msg("%s: expected %s...%s", got, begin, end);
}

static void who_has_none_gets_one(void **state)
{
    (void)state;
    char first[256];
    open_gate("name: s");
    ask("");
    expect(set_cookie(), "s=", "; Path=/; HttpOnly; SameSite=Lax");
    expect(rw_fixture_request_field(&gate, "Cookie"), "s=", "");
    assert_memory_equal(set_cookie(), rw_fixture_request_field(&gate, "Cookie"), 34);
    snprintf(first, sizeof(first), "%.34s", set_cookie());
    ask("");
    assert_memory_not_equal(set_cookie(), first, 34);
    ask("Cookie: a=1\r\nCookie: b=2\r\n");
    expect(rw_fixture_request_field(&gate, "Cookie"), "a=1; b=2; s=", "");
    rw_fixture_close(&gate);
}

static void who_has_one_keeps_it(void **state)
{
    (void)state;
    static const char *const kept[] = {"s=abc", "a=1; s=A-b_9; b=2", "s=abc; s=abc"};
    static const char *const replaced[] = {"s=", "s=a.b", "s=a%20b", "s=abc; s=def"};
    open_gate("name: s");
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
        char field[128];
        snprintf(field, sizeof(field), "Cookie: %s\r\n", kept[i]);
        ask(field);
        assert_string_equal(set_cookie(), "");
        assert_string_equal(rw_fixture_request_field(&gate, "Cookie"), kept[i]);
    }
    for (size_t i = 0; i < sizeof(replaced) / sizeof(*replaced); i++) {
        char field[128];
        snprintf(field, sizeof(field), "Cookie: a=1; %s\r\n", replaced[i]);
        ask(field);
        expect(set_cookie(), "s=", "; Path=/; HttpOnly; SameSite=Lax");
        expect(rw_fixture_request_field(&gate, "Cookie"), "a=1; s=", "");
    }
    rw_fixture_close(&gate);
}

static void attributes(void **state)
{
    (void)state;
    open_gate("name: s, max_age: 1h, path: /app, same_site: strict");
    gate.https = true;
    ask("");
    expect(set_cookie(), "s=", "; Path=/app; Max-Age=3600; HttpOnly; Secure; SameSite=Strict");
    rw_fixture_close(&gate);
    open_gate("name: s, same_site: none");
    gate.https = false;
    ask("");
    expect(set_cookie(), "s=", "; Path=/; HttpOnly; Secure; SameSite=None");
    rw_fixture_close(&gate);
}

static void mistakes(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"name: \"a b\"", "cannot be the name of a cookie"},
        {"path: app", "a path begins with"},
        {"path: \"/a;b\"", "has no \";\""},
        {"same_site: loose", "lax"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char text[256];
        snprintf(text, sizeof(text),
                 "listeners:\n- address: 127.0.0.1:8080\n"
                 "routes:\n- { echo: {}, policies: [ session_cookie: { %s } ] }\n",
                 wrong[i][0]);
        rw_fixture_expect_mistake(&gate, rw_origin_kinds, rw_policy_kinds, text, wrong[i][1]);
    }
}

static void without_memory(void **state)
{
    (void)state;
    open_gate("name: s");
    for (uint64_t n = 1;; n++) {
        gate.fail_after = n;
        rw_fixture_ask(&gate, "GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\n\r\n", NULL);
        if (gate.status == 200)
            break;
        assert_true(n < 1000);
    }
    rw_fixture_close(&gate);
}

/* A cookie by which nothing is chosen is a mistake; for a listener, and for a limit, it may be
 * right. */
static void of_no_use(void **state)
{
    (void)state;
#define COOKIE "session_cookie: { name: s }"
#define LIMIT "rate_limit: { limits: { name: l, requests: 9, per: second, key: \"cookie:s\" } }"
#define BY(cookie) ", balance: hash, hash: { on: cookie, name: " cookie " }"
    static const struct {
        const char *listener, *route, *upstream;
        bool good;
    } cases[] = {
        {"", COOKIE, "", false},      {"", COOKIE, BY("s"), true},
        {"", COOKIE, BY("t"), false}, {"", COOKIE, ", balance: hash", false},
        {COOKIE, "", "", true},       {"", COOKIE ", " LIMIT, "", true},
        {COOKIE, COOKIE, "", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char yaml[1024];
        snprintf(yaml, sizeof(yaml),
                 "listeners:\n- { address: 127.0.0.1:8080, policies: [ %s ] }\n"
                 "routes:\n- { upstream: app, policies: [ %s ] }\n"
                 "upstreams:\n- { name: app, endpoints: \"10.0.0.1:80\"%s }\n",
                 cases[i].listener, cases[i].route, cases[i].upstream);
        rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
        if (cases[i].good != (gate.snapshot != NULL))
            fail_msg("case %zu: %s", i, gate.snapshot ? "no mistake" : gate.mistakes.at);
        if (!cases[i].good)
            assert_non_null(strstr(gate.mistakes.at, ":4:")); /* its place */
        rw_fixture_close(&gate);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_none_gets_one),
        cmocka_unit_test(who_has_one_keeps_it),
        cmocka_unit_test(attributes),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(of_no_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
