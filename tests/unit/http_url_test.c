#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/url.h"

static void test_good(void **state)
{
    (void)state;
    const struct {
        const char *text, *scheme, *authority, *host, *target;
        unsigned port;
    } cases[] = {
        {"http://a", "http", "a", "a", "", 0},
        {"https://a.example:8443/x?y=z#part", "https", "a.example:8443", "a.example", "/x?y=z",
         8443},
        {"http://[::1]:80/", "http", "[::1]:80", "::1", "/", 80},
        {"http://[::1]", "http", "[::1]", "::1", "", 0},
        {"HTTP://a?q", "HTTP", "a", "a", "?q", 0},
        {"http://a/b://c@d", "http", "a", "a", "/b://c@d", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rw_url url;
        const char *why = NULL;
        assert_int_equal(rw_url_parse(rw_span_text(cases[i].text), &url, &why), RW_OK);
        assert_true(rw_span_is(url.scheme, cases[i].scheme));
        assert_true(rw_span_is(url.authority, cases[i].authority));
        assert_true(rw_span_is(url.host, cases[i].host));
        assert_true(rw_span_is(url.target, cases[i].target));
        assert_int_equal(url.port, cases[i].port);
    }
}

static void test_bad(void **state)
{
    (void)state;
    const char *const cases[] = {
        "",           "a",           "/x",          "http:/a",        "http://",
        "http:///x",  "http://:80/", "http://a:0",  "http://a:65536", "http://a:x",
        "http://a:",  "http://[::1", "http://u@a/", "http://a/b c",   "http://a/\x7f",
        "http://a\n", "://a",        "http://[]/",  "http://[::1]x/",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rw_url url;
        const char *why = NULL;
        assert_int_equal(rw_url_parse(rw_span_text(cases[i]), &url, &why), RW_EINVAL);
        assert_non_null(why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
