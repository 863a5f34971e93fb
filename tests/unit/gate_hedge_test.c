/* The percentile that hedging goes by: against the exact one, its windows, its bounds. */
#include "gate/cluster/retry/hedge.h"

#include "base/alloc.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct rw_hedge_settings usual = {.percentile = 95,
                                               .after_ms_min = 2,
                                               .after_ms_max = 60000};

static struct rw_hedge *make(void)
{
    struct rw_hedge *hedge = NULL;
    assert_int_equal(rw_hedge_create(&hedge), RW_OK);
    return hedge;
}

static void few_answers_say_nothing(void **unused)
{
    (void)unused;
    struct rw_hedge *hedge = make();
    for (int i = 0; i < RW_HEDGE_SAMPLES_MIN - 1; i++)
        rw_hedge_observe(hedge, 8000, 1000);
    assert_int_equal(rw_hedge_after_ms(hedge, &usual, 1000), 60000);
    rw_hedge_observe(hedge, 8000, 1000);
    assert_int_equal(rw_hedge_after_ms(hedge, &usual, 1050), 60000); /* not yet counted again */
    assert_in_range(rw_hedge_after_ms(hedge, &usual, 1100), 8, 10);
    rw_hedge_drop(hedge);
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Never too small, and too large by an eighth (and a millisecond) at the most. */
static void near_the_exact_percentile(void **unused)
{
    (void)unused;
    enum { SAMPLES = 5000 };
    static uint64_t samples[SAMPLES];
    struct rw_random random;
    rw_random_seed(&random, 1);
    for (uint32_t scale = 100; scale <= 10000000; scale *= 10)
        for (uint32_t percentile = 1; percentile < 100; percentile += 7) {
            struct rw_hedge *hedge = make();
            const struct rw_hedge_settings settings = {
                .percentile = percentile, .after_ms_min = 1, .after_ms_max = 600000};
            for (unsigned i = 0; i < SAMPLES; i++) {
                samples[i] =
                    (uint64_t)rw_random_below(&random, scale) * (1 + rw_random_below(&random, 4));
                rw_hedge_observe(hedge, samples[i], 5000);
            }
            qsort(samples, SAMPLES, sizeof(*samples), compare);
            uint64_t exact_us = samples[SAMPLES * percentile / 100 - 1];
            uint32_t ms = rw_hedge_after_ms(hedge, &settings, 5000);
            assert_in_range(ms, exact_us / 1000, exact_us * 9 / 8 / 1000 + 2);
            rw_hedge_drop(hedge);
        }
}

static void bounds_hold(void **unused)
{
    (void)unused;
    struct rw_hedge *hedge = make();
    const struct rw_hedge_settings narrow = {
        .percentile = 50, .after_ms_min = 20, .after_ms_max = 30};
    for (int i = 0; i < 1000; i++)
        rw_hedge_observe(hedge, 100, 1000);
    assert_int_equal(rw_hedge_after_ms(hedge, &narrow, 1000), 20);
    for (int i = 0; i < 2000; i++)
        rw_hedge_observe(hedge, UINT64_MAX, 1200);
    assert_int_equal(rw_hedge_after_ms(hedge, &narrow, 1200), 30);
    rw_hedge_drop(hedge);
}

static void old_answers_are_forgotten(void **unused)
{
    (void)unused;
    struct rw_hedge *hedge = make();
    for (int i = 0; i < 1000; i++)
        rw_hedge_observe(hedge, 500000, 20000);
    for (uint64_t now_ms = 21000; now_ms <= 43000; now_ms += 20)
        rw_hedge_observe(hedge, 4000, now_ms);
    assert_in_range(rw_hedge_after_ms(hedge, &usual, 43000), 4, 5);
    rw_hedge_drop(hedge);
}

static void no_memory(void **unused)
{
    (void)unused;
    struct rw_hedge *hedge;
    rw_alloc_fail_after(0);
    assert_int_equal(rw_hedge_create(&hedge), RW_ENOMEM);
    rw_alloc_fail_never();
    hedge = make();
    rw_hedge_drop(rw_hedge_hold(hedge));
    rw_hedge_drop(hedge);
    rw_hedge_drop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_answers_say_nothing),
        cmocka_unit_test(near_the_exact_percentile),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(old_answers_are_forgotten),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
