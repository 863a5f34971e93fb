/* Scenario files: templates, data, what is wrong with them, what an answer is held against. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "load/script/config.h"
#include "load/script/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct rw_arena arena;

static int begin(void **state)
{
    (void)state;
    rw_arena_init(&arena, NULL, 0, 64 * 1024, 256 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    rw_arena_free(&arena);
    return 0;
}

/* ---- Templates ---- */

static struct rw_load_name known[] = {
    {.name = {"host", 4}, .origin = RW_LOAD_TEXT, .text = {"a b\"c", 5}},
    {.name = {"name", 4}, .origin = RW_LOAD_COLUMN, .set = 0, .item = 1},
    {.name = {"id", 2}, .origin = RW_LOAD_CAPTURE, .item = 0},
    {.name = {"iteration", 9}, .origin = RW_LOAD_ITERATION},
    {.name = {"uuid", 4}, .origin = RW_LOAD_UUID},
};
static const struct rw_load_names names = {known, sizeof(known) / sizeof(known[0])};

static const char *render(const char *text, enum rw_load_encoding encoding, size_t room)
{
    static char out_text[512];
    struct rw_load_template template;
    struct rw_random random;
    struct rw_span unknown;
    char flaw[128];
    const struct rw_span row[] = {{"x", 1}, {"Zo\xc3\xab/\n", 6}};
    const struct rw_span *rows[] = {row};
    struct rw_text captures[] = {{.at = "7?", .len = 2}};
    const struct rw_load_values values = {rows, captures, 42, &random};
    struct rw_h1_out out = {.at = out_text, .room = room};
    rw_random_seed(&random, 1);
    assert_int_equal(rw_load_template_compile(rw_span_text(text), encoding, &names, &arena,
                                              &template, flaw, &unknown),
                     RW_OK);
    rw_load_template_put(&template, &values, &out);
    if (out.overflow)
        return NULL;
    out_text[out.len] = '\0';
    return out_text;
}

static void test_template(void **state)
{
    (void)state;
    const size_t room = 511;
    assert_string_equal(render("", RW_LOAD_AS_IS, room), "");
    assert_string_equal(render("$5 $$5 $", RW_LOAD_AS_IS, room), "$5 $5 $");
    assert_string_equal(render("/${name}/${id}", RW_LOAD_AS_TARGET, room), "/Zo%C3%AB/%0A/7?");
    assert_string_equal(render("/${name|url}/${id|url}", RW_LOAD_AS_TARGET, room),
                        "/Zo%C3%AB%2F%0A/7%3F");
    assert_string_equal(render("\"${name|json}\"", RW_LOAD_AS_IS, room), "\"Zo\xc3\xab/\\u000a\"");
    assert_string_equal(render("${host}${host|json}${host|url}", RW_LOAD_AS_IS, room),
                        "a b\"ca b\\\"ca%20b%22c");
    assert_string_equal(render("${iteration}", RW_LOAD_AS_IS, room), "42");
    const char *uuid = render("${uuid}", RW_LOAD_AS_IS, room);
    assert_int_equal(strlen(uuid), 36);
    assert_true(uuid[14] == '4' && strchr("89ab", uuid[19]));
    assert_null(render("${name}", RW_LOAD_AS_IS, 5));
}

static void expect_flaw(const char *text, const char *expected)
{
    struct rw_load_template template;
    struct rw_span unknown;
    char flaw[128] = "";
    assert_int_equal(rw_load_template_compile(rw_span_text(text), RW_LOAD_AS_IS, &names, &arena,
                                              &template, flaw, &unknown),
                     RW_EINVAL);
    assert_string_equal(flaw, expected);
}

static void test_template_flaws(void **state)
{
    (void)state;
    expect_flaw("a${", "a \"${\" without its \"}\"");
    expect_flaw("${nobody}", "there is no variable of this name");
    expect_flaw("${}", "there is no variable of this name");
    expect_flaw("${id|html}", "after \"|\" comes url or json");
}

static void test_constant_is_folded(void **state)
{
    (void)state;
    struct rw_load_template template;
    struct rw_span unknown;
    char flaw[128];
    assert_int_equal(rw_load_template_compile(RW_LITERAL("/a/${host|url}/$$b"), RW_LOAD_AS_TARGET,
                                              &names, &arena, &template, flaw, &unknown),
                     RW_OK);
    assert_true(rw_load_template_is_constant(&template));
    assert_true(rw_span_is(rw_load_template_text(&template), "/a/a%20b%22c/$b"));
}

