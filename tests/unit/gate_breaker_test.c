/* The breaker of an endpoint: what puts it out, trials, the slow return, and panic. */
#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "gate/cluster/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gate_cluster_fixture.h"

static struct rw_clusters *clusters;
static struct rw_random random_source;
static uint32_t cursor;

static void begin(void)
{
    fixture_begin("api");
    fixture.passive = (struct rw_config_passive_health){
        .eject_ms = 1000,
        .eject_percent_max = 100,
        .slow_percent = 50,
        .window_ms = 10000,
        .requests_min = 10,
        .trials = 2,
    };
}

static struct rw_cluster *make(unsigned endpoints)
{
    struct rw_cluster *cluster = NULL;
    for (unsigned i = 0; i < endpoints; i++)
        fixture_add(1, "10.0.0.%u:80", i + 1);
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_OK);
    return cluster;
}

static struct rw_endpoint *endpoint_of(const struct rw_cluster *cluster, unsigned index)
{
    return atomic_load(&cluster->set)->endpoints[index];
}

static struct rw_endpoint *choose(const struct rw_cluster *cluster, uint64_t now_ms)
{
    const struct rw_choice choice = {
        .now_ms = now_ms,
        .cursor = &cursor,
        .random = &random_source,
        .passive = &cluster->passive,
    };
    return rw_cluster_choose(cluster, &choice);
}

/* Of so many requests at this time, how many go to the first endpoint? */
static unsigned share(const struct rw_cluster *cluster, unsigned requests, uint64_t now_ms)
{
    unsigned count = 0;
    for (unsigned i = 0; i < requests; i++)
        count += choose(cluster, now_ms) == endpoint_of(cluster, 0);
    return count;
}

static bool report(const struct rw_cluster *cluster, bool failed, uint64_t now_ms)
{
    return rw_cluster_report(cluster, endpoint_of(cluster, 0), failed, now_ms);
}

static void a_share_of_errors(void **unused)
{
    (void)unused;
    begin();
    fixture.passive.error_percent = 40;
    struct rw_cluster *cluster = make(4);
    for (int i = 0; i < 6; i++) /* too few to tell */
        assert_false(report(cluster, true, 1000));
    for (int i = 0; i < 3; i++)
        assert_false(report(cluster, false, 1000));
    assert_true(report(cluster, true, 1000)); /* 7 of 10 */
    assert_int_equal(share(cluster, 100, 1500), 0);
    rw_cluster_drop(clusters, cluster);

    begin();
    fixture.passive.error_percent = 45;
    cluster = make(4);
    for (int i = 0; i < 100; i++)
        assert_false(report(cluster, i % 3 == 0, 20000)); /* every third: 34 of 100 */
    for (int i = 0; i < 9; i++)
        assert_false(report(cluster, true, 30000)); /* a new window */
    assert_true(report(cluster, true, 30000));
    rw_cluster_drop(clusters, cluster);

    begin();
    fixture.passive.error_percent = 40;
    cluster = make(4);
    for (int i = 0; i < 9; i++) /* of two threads: one's turn began before the other's */
        assert_false(report(cluster, true, i % 2 ? 39999 : 40000));
    assert_true(report(cluster, true, 40000));
    rw_cluster_drop(clusters, cluster);
}

static void slow_responses(void **unused)
{
    (void)unused;
    begin();
    fixture.passive.slow_ms = 500;
    struct rw_cluster *cluster = make(4);
    struct rw_endpoint *endpoint = endpoint_of(cluster, 0);
    for (int i = 0; i < 40; i++) /* every third */
        assert_false(rw_cluster_report_time(cluster, endpoint, i % 3 == 2 ? 500 : 499, 1000));
    bool ejected = false;
    for (int i = 0; i < 20 && !ejected; i++)
        ejected = rw_cluster_report_time(cluster, endpoint, 700, 1000);
    assert_true(ejected);
    assert_int_equal(share(cluster, 100, 1999), 0);
    rw_cluster_drop(clusters, cluster);
}

