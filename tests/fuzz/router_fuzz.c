/* Any request against a fixed table of every kind of route; the answer must be the oracle's, the
 * parameters must lie inside the path, and a path that passes the check must hold nothing that an
 * origin could take for a dot segment.
 *
 * Input: lines of method, host, target, then one header a line.
 */
#include "base/alloc.h"
#include "gate/route/router.h"
#include "support/router_oracle.h"
#include "support/router_world.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LISTENERS = 2, INPUT_BYTES_MAX = ORACLE_TEXT_MAX - 64, HEADERS_MAX = 8 };

static const struct route_line lines[] = {
    {"root", .path = "/"},
    {"all", .path = "/*", .method = "GET HEAD"},
    {"admin", .host = "a.test", .path = "/admin/*", .priority = 1},
    {"item", .host = "*.test", .path = "/{kind}/{id}"},
    {"rest", .host = "*.test b.test", .path = "/a/{x}/c/* /a/b/{y}"},
    {"long", .host = "*.a.test", .path = "/a/b/c/d/*"},
    {"cafe", .path = "/caf%C3%A9/~x"},
    {"regex", .path = NULL, .regex = "/x+/[0-9]*"},
    {"regex2", .host = "a.test", .regex = "/(a|b|/)*c", .method = "GET PURGE"},
    {"header", .path = "/h", .headers = "Accept=* X-A=~^a.c"},
    {"query", .path = "/h", .query = "q=1 r=~[a-c]$"},
    {"inner", .path = "/{a}/*", .listeners = "inner"},
    {"low", .priority = -1, .method = "GET"},
};

static struct rw_arena table_arena;
static struct rw_config *config;
static struct rw_router *router;

static void set_up(void)
{
    struct rw_conf_report report = {.arena = &table_arena};
    rw_arena_init(&table_arena, NULL, 0, 1 << 16, SIZE_MAX);
    config = rw_test_routes(&table_arena, "outer inner", lines, sizeof(lines) / sizeof(*lines));
    rw_assert(rw_router_create(config, &report, &router) == RW_OK);
}

static struct rw_span next_line(struct rw_span *rest)
{
    ptrdiff_t end = rw_span_find(*rest, '\n');
    struct rw_span line = rw_span(rest->at, end < 0 ? rest->len : (size_t)end);
    *rest = rw_span_skip(*rest, line.len + (end >= 0));
    return line;
}

static void read_request(struct rw_span input, struct rw_message *message, struct rw_field *fields)
{
    message->method_text = next_line(&input);
    message->method = (uint8_t)rw_method_from(message->method_text);
    message->authority = next_line(&input);
    message->target = next_line(&input);
    ptrdiff_t mark = rw_span_find(message->target, '?');
    message->path = rw_span(message->target.at, mark < 0 ? message->target.len : (size_t)mark);
    if (mark >= 0)
        message->query = rw_span_skip(message->target, (size_t)mark + 1);
    message->fields = fields;
    while (input.len && message->field_count < HEADERS_MAX) {
        struct rw_span line = next_line(&input), name;
        if (!rw_span_next(&line, ':', &name))
            continue;
        fields[message->field_count++] = (struct rw_field){
            .name = name, .value = rw_span_trim(line), .id = (uint8_t)rw_field_id(name)};
    }
}

/* Whatever the path check lets through, decoded once, has no dot segment, backslash or NUL. */
static void check_path(struct rw_span path)
{
    char normal[INPUT_BYTES_MAX];
    struct rw_span rest = rw_span(normal, rw_path_normalise(path, normal)), segment;
    rw_assert(!memchr(normal, '\\', rest.len) && !memchr(normal, '\0', rest.len));
    rw_assert(!rw_path_is_normal(path) || rw_span_eq(rest, path));
    for (size_t i = 0; i <= rest.len; i++) {
        size_t origin = rw_path_origin(path, i);
        rw_assert(i == rest.len ? origin == path.len : origin < path.len);
    }
    while (rest.len) {
        ptrdiff_t slash = rw_span_find(rest, '/');
        segment = rw_span(rest.at, slash < 0 ? rest.len : (size_t)slash);
        rest = rw_span_skip(rest, segment.len + (slash >= 0));
        ptrdiff_t end = rw_span_find(segment, ';');
        segment.len = end < 0 ? segment.len : (size_t)end;
        rw_assert(!rw_span_is(segment, ".") && !rw_span_is(segment, ".."));
    }
}

static void check_listener(unsigned listener, const struct rw_message *message)
{
    struct rw_route_params params, again;
    struct rw_text text = {0};
    uint64_t allocated = rw_alloc_count();
    int route = rw_router_find(router, listener, message, &params);
    rw_assert(allocated == rw_alloc_count());
    const char *flaw = rw_oracle_disagrees(config, listener, message, route, &params);
    if (flaw) {
        fprintf(stderr, "listener %u: %s\n", listener, flaw);
        abort();
    }
    for (unsigned i = 0; i < params.count; i++)
        rw_assert(params.items[i].value.len == 0 ||
                  (params.items[i].value.at >= message->path.at &&
                   params.items[i].value.at + params.items[i].value.len <=
                       message->path.at + message->path.len));
    rw_assert(rw_router_explain(router, listener, message, &again, &text) == route);
    rw_router_allow(router, listener, message, &text);
    rw_text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_message message = {0};
    struct rw_field fields[HEADERS_MAX];
    if (!router)
        set_up();
    /* The oracle works on C strings. */
    if (size == 0 || size > INPUT_BYTES_MAX || memchr(data, '\0', size))
        return 0;
    read_request(rw_span((const char *)data, size), &message, fields);
    if (!rw_path_check(message.path, NULL))
        return 0;
    check_path(message.path);
    for (unsigned l = 0; l < LISTENERS; l++)
        check_listener(l, &message);
    return 0;
}
