/* The policy `query`. */
#include "origin/registry.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct rw_fixture gate;

#define LISTENER "listeners:\n- address: 127.0.0.1:8080\n"

static void open_gate(const char *match, const char *query)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml),
             LISTENER "routes:\n- match: %s\n  respond: hi\n  policies: [ query: { %s } ]\n", match,
             query);
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
}

static const struct query_case {
    const char *match, *query, *target, *edited;
} cases[] = {
    {"/*", "remove: [debug]", "/x?a=1&debug=1&b&debug", "/x?a=1&b"},
    {"/*", "remove: [debug]", "/x?%64ebug=1", "/x"},
    {"/*", "remove: [debug]", "/x?debugger=1&xdebug=2", "/x?debugger=1&xdebug=2"},
    {"/*", "remove: [\"utm_*\"]", "/x?utm_a=1&ut%6D_=2&utm=3", "/x?utm=3"},
    {"/*", "remove: [\"*\"]", "/x?a=1&b=2", "/x"},
    {"/*", "remove: [a b]", "/x?a+b=1&a%20b=2&ab=3", "/x?ab=3"},
    {"/*", "rename: { q: search }", "/x?p=1&q=a%26b+c&q", "/x?p=1&search=a%26b+c&search"},
    {"/*", "rename: { a: b, b: a }", "/x?a=1&b=2", "/x?b=1&a=2"},
    {"/*", "rename: { a: \"b&c=\" }", "/x?a=1", "/x?b%26c%3D=1"},
    {"/*", "set: { a: \"1\" }", "/x", "/x?a=1"},
    {"/*", "set: { a: \"1\" }", "/x?a=2&b=3&%61", "/x?b=3&a=1"},
    {"/*", "set: { a: \"\" }", "/x?", "/x?a="},
    {"/*", "set: { \"a b\": \"50% & more\" }", "/x", "/x?a%20b=50%25%20%26%20more"},
    {"/*", "rename: { a: b }, set: { b: new }", "/x?a=1&b=2&c=3", "/x?c=3&b=new"},
    {"/*", "remove: [a], add: { a: \"1\" }", "/x?a=2&b=3", "/x?b=3&a=1"},
    {"/*", "add: { a: \"1\" }", "/x?a=2", "/x?a=2&a=1"},
    {"/*", "add: { a: \"1\" }", "/x?zz=&&b=a=b", "/x?zz=&b=a=b&a=1"},
    {"\"/u/{id}\"", "set: { id: \"{id}\" }", "/u/7&admin=1", "/u/7&admin=1?id=7%26admin%3D1"},
    {"\"/u/{id}\"", "set: { id: \"<{id}>\" }", "/u/a%20b+c", "/u/a%20b+c?id=%3Ca%20b%2Bc%3E"},
    {"/*", "set: { back: \"{path}{query}\" }", "/x?a=1", "/x?a=1&back=%2Fx%3Fa%3D1"},
    {"/*", "set: { ip: \"{client_ip}\" }", "/x?ip=forged", "/x?ip=192.0.2.7"},
};

static void queries(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct query_case *one = &cases[i];
        open_gate(one->match, one->query);
        rw_fixture_get(&gate, one->target);
        assert_int_equal(gate.status, 200);
        if (strcmp(gate.target, one->edited) != 0)
            fail_msg("%s %s: %s", one->query, one->target, gate.target);
        rw_fixture_close(&gate);
    }
}

static void with_other_policies(void **state)
{
    (void)state;
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    LISTENER "routes:\n- respond: hi\n  policies:\n"
                             "  - rewrite: { path: \"/new?a=1&b=2\" }\n"
                             "  - query: { remove: [a] }\n"
                             "  - query: { set: { c: \"3\" } }\n");
    rw_fixture_get(&gate, "/x?z=9");
    assert_string_equal(gate.target, "/new?b=2&c=3");
    rw_fixture_ask(&gate, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    rw_fixture_close(&gate);

    open_gate("/*", "set: { a: \"1\" }");
    rw_fixture_ask(&gate, "GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n", NULL);
    assert_string_equal(gate.target, "/x?a=1");
    rw_fixture_close(&gate);
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    LISTENER "routes:\n- respond: hi\n  policies: [ query: { set: { a: b } } ]\n");
    rw_fixture_ask(&gate, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    assert_string_equal(gate.target, "*");
    rw_fixture_close(&gate);
}

/* Many long values, each within its limits. */
static void too_long(void **state)
{
    (void)state;
    static char yaml[128 * 1024];
    int len = snprintf(yaml, sizeof(yaml),
                       LISTENER "routes:\n- respond: hi\n  policies:\n  - query:\n      add:\n");
    for (int i = 0; i < 10; i++)
        len += snprintf(yaml + len, sizeof(yaml) - (size_t)len, "        a%d: %07000d\n", i, 0);
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    assert_non_null(gate.snapshot);
    rw_fixture_get(&gate, "/x");
    assert_int_equal(gate.status, 414);
    rw_fixture_close(&gate);
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *query, *part;
    } wrong[] = {
        {"", "an edit of nothing"},
        {"remove: [\"\"]", "1 to 256 bytes"},
        {"set: { \"\": x }", "1 to 256 bytes"},
        {"rename: { a: \"\" }", "1 to 256 bytes"},
        {"remove: [a], rename: { a: b }", "cannot be renamed once it is removed"},
        {"set: { a: \"{id}\" }", "no parameter of every path"},
        {"set: { a: \"{\" }", "without a name"},
        {"sett: { a: b }", "did you mean"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char yaml[1024];
        snprintf(yaml, sizeof(yaml),
                 LISTENER "routes:\n- match: /*\n  respond: hi\n  policies: [ query: { %s } ]\n",
                 wrong[i].query);
        rw_fixture_expect_mistake(&gate, rw_origin_kinds, rw_policy_kinds, yaml, wrong[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries),
        cmocka_unit_test(with_other_policies),
        cmocka_unit_test(too_long),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
