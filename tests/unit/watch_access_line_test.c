#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "watch/access_line.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* The line as an object; that it stays within its room is checked with a block of just that size.
 */
static json_t *line_of(const struct rw_access_record *record)
{
    struct rw_access_clock clock = {0};
    size_t room = rw_access_line_room(record);
    char *line = rw_alloc(room);
    size_t len = rw_access_line(line, &clock, record);
    assert_true(len <= room);
    assert_int_equal(line[len - 1], '\n');
    assert_null(memchr(line, '\n', len - 1));
    json_error_t error;
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!object)
        fail_msg("%s: %.*s", error.text, (int)len, line);
    rw_free(line);
    return object;
}

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static struct rw_access_record plain_record(void)
{
    return (struct rw_access_record){.wall_ns = 1769903999123456789ull,
                                     .method = RW_LITERAL("GET"),
                                     .path = RW_LITERAL("/"),
                                     .status = 200,
                                     .upstream_us = UINT64_MAX};
}

static struct sockaddr_storage address(int family, const char *text_form, unsigned port)
{
    struct sockaddr_storage storage = {.ss_family = (sa_family_t)family};
    if (family == AF_INET) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
        v4->sin_port = htons((uint16_t)port);
        assert_int_equal(inet_pton(family, text_form, &v4->sin_addr), 1);
    } else if (family == AF_INET6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
        v6->sin6_port = htons((uint16_t)port);
        assert_int_equal(inet_pton(family, text_form, &v6->sin6_addr), 1);
    }
    return storage;
}

static void test_a_full_record(void **state)
{
    (void)state;
    struct sockaddr_storage client = address(AF_INET, "192.0.2.7", 51234);
    struct rw_access_record record = {.wall_ns = 1769903999123456789ull,
                                      .client = (const struct sockaddr *)&client,
                                      .method = RW_LITERAL("POST"),
                                      .scheme = RW_LITERAL("https"),
                                      .host = RW_LITERAL("api.example.com"),
                                      .path = RW_LITERAL("/v1/orders"),
                                      .query_redacted = RW_LITERAL("a=1"),
                                      .protocol = RW_LITERAL("HTTP/1.1"),
                                      .route = RW_LITERAL("orders"),
                                      .upstream = RW_LITERAL("shop"),
                                      .endpoint = RW_LITERAL("10.0.0.1:80"),
                                      .reason = RW_LITERAL("origin_reset"),
                                      .trace_id = RW_LITERAL("4bf92f3577b34da6a3ce929d0e0e4736"),
                                      .user_agent = RW_LITERAL("curl/8"),
                                      .status = 502,
                                      .grpc_told = 15,
                                      .bytes_in = 0,
                                      .bytes_out = UINT64_MAX,
                                      .duration_us = 1234567,
                                      .upstream_us = 99,
                                      .retries = 2,
                                      .retry_cause = "reset",
                                      .aborted = true};
    static const char expected[] =
        "{\"time\":\"2026-01-31T23:59:59.123Z\",\"client\":\"192.0.2.7\",\"client_port\":51234,"
        "\"method\":\"POST\",\"scheme\":\"https\",\"host\":\"api.example.com\","
        "\"path\":\"/v1/orders\",\"query\":\"a=1\",\"protocol\":\"HTTP/1.1\",\"status\":502,"
        "\"grpc_status\":14,\"reason\":\"origin_reset\",\"route\":\"orders\",\"upstream\":\"shop\","
        "\"endpoint\":\"10.0.0.1:80\",\"bytes_in\":0,\"bytes_out\":18446744073709551615,"
        "\"duration_us\":1234567,\"upstream_us\":99,\"retries\":2,"
        "\"retry_cause\":\"reset\",\"aborted\":true,"
        "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"user_agent\":\"curl/8\"}\n";
    char line[RW_ACCESS_LINE_BYTES_MAX];
    struct rw_access_clock clock = {0};
    assert_int_equal(rw_access_line(line, &clock, &record), sizeof(expected) - 1);
    assert_memory_equal(line, expected, sizeof(expected) - 1);
}

