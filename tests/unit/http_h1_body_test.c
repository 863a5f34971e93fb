/* Bodies: the chunked coding as a table of good and bad streams, each decoded whole, byte by byte,
 * and cut at every position with the same outcome; then lengths, and bodies that end with the
 * connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "http/h1.h"

#include <stdlib.h>

/* `outcome`: "data|trailers|end at N", "more: data", or "STATUS reason". */
struct chunked_case {
    const char *section; /* of RFC 9112, unless another is named */
    struct rw_span bytes;
    const char *outcome;
};

#define CHUNKED(section, bytes, outcome)                                                           \
    {                                                                                              \
        section, {bytes, sizeof(bytes) - 1}, outcome                                               \
    }

static const struct chunked_case good[] = {
    CHUNKED("7.1", "5\r\nhello\r\n0\r\n\r\n", "hello||end at 15"),
    CHUNKED("7.1 several", "5\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\n\r\n",
            "hello, world||end at 32"),
    CHUNKED("7.1 empty", "0\r\n\r\n", "||end at 5"),
    CHUNKED("7.1 many zeros", "000\r\n\r\n", "||end at 7"),
    CHUNKED("7.1 hexadecimal", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n",
            "01234567890123456789a||end at 36"),
    CHUNKED("7.1 leading zeros", "0000000000000001\r\nx\r\n0\r\n\r\n", "x||end at 26"),
    CHUNKED("7.1 data like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n||end at 17"),
    CHUNKED("7.1 NUL and high bytes", "2\r\n\xff\x01\r\n0\r\n\r\n", "\xff\x01||end at 12"),
    CHUNKED("9.3.2 the next message stays", "1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1", "x||end at 11"),
    CHUNKED("7.1.1 name", "1;a\r\nx\r\n0;b\r\n\r\n", "x||end at 15"),
    CHUNKED("7.1.1 token value", "1;a=b\r\nx\r\n0\r\n\r\n", "x||end at 15"),
    CHUNKED("7.1.1 two", "1;a=b;c=d\r\nx\r\n0\r\n\r\n", "x||end at 19"),
    CHUNKED("7.1.1 quoted value", "1;a=\"b c;d=\\\"\"\r\nx\r\n0\r\n\r\n", "x||end at 24"),
    CHUNKED("7.1.1 empty quotes", "1;a=\"\"\r\nx\r\n0\r\n\r\n", "x||end at 16"),
    CHUNKED("7.1.1 another behind quotes", "1;a=\"b\";c\r\nx\r\n0\r\n\r\n", "x||end at 19"),
    CHUNKED("7.1.1 bad white space", "1 ; a = b ;\tc ; d = \"e\" ; f\r\nx\r\n0\r\n\r\n",
            "x||end at 37"),
    CHUNKED("7.1.2", "0\r\nA: b\r\n\r\n", "|A: b\r\n|end at 11"),
    CHUNKED("7.1.2 two", "0\r\nA: b\r\nX-Sum:c \r\n\r\n", "|A: b\r\nX-Sum:c \r\n|end at 21"),
    CHUNKED("7.1.2 empty value", "0\r\nA:\r\n\r\n", "|A:\r\n|end at 9"),
    CHUNKED("RFC 9110 8.8.3 ETag may trail", "0\r\nETag: \"x\"\r\n\r\n",
            "|ETag: \"x\"\r\n|end at 16"),
    CHUNKED("RFC 9110 6.5.1 framing",
            "0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "||end at 52"),
    CHUNKED("RFC 9110 6.5.1 routing", "0\r\nHost: evil\r\nA: b\r\n\r\n", "|A: b\r\n|end at 23"),
    CHUNKED("RFC 9110 6.5.1 credentials",
            "0\r\nA: b\r\nauthorization: x\r\nCookie: y\r\nC: d\r\n\r\n",
            "|A: b\r\nC: d\r\n|end at 46"),
    CHUNKED("RFC 9110 6.5.1 who the client is",
            "0\r\nX-Forwarded-For: 1\r\nx-forwarded-port: 2\r\nX-Real-Ip: 3\r\n\r\n",
            "||end at 60"),
    CHUNKED("7.1 begun", "5\r\nhe", "more: he"),
    CHUNKED("7.1 nothing", "", "more: "),
    CHUNKED("7.1 no last chunk", "2\r\nhe\r\n", "more: he"),
    CHUNKED("7.1 no last line", "0\r\n", "more: "),
};

static const struct chunked_case bad[] = {
    CHUNKED("7.1 no size", "\r\nx", "400 chunk size expected"),
    CHUNKED("7.1 extension without size", ";a\r\n", "400 chunk size expected"),
    CHUNKED("7.1 space before", " 5\r\nhello\r\n", "400 chunk size expected"),
    CHUNKED("7.1 minus", "-1\r\n", "400 chunk size expected"),
    CHUNKED("7.1 plus", "+5\r\nhello\r\n", "400 chunk size expected"),
    CHUNKED("7.1 0x", "0x5\r\nhello\r\n", "400 malformed chunk size line"),
    CHUNKED("7.1 letter", "5g\r\nhello\r\n", "400 malformed chunk size line"),
    CHUNKED("7.1 underscore", "1_0\r\n", "400 malformed chunk size line"),
    CHUNKED("7.1 comma", "5,5\r\nhello\r\n", "400 malformed chunk size line"),
    CHUNKED("7.1 point", "5.0\r\nhello\r\n", "400 malformed chunk size line"),
    CHUNKED("7.1 NUL", "5\0\r\nhello\r\n", "400 malformed chunk size line"),
    CHUNKED("7.1 beyond 2^63", "8000000000000000\r\n", "400 chunk size is too large"),
    CHUNKED("7.1 beyond 2^64", "10000000000000005\r\nhello\r\n", "400 chunk size is too large"),
    CHUNKED("7.1 wraps to five", "1000000000000000000000005\r\nhello\r\n",
            "400 chunk size is too large"),
    CHUNKED("7.1 all ones", "ffffffffffffffff\r\n", "400 chunk size is too large"),
    CHUNKED("7.1 seventeen digits", "00000000000000005\r\nhello\r\n",
            "400 chunk size is too large"),
    CHUNKED("7.1 bare LF behind the size", "5\nhello\r\n",
            "400 chunk size line ends with LF alone"),
    CHUNKED("7.1 bare CR behind the size", "5\rhello\r\n", "400 CR without LF"),
    CHUNKED("7.1 doubled CR", "5\r\r\nhello\r\n", "400 CR without LF"),
    CHUNKED("7.1 padded size", "5 \r\nhello\r\n", "400 malformed chunk extension"),
    CHUNKED("7.1 two sizes", "5 5\r\nhello\r\n", "400 malformed chunk extension"),
    CHUNKED("7.1 data too long", "5\r\nhello!\r\n", "400 chunk data longer than its size"),
    CHUNKED("7.1 data too short", "5\r\nhell\r\n0\r\n\r\n", "400 chunk data longer than its size"),
    CHUNKED("7.1 bare LF behind the data", "5\r\nhello\n0\r\n\r\n",
            "400 chunk data longer than its size"),
    CHUNKED("7.1 bare CR behind the data", "5\r\nhello\r0\r\n\r\n", "400 CR without LF"),
    CHUNKED("7.1 no CRLF behind the data", "5\r\nhello0\r\n\r\n",
            "400 chunk data longer than its size"),
    CHUNKED("7.1 two CRLF behind the data", "5\r\nhello\r\n\r\n0\r\n\r\n",
            "400 chunk size expected"),
    CHUNKED("7.1.1 no name", "5;\r\nhello\r\n", "400 malformed chunk extension"),
    CHUNKED("7.1.1 no name before a value", "5;=b\r\nhello\r\n", "400 malformed chunk extension"),
    CHUNKED("7.1.1 no value", "5;a=\r\nhello\r\n", "400 malformed chunk extension"),
    CHUNKED("7.1.1 two equals signs", "5;a==b\r\nhello\r\n", "400 malformed chunk extension"),
    CHUNKED("7.1.1 empty between", "5;;a\r\nhello\r\n", "400 malformed chunk extension"),
    CHUNKED("7.1.1 space at the end", "5;a \r\nhello\r\n", "400 malformed chunk extension"),
    CHUNKED("7.1.1 space behind a value", "5;a=b \r\nhello\r\n", "400 malformed chunk extension"),
    CHUNKED("7.1.1 two words", "5;a b\r\nhello\r\n", "400 malformed chunk size line"),
    CHUNKED("7.1.1 quotes that stay open", "5;a=\"b\r\nhello\r\n", "400 malformed chunk extension"),
    CHUNKED("7.1.1 bare LF in quotes", "5;a=\"\n0\r\n\r\n\"\r\n", "400 malformed chunk extension"),
    CHUNKED("7.1.1 escaped CR", "5;a=\"\\\r\n\"\r\n", "400 malformed chunk extension"),
    CHUNKED("7.1.1 text behind quotes", "5;a=\"b\"c\r\nhello\r\n", "400 malformed chunk size line"),
    CHUNKED("7.1.1 quoted name", "5;\"a\"\r\nhello\r\n", "400 malformed chunk extension"),
    CHUNKED("7.1.1 NUL in a name", "5;a\0\r\nhello\r\n", "400 malformed chunk size line"),
    CHUNKED("7.1.1 not ASCII in a name", "5;\xc3\xa9\r\nhello\r\n",
            "400 malformed chunk extension"),
    CHUNKED("7.1.1 bare LF in an extension", "5;a\nhello\r\n0\r\n\r\n",
            "400 chunk size line ends with LF alone"),
    CHUNKED("7.1.1 bare LF where a name begins", "5;\n\r\nhello\r\n",
            "400 malformed chunk extension"),
    CHUNKED("7.1.1 bare LF behind a value", "2;a=b\nxx\r\n4c\r\n",
            "400 chunk size line ends with LF alone"),
    CHUNKED("7.1.1 bare CR in an extension", "5;a\rb\r\nhello\r\n", "400 CR without LF"),
    CHUNKED("7.1.2 no colon", "0\r\nA\r\n\r\n", "400 malformed trailer field"),
    CHUNKED("7.1.2 space before the colon", "0\r\nA : b\r\n\r\n", "400 malformed trailer field"),
    CHUNKED("7.1.2 no name", "0\r\n: b\r\n\r\n", "400 malformed trailer field"),
    CHUNKED("5.2 obs-fold", "0\r\nA: b\r\n c\r\n\r\n", "400 malformed trailer field"),
    CHUNKED("7.1.2 another request", "0\r\nGET / HTTP/1.1\r\n", "400 malformed trailer field"),
    CHUNKED("7.1.2 NUL", "0\r\nA: \0\r\n\r\n", "400 control character in a trailer field"),
    CHUNKED("2.2 bare LF", "0\r\nA: b\n\r\n", "400 line ends with LF alone"),
    CHUNKED("2.2 bare LF at the end", "0\r\n\n", "400 line ends with LF alone"),
    CHUNKED("2.2 bare CR", "0\r\nA: b\rC: d\r\n\r\n", "400 CR without LF"),
    CHUNKED("2.2 bare CR at the end", "0\r\n\rX", "400 CR without LF"),
};

/* ---- Decoding in pieces ---- */

struct decoder {
    struct rw_h1_body body;
    const struct rw_h1_limits *limits;
    struct rw_text data;
    char room[4096];
    struct rw_h1_trailers trailers;
    bool keep; /* trailers are wanted */
    size_t used;
};

static void start(struct decoder *decoder, const struct rw_message *message)
{
    *decoder = (struct decoder){.limits = &rw_h1_limits_default, .keep = true};
    decoder->trailers = (struct rw_h1_trailers){decoder->room, 0, sizeof(decoder->room)};
    rw_h1_body_start(&decoder->body, message);
}

/* Decodes from a block of exactly that size; the last event. */
static enum rw_h1_body_event decode(struct decoder *decoder, struct rw_span piece)
{
    char *block = malloc(piece.len ? piece.len : 1);
    assert_non_null(block);
    if (piece.len)
        memcpy(block, piece.at, piece.len);
    struct rw_span bytes = rw_span(block, piece.len), data;
    enum rw_h1_body_event event;
    while ((event = rw_h1_body_next(&decoder->body, decoder->limits, &bytes, &data,
                                    decoder->keep ? &decoder->trailers : NULL)) ==
           RW_H1_BODY_DATA) {
        assert_true(data.len > 0 && data.at >= block && data.at + data.len <= bytes.at);
        rw_text_add(&decoder->data, data);
    }
    decoder->used += piece.len - bytes.len;
    if (event == RW_H1_BODY_MORE)
        assert_int_equal(bytes.len, 0);
    free(block);
    return event;
}

static void describe(struct rw_text *out, const struct decoder *decoder,
                     enum rw_h1_body_event event)
{
    const char *data = decoder->data.at ? decoder->data.at : "";
    out->len = 0;
    assert_int_equal(rw_h1_body_may_end(&decoder->body), event == RW_H1_BODY_END);
    if (event == RW_H1_BODY_END)
        rw_text_addf(out, "%s|%.*s|end at %zu", data, (int)decoder->trailers.len,
                     decoder->trailers.at, decoder->used);
    else if (event == RW_H1_BODY_MORE)
        rw_text_addf(out, "more: %s", data);
    else
        rw_text_addf(out, "%u %s", decoder->body.status, decoder->body.reason);
}

static const struct rw_message chunked_request = {.body_kind = RW_BODY_CHUNKED};
static const struct rw_message chunked_response = {.body_kind = RW_BODY_CHUNKED, .status = 200};

/* The first piece has `first` bytes, the others `step`. */
static void decode_pieces(const struct rw_message *message, struct rw_span bytes, size_t first,
                          size_t step, bool keep, struct rw_text *out)
{
    struct decoder decoder;
    enum rw_h1_body_event event;
    start(&decoder, message);
    decoder.keep = keep;
    size_t len = first < bytes.len ? first : bytes.len;
    for (;;) {
        event = decode(&decoder, rw_span(bytes.at, len));
        bytes = rw_span_skip(bytes, len);
        if (event != RW_H1_BODY_MORE || bytes.len == 0)
            break;
        len = step < bytes.len ? step : bytes.len;
    }
    describe(out, &decoder, event);
    rw_text_free(&decoder.data);
}

static void check(const struct chunked_case *item, const struct rw_text *got, const char *how,
                  size_t at)
{
    if (strcmp(got->at, item->outcome) != 0)
        fail_msg("%s: %.*s\nexpected: %s\ngot: %s (%s %zu)", item->section,
                 RW_SPAN_ARGS(item->bytes), item->outcome, got->at, how, at);
}

static void check_chunked(const struct chunked_case *items, size_t count)
{
    struct rw_text got = {0};
    for (const struct chunked_case *item = items; item < items + count; item++) {
        decode_pieces(&chunked_request, item->bytes, item->bytes.len, 1, true, &got);
        check(item, &got, "whole", 0);
        for (size_t step = 1; step <= 3; step++) {
            decode_pieces(&chunked_request, item->bytes, step, step, true, &got);
            check(item, &got, "in steps of", step);
        }
        for (size_t split = 0; split < item->bytes.len; split++) {
            decode_pieces(&chunked_request, item->bytes, split, item->bytes.len, true, &got);
            check(item, &got, "split at", split);
        }
    }
    rw_text_free(&got);
}

static void decodes_chunks(void **state)
{
    (void)state;
    check_chunked(good, sizeof(good) / sizeof(good[0]));
}

static void refuses_chunks(void **state)
{
    (void)state;
    check_chunked(bad, sizeof(bad) / sizeof(bad[0]));
}

/* Nobody wants the trailers: they are checked all the same. */
static void checks_trailers_that_nobody_keeps(void **state)
{
    static const struct rw_span fine = {"0\r\nA: b\r\nHost: c\r\n\r\n", 20};
    static const struct rw_span wrong = {"0\r\nA b\r\n\r\n", 10};
    struct rw_text got = {0};
    (void)state;
    decode_pieces(&chunked_request, fine, 1, 1, false, &got);
    assert_string_equal(got.at, "||end at 20");
    decode_pieces(&chunked_request, wrong, 1, 1, false, &got);
    assert_string_equal(got.at, "400 malformed trailer field");
    rw_text_free(&got);
}

static void blames_the_origin(void **state)
{
    struct rw_text got = {0};
    (void)state;
    decode_pieces(&chunked_response, RW_LITERAL("x"), 1, 1, true, &got);
    assert_string_equal(got.at, "502 chunk size expected");
    rw_text_free(&got);
}

static enum rw_h1_body_event decode_with(const struct rw_h1_limits *limits, uint32_t room,
                                         const char *text, const char *reason)
{
    struct decoder decoder;
    start(&decoder, &chunked_request);
    decoder.limits = limits;
    decoder.trailers.room = room;
    enum rw_h1_body_event event = decode(&decoder, rw_span_text(text));
    if (event == RW_H1_BODY_BAD)
        assert_string_equal(decoder.body.reason, reason);
    rw_text_free(&decoder.data);
    return event;
}

static void holds_limits(void **state)
{
    static const struct rw_h1_limits small = {.chunk_ext_bytes_max = 4, .trailer_bytes_max = 12};
    (void)state;
    assert_int_equal(decode_with(&small, 64, "1;a=b\r\nx\r\n1;c=d\r\ny\r\n0\r\n\r\n", ""),
                     RW_H1_BODY_END);
    assert_int_equal(
        decode_with(&small, 64, "1;a=bc\r\nx\r\n0\r\n\r\n", "chunk extensions longer than allowed"),
        RW_H1_BODY_BAD);
    assert_int_equal(decode_with(&small, 64, "0\r\nA: b\r\nC: d\r\n\r\n", ""), RW_H1_BODY_END);
    assert_int_equal(
        decode_with(&small, 64, "0\r\nA: b\r\nC: de\r\n\r\n", "trailers larger than allowed"),
        RW_H1_BODY_BAD);
    assert_int_equal(
        decode_with(&small, 64, "0\r\nHost: b\r\nC: d\r\n\r\n", "trailers larger than allowed"),
        RW_H1_BODY_BAD);
    assert_int_equal(decode_with(&small, 11, "0\r\nA: b\r\nC: d\r\n\r\n",
                                 "trailers larger than the room for them"),
                     RW_H1_BODY_BAD);
}

/* ---- Other bodies ---- */

static void counts_lengths(void **state)
{
    struct rw_message message = {.body_kind = RW_BODY_LENGTH, .has_length = true, .body_bytes = 5};
    struct decoder decoder;
    (void)state;
    start(&decoder, &message);
    assert_false(rw_h1_body_may_end(&decoder.body));
    assert_int_equal(decode(&decoder, RW_LITERAL("hel")), RW_H1_BODY_MORE);
    assert_false(rw_h1_body_may_end(&decoder.body));
    assert_int_equal(decode(&decoder, RW_LITERAL("loGET")), RW_H1_BODY_END);
    assert_true(rw_h1_body_may_end(&decoder.body));
    assert_int_equal(decoder.used, 5);
    assert_string_equal(decoder.data.at, "hello");
    assert_int_equal(decode(&decoder, RW_LITERAL("GET")), RW_H1_BODY_END);
    assert_int_equal(decoder.used, 5);
    rw_text_free(&decoder.data);
}

static void knows_empty_bodies(void **state)
{
    static const struct rw_message messages[] = {
        {.body_kind = RW_BODY_NONE},
        {.body_kind = RW_BODY_NONE, .has_length = true, .body_bytes = 7}, /* answer to HEAD */
        {.body_kind = RW_BODY_LENGTH, .has_length = true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        struct decoder decoder;
        start(&decoder, &messages[i]);
        assert_true(rw_h1_body_may_end(&decoder.body));
        assert_int_equal(decode(&decoder, RW_LITERAL("")), RW_H1_BODY_END);
        assert_int_equal(decode(&decoder, RW_LITERAL("GET")), RW_H1_BODY_END);
        assert_int_equal(decoder.used, 0);
    }
}

static void reads_until_close(void **state)
{
    struct rw_message message = {.body_kind = RW_BODY_UNTIL_CLOSE, .status = 200};
    struct decoder decoder;
    (void)state;
    start(&decoder, &message);
    assert_int_equal(decode(&decoder, RW_LITERAL("ab")), RW_H1_BODY_MORE);
    assert_int_equal(decode(&decoder, RW_LITERAL("")), RW_H1_BODY_MORE);
    assert_int_equal(decode(&decoder, RW_LITERAL("c")), RW_H1_BODY_MORE);
    assert_true(rw_h1_body_may_end(&decoder.body));
    assert_string_equal(decoder.data.at, "abc");
    rw_text_free(&decoder.data);
}

/* A refused or ended body stays so. */
static void stays_at_its_end(void **state)
{
    struct decoder decoder;
    (void)state;
    start(&decoder, &chunked_request);
    assert_int_equal(decode(&decoder, RW_LITERAL("z")), RW_H1_BODY_BAD);
    assert_int_equal(decode(&decoder, RW_LITERAL("0\r\n\r\n")), RW_H1_BODY_BAD);
    assert_false(rw_h1_body_may_end(&decoder.body));
    start(&decoder, &chunked_request);
    assert_int_equal(decode(&decoder, RW_LITERAL("0\r\n\r\n")), RW_H1_BODY_END);
    assert_int_equal(decode(&decoder, RW_LITERAL("5\r\nhello")), RW_H1_BODY_END);
    assert_int_equal(decoder.used, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_chunks),
        cmocka_unit_test(refuses_chunks),
        cmocka_unit_test(checks_trailers_that_nobody_keeps),
        cmocka_unit_test(blames_the_origin),
        cmocka_unit_test(holds_limits),
        cmocka_unit_test(counts_lengths),
        cmocka_unit_test(knows_empty_bodies),
        cmocka_unit_test(reads_until_close),
        cmocka_unit_test(stays_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
