/* What a listener's TLS configuration becomes. */
#include "gate/snapshot_tls.h"
#include "io/tls_internal.h"
#include "support/tls_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void takeover_is(bool wanted)
{
    static struct rw_tls_ticket_keys keys;
    struct rw_config_certificate certificate = {.cert = pair_file("usual.pem"),
                                                .key = pair_file("usual.key")};
    struct rw_config_tls_server config = {
        .certificates = {.items = &certificate, .count = 1}, .tickets = true, .takeover = wanted};
    int protocols[] = {RW_PROTOCOL_HTTP2, RW_PROTOCOL_HTTP1};
    struct rw_config_listener listener = {.tls = &config,
                                          .protocols = {.items = protocols, .count = 2}};
    struct rw_conf_report report = {0};
    struct rw_tls_server *server = NULL;
    assert_int_equal(rw_snapshot_tls_server(&listener, &keys, &report, NULL, &server), RW_OK);
    assert_non_null(server);
    assert_int_equal(server->takeover, wanted);
    assert_ptr_equal(server->ticket_keys, &keys);
    assert_int_equal(server->alpn_bytes, 12);
    assert_memory_equal(server->alpn, "\2h2\10http/1.1", 12);
    rw_tls_server_drop(server);
}

static void test_takeover(void **state)
{
    (void)state;
    takeover_is(true);
    takeover_is(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_takeover)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
