/* The routing rules as tables, and all else that gate/route/router.h promises. */
#include "base/clock.h"
#include "gate/route/router.h"
#include "support/router_oracle.h"
#include "support/router_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LINES_MAX = 6 };

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

static size_t line_count(const struct route_line *lines)
{
    size_t count = 0;
    while (count < LINES_MAX && lines[count].name)
        count++;
    return count;
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

static struct rw_router *create_lines(const struct route_line *lines, size_t count)
{
    return create(rw_test_routes(&arena, "main", lines, count));
}

/* ---- The rules ---- */

struct rule_case {
    const char *what;
    struct route_line
        routes[LINES_MAX]; /* the first wins, in whatever order they stand in the file */
    struct request_line request;
    bool file_order; /* rule 5: only in this order */
};

static const struct rule_case rule_cases[] = {
    /* 1. priority */
    {"priority beats exact host and path",
     {{"high", .path = "/*", .priority = 1}, {"exact", .host = "a.test", .path = "/x"}},
     {NULL, "a.test", "/x", NULL},
     false},
    {"priority beats a literal segment",
     {{"high", .path = "/users/{id}", .priority = 5}, {"literal", .path = "/users/me"}},
     {NULL, "a.test", "/users/me", NULL},
     false},
    {"priority beats conditions",
     {{"high", .path = "/x", .priority = 2},
      {"narrow", .path = "/x", .method = "GET", .priority = 1}},
     {NULL, "a.test", "/x", NULL},
     false},
    {"a regex with priority beats exact",
     {{"high", .regex = "/[a-z]+", .priority = 1}, {"exact", .path = "/x"}},
     {NULL, "a.test", "/x", NULL},
     false},
    {"a negative priority loses to a default one for any path",
     {{.name = "any"}, {"low", .host = "a.test", .path = "/x", .priority = -1}},
     {NULL, "a.test", "/x", NULL},
     false},
    {"the extremes of priority are ordered",
     {{"high", .priority = INT32_MAX},
      {"middle", .path = "/x"},
      {"low", .path = "/x", .priority = INT32_MIN}},
     {NULL, "a.test", "/x", NULL},
     false},
    /* 2. host */
    {"exact host beats wildcard beats any, whatever the path",
     {{"exact", .host = "a.b.test"},
      {"near", .host = "*.b.test", .path = "/x"},
      {"far", .host = "*.test", .path = "/x"},
      {"any", .path = "/x", .method = "GET"}},
     {NULL, "a.b.test", "/x", NULL},
     false},
    {"more labels of a wildcard first",
     {{"near", .host = "*.b.test"}, {"far", .host = "*.test", .path = "/x"}},
     {NULL, "a.b.test", "/x", NULL},
     false},
    {"a wildcard takes several labels",
     {{"far", .host = "*.test"}, {"any", .path = "/x"}},
     {NULL, "a.b.c.test", "/x", NULL},
     false},
    {"a wildcard does not take its own suffix",
     {{.name = "any"}, {"wild", .host = "*.b.test", .path = "/x"}},
     {NULL, "b.test", "/x", NULL},
     false},
    {"nor a label that merely ends so",
     {{.name = "any"}, {"wild", .host = "*.b.test", .path = "/x"}},
     {NULL, "ab.test", "/x", NULL},
     false},
    {"a better host whose path does not match gives way",
     {{"any", .path = "/x"},
      {"exact", .host = "a.test", .path = "/y"},
      {"wild", .host = "*.test", .path = "/z"}},
     {NULL, "a.test", "/x", NULL},
     false},
    {"a better host whose condition fails gives way",
     {{"any", .path = "/*"}, {"exact", .host = "a.test", .path = "/x", .method = "POST"}},
     {NULL, "a.test", "/x", NULL},
     false},
    {"case, port and the dot at the end are ignored",
     {{"exact", .host = "API.Test."}, {"any", .path = "/x"}},
     {NULL, "aPi.tESt.:8080", "/x", NULL},
     false},
    {"an IPv6 host",
     {{"six", .host = "[2001:DB8::1]"}, {"any", .path = "/x"}},
     {NULL, "[2001:db8::1]:443", "/x", NULL},
     false},
    {"no host at all",
     {{.name = "any"}, {"exact", .host = "a.test"}, {"wild", .host = "*.test"}},
     {NULL, NULL, "/x", NULL},
     false},
    {"several hosts: the best one counts",
     {{"both", .host = "*.test a.test"}, {"wild", .host = "*.a.test *.test", .path = "/x"}},
     {NULL, "a.test", "/x", NULL},
     false},
    {"a host of \"*\" is any",
     {{"wild", .host = "*.test"}, {"star", .host = "*", .path = "/x"}},
     {NULL, "a.test", "/x", NULL},
     false},
    /* 3. path */
    {"exact, pattern, prefix, regex, any",
     {{"exact", .path = "/a/b"},
      {"pattern", .path = "/a/{x}", .method = "GET"},
      {"prefix", .path = "/a/b/*", .method = "GET"},
      {"regex", .regex = "/a/b", .method = "GET"},
      {"any", .method = "GET"}},
     {NULL, "a.test", "/a/b", NULL},
     false},
    {"pattern before prefix, however long",
     {{"pattern", .path = "/{a}/{b}"}, {"prefix", .path = "/long/longer/*"}},
     {NULL, "a.test", "/long/longer", NULL},
     false},
    {"prefix before regex",
     {{"prefix", .path = "/*"}, {"regex", .regex = "/a/b"}, {.name = "any"}},
     {NULL, "a.test", "/a/b", NULL},
     false},
    {"regex before any",
     {{"regex", .regex = "/a/.*"}, {"any", .method = "GET"}},
     {NULL, "a.test", "/a/b", NULL},
     false},
    {"the longer prefix",
     {{"long", .path = "/a/b/*"}, {"short", .path = "/a/*"}, {"root", .path = "/*"}},
     {NULL, "a.test", "/a/b/c", NULL},
     false},
    {"a prefix takes the path without a slash",
     {{"long", .path = "/a/*"}, {"root", .path = "/*"}},
     {NULL, "a.test", "/a", NULL},
     false},
    {"a prefix ends at a slash",
     {{"root", .path = "/*"}, {"long", .path = "/a/*"}},
     {NULL, "a.test", "/ab", NULL},
     false},
    {"more literal characters of a pattern first",
     {{"right", .path = "/{x}/longer"}, {"left", .path = "/a/{y}"}},
     {NULL, "a.test", "/a/longer", NULL},
     false},
    {"then a literal before a parameter, from the left",
     {{"left", .path = "/a/{x}/{y}"},
      {"right", .path = "/{x}/{y}/c"},
      {"middle", .path = "/{x}/b/{y}"}},
     {NULL, "a.test", "/a/b/c", NULL},
     false},
    {"then without a rest",
     {{"one", .path = "/a/{x}"}, {"rest", .path = "/a/{y}/*"}},
     {NULL, "a.test", "/a/b", NULL},
     false},
    {"names of parameters do not count",
     {{"one", .path = "/a/{x}"}, {"other", .path = "/{name_that_is_long}/b/*"}},
     {NULL, "a.test", "/a/b", NULL},
     false},
    {"the walk comes back from a literal that leads nowhere",
     {{"right", .path = "/{x}/b/{y}/d"},
      {"left", .path = "/a/b/c/e"},
      {"prefix", .path = "/a/b/*"}},
     {NULL, "a.test", "/a/b/c/d", NULL},
     false},
    {"a parameter is not empty",
     {{"prefix", .path = "/a/*"}, {"pattern", .path = "/a/{x}"}},
     {NULL, "a.test", "/a/", NULL},
     false},
    {"a slash at the end is another path",
     {{"slash", .path = "/a/"}, {"none", .path = "/a"}, {"prefix", .path = "/a/*"}},
     {NULL, "a.test", "/a/", NULL},
     false},
    {"the root",
     {{"root", .path = "/"}, {"all", .path = "/*"}},
     {NULL, "a.test", "/", NULL},
     false},
    {"several paths: the best one counts",
     {{"both", .path = "/* /a/b"}, {"pattern", .path = "/a/{x}"}},
     {NULL, "a.test", "/a/b", NULL},
     false},
    {"OPTIONS * has no path",
     {{.name = "any"}, {"all", .path = "/*"}},
     {"OPTIONS", "a.test", "*", NULL},
     false},
    {"a segment that is as long as a label may be, and longer",
     {{"long",
       .path = "/0123456789012345678901234567890123456789/01234567890123456789012345678901234567"},
      {"near", .path = "/0123456789012345678901234567890123456780/*"},
      {"all", .path = "/*"}},
     {NULL, "a.test",
      "/0123456789012345678901234567890123456789/01234567890123456789012345678901234567", NULL},
     false},
    /* 4. conditions */
    {"more conditions first",
     {{"three", .path = "/x", .method = "GET", .headers = "X-A=1", .query = "q=1"},
      {"two", .path = "/x", .headers = "X-A=1", .query = "q=*"},
      {"one", .path = "/x", .method = "GET"},
      {"none", .path = "/x"}},
     {NULL, "a.test", "/x?q=1", "X-A=1"},
     false},
    {"a list of methods counts once",
     {{"two", .path = "/x", .method = "GET", .headers = "X-A=1"},
      {"one", .path = "/x", .method = "GET POST PUT PATCH"}},
     {NULL, "a.test", "/x", "X-A=1"},
     false},
    {"conditions do not beat a better path",
     {{"exact", .path = "/x"}, {"prefix", .path = "/x/*", .method = "GET", .headers = "X-A=1"}},
     {NULL, "a.test", "/x", "X-A=1"},
     false},
    {"a condition that fails gives way",
     {{"none", .path = "/x"},
      {"one", .path = "/x", .headers = "X-A=2"},
      {"absent", .path = "/x", .headers = "X-B=*"}},
     {NULL, "a.test", "/x", "X-A=1"},
     false},
    {"a header's name has no case, its value has",
     {{"same", .path = "/x", .headers = "x-a=One"},
      {"other", .path = "/x", .headers = "X-A=one X-B=*"}},
     {NULL, "a.test", "/x", "X-A=One x-b=1"},
     true},
    {"a known header",
     {{"json", .path = "/x", .headers = "accept=application/json"}, {"none", .path = "/x"}},
     {NULL, "a.test", "/x", "ACCEPT=application/json"},
     false},
    {"one field of several must do",
     {{"second", .path = "/x", .headers = "X-A=2"}, {"none", .path = "/x"}},
     {NULL, "a.test", "/x", "X-A=1 X-A=2"},
     false},
    {"a regex is looked for in the value",
     {{"beta", .path = "/x", .headers = "X-A=~b.t"},
      {"anchored", .path = "/x", .query = "q=~^b.t$"}},
     {NULL, "a.test", "/x?q=alphabet", "X-A=alphabet"},
     false},
    {"a query parameter is decoded",
     {{"match", .path = "/x", .query = "na=v~"}, {"none", .path = "/x"}},
     {NULL, "a.test", "/x?other&n%61=%76%7e", NULL},
     false},
    {"a query parameter without a value is there",
     {{"match", .path = "/x", .query = "q=*"}, {"none", .path = "/x"}},
     {NULL, "a.test", "/x?&q", NULL},
     false},
    {"a method of its own name",
     {{"own", .path = "/x", .method = "PURGE"},
      {"get", .path = "/x", .method = "GET BAN"},
      {"none", .path = "/x"}},
     {"PURGE", "a.test", "/x", NULL},
     false},
    /* 5. file */
    {"earlier in the file",
     {{"first", .path = "/x"}, {"second", .path = "/x"}},
     {NULL, "a.test", "/x", NULL},
     true},
    {"earlier regex first",
     {{"first", .regex = "/.*"}, {"second", .regex = "/x.*"}},
     {NULL, "a.test", "/xy", NULL},
     true},
    {"patterns that differ by names only",
     {{"first", .path = "/{a}"}, {"second", .path = "/{b}"}},
     {NULL, "a.test", "/x", NULL},
     true},
    /* What stands for the same resource takes the same route */
    {"an encoded letter",
     {{"admin", .path = "/admin/*"}, {"all", .path = "/*"}},
     {NULL, "a.test", "/%61dmin/x", NULL},
     false},
    {"an encoded letter, capitals in the digits",
     {{"tilde", .path = "/~j"}, {"all", .path = "/*"}},
     {NULL, "a.test", "/%7E%6A", NULL},
     false},
    {"an encoded letter, small digits",
     {{"tilde", .path = "/%7ej"}, {"all", .path = "/*"}},
     {NULL, "a.test", "/~j", NULL},
     false},
    {"encoded punctuation",
     {{"at", .path = "/@me:go"}, {"all", .path = "/*"}},
     {NULL, "a.test", "/%40me%3Ago", NULL},
     false},
    {"slashes in a row",
     {{"admin", .path = "/admin/x"}, {"all", .path = "/*"}},
     {NULL, "a.test", "//admin///x", NULL},
     false},
    {"bytes outside of ASCII",
     {{"cafe", .path = "/caf%C3%A9"}, {"all", .path = "/*"}},
     {NULL, "a.test", "/caf\xC3%a9", NULL},
     false},
    {"a regex sees the decoded path",
     {{"regex", .regex = "/adm.n/.*"}, {.name = "any"}},
     {NULL, "a.test", "//%61dm\nn/%0a", NULL},
     false},
};

static void check_order(const struct rule_case *c, const struct route_line *lines, size_t count)
{
    struct rw_config *config = rw_test_routes(&arena, "main", lines, count);
    struct rw_router *router = create(config);
    struct rw_message message = rw_test_request(&arena, &c->request);
    struct rw_route_params params;
    int route = rw_router_find(router, 0, &message, &params);
    const char *flaw = rw_oracle_disagrees(config, 0, &message, route, &params);
    if (flaw)
        fail_msg("%s: the oracle disagrees: %s", c->what, flaw);
    if (route < 0 || strcmp(lines[route].name, c->routes[0].name) != 0)
        fail_msg("%s: %s instead of %s", c->what, route < 0 ? "none" : lines[route].name,
                 c->routes[0].name);
    rw_router_destroy(router);
}

/* Heap's algorithm. */
static void permute(const struct rule_case *c, struct route_line *lines, size_t count, size_t k)
{
    if (k <= 1) {
        check_order(c, lines, count);
        return;
    }
    for (size_t i = 0; i < k; i++) {
        permute(c, lines, count, k - 1);
        size_t other = k % 2 ? 0 : i;
        struct route_line swapped = lines[other];
        lines[other] = lines[k - 1];
        lines[k - 1] = swapped;
    }
}

static void rules_decide_in_any_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rule_cases) / sizeof(*rule_cases); i++) {
        struct route_line lines[LINES_MAX];
        size_t count = line_count(rule_cases[i].routes);
        memcpy(lines, rule_cases[i].routes, sizeof(lines));
        permute(&rule_cases[i], lines, count, rule_cases[i].file_order ? 0 : count);
        rw_arena_free(&arena);
        set_up(NULL);
    }
}

