/* A target with several addresses: connections go to all by turns; one that refuses, and one that
 * answers nothing, are passed over. The servers are threads of this program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "load/run.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS_MAX = 64, CONNECTIONS = 12 };

/* Answers whatever comes, on every connection, until told to stop. */
struct server {
    pthread_t thread;
    struct pollfd fds[SOCKETS_MAX];
    unsigned count;
    _Atomic bool stop;
};

static void serve_one(struct server *server, unsigned i)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    char bytes[4096];
    if (i == 0 && server->count < SOCKETS_MAX) {
        int fd = accept(server->fds[0].fd, NULL, NULL);
        if (fd >= 0)
            server->fds[server->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    } else if (read(server->fds[i].fd, bytes, sizeof(bytes)) <= 0 ||
               write(server->fds[i].fd, answer, sizeof(answer) - 1) <= 0) {
        server->fds[i].events = 0;
    }
}

static void *serve(void *argument)
{
    struct server *server = argument;
    while (!server->stop) {
        poll(server->fds, server->count, 20);
        for (unsigned i = 0, count = server->count; i < count; i++)
            if (server->fds[i].revents & POLLIN)
                serve_one(server, i);
    }
    for (unsigned i = 0; i < server->count; i++)
        close(server->fds[i].fd);
    return NULL;
}

static struct rw_address address_of(const char *ip, uint16_t port)
{
    struct rw_address address;
    assert_int_equal(rw_address_parse_ip(rw_span_text(ip), port, &address), RW_OK);
    return address;
}

/* A listening socket at `ip`; port 0: any. Returns the port. */
static int listen_at(const char *ip, uint16_t *port, int backlog)
{
    struct rw_address address = address_of(ip, *port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, rw_address_sockaddr(&address), address.bytes), 0);
    assert_int_equal(listen(fd, backlog), 0);
    socklen_t bytes = sizeof(address.storage);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address.storage, &bytes), 0);
    *port = rw_address_port(&address.storage);
    return fd;
}

static void start(struct server *server, const char *ip, uint16_t *port)
{
    *server = (struct server){.count = 1};
    server->fds[0] = (struct pollfd){.fd = listen_at(ip, port, 64), .events = POLLIN};
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop(struct server *server)
{
    server->stop = true;
    pthread_join(server->thread, NULL);
}

static struct rw_load_result *run_against(const char *const *ips, unsigned count, uint16_t port)
{
    static struct rw_load_request request;
    static struct rw_load_result result;
    struct rw_arena arena;
    struct rw_load_settings settings = {
        .address_count = count,
        .authority = RW_LITERAL("a"),
        .url = RW_LITERAL("http://a/"),
        .requests = &request,
        .request_count = 1,
        .processes = 1,
        .threads = 2,
        .connections = CONNECTIONS,
        .streams = 1,
        .timeout_ms = 20000,
        .connect_ms_max = 20000,
        .profile = {.phase_count = 1, .phases = {{.seconds = 0.5, .from = 100, .to = 100}}},
    };
    request = (struct rw_load_request){
        .method = RW_LITERAL("GET"), .target = RW_LITERAL("/"), .weight = 1};
    for (unsigned i = 0; i < count; i++)
        settings.addresses[i] = address_of(ips[i], port);
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 20);
    assert_int_equal(rw_load_prepare(&settings, &arena), RW_OK);
    struct rw_load_run run = {.settings = &settings};
    assert_int_equal(rw_load_run(&run, &result), RW_OK);
    rw_arena_free(&arena);
    return &result;
}

static void all_have_their_turns(void **state)
{
    (void)state;
    static const char *const ips[] = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};
    struct server servers[3];
    uint16_t port = 0;
    for (unsigned i = 0; i < 3; i++)
        start(&servers[i], ips[i], &port);
    struct rw_load_result *result = run_against(ips, 3, port);
    assert_int_equal(result->tally.counts.answered, 50);
    assert_int_equal(result->tally.counts.failed, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(result->tally.counts.ways[i], CONNECTIONS / 3);
    rw_load_result_close(result);
    for (unsigned i = 0; i < 3; i++)
        stop(&servers[i]);
}

/* Nobody listens at the first; the third lets nobody in, its backlog is full. */
static void what_fails_is_passed_over(void **state)
{
    (void)state;
    static const char *const ips[] = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};
    struct server server;
    uint16_t port = 0;
    start(&server, ips[1], &port);
    int full = listen_at(ips[2], &port, 0), waiting[4];
    struct rw_address address = address_of(ips[2], port);
    for (unsigned i = 0; i < 4; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(waiting[i], rw_address_sockaddr(&address), address.bytes);
    }
    struct rw_load_result *result = run_against(ips, 3, port);
    assert_int_equal(result->tally.counts.answered, 50);
    assert_int_equal(result->tally.counts.failed, 0);
    assert_int_equal(result->tally.counts.ways[0], 0);
    assert_int_equal(result->tally.counts.ways[1], CONNECTIONS);
    assert_int_equal(result->tally.counts.ways[2], 0);
    rw_load_result_close(result);
    stop(&server);
    for (unsigned i = 0; i < 4; i++)
        close(waiting[i]);
    close(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_have_their_turns),
        cmocka_unit_test(what_fails_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
