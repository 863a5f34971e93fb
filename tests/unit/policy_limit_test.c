/* The policy `rate_limit`. Limits here are by the hour, so that no test waits for time. */
#include "base/alloc.h"
#include "origin/registry.h"
#include "policy/limit/limit_private.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static struct rw_fixture gate;

#define LISTENER "listeners:\n- address: 127.0.0.1:8080\n"

static void open_yaml(const char *yaml)
{
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
}

static void open_gate(const char *limits, const char *options)
{
    char yaml[2048];
    snprintf(yaml, sizeof(yaml),
             LISTENER "routes:\n- name: only\n  respond: hi\n"
                      "  policies: [ rate_limit: { limits: [ %s ] %s } ]\n",
             limits, options);
    open_yaml(yaml);
}

static unsigned ask(const char *client, const char *target, const char *fields)
{
    char head[2048];
    const char *scheme = "http://", *host = "a.test";
    bool whole = strncmp(target, scheme, strlen(scheme)) == 0;
    host = whole ? target + strlen(scheme) : host;
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: %.*s\r\n%s\r\n", target,
             (int)strcspn(host, "/"), host, fields);
    gate.client = client;
    rw_fixture_ask(&gate, head, NULL);
    return gate.status;
}

static uint64_t counted(const char *limit, enum rw_limit_result result)
{
    struct rw_series_cell sum = {0};
    unsigned series =
        rw_metrics_series(gate.metrics, RW_SERIES_LIMIT, rw_span_text(limit), (struct rw_span){0});
    rw_metrics_series_total(gate.metrics, series, &sum);
    return sum.status[result];
}

static void refuses_and_tells(void **state)
{
    (void)state;
    open_gate("{ name: a, requests: 60, per: hour, burst: 2 }", "");
    assert_int_equal(ask("192.0.2.1", "/", ""), 200);
    assert_string_equal(rw_fixture_field(&gate, "RateLimit-Policy"), "\"a\";q=60;w=3600");
    assert_string_equal(rw_fixture_field(&gate, "RateLimit"), "\"a\";r=1;t=60");
    assert_string_equal(rw_fixture_field(&gate, "Retry-After"), "");
    assert_int_equal(ask("192.0.2.1", "/", ""), 200);
    assert_int_equal(ask("192.0.2.1", "/", ""), 429);
    assert_string_equal(gate.reason, "policy");
    assert_string_equal(rw_fixture_field(&gate, "RateLimit"), "\"a\";r=0;t=60");
    assert_string_equal(rw_fixture_field(&gate, "Retry-After"), "60");
    assert_string_equal(rw_fixture_field(&gate, "Content-Type"), "application/problem+json");
    assert_non_null(strstr(rw_fixture_body(&gate), "http-problem-types#quota-exceeded"));
    assert_non_null(strstr(rw_fixture_body(&gate), "\"violated-policies\":[\"a\"]"));
    assert_int_equal(ask("192.0.2.2", "/", ""), 200);
    assert_int_equal(counted("a", RW_LIMIT_ADMITTED), 3);
    assert_int_equal(counted("a", RW_LIMIT_REFUSED), 1);
    rw_fixture_close(&gate);
}

static void several_limits(void **state)
{
    (void)state;
    open_gate("{ name: each, requests: 1, per: hour, burst: 2 },"
              "{ name: all, requests: 1, per: hour, burst: 3, key: constant }",
              "");
    assert_int_equal(ask("192.0.2.1", "/", ""), 200);
    assert_int_equal(ask("192.0.2.1", "/", ""), 200);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask("192.0.2.1", "/", ""), 429);
    assert_string_equal(rw_fixture_field(&gate, "RateLimit"),
                        "\"each\";r=0;t=3600, \"all\";r=1;t=3600");
    /* What was refused was charged to nobody. */
    assert_int_equal(ask("192.0.2.2", "/", ""), 200);
    assert_int_equal(ask("192.0.2.2", "/", ""), 429);
    assert_non_null(strstr(rw_fixture_body(&gate), "\"violated-policies\":[\"all\"]"));
    assert_int_equal(counted("each", RW_LIMIT_REFUSED), 5);
    assert_int_equal(counted("all", RW_LIMIT_REFUSED), 1);
    assert_int_equal(counted("all", RW_LIMIT_ADMITTED), 3);
    rw_fixture_close(&gate);
}

