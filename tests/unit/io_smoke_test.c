/* The least that must hold: one stream says something to another over TCP and both end in order. */
#include "io/loop.h"
#include "io/stream.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct side {
    struct rw_stream stream;
    char got[32];
    size_t len;
    bool opened, ended, closed;
};

static struct side client, server;
static struct rw_loop *loop;

static struct side *side_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct side, stream);
}

static void say(struct rw_stream *stream, const char *text)
{
    struct iovec part = {(void *)text, strlen(text)};
    assert_int_equal(rw_stream_send(stream, &part, 1), RW_SEND_DONE);
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    assert_int_equal(err, RW_OK);
    side_of(stream)->opened = true;
    say(stream, "ping");
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct side *side = side_of(stream);
    struct rw_span bytes = rw_buf_span(buf);
    memcpy(side->got + side->len, bytes.at, bytes.len);
    side->len += bytes.len;
    rw_buf_drop(buf);
    if (side == &server && side->len == 4)
        say(stream, "pong");
    if (side == &client && side->len == 4)
        rw_stream_shutdown(stream);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    assert_int_equal(err, RW_OK);
    side_of(stream)->ended = true;
    rw_stream_close(stream);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    (void)stream, (void)err;
}

static void on_closed(struct rw_stream *stream)
{
    side_of(stream)->closed = true;
}

static const struct rw_stream_events events = {on_open, on_data, on_end, on_sent, on_closed};

static void on_accept(struct rw_listener *listener, int fd, const struct sockaddr_storage *peer)
{
    assert_int_equal(peer->ss_family, AF_INET);
    assert_int_equal(rw_stream_attach(loop, &server.stream, &events, fd, NULL), RW_OK);
    rw_stream_receive(&server.stream, true, false);
    rw_listener_close(listener);
}

static bool listener_closed;

static void on_listener_closed(struct rw_listener *listener)
{
    (void)listener;
    listener_closed = true;
}

static void ping_pong(void **unused)
{
    (void)unused;
    struct rw_loop_options options = {.backend = RW_LOOP_AUTO};
    assert_int_equal(rw_loop_create(&options, &loop), RW_OK);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    struct rw_listener listener = {.on_accept = on_accept, .on_closed = on_listener_closed};
    listener.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener.fd, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(listen(listener.fd, 16), 0);
    assert_int_equal(getsockname(listener.fd, (struct sockaddr *)&address, &bytes), 0);
    assert_int_equal(rw_listener_start(loop, &listener), RW_OK);
    struct rw_connect_options connect_options = {.address = (struct sockaddr *)&address,
                                                 .address_bytes = bytes};
    assert_int_equal(rw_stream_connect(loop, &client.stream, &events, &connect_options), RW_OK);
    rw_stream_receive(&client.stream, true, false);
    for (int i = 0; i < 1000 && !(client.closed && server.closed && listener_closed); i++)
        rw_loop_turn(loop, 100);
    assert_true(client.closed && server.closed && listener_closed);
    assert_true(client.opened && client.ended && server.ended);
    assert_memory_equal(server.got, "ping", 4);
    assert_memory_equal(client.got, "pong", 4);
    close(listener.fd);
    rw_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ping_pong)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
