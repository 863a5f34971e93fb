/* The limit of requests at once: what the gradient makes of latencies, and that threads keep to it.
 */
#include "gate/cluster/overload/limiter.h"

#include "base/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct rw_gradient_settings settings = {.first = 20, .least = 4, .most = 100};

/* A window in which the limit was reached, and answers took so long. */
static void step(struct rw_gradient *gradient, uint64_t us, uint64_t now_ms)
{
    const struct rw_gradient_window window = {
        .now_ms = now_ms,
        .sum_us = us * 20,
        .answers = 20,
        .peak = (uint32_t)gradient->limit,
    };
    rw_gradient_step(gradient, &settings, &window);
}

/* With the baseline known, reached for long, and no probe due. */
static struct rw_gradient gradient_at(double limit, double baseline_us)
{
    struct rw_gradient gradient;
    rw_gradient_init(&gradient, &settings);
    gradient.limit = limit;
    gradient.baseline_us = baseline_us;
    gradient.stuck_ms = 1;
    gradient.stuck_limit = limit;
    gradient.next_probe_ms = UINT64_MAX;
    return gradient;
}

static void quick_answers_raise_it(void **unused)
{
    (void)unused;
    struct rw_gradient gradient = gradient_at(20, 10000);
    for (uint64_t ms = 1000; ms < 1900; ms += 100)
        step(&gradient, 10000, ms);
    assert_true(gradient.limit == settings.most);
}

/* As long as they get quicker by it. */
static void slow_answers_lower_it(void **unused)
{
    (void)unused;
    struct rw_gradient gradient = gradient_at(80, 10000);
    for (uint64_t ms = 1000; ms < 3000; ms += 100)
        step(&gradient, (uint64_t)gradient.limit * 1000 + 10000, ms);
    assert_true(gradient.limit > 5 && gradient.limit < 15);
    assert_true(gradient.baseline_us == 10000);
}

/* It was not the queue that made them slow. */
static void a_lower_limit_that_helps_nothing_is_taken_back(void **unused)
{
    (void)unused;
    struct rw_gradient gradient = gradient_at(80, 10000);
    double lowest = gradient.limit;
    for (uint64_t ms = 1000; ms < 1700; ms += 100) {
        step(&gradient, 100000, ms);
        lowest = gradient.limit < lowest ? gradient.limit : lowest;
    }
    assert_true(lowest == 80 * 0.7 && gradient.limit > 80);
    assert_true(gradient.baseline_us == 100000);
}

/* Once it is reached it grows, and is not made smaller to see what becomes of the latency. */
static void a_probe_is_for_a_limit_that_does_not_grow(void **unused)
{
    (void)unused;
    struct rw_gradient gradient;
    rw_gradient_init(&gradient, &settings);
    for (uint64_t ms = 1000; ms < 1500; ms += 100) {
        step(&gradient, 10000, ms);
        assert_int_equal(gradient.probe_ms, 0);
        assert_true(gradient.limit >= settings.first);
    }
    assert_true(gradient.limit == settings.most);
    step(&gradient, 10000, 1500);
    step(&gradient, 10000, 1400 + RW_GRADIENT_PROBE_SOON_MS);
    assert_true(gradient.probe_ms && gradient.limit == settings.most * 0.25);
}

/* Ten answers alike are enough, and of ten of which one is a hundred times slower nobody can say
 * what they will be next time. */
static void how_precise_a_mean_is(void **unused)
{
    (void)unused;
    struct rw_gradient_window window = {.answers = 10, .sum_us = 100000};
    window.squares = 10 * 10000ull * 10000 / RW_GRADIENT_SQUARE_US2;
    assert_true(rw_gradient_precise(&window));
    window.sum_us += 1000000 - 10000;
    window.squares += 1000000ull * 1000000 / RW_GRADIENT_SQUARE_US2;
    assert_false(rw_gradient_precise(&window));
    window.answers *= 50;
    window.sum_us *= 50;
    window.squares *= 50;
    assert_true(rw_gradient_precise(&window));
    window = (struct rw_gradient_window){.answers = 1};
    assert_true(rw_gradient_precise(&window)); /* of no time at all, and no division */
}

