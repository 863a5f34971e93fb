#include "base/alloc.h"
#include "watch/trace.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char good[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/* In a block of exactly its size, so that a sanitizer sees one byte too far. */
static bool valid(const char *text, size_t len)
{
    char *copy = rw_alloc(len ? len : 1);
    memcpy(copy, text, len);
    bool result = rw_traceparent_valid(rw_span(copy, len));
    rw_free(copy);
    return result;
}

static bool valid_text(const char *text)
{
    return valid(text, strlen(text));
}

static void test_the_examples_of_the_recommendation(void **state)
{
    (void)state;
    assert_int_equal(sizeof(good) - 1, RW_TRACEPARENT_BYTES);
    assert_true(valid_text(good));
    assert_true(valid_text("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"));
    assert_false(valid_text("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
    assert_false(valid_text("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
    assert_true(valid_text("00-00000000000000000000000000000001-0000000000000001-00"));
    assert_true(valid_text("00-10000000000000000000000000000000-1000000000000000-ff"));
}

static void test_versions(void **state)
{
    (void)state;
    assert_false(valid_text("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    assert_false(valid_text("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-"));
    assert_false(valid_text("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
    assert_true(valid_text("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    assert_true(valid_text("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
    assert_false(valid_text("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more"));
    assert_false(valid_text("0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
}

static void test_every_byte_counts(void **state)
{
    (void)state;
    for (size_t len = 0; len < RW_TRACEPARENT_BYTES; len++)
        assert_false(valid(good, len));
    char text[RW_TRACEPARENT_BYTES];
    for (size_t at = 0; at < sizeof(text); at++)
        for (unsigned c = 0; c < 256; c++) {
            memcpy(text, good, sizeof(text));
            text[at] = (char)c;
            bool hex = isdigit((int)c) || (c >= 'a' && c <= 'f');
            bool expected = good[at] == '-' ? c == '-' : hex;
            assert_int_equal(valid(text, sizeof(text)), expected);
        }
}

static void test_begun_ones_are_valid_and_differ(void **state)
{
    (void)state;
    struct rw_random random;
    rw_random_seed(&random, 3);
    char first[RW_TRACEPARENT_BYTES], second[RW_TRACEPARENT_BYTES];
    for (int i = 0; i < 10000; i++) {
        rw_traceparent_begin(first, &random);
        assert_true(valid(first, sizeof(first)));
        assert_memory_equal(first, "00-", 3);
        assert_memory_equal(first + 52, "-01", 3);
    }
    rw_traceparent_begin(second, &random);
    struct rw_span a = rw_traceparent_trace_id(rw_span(first, sizeof(first)));
    struct rw_span b = rw_traceparent_trace_id(rw_span(second, sizeof(second)));
    assert_int_equal(a.len, RW_TRACE_ID_BYTES);
    assert_false(rw_span_eq(a, b));
}

/* The digits are those of the random numbers, and an all-zero generator makes no all-zero id. */
static void test_begun_ones_follow_the_generator(void **state)
{
    (void)state;
    struct rw_random random, copy;
    rw_random_seed(&random, 11);
    copy = random;
    char text[RW_TRACEPARENT_BYTES], digits[48];
    rw_traceparent_begin(text, &random);
    for (int i = 0; i < 3; i++)
        rw_format_hex64(digits + (size_t)16 * i, rw_random_u64(&copy));
    assert_memory_equal(text + 3, digits, 32);
    assert_memory_equal(text + 36, digits + 32, 16);
    struct rw_random zero = {{0}};
    rw_traceparent_begin(text, &zero);
    assert_true(valid(text, sizeof(text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_examples_of_the_recommendation),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_every_byte_counts),
        cmocka_unit_test(test_begun_ones_are_valid_and_differ),
        cmocka_unit_test(test_begun_ones_follow_the_generator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
