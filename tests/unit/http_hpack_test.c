/* HPACK: the examples of RFC 7541 appendix C, the edges of its grammar, what makes a message
 * malformed, the two tables, and every allocation failing in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "http/hpack.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 16 * 1024 };

/* A connection's receiving end, and the last block that it read. */
struct peer {
    struct rw_hpack_decoder decoder;
    struct rw_hpack_limits limits;
    struct rw_arena arena;
    struct rw_hpack_head head;
};

static void peer_begin(struct peer *peer)
{
    *peer = (struct peer){.limits = rw_hpack_limits_default};
    rw_hpack_decoder_init(&peer->decoder, RW_HPACK_TABLE_BYTES_DEFAULT);
    rw_arena_init(&peer->arena, NULL, 0, 1024, 1 << 20);
}

static void peer_end(struct peer *peer)
{
    rw_hpack_decoder_free(&peer->decoder);
    rw_arena_free(&peer->arena);
}

static enum rw_hpack_result receive(struct peer *peer, struct rw_span bytes)
{
    /* In a block of exactly its size. */
    char *block = malloc(bytes.len ? bytes.len : 1);
    assert_non_null(block);
    if (bytes.len)
        memcpy(block, bytes.at, bytes.len);
    rw_arena_free(&peer->arena);
    peer->head = (struct rw_hpack_head){0};
    enum rw_hpack_result result = rw_hpack_decode(
        &peer->decoder, &peer->limits, rw_span(block, bytes.len), &peer->arena, &peer->head);
    free(block);
    return result;
}

/* The block in hexadecimal digits. */
static enum rw_hpack_result receive_hex(struct peer *peer, const char *hex)
{
    char block[1024];
    size_t len = 0;
    unsigned byte;
    for (int used; sscanf(hex, " %2x%n", &byte, &used) == 1; hex += used)
        block[len++] = (char)byte;
    return receive(peer, rw_span(block, len));
}

/* The head as text: pseudo-header fields, then the others, one a line. */
static const char *told(const struct peer *peer)
{
    static const char *const names[] = {":method", ":scheme", ":authority",
                                        ":path",   ":status", ":protocol"};
    static char text[4096];
    size_t len = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < RW_PSEUDO_COUNT; i++)
        if (peer->head.pseudo_seen >> i & 1)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s: %.*s\n", names[i],
                                    RW_SPAN_ARGS(peer->head.pseudo[i]));
    for (unsigned i = 0; i < peer->head.count; i++) {
        const struct rw_field *field = &peer->head.fields[i];
        assert_int_equal(field->id, rw_field_id(field->name));
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s: %.*s\n",
                                RW_SPAN_ARGS(field->name), RW_SPAN_ARGS(field->value));
    }
    return text;
}

static void receives(struct peer *peer, const char *hex, const char *expected)
{
    assert_int_equal(receive_hex(peer, hex), RW_HPACK_OK);
    assert_null(peer->head.malformed);
    assert_string_equal(told(peer), expected);
}

static void refuses(const char *hex)
{
    struct peer peer;
    peer_begin(&peer);
    assert_int_equal(receive_hex(&peer, hex), RW_HPACK_ERROR);
    peer_end(&peer);
}

static void is_malformed(const char *hex, const char *reason)
{
    struct peer peer;
    peer_begin(&peer);
    assert_int_equal(receive_hex(&peer, hex), RW_HPACK_OK);
    assert_non_null(peer.head.malformed);
    assert_string_equal(peer.head.malformed, reason);
    peer_end(&peer);
}

/* ---- RFC 7541 appendix C ---- */

