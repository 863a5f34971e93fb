/* The acceptance file: defaults, and every mistake at its place, all at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "verify/acceptance.h"
#include "verify/drive.h"
#include "verify/openslo.h"
#include "verify/origin.h"
#include "verify/target.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reading {
    struct rw_arena arena;
    struct rw_acceptance file;
    struct rw_conf_report report;
    struct rw_text mistakes;
    enum rw_err err;
};

static void read_yaml(struct reading *reading, const char *yaml)
{
    *reading = (struct reading){0};
    rw_arena_init(&reading->arena, NULL, 0, 4096, 4 << 20);
    reading->err = rw_conf_read_text(rw_span_text(yaml), "a.yaml", &rw_acceptance_record,
                                     &reading->arena, &reading->file, &reading->report);
    rw_conf_report_print(&reading->report, &reading->mistakes);
}

static void done(struct reading *reading)
{
    rw_text_free(&reading->mistakes);
    rw_arena_free(&reading->arena);
}

static const char smallest[] = "url: http://127.0.0.1:8080\n"
                               "load: {}\n"
                               "targets: { error_rate: { at_most_percent: 0.5 } }\n";

static void test_defaults(void **state)
{
    struct reading r;
    (void)state;
    read_yaml(&r, smallest);
    assert_int_equal(r.err, RW_OK);
    assert_int_equal(r.file.repetitions, 3);
    assert_true(r.file.confidence_percent == 95);
    assert_null(r.file.gateway);
    assert_int_equal(r.file.requests.count, 1);
    const struct rw_verify_request *request = r.file.requests.items;
    assert_true(rw_span_is(request->path, "/") && rw_span_is(request->method, "GET"));
    const struct rw_verify_target *target = rw_acceptance_targets(&r.file);
    const struct rw_target_kind *kind = rw_target_kind(target);
    assert_string_equal(kind->key.name, "error_rate");
    assert_true(kind->limit(target->what.value) == 0.005);
    assert_true(rw_acceptance_seconds(&r.file) == 3 * 11);
    done(&r);
}

static void test_all_mistakes_at_once(void **state)
{
    struct reading r;
    (void)state;
    read_yaml(&r, "url: ftp://127.0.0.1/\n"
                  "confidence_percent: 100\n"
                  "servers:\n"
                  "  - { name: app, address: \"127.0.0.1:1\", origin: {}, command: [true] }\n"
                  "requests: [orders]\n"
                  "load:\n"
                  "  - { name: peak, rate: 1e3 }\n"
                  "  - { name: peak, threads: 8, connections: 2 }\n"
                  "faults:\n"
                  "  - { cause: rest, delay: 1s }\n"
                  "  - { cause: kill, load: paek, per_second: 10 }\n"
                  "  - { cause: slow_senders, for: 1s, bytes_per_second: 2, connections: 10001 }\n"
                  "targets:\n"
                  "  - latency: { percentile: 100, at_most: 50 }\n"
                  "  - { load: paek, error_rate: { at_most_percent: 101 } }\n");
    assert_int_equal(r.err, RW_EINVAL);
    assert_string_equal(
        r.mistakes.at,
        "a.yaml:1:6: url: the scheme is none of http, https\n"
        "a.yaml:2:21: confidence_percent: nothing is ever certain\n"
        "a.yaml:4:63: servers[0].command: the server is built in (origin): it needs no command\n"
        "a.yaml:5:12: requests[0]: a path begins with \"/\", and has no blanks, controls, "
        "\"#\" or letters that are not ASCII (write them as %20)\n"
        "a.yaml:7:25: load[0].rate: expected a number from 0 to 100000000, not \"1e3\"\n"
        "a.yaml:8:13: load[1].name: the name \"peak\" is taken already, in line 7\n"
        "a.yaml:8:44: load[1].connections: each of the 8 threads needs a connection at least\n"
        "a.yaml:10:14: faults[0].cause: no fault is called \"rest\"; did you mean \"reset\"?\n"
        "a.yaml:11:26: faults[1].load: no load is called \"paek\"; did you mean \"peak\"?\n"
        "a.yaml:11:44: faults[1].per_second: kill makes no use of it; it goes with reload_storm\n"
        "a.yaml:12:33: faults[2].for: who sends 2 bytes a second is seen to be slow after 4 bytes: "
        "it lasts 2 s at least\n"
        "a.yaml:12:71: faults[2].connections: expected a whole number from 1 to 10000, not "
        "\"10001\"\n"
        "a.yaml:14:28: targets[0].latency.percentile: a percentile is above 0 and below 100; for "
        "the slowest answer of all there is the load's `timeout`\n"
        "a.yaml:14:42: targets[0].latency.at_most: expected a duration like 250ms, 1.5s, 2m, 1h or "
        "1d, not \"50\"; the unit is missing: \"50s\" or \"50ms\"\n"
        "a.yaml:15:13: targets[1].load: no load is called \"paek\"; did you mean \"peak\"?\n"
        "a.yaml:15:50: targets[1].error_rate.at_most_percent: expected a number from 0 to 100, not "
        "\"101\"\n");
    done(&r);
}

/* Writes are told apart by their numbers, wherever these stand. */
static void test_writes(void **state)
{
    struct reading r;
    (void)state;
    read_yaml(&r, "url: http://127.0.0.1:1\n"
                  "load: {}\n"
                  "targets:\n"
                  "  - data_loss: { at_most: 0, read: /x, method: \"b d\", headers: { a b: c } }\n"
                  "  - data_loss: { at_most: 0, read: \"/x/{number}\" }\n");
    assert_string_equal(
        r.mistakes.at,
        "a.yaml:4:36: targets[0].data_loss.read: which of the writes? It needs a {number}\n"
        "a.yaml:4:48: targets[0].data_loss.method: \"b d\" is no method\n"
        "a.yaml:4:71: targets[0].data_loss.headers.a b: this is no field that HTTP has\n"
        "a.yaml:5:5: targets[1]: a second data_loss: there can be one\n"
        "a.yaml:5:36: targets[1].data_loss.read: writes cannot be told apart: `path`, `body` or "
        "`headers` need a {number}\n");
    done(&r);
    static const char *const places[] = {"path: \"/x?id={number}\"", "body: '{\"id\": {number}}'",
                                         "headers: { X-Id: \"n{number}\" }"};
    for (unsigned i = 0; i < sizeof(places) / sizeof(*places); i++) {
        char yaml[256];
        snprintf(yaml, sizeof(yaml),
                 "url: http://127.0.0.1:1\nload: {}\ntargets:\n"
                 "  - data_loss: { at_most: 0, read: \"/x/{number}\", %s }\n",
                 places[i]);
        read_yaml(&r, yaml);
        assert_int_equal(r.err, RW_OK);
        done(&r);
    }
}

