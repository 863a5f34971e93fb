/* What rw_router_create refuses, and what happens when memory runs out. */
#include "base/alloc.h"
#include "gate/route/router.h"
#include "support/router_world.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct rw_arena arena;

static int set_up(void **state)
{
    (void)state;
    rw_arena_init(&arena, NULL, 0, 1 << 16, SIZE_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rw_arena_free(&arena);
    return 0;
}

static struct rw_router *create(const struct rw_config *config)
{
    struct rw_conf_report report = {.arena = &arena};
    struct rw_router *router;
    enum rw_err err = rw_router_create(config, &report, &router);
    for (size_t i = 0; i < report.count; i++)
        print_error("%.*s\n", RW_SPAN_ARGS(report.mistakes[i].message));
    assert_int_equal(err, RW_OK);
    return router;
}

/* ---- Mistakes ---- */

static const struct mistake_case {
    struct route_line line;
    const char *part;
} mistake_cases[] = {
    {{"r", .path = "a"}, "begins with \"/\""},
    {{"r", .path = "/a//b"}, "empty segment"},
    {{"r", .path = "/a/../b"}, "dot segment"},
    {{"r", .path = "/a%2fb"}, "encoded slash"},
    {{"r", .path = "/a/*/b"}, "whole segments"},
    {{"r", .path = "/a*"}, "whole segments"},
    {{"r", .path = "/{id}.json"}, "whole segments"},
    {{"r", .path = "/a?b=c"}, "whole segments"},
    {{"r", .path = "/{}"}, "letters, digits"},
    {{"r", .path = "/{a-b}"}, "letters, digits"},
    {{"r", .path = "/{1a}"}, "letters, digits"},
    {{"r", .path = "/{a}/{a}"}, "two parameters {a}"},
    {{"r", .path = "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}/{q}"},
     "more than 16"},
    {{"r", .path = "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}/*"},
     "at most 16"},
    {{"r",
      .path =
          "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32"
          "/33/34/35/36/37/38/39/40/41/42/43/44/45/46/47/48/49/50/51/52/53/54/55/56/57/58/59/60/61/62"
          "/63/64/65"},
     "too many segments"},
    {{"r", .path = "/a", .regex = "/b"}, "only one of them"},
    {{"r", .regex = "/(a"}, "missing closing parenthesis"},
    {{"r",
      .regex =
          "(?<a>)(?<b>)(?<c>)(?<d>)(?<e>)(?<f>)(?<g>)(?<h>)(?<i>)(?<j>)(?<k>)(?<l>)(?<m>)(?<n>)(?<o>)"
          "(?<p>)(?<q>)"},
     "17 named groups"},
    {{"r", .regex = "()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()(?<x>)"},
     "is group 32"},
    {{"r", .host = "a..b"}, "empty label"},
    {{"r", .host = "a.*.b"}, "only before the first dot"},
    {{"r", .host = "*b.test"}, "only before the first dot"},
    {{"r", .host = "a.test:80"}, "without its port"},
    {{"r", .host = "b\xC3\xBC.test"}, "xn--"},
    {{"r", .host = "a/b"}, "a label has"},
    {{"r", .host = "[::1"}, "in brackets"},
    {{"r", .host = "[x]"}, "in brackets"},
    {{"r", .method = "get"}, "\"GET\""},
    {{"r", .method = "G(T"}, "not a method"},
    {{"r", .headers = "X:A=1"}, "not a field name"},
    {{"r", .headers = "X-A=~("}, "missing closing parenthesis"},
    {{"r", .query = "a=~["}, "missing terminating ]"},
    {{"r", .listeners = "mian"}, "unknown listener \"mian\""},
};

static void mistakes_are_all_told(void **state)
{
    (void)state;
    enum { COUNT = sizeof(mistake_cases) / sizeof(*mistake_cases) };
    struct route_line lines[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        lines[i] = mistake_cases[i].line;
    struct rw_conf_report report = {.arena = &arena};
    struct rw_router *router;
    struct rw_config *config = rw_test_routes(&arena, "main", lines, COUNT);
    assert_int_equal(rw_router_create(config, &report, &router), RW_EINVAL);
    assert_null(router);
    assert_int_equal(report.count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        bool told = false;
        for (size_t m = 0; m < report.count; m++)
            told |= report.mistakes[m].place.line == i + 1 &&
                    strstr(report.mistakes[m].message.at, mistake_cases[i].part);
        if (!told)
            fail_msg("line %zu: not told: %s", i + 1, mistake_cases[i].part);
    }
}

/* ---- Memory ---- */

static const struct route_line varied[] = {
    {"exact", .host = "a.test", .path = "/a/0123456789012345678901234567890123456789012345"},
    {"wild", .host = "*.this-is-a-name-that-does-not-fit-into-a-label.test", .path = "/{x}/b /c/*"},
    {"regex", .regex = "/(?<x>a+)/.*", .method = "GET PURGE"},
    {"headers", .path = "/*", .headers = "X-A=~a+ Accept=*", .query = "q=1"},
    {"inner", .listeners = "inner"},
};

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct rw_config *config = rw_test_routes(&arena, "main inner", varied, 5);
    struct rw_message message = rw_test_request(
        &arena, &(struct request_line){"GET", "a.test",
                                       "/a/0123456789012345678901234567890123456789012345", NULL});
    bool done = false;
    for (uint64_t n = 0; !done; n++) {
        struct rw_conf_report report = {.arena = &arena};
        struct rw_router *router;
        rw_alloc_fail_after(n);
        enum rw_err err = rw_router_create(config, &report, &router);
        rw_alloc_fail_never();
        assert_true(err == RW_OK || err == RW_ENOMEM);
        assert_int_equal(report.count, 0);
        done = !err && n > 40;
        if (err) {
            assert_null(router);
            continue;
        }
        struct rw_route_params params;
        assert_int_equal(rw_router_find(router, 0, &message, &params), 0);
        for (uint64_t m = 0; m < 10; m++) {
            struct rw_text text = {0}, allow = {0}, warnings = {0};
            rw_alloc_fail_after(m);
            int route = rw_router_explain(router, 0, &message, &params, &text);
            rw_router_allow(router, 0, &message, &allow);
            rw_router_warnings(router, &warnings);
            rw_alloc_fail_never();
            assert_int_equal(route, 0);
            assert_true(m > 0 || (text.err == RW_ENOMEM && allow.err == RW_ENOMEM));
            rw_text_free(&text);
            rw_text_free(&allow);
            rw_text_free(&warnings);
        }
        rw_router_destroy(router);
    }
}

static void finding_allocates_nothing(void **state)
{
    (void)state;
    struct rw_router *router = create(rw_test_routes(&arena, "main inner", varied, 5));
    static const char *const targets[] = {"/a/b", "/%61/b", "/aaa/bbb", "//c/d", "/x?q=1"};
    for (size_t i = 0; i < 5; i++) {
        struct rw_route_params params;
        struct rw_message message = rw_test_request(
            &arena,
            &(struct request_line){"GET", "x.this-is-a-name-that-does-not-fit-into-a-label.test",
                                   targets[i], "X-A=aa Accept=b"});
        uint64_t before = rw_alloc_count();
        assert_true(rw_router_find(router, 0, &message, &params) >= 0);
        assert_int_equal(rw_alloc_count(), before);
    }
    rw_router_destroy(router);
}

/* ---- Threads ---- */

struct reader {
    const struct rw_router *router;
    struct rw_message message;
    unsigned right;
};

static void *find_often(void *user)
{
    struct reader *reader = user;
    for (unsigned i = 0; i < 2000; i++) {
        struct rw_route_params params;
        reader->right += rw_router_find(reader->router, 0, &reader->message, &params) == 2 &&
                         params.count == 1 && params.items[0].value.len == 3;
    }
    return NULL;
}

static void threads_share_a_router(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    struct rw_router *router = create(rw_test_routes(&arena, "main inner", varied, 5));
    struct reader readers[THREADS];
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        const struct request_line line = {"GET", "b.test", "/aaa//b", NULL};
        readers[i] = (struct reader){router, rw_test_request(&arena, &line), 0};
        assert_int_equal(pthread_create(&threads[i], NULL, find_often, &readers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(readers[i].right, 2000);
    }
    rw_router_destroy(router);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(mistakes_are_all_told),
        TEST(every_allocation_may_fail),
        TEST(finding_allocates_nothing),
        TEST(threads_share_a_router),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