static void reads_single_fields(void **state)
{
    struct peer peer;
    (void)state;
    peer_begin(&peer);
    receives(&peer, "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
             "custom-key: custom-header\n");
    assert_int_equal(peer.decoder.table.bytes, 55);
    assert_false(peer.head.fields[0].sensitive);
    receives(&peer, "040c2f73616d706c652f70617468", ":path: /sample/path\n");
    receives(&peer, "100870617373776f726406736563726574", "password: secret\n");
    assert_true(peer.head.fields[0].sensitive);
    receives(&peer, "82", ":method: GET\n");
    assert_int_equal(peer.head.method, RW_METHOD_GET);
    assert_int_equal(peer.decoder.table.count, 1);
    peer_end(&peer);
}

static void reads_requests(void **state)
{
    static const char *const plain[] = {
        "828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565"};
    static const char *const huffman[] = {"828684418cf1e3c2e5f23a6ba0ab90f4ff",
                                          "828684be5886a8eb10649cbf",
                                          "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"};
    static const char *const expected[] = {
        ":method: GET\n:scheme: http\n:authority: www.example.com\n:path: /\n",
        ":method: GET\n:scheme: http\n:authority: www.example.com\n:path: /\n"
        "cache-control: no-cache\n",
        ":method: GET\n:scheme: https\n:authority: www.example.com\n:path: /index.html\n"
        "custom-key: custom-value\n"};
    static const unsigned bytes[] = {57, 110, 164};
    (void)state;
    for (unsigned way = 0; way < 2; way++) {
        struct peer peer;
        peer_begin(&peer);
        for (unsigned i = 0; i < 3; i++) {
            receives(&peer, way ? huffman[i] : plain[i], expected[i]);
            assert_int_equal(peer.decoder.table.bytes, bytes[i]);
        }
        peer_end(&peer);
    }
}

/* With a table of 256 bytes, so that entries are evicted. */
static void reads_responses(void **state)
{
    static const char *const plain[] = {
        "3fe101 4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a32"
        "3120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        "4803333037c1c0bf",
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f"
        "6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b"
        "2076657273696f6e3d31"};
    static const char *const huffman[] = {
        "3fe101 488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad"
        "171863c78f0b97c8e9ae82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335"
        "dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"};
    static const char *const expected[] = {
        ":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\n"
        "location: https://www.example.com\n",
        ":status: 307\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\n"
        "location: https://www.example.com\n",
        ":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\n"
        "location: https://www.example.com\ncontent-encoding: gzip\n"
        "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n"};
    static const unsigned bytes[] = {222, 222, 215};
    static const unsigned statuses[] = {302, 307, 200};
    (void)state;
    for (unsigned way = 0; way < 2; way++) {
        struct peer peer;
        peer_begin(&peer);
        rw_hpack_decoder_acknowledged(&peer.decoder, 256);
        for (unsigned i = 0; i < 3; i++) {
            receives(&peer, way ? huffman[i] : plain[i], expected[i]);
            assert_int_equal(peer.decoder.table.bytes, bytes[i]);
            assert_int_equal(peer.head.status, statuses[i]);
        }
        peer_end(&peer);
    }
}

/* ---- What is no header block ---- */

static void refuses_bad_blocks(void **state)
{
    (void)state;
    refuses("80");             /* index 0 */
    refuses("be");             /* beyond the table */
    refuses("7e0161");         /* a name beyond the table */
    refuses("ff");             /* an integer cut off */
    refuses("ffffffffff7f");   /* past 32 bits */
    refuses("ff8080808010");   /* 2^32 and more */
    refuses("ff808080808000"); /* longer than any integer of 32 bits */
    refuses("40");             /* no name */
    refuses("400161");         /* no value */
    refuses("40016105");       /* a value cut off */
    refuses("4003616220");     /* a name cut off */
    refuses("0485ffffffffff"); /* EOS */
    refuses("0482ffff");       /* padding of more than seven bits */
    refuses("048100");         /* padding of zeros */
    refuses("0481fe");         /* padding not of ones alone */
    refuses("3fe21f");         /* a table larger than announced: 4097 */
    refuses("8220");           /* a size update behind a field */
    refuses("3f");             /* a size update cut off */
}

