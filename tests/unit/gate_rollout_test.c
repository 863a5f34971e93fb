/* Rollouts: the tests behind them against published values and by simulation, and how stages are
 * gone through. */
#include "base/log.h"
#include "base/random.h"
#include "gate/release/rollout.h"
#include "gate/release/state.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-9 * fabs(expected) + 1e-300))
        fail_msg("%.15g is not %.15g", value, expected);
}

/* ---- Fisher's exact test ---- */

static void fisher_published(void **state)
{
    (void)state;
    /* Fisher, The Design of Experiments, 1935, chapter II: the lady tasting tea. */
    assert_near(rw_fisher_greater(3, 4, 1, 4), 17.0 / 70);
    assert_near(rw_fisher_greater(4, 4, 0, 4), 1.0 / 70);
    /* Fisher, The logic of inductive inference, 1935: like-sexed twins of convicted criminals; R's
     * help of fisher.test has it with p = 0.0004652. */
    assert_true(fabs(rw_fisher_greater(10, 13, 2, 17) - 0.0004652) < 5e-8);
}

/* Of sums of binomial coefficients, exactly. */
static void fisher_exact(void **state)
{
    (void)state;
    assert_near(rw_fisher_greater(5, 100, 3, 1000), 0.0002531958466119036);
    assert_near(rw_fisher_greater(50, 1000, 40, 1000), 0.16584464059121445);
    assert_near(rw_fisher_greater(1, 10, 9, 10), 0.9999945874558878);
    assert_near(rw_fisher_greater(30, 1000, 100, 19000), 1.3023232942801514e-12);
    assert_near(rw_fisher_greater(10, 10, 0, 10), 1 / 184756.0);
    assert_near(rw_fisher_greater(0, 10, 0, 10), 1);
    assert_near(rw_fisher_greater(0, 0, 7, 10), 1);
    assert_near(rw_fisher_greater(7, 10, 0, 0), 1);
}

static void fisher_large(void **state)
{
    (void)state;
    double even = rw_fisher_greater(500000, 100000000, 500000, 100000000);
    assert_true(even > 0.49 && even < 0.51);
    assert_true(rw_fisher_greater(600000, 100000000, 500000, 100000000) < 1e-300);
    assert_near(rw_fisher_greater(400000, 100000000, 500000, 100000000), 1);
}

/* ---- Latency ---- */

static struct rw_release_counts latencies(uint64_t to_1_ms, uint64_t to_10_ms, uint64_t to_100_ms)
{
    struct rw_release_counts counts = {.requests = to_1_ms + to_10_ms + to_100_ms};
    counts.buckets[rw_metrics_bucket(1000)] = to_1_ms;
    counts.buckets[rw_metrics_bucket(10000)] = to_10_ms;
    counts.buckets[rw_metrics_bucket(100000)] = to_100_ms;
    return counts;
}

static void quantiles(void **state)
{
    (void)state;
    struct rw_release_counts counts = latencies(90, 8, 2), none = {0}, beyond = {.requests = 3};
    assert_near(rw_release_quantile_us(&counts, 0.45), 750); /* half way from 500 to 1000 */
    assert_near(rw_release_quantile_us(&counts, 0.9), 1000);
    assert_near(rw_release_quantile_us(&counts, 0.94), 7500);
    assert_near(rw_release_quantile_us(&counts, 0.99), 75000);
    assert_near(rw_release_quantile_us(&none, 0.5), 0);
    beyond.buckets[RW_LATENCY_BUCKETS - 1] = 3;
    assert_near(rw_release_quantile_us(&beyond, 0.5), 30000000);
}

static void the_slow_ones_are_compared(void **state)
{
    (void)state;
    struct rw_release_counts fast = latencies(950, 40, 10), slow = latencies(850, 140, 10);
    struct rw_release_counts none = {0}, same = latencies(0, 1000, 0);
    /* Together 2000, of which 200 took longer than 1 ms: the bound nearest to 5%. */
    assert_near(rw_release_slower_p(&slow, &fast, 0.95), rw_fisher_greater(150, 1000, 50, 1000));
    assert_true(rw_release_slower_p(&slow, &fast, 0.95) < 1e-12);
    assert_true(rw_release_slower_p(&fast, &slow, 0.95) > 0.999);
    assert_near(rw_release_slower_p(&fast, &slow, 0.99), rw_fisher_greater(10, 1000, 10, 1000));
    assert_near(rw_release_slower_p(&same, &same, 0.95), 1);
    assert_near(rw_release_slower_p(&none, &none, 0.95), 1);
}

