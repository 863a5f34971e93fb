/* The policy `compress`: what it chooses, what it says in heads, and that what comes out is what
 * went in. */
#include "base/random.h"
#include "origin/registry.h"
#include "policy/compress/compress_private.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"
#include "support/inflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct rw_fixture gate;

#define LISTENER "listeners:\n- address: 127.0.0.1:8080\n"

static void open_gate(const char *yaml)
{
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
}

static void expect_mistake(const char *policy, const char *part)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml), LISTENER "routes:\n- respond: x\n  policies: [ compress: %s ]\n",
             policy);
    rw_fixture_expect_mistake(&gate, rw_origin_kinds, rw_policy_kinds, yaml, part);
}

/* ---- Negotiation ---- */

struct choice {
    const char *accept, *more; /* two fields; NULL: none */
    int coding;                /* of zstd, br, gzip in this order */
};

enum { NONE = -1, GZIP = RW_CODING_GZIP, BR = RW_CODING_BR, ZSTD = RW_CODING_ZSTD };

static const struct choice choices[] = {
    {NULL, NULL, NONE},
    {"", NULL, NONE},
    {"gzip", NULL, GZIP},
    {"GZip", NULL, GZIP},
    {"x-gzip", NULL, GZIP},
    {"gzip, deflate, br", NULL, BR},
    {"gzip, deflate, br, zstd", NULL, ZSTD},
    {"gzip;q=1.0, br;q=0.9, zstd;q=0.8", NULL, GZIP},
    {"gzip;q=0.999, br;q=1", NULL, BR},
    {"gzip ; q=0.5 ,br\t;\tQ=0.5", NULL, BR},
    {"*", NULL, ZSTD},
    {"*;q=0.1, gzip", NULL, GZIP},
    {"*, zstd;q=0", NULL, BR},
    {"*;q=0, gzip", NULL, GZIP},
    {"*;q=0", NULL, NONE},
    {"identity", NULL, NONE},
    {"identity;q=0, gzip;q=0.1", NULL, GZIP},
    {"identity;q=1, gzip;q=0.5", NULL, NONE},
    {"identity;q=0.5, gzip;q=0.5", NULL, GZIP},
    {"identity;q=0", NULL, NONE},
    {"deflate", NULL, NONE},
    {"gzip", "br", BR},
    {"gzip;q=0", "gzip", NONE}, /* what was refused once is refused */
    {"gzip;q=0.000", NULL, NONE},
    {"gzip;q=0.001", NULL, GZIP},
    /* not by the grammar: as if it were not there */
    {"gzip;q=2", NULL, NONE},
    {"gzip;q=1.001", NULL, NONE},
    {"gzip;q=0.0001", NULL, NONE},
    {"gzip;q=-1", NULL, NONE},
    {"gzip;q=", NULL, NONE},
    {"gzip;q=.5", NULL, NONE},
    {"gzip;q=0,5", NULL, NONE},
    {"gzip;q=1e0", NULL, NONE},
    {"gzip;level=9", NULL, NONE},
    {"gzip;q=1;q=0", NULL, NONE},
    {"gzip br", NULL, NONE},
    {"gz ip, br", NULL, BR},
    {",,, ,gzip,,", NULL, GZIP},
    {";q=1", NULL, NONE},
    {";;;;=;,;q=;,=,;", NULL, NONE},
    {"gzipp, brr, zst", NULL, NONE},
    {"\"gzip\"", NULL, NONE},
};

static void codings_are_negotiated(void **state)
{
    (void)state;
    static const uint8_t order[] = {RW_CODING_ZSTD, RW_CODING_BR, RW_CODING_GZIP};
    for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++) {
        struct rw_field fields[2] = {{.id = RW_FIELD_ACCEPT_ENCODING},
                                     {.id = RW_FIELD_ACCEPT_ENCODING}};
        fields[0].value = rw_span_text(choices[i].accept);
        fields[1].value = rw_span_text(choices[i].more);
        struct rw_message request = {.fields = fields};
        request.field_count = (uint16_t)((choices[i].accept != NULL) + (choices[i].more != NULL));
        struct rw_accept accept = rw_accept_read(&request);
        int chosen = rw_accept_choose(&accept, order, 3);
        if (chosen != choices[i].coding)
            fail_msg("%s: %d", choices[i].accept, chosen);
    }
}

