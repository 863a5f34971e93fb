/* Results of several hosts, merged, against the same requests seen by one: every figure of every
 * report is the same. Random runs of random hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "load/merge.h"
#include "load/report.h"

#include <stdlib.h>

enum { HOSTS_MAX = 4, STEPS = 3, CHECKS = 2, SECONDS_MAX = 12, ROUNDS = 12 };

/* What one generator has seen, and how it was set. */
struct host {
    struct rw_load_settings settings;
    struct rw_load_result result;
    struct rw_load_script script;
    struct rw_load_step_tally *steps;
    struct rw_load_check_count checks[CHECKS];
    struct rw_timeline *timeline;
    struct rw_histogram *seconds[SECONDS_MAX];
    struct rw_timeline_row rows[SECONDS_MAX];
};

static struct rw_load_request requests[STEPS] = {{.name = {"a", 1}, .weight = 1},
                                                 {.name = {"b \"c\"", 5}, .weight = 1},
                                                 {.name = {"d", 1}}};
static struct rw_load_step scenario_steps[STEPS];
static struct rw_load_scenario scenarios[2] = {
    {.name = {"one", 3}, .steps = scenario_steps, .step_count = 2, .weight = 1},
    {.name = {"two", 3}, .steps = scenario_steps, .step_count = 1, .weight = 1}};
static const struct rw_load_check checks[CHECKS] = {{.text = {"status is 200", 13}},
                                                    {.text = {"below 1s", 8}}};

static struct host *make_host(unsigned threads, double seconds, bool scripted)
{
    struct host *host = calloc(1, sizeof(*host));
    assert_non_null(host);
    host->settings = (struct rw_load_settings){
        .url = RW_LITERAL("http://a/"),
        .threads = threads,
        .connections = 16 * threads,
        .streams = 1,
        .requests = requests,
        .request_count = scripted ? STEPS : 1,
        .script = scripted ? &host->script : NULL,
        .warmup_seconds = 0.25,
    };
    host->script = (struct rw_load_script){.scenarios = scenarios,
                                           .scenario_count = 2,
                                           .check_count = CHECKS,
                                           .checks = {&checks[0], &checks[1]},
                                           .check_steps = {0, 2}};
    host->steps = calloc(STEPS, sizeof(*host->steps));
    host->timeline = calloc(1, rw_timeline_bytes(SECONDS_MAX, 1 << 16));
    assert_true(host->steps && host->timeline);
    rw_timeline_begin(host->timeline, 1, SECONDS_MAX, 1 << 16);
    rw_load_tally_begin(&host->result.tally);
    for (unsigned i = 0; i < STEPS; i++)
        rw_histogram_clear(&host->steps[i].latency);
    for (unsigned i = 0; i < SECONDS_MAX; i++)
        host->seconds[i] = rw_histogram_create();
    host->result.timeline = host->timeline;
    host->result.steps = scripted ? host->steps : NULL;
    host->result.checks = scripted ? host->checks : NULL;
    host->result.seconds = seconds;
    return host;
}

static void free_host(struct host *host)
{
    for (unsigned i = 0; i < SECONDS_MAX; i++)
        rw_free(host->seconds[i]);
    free(host->steps);
    free(host->timeline);
    free(host);
}

/* A request in second `second`: what became of it is by chance, the same for all who see it. */
struct event {
    unsigned second, step;
    uint64_t latency_ns, service_ns, late_ns;
    bool answered, good;
};

static struct event draw_event(struct rw_random *random, unsigned seconds)
{
    uint64_t octave = rw_random_below(random, 33);
    struct event event = {
        .second = rw_random_below(random, seconds),
        .step = rw_random_below(random, STEPS),
        .service_ns = (1ull << octave) + rw_random_u64(random) % (1ull << octave),
        .late_ns = rw_random_below(random, 300000),
        .answered = rw_random_below(random, 20) != 0,
    };
    event.latency_ns = event.service_ns + event.late_ns;
    event.good = event.answered && rw_random_below(random, 7) != 0;
    return event;
}

static void see(struct host *host, const struct event *event)
{
    struct rw_load_tally *tally = &host->result.tally;
    struct rw_load_step_tally *step = &host->steps[event->step];
    struct rw_timeline_row *row = &host->rows[event->second];
    tally->counts.due++;
    tally->counts.sent++;
    row->sent++;
    step->sent++;
    tally->counts.failed += !event->good;
    row->failed += !event->good;
    step->failed += !event->good;
    tally->counts.iterations_done += event->good;
    tally->counts.iterations_failed += !event->good;
    tally->cpu_ns += event->late_ns;
    tally->busy_ns += event->late_ns / 2;
    host->checks[event->step % CHECKS].held += event->good;
    host->checks[event->step % CHECKS].missed += !event->good;
    rw_histogram_record(&tally->lateness, event->late_ns);
    if (!event->answered) {
        tally->counts.errors[event->late_ns % RW_LOAD_ERROR_COUNT]++;
        return;
    }
    tally->counts.answered++;
    tally->counts.statuses[event->good ? 200 : 503]++;
    tally->counts.messages_in++;
    tally->counts.bytes_in += event->late_ns;
    row->answered++;
    step->answered++;
    rw_histogram_record(&tally->latency, event->latency_ns);
    rw_histogram_record(&tally->service, event->service_ns);
    rw_histogram_record(&step->latency, event->latency_ns);
    rw_histogram_record(host->seconds[event->second], event->latency_ns);
}

