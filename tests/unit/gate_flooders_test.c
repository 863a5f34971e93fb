/* Who is turned away for floods, and for how many of them: over addresses, sites, limits, a full
 * table, and without memory. */
#include "base/alloc.h"
#include "gate/front/flooders.h"
#include "support/exchange_fixture.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { LIMIT = 3 };

static const struct rw_conf_variant_kind *const none[] = {NULL};

struct world {
    struct rw_fixture fixture;
    struct rw_worker_listener listener;
    struct rw_client client;
};

static int setup(void **state)
{
    static struct world world;
    world = (struct world){0};
    rw_fixture_open(&world.fixture, none, none,
                    "listeners:\n"
                    "  - { name: web, address: \"127.0.0.1:1\", http2: { flooders: 3 },\n"
                    "      trusted_proxies: [192.0.2.128/25] }\n"
                    "  - { name: off, address: \"127.0.0.1:2\", http2: { flooders: 0 } }\n"
                    "routes: []\n");
    assert_int_equal(world.fixture.mistakes.len, 0);
    world.listener.worker = &world.fixture.worker;
    world.client.listener = &world.listener;
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    rw_fixture_close(&world->fixture);
    return 0;
}

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage storage = {.ss_family = AF_INET6};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    if (inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)&storage)->sin6_addr) == 1)
        return storage;
    storage.ss_family = AF_INET;
    assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
    return storage;
}

static void flood(struct world *world, const char *from, int times)
{
    struct sockaddr_storage peer = address(from);
    rw_client_set_peer(&world->client, &peer);
    for (int i = 0; i < times; i++)
        rw_flooders_note(&world->client);
}

static bool refused(struct world *world, const char *from)
{
    struct sockaddr_storage peer = address(from);
    return rw_flooders_refuse(&world->fixture.worker, rw_client_settings(&world->client),
                              (const struct sockaddr *)&peer);
}

static void who_floods_is_turned_away_and_nobody_else(void **state)
{
    struct world *world = *state;
    assert_false(refused(world, "192.0.2.1"));
    flood(world, "192.0.2.1", LIMIT - 1);
    assert_false(refused(world, "192.0.2.1"));
    flood(world, "192.0.2.1", 1);
    assert_true(refused(world, "192.0.2.1"));
    assert_true(refused(world, "::ffff:192.0.2.1"));
    assert_false(refused(world, "192.0.2.2"));
}

static void a_site_is_one(void **state)
{
    struct world *world = *state;
    flood(world, "2001:db8:1:2::1", LIMIT);
    assert_true(refused(world, "2001:db8:1:2:ffff::9"));
    assert_false(refused(world, "2001:db8:1:3::1"));
}

static void a_proxy_that_is_trusted_is_many_clients(void **state)
{
    struct world *world = *state;
    flood(world, "192.0.2.200", 10 * LIMIT);
    assert_false(refused(world, "192.0.2.200"));
    assert_null(world->fixture.worker.flooders); /* nor is it said of it in the log */
}

static void none_where_there_is_no_limit(void **state)
{
    struct world *world = *state;
    world->listener.index = 1;
    flood(world, "192.0.2.1", 100);
    assert_false(refused(world, "192.0.2.1"));
    assert_null(world->fixture.worker.flooders);
}

static void many_addresses_displace_no_flooder(void **state)
{
    struct world *world = *state;
    flood(world, "192.0.2.1", LIMIT);
    for (unsigned i = 0; i < 5000; i++) {
        char other[32];
        snprintf(other, sizeof(other), "198.%u.%u.%u", 18 + i / 65536, i / 256 % 256, i % 256);
        flood(world, other, 1);
    }
    assert_true(refused(world, "192.0.2.1"));
}

static void without_memory_nobody_is_remembered(void **state)
{
    struct world *world = *state;
    rw_alloc_fail_after(0);
    flood(world, "192.0.2.1", LIMIT);
    rw_alloc_fail_never();
    assert_null(world->fixture.worker.flooders);
    assert_false(refused(world, "192.0.2.1"));
    flood(world, "192.0.2.1", LIMIT);
    assert_true(refused(world, "192.0.2.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_floods_is_turned_away_and_nobody_else, setup, teardown),
        cmocka_unit_test_setup_teardown(a_site_is_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_proxy_that_is_trusted_is_many_clients, setup, teardown),
        cmocka_unit_test_setup_teardown(none_where_there_is_no_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(many_addresses_displace_no_flooder, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_nobody_is_remembered, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
