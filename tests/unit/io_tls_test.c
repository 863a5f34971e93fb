/* TLS streams against each other: handshakes, choices, data, ends. */
#include "support/tls_pair.h"

#include "base/alloc.h"
#include "io/tls_hooks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const char *const usual[] = {"usual", NULL};
static const char *const many[] = {"usual", "exact-ec", "exact-rsa", "wild", "named", NULL};

static void assert_span(struct rw_span span, const char *text)
{
    if (!rw_span_is(span, text))
        fail_msg("\"%.*s\" instead of \"%s\"", RW_SPAN_ARGS(span), text);
}

static bool client_has_all(struct pair *pair)
{
    return pair->client.received >= 5;
}

static bool server_has_all(struct pair *pair)
{
    return pair->server.received >= 5;
}

/* A word each way, which also lets tickets arrive. */
static void exchange_words(struct pair *pair)
{
    assert_int_not_equal(pair_send(&pair->client, "hello", 5), RW_SEND_FAILED);
    assert_true(pair_until(pair, server_has_all));
    assert_memory_equal(pair->server.kept, "hello", 5);
    assert_int_not_equal(pair_send(&pair->server, "world", 5), RW_SEND_FAILED);
    assert_true(pair_until(pair, client_has_all));
    assert_memory_equal(pair->client.kept, "world", 5);
}

static void meet(struct pair *pair, struct rw_tls_server *server, struct rw_tls_client *client,
                 const char *name)
{
    assert_int_equal(pair_start(pair, server, client, name), RW_OK);
    if (!pair_until(pair, pair_both_open))
        fail_msg("server: %s (%s), client: %s (%s)", rw_err_text(pair->server.open_err),
                 rw_tls_error_text(&pair->server.stream), rw_err_text(pair->client.open_err),
                 rw_tls_error_text(&pair->client.stream));
}

static void handshake_in(const char *version, const char *ciphers)
{
    struct pair pair;
    pair_open(&pair);
    bool new = strcmp(version, "TLSv1.3") == 0;
    struct rw_tls_server *server = pair_server(usual, NULL);
    struct rw_tls_client *client = pair_client_with((struct rw_tls_client_options){
        .name = RW_LITERAL("usual.example"), .min_version = new ? RW_TLS_1_3 : RW_TLS_1_2});
    assert_non_null(server);
    assert_non_null(client);
    meet(&pair, server, client, NULL);
    exchange_words(&pair);
    struct rw_tls_info info;
    assert_true(rw_tls_info(&pair.server.stream, &info));
    assert_string_equal(info.version, version);
    assert_string_equal(info.cipher, ciphers);
    assert_span(info.sni, "usual.example");
    assert_false(info.resumed);
    assert_false(info.peer_verified);
    assert_true(rw_tls_info(&pair.client.stream, &info));
    assert_true(info.peer_verified);
    assert_int_equal(rw_tls_server_certificates(server), 1);
    assert_int_equal(rw_tls_client_not_after(client), 0);
    int64_t left_s = rw_tls_server_not_after(server, 0) - (int64_t)time(NULL);
    assert_true(left_s > 28 * 86400 && left_s <= 30 * 86400); /* made for 30 days */
    rw_tls_server_drop(server);
    rw_tls_client_drop(client);
    pair_close(&pair);
    assert_int_equal(pair.server.opens, 1);
}

static void test_handshake_1_3(void **state)
{
    (void)state;
    handshake_in("TLSv1.3", "TLS_AES_128_GCM_SHA256");
}

/* ---- SNI ---- */

static void assert_certificate(struct pair *pair, struct rw_tls_server *server,
                               struct rw_tls_client *client, const char *name, const char *subject)
{
    meet(pair, server, client, name);
    char memory[4096];
    struct rw_arena arena;
    struct rw_tls_peer peer;
    rw_arena_init(&arena, memory, sizeof(memory), 4096, 65536);
    assert_int_equal(rw_tls_peer(&pair->client.stream, &arena, &peer), RW_OK);
    char want[128];
    snprintf(want, sizeof(want), "CN=%s,O=Ringway Tests", subject);
    assert_span(peer.subject, want);
    rw_arena_free(&arena);
    pair_stop(pair);
}