/* ---- Parameters ---- */

static void check_params(const struct route_line *line, const char *target, const char *expected,
                         unsigned matched)
{
    struct rw_router *router = create_lines(line, 1);
    struct request_line request = {NULL, "a.test", target, NULL};
    struct rw_message message = rw_test_request(&arena, &request);
    struct rw_route_params params;
    struct rw_text text = {0};
    assert_int_equal(rw_router_find(router, 0, &message, &params), 0);
    rw_text_adds(&text, "");
    for (unsigned i = 0; i < params.count; i++) {
        const char *at = params.items[i].value.at;
        assert_true(at >= target && at + params.items[i].value.len <= target + strlen(target));
        rw_text_addf(&text, "%s%.*s=%.*s", i ? " " : "", RW_SPAN_ARGS(params.items[i].name),
                     RW_SPAN_ARGS(params.items[i].value));
    }
    assert_string_equal(text.at, expected);
    assert_int_equal(params.matched_bytes, matched);
    rw_text_free(&text);
    rw_router_destroy(router);
}

static void parameters_are_as_sent(void **state)
{
    (void)state;
    const struct route_line user = {"r", .path = "/users/{id}/posts/{post}"};
    const struct route_line rest = {"r", .path = "/users/{id}/*"};
    const struct route_line prefix = {"r", .path = "/api/*"};
    const struct route_line all = {"r", .path = "/*"};
    const struct route_line regex = {"r",
                                     .regex = "/(?<kind>[a-z]+)/(x/)?(?<id>[0-9]+)(?<tail>/t)?"};
    check_params(&user, "/users/5/posts/a.b", "id=5 post=a.b", 0);
    check_params(&user, "/users/a%20b//posts/%41", "id=a%20b post=%41", 0);
    check_params(&rest, "/users/5", "id=5 *=", 8);
    check_params(&rest, "/users/5/", "id=5 *=", 9);
    check_params(&rest, "/users/5/a/b/", "id=5 *=a/b/", 9);
    check_params(&rest, "//users//%35//a%2Bb//c", "id=%35 *=a%2Bb//c", 14);
    check_params(&prefix, "/api", "*=", 4);
    check_params(&prefix, "/api/", "*=", 5);
    check_params(&prefix, "/api/a?b", "*=a", 5);
    check_params(&prefix, "//api//", "*=", 7);
    check_params(&all, "/", "*=", 1);
    check_params(&all, "/a/b", "*=a/b", 1);
    check_params(&regex, "/users/x/42", "id=42 kind=users", 0);
    check_params(&regex, "/users//4%32/t", "id=4%32 kind=users tail=/t", 0);
}

