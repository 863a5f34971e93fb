/* Paths as configured: "/a", "/a/{name}/b", and "*" as the last segment. */
#include "gate/route/router_table.h"

#include <stdio.h>

static bool is_name(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = rw_lower(text.at[i]);
        bool digit = c >= '0' && c <= '9';
        if (!(c >= 'a' && c <= 'z') && c != '_' && !(digit && i > 0))
            return false;
    }
    return text.len > 0;
}

static bool has_name(const struct rw_router_path *path, struct rw_span name)
{
    for (unsigned i = 0; i < path->name_count; i++)
        if (rw_span_eq(path->names[i], name))
            return true;
    return false;
}

static enum rw_err read_parameter(struct rw_router_path *path, struct rw_span name, char flaw[256])
{
    if (!is_name(name)) {
        snprintf(flaw, 256, "\"{%.*s}\": a parameter's name has letters, digits and \"_\"",
                 RW_SPAN_ARGS(name));
        return RW_EINVAL;
    }
    if (has_name(path, name)) {
        snprintf(flaw, 256, "two parameters {%.*s}", RW_SPAN_ARGS(name));
        return RW_EINVAL;
    }
    if (path->name_count == RW_ROUTE_PARAMS_MAX) {
        snprintf(flaw, 256, "more than %d parameters", RW_ROUTE_PARAMS_MAX);
        return RW_EINVAL;
    }
    path->names[path->name_count++] = name;
    path->shape |= 1ull << (63 - path->segment_count);
    path->segments[path->segment_count++] = (struct rw_span){0};
    path->literal_bytes += 1;
    return RW_OK;
}

static enum rw_err read_literal(struct rw_arena *arena, struct rw_router_path *path,
                                struct rw_span text, char flaw[256])
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr("{}*?#", text.at[i]) && text.at[i]) {
            snprintf(
                flaw, 256,
                "\"%c\" in the segment \"%.*s\": {name} and \"*\" stand for whole segments, \"*\" is the "
                "last one; for more use path_regex",
                text.at[i], RW_SPAN_ARGS(text));
            return RW_EINVAL;
        }
    char *normal = rw_arena_alloc(arena, text.len + 1);
    if (!normal)
        return RW_ENOMEM;
    size_t len = rw_path_normalise(text, normal);
    path->segments[path->segment_count++] = rw_span(normal, len);
    path->literal_bytes += 1 + (uint32_t)len;
    return RW_OK;
}

/* The next segment of `rest`, which begins with a slash, and past it. */
static struct rw_span next_segment(struct rw_span *rest)
{
    *rest = rw_span_skip(*rest, 1);
    ptrdiff_t slash = rw_span_find(*rest, '/');
    struct rw_span segment = rw_span(rest->at, slash < 0 ? rest->len : (size_t)slash);
    *rest = rw_span_skip(*rest, segment.len);
    return segment;
}

static enum rw_err read_segments(struct rw_arena *arena, struct rw_router_path *path,
                                 char flaw[256])
{
    struct rw_span rest = path->text;
    enum rw_err err = RW_OK;
    while (rest.len && !err) {
        struct rw_span segment = next_segment(&rest);
        bool last = rest.len == 0;
        bool named = segment.len > 1 && segment.at[0] == '{' && segment.at[segment.len - 1] == '}';
        const char *fault = NULL;
        if (segment.len == 0 && !last)
            fault = "an empty segment (\"//\"): requests are matched without it";
        else if (path->segment_count == RW_ROUTER_SEGMENTS_MAX)
            fault = "too many segments, at most 64 are possible";
        else if (last && path->name_count == RW_ROUTE_PARAMS_MAX && rw_span_is(segment, "*"))
            fault = "too many parameters, at most 16 are possible with the \"*\"";
        if (fault) {
            snprintf(flaw, 256, "%s", fault);
            return RW_EINVAL;
        }
        if (last && rw_span_is(segment, "*"))
            path->rest = true;
        else if (named)
            err = read_parameter(path, rw_span(segment.at + 1, segment.len - 2), flaw);
        else
            err = read_literal(arena, path, segment, flaw);
    }
    return err;
}

enum rw_err rw_router_path_read(struct rw_arena *arena, struct rw_span text,
                                struct rw_router_path *path, char flaw[256])
{
    const char *reason = NULL;
    *path = (struct rw_router_path){.text = rw_arena_copy(arena, text)};
    size_t room = 1; /* no more segments than slashes */
    for (size_t i = 0; i < text.len; i++)
        room += text.at[i] == '/';
    path->segments = rw_arena_alloc(arena, room * sizeof(*path->segments));
    path->names = rw_arena_alloc(arena, room * sizeof(*path->names));
    if (!path->text.at || !path->segments || !path->names)
        return RW_ENOMEM;
    if (text.len == 0 || text.at[0] != '/')
        reason = "a path begins with \"/\"";
    else
        rw_path_check(text, &reason);
    if (reason) {
        snprintf(flaw, 256, "%s", reason);
        return RW_EINVAL;
    }
    enum rw_err err = read_segments(arena, path, flaw);
    if (path->name_count)
        path->kind = RW_ROUTER_PATTERN;
    else
        path->kind = path->rest ? RW_ROUTER_PREFIX : RW_ROUTER_EXACT;
    return err;
}