static void test_sni(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair);
    struct rw_tls_server *server = pair_server(many, NULL);
    struct rw_tls_client *client = pair_client("usual.example");
    struct rw_tls_client *careless =
        pair_client_with((struct rw_tls_client_options){.insecure = true});
    assert_certificate(&pair, server, client, NULL, "usual");
    assert_certificate(&pair, server, client, "localhost", "usual");
    assert_certificate(&pair, server, client, "127.0.0.1", "usual");
    assert_certificate(&pair, server, client, "exact.example", "exact-ec");
    assert_certificate(&pair, server, client, "EXACT.example", "exact-ec");
    assert_certificate(&pair, server, client, "a.wild.example", "wild");
    assert_certificate(&pair, server, client, "named.wild.example", "named");
    assert_certificate(&pair, server, careless, "a.b.wild.example", "usual");
    assert_certificate(&pair, server, careless, "unknown.example", "usual");
    assert_certificate(&pair, server, careless, NULL, "usual");
    rw_tls_server_drop(server);
    rw_tls_client_drop(client);
    rw_tls_client_drop(careless);
    pair_close(&pair);
}

static void test_intermediate(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair);
    struct rw_tls_certificate_files files = {pair_file("leaf-chain.pem"), pair_file("leaf.key")};
    struct rw_tls_server_options options = {.certificates = &files, .certificate_count = 1};
    struct rw_text why = {0};
    struct rw_tls_server *server;
    assert_int_equal(rw_tls_server_create(&options, &server, &why), RW_OK);
    assert_int_equal(why.len, 0);
    struct rw_tls_client *client = pair_client("leaf.example");
    assert_certificate(&pair, server, client, NULL, "leaf");
    rw_tls_server_drop(server);
    rw_tls_client_drop(client);
    pair_close(&pair);
}

/* ---- ALPN ---- */

static void alpn_gives(const struct rw_span *offer, size_t count, const char *chosen)
{
    static const struct rw_span served[] = {RW_LITERAL("h2"), RW_LITERAL("http/1.1")};
    struct pair pair;
    pair_open(&pair);
    struct rw_tls_server *server =
        pair_server_with((struct rw_tls_server_options){.alpn = served, .alpn_count = 2}, usual);
    struct rw_tls_client *client = pair_client_with((struct rw_tls_client_options){
        .name = RW_LITERAL("usual.example"), .alpn = offer, .alpn_count = count});
    struct rw_tls_info info;
    if (chosen) {
        meet(&pair, server, client, NULL);
        assert_true(rw_tls_info(&pair.server.stream, &info));
        assert_span(info.alpn, chosen);
        assert_true(rw_tls_info(&pair.client.stream, &info));
        assert_span(info.alpn, chosen);
    } else {
        assert_int_equal(pair_start(&pair, server, client, NULL), RW_OK);
        assert_true(pair_until(&pair, pair_both_told));
        assert_int_equal(pair.server.open_err, RW_ETLS);
        assert_string_equal(rw_tls_error_text(&pair.client.stream),
                            "tlsv1 alert no application protocol");
    }
    rw_tls_server_drop(server);
    rw_tls_client_drop(client);
    pair_close(&pair);
}

static void test_alpn(void **state)
{
    (void)state;
    const struct rw_span both[] = {RW_LITERAL("http/1.1"), RW_LITERAL("h2")};
    const struct rw_span other[] = {RW_LITERAL("spdy/1")};
    alpn_gives(both, 2, "h2");
    alpn_gives(both, 1, "http/1.1");
    alpn_gives(NULL, 0, "");
    alpn_gives(other, 1, NULL);
}

/* ---- Names and trust ---- */