static void what_nobody_has_tried_is_not_raised(void **unused)
{
    (void)unused;
    struct rw_gradient gradient;
    rw_gradient_init(&gradient, &settings);
    const struct rw_gradient_window window = {
        .now_ms = 1000, .sum_us = 200000, .answers = 20, .peak = 15};
    for (int i = 0; i < 20; i++)
        rw_gradient_step(&gradient, &settings, &window);
    assert_true(gradient.limit == settings.first);
    assert_int_equal(gradient.next_probe_ms, 0);
}

/* A server that does one at a time: the latency falls as the limit does, as far as it goes. */
static void a_probe_goes_down_to_the_end_of_the_queue(void **unused)
{
    (void)unused;
    struct rw_gradient gradient = gradient_at(64, 64000);
    gradient.next_probe_ms = 1000;
    step(&gradient, 64000, 1000);
    assert_int_equal(gradient.probe_ms, 1000);
    assert_true(gradient.limit == 16);
    step(&gradient, 16000, 1200);
    assert_true(gradient.probe_ms && gradient.limit == 4);
    step(&gradient, 4000, 1400); /* the least */
    assert_int_equal(gradient.probe_ms, 0);
    assert_true(gradient.baseline_us == 4000);
    assert_true(gradient.limit == 8); /* without the queue: 64 * 1.6 / 16, and a fourth */
    assert_int_equal(gradient.next_probe_ms, 1400 + 400 * RW_GRADIENT_PROBE_SHARE);
}

static void a_probe_that_finds_no_queue_ends(void **unused)
{
    (void)unused;
    struct rw_gradient gradient = gradient_at(64, 64000);
    gradient.next_probe_ms = 1000;
    step(&gradient, 20000, 1000);
    assert_true(gradient.limit == 16);
    step(&gradient, 10000, 1100);
    assert_int_equal(gradient.probe_ms, 0);
    assert_true(gradient.baseline_us == 10000);
    assert_true(gradient.limit > 58 && gradient.limit < 59); /* 64 * 1.6 / 2, and its root */
    assert_int_equal(gradient.next_probe_ms, 1100 + RW_GRADIENT_PROBE_EVERY_MS);
}

static void a_probe_without_answers_ends(void **unused)
{
    (void)unused;
    struct rw_gradient gradient = gradient_at(64, 64000);
    gradient.next_probe_ms = 1000;
    step(&gradient, 20000, 1000);
    struct rw_gradient_window nothing = {.now_ms = gradient.probe_ms - 1}; /* an earlier turn */
    rw_gradient_step(&gradient, &settings, &nothing);
    assert_true(gradient.probe_ms != 0);
    nothing.now_ms = gradient.probe_ms + gradient.probe_ms_max - 1;
    rw_gradient_step(&gradient, &settings, &nothing);
    assert_true(gradient.probe_ms != 0);
    nothing.now_ms++;
    rw_gradient_step(&gradient, &settings, &nothing);
    assert_int_equal(gradient.probe_ms, 0);
    assert_true(gradient.baseline_us == 20000 + 44000 * 0.8 && gradient.limit == 64);
}

static void shares_of_the_limit(void **unused)
{
    (void)unused;
    struct rw_limiter *limiter;
    const struct rw_gradient_settings ten = {.first = 10, .least = 10, .most = 10};
    assert_int_equal(rw_limiter_create(&ten, &limiter), RW_OK);
    for (int i = 0; i < 9; i++)
        assert_true(rw_limiter_enter(limiter, &ten, 90));
    assert_false(rw_limiter_enter(limiter, &ten, 90));
    assert_true(rw_limiter_enter(limiter, &ten, 100));
    assert_false(rw_limiter_enter(limiter, &ten, 100));
    for (int i = 0; i < 10; i++)
        rw_limiter_leave(limiter);
    assert_int_equal(atomic_load(&limiter->in_flight), 0);
    rw_limiter_drop(limiter);
}