static void test_what_runs_already(void **state)
{
    struct reading r;
    (void)state;
    read_yaml(&r, "url: http://127.0.0.1:1\n"
                  "gateway: { start_timeout: 1s }\n"
                  "servers:\n"
                  "  - { name: a, address: \"127.0.0.1:1\", origin: {}, pid_file: a.pid }\n"
                  "  - { name: b, address: \"127.0.0.1:2\", restart: [b] }\n"
                  "  - { name: c, address: \"127.0.0.1:3\", pid_file: c.pid, restart: [c] }\n"
                  "load: {}\n"
                  "targets: [{ concurrency: { at_least_connections: 1 } }]\n");
    assert_string_equal(
        r.mistakes.at,
        "a.yaml:2:10: gateway: the gateway's configuration is missing (to start it), or "
        "`pid_file` (it runs already)\n"
        "a.yaml:4:62: servers[0].pid_file: verify starts this server, and knows its process\n"
        "a.yaml:5:49: servers[1].restart: it goes with `pid_file`\n");
    done(&r);
}

static void test_commands_with_a_place(void **state)
{
    static const struct {
        const char *words;
        bool placed;
    } cases[] = {{"[node, app.mjs]", false},
                 {"[node, app.mjs, \"{port}\"]", true},
                 {"[app, \"--listen={address}\"]", true},
                 {"[app, \"{host}\"]", false}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct reading r;
        char yaml[256];
        snprintf(yaml, sizeof(yaml),
                 "url: http://127.0.0.1:1\nload: {}\n"
                 "targets: [{ concurrency: { at_least_connections: 1 } }]\n"
                 "servers: [{ name: a, address: \"127.0.0.1:1\", command: %s }]\n",
                 cases[i].words);
        read_yaml(&r, yaml);
        assert_int_equal(r.err, RW_OK);
        assert_int_equal(rw_verify_server_is_placed(rw_acceptance_servers(&r.file)),
                         cases[i].placed);
        done(&r);
    }
}

