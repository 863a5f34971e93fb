/* The `files` origin: which files it finds and which it never does, conditions, ranges, and bodies
 * in pieces. */
#include "base/alloc.h"
#include "origin/files_private.h"
#include "origin/registry.h"
#include "support/exchange_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { BIG_BYTES = 3 * 1024 * 1024 + 7 };

static const struct rw_conf_variant_kind *const no_policies[] = {NULL};
static struct rw_fixture gate;
static char top[64];

static void path_of(char to[256], const char *name)
{
    snprintf(to, 256, "%s/%s", top, name);
}

static void write_file(const char *name, const char *at, size_t len)
{
    char path[256];
    path_of(path, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, at, len), len);
    close(fd);
}

static char pattern_at(size_t i)
{
    return (char)(i * 31 + i / 251);
}

static void write_big(size_t bytes)
{
    char *big = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        big[i] = pattern_at(i);
    write_file("root/big.bin", big, bytes);
    free(big);
}

static void make_directory(const char *name)
{
    char path[256];
    path_of(path, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void make_link(const char *target, const char *name)
{
    char path[256];
    path_of(path, name);
    assert_int_equal(symlink(target, path), 0);
}

static int set_up_files(void **state)
{
    (void)state;
    strcpy(top, "/tmp/ringway-files-XXXXXX");
    assert_non_null(mkdtemp(top));
    make_directory("root");
    make_directory("root/sub");
    make_directory("root/empty");
    make_directory("root/.git");
    write_file("secret.txt", "secret", 6);
    write_file("root/a.txt", "0123456789", 10);
    write_file("root/sub/index.html", "<p>", 3);
    write_file("root/.git/config", "secret", 6);
    write_file("root/.env", "secret", 6);
    write_file("root/none.JS", "", 0);
    write_file("root/a b+c.css", "x", 1);
    write_file("root/closed.txt", "secret", 6);
    make_link("../secret.txt", "root/out");
    make_link("..", "root/up");
    make_link("/etc", "root/etc");
    make_link("sub/index.html", "root/in.html");
    make_link("loop", "root/loop");
    char fifo[256];
    path_of(fifo, "root/pipe");
    assert_int_equal(mkfifo(fifo, 0644), 0);
    write_big(BIG_BYTES);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", top);
    return system(command);
}

static void open_gate(const char *match, const char *options)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml),
             "listeners:\n- address: 127.0.0.1:8080\nroutes:\n- match: %s\n"
             "  files: { root: %s/root%s }\n",
             match, top, options);
    rw_fixture_open(&gate, rw_origin_kinds, no_policies, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
}

static void get_with(const char *target, const char *fields)
{
    char head[2048];
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a\r\n%s%s\r\n", target, fields,
             *fields ? "\r\n" : "");
    rw_fixture_ask(&gate, head, NULL);
}

/* ---- What is found ---- */

static void files_and_their_types(void **state)
{
    (void)state;
    static const struct {
        const char *target, *type, *body;
    } cases[] = {
        {"/a.txt", "text/plain; charset=utf-8", "0123456789"},
        {"/%61.txt", "text/plain; charset=utf-8", "0123456789"},
        {"//a.txt?x=y", "text/plain; charset=utf-8", "0123456789"},
        {"/sub/", "text/html; charset=utf-8", "<p>"},
        {"/sub/index.html", "text/html; charset=utf-8", "<p>"},
        {"/in.html", "text/html; charset=utf-8", "<p>"},
        {"/none.JS", "text/javascript; charset=utf-8", ""},
        {"/a%20b+c.css", "text/css; charset=utf-8", "x"},
    };
    open_gate("/*", "");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        rw_fixture_get(&gate, cases[i].target);
        assert_int_equal(gate.status, 200);
        assert_string_equal(rw_fixture_field(&gate, "Content-Type"), cases[i].type);
        assert_string_equal(rw_fixture_body(&gate), cases[i].body);
        assert_int_equal(gate.length, strlen(cases[i].body));
    }
    rw_fixture_close(&gate);
}

