/* The contract of io/stream.h, the same for every backend. */
#include "unit/io_world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>

static enum rw_loop_backend backend;

static struct world world;

static void open_world(void)
{
    const char *address = backend == RW_LOOP_SIM ? "10.9.9.9:80" : "127.0.0.1:0";
    assert_int_equal(world_try_open(&world, backend, address, NULL, 1), RW_OK);
}

/* ---- Data ---- */

static void echo(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.to_send = 1000, .shutdown_after_send = true}, {.echo = true}};
    open_world();
    ends[0].shutdown_after_send = false;
    connect_pair(&world, ends);
    RUN_UNTIL(&world, ends[0].received == 1000);
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 2);
    assert_whole(&ends[0], &ends[1]);
    assert_whole(&ends[1], &ends[0]);
    assert_int_equal(ends[0].opens, 1);
    assert_int_equal(ends[1].opens, 0);
    assert_int_equal(ends[0].ends, 0);
    assert_int_equal(ends[1].ends, 1);
    assert_int_equal(ends[1].end_err, RW_OK);
    assert_int_equal(ends[0].closes + ends[1].closes, 2);
    world_close(&world);
}

static void transfer(struct end *ends)
{
    open_world();
    connect_pair(&world, ends);
    run_until_gone(&world, ends, 2);
    assert_whole(&ends[0], &ends[1]);
    assert_whole(&ends[1], &ends[0]);
    assert_int_equal(ends[0].end_err, RW_OK);
    assert_int_equal(ends[1].end_err, RW_OK);
    world_close(&world);
}

static void one_byte(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.to_send = 1, .shutdown_after_send = true},
                          {.to_send = 1, .shutdown_after_send = true}};
    transfer(ends);
}

static void both_ways(void **unused)
{
    (void)unused;
    /* Each closes at the other's end, so each must not end before it has got all. */
    struct end ends[2] = {
        {.to_send = 8 << 20, .shutdown_after_send = true, .large = true, .no_close_at_end = true},
        {.to_send = 5 << 20, .shutdown_after_send = true, .no_close_at_end = true}};
    open_world();
    connect_pair(&world, ends);
    RUN_UNTIL(&world, ends[0].ends && ends[1].ends);
    assert_whole(&ends[0], &ends[1]);
    assert_whole(&ends[1], &ends[0]);
    rw_stream_close(&ends[0].stream);
    rw_stream_close(&ends[1].stream);
    run_until_gone(&world, ends, 2);
    world_close(&world);
}

static void many_parts(void **unused)
{
    (void)unused;
    struct end ends[2] = {
        {.to_send = 1 << 20, .parts = RW_SEND_PARTS_MAX, .piece_bytes = 60001, .large = true},
        {.to_send = 1 << 20, .parts = 3, .piece_bytes = 777}};
    open_world();
    connect_pair(&world, ends);
    RUN_UNTIL(&world, ends[0].received == 1 << 20 && ends[1].received == 1 << 20);
    rw_stream_close(&ends[0].stream);
    rw_stream_close(&ends[1].stream);
    run_until_gone(&world, ends, 2);
    assert_whole(&ends[0], &ends[1]);
    assert_whole(&ends[1], &ends[0]);
    world_close(&world);
}

/* A stream that sends often is handled by a slot (io_uring); closing it still tells the peer. */
static void many_small_sends(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.to_send = 1000, .piece_bytes = 10}, {.echo = true}};
    open_world();
    connect_pair(&world, ends);
    RUN_UNTIL(&world, ends[0].received == 1000);
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 2);
    assert_whole(&ends[0], &ends[1]);
    assert_int_equal(ends[1].ends, 1);
    assert_int_equal(ends[1].end_err, RW_OK);
    world_close(&world);
}

static void slow_readers(void **unused)
{
    (void)unused;
    struct end ends[2] = {
        {.to_send = 3 << 20, .slow_ms = 1, .large = true, .no_close_at_end = true},
        {.to_send = 3 << 20, .slow_ms = 2, .large = true, .no_close_at_end = true}};
    open_world();
    ends[0].shutdown_after_send = ends[1].shutdown_after_send = true;
    connect_pair(&world, ends);
    RUN_UNTIL(&world, ends[0].ends && ends[1].ends);
    assert_whole(&ends[0], &ends[1]);
    assert_whole(&ends[1], &ends[0]);
    rw_stream_close(&ends[0].stream);
    rw_stream_close(&ends[1].stream);
    run_until_gone(&world, ends, 2);
    world_close(&world);
}

