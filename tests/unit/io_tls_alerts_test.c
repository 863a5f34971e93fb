/* A TLS 1.3 connection taken over from libssl, against records made by hand: all that RFC 8446
 * (sections 4.6, 5, 6, 7.2) says must not be let through, and with which alert. */
#include "support/tls_pair.h"
#include "support/tls_peer.h"

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

static void expect_alert(unsigned char alert)
{
    const unsigned char want[] = {2, alert};
    peer_expect(&peer, RECORDS_ALERT, want, 2);
    peer_expect_nothing(&peer);
    assert_true(peer.ended);
    assert_int_equal(peer.end_err, RW_ETLS);
    assert_string_not_equal(rw_tls_error_text(&peer.stream), "");
    assert_int_equal(peer_server_send(&peer, "no", 2), RW_SEND_FAILED);
}

/* ---- Bad records, each with the alert that it earns ---- */

static void forged(void)
{
    unsigned char record[64];
    size_t bytes = records_seal(&peer.send, RECORDS_DATA, "x", 1, 0, record);
    record[bytes - 1] ^= 1;
    peer_write(&peer, record, bytes);
}

static void forged_header(void)
{
    unsigned char record[64];
    size_t bytes = records_seal(&peer.send, RECORDS_DATA, "x", 1, 0, record);
    record[2] = 1;
    peer_write(&peer, record, bytes);
}

static void replayed(void)
{
    unsigned char record[64];
    size_t bytes = records_seal(&peer.send, RECORDS_DATA, "x", 1, 0, record);
    peer_write(&peer, record, bytes);
    peer_write(&peer, record, bytes);
}

static void out_of_order(void)
{
    unsigned char record[64];
    (void)records_seal(&peer.send, RECORDS_DATA, "x", 1, 0, record);
    peer_record(&peer, RECORDS_DATA, "y", 1);
}

static void old_key(void)
{
    struct records_side old = peer.send;
    peer_record(&peer, RECORDS_HANDSHAKE, update, 5);
    old.sequence++;
    peer.send = old;
    peer_record(&peer, RECORDS_DATA, "y", 1);
}

static void too_short(void)
{
    peer_write(&peer,
               "\x17\x03\x03\x00\x10"
               "0123456789abcdef",
               21);
}

static void too_long(void)
{
    peer_write(&peer, "\x17\x03\x03\x41\x01", 5);
}

/* Authentic, but more than 2^14 of text. */
static void too_much_text(void)
{
    static unsigned char record[RECORDS_BYTES_MAX];
    size_t bytes = records_seal(&peer.send, RECORDS_DATA, text, 16385, 0, record);
    peer_write(&peer, record, bytes);
}

static void too_much_padding(void)
{
    static unsigned char record[RECORDS_BYTES_MAX];
    size_t bytes = records_seal(&peer.send, RECORDS_DATA, "x", 1, 16384, record);
    peer_write(&peer, record, bytes);
}

static void nothing_but_padding(void)
{
    static const unsigned char zeros[100];
    unsigned char record[256];
    peer_write(&peer, record, records_seal_inner(&peer.send, zeros, sizeof(zeros), record));
}

static void one_zero(void)
{
    unsigned char record[64];
    peer_write(&peer, record, records_seal_inner(&peer.send, (const unsigned char *)"", 1, record));
}

static void plain_change_cipher_spec(void)
{
    peer_write(&peer, "\x14\x03\x03\x00\x01\x01", 6);
}

static void plain_alert(void)
{
    peer_write(&peer, "\x15\x03\x03\x00\x02\x01\x00", 7);
}

static void plain_data_type_unknown(void)
{
    peer_write(&peer, "GET / HTTP/1.1\r\n\r\n", 18);
}

static void inner_change_cipher_spec(void)
{
    peer_record(&peer, 20, "\x01", 1);
}

static void inner_unknown(void)
{
    peer_record(&peer, 99, "?", 1);
}

static void empty_alert(void)
{
    peer_record(&peer, RECORDS_ALERT, "", 0);
}

static void half_alert(void)
{
    peer_record(&peer, RECORDS_ALERT, "\x02", 1);
}

static void two_alerts(void)
{
    peer_record(&peer, RECORDS_ALERT, "\x01\x5a\x01\x00", 4);
}

static void empty_handshake(void)
{
    peer_record(&peer, RECORDS_HANDSHAKE, "", 0);
}

static void client_hello(void)
{
    peer_record(&peer, RECORDS_HANDSHAKE, "\x01\0\0\2\3\3", 6);
}

static void hello_request(void)
{
    peer_record(&peer, RECORDS_HANDSHAKE, "\0\0\0\0", 4);
}

static void new_session_ticket(void)
{
    static const unsigned char ticket[200] = {4, 0, 0, 196};
    peer_record(&peer, RECORDS_HANDSHAKE, ticket, sizeof(ticket));
}

static void certificate_request(void)
{
    peer_record(&peer, RECORDS_HANDSHAKE, "\x0d\0\0\1\0", 5);
}