static void accepts_edges(void **state)
{
    struct peer peer;
    (void)state;
    peer_begin(&peer);
    receives(&peer, "", "");
    receives(&peer, "203fe11f82", ":method: GET\n"); /* down to nothing and up again */
    receives(&peer, "3fe11f", "");                   /* nothing but an update */
    receives(&peer, "0f0400", "accept: \n");         /* index 19 in two bytes */
    peer_end(&peer);
}

static void wants_the_update(void **state)
{
    struct peer peer;
    (void)state;
    peer_begin(&peer);
    receives(&peer, "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
             "custom-key: custom-header\n");
    rw_hpack_decoder_acknowledged(&peer.decoder, 0);
    assert_int_equal(peer.decoder.table.count, 0);
    assert_int_equal(receive_hex(&peer, "82"), RW_HPACK_ERROR);
    peer_end(&peer);
}

static void allows_a_larger_table(void **state)
{
    struct peer peer;
    (void)state;
    peer_begin(&peer);
    rw_hpack_decoder_acknowledged(&peer.decoder, 8192);
    assert_int_equal(peer.decoder.table.bytes_max, 4096);
    receives(&peer, "3fe13f82", ":method: GET\n");
    assert_int_equal(peer.decoder.table.bytes_max, 8192);
    assert_int_equal(receive_hex(&peer, "3fe23f82"), RW_HPACK_ERROR);
    peer_end(&peer);
}

static void finds_malformed_messages(void **state)
{
    (void)state;
    is_malformed("00000130", "a field without a name");
    is_malformed("00014100", "invalid character in a field name");
    is_malformed("00815300", "invalid character in a field name"); /* a blank, by Huffman */
    is_malformed("00033a616200", "unknown pseudo-header field");
    is_malformed("b9", "connection-specific field");
    is_malformed("000a636f6e6e656374696f6e00", "connection-specific field");
    is_malformed("0001610100", "invalid character in a field value");
    is_malformed("000161022061", "blank at the edge of a field value");
    is_malformed("000161026120", "blank at the edge of a field value");
    is_malformed("0002746504677a6970", "TE other than trailers");
    is_malformed("8282", "pseudo-header field given twice");
    is_malformed("9082", "pseudo-header field behind regular ones");
    is_malformed("0203612062", "method is not a token");
    is_malformed("080132", "status is not of three digits");
    is_malformed("080332302f", "status is not of three digits");
}

static void keeps_the_fault_of_an_entry(void **state)
{
    struct peer peer;
    (void)state;
    peer_begin(&peer);
    receives(&peer, "0002746508747261696c657273", "te: trailers\n");
    assert_true(peer.head.fields[0].hop);
    assert_int_equal(receive_hex(&peer, "4001610100"), RW_HPACK_OK);
    assert_non_null(peer.head.malformed);
    assert_int_equal(receive_hex(&peer, "be"), RW_HPACK_OK);
    assert_non_null(peer.head.malformed);
    /* Its name was not at fault. */
    receives(&peer, "0f2f0162", "a: b\n");
    assert_int_equal(receive_hex(&peer, "4001410162"), RW_HPACK_OK);
    assert_int_equal(receive_hex(&peer, "0f2f0162"), RW_HPACK_OK);
    assert_non_null(peer.head.malformed);
    peer_end(&peer);
}

static void goes_on_past_its_limits(void **state)
{
    struct peer peer;
    (void)state;
    peer_begin(&peer);
    peer.limits.list_bytes_max = 42 + 34 * 2;
    assert_int_equal(receive_hex(&peer, "8200016101620001610162400161016382"), RW_HPACK_OK);
    assert_true(peer.head.too_large);
    assert_int_equal(peer.head.count, 2);
    assert_int_equal(peer.head.list_bytes, 42 + 34 * 2);
    receives(&peer, "be", "a: c\n");
    peer.limits.fields_max = 1;
    assert_int_equal(receive_hex(&peer, "bebe"), RW_HPACK_OK);
    assert_true(peer.head.too_large);
    assert_string_equal(told(&peer), "a: c\n");
    peer_end(&peer);
}

