/* What an idle TLS connection costs: a thousand of them, opened by a child process with OpenSSL's
 * own client. */
#include "support/tls_pair.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CONNECTIONS = 1000, TURNS_MAX = 60000 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { COUNTED = 0 }; /* the heap is not glibc's */
#else
enum { COUNTED = 1 };
#endif

struct held {
    struct rw_stream stream;
};

static struct {
    struct rw_loop *loop;
    struct rw_tls_server *server;
    struct held *streams;
    unsigned accepted, opened, closed;
} world;

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    assert_int_equal(err, RW_OK);
    world.opened++;
    rw_stream_receive(stream, true, false);
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct iovec part = {(void *)(uintptr_t) "ok", 2};
    rw_buf_drop(buf);
    assert_int_not_equal(rw_stream_send(stream, &part, 1), RW_SEND_FAILED);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    rw_stream_close(stream);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    (void)stream, (void)err;
}

static void on_closed(struct rw_stream *stream)
{
    (void)stream;
    world.closed++;
}

static const struct rw_stream_events events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

static void on_accept(struct rw_listener *listener, int fd, const struct sockaddr_storage *peer)
{
    (void)listener, (void)peer;
    assert_true(world.accepted < CONNECTIONS);
    struct rw_stream *stream = &world.streams[world.accepted++].stream;
    assert_int_equal(rw_stream_attach(world.loop, stream, &events, fd, world.server), RW_OK);
}

static void on_listener_closed(struct rw_listener *listener)
{
    (void)listener;
}

/* Every second connection also asks for something and gets it. */
static bool connect_one(SSL_CTX *context, const struct sockaddr_in *address, bool talk)
{
    char reply[2];
    SSL *ssl = SSL_new(context);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return ssl && fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
           SSL_set_fd(ssl, fd) && SSL_connect(ssl) == 1 &&
           (!talk || (SSL_write(ssl, "hello", 5) == 5 && SSL_read(ssl, reply, 2) == 2));
}

static pid_t run_clients(const struct sockaddr_in *address, int version)
{
    pid_t child = fork();
    if (child)
        return child;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (SSL_CTX_set_max_proto_version(context, version) != 1)
        _exit(1);
    for (int i = 0; i < CONNECTIONS; i++)
        if (!connect_one(context, address, i & 1))
            _exit(1);
    pause();
    _exit(0);
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static int listen_here(struct sockaddr_in *address)
{
    socklen_t bytes = sizeof(*address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)address, bytes), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &bytes), 0);
    return fd;
}

static void turn_until(unsigned *count, unsigned least)
{
    for (int turns = 0; *count < least && turns < TURNS_MAX; turns++)
        rw_loop_turn(world.loop, 5);
    assert_int_equal(*count, least);
}

static void idle(int version, const char *name, size_t bytes_max)
{
    static const char *const usual[] = {"usual", NULL};
    static struct rw_tls_ticket_keys keys;
    struct rw_loop_options options = {.backend = RW_LOOP_EPOLL};
    struct sockaddr_in address;
    rw_tls_settle_ms = 50;
    memset(&world, 0, sizeof(world));
    world.streams = rw_alloc_zero(CONNECTIONS * sizeof(*world.streams));
    assert_int_equal(rw_tls_ticket_keys_init(&keys), RW_OK);
    world.server = pair_server(usual, &keys);
    assert_int_equal(rw_loop_create(&options, &world.loop), RW_OK);
    struct rw_listener listener = {.on_accept = on_accept, .on_closed = on_listener_closed};
    listener.fd = listen_here(&address);
    pid_t child = run_clients(&address, version);
    assert_true(child > 0);
    assert_int_equal(rw_listener_start(world.loop, &listener), RW_OK);
    /* What the first ones cause to be made for all is not counted. */
    turn_until(&world.opened, 100);
    uint64_t until_ms = rw_loop_now_ms(world.loop) + 300;
    turn_until(&world.opened, CONNECTIONS);
    while (rw_loop_now_ms(world.loop) < until_ms + 2000)
        rw_loop_turn(world.loop, 10);
    size_t full = heap_bytes();
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    turn_until(&world.closed, CONNECTIONS);
    if (COUNTED) {
        size_t per_connection = (full - heap_bytes()) / CONNECTIONS + sizeof(struct held);
        printf("bytes of an idle %s connection: %zu\n", name, per_connection);
        assert_true(per_connection < bytes_max);
    }
    rw_listener_close(&listener);
    rw_loop_turn(world.loop, 0);
    close(listener.fd);
    rw_loop_destroy(world.loop);
    rw_tls_server_drop(world.server);
    rw_free(world.streams);
}

static void test_idle_1_3(void **state)
{
    (void)state;
    idle(TLS1_3_VERSION, "TLS 1.3", 5000);
}

/* Stays with libssl. */
static void test_idle_1_2(void **state)
{
    (void)state;
    idle(TLS1_2_VERSION, "TLS 1.2", 14000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_idle_1_3),
                                       cmocka_unit_test(test_idle_1_2)};
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
