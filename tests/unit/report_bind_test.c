/* What counts as a number with its unit, which no line may part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/bind.h"

#include <string.h>

static void finds_measures(void **state)
{
    static const struct {
        const char *text, *measure; /* the first one; "": there is none */
    } cases[] = {
        {"in 12 ms", "12 ms"},
        {"0 (0.0000 %)", "0.0000 %"},
        {"-351,810,248.05 CNY left", "-351,810,248.05 CNY"},
        {"within 29.79 min/quarter", "29.79 min"},
        {"5 µs", "5 µs"},
        {"允许 15 分钟/季度", "15 分钟"},
        {"共 5 天，", "5 天"},
        {"at most <5 s", "<5 s"},
        {"3 servers", ""},  /* a word that only begins like a unit */
        {"5 GETS", ""},     /* neither is it a currency */
        {"ms 5", ""},       /* the wrong way round */
        {"5", ""},          /* nothing behind it */
        {"5 ", ""},         /* ... but a blank */
        {"5 \xe4\xb8", ""}, /* half a character */
        {" %", ""},         /* no number */
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rw_span text = rw_span_text(cases[i].text);
        size_t length, from = rw_report_measure(text, &length);
        assert_int_equal(length, strlen(cases[i].measure));
        assert_memory_equal(text.at + from, cases[i].measure, length);
        if (length == 0)
            assert_int_equal(from, text.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_measures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
