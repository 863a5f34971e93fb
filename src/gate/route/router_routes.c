/* From the configuration to routes: everything that can be wrong with a `match` is found here. */
#include "gate/route/router_table.h"

struct reader {
    struct rw_router *router;
    struct rw_conf_report *report;
    struct rw_conf_place place; /* of the match being read */
    enum rw_err err;            /* RW_EINVAL: told in the report, and reading goes on */
};

#define MISTAKE(reader, ...)                                                                       \
    do {                                                                                           \
        rw_conf_mistake_at((reader)->report, (reader)->place, __VA_ARGS__);                        \
        (reader)->err = (reader)->err ? (reader)->err : RW_EINVAL;                                 \
    } while (0)

static bool hopeless(const struct reader *reader)
{
    return reader->err && reader->err != RW_EINVAL;
}

/* Zeroed memory for `count` items; NULL with err set when there is none. A count of 0 is fine. */
static void *take(struct reader *reader, size_t count, size_t size)
{
    void *items = rw_arena_zero(&reader->router->arena, (count ? count : 1) * size);
    if (!items)
        reader->err = RW_ENOMEM;
    return items;
}

static struct rw_span copy(struct reader *reader, struct rw_span text)
{
    struct rw_span result = rw_arena_copy(&reader->router->arena, text);
    if (!result.at)
        reader->err = RW_ENOMEM;
    return result;
}

/* ---- Hosts ---- */

static const char *label_flaw(struct rw_span label)
{
    if (label.len == 0)
        return "it has an empty label";
    for (size_t i = 0; i < label.len; i++) {
        char c = label.at[i];
        if (c == '*')
            return "\"*\" stands only before the first dot, for all labels there";
        if (c == ':')
            return "a host is written without its port";
        if ((unsigned char)c >= 0x80)
            return "names outside of ASCII are written in their xn-- form";
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return "a label has letters, digits, \"-\" and \"_\"";
    }
    return NULL;
}

static const char *ipv6_flaw(struct rw_span text)
{
    bool closed = text.len > 3 && rw_span_find(text, ']') == (ptrdiff_t)text.len - 1;
    size_t inner = closed ? text.len - 2 : 0;
    return closed && strspn(text.at + 1, "0123456789abcdef:.") == inner
               ? NULL
               : "not an address in brackets";
}

/* `text` is lower case, without a dot at the end, terminated. */
static const char *host_flaw(struct rw_span text, unsigned *labels)
{
    *labels = 0;
    if (text.len > RW_ROUTER_HOST_BYTES_MAX)
        return "it is longer than 253 bytes";
    if (text.len && text.at[0] == '[')
        return ipv6_flaw(text);
    bool wildcard = text.len > 2 && text.at[0] == '*' && text.at[1] == '.';
    struct rw_span rest = rw_span_skip(text, wildcard ? 2 : 0);
    unsigned count = 0;
    for (bool more = true; more; count++) {
        ptrdiff_t dot = rw_span_find(rest, '.');
        struct rw_span label = rw_span(rest.at, dot < 0 ? rest.len : (size_t)dot);
        const char *flaw = label_flaw(label);
        if (flaw)
            return flaw;
        more = dot >= 0;
        rest = rw_span_skip(rest, label.len + more);
    }
    *labels = wildcard ? count : 0;
    return NULL;
}

static void read_host(struct reader *reader, struct rw_span text, struct rw_router_host *host)
{
    if (rw_span_is(text, "*")) {
        host->text = rw_span("", 0);
        return;
    }
    char *lower = take(reader, text.len + 1, 1);
    if (!lower)
        return;
    for (size_t i = 0; i < text.len; i++)
        lower[i] = rw_lower(text.at[i]);
    size_t len = text.len;
    if (len > 1 && lower[len - 1] == '.')
        lower[--len] = '\0';
    unsigned labels;
    host->text = rw_span(lower, len);
    const char *flaw = host_flaw(host->text, &labels);
    if (flaw)
        MISTAKE(reader, "host \"%.*s\": %s", RW_SPAN_ARGS(text), flaw);
    host->labels = (uint16_t)labels;
}

