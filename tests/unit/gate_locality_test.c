/* Places and priorities: how far, which tier, what spills over, what comes after the last one. */
#include "base/alloc.h"
#include "base/map.h"
#include "base/random.h"
#include "gate/cluster/balance/tiers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "gate_cluster_fixture.h"

enum { DRAWS = 40000 };

static struct rw_clusters *clusters;
static struct rw_random random_source;
static uint32_t cursor;
static struct rw_locality own;
static struct rw_config_locality preference;
static uint64_t now_ms = 1000;

static int set_up(void **unused)
{
    (void)unused;
    const struct rw_clusters_options options = {0};
    rw_random_seed(&random_source, 7);
    return rw_clusters_create(&options, &clusters);
}

static int tear_down(void **unused)
{
    (void)unused;
    rw_clusters_destroy(clusters);
    fixture_end();
    return 0;
}

static struct rw_locality at(const char *zone, const char *region, const char *cloud)
{
    return (struct rw_locality){rw_span_text(zone), rw_span_text(region), rw_span_text(cloud)};
}

/* ---- A cluster ---- */

static void begin(int balance)
{
    fixture_begin("api");
    own = at("a", "eu", "aws");
    preference = (struct rw_config_locality){RW_PREFER_ZONE, 70};
    fixture.config.locality = &own;
    fixture.upstream.locality = &preference;
    fixture.upstream.balance = balance;
    fixture.passive.eject_percent_max = 100;
    now_ms += 1000;
}

static void add(struct rw_locality locality, uint32_t priority)
{
    size_t at = fixture.upstream.endpoints.count;
    fixture_add(1, "10.0.0.%zu:80", at + 10);
    fixture.endpoints[at].locality = locality;
    fixture.endpoints[at].priority = priority;
}

static struct rw_cluster *make(void)
{
    struct rw_cluster *cluster = NULL;
    assert_int_equal(fixture_make(clusters, false, &cluster), RW_OK);
    return cluster;
}

/* Four here, four in the region, four elsewhere. */
static struct rw_cluster *make_three_places(int balance)
{
    begin(balance);
    for (int i = 0; i < 12; i++)
        add(i < 4 ? at("a", "eu", "aws") : i < 8 ? at("b", "eu", "aws") : at("a", "us", "gcp"), 0);
    return make();
}

static struct rw_endpoint *endpoint_of(const struct rw_cluster *cluster, unsigned index)
{
    return atomic_load(&cluster->set)->endpoints[index];
}

static void set_down(const struct rw_cluster *cluster, unsigned from, unsigned to, bool down)
{
    for (unsigned i = from; i < to; i++)
        atomic_store(&endpoint_of(cluster, i)->probe_failed, down);
    now_ms += 100; /* the shares are counted again */
}

static struct rw_endpoint *choose(const struct rw_cluster *cluster, uint64_t hash,
                                  const struct rw_endpoint *avoid)
{
    const struct rw_choice choice = {
        .hash = rw_hash(&hash, sizeof(hash), 9),
        .now_ms = now_ms,
        .cursor = &cursor,
        .random = &random_source,
        .passive = &cluster->passive,
        .avoid = avoid,
    };
    return rw_cluster_choose(cluster, &choice);
}

static unsigned counts[64];

static void count(const struct rw_cluster *cluster, unsigned draws)
{
    const struct rw_endpoint_set *set = atomic_load(&cluster->set);
    memset(counts, 0, sizeof(counts));
    for (unsigned i = 0; i < draws; i++) {
        const struct rw_endpoint *endpoint = choose(cluster, i, NULL);
        for (unsigned k = 0; k < set->count; k++)
            counts[k] += set->endpoints[k] == endpoint;
    }
}

static void assert_share(unsigned from, unsigned to, double share)
{
    unsigned sum = 0;
    for (unsigned i = from; i < to; i++)
        sum += counts[i];
    double got = (double)sum / DRAWS;
    if (got < share - 0.03 || got > share + 0.03)
        fail_msg("endpoints %u to %u get %f, expected %f", from, to, got, share);
}

static void assert_even(unsigned from, unsigned to)
{
    for (unsigned i = from + 1; i < to; i++)
        assert_in_range(counts[i] * 100, counts[from] * 70ul, counts[from] * 140ul);
}

/* ---- Tests ---- */

