#include "io/resp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void whole_replies(void **state)
{
    (void)state;
    static const char *const replies[] = {
        "+OK\r\n",
        "-ERR no\r\n",
        ":-12\r\n",
        "$0\r\n\r\n",
        "$5\r\na\r\nbc\r\n",
        "$-1\r\n",
        "*-1\r\n",
        "*0\r\n",
        "*3\r\n:1\r\n$1\r\na\r\n*2\r\n+x\r\n:2\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
    };
    for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
        char bytes[256];
        size_t whole = strlen(replies[i]), len = 0;
        snprintf(bytes, sizeof(bytes), "%s+next\r\n", replies[i]);
        assert_int_equal(rw_resp_whole(rw_span_text(bytes), &len), RW_RESP_WHOLE);
        assert_int_equal(len, whole);
        for (size_t part = 0; part < whole; part++)
            assert_int_equal(rw_resp_whole(rw_span(bytes, part), &len), RW_RESP_PART);
    }
}

static void bad_replies(void **state)
{
    (void)state;
    static const char *const replies[] = {
        "HTTP/1.1 400\r\n",
        "\r\n",
        "+OK\n",
        ":x\r\n",
        ":\r\n",
        "$-2\r\n",
        "$1\r\nab\r",
        "$1\r\nabc\n",
        "$99999999999\r\n",
        "*-2\r\n",
        "*99999999\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        ":99999999999999999999\r\n",
    };
    for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
        size_t len;
        if (rw_resp_whole(rw_span_text(replies[i]), &len) != RW_RESP_BAD)
            fail_msg("%s", replies[i]);
    }
}

static void values(void **state)
{
    (void)state;
    struct rw_span rest = rw_span_text("*3\r\n:-7\r\n$3\r\nabc\r\n$-1\r\n");
    struct rw_resp_value value;
    assert_true(rw_resp_next(&rest, &value));
    assert_int_equal(value.kind, RW_RESP_ARRAY);
    assert_int_equal(value.number, 3);
    assert_true(rw_resp_next(&rest, &value));
    assert_int_equal(value.kind, RW_RESP_INTEGER);
    assert_int_equal(value.number, -7);
    assert_true(rw_resp_next(&rest, &value));
    assert_true(rw_span_is(value.text, "abc"));
    assert_true(rw_resp_next(&rest, &value));
    assert_true(value.null);
    assert_false(rw_resp_next(&rest, &value));
}

static void commands(void **state)
{
    (void)state;
    struct rw_text text = {0};
    rw_resp_begin(&text, 2);
    rw_resp_word(&text, RW_LITERAL("GET"));
    rw_resp_word(&text, RW_LITERAL("a b"));
    assert_string_equal(text.at, "*2\r\n$3\r\nGET\r\n$3\r\na b\r\n");
    rw_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_replies),
        cmocka_unit_test(bad_replies),
        cmocka_unit_test(values),
        cmocka_unit_test(commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