static void tell_rows(struct host *host, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++)
        rw_timeline_report(host->timeline, i, &host->rows[i], host->seconds[i]);
}

static void expect_same(const struct host *whole, const struct rw_load_merge *merge)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        struct rw_text one = {0}, sum = {0};
        if (kind == 0) {
            rw_load_report_json(&whole->settings, &whole->result, &one);
            rw_load_report_json(&merge->settings, &merge->result, &sum);
        } else if (kind == 1) {
            rw_load_report_text(&whole->settings, &whole->result, &one);
            rw_load_report_text(&merge->settings, &merge->result, &sum);
        } else if (kind == 2) {
            rw_load_report_csv(&whole->result, &one);
            rw_load_report_csv(&merge->result, &sum);
        } else {
            rw_load_report_html(&whole->settings, &whole->result, RW_LANGUAGE_EN, &one);
            rw_load_report_html(&merge->settings, &merge->result, RW_LANGUAGE_EN, &sum);
        }
        assert_int_equal(one.err | sum.err, RW_OK);
        assert_string_equal(sum.at, one.at);
        rw_text_free(&one);
        rw_text_free(&sum);
    }
}

static void add(struct rw_load_merge *merge, const struct host *host)
{
    struct rw_text json = {0};
    char why[256];
    rw_load_report_json(&host->settings, &host->result, &json);
    assert_int_equal(rw_load_merge_add(merge, rw_text_span(&json), why), RW_OK);
    rw_text_free(&json);
}

static void one_round(uint64_t seed)
{
    struct rw_random random;
    struct host *hosts[HOSTS_MAX];
    struct rw_load_merge *merge = rw_alloc_zero(sizeof(*merge));
    rw_random_seed(&random, seed);
    unsigned count = 1 + rw_random_below(&random, HOSTS_MAX);
    unsigned seconds = 1 + rw_random_below(&random, SECONDS_MAX);
    bool scripted = seed & 1;
    struct host *whole = make_host(2 * count, seconds, scripted);
    for (unsigned i = 0; i < count; i++)
        hosts[i] = make_host(2, seconds, scripted);
    for (unsigned events = rw_random_below(&random, 3000); events; events--) {
        const struct event event = draw_event(&random, seconds);
        see(hosts[rw_random_below(&random, count)], &event);
        see(whole, &event);
    }
    tell_rows(whole, seconds);
    assert_non_null(merge);
    assert_int_equal(rw_load_merge_begin(merge), RW_OK);
    for (unsigned i = 0; i < count; i++) {
        tell_rows(hosts[i], seconds);
        add(merge, hosts[i]);
    }
    expect_same(whole, merge);
    for (unsigned i = 0; i < count; i++)
        free_host(hosts[i]);
    free_host(whole);
    rw_load_merge_free(merge);
    rw_free(merge);
}

static void merged_is_run_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++)
        one_round(seed);
}

/* Where a row's histogram was not kept its percentiles are the highest of any, and it is told. */
static void coarse_rows_are_told(void **state)
{
    (void)state;
    struct rw_load_merge *merge = rw_alloc_zero(sizeof(*merge));
    struct host *one = make_host(1, 2, false), *two = make_host(1, 2, false);
    const struct event slow = {.latency_ns = 9000, .answered = true, .good = true},
                       fast = {.latency_ns = 1000, .answered = true, .good = true};
    see(one, &slow);
    one->timeline->pair_room = 0;
    for (unsigned i = 0; i < 100; i++)
        see(two, &fast);
    tell_rows(one, 1);
    tell_rows(two, 2);
    assert_true(one->timeline->coarse && !two->timeline->coarse);
    assert_int_equal(one->timeline->rows[0].p50_ns, 9000);
    assert_non_null(merge);
    assert_int_equal(rw_load_merge_begin(merge), RW_OK);
    add(merge, two);
    add(merge, one);
    add(merge, two);
    assert_true(merge->timeline->coarse);
    assert_int_equal(merge->timeline->count, 2);
    assert_int_equal(merge->timeline->rows[0].p50_ns, 9000);
    assert_int_equal(merge->timeline->rows[0].least_ns, 1000);
    assert_int_equal(merge->timeline->rows[0].answered, 201);
    free_host(one);
    free_host(two);
    rw_load_merge_free(merge);
    rw_free(merge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merged_is_run_at_once),
        cmocka_unit_test(coarse_rows_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
