/* The policy `address`. */
#include "origin/registry.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct rw_fixture gate;

#define LISTENER "listeners:\n- address: 127.0.0.1:8080\n"

static void open_gate(const char *address)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml),
             LISTENER "  trusted_proxies: [203.0.113.1]\n"
                      "routes:\n- respond: hi\n  policies: [ address: { %s } ]\n",
             address);
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
}

static unsigned status_of(const char *client)
{
    gate.client = client;
    rw_fixture_get(&gate, "/");
    return gate.status;
}

static void lists(void **state)
{
    (void)state;
    static const struct {
        const char *address, *client;
        unsigned status;
    } cases[] = {
        {"allow: [10.0.0.0/8]", "10.255.255.255", 200},
        {"allow: [10.0.0.0/8]", "11.0.0.0", 403},
        {"allow: [10.0.0.0/8]", "9.255.255.255", 403},
        {"allow: [10.0.0.0/8]", "::ffff:10.1.2.3", 200},
        {"allow: [10.0.0.0/8]", "", 403},
        {"allow: [10.0.0.0/31]", "10.0.0.1", 200},
        {"allow: [\"::/0\"]", "10.0.0.1", 200},
        {"allow: [0.0.0.0/0]", "2001:db8::1", 403},
        {"allow: [\"2001:db8::/33\"]", "2001:db8:7fff::1", 200},
        {"allow: [\"2001:db8::/33\"]", "2001:db8:8000::1", 403},
        {"deny: [192.0.2.1]", "192.0.2.1", 403},
        {"deny: [192.0.2.1]", "192.0.2.2", 200},
        {"deny: [192.0.2.1]", "", 200},
        {"deny: [192.0.2.1], status: 404", "192.0.2.1", 404},
        {"allow: [10.0.0.0/8], deny: [10.1.0.0/16]", "10.1.0.1", 403},
        {"allow: [10.0.0.0/8], deny: [10.1.0.0/16]", "10.2.0.1", 200},
        {"allow: [10.3.0.0/16, 10.0.0.0/8, 10.255.0.0/16]", "10.254.0.1", 200},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        open_gate(cases[i].address);
        unsigned status = status_of(cases[i].client);
        if (status != cases[i].status)
            fail_msg("%s: %s: %u", cases[i].address, cases[i].client, status);
        if (status != 200)
            assert_string_equal(gate.reason, "policy");
        rw_fixture_close(&gate);
    }
}

static void behind_a_trusted_proxy(void **state)
{
    (void)state;
    static const char *const request =
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n";
    open_gate("allow: [10.0.0.0/8]");
    gate.client = "203.0.113.1";
    rw_fixture_ask(&gate, request, NULL);
    assert_int_equal(gate.status, 200);
    gate.client = "203.0.113.2";
    rw_fixture_ask(&gate, request, NULL);
    assert_int_equal(gate.status, 403);
    rw_fixture_close(&gate);
}

/* Many overlapping networks against a comparison one by one. */
static void many_networks(void **state)
{
    (void)state;
    enum { NETWORKS = 300, CLIENTS = 300 };
    static struct {
        uint32_t at;
        unsigned bits;
    } networks[NETWORKS];
    struct rw_text yaml = {0};
    rw_text_adds(&yaml, LISTENER "routes:\n- respond: hi\n  policies: [ address: { allow: [");
    srand(7);
    for (int i = 0; i < NETWORKS; i++) {
        networks[i].at = 0x0a000000u | (uint32_t)(rand() % 0x10000) << 8;
        networks[i].bits = 18 + (unsigned)(rand() % 15);
        networks[i].at &= UINT32_MAX << (32 - networks[i].bits);
        rw_text_addf(&yaml, "%s10.%u.%u.0/%u", i ? ", " : "", networks[i].at >> 16 & 255,
                     networks[i].at >> 8 & 255, networks[i].bits);
    }
    rw_text_adds(&yaml, "] } ]\n");
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml.at);
    assert_non_null(gate.snapshot);
    for (int i = 0; i < CLIENTS; i++) {
        char client[32];
        uint32_t ip = 0x0a000000u | (uint32_t)(rand() % 0x1000000);
        bool in = false;
        for (int n = 0; n < NETWORKS; n++)
            in |= (ip ^ networks[n].at) >> (32 - networks[n].bits) == 0;
        snprintf(client, sizeof(client), "10.%u.%u.%u", ip >> 16 & 255, ip >> 8 & 255, ip & 255);
        assert_int_equal(status_of(client), in ? 200 : 403);
    }
    rw_text_free(&yaml);
    rw_fixture_close(&gate);
}