static void test_what_is_not_known_is_left_out(void **state)
{
    (void)state;
    struct rw_access_record record = {.upstream_us = UINT64_MAX};
    json_t *object = line_of(&record);
    assert_int_equal(json_object_size(object), 5);
    assert_string_equal(text(object, "time"), "1970-01-01T00:00:00.000Z");
    assert_int_equal(json_integer_value(json_object_get(object, "status")), 0);
    json_decref(object);
    record.user_agent = RW_LITERAL("");
    object = line_of(&record);
    assert_string_equal(text(object, "user_agent"), "");
    json_decref(object);
}

/* A path of `len` clean bytes but for `odd` at `at`. */
static void check_odd_byte(size_t len, size_t at, unsigned odd)
{
    char *path = rw_alloc(len);
    memset(path, 'p', len);
    path[at] = (char)odd;
    struct rw_access_record record = plain_record();
    record.path = rw_span(path, len);
    json_t *object = line_of(&record);
    const json_t *value = json_object_get(object, "path");
    const char *got = json_string_value(value);
    size_t got_len = json_string_length(value);
    if (odd < 0x80) {
        assert_int_equal(got_len, len);
        assert_memory_equal(got, path, len);
    } else {
        assert_int_equal(got_len, len + 2);
        assert_memory_equal(got + at, "\xef\xbf\xbd", 3);
    }
    json_decref(object);
    rw_free(path);
}

static void test_every_byte_at_every_place(void **state)
{
    (void)state;
    for (unsigned odd = 0; odd < 256; odd++)
        for (size_t len = 1; len <= 20; len++)
            check_odd_byte(len, odd % len, odd);
    static const unsigned odds[] = {0, '"', '\\', 0x1f, 0x7f, 0x80, 0xff, 'q'};
    for (size_t len = 1; len <= 50; len++)
        for (size_t at = 0; at < len; at++)
            for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++)
                check_odd_byte(len, at, odds[i]);
}

static void test_utf8_is_kept(void **state)
{
    (void)state;
    struct rw_access_record record = plain_record();
    static const char name[] = "/stra\xc3\x9f"
                               "e/\xe6\x97\xa5\xe6\x9c\xac/\xf0\x9f\x98\x80/end of it";
    record.path = rw_span_text(name);
    json_t *object = line_of(&record);
    assert_string_equal(text(object, "path"), name);
    json_decref(object);
}

static void test_long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    static const char e_acute[] = {'\xc3', '\xa9'};
    char path[5000], agent[1000];
    memset(path, 'p', sizeof(path));
    for (size_t i = 0; i < sizeof(agent); i += 2)
        memcpy(agent + i, e_acute, sizeof(e_acute));
    struct rw_access_record record = plain_record();
    record.path = rw_span(path, sizeof(path));
    for (size_t skip = 0; skip < 2; skip++) {
        /* Begins with half a character when skip is 1, so that the cut falls within another. */
        record.user_agent = rw_span(agent + skip, sizeof(agent) - skip);
        json_t *object = line_of(&record);
        assert_int_equal(json_string_length(json_object_get(object, "path")),
                         RW_ACCESS_PATH_BYTES_MAX);
        const char *got = text(object, "user_agent");
        assert_int_equal(strlen(got), skip ? 3 + 254 : 256);
        assert_memory_equal(got + strlen(got) - 2, "\xc3\xa9", 2);
        json_decref(object);
    }
}

static void test_the_worst_record_fits(void **state)
{
    (void)state;
    char worst[5000];
    memset(worst, 1, sizeof(worst));
    struct rw_span span = rw_span(worst, sizeof(worst));
    struct sockaddr_storage client =
        address(AF_INET6, "2001:db8:1111:2222:3333:4444:5555:6666", 65535);
    /* Numbers as far as jansson has them. */
    struct rw_access_record record = {.wall_ns = 1,
                                      .client = (const struct sockaddr *)&client,
                                      .method = span,
                                      .scheme = span,
                                      .host = span,
                                      .path = span,
                                      .query_redacted = span,
                                      .protocol = span,
                                      .route = span,
                                      .upstream = span,
                                      .endpoint = span,
                                      .reason = span,
                                      .trace_id = span,
                                      .user_agent = span,
                                      .status = ~0u,
                                      .grpc_told = 1000,
                                      .bytes_in = INT64_MAX,
                                      .bytes_out = INT64_MAX,
                                      .duration_us = INT64_MAX,
                                      .upstream_us = INT64_MAX,
                                      .aborted = true};
    assert_int_equal(rw_access_line_room(&record), RW_ACCESS_LINE_BYTES_MAX);
    json_t *object = line_of(&record);
    assert_int_equal(json_string_length(json_object_get(object, "path")), RW_ACCESS_PATH_BYTES_MAX);
    json_decref(object);
}