static void types_match_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *type;
        bool matches;
    } cases[] = {
        {"text/*", "text/html; charset=utf-8", true},
        {"text/*", "TEXT/plain", true},
        {"text/*", "text", false},
        {"application/json", "application/json;x=y", true},
        {"application/json", "application/jsonp", false},
        {"application/*+json", "application/ld+json", true},
        {"application/*+json", "application/json", false},
        {"application/*+json", "application/+json", true},
        {"application/*+json", "application+json", false},
        {"*", "", true},
        {"text/html", "", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(
            rw_compress_type_matches(rw_span_text(cases[i].pattern), rw_span_text(cases[i].type)),
            cases[i].matches);
}

/* ---- Heads ---- */

struct head_case {
    const char *about;
    const char *response; /* of the origin, in YAML */
    const char *request;  /* fields */
    const char *coding, *vary, *tag;
    unsigned policy; /* in policies[] */
};

static const char *const policies[] = {
    "{ min_size: 4 }",
    "{ min_size: 4, skip_with_credentials: always }",
    "{ min_size: 4, skip_with_credentials: never }",
    "{ min_size: 100 }",
};

#define GZIP_PLEASE "Accept-Encoding: gzip\r\n"
#define AE "Accept-Encoding"

static const struct head_case heads[] = {
    {"plain", "", GZIP_PLEASE, "gzip", AE, "", 0},
    {"not wanted", "", "", "", AE, "", 0},
    {"refused", "", "Accept-Encoding: gzip;q=0\r\n", "", AE, "", 0},
    {"small", "", GZIP_PLEASE, "", "", "", 3},
    {"an image", ", content_type: image/png", GZIP_PLEASE, "", "", "", 0},
    {"no type", ", content_type: ''", GZIP_PLEASE, "", "", "", 0},
    {"gRPC", ", content_type: application/grpc+json", GZIP_PLEASE, "", "", "", 0},
    {"coded already", ", headers: { Content-Encoding: br }", GZIP_PLEASE, "br", "", "", 0},
    {"no-transform", ", headers: { Cache-Control: 'a, No-Transform' }", GZIP_PLEASE, "", "", "", 0},
    {"no-transform asked", "", GZIP_PLEASE "Cache-Control: no-transform\r\n", "", "", "", 0},
    {"strong tag", ", headers: { ETag: '\"a\"' }", GZIP_PLEASE, "gzip", AE, "W/\"a\"", 0},
    {"weak tag", ", headers: { ETag: 'W/\"a\"' }", GZIP_PLEASE, "gzip", AE, "W/\"a\"", 0},
    {"strong tag, as it is", ", headers: { ETag: '\"a\"' }", "", "", AE, "\"a\"", 0},
    {"vary", ", headers: { Vary: Origin }", GZIP_PLEASE, "gzip", "Origin, " AE, "", 0},
    {"varies already", ", headers: { Vary: 'origin, accept-encoding' }", GZIP_PLEASE, "gzip",
     "origin, accept-encoding", "", 0},
    {"varies by all", ", headers: { Vary: '*' }", GZIP_PLEASE, "gzip", "*", "", 0},
    {"an error", ", status: 404", GZIP_PLEASE, "gzip", AE, "", 0},
    {"a range", ", status: 206, headers: { Content-Range: 'bytes 0-3/9', ETag: '\"a\"' }",
     GZIP_PLEASE, "", AE, "\"a\"", 0},
    {"a cookie", "", GZIP_PLEASE "Cookie: a=b\r\n", "gzip", AE, "", 0},
    {"a cookie from elsewhere", "", GZIP_PLEASE "Cookie: a=b\r\nSec-Fetch-Site: cross-site\r\n", "",
     AE, "", 0},
    {"credentials from elsewhere", "",
     GZIP_PLEASE "Authorization: Basic x\r\nSec-Fetch-Site: cross-site\r\n", "", AE, "", 0},
    {"no cookie from elsewhere", "", GZIP_PLEASE "Sec-Fetch-Site: cross-site\r\n", "gzip", AE, "",
     0},
    {"a cookie from here", "", GZIP_PLEASE "Cookie: a=b\r\nSec-Fetch-Site: same-origin\r\n", "gzip",
     AE, "", 0},
    {"a cookie, strict", "", GZIP_PLEASE "Cookie: a=b\r\n", "", AE, "", 1},
    {"a new cookie, strict", ", headers: { Set-Cookie: a=b }", GZIP_PLEASE, "", AE, "", 1},
    {"a cookie from elsewhere, careless", "",
     GZIP_PLEASE "Cookie: a=b\r\nSec-Fetch-Site: cross-site\r\n", "gzip", AE, "", 2},
};

static void ask(const char *method, const char *fields)
{
    char head[1024];
    snprintf(head, sizeof(head), "%s / HTTP/1.1\r\nHost: a.test\r\n%s\r\n", method, fields);
    rw_fixture_ask(&gate, head, NULL);
}

static void heads_say_what_was_done(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
        const struct head_case *one = &heads[i];
        char yaml[1024];
        snprintf(yaml, sizeof(yaml),
                 LISTENER "routes:\n- respond: { body: 0123456789%s }\n"
                          "  policies: [ compress: %s ]\n",
                 one->response, policies[one->policy]);
        open_gate(yaml);
        ask("GET", one->request);
        bool good = strcmp(rw_fixture_field(&gate, "Content-Encoding"), one->coding) == 0;
        good = good && strcmp(rw_fixture_field(&gate, "Vary"), one->vary) == 0;
        good = good && strcmp(rw_fixture_field(&gate, "ETag"), one->tag) == 0;
        if (!good)
            fail_msg("%s: %.*s", one->about, (int)gate.head.len, gate.head.at);
        if (strcmp(one->coding, "gzip") == 0) {
            assert_int_equal(gate.length, gate.body.len);
            rw_test_inflate(RW_CODING_GZIP, &gate.body);
        }
        assert_string_equal(rw_fixture_body(&gate), "0123456789");
        /* The answer to a HEAD has the same fields. */
        ask("HEAD", one->request);
        assert_string_equal(rw_fixture_field(&gate, "Content-Encoding"), one->coding);
        assert_string_equal(rw_fixture_field(&gate, "Vary"), one->vary);
        assert_string_equal(rw_fixture_field(&gate, "ETag"), one->tag);
        if (strcmp(one->coding, "gzip") == 0)
            assert_int_equal(gate.length, UINT64_MAX);
        rw_fixture_close(&gate);
    }
}

