/* The mirror's comparison of JSON, the samples it keeps, and what it does without memory. */
#include "base/alloc.h"
#include "policy/mirror/json_tree.h"
#include "watch/samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { ARENA_BYTES_MAX = 4 << 20 };

/* ---- Reading ---- */

static enum rw_err parse(const char *text)
{
    struct rw_arena arena;
    struct rw_json_tree tree;
    rw_arena_init(&arena, NULL, 0, 4096, ARENA_BYTES_MAX);
    enum rw_err err = rw_json_parse(rw_span_text(text), &arena, &tree);
    rw_arena_free(&arena);
    return err;
}

static void what_is_json_and_what_is_not(void **state)
{
    (void)state;
    static const char *const good[] = {"1",
                                       "-1.5e+9",
                                       "\"\"",
                                       "true",
                                       " null ",
                                       "[]",
                                       "{}",
                                       "[1, [2], 3]",
                                       "{\"a\":{\"b\":[]}}",
                                       "\"\\\"\\u00e9\""};
    static const char *const bad[] = {"",    "{",        "[1,]", "{\"a\"}", "{a:1}",  "1 2",
                                      "nul", "\"a",      "[1",   "1x",      "\"\n\"", "}",
                                      "[1}", "{\"a\":}", "\"\\", "'a'",     ","};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (parse(good[i]))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (parse(bad[i]) != RW_EPROTO)
            fail_msg("%s", bad[i]);
}

static void depth_and_number_are_limited(void **state)
{
    (void)state;
    static char text[3 * RW_JSON_NODES_MAX];
    memset(text, '[', RW_JSON_DEPTH_MAX + 1);
    assert_int_equal(parse(text), RW_ELIMIT);
    memset(text + RW_JSON_DEPTH_MAX, ']', RW_JSON_DEPTH_MAX);
    assert_int_equal(parse(text), RW_OK);
    size_t len = 0;
    text[len++] = '[';
    for (int i = 0; i <= RW_JSON_NODES_MAX; i++) {
        text[len++] = '1';
        text[len++] = ',';
    }
    text[len - 1] = ']';
    text[len] = '\0';
    assert_int_equal(parse(text), RW_ELIMIT);
}

/* ---- Comparing ---- */

static void expect(const char *a, const char *b, const char *ignored, const char *where)
{
    struct rw_arena arena;
    struct rw_json_tree trees[2];
    struct rw_span paths[8], list = rw_span_text(ignored);
    struct rw_json_ignored ignore = {.paths = paths};
    struct rw_text told = {0};
    unsigned count;
    rw_arena_init(&arena, NULL, 0, 4096, ARENA_BYTES_MAX);
    while (list.at && rw_span_next(&list, ' ', &paths[ignore.count]))
        ignore.count++;
    assert_int_equal(rw_json_parse(rw_span_text(a), &arena, &trees[0]), RW_OK);
    assert_int_equal(rw_json_parse(rw_span_text(b), &arena, &trees[1]), RW_OK);
    assert_int_equal(rw_json_compare(&trees[0], &trees[1], &ignore, 3, &count, &told), RW_OK);
    assert_string_equal(told.at ? told.at : "", where);
    assert_int_equal(count > 0, where[0] != '\0');
    rw_text_free(&told);
    rw_arena_free(&arena);
}

static void the_same_however_it_is_written(void **state)
{
    (void)state;
    expect("{\"a\":1,\"b\":[true,null]}", " { \"b\" : [ true , null ] , \"a\" : 1 } ", NULL, "");
    expect("[1.0, 1e2, -0.0]", "[1, 100, 0]", NULL, "");
    expect("\"\\u00e9\\n\\ud83d\\ude00\\/\"", "\"\xc3\xa9\\u000a\xf0\x9f\x98\x80/\"", NULL, "");
    expect("{\"\\u0061\":1}", "{\"a\":1}", NULL, "");
}

static void what_differs_and_where(void **state)
{
    (void)state;
    expect("1", "\"1\"", NULL, "has another type");
    expect("{\"a\":{\"b\":[1,2]}}", "{\"a\":{\"b\":[1,3]}}", NULL, "/a/b/1 is another number");
    expect("{\"a\":1}", "{\"b\":1}", NULL, "/a is missing\n/b is new");
    expect("[1]", "[1,2,3]", NULL, "/1 and on are new");
    expect("[\"x\",true]", "[\"y\",false]", NULL, "/0 is another text\n/1 is another value");
    expect("[1,2,3,4,5]", "[2,3,4,5,6]", NULL,
           "/0 is another number\n/1 is another number\n/2 is another number");
    expect("9007199254740993", "9007199254740992", NULL, "is another number");
    expect("{\"a\":1}", "{\"a\":1,\"a\":2}", NULL, "/a is there twice");
    expect("{\"a\":1,\"a\":1}", "{\"a\":1}", NULL, "/a is there twice");
}

