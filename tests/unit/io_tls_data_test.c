/* Data through TLS: odd sizes, back-pressure, ends in every state, other people's TLS. */
#include "support/tls_pair.h"

#include "base/alloc.h"
#include "io/tls_hooks.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const usual[] = {"usual", NULL};

struct fixture {
    struct pair pair;
    struct rw_tls_ticket_keys keys;
    struct rw_tls_server *server;
    struct rw_tls_client *client;
};

static void open_fixture(struct fixture *fixture, enum rw_tls_version min, const char *ciphers)
{
    memset(fixture, 0, sizeof(*fixture));
    pair_open(&fixture->pair);
    assert_int_equal(rw_tls_ticket_keys_init(&fixture->keys), RW_OK);
    fixture->server = pair_server_with(
        (struct rw_tls_server_options){.ticket_keys = &fixture->keys,
                                       .min_version = min,
                                       .ciphers = rw_span_text(ciphers ? ciphers : "")},
        usual);
    fixture->client = pair_client("usual.example");
    assert_non_null(fixture->server);
    assert_non_null(fixture->client);
}

static void close_fixture(struct fixture *fixture)
{
    rw_tls_server_drop(fixture->server);
    rw_tls_client_drop(fixture->client);
    pair_close(&fixture->pair);
}

static void meet(struct fixture *fixture)
{
    assert_int_equal(pair_start(&fixture->pair, fixture->server, fixture->client, NULL), RW_OK);
    assert_true(pair_until(&fixture->pair, pair_both_open));
}

/* ---- Transfers ---- */

struct flow {
    struct pair_end *from, *to;
    const char *bytes;
    size_t sent, total, piece;
    uint64_t checksum;
};

static struct flow *flows[2];

static void send_next(struct flow *flow)
{
    while (!flow->from->sending && flow->sent < flow->total) {
        size_t piece =
            flow->piece < flow->total - flow->sent ? flow->piece : flow->total - flow->sent;
        const char *at = flow->bytes + flow->sent;
        flow->sent += piece;
        assert_int_not_equal(pair_send(flow->from, at, piece), RW_SEND_FAILED);
    }
}

static bool flows_are_through(struct pair *pair)
{
    (void)pair;
    bool all = true;
    for (int i = 0; i < 2; i++) {
        if (!flows[i])
            continue;
        send_next(flows[i]);
        all &= flows[i]->to->received >= flows[i]->total;
    }
    return all;
}

static void carry(struct fixture *fixture, size_t total, size_t piece, bool large)
{
    struct pair *pair = &fixture->pair;
    char *bytes = malloc(total);
    pair_pattern(bytes, total, 0);
    uint64_t checksum = pair_checksum(0, bytes, total);
    pair->server.large = pair->client.large = large;
    meet(fixture);
    struct flow up = {&pair->client, &pair->server, bytes, 0, total, piece, 0};
    struct flow down = {&pair->server, &pair->client, bytes, 0, total, piece, 0};
    flows[0] = &up;
    flows[1] = &down;
    assert_true(pair_until(pair, flows_are_through));
    assert_int_equal(pair->server.received, total);
    assert_int_equal(pair->client.received, total);
    assert_true(pair->server.checksum == checksum);
    assert_true(pair->client.checksum == checksum);
    pair_stop(pair);
    free(bytes);
}

static void carry_sizes(enum rw_tls_version min, const char *ciphers)
{
    static const size_t pieces[] = {1, 7, 1000, 16383, 16384, 16385, 40000, 65536, 300000};
    struct fixture fixture;
    open_fixture(&fixture, min, ciphers);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        carry(&fixture, pieces[i] < 1000 ? 5000 : 2000000, pieces[i], i & 1);
    close_fixture(&fixture);
}

static void test_sizes(void **state)
{
    (void)state;
    carry_sizes(RW_TLS_1_3, NULL);
}

