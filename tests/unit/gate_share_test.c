/* Sharing limits through Redis, with an imitation of its server on the same loop: what is told,
 * what is learnt, what happens when it goes or talks nonsense, and when memory is short. */
#include "gate/limit/share.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "io/redis.h"
#include "io/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { TURNS_MAX = 20000 };

static struct rw_loop *loop;
static struct rw_meters *meters;
static struct rw_metrics *metrics;
static struct rw_shares *shares;

/* ---- The server ---- */

static struct {
    struct rw_listener listener;
    char address[80], path[64];
    struct rw_stream stream;
    bool connected, closed;
    struct rw_text input, output;
    const char *nonsense; /* answered instead */
    const char *verdict;  /* on the script, answered instead */
    bool silent;
    unsigned commands, keys, probes;
    int64_t ahead_us;    /* answered for every key */
    int64_t had, others; /* and for every quota */
    struct rw_text items;
    char key[128], used[128], life[128], teller[128]; /* of the last command's first key */
} server;

static void copy(char to[128], struct rw_span text)
{
    snprintf(to, 128, "%.*s", RW_SPAN_ARGS(text));
}

/* The array's items go behind its head, which needs their number: that is returned, and they are
 * kept for a while. */
static unsigned answer_keys(struct rw_span command, unsigned keys)
{
    struct rw_resp_value used = {0}, most = {0}, life = {0};
    unsigned items = 0;
    server.items.len = 0;
    for (unsigned i = 0; i < keys; i++) {
        assert_true(rw_resp_next(&command, &used) && rw_resp_next(&command, &most) &&
                    rw_resp_next(&command, &life));
        bool quota = !rw_span_is(life.text, "0");
        if (i == 0) {
            copy(server.used, used.text);
            copy(server.life, life.text);
        }
        if (quota)
            rw_text_addf(&server.items, ":%lld\r\n", (long long)server.had);
        rw_text_addf(&server.items, ":%lld\r\n",
                     (long long)(quota ? server.others : server.ahead_us));
        items += quota ? 2 : 1;
    }
    return items;
}

static void answer(struct rw_span command)
{
    struct rw_resp_value value;
    assert_true(rw_resp_next(&command, &value));
    int64_t words = value.number;
    assert_true(rw_resp_next(&command, &value));
    server.commands++;
    if (!rw_span_is(value.text, "EVAL")) {
        rw_text_adds(&server.output, "+OK\r\n");
        return;
    }
    uint64_t keys;
    assert_true(rw_resp_next(&command, &value) && rw_resp_next(&command, &value));
    assert_true(rw_span_to_u64(value.text, &keys));
    assert_int_equal(words, 4 + 4 * keys);
    size_t begin = server.output.len;
    for (uint64_t i = 0; i < keys; i++) {
        assert_true(rw_resp_next(&command, &value));
        if (i == 0)
            copy(server.key, value.text);
    }
    assert_true(rw_resp_next(&command, &value));
    copy(server.teller, value.text);
    rw_text_addf(&server.output, "*%u\r\n", answer_keys(command, (unsigned)keys));
    rw_text_add(&server.output, rw_text_span(&server.items));
    if (strcmp(server.used, "0.000") == 0)
        server.probes++;
    else
        server.keys += (unsigned)keys;
    if (server.verdict) {
        server.output.len = begin;
        rw_text_adds(&server.output, server.verdict);
    }
}