/* With half of the traffic: of all the slowest 5% there is hardly any, though the two have nothing
 * in common. */
static void slow_all_over_is_slow(void **state)
{
    (void)state;
    struct rw_release_counts slow = latencies(0, 0, 37), fast = latencies(42, 0, 0);
    slow.buckets[RW_LATENCY_BUCKETS - 1] = 1;
    slow.requests++;
    assert_near(rw_release_slower_p(&slow, &fast, 0.95), 2 * rw_fisher_greater(38, 38, 0, 42));
    assert_true(rw_release_slower_p(&slow, &fast, 0.95) < 1e-20);
    assert_near(rw_release_slower_p(&fast, &slow, 0.95), 1);
}

/* ---- Looks ---- */

static const struct rw_judge_settings settings = {.alpha = 0.01,
                                                  .error_tolerance = 0.005,
                                                  .quantile = 0.95,
                                                  .latency_tolerance = 0.25};

static void looks_share_the_chance_of_an_error(void **state)
{
    (void)state;
    struct rw_release_counts counts = latencies(100, 0, 0);
    double sum = 0;
    for (unsigned look = 1; look <= 1000; look++)
        sum += 2 * rw_judge(&settings, look, &counts, &counts).limit;
    assert_true(sum > 0.0098 && sum < 0.01);
}

static void tolerances_hold_whatever_the_test_says(void **state)
{
    (void)state;
    struct rw_release_counts candidate = latencies(100000, 0, 0), baseline = candidate;
    baseline.errors = 100;
    candidate.errors = 500; /* 0.4 points more, and surely more */
    struct rw_judgement found = rw_judge(&settings, 1, &candidate, &baseline);
    assert_true(found.errors_p < 1e-30 && !found.more_errors && found.within);
    candidate.errors = 700;
    found = rw_judge(&settings, 1, &candidate, &baseline);
    assert_true(found.more_errors && !found.within && !found.slower);
    candidate = latencies(20, 0, 0);
    candidate.errors = 1; /* 4.9 points more: it may be chance */
    found = rw_judge(&settings, 1, &candidate, &baseline);
    assert_true(!found.more_errors && !found.within);
}

/* Versions that are the same, looked at as rollouts do: hardly one in a hundred is turned back. One
 * that fails ten times as often is, nearly always, and soon. */
static unsigned turned_back(double candidate_rate, double baseline_rate, unsigned trials)
{
    struct rw_random random;
    unsigned count = 0;
    rw_random_seed(&random, 11);
    for (unsigned trial = 0; trial < trials; trial++) {
        struct rw_release_counts both[2] = {{0}, {0}};
        const double rates[2] = {candidate_rate, baseline_rate};
        unsigned look = 0;
        bool back = false;
        for (uint64_t until = 20; until < 4000 && !back; until += until / 2) {
            for (unsigned i = 0; i < 2; i++)
                for (; both[i].requests < until; both[i].requests++) {
                    bool failed = rw_random_below(&random, 1000000) < rates[i] * 1e6;
                    bool slow = rw_random_below(&random, 20) == 0;
                    both[i].errors += failed;
                    both[i].buckets[slow ? 9 : 6]++;
                }
            struct rw_judge_settings strict = {.alpha = 0.01, .quantile = 0.95};
            struct rw_judgement found = rw_judge(&strict, ++look, &both[0], &both[1]);
            back = found.more_errors || found.slower;
        }
        count += back;
    }
    return count;
}

static void false_alarms_are_rare_and_bad_versions_found(void **state)
{
    (void)state;
    assert_in_range(turned_back(0.02, 0.02, 1000), 0, 10);
    assert_in_range(turned_back(0.2, 0.02, 200), 199, 200);
}

/* ---- Shared state ---- */

static void states_are_found_again_by_all_who_share_them(void **state)
{
    (void)state;
    struct rw_release_states *states, *others;
    struct rw_release_state *first, *second, *again;
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(rw_release_states_create(fd, &states), RW_OK);
    assert_int_equal(rw_release_states_find(states, 7, 1000, &first), RW_OK);
    assert_int_equal(rw_release_states_find(states, 8, 1000, &second), RW_OK);
    assert_ptr_not_equal(first, second);
    atomic_store(&first->percent, 25);
    assert_int_equal(rw_release_states_create(fd, &others), RW_OK);
    assert_int_equal(rw_release_states_find(others, 7, 1001, &again), RW_OK);
    assert_int_equal(atomic_load(&again->percent), 25);
    rw_release_states_destroy(states);
    rw_release_states_destroy(others);
    close(fd);
}

