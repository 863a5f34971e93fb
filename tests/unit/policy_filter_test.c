/* Body filters (gate/exchange/filter.h): their order, what they do to heads, and how they end. */
#include "gate/exchange/filter.h"
#include "gate/exchange/policy.h"
#include "origin/registry.h"
#include "support/exchange_fixture.h"
#include "support/filter_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct rw_fixture gate;
static unsigned installed, ended, steps;

#define LISTENER "listeners:\n- address: 127.0.0.1:8080\n"

/* ---- A policy whose text says what it does: a letter, and what is to be added behind the body
 * ----
 */

struct adding {
    struct rw_filter filter;
    const char *text;
    bool added;
};

static enum rw_filter_outcome step(struct rw_filter *filter, struct rw_piece *in, bool flush,
                                   struct rw_piece *out)
{
    struct adding *adding = rw_container_of(filter, struct adding, filter);
    (void)flush;
    steps++;
    if (adding->text[0] == '!') {
        filter->reason = adding->text[1] == 'm' ? RW_REASON_NONE : RW_REASON_FILTER;
        return RW_FILTER_FAIL;
    }
    if (adding->text[0] == '.') { /* the end, before the end */
        out->data = RW_LITERAL("cut");
        out->end = true;
        return RW_FILTER_PIECE;
    }
    if (in->data.len) {
        *out = (struct rw_piece){.buf = in->buf, .data = rw_span(in->data.at, 1)};
        in->data = rw_span_skip(in->data, 1);
        if (out->buf)
            rw_buf_hold(out->buf);
        return RW_FILTER_PIECE;
    }
    if (!in->end)
        return RW_FILTER_MORE;
    *out = (struct rw_piece){.data = rw_span_text(adding->text + 1), .end = true};
    return RW_FILTER_PIECE;
}

static void end(struct rw_filter *filter)
{
    (void)filter;
    ended++;
}

static const struct rw_filter_kind filter_kinds[] = {
    {.name = "rewrites", .effect = RW_FILTER_REWRITES, .step = step, .end = end},
    {.name = "recodes", .effect = RW_FILTER_RECODES, .step = step, .end = end},
    {.name = "observes", .effect = RW_FILTER_OBSERVES, .step = step, .end = end},
};

static struct adding *make(struct rw_exchange *x, const char *text)
{
    struct adding *adding = rw_arena_zero(&x->arena, sizeof(*adding));
    if (!adding)
        return NULL;
    adding->text = text;
    adding->filter.kind = &filter_kinds[text[0] == '~' ? 1 : text[0] == '=' ? 2 : 0];
    return adding;
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const char *text = instance;
    if (text[0] != '>')
        return RW_VERDICT_NEXT;
    if (!rw_filter_request_possible(x))
        return RW_VERDICT_NEXT;
    struct adding *adding = make(x, text + 1);
    if (!adding || rw_filter_request(x, &adding->filter))
        return RW_VERDICT_FAIL;
    installed++;
    return RW_VERDICT_NEXT;
}

static enum rw_verdict on_response(struct rw_exchange *x, const void *instance)
{
    const char *text = instance;
    if (text[0] == '>')
        return RW_VERDICT_NEXT;
    if (text[0] == '?') { /* another answer in place of it */
        x->response = (struct rw_message){0};
        return rw_exchange_make_reply(x, 403, NULL, RW_LITERAL("no")) ? RW_VERDICT_FAIL
                                                                      : RW_VERDICT_REPLY;
    }
    if (!rw_filter_response_possible(x))
        return RW_VERDICT_NEXT;
    struct adding *adding = make(x, text);
    if (!adding || rw_filter_response(x, &adding->filter))
        return RW_VERDICT_FAIL;
    installed++;
    return RW_VERDICT_NEXT;
}

static enum rw_err compile(struct rw_compile *compile, const void *config, void **instance)
{
    (void)compile;
    *instance = (void *)((const struct rw_span *)config)->at;
    return RW_OK;
}

static const struct rw_policy adding_policy = {.compile = compile,
                                               .on_request = on_request,
                                               .on_response = on_response};
static const struct rw_conf_variant_kind adding_kind = {.name = "adding",
                                                        .doc = "For tests.",
                                                        .user = &adding_policy};
