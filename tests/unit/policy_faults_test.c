/* Failures on purpose: what happens to requests and bodies, how often, and what is told of it. */
#include "base/alloc.h"
#include "gate/exchange/policy.h"
#include "origin/registry.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rw_fixture gate;

static void open_gate(const char *faults)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml),
             "listeners:\n- address: 127.0.0.1:8080\n"
             "routes:\n- echo: {}\n  policies:\n  - faults: %s\n",
             faults);
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
}

static void close_gate(void)
{
    rw_fixture_close(&gate);
}

static uint64_t counted(const char *kind)
{
    char name[64];
    struct rw_text text = {0};
    rw_metrics_expose(gate.metrics, &text);
    snprintf(name, sizeof(name), "\nringway_faults_%s_total ", kind);
    const char *at = strstr(text.at, name);
    assert_non_null(at);
    uint64_t value = strtoull(at + strlen(name), NULL, 10);
    rw_text_free(&text);
    return value;
}

static void off_by_default(void **state)
{
    (void)state;
    open_gate("{abort: {percent: 100}, reset: {percent: 100}, delay: {percent: 100}}");
    for (int i = 0; i < 20; i++) {
        rw_fixture_get(&gate, "/");
        assert_int_equal(gate.status, 200);
    }
    assert_int_equal(counted("abort") + counted("reset") + counted("delay"), 0);
    close_gate();
}

static void aborts(void **state)
{
    (void)state;
    open_gate("{enabled: true, abort: {percent: 100, status: 418}}");
    rw_fixture_get(&gate, "/");
    assert_int_equal(gate.status, 418);
    assert_string_equal(gate.reason, "fault_on_purpose");
    assert_non_null(strstr(rw_fixture_body(&gate), "A fault on purpose."));
    assert_int_equal(counted("abort"), 1);
    close_gate();
}

static void resets(void **state)
{
    (void)state;
    open_gate("{enabled: true, reset: {percent: 100}, abort: {percent: 100}}");
    rw_fixture_get(&gate, "/");
    assert_true(gate.aborted && gate.finished);
    assert_int_equal(gate.status, 0);
    assert_string_equal(gate.reason, "fault_on_purpose");
    assert_int_equal(counted("reset"), 1);
    assert_int_equal(counted("abort"), 0);
    close_gate();
}

/* The body that comes with the head, and what comes behind it, are there after the wait. */
static void delays(void **state)
{
    (void)state;
    static const char head[] = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 26\r\n\r\n";
    static const char body[] = "abcdefghijklmnopqrstuvwxyz";
    open_gate("{enabled: true, delay: {percent: 100, by: 30ms, jitter: 10ms}}");
    for (size_t piece = 0; piece < 8; piece += 7) {
        gate.body_piece = piece;
        uint64_t begin_ms = rw_loop_now_ms(gate.worker.loop);
        rw_fixture_ask(&gate, head, body);
        assert_true(rw_loop_now_ms(gate.worker.loop) - begin_ms >= 30);
        assert_int_equal(gate.status, 200);
        assert_non_null(strstr(rw_fixture_body(&gate), "\"body_bytes\": 26"));
    }
    assert_int_equal(counted("delay"), 2);
    close_gate();
}

static void delays_and_then_aborts(void **state)
{
    (void)state;
    open_gate("{enabled: true, delay: {percent: 100, by: 5ms}, abort: {percent: 100}}");
    gate.body_piece = 3;
    rw_fixture_ask(&gate, "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\n",
                   "123456789");
    assert_int_equal(gate.status, 503);
    assert_int_equal(counted("delay"), 1);
    assert_int_equal(counted("abort"), 1);
    close_gate();
}

/* Policies before one that waits are asked once, those behind it afterwards. */
static void policies_around_a_wait(void **state)
{
    (void)state;
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    "listeners:\n- address: 127.0.0.1:8080\n"
                    "  policies:\n  - headers: {request: {add: {X-Order: one}}}\n"
                    "  - faults: {enabled: true, delay: {percent: 100, by: 5ms}}\n"
                    "routes:\n- echo: {}\n  policies:\n"
                    "  - headers: {request: {add: {X-Order: two}}}\n"
                    "  - faults: {enabled: true, delay: {percent: 100, by: 5ms}}\n"
                    "  - rewrite: {path: /new}\n"
                    "  - headers: {request: {add: {X-Order: three}}}\n");
    rw_fixture_get(&gate, "/old");
    assert_int_equal(gate.status, 200);
    assert_string_equal(rw_fixture_request_field(&gate, "X-Order"), "one, two, three");
    assert_string_equal(gate.target, "/new");
    assert_int_equal(counted("delay"), 2);
    close_gate();
}

