/* Base64 in pieces of any size, against the vectors of RFC 4648 section 10. */
#include "base/base64.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct vector {
    const char *bytes, *text;
};

static const struct vector vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbe", "+/++"},
};

enum { VECTORS = sizeof(vectors) / sizeof(*vectors) };

/* Into pieces of `step` bytes, with room for `room` more each time. */
static size_t encode(struct rw_span bytes, size_t step, size_t room, char *to)
{
    struct rw_base64_encoder encoder = {0};
    size_t written = 0;
    while (bytes.len) {
        struct rw_span piece = rw_span(bytes.at, step < bytes.len ? step : bytes.len);
        bytes = rw_span_skip(bytes, piece.len);
        while (piece.len)
            written += rw_base64_encode(&encoder, &piece, to + written, room);
    }
    return written + rw_base64_finish(&encoder, to + written);
}

/* -1: it is not Base64. */
static ptrdiff_t decode(struct rw_span text, size_t step, size_t room, char *to)
{
    struct rw_base64_decoder decoder = {0};
    size_t all = 0, written;
    while (text.len) {
        struct rw_span piece = rw_span(text.at, step < text.len ? step : text.len);
        text = rw_span_skip(text, piece.len);
        while (piece.len) {
            if (!rw_base64_decode(&decoder, &piece, to + all, room, &written))
                return -1;
            assert_true(written <= room);
            all += written;
        }
    }
    return rw_base64_decoded(&decoder) ? (ptrdiff_t)all : -1;
}

static void known_vectors(void **unused)
{
    (void)unused;
    char text[64], bytes[64];
    for (unsigned i = 0; i < VECTORS; i++) {
        struct rw_span plain = rw_span_text(vectors[i].bytes);
        struct rw_span coded = rw_span_text(vectors[i].text);
        for (size_t step = 1; step < 8; step++) {
            size_t len = encode(plain, step, 4 + step, text);
            assert_true(rw_span_eq(rw_span(text, len), coded));
            ptrdiff_t back = decode(coded, step, 3 + step, bytes);
            assert_true(back >= 0 && rw_span_eq(rw_span(bytes, (size_t)back), plain));
        }
    }
}

static void several_texts_are_one(void **unused)
{
    (void)unused;
    char bytes[64];
    struct rw_span all = RW_LITERAL("Zg==Zm8=Zm9vZg==");
    for (size_t step = 1; step < 17; step++) {
        assert_int_equal(decode(all, step, 3, bytes), 7);
        assert_memory_equal(bytes, "ffofoof", 7);
    }
}

static void what_is_none(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "Zg",   "Zg=",  "Z===", "====",  "=g==", "Zg=a",       "Zm9v\n", "Zm 9v",
        "Zm-_", "Zh==", "Zm9=", "Zm9v=", "Zm9",  "\xc3\xa9zz", "Zg=.",   "Zg==Z"};
    char bytes[64];
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        for (size_t step = 1; step < 7; step++)
            if (decode(rw_span_text(texts[i]), step, 5, bytes) >= 0)
                fail_msg("\"%s\" was taken", texts[i]);
}

static void there_and_back(void **unused)
{
    (void)unused;
    static char plain[3000], text[4100], back[3100];
    struct rw_random random;
    rw_random_seed(&random, 7);
    for (unsigned round = 0; round < 300; round++) {
        size_t len = rw_random_below(&random, sizeof(plain));
        for (size_t i = 0; i < len; i++)
            plain[i] = (char)rw_random_below(&random, 256);
        size_t coded = encode(rw_span(plain, len), 1 + rw_random_below(&random, 1000),
                              4 + rw_random_below(&random, 500), text);
        assert_int_equal(coded, (len + 2) / 3 * 4);
        ptrdiff_t got = decode(rw_span(text, coded), 1 + rw_random_below(&random, 1000),
                               3 + rw_random_below(&random, 500), back);
        assert_int_equal(got, len);
        assert_memory_equal(plain, back, len);
    }
}

/* RFC 4648 section 10, without padding. */
static void for_urls(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *bytes; /* NULL: none */
    } cases[] = {
        {"", ""},           {"Zg", "f"},          {"Zm8", "fo"},          {"Zm9v", "foo"},
        {"Zm9vYg", "foob"}, {"Zm9vYmE", "fooba"}, {"Zm9vYmFy", "foobar"}, {"-_-_", "\xfb\xff\xbf"},
        {"Zg==", NULL},     {"Z", NULL},          {"Zm9vY", NULL},        {"Zh", NULL},
        {"Zm9", NULL},      {"+/+/", NULL},       {"Zm 9v", NULL},        {"Zm9v\n", NULL},
        {"Zm8=", NULL},     {"=", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char bytes[32];
        size_t len;
        bool right = rw_base64url_decode(rw_span_text(cases[i].text), bytes, &len);
        if (right != !!cases[i].bytes)
            fail_msg("%s: %d", cases[i].text, right);
        if (right)
            assert_true(rw_span_is(rw_span(bytes, len), cases[i].bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_vectors), cmocka_unit_test(several_texts_are_one),
        cmocka_unit_test(what_is_none),  cmocka_unit_test(there_and_back),
        cmocka_unit_test(for_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
