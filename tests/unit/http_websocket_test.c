/* WebSocket frames: the examples of RFC 6455 section 5.7, and what the grammar refuses, each whole
 * and byte by byte with the same outcome. */
#include "base/text.h"
#include "http/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct stream_case {
    const char *section; /* of RFC 6455, unless another is named */
    struct rw_span bytes;
    const char *outcome; /* frames as "opcode/bytes", + for more fragments, then how it ended */
    bool masked;
    uint8_t rsv;
};

#define SERVER(section, bytes, outcome)                                                            \
    {                                                                                              \
        section, {bytes, sizeof(bytes) - 1}, outcome, false, 0                                     \
    }
#define CLIENT(section, bytes, outcome)                                                            \
    {                                                                                              \
        section, {bytes, sizeof(bytes) - 1}, outcome, true, 0                                      \
    }
#define DEFLATE(section, bytes, outcome)                                                           \
    {                                                                                              \
        section, {bytes, sizeof(bytes) - 1}, outcome, false, RW_WEBSOCKET_RSV1                     \
    }
#define ZEROS_125                                                                                  \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"  \
    "1234567890123456789012345678901234"

static const struct stream_case good[] = {
    SERVER("5.7 a text", "\x81\x05Hello", "1/5"),
    CLIENT("5.7 a masked text", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "1/5"),
    SERVER("5.7 fragments", "\x01\x03Hel\x80\x02lo", "1/3+ 0/2"),
    SERVER("5.7 ping", "\x89\x05Hello", "9/5"),
    CLIENT("5.7 masked pong", "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "10/5"),
    SERVER("5.7 256 bytes begun", "\x82\x7e\x01\x00...", "2/256 ..."),
    SERVER("5.7 64 KiB begun", "\x82\x7f\0\0\0\0\0\1\0\0...", "2/65536 ..."),
    SERVER("5.2 the longest", "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff.",
           "2/9223372036854775807 ..."),
    SERVER("5.2 the longest short one", "\x82\x7d" ZEROS_125, "2/125"),
    SERVER("5.2 nothing in it", "\x81\x00\x82\x00", "1/0 2/0"),
    CLIENT("5.2 nothing in it, masked", "\x81\x80zzzz\x82\x80zzzz", "1/0 2/0"),
    SERVER("5.4 control frames inside a message",
           "\x01\x01"
           "a\x89\x00\x00\x01"
           "b\x8a\x01x\x80\x01"
           "c\x81\x00",
           "1/1+ 9/0 0/1+ 10/1 0/1 1/0"),
    SERVER("5.5.1 close", "\x88\x02\x03\xe8", "8/2=1000"),
    SERVER("5.5.1 close without a code", "\x88\x00", "8/0=1005"),
    SERVER("5.5.1 close with a reason",
           "\x88\x05\x03\xf1"
           "bye",
           "8/5=1009"),
    CLIENT("5.5.1 masked close", "\x88\x82\x01\x02\x03\x04\x02\xeb", "8/2=1001"),
    CLIENT("5.5.1 masked close without a code", "\x88\x80\x01\x02\x03\x04", "8/0=1005"),
    SERVER("5.5.1 nothing counts afterwards", "\x88\x02\x03\xe8\x81\x01x", "8/2=1000 surplus 3"),
    SERVER("7.4.2 private code", "\x88\x02\x13\x87", "8/2=4999"),
    DEFLATE("RFC 7692 7.2.3.1", "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", "1/7"),
    DEFLATE("RFC 7692 7.2.3.1 fragments", "\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00",
            "1/3+ 0/4"),
    SERVER("a head begun", "\x81", "head 1"),
    SERVER("a long head begun", "\x82\x7f\0\0\0\0\0\1\0", "head 9"),
    CLIENT("a mask begun", "\x81\x85\x37", "1/5 ..."),
    SERVER("a close begun", "\x88\x02\x03", "head 3"),
};

static const struct stream_case refused[] = {
    SERVER("5.2 RSV1 without an extension", "\xc1\x00", "1002 reserved bit is set"),
    SERVER("5.2 RSV2", "\xa1\x00", "1002 reserved bit is set"),
    SERVER("5.2 RSV3", "\x91\x00", "1002 reserved bit is set"),
    DEFLATE("RFC 7692 RSV2", "\xa1\x00", "1002 reserved bit is set"),
    DEFLATE("RFC 7692 6 a control frame", "\xc9\x00", "1002 reserved bit is set"),
    DEFLATE("RFC 7692 6 a later fragment", "\x41\x00\xc0\x00", "1/0+ 1002 reserved bit is set"),
    SERVER("5.2 opcode 3", "\x83\x00", "1002 opcode is reserved"),
    SERVER("5.2 opcode 7", "\x87\x00", "1002 opcode is reserved"),
    SERVER("5.2 opcode 11", "\x8b\x00", "1002 opcode is reserved"),
    SERVER("5.2 opcode 15", "\x8f\x00", "1002 opcode is reserved"),
    SERVER("5.1 a server masks", "\x81\x80zzzz", "1002 frame is masked"),
    CLIENT("5.1 a client does not", "\x81\x05Hello", "1002 frame is not masked"),
    SERVER("5.2 125 in 16 bits", "\x82\x7e\x00\x7d", "1002 length is not the shortest"),
    SERVER("5.2 65535 in 64 bits", "\x82\x7f\0\0\0\0\0\0\xff\xff",
           "1002 length is not the shortest"),
    SERVER("5.2 beyond 2^63", "\x82\x7f\x80\0\0\0\0\0\0\0", "1002 length is too large"),
    SERVER("5.4 continuation of nothing", "\x80\x00", "1002 continuation of nothing"),
    SERVER("5.4 of a message that has ended", "\x01\x00\x80\x00\x80\x00",
           "1/0+ 0/0 1002 continuation of nothing"),
    SERVER("5.4 a message inside another", "\x01\x00\x81\x00", "1/0+ 1002 message inside another"),
    SERVER("5.5 fragments of a ping", "\x09\x00", "1002 control frame in fragments"),
    SERVER("5.5 126 bytes of a ping", "\x89\x7e\x00\x7e", "1002 control frame is too long"),
    SERVER("5.5 a long close", "\x88\x7f", "1002 control frame is too long"),
    SERVER("5.5.1 half a code", "\x88\x01\x03", "1002 half a close code"),
    SERVER("7.4.1 999", "\x88\x02\x03\xe7", "1002 close code that may not be sent"),
    SERVER("7.4.1 1004", "\x88\x02\x03\xec", "1002 close code that may not be sent"),
    SERVER("7.4.1 1005", "\x88\x02\x03\xed", "1002 close code that may not be sent"),
    SERVER("7.4.1 1006", "\x88\x02\x03\xee", "1002 close code that may not be sent"),
    SERVER("7.4.1 1015", "\x88\x02\x03\xf7", "1002 close code that may not be sent"),
    SERVER("7.4.2 2999", "\x88\x02\x0b\xb7", "1002 close code that may not be sent"),
    SERVER("7.4.2 5000", "\x88\x02\x13\x88", "1002 close code that may not be sent"),
    CLIENT("7.4.1 masked 1005", "\x88\x82\x01\x02\x03\x04\x02\xef",
           "1002 close code that may not be sent"),
};

static void tell_frame(struct rw_text *out, const struct rw_websocket_frame *frame)
{
    rw_text_addf(out, " %u/%llu%s", frame->opcode, (unsigned long long)frame->bytes,
                 frame->fin ? "" : "+");
    if (frame->opcode == RW_WEBSOCKET_CLOSE)
        rw_text_addf(out, "=%u", frame->close_code);
}

/* One piece, in a block of exactly its size. */
static void follow_piece(struct rw_text *out, struct rw_websocket_track *track, uint32_t max,
                         struct rw_span piece, size_t *surplus)
{
    char *block = malloc(piece.len);
    assert_non_null(block);
    memcpy(block, piece.at, piece.len);
    struct rw_span bytes = rw_span(block, piece.len);
    struct rw_websocket_frame frame;
    enum rw_websocket_event event;
    while ((event = rw_websocket_next(track, max, &bytes, &frame)) == RW_WEBSOCKET_FRAME ||
           event == RW_WEBSOCKET_BAD) {
        if (event == RW_WEBSOCKET_FRAME)
            tell_frame(out, &frame);
        else
            rw_text_addf(out, " %u %s", frame.close_code, frame.reason);
    }
    if (event == RW_WEBSOCKET_SURPLUS)
        *surplus += bytes.len;
    else
        assert_int_equal(bytes.len, 0);
    free(block);
}

static void follow(struct rw_text *out, const struct stream_case *each, uint32_t max, size_t step)
{
    struct rw_websocket_track track;
    struct rw_span rest = each->bytes;
    size_t surplus = 0;
    rw_websocket_start(&track, each->masked, each->rsv);
    while (rest.len) {
        size_t len = step < rest.len ? step : rest.len;
        follow_piece(out, &track, max, rw_span(rest.at, len), &surplus);
        rest = rw_span_skip(rest, len);
    }
    bool failed = strstr(out->at ? out->at : "", " 1002 ");
    if (surplus && !failed)
        rw_text_addf(out, " surplus %zu", surplus);
    else if (track.in_payload)
        rw_text_adds(out, " ...");
    else if (track.held)
        rw_text_addf(out, " head %u", track.held);
}

static void check(const struct stream_case *each, uint32_t max)
{
    for (size_t step = 1; step <= each->bytes.len; step++) {
        struct rw_text out = {0};
        follow(&out, each, max, step);
        rw_text_adds(&out, "");
        struct rw_span got = rw_text_span(&out);
        if (got.len == 0 || !rw_span_is(rw_span_skip(got, 1), each->outcome))
            fail_msg("%s in pieces of %zu: \"%.*s\" instead of \" %s\"", each->section, step,
                     RW_SPAN_ARGS(got), each->outcome);
        rw_text_free(&out);
    }
}

static void frames_of_the_rfc(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        check(&good[i], 0);
}

static void what_the_grammar_refuses(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        check(&refused[i], 0);
}

static void messages_that_are_too_large(void **unused)
{
    (void)unused;
    static const struct stream_case cases[] = {
        SERVER("just as large",
               "\x82\x04"
               "1234\x02\x02"
               "12\x89\x05ping!\x80\x02"
               "34\x82\x01"
               "1",
               "2/4 2/2+ 9/5 0/2 2/1"),
        SERVER("one frame; what follows is still seen",
               "\x82\x05"
               "12345\x82\x01x\x88\x02\x03\xf1",
               "1009 message is too large 2/1 8/2=1009"),
        SERVER("in fragments",
               "\x02\x04"
               "1234\x00\x00\x80\x01"
               "5",
               "2/4+ 0/0+ 1009 message is too large"),
        SERVER("never a sum that wraps", "\x02\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",
               "1009 message is too large ..."),
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        check(&cases[i], 4);
}

static void a_sum_stays_at_its_most(void **unused)
{
    (void)unused;
    struct rw_websocket_track track;
    struct rw_websocket_frame frame;
    struct rw_span bytes = RW_LITERAL("\x80\x00");
    rw_websocket_start(&track, false, 0);
    track.in_message = true;
    track.message = UINT32_MAX;
    assert_int_equal(rw_websocket_next(&track, UINT32_MAX - 1, &bytes, &frame), RW_WEBSOCKET_BAD);
    assert_int_equal(track.message, UINT32_MAX);
}

/* Where a frame begins, in this piece or before it. */
static void beginnings(void **unused)
{
    (void)unused;
    struct rw_websocket_track track;
    struct rw_websocket_frame frame;
    struct rw_span first = RW_LITERAL("\x81\x01x\x82\x7e"), second = RW_LITERAL("\x01\x00yy");
    rw_websocket_start(&track, false, 0);
    assert_int_equal(rw_websocket_next(&track, 0, &first, &frame), RW_WEBSOCKET_FRAME);
    assert_int_equal(frame.head_bytes, 2);
    assert_false(rw_websocket_between(&track));
    assert_int_equal(rw_websocket_next(&track, 0, &first, &frame), RW_WEBSOCKET_MORE);
    assert_true(rw_websocket_between(&track));
    assert_int_equal(track.held, 2);
    assert_int_equal(rw_websocket_next(&track, 0, &second, &frame), RW_WEBSOCKET_FRAME);
    assert_int_equal(frame.head_bytes, 4);
    assert_int_equal(second.len, 2); /* it began two bytes before this piece */
}

static void extensions(void **unused)
{
    (void)unused;
    assert_int_equal(rw_websocket_rsv(RW_LITERAL("")), 0);
    assert_int_equal(rw_websocket_rsv(RW_LITERAL("permessage-deflate; client_max_window_bits=10")),
                     RW_WEBSOCKET_RSV1);
    assert_int_equal(rw_websocket_rsv(RW_LITERAL("Permessage-Deflate, x-other")),
                     RW_WEBSOCKET_RSV_ALL);
}

/* Section 1.3. */
static void handshake(void **unused)
{
    (void)unused;
    const uint8_t nonce[] = "the sample nonce";
    char key[RW_WEBSOCKET_KEY_BYTES], accept[RW_WEBSOCKET_ACCEPT_BYTES];
    rw_websocket_key(key, nonce);
    assert_memory_equal(key, "dGhlIHNhbXBsZSBub25jZQ==", sizeof(key));
    assert_true(rw_websocket_accept(accept, rw_span(key, sizeof(key))));
    assert_memory_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", sizeof(accept));
}

static void what_is_written_can_be_read(void **unused)
{
    (void)unused;
    const uint8_t mask[] = {0x37, 0xfa, 0x21, 0x3d};
    char bytes[RW_WEBSOCKET_WRITE_MAX];
    size_t len = rw_websocket_write(bytes, RW_WEBSOCKET_PING, RW_LITERAL("Hello"), NULL);
    assert_int_equal(len, 7);
    assert_memory_equal(bytes, "\x89\x05Hello", len);
    len = rw_websocket_write(bytes, RW_WEBSOCKET_PONG, RW_LITERAL("Hello"), mask);
    assert_int_equal(len, 11);
    assert_memory_equal(bytes, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", len);
    len = rw_websocket_write(bytes, RW_WEBSOCKET_PING, RW_LITERAL(ZEROS_125), mask);
    assert_int_equal(len, RW_WEBSOCKET_WRITE_MAX);
    len = rw_websocket_write(bytes, RW_WEBSOCKET_CLOSE, RW_LITERAL("\x03\xe9"), mask);
    struct rw_websocket_track track;
    struct rw_websocket_frame frame;
    struct rw_span rest = rw_span(bytes, len);
    rw_websocket_start(&track, true, 0);
    assert_int_equal(rw_websocket_next(&track, 0, &rest, &frame), RW_WEBSOCKET_FRAME);
    assert_int_equal(frame.close_code, RW_WEBSOCKET_GOING_AWAY);
    assert_int_equal(rest.len, 0);
}

/* Section 5.2: each length in its shortest form; unmasked it is what went in. */
static void a_clients_message_can_be_read(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536, 70001};
    static const uint8_t mask[RW_WEBSOCKET_MASK_BYTES] = {0x37, 0xfa, 0x21, 0x3d};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t length = lengths[i];
        char *payload = malloc(length + 1), *bytes = malloc(length + RW_WEBSOCKET_FRAME_MAX);
        assert_true(payload && bytes);
        for (size_t k = 0; k < length; k++)
            payload[k] = (char)(k * 7);
        size_t len =
            rw_websocket_write_message(bytes, RW_WEBSOCKET_BINARY, rw_span(payload, length), mask);
        struct rw_websocket_track track;
        struct rw_websocket_frame frame;
        struct rw_span rest = rw_span(bytes, len);
        rw_websocket_start(&track, true, 0);
        assert_int_equal(rw_websocket_next(&track, 0, &rest, &frame), RW_WEBSOCKET_FRAME);
        assert_int_equal(frame.bytes, length);
        assert_true(frame.fin && frame.opcode == RW_WEBSOCKET_BINARY);
        const char *masked = bytes + len - length;
        for (size_t k = 0; k < length; k++)
            assert_int_equal((char)(masked[k] ^ mask[k % RW_WEBSOCKET_MASK_BYTES]), payload[k]);
        assert_int_equal(rw_websocket_next(&track, 0, &rest, &frame), RW_WEBSOCKET_MORE);
        assert_true(rw_websocket_between(&track));
        free(payload);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_the_rfc),
        cmocka_unit_test(what_the_grammar_refuses),
        cmocka_unit_test(messages_that_are_too_large),
        cmocka_unit_test(a_sum_stays_at_its_most),
        cmocka_unit_test(beginnings),
        cmocka_unit_test(extensions),
        cmocka_unit_test(handshake),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(a_clients_message_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