static void client_refuses(const char *const *names, const char *ca, const char *name,
                           const char *reason)
{
    struct pair pair;
    pair_open(&pair);
    struct rw_tls_server *server =
        pair_server_with((struct rw_tls_server_options){.tolerate_dates = true}, names);
    struct rw_tls_client *client =
        pair_client_with((struct rw_tls_client_options){.ca = pair_file(ca)});
    assert_int_equal(pair_start(&pair, server, client, name), RW_OK);
    assert_true(pair_until(&pair, pair_both_told));
    assert_int_equal(pair.client.open_err, RW_EVERIFY);
    assert_int_equal(pair.client.opens, 1);
    assert_non_null(strstr(rw_tls_error_text(&pair.client.stream), reason));
    rw_tls_server_drop(server);
    rw_tls_client_drop(client);
    pair_close(&pair);
}

static void test_untrusted(void **state)
{
    (void)state;
    static const char *const expired[] = {"expired", NULL};
    static const char *const nameless[] = {"nameless", NULL};
    client_refuses(usual, "ca.pem", "other.example",
                   "hostname mismatch: the certificate is for DNS:usual.example, DNS:localhost, "
                   "IP:127.0.0.1, wanted is other.example");
    client_refuses(usual, "ca.pem", "127.0.0.2", "IP:127.0.0.1, wanted is 127.0.0.2");
    client_refuses(nameless, "ca.pem", "usual.example", "the certificate is for no name, wanted");
    client_refuses(usual, "other-ca.pem", "usual.example",
                   "its issuer is not known here: CN=ca,O=Ringway Tests");
    client_refuses(expired, "ca.pem", "usual.example",
                   "certificate has expired: the certificate expired at 20");
    struct pair pair;
    pair_open(&pair);
    struct rw_tls_client *client = pair_client_with((struct rw_tls_client_options){0});
    assert_int_equal(pair_start(&pair, NULL, client, NULL), RW_EVERIFY);
    assert_null(pair.client.stream.tls);
    rw_tls_client_drop(client);
    pair_close(&pair);
}

/* ---- Client certificates ---- */

static void mutual(enum rw_tls_client_auth mode, const char *cert, const char *key,
                   enum rw_err server_err, bool verified)
{
    struct pair pair;
    pair_open(&pair);
    struct rw_tls_server *server = pair_server_with(
        (struct rw_tls_server_options){.client_auth = mode, .client_ca = pair_file("ca.pem")},
        usual);
    struct rw_tls_client_options options = {.name = RW_LITERAL("usual.example")};
    if (cert) {
        options.cert = pair_file(cert);
        options.key = pair_file(key);
    }
    struct rw_tls_client *client = pair_client_with(options);
    if (server_err) {
        assert_int_equal(pair_start(&pair, server, client, NULL), RW_OK);
        assert_true(pair_until(&pair, pair_both_told));
        assert_int_equal(pair.server.open_err, server_err);
        /* In TLS 1.3 the client hears of it after its handshake. */
        assert_int_equal(pair.client.opened ? pair.client.end_err : pair.client.open_err, RW_ETLS);
    } else {
        struct rw_tls_info info;
        meet(&pair, server, client, NULL);
        assert_true(rw_tls_info(&pair.server.stream, &info));
        assert_int_equal(info.peer_verified, verified);
    }
    rw_tls_server_drop(server);
    rw_tls_client_drop(client);
    pair_close(&pair);
}

static void test_mutual(void **state)
{
    (void)state;
    mutual(RW_TLS_AUTH_REQUIRED, "client.pem", "client.key", RW_OK, true);
    mutual(RW_TLS_AUTH_REQUIRED, NULL, NULL, RW_EVERIFY, false);
    mutual(RW_TLS_AUTH_REQUIRED, "stranger.pem", "stranger.key", RW_EVERIFY, false);
    mutual(RW_TLS_AUTH_OPTIONAL, NULL, NULL, RW_OK, false);
    mutual(RW_TLS_AUTH_OPTIONAL, "client.pem", "client.key", RW_OK, true);
    mutual(RW_TLS_AUTH_OPTIONAL, "stranger.pem", "stranger.key", RW_EVERIFY, false);
    mutual(RW_TLS_AUTH_OFF, "client.pem", "client.key", RW_OK, false);
}

