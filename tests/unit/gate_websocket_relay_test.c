/* A WebSocket's relay by itself: what it passes on, and what it asks its host for. */
#include "base/alloc.h"
#include "gate/tunnel/websocket_relay.h"
#include "gate/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define CLIENT RW_TUNNEL_CLIENT
#define ORIGIN RW_TUNNEL_UPSTREAM

enum { ROOM = 4096 };

static struct rw_metrics *metrics;
static struct rw_worker worker;

/* What the relay has asked for. */
static struct host {
    char sent[2][ROOM];
    size_t sent_bytes[2];
    bool finished[2], over, client_owes;
    enum rw_reason because, ended;
    uint64_t alarm_ms, active_ms;
    struct rw_websocket_state state;
    struct rw_tunnel_limits limits;
} host;

static void put(void *of, enum rw_tunnel_side to, const struct rw_piece *piece)
{
    (void)of;
    assert_true(host.sent_bytes[to] + piece->data.len <= ROOM);
    if (piece->data.len)
        memcpy(host.sent[to] + host.sent_bytes[to], piece->data.at, piece->data.len);
    host.sent_bytes[to] += piece->data.len;
    rw_buf_drop(piece->buf);
}

static void finish(void *of, enum rw_tunnel_side from)
{
    (void)of;
    host.finished[from] = true;
}

static void because(void *of, enum rw_reason reason)
{
    (void)of;
    host.because = reason;
}

static void alarm_at(void *of, uint64_t at_ms)
{
    (void)of;
    host.alarm_ms = at_ms;
}

static void end(void *of, enum rw_reason reason)
{
    (void)of;
    assert_false(host.over);
    host.over = true;
    host.ended = reason;
}

static bool is_over(const void *of)
{
    (void)of;
    return host.over;
}

static bool client_owes(const void *of)
{
    (void)of;
    return host.client_owes;
}

static uint64_t active_ms(const void *of)
{
    (void)of;
    return host.active_ms;
}

static const struct rw_websocket_host ops = {
    .put = put,
    .finish = finish,
    .because = because,
    .alarm = alarm_at,
    .end = end,
    .over = is_over,
    .client_owes = client_owes,
    .active_ms = active_ms,
};

static const struct rw_websocket_relay relay = {.ops = &ops,
                                                .host = &host,
                                                .state = &host.state,
                                                .worker = &worker,
                                                .limits = &host.limits};

static void begin(void)
{
    host = (struct host){.limits = {.message_bytes_max = 10, .close_ms_max = 500}};
    host.active_ms = rw_loop_now_ms(worker.loop);
    rw_websocket_relay_begin(&host.state, 0);
    rw_websocket_relay_started(&relay);
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(rw_metrics_create(1, 8, &metrics), RW_OK);
    const struct rw_worker_options options = {.loop.backend = RW_LOOP_EPOLL,
                                              .metrics = rw_metrics_shard(metrics, 0)};
    worker = (struct rw_worker){0};
    assert_int_equal(rw_worker_create(&options, &worker), RW_OK);
    begin();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rw_websocket_relay_over(&relay);
    assert_int_equal(rw_metrics_total(metrics, RW_COUNTER_WEBSOCKETS_OPEN), 0);
    assert_int_equal(rw_loop_buffers(worker.loop)->in_use_bytes, 0);
    rw_worker_destroy(&worker);
    rw_metrics_destroy(metrics);
    return 0;
}

static void come(enum rw_tunnel_side from, struct rw_span bytes)
{
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(worker.loop), bytes.len);
    assert_non_null(buf);
    memcpy(buf->data, bytes.at, bytes.len);
    buf->end = (uint32_t)bytes.len;
    rw_websocket_relay_data(&relay, from, (struct rw_piece){.buf = buf, .data = rw_buf_span(buf)});
}

static void expect(enum rw_tunnel_side side, struct rw_span bytes)
{
    assert_int_equal(host.sent_bytes[side], bytes.len);
    assert_memory_equal(host.sent[side], bytes.at, bytes.len);
}

