/* The registry: what is shared, what is removed, what is released and when. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "gate_cluster_fixture.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEFERRED_MAX = 4096, THREADS = 8, MANY = 600 };

/* ---- A defer that waits to be told ---- */

static struct {
    void (*release)(void *object);
    void *object;
} deferred[DEFERRED_MAX];
static unsigned deferred_count;

static void defer(void *user, void (*release)(void *object), void *object)
{
    (void)user;
    assert_true(deferred_count < DEFERRED_MAX);
    deferred[deferred_count].release = release;
    deferred[deferred_count++].object = object;
}

static void release_deferred(void)
{
    for (unsigned i = 0; i < deferred_count; i++)
        deferred[i].release(deferred[i].object);
    deferred_count = 0;
}

static struct rw_clusters *clusters;

static int set_up(void **unused)
{
    (void)unused;
    const struct rw_clusters_options options = {.defer = defer};
    return rw_clusters_create(&options, &clusters);
}

static int tear_down(void **unused)
{
    (void)unused;
    release_deferred();
    rw_clusters_destroy(clusters);
    fixture_end();
    return 0;
}

static struct rw_cluster *make(void)
{
    struct rw_cluster *cluster = NULL;
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_OK);
    return cluster;
}

static struct rw_endpoint *endpoint_of(struct rw_cluster *cluster, unsigned index)
{
    return atomic_load(&cluster->set)->endpoints[index];
}

/* ---- Tests ---- */

static void addresses_become_endpoints(void **unused)
{
    (void)unused;
    fixture_begin("api");
    fixture_add(1, "10.0.0.2:80");
    fixture_add(2, "[::1]:8080");
    fixture_add(3, "unix:/run/app.sock");
    fixture_add(4, "10.0.0.2:80");     /* again: one endpoint with the sum of the weights */
    fixture_add(1, "name.example:80"); /* without a loop it stays unknown */
    struct rw_cluster *cluster = make();
    assert_string_equal(fixture_names(cluster), "10.0.0.2:80 [::1]:8080 unix:/run/app.sock");
    struct rw_endpoint_set *set = atomic_load(&cluster->set);
    assert_int_equal(set->weights[0] * 2, set->weights[1] * 5);
    assert_true(rw_span_is(endpoint_of(cluster, 0)->host, "10.0.0.2"));
    assert_true(rw_span_is(endpoint_of(cluster, 1)->host, "::1"));
    assert_int_equal(endpoint_of(cluster, 2)->host.len, 0);
    assert_int_equal(endpoint_of(cluster, 0)->address_bytes, sizeof(struct sockaddr_in));
    assert_true(endpoint_of(cluster, 0)->slot < 3);
    assert_int_equal(cluster->passive.failures, 3);
    assert_int_equal(cluster->connections.idle_max, 8);
    rw_cluster_drop(clusters, cluster);
}

static void wrong_addresses_are_told(void **unused)
{
    (void)unused;
    const char *const wrong[] = {"name",  "name:0", "name:99999",     ":x",
                                 "a:b:1", "unix:",  "10.0.0.1:99999", ":80:"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct rw_cluster *cluster;
        fixture_begin("api");
        fixture_add(1, "10.0.0.1:80");
        fixture_add(1, "%s", wrong[i]);
        assert_int_equal(fixture_make(clusters, false, &cluster), RW_EINVAL);
        assert_int_equal(fixture.report.count, 1);
        release_deferred();
    }
    struct rw_cluster *cluster;
    fixture_begin("api");
    for (int i = 0; i <= RW_CLUSTER_ENDPOINTS_MAX; i++)
        fixture_add(1, "10.0.%d.%d:80", i / 250, i % 250);
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_EINVAL);
    assert_int_equal(fixture.report.count, 1);
}