static void test_peer(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair);
    struct rw_tls_server *server =
        pair_server_with((struct rw_tls_server_options){.client_auth = RW_TLS_AUTH_REQUIRED,
                                                        .client_ca = pair_file("ca.pem")},
                         usual);
    struct rw_tls_client *client =
        pair_client_with((struct rw_tls_client_options){.name = RW_LITERAL("usual.example"),
                                                        .cert = pair_file("client.pem"),
                                                        .key = pair_file("client.key")});
    meet(&pair, server, client, NULL);
    struct rw_arena arena;
    struct rw_tls_peer peer;
    rw_arena_init(&arena, NULL, 0, 4096, 65536);
    assert_int_equal(rw_tls_peer(&pair.server.stream, &arena, &peer), RW_OK);
    assert_span(peer.subject, "CN=client,O=Ringway Tests");
    assert_span(peer.issuer, "CN=ca,O=Ringway Tests");
    assert_int_equal(peer.san_count, 3);
    assert_span(peer.sans[0], "URI:spiffe://example/agent");
    assert_span(peer.sans[1], "email:agent@client.example");
    assert_span(peer.sans[2], "DNS:client.example");
    assert_int_equal(peer.fingerprint.len, 64);
    assert_true(peer.serial.len >= 2);
    assert_true(peer.not_before < peer.not_after);
    rw_arena_free(&arena);
    rw_arena_init(&arena, NULL, 0, 64, 64);
    assert_int_equal(rw_tls_peer(&pair.server.stream, &arena, &peer), RW_ENOMEM);
    rw_arena_free(&arena);
    rw_tls_server_drop(server);
    rw_tls_client_drop(client);
    pair_close(&pair);
}

/* ---- Resumption ---- */

static bool resumes(struct pair *pair, struct rw_tls_server *server, struct rw_tls_client *client)
{
    struct rw_tls_info info, other;
    meet(pair, server, client, NULL);
    exchange_words(pair);
    rw_tls_info(&pair->server.stream, &info);
    rw_tls_info(&pair->client.stream, &other);
    assert_int_equal(info.resumed, other.resumed);
    pair_stop(pair);
    return info.resumed;
}

static void test_resumption(void **state)
{
    (void)state;
    static struct rw_tls_ticket_keys keys, unready;
    struct pair pair;
    pair_open(&pair);
    assert_int_equal(rw_tls_ticket_keys_init(&keys), RW_OK);
    assert_int_equal(rw_tls_ticket_keys_init(&keys), RW_OK);
    struct rw_tls_server *server = pair_server(usual, &keys), *reloaded = pair_server(many, &keys);
    struct rw_tls_client *client = pair_client("usual.example");
    assert_false(resumes(&pair, server, client));
    assert_true(resumes(&pair, server, client));
    assert_true(resumes(&pair, reloaded, client));
    for (int i = 0; i < 6; i++) {
        assert_int_equal(rw_tls_ticket_keys_rotate(&keys), RW_OK);
        assert_true(resumes(&pair, reloaded, client));
    }
    for (int i = 0; i < RW_TLS_TICKET_KEYS; i++)
        assert_int_equal(rw_tls_ticket_keys_rotate(&keys), RW_OK);
    assert_false(resumes(&pair, reloaded, client));
    rw_tls_server_drop(reloaded);
    rw_tls_server_drop(server);
    /* A server of other clients must not take it. */
    server = pair_server_with((struct rw_tls_server_options){.ticket_keys = &keys,
                                                             .client_auth = RW_TLS_AUTH_OPTIONAL,
                                                             .client_ca = pair_file("ca.pem")},
                              usual);
    assert_false(resumes(&pair, server, client));
    assert_true(resumes(&pair, server, client));
    rw_tls_server_drop(server);
    /* Keys that a dead writer left half-written: served, without tickets. */
    atomic_store(&unready.sequence, 7);
    server = pair_server(usual, &unready);
    assert_false(resumes(&pair, server, client));
    assert_false(resumes(&pair, server, client));
    rw_tls_server_drop(server);
    rw_tls_client_drop(client);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_1_3), cmocka_unit_test(test_sni),
        cmocka_unit_test(test_intermediate),  cmocka_unit_test(test_alpn),
        cmocka_unit_test(test_untrusted),     cmocka_unit_test(test_mutual),
        cmocka_unit_test(test_peer),          cmocka_unit_test(test_resumption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
