/* A TLS 1.3 connection taken over from libssl, against records made by hand: what is allowed, when
 * keys change, the moment of taking over, want of memory. */
#include "support/tls_pair.h"
#include "support/tls_peer.h"

#include "base/alloc.h"
#include "io/tls_internal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const usual[] = {"usual", NULL};
static const char *const all_ciphers[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                          "TLS_CHACHA20_POLY1305_SHA256"};
static const unsigned char update[] = {24, 0, 0, 1, 0}, update_asked[] = {24, 0, 0, 1, 1};

static struct rw_tls_ticket_keys keys;
static struct rw_tls_server *server;
static struct peer peer;
static unsigned char text[RECORDS_BYTES_MAX];

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(rw_tls_ticket_keys_init(&keys), RW_OK);
    server = pair_server(usual, &keys);
    return server ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rw_tls_server_drop(server);
    return 0;
}

static void meet_taken(const struct peer_options *options)
{
    peer_open_taken(&peer, server, options);
}

static void expect(unsigned char type, const void *want, size_t bytes)
{
    peer_expect(&peer, type, want, bytes);
}

static void expect_nothing(void)
{
    peer_expect_nothing(&peer);
}

static void expect_received(const char *want)
{
    peer_turn(&peer, 3);
    assert_int_equal(peer.received, strlen(want));
    assert_memory_equal(peer.text, want, strlen(want));
}

/* ---- What is allowed ---- */

static void test_padding(void **state)
{
    (void)state;
    static unsigned char record[RECORDS_BYTES_MAX];
    static const size_t paddings[] = {0, 1, 255, 16000, 16383};
    meet_taken(NULL);
    for (int i = 0; i < 5; i++)
        peer_write(&peer, record,
                   records_seal(&peer.send, RECORDS_DATA, "x", 1, paddings[i], record));
    peer_write(&peer, record, records_seal(&peer.send, RECORDS_DATA, "", 0, 16384, record));
    expect_received("xxxxx");
    memset(text, 'y', 16384);
    peer_record(&peer, RECORDS_DATA, text, 16384);
    peer_turn(&peer, 5);
    assert_int_equal(peer.received, 16389);
    assert_false(peer.ended);
    peer_close(&peer);
}

static void test_ends(void **state)
{
    (void)state;
    meet_taken(NULL);
    peer_record(&peer, RECORDS_DATA, "all", 3);
    peer_record(&peer, RECORDS_ALERT, "\x01\x5a", 2); /* user_canceled announces the next */
    peer_record(&peer, RECORDS_ALERT, "\x01\x00", 2);
    peer_record(&peer, RECORDS_DATA, "too late", 8);
    peer_turn(&peer, 3);
    expect_received("all");
    assert_true(peer.ended);
    assert_int_equal(peer.end_err, RW_OK);
    /* The server's side is still open. */
    assert_int_equal(peer_server_send(&peer, "bye", 3), RW_SEND_DONE);
    expect(RECORDS_DATA, "bye", 3);
    rw_stream_shutdown(&peer.stream);
    expect(RECORDS_ALERT, "\x01\x00", 2);
    expect_nothing();
    peer_close(&peer);
}

/* The level of an alert means nothing in TLS 1.3. */
static void test_alerts(void **state)
{
    (void)state;
    for (unsigned char level = 0; level < 3; level++) {
        meet_taken(NULL);
        const unsigned char alert[] = {level, 40};
        peer_record(&peer, RECORDS_ALERT, alert, 2);
        peer_turn(&peer, 3);
        expect_nothing();
        assert_true(peer.ended);
        assert_int_equal(peer.end_err, RW_ETLS);
        assert_string_equal(rw_tls_error_text(&peer.stream), "handshake failure");
        peer_close(&peer);
    }
}

/* A FIN in each possible place but the right one. */
static void test_truncation(void **state)
{
    (void)state;
    unsigned char record[64];
    size_t whole = 27;
    for (size_t cut = 0; cut <= whole; cut += 3) {
        meet_taken(NULL);
        assert_int_equal(records_seal(&peer.send, RECORDS_DATA, "hello", 5, 0, record), whole);
        peer_write(&peer, record, cut);
        assert_int_equal(shutdown(peer.fd, SHUT_WR), 0);
        peer_turn(&peer, 3);
        assert_int_equal(peer.received, cut == whole ? 5 : 0);
        assert_true(peer.ended);
        assert_int_equal(peer.end_err, RW_ECLOSED);
        peer_close(&peer);
    }
}