static void reload_shares_state(void **unused)
{
    (void)unused;
    fixture_begin("api");
    fixture_add(1, "10.0.0.1:80");
    fixture_add(1, "10.0.0.2:80");
    struct rw_cluster *before = make();
    rw_clusters_activate(clusters, before);
    struct rw_endpoint *gone = rw_endpoint_hold(endpoint_of(before, 0));
    struct rw_endpoint *stays = endpoint_of(before, 1);
    atomic_store(&stays->active, 7);

    fixture_begin("api");
    fixture_add(5, "10.0.0.2:80");
    fixture_add(1, "10.0.0.3:80");
    struct rw_cluster *after = make();
    rw_clusters_activate(clusters, after);
    assert_ptr_equal(endpoint_of(after, 0), stays);
    assert_int_not_equal(before->slot, after->slot);
    fixture_begin("other");
    fixture_add(1, "10.0.0.2:80");
    struct rw_cluster *other = make();
    assert_ptr_not_equal(endpoint_of(other, 0), stays);

    assert_false(atomic_load(&gone->removed));
    rw_cluster_drop(clusters, before);
    assert_true(atomic_load(&gone->removed));
    assert_false(atomic_load(&stays->removed));
    /* A worker may still look at it. */
    assert_string_equal(fixture_names(before), "10.0.0.1:80 10.0.0.2:80");
    release_deferred();
    assert_int_equal(atomic_load(&gone->references), 1);
    assert_int_equal(atomic_load(&stays->references), 1);
    rw_endpoint_drop(gone);
    rw_cluster_drop(clusters, after);
    rw_cluster_drop(clusters, other);
}

static struct rw_cluster *make_many(const char *name)
{
    fixture_begin(name);
    for (unsigned i = 0; i < MANY; i++)
        fixture_add(1, "10.0.%u.%u:80", i / 250, i % 250 + 1);
    return make();
}

/* More than there were buckets at first, and the same addresses for each upstream. */
static void many_endpoints_are_found_again(void **unused)
{
    (void)unused;
    static const char *const names[] = {"a", "b", "c", "d"};
    struct rw_cluster *before[4], *after[4];
    for (unsigned of = 0; of < 4; of++)
        before[of] = make_many(names[of]);
    for (unsigned of = 0; of < 4; of++) {
        after[of] = make_many(names[of]);
        for (unsigned i = 0; i < MANY; i++) {
            assert_ptr_equal(endpoint_of(after[of], i), endpoint_of(before[of], i));
            assert_true(of == 0 || endpoint_of(before[of], i) != endpoint_of(before[0], i));
        }
    }
    for (unsigned of = 0; of < 4; of++)
        rw_cluster_drop(clusters, before[of]);
    for (unsigned of = 0; of < 4; of++)
        rw_cluster_drop(clusters, after[of]);
}

static void slots_are_small_and_reused_late(void **unused)
{
    (void)unused;
    fixture_begin("api");
    fixture_add(1, "10.0.0.1:80");
    struct rw_cluster *first = make();
    struct rw_endpoint *kept = rw_endpoint_hold(endpoint_of(first, 0));
    assert_int_equal(kept->slot, 0);
    assert_int_equal(first->slot, 0);
    rw_cluster_drop(clusters, first);
    release_deferred();
    /* Removed, but a connection still has it: neither the slot nor the endpoint is used again. */
    struct rw_cluster *second = make();
    assert_int_equal(second->slot, 0);
    assert_int_equal(endpoint_of(second, 0)->slot, 1);
    rw_endpoint_drop(kept);
    rw_cluster_drop(clusters, second);
    release_deferred();
    fixture_begin("api");
    for (int i = 0; i < 130; i++)
        fixture_add(1, "10.0.0.%d:80", i);
    struct rw_cluster *third = make();
    for (unsigned i = 0; i < 130; i++)
        assert_true(endpoint_of(third, i)->slot < 130);
    rw_cluster_drop(clusters, third);
}