/* Two requests each time: the second is refused where both have one key. */
struct two_requests {
    const char *key, *first_client, *first_target, *first_fields;
    const char *second_client, *second_target, *second_fields;
    bool same;
};

static void ask_twice(const struct two_requests *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char limit[256];
        snprintf(limit, sizeof(limit), "{ name: a, requests: 1, per: day, key: %s }", cases[i].key);
        open_gate(limit, "");
        unsigned first = ask(cases[i].first_client, cases[i].first_target, cases[i].first_fields);
        unsigned second =
            ask(cases[i].second_client, cases[i].second_target, cases[i].second_fields);
        if (first != 200 || second != (cases[i].same ? 429 : 200))
            fail_msg("case %zu, %s: %u, %u", i, cases[i].key, first, second);
        rw_fixture_close(&gate);
    }
}

static void keys(void **state)
{
    (void)state;
    static const struct two_requests cases[] = {
        {"address", "192.0.2.1", "/", "", "192.0.2.1", "/b", "", true},
        {"address", "192.0.2.1", "/", "", "192.0.2.2", "/", "", false},
        {"address", "192.0.2.1", "/", "", "::ffff:192.0.2.1", "/", "", true},
        {"address", "2001:db8:0:1::1", "/", "", "2001:db8:0:1:ffff::2", "/", "", true},
        {"address", "2001:db8:0:1::1", "/", "", "2001:db8:0:2::1", "/", "", false},
        {"address", "", "/", "", "", "/", "", true},
        {"address", "", "/", "", "192.0.2.1", "/", "", false},
        {"constant", "192.0.2.1", "/", "", "192.0.2.2", "/b", "", true},
        {"route", "192.0.2.1", "/", "", "192.0.2.2", "/b", "", true},
        {"method", "192.0.2.1", "/", "", "192.0.2.2", "/b", "", true},
        {"host", "192.0.2.1", "/", "", "192.0.2.2", "/", "", true},
        {"host", "192.0.2.1", "/", "", "192.0.2.1", "http://B.test/", "", false},
        {"host", "192.0.2.1", "http://b.test/", "", "192.0.2.1", "http://B.TEST:80/", "", true},
        {"host", "192.0.2.1", "http://b.test/", "", "192.0.2.1", "http://b.test.:80/", "", true},
        {"header:X-Key", "192.0.2.1", "/", "X-Key: a\r\n", "192.0.2.2", "/", "x-key: a\r\n", true},
        {"header:X-Key", "192.0.2.1", "/", "X-Key: a\r\n", "192.0.2.1", "/", "X-Key: A\r\n", false},
        {"header:X-Key", "192.0.2.1", "/", "", "192.0.2.2", "/", "", true},
        {"header:X-Key", "192.0.2.1", "/", "X-Key: -\r\n", "192.0.2.1", "/", "", false},
        {"cookie:sid", "192.0.2.1", "/", "Cookie: a=b; sid=1\r\n", "192.0.2.2", "/",
         "Cookie: sid=1; c=d\r\n", true},
        {"cookie:sid", "192.0.2.1", "/", "Cookie: sid=1\r\n", "192.0.2.1", "/",
         "Cookie: xsid=1; sid=2\r\n", false},
        {"query:k", "192.0.2.1", "/?a=1&k=2", "", "192.0.2.2", "/?k=2", "", true},
        {"query:k", "192.0.2.1", "/?k=2", "", "192.0.2.1", "/?k=3", "", false},
        {"[address, \"header:X-Key\"]", "192.0.2.1", "/", "X-Key: a\r\n", "192.0.2.1", "/",
         "X-Key: b\r\n", false},
        {"[address, \"header:X-Key\"]", "192.0.2.1", "/", "X-Key: a\r\n", "192.0.2.1", "/b",
         "X-Key: a\r\n", true},
        {"[\"query:a\", \"query:b\"]", "192.0.2.1", "/?a=1&b=23", "", "192.0.2.1", "/?a=12&b=3", "",
         false},
    };
    ask_twice(cases, sizeof(cases) / sizeof(*cases));
}