static void end_of_early_data(void)
{
    peer_record(&peer, RECORDS_HANDSHAKE, "\x05\0\0\0", 4);
}

static void finished(void)
{
    static const unsigned char message[36] = {20, 0, 0, 32};
    peer_record(&peer, RECORDS_HANDSHAKE, message, sizeof(message));
}

static void update_with_bad_request(void)
{
    peer_record(&peer, RECORDS_HANDSHAKE, "\x18\0\0\1\2", 5);
}

static void update_with_bad_length(void)
{
    peer_record(&peer, RECORDS_HANDSHAKE, "\x18\0\0\2\0", 5);
}

static void update_and_more(void)
{
    peer_record(&peer, RECORDS_HANDSHAKE, "\x18\0\0\1\0\x18\0\0\1\0", 10);
}

static void update_interleaved(void)
{
    peer_record(&peer, RECORDS_HANDSHAKE, update, 3);
    peer_record(&peer, RECORDS_DATA, "x", 1);
}

static void update_and_more_in_fragments(void)
{
    peer_record(&peer, RECORDS_HANDSHAKE, update, 3);
    peer_record(&peer, RECORDS_HANDSHAKE, "\1\0\x18", 3);
}

static void updates_for_ever(void)
{
    for (int i = 0; i < 40; i++) {
        peer_record(&peer, RECORDS_HANDSHAKE, update_asked, 5);
        records_update(&peer.send);
    }
}

static void empty_records_for_ever(void)
{
    for (int i = 0; i < 40; i++)
        peer_record(&peer, RECORDS_DATA, "", 0);
}

static void warnings_for_ever(void)
{
    for (int i = 0; i < 40; i++)
        peer_record(&peer, RECORDS_ALERT, "\x01\x5a", 2);
}

static void mixture_for_ever(void)
{
    for (int i = 0; i < 14; i++) {
        peer_record(&peer, RECORDS_ALERT, "\x01\x5a", 2);
        peer_record(&peer, RECORDS_DATA, "", 0);
        peer_record(&peer, RECORDS_HANDSHAKE, update, 5);
        records_update(&peer.send);
    }
}

static const struct bad {
    const char *name;
    void (*send)(void);
    unsigned char alert;
} bads[] = {
    {"forged", forged, 20},
    {"forged_header", forged_header, 20},
    {"replayed", replayed, 20},
    {"out_of_order", out_of_order, 20},
    {"old_key", old_key, 20},
    {"too_short", too_short, 20},
    {"too_long", too_long, 22},
    {"too_much_text", too_much_text, 22},
    {"too_much_padding", too_much_padding, 22},
    {"nothing_but_padding", nothing_but_padding, 10},
    {"one_zero", one_zero, 10},
    {"plain_change_cipher_spec", plain_change_cipher_spec, 10},
    {"plain_alert", plain_alert, 10},
    {"plain_data_type_unknown", plain_data_type_unknown, 10},
    {"inner_change_cipher_spec", inner_change_cipher_spec, 10},
    {"inner_unknown", inner_unknown, 10},
    {"empty_alert", empty_alert, 10},
    {"half_alert", half_alert, 50},
    {"two_alerts", two_alerts, 50},
    {"empty_handshake", empty_handshake, 10},
    {"client_hello", client_hello, 10},
    {"hello_request", hello_request, 10},
    {"new_session_ticket", new_session_ticket, 10},
    {"certificate_request", certificate_request, 10},
    {"end_of_early_data", end_of_early_data, 10},
    {"finished", finished, 10},
    {"update_with_bad_request", update_with_bad_request, 47},
    {"update_with_bad_length", update_with_bad_length, 50},
    {"update_and_more", update_and_more, 10},
    {"update_interleaved", update_interleaved, 10},
    {"update_and_more_in_fragments", update_and_more_in_fragments, 10},
    {"updates_for_ever", updates_for_ever, 10},
    {"empty_records_for_ever", empty_records_for_ever, 10},
    {"warnings_for_ever", warnings_for_ever, 10},
    {"mixture_for_ever", mixture_for_ever, 10},
};

/* What came before is delivered, what comes behind is not. */
static void test_bad_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++)
        for (size_t split = 0; split < 8; split += 7) {
            struct peer_options options = {.ciphers = all_ciphers[i % 3]};
            print_message("%s\n", bads[i].name);
            peer_open_taken(&peer, server, &options);
            peer.split = split;
            peer_record(&peer, RECORDS_DATA, "before", 6);
            bads[i].send();
            peer_record(&peer, RECORDS_DATA, "behind", 6);
            expect_alert(bads[i].alert);
            assert_memory_equal(peer.text, "before", 6);
            assert_true(peer.received == 6 || (peer.received == 7 && peer.text[6] == 'x'));
            peer_close(&peer);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bad_records)};
    signal(SIGPIPE, SIG_IGN);
    rw_tls_settle_ms = 0;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