/* After close_notify nothing more is said, not even about a bad record. */
static void test_silence_after_close(void **state)
{
    (void)state;
    meet_taken(NULL);
    peer_record(&peer, RECORDS_HANDSHAKE, update_asked, 5);
    records_update(&peer.send);
    peer_turn(&peer, 3);
    rw_stream_shutdown(&peer.stream);
    expect(RECORDS_ALERT, "\x01\x00", 2);
    peer_write(&peer,
               "\x17\x03\x03\x00\x10"
               "0123456789abcdef",
               21);
    peer_turn(&peer, 3);
    expect_nothing();
    assert_int_equal(peer.end_err, RW_ETLS);
    peer_close(&peer);
}

/* ---- KeyUpdate ---- */

static void test_updates(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        meet_taken(&(struct peer_options){.ciphers = all_ciphers[i]});
        for (int round = 0; round < 40; round++) {
            /* Asked thrice while silent: one answer, before the next data. */
            for (int times = 0; times < 3; times++) {
                peer_record(&peer, RECORDS_HANDSHAKE, round & 1 ? update : update_asked, 5);
                records_update(&peer.send);
            }
            peer_record(&peer, RECORDS_DATA, "x", 1);
            peer_turn(&peer, 3);
            assert_int_equal(peer.received, round + 1);
            assert_int_equal(peer_server_send(&peer, "answer", 6), RW_SEND_DONE);
            if (!(round & 1))
                expect(RECORDS_HANDSHAKE, update, 5);
            expect(RECORDS_DATA, "answer", 6);
            expect_nothing();
        }
        peer_close(&peer);
    }
}

static void test_update_in_fragments(void **state)
{
    (void)state;
    meet_taken(NULL);
    for (size_t cut = 1; cut < 5; cut++) {
        peer_record(&peer, RECORDS_HANDSHAKE, update_asked, cut);
        peer_record(&peer, RECORDS_HANDSHAKE, update_asked + cut, 5 - cut);
        records_update(&peer.send);
        peer_record(&peer, RECORDS_DATA, "x", 1);
    }
    for (int i = 0; i < 5; i++)
        peer_record(&peer, RECORDS_HANDSHAKE, update + i, 1);
    records_update(&peer.send);
    peer_record(&peer, RECORDS_DATA, "y", 1);
    expect_received("xxxxy");
    peer_close(&peer);
}

/* All records that have come; data is compared with what was sent. */
static unsigned drain(const char *want, size_t total, size_t *updates)
{
    size_t bytes, at = 0;
    unsigned char type;
    unsigned records = 0;
    *updates = 0;
    for (int turns = 0; turns < 20000; turns++) {
        while (peer_next(&peer, text, &bytes, &type)) {
            records++;
            if (type == RECORDS_HANDSHAKE) {
                assert_memory_equal(text, update, 5);
                ++*updates;
                continue;
            }
            assert_int_equal(type, RECORDS_DATA);
            assert_true(at + bytes <= total);
            assert_memory_equal(text, want + at, bytes);
            at += bytes;
        }
        if (at == total)
            break;
        peer_turn(&peer, 1);
    }
    assert_int_equal(at, total);
    return records;
}

static void test_update_while_sending(void **state)
{
    (void)state;
    size_t total = 3000000, updates;
    char *bytes = malloc(total);
    pair_pattern(bytes, total, 0);
    for (int i = 0; i < 3; i++) {
        meet_taken(&(struct peer_options){.ciphers = all_ciphers[i]});
        assert_int_equal(peer_server_send(&peer, bytes, total), RW_SEND_PENDING);
        peer_record(&peer, RECORDS_HANDSHAKE, update_asked, 5);
        records_update(&peer.send);
        peer_record(&peer, RECORDS_HANDSHAKE, update_asked, 5);
        records_update(&peer.send);
        peer_turn(&peer, 5);
        assert_true(peer.sending);
        (void)drain(bytes, total, &updates);
        assert_int_equal(updates, 1);
        peer_turn(&peer, 3);
        assert_int_equal(peer.sents, 1);
        assert_int_equal(peer.sent_err, RW_OK);
        peer_close(&peer);
    }
    free(bytes);
}