static void sixteen_parameters(void **state)
{
    (void)state;
    const struct route_line most = {
        "r", .path = "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/*"};
    check_params(&most, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17",
                 "a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 l=12 m=13 n=14 o=15 *=16/17", 37);
}

/* ---- No route ---- */

static void check_none(const struct route_line *lines, const struct request_line *request,
                       int expected, const char *expected_allow)
{
    struct rw_config *config = rw_test_routes(&arena, "main", lines, line_count(lines));
    struct rw_router *router = create(config);
    struct rw_message message = rw_test_request(&arena, request);
    struct rw_route_params params;
    struct rw_text allow = {0};
    int route = rw_router_find(router, 0, &message, &params);
    assert_int_equal(route, expected);
    assert_null(rw_oracle_disagrees(config, 0, &message, route, &params));
    assert_int_equal(params.count, 0);
    rw_text_adds(&allow, "");
    rw_router_allow(router, 0, &message, &allow);
    assert_string_equal(allow.at, expected_allow);
    rw_text_free(&allow);
    rw_router_destroy(router);
}

static void wrong_method_and_allow(void **state)
{
    (void)state;
    const struct route_line lines[LINES_MAX] = {
        {"read", .path = "/x", .method = "HEAD GET"},
        {"write", .path = "/*", .method = "POST PURGE BAN"},
        {"special", .path = "/x", .method = "DELETE", .headers = "X-A=1"},
        {"elsewhere", .host = "b.test", .method = "PATCH PURGE"},
        {"regex", .regex = "/x+", .method = "OPTIONS PURGE"},
    };
    check_none(lines, &(struct request_line){"PUT", "a.test", "/x", NULL}, RW_ROUTE_WRONG_METHOD,
               "GET, HEAD, POST, OPTIONS, PURGE, BAN");
    check_none(lines, &(struct request_line){"PUT", "a.test", "/x", "X-A=1"}, RW_ROUTE_WRONG_METHOD,
               "GET, HEAD, POST, DELETE, OPTIONS, PURGE, BAN");
    check_none(lines, &(struct request_line){"GET", "b.test", "/y", NULL}, RW_ROUTE_WRONG_METHOD,
               "POST, PATCH, PURGE, BAN");
    check_none(lines, &(struct request_line){"LINK", "a.test", "/y", NULL}, RW_ROUTE_WRONG_METHOD,
               "POST, PURGE, BAN");
    check_none(lines, &(struct request_line){"POST", "a.test", "*", NULL}, RW_ROUTE_NONE, "");
    check_none(lines + 2, &(struct request_line){"GET", "a.test", "/x", "X-A=2"},
               RW_ROUTE_WRONG_METHOD, "OPTIONS, PURGE");
}