/* More fields than there is room for at first, and a text larger than a block of the arena. */
static void takes_what_room_it_needs(void **state)
{
    enum { FIELDS = 100, LARGE = 5000 };
    static char block[BLOCK_BYTES];
    struct peer peer;
    char *at = block;
    (void)state;
    peer_begin(&peer);
    for (unsigned i = 0; i < FIELDS; i++)
        at += sprintf(at, "%c\x05%05u\x03xyz", 0, i);
    *at++ = 0;
    memcpy(at, "\x01y\x7f\x89\x26", 5); /* 127 + 9 + 38 * 128 = 5000 bytes */
    memset(at + 5, 'v', LARGE);
    at += 5 + LARGE;
    at += sprintf(at, "%c\x01z\x01z", 0);
    assert_int_equal(receive(&peer, rw_span(block, (size_t)(at - block))), RW_HPACK_OK);
    assert_int_equal(peer.head.count, FIELDS + 2);
    for (unsigned i = 0; i < FIELDS; i++) {
        char name[8];
        sprintf(name, "%05u", i);
        assert_true(rw_span_is(peer.head.fields[i].name, name));
        assert_true(rw_span_is(peer.head.fields[i].value, "xyz"));
    }
    assert_int_equal(peer.head.fields[FIELDS].value.len, LARGE);
    assert_true(rw_span_is(peer.head.fields[FIELDS + 1].value, "z"));
    peer_end(&peer);
}

/* ---- The encoder ---- */

/* A connection: what the encoder writes the peer reads. */
struct sender {
    struct rw_hpack_encoder encoder;
    struct peer peer;
    char block[BLOCK_BYTES];
    char *at;
};

static void sender_begin(struct sender *sender)
{
    rw_hpack_encoder_init(&sender->encoder, RW_HPACK_TABLE_BYTES_DEFAULT);
    peer_begin(&sender->peer);
    sender->at = sender->block;
}

static void sender_end(struct sender *sender)
{
    rw_hpack_encoder_free(&sender->encoder);
    peer_end(&sender->peer);
}

static void put(struct sender *sender, const char *name, const char *value, bool sensitive)
{
    struct rw_span name_text = rw_span_text(name), value_text = rw_span_text(value);
    char *end = rw_hpack_encode_field(&sender->encoder, sender->at, rw_field_id(name_text),
                                      name_text, value_text, sensitive);
    assert_true(end > sender->at &&
                (size_t)(end - sender->at) <= rw_hpack_bound(name_text, value_text));
    sender->at = end;
}

/* The peer reads what was written; how many bytes that were. */
static size_t send_block(struct sender *sender, const char *expected)
{
    size_t len = (size_t)(sender->at - sender->block);
    assert_int_equal(receive(&sender->peer, rw_span(sender->block, len)), RW_HPACK_OK);
    assert_null(sender->peer.head.malformed);
    if (expected)
        assert_string_equal(told(&sender->peer), expected);
    sender->at = sender->block;
    return len;
}

static void put_response(struct sender *sender)
{
    sender->at = rw_hpack_encode_status(&sender->encoder, sender->at, 200);
    put(sender, "Server", "ringway", false);
    put(sender, "Date", "Mon, 21 Oct 2013 20:13:21 GMT", false);
    put(sender, "Content-Type", "application/json", false);
    put(sender, "X-Frame-Options", "DENY", false);
}

static void indexes_what_repeats(void **state)
{
    static const char expected[] = ":status: 200\nserver: ringway\n"
                                   "date: Mon, 21 Oct 2013 20:13:21 GMT\n"
                                   "content-type: application/json\nx-frame-options: DENY\n";
    struct sender sender;
    size_t bytes[3];
    (void)state;
    sender_begin(&sender);
    for (unsigned i = 0; i < 3; i++) {
        put_response(&sender);
        bytes[i] = send_block(&sender, expected);
    }
    assert_true(bytes[0] > bytes[1] && bytes[1] > bytes[2]);
    assert_int_equal(bytes[2], 5);
    sender_end(&sender);
}

