/* What people may see of a configuration: all that the tables know, without its secrets. */
#include "base/alloc.h"
#include "conf/read.h"
#include "conf/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- A table with each kind of field ---- */

struct server {
    struct rw_span address, password;
};
struct rule {
    struct rw_span header, value;
};
struct root {
    struct rw_conf_list servers, headers, tokens, rules;
    struct server *main;
    struct rw_span name;
    struct rw_conf_variant action;
};

#define AT(type, member) .offset = offsetof(struct type, member)
static const struct rw_conf_field server_fields[] = {
    {.name = "address", .type = RW_CONF_TEXT, AT(server, address)},
    {.name = "password", .type = RW_CONF_SECRET, AT(server, password), .min = 4, .max = 32},
    {.name = NULL},
};
static const struct rw_conf_record server_record = {.name = "server",
                                                    .size = sizeof(struct server),
                                                    .fields = server_fields,
                                                    .place_offset = -1};

static const struct rw_conf_field rule_fields[] = {
    {.name = "header", .type = RW_CONF_TEXT, AT(rule, header)},
    {.name = "value", .type = RW_CONF_TEXT, AT(rule, value)},
    {.name = NULL},
};
static const struct rw_conf_record rule_record = {.name = "rule",
                                                  .size = sizeof(struct rule),
                                                  .fields = rule_fields,
                                                  .place_offset = -1};

static const struct rw_conf_field action_fields[] = {
    {.name = "secret", .type = RW_CONF_SECRET, .offset = 0},
    {.name = NULL},
};
static const struct rw_conf_record action_record = {
    .name = "action",
    .size = sizeof(struct rw_span),
    .fields = action_fields,
    .place_offset = -1,
    .scalar_field = "secret",
};
static const struct rw_conf_variant_kind sign = {.name = "sign", .record = &action_record};
static const struct rw_conf_variant_kind say = {.name = "say"};
static const struct rw_conf_variant_kind *const actions[] = {&sign, &say, NULL};
static const struct rw_conf_variant_kind *const *const actions_at = actions;

static const struct rw_conf_field root_fields[] = {
    {.name = "servers",
     .type = RW_CONF_RECORD,
     .flags = RW_CONF_LIST,
     AT(root, servers),
     .record = &server_record},
    {.name = "main", .type = RW_CONF_RECORD, AT(root, main), .record = &server_record},
    {.name = "headers", .type = RW_CONF_TEXT, .flags = RW_CONF_MAP, AT(root, headers), .max = 4},
    {.name = "tokens", .type = RW_CONF_SECRET, .flags = RW_CONF_LIST, AT(root, tokens)},
    {.name = "rules",
     .type = RW_CONF_RECORD,
     .flags = RW_CONF_LIST,
     AT(root, rules),
     .record = &rule_record},
    {.name = "name", .type = RW_CONF_TEXT, AT(root, name)},
    {.name = "action", .type = RW_CONF_VARIANT, AT(root, action), .variants = &actions_at},
    {.name = NULL},
};
static const struct rw_conf_record root_record = {.name = "root",
                                                  .size = sizeof(struct root),
                                                  .fields = root_fields,
                                                  .place_offset = -1};

/* ---- Showing ---- */

static void expect(const char *yaml, const char *expected)
{
    struct rw_text text = {0};
    assert_int_equal(rw_conf_redact(rw_span_text(yaml), &root_record, &text), RW_OK);
    assert_string_equal(text.at ? text.at : "", expected);
    rw_text_free(&text);
}

static void test_what_is_no_secret_stays(void **state)
{
    (void)state;
    expect("# words\nname: a b # more\nservers: [{address: 'x: y'}, {}]\ntokens: []\nmain: ~\n",
           "name: a b\nservers:\n  - address: \"x: y\"\n  - {}\ntokens: []\nmain: ~\n");
    expect("name: |\n  a\n  b\n", "name: \"a\\nb\\n\"\n");
    expect("", "");
}

static void test_secrets_are_hidden(void **state)
{
    (void)state;
    expect("main: {address: a, password: hunter2}\n",
           "main:\n  address: a\n  password: (secret)\n");
    expect("tokens: [one, '${TWO}', 'x${TWO}', '${TWO:-two}', file:/three, '${A}${B}']\n",
           "tokens:\n  - (secret)\n  - \"${TWO}\"\n  - (secret)\n  - (secret)\n  - file:/three\n"
           "  - (secret)\n");
    expect("tokens: one\n", "tokens: (secret)\n");
    expect("sign: one\n", "sign: (secret)\n");
    expect("sign: {secret: one}\n", "sign:\n  secret: (secret)\n");
    expect("say: one\n", "say: one\n");
}

static void test_names_of_credentials(void **state)
{
    (void)state;
    expect("headers: {Authorization: a, x-api-key: file:b, Set-Cookie: c, X-Kind: d, \"a b\": e}\n",
           "headers:\n  Authorization: (secret)\n  x-api-key: (secret)\n  Set-Cookie: (secret)\n"
           "  X-Kind: d\n  \"a b\": e\n");
    expect("rules: [{header: X-Token, value: a}, {value: b, header: X-Kind}]\n",
           "rules:\n  - header: X-Token\n    value: (secret)\n  - value: b\n    header: X-Kind\n");
}

