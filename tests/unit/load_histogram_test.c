#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "load/histogram.h"

#include "base/alloc.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>

static struct rw_histogram *h;

static int set_up(void **state)
{
    (void)state;
    h = rw_histogram_create();
    return !h;
}

static int tear_down(void **state)
{
    (void)state;
    rw_free(h);
    return 0;
}

static void test_empty(void **state)
{
    (void)state;
    assert_int_equal(rw_histogram_quantile(h, 0.5), 0);
    assert_true(rw_histogram_mean(h) == 0);
    assert_true(rw_histogram_share_within(h, 1) == 1);
}

static void test_one_value_is_exact_everywhere(void **state)
{
    (void)state;
    rw_histogram_record(h, 123456789);
    assert_int_equal(rw_histogram_quantile(h, 0), 123456789);
    assert_int_equal(rw_histogram_quantile(h, 0.5), 123456789);
    assert_int_equal(rw_histogram_quantile(h, 1), 123456789);
    assert_int_equal(h->least, 123456789);
    assert_true(rw_histogram_share_within(h, 1000) == 0);
    assert_true(rw_histogram_share_within(h, 123456789) == 1);
}

/* Whatever is recorded, the middle of its bucket is within 0.1 % of it. */
static void test_three_digits_at_every_size(void **state)
{
    (void)state;
    struct rw_random random;
    rw_random_seed(&random, 1);
    for (int i = 0; i < 20000; i++) {
        uint64_t value = rw_random_u64(&random) >> (22 + i % 42);
        rw_histogram_clear(h);
        rw_histogram_record(h, value);
        /* Another one on top, so that `most` does not answer. */
        rw_histogram_record(h, UINT64_MAX >> 1);
        uint64_t found = rw_histogram_quantile(h, 0.5);
        double error = fabs((double)found - (double)value);
        assert_true(error <= (double)value / 1000 + 0.5);
    }
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void test_quantiles_are_those_of_a_sorted_list(void **state)
{
    (void)state;
    enum { COUNT = 10007 };
    static uint64_t values[COUNT];
    struct rw_random random;
    rw_random_seed(&random, 2);
    for (int i = 0; i < COUNT; i++) {
        values[i] = rw_random_u64(&random) >> (30 + rw_random_below(&random, 20));
        rw_histogram_record(h, values[i]);
    }
    qsort(values, COUNT, sizeof(values[0]), ascending);
    const double shares[] = {0.0001, 0.01, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        double exact = (double)values[(int)ceil(shares[i] * COUNT) - 1];
        double found = (double)rw_histogram_quantile(h, shares[i]);
        assert_true(fabs(found - exact) <= exact / 1000 + 0.5);
    }
}

static void test_a_sum_is_what_one_would_have_recorded(void **state)
{
    (void)state;
    struct rw_histogram *a = rw_histogram_create(), *b = rw_histogram_create();
    struct rw_random random;
    rw_random_seed(&random, 3);
    for (int i = 0; i < 5000; i++) {
        uint64_t value = rw_random_u64(&random) >> 40;
        rw_histogram_record(i % 3 ? a : b, value);
        rw_histogram_record(h, value);
    }
    rw_histogram_add(a, b);
    assert_int_equal(a->count, h->count);
    assert_memory_equal(a->buckets, h->buckets, sizeof(h->buckets));
    assert_int_equal(a->least, h->least);
    assert_int_equal(a->most, h->most);
    assert_true(fabs(a->sum - h->sum) <= h->sum * 1e-12);
    rw_free(a);
    rw_free(b);
}

static void test_what_was_written_down_can_be_read_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RW_HISTOGRAM_BUCKETS; i += 7) {
        rw_histogram_clear(h);
        rw_histogram_record_many(h, rw_histogram_bucket_value(i), 3);
        assert_int_equal(h->buckets[i], 3);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_empty),
        TEST(test_one_value_is_exact_everywhere),
        TEST(test_three_digits_at_every_size),
        TEST(test_quantiles_are_those_of_a_sorted_list),
        TEST(test_a_sum_is_what_one_would_have_recorded),
        TEST(test_what_was_written_down_can_be_read_again),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