static void the_state_that_nobody_has_goes_first(void **state)
{
    (void)state;
    struct rw_release_states *states;
    struct rw_release_state *found, *oldest;
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(rw_release_states_create(fd, &states), RW_OK);
    for (unsigned id = 1; id <= RW_RELEASE_STATES_MAX; id++) {
        assert_int_equal(rw_release_states_find(states, id, 10000 + id, &found), RW_OK);
        oldest = id == 1 ? found : oldest;
        atomic_store(&found->percent, 50);
    }
    assert_int_equal(rw_release_states_find(states, 5000, 10000 + 3600, &found), RW_ELIMIT);
    assert_int_equal(rw_release_states_find(states, 5000, 10000 + 3602, &found), RW_OK);
    assert_ptr_equal(found, oldest);
    assert_int_equal(atomic_load(&found->percent), 0);
    rw_release_states_destroy(states);
    close(fd);
}

/* ---- A rollout ---- */

static struct {
    int fd;
    struct rw_release_states *states;
    struct rw_metrics *metrics;
    struct rw_metrics_shard *shard;
    struct rw_rollouts *rollouts;
    struct rw_rollouts_time now;
    struct rw_config_rollout_stage stages[4];
    struct rw_config_rollout config;
    struct rw_config_release release_config;
    struct rw_config_version version_configs[2];
    struct rw_release_version versions[2];
    struct rw_rollout rollout;
    struct rw_release release;
} world;

static void compile(void)
{
    world.rollout = (struct rw_rollout){.config = &world.config, .candidate = 1, .baseline = 0};
    world.release = (struct rw_release){.route = RW_LITERAL("shop"),
                                        .config = &world.release_config,
                                        .versions = world.versions,
                                        .count = 2,
                                        .rollout = &world.rollout};
    assert_int_equal(rw_release_states_find(world.states, rw_release_id(&world.release), 1,
                                            &world.rollout.state),
                     RW_OK);
}

static void open_world(bool automatic)
{
    static const char *const names[] = {"stable", "canary"};
    memset(&world, 0, sizeof(world));
    world.fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(rw_release_states_create(world.fd, &world.states), RW_OK);
    assert_int_equal(rw_metrics_create(1, 10, &world.metrics), RW_OK);
    world.shard = rw_metrics_shard(world.metrics, 0);
    static const uint32_t percents[] = {5, 50, 100};
    for (unsigned i = 0; i < 3; i++)
        world.stages[i] = (struct rw_config_rollout_stage){percents[i], 60000, 100};
    world.config = (struct rw_config_rollout){.stages = {world.stages, 3},
                                              .automatic = automatic,
                                              .latency_quantile = 95,
                                              .error_tolerance = 0.005,
                                              .latency_tolerance = 0.25,
                                              .false_alarms = 0.01};
    for (unsigned i = 0; i < 2; i++) {
        world.version_configs[i].name = rw_span_text(names[i]);
        world.version_configs[i].weight = 1;
        world.versions[i].config = &world.version_configs[i];
        world.versions[i].series = rw_metrics_series(world.metrics, RW_SERIES_VERSION,
                                                     RW_LITERAL("shop"), rw_span_text(names[i]));
    }
    struct rw_rollouts_options options = {.metrics = world.metrics};
    assert_int_equal(rw_rollouts_create(&options, &world.rollouts), RW_OK);
    compile();
    rw_rollouts_adopt(world.rollouts, &world.release);
}

static void close_world(void)
{
    rw_rollouts_destroy(world.rollouts);
    rw_metrics_destroy(world.metrics);
    rw_release_states_destroy(world.states);
    close(world.fd);
}

static void requests(unsigned version, unsigned count, unsigned failures, uint64_t us)
{
    struct rw_series_cell *cell = rw_metrics_cell(world.shard, world.versions[version].series);
    for (unsigned i = 0; i < count; i++)
        rw_metrics_observe(cell, i < failures ? 5 : 2, us, 0, 0);
    for (unsigned i = 0; i < failures; i++)
        rw_metrics_failure(cell);
}

static void pass(unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        world.now.now_ms += 1000;
        world.now.wall_s++;
        rw_rollouts_look(world.rollouts, &world.now);
    }
}

static void expect(enum rw_release_phase phase, unsigned percent)
{
    double shares[RW_RELEASE_VERSIONS_MAX];
    assert_int_equal(atomic_load(&world.rollout.state->phase), phase);
    assert_int_equal(atomic_load(&world.rollout.state->percent), percent);
    rw_release_shares(&world.release, shares);
    assert_near(shares[1], percent / 100.0);
    assert_near(shares[0], 1 - percent / 100.0);
}

