/* Balancing: shares follow weights, what is down is passed over, few keys move. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/random.h"
#include "gate/cluster/balance/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ENDPOINTS_MAX = RW_CLUSTER_ENDPOINTS_MAX, DRAWS = 100000 };

/* Endpoints without a registry: never dropped to zero. */
static struct rw_endpoint *endpoints;
static char names[ENDPOINTS_MAX + 1][16];
static struct rw_random random_state;
static uint32_t cursor;

static int set_up(void **unused)
{
    (void)unused;
    endpoints = aligned_alloc(64, (ENDPOINTS_MAX + 1) * sizeof(*endpoints)); /* libc: test memory */
    memset(endpoints, 0, (ENDPOINTS_MAX + 1) * sizeof(*endpoints));
    for (int i = 0; i <= ENDPOINTS_MAX; i++) {
        int len = snprintf(names[i], sizeof(names[i]), "10.0.%03d.%03d:80", i / 250, i % 250);
        endpoints[i].name = rw_span(names[i], (size_t)len);
        atomic_init(&endpoints[i].references, 1);
    }
    rw_random_seed(&random_state, 42);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    free(endpoints); /* libc: test memory */
    return 0;
}

static struct rw_endpoint_set *make_set(const uint32_t *weights, unsigned count, int balance)
{
    struct rw_balance_member *members = calloc(count + 1, sizeof(*members)); /* libc: test memory */
    for (unsigned i = 0; i < count; i++)
        members[i] = (struct rw_balance_member){.endpoint = &endpoints[i],
                                                .weight = weights ? weights[i] : 1};
    struct rw_endpoint_set *set = NULL;
    assert_int_equal(rw_endpoint_set_create(members, count, balance, &set), RW_OK);
    free(members); /* libc: test memory */
    return set;
}

static struct rw_choice choice_at(uint64_t now_ms)
{
    return (struct rw_choice){.now_ms = now_ms, .cursor = &cursor, .random = &random_state};
}

static unsigned index_of(const struct rw_endpoint *endpoint)
{
    return (unsigned)(endpoint - endpoints);
}

/* Counts what `draws` choices give; hashes are spread evenly. */
static void count_choices(const struct rw_endpoint_set *set, int balance, unsigned draws,
                          unsigned *counts)
{
    memset(counts, 0, set->count * sizeof(*counts));
    for (unsigned i = 0; i < draws; i++) {
        struct rw_choice choice = choice_at(1000);
        choice.hash = rw_hash(&i, sizeof(i), 7);
        counts[index_of(rw_balance_choose(set, balance, &choice))]++;
    }
}

static void assert_share(unsigned count, unsigned draws, double share, double tolerance)
{
    double got = (double)count / draws;
    if (got < share * (1 - tolerance) || got > share * (1 + tolerance))
        fail_msg("share is %f, expected %f", got, share);
}

static void shares_follow_weights(void **unused)
{
    (void)unused;
    const uint32_t weights[] = {1, 2, 3, 4, 0};
    for (int balance = RW_BALANCE_ROUND_ROBIN; balance <= RW_BALANCE_RANDOM; balance++) {
        struct rw_endpoint_set *set = make_set(weights, 5, balance);
        unsigned counts[5];
        count_choices(set, balance, DRAWS, counts);
        for (int i = 0; i < 4; i++)
            assert_share(counts[i], DRAWS, weights[i] / 10.0, 0.05);
        assert_int_equal(counts[4], 0);
        rw_endpoint_set_destroy(set);
    }
}

