/* What rw_tls_server_create and rw_tls_client_create say about files that are wrong. */
#include "support/tls_pair.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static enum rw_err create(const char *cert, const char *key, bool tolerate, struct rw_text *why)
{
    struct rw_tls_certificate_files files = {pair_file(cert), pair_file(key)};
    struct rw_tls_server_options options = {
        .certificates = &files, .certificate_count = 1, .tolerate_dates = tolerate};
    struct rw_tls_server *server = NULL;
    enum rw_err err = rw_tls_server_create(&options, &server, why);
    assert_int_equal(err == RW_OK, server != NULL);
    rw_tls_server_drop(server);
    return err;
}

static void complains(const char *cert, const char *key, enum rw_err want, const char *file,
                      const char *message)
{
    struct rw_text why = {0};
    assert_int_equal(create(cert, key, false, &why), want);
    assert_non_null(why.at);
    if (!strstr(why.at, message) || !strstr(why.at, file))
        fail_msg("\"%s\" does not say \"%s: %s\"", why.at, file, message);
    rw_text_free(&why);
}

static void test_files(void **state)
{
    (void)state;
    complains("absent.pem", "usual.key", RW_ENOENT, "absent.pem", "cannot be read: not found");
    complains("usual.pem", "absent.key", RW_ENOENT, "absent.key", "cannot be read: not found");
    complains("empty.pem", "usual.key", RW_EINVAL, "empty.pem", "no certificate in it");
    complains("usual.pem", "empty.pem", RW_EINVAL, "empty.pem", "no private key in it");
    complains("usual.pem", "usual.pem", RW_EINVAL, "usual.pem", "no private key in it");
    complains("broken.pem", "usual.key", RW_EINVAL, "broken.pem", "malformed");
    complains("usual.pem", "locked.key", RW_EINVAL, "locked.key", "pass phrase");
    complains("usual.pem", "client.key", RW_EINVAL, "usual.pem", "does not match the key in");
    complains("usual.pem", "exact-rsa.key", RW_EINVAL, "usual.pem", "does not match the key in");
    if (geteuid() != 0) {
        rw_assert(chmod(pair_file("stranger.key").at, 0) == 0);
        complains("stranger.pem", "stranger.key", RW_EACCES, "stranger.key", "permission denied");
    }
}

static void test_all_are_named(void **state)
{
    (void)state;
    struct rw_text why = {0};
    struct rw_tls_certificate_files files[] = {
        {pair_file("absent.pem"), pair_file("usual.key")},
        {pair_file("usual.pem"), pair_file("usual.key")},
        {pair_file("expired.pem"), pair_file("client.key")},
    };
    struct rw_tls_server_options options = {.certificates = files, .certificate_count = 3};
    struct rw_tls_server *server;
    assert_int_not_equal(rw_tls_server_create(&options, &server, &why), RW_OK);
    assert_non_null(strstr(why.at, "absent.pem"));
    assert_non_null(strstr(why.at, "expired.pem: the certificate does not match"));
    assert_null(strstr(why.at, "usual.pem"));
    rw_text_free(&why);
}

static void test_unfit(void **state)
{
    (void)state;
    struct rw_text why = {0};
    complains("expired.pem", "expired.key", RW_EINVAL, "expired.pem", "expired on 20");
    complains("nameless.pem", "nameless.key", RW_EINVAL, "nameless.pem",
              "no subject alternative name");
    assert_int_equal(create("expired.pem", "expired.key", true, &why), RW_OK);
    assert_non_null(strstr(why.at, "expired on 20"));
    rw_text_free(&why);
}

static void test_options(void **state)
{
    (void)state;
    struct rw_tls_certificate_files files = {pair_file("usual.pem"), pair_file("usual.key")};
    const struct rw_tls_server_options good = {.certificates = &files, .certificate_count = 1};
    struct rw_tls_server_options bad[6] = {good, good, good, good, good, good};
    static const struct rw_span nothing[] = {{"", 0}};
    bad[0].certificate_count = 0;
    bad[1].ciphers = RW_LITERAL("NO-SUCH-CIPHER");
    bad[2].client_auth = RW_TLS_AUTH_REQUIRED;
    bad[3].ticket_count = 100;
    bad[4].alpn = nothing;
    bad[4].alpn_count = 1;
    bad[5].client_auth = RW_TLS_AUTH_OPTIONAL;
    bad[5].client_ca = pair_file("empty.pem");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct rw_text why = {0};
        struct rw_tls_server *server;
        assert_int_equal(rw_tls_server_create(&bad[i], &server, &why), RW_EINVAL);
        rw_text_free(&why);
    }
    struct rw_text why = {0};
    struct rw_tls_client *client;
    struct rw_tls_client_options half = {.cert = pair_file("client.pem")};
    assert_int_equal(rw_tls_client_create(&half, &client, &why), RW_EINVAL);
    assert_non_null(strstr(why.at, "needs both"));
    rw_text_free(&why);
    struct rw_tls_client_options absent = {.ca = pair_file("absent.pem")};
    assert_int_equal(rw_tls_client_create(&absent, &client, &why), RW_ENOENT);
    rw_text_free(&why);
}

/* Each of our allocations fails once; whatever comes of it, nothing leaks and nothing is half made.
 */
static void test_allocation_failures(void **state)
{
    (void)state;
    static const struct rw_span alpn[] = {RW_LITERAL("h2")};
    struct rw_tls_certificate_files files = {pair_file("usual.pem"), pair_file("usual.key")};
    struct rw_tls_server_options options = {.certificates = &files,
                                            .certificate_count = 1,
                                            .alpn = alpn,
                                            .alpn_count = 1,
                                            .ciphers = RW_LITERAL("ECDHE+AESGCM")};
    struct rw_tls_client_options client_options = {
        .ca = pair_file("ca.pem"), .name = RW_LITERAL("a"), .alpn = alpn, .alpn_count = 1};
    for (uint64_t successes = 0, failures = 1; failures; successes++) {
        struct rw_text why = {0};
        struct rw_tls_server *server = NULL;
        struct rw_tls_client *client = NULL;
        rw_alloc_fail_after(successes);
        enum rw_err server_err = rw_tls_server_create(&options, &server, &why);
        enum rw_err client_err = rw_tls_client_create(&client_options, &client, &why);
        rw_alloc_fail_never();
        assert_true(server_err == RW_OK || server_err == RW_ENOMEM);
        assert_true(client_err == RW_OK || client_err == RW_ENOMEM);
        failures = server_err || client_err;
        rw_tls_server_drop(server);
        rw_tls_client_drop(client);
        rw_text_free(&why);
        assert_true(successes < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_all_are_named),
        cmocka_unit_test(test_unfit),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