/* The client goes while a policy waits, and the route's time is over then. */
static void time_is_over_in_a_wait(void **state)
{
    (void)state;
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    "listeners:\n- address: 127.0.0.1:8080\n"
                    "routes:\n- echo: {}\n  timeouts: {total: 20ms}\n  policies:\n"
                    "  - faults: {enabled: true, delay: {percent: 100, by: 10s}}\n");
    gate.body_piece = 2;
    rw_fixture_ask(&gate, "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\n", "1234");
    assert_int_equal(gate.status, 504);
    assert_string_equal(gate.reason, "exchange_timeout");
    close_gate();
}

/* ---- Bodies ---- */

#define LONG_BODY                                                                                  \
    "listeners:\n- address: 127.0.0.1:8080\n"                                                      \
    "routes:\n- respond: \"0123456789012345678901234567890123456789\"\n  policies:\n  - faults: "

static void truncates(void **state)
{
    (void)state;
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    LONG_BODY "{enabled: true, truncate: {percent: 100, after: 15}}\n");
    rw_fixture_get(&gate, "/");
    assert_int_equal(gate.status, 200);
    assert_true(gate.aborted);
    assert_int_equal(gate.length, 40);
    assert_string_equal(rw_fixture_body(&gate), "012345678901234");
    assert_string_equal(gate.reason, "fault_on_purpose");
    assert_int_equal(counted("truncate"), 1);
    rw_fixture_ask(&gate, "HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n", NULL); /* has no body */
    assert_false(gate.aborted);
    close_gate();
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    LONG_BODY "{enabled: true, truncate: {percent: 100, after: 40}}\n");
    rw_fixture_get(&gate, "/"); /* all of it came */
    assert_false(gate.aborted);
    assert_int_equal(counted("truncate"), 0);
    close_gate();
}

static void throttles(void **state)
{
    (void)state;
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    LONG_BODY "{enabled: true, throttle: {percent: 100, bytes_per_second: 400}}\n");
    for (int hold = 0; hold < 2; hold++) {
        gate.hold = hold;
        uint64_t begin_ms = rw_loop_now_ms(gate.worker.loop);
        rw_fixture_get(&gate, "/");
        assert_true(rw_loop_now_ms(gate.worker.loop) - begin_ms >= 80); /* 100 at that rate */
        assert_string_equal(rw_fixture_body(&gate), "0123456789012345678901234567890123456789");
        assert_false(gate.aborted);
    }
    assert_int_equal(counted("throttle"), 2);
    close_gate();
}

static void throttles_and_truncates(void **state)
{
    (void)state;
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    LONG_BODY "{enabled: true, throttle: {percent: 100, bytes_per_second: 1000},"
                              " truncate: {percent: 100, after: 11}}\n");
    rw_fixture_get(&gate, "/");
    assert_true(gate.aborted);
    assert_string_equal(rw_fixture_body(&gate), "01234567890");
    close_gate();
}

/* ---- Which, and how many ---- */

static void only_when(void **state)
{
    (void)state;
    open_gate("{enabled: true, abort: {percent: 100}, when: {methods: [GET, PUT],"
              " headers: {X-Drill: \"*\", X-Who: me}}}");
    static const struct {
        const char *head;
        unsigned status;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\nX-Drill: 1\r\nx-who: me\r\n\r\n", 503},
        {"GET / HTTP/1.1\r\nHost: a\r\nX-Drill: 1\r\nX-Who: you\r\n\r\n", 200},
        {"GET / HTTP/1.1\r\nHost: a\r\nX-Who: me\r\n\r\n", 200},
        {"POST / HTTP/1.1\r\nHost: a\r\nX-Drill: 1\r\nX-Who: me\r\nContent-Length: 0\r\n\r\n", 200},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        rw_fixture_ask(&gate, cases[i].head, NULL);
        assert_int_equal(gate.status, cases[i].status);
    }
    close_gate();
}

enum { MANY = 2000 };