static void what_is_never_served(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/missing", "/out",    "/up/secret.txt", "/etc/passwd",      "/loop",
        "/pipe",    "/.env",   "/.git/config",   "/%2eenv",          "/empty/",
        "/empty",   "/a.txt/", "/a.txt/b",       "/sub/none.html",   "/.git",
        "/up",      "/sub/.",  "/sub/../a.txt",  "/..%2fsecret.txt",
    };
    open_gate("/*", "");
    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        rw_fixture_get(&gate, targets[i]);
        if (gate.status != 404 && gate.status != 400)
            fail_msg("%s: %u", targets[i], gate.status);
        assert_null(strstr(rw_fixture_body(&gate), "secret"));
    }
    rw_fixture_close(&gate);
}

static void paths_that_a_policy_could_make(void **state)
{
    (void)state;
    static const struct {
        const char *path, *file; /* NULL: refused */
    } cases[] = {
        {"/a//b/", "a/b"},    {"", "."},         {"///", "."},
        {"a%2Fb", NULL},      {"/a/../b", NULL}, {"/%2e%2e/b", NULL},
        {"/a%00", NULL},      {"/a%", NULL},     {"/a%4", NULL},
        {"/%2Ehidden", NULL}, {"/.", NULL},      {"/a.b..c", "a.b..c"},
    };
    char to[RW_FILES_PATH_BYTES_MAX];
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        bool fine = rw_files_path(rw_span_text(cases[i].path), false, to);
        if (fine != (cases[i].file != NULL) || (fine && strcmp(to, cases[i].file) != 0))
            fail_msg("%s: %s", cases[i].path, fine ? to : "refused");
    }
    assert_true(rw_files_path(RW_LITERAL("/.a"), true, to));
    assert_false(rw_files_path(RW_LITERAL("/.."), true, to));
    char longest[RW_FILES_PATH_BYTES_MAX + 10];
    for (size_t len = RW_FILES_PATH_BYTES_MAX - 5; len < sizeof(longest); len++) {
        memset(longest, 'a', len);
        longest[len / 2] = '/';
        bool fine = rw_files_path(rw_span(longest, len), false, to);
        assert_int_equal(fine, len < RW_FILES_PATH_BYTES_MAX);
    }
}

static void below_the_prefix_of_the_route(void **state)
{
    (void)state;
    open_gate("/assets/v1/*", ", dotfiles: true, cache_control: no-store, index: [none, a.txt]");
    rw_fixture_get(&gate, "/assets/v1/sub/index.html");
    assert_string_equal(rw_fixture_body(&gate), "<p>");
    assert_string_equal(rw_fixture_field(&gate, "Cache-Control"), "no-store");
    rw_fixture_get(&gate, "/assets/v1/.env");
    assert_int_equal(gate.status, 200);
    rw_fixture_get(&gate, "/assets/v1/");
    assert_string_equal(rw_fixture_body(&gate), "0123456789");
    assert_string_equal(rw_fixture_field(&gate, "Content-Type"), "text/plain; charset=utf-8");
    rw_fixture_get(&gate, "/assets/v1?a=b");
    assert_int_equal(gate.status, 301);
    assert_string_equal(rw_fixture_field(&gate, "Location"), "/assets/v1/?a=b");
    rw_fixture_close(&gate);
}

static void directories_get_their_slash(void **state)
{
    (void)state;
    open_gate("/*", "");
    rw_fixture_get(&gate, "/sub?q");
    assert_int_equal(gate.status, 301);
    assert_string_equal(rw_fixture_field(&gate, "Location"), "/sub/?q");
    rw_fixture_get(&gate, "///sub");
    assert_string_equal(rw_fixture_field(&gate, "Location"), "/sub/");
    rw_fixture_close(&gate);
}

