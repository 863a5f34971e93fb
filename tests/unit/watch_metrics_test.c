#include "base/random.h"
#include "watch/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const uint64_t bounds_us[] = {
#define BOUND(us) us,
    RW_LATENCY_BOUNDS_US(BOUND)
#undef BOUND
};

static unsigned bucket_by_search(uint64_t us)
{
    unsigned bucket = 0;
    while (bucket < RW_LATENCY_BUCKETS - 1 && us > bounds_us[bucket])
        bucket++;
    return bucket;
}

static void test_bucket_is_the_first_that_holds_the_duration(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RW_LATENCY_BUCKETS - 1; i++) {
        assert_int_equal(rw_metrics_bucket(bounds_us[i] - 1), i);
        assert_int_equal(rw_metrics_bucket(bounds_us[i]), i);
        assert_int_equal(rw_metrics_bucket(bounds_us[i] + 1), i + 1);
    }
    for (uint64_t us = 0; us < 70000; us++)
        assert_int_equal(rw_metrics_bucket(us), bucket_by_search(us));
    struct rw_random random;
    rw_random_seed(&random, 7);
    for (int i = 0; i < 200000; i++) {
        uint64_t us = rw_random_u64(&random) >> rw_random_below(&random, 64);
        assert_int_equal(rw_metrics_bucket(us), bucket_by_search(us));
    }
    assert_int_equal(rw_metrics_bucket(UINT64_MAX), RW_LATENCY_BUCKETS - 1);
}

static struct rw_metrics *create(unsigned shards, unsigned series_max)
{
    struct rw_metrics *metrics;
    assert_int_equal(rw_metrics_create(shards, series_max, &metrics), RW_OK);
    return metrics;
}

static unsigned route(struct rw_metrics *metrics, const char *name)
{
    return rw_metrics_series(metrics, RW_SERIES_ROUTE, rw_span_text(name), rw_span(NULL, 0));
}

static unsigned endpoint(struct rw_metrics *metrics, const char *upstream, const char *address)
{
    return rw_metrics_series(metrics, RW_SERIES_ENDPOINT, rw_span_text(upstream),
                             rw_span_text(address));
}

static void test_limits_of_creation(void **state)
{
    (void)state;
    struct rw_metrics *metrics = NULL;
    assert_int_equal(rw_metrics_create(0, 10, &metrics), RW_EINVAL);
    assert_int_equal(rw_metrics_create(RW_METRICS_SHARDS_MAX + 1, 10, &metrics), RW_EINVAL);
    assert_int_equal(rw_metrics_create(1, RW_METRICS_SERIES_MAX + 1, &metrics), RW_EINVAL);
    assert_null(metrics);
    rw_metrics_destroy(NULL);
}

static void test_cells_fill_cache_lines(void **state)
{
    (void)state;
    struct rw_metrics *metrics = create(3, 5);
    for (unsigned i = 0; i < 3; i++)
        for (unsigned series = 0; series < 12; series++)
            assert_int_equal((uintptr_t)rw_metrics_cell(rw_metrics_shard(metrics, i), series) % 64,
                             0);
    rw_metrics_destroy(metrics);
}

static void test_counters_add_up_over_shards(void **state)
{
    (void)state;
    struct rw_metrics *metrics = create(3, 4);
    struct rw_metrics_shard *first = rw_metrics_shard(metrics, 0);
    struct rw_metrics_shard *third = rw_metrics_shard(metrics, 2);
    rw_metrics_count(first, RW_COUNTER_RELOADS, 5);
    rw_metrics_count(third, RW_COUNTER_RELOADS, 7);
    rw_metrics_count(first, RW_COUNTER_CONNECTIONS_OPEN, 1);
    rw_metrics_count(third, RW_COUNTER_CONNECTIONS_OPEN, -3);
    assert_int_equal(rw_metrics_total(metrics, RW_COUNTER_RELOADS), 12);
    assert_int_equal(rw_metrics_total(metrics, RW_COUNTER_CONNECTIONS_OPEN), -2);
    assert_int_equal(rw_metrics_total(metrics, RW_COUNTER_RELOAD_FAILURES), 0);
    rw_metrics_destroy(metrics);
}

