/* Parameters and cookies: as written, encoded, several times. */
#include "http/pairs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void a_list_in_its_pairs(void **state)
{
    (void)state;
    static const struct {
        enum rw_pairs kind;
        const char *list, *pairs;
    } cases[] = {
        {RW_PAIRS_QUERY, "a=1&b=2", "<a|1><b|2>"},
        {RW_PAIRS_QUERY, "a&b=&=c", "<a><b|><|c>"},
        {RW_PAIRS_QUERY, "a=1=2;b", "<a|1=2;b>"},
        {RW_PAIRS_QUERY, "&a&", "<><a><>"},
        {RW_PAIRS_COOKIE, "a=1; b=2;c", "<a|1><b|2><c>"},
        {RW_PAIRS_COOKIE, "a=1&b", "<a|1&b>"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_span rest = rw_span_text(cases[i].list);
        struct rw_pair pair;
        char text[64];
        int len = 0;
        while (rw_pairs_next(cases[i].kind, &rest, &pair))
            len +=
                snprintf(text + len, sizeof(text) - (size_t)len, "<%.*s%s%.*s>",
                         RW_SPAN_ARGS(pair.name), pair.equals ? "|" : "", RW_SPAN_ARGS(pair.value));
        assert_string_equal(text, cases[i].pairs);
    }
    struct rw_span none = {0};
    struct rw_pair pair;
    assert_false(rw_pairs_next(RW_PAIRS_QUERY, &none, &pair));
}

static void what_encodings_say(void **state)
{
    (void)state;
    static const struct {
        enum rw_pairs kind;
        const char *encoded, *plain;
    } cases[] = {
        {RW_PAIRS_QUERY, "%61b%63", "abc"},
        {RW_PAIRS_QUERY, "a+b%2Bc", "a b+c"},
        {RW_PAIRS_COOKIE, "a+b%2bc", "a+b+c"},
        {RW_PAIRS_QUERY, "50%", "50%"},
        {RW_PAIRS_QUERY, "%4", "%4"},
        {RW_PAIRS_QUERY, "%zz%%41", "%zz%A"},
        {RW_PAIRS_QUERY, "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[64];
        struct rw_span encoded = rw_span_text(cases[i].encoded);
        struct rw_span plain = rw_span_text(cases[i].plain);
        text[rw_pairs_decode_all(cases[i].kind, encoded, text)] = '\0';
        assert_string_equal(text, cases[i].plain);
        assert_true(rw_pairs_is(cases[i].kind, encoded, plain));
        assert_false(rw_pairs_is(cases[i].kind, encoded, RW_LITERAL("other")));
        assert_true(rw_pairs_same(cases[i].kind, encoded, encoded));
    }
    assert_true(rw_pairs_same(RW_PAIRS_QUERY, RW_LITERAL("a+b"), RW_LITERAL("%61%20b")));
    assert_false(rw_pairs_same(RW_PAIRS_QUERY, RW_LITERAL("ab"), RW_LITERAL("a")));
    assert_false(rw_pairs_is(RW_PAIRS_QUERY, RW_LITERAL("ab"), RW_LITERAL("abc")));
}

static void what_is_written_stays_one_value(void **state)
{
    (void)state;
    static const struct {
        const char *plain;
        bool encoded;
        const char *written;
    } cases[] = {
        {"aZ09-._~", false, "aZ09-._~"},
        {"a b&c=d+e;%41", false, "a%20b%26c%3Dd%2Be%3B%2541"},
        {"a b%41%4", true, "a%20b%41%254"},
        {"\xc3\xa9", false, "%C3%A9"},
        {"", false, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[64];
        struct rw_span plain = rw_span_text(cases[i].plain);
        size_t len = rw_pairs_encode(plain, cases[i].encoded, NULL);
        assert_int_equal(rw_pairs_encode(plain, cases[i].encoded, text), len);
        text[len] = '\0';
        assert_string_equal(text, cases[i].written);
    }
}

static void the_first_and_whether_it_is_sure(void **state)
{
    (void)state;
    struct rw_field fields[] = {
        {.id = RW_FIELD_COOKIE, .value = RW_LITERAL("sid=1; a=b")},
        {.id = RW_FIELD_HOST, .value = RW_LITERAL("sid=2")},
        {.id = RW_FIELD_COOKIE, .value = RW_LITERAL("a=c")},
    };
    const struct rw_message request = {
        .fields = fields, .field_count = 3, .query = RW_LITERAL("x=1&%78=%31&y=1&y=2&z")};
    struct rw_pairs_found found = rw_pairs_find(&request, RW_PAIRS_COOKIE, RW_LITERAL("sid"));
    assert_true(found.there && !found.ambiguous && rw_span_is(found.value, "1"));
    found = rw_pairs_find(&request, RW_PAIRS_COOKIE, RW_LITERAL("a"));
    assert_true(found.there && found.ambiguous && rw_span_is(found.value, "b"));
    found = rw_pairs_find(&request, RW_PAIRS_QUERY, RW_LITERAL("x"));
    assert_true(found.there && !found.ambiguous && rw_span_is(found.value, "1"));
    found = rw_pairs_find(&request, RW_PAIRS_QUERY, RW_LITERAL("y"));
    assert_true(found.ambiguous);
    found = rw_pairs_find(&request, RW_PAIRS_QUERY, RW_LITERAL("z"));
    assert_true(found.there && found.value.at && !found.value.len);
    assert_false(rw_pairs_find(&request, RW_PAIRS_QUERY, RW_LITERAL("sid")).there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_in_its_pairs),
        cmocka_unit_test(what_encodings_say),
        cmocka_unit_test(what_is_written_stays_one_value),
        cmocka_unit_test(the_first_and_whether_it_is_sure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
