/* Whose bytes of an HTTP/2 connection come next: urgency and turns (RFC 9218), windows of the
 * connection and of streams, and streams that the peer stalls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/h2_engine.h"
#include "support/h2_script.h"

#include <stdio.h>
#include <stdlib.h>

enum { BODY_BYTES = 40000, STALL_MS = 5000 };

static char body[1 << 17];

static void begin(struct h2_world *world, const char *settings)
{
    memset(body, 'x', sizeof(body));
    h2_world_begin(world, true);
    world->settings.output_bytes_max = 1 << 18;
    h2_world_open(world);
    h2_play(world, "preface");
    h2_play(world, settings);
}

/* A response with a body of so many bytes. */
static enum rw_h2_more respond(struct h2_world *world, uint32_t id, size_t bytes)
{
    struct rw_h2 *h2 = &world->h2;
    struct rw_h2_stream *stream = rw_h2_stream_find(h2, id);
    assert_non_null(stream);
    assert_true(rw_h2_head_begin(h2, stream, 64, 4));
    rw_h2_put_status(h2, 200);
    rw_h2_head_end(h2, stream, false, false);
    return rw_h2_data(h2, stream, NULL, rw_span(body, bytes), true, rw_span("", 0));
}

/* Nothing is left of the connection's window. */
static void use_up(struct h2_world *world)
{
    h2_play(world, "get 1");
    assert_int_equal(respond(world, 1, 65535), RW_H2_GO);
    rw_h2_forget(&world->h2, rw_h2_stream_find(&world->h2, 1));
    h2_take_output(world);
    world->frames_seen.len = world->events_seen.len = 0;
    assert_int_equal(world->h2.send_window, 0);
}

/* Which streams sent DATA, in which order; several frames in a row are one. Returns the bytes. */
static size_t order_of_data(const struct h2_world *world, char *order, size_t room)
{
    unsigned last = 0, id, bytes;
    size_t len = 0, sum = 0;
    order[0] = 0;
    for (const char *at = world->frames_seen.text; (at = strstr(at, "DATA ")); at++) {
        if (sscanf(at, "DATA %u %u bytes", &id, &bytes) != 2 &&
            sscanf(at, "DATA %u end %u bytes", &id, &bytes) != 2)
            bytes = (unsigned)strcspn(strchr(at, '"') + 1, "\"");
        sum += bytes;
        if (id != last)
            len += (size_t)snprintf(order + len, room - len, "%s%u", len ? " " : "", id);
        last = id;
    }
    return sum;
}

/* How large a turn is depends on where buffers end: behind "..." it may be one way or another. */
static void expect_order(const struct h2_world *world, const char *what, const char *expected)
{
    char order[500];
    size_t len = strlen(expected);
    order_of_data(world, order, sizeof(order));
    if (expected[len - 1] == '.') {
        len -= 3;
        order[len] = 0;
    }
    if (strlen(order) != len || memcmp(order, expected, len) != 0)
        fail_msg("%s: %s instead of %s", what, order, expected);
}

static size_t data_bytes(const struct h2_world *world)
{
    char order[500];
    return order_of_data(world, order, sizeof(order));
}

/* ---- Priorities ---- */

/* Streams 3, 5 and 7 wait, each with bytes for two turns and more; then there is window for all. */
static const struct {
    const char *fields[3]; /* Priority of each; NULL: none */
    const char *update;    /* while they wait */
    const char *order;
} order_cases[] = {
    {{NULL, NULL, NULL}, NULL, "3 5 7 3 5 7..."},
    {{"i", "i", "i"}, NULL, "3 5 7 3 5 7..."},
    {{"u=3", "u=3", "u=3"}, NULL, "3 5 7"},
    {{"i=?0", "i=?0", "i=?0"}, NULL, "3 5 7"},
    {{"u=5", "u=0", "u=3"}, NULL, "5 7 3"},
    {{"u=5,~i", "u=0,~i", NULL}, NULL, "5 7 3"},
    {{"u=2,~i", "i,u=2", "u=1"}, NULL, "7 3 5 3 5..."},
    {{"u=0,~u=6", "u=4", "u=5"}, NULL, "5 7 3"},
    {{"u=8", "u=-1", "u=2;x=1,~i;y,~z=7"}, NULL, "7 3 5"},
    {{"u=4", "hello", ""}, NULL, "5 7 3"},
    {{NULL, NULL, NULL}, "update 7 u=0", "7 3 5 3 5..."},
    {{NULL, NULL, NULL}, "update 3 u=7", "5 7 5 7..."},
    {{"u=1", "u=2", "u=3"}, "update 3 u=6\nupdate 7 u=0", "7 5 3"},
    {{"u=1", "u=1", "u=1"}, "update 3 u=5\nupdate 3 u=1", "3 5 7"},
    {{"u=3", "u=3", "u=3"}, "update 5 i", "3 7 5"},
    {{NULL, NULL, NULL}, "update 9 u=0\nupdate 1 u=0", "3 5 7 3 5 7..."},
    {{NULL, NULL, NULL}, "priority 7", "3 5 7 3 5 7..."},
};