static void test_a_restarted_shard_counts_on_without_its_gauges(void **state)
{
    (void)state;
    struct rw_metrics *metrics = create(2, 4);
    struct rw_metrics_shard *dead = rw_metrics_shard(metrics, 0);
    rw_metrics_count(rw_metrics_shard(metrics, 1), RW_COUNTER_CONNECTIONS_OPEN, 10);
    rw_metrics_count(dead, RW_COUNTER_CONNECTIONS_OPEN, 32);
    rw_metrics_count(dead, RW_COUNTER_REQUESTS_ACTIVE, 4);
    rw_metrics_count(dead, RW_COUNTER_UPSTREAM_OPEN, 8);
    rw_metrics_count(dead, RW_COUNTER_CONNECTIONS_ACCEPTED, 100);
    rw_metrics_observe(rw_metrics_cell(dead, 0), 2, 1000, 1, 2);
    struct rw_metrics_shard *heir = rw_metrics_shard(metrics, 0);
    assert_ptr_equal(heir, dead);
    assert_int_equal(rw_metrics_total(metrics, RW_COUNTER_CONNECTIONS_OPEN), 10);
    assert_int_equal(rw_metrics_total(metrics, RW_COUNTER_REQUESTS_ACTIVE), 0);
    assert_int_equal(rw_metrics_total(metrics, RW_COUNTER_UPSTREAM_OPEN), 0);
    assert_int_equal(rw_metrics_total(metrics, RW_COUNTER_CONNECTIONS_ACCEPTED), 100);
    assert_int_equal(rw_metrics_cell(heir, 0)->status[2], 1);
    rw_metrics_destroy(metrics);
}

static void test_an_exchange_fills_its_cell(void **state)
{
    (void)state;
    struct rw_metrics *metrics = create(2, 4);
    unsigned series = route(metrics, "orders");
    for (unsigned i = 0; i < 2; i++) {
        struct rw_series_cell *cell = rw_metrics_cell(rw_metrics_shard(metrics, i), series);
        rw_metrics_observe(cell, 2, 100, 10, 20);
        rw_metrics_observe(cell, 0, 40000000, 1, 0);
        rw_metrics_observe(cell, 9, 0, 0, 0);
        rw_metrics_failure(cell);
    }
    struct rw_series_cell sum = {0};
    rw_metrics_series_total(metrics, series, &sum);
    assert_int_equal(sum.status[2], 2);
    assert_int_equal(sum.status[0], 4);
    assert_int_equal(sum.bytes_in, 22);
    assert_int_equal(sum.bytes_out, 40);
    assert_int_equal(sum.duration_sum_us, 2 * 40000100);
    assert_int_equal(sum.buckets[0], 4);
    assert_int_equal(sum.buckets[RW_LATENCY_BUCKETS - 1], 2);
    assert_int_equal(sum.failures, 2);
    rw_metrics_destroy(metrics);
}

static void test_series_are_found_again(void **state)
{
    (void)state;
    struct rw_metrics *metrics = create(1, 100);
    unsigned orders = route(metrics, "orders");
    unsigned users = route(metrics, "users");
    unsigned first = endpoint(metrics, "orders", "10.0.0.1:80");
    unsigned second = endpoint(metrics, "orders", "10.0.0.2:80");
    assert_int_not_equal(orders, users);
    assert_int_not_equal(first, second);
    assert_int_not_equal(orders, first);
    assert_int_equal(route(metrics, "orders"), orders);
    assert_int_equal(route(metrics, "users"), users);
    assert_int_equal(endpoint(metrics, "orders", "10.0.0.1:80"), first);
    assert_int_equal(route(metrics, "_other"), RW_SERIES_ROUTE);
    assert_int_equal(endpoint(metrics, "_other", "_other"), RW_SERIES_ENDPOINT);
    rw_metrics_destroy(metrics);
}

static void test_a_full_table_sends_the_rest_to_other(void **state)
{
    (void)state;
    struct rw_metrics *metrics = create(1, 3);
    char name[16];
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "route-%d", i);
        unsigned number = route(metrics, name);
        assert_true(i < 3 ? number >= RW_SERIES_KINDS : number == RW_SERIES_ROUTE);
    }
    /* The other kind has its own share. */
    assert_true(endpoint(metrics, "u", "1") >= RW_SERIES_KINDS);
    assert_true(endpoint(metrics, "u", "2") >= RW_SERIES_KINDS);
    assert_true(endpoint(metrics, "u", "3") >= RW_SERIES_KINDS);
    assert_int_equal(endpoint(metrics, "u", "4"), RW_SERIES_ENDPOINT);
    assert_true(endpoint(metrics, "u", "1") >= RW_SERIES_KINDS);
    rw_metrics_destroy(metrics);
    metrics = create(1, 0);
    assert_int_equal(route(metrics, "any"), RW_SERIES_ROUTE);
    rw_metrics_destroy(metrics);
}

static void test_long_names_stay_apart(void **state)
{
    (void)state;
    struct rw_metrics *metrics = create(1, 10);
    char long_a[200], long_b[200];
    memset(long_a, 'x', sizeof(long_a));
    memcpy(long_b, long_a, sizeof(long_b));
    long_a[199] = long_b[199] = '\0';
    long_b[198] = 'y';
    unsigned a = route(metrics, long_a), b = route(metrics, long_b);
    assert_int_not_equal(a, b);
    assert_int_equal(route(metrics, long_a), a);
    rw_metrics_destroy(metrics);
}

