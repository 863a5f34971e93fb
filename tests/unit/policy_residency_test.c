/* The policy `residency`: where an address is, which rule is for it, and the choice that keeps to
 * it. What needs a database is in tests/scenario/residency.test.mjs. */
#include "base/alloc.h"
#include "base/random.h"
#include "gate/cluster/balance/balance.h"
#include "gate/cluster/balance/residency.h"
#include "gate/front/forwarded.h"
#include "io/address.h"
#include "origin/registry.h"
#include "policy/registry.h"
#include "policy/residency/geo.h"
#include "support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Where an address is ---- */

static struct rw_geo *geo;
static char clash[RW_GEO_CLASH_BYTES];
static char clash[RW_GEO_CLASH_BYTES];

static void add(const char *network, const char *country)
{
    struct rw_cidr cidr;
    assert_int_equal(rw_cidr_parse(rw_span_text(network), &cidr), RW_OK);
    assert_int_equal(rw_geo_add(geo, &cidr, country), RW_OK);
}

static const char *country_of(const char *ip)
{
    static char country[3];
    struct rw_address address;
    struct rw_geo_place place;
    assert_int_equal(rw_address_parse_ip(rw_span_text(ip), 0, &address), RW_OK);
    rw_geo_find(geo, rw_address_sockaddr(&address), &place);
    memcpy(country, place.country, 2);
    assert_int_equal(place.eu, country[0] && rw_geo_is_eu(country));
    return country;
}

