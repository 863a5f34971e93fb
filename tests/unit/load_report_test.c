/* What a load run says, word for word: golden files of a run whose figures are fixed.
 *
 * RW_GOLDEN=write writes the golden files anew, to be read before they are committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "conf/file.h"
#include "load/report.h"
#include "load/script/judge.h"
#include "load/script/script.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 3, CHECKS = 2, SECONDS = 4 };

static struct rw_load_request requests[STEPS] = {{.name = {"GET /a", 6}},
                                                 {.name = {"open /chat", 10}},
                                                 {.name = {"send \"hello\"", 12}}};
static struct rw_load_step steps[STEPS];
static struct rw_load_scenario scenarios[] = {
    {.name = {"browse", 6}, .steps = steps, .step_count = 1},
    {.name = {"\xe8\x81\x8a\xe5\xa4\xa9", 6}, .steps = steps, .step_count = 2}};
static const struct rw_load_check checks[CHECKS] = {{.text = {"status is 200", 13}},
                                                    {.text = {"json /ok equals true", 20}}};
static struct rw_load_script script = {.scenarios = scenarios,
                                       .scenario_count = 2,
                                       .check_count = CHECKS,
                                       .checks = {&checks[0], &checks[1]},
                                       .check_steps = {0, 2}};
static struct rw_load_check_count check_counts[CHECKS] = {{100, 0}, {90, 10}};
static struct rw_load_settings settings = {
    .url = {"shop.yaml", 9},
    .threads = 2,
    .connections = 64,
    .streams = 1,
    .requests = requests,
    .request_count = STEPS,
    .script = &script,
    .address_count = 2,
};

struct world {
    struct rw_load_result result;
    struct rw_load_step_tally step_tallies[STEPS];
};

static void fill_counts(struct rw_load_counts *counts)
{
    *counts = (struct rw_load_counts){.due = 302,
                                      .sent = 300,
                                      .answered = 298,
                                      .failed = 14,
                                      .queued = 1,
                                      .bytes_in = 123456,
                                      .bytes_out = 65432,
                                      .connects = 65,
                                      .iterations_done = 180,
                                      .iterations_failed = 14,
                                      .iterations_cut = 3,
                                      .sockets = 100,
                                      .messages_out = 100,
                                      .messages_in = 120,
                                      .pushed = 20,
                                      .pings = 7,
                                      .ways = {33, 32}};
    counts->errors[RW_LOAD_ERROR_TIMEOUT] = 2;
    counts->errors[RW_LOAD_ERROR_UNSENT] = 2;
    counts->statuses[101] = 98;
    counts->statuses[200] = 97;
    counts->statuses[503] = 3;
}

static struct world *make_world(struct rw_timeline *timeline)
{
    struct world *world = calloc(1, sizeof(*world));
    struct rw_histogram *second = rw_histogram_create();
    assert_true(world && second);
    struct rw_load_tally *tally = &world->result.tally;
    rw_load_tally_begin(tally);
    fill_counts(&tally->counts);
    for (unsigned i = 0; i < STEPS; i++)
        rw_histogram_clear(&world->step_tallies[i].latency);
    for (uint64_t i = 0; i < 298; i++) {
        struct rw_load_step_tally *step = &world->step_tallies[i % STEPS];
        uint64_t latency_ns = 1000000 + i * i * 100;
        rw_histogram_record(&tally->latency, latency_ns);
        rw_histogram_record(&tally->service, latency_ns - 5000);
        rw_histogram_record(&tally->lateness, 5000 + i);
        rw_histogram_record(&step->latency, latency_ns);
        step->sent = ++step->answered;
        rw_histogram_record(second, latency_ns);
        if (i % 100 == 99) {
            rw_timeline_append(timeline,
                               (struct rw_timeline_row){.sent = 101, .answered = 100, .failed = 4},
                               second);
            rw_histogram_clear(second);
        }
    }
    rw_timeline_append(timeline, (struct rw_timeline_row){.answered = 98, .failed = 2}, second);
    rw_free(second);
    world->step_tallies[2].failed = 10;
    tally->cpu_ns = 12345678;
    world->result.timeline = timeline;
    world->result.steps = world->step_tallies;
    world->result.checks = check_counts;
    world->result.seconds = 3;
    return world;
}

static void compare(const char *file, const struct rw_text *text)
{
    char name[64];
    const char *golden = getenv("RW_GOLDEN");
    struct rw_text expected = {0};
    snprintf(name, sizeof(name), "tests/unit/golden/%s", file);
    assert_int_equal(text->err, RW_OK);
    if (golden && strcmp(golden, "write") == 0) {
        FILE *to = fopen(name, "w");
        assert_non_null(to);
        assert_int_equal(fwrite(text->at, 1, text->len, to), text->len);
        fclose(to);
        return;
    }
    assert_int_equal(rw_conf_slurp(name, 1 << 20, true, &expected), RW_OK);
    size_t same = 0;
    while (same < text->len && same < expected.len && text->at[same] == expected.at[same])
        same++;
    if (text->len != expected.len || same < text->len)
        fail_msg("%s differs from byte %zu on: \"%.60s\", expected \"%.60s\"", name, same,
                 text->at + same, expected.at + same);
    rw_text_free(&expected);
}

static void as_in_the_golden_files(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1", "::1"};
    struct rw_timeline *timeline = calloc(1, rw_timeline_bytes(SECONDS, 1 << 12));
    assert_non_null(timeline);
    rw_timeline_begin(timeline, 1, SECONDS, 1 << 12);
    struct world *world = make_world(timeline);
    struct rw_text summary = {0}, csv = {0}, json = {0};
    for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        assert_int_equal(
            rw_address_parse_ip(rw_span_text(addresses[i]), 8080, &settings.addresses[i]), RW_OK);
    rw_load_report_text(&settings, &world->result, &summary);
    rw_load_report_csv(&world->result, &csv);
    rw_load_report_json(&settings, &world->result, &json);
    compare("load_report.txt", &summary);
    compare("load_report.csv", &csv);
    compare("load_report.json", &json);
    rw_text_free(&summary);
    rw_text_free(&csv);
    rw_text_free(&json);
    free(timeline);
    free(world);
}

/* What each verdict says, and of silence why. */
static void verdicts(void **state)
{
    (void)state;
    struct rw_load_result *result = calloc(1, sizeof(*result));
    assert_non_null(result);
    struct rw_timeline *timeline = calloc(1, rw_timeline_bytes(SECONDS, 1 << 12));
    assert_non_null(timeline);
    rw_timeline_begin(timeline, 1, SECONDS, 1 << 12);
    result->timeline = timeline;
    rw_load_tally_begin(&result->tally);
    static const struct {
        enum rw_load_error error;
        const char *text;
    } cases[] = {
        {RW_LOAD_ERROR_CONNECT,
         "nothing was answered: the target is down, or does not speak HTTP/1.1"},
        {RW_LOAD_ERROR_TIMEOUT,
         "nothing was answered: the target takes requests, and longer than --timeout to answer"},
        {RW_LOAD_ERROR_PROTOCOL, "nothing was answered: what the target says is not HTTP/1.1"},
        {RW_LOAD_ERROR_CLOSED,
         "nothing was answered: the target ends the connections; does it speak HTTP/1.1?"},
        {RW_LOAD_ERROR_UNMADE, "nothing was answered: the values of variables make no requests"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rw_text text = {0};
        result->tally.counts = (struct rw_load_counts){.sent = 3};
        result->tally.counts.errors[cases[i].error] = 3;
        rw_load_explain(&settings, result, &text);
        assert_string_equal(text.at, cases[i].text);
        rw_text_free(&text);
    }
    struct rw_text text = {0};
    result->tally.counts = (struct rw_load_counts){.due = 100, .sent = 100, .answered = 100};
    rw_histogram_record_many(&result->tally.service, 1000000, 100);
    rw_histogram_record_many(&result->tally.lateness, 2500000, 2);
    rw_histogram_record_many(&result->tally.lateness, 1000, 98);
    assert_int_equal(rw_load_judge(&settings, result), RW_LOAD_GENERATOR_LATE);
    rw_load_explain(&settings, result, &text);
    assert_non_null(
        strstr(text.at, "the generator was the bottleneck: 1% of its requests left 2.5"));
    assert_null(strstr(text.at, "none was answered"));
    rw_text_free(&text);
    free(timeline);
    free(result);
}

/* Threads that are never idle say nothing of the target, unless they keep a schedule. */
static void a_generator_that_is_never_idle(void **state)
{
    (void)state;
    struct rw_timeline *timeline = calloc(1, rw_timeline_bytes(SECONDS, 1 << 12));
    struct rw_load_result *result = calloc(1, sizeof(*result));
    assert_true(timeline && result);
    rw_timeline_begin(timeline, 1, SECONDS, 1 << 12);
    rw_load_tally_begin(&result->tally);
    result->timeline = timeline;
    result->seconds = 3;
    result->tally.counts = (struct rw_load_counts){.due = 100, .sent = 100, .answered = 100};
    static const struct {
        bool closed;
        unsigned queued;
        double busy_s; /* of two threads in 1 s of warm-up and 3 s */
        enum rw_load_verdict verdict;
    } cases[] = {
        {true, 0, 7.8, RW_LOAD_GENERATOR_BUSY},    {true, 0, 7.4, RW_LOAD_SOUND},
        {false, 2, 7.8, RW_LOAD_GENERATOR_BUSY},   {false, 1, 7.8, RW_LOAD_SOUND},
        {false, 2, 7.4, RW_LOAD_CONNECTIONS_BUSY}, {true, 0, 0, RW_LOAD_SOUND},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rw_load_settings plain = {.url = {"http://a/", 9},
                                         .threads = 2,
                                         .connections = 2,
                                         .warmup_seconds = 1,
                                         .closed = cases[i].closed};
        struct rw_text text = {0};
        result->tally.counts.queued = cases[i].queued;
        result->tally.busy_ns = (uint64_t)(cases[i].busy_s * 1e9);
        assert_int_equal(rw_load_judge(&plain, result), cases[i].verdict);
        rw_load_report_text(&plain, result, &text);
        bool told = strstr(text.at, "its threads had something to do for 98% of the time") != NULL;
        assert_int_equal(told, cases[i].verdict == RW_LOAD_GENERATOR_BUSY);
        assert_int_equal(strstr(text.at, "second; busy 9") != NULL, cases[i].busy_s > 0);
        rw_text_free(&text);
    }
    free(result);
    free(timeline);
}

/* A target that goes away during a run is told, whatever else is. */
static void a_target_that_was_away(void **state)
{
    (void)state;
    struct rw_timeline *timeline = calloc(1, rw_timeline_bytes(SECONDS, 1 << 12));
    struct rw_load_result *result = calloc(1, sizeof(*result));
    struct rw_histogram *none = calloc(1, sizeof(*none));
    struct rw_load_settings plain = {.url = {"http://a/", 9}, .threads = 1, .connections = 1};
    struct rw_text text = {0}, page = {0};
    assert_true(timeline && result && none);
    rw_histogram_clear(none);
    rw_timeline_begin(timeline, 1, SECONDS, 1 << 12);
    rw_load_tally_begin(&result->tally);
    result->timeline = timeline;
    result->tally.counts = (struct rw_load_counts){.due = 300, .sent = 110, .answered = 110};
    result->tally.counts.errors[RW_LOAD_ERROR_RESET] = 1;
    result->tally.counts.errors[RW_LOAD_ERROR_CONNECT] = 400;
    static const struct rw_timeline_row rows[] = {{.sent = 100, .answered = 100},
                                                  {.sent = 10, .answered = 10, .failed = 90},
                                                  {.failed = 100}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        rw_timeline_append(timeline, rows[i], none);
    rw_load_explain(&plain, result, &text);
    assert_string_equal(text.at, "sound: the generator kept its schedule. For 1 second requests "
                                 "failed and none was answered: the target was down");
    rw_load_report_html(&plain, result, RW_LANGUAGE_EN, &page);
    assert_non_null(strstr(page.at, "The target was away"));
    rw_text_free(&text);
    rw_text_free(&page);
    free(none);
    free(result);
    free(timeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_in_the_golden_files),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(a_generator_that_is_never_idle),
        cmocka_unit_test(a_target_that_was_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