static void forged(void)
{
    unsigned char record[64];
    size_t bytes = records_seal(&peer.send, RECORDS_DATA, "x", 1, 0, record);
    record[bytes - 1] ^= 1;
    peer_write(&peer, record, bytes);
}

/* A fatal alert is the last record, though the owner's send was only half done. */
static void test_failure_while_sending(void **state)
{
    (void)state;
    size_t total = 3000000, bytes, at = 0;
    char *sent = malloc(total);
    unsigned char type = 0, last = 0;
    pair_pattern(sent, total, 0);
    meet_taken(NULL);
    assert_int_equal(peer_server_send(&peer, sent, total), RW_SEND_PENDING);
    peer_record(&peer, RECORDS_HANDSHAKE, update_asked, 5); /* no time for that any more */
    records_update(&peer.send);
    forged();
    peer_turn(&peer, 5);
    assert_true(peer.ended);
    assert_int_equal(peer.end_err, RW_ETLS);
    for (int turns = 0; turns < 200; turns++) {
        while (peer_next(&peer, text, &bytes, &type)) {
            assert_int_not_equal(last, RECORDS_ALERT);
            last = type;
            at += type == RECORDS_DATA ? bytes : 0;
        }
        peer_turn(&peer, 1);
    }
    assert_int_equal(last, RECORDS_ALERT);
    assert_memory_equal(text, "\x02\x14", 2);
    assert_true(at < total);
    assert_false(peer.sending);
    assert_int_equal(peer.sent_err, RW_ETLS);
    peer_close(&peer);
    free(sent);
}

/* No key protects more records than it may, whoever makes them. */
static void test_record_limit(void **state)
{
    (void)state;
    size_t total = 900000, updates;
    char *bytes = malloc(total);
    pair_pattern(bytes, total, 0);
    rw_tls_records_max = 10;
    for (int taken = 0; taken < 2; taken++) {
        uint32_t settle_ms = rw_tls_settle_ms;
        unsigned records = 0;
        size_t all_updates = 0;
        rw_tls_settle_ms = taken ? settle_ms : 1000000;
        if (taken) {
            meet_taken(NULL);
        } else {
            struct rw_tls_server *other = pair_server(usual, NULL);
            peer_open(&peer, other, NULL);
            rw_tls_server_drop(other);
            assert_true(peer_meet(&peer));
        }
        for (size_t at = 0; at < total; at += 100000) {
            assert_int_not_equal(peer_server_send(&peer, bytes + at, 100000), RW_SEND_FAILED);
            records += drain(bytes + at, 100000, &updates);
            all_updates += updates;
            assert_true(peer.receive.sequence <= 10 + 2 + RW_BUF_LARGE_BYTES / 16384);
            peer_turn(&peer, 2);
        }
        assert_true(records >= 63);
        assert_in_range(all_updates, 2, 7);
        assert_int_equal(peer_taken(&peer), taken);
        rw_tls_settle_ms = settle_ms;
        peer_close(&peer);
    }
    rw_tls_records_max = RW_TLS_RECORDS_MAX;
    free(bytes);
}

/* ---- The moment of taking over ---- */

/* Some bytes are with libssl, some with us, some still under way. */
static void test_bytes_under_way(void **state)
{
    (void)state;
    unsigned char records[3][64], all[192];
    size_t total = 0;
    for (size_t cut = 0; cut <= 78; cut++) {
        rw_tls_settle_ms = 2;
        peer_open(&peer, server, NULL);
        assert_true(peer_meet(&peer));
        total = 0;
        for (int i = 0; i < 3; i++) {
            size_t bytes = records_seal(&peer.send, RECORDS_DATA, "abcd", 4, 0, records[i]);
            memcpy(all + total, records[i], bytes);
            total += bytes;
        }
        assert_int_equal(total, 78);
        rw_stream_receive(&peer.stream, cut & 1, false);
        peer_write(&peer, all, cut);
        for (int i = 0; i < 6; i++)
            rw_loop_turn(peer.loop, 1);
        rw_stream_receive(&peer.stream, true, false);
        peer_write(&peer, all + cut, total - cut);
        for (int i = 0; i < 3; i++)
            rw_loop_turn(peer.loop, 1);
        expect_received("abcdabcdabcd");
        assert_false(peer.ended);
        peer_close(&peer);
    }
    rw_tls_settle_ms = 0;
}