static void other_methods(void **state)
{
    (void)state;
    open_gate("/*", "");
    rw_fixture_ask(&gate, "POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", "ab");
    assert_int_equal(gate.status, 405);
    assert_string_equal(rw_fixture_field(&gate, "Allow"), "GET, HEAD");
    assert_string_equal(gate.reason, "method_not_allowed");
    rw_fixture_ask(&gate, "HEAD /a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2\r\n\r\n", NULL);
    assert_int_equal(gate.status, 200);
    assert_int_equal(gate.length, 10);
    assert_string_equal(rw_fixture_body(&gate), "");
    assert_string_equal(rw_fixture_field(&gate, "Accept-Ranges"), "bytes");
    rw_fixture_close(&gate);
}

static void files_without_permission(void **state)
{
    (void)state;
    char path[256];
    if (geteuid() == 0)
        skip();
    path_of(path, "root/closed.txt");
    assert_int_equal(chmod(path, 0), 0);
    open_gate("/*", "");
    rw_fixture_get(&gate, "/closed.txt");
    assert_int_equal(gate.status, 403);
    rw_fixture_close(&gate);
}

/* ---- Conditions and ranges ---- */

static const struct decide_case {
    const char *field, *value;
    unsigned status;
    const char *body; /* of 206 */
} conditions[] = {
    {"If-None-Match", "ETAG", 304, ""},
    {"If-None-Match", "W/ETAG", 304, ""},
    {"If-None-Match", "\"x,y\", W/\"z\" ,ETAG", 304, ""},
    {"If-None-Match", "*", 304, ""},
    {"If-None-Match", "\"x\"", 200, NULL},
    {"If-None-Match", "garbage", 200, NULL},
    {"If-None-Match", "\"open", 200, NULL},
    {"If-Modified-Since", "MODIFIED", 304, ""},
    {"If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT", 304, ""},
    {"If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", 200, NULL},
    {"If-Modified-Since", "Thursday, 01-Jan-70 00:00:00 GMT", 200, NULL},
    {"If-Modified-Since", "Thu Jan  1 00:00:00 1970", 200, NULL},
    {"If-Modified-Since", "yesterday", 200, NULL},
    {"If-Match", "ETAG", 200, NULL},
    {"If-Match", "*", 200, NULL},
    {"If-Match", "W/ETAG", 412, ""},
    {"If-Match", "\"x\"", 412, ""},
    {"If-Unmodified-Since", "MODIFIED", 200, NULL},
    {"If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", 412, ""},
    {"Range", "bytes=0-3", 206, "0123"},
    {"Range", "bytes=3-", 206, "3456789"},
    {"Range", "bytes=-4", 206, "6789"},
    {"Range", "bytes=-400", 206, "0123456789"},
    {"Range", "bytes=9-100", 206, "9"},
    {"Range", "Bytes=0-0", 206, "0"},
    {"Range", "bytes=10-", 416, ""},
    {"Range", "bytes=-0", 416, ""},
    {"Range", "bytes=18446744073709551615-", 416, ""},
    {"Range", "bytes=0-18446744073709551615", 206, "0123456789"},
    {"Range", "bytes=99999999999999999999-", 200, NULL},
    {"Range", "bytes=4-3", 200, NULL},
    {"Range", "bytes=0-1,3-4", 200, NULL},
    {"Range", "bytes=", 200, NULL},
    {"Range", "bytes=-", 200, NULL},
    {"Range", "bytes=a-b", 200, NULL},
    {"Range", "lines=0-1", 200, NULL},
    {"Range: bytes=0-3\r\nIf-Range", "ETAG", 206, "0123"},
    {"Range: bytes=0-3\r\nIf-Range", "MODIFIED", 206, "0123"},
    {"Range: bytes=0-3\r\nIf-Range", "W/ETAG", 200, NULL},
    {"Range: bytes=0-3\r\nIf-Range", "\"x\"", 200, NULL},
    {"Range: bytes=0-3\r\nIf-Range", "Thu, 01 Jan 1970 00:00:00 GMT", 200, NULL},
    {"Range: bytes=0-3\r\nIf-None-Match", "ETAG", 304, ""},
};