static void distances(void **unused)
{
    (void)unused;
    const struct {
        struct rw_locality a, b;
        enum rw_distance distance;
    } cases[] = {
        {at("a", "eu", "aws"), at("a", "eu", "aws"), RW_DISTANCE_ZONE},
        {at("a", "", ""), at("a", "", ""), RW_DISTANCE_ZONE},
        {at("a", "eu", "aws"), at("a", "", ""), RW_DISTANCE_ZONE},
        {at("a", "eu", ""), at("a", "us", ""), RW_DISTANCE_FAR}, /* another zone of that name */
        {at("a", "eu", "aws"), at("a", "eu", "gcp"), RW_DISTANCE_FAR},
        {at("a", "eu", "aws"), at("b", "eu", "aws"), RW_DISTANCE_REGION},
        {at("", "eu", ""), at("b", "eu", "aws"), RW_DISTANCE_REGION},
        {at("a", "eu", "aws"), at("b", "us", "aws"), RW_DISTANCE_CLOUD},
        {at("a", "eu", "aws"), at("", "", ""), RW_DISTANCE_FAR},
        {at("", "", ""), at("", "", ""), RW_DISTANCE_FAR},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(rw_locality_distance(&cases[i].a, &cases[i].b), cases[i].distance);
        assert_int_equal(rw_locality_distance(&cases[i].b, &cases[i].a), cases[i].distance);
    }
    assert_int_equal(rw_locality_prefer(RW_DISTANCE_ZONE, RW_PREFER_REGION), RW_DISTANCE_REGION);
    assert_int_equal(rw_locality_prefer(RW_DISTANCE_FAR, RW_PREFER_REGION), RW_DISTANCE_FAR);
    assert_int_equal(rw_locality_prefer(RW_DISTANCE_ZONE, RW_PREFER_NONE), RW_DISTANCE_FAR);
}

static void one_place_has_no_tiers(void **unused)
{
    (void)unused;
    begin(RW_BALANCE_ROUND_ROBIN);
    add(at("a", "eu", "aws"), 0);
    add(at("a", "eu", "aws"), 0);
    struct rw_cluster *cluster = make();
    assert_null(atomic_load(&cluster->set)->tiers);
    rw_cluster_drop(clusters, cluster);
}

static void near_ones_take_all_and_spill_in_proportion(void **unused)
{
    (void)unused;
    for (int balance = RW_BALANCE_ROUND_ROBIN; balance <= RW_BALANCE_LATENCY; balance++) {
        struct rw_cluster *cluster = make_three_places(balance);
        count(cluster, DRAWS);
        assert_share(0, 4, 1);
        if (balance != RW_BALANCE_LATENCY) /* which asks each of them once, and the soonest then */
            assert_even(0, 4);

        set_down(cluster, 0, 1, true); /* 75% are up, and 70% are enough */
        count(cluster, DRAWS);
        assert_share(0, 4, 1);
        assert_int_equal(counts[0], 0);

        set_down(cluster, 0, 2, true); /* 50 / 70 */
        count(cluster, DRAWS);
        assert_share(2, 4, 50.0 / 70);
        assert_share(4, 8, 20.0 / 70);
        assert_share(8, 12, 0);
        if (balance != RW_BALANCE_LATENCY) {
            assert_even(2, 4);
            assert_even(4, 8);
        }

        set_down(cluster, 0, 4, true);
        count(cluster, DRAWS);
        assert_share(4, 8, 1);

        set_down(cluster, 4, 7, true); /* a quarter of the region: 25 / 70 */
        count(cluster, DRAWS);
        assert_share(7, 8, 25.0 / 70);
        assert_share(8, 12, 45.0 / 70);

        set_down(cluster, 4, 9, true); /* all that is left is 75% of the farthest */
        set_down(cluster, 8, 10, true);
        count(cluster, DRAWS);
        assert_share(10, 12, 1);
        set_down(cluster, 0, 12, false);
        rw_cluster_drop(clusters, cluster);
    }
}

static void shares_of_what_is_left(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster = make_three_places(RW_BALANCE_RANDOM);
    set_down(cluster, 1, 4, true); /* 25 / 70 here, the same in the region, nobody elsewhere */
    set_down(cluster, 5, 12, true);
    count(cluster, DRAWS);
    assert_share(0, 1, 0.5);
    assert_share(4, 5, 0.5);
    set_down(cluster, 0, 12, true);
    assert_null(choose(cluster, 1, NULL));
    rw_cluster_judge_panic(cluster, 50); /* probes are not believed: as if all were up */
    now_ms += 100;
    count(cluster, DRAWS);
    assert_share(0, 4, 1);
    set_down(cluster, 0, 12, false);
    rw_cluster_drop(clusters, cluster);
}

static void priority_comes_before_distance(void **unused)
{
    (void)unused;
    begin(RW_BALANCE_ROUND_ROBIN);
    add(at("a", "us", "gcp"), 0);
    add(at("a", "eu", "aws"), 1);
    add(at("a", "eu", "aws"), 2);
    struct rw_cluster *cluster = make();
    for (unsigned i = 0; i < 3; i++) {
        count(cluster, DRAWS);
        assert_share(i, i + 1, 1);
        set_down(cluster, i, i + 1, true);
    }
    rw_cluster_drop(clusters, cluster);
}

static void no_count_is_waited_for(void **unused)
{
    (void)unused;
    struct rw_cluster *cluster = make_three_places(RW_BALANCE_ROUND_ROBIN);
    assert_true(rw_span_is(choose(cluster, 0, NULL)->locality.zone, "a"));
    for (unsigned i = 0; i < 4; i++) /* and the clock stands still */
        atomic_store(&endpoint_of(cluster, i)->probe_failed, true);
    count(cluster, 1000);
    assert_int_equal(counts[0] + counts[1] + counts[2] + counts[3], 0);
    assert_int_equal(counts[8] + counts[9] + counts[10] + counts[11], 0);
    set_down(cluster, 0, 4, false);
    rw_cluster_drop(clusters, cluster);
}

