/* Configurations with some values replaced. */
#include "base/alloc.h"
#include "conf/rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(const char *yaml, const struct rw_conf_change *changes, size_t count,
                   const char *expected)
{
    struct rw_text text = {0};
    assert_int_equal(rw_conf_rewrite(rw_span_text(yaml), changes, count, &text), RW_OK);
    assert_string_equal(text.at, expected);
    rw_text_free(&text);
}

static void test_what_is_not_named_stays(void **state)
{
    (void)state;
    expect("a: 1\nb: [x, 'y \"z', ~, null, 'null', '${HOME:-no}']\nc: {d: {}}\n", NULL, 0,
           "{\"a\": \"1\", \n\"b\": [\"x\", \"y \\\"z\", null, null, \"null\", \"${HOME:-no}\"], \n"
           "\"c\": {\"d\": {}}}\n");
}

static void test_values_are_replaced_and_made(void **state)
{
    (void)state;
    const struct rw_conf_change changes[] = {
        {"dns.servers", RW_LITERAL("[\"127.0.0.1:53\"]")},
        {"upstreams[1].tls.ca", RW_LITERAL("\"x\"")},
        {"dns.timeout", RW_LITERAL("\"1s\"")},
    };
    expect("upstreams:\n- {name: a, tls: {ca: y}}\n- {name: b, tls: {ca: y, name: n}}\n", changes,
           3,
           "{\"upstreams\": \n[ {\"name\": \"a\", \"tls\": {\"ca\": \"y\"}}, \n"
           "  {\"name\": \"b\", \"tls\": {\"ca\": \"x\", \"name\": \"n\"}}], "
           "\"dns\": {\"servers\": [\"127.0.0.1:53\"], \"timeout\": \"1s\"}}\n");
    expect("dns: {servers: 10.0.0.1:53, ttl_min: 1s}\n", changes, 1,
           "{\"dns\": {\"servers\": [\"127.0.0.1:53\"], \"ttl_min\": \"1s\"}}\n");
    expect("dns:\n", changes, 1, "{\"dns\": {\"servers\": [\"127.0.0.1:53\"]}}\n");
    expect("", changes, 1, "{\"dns\": {\"servers\": [\"127.0.0.1:53\"]}}\n");
}

static void test_a_list_of_one_without_brackets(void **state)
{
    (void)state;
    const struct rw_conf_change change = {"upstreams[0].tls.ca", RW_LITERAL("\"x\"")};
    expect("upstreams: {name: a, tls: {}}\n", &change, 1,
           "{\"upstreams\": [{\"name\": \"a\", \"tls\": {\"ca\": \"x\"}}]}\n");
}

/* What a map has by a merge key alone is not lost; an anchor's other uses stay as they are. */
static void test_merged_and_shared_maps(void **state)
{
    (void)state;
    const struct rw_conf_change change = {"upstreams[1].tls.ca", RW_LITERAL("\"x\"")};
    expect("x-a: &a {tls: {name: n}}\nupstreams: [{<<: *a, name: p}, {<<: [*a], name: q}]\n",
           &change, 1,
           "{\"x-a\": {\"tls\": {\"name\": \"n\"}}, \n\"upstreams\": "
           "[{\"<<\": {\"tls\": {\"name\": \"n\"}}, \"name\": \"p\"}, "
           "{\"<<\": [{\"tls\": {\"name\": \"n\"}}], \"name\": \"q\", "
           "\"tls\": {\"name\": \"n\", \"ca\": \"x\"}}]}\n");
    expect("upstreams: [{tls: &t {name: n}}, {tls: *t}]\n", &change, 1,
           "{\"upstreams\": [{\"tls\": {\"name\": \"n\"}}, "
           "{\"tls\": {\"name\": \"n\", \"ca\": \"x\"}}]}\n");
}

/* A program that reads the new text tells places of the old one. */
static void test_places_stay(void **state)
{
    (void)state;
    const struct rw_conf_change change = {"dns.servers", RW_LITERAL("\"127.0.0.1:53\"")};
    expect("# many\n# words\nlisteners:\n  - address: 1.2.3.4:80\n\n    name: 'a'\n  - name: b\n",
           &change, 1,
           "\n\n{\"listeners\": \n"
           "  [ {\"address\": \"1.2.3.4:80\", \n\n"
           "    \"name\": \"a\"}, \n"
           "    {\"name\": \"b\"}], \"dns\": {\"servers\": \"127.0.0.1:53\"}}\n");
}

static void test_no_yaml(void **state)
{
    (void)state;
    struct rw_text text = {0};
    assert_int_equal(rw_conf_rewrite(RW_LITERAL("{"), NULL, 0, &text), RW_EINVAL);
    rw_text_free(&text);
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    const struct rw_conf_change change = {"dns.servers", RW_LITERAL("[]")};
    enum rw_err err = RW_ENOMEM;
    for (uint64_t nth = 0; err && nth < 1000; nth++) {
        struct rw_text text = {0};
        rw_alloc_fail_after(nth);
        err = rw_conf_rewrite(RW_LITERAL("a: {b: [1, 2]}\n"), &change, 1, &text);
        rw_alloc_fail_never();
        assert_true(!err || err == RW_ENOMEM);
        rw_text_free(&text);
    }
    assert_int_equal(err, RW_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_named_stays),
        cmocka_unit_test(test_values_are_replaced_and_made),
        cmocka_unit_test(test_a_list_of_one_without_brackets),
        cmocka_unit_test(test_merged_and_shared_maps),
        cmocka_unit_test(test_places_stay),
        cmocka_unit_test(test_no_yaml),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
