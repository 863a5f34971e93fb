/* The budget of repetitions: what it admits, and what it never exceeds. */
#include "base/random.h"
#include "gate/cluster/retry/retry_budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint64_t start_ms = 1000000;

static unsigned take_all(struct rw_retry_budget *budget,
                         const struct rw_retry_budget_settings *settings, unsigned parts,
                         uint64_t now_ms)
{
    unsigned taken = 0;
    while (taken < 100000 && rw_retry_budget_take(budget, settings, parts, now_ms))
        taken++;
    return taken;
}

static void begins_full(void **unused)
{
    (void)unused;
    struct rw_retry_budget budget = {0};
    const struct rw_retry_budget_settings settings = {.percent = 20, .burst = 50};
    assert_int_equal(take_all(&budget, &settings, 1, start_ms), 50);
    assert_int_equal(take_all(&budget, &settings, 1, start_ms + 1000000), 0);
}

static void requests_fill_it(void **unused)
{
    (void)unused;
    struct rw_retry_budget budget = {0};
    const struct rw_retry_budget_settings settings = {.percent = 20, .burst = 50};
    (void)take_all(&budget, &settings, 1, start_ms);
    for (int i = 0; i < 104; i++)
        rw_retry_budget_add(&budget, settings.percent);
    assert_int_equal(take_all(&budget, &settings, 1, start_ms), 20);
    rw_retry_budget_add(&budget, settings.percent); /* 0.8 were left over */
    assert_int_equal(take_all(&budget, &settings, 1, start_ms), 1);
    for (int i = 0; i < 10000; i++)
        rw_retry_budget_add(&budget, settings.percent);
    assert_int_equal(take_all(&budget, &settings, 1, start_ms), 50); /* it was full before */
}

static void time_fills_it(void **unused)
{
    (void)unused;
    struct rw_retry_budget budget = {0};
    const struct rw_retry_budget_settings settings = {.per_second = 10, .burst = 50};
    (void)take_all(&budget, &settings, 2, start_ms);
    unsigned taken = 0;
    for (uint64_t ms = 1; ms <= 10000; ms++) /* looked at often: nothing is lost by rounding */
        taken += take_all(&budget, &settings, 2, start_ms + ms);
    assert_int_equal(taken, 50); /* half of 10 a second */
}

static void parts_have_one_at_least(void **unused)
{
    (void)unused;
    struct rw_retry_budget budget = {0};
    const struct rw_retry_budget_settings settings = {.percent = 10, .burst = 4};
    assert_int_equal(take_all(&budget, &settings, 64, start_ms), 1);
    struct rw_retry_budget half = {0};
    assert_int_equal(take_all(&half, &settings, 2, start_ms), 2);
}

/* The bound that the header states, over spans of time with anything in them. */
static void never_exceeded(void **unused)
{
    (void)unused;
    struct rw_random random;
    for (uint64_t seed = 0; seed < 300; seed++) {
        rw_random_seed(&random, seed);
        struct rw_retry_budget budget = {0};
        struct rw_retry_budget_settings settings = {.percent = rw_random_below(&random, 101)};
        settings.per_second = rw_random_below(&random, 50);
        settings.burst = 1 + rw_random_below(&random, 100);
        uint64_t now_ms = start_ms, requests = 0, taken = 0;
        for (int i = 0; i < 2000; i++) {
            now_ms += rw_random_below(&random, 20);
            for (uint32_t n = rw_random_below(&random, 5); n; n--, requests++)
                rw_retry_budget_add(&budget, settings.percent);
            for (uint32_t n = rw_random_below(&random, 5); n; n--)
                taken += rw_retry_budget_take(&budget, &settings, 1, now_ms);
            uint64_t allowed = settings.burst * 1000ull + requests * settings.percent * 10 +
                               (now_ms - start_ms) * settings.per_second;
            assert_true(taken * 1000 <= allowed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_full),    cmocka_unit_test(requests_fill_it),
        cmocka_unit_test(time_fills_it),  cmocka_unit_test(parts_have_one_at_least),
        cmocka_unit_test(never_exceeded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
