/* Intervals against values that were computed elsewhere: exact binomial sums, and the tables of
 * Student's t that every textbook has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verify/confidence.h"

#include <math.h>

static void assert_near(double value, double expected, double relative)
{
    if (fabs(value - expected) > relative * fabs(expected) + 1e-300)
        fail_msg("%.15g is not %.15g", value, expected);
}

static void test_incomplete_beta(void **state)
{
    (void)state;
    assert_near(rw_beta_share(2, 3, 0.3), 0.3483, 1e-12);
    assert_near(rw_beta_share(0.5, 0.5, 0.25), 1.0 / 3, 1e-12);
    assert_near(rw_beta_share(200, 5, 0.97), 0.265168249665082, 1e-11);
    assert_true(rw_beta_share(2, 3, 0) == 0 && rw_beta_share(2, 3, 1) == 1);
    assert_near(rw_binomial_share(5, 10, 0.5), 638.0 / 1024, 1e-12);
    assert_true(rw_binomial_share(10, 10, 0.5) == 1);
}

static void test_shares(void **state)
{
    (void)state;
    static const struct {
        uint64_t k, n;
        double confidence, low, high;
    } cases[] = {
        {0, 30, 0.95, 0, 0.115703308222},
        {10, 100, 0.95, 0.0490046892215, 0.17622259774},
        {1, 1000, 0.95, 2.53174874913e-5, 0.00555892427983},
        {5, 10, 0.99, 0.128310553935, 0.871689446065},
        {30, 30, 0.95, 1 - 0.115703308222, 1},
        {0, 0, 0.95, 0, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_interval interval =
            rw_confidence_share(cases[i].k, cases[i].n, cases[i].confidence);
        assert_near(interval.low, cases[i].low, 1e-9);
        assert_near(interval.high, cases[i].high, 1e-9);
    }
}

/* So many trials without a failure, and one less is not enough. */
static void test_trials(void **state)
{
    (void)state;
    uint64_t n = rw_confidence_trials(0.001, 0.95);
    assert_int_equal(n, 3688);
    assert_true(rw_confidence_share(0, n, 0.95).high <= 0.001);
    assert_true(rw_confidence_share(0, n - 1, 0.95).high > 0.001);
}

static void test_ranks(void **state)
{
    (void)state;
    static const struct {
        uint64_t n;
        double share;
        uint64_t low, high;
    } cases[] = {
        {10, 0.5, 2, 9}, {100, 0.5, 40, 61},     {100, 0.9, 84, 96},
        {6, 0.5, 1, 6},  {1000, 0.99, 983, 997}, {368, 0.99, 360, 368},
    };
    uint64_t low, high;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_true(rw_confidence_ranks(cases[i].n, cases[i].share, 0.95, &low, &high));
        assert_int_equal(low, cases[i].low);
        assert_int_equal(high, cases[i].high);
    }
    assert_false(rw_confidence_ranks(5, 0.5, 0.95, &low, &high));
    assert_false(rw_confidence_ranks(367, 0.99, 0.95, &low, &high));
    assert_false(rw_confidence_ranks(0, 0.99, 0.95, &low, &high));
    assert_int_equal(rw_confidence_values(0.99, 0.95), 368);
    assert_int_equal(rw_confidence_values(0.5, 0.95), 6);
}

/* As many as a long run has: still bounded, and close. */
static void test_ranks_of_many(void **state)
{
    (void)state;
    uint64_t low, high;
    assert_true(rw_confidence_ranks(100000000, 0.999, 0.95, &low, &high));
    double spread = 1.959964 * sqrt(1e8 * 0.999 * 0.001);
    assert_near(99900000 - (double)low, spread, 0.01);
    assert_near((double)high - 99900000, spread, 0.01);
}

static void test_student(void **state)
{
    (void)state;
    assert_near(rw_student_quantile(0.975, 1), 12.7062047, 1e-8);
    assert_near(rw_student_quantile(0.975, 2), 4.30265273, 1e-8);
    assert_near(rw_student_quantile(0.975, 9), 2.26215716, 1e-8);
    assert_near(rw_student_quantile(0.995, 30), 2.74999565, 1e-8);
    /* 1, 2, 3: the mean is 2, its standard error 1/sqrt(3). */
    const double values[] = {1, 2, 3};
    struct rw_interval interval = rw_confidence_mean(values, 3, 0.95);
    assert_near(interval.low, 2 - 4.30265273 / sqrt(3), 1e-7);
    assert_near(interval.high, 2 + 4.30265273 / sqrt(3), 1e-7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_incomplete_beta), cmocka_unit_test(test_shares),
        cmocka_unit_test(test_trials),          cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_ranks_of_many),   cmocka_unit_test(test_student),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