static void act(const char *action, enum rw_err expected)
{
    struct rw_text why = {0};
    assert_int_equal(
        rw_rollouts_act(world.rollouts, RW_LITERAL("shop"), rw_span_text(action), &world.now, &why),
        expected);
    assert_true(why.len > 0);
    rw_text_free(&why);
}

static void a_good_version_comes_in_by_stages(void **state)
{
    (void)state;
    open_world(true);
    requests(1, 1000, 1000, 100000); /* what was before does not count */
    pass(1);
    expect(RW_ROLLOUT_RUNNING, 5);
    requests(0, 2000, 4, 900);
    requests(1, 99, 0, 900);
    pass(100);
    expect(RW_ROLLOUT_RUNNING, 5); /* too few requests */
    requests(1, 1, 0, 900);
    pass(1);
    expect(RW_ROLLOUT_RUNNING, 50);
    requests(0, 1000, 2, 900);
    requests(1, 1000, 2, 900);
    pass(50);
    expect(RW_ROLLOUT_RUNNING, 50); /* too soon */
    pass(12);
    expect(RW_ROLLOUT_COMPLETE, 100);
    act("promote", RW_EINVAL);
    act("restart", RW_OK);
    expect(RW_ROLLOUT_RUNNING, 5);
    close_world();
}

static void a_version_that_fails_is_turned_back_at_once(void **state)
{
    (void)state;
    open_world(true);
    pass(1);
    requests(0, 400, 0, 900);
    requests(1, 20, 10, 900);
    pass(1);
    expect(RW_ROLLOUT_ROLLED_BACK, 0);
    requests(0, 4000, 0, 900);
    pass(1000);
    expect(RW_ROLLOUT_ROLLED_BACK, 0);
    act("promote", RW_EINVAL);
    act("rollback", RW_EINVAL);
    close_world();
}

static void a_slow_version_is_turned_back(void **state)
{
    (void)state;
    open_world(true);
    pass(1);
    requests(0, 2000, 0, 900);
    requests(1, 80, 0, 900);
    requests(1, 40, 0, 90000);
    pass(1);
    expect(RW_ROLLOUT_ROLLED_BACK, 0);
    close_world();
}

/* Two of 100 are more than none, but may be chance: more has to be seen. */
static void a_doubtful_version_waits(void **state)
{
    (void)state;
    open_world(true);
    pass(1);
    requests(0, 2000, 0, 900);
    requests(1, 98, 0, 900);
    requests(1, 2, 2, 900);
    pass(200);
    expect(RW_ROLLOUT_RUNNING, 5);
    requests(0, 20000, 0, 900);
    requests(1, 1000, 0, 900);
    pass(1);
    expect(RW_ROLLOUT_RUNNING, 50);
    close_world();
}

static void by_hand(void **state)
{
    (void)state;
    open_world(false);
    pass(1);
    expect(RW_ROLLOUT_PAUSED, 0);
    requests(0, 2000, 0, 900);
    requests(1, 2000, 2000, 900);
    pass(100);
    expect(RW_ROLLOUT_PAUSED, 0);
    act("promote", RW_OK);
    expect(RW_ROLLOUT_PAUSED, 5);
    requests(1, 2000, 2000, 900);
    pass(100);
    expect(RW_ROLLOUT_PAUSED, 5);
    act("resume", RW_EINVAL);
    act("pause", RW_EINVAL);
    act("promote", RW_OK);
    act("promote", RW_OK);
    expect(RW_ROLLOUT_COMPLETE, 100);
    act("rollback", RW_OK);
    expect(RW_ROLLOUT_ROLLED_BACK, 0);
    act("turn", RW_ENOENT);
    close_world();
}

static void a_pause_holds_until_it_is_resumed(void **state)
{
    (void)state;
    open_world(true);
    pass(1);
    act("pause", RW_OK);
    requests(0, 2000, 0, 900);
    requests(1, 200, 200, 900);
    pass(100);
    expect(RW_ROLLOUT_PAUSED, 5);
    act("resume", RW_OK); /* counts anew */
    requests(0, 2000, 0, 900);
    requests(1, 200, 0, 900);
    pass(1);
    requests(0, 2000, 0, 900);
    requests(1, 200, 0, 900);
    pass(61);
    expect(RW_ROLLOUT_RUNNING, 50);
    close_world();
}