static void listeners_have_their_own_routes(void **state)
{
    (void)state;
    const struct route_line lines[] = {
        {"public", .path = "/x", .listeners = "web tls"},
        {"all", .path = "/*"},
        {"inner", .path = "/x", .listeners = "inner", .priority = 1}};
    struct rw_config *config = rw_test_routes(&arena, "web tls inner spare", lines, 3);
    struct rw_router *router = create(config);
    struct rw_message message =
        rw_test_request(&arena, &(struct request_line){NULL, "a.test", "/x", NULL});
    const int expected[] = {0, 0, 2, 1};
    for (unsigned l = 0; l < 4; l++) {
        struct rw_route_params params;
        assert_int_equal(rw_router_find(router, l, &message, &params), expected[l]);
    }
    rw_router_destroy(router);
}

static void empty_tables(void **state)
{
    (void)state;
    const struct route_line none[LINES_MAX] = {{0}};
    check_none(none, &(struct request_line){NULL, "a.test", "/x", NULL}, RW_ROUTE_NONE, "");
    const struct route_line elsewhere[LINES_MAX] = {{"b", .host = "b.test"},
                                                    {"c", .host = "*.c.test"}};
    check_none(elsewhere, &(struct request_line){NULL, "a.test", "/x", NULL}, RW_ROUTE_NONE, "");
    check_none(elsewhere, &(struct request_line){NULL, ".c.test", "/x", NULL}, RW_ROUTE_NONE, "");
    check_none(elsewhere, &(struct request_line){NULL, ":80", "/x", NULL}, RW_ROUTE_NONE, "");
    check_none(elsewhere, &(struct request_line){NULL, ".", "/x", NULL}, RW_ROUTE_NONE, "");
}