/* Parts of one send: records do not care where they end. */
static void test_parts(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, RW_TLS_1_3, NULL);
    meet(&fixture);
    static char bytes[100000];
    static const size_t lens[] = {3, 200, 16384, 1, 50000, 17, 33394, 1};
    pair_pattern(bytes, sizeof(bytes), 0);
    struct iovec parts[8];
    size_t at = 0;
    for (int i = 0; i < 8; i++) {
        parts[i] = (struct iovec){bytes + at, lens[i]};
        at += lens[i];
    }
    assert_int_equal(at, sizeof(bytes));
    enum rw_send result = rw_stream_send(&fixture.pair.server.stream, parts, 8);
    assert_int_not_equal(result, RW_SEND_FAILED);
    fixture.pair.server.sending = result == RW_SEND_PENDING;
    struct flow down = {
        &fixture.pair.server, &fixture.pair.client, NULL, sizeof(bytes), sizeof(bytes), 1, 0};
    flows[0] = &down;
    flows[1] = NULL;
    assert_true(pair_until(&fixture.pair, flows_are_through));
    assert_true(fixture.pair.client.checksum == pair_checksum(0, bytes, sizeof(bytes)));
    close_fixture(&fixture);
}

static bool never(struct pair *pair)
{
    (void)pair;
    return false;
}

static void turn_some(struct pair *pair, int turns)
{
    for (int i = 0; i < turns; i++)
        rw_loop_turn(pair->loop, 1);
    assert_false(never(pair));
}

/* The receiver stops: the sender ends up PENDING with bounded memory, and all arrives when it goes
 * on. */
static void test_back_pressure(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, RW_TLS_1_3, NULL);
    struct pair *pair = &fixture.pair;
    size_t total = 24 * 1024 * 1024;
    char *bytes = malloc(total);
    pair_pattern(bytes, total, 0);
    pair->client.reading_stops_at = 100000;
    meet(&fixture);
    assert_int_equal(pair_send(&pair->server, bytes, total), RW_SEND_PENDING);
    turn_some(pair, 200);
    assert_true(pair->server.sending);
    size_t stopped_at = pair->client.received;
    assert_true(stopped_at >= 100000 && stopped_at < 100000 + 2 * RW_BUF_LARGE_BYTES);
    if (pair_backend == RW_LOOP_EPOLL) /* io_uring has lent the kernel some as well */
        assert_true(rw_loop_buffers(pair->loop)->in_use_bytes <= 3 * RW_BUF_LARGE_BYTES);
    pair->client.reading_stops_at = 0;
    rw_stream_receive(&pair->client.stream, true, true);
    struct flow down = {&pair->server, &pair->client, NULL, total, total, 1, 0};
    flows[0] = &down;
    flows[1] = NULL;
    assert_true(pair_until(pair, flows_are_through));
    assert_true(pair->client.checksum == pair_checksum(0, bytes, total));
    turn_some(pair, 3);
    assert_false(pair->server.sending);
    assert_int_equal(pair->server.sents, 1);
    assert_int_equal(pair->server.sent_err, RW_OK);
    close_fixture(&fixture);
    free(bytes);
}

/* ---- Ends ---- */

static bool client_ended(struct pair *pair)
{
    return pair->client.ended;
}

static bool server_ended(struct pair *pair)
{
    return pair->server.ended;
}

static bool server_has_five(struct pair *pair)
{
    return pair->server.received == 5;
}

/* One side says that it is done; the other may go on. */
static void test_shutdown(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, RW_TLS_1_3, NULL);
    struct pair *pair = &fixture.pair;
    meet(&fixture);
    rw_stream_shutdown(&pair->server.stream);
    assert_true(pair_until(pair, client_ended));
    assert_int_equal(pair->client.end_err, RW_OK);
    assert_int_not_equal(pair_send(&pair->client, "later", 5), RW_SEND_FAILED);
    assert_true(pair_until(pair, server_has_five));
    assert_int_equal(pair_send(&pair->server, "no", 2), RW_SEND_FAILED);
    rw_stream_shutdown(&pair->client.stream);
    assert_true(pair_until(pair, server_ended));
    assert_int_equal(pair->server.end_err, RW_OK);
    close_fixture(&fixture);
}

