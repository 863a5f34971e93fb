/* The relay: what passes, and what each disturbance looks like at both ends. */
#include "unit/io_world.h"

#include "verify/fault/relay.h"

static struct world world;
static struct rw_relay *relay;
static struct rw_address behind; /* where the server listens */
static bool relay_closed;

static void open_relay(uint32_t connections_max)
{
    struct rw_address any;
    assert_int_equal(world_try_open(&world, RW_LOOP_AUTO, "127.0.0.1:0", NULL, 1), RW_OK);
    assert_int_equal(rw_address_parse(RW_LITERAL("127.0.0.1:0"), &any), RW_OK);
    const struct rw_relay_options options = {.loop = world.loop,
                                             .listen = &any,
                                             .server = &world.address,
                                             .connections_max = connections_max,
                                             .seed = 1};
    assert_int_equal(rw_relay_open(&options, &relay), RW_OK);
    behind = world.address;
    world.address = *rw_relay_address(relay); /* clients of the world go through it */
}

static void on_relay_closed(void *user)
{
    *(bool *)user = true;
}

static void close_relay(void)
{
    relay_closed = false;
    rw_relay_close(relay, on_relay_closed, &relay_closed);
    RUN_UNTIL(&world, relay_closed);
    world_close(&world);
}

static struct rw_relay_counts counts(void)
{
    struct rw_relay_counts counts;
    rw_relay_count(relay, &counts);
    return counts;
}

static void disturb(struct rw_relay_disturbance disturbance)
{
    assert_int_equal(rw_relay_disturb(relay, &disturbance), RW_OK);
    assert_int_equal(rw_relay_disturb(relay, &disturbance), RW_EEXIST);
}

/* ---- Undisturbed ---- */

static void passes_both_ways(void **state)
{
    (void)state;
    struct end ends[2] = {
        {.to_send = 6 << 20, .shutdown_after_send = true, .large = true, .no_close_at_end = true},
        {.to_send = 3 << 20, .shutdown_after_send = true, .no_close_at_end = true}};
    open_relay(0);
    connect_pair(&world, ends);
    RUN_UNTIL(&world, ends[0].ends && ends[1].ends);
    assert_whole(&ends[0], &ends[1]);
    assert_whole(&ends[1], &ends[0]);
    assert_int_equal(ends[0].end_err, RW_OK);
    rw_stream_close(&ends[0].stream);
    rw_stream_close(&ends[1].stream);
    run_until_gone(&world, ends, 2);
    RUN_UNTIL(&world, counts().connections == 0);
    assert_int_equal(counts().accepted, 1);
    close_relay();
}

/* Who does not read stops who sends, and the relay holds little. */
static void keeps_back_pressure(void **state)
{
    (void)state;
    struct end ends[2] = {{.to_send = 64 << 20}, {.mute = true, .large = true}};
    open_relay(0);
    size_t before = rw_loop_buffers(world.loop)->in_use_bytes;
    world.socket_bytes = 64 * 1024;
    connect_pair_and_wait(&world, ends);
    idle(&world, 200);
    assert_true(ends[0].sent < 32 << 20);
    /* The loop itself keeps some buffers ready; a relay without a limit would have held 60 MiB. */
    assert_true(rw_loop_buffers(world.loop)->in_use_bytes - before <= 8 * RW_RELAY_HELD_BYTES_MAX);
    rw_stream_receive(&ends[1].stream, true, true);
    RUN_UNTIL(&world, ends[1].received == 64 << 20);
    assert_false(ends[1].corrupt);
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 2);
    close_relay();
}

static void passes_resets_on(void **state)
{
    (void)state;
    struct end ends[2] = {{.to_send = 100}, {.abort_in = IN_DATA}};
    open_relay(0);
    connect_pair(&world, ends);
    run_until_gone(&world, ends, 2);
    assert_int_equal(ends[0].end_err, RW_ERESET);
    close_relay();
}

static void has_a_limit(void **state)
{
    (void)state;
    struct end ends[2] = {{.echo = true}, {.echo = true}}, more[2] = {{.echo = true}};
    open_relay(1);
    connect_pair_and_wait(&world, ends);
    assert_int_equal(end_connect(&world, &more[0]), RW_OK);
    run_until_gone(&world, more, 1);
    assert_int_equal(counts().accepted, 1);
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 2);
    close_relay();
}

