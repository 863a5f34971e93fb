/* The policy `api_key`, the consumers that it knows, and what others make of who asks. */
#include "origin/registry.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rw_fixture gate;

#define ACME "acme-key-of-16-bytes"

#define HEAD                                                                                       \
    "listeners:\n- address: 127.0.0.1:8080\n"                                                      \
    "consumers:\n"                                                                                 \
    "- { name: acme, tenant: group, keys: [acme-key-of-16-bytes, acme-second-key-16] }\n"          \
    "- { name: one, keys: [\"sha256:"                                                              \
    "CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB\"] }\n" /* of "a" */         \
    "- { name: other, tenant: group, keys: other-key-of-16-bytes }\n"                              \
    "identity: { consumer_field: X-Consumer, tenant_field: X-Tenant }\n"

static void open_yaml(const char *yaml)
{
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
}

static void open_gate(const char *policies)
{
    char yaml[2048];
    snprintf(yaml, sizeof(yaml),
             HEAD "routes:\n- match: /open/*\n  respond: hi\n- respond: hi\n  policies: [ %s ]\n",
             policies);
    open_yaml(yaml);
}

static unsigned ask(const char *target, const char *fields)
{
    char head[2048];
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a.test\r\n%s\r\n", target, fields);
    rw_fixture_ask(&gate, head, NULL);
    return gate.status;
}

static void origin_got(const char *name, const char *value)
{
    const char *there = rw_fixture_request_field(&gate, name);
    if (strcmp(there, value) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", name, there, value);
}

static int64_t counted(enum rw_counter counter)
{
    return rw_metrics_total(gate.metrics, counter);
}

static void knows_consumers(void **state)
{
    (void)state;
    open_gate("api_key: {}");
    assert_int_equal(ask("/", "X-Api-Key: " ACME "\r\n"), 200);
    origin_got("X-Consumer", "acme");
    origin_got("X-Tenant", "group");
    origin_got("X-Api-Key", "");
    assert_int_equal(ask("/", "x-api-key: acme-second-key-16\r\n"), 200);
    origin_got("X-Consumer", "acme");
    assert_int_equal(ask("/", "X-Api-Key: a\r\n"), 200);
    origin_got("X-Consumer", "one");
    origin_got("X-Tenant", "");
    assert_int_equal(ask("/", "X-Api-Key: other-key-of-16-bytes\r\n"), 200);
    origin_got("X-Consumer", "other");
    assert_int_equal(counted(RW_COUNTER_API_KEY_ADMITTED), 4);
    rw_fixture_close(&gate);
}

/* Whatever was wrong, the answer is the same. */
static void refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "X-Api-Key: " ACME "x\r\n",
        "X-Api-Key: acme-key-of-16-byte\r\n",
        "X-Api-Key:\r\n",
        "X-Api-Key: ACME-KEY-OF-16-BYTES\r\n",
        "X-Api-Key: " ACME "\r\nX-Api-Key: other-key-of-16-bytes\r\n",
        "X-Api-Key: ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\r\n",
        "X-Api-Key: sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\r\n",
        "Authorization: " ACME "\r\n",
    };
    open_gate("api_key: {}");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (ask("/", cases[i]) != 401)
            fail_msg("%s: %u", cases[i], gate.status);
        assert_string_equal(gate.reason, "unauthenticated");
        assert_string_equal(rw_fixture_field(&gate, "WWW-Authenticate"),
                            "ApiKey realm=\"ringway\"");
        assert_string_equal(rw_fixture_field(&gate, "Content-Type"), "application/problem+json");
        assert_string_equal(rw_fixture_body(&gate),
                            "{\"type\":\"about:blank\",\"title\":\"Unauthorized\",\"status\":401,"
                            "\"detail\":\"Credentials are missing or not valid.\"}\n");
    }
    assert_int_equal(counted(RW_COUNTER_API_KEY_MISSING), 2);
    assert_int_equal(counted(RW_COUNTER_API_KEY_UNKNOWN), 7);
    assert_int_equal(counted(RW_COUNTER_API_KEY_ADMITTED), 0);
    /* The same key twice is one. */
    assert_int_equal(ask("/", "X-Api-Key: " ACME "\r\nX-Api-Key: " ACME "\r\n"), 200);
    rw_fixture_close(&gate);
}