/* close says close_notify; a FIN alone is truncation; a reset is a reset. */
static void test_ends(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, RW_TLS_1_3, NULL);
    struct pair *pair = &fixture.pair;
    meet(&fixture);
    turn_some(pair, 3); /* a ticket that is still on its way would keep close_notify from leaving */
    rw_stream_close(&pair->server.stream);
    assert_true(pair_until(pair, client_ended));
    assert_int_equal(pair->client.end_err, RW_OK);
    pair_stop(pair);
    meet(&fixture);
    assert_int_equal(shutdown(rw_stream_fd(&pair->client.stream), SHUT_WR), 0);
    assert_true(pair_until(pair, server_ended));
    assert_int_equal(pair->server.end_err, RW_ECLOSED);
    pair_stop(pair);
    meet(&fixture);
    rw_stream_abort(&pair->client.stream);
    assert_true(pair_until(pair, server_ended));
    assert_int_equal(pair->server.end_err, RW_ERESET);
    assert_int_equal(pair->server.ends, 1);
    close_fixture(&fixture);
}

static bool client_is_through(struct pair *pair)
{
    return !pair->client.sending;
}

/* The end is not told while receiving is off, and is told once it is on. */
static void test_end_waits(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, RW_TLS_1_3, NULL);
    struct pair *pair = &fixture.pair;
    /* No ticket, which the client would leave unread: that makes its close a reset. */
    rw_tls_server_drop(fixture.server);
    fixture.server = pair_server(usual, NULL);
    pair->server.wait_to_receive = true;
    meet(&fixture);
    assert_int_not_equal(pair_send(&pair->client, "hello", 5), RW_SEND_FAILED);
    assert_true(pair_until(pair, client_is_through));
    rw_stream_close(&pair->client.stream);
    turn_some(pair, 20);
    assert_int_equal(pair->server.received, 0);
    assert_false(pair->server.ended);
    pair->server.reading_stops_at = 5;
    rw_stream_receive(&pair->server.stream, true, false);
    assert_true(pair_until(pair, server_has_five));
    turn_some(pair, 5);
    assert_false(pair->server.ended);
    rw_stream_receive(&pair->server.stream, true, false);
    assert_true(pair_until(pair, server_ended));
    assert_int_equal(pair->server.end_err, RW_OK);
    assert_int_equal(pair->server.ends, 1);
    close_fixture(&fixture);
}

/* A changed byte on the way. */
static void test_bad_record(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, RW_TLS_1_3, NULL);
    struct pair *pair = &fixture.pair;
    static const char forged[] = "\x17\x03\x03\x00\x20"
                                 "0123456789abcdef0123456789abcdef";
    meet(&fixture);
    assert_int_equal(write(rw_stream_fd(&pair->client.stream), forged, sizeof(forged) - 1),
                     sizeof(forged) - 1);
    assert_true(pair_until(pair, pair_both_told));
    assert_int_equal(pair->server.end_err, RW_ETLS);
    assert_non_null(strstr(rw_tls_error_text(&pair->server.stream), "bad record mac"));
    assert_int_equal(pair->client.end_err, RW_ETLS);
    assert_int_equal(pair_send(&pair->server, "no", 2), RW_SEND_FAILED);
    close_fixture(&fixture);
}

static bool server_opens(struct pair *pair)
{
    return pair->server.opens > 0;
}

/* A record that comes byte by byte holds no more memory than one that comes at once. */
static void test_drip(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, RW_TLS_1_3, NULL);
    struct pair *pair = &fixture.pair;
    meet(&fixture);
    assert_true(pair_until(pair, server_opens));
    turn_some(pair, 2);
    int fd = rw_stream_fd(&pair->client.stream);
    assert_int_equal(write(fd, "\x17\x03\x03\x40\x00", 5), 5);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(write(fd, "x", 1), 1);
        rw_loop_turn(pair->loop, 1);
        if (pair_backend == RW_LOOP_EPOLL)
            assert_true(rw_loop_buffers(pair->loop)->in_use_bytes <= 2 * RW_BUF_SMALL_BYTES);
    }
    assert_false(pair->server.ended);
    close_fixture(&fixture);
}

