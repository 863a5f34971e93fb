/* With `answers_first` what the loop has connected is heard before what it has accepted, however
 * long the latter has waited; and an end of the row there must be. */
#include "unit/io_world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

enum { MANY = 60, BACKLOG = 4 };

static struct world world;

/* A socket of our own, and the loop's at its other end. */
struct pair {
    struct rw_stream stream;
    int raw;
    bool open;
};

static struct pair accepted[MANY], connected[MANY];
static unsigned heard_accepted, heard_connected,
    heard_before; /* connected, of the first accepted */
static bool floods;

static bool is_connected(const struct pair *pair)
{
    return pair >= connected && pair < connected + MANY;
}

static void pair_open(struct rw_stream *stream, enum rw_err err)
{
    assert_int_equal(err, RW_OK);
    rw_container_of(stream, struct pair, stream)->open = true;
    rw_stream_receive(stream, true, false);
}

static void pair_data(struct rw_stream *stream, struct rw_buf *buf)
{
    const struct pair *pair = rw_container_of(stream, struct pair, stream);
    rw_buf_drop(buf);
    if (is_connected(pair)) {
        heard_connected++;
        if (floods) /* the next one is there at once */
            assert_int_equal(write(pair->raw, "a", 1), 1);
    } else if (!heard_accepted++) {
        heard_before = heard_connected;
    }
}

static void pair_end(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    rw_stream_close(stream);
}

static void pair_closed(struct rw_stream *stream)
{
    rw_container_of(stream, struct pair, stream)->open = false;
}

static const struct rw_stream_events pair_events = {.on_open = pair_open,
                                                    .on_data = pair_data,
                                                    .on_end = pair_end,
                                                    .on_closed = pair_closed};

static void make_connected(struct pair *pair, int listener, const struct rw_address *address)
{
    struct rw_connect_options options = {.address = rw_address_sockaddr(address),
                                         .address_bytes = address->bytes};
    assert_int_equal(rw_stream_connect(world.loop, &pair->stream, &pair_events, &options), RW_OK);
    RUN_UNTIL(&world, pair->open);
    pair->raw = accept(listener, NULL, NULL);
    assert_true(pair->raw >= 0);
}

static void make_accepted(struct pair *pair, int listener, const struct rw_address *address)
{
    pair->raw = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(pair->raw, rw_address_sockaddr(address), address->bytes), 0);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(rw_stream_attach(world.loop, &pair->stream, &pair_events, fd, NULL), RW_OK);
    pair->open = true;
    rw_stream_receive(&pair->stream, true, false);
}

static void open_pairs(bool answers_first)
{
    struct rw_address address;
    int listener = listen_somewhere(&address);
    world_answers_first = answers_first;
    heard_accepted = heard_connected = heard_before = 0;
    assert_int_equal(world_try_open(&world, RW_LOOP_IO_URING, NULL, NULL, 1), RW_OK);
    for (int i = 0; i < MANY; i++) {
        connected[i] = accepted[i] = (struct pair){0};
        make_connected(&connected[i], listener, &address);
        make_accepted(&accepted[i], listener, &address);
    }
    close(listener);
    turn(&world);
}

static bool any_open(void)
{
    bool open = false;
    for (int i = 0; i < MANY; i++)
        open |= connected[i].open || accepted[i].open;
    return open;
}

static void close_pairs(void)
{
    for (int i = 0; i < MANY; i++) {
        close(connected[i].raw);
        close(accepted[i].raw);
    }
    RUN_UNTIL(&world, !any_open());
    world_close(&world);
}

static void say_all(void)
{
    for (int i = 0; i < MANY; i++)
        assert_int_equal(write(accepted[i].raw, "r", 1), 1);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(write(connected[i].raw, "a", 1), 1);
}

static void connected_come_first(void **unused)
{
    (void)unused;
    floods = false;
    open_pairs(true);
    say_all();
    RUN_UNTIL(&world, heard_accepted == MANY && heard_connected == MANY);
    assert_int_equal(heard_before, MANY);
    close_pairs();
}