static void description(void **unused)
{
    (void)unused;
    fixture_begin("a\"b");
    fixture_add(1, "10.0.0.1:80");
    fixture_add(2, "10.0.0.2:80");
    struct rw_cluster *old = make(), *cluster = make();
    rw_clusters_activate(clusters, cluster);
    atomic_store(&endpoint_of(cluster, 1)->probe_failed, true);
    atomic_store(&endpoint_of(cluster, 0)->open, 3);
    struct rw_text text = {0};
    rw_clusters_describe(clusters, &text);
    assert_string_equal(
        text.at,
        "[{\"name\":\"a\\\"b\",\"balance\":\"round_robin\",\"probed\":false,\"tls\":false,\"protocol\":\"http1\","
        "\"endpoints\":[{\"address\":\"10.0.0.1:80\",\"host\":\"10.0.0.1\",\"weight\":1,\"priority\":0,"
        "\"state\":\"up\",\"failures\":0,\"ejections\":0,\"open\":3,\"active\":0},"
        "{\"address\":\"10.0.0.2:80\",\"host\":\"10.0.0.2\",\"weight\":2,\"priority\":0,\"state\":\"down\","
        "\"failures\":0,\"ejections\":0,\"open\":0,\"active\":0}]}]");
    rw_text_free(&text);
    rw_clusters_expose(clusters, &text);
    assert_non_null(strstr(text.at, "# TYPE ringway_upstream_endpoint_healthy gauge\n"));
    assert_non_null(strstr(text.at, "{upstream=\"a\\\"b\",endpoint=\"10.0.0.1:80\"} 1\n"));
    assert_non_null(strstr(text.at, "{upstream=\"a\\\"b\",endpoint=\"10.0.0.2:80\"} 0\n"));
    rw_text_free(&text);
    /* A configuration without probes forgets what probes found. */
    struct rw_cluster *next = make();
    rw_clusters_activate(clusters, next);
    assert_false(atomic_load(&endpoint_of(next, 1)->probe_failed));
    rw_cluster_drop(clusters, old);
    rw_cluster_drop(clusters, cluster);
    rw_cluster_drop(clusters, next);
}

/* Requests that began before a reload go by the endpoints that there were. */
static void older_probes_are_forgotten(void **unused)
{
    (void)unused;
    fixture_begin("api");
    fixture_add(1, "10.0.0.1:80");
    struct rw_cluster *old = make();
    rw_clusters_activate(clusters, old);
    atomic_store(&endpoint_of(old, 0)->probe_failed, true);
    fixture_end();
    fixture_begin("api");
    fixture_add(1, "10.0.0.2:80");
    struct rw_cluster *next = make();
    rw_clusters_activate(clusters, next);
    assert_false(atomic_load(&endpoint_of(old, 0)->probe_failed));
    rw_cluster_drop(clusters, old);
    rw_cluster_drop(clusters, next);
}

static void allocation_failures(void **unused)
{
    (void)unused;
    unsigned failures = 0;
    for (;; failures++) {
        struct rw_cluster *cluster = NULL;
        fixture_begin("api");
        fixture.upstream.balance = RW_BALANCE_HASH;
        for (int i = 0; i < 100; i++)
            fixture_add(1, "10.0.0.%d:80", i);
        rw_alloc_fail_after(failures);
        enum rw_err err = fixture_make(clusters, false, &cluster);
        rw_alloc_fail_never();
        release_deferred();
        if (err == RW_OK) {
            rw_cluster_drop(clusters, cluster);
            break;
        }
        assert_int_equal(err, RW_ENOMEM);
    }
    assert_true(failures > 100);
    for (unsigned n = 0; n < 5; n++) {
        const struct rw_clusters_options options = {0};
        struct rw_clusters *made = NULL;
        rw_alloc_fail_after(n);
        enum rw_err err = rw_clusters_create(&options, &made);
        rw_alloc_fail_never();
        assert_true((err == RW_OK) == (n >= 4));
        if (!err)
            rw_clusters_destroy(made);
    }
}

