/* The router against an independent matcher on random tables, and what a lookup costs in a large
 * one. */
#include "base/clock.h"
#include "base/random.h"
#include "gate/route/router.h"
#include "support/router_oracle.h"
#include "support/router_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

static struct rw_router *create_lines(const struct route_line *lines, size_t count)
{
    return create(rw_test_routes(&arena, "main", lines, count));
}

/* ---- Random tables against the oracle ---- */

static struct rw_random random_source;

static const char *pick(const char *const *choices, unsigned count)
{
    return choices[rw_random_below(&random_source, count)];
}

#define PICK(...)                                                                                  \
    pick((const char *const[]){__VA_ARGS__},                                                       \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static const char *random_host(void)
{
    return PICK(NULL, NULL, "a.test", "b.test", "*.test", "x.a.test", "*.a.test", "*.a.test b.test",
                "* x.a.test", "A.TEST.");
}

static const char *random_path(void)
{
    struct rw_text text = {0};
    unsigned paths = 1 + (rw_random_below(&random_source, 4) == 0);
    for (unsigned p = 0; p < paths; p++) {
        unsigned segments = rw_random_below(&random_source, 4);
        rw_text_adds(&text, p ? " " : "");
        for (unsigned i = 0; i < segments; i++)
            rw_text_adds(&text, (const char *[]){"/a", "/b", "/cc", "/%61", "/{x}",
                                                 "/{y}"}[rw_random_below(&random_source, 6)]);
        rw_text_adds(&text, segments == 0 ? PICK("/", "/*") : PICK("", "", "/", "/*"));
    }
    struct rw_span kept = rw_arena_copy(&arena, rw_text_span(&text));
    rw_text_free(&text);
    /* Two parameters of one name are a mistake. */
    for (char *at = (char *)kept.at, name = 'm'; (at = strchr(at, '{')) != NULL; at++)
        at[1] = name++;
    return kept.at;
}

static struct route_line random_route(void)
{
    struct route_line line = {"r", .host = random_host()};
    switch (rw_random_below(&random_source, 8)) {
    case 0:
        break;
    case 1:
        line.regex = PICK("/a.*", "/[ab]/(b|cc)", "/.*/b", "/a", ".*");
        break;
    default:
        line.path = random_path();
    }
    line.method = PICK(NULL, NULL, NULL, "GET", "POST", "GET POST", "PURGE");
    line.headers = PICK(NULL, NULL, NULL, NULL, "X-A=1", "X-A=*", "x-a=~^[12]", "X-A=1 Accept=*");
    line.query = PICK(NULL, NULL, NULL, NULL, "q=1", "q=*", "q=~2");
    line.listeners = PICK(NULL, NULL, NULL, NULL, "one", "two");
    line.priority =
        rw_random_below(&random_source, 4) ? 0 : (int)rw_random_below(&random_source, 3) - 1;
    return line;
}

static struct request_line random_request(void)
{
    static char target[256];
    size_t len = 0;
    unsigned segments = rw_random_below(&random_source, 5);
    for (unsigned i = 0; i < segments; i++)
        len += (size_t)snprintf(
            target + len, sizeof(target) - len, "%s",
            PICK("/a", "/a", "/b", "/b", "/cc", "/cc", "/d", "//a", "/%61", "/%62", "/", "/c%63"));
    snprintf(target + len, sizeof(target) - len, "%s%s", segments ? PICK("", "", "/") : "/",
             PICK("", "", "?q=1", "?q=2", "?q", "?x=1&%71=12"));
    return (struct request_line){
        PICK("GET", "GET", "POST", "PUT", "PURGE", "BAN"),
        PICK("a.test", "b.test", "x.a.test", "y.x.a.test", "c.test:80", "A.Test.", NULL), target,
        PICK(NULL, "X-A=1", "X-A=2 X-A=1", "x-a=3 Accept=b")};
}

static void check_random_request(const struct rw_config *config, const struct rw_router *router)
{
    struct request_line line = random_request();
    struct rw_message message = rw_test_request(&arena, &line);
    unsigned listener = rw_random_below(&random_source, 2);
    struct rw_route_params params;
    int route = rw_router_find(router, listener, &message, &params);
    const char *flaw = rw_oracle_disagrees(config, listener, &message, route, &params);
    if (!flaw)
        return;
    struct rw_text text = {0};
    rw_router_explain(router, listener, &message, &params, &text);
    fail_msg("%s: %s %s %s (%s)\n%s", flaw, line.method, line.host, line.target, line.headers,
             text.at);
}

static void random_tables_agree_with_the_oracle(void **state)
{
    (void)state;
    const char *wanted = getenv("RW_ROUTER_TABLES");
    unsigned tables = wanted ? (unsigned)strtoul(wanted, NULL, 10) : 3000;
    rw_random_seed(&random_source, 20);
    for (unsigned t = 0; t < tables; t++) {
        struct route_line lines[40];
        unsigned count = 1 + rw_random_below(&random_source, t % 10 ? 12 : 40);
        for (unsigned i = 0; i < count; i++)
            lines[i] = random_route();
        struct rw_config *config = rw_test_routes(&arena, "one two", lines, count);
        struct rw_router *router = create(config);
        for (unsigned i = 0; i < 20; i++)
            check_random_request(config, router);
        rw_router_destroy(router);
        rw_arena_free(&arena);
        set_up(NULL);
    }
}

/* ---- Many routes ---- */

static void numbered(struct route_line *lines, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        lines[i].name = "r";
        lines[i].host = rw_arena_format(&arena, "host-%u.example.com", i % 100).at;
        lines[i].path = rw_arena_format(&arena, "/api/v1/service-%u/*", i).at;
    }
}