/* The order of the kernel's, which the others stand against. */
static void else_who_came_first(void **unused)
{
    (void)unused;
    floods = false;
    open_pairs(false);
    say_all();
    RUN_UNTIL(&world, heard_accepted == MANY && heard_connected == MANY);
    assert_int_equal(heard_before, 0);
    close_pairs();
}

static void a_flood_of_answers_ends(void **unused)
{
    (void)unused;
    floods = true;
    open_pairs(true);
    say_all();
    for (int i = 0; i < 40 && heard_accepted < MANY; i++)
        rw_loop_turn(world.loop, 0);
    floods = false;
    assert_int_equal(heard_accepted, MANY);
    assert_true(heard_connected > MANY);
    close_pairs();
}

/* The loop sleeps with the other ring: it is woken all the same. */
static void an_answer_wakes(void **unused)
{
    (void)unused;
    floods = false;
    open_pairs(true);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t before_ns = rw_clock_monotonic_ns();
        assert_int_equal(write(connected[i % MANY].raw, "a", 1), 1);
        while (heard_connected == i)
            rw_loop_turn(world.loop, PATIENCE_MS);
        assert_true(rw_clock_monotonic_ns() - before_ns < PATIENCE_MS / 2 * RW_NS_PER_MS);
    }
    close_pairs();
}

/* ---- A task wakes ---- */

static struct rw_task task;
static bool task_ran;

static void run_task(struct rw_task *unused)
{
    (void)unused;
    task_ran = true;
}

static void *post_later(void *unused)
{
    usleep(200 * 1000);
    rw_loop_post(world.loop, &task);
    return unused;
}

/* A port where nobody is accepted any more: who connects waits. */
static int listen_full(struct rw_address *address, int *others)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(listener, (const struct sockaddr *)&any, sizeof(any)), 0);
    assert_int_equal(listen(listener, 0), 0);
    address->bytes = sizeof(address->storage);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address->storage, &address->bytes),
                     0);
    for (int i = 0; i < BACKLOG; i++) {
        others[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(others[i], rw_address_sockaddr(address), address->bytes) != 0)
            assert_int_equal(errno, EINPROGRESS);
    }
    return listener;
}

/* The loop goes to sleep having asked something of the other ring that is not answered. */
static void a_task_wakes_who_waits_for_an_answer(void **unused)
{
    (void)unused;
    struct rw_address address;
    int others[BACKLOG], listener = listen_full(&address, others);
    struct rw_connect_options options = {.address = rw_address_sockaddr(&address),
                                         .address_bytes = address.bytes};
    pthread_t thread;
    world_answers_first = true;
    assert_int_equal(world_try_open(&world, RW_LOOP_IO_URING, NULL, NULL, 1), RW_OK);
    connected[0] = (struct pair){0};
    task.run = run_task;
    assert_int_equal(rw_stream_connect(world.loop, &connected[0].stream, &pair_events, &options),
                     RW_OK);
    assert_int_equal(pthread_create(&thread, NULL, post_later, NULL), 0);
    uint64_t before_ns = rw_clock_monotonic_ns();
    while (!task_ran)
        rw_loop_turn(world.loop, PATIENCE_MS);
    assert_true(rw_clock_monotonic_ns() - before_ns < PATIENCE_MS / 2 * RW_NS_PER_MS);
    pthread_join(thread, NULL);
    connected[0].open = true;
    rw_stream_close(&connected[0].stream);
    RUN_UNTIL(&world, !connected[0].open);
    for (int i = 0; i < BACKLOG; i++)
        close(others[i]);
    close(listener);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connected_come_first), cmocka_unit_test(else_who_came_first),
        cmocka_unit_test(a_flood_of_answers_ends), cmocka_unit_test(an_answer_wakes),
        cmocka_unit_test(a_task_wakes_who_waits_for_an_answer)};
    enum rw_err err = world_try_open(&world, RW_LOOP_IO_URING, NULL, NULL, 1);
    if (err) {
        print_message("io_uring is not permitted here: %s\n", rw_err_text(err));
        return 0;
    }
    world_close(&world);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