static void ignored_paths(void **state)
{
    (void)state;
    expect("{\"id\":1,\"n\":2}", "{\"id\":2,\"n\":2}", "/id", "");
    expect("{\"id\":1}", "{}", "/id", "");
    expect("{\"id\":1}", "{\"id\":1,\"id\":2}", "/id", "");
    expect("{\"id\":{\"x\":1}}", "{\"id\":3}", "/id", "");
    expect("[{\"at\":1},{\"at\":2}]", "[{\"at\":3},{\"at\":4}]", "/*/at", "");
    expect("[[1],[2]]", "[[3],[4]]", "/1/0", "/0/0 is another number");
    expect("{\"a/b\":1,\"c~d\":1}", "{\"a/b\":2,\"c~d\":2}", "/a~1b /c~0d", "");
    expect("{\"id\":1}", "{\"id\":2}", "/i /idx /id/x", "/id is another number");
}

/* A server that answers to cost time. */
static void comparing_is_limited(void **state)
{
    (void)state;
    struct rw_arena arena;
    struct rw_json_tree trees[2];
    struct rw_json_ignored none = {0};
    struct rw_text texts[2] = {{0}, {0}}, told = {0};
    unsigned count;
    rw_arena_init(&arena, NULL, 0, 4096, ARENA_BYTES_MAX);
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned i = 0; i < 8000; i++)
            rw_text_addf(&texts[side], "%s\"%u\":0", i ? "," : "{", side ? 7999 - i : i);
        rw_text_adds(&texts[side], "}");
        assert_int_equal(rw_json_parse(rw_text_span(&texts[side]), &arena, &trees[side]), RW_OK);
    }
    assert_int_equal(rw_json_compare(&trees[0], &trees[1], &none, 3, &count, &told), RW_ELIMIT);
    rw_text_free(&texts[0]);
    rw_text_free(&texts[1]);
    rw_text_free(&told);
    rw_arena_free(&arena);
}

static void without_memory(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,2,{\"b\":\"c\"}],\"d\":{}}";
    for (uint64_t n = 0; n < 4; n++) {
        struct rw_arena arena;
        struct rw_json_tree tree;
        rw_arena_init(&arena, NULL, 0, 64, ARENA_BYTES_MAX);
        rw_alloc_fail_after(n);
        enum rw_err err = rw_json_parse(rw_span_text(text), &arena, &tree);
        rw_alloc_fail_never();
        assert_true(err == RW_OK || err == RW_ENOMEM);
        rw_arena_free(&arena);
    }
}

/* ---- Samples ---- */

static void the_newest_samples_are_kept(void **state)
{
    (void)state;
    struct rw_samples *samples;
    struct rw_sample read[4];
    char text[16], long_text[2 * RW_SAMPLE_TEXT_BYTES];
    assert_int_equal(rw_samples_create(&samples), RW_OK);
    assert_int_equal(rw_samples_read(samples, RW_LITERAL("a"), read, 4), 0);
    for (unsigned i = 0; i < 2 * RW_SAMPLES; i++) {
        int len = snprintf(text, sizeof(text), "%u", i);
        rw_samples_add(samples, i, i % 2 ? RW_LITERAL("b") : RW_LITERAL("a"),
                       rw_span(text, (size_t)len));
    }
    assert_int_equal(rw_samples_read(samples, RW_LITERAL("a"), read, 4), 4);
    assert_true(rw_span_is(rw_span(read[0].text, read[0].text_len), "510"));
    assert_int_equal(read[3].wall_ns, 504);
    assert_int_equal(rw_samples_read(samples, RW_LITERAL("c"), read, 4), 0);
    memset(long_text, 'x', sizeof(long_text));
    memcpy(long_text + RW_SAMPLE_TEXT_BYTES - 1, "\xc3\xa9", 2);
    rw_samples_add(samples, 1, RW_LITERAL("c"), rw_span(long_text, sizeof(long_text)));
    assert_int_equal(rw_samples_read(samples, RW_LITERAL("c"), read, 4), 1);
    assert_int_equal(read[0].text_len, RW_SAMPLE_TEXT_BYTES - 1); /* no half of a character */
    rw_samples_destroy(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_json_and_what_is_not),
        cmocka_unit_test(depth_and_number_are_limited),
        cmocka_unit_test(the_same_however_it_is_written),
        cmocka_unit_test(what_differs_and_where),
        cmocka_unit_test(ignored_paths),
        cmocka_unit_test(comparing_is_limited),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(the_newest_samples_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