static void a_304_has_the_tag_that_the_client_has(void **state)
{
    (void)state;
    static const struct {
        const char *request, *tag;
    } cases[] = {
        {"If-None-Match: W/\"a\"\r\n", "W/\"a\""}, {"If-None-Match: \"b\", W/\"a\"\r\n", "W/\"a\""},
        {"If-None-Match: \"a\"\r\n", "\"a\""},     {"If-None-Match: W/\"b\"\r\n", "\"a\""},
        {"If-None-Match: *\r\n", "\"a\""},         {"", "\"a\""},
    };
    open_gate(LISTENER "routes:\n"
                       "- respond: { status: 304, headers: { ETag: '\"a\"', Vary: Origin } }\n"
                       "  policies: [ compress: {} ]\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ask("GET", cases[i].request);
        assert_string_equal(rw_fixture_field(&gate, "ETag"), cases[i].tag);
        assert_string_equal(rw_fixture_field(&gate, "Vary"), "Origin, Accept-Encoding");
        assert_string_equal(rw_fixture_field(&gate, "Content-Encoding"), "");
    }
    rw_fixture_close(&gate);
}

static void bodiless_answers_stay(void **state)
{
    (void)state;
    open_gate(LISTENER "policies:\n- name: c\n  compress: { min_size: 0, types: '*' }\n"
                       "routes:\n- match: /204\n  respond: { status: 204 }\n  policies: [ c ]\n"
                       "- match: /empty\n  respond: { body: '' }\n  policies: [ c ]\n");
    rw_fixture_ask(&gate, "GET /204 HTTP/1.1\r\nHost: a\r\n" GZIP_PLEASE "\r\n", NULL);
    assert_string_equal(rw_fixture_field(&gate, "Content-Encoding"), "");
    rw_fixture_ask(&gate, "GET /empty HTTP/1.1\r\nHost: a\r\n" GZIP_PLEASE "\r\n", NULL);
    assert_string_equal(rw_fixture_field(&gate, "Content-Encoding"), "");
    assert_string_equal(rw_fixture_body(&gate), "");
    rw_fixture_close(&gate);
}

/* ---- Bodies ---- */

static char place[64];
static char *content;

enum { CONTENT_BYTES_MAX = 1 << 20 };

