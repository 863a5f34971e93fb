/* A connection taken over from libssl against OpenSSL's own client, which does what it may in any
 * order: data of all sizes, KeyUpdates of either kind, bytes in odd pieces. Then with allocations
 * of OpenSSL's that fail, and with threads that share a server while its ticket keys change. */
#include "support/tls_pair.h"
#include "support/tls_peer.h"

#include "base/random.h"
#include "io/tls_internal.h"

#include <openssl/err.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { STEPS = 600, PIECE_BYTES_MAX = 40000 };

static const char *const usual[] = {"usual", NULL};
static const char *const ciphers[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                      "TLS_CHACHA20_POLY1305_SHA256"};
static struct rw_tls_ticket_keys keys;

/* ---- Allocations of OpenSSL's that fail ---- */

static _Thread_local uint64_t openssl_count, openssl_fails_at;

static bool fails(void)
{
    return ++openssl_count == openssl_fails_at;
}

static void *openssl_malloc(size_t bytes, const char *file, int line)
{
    (void)file, (void)line;
    return fails() ? NULL : malloc(bytes);
}

static void *openssl_realloc(void *old, size_t bytes, const char *file, int line)
{
    (void)file, (void)line;
    return fails() ? NULL : realloc(old, bytes);
}

static void openssl_free(void *block, const char *file, int line)
{
    (void)file, (void)line;
    free(block);
}

/* ---- Everything in any order ---- */

struct world {
    struct peer peer;
    struct rw_random random;
    size_t up_sent, down_sent, down_received;
    uint64_t up_checksum, up_seen, down_checksum;
    size_t up_seen_bytes;
    char piece[PIECE_BYTES_MAX], down[PIECE_BYTES_MAX];
};

static size_t some(struct world *world, size_t most)
{
    return (size_t)(rw_random_u64(&world->random) % most);
}

/* Small ones mostly, now and then one of many records. */
static size_t piece_bytes(struct world *world)
{
    return 1 + some(world, some(world, 4) ? 100 : PIECE_BYTES_MAX - 1);
}

static void client_reads(struct world *world)
{
    static _Thread_local char bytes[PIECE_BYTES_MAX];
    int got;
    while ((got = SSL_read(world->peer.ssl, bytes, sizeof(bytes))) > 0) {
        world->down_checksum = pair_checksum(world->down_checksum, bytes, (size_t)got);
        world->down_received += (size_t)got;
    }
    assert_int_equal(SSL_get_error(world->peer.ssl, got), SSL_ERROR_WANT_READ);
}

/* What the server has received is looked at and forgotten. */
static void server_reads(struct world *world)
{
    struct peer *peer = &world->peer;
    assert_true(peer->received <= PEER_BYTES_MAX);
    world->up_seen = pair_checksum(world->up_seen, peer->text, peer->received);
    world->up_seen_bytes += peer->received;
    peer->received = 0;
}

static void client_writes(struct world *world)
{
    size_t bytes = piece_bytes(world);
    pair_pattern(world->piece, bytes, world->up_sent);
    assert_int_equal(SSL_write(world->peer.ssl, world->piece, (int)bytes), bytes);
    world->up_checksum = pair_checksum(world->up_checksum, world->piece, bytes);
    world->up_sent += bytes;
}

static uint64_t server_writes(struct world *world, uint64_t checksum)
{
    if (world->peer.sending)
        return checksum;
    size_t bytes = piece_bytes(world);
    pair_pattern(world->down, bytes, world->down_sent);
    assert_int_not_equal(peer_server_send(&world->peer, world->down, bytes), RW_SEND_FAILED);
    world->down_sent += bytes;
    return pair_checksum(checksum, world->down, bytes);
}

static void step(struct world *world, uint64_t *checksum)
{
    struct peer *peer = &world->peer;
    switch (some(world, 8)) {
    case 0:
        (void)SSL_key_update(peer->ssl, some(world, 2) ? SSL_KEY_UPDATE_REQUESTED
                                                       : SSL_KEY_UPDATE_NOT_REQUESTED);
        break;
    case 1:
        peer->split = some(world, 3) ? 0 : 1 + some(world, 50);
        break;
    case 2:
    case 3:
    case 4:
        client_writes(world);
        break;
    case 5:
    case 6:
        *checksum = server_writes(world, *checksum);
        break;
    default:
        peer_pump(peer);
        client_reads(world);
        break;
    }
    peer_turn(peer, 1);
    server_reads(world);
}

static void any_order(struct rw_tls_server *server, const char *cipher, uint64_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    struct peer *peer = &world->peer;
    uint64_t checksum = 0;
    rw_random_seed(&world->random, seed);
    peer_open(peer, server, &(struct peer_options){.ciphers = cipher});
    assert_true(peer_meet(peer));
    if (seed & 1)
        assert_true(peer_wait_taken(peer));
    for (int i = 0; i < STEPS; i++)
        step(world, &checksum);
    peer->split = 0;
    client_writes(world); /* with it go KeyUpdates that wait */
    for (int i = 0; i < 2000 && (world->down_received < world->down_sent ||
                                 world->up_seen_bytes < world->up_sent);
         i++) {
        peer_pump(peer);
        client_reads(world);
        server_reads(world);
    }
    assert_false(peer->ended);
    assert_int_equal(world->up_seen_bytes, world->up_sent);
    assert_int_equal(world->down_received, world->down_sent);
    assert_true(world->up_seen == world->up_checksum);
    assert_true(world->down_checksum == checksum);
    assert_int_equal(SSL_shutdown(peer->ssl), 0);
    peer_pump(peer);
    peer_turn(peer, 3);
    assert_true(peer->ended);
    assert_int_equal(peer->end_err, RW_OK);
    peer_close(peer);
    free(world);
}