static void keeps_secrets_out_of_tables(void **state)
{
    struct sender sender;
    (void)state;
    sender_begin(&sender);
    for (unsigned i = 0; i < 3; i++) {
        put(&sender, "authorization", "Bearer abcdef", false);
        put(&sender, "cookie", "a=b", false);
        put(&sender, "x-key", "secret", true);
        put(&sender, "server", "secret", true);
        send_block(&sender, "authorization: Bearer abcdef\ncookie: a=b\nx-key: secret\n"
                            "server: secret\n");
        assert_int_equal(sender.peer.head.count, 4);
        rw_assert(sender.peer.head.fields);
        for (unsigned k = 0; k < 4; k++)
            assert_true(sender.peer.head.fields[k].sensitive);
    }
    assert_int_equal(sender.encoder.table.count, 0);
    sender_end(&sender);
}

/* A value that is new every time costs no entry, but its name is written out only once. */
static void refers_to_names(void **state)
{
    static const char *const names[] = {"X-Request-Id", "X-Unknown-To-Us", "Content-Length",
                                        "Content-Language"};
    (void)state;
    for (unsigned n = 0; n < 4; n++) {
        struct sender sender;
        size_t bytes = 0;
        sender_begin(&sender);
        for (unsigned i = 0; i < 100; i++) {
            char value[24];
            snprintf(value, sizeof(value), "%u", 10000 + i);
            put(&sender, names[n], value, false);
            bytes = send_block(&sender, NULL);
            rw_assert(sender.peer.head.fields);
            assert_true(rw_span_is(sender.peer.head.fields[0].value, value));
            assert_true(rw_span_is_nocase(sender.peer.head.fields[0].name, names[n]));
        }
        assert_true(bytes <= 8);
        assert_true(sender.encoder.table.count <= 1);
        sender_end(&sender);
    }
}

static void follows_the_peers_table_size(void **state)
{
    struct sender sender;
    (void)state;
    sender_begin(&sender);
    put_response(&sender);
    send_block(&sender, NULL);
    rw_hpack_encoder_limit(&sender.encoder, 0);
    rw_hpack_decoder_acknowledged(&sender.peer.decoder, 0);
    put_response(&sender);
    send_block(&sender, NULL);
    assert_int_equal(sender.encoder.table.count, 0);
    rw_hpack_encoder_limit(&sender.encoder, 100);
    rw_hpack_encoder_limit(&sender.encoder, 1 << 20);
    rw_hpack_decoder_acknowledged(&sender.peer.decoder, 1 << 20);
    put_response(&sender);
    send_block(&sender, NULL);
    assert_int_equal(sender.peer.decoder.table.bytes_max, RW_HPACK_TABLE_BYTES_DEFAULT);
    assert_int_equal(sender.peer.decoder.table.count, sender.encoder.table.count);
    sender_end(&sender);
}

static void obeys_its_own_limit(void **state)
{
    struct sender sender;
    (void)state;
    sender_begin(&sender);
    rw_hpack_encoder_init(&sender.encoder, 0);
    for (unsigned i = 0; i < 3; i++) {
        put_response(&sender);
        send_block(&sender, NULL);
    }
    assert_null(sender.encoder.memory);
    assert_null(sender.peer.decoder.table.entries);
    assert_int_equal(sender.peer.decoder.table.bytes_max, 0);
    sender_end(&sender);
}