/* A reader that never reads stops the sender; nothing is lost when it reads at last. */
static void back_pressure(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.to_send = 32 << 20}, {.mute = true, .large = true}};
    open_world();
    connect_pair_and_wait(&world, ends);
    size_t before_bytes = rw_loop_buffers(world.loop)->in_use_bytes;
    idle(&world, 100);
    size_t stopped_at = ends[0].sent;
    assert_true(stopped_at < ends[0].to_send && ends[0].in_flight > 0);
    idle(&world, 50);
    assert_int_equal(ends[0].sent, stopped_at);
    assert_int_equal(ends[1].datas, 0);
    assert_true(rw_loop_buffers(world.loop)->in_use_bytes <= before_bytes + (1 << 20));
    rw_stream_receive(&ends[1].stream, true, true);
    RUN_UNTIL(&world, ends[1].received == ends[0].to_send);
    assert_false(ends[1].corrupt);
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 2);
    world_close(&world);
}

static void receive_off_keeps_data(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.to_send = 5000, .shutdown_after_send = true}, {.mute = true}};
    open_world();
    connect_pair_and_wait(&world, ends);
    idle(&world, 30);
    assert_int_equal(ends[1].datas, 0);
    assert_int_equal(ends[1].ends, 0); /* an orderly end waits as well */
    rw_stream_receive(&ends[1].stream, true, false);
    rw_stream_receive(&ends[1].stream, false, false);
    idle(&world, 10);
    assert_int_equal(ends[1].datas, 0);
    rw_stream_receive(&ends[1].stream, true, false);
    assert_int_equal(ends[1].datas, 0); /* never from inside the call */
    run_until_gone(&world, &ends[1], 1);
    assert_int_equal(ends[1].received, 5000);
    assert_int_equal(ends[1].end_err, RW_OK);
    run_until_gone(&world, ends, 2);
    world_close(&world);
}

/* Off and on again many times while data streams in. */
static void receive_toggled(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.to_send = 4 << 20}, {.sent = 0}};
    open_world();
    connect_pair_and_wait(&world, ends);
    for (unsigned i = 0; ends[1].received < ends[0].to_send; i++) {
        assert_true(i < 1000000);
        rw_stream_receive(&ends[1].stream, i % 3 != 0, i % 5 == 0);
        rw_loop_turn(world.loop, i % 3 ? 20 : 0);
    }
    assert_false(ends[1].corrupt);
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, &ends[0], 1);
    rw_stream_receive(&ends[1].stream, true, false);
    run_until_gone(&world, ends, 2);
    world_close(&world);
}

/* ---- Ends ---- */

static void half_close(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.to_send = 100, .shutdown_after_send = true}, {.no_close_at_end = true}};
    open_world();
    connect_pair(&world, ends);
    RUN_UNTIL(&world, ends[1].ends == 1);
    assert_int_equal(ends[1].end_err, RW_OK);
    assert_int_equal(ends[1].received, 100);
    ends[1].to_send = 1 << 20;
    ends[1].shutdown_after_send = true;
    send_more(&ends[1]);
    run_until_gone(&world, ends, 1);
    assert_int_equal(ends[0].received, 1 << 20);
    assert_int_equal(ends[0].end_err, RW_OK);
    idle(&world, 20);
    assert_int_equal(ends[1].ends, 1);
    rw_stream_close(&ends[1].stream);
    run_until_gone(&world, ends, 2);
    world_close(&world);
}

static void reset_is_told(bool muted)
{
    struct end ends[2] = {{.mute = muted}, {.sent = 0}};
    open_world();
    connect_pair_and_wait(&world, ends);
    idle(&world, 5);
    rw_stream_abort(&ends[1].stream);
    run_until_gone(&world, ends, 2);
    assert_int_equal(ends[0].ends, 1);
    assert_int_equal(ends[0].end_err, RW_ERESET);
    assert_int_equal(ends[1].ends, 0);
    world_close(&world);
}

