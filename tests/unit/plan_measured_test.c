/* Scalability from load tests: intakes and results as files, the fit, and what is no measurement.
 */
#include "base/alloc.h"
#include "plan/intake/bind.h"
#include "plan/model/scale.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/ringway-measured-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_result(const char *name, const char *loop, const char *verdict, double rate,
                         unsigned failed)
{
    char text[512];
    snprintf(text, sizeof(text),
             "{\"schema\": \"ringway.load/1\", \"loop\": \"%s\", \"verdict\": \"%s\",\n"
             "  \"rate\": %.3f, \"requests\": {\"answered\": 1000, \"failed\": %u},\n"
             "  \"latency\": {\"p99\": 0.01, \"buckets_ns\": [[1, 2], [3, 4]]}}\n",
             loop, verdict, rate, failed);
    write_file(name, text);
}

static const char head[] = "intake: ringway/1\n"
                           "plan: {date: 2026-11-20, currency: USD}\n"
                           "load: {peak_rate: 5000/s}\n"
                           "measurements:\n";

/* Binds an intake with these rows; the messages of mistakes are in `said`. */
static enum rw_err bind(const char *rows, struct rw_input_value *values, char *said, size_t room)
{
    struct rw_intake intake;
    struct rw_conf_report report = {0};
    struct rw_terms terms;
    struct rw_text text = {0}, messages = {0};
    rw_text_addf(&text, "%s%s", head, rows);
    write_file("intake.yaml", text.at ? text.at : "");
    rw_text_free(&text);
    enum rw_err err = rw_intake_read_file(path_of("intake.yaml"), &intake, &report);
    if (!err)
        err = rw_intake_bind(&intake, NAN, values, &terms, &report);
    rw_conf_report_print(&report, &messages);
    snprintf(said, room, "%s", messages.at ? messages.at : "");
    rw_text_free(&messages);
    rw_intake_free(&intake);
    return err;
}

static const char four_rows[] = "  - {nodes: 1, run: one.json}\n"
                                "  - {nodes: 2, run: two.json}\n"
                                "  - {nodes: 4, run: four.json}\n"
                                "  - {nodes: 8, run: eight.json}\n";

static void write_four(void)
{
    static const char *const names[] = {"one.json", "two.json", "four.json", "eight.json"};
    for (unsigned i = 0; i < 4; i++)
        write_result(names[i], "closed", "sound", rw_model_usl_rate(1u << i, 800, 0.05, 0.002), 3);
}

/* Behind a value stands the file that says so: it is there, and this program wrote it. */
static void test_a_value_names_its_proof(void **state)
{
    (void)state;
    struct rw_input_value values[RW_INPUT_END] = {0};
    char said[1024] = "";
    write_four();
    char rows[512];
    static const char more[] = "goal: {latency: {value: 90ms, measured: %s}}\n";
    snprintf(rows, sizeof(rows), "%s", four_rows);
    snprintf(rows + strlen(rows), sizeof(rows) - strlen(rows), more, "one.json");
    assert_int_equal(bind(rows, values, said, sizeof(said)), RW_OK);
    assert_int_equal(values[RW_INPUT_LATENCY].origin, RW_ORIGIN_MEASURED);
    assert_string_equal(values[RW_INPUT_LATENCY].source ? "one.json" : "", "one.json");
    snprintf(rows, sizeof(rows), "%s", four_rows);
    snprintf(rows + strlen(rows), sizeof(rows) - strlen(rows), more, "nowhere.json");
    assert_int_equal(bind(rows, values, said, sizeof(said)), RW_EINVAL);
    assert_non_null(strstr(said, ": measured: \"nowhere.json\" cannot be read: not found"));
    write_file("other.json", "{\"schema\": \"somebody.else/1\"}");
    snprintf(rows, sizeof(rows), "%s", four_rows);
    snprintf(rows + strlen(rows), sizeof(rows) - strlen(rows), more, "other.json");
    assert_int_equal(bind(rows, values, said, sizeof(said)), RW_EINVAL);
    assert_non_null(strstr(said, "is no result of ringway load, verify or simulate"));
}

static void test_the_law_is_fitted_to_the_runs(void **state)
{
    (void)state;
    struct rw_input_value values[RW_INPUT_END] = {0};
    char said[1024] = "";
    write_four();
    assert_int_equal(bind(four_rows, values, said, sizeof(said)), RW_OK);
    assert_true(fabs(values[RW_INPUT_CONTENTION].value - 0.05) < 1e-4);
    assert_true(fabs(values[RW_INPUT_COHERENCY].value - 0.002) < 1e-5);
    /* A node of four cores does 800 a second: 5 ms of a core for each. */
    assert_true(fabs(values[RW_INPUT_SERVICE_TIME].value - 4.0 / 800) < 1e-6);
    assert_int_equal(values[RW_INPUT_CONTENTION].origin, RW_ORIGIN_MEASURED);
    assert_int_equal(values[RW_INPUT_SERVICE_TIME].origin, RW_ORIGIN_MEASURED);
}

