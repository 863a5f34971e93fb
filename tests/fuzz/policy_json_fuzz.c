/* JSON side by side, the two texts parted by a NUL: what can be read is equal to itself, whichever
 * stands first equality is the same, as many differences are told as are counted, and no text takes
 * more than its share of memory and time. */
#include "policy/mirror/json_tree.h"

#include <string.h>

enum { ARENA_BYTES_MAX = 4 << 20, DIFFERENCES_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct rw_span paths[] = {RW_LITERAL("/a/*"), RW_LITERAL("/~0~1")};
static const struct rw_json_ignored some = {paths, 2}, none = {NULL, 0};

/* How many differ; -1: it takes too long. */
static int compare(const struct rw_json_tree *a, const struct rw_json_tree *b,
                   const struct rw_json_ignored *ignored)
{
    struct rw_text where = {0};
    unsigned count = 0, lines = 0;
    enum rw_err err = rw_json_compare(a, b, ignored, DIFFERENCES_MAX, &count, &where);
    rw_assert(!err || err == RW_ELIMIT);
    for (size_t i = 0; i < where.len; i++)
        lines += where.at[i] == '\n';
    rw_assert(count <= DIFFERENCES_MAX && (count == 0 ? where.len == 0 : lines == count - 1));
    rw_text_free(&where);
    return err ? -1 : (int)count;
}

static void compare_both(struct rw_span left, struct rw_span right, struct rw_arena *arena)
{
    struct rw_json_tree a, b;
    if (rw_json_parse(left, arena, &a))
        return;
    rw_assert(a.count > 0 && a.count <= RW_JSON_NODES_MAX);
    rw_assert(compare(&a, &a, &none) <= 0);
    if (rw_json_parse(right, arena, &b))
        return;
    int there = compare(&a, &b, &none), back = compare(&b, &a, &none);
    rw_assert(there < 0 || back < 0 || (there == 0) == (back == 0));
    rw_assert(there != 0 || compare(&a, &b, &some) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *middle = size ? memchr(data, 0, size) : NULL;
    size_t at = middle ? (size_t)(middle - data) : size;
    struct rw_span all = rw_span((const char *)data, size);
    struct rw_arena arena;
    rw_arena_init(&arena, NULL, 0, 16 * 1024, ARENA_BYTES_MAX);
    compare_both(rw_span(all.at, at), rw_span_skip(all, at < size ? at + 1 : size), &arena);
    rw_arena_free(&arena);
    return 0;
}