static void reset_while_receiving(void **unused)
{
    (void)unused;
    reset_is_told(false);
}

static void reset_while_not_receiving(void **unused)
{
    (void)unused;
    reset_is_told(true);
}

static void reset_fails_pending_send(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.to_send = 64 << 20, .mute = true}, {.mute = true}};
    open_world();
    connect_pair_and_wait(&world, ends);
    RUN_UNTIL(&world, ends[0].in_flight > 0);
    idle(&world, 20);
    rw_stream_abort(&ends[1].stream);
    run_until_gone(&world, ends, 2);
    assert_int_equal(ends[0].ends, 1);
    assert_true(ends[0].end_err == RW_ERESET || ends[0].end_err == RW_ECLOSED);
    /* Which of the two is told first is open. */
    assert_true(ends[0].send_failed || ends[0].in_flight);
    world_close(&world);
}

static void connect_refused(void **unused)
{
    (void)unused;
    struct end end = {0};
    open_world();
    struct rw_address listening = world.address;
    /* A port that was free a moment ago. */
    if (backend == RW_LOOP_SIM) {
        ((struct sockaddr_in *)&world.address.storage)->sin_port = htons(81);
    } else {
        int fd;
        struct rw_listen_options options = {0};
        enum rw_err err = rw_address_parse(rw_span_text("127.0.0.1:0"), &world.address);
        assert_int_equal(err, RW_OK);
        assert_int_equal(rw_listen_open(&world.address, &options, &fd, NULL), RW_OK);
        assert_int_equal(
            getsockname(fd, (struct sockaddr *)&world.address.storage, &world.address.bytes), 0);
        close(fd);
    }
    enum rw_err err = end_connect(&world, &end);
    if (err) {
        assert_int_equal(err, RW_EREFUSED);
    } else {
        run_until_gone(&world, &end, 1);
        assert_int_equal(end.opens, 1);
        assert_int_equal(end.open_err, RW_EREFUSED);
        assert_int_equal(end.ends, 0);
    }
    world.address = listening;
    world_close(&world);
}

/* What can be known at once is returned at once, and leaves nothing behind. */
static void connect_fails_at_once(void **unused)
{
    (void)unused;
    struct end end = {.sent = 0};
    struct rw_address source, listening;
    open_world();
    listening = world.address;
    enum rw_err err = rw_address_parse(rw_span_text("203.0.113.1:0"), &source);
    assert_int_equal(err, RW_OK);
    struct rw_connect_options options = {.address = rw_address_sockaddr(&world.address),
                                         .address_bytes = world.address.bytes,
                                         .source = rw_address_sockaddr(&source),
                                         .source_bytes = source.bytes};
    err = rw_stream_connect(world.loop, &end.stream, &world_events, &options);
    assert_int_equal(err, RW_ENOENT);
    err = rw_address_parse(rw_span_text("unix:/nonexistent/ringway.sock"), &world.address);
    assert_int_equal(err, RW_OK);
    err = end_connect(&world, &end);
    if (!err) {
        run_until_gone(&world, &end, 1);
        err = end.open_err;
    }
    assert_int_equal(err, RW_ENOENT);
    world.address = listening;
    world_close(&world);
}

static void close_while_connecting(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.sent = 0}};
    open_world();
    connect_pair(&world, ends);
    rw_stream_close(&ends[0].stream);
    rw_stream_close(&ends[0].stream);
    assert_false(ends[0].gone);
    run_until_gone(&world, ends, 1);
    assert_int_equal(ends[0].opens, 0);
    assert_int_equal(ends[0].closes, 1);
    idle(&world, 10);
    if (world.accepted)
        run_until_gone(&world, ends, 2);
    world_close(&world);
}