static const struct rw_conf_variant_kind *const kinds[] = {&adding_kind, &rw_test_doubling, NULL};

static void open_gate(const char *yaml)
{
    installed = ended = steps = 0;
    rw_fixture_open(&gate, rw_origin_kinds, kinds, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
}

static void close_gate(void)
{
    assert_int_equal(installed, ended);
    rw_fixture_close(&gate);
}

/* ---- Tests ---- */

static void they_stand_in_the_order_of_policies(void **state)
{
    (void)state;
    open_gate("listeners:\n- address: 127.0.0.1:8080\n  policies: [ adding: +3 ]\n"
              "routes:\n- respond: body\n  policies: [ adding: +2, adding: +1 ]\n");
    for (int hold = 0; hold < 2; hold++) {
        gate.hold = hold;
        rw_fixture_get(&gate, "/");
        assert_string_equal(rw_fixture_body(&gate), "body123");
        assert_int_equal(gate.length, UINT64_MAX);
    }
    assert_int_equal(installed, 6);
    close_gate();
}

static void a_body_that_comes_out_at_once_has_a_length(void **state)
{
    (void)state;
    open_gate(LISTENER "routes:\n- respond: body\n  policies: [ adding: . ]\n");
    rw_fixture_get(&gate, "/");
    assert_string_equal(rw_fixture_body(&gate), "cut");
    assert_int_equal(gate.length, 3);
    close_gate();
}

#define FIELDS                                                                                     \
    "headers: { ETag: '\"a\"', Last-Modified: x, Accept-Ranges: bytes, Content-MD5: y, "           \
    "Content-Digest: z, X-Kept: k }"

static void heads_tell_what_is_true(void **state)
{
    (void)state;
    static const struct {
        const char *text, *tag, *modified, *ranges, *digest;
    } cases[] = {
        {"+1", "", "", "", ""},
        {"~1", "W/\"a\"", "x", "", ""},
        {"=", "\"a\"", "x", "bytes", "z"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char yaml[1024];
        snprintf(yaml, sizeof(yaml),
                 LISTENER "routes:\n- respond: { body: body, " FIELDS " }\n"
                          "  policies: [ adding: '%s' ]\n",
                 cases[i].text);
        open_gate(yaml);
        rw_fixture_get(&gate, "/");
        assert_string_equal(rw_fixture_field(&gate, "ETag"), cases[i].tag);
        assert_string_equal(rw_fixture_field(&gate, "Last-Modified"), cases[i].modified);
        assert_string_equal(rw_fixture_field(&gate, "Accept-Ranges"), cases[i].ranges);
        assert_string_equal(rw_fixture_field(&gate, "Content-Digest"), cases[i].digest);
        assert_string_equal(rw_fixture_field(&gate, "X-Kept"), "k");
        assert_int_equal(gate.length, cases[i].text[0] == '=' ? 4 : UINT64_MAX);
        close_gate();
    }
}

static void no_filter_where_there_is_no_body(void **state)
{
    (void)state;
    open_gate(LISTENER "routes:\n"
                       "- match: /body\n  respond: body\n  policies: [ adding: +1 ]\n"
                       "- match: /none\n  respond: { status: 204 }\n  policies: [ adding: +1 ]\n"
                       "- match: /empty\n  respond: { body: '' }\n  policies: [ adding: +1 ]\n");
    rw_fixture_ask(&gate, "HEAD /body HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    assert_string_equal(rw_fixture_body(&gate), "");
    rw_fixture_get(&gate, "/none");
    rw_fixture_get(&gate, "/empty");
    assert_string_equal(rw_fixture_body(&gate), "");
    assert_int_equal(installed, 0);
    close_gate();
}

static void another_answer_drops_them(void **state)
{
    (void)state;
    open_gate("listeners:\n- address: 127.0.0.1:8080\n  policies: [ adding: '?' ]\n"
              "routes:\n- respond: body\n  policies: [ adding: +1 ]\n");
    rw_fixture_get(&gate, "/");
    assert_int_equal(gate.status, 403);
    assert_string_equal(rw_fixture_body(&gate), "no");
    assert_int_equal(gate.length, 2);
    assert_int_equal(steps, 0);
    close_gate();
}

static void what_fails_is_cut(void **state)
{
    (void)state;
    open_gate(LISTENER "routes:\n- respond: body\n  policies: [ adding: '!', adding: +1 ]\n");
    rw_fixture_get(&gate, "/");
    assert_true(gate.aborted);
    assert_string_equal(gate.reason, "body_filter_failed");
    close_gate();
    open_gate(LISTENER "routes:\n- echo: {}\n  policies: [ adding: '>!' ]\n");
    rw_fixture_ask(&gate, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", "abc");
    assert_int_equal(gate.status, 500);
    gate.body_piece = 1;
    rw_fixture_ask(&gate, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", "abc");
    assert_int_equal(gate.status, 500);
    assert_string_equal(gate.reason, "body_filter_failed");
    close_gate();
    open_gate(LISTENER "routes:\n- echo: {}\n  policies: [ adding: '>!m' ]\n");
    rw_fixture_ask(&gate, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", "abc");
    assert_int_equal(gate.status, 503);
    close_gate();
}

static char place[64];

static void write_file(size_t bytes)
{
    char path[128];
    strcpy(place, "/tmp/ringway-filter-XXXXXX");
    assert_non_null(mkdtemp(place));
    snprintf(path, sizeof(path), "%s/a.txt", place);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < bytes; i++)
        fputc("0123456789abcdef"[i % 16], file);
    fclose(file);
}

static void remove_file(void)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/a.txt", place);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(place), 0);
}

static void expect_file(size_t bytes)
{
    assert_int_equal(gate.body.len, bytes);
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(gate.body.at[i], "0123456789abcdef"[i % 16]);
}

static void a_filter_may_end_the_body_before_its_end(void **state)
{
    (void)state;
    char yaml[512];
    write_file(600000);
    snprintf(yaml, sizeof(yaml),
             LISTENER "routes:\n- files: %s\n  policies: [ adding: +1, adding: '.', adding: += ]\n",
             place);
    open_gate(yaml);
    for (int hold = 0; hold < 2; hold++) {
        gate.hold = hold;
        rw_fixture_get(&gate, "/a.txt");
        assert_string_equal(rw_fixture_body(&gate), "cut1");
        assert_false(gate.aborted);
    }
    close_gate();
    remove_file();
}

/* Any receiver, any cut, any allocation that fails. */
static void large_bodies_in_both_directions(void **state)
{
    (void)state;
    enum { BYTES = 100000 };
    char yaml[1024];
    write_file(BYTES);
    snprintf(yaml, sizeof(yaml),
             LISTENER "routes:\n- match: /echo\n  echo: {}\n"
                      "  policies: [ doubling: request wait, adding: '>=' ]\n"
                      "- files: %s\n  policies: [ doubling: response wait ]\n",
             place);
    open_gate(yaml);
    for (int hold = 0; hold < 2; hold++) {
        gate.hold = hold;
        rw_fixture_get(&gate, "/a.txt");
        expect_file(BYTES);
        gate.cut_after = 5;
        rw_fixture_get(&gate, "/a.txt");
        gate.cut_after = 0;
    }
    rw_fixture_ask(&gate, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n",
                   "012345678901234567890123456789");
    assert_int_equal(gate.status, 200);
    assert_string_equal(rw_fixture_request_field(&gate, "Content-Length"), "");
    for (gate.fail_after = 1; gate.fail_after < 40; gate.fail_after++) {
        rw_fixture_get(&gate, "/a.txt");
        if (gate.status == 200 && !gate.aborted)
            expect_file(BYTES);
        else
            assert_true(gate.aborted || gate.status == 503);
    }
    close_gate();
    remove_file();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_stand_in_the_order_of_policies),
        cmocka_unit_test(a_body_that_comes_out_at_once_has_a_length),
        cmocka_unit_test(heads_tell_what_is_true),
        cmocka_unit_test(no_filter_where_there_is_no_body),
        cmocka_unit_test(another_answer_drops_them),
        cmocka_unit_test(what_fails_is_cut),
        cmocka_unit_test(a_filter_may_end_the_body_before_its_end),
        cmocka_unit_test(large_bodies_in_both_directions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