/* A Close frame with this code, masked or not; it is taken off. */
static void expect_close(enum rw_tunnel_side side, size_t at, unsigned code)
{
    const uint8_t *frame = (const uint8_t *)host.sent[side] + at;
    bool masked = side == ORIGIN;
    assert_int_equal(host.sent_bytes[side], at + (masked ? 8 : 4));
    assert_int_equal(frame[0], 0x88);
    assert_int_equal(frame[1], masked ? 0x82 : 2);
    const uint8_t *payload = frame + (masked ? 6 : 2);
    uint8_t mask[2] = {masked ? frame[2] : 0, masked ? frame[3] : 0};
    assert_int_equal((payload[0] ^ mask[0]) << 8 | (payload[1] ^ mask[1]), code);
}

#define MASK "\x01\x02\x03\x04"
static const struct rw_span hello = RW_LITERAL("\x81\x85" MASK "hello");
static const struct rw_span answer = RW_LITERAL("\x82\x03"
                                                "yes");
static const struct rw_span client_close = RW_LITERAL("\x88\x82" MASK "\x02\xea"); /* 1000 */
static const struct rw_span origin_close = RW_LITERAL("\x88\x02\x03\xe8");

static void test_frames_go_on_however_they_come(void **state)
{
    (void)state;
    char both[64];
    memcpy(both, hello.at, hello.len);
    memcpy(both + hello.len, hello.at, hello.len);
    const struct rw_span bytes = rw_span(both, 2 * hello.len);
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        rw_websocket_relay_over(&relay);
        begin();
        if (cut)
            come(CLIENT, rw_span(bytes.at, cut));
        if (cut < bytes.len)
            come(CLIENT, rw_span_skip(bytes, cut));
        expect(ORIGIN, bytes);
        expect(CLIENT, (struct rw_span){0});
    }
    rw_websocket_relay_over(&relay);
    begin();
    for (size_t i = 0; i < bytes.len; i++)
        come(CLIENT, rw_span(bytes.at + i, 1));
    expect(ORIGIN, bytes);
}

static void test_a_drain_waits_for_the_end_of_a_frame(void **state)
{
    (void)state;
    come(CLIENT, rw_span(hello.at, 8));
    rw_websocket_relay_drain(&relay);
    assert_int_equal(host.because, RW_REASON_DRAINING);
    expect_close(CLIENT, 0, 1001);
    expect(ORIGIN, rw_span(hello.at, 8));
    come(CLIENT, rw_span_skip(hello, 8));
    expect_close(ORIGIN, hello.len, 1001);
    come(CLIENT, hello); /* nothing more goes there */
    expect_close(ORIGIN, hello.len, 1001);
    come(ORIGIN, answer);
    expect_close(CLIENT, 0, 1001);
    assert_false(host.finished[CLIENT] || host.finished[ORIGIN]);
    come(CLIENT, client_close);
    assert_true(host.finished[CLIENT]);
    assert_false(host.finished[ORIGIN]);
    come(ORIGIN, origin_close);
    assert_true(host.finished[ORIGIN]);
}

static void test_a_drain_of_an_idle_one(void **state)
{
    (void)state;
    come(CLIENT, hello);
    rw_websocket_relay_drain(&relay);
    rw_websocket_relay_drain(&relay);
    expect_close(CLIENT, 0, 1001);
    expect_close(ORIGIN, hello.len, 1001);
    assert_true(host.alarm_ms >= rw_loop_now_ms(worker.loop) + 400);
    rw_websocket_relay_alarm(&relay); /* nobody has answered */
    assert_true(host.finished[CLIENT] && host.finished[ORIGIN]);
    assert_false(host.over);
}

static void test_half_a_head_is_no_frame(void **state)
{
    (void)state;
    come(ORIGIN, rw_span(answer.at, 1));
    expect(CLIENT, (struct rw_span){0});
    rw_websocket_relay_drain(&relay);
    expect_close(CLIENT, 0, 1001);
    come(ORIGIN, rw_span_skip(answer, 1));
    expect_close(CLIENT, 0, 1001);
}

