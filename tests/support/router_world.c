#include "support/router_world.h"

static struct rw_conf_list words(struct rw_arena *arena, const char *text)
{
    struct rw_conf_list list = {0};
    struct rw_span rest = rw_span_text(text), word;
    struct rw_span *items = rw_arena_alloc(arena, (rest.len + 1) * sizeof(*items));
    rw_assert(items);
    while (rest.len && rw_span_next(&rest, ' ', &word))
        items[list.count++] = rw_arena_copy(arena, word);
    list.items = items;
    return list;
}

static struct rw_conf_list pairs(struct rw_arena *arena, const char *text)
{
    struct rw_conf_list list = words(arena, text);
    const struct rw_span *from = list.items;
    struct rw_conf_pair *items = rw_arena_alloc(arena, (list.count + 1) * sizeof(*items));
    rw_assert(items);
    for (size_t i = 0; i < list.count; i++) {
        ptrdiff_t equals = rw_span_find(from[i], '=');
        rw_assert(equals >= 0);
        items[i].key = rw_span(from[i].at, (size_t)equals);
        items[i].value = rw_span_skip(from[i], (size_t)equals + 1);
    }
    list.items = items;
    return list;
}

static struct rw_config_match *match_of(struct rw_arena *arena, const struct route_line *line,
                                        uint32_t number)
{
    struct rw_config_match *match = rw_arena_zero(arena, sizeof(*match));
    rw_assert(match);
    match->host = words(arena, line->host);
    match->path = words(arena, line->path);
    match->path_regex = rw_span_text(line->regex);
    match->method = words(arena, line->method);
    match->headers = pairs(arena, line->headers);
    match->query = pairs(arena, line->query);
    match->listeners = words(arena, line->listeners);
    match->place = (struct rw_conf_place){number, 1};
    return match;
}

struct rw_config *rw_test_routes(struct rw_arena *arena, const char *listeners,
                                 const struct route_line *lines, size_t count)
{
    struct rw_config *config = rw_arena_zero(arena, sizeof(*config));
    struct rw_config_route *routes = rw_arena_zero(arena, (count + 1) * sizeof(*routes));
    struct rw_conf_list names = words(arena, listeners);
    struct rw_config_listener *listening =
        rw_arena_zero(arena, (names.count + 1) * sizeof(*listening));
    rw_assert(config && routes && listening);
    for (size_t i = 0; i < names.count; i++)
        listening[i].name = ((struct rw_span *)names.items)[i];
    for (size_t i = 0; i < count; i++) {
        routes[i].name = rw_span_text(lines[i].name);
        routes[i].priority = lines[i].priority;
        routes[i].match = match_of(arena, &lines[i], (uint32_t)i + 1);
        routes[i].place = routes[i].match->place;
    }
    config->routes = (struct rw_conf_list){routes, count};
    config->listeners = (struct rw_conf_list){listening, names.count};
    return config;
}

struct rw_message rw_test_request(struct rw_arena *arena, const struct request_line *line)
{
    struct rw_span target = rw_span_text(line->target);
    ptrdiff_t mark = rw_span_find(target, '?');
    struct rw_message message = {
        .method_text = rw_span_text(line->method ? line->method : "GET"),
        .authority = rw_span_text(line->host),
        .target = target,
        .path = rw_span(target.at, mark < 0 ? target.len : (size_t)mark),
    };
    if (mark >= 0)
        message.query = rw_span_skip(target, (size_t)mark + 1);
    message.method = (uint8_t)rw_method_from(message.method_text);
    struct rw_conf_list headers = pairs(arena, line->headers);
    const struct rw_conf_pair *items = headers.items;
    for (size_t i = 0; i < headers.count; i++)
        rw_assert(rw_message_add(&message, arena, items[i].key, items[i].value) == RW_OK);
    return message;
}