/* ---- A regex that a request can exhaust ---- */

static void exhausting_a_regex_evades_nothing(void **state)
{
    (void)state;
    const struct route_line lines[] = {
        {"guarded", .regex = "/(a+)+[bc]"}, {.name = "open"}, {"better", .path = "/b/{x}"}};
    struct rw_router *router = create_lines(lines, 3);
    char target[1024];
    struct rw_route_params params;
    memset(target, 'a', sizeof(target));
    target[0] = '/';
    target[sizeof(target) - 1] = '\0';
    struct rw_message message =
        rw_test_request(&arena, &(struct request_line){NULL, "a.test", target, NULL});
    uint64_t begin = rw_clock_monotonic_ns();
    assert_int_equal(rw_router_find(router, 0, &message, &params), RW_ROUTE_NONE);
    assert_true(rw_clock_monotonic_ns() - begin < 100 * RW_NS_PER_MS);
    struct rw_text text = {0};
    assert_int_equal(rw_router_explain(router, 0, &message, &params, &text), RW_ROUTE_NONE);
    assert_non_null(strstr(text.at, "ran into its limits"));
    rw_text_free(&text);
    target[1] = 'b';
    target[2] = '/';
    message = rw_test_request(&arena, &(struct request_line){NULL, "a.test", target, NULL});
    assert_int_equal(rw_router_find(router, 0, &message, &params), 2);
    rw_router_destroy(router);
}