static void round_robin_is_even_and_smooth(void **unused)
{
    (void)unused;
    const uint32_t weights[] = {500, 100, 100};
    struct rw_endpoint_set *set = make_set(weights, 3, RW_BALANCE_ROUND_ROBIN);
    assert_int_equal(set->schedule_count, 7); /* by the greatest common divisor */
    unsigned counts[3], longest = 0, run = 0;
    count_choices(set, RW_BALANCE_ROUND_ROBIN, 7, counts);
    assert_int_equal(counts[0], 5);
    assert_int_equal(counts[1], 1);
    for (unsigned i = 0; i < 7; i++) {
        run = set->schedule[i] == 0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    assert_in_range(longest, 1, 3);
    rw_endpoint_set_destroy(set);
}

static void large_weights_are_scaled(void **unused)
{
    (void)unused;
    const uint32_t weights[] = {4000000000u, 1, 2000000001u};
    struct rw_endpoint_set *set = make_set(weights, 3, RW_BALANCE_ROUND_ROBIN);
    assert_in_range(set->schedule_count, 3, RW_SCHEDULE_MAX);
    unsigned counts[3];
    count_choices(set, RW_BALANCE_ROUND_ROBIN, set->schedule_count, counts);
    assert_share(counts[0], set->schedule_count, 2.0 / 3, 0.01);
    assert_int_equal(counts[1], 1);
    rw_endpoint_set_destroy(set);
}

static void those_out_are_passed_over(void **unused)
{
    (void)unused;
    for (int balance = RW_BALANCE_ROUND_ROBIN; balance <= RW_BALANCE_RANDOM; balance++) {
        struct rw_endpoint_set *set = make_set(NULL, 5, balance);
        unsigned counts[5];
        atomic_store(&endpoints[1].probe_failed, true);
        atomic_store(&endpoints[3].ejected_until_ms, 1001);
        count_choices(set, balance, DRAWS, counts);
        assert_int_equal(counts[1] + counts[3], 0);
        for (int i = 0; i < 5; i += 2)
            assert_share(counts[i], DRAWS, 1 / 3.0, 0.06);
        atomic_store(&endpoints[3].ejected_until_ms, 1000); /* over */
        count_choices(set, balance, DRAWS, counts);
        assert_true(counts[3] > 0);
        atomic_store(&endpoints[1].probe_failed, false);
        atomic_store(&endpoints[3].ejected_until_ms, 0);
        rw_endpoint_set_destroy(set);
    }
}

static void avoid_panic_and_none(void **unused)
{
    (void)unused;
    for (int balance = RW_BALANCE_ROUND_ROBIN; balance <= RW_BALANCE_RANDOM; balance++) {
        struct rw_endpoint_set *set = make_set(NULL, 3, balance);
        struct rw_choice choice = choice_at(1000);
        choice.avoid = &endpoints[1];
        for (choice.hash = 0; choice.hash < 100; choice.hash++)
            assert_ptr_not_equal(rw_balance_choose(set, balance, &choice), &endpoints[1]);
        /* The others are out: better the avoided one than one that is ejected. */
        atomic_store(&endpoints[0].probe_failed, true);
        atomic_store(&endpoints[2].ejected_until_ms, 2000);
        assert_ptr_equal(rw_balance_choose(set, balance, &choice), &endpoints[1]);
        /* All ejected or down: panic takes one that is not down, and not the avoided one. */
        atomic_store(&endpoints[1].ejected_until_ms, 2000);
        assert_ptr_equal(rw_balance_choose(set, balance, &choice), &endpoints[2]);
        atomic_store(&endpoints[2].probe_failed, true);
        assert_ptr_equal(rw_balance_choose(set, balance, &choice), &endpoints[1]);
        atomic_store(&endpoints[1].probe_failed, true);
        assert_null(rw_balance_choose(set, balance, &choice));
        for (int i = 0; i < 3; i++) {
            atomic_store(&endpoints[i].probe_failed, false);
            atomic_store(&endpoints[i].ejected_until_ms, 0);
        }
        rw_endpoint_set_destroy(set);
    }
}

static void latency_prefers_the_quick(void **unused)
{
    (void)unused;
    const uint64_t us[] = {1000, 1000, 20000, 300000};
    struct rw_endpoint_set *set = make_set(NULL, 4, RW_BALANCE_LATENCY);
    struct rw_choice choice = choice_at(1000);
    /* Each is asked once, and not again before it has answered. */
    for (int i = 0; i < 4; i++)
        atomic_fetch_add(&rw_balance_choose(set, RW_BALANCE_LATENCY, &choice)->active, 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(atomic_load(&endpoints[i].active), 1);
        atomic_store(&endpoints[i].active, 0);
        rw_endpoint_observe(&endpoints[i], us[i], false, 1000);
    }
    unsigned counts[4];
    count_choices(set, RW_BALANCE_LATENCY, DRAWS, counts);
    assert_int_equal(counts[2] + counts[3], 0);
    assert_share(counts[0], DRAWS, 0.5, 0.1);
    /* By what is under way: 20 there are as dear as one here. */
    atomic_store(&endpoints[0].active, 30);
    atomic_store(&endpoints[1].active, 30);
    assert_ptr_equal(rw_balance_choose(set, RW_BALANCE_LATENCY, &choice), &endpoints[2]);
    atomic_store(&endpoints[0].active, 0);
    atomic_store(&endpoints[1].active, 0);
    /* Up at once, down with time. */
    rw_endpoint_observe(&endpoints[0], 50000, false, 1000);
    assert_ptr_equal(rw_balance_choose(set, RW_BALANCE_LATENCY, &choice), &endpoints[1]);
    rw_endpoint_observe(&endpoints[1], 100, true, 1000); /* quick to fail */
    assert_ptr_equal(rw_balance_choose(set, RW_BALANCE_LATENCY, &choice), &endpoints[2]);
    for (uint64_t ms = 1000; ms < 20000; ms += 100)
        rw_endpoint_observe(&endpoints[0], 1000, false, ms);
    choice = choice_at(20000);
    assert_ptr_equal(rw_balance_choose(set, RW_BALANCE_LATENCY, &choice), &endpoints[0]);
    /* What was seen long ago is not believed for ever. */
    rw_endpoint_observe(&endpoints[0], 1000, false, 200000);
    choice = choice_at(200000);
    assert_ptr_not_equal(rw_balance_choose(set, RW_BALANCE_LATENCY, &choice), &endpoints[0]);
    for (int i = 0; i < 4; i++)
        atomic_store(&endpoints[i].latency, 0);
    rw_endpoint_set_destroy(set);
}

/* A thread whose turn began before another's: its sample is one of the same moment. */
static void latency_of_an_earlier_turn(void **unused)
{
    (void)unused;
    rw_endpoint_observe(&endpoints[0], 300000, false, 1000);
    rw_endpoint_observe(&endpoints[0], 1000, false, 999);
    assert_int_equal((uint32_t)atomic_load(&endpoints[0].latency), 300000);
    rw_endpoint_observe(&endpoints[0], 1000, false, 1999);
    assert_int_equal((uint32_t)atomic_load(&endpoints[0].latency), 150500);
    atomic_store(&endpoints[0].latency, 0);
}

static void least_requests_prefers_the_idle(void **unused)
{
    (void)unused;
    struct rw_endpoint_set *set = make_set(NULL, 2, RW_BALANCE_LEAST_REQUESTS);
    struct rw_choice choice = choice_at(0);
    atomic_store(&endpoints[0].active, 5);
    for (int i = 0; i < 1000; i++)
        assert_ptr_equal(rw_balance_choose(set, RW_BALANCE_LEAST_REQUESTS, &choice), &endpoints[1]);
    atomic_store(&endpoints[0].active, 0);
    rw_endpoint_set_destroy(set);

    /* Requests that stay: all endpoints fill up evenly. */
    set = make_set(NULL, 10, RW_BALANCE_LEAST_REQUESTS);
    for (int i = 0; i < 10000; i++)
        atomic_fetch_add(&rw_balance_choose(set, RW_BALANCE_LEAST_REQUESTS, &choice)->active, 1);
    for (int i = 0; i < 10; i++) {
        assert_in_range(atomic_load(&endpoints[i].active), 990, 1010);
        atomic_store(&endpoints[i].active, 0);
    }
    rw_endpoint_set_destroy(set);
}

/* Of all keys, the share that goes elsewhere when the last endpoint goes, beyond its own keys. */
static double disruption(unsigned count)
{
    struct rw_endpoint_set *before = make_set(NULL, count, RW_BALANCE_HASH);
    struct rw_endpoint_set *after = make_set(NULL, count - 1, RW_BALANCE_HASH);
    unsigned moved = 0;
    for (unsigned i = 0; i < DRAWS; i++) {
        struct rw_choice choice = choice_at(0);
        choice.hash = rw_hash(&i, sizeof(i), 7);
        struct rw_endpoint *was = rw_balance_choose(before, RW_BALANCE_HASH, &choice);
        struct rw_endpoint *is = rw_balance_choose(after, RW_BALANCE_HASH, &choice);
        moved += was != is && was != &endpoints[count - 1];
    }
    rw_endpoint_set_destroy(before);
    rw_endpoint_set_destroy(after);
    return (double)moved / DRAWS;
}

static void hashing_is_stable(void **unused)
{
    (void)unused;
    assert_true(disruption(3) < 0.05);
    assert_true(disruption(10) < 0.05);
    assert_true(disruption(50) < 0.05);
    assert_true(disruption(500) < 0.05);
    /* Even, too: the fullest endpoint has little more than the emptiest. */
    struct rw_endpoint_set *set = make_set(NULL, 50, RW_BALANCE_HASH);
    unsigned entries[50] = {0}, least = UINT32_MAX, most = 0;
    for (unsigned i = 0; i < set->table_count; i++)
        entries[set->table[i]]++;
    for (unsigned i = 0; i < 50; i++) {
        least = entries[i] < least ? entries[i] : least;
        most = entries[i] > most ? entries[i] : most;
    }
    assert_true(most - least <= 2);
    rw_endpoint_set_destroy(set);
}

static void limits(void **unused)
{
    (void)unused;
    for (int balance = RW_BALANCE_ROUND_ROBIN; balance <= RW_BALANCE_RANDOM; balance++) {
        struct rw_choice choice = choice_at(0);
        struct rw_endpoint_set *set = make_set(NULL, 0, balance);
        assert_null(rw_balance_choose(set, balance, &choice));
        rw_endpoint_set_destroy(set);
        const uint32_t zero[] = {0, 0};
        set = make_set(zero, 2, balance);
        assert_null(rw_balance_choose(set, balance, &choice));
        rw_endpoint_set_destroy(set);
        set = make_set(NULL, 1, balance);
        assert_ptr_equal(rw_balance_choose(set, balance, &choice), &endpoints[0]);
        choice.avoid = &endpoints[0];
        assert_ptr_equal(rw_balance_choose(set, balance, &choice), &endpoints[0]);
        rw_endpoint_set_destroy(set);
        set = make_set(NULL, ENDPOINTS_MAX, balance);
        assert_int_equal(set->schedule_count, ENDPOINTS_MAX);
        choice.avoid = NULL;
        assert_non_null(rw_balance_choose(set, balance, &choice));
        rw_endpoint_set_destroy(set);
    }
    struct rw_balance_member *members =
        calloc(ENDPOINTS_MAX + 1, sizeof(*members)); /* libc: test memory */
    struct rw_endpoint_set *set;
    assert_int_equal(rw_endpoint_set_create(members, ENDPOINTS_MAX + 1, 0, &set), RW_ELIMIT);
    free(members); /* libc: test memory */
}

static void allocation_failures(void **unused)
{
    (void)unused;
    const struct rw_balance_member member = {.endpoint = &endpoints[0], .weight = 1};
    struct rw_endpoint_set *set = NULL;
    for (unsigned n = 0;; n++) {
        rw_alloc_fail_after(n);
        enum rw_err err = rw_endpoint_set_create(&member, 1, RW_BALANCE_HASH, &set);
        rw_alloc_fail_never();
        if (!err)
            break;
        assert_int_equal(err, RW_ENOMEM);
        assert_int_equal(atomic_load(&endpoints[0].references), 1);
    }
    rw_endpoint_set_destroy(set);
    assert_int_equal(atomic_load(&endpoints[0].references), 1);
}

/* Two endpoints; the first was ejected until `until_ms` (0: it was not). */
static void begin_trial(uint64_t until_ms)
{
    for (int i = 0; i < 2; i++) {
        atomic_store(&endpoints[i].active, 0);
        atomic_store(&endpoints[i].trial_ms, 0);
        atomic_store(&endpoints[i].latency, 0);
        if (until_ms)
            rw_endpoint_observe(&endpoints[i], 1000, false, 1000);
    }
    atomic_store(&endpoints[0].ejected_until_ms, until_ms);
}

/* The one request of a trial is not drawn and then given to somebody else. */
static void a_trial_is_a_request(void **unused)
{
    (void)unused;
    const struct rw_config_passive_health passive = {.trials = 1};
    for (int balance = RW_BALANCE_ROUND_ROBIN; balance <= RW_BALANCE_PATH; balance++) {
        for (int round = 0; round < 100; round++) {
            begin_trial(900);
            atomic_store(&endpoints[0].active, 50); /* what it had before it went out */
            struct rw_endpoint_set *set = make_set(NULL, 2, balance);
            struct rw_choice choice = choice_at(1000);
            choice.passive = &passive;
            choice.hash = (uint64_t)round * 0x9e3779b97f4a7c15ull;
            unsigned to_trial = 0;
            for (int i = 0; i < 5; i++)
                to_trial += index_of(rw_balance_choose(set, balance, &choice)) == 0;
            assert_int_equal(to_trial, atomic_load(&endpoints[0].trial_ms) != 0);
            rw_endpoint_set_destroy(set);
        }
    }
    begin_trial(0);
}

/* One that is slow is waited for, one that is gone is not. */
static void one_trial_at_a_time(void **unused)
{
    (void)unused;
    const struct rw_config_passive_health passive = {.trials = 1};
    static const struct {
        uint64_t after_ms, active;
        bool another;
    } cases[] = {{0, 0, false},    {999, 0, false},   {1000, 0, true},
                 {1000, 1, false}, {29999, 1, false}, {30000, 1, true}};
    struct rw_endpoint_set *set = make_set(NULL, 2, RW_BALANCE_ROUND_ROBIN);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        unsigned to_trial = 0;
        begin_trial(900);
        for (int k = 0; k < 6; k++) {
            struct rw_choice choice = choice_at(k < 3 ? 1000 : 1000 + cases[i].after_ms);
            choice.passive = &passive;
            to_trial += index_of(rw_balance_choose(set, RW_BALANCE_ROUND_ROBIN, &choice)) == 0;
            atomic_store(&endpoints[0].active, cases[i].active);
        }
        assert_int_equal(to_trial, 1 + cases[i].another);
    }
    begin_trial(0);
    rw_endpoint_set_destroy(set);
}