/* ---- Many threads choose and report while sets come and go ---- */

struct chooser {
    pthread_t thread;
    unsigned seed;
    _Atomic uint64_t passes; /* through its loop */
};

static struct chooser choosers[THREADS];
static _Atomic(struct rw_cluster *) shared_cluster;
static _Atomic bool stop;

static void *choose_all_the_time(void *argument)
{
    struct chooser *chooser = argument;
    struct rw_random random;
    uint32_t cursor = chooser->seed;
    rw_random_seed(&random, chooser->seed);
    for (uint64_t i = 0; !atomic_load(&stop); i++) {
        struct rw_cluster *cluster = atomic_load(&shared_cluster);
        struct rw_choice choice = {
            .hash = rw_random_u64(&random), .now_ms = i, .cursor = &cursor, .random = &random};
        struct rw_endpoint *endpoint = rw_cluster_choose(cluster, &choice);
        if (endpoint) {
            rw_endpoint_hold(endpoint);
            atomic_fetch_add_explicit(&endpoint->active, 1, memory_order_relaxed);
            rw_cluster_report(cluster, endpoint, rw_random_below(&random, 3) > 0, i);
            atomic_fetch_sub_explicit(&endpoint->active, 1, memory_order_relaxed);
            rw_endpoint_drop(endpoint);
        }
        atomic_fetch_add(&chooser->passes, 1);
    }
    return NULL;
}

/* Every thread has passed through its loop since. */
static void wait_for_passes(void)
{
    uint64_t seen[THREADS];
    for (int i = 0; i < THREADS; i++)
        seen[i] = atomic_load(&choosers[i].passes);
    for (int i = 0; i < THREADS; i++) {
        while (atomic_load(&choosers[i].passes) < seen[i] + 2)
            sched_yield();
    }
}

static void configure_round(unsigned round)
{
    fixture_begin("api");
    fixture.upstream.balance = (int)(round % 4);
    fixture.passive.eject_ms = 50;
    for (unsigned i = 0; i < 3 + round % 5; i++)
        fixture_add(1 + i, "10.0.0.%u:80", (round + i) % 10);
}

static void swaps_under_load(void **unused)
{
    (void)unused;
    atomic_store(&stop, false);
    configure_round(0);
    struct rw_cluster *current = make();
    atomic_store(&shared_cluster, current);
    for (unsigned i = 0; i < THREADS; i++) {
        choosers[i].seed = i;
        atomic_store(&choosers[i].passes, 0);
        pthread_create(&choosers[i].thread, NULL, choose_all_the_time, &choosers[i]);
    }
    uint64_t end_ns = rw_clock_monotonic_ns() + RW_NS_PER_S;
    for (unsigned round = 1; rw_clock_monotonic_ns() < end_ns; round++) {
        configure_round(round);
        struct rw_cluster *next = make();
        rw_clusters_activate(clusters, next);
        atomic_store(&shared_cluster, next);
        wait_for_passes(); /* nobody uses the old cluster any more */
        rw_cluster_drop(clusters, current);
        wait_for_passes();
        release_deferred();
        current = next;
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(choosers[i].thread, NULL);
    const struct rw_endpoint_set *set = atomic_load(&current->set);
    for (unsigned i = 0; i < set->count; i++) {
        assert_int_equal(atomic_load(&set->endpoints[i]->active), 0);
        assert_int_equal(atomic_load(&set->endpoints[i]->references), 1);
    }
    rw_cluster_drop(clusters, current);
}

int main(void)
{
    rw_log_set_level(RW_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(addresses_become_endpoints, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_addresses_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reload_shares_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_endpoints_are_found_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slots_are_small_and_reused_late, set_up, tear_down),
        cmocka_unit_test_setup_teardown(description, set_up, tear_down),
        cmocka_unit_test_setup_teardown(older_probes_are_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(allocation_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(swaps_under_load, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