static void replace_word(char *to, size_t room, const char *text, const char *word,
                         const char *with)
{
    const char *at = strstr(text, word);
    if (at)
        snprintf(to, room, "%.*s%s%s", (int)(at - text), text, with, at + strlen(word));
    else
        snprintf(to, room, "%s", text);
}

static void conditions_and_ranges(void **state)
{
    (void)state;
    char etag[128], modified[64];
    open_gate("/*", "");
    rw_fixture_get(&gate, "/a.txt");
    snprintf(etag, sizeof(etag), "%s", rw_fixture_field(&gate, "ETag"));
    snprintf(modified, sizeof(modified), "%s", rw_fixture_field(&gate, "Last-Modified"));
    assert_int_equal(strlen(modified), 29);
    for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
        const struct decide_case *one = &conditions[i];
        char half[512], value[512], fields[1100];
        replace_word(half, sizeof(half), one->value, "ETAG", etag);
        replace_word(value, sizeof(value), half, "MODIFIED", modified);
        snprintf(fields, sizeof(fields), "%s: %s", one->field, value);
        get_with("/a.txt", fields);
        if (gate.status != one->status)
            fail_msg("%s: %u", fields, gate.status);
        assert_string_equal(rw_fixture_body(&gate), one->body ? one->body : "0123456789");
        if (one->status == 304)
            assert_string_equal(rw_fixture_field(&gate, "ETag"), etag);
        if (one->status == 416)
            assert_string_equal(rw_fixture_field(&gate, "Content-Range"), "bytes */10");
    }
    get_with("/a.txt", "Range: bytes=2-4");
    assert_string_equal(rw_fixture_field(&gate, "Content-Range"), "bytes 2-4/10");
    assert_int_equal(gate.length, 3);
    get_with("/none.JS", "Range: bytes=0-");
    assert_int_equal(gate.status, 416);
    rw_fixture_close(&gate);
}

/* ---- Bodies in pieces ---- */

static void expect_big(size_t start, size_t bytes)
{
    assert_int_equal(gate.length, bytes);
    assert_int_equal(gate.body.len, bytes);
    for (size_t i = 0; i < bytes; i++)
        if (gate.body.at[i] != pattern_at(start + i))
            fail_msg("byte %zu differs", i);
}