/* Some of it repeats, some of it does not. */
static int set_up(void **state)
{
    (void)state;
    struct rw_random random;
    rw_random_seed(&random, 7);
    content = malloc(CONTENT_BYTES_MAX);
    assert_non_null(content);
    for (size_t i = 0; i < CONTENT_BYTES_MAX; i++)
        content[i] = rw_random_below(&random, 4) && i > 100
                         ? content[i - 1 - rw_random_below(&random, 4) * 16]
                         : (char)('a' + rw_random_below(&random, 26));
    strcpy(place, "/tmp/ringway-compress-XXXXXX");
    return mkdtemp(place) ? 0 : -1;
}

static const char *path_of_file(void)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/a.txt", place);
    return path;
}

static int tear_down(void **state)
{
    (void)state;
    free(content);
    unlink(path_of_file());
    return rmdir(place);
}

static void write_content(size_t bytes)
{
    FILE *file = fopen(path_of_file(), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, bytes, file), bytes);
    fclose(file);
}

static void open_files(const char *policy)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml), LISTENER "routes:\n- files: %s\n  policies: [ compress: %s ]\n",
             place, policy);
    open_gate(yaml);
}

static const char *const names[] = {"gzip", "br", "zstd"};

static void ask_file(const char *coding)
{
    char head[256];
    snprintf(head, sizeof(head), "GET /a.txt HTTP/1.1\r\nHost: a\r\nAccept-Encoding: %s\r\n\r\n",
             coding);
    rw_fixture_ask(&gate, head, NULL);
}

static void expect_content(enum rw_coding coding, size_t bytes)
{
    assert_string_equal(rw_fixture_field(&gate, "Content-Encoding"), names[coding]);
    assert_true(gate.body.len < bytes);
    rw_test_inflate(coding, &gate.body);
    assert_int_equal(gate.body.len, bytes);
    assert_memory_equal(gate.body.at, content, bytes);
}

static void bodies_come_out_as_they_went_in(void **state)
{
    (void)state;
    static const size_t sizes[] = {1024, 16384, 16385, 300000, CONTENT_BYTES_MAX};
    static const char *const options[] = {
        "{}", "{ levels: { gzip: 9, br: 9, zstd: 12 }, window_max: 1MiB }",
        "{ levels: { gzip: 1, br: 0, zstd: 1 }, window_max: 32KiB }"};
    for (size_t o = 0; o < sizeof(options) / sizeof(*options); o++) {
        open_files(options[o]);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
            write_content(sizes[i]);
            for (enum rw_coding coding = 0; coding < RW_CODING_COUNT; coding++) {
                gate.hold = (i + coding) % 2;
                ask_file(names[coding]);
                assert_string_equal(rw_fixture_field(&gate, "Accept-Ranges"), "");
                expect_content(coding, sizes[i]);
            }
        }
        rw_fixture_close(&gate);
    }
}

static void what_is_cut_gives_all_back(void **state)
{
    (void)state;
    write_content(CONTENT_BYTES_MAX);
    open_files("{}");
    gate.hold = true;
    for (enum rw_coding coding = 0; coding < RW_CODING_COUNT; coding++) {
        gate.cut_after = 3;
        ask_file(names[coding]);
        assert_true(gate.aborted);
        gate.cut_after = 0;
        ask_file(names[coding]);
        expect_content(coding, CONTENT_BYTES_MAX);
    }
    rw_fixture_close(&gate);
}

static void without_memory_it_is_left_or_cut(void **state)
{
    (void)state;
    write_content(40000);
    for (enum rw_coding coding = 0; coding < RW_CODING_COUNT; coding++) {
        unsigned whole = 0, plain = 0;
        for (uint64_t n = 1; n < 60; n += 1 + n / 8) {
            open_files("{}");
            gate.fail_after = n;
            ask_file(names[coding]);
            gate.fail_after = 0;
            if (gate.status != 200 || gate.aborted) {
                assert_true(gate.aborted || gate.status == 503);
            } else if (*rw_fixture_field(&gate, "Content-Encoding")) {
                expect_content(coding, 40000);
                whole++;
            } else {
                assert_int_equal(gate.body.len, 40000);
                plain++;
            }
            /* And the next has what it needs. */
            ask_file(names[coding]);
            expect_content(coding, 40000);
            rw_fixture_close(&gate);
        }
        assert_true(whole > 0 && plain > 0);
    }
}

