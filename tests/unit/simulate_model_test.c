/* The file of a simulation: defaults, every mistake at its place, all at once; and what is
 * measured.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "load/report.h"
#include "simulate/arrivals.h"
#include "simulate/autoscale.h"
#include "simulate/goal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reading {
    struct rw_arena arena;
    struct rw_simulate_model *model;
    struct rw_text mistakes;
    enum rw_err err;
};

static void read_named(struct reading *reading, const char *yaml, const char *name)
{
    struct rw_conf_report report = {0};
    *reading = (struct reading){0};
    rw_arena_init(&reading->arena, NULL, 0, 4096, 16 << 20);
    reading->err =
        rw_simulate_read_text(rw_span_text(yaml), name, &reading->arena, &reading->model, &report);
    rw_conf_report_print(&report, &reading->mistakes);
}

static void read_yaml(struct reading *reading, const char *yaml)
{
    read_named(reading, yaml, "s.yaml");
}

static void done(struct reading *reading)
{
    rw_text_free(&reading->mistakes);
    rw_arena_free(&reading->arena);
}

static void expect_mistake(const char *yaml, const char *message)
{
    struct reading r;
    read_yaml(&r, yaml);
    if (r.err != RW_EINVAL || !r.mistakes.at || !strstr(r.mistakes.at, message))
        fail_msg("expected: %s\nsaid: %s", message, r.mistakes.at ? r.mistakes.at : "nothing");
    done(&r);
}

#define REQUEST "request: { cpu_us: 10 }\n"
#define FLEET "fleet: { name: n, cores: 2 }\n"
#define ARRIVALS "arrivals: { rate: 100 }\n"

static void test_defaults(void **state)
{
    struct reading r;
    (void)state;
    read_yaml(&r, REQUEST FLEET ARRIVALS);
    assert_int_equal(r.err, RW_OK);
    assert_int_equal(r.model->seconds, 3600);
    assert_int_equal(r.model->method, RW_SIMULATE_EXACT);
    assert_null(r.model->autoscaling);
    assert_null(r.model->origin);
    assert_true(r.model->request->cpu.kind == RW_SIMULATE_EXPONENTIAL);
    assert_true(fabs(r.model->request->cpu.mean - 1e-5) < 1e-12);
    const struct rw_simulate_type *type = rw_simulate_types(r.model);
    assert_int_equal(type->least, 1);
    assert_int_equal(type->most, 1);
    assert_int_equal(type->zones.count, 1);
    done(&r);
    read_yaml(&r, REQUEST FLEET "arrivals: { rate: 1000 }\n");
    assert_int_equal(r.model->method, RW_SIMULATE_SAMPLED);
    done(&r);
}

static void test_mistakes(void **state)
{
    (void)state;
    expect_mistake("request: { cpu_us: 10, per_cpu_second: 5 }\n" FLEET ARRIVALS,
                   "s.yaml:1:40: request.per_cpu_second: a request's cost is given once");
    expect_mistake("request: {}\n" FLEET ARRIVALS, "a request's cost is given once");
    expect_mistake(REQUEST "fleet: { name: n, cores: 2, nodes: 3, max: 2 }\n" ARRIVALS,
                   "s.yaml:2:36: fleet.nodes: is not from `min` (0) to `max` (2)");
    expect_mistake(REQUEST "fleet: { name: n, cors: 2 }\n" ARRIVALS, "did you mean \"cores\"");
    expect_mistake(REQUEST "fleet: { name: n, cores: 2, base_memory: 2TiB }\n" ARRIVALS,
                   "the program needs more than the node has");
    expect_mistake(REQUEST FLEET "arrivals: { rate: 5, users: 6 }\n", "who comes is given once");
    expect_mistake(REQUEST FLEET "arrivals: { points: [{ at: \"9:00\", rate: 5 }] }\n",
                   "expected a time of day from 00:00 to 23:59, not \"9:00\"");
    expect_mistake(REQUEST FLEET "arrivals: { points: [{ at: \"09:00\", rate: 5 }, "
                                 "{ at: \"08:00\", rate: 5 }] }\n",
                   "\"08:00\" is not after \"09:00\"");
    expect_mistake(REQUEST FLEET "arrivals: { points: [{ at: \"09:00\", rate: 5 }, "
                                 "{ at: \"10:00\", users: 5 }] }\n",
                   "all points have `rate`, or all have `users`");
    expect_mistake(REQUEST FLEET ARRIVALS "balance: connections\n", "`arrivals` has none");
    expect_mistake(REQUEST FLEET ARRIVALS "deploys: { at: 1m, surge: 0 }\n",
                   "no node can be replaced");
    expect_mistake(REQUEST FLEET ARRIVALS "origin: { concurrency: 4 }\n",
                   "its latency is given once");
    expect_mistake(REQUEST FLEET ARRIVALS
                   "origin: { concurrency: 60000, endpoints: 10000, latency_ms: 1 }\n",
                   "more than 16777216");
    expect_mistake(REQUEST FLEET ARRIVALS "failures: { origin: { at: 1m } }\n",
                   "there is no `origin` that could fail");
    expect_mistake(REQUEST "fleet: { name: n, cores: 2, zones: [east, west] }\n" ARRIVALS
                           "failures: { zone: { name: wets, at: 1m } }\n",
                   "no node is in zone \"wets\"; did you mean \"west\"");
    expect_mistake(REQUEST FLEET ARRIVALS "goals: { latency: { percentile: 100, at_most: 1s } }\n",
                   "above 0 and below 100");
    expect_mistake(REQUEST FLEET ARRIVALS "goals: { latancy: { percentile: 99, at_most: 1s } }\n",
                   "latency");
    expect_mistake(REQUEST FLEET "arrivals: { rate: 1000000 }\nmethod: exact\n",
                   "too many to follow each");
    expect_mistake(REQUEST "fleet: { name: n, cores: 2, nodes: 10000 }\n" ARRIVALS
                           "duration: 31d\n",
                   "too much to simulate");
    expect_mistake(
        REQUEST FLEET ARRIVALS "failures: { nodes: { at: 1h } }\n",
        "s.yaml:4:26: failures.nodes.at: is not within the simulated time: `duration` is "
        "3600 s");
    expect_mistake(REQUEST FLEET ARRIVALS "duration: 10m\ndeploys: { at: 600s }\n",
                   "deploys.at: is not within the simulated time");
    expect_mistake(REQUEST FLEET "arrivals: { rate: 5, spikes: { at: 2h, for: 1m, factor: 2 } }\n",
                   "arrivals.spikes.at: is not within the simulated time");
    expect_mistake(REQUEST FLEET ARRIVALS "duration: 32d\n", "s.yaml:4:11: duration:");
}

static void test_all_mistakes_at_once(void **state)
{
    struct reading r;
    (void)state;
    read_yaml(&r, "request: {}\n"
                  "fleet: []\n"
                  "arrivals: {}\n"
                  "begin: noon\n");
    assert_int_equal(r.err, RW_EINVAL);
    assert_non_null(strstr(r.mistakes.at, "s.yaml:1:"));
    assert_non_null(strstr(r.mistakes.at, "there is no node"));
    assert_non_null(strstr(r.mistakes.at, "who comes is given once"));
    assert_non_null(strstr(r.mistakes.at, "not \"noon\""));
    done(&r);
}

/* ---- Who comes ---- */