/* A thread whose turn began before another's sees times that are still to come. */
static void an_earlier_turn_is_no_long_time(void **unused)
{
    (void)unused;
    struct rw_limiter *limiter;
    assert_int_equal(rw_elapsed_ms(1001, 1000), 1);
    assert_int_equal(rw_elapsed_ms(1000, 1000), 0);
    assert_int_equal(rw_elapsed_ms(999, 1000), 0);
    assert_int_equal(rw_limiter_create(&settings, &limiter), RW_OK);
    atomic_store(&limiter->from_ms, 989);
    for (int i = 0; i < 30; i++)
        rw_limiter_sample(limiter, &settings, 10000, 990, 989);
    assert_int_equal(atomic_load(&limiter->answers), 30);    /* the window is not over */
    rw_limiter_sample(limiter, &settings, 10000, 989, 1000); /* under another limit */
    assert_int_equal(atomic_load(&limiter->answers), 30);
    atomic_store(&limiter->answers, 0);
    limiter->gradient.probe_ms = 2000;
    limiter->gradient.probe_ms_max = 1000;
    limiter->gradient.whole_limit = limiter->gradient.limit;
    atomic_store(&limiter->late_ms, 3000);
    rw_limiter_tick(limiter, &settings, 1999);
    assert_int_equal(atomic_load(&limiter->late_ms), 3000);
    rw_limiter_tick(limiter, &settings, 3000);
    assert_int_equal(atomic_load(&limiter->late_ms), 0);
    rw_limiter_drop(limiter);
}

static void each_worker_waits_for_itself(void **unused)
{
    (void)unused;
    struct rw_waiters waiters = {0};
    rw_waiters_add(&waiters, 0);
    rw_waiters_add(&waiters, 64);
    assert_int_equal(rw_waiters_others(&waiters, 0), 1);
    assert_int_equal(rw_waiters_others(&waiters, 64), 1);
    rw_waiters_remove(&waiters, 0);
    assert_true(rw_waiters_any(&waiters));
    assert_int_equal(rw_waiters_others(&waiters, 0), 1);
    assert_int_equal(rw_waiters_others(&waiters, 64), 0);
    rw_waiters_add(&waiters, 127);
    assert_int_equal(rw_waiters_others(&waiters, 64), 1ull << 63);
    rw_waiters_remove(&waiters, 64);
    rw_waiters_remove(&waiters, 127);
    assert_false(rw_waiters_any(&waiters));
}

/* ---- From many threads at once ---- */

enum { THREADS = 4, ROUNDS = 20000, FIXED = 3 };

static _Atomic int inside, most_inside;

static void *enter_and_leave(void *argument)
{
    struct rw_limiter *limiter = argument;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        if (!rw_limiter_enter(limiter, &(struct rw_gradient_settings){FIXED, FIXED, FIXED}, 100))
            continue;
        int now = atomic_fetch_add(&inside, 1) + 1, most = atomic_load(&most_inside);
        while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now))
            continue;
        rw_limiter_sample(limiter, &(struct rw_gradient_settings){FIXED, FIXED, FIXED}, 100 + i % 7,
                          i, i);
        atomic_fetch_sub(&inside, 1);
        rw_limiter_leave(limiter);
        rw_limiter_tick(limiter, &(struct rw_gradient_settings){FIXED, FIXED, FIXED}, i);
    }
    return NULL;
}

static void threads_keep_to_it(void **unused)
{
    (void)unused;
    struct rw_limiter *limiter;
    const struct rw_gradient_settings fixed = {FIXED, FIXED, FIXED};
    assert_int_equal(rw_limiter_create(&fixed, &limiter), RW_OK);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, enter_and_leave, limiter), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_in_range(atomic_load(&most_inside), 1, FIXED);
    assert_int_equal(atomic_load(&limiter->in_flight), 0);
    assert_int_equal(atomic_load(&limiter->limit), FIXED);
    rw_limiter_drop(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quick_answers_raise_it),
        cmocka_unit_test(slow_answers_lower_it),
        cmocka_unit_test(a_lower_limit_that_helps_nothing_is_taken_back),
        cmocka_unit_test(a_probe_is_for_a_limit_that_does_not_grow),
        cmocka_unit_test(how_precise_a_mean_is),
        cmocka_unit_test(what_nobody_has_tried_is_not_raised),
        cmocka_unit_test(a_probe_goes_down_to_the_end_of_the_queue),
        cmocka_unit_test(a_probe_that_finds_no_queue_ends),
        cmocka_unit_test(a_probe_without_answers_ends),
        cmocka_unit_test(shares_of_the_limit),
        cmocka_unit_test(an_earlier_turn_is_no_long_time),
        cmocka_unit_test(each_worker_waits_for_itself),
        cmocka_unit_test(threads_keep_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