static void read_hosts(struct reader *reader, const struct rw_conf_list *list,
                       struct rw_router_route *route)
{
    const struct rw_span *texts = list->items;
    route->host_count = list->count ? (uint32_t)list->count : 1;
    route->hosts = take(reader, route->host_count, sizeof(*route->hosts));
    for (size_t i = 0; i < list->count && !hopeless(reader); i++)
        read_host(reader, texts[i], &route->hosts[i]);
}

/* ---- Paths ---- */

static void read_regex(struct reader *reader, const char *what, struct rw_span text, bool whole,
                       struct rw_router_regex **regex)
{
    char flaw[256] = "";
    enum rw_err err = rw_router_regex_create(text, whole, flaw, regex);
    if (err == RW_EINVAL)
        MISTAKE(reader, "%s \"%.*s\": %s", what, RW_SPAN_ARGS(text), flaw);
    else if (err)
        reader->err = err;
}

static void read_path(struct reader *reader, struct rw_span text, struct rw_router_path *path)
{
    char flaw[256] = "";
    enum rw_err err = rw_router_path_read(&reader->router->arena, text, path, flaw);
    if (err == RW_EINVAL)
        MISTAKE(reader, "path \"%.*s\": %s", RW_SPAN_ARGS(text), flaw);
    else if (err)
        reader->err = err;
}

static void read_path_regex(struct reader *reader, struct rw_span text, struct rw_router_path *path)
{
    path->kind = RW_ROUTER_REGEX;
    path->text = copy(reader, text);
    if (!hopeless(reader))
        read_regex(reader, "path_regex", text, true, &path->regex);
    if (!path->regex)
        return;
    unsigned count = rw_router_regex_group_count(path->regex);
    path->names = take(reader, count, sizeof(*path->names));
    if (!path->names)
        return;
    path->name_count = (uint16_t)count;
    for (unsigned i = 0; i < count; i++)
        path->names[i] = rw_router_regex_group_name(path->regex, i);
}

static void read_paths(struct reader *reader, const struct rw_config_match *match,
                       struct rw_router_route *route)
{
    const struct rw_span *texts = match->path.items;
    size_t count = match->path.count ? match->path.count : 1;
    if (match->path.count && match->path_regex.len)
        MISTAKE(reader, "path and path_regex: only one of them is possible");
    route->paths = take(reader, count, sizeof(*route->paths));
    if (!route->paths)
        return;
    route->path_count = (uint32_t)count;
    for (size_t i = 0; i < match->path.count && !hopeless(reader); i++)
        read_path(reader, texts[i], &route->paths[i]);
    if (match->path.count == 0)
        route->paths[0].kind = RW_ROUTER_ANY;
    if (match->path_regex.len && !match->path.count)
        read_path_regex(reader, match->path_regex, &route->paths[0]);
}

/* ---- Methods, headers, query ---- */

static void read_method(struct reader *reader, struct rw_span text, struct rw_router_route *route)
{
    enum rw_method method = rw_method_from(text);
    if (method != RW_METHOD_OTHER) {
        route->methods |= 1u << method;
        return;
    }
    for (unsigned m = RW_METHOD_OTHER + 1; m < RW_METHOD_COUNT; m++)
        if (rw_span_is_nocase(text, rw_method_name(m))) {
            MISTAKE(reader, "method \"%.*s\": methods have capitals here: \"%s\"",
                    RW_SPAN_ARGS(text), rw_method_name(m));
            return;
        }
    if (!rw_is_token(text)) {
        MISTAKE(reader, "method \"%.*s\": not a method", RW_SPAN_ARGS(text));
        return;
    }
    route->methods |= 1u << RW_METHOD_OTHER;
    route->other_methods[route->other_method_count++] = copy(reader, text);
}

static void read_methods(struct reader *reader, const struct rw_conf_list *list,
                         struct rw_router_route *route)
{
    const struct rw_span *texts = list->items;
    route->other_methods = take(reader, list->count, sizeof(*route->other_methods));
    for (size_t i = 0; i < list->count && !hopeless(reader); i++)
        read_method(reader, texts[i], route);
}

