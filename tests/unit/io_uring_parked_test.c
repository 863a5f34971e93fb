/* Sockets that are parked in the slots of further rings: more completions at once than a ring has
 * room for, and no descriptor left to borrow. The contract of their streams is in io_stream_test.c.
 */
#include "io/descriptors.h"
#include "unit/io_world.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>

static struct world world;

struct caller {
    struct rw_stream stream;
    uint16_t port; /* its own */
    unsigned *left, *wrong;
    enum rw_err end; /* once there was one */
};

static void caller_sent(struct rw_stream *stream, enum rw_err err)
{
    const struct caller *caller = rw_container_of(stream, struct caller, stream);
    struct sockaddr_storage own;
    assert_int_equal(err, RW_OK);
    *caller->wrong += rw_stream_local(stream, &own) || rw_address_port(&own) != caller->port;
    --*caller->left;
}

static void caller_data(struct rw_stream *stream, struct rw_buf *buf)
{
    (void)stream;
    rw_buf_drop(buf);
}

static void caller_end(struct rw_stream *stream, enum rw_err err)
{
    rw_container_of(stream, struct caller, stream)->end = err;
    rw_stream_close(stream);
}

static void caller_closed(struct rw_stream *stream)
{
    --*rw_container_of(stream, struct caller, stream)->left;
}

static void attach_caller(struct caller *caller, int fd)
{
    static const struct rw_stream_events events = {.on_data = caller_data,
                                                   .on_end = caller_end,
                                                   .on_sent = caller_sent,
                                                   .on_closed = caller_closed};
    struct sockaddr_storage own;
    socklen_t bytes = sizeof(own);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &bytes), 0);
    caller->port = rw_address_port(&own);
    assert_int_equal(rw_stream_attach(world.loop, &caller->stream, &events, fd, NULL), RW_OK);
    rw_stream_receive(&caller->stream, true, false);
}

/* Two that are connected. */
static void attach_pair(int listener, const struct rw_address *address, struct caller *callers)
{
    struct pollfd there = {.fd = listener, .events = POLLIN};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, rw_address_sockaddr(address), address->bytes), 0);
    assert_int_equal(poll(&there, 1, PATIENCE_MS), 1);
    int other = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    attach_caller(&callers[0], fd);
    attach_caller(&callers[1], other);
}

/* Each of them is asked for its own address while what the others have to tell waits. */
static void all_send_at_once(void **unused)
{
    enum { CALLERS = 1500 };
    (void)unused;
    struct caller *callers = test_calloc(2 * CALLERS, sizeof(*callers));
    unsigned left = CALLERS, wrong = 0;
    struct rw_address address;
    int listener = listen_somewhere(&address);
    for (unsigned i = 0; i < 2 * CALLERS; i++)
        callers[i] = (struct caller){.left = &left, .wrong = &wrong};
    for (unsigned i = 0; i < CALLERS; i++)
        attach_pair(listener, &address, &callers[2 * i]);
    turn(&world);
    const struct iovec part = {pattern, 1};
    for (unsigned i = 0; i < CALLERS; i++)
        assert_int_equal(rw_stream_send(&callers[2 * i].stream, &part, 1), RW_SEND_PENDING);
    RUN_UNTIL(&world, left == 0);
    assert_int_equal(wrong, 0);
    left = 2 * CALLERS;
    for (unsigned i = 0; i < CALLERS; i++)
        rw_stream_close(&callers[2 * i].stream);
    RUN_UNTIL(&world, left == 0);
    close(listener);
    test_free(callers);
}

/* ---- No descriptor left ---- */

static struct rlimit descriptors;

static void use_up_descriptors(void)
{
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = descriptors.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(dup(STDERR_FILENO), -1);
}

/* One of a pair does `act`; how the other sees its end. */
static enum rw_err end_seen(void (*act)(struct rw_stream *stream))
{
    struct rw_address address;
    int listener = listen_somewhere(&address);
    unsigned left = 1, wrong = 0;
    struct caller pair[2] = {{.left = &left, .wrong = &wrong, .end = RW_EINVAL},
                             {.left = &left, .wrong = &wrong, .end = RW_EINVAL}};
    attach_pair(listener, &address, pair);
    close(listener);
    turn(&world);
    use_up_descriptors();
    act(&pair[0].stream);
    bool half = !rw_stream_closing(&pair[0].stream);
    left = half ? 1 : 2;
    RUN_UNTIL(&world, left == 0);
    left = 1;
    if (half)
        rw_stream_close(&pair[0].stream);
    RUN_UNTIL(&world, !half || left == 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
    return pair[1].end;
}

static void half_close_without_descriptors(void **unused)
{
    (void)unused;
    assert_int_equal(end_seen(rw_stream_shutdown), RW_OK);
}

/* The hang-up is no error, though nobody can be asked by a descriptor. */
static void end_in_order_while_silent(void **unused)
{
    (void)unused;
    struct rw_address address;
    const struct iovec part = {pattern, 1};
    int listener = listen_somewhere(&address);
    unsigned left = 1, wrong = 0;
    struct caller pair[2] = {{.left = &left, .wrong = &wrong, .end = RW_EINVAL},
                             {.left = &left, .wrong = &wrong, .end = RW_EINVAL}};
    attach_pair(listener, &address, pair);
    close(listener);
    turn(&world);
    rw_stream_receive(&pair[0].stream, false, false);
    assert_int_equal(rw_stream_send(&pair[1].stream, &part, 1), RW_SEND_PENDING);
    RUN_UNTIL(&world, left == 0);
    left = 1;
    use_up_descriptors();
    rw_stream_shutdown(&pair[0].stream); /* then the other one closes, too */
    RUN_UNTIL(&world, left == 0);
    for (unsigned i = 0; i < 20; i++)
        turn(&world);
    left = 1;
    rw_stream_receive(&pair[0].stream, true, false);
    RUN_UNTIL(&world, left == 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
    assert_int_equal(pair[0].end, RW_OK);
}

static void shut_and_close(struct rw_stream *stream)
{
    rw_stream_shutdown(stream);
    rw_stream_close(stream);
}

static void close_during_half_close(void **unused)
{
    (void)unused;
    assert_int_equal(end_seen(shut_and_close), RW_OK);
}

static void reset_without_descriptors(void **unused)
{
    (void)unused;
    assert_int_equal(end_seen(rw_stream_abort), RW_ERESET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_send_at_once), cmocka_unit_test(half_close_without_descriptors),
        cmocka_unit_test(close_during_half_close), cmocka_unit_test(end_in_order_while_silent),
        cmocka_unit_test(reset_without_descriptors)};
    (void)rw_raise_descriptor_limit();
    world_descriptors_max = 1;
    enum rw_err err = world_try_open(&world, RW_LOOP_IO_URING, NULL, NULL, 1);
    if (err) {
        print_message("io_uring is not permitted here: %s\n", rw_err_text(err));
        return 0;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_close(&world);
    return failed;
}