static void the_smallest_network_holds(void **state)
{
    (void)state;
    static const struct {
        const char *ip, *country;
    } cases[] = {
        {"9.255.255.255", ""},     {"10.0.0.0", "DE"},
        {"10.0.255.255", "DE"},    {"10.1.0.0", "FR"},
        {"10.1.1.255", "FR"},      {"10.1.2.0", "US"},
        {"10.1.2.1", "JP"},        {"10.1.2.2", "US"},
        {"10.1.3.0", "FR"},        {"10.1.255.255", "FR"},
        {"10.2.0.0", "DE"},        {"10.255.255.255", "DE"},
        {"11.0.0.0", ""},          {"::ffff:10.1.2.1", "JP"},
        {"255.255.255.255", "CH"}, {"2001:db8::1", "SE"},
        {"2001:db9::", ""},        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "NO"},
        {"fffe::", "NO"},          {"8000::", "NO"},
    };
    assert_int_equal(rw_geo_create(&geo), RW_OK);
    add("10.1.2.1", "JP");
    add("10.0.0.0/8", "DE");
    add("10.1.2.0/24", "US");
    add("10.1.0.0/16", "FR");
    add("10.1.0.0/16", "FR");
    add("255.255.255.255", "CH");
    add("2001:db8::/32", "SE");
    add("8000::/1", "NO");
    add("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "NO");
    assert_int_equal(rw_geo_seal(geo, clash), RW_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_string_equal(country_of(cases[i].ip), cases[i].country);
    rw_geo_destroy(geo);
}

static bool same_network(const struct rw_cidr *one, const struct rw_cidr *other)
{
    uint8_t first[2][16], last[2][16];
    rw_cidr_range(one, first[0], last[0]);
    rw_cidr_range(other, first[1], last[1]);
    return memcmp(first[0], first[1], 16) == 0 && memcmp(last[0], last[1], 16) == 0;
}

/* A network in two countries: whichever held, half of those who wrote it would be wrong. */
static void clashes(void **state)
{
    (void)state;
    static const struct {
        const char *network, *told;
    } cases[] = {
        {"10.1.0.0/16", "10.1.0.0/16 is said to be in "},
        {"192.0.2.7", "192.0.2.7/32 is said to be in "},
        {"2001:db8::/32", "2001:db8::/32 is said to be in "},
        {"::/0", "::/0 is said to be in "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(rw_geo_create(&geo), RW_OK);
        add(cases[i].network, "DE");
        add("10.1.2.0/24", "FR");
        add(cases[i].network, "FR");
        assert_int_equal(rw_geo_seal(geo, clash), RW_EEXIST);
        assert_memory_equal(clash, cases[i].told, strlen(cases[i].told));
        assert_non_null(strstr(clash, "DE"));
        assert_non_null(strstr(clash, "FR"));
        rw_geo_destroy(geo);
    }
}

static void countries_of_the_standard(void **state)
{
    (void)state;
    assert_true(rw_geo_is_country(rw_span_text("GB")));
    assert_false(rw_geo_is_country(rw_span_text("UK")));
    assert_string_equal(rw_geo_hint(rw_span_text("UK")), "; did you mean GB?");
    assert_string_equal(rw_geo_hint(rw_span_text("EL")), "; did you mean GR?");
    assert_string_equal(rw_geo_hint(rw_span_text("GB")), "");
    assert_true(rw_geo_is_eu("EU"));
    assert_true(rw_geo_is_eu("SK"));
    assert_false(rw_geo_is_eu("GB"));
}

/* Against a search that looks at all networks. */
static void random_networks(void **state)
{
    (void)state;
    enum { NETWORKS = 300, ADDRESSES = 4000 };
    static struct rw_cidr cidrs[NETWORKS];
    static char countries[NETWORKS][3];
    struct rw_random random;
    rw_random_seed(&random, 3);
    assert_int_equal(rw_geo_create(&geo), RW_OK);
    for (unsigned i = 0; i < NETWORKS; i++) {
        char text[64];
        snprintf(text, sizeof(text), "10.%u.%u.%u/%u", rw_random_below(&random, 3),
                 rw_random_below(&random, 4), rw_random_below(&random, 256),
                 8 + rw_random_below(&random, 25));
        snprintf(countries[i], sizeof(countries[i]), "%c%c", 'A' + (int)(i / 26) % 26,
                 'A' + (int)i % 26);
        assert_int_equal(rw_cidr_parse(rw_span_text(text), &cidrs[i]), RW_OK);
        for (unsigned k = 0; k < i; k++) /* one network is in one country */
            if (same_network(&cidrs[k], &cidrs[i]))
                memcpy(countries[i], countries[k], sizeof(countries[i]));
        assert_int_equal(rw_geo_add(geo, &cidrs[i], countries[i]), RW_OK);
    }
    assert_int_equal(rw_geo_seal(geo, clash), RW_OK);
    for (unsigned i = 0; i < ADDRESSES; i++) {
        char text[64];
        struct rw_address address;
        unsigned longest = 0;
        bool found = false;
        snprintf(text, sizeof(text), "%u.%u.%u.%u", 9 + rw_random_below(&random, 3),
                 rw_random_below(&random, 4), rw_random_below(&random, 5),
                 rw_random_below(&random, 256));
        assert_int_equal(rw_address_parse_ip(rw_span_text(text), 0, &address), RW_OK);
        for (unsigned k = 0; k < NETWORKS; k++)
            if (rw_cidr_holds(&cidrs[k], rw_address_sockaddr(&address)) && cidrs[k].bits > longest)
                longest = cidrs[k].bits;
        const char *got = country_of(text);
        for (unsigned k = 0; k < NETWORKS; k++)
            found = found || (cidrs[k].bits == longest &&
                              rw_cidr_holds(&cidrs[k], rw_address_sockaddr(&address)) &&
                              strcmp(countries[k], got) == 0);
        assert_true(longest ? found : !*got);
    }
    rw_geo_destroy(geo);
}

static void bad_databases(void **state)
{
    (void)state;
    const char *why = NULL;
    assert_int_equal(rw_geo_create(&geo), RW_OK);
    assert_int_equal(rw_geo_open(geo, "/nowhere/at.all", &why), RW_EINVAL);
    assert_non_null(why);
    assert_int_equal(rw_geo_open(geo, "/proc/self/exe", &why), RW_EINVAL);
    rw_geo_destroy(geo);
}

/* ---- Regions ---- */

static void regions(void **state)
{
    (void)state;
    const struct rw_span patterns[] = {RW_LITERAL("eu-*"), RW_LITERAL("ch")};
    const struct rw_residency outer = {.regions = {patterns, 2}};
    const struct rw_residency inner = {.regions = {patterns + 1, 1}, .outer = &outer};
    const struct rw_residency free = {.outer = NULL};
    static const struct {
        const char *region;
        bool outer, inner;
    } cases[] = {{"eu-west", true, false}, {"eu-", true, false},  {"eu", false, false},
                 {"ch", true, true},       {"ch1", false, false}, {"", false, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct rw_locality locality = {.region = rw_span_text(cases[i].region)};
        assert_int_equal(rw_residency_admits(&outer, &locality), cases[i].outer);
        assert_int_equal(rw_residency_admits(&inner, &locality), cases[i].inner);
        assert_true(rw_residency_admits(&free, &locality));
    }
    assert_true(rw_residency_binds(&inner));
    assert_false(rw_residency_binds(&free));
}

/* ---- In a gateway ---- */

static struct rw_fixture gate;

#define ROUTE                                                                                      \
    "listeners:\n- address: 127.0.0.1:8080\n  policies: [%s]\nroutes:\n- upstream: app\n  policies: [%s]\n"
#define NETWORKS                                                                                   \
    "networks: [{country: DE, networks: [10.0.0.0/8]}, {country: US, networks: [11.0.0.0/8]}]"

static void open_gate(const char *listener, const char *route, unsigned endpoints,
                      const char *balance)
{
    static char yaml[16384];
    size_t len = (size_t)snprintf(yaml, sizeof(yaml), ROUTE, listener, route);
    len += (size_t)snprintf(yaml + len, sizeof(yaml) - len,
                            "upstreams:\n- name: app\n  balance: %s\n  endpoints:\n", balance);
    for (unsigned i = 0; i < endpoints; i++)
        len += (size_t)snprintf(yaml + len, sizeof(yaml) - len,
                                "  - { address: \"10.0.0.%u:80\", region: %s }\n", i + 1,
                                i % 10 == 3 ? "eu-1" : "us-1");
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
}

/* Whatever the balancing: never elsewhere, and all that are there have a part. */
static void no_choice_leaves_the_region(void **state)
{
    (void)state;
    static const char *const balances[] = {"round_robin", "least_requests", "random", "hash",
                                           "latency"};
    const struct rw_span patterns[] = {RW_LITERAL("eu-*")};
    const struct rw_residency residency = {.regions = {patterns, 1}};
    struct rw_random random;
    uint32_t cursor = 0;
    rw_random_seed(&random, 5);
    for (size_t b = 0; b < 5; b++) {
        open_gate("", "", 40, balances[b]);
        const struct rw_cluster *cluster = gate.snapshot->clusters[0];
        const struct rw_endpoint_set *set = atomic_load(&cluster->set);
        unsigned used[40] = {0};
        for (unsigned i = 0; i < 4000; i++) {
            struct rw_choice choice = {.hash = i * 7919ull,
                                       .now_ms = 1000,
                                       .cursor = &cursor,
                                       .random = &random,
                                       .residency = &residency};
            const struct rw_endpoint *endpoint = rw_cluster_choose(cluster, &choice);
            assert_non_null(endpoint);
            assert_true(rw_span_is(endpoint->locality.region, "eu-1"));
            for (unsigned k = 0; k < 40; k++)
                used[k] += set->endpoints[k] == endpoint;
        }
        for (unsigned k = 0; k < 40; k++)
            if (rw_span_is(set->endpoints[k]->locality.region, "eu-1"))
                assert_in_range(used[k], 300, 2400);
        rw_fixture_close(&gate);
    }
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *policy, *message;
    } cases[] = {
        {"residency: {" NETWORKS ", rules: [{name: a, clients: [DE], regions: [ap-1]}]}",
         "the rule \"a\" leaves no endpoint of the upstream \"app\""},
        {"residency: {rules: [{name: a, clients: [DE], regions: [us-1]}]}",
         "expected \"database\", \"networks\" or \"networks_file\""},
        {"residency: {database: /nowhere, rules: [{name: a, clients: [DE], regions: [us-1]}]}",
         "database /nowhere: "},
        {"residency: {networks_file: /nowhere, rules: [{name: a, clients: [DE], regions: [us-1]}]}",
         "/nowhere: "},
        {"residency: {networks: [{country: de, networks: [10.0.0.0/8]}], rules: [{name: a, clients: "
         "[DE], regions: [us-1]}]}",
         "\"de\" is no country"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        for (unsigned in_route = 0; in_route < 2; in_route++) {
            open_gate(in_route ? "" : cases[i].policy, in_route ? cases[i].policy : "", 1,
                      "round_robin");
            assert_null(gate.snapshot);
            if (!strstr(gate.mistakes.at, cases[i].message))
                fail_msg("%s", gate.mistakes.at);
            rw_fixture_close(&gate);
        }
}

#define RULES(rules) "residency: {" NETWORKS ", rules: [" rules "]}"

/* What the listener and the route admit has to have something in common, for everybody. */
static void policies_that_exclude_each_other(void **state)
{
    (void)state;
    static const char listener[] =
        RULES("{name: eu, clients: [EU], regions: [\"eu-*\"]}, "
              "{name: all, clients: [any], regions: [\"us-*\", \"eu-*\"]}");
    static const struct {
        const char *route, *message; /* NULL: it is none */
    } cases[] = {
        {RULES("{name: here, clients: [any], regions: [us-1]}"),
         "the rules \"eu\" and \"here\" together leave clients from the rest of the EU no endpoint "
         "of the upstream \"app\", to which the route \"route-1\" sends requests"},
        {RULES("{name: de, clients: [DE], regions: [us-1]}"),
         "the rules \"eu\" and \"de\" together leave clients from DE no endpoint"},
        {RULES("{name: us, clients: [US, unknown], regions: [eu-1]}"), NULL},
        {RULES("{name: no, clients: [EU], refuse: true}, "
               "{name: us, clients: [any], regions: [us-1]}"),
         NULL},
        {RULES("{name: de, clients: [DE], regions: [eu-1, us-1]}"), NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        open_gate(listener, cases[i].route, 4, "round_robin");
        const char *told = gate.snapshot ? "" : gate.mistakes.at;
        if (cases[i].message ? !strstr(told, cases[i].message) : !gate.snapshot)
            fail_msg("case %zu: %s", i, told);
        rw_fixture_close(&gate);
    }
}

static void refusals(void **state)
{
    (void)state;
    open_gate("residency: {" NETWORKS ", rules: [{name: a, clients: [US], refuse: true}]}",
              "residency: {" NETWORKS
              ", rules: [{name: b, clients: [DE], refuse: true, status: 403}]}",
              1, "round_robin");
    assert_non_null(gate.snapshot);
    static const struct {
        const char *client;
        unsigned status;
    } cases[] = {{"10.0.0.1", 403}, {"11.0.0.1", 451}};
    for (size_t i = 0; i < 2; i++) {
        gate.client = cases[i].client;
        rw_fixture_get(&gate, "/");
        assert_int_equal(gate.status, cases[i].status);
        assert_string_equal(gate.reason, "residency_refused");
    }
    for (uint64_t n = 1; n < 30; n++) { /* of memory there may be too little, at any point */
        gate.fail_after = n;
        rw_fixture_get(&gate, "/");
        assert_true(gate.status != 200);
    }
    rw_fixture_close(&gate);
}

static void a_file_of_networks(void **state)
{
    (void)state;
    char path[] = "/tmp/ringway-countries-XXXXXX", policy[256];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    const char good[] = "# mine\n10.0.0.0/8\tDE\r\n\n11.0.0.0/8 US # theirs\n";
    assert_int_equal(write(fd, good, sizeof(good) - 1), sizeof(good) - 1);
    snprintf(policy, sizeof(policy),
             "residency: {networks_file: %s, rules: [{name: a, clients: [EU], refuse: true}]}",
             path);
    open_gate("", policy, 1, "round_robin");
    assert_non_null(gate.snapshot);
    gate.client = "10.0.0.1";
    rw_fixture_get(&gate, "/");
    assert_int_equal(gate.status, 451);
    rw_fixture_close(&gate);

    const char bad[] = "12.0.0.0/8 Spain\n";
    assert_int_equal(write(fd, bad, sizeof(bad) - 1), sizeof(bad) - 1);
    close(fd);
    open_gate("", policy, 1, "round_robin");
    assert_null(gate.snapshot);
    assert_non_null(
        strstr(gate.mistakes.at, ":5: expected a network and a country: \"12.0.0.0/8 Spain\""));
    rw_fixture_close(&gate);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_network_holds),
        cmocka_unit_test(random_networks),
        cmocka_unit_test(clashes),
        cmocka_unit_test(countries_of_the_standard),
        cmocka_unit_test(bad_databases),
        cmocka_unit_test(regions),
        cmocka_unit_test(no_choice_leaves_the_region),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(policies_that_exclude_each_other),
        cmocka_unit_test(refusals),
        cmocka_unit_test(a_file_of_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
