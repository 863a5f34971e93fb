/* The policy `rewrite`. */
#include "origin/registry.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct rw_fixture gate;

#define LISTENER "listeners:\n- address: 127.0.0.1:8080\n"

static void open_gate(const char *match, const char *rewrite)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml),
             LISTENER "routes:\n- match: %s\n  respond: hi\n  policies: [ rewrite: { %s } ]\n",
             match, rewrite);
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
}

static const struct rewrite_case {
    const char *match, *rewrite, *target, *rewritten; /* NULL: refused with 400 */
} cases[] = {
    {"/api/*", "strip_prefix: /api", "/api/users?x=1", "/users?x=1"},
    {"/api/*", "strip_prefix: /api/", "/api", "/"},
    {"/api/*", "strip_prefix: /api", "/api?x", "/?x"},
    {"/api/*", "strip_prefix: /api", "/%61pi/users", "/users"},
    {"/api/*", "strip_prefix: /%61pi", "/api/%75sers", "/%75sers"},
    {"/api/*", "strip_prefix: /api", "//api//users", "/users"},
    {"/*", "strip_prefix: /api", "/apis/x", "/apis/x"},
    {"/*", "strip_prefix: /api", "/x/api", "/x/api"},
    {"/*", "add_prefix: /v2/", "/x?", "/v2/x?"},
    {"/*", "strip_prefix: /api, add_prefix: /v2", "/api/x", "/v2/x"},
    {"/*", "strip_prefix: /api, add_prefix: /v2", "/y", "/v2/y"},
    {"\"/u/{id}\"", "path: \"/people/{id}\"", "/u/7?a=b", "/people/7?a=b"},
    {"\"/u/{id}\"", "path: \"/people?id={id}\"", "/u/7?a=b", "/people?id=7"},
    {"\"/u/{id}\"", "path: \"/people?id={id}\"", "/u/7&admin=1", "/people?id=7%26admin%3D1"},
    {"\"/u/{id}\"", "path: \"/{id}{query}\"", "/u/7?a=b", "/7?a=b"},
    {"\"/u/{id}\"", "path: \"/{id}{query}\"", "/u/7", "/7"},
    {"\"/u/{id}\"", "path: \"/fixed\"", "/u/7?q", "/fixed?q"},
    {"/go/*", "path: \"/{*}\"", "/go//evil.test", "/evil.test"},
    {"/*", "regex: \"/old/(?<rest>.*)\", replacement: \"/new/{rest}\"", "/old/a/b?c", "/new/a/b?c"},
    {"/*", "regex: \"/old/(?<rest>.*)\", replacement: \"/new/{rest}\"", "/older/a", "/older/a"},
    {"/*", "regex: \"/(?<a>[a-z]+)(-(?<b>[a-z]+))?\", replacement: \"/{b}x{a}\"", "/k", "/xk"},
    {"\"/{t}/*\"", "regex: \".*/(?<b>[a-z]+)\", replacement: \"/{t}/{b}?b={b}\"", "/x/y/z?q",
     "/x/z?b=z"},
    {"/*", "regex: \"/api(?<r>.*)\", replacement: \"{r}\", strip_prefix: /v1", "/v1/api/x", "/x"},
    {"/*", "regex: \"/a(?<r>.*)\", replacement: \"/.{r}\"", "/a.", NULL},
    {"/*", "regex: \"/a(?<r>.*)\", replacement: \"{r}\"", "/abc", NULL},
    {"/*", "regex: \"(?<a>/%)(?<b>..)(?<r>.*)\", replacement: \"{a}{r}\"", "/%41zz", NULL},
    {"/*", "regex: \"/(a|aa)+[0-9]\", replacement: /x",
     "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", NULL},
};

static void targets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct rewrite_case *one = &cases[i];
        open_gate(one->match, one->rewrite);
        rw_fixture_get(&gate, one->target);
        if (gate.status != (one->rewritten ? 200u : 400u))
            fail_msg("%s %s: status %u, %s", one->rewrite, one->target, gate.status, gate.target);
        if (one->rewritten && strcmp(gate.target, one->rewritten) != 0)
            fail_msg("%s %s: %s", one->rewrite, one->target, gate.target);
        rw_fixture_close(&gate);
    }
}

static void hosts(void **state)
{
    (void)state;
    open_gate("\"/{tenant}/*\"", "host: \"{tenant}.internal:8080\"");
    rw_fixture_get(&gate, "/blue/x");
    assert_int_equal(gate.status, 200);
    assert_string_equal(gate.host, "blue.internal:8080");
    assert_string_equal(gate.target, "/blue/x");
    rw_fixture_get(&gate, "/a%20b/x");
    assert_int_equal(gate.status, 400);
    rw_fixture_get(&gate, "/a@b/x");
    assert_int_equal(gate.status, 400);
    rw_fixture_close(&gate);
}

static void what_has_no_path(void **state)
{
    (void)state;
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    LISTENER "routes:\n- respond: hi\n  policies: [ rewrite: { path: /x } ]\n");
    rw_fixture_ask(&gate, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    assert_int_equal(gate.status, 200);
    assert_string_equal(gate.target, "*");
    rw_fixture_close(&gate);
}

static void one_after_the_other(void **state)
{
    (void)state;
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    LISTENER "routes:\n- respond: hi\n  policies:\n"
                             "  - rewrite: { strip_prefix: /a }\n"
                             "  - rewrite: { add_prefix: /b }\n");
    rw_fixture_get(&gate, "/a/x?y");
    assert_string_equal(gate.target, "/b/x?y");
    rw_fixture_close(&gate);
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *rewrite, *part;
    } wrong[] = {
        {"strip_prefix: api", "begins with \"/\""},
        {"add_prefix: /a/../b", "dot segment"},
        {"add_prefix: \"/a b\"", "write it as %XX"},
        {"add_prefix: \"/a?b\"", "write it as %XX"},
        {"path: people", "begins with \"/\""},
        {"path: \"/{name}\"", "no parameter of every path"},
        {"path: \"/{\"", "without a name"},
        {"path: /x, strip_prefix: /y", "not together with `strip_prefix`"},
        {"path: /x, regex: /y, replacement: /z", "not together with `regex`"},
        {"regex: /x", "needs a `replacement`"},
        {"replacement: /x", "needs a `regex`"},
        {"regex: \"/(x\", replacement: /y", "missing closing parenthesis"},
        {"regex: \"/(?<a>x)\", replacement: \"/{b}\"", "no parameter of every path"},
        {"", "a rewrite of nothing"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char yaml[1024];
        snprintf(yaml, sizeof(yaml),
                 LISTENER "routes:\n- match: /*\n  respond: hi\n  policies: [ rewrite: { %s } ]\n",
                 wrong[i].rewrite);
        rw_fixture_expect_mistake(&gate, rw_origin_kinds, rw_policy_kinds, yaml, wrong[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets),          cmocka_unit_test(hosts),
        cmocka_unit_test(what_has_no_path), cmocka_unit_test(one_after_the_other),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
