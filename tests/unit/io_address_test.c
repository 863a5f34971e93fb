/* Addresses to text and back, and what can go wrong when a listening socket is opened. */
#include "io/address.h"
#include "io/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct rw_address parse(const char *text)
{
    struct rw_address address;
    assert_int_equal(rw_address_parse(rw_span_text(text), &address), RW_OK);
    return address;
}

static void assert_text(const char *text, const char *expected)
{
    struct rw_address address = parse(text), again;
    char got[RW_ADDRESS_TEXT_MAX + 1];
    size_t len = rw_address_format(got, &address.storage);
    got[len] = '\0';
    assert_string_equal(got, expected);
    assert_int_equal(rw_address_parse(rw_span(got, len), &again), RW_OK);
    assert_true(rw_address_eq(&address.storage, &again.storage));
    assert_int_equal(address.bytes, again.bytes);
}

static void texts(void **unused)
{
    (void)unused;
    assert_text("127.0.0.1:80", "127.0.0.1:80");
    assert_text("255.249.10.9:65535", "255.249.10.9:65535");
    assert_text(":8080", "0.0.0.0:8080");
    assert_text("*:0", "0.0.0.0:0");
    assert_text("[::1]:443", "[::1]:443");
    assert_text("[2001:DB8:0:0:0:0:0:1]:443", "[2001:db8::1]:443");
    assert_text("[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.1]:1");
    assert_text("unix:/run/ringway.sock", "unix:/run/ringway.sock");
    assert_text("unix:@ringway", "unix:@ringway");
}

static void longest_unix_path(void **unused)
{
    (void)unused;
    char text[5 + 110];
    struct rw_address address;
    const struct rw_span prefix = RW_LITERAL("unix:");
    memcpy(text, prefix.at, prefix.len);
    memset(text + 5, '/', sizeof(text) - 5);
    assert_int_equal(rw_address_parse(rw_span(text, 5 + 107), &address), RW_OK);
    assert_int_equal(rw_address_parse(rw_span(text, 5 + 108), &address), RW_ELIMIT);
    text[5] = '@';
    assert_int_equal(rw_address_parse(rw_span(text, 5 + 108), &address), RW_OK);
    char got[RW_ADDRESS_TEXT_MAX];
    assert_int_equal(rw_address_format(got, &address.storage), sizeof(got));
    assert_int_equal(rw_address_parse(rw_span(text, 5 + 109), &address), RW_ELIMIT);
}

static void malformed(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "",
        "80",
        ":",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.1:80",
        "1.2.3.4:+80",
        "::1:80",
        "[::1]",
        "[1.2.3.4]:80",
        "[::1:80",
        "[]:80",
        "example.org:80",
        "unix:",
        "unix:/",
        "unix:relative.sock",
        "1.2.3.4: 80",
        "256.1.1.1:1",
    };
    struct rw_address address;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(rw_address_parse(rw_span_text(texts[i]), &address), RW_EINVAL);
    assert_int_equal(rw_address_parse(rw_span("1.2.3.4\0:80", 11), &address), RW_EINVAL);
    assert_int_equal(rw_address_parse(rw_span("unix:/a\0b", 9), &address), RW_EINVAL);
}

static void hosts(void **unused)
{
    (void)unused;
    static const char *const pairs[][2] = {{"10.20.200.5:1", "10.20.200.5"},
                                           {"[::ffff:9.99.100.255]:1", "9.99.100.255"},
                                           {"[fe80::1]:1", "fe80::1"},
                                           {"unix:/run/x", "unix"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct rw_address address = parse(pairs[i][0]);
        char got[RW_ADDRESS_HOST_TEXT_MAX];
        size_t len = rw_address_format_host(got, rw_address_sockaddr(&address));
        assert_true(rw_span_is(rw_span(got, len), pairs[i][1]));
    }
    struct rw_address address;
    assert_int_equal(rw_address_parse_ip(rw_span_text("::1"), 53, &address), RW_OK);
    assert_int_equal(rw_address_port(&address.storage), 53);
    assert_int_equal(rw_address_parse_ip(rw_span_text("localhost"), 53, &address), RW_EINVAL);
}

static void another_port(void **unused)
{
    (void)unused;
    static const char *const texts[][2] = {{"10.0.0.1:80", "10.0.0.1:65535"},
                                           {"[::1]:80", "[::1]:65535"},
                                           {"unix:/run/x", "unix:/run/x"}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct rw_address is = parse(texts[i][0]), wanted = parse(texts[i][1]);
        rw_address_set_port(&is.storage, 65535);
        assert_true(rw_address_eq(&is.storage, &wanted.storage));
    }
}

static void unequal(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"1.2.3.4:5", "1.2.3.4:6", "1.2.3.5:5", "[::1]:5",
                                        "[::2]:5",   "[::1]:6",   "unix:/a",   "unix:/b"};
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < 8; j++) {
            struct rw_address a = parse(texts[i]), b = parse(texts[j]);
            assert_int_equal(rw_address_eq(&a.storage, &b.storage), i == j);
            assert_int_equal(rw_address_hash(&a.storage) == rw_address_hash(&b.storage), i == j);
        }
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t bytes = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    return rw_address_port(&address);
}

static void listen_tcp(void **unused)
{
    (void)unused;
    struct rw_listen_options options = {0}, shared = {.reuse_port = true};
    struct rw_listen_failure failure;
    struct rw_address address = parse("127.0.0.1:0");
    int fd, other;
    assert_int_equal(rw_listen_open(&address, &options, &fd, NULL), RW_OK);
    ((struct sockaddr_in *)&address.storage)->sin_port = htons(bound_port(fd));
    assert_int_equal(rw_listen_open(&address, &shared, &other, &failure), RW_EADDRINUSE);
    assert_string_equal(failure.step, "bind");
    assert_int_equal(failure.errno_value, EADDRINUSE);
    close(fd);
    assert_int_equal(rw_listen_open(&address, &shared, &fd, &failure), RW_OK);
    assert_int_equal(rw_listen_open(&address, &shared, &other, &failure), RW_OK);
    close(fd);
    close(other);
    address = parse("203.0.113.1:80");
    assert_int_equal(rw_listen_open(&address, &options, &fd, &failure), RW_EUNREACHABLE);
}

static void listen_unix(void **unused)
{
    (void)unused;
    char directory[] = "/tmp/rw_listen_XXXXXX", text[64], path[48];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/s", directory);
    snprintf(text, sizeof(text), "unix:%s", path);
    struct rw_address address = parse(text);
    struct rw_listen_options options = {.unix_mode = 0620};
    struct rw_listen_failure failure;
    struct stat found;
    int fd, other;
    assert_int_equal(rw_listen_open(&address, &options, &fd, NULL), RW_OK);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0620);
    assert_int_equal(rw_listen_open(&address, &options, &other, &failure), RW_EADDRINUSE);
    assert_string_equal(failure.step, "replace the file at");
    close(fd); /* the file stays, nobody listens: stale */
    assert_int_equal(rw_listen_open(&address, &options, &fd, NULL), RW_OK);
    close(fd);
    assert_int_equal(unlink(path), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(rw_listen_open(&address, &options, &fd, &failure), RW_EEXIST);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(rw_listen_open(&address, &options, &fd, &failure), RW_ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),        cmocka_unit_test(longest_unix_path),
        cmocka_unit_test(malformed),    cmocka_unit_test(hosts),
        cmocka_unit_test(another_port), cmocka_unit_test(unequal),
        cmocka_unit_test(listen_tcp),   cmocka_unit_test(listen_unix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