static void test_bounds_on_time(void **state)
{
    struct reading r;
    (void)state;
    read_yaml(&r, "url: http://127.0.0.1/\n"
                  "load: { duration: 24h }\n"
                  "repetitions: 8\n"
                  "targets: [{ concurrency: { at_least_connections: 1 } }]\n");
    assert_string_equal(r.mistakes.at, "a.yaml:3:14: repetitions: all loads and repetitions "
                                       "together take more than 7 days\n");
    done(&r);
}

/* Only this machine, unless the command line names the host. */
static void test_what_may_be_touched(void **state)
{
    static const struct {
        const char *address, *host;
        bool allowed;
    } cases[] = {
        {"127.0.0.1:80", "127.0.0.1", true},
        {"127.9.9.9:80", "", true},
        {"[::1]:80", "::1", true},
        {"unix:/run/app", "", true},
        {"10.0.0.1:80", "10.0.0.1", false},
        {":80", "", false},
        {"10.0.0.2:80", "Shop.example", true},
    };
    const struct rw_allowed allowed = {{"shop.example"}, 1};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_address address;
        assert_int_equal(rw_address_parse(rw_span_text(cases[i].address), &address), RW_OK);
        assert_int_equal(rw_is_allowed(&allowed, rw_span_text(cases[i].host), &address),
                         cases[i].allowed);
    }
}

static void test_settings_of_a_load(void **state)
{
    struct reading r;
    struct rw_drive drive;
    struct rw_load_settings settings;
    struct rw_text why = {0};
    (void)state;
    read_yaml(&r, "url: http://127.0.0.1:8080/shop/\n"
                  "requests: [{ path: \"/a?b\", method: POST, body: x, headers: { X-A: \"1\" } }]\n"
                  "load: { rate: 100, rate_to: 300, duration: 4s, warmup: 2s, connections: 5 }\n"
                  "targets: { concurrency: { at_least_connections: 1 } }\n");
    assert_int_equal(r.err, RW_OK);
    assert_int_equal(rw_drive_init(&drive, &r.file, &(struct rw_allowed){0}, &why), RW_OK);
    rw_drive_settings(&drive, rw_acceptance_loads(&r.file), 7, &settings);
    assert_string_equal(settings.requests[0].target.at, "/shop/a?b");
    assert_true(rw_span_is(settings.requests[0].h1, "POST /shop/a?b HTTP/1.1\r\n"
                                                    "Host: 127.0.0.1:8080\r\n"
                                                    "X-A: 1\r\n"
                                                    "Content-Length: 1\r\n\r\nx"));
    assert_true(rw_profile_arrivals(&settings.profile) == 2 * 100 + 4 * 200);
    assert_true(rw_load_seconds(&settings) == 4);
    rw_drive_free(&drive);
    done(&r);
}

/* The built-in server's latencies have the percentiles that its distribution has. */
static void test_latencies_of_the_origin(void **state)
{
    enum { DRAWS = 100000 };
    const struct rw_verify_origin origins[] = {
        {.latency_ms = 100, .distribution = RW_ORIGIN_CONSTANT},
        {.latency_ms = 100, .distribution = RW_ORIGIN_UNIFORM},
        {.latency_ms = 100, .distribution = RW_ORIGIN_EXPONENTIAL},
        {.latency_ms = 0, .slow_percent = 10, .slow_ms = 500},
    };
    /* At most so much: the share of draws that must be so. */
    const struct {
        uint32_t ms;
        double share;
    } expected[] = {{100, 1}, {50, 0.25}, {230, 1 - 0.1003}, {499, 0.9}};
    (void)state;
    for (size_t i = 0; i < sizeof(origins) / sizeof(*origins); i++) {
        struct rw_random random;
        unsigned within = 0;
        rw_random_seed(&random, 7);
        for (unsigned k = 0; k < DRAWS; k++)
            within += rw_origin_latency_ms(&origins[i], &random) <= expected[i].ms;
        assert_true(fabs((double)within / DRAWS - expected[i].share) < 0.006);
    }
}