enum { OBSERVED = 100000 };

static void *observe_many(void *argument)
{
    struct rw_metrics_shard *shard = argument;
    for (unsigned i = 0; i < OBSERVED; i++) {
        rw_metrics_observe(rw_metrics_cell(shard, 0), 2, i, 1, 2);
        rw_metrics_count(shard, RW_COUNTER_UPSTREAM_REUSED, 1);
    }
    return NULL;
}

/* Whoever reads while a thread counts sees no less than before, and in the end all. */
static void test_reading_while_counting(void **state)
{
    (void)state;
    struct rw_metrics *metrics = create(1, 2);
    struct rw_metrics_shard *shard = rw_metrics_shard(metrics, 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, observe_many, shard), 0);
    uint64_t last = 0;
    for (int i = 0; i < 50; i++) {
        struct rw_series_cell sum = {0};
        rw_metrics_series_total(metrics, 0, &sum);
        assert_true(sum.status[2] >= last && sum.status[2] <= OBSERVED);
        last = sum.status[2];
        struct rw_text text = {0};
        rw_metrics_expose(metrics, &text);
        assert_int_equal(text.err, RW_OK);
        rw_text_free(&text);
    }
    pthread_join(thread, NULL);
    assert_int_equal(rw_metrics_total(metrics, RW_COUNTER_UPSTREAM_REUSED), OBSERVED);
    rw_metrics_destroy(metrics);
}

static void wait_for_success(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_processes_share_counters_and_names(void **state)
{
    (void)state;
    struct rw_metrics *metrics = create(2, 10);
    unsigned mine = route(metrics, "before the fork");
    pid_t child = fork();
    if (child == 0) {
        struct rw_metrics_shard *shard = rw_metrics_shard(metrics, 1);
        rw_metrics_count(shard, RW_COUNTER_TLS_HANDSHAKES, 41);
        unsigned theirs = route(metrics, "after the fork");
        rw_metrics_observe(rw_metrics_cell(shard, theirs), 3, 500, 1, 2);
        _exit(route(metrics, "before the fork") == mine ? 0 : 1);
    }
    wait_for_success(child);
    rw_metrics_count(rw_metrics_shard(metrics, 0), RW_COUNTER_TLS_HANDSHAKES, 1);
    assert_int_equal(rw_metrics_total(metrics, RW_COUNTER_TLS_HANDSHAKES), 42);
    struct rw_series_cell sum = {0};
    rw_metrics_series_total(metrics, route(metrics, "after the fork"), &sum);
    assert_int_equal(sum.status[3], 1);
    rw_metrics_destroy(metrics);
}

static void register_until_killed(struct rw_metrics *metrics, unsigned child)
{
    char name[32];
    for (unsigned i = 0;; i++) {
        snprintf(name, sizeof(name), "%u-%u", child, i % 400);
        route(metrics, name);
    }
}

static void test_death_while_registering_does_no_harm(void **state)
{
    (void)state;
    enum { CHILDREN = 30, NAMES = 400 };
    struct rw_metrics *metrics = create(1, CHILDREN * NAMES);
    for (unsigned i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0)
            register_until_killed(metrics, i);
        usleep(200 + i * 50);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    static bool taken[CHILDREN * NAMES + RW_SERIES_KINDS];
    char name[32];
    for (unsigned i = 0; i < CHILDREN * NAMES; i++) {
        snprintf(name, sizeof(name), "%u-%u", i / NAMES, i % NAMES);
        unsigned number = route(metrics, name);
        assert_true(number >= RW_SERIES_KINDS && number < CHILDREN * NAMES + RW_SERIES_KINDS);
        assert_false(taken[number]);
        taken[number] = true;
        assert_int_equal(route(metrics, name), number);
    }
    rw_metrics_destroy(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket_is_the_first_that_holds_the_duration),
        cmocka_unit_test(test_limits_of_creation),
        cmocka_unit_test(test_cells_fill_cache_lines),
        cmocka_unit_test(test_counters_add_up_over_shards),
        cmocka_unit_test(test_a_restarted_shard_counts_on_without_its_gauges),
        cmocka_unit_test(test_an_exchange_fills_its_cell),
        cmocka_unit_test(test_series_are_found_again),
        cmocka_unit_test(test_a_full_table_sends_the_rest_to_other),
        cmocka_unit_test(test_long_names_stay_apart),
        cmocka_unit_test(test_processes_share_counters_and_names),
        cmocka_unit_test(test_death_while_registering_does_no_harm),
        cmocka_unit_test(test_reading_while_counting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