/* With `trials: 0` an endpoint is one of many again when its time is over. */
static void without_trials_it_is_one_of_many(void **unused)
{
    (void)unused;
    const struct rw_config_passive_health passive = {.trials = 0};
    for (int balance = RW_BALANCE_ROUND_ROBIN; balance <= RW_BALANCE_PATH; balance++) {
        unsigned counts[2] = {0};
        begin_trial(900);
        struct rw_endpoint_set *set = make_set(NULL, 2, balance);
        for (unsigned i = 0; i < 1000; i++) {
            struct rw_choice choice = choice_at(1000);
            choice.passive = &passive;
            choice.hash = rw_hash(&i, sizeof(i), 7);
            counts[index_of(rw_balance_choose(set, balance, &choice))]++;
        }
        if (counts[0] < 300 || counts[1] < 300)
            fail_msg("balance %d: %u, %u", balance, counts[0], counts[1]);
        rw_endpoint_set_destroy(set);
    }
    begin_trial(0);
}

/* Told, not asserted: machines differ, and sanitizers are slow. */
static void cost(void **unused)
{
    (void)unused;
    enum { ROUNDS = 1000000 };
    for (int balance = RW_BALANCE_ROUND_ROBIN; balance <= RW_BALANCE_RANDOM; balance++) {
        struct rw_endpoint_set *set = make_set(NULL, 20, balance);
        struct rw_choice choice = choice_at(1000);
        uint64_t begin_ns = rw_clock_monotonic_ns();
        for (unsigned i = 0; i < ROUNDS; i++) {
            choice.hash = i * 0x9e3779b97f4a7c15ull;
            if (!rw_balance_choose(set, balance, &choice))
                fail();
        }
        print_message("balance %d: %.1f ns a choice\n", balance,
                      (double)(rw_clock_monotonic_ns() - begin_ns) / ROUNDS);
        rw_endpoint_set_destroy(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_follow_weights),
        cmocka_unit_test(round_robin_is_even_and_smooth),
        cmocka_unit_test(large_weights_are_scaled),
        cmocka_unit_test(those_out_are_passed_over),
        cmocka_unit_test(avoid_panic_and_none),
        cmocka_unit_test(latency_prefers_the_quick),
        cmocka_unit_test(latency_of_an_earlier_turn),
        cmocka_unit_test(least_requests_prefers_the_idle),
        cmocka_unit_test(a_trial_is_a_request),
        cmocka_unit_test(one_trial_at_a_time),
        cmocka_unit_test(without_trials_it_is_one_of_many),
        cmocka_unit_test(hashing_is_stable),
        cmocka_unit_test(limits),
        cmocka_unit_test(allocation_failures),
        cmocka_unit_test(cost),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