/* As the planner writes them, and what a reader of OpenSLO must refuse. */
static void test_objectives(void **state)
{
    static const char objectives[] =
        "apiVersion: openslo/v1\nkind: Service\nmetadata: { name: shop }\n---\n"
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: { name: up, displayName: Up }\nspec:\n"
        "  indicator: { spec: { ratioMetric: { good: { metricSource: { spec: { query: good } } } } } "
        "}\n"
        "  timeWindow: [{ duration: 4w }]\n  objectives: [{ target: 0.999 }]\n---\n"
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: { name: quick }\nspec:\n"
        "  indicator: { spec: { ratioMetric: { good: { metricSource: { spec: { query: "
        "'b{le=\"0.25\"}' } } } } } }\n"
        "  objectives: [{ target: 0.95 }, { target: 1.5 }]\n---\n"
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: { name: between }\nspec:\n"
        "  indicator: { spec: { ratioMetric: { good: { metricSource: { spec: { query: "
        "'sum(b{le=\"1\"}) + (sum(b{le=\"2.5\"}) - sum(b{le=\"1\"})) * 0.666667' } } } } } }\n"
        "  objectives: [{ target: 0.99 }]\n";
    char path[] = "/tmp/ringway-objectives-XXXXXX";
    struct rw_conf_list targets = {0};
    struct rw_text mistakes = {0}, expected = {0};
    struct rw_arena arena;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, objectives, sizeof(objectives) - 1), sizeof(objectives) - 1);
    close(fd);
    rw_arena_init(&arena, NULL, 0, 4096, 4 << 20);
    assert_int_equal(rw_openslo_read(path, &arena, &targets, &mistakes), RW_EINVAL);
    rw_text_addf(&expected, "%s:18:34: an objective needs a `target` above 0 and below 1\n", path);
    assert_string_equal(mistakes.at, expected.at);
    assert_int_equal(targets.count, 3);
    const struct rw_verify_target *items = targets.items;
    const struct rw_verify_target_availability *up = items[0].what.value;
    const struct rw_verify_target_latency *quick = items[1].what.value;
    assert_true(rw_target_is(&items[0], RW_TARGET_AVAILABILITY));
    assert_string_equal(items[0].name.at, "Up");
    assert_true(fabs(up->least_percent - 99.9) < 1e-9);
    assert_int_equal(up->window_days, 28);
    assert_true(rw_target_is(&items[1], RW_TARGET_LATENCY));
    assert_true(fabs(quick->percentile - 95) < 1e-9);
    assert_int_equal(quick->most_ms, 250);
    quick = items[2].what.value;
    assert_int_equal(quick->most_ms, 2000);
    rw_text_free(&mistakes);
    rw_text_free(&expected);
    rw_arena_free(&arena);
    unlink(path);
}

static void test_files_beside_it(void **state)
{
    char folder[] = "/tmp/ringway-acceptance-XXXXXX", path[128];
    struct rw_acceptance *file;
    struct rw_conf_report report = {0};
    struct rw_arena arena;
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/a.yaml", folder);
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    fprintf(to, "gateway: g.yaml\n%s", smallest);
    fclose(to);
    rw_arena_init(&arena, NULL, 0, 4096, 4 << 20);
    assert_int_equal(rw_acceptance_read(path, &arena, &file, &report), RW_OK);
    snprintf(path, sizeof(path), "%s/g.yaml", folder);
    assert_string_equal(file->gateway->config.at, path);
    rw_arena_free(&arena);
    snprintf(path, sizeof(path), "%s/a.yaml", folder);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_all_mistakes_at_once),
        cmocka_unit_test(test_writes),
        cmocka_unit_test(test_what_runs_already),
        cmocka_unit_test(test_commands_with_a_place),
        cmocka_unit_test(test_bounds_on_time),
        cmocka_unit_test(test_what_may_be_touched),
        cmocka_unit_test(test_settings_of_a_load),
        cmocka_unit_test(test_latencies_of_the_origin),
        cmocka_unit_test(test_objectives),
        cmocka_unit_test(test_files_beside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