static void large_files_stream(void **state)
{
    (void)state;
    open_gate("/*", "");
    for (int hold = 0; hold < 2; hold++) {
        gate.hold = hold;
        rw_fixture_get(&gate, "/big.bin");
        assert_int_equal(gate.status, 200);
        assert_true(gate.pieces > BIG_BYTES / RW_BUF_LARGE_BYTES);
        expect_big(0, BIG_BYTES);
        get_with("/big.bin", "Range: bytes=100-200099");
        assert_int_equal(gate.status, 206);
        expect_big(100, 200000);
    }
    rw_fixture_close(&gate);
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void a_client_that_goes_away(void **state)
{
    (void)state;
    open_gate("/*", "");
    int before = open_descriptors();
    for (unsigned after = 1; after <= BIG_BYTES / RW_BUF_LARGE_BYTES / 2; after += 2)
        for (int hold = 0; hold < 2; hold++) {
            gate.hold = hold;
            gate.cut_after = after;
            rw_fixture_get(&gate, "/big.bin");
            assert_true(gate.aborted);
            assert_int_equal(open_descriptors(), before);
        }
    rw_fixture_close(&gate);
}

static void shorten_big(void)
{
    char path[256];
    path_of(path, "root/big.bin");
    assert_int_equal(truncate(path, 100000), 0);
}

static void a_file_that_shrinks(void **state)
{
    (void)state;
    open_gate("/*", "");
    gate.hold = true;
    gate.after_first_piece = shorten_big;
    rw_fixture_get(&gate, "/big.bin");
    assert_true(gate.aborted);
    assert_string_equal(gate.reason, "file_unreadable");
    rw_fixture_close(&gate);
    write_big(BIG_BYTES);
}

static void without_memory(void **state)
{
    (void)state;
    open_gate("/*", "");
    int before = open_descriptors();
    bool done = false;
    for (uint64_t n = 0; !done; n++) {
        gate.fail_after = n + 1;
        rw_fixture_get(&gate, "/big.bin");
        done = !gate.aborted && gate.status == 200;
        assert_true(gate.aborted || gate.status == 200 || gate.status == 503);
        assert_int_equal(open_descriptors(), before);
        assert_true(n < 1000);
    }
    expect_big(0, BIG_BYTES);
    rw_fixture_close(&gate);
}

/* ---- A policy that answers in the origin's place ---- */

static const struct rw_policy replacing;

static enum rw_err compile_replacing(struct rw_compile *compile, const void *config,
                                     void **instance)
{
    (void)compile;
    *instance = (void *)config;
    return RW_OK;
}

static enum rw_verdict replace(struct rw_exchange *x, const void *instance)
{
    (void)instance;
    x->response = (struct rw_message){0};
    return rw_exchange_make_reply(x, 200, NULL, RW_LITERAL("replaced")) ? RW_VERDICT_FAIL
                                                                        : RW_VERDICT_REPLY;
}

static const struct rw_policy replacing = {
    .kind = {.name = "replace", .doc = "Another answer.", .user = &replacing},
    .compile = compile_replacing,
    .on_response = replace,
};

static void a_policy_answers_instead(void **state)
{
    (void)state;
    static const struct rw_conf_variant_kind *const policies[] = {&replacing.kind, NULL};
    char yaml[512];
    snprintf(yaml, sizeof(yaml),
             "listeners:\n- address: 127.0.0.1:8080\nroutes:\n- files: %s/root\n"
             "  policies: [ replace: it ]\n",
             top);
    rw_fixture_open(&gate, rw_origin_kinds, policies, yaml);
    assert_non_null(gate.snapshot);
    int before = open_descriptors();
    for (int big = 0; big < 2; big++) {
        rw_fixture_get(&gate, big ? "/big.bin" : "/a.txt");
        assert_int_equal(gate.status, 200);
        assert_string_equal(rw_fixture_body(&gate), "replaced");
        assert_int_equal(open_descriptors(), before);
    }
    rw_fixture_close(&gate);
}

/* ---- Configuration ---- */

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *files, *part;
    } cases[] = {
        {"/nonexistent-directory", "No such file or directory"},
        {"/etc/passwd", "Not a directory"},
        {"{ root: /tmp, index: [a/b] }", "without a directory"},
        {"{ root: /tmp, cache_control: \"a\\nb\" }", "not a field value"},
        {"{ root: /tmp, index: [a, b, c, d, e, f, g, h, i] }", "at most 8"},
        {"{ index: [a] }", "root"},
    };
    int before = open_descriptors();
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char yaml[256];
        snprintf(yaml, sizeof(yaml),
                 "listeners:\n- address: 127.0.0.1:8080\nroutes:\n- files: %s\n", cases[i].files);
        rw_fixture_expect_mistake(&gate, rw_origin_kinds, no_policies, yaml, cases[i].part);
    }
    assert_int_equal(open_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_their_types),
        cmocka_unit_test(what_is_never_served),
        cmocka_unit_test(paths_that_a_policy_could_make),
        cmocka_unit_test(below_the_prefix_of_the_route),
        cmocka_unit_test(directories_get_their_slash),
        cmocka_unit_test(other_methods),
        cmocka_unit_test(files_without_permission),
        cmocka_unit_test(conditions_and_ranges),
        cmocka_unit_test(large_files_stream),
        cmocka_unit_test(a_client_that_goes_away),
        cmocka_unit_test(a_file_that_shrinks),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(a_policy_answers_instead),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, set_up_files, remove_files);
}