static void close_with_pending_send(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.to_send = 64 << 20}, {.mute = true}};
    open_world();
    connect_pair_and_wait(&world, ends);
    RUN_UNTIL(&world, ends[0].in_flight > 0);
    idle(&world, 20);
    int sents = ends[0].sents;
    assert_true(ends[0].in_flight > 0);
    rw_stream_close(&ends[0].stream);
    struct iovec part = {pattern, 1};
    assert_int_equal(rw_stream_send(&ends[0].stream, &part, 1), RW_SEND_FAILED);
    rw_stream_receive(&ends[0].stream, true, false);
    rw_stream_shutdown(&ends[0].stream);
    run_until_gone(&world, ends, 1);
    assert_int_equal(ends[0].sents, sents);
    rw_stream_receive(&ends[1].stream, true, true);
    run_until_gone(&world, ends, 2);
    assert_false(ends[1].corrupt);
    world_close(&world);
}

/* What was to be sent may be gone, or be another's, as soon as the stream was closed. */
static void close_lets_go_of_bytes(void **unused)
{
    (void)unused;
    for (int abort = 0; abort < 2; abort++) {
        struct end ends[2] = {{.mute = true}, {.mute = false}};
        char bytes[1000];
        open_world();
        connect_pair_and_wait(&world, ends);
        memcpy(bytes, pattern, sizeof(bytes));
        struct iovec part = {bytes, sizeof(bytes)};
        assert_int_not_equal(rw_stream_send(&ends[0].stream, &part, 1), RW_SEND_FAILED);
        if (abort)
            rw_stream_abort(&ends[0].stream);
        else
            rw_stream_close(&ends[0].stream);
        memset(bytes, 0xee, sizeof(bytes));
        run_until_gone(&world, ends, 2);
        assert_false(ends[1].corrupt);
        world_close(&world);
    }
}

static void close_in_callbacks(void **unused)
{
    (void)unused;
    for (int who = 0; who < 2; who++)
        for (enum callback where = IN_OPEN; where <= IN_SENT; where++)
            for (int abort = 0; abort < 2; abort++) {
                struct end ends[2] = {{.to_send = 3 << 20, .shutdown_after_send = true},
                                      {.to_send = 3 << 20, .shutdown_after_send = true}};
                if (abort)
                    ends[who].abort_in = where;
                else
                    ends[who].close_in = where;
                open_world();
                connect_pair(&world, ends);
                RUN_UNTIL(&world, ends[0].gone);
                idle(&world, 5);
                if (world.accepted && !ends[1].gone) {
                    rw_stream_close(&ends[1].stream);
                    rw_stream_abort(&ends[1].stream);
                }
                run_until_gone(&world, ends, 1 + (size_t)world.accepted);
                assert_int_equal(ends[0].closes, 1);
                assert_false(ends[0].corrupt || ends[1].corrupt);
                world_close(&world);
            }
}

/* Whatever else is due for a stream that is closed by the other's callback must not be called. */
static struct end couple[4];

static void on_data_close_all(struct rw_stream *stream, struct rw_buf *buf)
{
    (void)stream;
    rw_buf_drop(buf);
    for (int i = 0; i < 4; i++)
        rw_stream_close(&couple[i].stream);
}

static void close_others_in_callback(void **unused)
{
    (void)unused;
    static const struct rw_stream_events closing_all = {
        .on_open = on_open,
        .on_data = on_data_close_all,
        .on_end = on_end,
        .on_sent = on_sent,
        .on_closed = on_closed,
    };
    memset(couple, 0, sizeof(couple));
    open_world();
    connect_pair_and_wait(&world, &couple[0]);
    connect_pair_and_wait(&world, &couple[2]);
    for (int i = 0; i < 4; i++)
        couple[i].stream.events = &closing_all;
    for (int i = 0; i < 4; i++) {
        couple[i].to_send = 10;
        send_more(&couple[i]);
    }
    run_until_gone(&world, couple, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(couple[i].ends + couple[i].closes, 1);
    world_close(&world);
}

/* ---- Addresses ---- */

static void addresses(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.sent = 0}};
    struct sockaddr_storage a, b;
    open_world();
    connect_pair_and_wait(&world, ends);
    assert_int_equal(rw_stream_peer(&ends[0].stream, &a), RW_OK);
    assert_true(rw_address_eq(&a, &world.address.storage));
    assert_int_equal(rw_stream_local(&ends[1].stream, &b), RW_OK);
    assert_true(rw_address_eq(&a, &b));
    assert_int_equal(rw_stream_local(&ends[0].stream, &a), RW_OK);
    assert_int_equal(rw_stream_peer(&ends[1].stream, &b), RW_OK);
    assert_true(rw_address_eq(&a, &b));
    bool none = backend == RW_LOOP_SIM || world_descriptors_max;
    assert_int_equal(rw_stream_fd(&ends[0].stream) == -1, none);
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 2);
    world_close(&world);
}