static void put_random_field(struct sender *sender, unsigned *seed, char *expected, size_t *len)
{
    static const char *const names[] = {"server", "x-a", "x-b",    "content-type", "date",
                                        "etag",   "via", "accept", "link",         "traceparent"};
    unsigned random = (unsigned)rand_r(seed);
    const char *name = names[random % 10];
    char value[400];
    unsigned value_len = random % 7 ? random / 16 % 24 : random / 16 % sizeof(value);
    unsigned kind = random / 1024 % 6;
    for (unsigned i = 0; i < value_len; i++)
        value[i] = (char)(kind == 0 ? '{' : 'a' + (kind + i) % 26);
    value[value_len < sizeof(value) ? value_len : sizeof(value) - 1] = '\0';
    put(sender, name, value, random % 100 == 0);
    *len += (size_t)sprintf(expected + *len, "%s: %s\n", name, value);
}

/* Tables that grow, evict, and change their size, on both sides alike. */
static void agrees_with_itself(void **state)
{
    struct sender sender;
    unsigned seed = 7;
    (void)state;
    sender_begin(&sender);
    for (unsigned round = 0; round < 2000; round++) {
        static char expected[BLOCK_BYTES];
        size_t len = 0;
        expected[0] = '\0';
        if (round % 50 == 49)
            rw_hpack_encoder_limit(&sender.encoder, (uint32_t)rand_r(&seed) % 5000);
        for (unsigned i = 0; i < 9; i++)
            put_random_field(&sender, &seed, expected, &len);
        send_block(&sender, expected);
        assert_int_equal(sender.encoder.table.count, sender.peer.decoder.table.count);
        assert_int_equal(sender.encoder.table.bytes, sender.peer.decoder.table.bytes);
    }
    sender_end(&sender);
}

/* ---- Allocation failures ---- */

static void decodes_or_says_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 0;; n++) {
        struct peer peer;
        peer_begin(&peer);
        rw_alloc_fail_after(n);
        enum rw_hpack_result result =
            receive_hex(&peer, "400a637573746f6d2d6b65790d637573746f6d2d686561646572be");
        rw_alloc_fail_never();
        peer_end(&peer);
        if (result == RW_HPACK_OK) {
            assert_true(n > 1);
            return;
        }
        assert_int_equal(result, RW_HPACK_NO_MEMORY);
    }
}

/* Each allocation of the encoder fails in turn: what it writes is right, only longer. */
static void encodes_without_memory(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 8; n++) {
        struct sender sender;
        unsigned seed = 11;
        sender_begin(&sender);
        for (unsigned round = 0; round < 40; round++) {
            static char expected[BLOCK_BYTES];
            size_t len = 0;
            expected[0] = '\0';
            rw_alloc_fail_once(round == n * 4 ? 0 : UINT64_MAX);
            for (unsigned i = 0; i < 6; i++)
                put_random_field(&sender, &seed, expected, &len);
            rw_alloc_fail_never();
            send_block(&sender, expected);
        }
        rw_alloc_fail_after(0);
        put_response(&sender);
        rw_alloc_fail_never();
        send_block(&sender, NULL);
        sender_end(&sender);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_single_fields),
        cmocka_unit_test(reads_requests),
        cmocka_unit_test(reads_responses),
        cmocka_unit_test(refuses_bad_blocks),
        cmocka_unit_test(accepts_edges),
        cmocka_unit_test(wants_the_update),
        cmocka_unit_test(allows_a_larger_table),
        cmocka_unit_test(finds_malformed_messages),
        cmocka_unit_test(keeps_the_fault_of_an_entry),
        cmocka_unit_test(goes_on_past_its_limits),
        cmocka_unit_test(takes_what_room_it_needs),
        cmocka_unit_test(indexes_what_repeats),
        cmocka_unit_test(keeps_secrets_out_of_tables),
        cmocka_unit_test(refers_to_names),
        cmocka_unit_test(follows_the_peers_table_size),
        cmocka_unit_test(obeys_its_own_limit),
        cmocka_unit_test(agrees_with_itself),
        cmocka_unit_test(decodes_or_says_no_memory),
        cmocka_unit_test(encodes_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