static void read_condition(struct reader *reader, const char *what, const struct rw_conf_pair *pair,
                           struct rw_router_condition *condition)
{
    condition->name = copy(reader, pair->key);
    condition->field_id = (uint8_t)rw_field_id(pair->key);
    condition->value = copy(reader, pair->value);
    if (hopeless(reader))
        return;
    if (rw_span_is(pair->value, "*")) {
        condition->test = RW_ROUTER_PRESENT;
    } else if (pair->value.len && pair->value.at[0] == '~') {
        condition->test = RW_ROUTER_MATCHES;
        read_regex(reader, what, rw_span_skip(pair->value, 1), false, &condition->regex);
    } else {
        condition->test = RW_ROUTER_EQUALS;
    }
}

static struct rw_router_condition *read_conditions(struct reader *reader, const char *what,
                                                   const struct rw_conf_list *map, uint16_t *count)
{
    const struct rw_conf_pair *pairs = map->items;
    struct rw_router_condition *conditions = take(reader, map->count, sizeof(*conditions));
    for (size_t i = 0; i < map->count && !hopeless(reader); i++) {
        *count = (uint16_t)(i + 1);
        read_condition(reader, what, &pairs[i], &conditions[i]);
    }
    return conditions;
}

static void read_headers(struct reader *reader, const struct rw_conf_list *map,
                         struct rw_router_route *route)
{
    const struct rw_conf_pair *pairs = map->items;
    for (size_t i = 0; i < map->count; i++)
        if (!rw_is_token(pairs[i].key))
            MISTAKE(reader, "header \"%.*s\": not a field name", RW_SPAN_ARGS(pairs[i].key));
    route->headers = read_conditions(reader, "header", map, &route->header_count);
}

/* ---- The whole ---- */

static bool too_many(const struct rw_config_match *match)
{
    size_t most = UINT16_MAX / 4;
    return match->method.count > most || match->headers.count > most || match->query.count > most ||
           match->host.count > RW_ROUTER_ENTRIES_MAX || match->path.count > RW_ROUTER_ENTRIES_MAX;
}

static void read_route(struct reader *reader, const struct rw_config_route *from,
                       struct rw_router_route *route)
{
    static const struct rw_config_match everything;
    const struct rw_config_match *match = from->match ? from->match : &everything;
    reader->place = match->place.line ? match->place : from->place;
    route->name = copy(reader, from->name);
    route->priority = from->priority;
    if (too_many(match)) {
        MISTAKE(reader, "too many conditions");
        return;
    }
    if (!hopeless(reader))
        read_hosts(reader, &match->host, route);
    if (!hopeless(reader))
        read_paths(reader, match, route);
    if (!hopeless(reader))
        read_methods(reader, &match->method, route);
    if (!hopeless(reader))
        read_headers(reader, &match->headers, route);
    if (!hopeless(reader))
        route->queries = read_conditions(reader, "query", &match->query, &route->query_count);
    route->condition_count =
        (uint16_t)((route->methods != 0) + route->header_count + route->query_count);
}

enum rw_err rw_router_read_routes(struct rw_router *router, const struct rw_config *config,
                                  struct rw_conf_report *report)
{
    struct reader reader = {.router = router, .report = report};
    const struct rw_config_route *routes = config->routes.items;
    router->routes = take(&reader, config->routes.count, sizeof(*router->routes));
    for (size_t i = 0; i < config->routes.count && !hopeless(&reader); i++) {
        router->route_count = (uint32_t)(i + 1);
        read_route(&reader, &routes[i], &router->routes[i]);
    }
    return reader.err;
}

static void free_conditions(struct rw_router_condition *conditions, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        rw_router_regex_destroy(conditions[i].regex);
}

void rw_router_free_routes(struct rw_router *router)
{
    for (uint32_t i = 0; i < router->route_count; i++) {
        struct rw_router_route *route = &router->routes[i];
        for (uint32_t p = 0; p < route->path_count; p++)
            rw_router_regex_destroy(route->paths[p].regex);
        free_conditions(route->headers, route->header_count);
        free_conditions(route->queries, route->query_count);
    }
}