static void source_address(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.sent = 0}};
    struct sockaddr_storage from;
    struct rw_address source;
    open_world();
    assert_int_equal(rw_address_parse(rw_span_text("127.0.0.9:0"), &source), RW_OK);
    struct rw_connect_options options = {.address = rw_address_sockaddr(&world.address),
                                         .address_bytes = world.address.bytes,
                                         .source = rw_address_sockaddr(&source),
                                         .source_bytes = source.bytes};
    world.accepting = &ends[1];
    world.accepting_end = &ends[2];
    ends[0].world = &world;
    enum rw_err err = rw_stream_connect(world.loop, &ends[0].stream, &world_events, &options);
    assert_int_equal(err, RW_OK);
    RUN_UNTIL(&world, ends[0].is_open && ends[1].is_open);
    assert_int_equal(rw_stream_peer(&ends[1].stream, &from), RW_OK);
    char text[RW_ADDRESS_HOST_TEXT_MAX];
    size_t len = rw_address_format_host(text, (const struct sockaddr *)&from);
    assert_true(rw_span_is(rw_span(text, len), "127.0.0.9"));
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 2);
    world_close(&world);
}

static void unix_socket(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.to_send = 4 << 20, .shutdown_after_send = true}, {.slow_ms = 1}};
    char address[64];
    snprintf(address, sizeof(address), "unix:@ringway_test_%d", getpid());
    assert_int_equal(world_try_open(&world, backend, address, NULL, 1), RW_OK);
    connect_pair(&world, ends);
    run_until_gone(&world, &ends[1], 1);
    assert_whole(&ends[0], &ends[1]);
    run_until_gone(&world, ends, 2);
    world_close(&world);
}

static void refuse_accepted(void **unused)
{
    (void)unused;
    struct end end = {0};
    open_world();
    assert_int_equal(end_connect(&world, &end), RW_OK);
    run_until_gone(&world, &end, 1);
    assert_int_equal(world.refused, 1);
    assert_int_equal(end.opens + end.ends, 2);
    world_close(&world);
}

/* ---- Scarcity ---- */

static void many_streams(void **unused)
{
    (void)unused;
    enum { PAIRS = 2000, BATCH = 200 };
    struct end *ends = calloc(2 * PAIRS, sizeof(*ends));
    open_world();
    world.accepting = &ends[PAIRS];
    world.accepting_end = &ends[2 * PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        ends[i].to_send = 1000 + (size_t)i;
        ends[PAIRS + i].echo = true;
        assert_int_equal(end_connect(&world, &ends[i]), RW_OK);
        if (i % BATCH == BATCH - 1)
            RUN_UNTIL(&world, world.accepted == i + 1);
    }
    for (int i = 0; i < PAIRS; i++)
        RUN_UNTIL(&world, ends[i].received == ends[i].to_send);
    for (int i = 0; i < PAIRS; i++)
        rw_stream_close(&ends[i].stream);
    run_until_gone(&world, ends, 2 * PAIRS);
    for (int i = 0; i < 2 * PAIRS; i++)
        assert_true(!ends[i].corrupt && ends[i].closes == 1);
    free(ends);
    world_close(&world);
}

/* One small conversation in which the Nth allocation fails; it may break, but must not hang or
 * leak. */
