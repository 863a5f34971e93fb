/* A recording, a description or a plan of another tool; the first byte says which. Whatever it
 * holds, it is refused with a reason or makes a scenario file, whose YAML is read again without
 * harm. */
#include "load/import/import.h"

#include "conf/tree.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 1 << 16, ARENA_BYTES_MAX = 64 << 20 };

static void read_back(const struct rw_text *yaml, struct rw_arena *arena)
{
    struct rw_conf_report report = {0};
    struct rw_conf_tree tree;
    enum rw_err err = rw_conf_tree_read(rw_text_span(yaml), "draft", arena, &tree, &report);
    rw_assert(err != RW_EINVAL); /* it is YAML, whatever was in it */
    rw_conf_tree_free(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum rw_load_import_kind kinds[] = {RW_LOAD_HAR, RW_LOAD_OPENAPI, RW_LOAD_JMETER};
    struct rw_arena arena;
    struct rw_draft draft = {.arena = &arena};
    struct rw_text yaml = {0}, why = {0};
    if (size < 2 || size > BYTES_MAX)
        return 0;
    rw_arena_init(&arena, NULL, 0, 4096, ARENA_BYTES_MAX);
    struct rw_span content = rw_span((const char *)data + 1, size - 1);
    enum rw_err err = rw_load_import(kinds[data[0] % 3], "input", content, &draft, &why);
    rw_assert(err != RW_EINVAL || why.len);
    if (!err) {
        rw_draft_write(&draft, &yaml);
        read_back(&yaml, &arena);
    }
    rw_text_free(&why);
    rw_text_free(&yaml);
    rw_arena_free(&arena);
    return 0;
}
