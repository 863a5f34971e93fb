/* What a request costs while it waits for its answer: its exchange and no block beside it, where a
 * million may wait. What grows the exchange, or what front and origin keep of a request, shows here
 * (see RW_EXCHANGE_BYTES). */
#include "support/gateway_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CLIENTS = 2, STREAMS = 8, WAIT_MS = 5000, SEED = 1 };

static void add_clients(struct rw_test_world *world, bool h2, const char *called)
{
    unsigned each = h2 ? STREAMS : 1;
    world->clients = calloc(CLIENTS, sizeof(*world->clients));
    world->requests = calloc((size_t)CLIENTS * each, sizeof(*world->requests));
    assert_true(world->clients && world->requests);
    for (; world->client_count < CLIENTS; world->client_count++) {
        world->clients[world->client_count] = (struct rw_test_client){
            .world = world,
            .first = world->request_count,
            .count = each,
            .depth = each,
            .speaks_h2 = h2,
            .pace = {.segment_bytes_max = 8000},
        };
        for (unsigned i = 0; i < each; i++, world->request_count++)
            world->requests[world->request_count] = (struct rw_test_request){
                .id = world->request_count,
                .method = "GET",
                .minor_version = 1,
                .status = 200,
                .answer = RW_TEST_BODY_LENGTH,
                .answer_bytes = 10,
                .silent = true,
                .agent = called,
            };
    }
}

/* Requests that the origin has and never answers. */
static void begin(struct rw_test_world *world, bool client_h2, bool origin_h2, const char *called)
{
    static const struct rw_sim_faults none;
    struct rw_test_bytes text = {0};
    *world = (struct rw_test_world){0};
    rw_test_world_create(world, SEED, &none, 0);
    world->strict = true;
    world->http2 = origin_h2;
    world->origin_count = 1;
    world->origins[0] =
        (struct rw_test_origin){.world = world, .pace = {.segment_bytes_max = 8000}};
    assert_int_equal(rw_address_parse_ip(RW_LITERAL("10.1.0.1"), 9001, &world->origins[0].address),
                     RW_OK);
    add_clients(world, client_h2, called);
    rw_test_bytes_format(
        &text,
        "listeners: [{ address: \"10.2.0.1:80\" }]\n"
        "routes: [{ name: origin, match: { path: /r/* }, upstream: app }]\n"
        "upstreams: [{ name: app, endpoints: [\"10.1.0.1:9001\"], protocol: %s }]\n",
        origin_h2 ? "http2" : "http1");
    rw_test_bytes_add(&text, "", 1);
    rw_test_world_adopt(world, text.at);
    free(text.at);
    rw_test_world_start(world);
    rw_test_world_run(world, WAIT_MS);
    assert_false(world->failed);
}

/* How many blocks all of them have. */
static size_t blocks_of(bool client_h2, bool origin_h2, const char *called)
{
    struct rw_test_world world;
    size_t waits = 0, blocks = 0;
    begin(&world, client_h2, origin_h2, called);
    for (unsigned i = 0; i < RW_TEST_WORKERS; i++) {
        waits += world.workers[i].exchanges.in_use;
        blocks += world.workers[i].exchange_blocks.in_use;
    }
    assert_int_equal(waits, world.request_count);
    for (unsigned i = 0; i < world.request_count; i++)
        assert_int_equal(world.requests[i].arrivals, 1);
    world.strict = false;
    assert_true(rw_test_world_end(&world, false));
    return blocks;
}

/* Such requests can be a million over a few connections: as `ringway load` sends them, without
 * fields of their own. */
static void test_one_stream_to_another(void **state)
{
    (void)state;
    assert_int_equal(blocks_of(true, true, NULL), 0);
}

/* These have a connection each, beside which a block is little: the table of an HTTP/1 head's
 * fields has room for many. */
static void test_others_have_one_block(void **state)
{
    (void)state;
    assert_in_range(blocks_of(true, false, NULL), 0, CLIENTS * STREAMS);
    assert_in_range(blocks_of(false, true, NULL), 0, CLIENTS);
    assert_in_range(blocks_of(false, false, NULL), 0, CLIENTS);
}

/* The test can fail. */
static void test_what_does_not_fit_has_a_block(void **state)
{
    (void)state;
    static char long_name[1024];
    memset(long_name, 'a', sizeof(long_name) - 1);
    assert_int_equal(blocks_of(true, true, long_name), CLIENTS * STREAMS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_stream_to_another),
        cmocka_unit_test(test_others_have_one_block),
        cmocka_unit_test(test_what_does_not_fit_has_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
