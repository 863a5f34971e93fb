/* Messages that are not text: base64, gRPC's frame, protocol buffers by numbers. The bytes are
 * those of the encoding guide of protocol buffers, or made with `protoc --encode`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "load/script/message.h"

#include <stdio.h>

static char room[4096];

static const char *hex_of(struct rw_span bytes)
{
    static char text[2 * sizeof(room) + 1];
    text[0] = '\0';
    for (size_t i = 0; i < bytes.len; i++)
        snprintf(text + 2 * i, 3, "%02x", (uint8_t)bytes.at[i]);
    return text;
}

static void expect(enum rw_load_form form, const char *text, const char *hex)
{
    struct rw_h1_out out = {.at = room, .room = sizeof(room)};
    assert_null(rw_load_message_put(form, rw_span_text(text), &out));
    assert_false(out.overflow);
    assert_string_equal(hex_of(rw_span(out.at, out.len)), hex);
}

static void expect_flaw(enum rw_load_form form, const char *text, const char *flaw)
{
    struct rw_h1_out out = {.at = room, .room = sizeof(room)};
    const char *told = rw_load_message_put(form, rw_span_text(text), &out);
    assert_non_null(told);
    assert_string_equal(told, flaw);
}

static void test_forms(void **state)
{
    (void)state;
    expect(RW_LOAD_FORM_TEXT, "AA==", "41413d3d");
    expect(RW_LOAD_FORM_BASE64, "", "");
    expect(RW_LOAD_FORM_BASE64, "AAEC/w==", "000102ff");
    expect(RW_LOAD_FORM_GRPC_BASE64, "", "0000000000");
    expect(RW_LOAD_FORM_GRPC_BASE64, "CgNBbm4=", "00000000050a03416e6e");
    expect(RW_LOAD_FORM_GRPC_FIELDS, "{}", "0000000000");
}

static void test_fields(void **state)
{
    (void)state;
    static const struct {
        const char *json, *hex;
    } cases[] = {
        {"{\"1\": 150}", "089601"},
        {"{\"1\": -2}", "08feffffffffffffffff01"},
        {"{\"1\": 0}", "0800"},
        {"{\"2\": \"testing\"}", "120774657374696e67"},
        {"{\"3\": {\"1\": 150}}", "1a03089601"},
        {"{\"4\": [\"a\", \"b\"], \"5\": [1, 2]}", "22016122016228012802"},
        {"{\"1\": true, \"2\": false, \"3\": null}", "08011000"},
        {"{\"1\": 1.5}", "09000000000000f83f"},
        {"{\"1:double\": 1, \"2:float\": 1.5}", "09000000000000f03f150000c03f"},
        {"{\"1:sint\": -1, \"2:sint\": 1, \"3:sint\": -2147483648}", "0801100218ffffffff0f"},
        {"{\"1:fixed32\": -1, \"2:fixed64\": 258}", "0dffffffff110201000000000000"},
        {"{\"6:bytes\": \"AAE=\", \"16\": 1, \"536870911\": 0}", "32020001800101f8ffffff0f00"},
        {"{\"1\": {\"2\": {\"3\": \"x\"}}}", "0a0512031a0178"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char hex[256];
        snprintf(hex, sizeof(hex), "00%08zx%s", strlen(cases[i].hex) / 2, cases[i].hex);
        expect(RW_LOAD_FORM_GRPC_FIELDS, cases[i].json, hex);
    }
}

static void test_flaws(void **state)
{
    (void)state;
    static const struct {
        const char *json, *flaw;
    } cases[] = {
        {"", "not an object of JSON, or a key is there twice"},
        {"[]", "not an object of JSON, or a key is there twice"},
        {"{\"1\": 1, \"1\": 2}", "not an object of JSON, or a key is there twice"},
        {"{\"name\": 1}", "fields have numbers: {\"1\": ...}"},
        {"{\"0\": 1}", "fields have numbers: {\"1\": ...}"},
        {"{\"536870912\": 1}", "fields have numbers: {\"1\": ...}"},
        {"{\"1:int\": 1}", "the type is none of sint, bytes, float, double, fixed32, fixed64"},
        {"{\"1:sint\": \"1\"}", "sint is for integers"},
        {"{\"1:bytes\": \"?\"}", "not base64"},
        {"{\"1\": [[1]]}", "a list within a list"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_flaw(RW_LOAD_FORM_GRPC_FIELDS, cases[i].json, cases[i].flaw);
    expect_flaw(RW_LOAD_FORM_BASE64, "AAE", "not base64: its end is missing");
}

/* With less room than it takes nothing is written beyond, and it is told. */
static void test_room(void **state)
{
    (void)state;
    static const char json[] =
        "{\"1\": {\"2\": \"abcdefgh\", \"3\": 1.5}, \"4:bytes\": \"AAECAwQF\"}";
    struct rw_h1_out whole = {.at = room, .room = sizeof(room)};
    assert_null(rw_load_message_put(RW_LOAD_FORM_GRPC_FIELDS, RW_LITERAL(json), &whole));
    for (size_t bytes = 0; bytes < whole.len; bytes++) {
        struct rw_h1_out out = {.at = room, .room = bytes};
        room[bytes] = '#';
        (void)rw_load_message_put(RW_LOAD_FORM_GRPC_FIELDS, RW_LITERAL(json), &out);
        assert_true(out.overflow);
        assert_int_equal(room[bytes], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_flaws),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