static void other_places(void **state)
{
    (void)state;
    open_gate("api_key: { query: key, realm: shop }");
    assert_int_equal(ask("/a?x=1&key=" ACME "&y=%20", ""), 200);
    assert_string_equal(gate.target, "/a?x=1&y=%20");
    assert_int_equal(ask("/a?%6bey=acme%2Dkey-of-16-bytes", ""), 200);
    assert_string_equal(gate.target, "/a");
    assert_int_equal(ask("/a?key=" ACME "&key=b", ""), 401);
    assert_int_equal(ask("/a?key=" ACME "&key=" ACME, ""), 200);
    assert_string_equal(gate.target, "/a");
    assert_int_equal(ask("/a", "X-Api-Key: " ACME "\r\n"), 401);
    assert_string_equal(rw_fixture_field(&gate, "WWW-Authenticate"), "ApiKey realm=\"shop\"");
    rw_fixture_close(&gate);

    open_gate("api_key: { cookie: key }");
    assert_int_equal(ask("/", "Cookie: a=1; key=" ACME "; b=2\r\nCookie: c=3\r\n"), 200);
    origin_got("Cookie", "a=1; b=2; c=3");
    assert_int_equal(ask("/", "Cookie: key=" ACME "\r\n"), 200);
    origin_got("Cookie", "");
    assert_int_equal(ask("/", "Cookie: xkey=" ACME "\r\n"), 401);
    rw_fixture_close(&gate);

    open_gate("api_key: { header: X-Partner, keep: true }");
    assert_int_equal(ask("/", "X-Partner: " ACME "\r\n"), 200);
    origin_got("X-Partner", ACME);
    rw_fixture_close(&gate);

    /* What was rewritten before loses the key, too. */
    open_gate("rewrite: { path: \"/new{path}\" }, api_key: { query: key }");
    assert_int_equal(ask("/a?key=" ACME "&b=1", ""), 200);
    assert_string_equal(gate.target, "/new/a?b=1");
    rw_fixture_close(&gate);
}

/* On every route, also where nobody looks who asks. */
static void nobody_forges(void **state)
{
    (void)state;
    open_gate("api_key: { required: never }");
    assert_int_equal(ask("/", "X-Consumer: root\r\nx-tenant: root\r\nX-Consumer: root\r\n"), 200);
    origin_got("X-Consumer", "");
    origin_got("X-Tenant", "");
    assert_int_equal(ask("/open/", "X-Consumer: root\r\n"), 200);
    origin_got("X-Consumer", "");
    assert_int_equal(
        ask("/", "Connection: X-Consumer\r\nX-Consumer: root\r\nX-Api-Key: " ACME "\r\n"), 200);
    origin_got("X-Consumer", "acme");
    assert_int_equal(ask("/", "X-Api-Key: wrong\r\n"), 401);
    rw_fixture_close(&gate);
}

static void two_ways(void **state)
{
    (void)state;
    open_gate("api_key: { required: never }, api_key: { header: X-Other, required: unless_known }");
    assert_int_equal(ask("/", "X-Api-Key: " ACME "\r\n"), 200);
    assert_int_equal(ask("/", "X-Other: " ACME "\r\n"), 200);
    assert_int_equal(ask("/", ""), 401);
    assert_int_equal(ask("/", "X-Api-Key: " ACME "\r\nX-Other: b\r\n"), 401);
    /* What the second one does not know stays as it was. */
    assert_int_equal(ask("/", "X-Api-Key: " ACME "\r\nX-Other: a\r\n"), 200);
    origin_got("X-Consumer", "one");
    origin_got("X-Tenant", "group");
    rw_fixture_close(&gate);
}

/* By address; whoever has a key is not concerned. */
static void too_many_failures(void **state)
{
    (void)state;
    open_gate("api_key: { failures_max: 3 }");
    gate.client = "2001:db8::1";
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask("/", i ? "" : "X-Api-Key: wrong\r\n"), 401);
    gate.client = "2001:db8::2";
    assert_int_equal(ask("/", "X-Api-Key: wrong\r\n"), 429);
    assert_string_equal(gate.reason, "too_many_failures");
    assert_int_equal(atoi(rw_fixture_field(&gate, "Retry-After")) > 0, 1);
    assert_int_equal(counted(RW_COUNTER_IDENTITY_LIMITED), 1);
    assert_int_equal(ask("/", "X-Api-Key: " ACME "\r\n"), 200);
    gate.client = "2001:db8:0:1::1";
    assert_int_equal(ask("/", ""), 401);
    gate.client = NULL;
    rw_fixture_close(&gate);
}