/* A server that is down is down through the relay, and back when it is back. */
static void mirrors_its_server(void **state)
{
    (void)state;
    struct end ends[2] = {{.to_send = 1}, {.echo = true}};
    open_relay(0);
    rw_listener_close(&world.listener);
    RUN_UNTIL(&world, !world.listening);
    close(world.listener_fd);
    assert_int_equal(end_connect(&world, &ends[0]), RW_OK);
    run_until_gone(&world, ends, 1);
    do {
        ends[0] = (struct end){.to_send = 1};
        assert_int_equal(end_connect(&world, &ends[0]), RW_OK);
        run_until_gone(&world, ends, 1);
    } while (ends[0].open_err != RW_EREFUSED);

    struct rw_address front = world.address;
    struct rw_listen_options options = {0};
    assert_int_equal(rw_listen_open(&behind, &options, &world.listener_fd, NULL), RW_OK);
    world.listener.fd = world.listener_fd;
    assert_int_equal(rw_listener_start(world.loop, &world.listener), RW_OK);
    world.listening = true;
    world.address = front;
    do { /* the relay's own look at the server comes first; who asks now is turned away there */
        ends[0] = (struct end){.to_send = 1};
        assert_int_equal(end_connect(&world, &ends[0]), RW_OK);
        run_until_gone(&world, ends, 1);
    } while (ends[0].open_err == RW_EREFUSED);
    ends[0] = (struct end){.to_send = 1};
    connect_pair(&world, ends);
    RUN_UNTIL(&world, ends[0].received == 1);
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 2);
    close_relay();
}

/* ---- Disturbed ---- */

static void refuses(void **state)
{
    (void)state;
    struct end ends[2] = {{.echo = true}, {.echo = true}};
    open_relay(0);
    connect_pair_and_wait(&world, ends);
    disturb((struct rw_relay_disturbance){.mode = RW_RELAY_REFUSE});
    run_until_gone(&world, ends, 2);
    assert_int_equal(ends[0].end_err, RW_ERESET);
    assert_int_equal(counts().connections_hit, 1);
    RUN_UNTIL(&world, counts().refused > 0);
    ends[0] = (struct end){0};
    assert_int_equal(end_connect(&world, &ends[0]), RW_OK);
    run_until_gone(&world, ends, 1);
    assert_int_equal(ends[0].open_err, RW_EREFUSED);

    rw_relay_calm(relay);
    ends[0] = (struct end){.to_send = 10};
    ends[1] = (struct end){.echo = true};
    connect_pair(&world, ends);
    RUN_UNTIL(&world, ends[0].received == 10);
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 2);
    close_relay();
}

static void resets_at_once(void **state)
{
    (void)state;
    struct end old[2] = {{.echo = true}, {.echo = true}}, ends[2] = {{.to_send = 10}};
    open_relay(0);
    connect_pair_and_wait(&world, old);
    disturb((struct rw_relay_disturbance){.mode = RW_RELAY_RESET});
    run_until_gone(&world, old, 2);
    assert_int_equal(old[0].end_err, RW_ERESET);
    assert_int_equal(end_connect(&world, &ends[0]), RW_OK);
    run_until_gone(&world, ends, 1);
    assert_int_equal(world.accepted, 1); /* the server saw nothing of the second */
    assert_int_equal(counts().connections_hit, 2);
    close_relay();
}

/* Ends an answer of 100,000 bytes after 30,000. */
static void cut_answer(enum rw_relay_mode mode, struct end *ends)
{
    ends[0] = (struct end){0};
    ends[1] = (struct end){.to_send = 100000};
    open_relay(0);
    disturb((struct rw_relay_disturbance){.mode = mode, .bytes = 30000});
    connect_pair(&world, ends);
    run_until_gone(&world, ends, 2);
    assert_false(ends[0].corrupt);
    assert_int_equal(counts().connections_hit, 1);
    close_relay();
}

static void resets_after_bytes(void **state)
{
    (void)state;
    struct end ends[2];
    cut_answer(RW_RELAY_RESET, ends);
    assert_true(ends[0].received <= 30000); /* a reset may overtake bytes */
    assert_int_equal(ends[0].end_err, RW_ERESET);
}

static void truncates(void **state)
{
    (void)state;
    struct end ends[2];
    cut_answer(RW_RELAY_TRUNCATE, ends);
    assert_int_equal(ends[0].received, 30000);
    assert_int_equal(ends[0].end_err, RW_OK);
}