static void test_what_is_stated_stays(void **state)
{
    (void)state;
    struct rw_input_value values[RW_INPUT_END] = {0};
    char said[1024] = "", rows[512];
    write_four();
    snprintf(rows, sizeof(rows), "%sx-nothing: 1\n", four_rows);
    assert_int_equal(bind(rows, values, said, sizeof(said)), RW_OK);
    snprintf(rows, sizeof(rows), "%sdata: {per_day: 1TB}\n", four_rows);
    assert_int_equal(bind(rows, values, said, sizeof(said)), RW_OK);
    assert_int_equal(values[RW_INPUT_PEAK_RATE].origin, RW_ORIGIN_GIVEN);
    assert_true(values[RW_INPUT_PEAK_RATE].value == 5000);
}

static void expect_mistake(const char *rows, const char *message)
{
    struct rw_input_value values[RW_INPUT_END] = {0};
    char said[2048] = "";
    enum rw_err err = bind(rows, values, said, sizeof(said));
    if (err != RW_EINVAL || !strstr(said, message))
        fail_msg("%s: %s", message, said);
}

static void test_what_is_no_measurement(void **state)
{
    (void)state;
    write_four();
    write_result("late.json", "closed", "generator_late", 100, 0);
    write_result("open.json", "open", "sound", 100, 0);
    write_result("failed.json", "closed", "sound", 100, 20);
    write_result("dead.json", "closed", "nothing_answered", 0, 0);
    write_file("other.json", "{\"schema\": \"something else\"}\n");
    write_file("broken.json", "{\"schema\": [\n");
    expect_mistake("  - {nodes: 1, run: late.json}\n", "limited by the load generator");
    expect_mistake("  - {nodes: 1, run: open.json}\n", "kept the rate that was asked for");
    expect_mistake("  - {nodes: 1, run: failed.json}\n", "more than 1 % failed");
    expect_mistake("  - {nodes: 1, run: dead.json}\n", "got no answers");
    expect_mistake("  - {nodes: 1, run: other.json}\n", "is no result of");
    expect_mistake("  - {nodes: 1, run: broken.json}\n", "is no JSON");
    expect_mistake("  - {nodes: 1, run: nowhere.json}\n", "intake.yaml:5:21: ");
    expect_mistake("  - {nodes: 0, run: one.json}\n", "a number of nodes above 0");
    expect_mistake("  - {nodes: 1, run: one.json}\n  - {nodes: 2, run: two.json}\n",
                   "at least 3 different numbers");
    /* A run that could not keep its rate shows what there was. */
    struct rw_input_value values[RW_INPUT_END] = {0};
    char said[1024] = "", rows[512];
    write_result("busy.json", "open", "connections_busy", rw_model_usl_rate(6, 800, 0.05, 0.002),
                 0);
    snprintf(rows, sizeof(rows), "%s  - {nodes: 6, run: busy.json}\n", four_rows);
    assert_int_equal(bind(rows, values, said, sizeof(said)), RW_OK);
}

static void write_verdict(const char *name, const char *url, unsigned failed, const char *cpu)
{
    char text[512];
    snprintf(
        text, sizeof(text),
        "{\"schema\": \"ringway.verdict/1\", \"url\": \"%s\", \"loads\": [\n"
        "  {\"load\": \"usual\", \"answered\": 20000, \"failed\": 0, \"cpu_seconds\": 1},\n"
        "  {\"load\": \"usual\", \"answered\": 20000, \"failed\": %u, \"cpu_seconds\": %s}]}\n",
        url, failed, cpu);
    write_file(name, text);
}

static void test_a_verdict_measures_the_gateway(void **state)
{
    (void)state;
    struct rw_input_value values[RW_INPUT_END] = {0};
    char said[1024] = "", rows[512];
    write_four();
    write_verdict("verdict.json", "https://127.0.0.1:8443", 100, "0.995");
    write_verdict("plain.json", "http://127.0.0.1:8080", 0, "1");
    write_verdict("failed.json", "https://127.0.0.1:8443", 1000, "1");
    write_verdict("attached.json", "https://127.0.0.1:8443", 0, "null");
    assert_int_equal(bind("  - {run: verdict.json}\n", values, said, sizeof(said)), RW_OK);
    assert_true(fabs(values[RW_INPUT_GATEWAY_RATE].value - 39900 / 1.995) < 1e-6);
    assert_int_equal(values[RW_INPUT_GATEWAY_RATE].origin, RW_ORIGIN_MEASURED);
    assert_string_equal(values[RW_INPUT_CONTENTION].source ? "measured" : "", "");
    /* Beside runs of the application. */
    snprintf(rows, sizeof(rows), "  - {run: verdict.json}\n%s", four_rows);
    assert_int_equal(bind(rows, values, said, sizeof(said)), RW_OK);
    assert_int_equal(values[RW_INPUT_CONTENTION].origin, RW_ORIGIN_MEASURED);
    assert_int_equal(values[RW_INPUT_GATEWAY_RATE].origin, RW_ORIGIN_MEASURED);
    expect_mistake("  - {run: plain.json}\n", "was loaded in plain HTTP");
    expect_mistake("  - {run: failed.json}\n", "more than 1 % failed");
    expect_mistake("  - {run: attached.json}\n", "verify has to start the gateway");
    expect_mistake("  - {nodes: 2, run: verdict.json}\n", "without a number of nodes");
    expect_mistake("  - {run: one.json}\n", "a number of nodes above 0");
}

