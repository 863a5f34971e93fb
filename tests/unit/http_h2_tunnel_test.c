/* Tunnels in streams of HTTP/2: CONNECT with a protocol (RFC 8441), either end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/h2_engine.h"
#include "support/h2_script.h"

#define CONNECT ":method=CONNECT :protocol=websocket :scheme=https :path=/chat :authority=a"

static const struct rw_span none = {"", 0};

/* Whether the first SETTINGS frame says that CONNECT with a protocol is taken. */
static bool announces(bool connect_protocol)
{
    struct h2_world world;
    struct iovec parts[4];
    bool found = false;
    h2_world_begin(&world, true);
    world.settings.connect_protocol = connect_protocol;
    assert_int_equal(rw_h2_open(&world.h2, &world.settings, &world.events, &world.buffers,
                                &world.streams, &world),
                     RW_OK);
    assert_int_equal(rw_h2_output(&world.h2, parts, 4), 1);
    const char *at = parts[0].iov_base;
    struct rw_h2_frame frame = rw_h2_frame_read(at);
    assert_int_equal(frame.type, RW_H2_SETTINGS);
    for (size_t i = RW_H2_FRAME_HEAD_BYTES; i < RW_H2_FRAME_HEAD_BYTES + frame.len; i += 6)
        found = found || (at[i + 1] == RW_H2_SETTING_ENABLE_CONNECT_PROTOCOL &&
                          rw_h2_read32(at + i + 2) == 1);
    rw_h2_output_sent(&world.h2);
    h2_world_end(&world);
    return found;
}

static void test_announced(void **state)
{
    (void)state;
    assert_true(announces(true));
    assert_false(announces(false));
}

/* Bytes flow both ways, and each way ends by itself. */
static void test_server(void **state)
{
    struct h2_world world;
    struct rw_h2 *h2 = &world.h2;
    (void)state;
    h2_world_begin(&world, true);
    world.settings.connect_protocol = true;
    h2_world_open(&world);
    h2_play(&world, "preface\nsettings\nheaders 1 h " CONNECT);
    struct rw_h2_stream *stream = rw_h2_stream_find(h2, 1);
    assert_non_null(stream);
    assert_true(world.message.upgrade);
    assert_true(rw_span_is(world.message.protocol, "websocket"));
    assert_true(rw_h2_head_begin(h2, stream, 64, 4));
    rw_h2_put_status(h2, 200);
    rw_h2_head_end(h2, stream, false, false);
    assert_int_equal(rw_h2_data(h2, stream, NULL, RW_LITERAL("one"), false, none), RW_H2_GO);
    h2_play(&world, "data 1 - two");
    assert_int_equal(rw_h2_data(h2, stream, NULL, RW_LITERAL("three"), false, none), RW_H2_GO);
    h2_play(&world, "data 1 s four");
    assert_int_equal(rw_h2_stream_count(h2), 1);
    assert_int_equal(rw_h2_data(h2, stream, NULL, RW_LITERAL("five"), true, none), RW_H2_GO);
    rw_h2_forget(h2, stream);
    h2_take_output(&world);
    assert_string_equal(h2_transcript(&world),
                        "head 1 CONNECT /chat; data 1 \"twofour\" end | "
                        "HEADERS 1 200; DATA 1 \"one\"; DATA 1 \"three\"; DATA 1 end \"five\"");
    assert_int_equal(rw_h2_stream_count(h2), 0);
    h2_world_end(&world);
}

static struct rw_h2_stream *connect_from(struct h2_world *world)
{
    struct rw_h2 *h2 = &world->h2;
    h2_world_begin(world, false);
    h2_world_open(world);
    assert_false(h2->peer_connect_protocol);
    h2_play(world, "settings 8=1");
    assert_true(h2->peer_connect_protocol);
    struct rw_h2_stream *stream = rw_h2_stream_open(h2, NULL);
    assert_non_null(stream);
    assert_true(rw_h2_head_begin(h2, stream, 64, 5));
    rw_h2_put_pseudo(h2, RW_PSEUDO_METHOD, RW_LITERAL("CONNECT"));
    rw_h2_put_pseudo(h2, RW_PSEUDO_PROTOCOL, RW_LITERAL("websocket"));
    rw_h2_put_pseudo(h2, RW_PSEUDO_SCHEME, RW_LITERAL("https"));
    rw_h2_put_pseudo(h2, RW_PSEUDO_PATH, RW_LITERAL("/chat"));
    rw_h2_put_pseudo(h2, RW_PSEUDO_AUTHORITY, RW_LITERAL("a"));
    rw_h2_head_end(h2, stream, false, false);
    return stream;
}

static void test_client(void **state)
{
    struct h2_world world;
    (void)state;
    struct rw_h2_stream *stream = connect_from(&world);
    /* RFC 9110 section 9.3.6: a length in an answer that makes a tunnel says nothing. */
    h2_play(&world, "headers 1 h :status=200 content-length=1\ndata 1 - one\ndata 1 s two");
    assert_int_equal(rw_h2_data(&world.h2, stream, NULL, RW_LITERAL("three"), true, none),
                     RW_H2_GO);
    rw_h2_forget(&world.h2, stream);
    h2_take_output(&world);
    assert_string_equal(h2_transcript(&world), "head 1 200; data 1 \"onetwo\" end | "
                                               "HEADERS 1 CONNECT /chat; DATA 1 end \"three\"");
    h2_world_end(&world);
}

/* A server that wants no tunnel answers as to any request. */
static void test_client_refused(void **state)
{
    struct h2_world world;
    (void)state;
    struct rw_h2_stream *stream = connect_from(&world);
    h2_play(&world, "headers 1 h :status=403 content-length=2\ndata 1 s no");
    rw_h2_forget(&world.h2, stream);
    h2_take_output(&world);
    assert_string_equal(h2_transcript(&world), "head 1 403; data 1 \"no\" end | "
                                               "HEADERS 1 CONNECT /chat; RST_STREAM 1 CANCEL");
    h2_world_end(&world);
    connect_from(&world);
    h2_play(&world, "headers 1 h :status=403 content-length=1\ndata 1 s no");
    assert_non_null(strstr(h2_transcript(&world), "reset 1 PROTOCOL_ERROR"));
    h2_world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_announced),
        cmocka_unit_test(test_server),
        cmocka_unit_test(test_client),
        cmocka_unit_test(test_client_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