static void each_stage_has_its_own_minimum(void **state)
{
    (void)state;
    open_world(true);
    world.stages[1].time_ms = 300000;
    world.stages[1].requests = 1000;
    pass(1);
    requests(0, 2000, 0, 900);
    requests(1, 100, 0, 900);
    pass(61);
    expect(RW_ROLLOUT_RUNNING, 50);
    requests(0, 2000, 0, 900);
    requests(1, 999, 0, 900);
    pass(301);
    expect(RW_ROLLOUT_RUNNING, 50); /* time enough, requests not */
    requests(1, 1, 0, 900);
    pass(1);
    expect(RW_ROLLOUT_COMPLETE, 100);
    close_world();
}

static void a_reload_changes_nothing_but_the_stages(void **state)
{
    (void)state;
    open_world(true);
    pass(1);
    requests(0, 2000, 0, 900);
    requests(1, 200, 0, 900);
    pass(30);
    struct rw_release old = world.release;
    struct rw_rollout old_rollout = world.rollout;
    old.rollout = &old_rollout;
    rw_rollouts_adopt(world.rollouts, &old);
    compile();
    rw_rollouts_adopt(world.rollouts, &world.release);
    pass(30);
    expect(RW_ROLLOUT_RUNNING, 50); /* the stage's time and counts went on */
    world.stages[0].percent = 10;
    world.stages[1].percent = 60;
    compile();
    rw_rollouts_adopt(world.rollouts, &world.release);
    expect(RW_ROLLOUT_RUNNING, 10); /* the last one that is not beyond 50% */
    /* A switch by hand does not turn by being configured, and ends where its stages end. */
    world.stages[0].percent = 100;
    world.config.stages.count = 1;
    world.config.automatic = false;
    compile();
    rw_rollouts_adopt(world.rollouts, &world.release);
    expect(RW_ROLLOUT_PAUSED, 10);
    act("promote", RW_OK);
    expect(RW_ROLLOUT_COMPLETE, 100);
    act("promote", RW_EINVAL);
    close_world();
}

static void what_is_told(void **state)
{
    (void)state;
    struct rw_text json = {0}, scrape = {0};
    open_world(true);
    pass(1);
    requests(0, 1000, 1, 900);
    requests(1, 50, 0, 900);
    pass(2);
    rw_rollouts_describe(world.rollouts, &world.now, &json);
    json_t *root = json_loadb(json.at, json.len, 0, NULL);
    assert_non_null(root);
    const json_t *rollout = json_object_get(json_array_get(root, 0), "rollout");
    assert_string_equal(json_string_value(json_object_get(rollout, "phase")), "running");
    assert_string_equal(json_string_value(json_object_get(rollout, "waits_for")), "requests");
    assert_int_equal(json_integer_value(json_object_get(rollout, "percent")), 5);
    const json_t *candidate = json_object_get(rollout, "candidate");
    assert_int_equal(json_integer_value(json_object_get(candidate, "requests")), 50);
    json_decref(root);
    rw_rollouts_expose(world.rollouts, &scrape);
    assert_non_null(strstr(scrape.at, "ringway_release_share{route=\"shop\",version=\"canary\"} "
                                      "0.05\n"));
    assert_non_null(strstr(scrape.at, "version=\"canary\",phase=\"running\"} 1\n"));
    rw_text_free(&json);
    rw_text_free(&scrape);
    close_world();
}

int main(void)
{
    rw_log_set_level(RW_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fisher_published),
        cmocka_unit_test(fisher_exact),
        cmocka_unit_test(fisher_large),
        cmocka_unit_test(quantiles),
        cmocka_unit_test(the_slow_ones_are_compared),
        cmocka_unit_test(slow_all_over_is_slow),
        cmocka_unit_test(looks_share_the_chance_of_an_error),
        cmocka_unit_test(tolerances_hold_whatever_the_test_says),
        cmocka_unit_test(false_alarms_are_rare_and_bad_versions_found),
        cmocka_unit_test(states_are_found_again_by_all_who_share_them),
        cmocka_unit_test(the_state_that_nobody_has_goes_first),
        cmocka_unit_test(a_good_version_comes_in_by_stages),
        cmocka_unit_test(a_version_that_fails_is_turned_back_at_once),
        cmocka_unit_test(a_slow_version_is_turned_back),
        cmocka_unit_test(a_doubtful_version_waits),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(a_pause_holds_until_it_is_resumed),
        cmocka_unit_test(each_stage_has_its_own_minimum),
        cmocka_unit_test(a_reload_changes_nothing_but_the_stages),
        cmocka_unit_test(what_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