static void expect_near(double is, double should)
{
    if (!(fabs(is - should) <= 1e-9 * fmax(1, fabs(should))))
        fail_msg("%.12g, to be %.12g", is, should);
}

static void test_the_curve_of_a_day(void **state)
{
    struct reading r;
    (void)state;
    read_yaml(&r, REQUEST FLEET
              "begin: \"06:00\"\n"
              "duration: 2d\n"
              "arrivals:\n"
              "  points: [{ at: \"08:00\", rate: 100 }, { at: \"20:00\", rate: 400 }]\n"
              "  spikes: { at: 5h, ramp: 1h, for: 1h, factor: 3 }\n");
    assert_int_equal(r.err, RW_OK);
    expect_near(rw_simulate_rate(r.model, 2 * 3600, 0), 100);
    expect_near(rw_simulate_rate(r.model, 14 * 3600, 0), 400);
    expect_near(rw_simulate_rate(r.model, 20 * 3600, 0), 250); /* 02:00, on the way down */
    expect_near(rw_simulate_rate(r.model, 0, 0), 150);         /* 06:00 */
    expect_near(rw_simulate_rate(r.model, 86400 + 2 * 3600, 0), 100);
    expect_near(rw_simulate_rate(r.model, 5 * 3600, 0), 175);
    expect_near(rw_simulate_rate(r.model, 5.5 * 3600, 0), 187.5 * 2);
    expect_near(rw_simulate_rate(r.model, 6.5 * 3600, 0), 212.5 * 3);
    expect_near(rw_simulate_rate(r.model, 8 * 3600, 0), 250);
    done(&r);
}

