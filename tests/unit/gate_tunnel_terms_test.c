/* What tunnels of a route share: who gets the same, who does not, and when it goes. */
#include "base/alloc.h"
#include "gate/tunnel/tunnel_terms.h"
#include "gate/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct rw_metrics *metrics;
static struct rw_worker worker;

static int set_up(void **state)
{
    (void)state;
    const struct rw_worker_options options = {.loop.backend = RW_LOOP_EPOLL};
    assert_int_equal(rw_metrics_create(1, 8, &metrics), RW_OK);
    struct rw_worker_options with_metrics = options;
    with_metrics.metrics = rw_metrics_shard(metrics, 0);
    worker = (struct rw_worker){0};
    return rw_worker_create(&with_metrics, &worker);
}

/* A table with something in it would stop the worker here. */
static int tear_down(void **state)
{
    (void)state;
    rw_worker_destroy(&worker);
    rw_metrics_destroy(metrics);
    return 0;
}

static struct rw_tunnel_terms usual(void)
{
    return (struct rw_tunnel_terms){.worker = &worker,
                                    .limits = {.idle_ms = 1000, .half_closed_ms = 10},
                                    .route_series = 3,
                                    .route = RW_LITERAL("sockets"),
                                    .upstream = RW_LITERAL("app")};
}

static void test_equal_ones_are_one(void **state)
{
    (void)state;
    const struct rw_tunnel_terms like = usual(), again = usual();
    const struct rw_tunnel_terms *one = rw_tunnel_terms_hold(&like);
    const struct rw_tunnel_terms *two = rw_tunnel_terms_hold(&again);
    assert_non_null(one);
    assert_ptr_equal(one, two);
    rw_tunnel_terms_drop(one);
    assert_true(rw_span_is(two->route, "sockets")); /* alive: one holds it still */
    rw_tunnel_terms_drop(two);
}

static void test_any_difference_makes_another(void **state)
{
    (void)state;
    const struct rw_tunnel_terms like = usual();
    struct rw_tunnel_terms others[8];
    const struct rw_tunnel_terms *held[8];
    for (int i = 0; i < 8; i++)
        others[i] = usual();
    others[0].limits.total_ms = 1;
    others[1].limits.close_ms_max = 1;
    others[2].route_series = 4;
    others[3].route = RW_LITERAL("socket");
    others[4].upstream = RW_LITERAL("apps");
    others[5].route = RW_LITERAL("socketsa"); /* the same letters one after the other */
    others[5].upstream = RW_LITERAL("pp");
    others[6].observer = (const struct rw_tunnel_observer *)&worker;
    others[7].upstream = (struct rw_span){0};
    const struct rw_tunnel_terms *one = rw_tunnel_terms_hold(&like);
    for (int i = 0; i < 8; i++) {
        held[i] = rw_tunnel_terms_hold(&others[i]);
        assert_non_null(held[i]);
        assert_ptr_not_equal(held[i], one);
        for (int j = 0; j < i; j++)
            assert_ptr_not_equal(held[i], held[j]);
    }
    for (int i = 0; i < 8; i++)
        rw_tunnel_terms_drop(held[i]);
    rw_tunnel_terms_drop(one);
}

static void test_texts_are_its_own(void **state)
{
    (void)state;
    char route[] = "sockets", upstream[] = "app";
    struct rw_tunnel_terms like = usual();
    like.route = rw_span_text(route);
    like.upstream = rw_span_text(upstream);
    const struct rw_tunnel_terms *terms = rw_tunnel_terms_hold(&like);
    memset(route, 'x', sizeof(route) - 1);
    memset(upstream, 'x', sizeof(upstream) - 1);
    assert_true(rw_span_is(terms->route, "sockets"));
    assert_true(rw_span_is(terms->upstream, "app"));
    rw_tunnel_terms_drop(terms);
}

/* More than there are chains, let go in another order than taken. */
static void test_many(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    static const struct rw_tunnel_terms *held[MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        struct rw_tunnel_terms like = usual();
        like.limits.idle_ms = i;
        held[i] = rw_tunnel_terms_hold(&like);
        assert_non_null(held[i]);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t at = (i * 7) % MANY;
        assert_int_equal(held[at]->limits.idle_ms, at);
        rw_tunnel_terms_drop(held[at]);
    }
}

static void test_without_memory(void **state)
{
    (void)state;
    const struct rw_tunnel_terms like = usual();
    for (uint64_t successes = 0;; successes++) {
        rw_alloc_fail_after(successes);
        const struct rw_tunnel_terms *terms = rw_tunnel_terms_hold(&like);
        rw_alloc_fail_never();
        if (!terms)
            continue;
        rw_tunnel_terms_drop(terms);
        assert_int_equal(successes, 2); /* the worker's table, and the terms */
        break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_equal_ones_are_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_any_difference_makes_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_texts_are_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