/* By whatever way the value comes to its place; and what is nowhere in use is not shown. */
static void test_aliases_and_merge_keys(void **state)
{
    (void)state;
    expect("x-a: &a {password: hunter2}\nx-b: &b hunter3\nx-c: [*b]\n"
           "main: {<<: *a, address: a}\nservers: [{<<: [*a], password: *b}]\nunknown: hunter4\n",
           "main:\n  <<:\n    password: (secret)\n  address: a\n"
           "servers:\n  - <<:\n      - password: (secret)\n    password: (secret)\n");
    expect("x-h: &h {X-Key: hunter2}\nheaders: {<<: *h}\n",
           "headers:\n  <<:\n    X-Key: (secret)\n");
}

/* A few lines that unfold without end. */
static void test_limits(void **state)
{
    (void)state;
    struct rw_text yaml = {0}, text = {0};
    rw_text_adds(&yaml, "x-0: &a0 {address: 0123456789012345678901234567890123456789}\n");
    for (int i = 1; i < 40; i++)
        rw_text_addf(&yaml, "x-%d: &a%d {<<: [*a%d, *a%d]}\n", i, i, i - 1, i - 1);
    rw_text_adds(&yaml, "main: *a39\n");
    assert_int_equal(rw_conf_redact(rw_text_span(&yaml), &root_record, &text), RW_ELIMIT);
    assert_true(text.len < RW_CONF_REDACT_BYTES_MAX + 4096);
    rw_text_free(&text);
    rw_text_free(&yaml);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    enum rw_err err = RW_ENOMEM;
    for (uint64_t n = 0; err; n++) {
        struct rw_text text = {0};
        rw_alloc_fail_after(n);
        err = rw_conf_redact(RW_LITERAL("main: {password: hunter2}\n"), &root_record, &text);
        rw_alloc_fail_never();
        assert_true(err == RW_OK || err == RW_ENOMEM);
        rw_text_free(&text);
    }
}

/* ---- Mistakes ---- */

static void expect_mistake(const char *yaml, const struct rw_conf_record *record,
                           const char *expected)
{
    struct rw_arena arena;
    struct rw_conf_report report = {0};
    struct rw_text text = {0};
    char out[1024];
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 20);
    assert_true(record->size <= sizeof(out));
    assert_int_equal(rw_conf_read_text(rw_span_text(yaml), "f", record, &arena, out, &report),
                     RW_EINVAL);
    rw_conf_report_print(&report, &text);
    assert_string_equal(text.at, expected);
    rw_text_free(&text);
    rw_arena_free(&arena);
}

static void test_no_mistake_shows_a_secret(void **state)
{
    (void)state;
    expect_mistake("main: {password: abc}\n", &root_record,
                   "f:1:18: main.password: expected a text of 4 to 32 bytes, not the secret that "
                   "is there\n");
    expect_mistake("headers: {X-Token: hunter2, X-Kind: plain}\n", &root_record,
                   "f:1:20: headers.X-Token: expected a text of 0 to 4 bytes, not the secret that "
                   "is there\n"
                   "f:1:37: headers.X-Kind: expected a text of 0 to 4 bytes, not \"plain\"\n");
    expect_mistake("main: {password: *hunter2}\n", &root_record,
                   "f:1:18: main.password: no anchor of the name behind \"*\" is finished before "
                   "this alias; a text that begins with \"*\" needs quotes\n");
    expect_mistake("name: *other\n", &root_record,
                   "f:1:7: name: no anchor &other is finished before this alias\n");
}

/* A check that quotes what it was given, or a part of it. */
static void check_server(void *value, struct rw_conf_report *report)
{
    struct server *server = value;
    rw_conf_mistake_on(report, &server->password, "not %s",
                       rw_conf_quote(report, rw_span_skip(server->password, 2)));
    rw_conf_mistake_on(report, &server->address, "not %s",
                       rw_conf_quote(report, rw_span_skip(server->address, 2)));
}

static void test_no_check_shows_a_secret(void **state)
{
    (void)state;
    struct rw_conf_record checked = server_record;
    checked.check = check_server;
    expect_mistake("password: hunter2\naddress: abcd\n", &checked,
                   "f:1:11: password: not the secret that is there\n"
                   "f:2:10: address: not \"cd\"\n");
    assert_int_equal(setenv("RW_REDACT_TEST", "hunter2", 1), 0);
    expect_mistake("password: hunter2\naddress: ${RW_REDACT_TEST}\n", &checked,
                   "f:1:11: password: not the secret that is there\n"
                   "f:2:10: address: not the value from the environment\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_secret_stays),
        cmocka_unit_test(test_secrets_are_hidden),
        cmocka_unit_test(test_names_of_credentials),
        cmocka_unit_test(test_aliases_and_merge_keys),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_no_mistake_shows_a_secret),
        cmocka_unit_test(test_no_check_shows_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