/* ---- Data ---- */

static void test_data(void **state)
{
    (void)state;
    struct rw_load_data data = {0};
    char flaw[128];
    assert_int_equal(rw_load_data_parse(RW_LITERAL("\xef\xbb\xbfname, age\r\n"
                                                   "Ann,1\r\n\r\n"
                                                   "\"B \"\"o\"\"\nb\",\r\n"
                                                   "\"\",\"x,y\""),
                                        true, &arena, &data, flaw),
                     RW_OK);
    static const char *const cells[] = {"Ann", "1", "B \"o\"\nb", "", "", "x,y"};
    assert_int_equal(data.column_count, 2);
    assert_true(rw_span_is(data.columns[1], "age"));
    assert_int_equal(data.row_count, 3);
    for (size_t i = 0; i < 6; i++)
        assert_true(rw_span_is(data.cells[i], cells[i]));
}

static void test_data_flaws(void **state)
{
    (void)state;
    static const struct {
        const char *text, *flaw;
    } cases[] = {
        {"", "it is empty"},
        {"\n\n", "it is empty: its first line names the columns"},
        {"a,b\n", "it has no rows"},
        {"a,b\n1,2\n\n3\n", "line 4: 1 fields, where 2 columns are"},
        {"a\n\"x\n\ny", "line 2: a quote that is never closed"},
        {"a\n\"x\"y\n", "line 2: after a closing quote comes a comma or the end"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rw_load_data data = {0};
        char flaw[128] = "";
        assert_int_equal(rw_load_data_parse(rw_span_text(cases[i].text), true, &arena, &data, flaw),
                         RW_EINVAL);
        assert_string_equal(flaw, cases[i].flaw);
    }
}

/* ---- Files ---- */

struct reading {
    struct rw_load_config config;
    struct rw_load_settings settings;
    struct rw_conf_report report;
    enum rw_err err;
};

static void read_file(const char *yaml, struct reading *r)
{
    char path[] = "/tmp/rw-load-script-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
    close(fd);
    memset(r, 0, sizeof(*r));
    r->err = rw_load_script_read(path, &arena, &r->config, &r->settings, &r->report);
    unlink(path);
}

static void expect_mistake(const char *steps, const char *expected)
{
    struct reading r;
    char yaml[2048];
    snprintf(yaml, sizeof(yaml), "target: http://a\nscenarios: [{ steps: %s }]\n", steps);
    read_file(yaml, &r);
    assert_int_equal(r.err, RW_EINVAL);
    char *told = NULL;
    size_t len;
    FILE *text = open_memstream(&told, &len);
    for (size_t i = 0; i < r.report.count; i++)
        fprintf(text, "%s%u:%u %.*s", i ? "\n" : "", r.report.mistakes[i].place.line,
                r.report.mistakes[i].place.column, RW_SPAN_ARGS(r.report.mistakes[i].message));
    fclose(text);
    assert_string_equal(told, expected);
    free(told);
    rw_load_script_free(r.settings.script);
}

static void test_mistakes(void **state)
{
    (void)state;
    expect_mistake("[a]", "2:23 a path begins with \"/\"");
    expect_mistake("[\"/a b\"]",
                   "2:23 characters that no URL has: they are written as %20 and the like");
    expect_mistake("[{ path: \"/${iteratoin}\" }]",
                   "2:31 unknown variable \"iteratoin\"; did you mean \"iteration\"?");
    expect_mistake("[{ path: /, think: 2s-1s }]",
                   "2:41 expected a time like 1s, or two like 500ms-2s");
    expect_mistake("[{ path: /, check: [{ regex: \"(\" }] }]",
                   "2:51 not a regular expression: missing closing parenthesis at offset 1");
    expect_mistake(
        "[{ path: /, check: [{}] }]",
        "2:42 a check needs one of status, grpc, below, header, json, regex, equals, contains");
    expect_mistake("[{ path: /, capture: [{ as: x, json: a }] }]",
                   "2:59 a JSON pointer begins with \"/\"");
    expect_mistake("[{ path: /, headers: { Host: a } }]",
                   "2:51 this field is made of the target and the body");
    expect_mistake("[{ send: a }]", "2:23 no WebSocket is there: a step with open first");
    expect_mistake("[{ open: /, body: a }]", "2:23 method, body, body_file and grpc go with path");
    expect_mistake("[{ open: /a }, { open: /b }]",
                   "2:45 one WebSocket at a time: there is one, and no close");
    expect_mistake("[{ open: /, headers: { Upgrade: h2c } }]",
                   "2:43 \"upgrade\": the handshake has its own");
    expect_mistake("[{ open: / }, { send: a, path: /b }]",
                   "2:36 a step is one of path, open, send, send_binary, close");
    expect_mistake("[{ open: / }, { send: a, check: [200] }]",
                   "2:55 a message of a WebSocket has no such");
    expect_mistake("[{ open: / }, { send_binary: '!' }]", "2:51 not base64");
    expect_mistake("[{ open: / }, { close: 7 }]", "2:45 codes are from 1000 to 4999");
    expect_mistake("[{ path: /, every: 1s }]", "2:41 every goes with times");
    expect_mistake("[{}]", "2:23 a step is one of path, open, send, send_binary, close");
    /* Not before it has been captured, and not in another scenario. */
    expect_mistake("[{ path: \"/${x}\" }, { path: /, capture: [{ as: x, json: /x }] }]",
                   "2:31 unknown variable \"x\"");
}

static const char whole[] = "target: http://a\n"
                            "variables: { tenant: acme }\n"
                            "phases: [{ for: 1s, rate: 10, to: 20 }, { for: 500ms, rate: 0.5/s }]\n"
                            "headers: { X-Tenant: \"${tenant}\", Accept: a }\n"
                            "scenarios:\n"
                            "  - weight: 3\n"
                            "    think: 1s\n"
                            "    steps:\n"
                            "      - path: /login\n"
                            "        body: user=a\n"
                            "        check: [200, { below: 1s }]\n"
                            "        capture: { as: token, header: X-Token }\n"
                            "      - path: /items/${token}\n"
                            "        headers: { accept: b }\n"
                            "        think: 1ms-2ms\n"
                            "  - { name: other, steps: [/] }\n";

static void test_compiled(void **state)
{
    (void)state;
    struct reading r;
    read_file(whole, &r);
    assert_int_equal(r.err, RW_OK);
    const struct rw_load_script *script = r.settings.script;
    const struct rw_load_scenario *first = &script->scenarios[0];
    assert_false(r.settings.closed);
    assert_int_equal(r.settings.profile.phase_count, 2);
    assert_true(r.settings.profile.phases[0].to > 19.9);
    assert_int_equal(script->scenario_count, 2);
    assert_int_equal(first->weight, 3);
    assert_int_equal(r.settings.request_count, 3);
    const struct rw_load_request *login = &r.settings.requests[0], *item = login + 1;
    assert_true(rw_span_is(login->method, "POST") && rw_span_is(login->name, "POST /login"));
    assert_true(!login->varies && rw_span_is(login->body, "user=a"));
    assert_true(rw_span_is(login->headers[0].value, "acme"));
    assert_true(item->varies && item->header_count == 2);
    assert_true(rw_span_is(item->headers[1].value, "b"));
    assert_true(first->steps[0].judges_status && !first->steps[1].judges_status);
    assert_int_equal(first->steps[0].think_ms_most, 1000);
    assert_int_equal(first->steps[1].think_ms_most, 2);
    assert_int_equal(script->check_count, 3);
    assert_true(rw_span_is(script->checks[2]->text, "captures token"));
    rw_load_script_free(r.settings.script);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    for (uint64_t n = 0;; n++) {
        struct reading r;
        memset(&r, 0, sizeof(r));
        char path[] = "/tmp/rw-load-script-XXXXXX";
        int fd = mkstemp(path);
        assert_int_equal(write(fd, whole, strlen(whole)), (ssize_t)strlen(whole));
        close(fd);
        rw_alloc_fail_after(n);
        r.err = rw_load_script_read(path, &arena, &r.config, &r.settings, &r.report);
        rw_alloc_fail_never();
        unlink(path);
        rw_load_script_free(r.settings.script);
        if (!r.err)
            break;
        assert_true(r.err == RW_ENOMEM || r.err == RW_EINVAL);
        rw_arena_free(&arena);
        rw_arena_init(&arena, NULL, 0, 64 * 1024, 256 << 20);
    }
}

/* ---- Answers ---- */

static const char body[] = "{\"id\": 7, \"a/b\": [true, {\"~\": \"x\"}], \"price\": 0.1, "
                           "\"o\": {\"k\": null}}";

/* Holds `body` against one step with this check or capture; what was captured is at `kept`. */
static bool judge(const char *step_text, struct rw_text *kept)
{
    struct reading r;
    char yaml[1024];
    struct rw_message message = {.status = 201};
    struct rw_random random;
    snprintf(yaml, sizeof(yaml),
             "target: http://a\nscenarios:\n  - steps:\n      - path: /\n        %s\n", step_text);
    read_file(yaml, &r);
    assert_int_equal(r.err, RW_OK);
    const struct rw_load_step *step = &r.settings.script->scenarios[0].steps[0];
    const struct rw_load_values values = {.captures = kept, .iteration = 7, .random = &random};
    struct rw_load_check_count counts[8] = {{0}};
    struct rw_load_answer answer = {0};
    assert_int_equal(rw_message_add(&message, &arena, RW_LITERAL("Location"), RW_LITERAL("/7")),
                     RW_OK);
    rw_load_answer_begin(&answer);
    rw_load_answer_head(&answer, step, &message, &values, kept, counts);
    rw_load_answer_body(&answer, step, rw_span(body, 10));
    rw_load_answer_body(&answer, step, rw_span(body + 10, sizeof(body) - 11));
    bool good = rw_load_answer_judge(&answer, step, 5000000, &values, kept, counts);
    assert_int_equal(counts[0].held, good);
    assert_int_equal(counts[0].missed, !good);
    rw_load_answer_free(&answer);
    rw_load_script_free(r.settings.script);
    return good;
}

static void test_checks(void **state)
{
    (void)state;
    static const struct {
        const char *check;
        bool good;
    } cases[] = {
        {"201", true},
        {"{ status: [200, 201] }", true},
        {"404", false},
        {"{ below: 6ms }", true},
        {"{ below: 5ms }", false},
        {"{ header: location }", true},
        {"{ header: Location, equals: \"/${iteration}\" }", true},
        {"{ header: X-No }", false},
        {"{ contains: '\"id\": ${iteration}' }", true},
        {"{ contains: nowhere }", false},
        {"{ json: /id, equals: \"7\" }", true},
        {"{ json: /a~1b/1/~0, equals: x }", true},
        {"{ json: /a~1b/0, equals: \"true\" }", true},
        {"{ json: /price, equals: \"0.1\" }", true},
        {"{ json: /o, equals: '{\"k\":null}' }", true},
        {"{ json: /o/l }", false},
        {"{ json: /a~1b/2 }", false},
        {"{ regex: 'id\": ([0-9]+)', equals: \"7\" }", true},
        {"{ regex: 'id\": [a-z]' }", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        struct rw_text none = {0};
        snprintf(text, sizeof(text), "check: [%s]", cases[i].check);
        if (judge(text, &none) != cases[i].good)
            fail_msg("%s", cases[i].check);
    }
}

static void test_captures(void **state)
{
    (void)state;
    static const struct {
        const char *capture, *kept;
    } cases[] = {
        {"json: /id", "7"},          {"json: /a~1b/1", "{\"~\":\"x\"}"},
        {"header: Location", "/7"},  {"regex: 'price\": ([0-9.]+)'", "0.1"},
        {"regex: 'pri..'", "price"}, {"json: /none", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        struct rw_text kept = {0};
        snprintf(text, sizeof(text), "capture: [{ as: x, %s }]", cases[i].capture);
        assert_int_equal(judge(text, &kept), cases[i].kept != NULL);
        if (cases[i].kept)
            assert_string_equal(kept.at, cases[i].kept);
        rw_text_free(&kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_template, begin, end),
        cmocka_unit_test_setup_teardown(test_template_flaws, begin, end),
        cmocka_unit_test_setup_teardown(test_constant_is_folded, begin, end),
        cmocka_unit_test_setup_teardown(test_data, begin, end),
        cmocka_unit_test_setup_teardown(test_data_flaws, begin, end),
        cmocka_unit_test_setup_teardown(test_mistakes, begin, end),
        cmocka_unit_test_setup_teardown(test_compiled, begin, end),
        cmocka_unit_test_setup_teardown(test_allocation_failures, begin, end),
        cmocka_unit_test_setup_teardown(test_checks, begin, end),
        cmocka_unit_test_setup_teardown(test_captures, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
