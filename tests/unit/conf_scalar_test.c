/* Single values: durations, sizes, addresses, ranges of addresses, nearest names. */
#include "conf/read.h"
#include "conf/scalar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rw_err err;
        uint32_t ms;
    } cases[] = {
        {"250ms", RW_OK, 250},
        {"0s", RW_OK, 0},
        {"1.5s", RW_OK, 1500},
        {"2m", RW_OK, 120000},
        {"1h", RW_OK, 3600000},
        {"1d", RW_OK, 86400000},
        {"0.25d", RW_OK, 21600000},
        {"1.000s", RW_OK, 1000},
        {"4294967295ms", RW_OK, UINT32_MAX},
        {"4294967296ms", RW_ELIMIT, 0},
        {"50d", RW_ELIMIT, 0},
        {"99999999999999999999s", RW_ELIMIT, 0},
        {"0.5ms", RW_EINVAL, 0},
        {"0.0001s", RW_EINVAL, 0},
        {"10", RW_EINVAL, 0},
        {"", RW_EINVAL, 0},
        {"s", RW_EINVAL, 0},
        {".5s", RW_EINVAL, 0},
        {"1.s", RW_EINVAL, 0},
        {"-1s", RW_EINVAL, 0},
        {"1 s", RW_EINVAL, 0},
        {"1S", RW_EINVAL, 0},
        {"1m30s", RW_EINVAL, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint32_t ms = 0;
        print_message("%s\n", cases[i].text);
        assert_int_equal(rw_conf_duration(rw_span_text(cases[i].text), &ms), cases[i].err);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void test_percents(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rw_err err;
        double share;
    } cases[] = {
        {"0%", RW_OK, 0},         {"100%", RW_OK, 1},     {"0.5%", RW_OK, 0.005},
        {"12.50%", RW_OK, 0.125}, {"250%", RW_OK, 2.5},   {"5.%", RW_OK, 0.05},
        {"5", RW_EINVAL, 0},      {"%", RW_EINVAL, 0},    {".5%", RW_EINVAL, 0},
        {"-1%", RW_EINVAL, 0},    {"1e2%", RW_EINVAL, 0}, {"1.2.3%", RW_EINVAL, 0},
        {"", RW_EINVAL, 0},       {"1 %", RW_EINVAL, 0},  {"12345678901234567%", RW_EINVAL, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        double share = 0;
        assert_int_equal(rw_conf_percent(rw_span_text(cases[i].text), &share), cases[i].err);
        if (share < cases[i].share - 1e-12 || share > cases[i].share + 1e-12)
            fail_msg("%s", cases[i].text);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t min, max;
        bool right;
        double value;
    } cases[] = {
        {"99.95", 0, 100, true, 99.95},
        {"0", 0, 100, true, 0},
        {"100", 0, 100, true, 100},
        {"0.000001", 0, 100, true, 0.000001},
        {"0012.500", 0, 100, true, 12.5},
        {"-0.5", -1, 1, true, -0.5},
        {"123456789012345", 0, 0, true, 123456789012345.0},
        {"1000000.25", 0, 0, true, 1000000.25},
        {"100.01", 0, 100, false, 0},
        {"-0.5", 0, 0, false, 0},
        {"1e3", 0, 0, false, 0},
        {"1.", 0, 0, false, 0},
        {".5", 0, 0, false, 0},
        {"", 0, 0, false, 0},
        {"-", -1, 1, false, 0},
        {"--1", -1, 1, false, 0},
        {"+1", 0, 0, false, 0},
        {"1.2.3", 0, 0, false, 0},
        {"1,5", 0, 0, false, 0},
        {"nan", 0, 0, false, 0},
        {"0.1234567890123456", 0, 1, false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct rw_conf_field field = {
            .type = RW_CONF_NUMBER, .min = cases[i].min, .max = cases[i].max};
        struct rw_conf_complaint complaint;
        double value = 0;
        print_message("%s\n", cases[i].text);
        assert_int_equal(rw_conf_scalar(&field, rw_span_text(cases[i].text), &value, &complaint),
                         cases[i].right);
        assert_true(value == cases[i].value);
    }
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rw_err err;
        uint64_t bytes;
    } cases[] = {
        {"512", RW_OK, 512},
        {"512B", RW_OK, 512},
        {"64KiB", RW_OK, 65536},
        {"10MB", RW_OK, 10000000},
        {"1.5MiB", RW_OK, 1572864},
        {"1TiB", RW_OK, 1ull << 40},
        {"9223372036854775807", RW_OK, INT64_MAX},
        {"9223372036854775808", RW_ELIMIT, 0},
        {"9999999TiB", RW_ELIMIT, 0},
        {"0.3KiB", RW_EINVAL, 0},
        {"1.5", RW_EINVAL, 0},
        {"64k", RW_EINVAL, 0},
        {"64 KiB", RW_EINVAL, 0},
        {"-1", RW_EINVAL, 0},
        {"", RW_EINVAL, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint64_t bytes = 0;
        print_message("%s\n", cases[i].text);
        assert_int_equal(rw_conf_size(rw_span_text(cases[i].text), &bytes), cases[i].err);
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void test_formats(void **state)
{
    (void)state;
    char to[32];
    assert_string_equal(rw_conf_format_duration(to, 0), "0s");
    assert_string_equal(rw_conf_format_duration(to, 90000), "90s");
    assert_string_equal(rw_conf_format_duration(to, 1), "1ms");
    assert_string_equal(rw_conf_format_duration(to, 172800000), "2d");
    assert_string_equal(rw_conf_format_size(to, 0), "0B");
    assert_string_equal(rw_conf_format_size(to, 65536), "64KiB");
    assert_string_equal(rw_conf_format_size(to, 1000), "1000B");
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool local, remote;
    } cases[] = {
        {":8080", true, false},
        {"*:8080", true, false},
        {"127.0.0.1:0", false, false},
        {"127.0.0.1:80", true, true},
        {"[::1]:80", true, true},
        {"[::ffff:10.0.0.1]:80", true, true},
        {"unix:/run/x.sock", true, true},
        {"unix:@name", true, true},
        {"localhost:80", false, true},
        {"my_app-1.internal:80", false, true},
        {"srv:_http._tcp.example.com", false, true},
        {"example.com.:80", false, true},
        {"", false, false},
        {":", false, false},
        {"80", false, false},
        {"127.0.0.1", false, false},
        {"127.0.0.1:", false, false},
        {"127.0.0.1:65536", false, false},
        {"127.0.0.1:+80", false, false},
        {"127.0.0.1:000080", false, false},
        {"10.0.0.256:80", false, false},
        {"10.0.0:80", false, false},
        {"10.0.0.0/8:80", false, false},
        {"::1:80", false, false},
        {"[::1]", false, false},
        {"[::1", false, false},
        {"[]:80", false, false},
        {"[127.0.0.1]:80", false, false},
        {"[::1/64]:80", false, false},
        {"unix:", false, false},
        {"unix:relative", false, false},
        {"http://a:80", false, false},
        {"http://a", false, false},
        {"a..b:80", false, false},
        {"a b:80", false, false},
        {"srv:", false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_conf_address address;
        struct rw_span text = rw_span_text(cases[i].text);
        print_message("%s\n", cases[i].text);
        assert_int_equal(rw_conf_address(text, false, &address) == NULL, cases[i].local);
        assert_int_equal(rw_conf_address(text, true, &address) == NULL, cases[i].remote);
    }
}

static void test_address_parts(void **state)
{
    (void)state;
    struct rw_conf_address address;
    assert_null(rw_conf_address(RW_LITERAL("[fd00::1]:443"), true, &address));
    assert_true(rw_span_is(address.host, "fd00::1"));
    assert_int_equal(address.port, 443);
    assert_null(rw_conf_address(RW_LITERAL("*:80"), false, &address));
    assert_int_equal(address.host.len, 0);
    assert_null(rw_conf_address(RW_LITERAL("unix:/a"), true, &address));
    assert_true(rw_span_is(address.path, "/a"));
    char longest[200] = "unix:/";
    memset(longest + 6, 'a', 107);
    assert_non_null(rw_conf_address(rw_span_text(longest), false, &address));
    longest[6 + 106] = '\0';
    assert_null(rw_conf_address(rw_span_text(longest), false, &address));
}

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rw_err err;
        unsigned prefix;
    } cases[] = {
        {"10.0.0.0/8", RW_OK, 8},
        {"192.0.2.1", RW_OK, 32},
        {"0.0.0.0/0", RW_OK, 0},
        {"::1", RW_OK, 128},
        {"fd00::/8", RW_OK, 8},
        {"::/0", RW_OK, 0},
        {"10.0.0.1/8", RW_ELIMIT, 8},
        {"fd00::1/8", RW_ELIMIT, 8},
        {"10.0.0.0/33", RW_EINVAL, 0},
        {"::/129", RW_EINVAL, 0},
        {"10.0.0.0/", RW_EINVAL, 0},
        {"10.0.0.0/-1", RW_EINVAL, 0},
        {"10.0.0/8", RW_EINVAL, 0},
        {"/8", RW_EINVAL, 0},
        {"", RW_EINVAL, 0},
        {"example.com", RW_EINVAL, 0},
        {"10.0.0.0/0008", RW_EINVAL, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_conf_cidr cidr = {.prefix = 0};
        print_message("%s\n", cases[i].text);
        assert_int_equal(rw_conf_cidr(rw_span_text(cases[i].text), &cidr), cases[i].err);
        if (!cases[i].err)
            assert_int_equal(cidr.prefix, cases[i].prefix);
    }
}

static const char *nearest(const char *word)
{
    static const char *const names[] = {"address", "name", "tls", "timeouts", "x", "body_idle"};
    return rw_conf_nearest(rw_span_text(word), names, sizeof(names) / sizeof(*names));
}

static void test_nearest(void **state)
{
    (void)state;
    assert_string_equal(nearest("adress"), "address");
    assert_string_equal(nearest("nmae"), "name"); /* two letters swapped are one mistake */
    assert_string_equal(nearest("tsl"), "tls");
    assert_string_equal(nearest("Timeouts"), "timeouts");
    assert_string_equal(nearest("body-idle"), "body_idle");
    assert_string_equal(nearest("bodyidle"), "body_idle");
    assert_string_equal(nearest("timeout"), "timeouts");
    assert_null(nearest("y")); /* all of "x" would be wrong */
    assert_null(nearest("upstream"));
    assert_null(nearest(""));
    char longest[200];
    memset(longest, 'a', sizeof(longest));
    assert_null(rw_conf_nearest(rw_span(longest, sizeof(longest)), (const char *[]){"a"}, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations), cmocka_unit_test(test_percents),
        cmocka_unit_test(test_numbers),   cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_formats),   cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_ranges),    cmocka_unit_test(test_address_parts),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