/* ---- What is told ---- */

static void explain_tells_why(void **state)
{
    (void)state;
    const struct route_line lines[] = {
        {"user", .path = "/users/{id}", .host = "*.test"},
        {"write", .path = "/users/{id}", .host = "a.test", .method = "POST PURGE"},
        {"beta", .path = "/users/*", .host = "a.test", .headers = "X-Beta=~^on"},
        {"query", .path = "/users/*", .host = "a.test", .query = "v=2"},
        {"header", .path = "/users/*", .host = "a.test", .headers = "X-Here=*"},
        {"digits", .host = "a.test", .regex = "/users/[0-9]+"},
        {"all", .path = "/*"},
        {"other", .path = "/other"},
        {"twin", .path = "/users/{name} /users/*", .host = "*.test"},
    };
    static const char golden[] =
        "route \"write\" (a.test, /users/{id}): no: the method is not POST, PURGE\n"
        "route \"beta\" (a.test, /users/*): no: header X-Beta does not match \"~^on\"\n"
        "route \"query\" (a.test, /users/*): no: query v is not \"2\"\n"
        "route \"header\" (a.test, /users/*): no: header X-Here is missing\n"
        "route \"digits\" (a.test, regex /users/[0-9]+): no: the path does not match the regex\n"
        "route \"user\" (*.test, /users/{id}): taken\n"
        "route \"twin\" (*.test, /users/{name}): matches, but \"user\" wins: earlier in the file\n"
        "route \"twin\" (*.test, /users/*): matches, but \"user\" wins: better path\n"
        "route \"all\" (any host, /*): matches, but \"user\" wins: better host\n";
    struct rw_router *router = create_lines(lines, 9);
    struct rw_route_params params;
    struct rw_text text = {0};
    struct rw_message message = rw_test_request(
        &arena, &(struct request_line){NULL, "a.test", "/users/me?v=1", "X-Beta=off"});
    assert_int_equal(rw_router_explain(router, 0, &message, &params, &text), 0);
    assert_string_equal(text.at, golden);
    assert_int_equal(params.count, 1);
    rw_text_free(&text);
    rw_router_destroy(router);
}