static void keys_in_disguise(void **state)
{
    (void)state;
    static const struct two_requests cases[] = {
        /* What is encoded is what it says; plus signs are spaces. */
        {"query:key", "192.0.2.1", "/?key=abc", "", "192.0.2.2", "/?key=%61b%63", "", true},
        {"query:key", "192.0.2.1", "/?key=abc", "", "192.0.2.2", "/?%6bey=abc&b=1", "", true},
        {"query:key", "192.0.2.1", "/?key=a+b", "", "192.0.2.2", "/?key=a%20b", "", true},
        {"query:key", "192.0.2.1", "/?key=a%2Bb", "", "192.0.2.1", "/?key=a+b", "", false},
        {"query:key", "192.0.2.1", "/?key=a%26b", "", "192.0.2.1", "/?key=a", "", false},
        {"query:a+b", "192.0.2.1", "/?a%2Bb=1", "", "192.0.2.2", "/?%61%2bb=1", "", true},
        {"query:a+b", "192.0.2.1", "/?a%2Bb=1", "", "192.0.2.1", "/?a+b=1", "", false},
        {"cookie:sid", "192.0.2.1", "/", "Cookie: sid=abc\r\n", "192.0.2.2", "/",
         "Cookie: sid=%61bc\r\n", true},
        {"header:X-Key", "192.0.2.1", "/", "X-Key: a\r\n", "192.0.2.1", "/", "X-Key: %61\r\n",
         false},
        /* Whatever stands beside a key, it is no key of its own. */
        {"query:k", "192.0.2.1", "/?k=1&k=2", "", "192.0.2.2", "/?k=1&k=3", "", true},
        {"query:k", "192.0.2.1", "/?k=2&k=1", "", "192.0.2.2", "/?%6b=3&k=1", "", true},
        {"query:k", "192.0.2.1", "/?k&k=1", "", "192.0.2.2", "/?k=1&a=2&k=", "", true},
        {"query:k", "192.0.2.1", "/?k=1&k=2", "", "192.0.2.1", "/?k=1", "", false},
        {"query:k", "192.0.2.1", "/?k=1&k=2", "", "192.0.2.1", "/", "", false},
        {"query:k", "192.0.2.1", "/?k=a&k=%61", "", "192.0.2.2", "/?k=a", "", true},
        {"query:k", "192.0.2.1", "/?k=", "", "192.0.2.2", "/", "", true},
        {"header:X-Key", "192.0.2.1", "/", "X-Key: a\r\nX-Key: b\r\n", "192.0.2.2", "/",
         "X-Key: a\r\nx-key: c\r\n", true},
        {"header:X-Key", "192.0.2.1", "/", "X-Key: a\r\n", "192.0.2.2", "/",
         "X-Key: a\r\nX-Key: a\r\n", true},
        {"header:User-Agent", "192.0.2.1", "/", "User-Agent: a\r\nUser-Agent: b\r\n", "192.0.2.2",
         "/", "User-Agent: a\r\nUser-Agent: c\r\n", true},
        {"cookie:sid", "192.0.2.1", "/", "Cookie: sid=1; sid=2\r\n", "192.0.2.2", "/",
         "Cookie: sid=1\r\nCookie: a=b; sid=3\r\n", true},
    };
    ask_twice(cases, sizeof(cases) / sizeof(*cases));
}

static void prefixes(void **state)
{
    (void)state;
    open_gate("{ name: a, requests: 1, per: day }", ", ipv4_prefix: 20, ipv6_prefix: 47");
    assert_int_equal(ask("10.0.16.1", "/", ""), 200);
    assert_int_equal(ask("10.0.31.255", "/", ""), 429);
    assert_int_equal(ask("10.0.32.1", "/", ""), 200);
    assert_int_equal(ask("2001:db8:2::1", "/", ""), 200);
    assert_int_equal(ask("2001:db8:3::1", "/", ""), 429);
    assert_int_equal(ask("2001:db8:4::1", "/", ""), 200);
    rw_fixture_close(&gate);
}

static void keyless_and_uncounted(void **state)
{
    (void)state;
    open_gate("{ name: a, requests: 1, per: day, key: \"header:X-Key\", keyless: uncounted }", "");
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask("192.0.2.1", "/", ""), 200);
    assert_string_equal(rw_fixture_field(&gate, "RateLimit"), "");
    assert_int_equal(ask("192.0.2.1", "/", "X-Key: a\r\n"), 200);
    assert_int_equal(ask("192.0.2.1", "/", "X-Key: a\r\n"), 429);
    assert_int_equal(counted("a", RW_LIMIT_KEYLESS), 3);
    rw_fixture_close(&gate);
}