/* Closing after each possible number of turns, from each side. */
static void test_close_anywhere(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, RW_TLS_1_3, NULL);
    struct pair *pair = &fixture.pair;
    for (int which = 0; which < 4; which++)
        for (int turns = 0; turns < 8; turns++) {
            assert_int_equal(pair_start(pair, fixture.server, fixture.client, NULL), RW_OK);
            turn_some(pair, turns);
            struct pair_end *end = which & 1 ? &pair->server : &pair->client;
            if (end->live && which & 2)
                rw_stream_abort(&end->stream);
            else if (end->live)
                rw_stream_close(&end->stream);
            turn_some(pair, 10);
            pair_stop(pair);
        }
    close_fixture(&fixture);
}

static void close_when(struct pair_end *end, const char *event)
{
    (void)event;
    rw_stream_close(&end->stream);
}

/* Closing from within each callback. */
static void test_close_in_callbacks(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, RW_TLS_1_3, NULL);
    struct pair *pair = &fixture.pair;
    pair->server.then = close_when;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pair_start(pair, fixture.server, fixture.client, NULL), RW_OK);
        turn_some(pair, 12);
        assert_true(pair->server.closed);
        pair_stop(pair);
    }
    close_fixture(&fixture);
}

/* ---- Not TLS at all ---- */

static void test_plain_client(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, RW_TLS_1_3, NULL);
    struct pair *pair = &fixture.pair;
    assert_int_equal(pair_start(pair, fixture.server, NULL, NULL), RW_OK);
    turn_some(pair, 3);
    assert_int_not_equal(pair_send(&pair->client, "GET / HTTP/1.1\r\n\r\n", 18), RW_SEND_FAILED);
    turn_some(pair, 10);
    assert_int_equal(pair->server.open_err, RW_ETLS);
    assert_string_equal(rw_tls_error_text(&pair->server.stream), "what the client sends is no TLS");
    close_fixture(&fixture);
}

/* ---- Failed allocations ---- */

static bool settled(struct pair *pair)
{
    struct pair_end *server = &pair->server, *client = &pair->client;
    bool server_done = server->closed || server->received >= 5 || server->ended ||
                       (server->opens && server->open_err);
    return client->closed || client->ended || (client->opens && client->open_err) ||
           (server_done && client->received >= 5);
}

static void greet(struct pair_end *end, const char *event)
{
    if (strcmp(event, "open") == 0 && end->opened && pair_send(end, "hello", 5) == RW_SEND_FAILED)
        rw_stream_close(&end->stream);
    if (strcmp(event, "end") == 0 || end->open_err)
        rw_stream_close(&end->stream);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, RW_TLS_1_3, NULL);
    struct pair *pair = &fixture.pair;
    pair->server.then = pair->client.then = greet;
    bool failed = true;
    for (uint64_t successes = 0; failed; successes++) {
        assert_true(successes < 200);
        uint64_t before = rw_alloc_count();
        rw_alloc_fail_after(successes);
        enum rw_err err = pair_start(pair, fixture.server, fixture.client, NULL);
        for (int turns = 0; !err && turns < 60 && !settled(pair); turns++)
            rw_loop_turn(pair->loop, 1);
        failed = rw_alloc_count() - before > successes;
        rw_alloc_fail_never();
        pair_stop(pair);
        if (!failed)
            assert_true(pair->client.received >= 5 || pair->server.received >= 5);
    }
    close_fixture(&fixture);
}

/* ---- OpenSSL's own client ---- */

static void answer(struct pair_end *end, const char *event)
{
    static const char reply[] = "HTTP/1.0 200 OK\r\n\r\nhello from the other side\n";
    bool asked = strcmp(event, "data") == 0 && strstr(end->kept, "\r\n\r\n");
    if (asked)
        assert_int_not_equal(pair_send(end, reply, sizeof(reply) - 1), RW_SEND_FAILED);
    if ((asked && !end->sending) || strcmp(event, "sent") == 0)
        rw_stream_shutdown(&end->stream);
}