/* Where the requests of a measurement stand: one after the other, so that reading them costs next
 * to nothing. */
struct packed {
    uint16_t route;
    uint8_t host_len, path_len;
    char text[60];
};

static void pack(struct packed *packed, const struct route_line *lines, unsigned route,
                 unsigned number)
{
    char path[64];
    packed->route = (uint16_t)route;
    packed->host_len = (uint8_t)strlen(lines[route].host);
    packed->path_len =
        (uint8_t)snprintf(path, sizeof(path), "/api/v1/service-%u/items/%u", route, number % 100);
    rw_assert(packed->host_len + packed->path_len <= (int)sizeof(packed->text));
    memcpy(packed->text, lines[route].host, packed->host_len);
    memcpy(packed->text + packed->host_len, path, packed->path_len);
}

static int find_packed(const struct rw_router *router, const struct packed *packed,
                       struct rw_route_params *params)
{
    struct rw_message message = {
        .method = RW_METHOD_GET,
        .authority = rw_span(packed->text, packed->host_len),
        .path = rw_span(packed->text + packed->host_len, packed->path_len),
    };
    const char *reason;
    return rw_path_check(message.path, &reason) ? rw_router_find(router, 0, &message, params)
                                                : RW_ROUTE_NONE;
}

/* Nanoseconds a lookup, over requests for all routes in turn. Only the answers are checked. */
static double measure(const struct route_line *lines, unsigned count)
{
    enum { REQUESTS = 16384, ROUNDS = 20 };
    static struct packed requests[REQUESTS];
    struct rw_router *router = create_lines(lines, count);
    struct rw_route_params params = {0};
    unsigned right = 0;
    for (unsigned i = 0; i < REQUESTS; i++) {
        unsigned route = i * 2654435761u % count;
        pack(&requests[i], lines, route, i);
        assert_int_equal(find_packed(router, &requests[i], &params), route);
        assert_int_equal(params.matched_bytes, strlen(lines[route].path) - 1);
    }
    uint64_t best_ns = UINT64_MAX; /* of a round: what else the machine does is not the router's */
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t begin = rw_clock_monotonic_ns();
        for (unsigned i = 0; i < REQUESTS; i++)
            right += find_packed(router, &requests[i], &params) == requests[i].route;
        uint64_t took_ns = rw_clock_monotonic_ns() - begin;
        best_ns = took_ns < best_ns ? took_ns : best_ns;
    }
    assert_int_equal(right, ROUNDS * REQUESTS);
    rw_router_destroy(router);
    return (double)best_ns / REQUESTS;
}

static void cost_does_not_grow_with_the_table(void **state)
{
    (void)state;
    static struct route_line lines[10000];
    numbered(lines, 10000);
    print_message("a lookup takes %.0f ns in 10 routes, ", measure(lines, 10));
    print_message("%.0f ns in 10,000\n", measure(lines, 10000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_tables_agree_with_the_oracle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cost_does_not_grow_with_the_table, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