static void request(struct h2_world *world, uint32_t id, const char *priority)
{
    char script[200];
    snprintf(script, sizeof(script),
             "headers %u sh :method=GET :scheme=http :path=/ :authority=a%s%s", id,
             priority ? " priority=" : "", priority ? priority : "");
    h2_play(world, script);
}

static void test_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(order_cases) / sizeof(order_cases[0]); i++) {
        struct h2_world world;
        char what[20];
        begin(&world, "settings 4=1000000");
        use_up(&world);
        for (uint32_t k = 0; k < 3; k++) {
            request(&world, 3 + 2 * k, order_cases[i].fields[k]);
            assert_int_equal(respond(&world, 3 + 2 * k, BODY_BYTES), RW_H2_HOLD);
        }
        if (order_cases[i].update)
            h2_play(&world, order_cases[i].update);
        assert_int_equal(data_bytes(&world), 0);
        h2_play(&world, "window 0 1000000");
        snprintf(what, sizeof(what), "case %zu", i);
        expect_order(&world, what, order_cases[i].order);
        assert_int_equal(data_bytes(&world), 3 * BODY_BYTES);
        h2_world_end(&world);
    }
}

/* PRIORITY_UPDATE may come before its request, and goes before the Priority field (RFC 9218 section
 * 7); the latest eight are kept. */