/* ---- Files ---- */

static const char *write_file(const char *content)
{
    static char path[64];
    snprintf(path, sizeof(path), "/tmp/ringway-networks-%d", (int)getpid());
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    return path;
}

static void files(void **state)
{
    (void)state;
    char address[256];
    const char *path = write_file("# partners\n10.0.0.0/8\n\n 2001:db8::/32 # all\r\n192.0.2.1");
    snprintf(address, sizeof(address), "allow: [203.0.113.9], allow_files: [%s]", path);
    open_gate(address);
    assert_int_equal(status_of("10.1.2.3"), 200);
    assert_int_equal(status_of("2001:db8::1"), 200);
    assert_int_equal(status_of("192.0.2.1"), 200);
    assert_int_equal(status_of("203.0.113.9"), 200);
    assert_int_equal(status_of("192.0.2.2"), 403);
    rw_fixture_close(&gate);
    path = write_file("# nobody\n");
    snprintf(address, sizeof(address), "allow_files: [%s]", path);
    open_gate(address);
    assert_int_equal(status_of("10.1.2.3"), 403);
    rw_fixture_close(&gate);
    unlink(path);
}

static void a_hundred_thousand(void **state)
{
    (void)state;
    enum { NETWORKS = 100000 };
    struct rw_text text = {0};
    char address[256];
    for (unsigned i = 0; i < NETWORKS; i++)
        rw_text_addf(&text, "%u.%u.%u.0/25\n", 1 + i % 200, i / 200 % 250, i / 50000);
    const char *path = write_file(text.at);
    rw_text_free(&text);
    snprintf(address, sizeof(address), "deny_files: [%s]", path);
    open_gate(address);
    assert_int_equal(status_of("7.8.1.127"), 403);
    assert_int_equal(status_of("7.8.1.128"), 200);
    assert_int_equal(status_of("7.8.2.1"), 200);
    rw_fixture_close(&gate);
    unlink(path);
}

/* Processor time of one request by a client that is in no network of the list, in nanoseconds: the
 * best of several. */
static double request_ns(unsigned networks)
{
    enum { RUNS = 5, REQUESTS = 400 };
    struct rw_text text = {0};
    char address[256];
    double best = 0;
    for (unsigned i = 0; i < networks; i++)
        rw_text_addf(&text, "%u.%u.%u.0/25\n", 1 + i % 200, i / 200 % 250, i / 50000);
    const char *path = write_file(text.at);
    rw_text_free(&text);
    snprintf(address, sizeof(address), "deny_files: [%s]", path);
    open_gate(address);
    for (unsigned run = 0; run < RUNS; run++) {
        clock_t begin = clock();
        for (unsigned i = 0; i < REQUESTS; i++)
            assert_int_equal(status_of("199.8.9.200"), 200);
        double ns = (double)(clock() - begin) * 1e9 / CLOCKS_PER_SEC / REQUESTS;
        best = run && best < ns ? best : ns;
    }
    rw_fixture_close(&gate);
    unlink(path);
    return best;
}