static void test_messages_over_the_limit(void **state)
{
    (void)state;
    come(CLIENT, RW_LITERAL("\x82\x8a" MASK "0123456789"));
    size_t good = host.sent_bytes[ORIGIN];
    come(CLIENT, RW_LITERAL("\x02\x86" MASK "012345\x80\x85" MASK "01234"));
    assert_int_equal(host.because, RW_REASON_WEBSOCKET_TOO_BIG);
    expect_close(ORIGIN, good + 12, 1009); /* the first fragment could not be known for bad */
    expect_close(CLIENT, 0, 1009);
}

static void test_a_mistake_of_each_side(void **state)
{
    (void)state;
    come(CLIENT, RW_LITERAL("\x81\x85" MASK "hello\x81\x02no")); /* not masked */
    assert_int_equal(host.because, RW_REASON_WEBSOCKET_BAD);
    expect_close(ORIGIN, hello.len, 1002);
    expect_close(CLIENT, 0, 1002);
    rw_websocket_relay_over(&relay);
    begin();
    come(ORIGIN, hello); /* masked */
    assert_int_equal(host.because, RW_REASON_WEBSOCKET_BAD);
    expect_close(ORIGIN, 0, 1002);
    expect_close(CLIENT, 0, 1002);
}

static void test_closes_of_the_ends_are_theirs(void **state)
{
    (void)state;
    come(CLIENT, client_close);
    expect(ORIGIN, client_close);
    come(CLIENT, hello); /* nothing counts after it */
    expect(ORIGIN, client_close);
    rw_websocket_relay_drain(&relay); /* the origin has its Close, the client's is still due */
    expect(ORIGIN, client_close);
    expect_close(CLIENT, 0, 1000);
    assert_true(host.finished[CLIENT]);
    rw_websocket_relay_ended(&relay, RW_TUNNEL_UPSTREAM);
    assert_true(host.finished[ORIGIN]);
}

static void test_pings(void **state)
{
    (void)state;
    host.limits.ping_ms = 1;
    host.active_ms = rw_loop_now_ms(worker.loop) - 10;
    host.client_owes = true;
    rw_websocket_relay_alarm(&relay); /* it has to take what was sent first */
    expect(CLIENT, (struct rw_span){0});
    host.client_owes = false;
    rw_websocket_relay_alarm(&relay);
    expect(CLIENT, RW_LITERAL("\x89\x07"
                              "ringway"));
    come(CLIENT, RW_LITERAL("\x8a\x80" MASK));
    rw_websocket_relay_alarm(&relay); /* another one */
    assert_int_equal(host.sent_bytes[CLIENT], 18);
    assert_false(host.over);
    rw_websocket_relay_alarm(&relay);
    assert_int_equal(host.ended, RW_REASON_WEBSOCKET_SILENT);
}

static void test_without_memory(void **state)
{
    (void)state;
    for (int what = 0; what < 3; what++) {
        rw_websocket_relay_over(&relay);
        begin();
        host.limits.ping_ms = 1;
        host.active_ms -= 10;
        come(CLIENT, rw_span(hello.at, 1));
        rw_buf_pool_trim(rw_loop_buffers(worker.loop));
        struct rw_buf *buf = rw_buf_get(rw_loop_buffers(worker.loop), hello.len);
        assert_non_null(buf);
        memcpy(buf->data, hello.at + 1, hello.len - 1);
        buf->end = (uint32_t)hello.len - 1;
        rw_alloc_fail_after(0);
        if (what == 0)
            rw_websocket_relay_data(
                &relay, RW_TUNNEL_CLIENT,
                (struct rw_piece){.buf = rw_buf_hold(buf), .data = rw_buf_span(buf)});
        else if (what == 1)
            rw_websocket_relay_drain(&relay);
        else
            rw_websocket_relay_alarm(&relay);
        rw_alloc_fail_never();
        rw_buf_drop(buf);
        assert_int_equal(host.ended, RW_REASON_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_frames_go_on_however_they_come),
        TEST(test_a_drain_waits_for_the_end_of_a_frame),
        TEST(test_a_drain_of_an_idle_one),
        TEST(test_half_a_head_is_no_frame),
        TEST(test_messages_over_the_limit),
        TEST(test_a_mistake_of_each_side),
        TEST(test_closes_of_the_ends_are_theirs),
        TEST(test_pings),
        TEST(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
