#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "load/schedule.h"

#include "load/dues.h"

#include <math.h>
#include <stdlib.h>

static struct rw_profile constant(double rate, double seconds)
{
    return (struct rw_profile){.phase_count = 1, .phases = {{seconds, rate, rate}}};
}

static void test_even_arrivals(void **state)
{
    (void)state;
    struct rw_profile profile = constant(1000, 2);
    struct rw_schedule schedule;
    uint64_t due_ns;
    rw_schedule_begin(&schedule, &profile, 0, 1, 7);
    for (uint64_t i = 0; i < 2000; i++) {
        assert_true(rw_schedule_next(&schedule, &due_ns));
        assert_true(llabs((long long)due_ns - (long long)i * 1000000) <= 2);
    }
    assert_false(rw_schedule_next(&schedule, &due_ns));
    assert_false(rw_schedule_next(&schedule, &due_ns));
}

/* Three threads together send exactly what one would. */
static void test_shares_interleave(void **state)
{
    (void)state;
    struct rw_profile profile = {.phase_count = 3,
                                 .phases = {{1, 100, 500}, {0.5, 500, 500}, {2, 300, 0}}};
    struct rw_schedule whole, shares[3];
    uint64_t expected, due_ns;
    rw_schedule_begin(&whole, &profile, 0, 1, 7);
    for (unsigned i = 0; i < 3; i++)
        rw_schedule_begin(&shares[i], &profile, i, 3, 7);
    unsigned count = 0;
    for (; rw_schedule_next(&whole, &expected); count++) {
        assert_true(rw_schedule_next(&shares[count % 3], &due_ns));
        assert_true(llabs((long long)due_ns - (long long)expected) <= 2);
    }
    assert_int_equal(count, 300 + 250 + 300);
    assert_true(fabs(rw_profile_arrivals(&profile) - 850) < 1e-9);
}

static void test_a_ramp_reaches_its_rate(void **state)
{
    (void)state;
    struct rw_profile profile = {.phase_count = 1, .phases = {{10, 0, 1000}}};
    struct rw_schedule schedule;
    uint64_t due_ns, before_ns = 0;
    unsigned per_second[10] = {0};
    rw_schedule_begin(&schedule, &profile, 0, 1, 7);
    while (rw_schedule_next(&schedule, &due_ns)) {
        assert_true(due_ns >= before_ns && due_ns < 10000000000ull);
        per_second[due_ns / 1000000000]++;
        before_ns = due_ns;
    }
    /* The integral of 100 t over a second: 50, 150, ... 950. */
    for (unsigned i = 0; i < 10; i++)
        assert_in_range(per_second[i], 100 * i + 49, 100 * i + 51);
    assert_true(fabs(rw_profile_rate(&profile, 2.5) - 250) < 1e-9);
    assert_true(rw_profile_rate(&profile, 11) == 0);
}

/* Counts in equal intervals have the variance of their mean, and gaps are exponential. */
static void test_poisson(void **state)
{
    (void)state;
    enum { INTERVALS = 4000 };
    struct rw_profile profile = constant(25000, 4);
    profile.arrivals = RW_ARRIVALS_POISSON;
    static unsigned counts[INTERVALS];
    double sum = 0, squares = 0, gaps = 0, long_gaps = 0;
    for (unsigned share = 0; share < 2; share++) {
        struct rw_schedule schedule;
        uint64_t due_ns, before_ns = 0;
        rw_schedule_begin(&schedule, &profile, share, 2, 11);
        while (rw_schedule_next(&schedule, &due_ns)) {
            counts[due_ns / 1000000]++;
            long_gaps += due_ns - before_ns > 80000; /* the mean of each share */
            gaps++;
            before_ns = due_ns;
        }
    }
    for (unsigned i = 0; i < INTERVALS; i++) {
        sum += counts[i];
        squares += (double)counts[i] * counts[i];
    }
    double mean = sum / INTERVALS, variance = squares / INTERVALS - mean * mean;
    assert_true(fabs(mean - 25) < 0.5);
    assert_true(fabs(variance / mean - 1) < 0.15);
    assert_true(fabs(long_gaps / gaps - exp(-1)) < 0.01);
}

static void test_the_same_seed_gives_the_same_times(void **state)
{
    (void)state;
    struct rw_profile profile = constant(100, 1);
    profile.arrivals = RW_ARRIVALS_POISSON;
    struct rw_schedule a, b;
    uint64_t x, y;
    rw_schedule_begin(&a, &profile, 0, 1, 5);
    rw_schedule_begin(&b, &profile, 0, 1, 5);
    while (rw_schedule_next(&a, &x)) {
        assert_true(rw_schedule_next(&b, &y));
        assert_int_equal(x, y);
    }
}

static void test_dues_keep_their_order(void **state)
{
    (void)state;
    struct rw_dues dues = {0};
    uint64_t in = 0, out = 0;
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 37 + round; i++)
            assert_true(rw_dues_push(&dues, in++));
        for (unsigned i = 0; i < 30; i++)
            assert_int_equal(rw_dues_pop(&dues), out++);
        assert_int_equal(rw_dues_first(&dues), out);
    }
    assert_int_equal(dues.count, in - out);
    rw_dues_free(&dues);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_even_arrivals),
        cmocka_unit_test(test_shares_interleave),
        cmocka_unit_test(test_a_ramp_reaches_its_rate),
        cmocka_unit_test(test_poisson),
        cmocka_unit_test(test_the_same_seed_gives_the_same_times),
        cmocka_unit_test(test_dues_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