static pid_t run_client(uint16_t port, const char *arguments, int *output)
{
    char command[512];
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    snprintf(command, sizeof(command),
             "(sleep 0.1; %s; printf 'GET / HTTP/1.0\\r\\n\\r\\n'; sleep 0.3) | "
             "exec openssl s_client -connect 127.0.0.1:%u -servername usual.example "
             "-verify_return_error -CAfile %s %s 2>&1",
             strstr(arguments, "-quiet")
                 ? ":"
                 : "sleep 0.3; printf 'K\\n'; sleep 0.2; printf 'k\\n'; sleep 0.2",
             port, pair_file("ca.pem").at, arguments);
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    assert_true(child > 0);
    close(fds[1]);
    *output = fds[0];
    return child;
}

static void s_client(const char *arguments, const char *version)
{
    struct fixture fixture;
    open_fixture(&fixture, RW_TLS_1_2, NULL);
    struct pair *pair = &fixture.pair;
    pair->server_tls = fixture.server;
    pair->server.pair = pair;
    pair->server.then = answer;
    int output, status = 0;
    pid_t child = run_client(pair_port(pair), arguments, &output);
    int turns = 0;
    while (waitpid(child, &status, WNOHANG) == 0 && turns++ < 10000)
        rw_loop_turn(pair->loop, 1);
    char text[8192] = "";
    ssize_t got = read(output, text, sizeof(text) - 1);
    close(output);
    if (got <= 0 || !strstr(text, "hello from the other side"))
        fail_msg("s_client %s said: %s", arguments, text);
    struct rw_tls_info info;
    assert_true(rw_tls_info(&pair->server.stream, &info));
    assert_string_equal(info.version, version);
    assert_int_equal(info.sni.len, strlen("usual.example"));
    close_fixture(&fixture);
}

static void test_s_client(void **state)
{
    (void)state;
    s_client("-quiet -tls1_3", "TLSv1.3");
    s_client("-quiet -tls1_2", "TLSv1.2");
    s_client("-quiet -tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2");
    s_client("-quiet -tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3");
    s_client("-quiet -tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384 -groups P-384", "TLSv1.3");
    s_client("-quiet -tls1_3 -groups P-256:X25519", "TLSv1.3");
}

/* The client changes its keys, and asks for new ones (K), with each hash and cipher. */
static void test_key_update(void **state)
{
    (void)state;
    s_client("-tls1_3", "TLSv1.3");
    s_client("-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384", "TLSv1.3");
    s_client("-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),          cmocka_unit_test(test_parts),
        cmocka_unit_test(test_back_pressure),  cmocka_unit_test(test_shutdown),
        cmocka_unit_test(test_ends),           cmocka_unit_test(test_end_waits),
        cmocka_unit_test(test_bad_record),     cmocka_unit_test(test_drip),
        cmocka_unit_test(test_close_anywhere), cmocka_unit_test(test_close_in_callbacks),
        cmocka_unit_test(test_plain_client),   cmocka_unit_test(test_allocation_failures),
        cmocka_unit_test(test_s_client),       cmocka_unit_test(test_key_update),
    };
    signal(SIGPIPE, SIG_IGN);
    /* First all with libssl, then taken over as soon as the handshake is through. */
    int failures = 0;
    static const enum rw_loop_backend backends[] = {RW_LOOP_EPOLL, RW_LOOP_IO_URING};
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        struct rw_loop_options options = {.backend = backends[i]};
        struct rw_loop *loop;
        if (rw_loop_create(&options, &loop) != RW_OK)
            continue; /* not permitted here */
        rw_loop_destroy(loop);
        pair_backend = backends[i];
        rw_tls_settle_ms = 1000000;
        failures += cmocka_run_group_tests_name("libssl", tests, NULL, NULL);
        rw_tls_settle_ms = 0;
        failures += cmocka_run_group_tests_name("taken over", tests, NULL, NULL);
    }
    return failures;
}