static void serve_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_alloc_pause pause;
    rw_alloc_pause(&pause);
    size_t len;
    rw_text_add(&server.input, rw_span(buf->data + buf->start, buf->end - buf->start));
    rw_buf_drop(buf);
    struct rw_span rest = rw_text_span(&server.input);
    while (rest.len && rw_resp_whole(rest, &len) == RW_RESP_WHOLE) {
        answer(rw_span(rest.at, len));
        rest = rw_span_skip(rest, len);
    }
    memmove(server.input.at, rest.at, rest.len);
    server.input.len = rest.len;
    if (server.nonsense) {
        server.output.len = 0;
        rw_text_adds(&server.output, server.nonsense);
    }
    if (server.output.len && !server.silent) {
        /* Little enough to leave at once, or soon. */
        static char bytes[1 << 16];
        memcpy(bytes, server.output.at, server.output.len);
        struct iovec part = {.iov_base = bytes, .iov_len = server.output.len};
        if (rw_stream_send(stream, &part, 1) == RW_SEND_FAILED)
            rw_stream_close(stream); /* the other side was quicker */
    }
    server.output.len = 0;
    rw_alloc_resume(&pause);
}

static void serve_end(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    rw_stream_close(stream);
}

static void serve_sent(struct rw_stream *stream, enum rw_err err)
{
    (void)stream;
    (void)err;
}

static void serve_closed(struct rw_stream *stream)
{
    (void)stream;
    server.connected = false;
}

static const struct rw_stream_events server_events = {
    .on_data = serve_data,
    .on_end = serve_end,
    .on_sent = serve_sent,
    .on_closed = serve_closed,
};

static void serve_accept(struct rw_listener *listener, int fd, const struct sockaddr_storage *peer)
{
    (void)peer;
    if (server.connected ||
        rw_stream_attach(loop, &server.stream, &server_events, fd, NULL) != RW_OK) {
        if (server.connected)
            rw_listener_refuse(listener, fd);
        return;
    }
    server.connected = true;
    server.input.len = 0;
    rw_stream_receive(&server.stream, true, false);
}

static void serve_listener_closed(struct rw_listener *listener)
{
    (void)listener;
    server.closed = true;
}

static void start_server(void)
{
    struct rw_address address;
    snprintf(server.path, sizeof(server.path), "/tmp/ringway-share-%d.sock", (int)getpid());
    snprintf(server.address, sizeof(server.address), "unix:%s", server.path);
    unlink(server.path);
    assert_int_equal(rw_address_parse(rw_span_text(server.address), &address), RW_OK);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, rw_address_sockaddr(&address), address.bytes), 0);
    assert_int_equal(listen(fd, 8), 0);
    server.listener = (struct rw_listener){
        .on_accept = serve_accept, .on_closed = serve_listener_closed, .fd = fd};
    assert_int_equal(rw_listener_start(loop, &server.listener), RW_OK);
}

static void stop_server(void)
{
    server.closed = false;
    rw_listener_close(&server.listener);
    if (server.connected)
        rw_stream_close(&server.stream);
    while (!server.closed || server.connected)
        rw_loop_turn(loop, 1);
    close(server.listener.fd);
    unlink(server.path);
    rw_text_free(&server.input);
    rw_text_free(&server.output);
    rw_text_free(&server.items);
    server.input = server.output = server.items = (struct rw_text){0};
}

/* ---- The side under test ---- */

static struct rw_config_redis config_of(void)
{
    return (struct rw_config_redis){
        .address = rw_span_text(server.address),
        .password = RW_LITERAL("secret"),
        .database = 3,
        .prefix = RW_LITERAL("p:"),
        .interval_ms = 5,
        .timeout_ms = 5000,
        .when_down = RW_REDIS_DOWN_REFUSE,
    };
}

static void configure(const struct rw_config_redis *config)
{
    const struct rw_shares_setup setup = {.redis = config};
    rw_shares_configure(shares, &setup);
}