static void test_early_updates(void **state)
{
    static const struct {
        const char *updates, *field, *order;
    } cases[] = {
        {"update 7 u=0", NULL, "7 3 5 3 5..."},
        {"update 7 u=0", "u=7", "7 3 5"},
        {"update 7 u=7\nupdate 7 u=1", "u=7", "7 3 5"},
        {"update 3 u=7\nupdate 5 u=6\nupdate 7 u=5", NULL, "7 5 3"},
        {"update 7 u=0\nupdate 11 u=1\nupdate 13 u=1\nupdate 15 u=1\nupdate 17 u=1\n"
         "update 19 u=1\nupdate 21 u=1\nupdate 23 u=1",
         "u=5", "7 3 5"},
        {"update 7 u=0\nupdate 11 u=1\nupdate 13 u=1\nupdate 15 u=1\nupdate 17 u=1\n"
         "update 19 u=1\nupdate 21 u=1\nupdate 23 u=1\nupdate 25 u=1",
         "u=5", "3 5 7"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct h2_world world;
        begin(&world, "settings 4=1000000");
        h2_play(&world, cases[i].updates);
        use_up(&world);
        for (uint32_t k = 0; k < 3; k++) {
            request(&world, 3 + 2 * k, k < 2 && cases[i].field ? "u=4" : cases[i].field);
            respond(&world, 3 + 2 * k, BODY_BYTES);
        }
        h2_play(&world, "window 0 1000000");
        expect_order(&world, cases[i].updates, cases[i].order);
        h2_world_end(&world);
    }
}

/* Who comes when others wait does not go before them, be there window or not. */
static void test_newcomers(void **state)
{
    static const struct {
        const char *waits, *comes, *order;
    } cases[] = {
        {"u=1", "u=7", "3 5"}, {"u=3", "u=3", "3 5"},    {"u=3", "u=0", "5 3"},
        {NULL, NULL, "3 5 3"}, {"u=1", "u=7,~i", "3 5"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct h2_world world;
        char script[300];
        begin(&world, "settings 4=1000000");
        use_up(&world);
        request(&world, 3, cases[i].waits);
        respond(&world, 3, BODY_BYTES);
        world.answer = true;
        snprintf(script, sizeof(script),
                 "window 0 1000000\n"
                 "headers 5 sh :method=GET :scheme=http :path=/ :authority=a%s%s",
                 cases[i].comes ? " priority=" : "", cases[i].comes ? cases[i].comes : "");
        h2_play(&world, script);
        expect_order(&world, script, cases[i].order);
        h2_world_end(&world);
    }
}

/* ---- Windows ---- */

/* The connection's window alone decides when those of streams are open, to the byte. */
static void test_connection_window(void **state)
{
    struct h2_world world;
    (void)state;
    begin(&world, "settings 4=1000000");
    use_up(&world);
    request(&world, 3, NULL);
    request(&world, 5, "u=0");
    assert_int_equal(respond(&world, 3, BODY_BYTES), RW_H2_HOLD);
    assert_int_equal(respond(&world, 5, BODY_BYTES), RW_H2_HOLD);
    h2_play(&world, "ping 12345678");
    assert_non_null(strstr(h2_transcript(&world), "HEADERS 5 200; PING ACK 12345678"));
    static const unsigned steps[] = {1, 2, 100, 16384, 16385, 30000};
    size_t sum = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        char script[40];
        snprintf(script, sizeof(script), "window 0 %u", steps[i]);
        h2_play(&world, script);
        sum += steps[i];
        assert_int_equal(data_bytes(&world), sum);
        assert_int_equal(world.h2.send_window, 0);
    }
    expect_order(&world, "urgent first", "5 3");
    h2_play(&world, "window 0 100000");
    assert_int_equal(data_bytes(&world), 2 * BODY_BYTES);
    h2_world_end(&world);
}

/* What needs no window does not wait for one. */
static void test_end_without_window(void **state)
{
    struct h2_world world;
    (void)state;
    begin(&world, "settings 4=1000000");
    use_up(&world);
    request(&world, 3, NULL);
    request(&world, 5, NULL);
    assert_int_equal(respond(&world, 3, BODY_BYTES), RW_H2_HOLD);
    assert_int_equal(respond(&world, 5, 0), RW_H2_GO);
    h2_take_output(&world);
    assert_non_null(strstr(h2_transcript(&world), "DATA 5 end \"\""));
    h2_world_end(&world);
}

/* A stream without window holds no other. */
static void test_stream_window(void **state)
{
    struct h2_world world;
    (void)state;
    begin(&world, "settings 4=0");
    for (uint32_t id = 1; id <= 5; id += 2) {
        request(&world, id, id == 1 ? "u=0" : NULL);
        assert_int_equal(respond(&world, id, 1000), RW_H2_HOLD);
    }
    h2_play(&world, "window 3 1000");
    expect_order(&world, "the one with a window", "3");
    h2_play(&world, "settings 4=10");
    expect_order(&world, "a window for all", "3 1 5");
    assert_int_equal(data_bytes(&world), 1020);
    /* Less than was used: windows become negative, and must be filled up. */
    h2_play(&world, "settings 4=5\nwindow 5 5");
    assert_int_equal(data_bytes(&world), 1020);
    h2_play(&world, "window 5 1\nwindow 1 6");
    assert_int_equal(data_bytes(&world), 1022);
    h2_world_end(&world);
}

/* ---- Stalls ---- */

static bool stalled(struct h2_world *world, uint64_t later_ms)
{
    world->now_ms += later_ms;
    bool answer = rw_h2_reset_stalled(&world->h2, world->now_ms, STALL_MS);
    h2_take_output(world);
    return answer;
}

static void test_stalled_stream(void **state)
{
    struct h2_world world;
    (void)state;
    begin(&world, "settings 4=0");
    assert_false(stalled(&world, 0)); /* no stream at all */
    request(&world, 1, NULL);
    assert_false(stalled(&world, 100000)); /* nothing to send */
    respond(&world, 1, 1000);
    request(&world, 3, NULL);
    respond(&world, 3, 1000);
    request(&world, 5, NULL);
    assert_true(stalled(&world, 100000)); /* from now on */
    assert_true(stalled(&world, STALL_MS - 1));
    h2_play(&world, "window 3 1"); /* a byte is enough */
    assert_true(stalled(&world, 1));
    assert_non_null(strstr(h2_transcript(&world), "reset 1 CANCEL | "));
    assert_non_null(strstr(h2_transcript(&world), "RST_STREAM 1 CANCEL"));
    assert_null(strstr(h2_transcript(&world), "RST_STREAM 3"));
    assert_true(stalled(&world, STALL_MS - 1));
    assert_false(stalled(&world, 1));
    assert_non_null(strstr(h2_transcript(&world), "RST_STREAM 3 CANCEL"));
    assert_int_equal(rw_h2_stream_count(&world.h2), 1); /* 5 waits for its answer */
    h2_world_end(&world);
}

static void test_stalled_connection(void **state)
{
    struct h2_world world;
    (void)state;
    begin(&world, "settings 4=1000000");
    use_up(&world);
    request(&world, 3, NULL);
    respond(&world, 3, BODY_BYTES);
    assert_true(stalled(&world, 1));
    assert_true(stalled(&world, STALL_MS - 1));
    h2_play(&world, "window 0 10");
    assert_true(stalled(&world, 1));
    assert_true(stalled(&world, STALL_MS - 1));
    assert_false(stalled(&world, 1));
    assert_non_null(strstr(h2_transcript(&world), "RST_STREAM 3 CANCEL"));
    assert_int_equal(rw_h2_stream_count(&world.h2), 0);
    h2_world_end(&world);
}

/* One that its owner has left is reset too, and nobody is told. */
static void test_stalled_forgotten(void **state)
{
    struct h2_world world;
    (void)state;
    begin(&world, "settings 4=0");
    request(&world, 1, NULL);
    respond(&world, 1, 1000);
    rw_h2_forget(&world.h2, rw_h2_stream_find(&world.h2, 1));
    assert_true(stalled(&world, 0));
    assert_false(stalled(&world, STALL_MS));
    assert_string_equal(h2_transcript(&world),
                        "head 1 GET / end | HEADERS 1 200; RST_STREAM 1 CANCEL");
    h2_world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_early_updates),
        cmocka_unit_test(test_newcomers),
        cmocka_unit_test(test_connection_window),
        cmocka_unit_test(test_end_without_window),
        cmocka_unit_test(test_stream_window),
        cmocka_unit_test(test_stalled_stream),
        cmocka_unit_test(test_stalled_connection),
        cmocka_unit_test(test_stalled_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