/* libssl has decrypted more than the owner took: then it stays with libssl. */
static void test_text_under_way(void **state)
{
    (void)state;
    rw_tls_settle_ms = 20;
    peer_open(&peer, server, NULL);
    assert_true(peer_meet(&peer));
    memset(text, 'x', 10000);
    peer.stops_at = 20000;
    for (int i = 0; i < 4; i++)
        peer_record(&peer, RECORDS_DATA, text, 10000);
    for (int i = 0; i < 40; i++)
        rw_loop_turn(peer.loop, 1);
    assert_int_equal(peer.received, 10000 + 16384);
    assert_false(peer_taken(&peer));
    peer.stops_at = 0;
    rw_stream_receive(&peer.stream, true, false);
    peer_turn(&peer, 3);
    assert_int_equal(peer.received, 40000);
    assert_true(peer_wait_taken(&peer)); /* later */
    peer_record(&peer, RECORDS_DATA, text, 10000);
    peer_turn(&peer, 3);
    assert_int_equal(peer.received, 50000);
    peer_close(&peer);
    rw_tls_settle_ms = 0;
}

/* A send that libssl began is ended by us. */
static void test_send_under_way(void **state)
{
    (void)state;
    size_t total = 3000000, updates;
    char *bytes = malloc(total);
    pair_pattern(bytes, total, 0);
    rw_tls_settle_ms = 2;
    struct rw_tls_server *other = pair_server(usual, NULL);
    peer_open(&peer, other, NULL);
    assert_true(peer_meet(&peer));
    assert_false(peer_taken(&peer));
    assert_int_equal(peer_server_send(&peer, bytes, total), RW_SEND_PENDING);
    assert_true(peer_wait_taken(&peer));
    assert_true(peer.sending);
    (void)drain(bytes, total, &updates);
    assert_int_equal(updates, 0);
    peer_close(&peer);
    rw_tls_server_drop(other);
    rw_tls_settle_ms = 0;
    free(bytes);
}

/* Keys that libssl has changed stay with it. */
static void test_update_before(void **state)
{
    (void)state;
    rw_tls_settle_ms = 2;
    peer_open(&peer, server, NULL);
    assert_true(peer_meet(&peer));
    peer_record(&peer, RECORDS_HANDSHAKE, update, 5);
    records_update(&peer.send);
    for (int i = 0; i < 20; i++)
        rw_loop_turn(peer.loop, 1);
    assert_false(peer_taken(&peer));
    static const unsigned char forgotten[48];
    assert_memory_equal(peer.stream.tls->records->receive.secret, forgotten, 48);
    assert_memory_equal(peer.stream.tls->records->send.secret, forgotten, 48);
    peer_record(&peer, RECORDS_DATA, "x", 1);
    expect_received("x");
    peer_close(&peer);
    rw_tls_settle_ms = 0;
}

static void test_turned_off(void **state)
{
    (void)state;
    struct rw_tls_server *other = pair_server_with(
        (struct rw_tls_server_options){.ticket_keys = &keys, .no_takeover = true}, usual);
    peer_open(&peer, other, NULL);
    assert_true(peer_meet(&peer));
    for (int i = 0; i < 20; i++)
        rw_loop_turn(peer.loop, 1);
    assert_false(peer_taken(&peer));
    assert_null(peer.stream.tls->records); /* nor are secrets kept for nothing */
    peer_close(&peer);
    rw_tls_server_drop(other);
}

/* ---- What was negotiated is known as before ---- */