static int set_up(void **state)
{
    (void)state;
    struct rw_loop_options options = {.backend = RW_LOOP_EPOLL};
    memset(&server, 0, sizeof(server));
    assert_int_equal(rw_loop_create(&options, &loop), RW_OK);
    assert_int_equal(rw_meters_create(1000, -1, &meters), RW_OK);
    assert_int_equal(rw_metrics_create(1, 16, &metrics), RW_OK);
    start_server();
    struct rw_shares_options shares_options = {
        .loop = loop, .meters = meters, .metrics = rw_metrics_shard(metrics, 0)};
    assert_int_equal(rw_shares_create(&shares_options, &shares), RW_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rw_shares_destroy(shares);
    stop_server();
    rw_loop_destroy(loop);
    rw_meters_destroy(meters);
    rw_metrics_destroy(metrics);
    return 0;
}

static void until_mode(enum rw_shares_mode mode)
{
    for (int turn = 0; turn < TURNS_MAX && rw_shares_mode(shares) != mode; turn++)
        rw_loop_turn(loop, 5);
    assert_int_equal(rw_shares_mode(shares), mode);
}

static void until_keys(unsigned keys)
{
    for (int turn = 0; turn < TURNS_MAX && server.keys < keys; turn++)
        rw_loop_turn(loop, 5);
    assert_int_equal(server.keys, keys);
}

static void use(uint64_t hash, const struct rw_meter_rate *rate, unsigned times)
{
    const uint64_t id[2] = {0x0123456789abcdef, hash};
    for (unsigned i = 0; i < times; i++)
        if (!rw_shares_use(shares, hash))
            rw_shares_add(shares, hash, id, rate);
}

static struct rw_meter_rate rate_of(uint64_t requests, uint64_t burst)
{
    struct rw_meter_rate rate;
    assert_int_equal(rw_meter_rate(requests, 3600 * RW_NS_PER_S, burst, &rate), RW_OK);
    return rate;
}

static bool take(uint64_t hash, const struct rw_meter_rate *rate)
{
    struct rw_meter item = {.hash = hash, .rate = rate};
    const struct rw_meters_time time = {.now_ns = rw_loop_now_ns(loop)};
    return rw_meters_take(meters, &item, 1, &time).admitted;
}

static void tells_and_learns(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rate_of(3600, 100);
    struct rw_config_redis config = config_of();
    configure(&config);
    assert_int_equal(rw_shares_mode(shares), RW_SHARES_REFUSE);
    until_mode(RW_SHARES_ENFORCE);
    assert_int_equal(server.commands, 4); /* AUTH, SELECT, PING, and the probe */
    assert_int_equal(server.probes, 1);
    server.ahead_us = 99 * 1000000;
    use(7, &rate, 5);
    until_keys(1);
    assert_string_equal(server.key, "p:0123456789abcdef0000000000000007");
    assert_string_equal(server.used, "5000000.000");
    for (int turn = 0; turn < 100; turn++)
        rw_loop_turn(loop, 1);
    /* Others have left one of a hundred. */
    assert_true(take(7, &rate));
    assert_false(take(7, &rate));
}

/* ---- Quotas ---- */

enum { QUOTA_END_S = 4000000000, QUOTA_BEGIN_S = QUOTA_END_S - 86400 };

/* A table with a file, which is unlinked. */
static void open_quotas(void)
{
    char path[] = "/tmp/ringway-share-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(rw_meters_open_quotas(meters, 1000, fd), RW_OK);
    close(fd);
}

static bool take_quota(uint64_t hash, const struct rw_meter_rate *rate)
{
    struct rw_meter item = {.hash = hash, .rate = rate, .end_s = QUOTA_END_S, .shared = true};
    const struct rw_meters_time time = {.now_ns = rw_loop_now_ns(loop), .wall_s = QUOTA_BEGIN_S};
    bool admitted = rw_meters_take(meters, &item, 1, &time).admitted;
    if (admitted)
        use(hash, rate, 1);
    return admitted;
}

static void turn(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        rw_loop_turn(loop, 1);
}

static void until_used(const char *used)
{
    for (int i = 0; i < TURNS_MAX && strcmp(server.used, used) != 0; i++)
        rw_loop_turn(loop, 5);
    assert_string_equal(server.used, used);
    turn(100); /* and what is answered is learnt */
}

/* What is told is all that was used, not what is new; what is learnt counts beside it. */
static void quotas_are_told_as_they_are(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rw_meter_quota(10);
    struct rw_config_redis config = config_of();
    open_quotas();
    configure(&config);
    until_mode(RW_SHARES_ENFORCE);
    server.others = 5;
    assert_true(take_quota(7, &rate) && take_quota(7, &rate));
    until_used("2");
    assert_string_equal(server.key, "p:0123456789abcdef0000000000000007:4000000000");
    assert_int_equal(strlen(server.teller), 16);
    assert_true(take_quota(7, &rate));
    server.had = 2;
    until_used("3");
    assert_true(take_quota(7, &rate) && take_quota(7, &rate));
    assert_false(take_quota(7, &rate)); /* 5 here and 5 there */
    /* Redis has lost everything: that changes nothing here. */
    server.others = server.had = 0;
    until_used("5");
    assert_false(take_quota(7, &rate));
}

static void what_a_quota_used_without_redis_is_told_later(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rw_meter_quota(10), pace = rate_of(3600, 100);
    struct rw_config_redis config = config_of();
    open_quotas();
    configure(&config);
    until_mode(RW_SHARES_ENFORCE);
    server.nonsense = "+no\r\n";
    use(1, &pace, 1);
    until_mode(RW_SHARES_REFUSE);
    assert_true(take_quota(7, &rate) && take_quota(7, &rate));
    turn(50);
    server.nonsense = NULL;
    until_mode(RW_SHARES_ENFORCE);
    until_used("2");
}

/* The file is gone, or the place of the key was taken by another: Redis knows better. */
static void what_was_forgotten_here_is_learnt_back(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rw_meter_quota(10);
    struct rw_config_redis config = config_of();
    open_quotas();
    configure(&config);
    until_mode(RW_SHARES_ENFORCE);
    server.had = 8;
    assert_true(take_quota(7, &rate));
    until_used("1");
    assert_true(take_quota(7, &rate));
    assert_false(take_quota(7, &rate)); /* 8, one before that was known, one after it */
    until_used("10");
}

/* No answer makes more of it than the quota, or breaks the period. */
static void no_number_is_too_large_for_a_quota(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rw_meter_quota(10);
    const int64_t numbers[] = {INT64_MAX, -INT64_MAX, -1, UINT32_MAX, (int64_t)UINT32_MAX + 1};
    struct rw_config_redis config = config_of();
    open_quotas();
    configure(&config);
    until_mode(RW_SHARES_ENFORCE);
    for (uint64_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        uint64_t hash = i << 40;
        server.had = server.others = numbers[i];
        server.used[0] = 0;
        assert_true(take_quota(hash, &rate));
        until_used("1");
        assert_int_equal(take_quota(hash, &rate), numbers[i] < 0);
        if (numbers[i] < 0)
            until_used("2");
        assert_int_equal(rw_meters_used(meters, hash).end_s, QUOTA_END_S);
    }
}

static void many_keys(void **state)
{
    (void)state;
    enum { KEYS = 3000 };
    const struct rw_meter_rate rate = rate_of(3600, 100);
    struct rw_config_redis config = config_of();
    configure(&config);
    until_mode(RW_SHARES_ENFORCE);
    for (uint64_t key = 0; key < KEYS; key++)
        use(key << 54 | key << 16, &rate, 1);
    until_keys(KEYS);
}

static void nonsense_is_not_believed(void **state)
{
    (void)state;
    static const char *const nonsense[] = {"HTTP/1.1 200 OK\r\n", "*1\r\n:99\r\n:1\r\n:2\r\n:3\r\n",
                                           "-NOAUTH no\r\n", "*-7\r\n"};
    const struct rw_meter_rate rate = rate_of(3600, 100);
    struct rw_config_redis config = config_of();
    configure(&config);
    until_mode(RW_SHARES_ENFORCE);
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
        server.nonsense = nonsense[i];
        use(i, &rate, 1);
        until_mode(RW_SHARES_REFUSE);
        server.nonsense = NULL;
        until_mode(RW_SHARES_ENFORCE);
        assert_true(take(i, &rate));
    }
}