/* Rows of an hour: 1,000 a second by night, a peak of 5,000 that is reached within an hour. */
static void write_day(const char *name, unsigned hours, unsigned scale)
{
    struct rw_text text = {0};
    rw_text_adds(&text, "{\"schema\": \"ringway.simulated/1\", \"timeline\": [");
    for (unsigned hour = 0; hour < hours; hour++)
        rw_text_addf(&text, "%s{\"second\": %u, \"seconds\": 3600, \"arrived\": %u}",
                     hour ? ",\n" : "", hour * 3600, (hour == 20 ? 5 : 1) * 3600 * scale);
    rw_text_adds(&text, "]}\n");
    assert_int_equal(text.err, RW_OK);
    write_file(name, text.at);
    rw_text_free(&text);
}

static void test_a_simulated_day_has_a_curve(void **state)
{
    (void)state;
    struct rw_input_value values[RW_INPUT_END] = {0};
    char said[1024] = "", rows[512];
    write_four();
    write_day("day.json", 24, 1000);
    write_day("half.json", 12, 1000);
    write_day("few.json", 24, 0);
    assert_int_equal(bind("  - {run: day.json}\n", values, said, sizeof(said)), RW_OK);
    assert_true(fabs(values[RW_INPUT_PEAK_FACTOR].value - 5 / (28.0 / 24)) < 1e-9);
    assert_true(fabs(values[RW_INPUT_LOAD_RISE].value - 4000.0 / 3600 / 5000) < 1e-9);
    assert_int_equal(values[RW_INPUT_PEAK_FACTOR].origin, RW_ORIGIN_MEASURED);
    assert_int_equal(values[RW_INPUT_LOAD_RISE].origin, RW_ORIGIN_MEASURED);
    assert_string_equal(values[RW_INPUT_PEAK_FACTOR].source ? "measured" : "", "measured");
    /* Beside a verdict and runs of the application. */
    write_verdict("verdict.json", "https://127.0.0.1:8443", 0, "1");
    snprintf(rows, sizeof(rows), "  - {run: verdict.json}\n  - {run: day.json}\n%s", four_rows);
    assert_int_equal(bind(rows, values, said, sizeof(said)), RW_OK);
    assert_int_equal(values[RW_INPUT_CONTENTION].origin, RW_ORIGIN_MEASURED);
    assert_int_equal(values[RW_INPUT_GATEWAY_RATE].origin, RW_ORIGIN_MEASURED);
    expect_mistake("  - {run: half.json}\n", "less than a day");
    expect_mistake("  - {run: few.json}\n", "its peak is chance");
    expect_mistake("  - {nodes: 2, run: day.json}\n", "without a number of nodes");
}

static void test_allocation_failures(void **state)
{
    (void)state;
    struct rw_input_value whole[RW_INPUT_END] = {0};
    char said[1024] = "";
    write_four();
    assert_int_equal(bind(four_rows, whole, said, sizeof(said)), RW_OK);
    for (uint64_t n = 0;; n++) {
        struct rw_intake intake;
        struct rw_conf_report report = {0};
        struct rw_terms terms;
        struct rw_input_value values[RW_INPUT_END] = {0};
        rw_alloc_fail_after(n);
        enum rw_err err = rw_intake_read_file(path_of("intake.yaml"), &intake, &report);
        if (!err)
            err = rw_intake_bind(&intake, NAN, values, &terms, &report);
        rw_alloc_fail_never();
        rw_intake_free(&intake);
        if (err == RW_OK)
            break;
        assert_int_equal(err, RW_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_names_its_proof),
        cmocka_unit_test(test_the_law_is_fitted_to_the_runs),
        cmocka_unit_test(test_what_is_stated_stays),
        cmocka_unit_test(test_what_is_no_measurement),
        cmocka_unit_test(test_a_verdict_measures_the_gateway),
        cmocka_unit_test(test_a_simulated_day_has_a_curve),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