static bool converse(uint64_t successes)
{
    struct end ends[2] = {{.to_send = 6 << 20, .parts = 2, .shutdown_after_send = true},
                          {.large = true}};
    rw_alloc_fail_after(successes);
    const char *address = backend == RW_LOOP_SIM ? "10.9.9.9:80" : "127.0.0.1:0";
    enum rw_err err = world_try_open(&world, backend, address, NULL, 1);
    if (err) {
        rw_alloc_fail_never();
        assert_int_equal(err, RW_ENOMEM);
        world_close(&world);
        return false;
    }
    world.accepting = &ends[1];
    world.accepting_end = &ends[2];
    err = end_connect(&world, &ends[0]);
    for (int i = 0; i < 40 && !err; i++)
        rw_loop_turn(world.loop, 1);
    rw_alloc_fail_never();
    RUN_UNTIL(&world, err || ends[1].gone || ends[0].gone || ends[0].send_failed);
    bool whole = ends[1].received == ends[0].to_send;
    assert_false(ends[1].corrupt);
    if (!ends[0].gone)
        rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 1 + (size_t)world.accepted);
    world_close(&world);
    return whole;
}

static void failed_allocations(void **unused)
{
    (void)unused;
    int broken = 0;
    for (uint64_t i = 0; i < 60; i++)
        broken += !converse(i);
    assert_true(broken > 0);
    assert_true(converse(1000000));
}

/* The pool gives nothing for a while: receiving waits, nothing is lost. io_uring has some buffers
 * in reserve. */
static void no_buffers(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.to_send = 16 << 20, .shutdown_after_send = true}, {.sent = 0}};
    open_world();
    struct rw_buf_pool *pool = rw_loop_buffers(world.loop);
    size_t cap_bytes = pool->cap_bytes;
    connect_pair(&world, ends);
    pool->cap_bytes = 0;
    idle(&world, 60);
    assert_true(ends[1].received < 5 << 20);
    pool->cap_bytes = cap_bytes;
    run_until_gone(&world, &ends[1], 1);
    assert_whole(&ends[0], &ends[1]);
    run_until_gone(&world, ends, 2);
    world_close(&world);
}

/* A loop with little to do has few buffers lent out: there may be many loops. */
static void little_is_lent(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.to_send = 1000}, {.echo = true}};
    open_world();
    connect_pair(&world, ends);
    RUN_UNTIL(&world, ends[0].received == ends[0].to_send);
    assert_true(rw_loop_buffers(world.loop)->in_use_bytes <= 40 * RW_BUF_SMALL_BYTES);
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 2);
    world_close(&world);
}

static void descriptors_run_out(void **unused)
{
    (void)unused;
    struct end ends[2] = {{.to_send = 10}, {.echo = true}};
    static int hogs[4096];
    struct rlimit limit, low;
    int count = 0;
    open_world();
    world.accepting = &ends[1];
    world.accepting_end = &ends[2];
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = 256;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(end_connect(&world, &ends[0]), RW_OK);
    while ((hogs[count] = dup(0)) >= 0)
        count++;
    assert_int_equal(errno, EMFILE);
    idle(&world, 30);
    assert_int_equal(world.accepted, 0);
    while (count)
        close(hogs[--count]);
    uint64_t before_ms = rw_loop_now_ms(world.loop);
    RUN_UNTIL(&world, ends[0].received == 10);
    assert_true(rw_loop_now_ms(world.loop) - before_ms < 500);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    rw_stream_close(&ends[0].stream);
    run_until_gone(&world, ends, 2);
    world_close(&world);
}

/* ---- Late turns ---- */

enum { PEERS = 200 };

struct deadline {
    struct rw_timer timer;
    const struct end *ends;
    bool fired;
};

static void all_have_received(struct rw_timer *timer)
{
    struct deadline *deadline = rw_container_of(timer, struct deadline, timer);
    deadline->fired = true;
    for (size_t i = 0; i < PEERS; i++)
        assert_int_equal(deadline->ends[i].received, 1);
}