/* All uses of a named list are one list. */
static void named(void **state)
{
    (void)state;
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    LISTENER "  policies: [office]\n"
                             "routes:\n- respond: hi\n  policies: [office]\n"
                             "- { match: /b, respond: hi, policies: [office] }\n"
                             "policies: [ { name: office, address: { allow: 10.0.0.0/8 } } ]\n");
    assert_non_null(gate.snapshot);
    const struct rw_policy_use *uses = gate.snapshot->listeners[0].policies;
    for (unsigned i = 0; i < gate.snapshot->route_count; i++)
        assert_ptr_equal(gate.snapshot->routes[i].policies[0].instance, uses[0].instance);
    assert_int_equal(status_of("10.0.0.1"), 200);
    assert_int_equal(status_of("11.0.0.1"), 403);
    rw_fixture_close(&gate);
}

/* Every line that is wrong, in every file, and what the policies behind it have. */
static void all_at_once(void **state)
{
    (void)state;
    char yaml[512];
    const char *path = write_file("10.0.0.0/8\nnonsense\n1.2.3.4/33\n");
    snprintf(yaml, sizeof(yaml),
             LISTENER "routes:\n- respond: hi\n  policies:\n"
                      "  - address: { allow_files: [%s, /nowhere], deny_files: /nowhere/else }\n"
                      "  - headers: { request: { set: { X-A: \"{nope}\" } } }\n",
             path);
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    assert_null(gate.snapshot);
    static const char *const told[] = {":2: not a network: \"nonsense\"",
                                       ":3: not a network: \"1.2.3.4/33\"",
                                       "/nowhere: ", "/nowhere/else: ", "nope"};
    for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
        if (!strstr(gate.mistakes.at, told[i]))
            fail_msg("%s: %s", told[i], gate.mistakes.at);
    rw_fixture_close(&gate);
    unlink(path);
}

/* A list that were gone through from its begin would take some hundred times as long. */
static void many_networks_cost_as_few(void **state)
{
    (void)state;
    double few = request_ns(10), many = request_ns(100000);
    print_message("a request takes %.0f ns with 10 networks, %.0f ns with 100,000\n", few, many);
    assert_true(many < 10 * few + 20000);
}

static void wrong_files(void **state)
{
    (void)state;
    static const char *const contents[] = {"10.0.0.0/8\nnonsense\n", "10.0.0.0/33\n",
                                           "10.0.0.1 10.0.0.2\n"};
    for (size_t i = 0; i < sizeof(contents) / sizeof(*contents); i++) {
        char yaml[512];
        const char *path = write_file(contents[i]);
        snprintf(yaml, sizeof(yaml),
                 LISTENER "routes:\n- respond: hi\n  policies: [ address: { deny_files: %s } ]\n",
                 path);
        rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
        assert_null(gate.snapshot);
        assert_non_null(strstr(gate.mistakes.at,
                               i == 0 ? ":2: not a network: \"nonsense\"" : ":1: not a network: "));
        rw_fixture_close(&gate);
        unlink(path);
    }
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds,
                    LISTENER "routes:\n- respond: hi\n"
                             "  policies: [ address: { allow_files: /nowhere/at/all } ]\n");
    assert_null(gate.snapshot);
    assert_non_null(strstr(gate.mistakes.at, "/nowhere/at/all: "));
    rw_fixture_close(&gate);
}

static void mistakes(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"", "expected `allow`, `deny` or both"},
        {"allow: [10.0.0.0/33]", "allow"},
        {"deny: [example.com]", "deny"},
        {"deny: [10.0.0.1], status: 302", "status"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char yaml[512];
        snprintf(yaml, sizeof(yaml),
                 LISTENER "routes:\n- respond: hi\n  policies: [ address: { %s } ]\n", wrong[i][0]);
        rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
        assert_null(gate.snapshot);
        assert_non_null(strstr(gate.mistakes.at, wrong[i][1]));
        rw_fixture_close(&gate);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(behind_a_trusted_proxy),
        cmocka_unit_test(many_networks),
        cmocka_unit_test(files),
        cmocka_unit_test(a_hundred_thousand),
        cmocka_unit_test(many_networks_cost_as_few),
        cmocka_unit_test(named),
        cmocka_unit_test(all_at_once),
        cmocka_unit_test(wrong_files),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