static void over_the_memory_limit_nothing_is_compressed(void **state)
{
    (void)state;
    enum { TAKEN = 32 };
    open_files("{}");
    struct rw_coder *coders[TAKEN];
    struct rw_coder_options options = {.coding = RW_CODING_GZIP,
                                       .level = 1,
                                       .window_bits = 17,
                                       .bytes = UINT64_MAX,
                                       .memory_max = 1 << 20};
    unsigned count = 0;
    while (count < TAKEN && (coders[count] = rw_coder_take(&gate.worker, &options)))
        count++;
    assert_in_range(count, 3, 5);
    rw_coder_give_back(coders[0]);
    coders[0] = rw_coder_take(&gate.worker, &options);
    assert_non_null(coders[0]);
    while (count)
        rw_coder_give_back(coders[--count]);
    /* Those that wait now make room for one of another kind. */
    options.coding = RW_CODING_ZSTD;
    struct rw_coder *other = rw_coder_take(&gate.worker, &options);
    assert_non_null(other);
    rw_coder_give_back(other);
    rw_fixture_close(&gate);
}

/* As it comes of a body until the connection's end: the last piece has no bytes, and no address. */
static void an_end_without_bytes(void **state)
{
    (void)state;
    open_files("{}");
    for (unsigned coding = 0; coding < RW_CODING_COUNT; coding++) {
        struct rw_coder_options options = {.coding = coding,
                                           .level = 1,
                                           .window_bits = 17,
                                           .bytes = UINT64_MAX,
                                           .memory_max = 1 << 20};
        struct rw_coder *coder = rw_coder_take(&gate.worker, &options);
        struct rw_buf *buf = rw_buf_get(rw_loop_buffers(gate.worker.loop), RW_BUF_SMALL_BYTES);
        struct rw_span none = {0};
        assert_true(coder && buf);
        assert_int_equal(rw_coder_run(coder, RW_CODER_END, &none, buf), RW_CODER_DONE);
        assert_int_equal(none.len, 0);
        rw_buf_drop(buf);
        rw_coder_give_back(coder);
    }
    rw_fixture_close(&gate);
}

/* RFC 8878 section 3.1.1.1.2: the window is told in the sixth byte. */
static void streams_have_small_windows(void **state)
{
    (void)state;
    open_files("{}");
    for (unsigned stream = 0; stream < 2; stream++) {
        struct rw_coder_options options = {.coding = RW_CODING_ZSTD,
                                           .level = 1,
                                           .window_bits = 18,
                                           .stream = stream,
                                           .bytes = UINT64_MAX,
                                           .memory_max = 8 << 20};
        struct rw_coder *coder = rw_coder_take(&gate.worker, &options);
        struct rw_buf *buf = rw_buf_get(rw_loop_buffers(gate.worker.loop), RW_BUF_SMALL_BYTES);
        struct rw_span text = RW_LITERAL("some text");
        assert_true(coder && buf);
        assert_int_equal(rw_coder_run(coder, RW_CODER_FLUSH, &text, buf), RW_CODER_DONE);
        assert_int_equal(((uint8_t)buf->data[5] >> 3) + 10, stream ? 16 : 18);
        rw_buf_drop(buf);
        rw_coder_give_back(coder);
    }
    rw_fixture_close(&gate);
}

static void mistakes(void **state)
{
    (void)state;
    expect_mistake("{ codings: [deflate] }", "deflate");
    expect_mistake("{ codings: [] }", "at least one coding");
    expect_mistake("{ codings: [br, br] }", "twice");
    expect_mistake("{ types: image/png }", "compressed already");
    expect_mistake("{ types: '*/*' }", "for all types");
    expect_mistake("{ types: 'a/*b*' }", "one *");
    expect_mistake("{ types: 'text/html; charset=x' }", "without parameters");
    expect_mistake("{ levels: { zstd: 22 } }", "12");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codings_are_negotiated),
        cmocka_unit_test(types_match_patterns),
        cmocka_unit_test(heads_say_what_was_done),
        cmocka_unit_test(a_304_has_the_tag_that_the_client_has),
        cmocka_unit_test(bodiless_answers_stay),
        cmocka_unit_test(bodies_come_out_as_they_went_in),
        cmocka_unit_test(what_is_cut_gives_all_back),
        cmocka_unit_test(without_memory_it_is_left_or_cut),
        cmocka_unit_test(over_the_memory_limit_nothing_is_compressed),
        cmocka_unit_test(an_end_without_bytes),
        cmocka_unit_test(streams_have_small_windows),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