static void trials_one_at_a_time(void **unused)
{
    (void)unused;
    begin();
    fixture.passive.failures = 3;
    struct rw_cluster *cluster = make(2);
    assert_false(report(cluster, true, 1000));
    assert_false(report(cluster, true, 1000));
    assert_true(report(cluster, true, 1000));
    assert_int_equal(share(cluster, 100, 1999), 0);
    assert_int_equal(share(cluster, 100, 2000), 1); /* on trial */
    assert_int_equal(share(cluster, 100, 2500), 0); /* nobody has judged it yet */
    assert_true(report(cluster, true, 2600));       /* failed: longer now */
    assert_int_equal(share(cluster, 100, 4599), 0);
    assert_int_equal(share(cluster, 100, 4600), 1);
    assert_false(report(cluster, false, 4700));
    assert_int_equal(share(cluster, 100, 4700), 1); /* the second trial */
    assert_false(report(cluster, false, 4800));
    assert_int_equal(share(cluster, 100, 4800), 50);
    /* Well: the next time it is out as long as the first time. */
    for (int i = 0; i < 3; i++)
        (void)report(cluster, true, 5000);
    assert_int_equal(atomic_load(&endpoint_of(cluster, 0)->ejected_until_ms), 6000);
    /* A trial of which nothing is heard does not hold up the next for ever. */
    assert_int_equal(share(cluster, 100, 6000), 1);
    assert_int_equal(share(cluster, 100, 6999), 0);
    assert_int_equal(share(cluster, 100, 7000), 1);
    rw_cluster_drop(clusters, cluster);
}

static void slow_start(void **unused)
{
    (void)unused;
    begin();
    fixture.passive.failures = 1;
    fixture.passive.trials = 1;
    fixture.passive.slow_start_ms = 10000;
    struct rw_cluster *cluster = make(2);
    assert_true(report(cluster, true, 1000));
    assert_int_equal(share(cluster, 10, 2000), 1);
    assert_false(report(cluster, false, 2000));
    assert_in_range(share(cluster, 2000, 2001), 100, 280); /* a tenth of its turns */
    assert_in_range(share(cluster, 2000, 7000), 500, 830);
    assert_in_range(share(cluster, 2000, 11000), 700, 1000);
    assert_int_equal(share(cluster, 2000, 12000), 1000);
    assert_int_equal(atomic_load(&endpoint_of(cluster, 0)->ejected_until_ms), 0);
    rw_cluster_drop(clusters, cluster);
}

static void all_out(void **unused)
{
    (void)unused;
    for (int all = RW_ALL_OUT_ASK; all <= RW_ALL_OUT_REFUSE; all++) {
        begin();
        fixture.passive.failures = 1;
        fixture.passive.all_out = all;
        struct rw_cluster *cluster = make(2);
        for (unsigned i = 0; i < 2; i++)
            assert_true(rw_cluster_report(cluster, endpoint_of(cluster, i), true, 1000));
        assert_int_equal(choose(cluster, 1500) == NULL, all == RW_ALL_OUT_REFUSE);
        assert_non_null(choose(cluster, 2000)); /* the trials of both */
        assert_non_null(choose(cluster, 2000));
        assert_int_equal(choose(cluster, 2000) == NULL, all == RW_ALL_OUT_REFUSE);
        rw_cluster_drop(clusters, cluster);
    }
}

static void panic(void **unused)
{
    (void)unused;
    begin();
    struct rw_cluster *cluster = make(4);
    for (unsigned i = 0; i < 3; i++)
        atomic_store(&endpoint_of(cluster, i)->probe_failed, true);
    rw_cluster_judge_panic(cluster, 25);
    assert_int_equal(share(cluster, 100, 1000), 0);
    rw_cluster_judge_panic(cluster, 26);
    assert_int_equal(share(cluster, 100, 1000), 25);
    atomic_store(&endpoint_of(cluster, 1)->probe_failed, false);
    rw_cluster_judge_panic(cluster, 50);
    assert_int_equal(share(cluster, 100, 1000), 0);
    rw_cluster_drop(clusters, cluster);
}

static int set_up(void **unused)
{
    (void)unused;
    const struct rw_clusters_options options = {0};
    rw_log_set_level(RW_LOG_ERROR);
    rw_random_seed(&random_source, 5);
    return rw_clusters_create(&options, &clusters) != RW_OK;
}

static int tear_down(void **unused)
{
    (void)unused;
    rw_clusters_destroy(clusters);
    rw_arena_free(&fixture.arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_of_errors),
        cmocka_unit_test(slow_responses),
        cmocka_unit_test(trials_one_at_a_time),
        cmocka_unit_test(slow_start),
        cmocka_unit_test(all_out),
        cmocka_unit_test(panic),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