static void limits_by_consumer(void **state)
{
    (void)state;
    open_gate("api_key: {}, rate_limit: { limits: { name: a, requests: 1, per: day, key: consumer "
              "} }");
    gate.client = "192.0.2.1";
    assert_int_equal(ask("/", "X-Api-Key: " ACME "\r\n"), 200);
    gate.client = "192.0.2.2";
    assert_int_equal(ask("/", "X-Api-Key: acme-second-key-16\r\n"), 429);
    assert_int_equal(ask("/", "X-Api-Key: other-key-of-16-bytes\r\n"), 200);
    assert_int_equal(ask("/", ""), 401);
    rw_fixture_close(&gate);

    open_gate("api_key: {}, rate_limit: { limits: { name: a, requests: 1, per: day, key: tenant } "
              "}");
    assert_int_equal(ask("/", "X-Api-Key: " ACME "\r\n"), 200);
    assert_int_equal(ask("/", "X-Api-Key: other-key-of-16-bytes\r\n"), 429);
    assert_int_equal(ask("/", "X-Api-Key: a\r\n"), 200);
    gate.client = NULL;
    rw_fixture_close(&gate);
}

/* ---- Mistakes ---- */

static void expect_mistake(const char *yaml, const char *told)
{
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (gate.snapshot || strcmp(gate.mistakes.at, told) != 0)
        fail_msg("%s\n%s", yaml, gate.mistakes.at);
    rw_fixture_close(&gate);
}

#define LISTENER "listeners:\n- address: 127.0.0.1:8080\n"
#define KEYS(keys) LISTENER "consumers: [ { name: a, keys: [" keys "] } ]\n"

