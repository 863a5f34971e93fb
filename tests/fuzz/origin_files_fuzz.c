/* What the `files` origin makes of a client's bytes: a path below the root, and ranges within the
 * file. The first line is the path; each further one a field of the request. */
#include "origin/files_private.h"

static void check_path(struct rw_span path, bool dotfiles)
{
    char to[RW_FILES_PATH_BYTES_MAX];
    if (!rw_files_path(path, dotfiles, to))
        return;
    struct rw_span rest = rw_span_text(to), segment;
    rw_assert(rest.len > 0 && rest.len < RW_FILES_PATH_BYTES_MAX);
    rw_assert(rest.at[0] != '/' && rest.at[rest.len - 1] != '/');
    if (rw_span_is(rest, "."))
        return;
    while (rest.len) {
        ptrdiff_t slash = rw_span_find(rest, '/');
        segment = slash < 0 ? rest : rw_span(rest.at, (size_t)slash);
        rest = rw_span_skip(rest, slash < 0 ? rest.len : (size_t)slash + 1);
        rw_assert(segment.len > 0 && !rw_span_is(segment, ".") && !rw_span_is(segment, ".."));
        rw_assert(dotfiles || segment.at[0] != '.');
    }
    (void)rw_files_type(to);
}

static void check_fields(struct rw_span fields, uint64_t bytes)
{
    char memory[4096];
    struct rw_arena arena;
    struct rw_message request = {.method = RW_METHOD_GET};
    struct rw_span line;
    rw_arena_init(&arena, memory, sizeof(memory), 4096, 1 << 16);
    while (fields.len && rw_span_next(&fields, '\n', &line)) {
        ptrdiff_t colon = rw_span_find(line, ':');
        struct rw_span name = rw_span(line.at, colon < 0 ? 0 : (size_t)colon);
        if (!rw_is_token(name))
            continue;
        struct rw_span value = rw_span_trim(rw_span_skip(line, name.len + 1));
        if (rw_is_field_value(value) && rw_message_add(&request, &arena, name, value))
            break;
    }
    const struct rw_files_version version = {
        .etag = RW_LITERAL("\"a-b\""), .modified = 784111777, .bytes = bytes};
    struct rw_files_range range;
    if (rw_files_decide(&request, &version, &range) == RW_FILES_PART) {
        rw_assert(range.bytes > 0 && range.bytes <= bytes);
        rw_assert(range.start < bytes && range.start + range.bytes <= bytes);
    }
    rw_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_span text = rw_span((const char *)data, size);
    ptrdiff_t end = rw_span_find(text, '\n');
    struct rw_span path = end < 0 ? text : rw_span(text.at, (size_t)end);
    struct rw_span fields = rw_span_skip(text, end < 0 ? text.len : (size_t)end + 1);
    check_path(path, false);
    check_path(path, true);
    check_fields(fields, 0);
    check_fields(fields, 10);
    check_fields(fields, UINT64_MAX >> 1);
    return 0;
}