static char *facts(struct rw_arena *arena)
{
    struct rw_tls_info info;
    struct rw_tls_peer who;
    assert_true(rw_tls_info(&peer.stream, &info));
    enum rw_err err = rw_tls_peer(&peer.stream, arena, &who);
    struct rw_span sans = who.san_count ? who.sans[0] : rw_span("", 0);
    struct rw_span said = rw_arena_format(
        arena, "%s %s %.*s %.*s %d %d / %d %.*s %.*s %.*s %.*s %zu %.*s", info.version, info.cipher,
        RW_SPAN_ARGS(info.alpn), RW_SPAN_ARGS(info.sni), info.resumed, info.peer_verified, err,
        RW_SPAN_ARGS(who.subject), RW_SPAN_ARGS(who.issuer), RW_SPAN_ARGS(who.serial),
        RW_SPAN_ARGS(who.fingerprint), who.san_count, RW_SPAN_ARGS(sans));
    assert_non_null(said.at);
    return (char *)(uintptr_t)said.at;
}

static void test_facts(void **state)
{
    (void)state;
    static const struct rw_span alpn[] = {RW_LITERAL("h2"), RW_LITERAL("http/1.1")};
    struct rw_tls_server *other =
        pair_server_with((struct rw_tls_server_options){.ticket_keys = &keys,
                                                        .alpn = alpn,
                                                        .alpn_count = 2,
                                                        .client_auth = RW_TLS_AUTH_OPTIONAL,
                                                        .client_ca = pair_file("ca.pem")},
                         usual);
    static const struct peer_options kinds[] = {{.cert = "client"}, {.cert = NULL}, {.bare = true}};
    rw_tls_settle_ms = 2;
    for (int i = 0; i < 3; i++) {
        struct rw_arena arena;
        rw_arena_init(&arena, NULL, 0, 4096, 65536);
        peer_open(&peer, other, &kinds[i]);
        assert_true(peer_meet(&peer));
        assert_false(peer_taken(&peer));
        char *before = facts(&arena);
        assert_true(peer_wait_taken(&peer));
        assert_string_equal(facts(&arena), before);
        if (i == 0)
            assert_non_null(strstr(before, "http/1.1 usual.example 0 1 / 0 CN=client"));
        rw_arena_free(&arena);
        peer_close(&peer);
    }
    rw_tls_settle_ms = 0;
    rw_tls_server_drop(other);
}

/* ---- Out of memory ---- */

static uint64_t successes, count_before;

static void fail_one(void)
{
    count_before = rw_alloc_count();
    rw_alloc_fail_once(successes);
}

/* One allocation fails at a time. If the connection lives, its records have the right keys: never
 * those of a secret that there was no room for. */
static void test_allocation_failures(void **state)
{
    (void)state;
    size_t bytes;
    unsigned char type;
    bool failed = true;
    for (successes = 0; failed; successes++) {
        assert_true(successes < 200);
        peer_open(&peer, server, &(struct peer_options){.before = fail_one});
        bool met = peer.live && peer_meet(&peer);
        for (int i = 0; i < 20 && met; i++)
            rw_loop_turn(peer.loop, i < 10);
        bool alive = met && !peer.ended && peer_server_send(&peer, "hello", 5) != RW_SEND_FAILED;
        failed = rw_alloc_count() - count_before > successes;
        rw_alloc_fail_never();
        peer_turn(&peer, 3);
        if (alive) {
            type = 0;
            while (type != RECORDS_DATA)
                assert_true(peer_next(&peer, text, &bytes, &type));
            assert_memory_equal(text, "hello", 5);
            peer_record(&peer, RECORDS_DATA, "x", 1);
            expect_received("x");
        }
        assert_true(alive || failed);
        peer_close(&peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_alerts),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_silence_after_close),
        cmocka_unit_test(test_updates),
        cmocka_unit_test(test_update_in_fragments),
        cmocka_unit_test(test_update_while_sending),
        cmocka_unit_test(test_failure_while_sending),
        cmocka_unit_test(test_record_limit),
        cmocka_unit_test(test_bytes_under_way),
        cmocka_unit_test(test_text_under_way),
        cmocka_unit_test(test_send_under_way),
        cmocka_unit_test(test_update_before),
        cmocka_unit_test(test_turned_off),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_allocation_failures),
    };
    signal(SIGPIPE, SIG_IGN);
    rw_tls_settle_ms = 0;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