static void test_numbers(void **state)
{
    (void)state;
    struct rw_random random;
    rw_random_seed(&random, 5);
    struct rw_access_record record = plain_record();
    uint64_t power = 1;
    for (int i = 0; i < 2000; i++) {
        uint64_t value = rw_random_u64(&random) >> rw_random_below(&random, 64);
        if (i < 57) {
            value = power + (uint64_t)(i % 3) - 1;
            power *= i % 3 == 2 ? 10 : 1;
        }
        record.bytes_out = value;
        char line[4096], expected[64];
        struct rw_access_clock clock = {0};
        line[rw_access_line(line, &clock, &record)] = '\0';
        snprintf(expected, sizeof(expected), "\"bytes_out\":%llu,", (unsigned long long)value);
        assert_non_null(strstr(line, expected));
    }
}

static void check_client(const struct sockaddr_storage *client, const char *expected)
{
    struct rw_access_record record = plain_record();
    record.client = (const struct sockaddr *)client;
    json_t *object = line_of(&record);
    assert_string_equal(text(object, "client"), expected);
    json_decref(object);
}

static void test_addresses(void **state)
{
    (void)state;
    static const char *const v4[] = {"0.0.0.0", "255.255.255.255", "10.20.100.9", "1.99.200.10"};
    static const char *const v6[] = {"::",
                                     "::1",
                                     "1::",
                                     "2001:db8::1",
                                     "2001:db8:0:1:1:1:1:1",
                                     "2001:db8::1:0:0:1",
                                     "1:0:0:2::3",
                                     "fe80::abcd:ef01:234:56",
                                     "::ffff:192.0.2.128",
                                     "0:1:2:3:4:5:6:7",
                                     "1:2:3:4:5:6:7:0",
                                     "1:2:3:4:5:6::",
                                     "2001:db8:1111:2222:3333:4444:5555:6666"};
    for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++) {
        struct sockaddr_storage client = address(AF_INET, v4[i], 1);
        check_client(&client, v4[i]);
    }
    for (size_t i = 0; i < sizeof(v6) / sizeof(v6[0]); i++) {
        struct sockaddr_storage client = address(AF_INET6, v6[i], 1);
        check_client(&client, v6[i]);
    }
    struct sockaddr_storage local = {.ss_family = AF_UNIX};
    check_client(&local, "unix");
    struct sockaddr_storage unknown_port = address(AF_INET, "192.0.2.1", 0);
    struct rw_access_record record = plain_record();
    record.client = (const struct sockaddr *)&unknown_port;
    json_t *object = line_of(&record);
    assert_null(json_object_get(object, "client_port"));
    json_decref(object);
}

static void test_times_back_and_forth(void **state)
{
    (void)state;
    struct rw_random random;
    rw_random_seed(&random, 9);
    struct rw_access_clock clock = {0};
    struct rw_access_record record = plain_record();
    for (int i = 0; i < 20000; i++) {
        uint64_t around = rw_random_below(&random, 3) ? 1769903990ull * RW_NS_PER_S
                                                      : (uint64_t)i * 86399 * RW_NS_PER_S;
        record.wall_ns = around + rw_random_u64(&random) % (20 * RW_NS_PER_S);
        char line[4096], expected[24];
        rw_access_line(line, &clock, &record);
        rw_clock_format_rfc3339(expected, record.wall_ns);
        assert_memory_equal(line + strlen("{\"time\":\""), expected, sizeof(expected));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_record),
        cmocka_unit_test(test_what_is_not_known_is_left_out),
        cmocka_unit_test(test_every_byte_at_every_place),
        cmocka_unit_test(test_utf8_is_kept),
        cmocka_unit_test(test_long_texts_are_cut_between_characters),
        cmocka_unit_test(test_the_worst_record_fits),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_times_back_and_forth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