/* A server that answers, but does not do what it is told, shares nothing. */
static void a_failing_script_is_an_outage(void **state)
{
    (void)state;
    static const char *const verdicts[] = {
        "-READONLY You can't write against a read only replica.\r\n",
        "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
        "-NOPERM this user has no permissions to run the 'eval' command\r\n",
        "-CROSSSLOT Keys in request don't hash to the same slot\r\n",
        "+OK\r\n",
        ":1\r\n",
        "*-1\r\n",
    };
    const struct rw_meter_rate rate = rate_of(3600, 100);
    struct rw_config_redis config = config_of();
    int64_t failures = 0;
    for (uint64_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
        /* From the start: it is not up before it has worked once. */
        server.verdict = verdicts[i];
        configure(&config);
        unsigned probes = server.probes;
        for (int turn = 0; turn < TURNS_MAX && server.probes < probes + 2; turn++) {
            rw_loop_turn(loop, 5);
            assert_int_equal(rw_shares_mode(shares), RW_SHARES_REFUSE);
            assert_int_equal(rw_metrics_total(metrics, RW_COUNTER_LIMIT_SHARE_UP), 0);
        }
        assert_int_equal(server.probes, probes + 2);
        server.verdict = NULL;
        until_mode(RW_SHARES_ENFORCE);
        assert_int_equal(rw_metrics_total(metrics, RW_COUNTER_LIMIT_SHARE_UP), 1);
        /* Later. */
        server.verdict = verdicts[i];
        use(i, &rate, 1);
        until_mode(RW_SHARES_REFUSE);
        assert_int_equal(rw_metrics_total(metrics, RW_COUNTER_LIMIT_SHARE_UP), 0);
        int64_t now = rw_metrics_total(metrics, RW_COUNTER_LIMIT_SHARE_FAILURES);
        assert_true(now >= failures + 3);
        failures = now;
        rw_shares_configure(shares, NULL);
    }
}