static void draw_many(const char *faults, bool *hit)
{
    open_gate(faults);
    for (int i = 0; i < MANY; i++) {
        rw_fixture_get(&gate, "/");
        hit[i] = gate.status == 503;
    }
    close_gate();
}

static void as_often_as_said(void **state)
{
    (void)state;
    static bool first[MANY], again[MANY], other[MANY];
    unsigned hits = 0;
    draw_many("{enabled: true, seed: 7, abort: {percent: 10}}", first);
    draw_many("{enabled: true, seed: 7, abort: {percent: 10}}", again);
    draw_many("{enabled: true, seed: 8, abort: {percent: 10}}", other);
    for (int i = 0; i < MANY; i++)
        hits += first[i];
    /* 200 expected; six standard deviations (13.4) to each side. */
    assert_true(hits > 120 && hits < 280);
    assert_memory_equal(first, again, sizeof(first));
    assert_memory_not_equal(first, other, sizeof(first));
}

/* ---- Told ---- */

static void explained(void **state)
{
    (void)state;
    struct rw_text text = {0};
    open_gate("{enabled: true, delay: {percent: 20, by: 200ms, jitter: 1s}, reset: {percent: 1},"
              " abort: {percent: 5}, truncate: {percent: 2}, throttle: {percent: 3},"
              " when: {methods: GET, headers: {X-Drill: \"*\"}}}");
    const struct rw_policy_use *use = &gate.snapshot->routes[0].policies[0];
    use->policy->explain(use->instance, &text);
    assert_string_equal(text.at, "delay 20% by 200ms and at most 1s more, reset 1%, abort 5% with "
                                 "503, truncate 2% after 1KiB, throttle 3% to 10KiB/s; of GET; "
                                 "with X-Drill: *");
    rw_text_free(&text);
    close_gate();
    open_gate("{reset: {percent: 100}}");
    text = (struct rw_text){0};
    use = &gate.snapshot->routes[0].policies[0];
    use->policy->explain(use->instance, &text);
    assert_string_equal(text.at, "off: reset 100%");
    rw_text_free(&text);
    close_gate();
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *faults, *message;
    } cases[] = {
        {"{enabled: true}", "no fault: expected one of delay, reset, abort, truncate, throttle"},
        {"{abort: {percent: 0}}", "percent"},
        {"{abort: {percent: 101}}", "percent"},
        {"{abort: {status: 503}}", "percent"},
        {"{abort: {percent: 1, status: 200}}", "status"},
        {"{delay: {percent: 1, by: 11m}}", "by"},
        {"{reset: {percent: 1}, when: {methods: \"G T\"}}", "\"G T\" is no method"},
        {"{reset: {percent: 1}, when: {headers: {\"a b\": x}}}",
         "\"a b\" is no name of a header field"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char yaml[512];
        snprintf(yaml, sizeof(yaml),
                 "listeners:\n- address: 127.0.0.1:8080\n"
                 "routes:\n- echo: {}\n  policies:\n  - faults: %s\n",
                 cases[i].faults);
        rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
        assert_null(gate.snapshot);
        if (!strstr(gate.mistakes.at, cases[i].message))
            fail_msg("%s", gate.mistakes.at);
        rw_fixture_close(&gate);
    }
}

/* Whatever allocation fails, there is an answer or a cut, and nothing is lost. */
static void without_memory(void **state)
{
    (void)state;
    open_gate("{enabled: true, delay: {percent: 100, by: 1ms}, throttle: {percent: 100},"
              " truncate: {percent: 100, after: 5}}");
    for (uint64_t nth = 1; nth < 40; nth++) {
        gate.fail_after = nth;
        rw_fixture_get(&gate, "/");
        assert_true(gate.finished);
    }
    close_gate();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_by_default),
        cmocka_unit_test(aborts),
        cmocka_unit_test(resets),
        cmocka_unit_test(delays),
        cmocka_unit_test(delays_and_then_aborts),
        cmocka_unit_test(policies_around_a_wait),
        cmocka_unit_test(time_is_over_in_a_wait),
        cmocka_unit_test(truncates),
        cmocka_unit_test(throttles),
        cmocka_unit_test(throttles_and_truncates),
        cmocka_unit_test(only_when),
        cmocka_unit_test(as_often_as_said),
        cmocka_unit_test(explained),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