/* The last answer comes no earlier than the delay; jitter mixes nothing up. */
static void delays(void **state)
{
    (void)state;
    struct end ends[2] = {{.to_send = 200000, .piece_bytes = 5000}, {.echo = true}};
    open_relay(0);
    disturb((struct rw_relay_disturbance){.mode = RW_RELAY_DELAY, .delay_ms = 60, .jitter_ms = 20});
    uint64_t begin_ms = rw_loop_now_ms(world.loop);
    connect_pair(&world, ends);
    RUN_UNTIL(&world, ends[0].received == 200000);
    assert_true(rw_loop_now_ms(world.loop) - begin_ms >= 60);
    assert_false(ends[0].corrupt);
    assert_int_equal(counts().bytes_hit, 200000);
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 2);
    close_relay();
}

static void throttles(void **state)
{
    (void)state;
    struct end ends[2] = {{.mute = false}, {.to_send = 50000}};
    open_relay(0);
    disturb(
        (struct rw_relay_disturbance){.mode = RW_RELAY_THROTTLE, .bytes_per_second = 200 * 1000});
    uint64_t begin_ms = rw_loop_now_ms(world.loop);
    connect_pair(&world, ends);
    RUN_UNTIL(&world, ends[0].received == 50000);
    assert_true(rw_loop_now_ms(world.loop) - begin_ms >= 200); /* 50,000 at that rate: 250 ms */
    assert_int_equal(counts().bytes_hit, 50000);
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 2);
    close_relay();
}

static void stalls_and_goes_on(void **state)
{
    (void)state;
    struct end ends[2] = {{.mute = false}, {.to_send = 100000, .shutdown_after_send = true}};
    open_relay(0);
    disturb((struct rw_relay_disturbance){.mode = RW_RELAY_STALL, .bytes = 1000});
    connect_pair(&world, ends);
    RUN_UNTIL(&world, counts().connections_hit == 1);
    idle(&world, 100);
    assert_int_equal(ends[0].received, 1000);
    assert_false(ends[0].gone);
    rw_relay_calm(relay);
    run_until_gone(&world, ends, 2);
    assert_int_equal(ends[0].received, 100000);
    assert_false(ends[0].corrupt);
    close_relay();
}

static void swallows_requests(void **state)
{
    (void)state;
    struct end ends[2] = {{.to_send = 500}, {.to_send = 70}};
    open_relay(0);
    disturb((struct rw_relay_disturbance){.mode = RW_RELAY_BLACKHOLE});
    connect_pair(&world, ends);
    RUN_UNTIL(&world, counts().bytes_hit == 500 && ends[0].received == 70);
    idle(&world, 50);
    assert_int_equal(ends[1].received, 0);
    rw_relay_calm(relay); /* what has lost bytes is of no more use */
    run_until_gone(&world, ends, 2);
    assert_int_equal(ends[0].end_err, RW_ERESET);
    close_relay();
}

/* Of many connections the share; the same ones with the same seed is the relay's own business. */
static void disturbs_a_share(void **state)
{
    (void)state;
    enum { MANY = 100 };
    static struct end clients[MANY], servers[MANY + 1];
    memset(clients, 0, sizeof(clients));
    memset(servers, 0, sizeof(servers));
    open_relay(0);
    disturb((struct rw_relay_disturbance){.mode = RW_RELAY_RESET, .share_percent = 30});
    world.accepting = servers;
    world.accepting_end = servers + MANY;
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(end_connect(&world, &clients[i]), RW_OK);
    RUN_UNTIL(&world, world.accepted + (int)counts().connections_hit == MANY);
    assert_true(counts().connections_hit > 10 && counts().connections_hit < 60);
    unsigned connections = (unsigned)world.accepted;
    for (unsigned i = 0; i < MANY; i++)
        if (!clients[i].gone)
            rw_stream_close(&clients[i].stream);
    run_until_gone(&world, clients, MANY);
    run_until_gone(&world, servers, connections);
    close_relay();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_both_ways),   cmocka_unit_test(keeps_back_pressure),
        cmocka_unit_test(passes_resets_on),   cmocka_unit_test(has_a_limit),
        cmocka_unit_test(mirrors_its_server), cmocka_unit_test(refuses),
        cmocka_unit_test(resets_at_once),     cmocka_unit_test(resets_after_bytes),
        cmocka_unit_test(truncates),          cmocka_unit_test(delays),
        cmocka_unit_test(throttles),          cmocka_unit_test(stalls_and_goes_on),
        cmocka_unit_test(swallows_requests),  cmocka_unit_test(disturbs_a_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