static void dry_run(void **state)
{
    (void)state;
    open_gate("{ name: a, requests: 1, per: day }", ", dry_run: true");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask("192.0.2.1", "/", ""), 200);
        assert_string_equal(rw_fixture_field(&gate, "RateLimit"), "");
    }
    assert_int_equal(counted("a", RW_LIMIT_ADMITTED), 1);
    assert_int_equal(counted("a", RW_LIMIT_DRY_RUN), 2);
    assert_int_equal(counted("a", RW_LIMIT_REFUSED), 0);
    rw_fixture_close(&gate);
}

static void other_answers(void **state)
{
    (void)state;
    open_gate("{ name: a, requests: 1, per: day }", ", status: 503, fields: false");
    assert_int_equal(ask("192.0.2.1", "/", ""), 200);
    assert_string_equal(rw_fixture_field(&gate, "RateLimit"), "");
    assert_int_equal(ask("192.0.2.1", "/", ""), 503);
    assert_string_equal(rw_fixture_field(&gate, "RateLimit"), "");
    assert_string_equal(rw_fixture_field(&gate, "Retry-After"), "86400");
    rw_fixture_close(&gate);
}

/* One name is one limit: over routes, and with a listener's. */
static void one_name_one_limit(void **state)
{
    (void)state;
    open_yaml(LISTENER "routes:\n"
                       "- match: /a\n  respond: hi\n  policies: [mine]\n"
                       "- match: /b\n  respond: hi\n  policies: [mine]\n"
                       "- match: /c\n  respond: hi\n  policies:\n"
                       "  - rate_limit: { limits: { name: a, requests: 3, per: day } }\n"
                       "policies:\n"
                       "- name: mine\n"
                       "  rate_limit: { limits: { name: a, requests: 3, per: day } }\n");
    assert_int_equal(ask("192.0.2.1", "/a", ""), 200);
    assert_int_equal(ask("192.0.2.1", "/b", ""), 200);
    assert_int_equal(ask("192.0.2.1", "/c", ""), 200);
    assert_int_equal(ask("192.0.2.1", "/a", ""), 429);
    rw_fixture_close(&gate);
}

static void mistakes(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"", "expected 1 to 8 limits"},
        {"{ name: a, per: day }", "requests"},
        {"{ name: a, requests: 0, per: day }", "requests"},
        {"{ name: a, requests: 1, per: week }", "per"},
        {"{ requests: 1, per: day }", "name"},
        {"{ name: \"a b\", requests: 1, per: day }", "letters, digits"},
        {"{ name: a, requests: 1, per: day, key: somebody }", "expected address, consumer"},
        {"{ name: a, requests: 1, per: day, key: adress }", "did you mean address?"},
        {"{ name: a, requests: 1, per: day, key: \"haeder:X-A\" }", "did you mean header?"},
        {"{ name: a, requests: 1, per: day, key: consumer }", "needs the consumer"},
        {"{ name: a, requests: 1, per: day, key: header }", "expected header:NAME"},
        {"{ name: a, requests: 1, per: day, key: \"route:x\" }", "route has no name"},
        {"{ name: a, requests: 1, per: day, key: [] }", "expected 1 to 4 parts"},
        {"{ name: a, requests: 1, per: day, burst: 100000 }", "more than two years"},
        {"{ name: a, requests: 1, per: calendar_day }", "needs `rate_limits.quota_file`"},
        {"{ name: a, requests: 1, per: calendar_day, burst: 2 }", "has no burst"},
        {"{ name: a, requests: 1, per: day, burst: 0 }", "1 to 1000000000"},
        {"{ name: a, requests: 1, per: calendar_day, shared: true }",
         "needs `rate_limits.quota_file`"},
        {"{ name: a, requests: 1, per: day, shared: true }", "there is no `rate_limits.redis`"},
        {"{ name: a, requests: 1, per: day }, { name: a, requests: 1, per: hour }", "a"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char yaml[1024];
        snprintf(yaml, sizeof(yaml),
                 LISTENER
                 "routes:\n- respond: hi\n  policies: [ rate_limit: { limits: [ %s ] } ]\n",
                 wrong[i][0]);
        rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
        assert_null(gate.snapshot);
        if (!strstr(gate.mistakes.at, wrong[i][1]))
            fail_msg("%s: %s", wrong[i][0], gate.mistakes.at);
        rw_fixture_close(&gate);
    }
}