/* A blocking socket of our own. */
static int connect_raw(struct end *accepted)
{
    int raw = socket(world.address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(raw >= 0);
    world.accepting = accepted;
    world.accepting_end = accepted + 1;
    assert_int_equal(connect(raw, rw_address_sockaddr(&world.address), world.address.bytes), 0);
    RUN_UNTIL(&world, accepted->is_open);
    return raw;
}

/* The thread gets no CPU while all peers send and a deadline passes: what they sent in time comes
 * before it, however many they are. */
static void data_before_late_deadline(void **unused)
{
    (void)unused;
    static struct end ends[PEERS];
    memset(ends, 0, sizeof(ends));
    struct deadline deadline = {.timer.fire = all_have_received, .ends = ends};
    open_world();
    int raw[PEERS];
    for (size_t i = 0; i < PEERS; i++)
        raw[i] = connect_raw(&ends[i]);
    rw_timer_start(world.loop, &deadline.timer, rw_loop_now_ms(world.loop) + 20);
    for (size_t i = 0; i < PEERS; i++)
        assert_int_equal(write(raw[i], pattern, 1), 1);
    usleep(100 * 1000);
    RUN_UNTIL(&world, deadline.fired);
    for (size_t i = 0; i < PEERS; i++)
        close(raw[i]);
    run_until_gone(&world, ends, PEERS);
    world_close(&world);
}

/* ---- The table ---- */

static int choose_epoll(void **unused)
{
    (void)unused;
    backend = RW_LOOP_EPOLL;
    return 0;
}

static int choose_uring(void **unused)
{
    (void)unused;
    backend = RW_LOOP_IO_URING;
    return 0;
}

static int choose_answers_first(void **unused)
{
    world_answers_first = true;
    return choose_uring(unused);
}

static int choose_parked(void **unused)
{
    world_descriptors_max = 1;
    world_answers_first = false;
    return choose_uring(unused);
}

static bool uring_permitted(void)
{
    struct rw_loop_options options = {.backend = RW_LOOP_IO_URING};
    struct rw_loop *loop;
    enum rw_err err = rw_loop_create(&options, &loop);
    if (err)
        print_message("io_uring is not permitted here: %s\n", rw_err_text(err));
    else
        rw_loop_destroy(loop);
    return !err;
}

static int choose_sim(void **unused)
{
    (void)unused;
    backend = RW_LOOP_SIM;
    return 0;
}

#define EVERYWHERE                                                                                 \
    cmocka_unit_test(echo), cmocka_unit_test(one_byte), cmocka_unit_test(both_ways),               \
        cmocka_unit_test(many_parts), cmocka_unit_test(many_small_sends),                          \
        cmocka_unit_test(slow_readers), cmocka_unit_test(back_pressure),                           \
        cmocka_unit_test(receive_off_keeps_data), cmocka_unit_test(receive_toggled),               \
        cmocka_unit_test(half_close), cmocka_unit_test(reset_while_receiving),                     \
        cmocka_unit_test(reset_while_not_receiving), cmocka_unit_test(reset_fails_pending_send),   \
        cmocka_unit_test(connect_refused), cmocka_unit_test(close_while_connecting),               \
        cmocka_unit_test(close_with_pending_send), cmocka_unit_test(close_lets_go_of_bytes),       \
        cmocka_unit_test(close_in_callbacks), cmocka_unit_test(close_others_in_callback),          \
        cmocka_unit_test(addresses), cmocka_unit_test(unix_socket),                                \
        cmocka_unit_test(refuse_accepted), cmocka_unit_test(many_streams),                         \
        cmocka_unit_test(failed_allocations), cmocka_unit_test(no_buffers)

#define KERNEL_ONLY                                                                                \
    cmocka_unit_test(source_address), cmocka_unit_test(connect_fails_at_once),                     \
        cmocka_unit_test(descriptors_run_out), cmocka_unit_test(little_is_lent),                   \
        cmocka_unit_test(data_before_late_deadline)

int main(void)
{
    const struct CMUnitTest kernel[] = {EVERYWHERE, KERNEL_ONLY};
    const struct CMUnitTest virtual[] = {EVERYWHERE};
    int failed = cmocka_run_group_tests_name("epoll", kernel, choose_epoll, NULL);
    failed += cmocka_run_group_tests_name("sim", virtual, choose_sim, NULL);
    if (uring_permitted())
        failed += cmocka_run_group_tests_name("io_uring", kernel, choose_uring, NULL);
    if (uring_permitted())
        failed += cmocka_run_group_tests_name("io_uring, answers first", kernel,
                                              choose_answers_first, NULL);
    if (uring_permitted())
        failed += cmocka_run_group_tests_name("io_uring, parked", kernel, choose_parked, NULL);
    return failed;
}