static void explain_without_a_route(void **state)
{
    (void)state;
    const struct route_line lines[] = {{"write", .path = "/x", .method = "POST"}};
    static const struct {
        const char *target, *golden;
    } cases[] = {
        {"/x",
         "route \"write\" (any host, /x): no: the method is not POST\nno route is taken: 405, allowed are POST\n"},
        {"/y", "no route has this host and path\nno route is taken: 404\n"},
        {"/y/../x", "answered 400: dot segment in the path\n"},
    };
    struct rw_router *router = create_lines(lines, 1);
    for (size_t i = 0; i < 3; i++) {
        struct rw_route_params params;
        struct rw_text text = {0};
        struct rw_message message =
            rw_test_request(&arena, &(struct request_line){NULL, "a.test", cases[i].target, NULL});
        assert_true(rw_router_explain(router, 0, &message, &params, &text) < 0);
        assert_string_equal(text.at, cases[i].golden);
        rw_text_free(&text);
    }
    rw_router_destroy(router);
}

static void warnings_name_routes_that_never_win(void **state)
{
    (void)state;
    const struct route_line lines[] = {
        {"a", .path = "/x", .method = "GET POST"},
        {"same", .path = "/x", .method = "POST GET"},
        {"part", .path = "/x", .method = "GET", .priority = -1, .headers = "X-A=1"},
        {"alive", .path = "/x", .method = "PUT"},
        {"half", .path = "/x /y", .method = "GET"},
        {"r1", .regex = "/z.*"},
        {"r2", .regex = "/z.*"},
        {"r3", .regex = "/zz.*"},
        {"present", .path = "/h", .headers = "X-A=*", .priority = 1},
        {"equal", .path = "/h", .headers = "x-a=1"},
        {"names", .path = "/p/{a}"},
        {"names2", .path = "/p/{b}", .listeners = "main"},
        {"elsewhere", .path = "/p/{c}", .listeners = "other"},
    };
    struct rw_router *router =
        create(rw_test_routes(&arena, "main other", lines, sizeof(lines) / sizeof(*lines)));
    struct rw_text text = {0};
    rw_router_warnings(router, &text);
    assert_string_equal(text.at,
                        "route \"same\" can never win: \"a\" takes all that it matches\n"
                        "route \"part\" can never win: \"a\" takes all that it matches\n"
                        "route \"r2\" can never win: \"r1\" takes all that it matches\n"
                        "route \"equal\" can never win: \"present\" takes all that it matches\n"
                        "route \"names2\" can never win: \"names\" takes all that it matches\n"
                        "route \"elsewhere\" can never win: \"names\" takes all that it matches\n");
    rw_text_free(&text);
    rw_router_destroy(router);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(rules_decide_in_any_order),
        TEST(parameters_are_as_sent),
        TEST(sixteen_parameters),
        TEST(wrong_method_and_allow),
        TEST(listeners_have_their_own_routes),
        TEST(empty_tables),
        TEST(exhausting_a_regex_evades_nothing),
        TEST(explain_tells_why),
        TEST(explain_without_a_route),
        TEST(warnings_name_routes_that_never_win),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