static void test_any_order(void **state)
{
    (void)state;
    static const uint32_t limits[] = {RW_TLS_RECORDS_MAX, 3, 50};
    struct rw_tls_server *server = pair_server(usual, &keys);
    for (uint64_t seed = 0; seed < 18; seed++) {
        rw_tls_settle_ms = seed & 1 ? 0 : 3;
        rw_tls_records_max = limits[seed / 2 % 3];
        any_order(server, ciphers[seed % 3], seed);
    }
    rw_tls_records_max = RW_TLS_RECORDS_MAX;
    rw_tls_server_drop(server);
}

/* The same with libssl to the end: what is sent must not depend on who makes the records. */
static void test_any_order_libssl(void **state)
{
    (void)state;
    struct rw_tls_server *server = pair_server_with(
        (struct rw_tls_server_options){.ticket_keys = &keys, .no_takeover = true}, usual);
    rw_tls_records_max = 50;
    for (uint64_t seed = 100; seed < 112; seed += 2)
        any_order(server, ciphers[seed % 3], seed);
    rw_tls_records_max = RW_TLS_RECORDS_MAX;
    rw_tls_server_drop(server);
}

/* ---- Out of OpenSSL's memory, from the moment of taking over ---- */

static void test_openssl_allocation_failures(void **state)
{
    (void)state;
    static struct peer peer;
    static const unsigned char update_asked[] = {24, 0, 0, 1, 1};
    struct rw_tls_server *server = pair_server(usual, &keys);
    unsigned char text[512];
    size_t bytes;
    bool failed = true;
    rw_tls_settle_ms = 5;
    for (uint64_t at = 1; failed; at++) {
        unsigned char type = 0;
        assert_true(at < 500);
        peer_open(&peer, server, &(struct peer_options){.ciphers = ciphers[at % 3]});
        assert_true(peer_meet(&peer));
        openssl_count = 0;
        openssl_fails_at = at;
        for (int i = 0; i < 10; i++)
            rw_loop_turn(peer.loop, 1);
        bool alive = !peer.ended && peer_server_send(&peer, "hello", 5) == RW_SEND_DONE;
        failed = openssl_count >= at;
        openssl_fails_at = 0;
        peer_turn(&peer, 2);
        while (peer_next(&peer, text, &bytes, &type) && type != RECORDS_DATA)
            ;
        assert_int_equal(type == RECORDS_DATA, alive);
        assert_true(alive || failed);
        if (alive) {
            peer_record(&peer, RECORDS_HANDSHAKE, update_asked, 5);
            records_update(&peer.send);
            peer_record(&peer, RECORDS_DATA, "x", 1);
            peer_turn(&peer, 2);
            assert_int_equal(peer.received, 1);
        }
        peer_close(&peer);
        ERR_clear_error();
    }
    rw_tls_settle_ms = 0;
    rw_tls_server_drop(server);
}

/* ---- Renegotiation (TLS 1.2) ---- */

static void test_renegotiation(void **state)
{
    (void)state;
    static struct peer peer;
    struct rw_tls_server *server = pair_server(usual, &keys);
    peer_open(&peer, server, &(struct peer_options){.version = TLS1_2_VERSION});
    assert_true(peer_meet(&peer));
    assert_int_equal(SSL_write(peer.ssl, "hello", 5), 5);
    peer_pump(&peer);
    peer_turn(&peer, 2);
    assert_int_equal(peer.received, 5);
    assert_int_equal(SSL_renegotiate(peer.ssl), 1);
    /* Refused with a warning, which OpenSSL's client takes for the end. */
    bool refused = false;
    for (int i = 0; i < 20 && !refused; i++) {
        ERR_clear_error();
        (void)SSL_do_handshake(peer.ssl);
        refused = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_NO_RENEGOTIATION;
        peer_pump(&peer);
    }
    assert_true(refused);
    peer_close(&peer);
    rw_tls_server_drop(server);
}

/* ---- Threads ---- */

enum { THREADS = 3, ROUNDS = 12 };

static struct rw_tls_server *shared;
static _Atomic int threads_left;

static void *serve(void *argument)
{
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct rw_tls_server *server = rw_tls_server_hold(shared);
        any_order(server, ciphers[round % 3], (uint64_t)(uintptr_t)argument + round);
        rw_tls_server_drop(server);
    }
    atomic_fetch_sub(&threads_left, 1);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    shared = pair_server(usual, &keys);
    rw_tls_settle_ms = 0;
    rw_tls_records_max = 100;
    atomic_store(&threads_left, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, serve, (void *)(1000 * (i + 1))), 0);
    while (atomic_load(&threads_left)) {
        assert_int_equal(rw_tls_ticket_keys_rotate(&keys), RW_OK);
        usleep(200);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    rw_tls_records_max = RW_TLS_RECORDS_MAX;
    rw_tls_server_drop(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_any_order_libssl),
        cmocka_unit_test(test_openssl_allocation_failures),
        cmocka_unit_test(test_renegotiation),
        cmocka_unit_test(test_threads),
    };
    signal(SIGPIPE, SIG_IGN);
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1 ||
        rw_tls_ticket_keys_init(&keys) != RW_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