static void conflicting_limits(void **state)
{
    (void)state;
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    LISTENER "routes:\n"
                             "- match: /a\n  respond: hi\n  policies:\n"
                             "  - rate_limit: { limits: { name: a, requests: 3, per: day } }\n"
                             "- match: /b\n  respond: hi\n  policies:\n"
                             "  - rate_limit: { limits: { name: a, requests: 4, per: day } }\n");
    assert_null(gate.snapshot);
    assert_non_null(strstr(gate.mistakes.at, "rate limit \"a\" is another one in line 7"));
    rw_fixture_close(&gate);
}

/* Of two limits by the same key the larger one must be able to refuse something. */
static void limits_without_effect(void **state)
{
    (void)state;
    static const struct {
        const char *limits, *mistake; /* NULL: none */
    } cases[] = {
        {"{ name: a, requests: 10, per: second }, { name: b, requests: 1000, per: minute }",
         "rate limit \"b\" never refuses anything: \"a\" in line 6, by the same key"},
        {"{ name: a, requests: 1000, per: minute }, { name: b, requests: 10, per: second }",
         "rate limit \"a\" never refuses anything: \"b\" in line 6"},
        {"{ name: a, requests: 5, per: hour }, { name: b, requests: 5, per: hour }",
         "rate limit \"b\" never refuses anything: \"a\""},
        {"{ name: a, requests: 5, per: calendar_day }, { name: b, requests: 6, per: calendar_day }",
         "rate limit \"b\" never refuses anything: \"a\""},
        {"{ name: a, requests: 10, per: second }, { name: b, requests: 100, per: minute }", NULL},
        {"{ name: a, requests: 10, per: second }, { name: b, requests: 1000, per: minute, burst: 5 "
         "}",
         NULL},
        {"{ name: a, requests: 10, per: second }, { name: b, requests: 1000, per: minute, key: "
         "host }",
         NULL},
        {"{ name: a, requests: 5, per: calendar_day }, { name: b, requests: 50, per: "
         "calendar_month }",
         NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char yaml[1024];
        snprintf(yaml, sizeof(yaml),
                 LISTENER "rate_limits: { quota_file: /run/quotas }\nroutes:\n"
                          "- respond: hi\n  policies: [ rate_limit: { limits: [ %s ] } ]\n",
                 cases[i].limits);
        rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
        assert_int_equal(gate.snapshot != NULL, cases[i].mistake == NULL);
        if (cases[i].mistake && !strstr(gate.mistakes.at, cases[i].mistake))
            fail_msg("%s", gate.mistakes.at);
        rw_fixture_close(&gate);
    }
}

/* Days are not the same days everywhere; hours are. */
static void namesakes_have_one_calendar(void **state)
{
    (void)state;
    static const char *const periods[] = {"day", "calendar_day"};
    for (unsigned counted = 0; counted < 2; counted++) {
        char yaml[1024];
        snprintf(yaml, sizeof(yaml),
                 LISTENER "rate_limits: { quota_file: /run/quotas }\n"
                          "routes:\n"
                          "- match: /a\n  respond: hi\n  policies:\n"
                          "  - rate_limit: { limits: { name: a, requests: 3, per: %s } }\n"
                          "- match: /b\n  respond: hi\n  policies:\n"
                          "  - rate_limit: { utc_offset: \"+08:00\",\n"
                          "                  limits: { name: a, requests: 3, per: %s } }\n",
                 periods[counted], periods[counted]);
        rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
        assert_int_equal(gate.snapshot == NULL, counted);
        if (counted)
            assert_non_null(strstr(gate.mistakes.at, "rate limit \"a\" is another one in line 8"));
        rw_fixture_close(&gate);
    }
}

static void quotas(void **state)
{
    (void)state;
    open_yaml(LISTENER "rate_limits: { quota_file: /run/quotas }\n"
                       "routes:\n- respond: hi\n  policies:\n"
                       "  - rate_limit:\n"
                       "      limits:\n"
                       "      - { name: m, requests: 3, per: calendar_month }\n"
                       "      - { name: d, requests: 2, per: calendar_day }\n"
                       "      - { name: h, requests: 1000, per: hour }\n");
    assert_int_equal(ask("192.0.2.1", "/", ""), 200);
    assert_string_equal(rw_fixture_field(&gate, "RateLimit-Policy"),
                        "\"m\";q=3, \"d\";q=2;w=86400, \"h\";q=1000;w=3600");
    assert_memory_equal(rw_fixture_field(&gate, "RateLimit"), "\"m\";r=2;t=", 10);
    assert_int_equal(ask("192.0.2.1", "/", ""), 200);
    assert_int_equal(ask("192.0.2.1", "/", ""), 429);
    assert_non_null(strstr(rw_fixture_body(&gate), "\"violated-policies\":[\"d\"]"));
    assert_memory_equal(rw_fixture_field(&gate, "RateLimit"), "\"m\";r=1;t=", 10);
    assert_int_equal(ask("192.0.2.2", "/", ""), 200);
    rw_fixture_close(&gate);
}

/* In seconds since 1970, from date(1). */
static void periods(void **state)
{
    (void)state;
    static const struct {
        int per;
        const char *offset;
        uint64_t at;
        uint32_t end;
    } cases[] = {
        {RW_LIMIT_CALENDAR_DAY, "+00:00", 1772323199, 1772323200},   /* 2026-02-28T23:59:59Z */
        {RW_LIMIT_CALENDAR_MONTH, "+00:00", 1772323199, 1772323200}, /* March 2026 */
        {RW_LIMIT_CALENDAR_MONTH, "+00:00", 1772323200, 1775001600}, /* April 2026 */
        {RW_LIMIT_CALENDAR_MONTH, "+08:00", 1772294400, 1774972800}, /* 1 March there */
        {RW_LIMIT_CALENDAR_MONTH, "+08:00", 1772294399, 1772294400},
        {RW_LIMIT_CALENDAR_DAY, "-03:30", 1772334000, 1772335800},
        {RW_LIMIT_CALENDAR_MONTH, "+00:00", 1709164800, 1709251200}, /* 2024-02-29 */
        {RW_LIMIT_CALENDAR_MONTH, "+00:00", 1798761599, 1798761600}, /* the end of 2026 */
        {RW_LIMIT_CALENDAR_MONTH, "+00:00", 4107542400, 4110220800}, /* March 2100: no leap day */
        {RW_LIMIT_CALENDAR_MONTH, "+00:00", 951782400, 951868800},   /* 2000-02-29 */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int32_t offset_s;
        assert_int_equal(rw_limit_offset(rw_span_text(cases[i].offset), &offset_s), RW_OK);
        uint32_t end = rw_limit_period_end(cases[i].per, offset_s, cases[i].at);
        if (end != cases[i].end)
            fail_msg("case %zu: %u", i, end);
    }
    static const char *const wrong[] = {"", "8", "+8:00", "08:00", "+08:60", "+15:00", "+0a:00"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        int32_t offset_s;
        assert_int_equal(rw_limit_offset(rw_span_text(wrong[i]), &offset_s), RW_EINVAL);
    }
}

/* Every month from 1970 to 2099 is as long as gmtime says. */
static void months_like_the_library(void **state)
{
    (void)state;
    uint32_t at = 0;
    for (int month = 0; month < 130 * 12; month++) {
        struct tm tm = {.tm_year = 70 + (month + 1) / 12, .tm_mon = (month + 1) % 12, .tm_mday = 1};
        uint32_t end = rw_limit_period_end(RW_LIMIT_CALENDAR_MONTH, 0, at);
        assert_int_equal(end, timegm(&tm));
        assert_int_equal(rw_limit_period_end(RW_LIMIT_CALENDAR_MONTH, 0, end - 1), end);
        at = end;
    }
}

/* Every allocation of a refused and of an admitted request fails in turn. */
static void without_memory(void **state)
{
    (void)state;
    open_gate("{ name: a, requests: 1, per: day, burst: 20 }", "");
    for (uint64_t n = 1; n <= 40; n++) {
        gate.fail_after = n;
        unsigned status = ask("192.0.2.1", "/", "");
        assert_true(status == 0 || status == 200 || status == 429 || status >= 500);
    }
    rw_fixture_close(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_and_tells),
        cmocka_unit_test(several_limits),
        cmocka_unit_test(keys),
        cmocka_unit_test(keys_in_disguise),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(keyless_and_uncounted),
        cmocka_unit_test(dry_run),
        cmocka_unit_test(other_answers),
        cmocka_unit_test(one_name_one_limit),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(conflicting_limits),
        cmocka_unit_test(limits_without_effect),
        cmocka_unit_test(namesakes_have_one_calendar),
        cmocka_unit_test(quotas),
        cmocka_unit_test(periods),
        cmocka_unit_test(months_like_the_library),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