static void test_users_think(void **state)
{
    struct reading r;
    (void)state;
    read_yaml(&r, REQUEST FLEET "arrivals: { users: 10000000, think: 20s }\n");
    assert_int_equal(r.err, RW_OK);
    expect_near(rw_simulate_users(r.model, 5), 1e7);
    expect_near(rw_simulate_rate(r.model, 5, 0), 5e5);
    expect_near(rw_simulate_rate(r.model, 5, 5), 4e5);
    done(&r);
}

/* ---- The autoscaler ---- */

static void test_advice(void **state)
{
    (void)state;
    /* The examples of the documentation: twice the load, twice the nodes; half of it, half. */
    assert_int_equal(rw_simulate_advise(4, 4, 2, 0.1), 8);
    assert_int_equal(rw_simulate_advise(4, 4, 0.5, 0.1), 2);
    assert_int_equal(rw_simulate_advise(4, 4, 1.1, 0.1), 4);
    assert_int_equal(rw_simulate_advise(4, 4, 0.9, 0.1), 4);
    assert_int_equal(rw_simulate_advise(4, 4, 1.12, 0.1), 5);
    /* More are coming: they count as idle, and then less is lacking, or nothing. */
    assert_int_equal(rw_simulate_advise(8, 4, 2, 0.1), 8);
    assert_int_equal(rw_simulate_advise(6, 4, 2, 0.1), 8);
    /* Nobody serves: nothing is known. */
    assert_int_equal(rw_simulate_advise(3, 0, 0, 0.1), 3);
    assert_int_equal(rw_simulate_advise(3, 3, 0, 0.1), 0);
}

/* ---- What is measured ---- */

static char folder[] = "/tmp/ringway-simulate-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

static void write_result(const char *name, bool closed, double rate, double service_ms)
{
    static struct rw_load_result result;
    struct rw_timeline timeline = {0};
    struct rw_load_settings settings = {.url = RW_LITERAL("http://127.0.0.1/"),
                                        .closed = closed,
                                        .threads = 1,
                                        .connections = 4,
                                        .streams = 1};
    struct rw_text text = {0};
    char path[256];
    memset(&result, 0, sizeof(result));
    rw_load_tally_begin(&result.tally);
    result.timeline = &timeline;
    result.seconds = 10;
    uint64_t count = (uint64_t)(rate * 10);
    result.tally.counts.due = result.tally.counts.sent = result.tally.counts.answered = count;
    for (unsigned i = 1; i <= 100; i++) /* evenly from nothing to twice the mean */
        rw_histogram_record_many(&result.tally.service,
                                 (uint64_t)(service_ms * 1e6 * (i - 0.5) / 50), count / 100);
    rw_load_report_json(&settings, &result, &text);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.at, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
    rw_text_free(&text);
}

static void test_measured(void **state)
{
    struct reading r;
    char name[256];
    (void)state;
    write_result("capacity.json", true, 20000, 1);
    write_result("kept.json", false, 500, 8);
    snprintf(name, sizeof(name), "%s/s.yaml", folder);
    read_named(&r,
               "request: { capacity_from: capacity.json, capacity_cores: 2 }\n" FLEET ARRIVALS
               "origin: { concurrency: 4, latency_from: kept.json }\n",
               name);
    if (r.err)
        fail_msg("%s", r.mistakes.at);
    expect_near(r.model->request->cpu.mean, 1e-4);
    assert_true(r.model->origin->service.kind == RW_SIMULATE_MEASURED);
    assert_true(fabs(r.model->origin->service.mean - 0.008) < 1e-5);
    assert_true(fabs(r.model->origin->service.cv2 - 1.0 / 3) < 0.01);
    done(&r);
    read_named(&r, "request: { capacity_from: kept.json }\n" FLEET ARRIVALS, name);
    assert_int_equal(r.err, RW_EINVAL);
    assert_non_null(
        strstr(r.mistakes.at, ":1:27: request.capacity_from: \"kept.json\" kept the rate"));
    done(&r);
    read_named(&r, "request: { capacity_from: none.json }\n" FLEET ARRIVALS, name);
    assert_int_equal(r.err, RW_EINVAL);
    assert_non_null(strstr(r.mistakes.at, "\"none.json\" cannot be used: not found"));
    done(&r);
    read_named(&r, "request: { capacity_from: s.yaml }\n" FLEET ARRIVALS, name);
    assert_int_equal(r.err, RW_EINVAL);
    done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_all_mistakes_at_once),
        cmocka_unit_test(test_the_curve_of_a_day),
        cmocka_unit_test(test_users_think),
        cmocka_unit_test(test_advice),
        cmocka_unit_test(test_measured),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
