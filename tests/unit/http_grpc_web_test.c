/* gRPC-Web: media types, rows of messages, the frame with the trailers. */
#include "http/grpc_web.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- Media types ---- */

struct type {
    const char *text;
    enum rw_grpc_web_mode mode;
    const char *format;
};

static const struct type types[] = {
    {"application/grpc-web", RW_GRPC_WEB_BINARY, ""},
    {"application/grpc-web+proto", RW_GRPC_WEB_BINARY, "+proto"},
    {"Application/gRPC-Web+Proto", RW_GRPC_WEB_BINARY, "+Proto"},
    {"application/grpc-web+json; charset=utf-8", RW_GRPC_WEB_BINARY, "+json"},
    {"application/grpc-web;x=y", RW_GRPC_WEB_BINARY, ""},
    {"application/grpc-web-text", RW_GRPC_WEB_TEXT, ""},
    {"application/grpc-web-text+proto", RW_GRPC_WEB_TEXT, "+proto"},
    {"application/grpc-web-text-base64", RW_GRPC_WEB_TEXT, ""},
    {"application/grpc-web-text, */*", RW_GRPC_WEB_TEXT, ""},
    {"application/grpc-webber", RW_GRPC_WEB_NONE, NULL},
    {"application/grpc-web-textual", RW_GRPC_WEB_NONE, NULL},
    {"application/grpc", RW_GRPC_WEB_NONE, NULL},
    {"application/json", RW_GRPC_WEB_NONE, NULL},
    {"", RW_GRPC_WEB_NONE, NULL},
};

static void media_types(void **unused)
{
    (void)unused;
    struct rw_span format;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        assert_int_equal(rw_grpc_web_type(rw_span_text(types[i].text), &format), types[i].mode);
        if (types[i].mode)
            assert_true(rw_span_is(format, types[i].format));
        assert_false(types[i].mode && rw_grpc_type(rw_span_text(types[i].text), &format));
    }
    assert_true(rw_grpc_type(RW_LITERAL("application/grpc+proto"), &format));
    assert_true(rw_span_is(format, "+proto"));
    assert_true(rw_grpc_type(RW_LITERAL("application/grpc"), &format));
    assert_int_equal(format.len, 0);
    assert_false(rw_grpc_type(RW_LITERAL("application/grpcx"), &format));
}

/* ---- Messages ---- */

static enum rw_grpc_frames_flaw pass(struct rw_grpc_frames *frames, struct rw_span bytes,
                                     size_t step, uint64_t max)
{
    enum rw_grpc_frames_flaw flaw = RW_GRPC_FRAMES_GOOD;
    *frames = (struct rw_grpc_frames){0};
    while (bytes.len && !flaw) {
        size_t part = step < bytes.len ? step : bytes.len;
        flaw = rw_grpc_frames_pass(frames, rw_span(bytes.at, part), max);
        bytes = rw_span_skip(bytes, part);
    }
    return flaw;
}

static void rows_of_messages(void **unused)
{
    (void)unused;
    struct rw_grpc_frames frames;
    struct rw_span row = RW_LITERAL("\0\0\0\0\3abc"
                                    "\1\0\0\0\0"
                                    "\0\0\0\0\1d");
    for (size_t step = 1; step <= row.len; step++) {
        assert_int_equal(pass(&frames, row, step, 3), RW_GRPC_FRAMES_GOOD);
        assert_true(rw_grpc_frames_whole(&frames));
        assert_int_equal(pass(&frames, row, step, 2), RW_GRPC_FRAMES_TOO_LONG);
        /* Whole only behind each message. */
        for (size_t len = 0; len <= row.len; len++) {
            assert_int_equal(pass(&frames, rw_span(row.at, len), step, 0), RW_GRPC_FRAMES_GOOD);
            assert_int_equal(rw_grpc_frames_whole(&frames),
                             len == 0 || len == 8 || len == 13 || len == 19);
        }
    }
    assert_int_equal(pass(&frames, RW_LITERAL("\x80"), 1, 0), RW_GRPC_FRAMES_BAD_FLAGS);
    assert_int_equal(pass(&frames, RW_LITERAL("\0\0\0\0\0\2"), 1, 0), RW_GRPC_FRAMES_BAD_FLAGS);
    assert_int_equal(pass(&frames, RW_LITERAL("\0\xff\xff\xff\xff"), 1, 0), RW_GRPC_FRAMES_GOOD);
    assert_int_equal(frames.left, UINT32_MAX);
}

/* ---- Trailers ---- */

static void trailers(void **unused)
{
    (void)unused;
    char frame[128];
    struct rw_span lines = RW_LITERAL("Grpc-Status: 5\r\nX-Mixed-Bin: AAEC:Zz\r\n");
    assert_int_equal(rw_grpc_web_trailers_bytes(lines), 5 + lines.len);
    rw_grpc_web_put_trailers(frame, lines);
    assert_memory_equal(frame, "\x80\0\0\0", 4);
    assert_int_equal(frame[4], lines.len);
    assert_memory_equal(frame + 5, "grpc-status: 5\r\nx-mixed-bin: AAEC:Zz\r\n", lines.len);
    rw_grpc_web_put_trailers(frame, RW_LITERAL(""));
    assert_memory_equal(frame, "\x80\0\0\0\0", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(media_types),
        cmocka_unit_test(rows_of_messages),
        cmocka_unit_test(trailers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
