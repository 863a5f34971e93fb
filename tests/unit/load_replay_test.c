/* Access logs: lines of each format, what is none, and when what was logged is due again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "load/script/log_line.h"
#include "load/script/replay.h"

#include <stdlib.h>
#include <unistd.h>

static void test_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line, *method, *path;
        int64_t time_ns;
    } cases[] = {
        {"{\"time\":\"2026-11-20T18:39:58.123Z\",\"client\":\"::1\",\"method\":\"GET\",\"path\":\"/a"
         "\",\"query\":\"b=c\",\"status\":200}",
         "GET", "/a?b=c", 1795199998123000000},
        {"{\"path\":\"/\",\"method\":\"PURGE\",\"time\":\"2024-02-29T00:00:00.5+01:30\"}", "PURGE",
         "/", 1709159400500000000},
        {"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /a.gif?x HTTP/1.0\" 200 2326", "GET",
         "/a.gif?x", 971211336000000000},
        {"::1 - - [01/Jan/1970:00:00:00 +0000] \"POST / HTTP/1.1\" 200 1 \"http://r/\" \"u [a]\"\r",
         "POST", "/", 0},
        {"a - - [31/Dec/2099:23:59:59 +0000] \"GET /\" 200 1", "GET", "/", 4102444799000000000},
    };
    struct rw_load_log_line line;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (!rw_load_log_line(rw_span_text(cases[i].line), &line))
            fail_msg("%s", cases[i].line);
        assert_string_equal(line.method, cases[i].method);
        assert_true(rw_span_is(line.path, cases[i].path));
        assert_int_equal(line.time_ns, cases[i].time_ns);
    }
}

static void test_no_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "nonsense",
        "{}",
        "{\"time\":\"2026-11-20T18:39:58Z\",\"method\":\"GET\",\"path\":\"*\"}",
        "{\"time\":\"2026-11-20T18:39:58Z\",\"method\":\"CONNECT\",\"path\":\"/\"}",
        "{\"time\":\"2026-11-20T18:39:58Z\",\"method\":\"G T\",\"path\":\"/\"}",
        "{\"time\":\"2026-11-20T18:39:58Z\",\"method\":\"GET\",\"path\":\"/a b\"}",
        "{\"time\":\"2026-13-20T18:39:58Z\",\"method\":\"GET\",\"path\":\"/\"}",
        "{\"time\":\"2026-11-20T18:39:58\",\"method\":\"GET\",\"path\":\"/\"}",
        "{\"time\":12,\"method\":\"GET\",\"path\":\"/\"}",
        "a - - [10/Okt/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1",
        "a - - [10/Oct/2000:13:55:36] \"GET / HTTP/1.0\" 200 1",
        "a - - [10/Oct/2000:13:55:36 -0700] \"-\" 408 0",
        "a - - [10/Oct/2000:13:55:36 -0700] \"\\x16\\x03\\x01 / a\" 400 0",
        "a - - [10/Oct/2000:13:55:36 -0700] \"GET http://a/ HTTP/1.0\" 400 0",
    };
    struct rw_load_log_line line;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (rw_load_log_line(rw_span_text(lines[i]), &line))
            fail_msg("%s", lines[i]);
}

static enum rw_err read_log(const char *text, struct rw_load_replay *replay, struct rw_arena *arena,
                            struct rw_load_settings *settings)
{
    char path[] = "/tmp/rw-load-replay-XXXXXX", why[192] = "";
    const struct rw_load_request request = {
        .headers = {{RW_LITERAL("X"), RW_LITERAL("y")}}, .header_count = 1, .weight = 1};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    memset(settings, 0, sizeof(*settings));
    enum rw_err err = rw_load_replay_read(path, &request, arena, replay, settings, why);
    unlink(path);
    assert_true(err != RW_EINVAL || why[0]);
    return err;
}

/* Out of order, two in a second of a log that knows no finer time, one that changes something. */
static const char log_text[] = "a - - [10/Oct/2000:00:00:12 +0000] \"GET /3 HTTP/1.1\" 200 1\n"
                               "a - - [10/Oct/2000:00:00:10 +0000] \"GET /1 HTTP/1.1\" 200 1\n"
                               "a - - [10/Oct/2000:00:00:10 +0000] \"HEAD /2 HTTP/1.1\" 200 1\n"
                               "a - - [10/Oct/2000:00:00:11 +0000] \"DELETE /4 HTTP/1.1\" 200 1\n"
                               "\nwhat?\n";

static void test_replay(void **state)
{
    (void)state;
    struct rw_arena arena;
    struct rw_load_settings settings;
    struct rw_load_replay replay = {.speed = 2};
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 20);
    assert_int_equal(read_log(log_text, &replay, &arena, &settings), RW_OK);
    assert_int_equal(replay.lines, 5);
    assert_int_equal(replay.taken, 3);
    assert_int_equal(replay.strange, 1);
    assert_int_equal(replay.unsafe, 1);
    static const uint64_t times_ns[] = {0, 250000000, 1000000000};
    static const char *const paths[] = {"/1", "/2", "/3"}, *const methods[] = {"GET", "HEAD",
                                                                               "GET"};
    const struct rw_load_script *script = settings.script;
    assert_int_equal(settings.profile.time_count, 3);
    struct rw_schedule schedule[2];
    for (unsigned i = 0; i < 2; i++)
        rw_schedule_begin(&schedule[i], &settings.profile, i, 2, 1);
    for (size_t i = 0; i < 3; i++) {
        uint64_t due_ns;
        assert_true(rw_schedule_next(&schedule[i % 2], &due_ns));
        assert_int_equal(due_ns, times_ns[i]);
        assert_true(rw_span_is(rw_load_data_row(&script->data[0], i)[0], paths[i]));
        assert_true(rw_span_is(settings.requests[script->row_scenarios[i]].method, methods[i]));
    }
    uint64_t due_ns;
    assert_false(rw_schedule_next(&schedule[0], &due_ns));
    assert_false(rw_schedule_next(&schedule[1], &due_ns));
    assert_true(rw_profile_arrivals(&settings.profile) > 2.9);
    rw_arena_free(&arena);
}

static void test_failures(void **state)
{
    (void)state;
    for (uint64_t n = 0;; n++) {
        struct rw_arena arena;
        struct rw_load_settings settings;
        struct rw_load_replay replay = {.speed = 1};
        rw_arena_init(&arena, NULL, 0, 1024, 1 << 20);
        rw_alloc_fail_after(n);
        enum rw_err err = read_log(log_text, &replay, &arena, &settings);
        rw_alloc_fail_never();
        rw_arena_free(&arena);
        if (!err)
            break;
        assert_int_equal(err, RW_ENOMEM);
    }
    struct rw_arena arena;
    struct rw_load_settings settings;
    struct rw_load_replay replay = {.speed = 1};
    rw_arena_init(&arena, NULL, 0, 1024, 1 << 20);
    assert_int_equal(read_log("nothing\n", &replay, &arena, &settings), RW_EINVAL);
    rw_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_no_lines),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