static void mistakes_of_consumers(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *told;
    } cases[] = {
        {KEYS("short-secret"),
         "test.yaml:3:32: consumers[0].keys[0]: an API key has 16 to 512 bytes: this one has 12\n"},
        {KEYS("\"sha256:12\""),
         "test.yaml:3:32: consumers[0].keys[0]: expected 64 hexadecimal digits after "
         "\"sha256:\"\n"},
        {KEYS("\"with-a-bell-\\a-secret\""),
         "test.yaml:3:32: consumers[0].keys[0]: an API key has no control characters, and no white "
         "space at an end\n"},
        {LISTENER "consumers:\n- { name: a, keys: secret-of-16-bytes }\n"
                  "- { name: b, keys: secret-of-16-bytes }\n",
         "test.yaml:5:3: the consumer \"b\" has a key that \"a\" in line 4 has, "
         "too\n"},
        {LISTENER "consumers:\n- { name: a, subjects: s }\n- { name: b, subjects: [s] }\n",
         "test.yaml:5:25: the consumer \"a\" in line 4 has this subject, "
         "too\n"},
        {LISTENER "consumers: [ { name: a }, { name: a } ]\n",
         "test.yaml:3:35: consumers[1].name: the name \"a\" is taken already, in line 3\n"},
        {LISTENER "identity: { consumer_field: Host }\n",
         "test.yaml:3:29: identity.consumer_field: \"Host\" cannot say who asks: it routes the "
         "request: use the policy rewrite, or `host` of the upstream\n"},
        {LISTENER "identity: { consumer_field: Cookie }\n",
         "test.yaml:3:29: identity.consumer_field: \"Cookie\" cannot say who asks: it has a "
         "meaning of its own\n"},
        {LISTENER "identity: { consumer_field: X-A, tenant_field: x-a }\n",
         "test.yaml:3:48: identity.tenant_field: \"x-a\" is told something else already\n"},
        {LISTENER "routes:\n- respond: hi\n  policies: [ api_key: {} ]\n",
         "test.yaml:5:24: no consumer has a key: put `keys` to some "
         "of `consumers`\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        expect_mistake(cases[i].yaml, cases[i].told);
}

#define BY_CONSUMER "rate_limit: { limits: [ { name: c, requests: 1, per: day, key: consumer } ] }"

static void mistakes_of_order(void **state)
{
    (void)state;
    expect_mistake(HEAD "routes:\n- name: r\n  respond: hi\n  policies:\n  - " BY_CONSUMER
                        "\n  - api_key: {}\n",
                   "test.yaml:12:29: the rate limit \"c\" needs the consumer, which no policy "
                   "before it on the route \"r\" tells: put `api_key` or `jwt` before it\n");
    expect_mistake(HEAD "routes:\n- name: r\n  respond: hi\n  policies:\n  - api_key: {}\n"
                        "  - rate_limit: { limits: { name: c, requests: 1, per: day, key: "
                        "\"claim:sub\" } }\n",
                   "test.yaml:13:27: the rate limit \"c\" needs the claim \"sub\", which no policy "
                   "before it on the route \"r\" tells: put `jwt` before it, with the claim in its "
                   "`claims`\n");
    /* Of the listener: its own policies come before those of any route. */
    expect_mistake("listeners:\n- address: 127.0.0.1:8080\n  policies: [ " BY_CONSUMER " ]\n"
                   "consumers: [ { name: a, keys: secret-of-16-bytes } ]\n"
                   "routes:\n- name: r\n  respond: hi\n  policies: [ api_key: {} ]\n",
                   "test.yaml:3:39: the rate limit \"c\" needs the consumer, which no policy "
                   "before it on the route \"r\" tells: put `api_key` or `jwt` before it\n");
    open_yaml("listeners:\n- address: 127.0.0.1:8080\n  policies: [ api_key: {} ]\n"
              "consumers: [ { name: a, keys: secret-of-16-bytes } ]\n"
              "routes:\n- respond: hi\n  policies: [ " BY_CONSUMER " ]\n");
    rw_fixture_close(&gate);
    /* One of two listeners does not ask. */
    expect_mistake("listeners:\n- { name: a, address: \"127.0.0.1:8080\", policies: [ api_key: {} "
                   "] }\n- { name: b, address: \"127.0.0.1:8081\" }\n"
                   "consumers: [ { name: a, keys: secret-of-16-bytes } ]\n"
                   "routes:\n- name: r\n  respond: hi\n  policies: [ " BY_CONSUMER " ]\n",
                   "test.yaml:8:39: the rate limit \"c\" needs the consumer, which no policy "
                   "before it on the route \"r\" tells: put `api_key` or `jwt` before it\n");
}

/* Ten thousand consumers, each found by its key and by no other. */
static void many_consumers(void **state)
{
    (void)state;
    enum { CONSUMERS = 10000 };
    struct rw_text yaml = {0};
    rw_text_adds(&yaml, LISTENER "identity: { consumer_field: X-Consumer }\n"
                                 "routes:\n- respond: hi\n  policies: [ api_key: {} ]\n"
                                 "consumers:\n");
    for (int i = 0; i < CONSUMERS; i++)
        rw_text_addf(&yaml, "- { name: c%d, keys: secret-of-consumer-%d }\n", i, i);
    open_yaml(yaml.at);
    rw_text_free(&yaml);
    for (int i = 0; i < CONSUMERS; i += 371) {
        char field[64], name[16];
        snprintf(field, sizeof(field), "X-Api-Key: secret-of-consumer-%d\r\n", i);
        snprintf(name, sizeof(name), "c%d", i);
        assert_int_equal(ask("/", field), 200);
        origin_got("X-Consumer", name);
    }
    assert_int_equal(ask("/", "X-Api-Key: secret-of-consumer-10000\r\n"), 401);
    rw_fixture_close(&gate);
}

static void without_memory(void **state)
{
    (void)state;
    open_gate("api_key: { cookie: key }");
    for (gate.fail_after = 1; gate.fail_after < 12; gate.fail_after++) {
        unsigned status = ask("/", "Cookie: a=1; key=" ACME "\r\nX-Consumer: root\r\n");
        assert_true(gate.finished);
        assert_true(status == 200 || status == 503 || gate.aborted);
    }
    gate.fail_after = 0;
    assert_int_equal(ask("/", "Cookie: a=1; key=" ACME "\r\n"), 200);
    rw_fixture_close(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_consumers),    cmocka_unit_test(refuses),
        cmocka_unit_test(other_places),       cmocka_unit_test(nobody_forges),
        cmocka_unit_test(two_ways),           cmocka_unit_test(too_many_failures),
        cmocka_unit_test(limits_by_consumer), cmocka_unit_test(mistakes_of_consumers),
        cmocka_unit_test(mistakes_of_order),  cmocka_unit_test(many_consumers),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