static void silence_is_death(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rate_of(3600, 100);
    struct rw_config_redis config = config_of();
    config.timeout_ms = 30;
    config.when_down = RW_REDIS_DOWN_ADMIT;
    configure(&config);
    until_mode(RW_SHARES_ENFORCE);
    server.silent = true;
    use(1, &rate, 1);
    until_mode(RW_SHARES_ADMIT);
    server.silent = false;
    until_mode(RW_SHARES_ENFORCE);
    /* Another configuration: none. */
    rw_shares_configure(shares, NULL);
    assert_int_equal(rw_shares_mode(shares), RW_SHARES_ENFORCE);
}

/* Each allocation fails once: sharing may stop for a while, and comes back. */
static void without_memory(void **state)
{
    (void)state;
    const struct rw_meter_rate rate = rate_of(3600, 100);
    struct rw_config_redis config = config_of();
    for (uint64_t n = 0; n < 60; n++) {
        rw_alloc_fail_once(n);
        configure(&config);
        for (int turn = 0; turn < 3; turn++)
            rw_loop_turn(loop, 1);
        use(n, &rate, 3);
        for (int turn = 0; turn < 3; turn++)
            rw_loop_turn(loop, 5);
        rw_alloc_fail_never();
        configure(&config);
        until_mode(RW_SHARES_ENFORCE);
        if (n % 2)
            rw_shares_configure(shares, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_and_learns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quotas_are_told_as_they_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_quota_used_without_redis_is_told_later, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_was_forgotten_here_is_learnt_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_number_is_too_large_for_a_quota, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nonsense_is_not_believed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failing_script_is_an_outage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silence_is_death, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
