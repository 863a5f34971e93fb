/* The PROXY protocol against the examples and limits of its specification. */
#include "http/proxy_protocol.h"
#include "io/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define INET "\300\0\2\1\306\63\144\1\334\4\1\273" /* 192.0.2.1:56324 to 198.51.100.1:443 */

static struct rw_proxy_header header;
static const char *reason;

static enum rw_proxy_result parse(const char *at, size_t len)
{
    return rw_proxy_parse(rw_span(at, len), &header, &reason);
}

#define PARSE(text) parse(text, sizeof(text) - 1)

static void assert_address(const struct sockaddr_storage *address, const char *expected)
{
    char text[RW_ADDRESS_TEXT_MAX];
    size_t len = rw_address_format(text, address);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(text, expected, len);
}

static void text_form(void **unused)
{
    (void)unused;
    assert_int_equal(PARSE("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n"),
                     RW_PROXY_COMPLETE);
    assert_int_equal(header.bytes, 45);
    assert_false(header.local);
    assert_address(&header.source, "192.0.2.1:56324");
    assert_address(&header.destination, "198.51.100.1:443");
    assert_int_equal(PARSE("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n"), RW_PROXY_COMPLETE);
    assert_address(&header.source, "[2001:db8::1]:0");
    assert_int_equal(PARSE("PROXY UNKNOWN\r\n"), RW_PROXY_COMPLETE);
    assert_true(header.local);
    assert_int_equal(PARSE("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"),
                     RW_PROXY_COMPLETE);
    assert_true(header.local);
}

static void text_that_is_refused(void **unused)
{
    (void)unused;
    static const char *const lines[] = {
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324 65536\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 056324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n",
        "PROXY TCP4 192.0.2.1  198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 \r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n",
        "PROXY TCP4 ::1 198.51.100.1 56324 443\r\n",
        "PROXY TCP6 192.0.2.1 ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.1 56324 443\r\n",
        "PROXY UDP4 192.0.2.1 198.51.100.1 56324 443\r\n",
        "PROXY tcp4 192.0.2.1 198.51.100.1 56324 443\r\n",
        "PROXY \r\n",
        ("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 and then some text that makes the line "
         "longer than 107 bytes in all, really"),
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        assert_int_equal(parse(lines[i], strlen(lines[i])), RW_PROXY_BAD);
        assert_true(*reason);
    }
    assert_int_equal(PARSE("GET / HTTP/1.1\r\n"), RW_PROXY_NONE);
    assert_int_equal(PARSE("PROXYS"), RW_PROXY_NONE);
    assert_int_equal(PARSE("\r\n\r\nGET"), RW_PROXY_NONE);
    assert_int_equal(PARSE("\r\n\r\n"), RW_PROXY_INCOMPLETE);
    assert_int_equal(PARSE("PROXY TCP4 192.0.2.1"), RW_PROXY_INCOMPLETE);
    assert_int_equal(PARSE(""), RW_PROXY_INCOMPLETE);
}

static void binary_form(void **unused)
{
    (void)unused;
    assert_int_equal(PARSE(SIGNATURE "\x21\x11\0\x0c" INET "rest"), RW_PROXY_COMPLETE);
    assert_int_equal(header.bytes, 28);
    assert_int_equal(header.version, 2);
    assert_address(&header.source, "192.0.2.1:56324");
    assert_address(&header.destination, "198.51.100.1:443");
    assert_int_equal(PARSE(SIGNATURE "\x20\0\0\0"), RW_PROXY_COMPLETE);
    assert_true(header.local);
    assert_int_equal(PARSE(SIGNATURE "\x20\x11\0\x0c" INET), RW_PROXY_COMPLETE);
    assert_true(header.local);
    assert_int_equal(PARSE(SIGNATURE "\x21\0\0\0"), RW_PROXY_COMPLETE);
    assert_true(header.local);
    assert_int_equal(PARSE(SIGNATURE "\x21\x11\0\x0b" INET), RW_PROXY_BAD);
    assert_int_equal(PARSE(SIGNATURE "\x31\x11\0\x0c" INET), RW_PROXY_BAD);
    assert_int_equal(PARSE(SIGNATURE "\x22\x11\0\x0c" INET), RW_PROXY_BAD);
    assert_int_equal(PARSE(SIGNATURE "\x21\x41\0\x0c" INET), RW_PROXY_BAD);
    assert_int_equal(PARSE(SIGNATURE "\x21\x11\xff\xff" INET), RW_PROXY_BAD);
    assert_int_equal(PARSE(SIGNATURE "\x21\x11\0\x0e" INET "\4\0"), RW_PROXY_BAD);
    assert_int_equal(PARSE(SIGNATURE "\x21\x11\0\x0f" INET "\4\0\1"), RW_PROXY_BAD);
}

/* With ALPN, authority, unique id, TLS; the checksum is right, by another implementation. */
static const char extended[] =
    SIGNATURE "\x21\x11\0\x3d\xc0\0\2\1\xc6\x33\x64\1\xdc\4\1\xbb\1\0\2h2\2\0\x0b"
              "example.com\5\0\2id\x20\0\x0f\1\0\0\0\0\x21\0\7TLSv1.3\3\0\4\xb8\0\x33\xed";

static void extensions(void **unused)
{
    (void)unused;
    char spoiled[sizeof(extended)];
    assert_int_equal(PARSE(extended), RW_PROXY_COMPLETE);
    assert_int_equal(header.bytes, sizeof(extended) - 1);
    assert_true(rw_span_is(header.alpn, "h2"));
    assert_true(rw_span_is(header.authority, "example.com"));
    assert_true(rw_span_is(header.unique_id, "id"));
    assert_true(header.tls);
    for (size_t i = 16; i + 1 < sizeof(extended); i++) {
        bool unchecked = i == 70; /* the extension is none with a checksum then */
        memcpy(spoiled, extended, sizeof(extended));
        spoiled[i] ^= 1;
        assert_int_equal(parse(spoiled, sizeof(extended) - 1),
                         unchecked ? RW_PROXY_COMPLETE : RW_PROXY_BAD);
    }
}

static void what_is_written_can_be_read(void **unused)
{
    (void)unused;
    static const char *const pairs[][2] = {{"192.0.2.1:1", "10.0.0.1:65535"},
                                           {"[2001:db8::1]:1", "[::1]:2"},
                                           {"192.0.2.1:1", "[::1]:2"}};
    for (unsigned version = 1; version <= 2; version++) {
        for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
            struct rw_address from, to;
            char text[RW_PROXY_WRITE_BYTES_MAX];
            assert_int_equal(rw_address_parse(rw_span_text(pairs[i][0]), &from), RW_OK);
            assert_int_equal(rw_address_parse(rw_span_text(pairs[i][1]), &to), RW_OK);
            size_t len = rw_proxy_write(text, version, (struct sockaddr *)&from.storage,
                                        (struct sockaddr *)&to.storage);
            assert_int_equal(parse(text, len), RW_PROXY_COMPLETE);
            assert_int_equal(header.bytes, len);
            assert_int_equal(header.version, version);
            assert_int_equal(header.local, i == 2);
            if (i < 2) {
                assert_address(&header.source, pairs[i][0]);
                assert_address(&header.destination, pairs[i][1]);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_form),
        cmocka_unit_test(text_that_is_refused),
        cmocka_unit_test(binary_form),
        cmocka_unit_test(extensions),
        cmocka_unit_test(what_is_written_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