static void a_retry_goes_elsewhere(void **unused)
{
    (void)unused;
    begin(RW_BALANCE_ROUND_ROBIN);
    add(at("a", "eu", "aws"), 0);
    add(at("b", "eu", "aws"), 0);
    struct rw_cluster *cluster = make();
    struct rw_endpoint *first = choose(cluster, 0, NULL);
    assert_ptr_equal(first, endpoint_of(cluster, 0));
    assert_ptr_equal(choose(cluster, 0, first), endpoint_of(cluster, 1));
    rw_cluster_drop(clusters, cluster);
}

static void one_on_trial_gets_its_trials(void **unused)
{
    (void)unused;
    begin(RW_BALANCE_ROUND_ROBIN);
    add(at("a", "eu", "aws"), 0);
    add(at("b", "eu", "aws"), 0);
    fixture.passive.trials = 2;
    struct rw_cluster *cluster = make();
    struct rw_endpoint *near = endpoint_of(cluster, 0);
    for (int i = 0; i < 3; i++)
        rw_cluster_report(cluster, near, true, now_ms);
    count(cluster, 1000);
    assert_int_equal(counts[1], 1000);
    now_ms += 1001; /* the ejection is over */
    unsigned trials = 0;
    for (unsigned i = 0; i < 10000 && trials < 2; i++) {
        if (choose(cluster, i, NULL) != near)
            continue;
        trials++;
        rw_cluster_report(cluster, near, false, now_ms);
    }
    assert_int_equal(trials, 2);
    now_ms += 100;
    count(cluster, DRAWS);
    assert_share(0, 1, 1);
    rw_cluster_drop(clusters, cluster);
}

/* A reload with another label: the endpoint is another one. */
static void labels_are_part_of_an_endpoint(void **unused)
{
    (void)unused;
    begin(RW_BALANCE_ROUND_ROBIN);
    add(at("a", "eu", "aws"), 0);
    struct rw_cluster *before = make();
    begin(RW_BALANCE_ROUND_ROBIN);
    add(at("a", "eu", "aws"), 0);
    struct rw_cluster *same = make();
    begin(RW_BALANCE_ROUND_ROBIN);
    add(at("b", "eu", "aws"), 0);
    struct rw_cluster *other = make();
    assert_ptr_equal(endpoint_of(before, 0), endpoint_of(same, 0));
    assert_ptr_not_equal(endpoint_of(before, 0), endpoint_of(other, 0));
    rw_cluster_drop(clusters, before);
    rw_cluster_drop(clusters, same);
    rw_cluster_drop(clusters, other);
}

static void few_keys_move(void **unused)
{
    (void)unused;
    enum { KEYS = 2000 };
    static struct rw_endpoint *before[KEYS];
    struct rw_cluster *cluster = make_three_places(RW_BALANCE_HASH);
    unsigned moved = 0;
    for (unsigned i = 0; i < KEYS; i++)
        before[i] = choose(cluster, i, NULL);
    set_down(cluster, 0, 2, true);
    for (unsigned i = 0; i < KEYS; i++) {
        bool was_up = before[i] != endpoint_of(cluster, 0) && before[i] != endpoint_of(cluster, 1);
        moved += was_up && choose(cluster, i, NULL) != before[i];
        assert_ptr_equal(choose(cluster, i, NULL), choose(cluster, i, NULL));
    }
    /* Of the half whose endpoint is there those who spill over. */
    assert_in_range(moved, 1, KEYS / 2 * 20 / 70 * 5 / 4);
    set_down(cluster, 0, 2, false);
    rw_cluster_drop(clusters, cluster);
}

static void every_allocation_can_fail(void **unused)
{
    (void)unused;
    enum rw_err err = RW_ENOMEM;
    for (uint64_t nth = 0; err; nth++) {
        struct rw_cluster *cluster;
        begin(RW_BALANCE_HASH);
        add(at("a", "eu", "aws"), 0);
        add(at("b", "eu", "aws"), 0);
        rw_alloc_fail_after(nth);
        err = fixture_make(clusters, false, &cluster);
        rw_alloc_fail_never();
        if (!err)
            rw_cluster_drop(clusters, cluster);
        else
            assert_int_equal(err, RW_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),
        cmocka_unit_test(one_place_has_no_tiers),
        cmocka_unit_test(near_ones_take_all_and_spill_in_proportion),
        cmocka_unit_test(shares_of_what_is_left),
        cmocka_unit_test(priority_comes_before_distance),
        cmocka_unit_test(no_count_is_waited_for),
        cmocka_unit_test(a_retry_goes_elsewhere),
        cmocka_unit_test(one_on_trial_gets_its_trials),
        cmocka_unit_test(labels_are_part_of_an_endpoint),
        cmocka_unit_test(few_keys_move),
        cmocka_unit_test(every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
