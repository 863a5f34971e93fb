/* A CSV file and a template of a load scenario. What the parser of data takes has as many cells as
 * rows times columns, all of them readable; a template that compiles renders within its room. */
#include "load/script/data.h"
#include "load/script/template.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 1 << 16, ARENA_BYTES_MAX = 64 << 20 };

static char out_text[1 << 12];
static unsigned sum; /* so that reading is not left out */

static void touch(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++)
        sum += (unsigned char)text.at[i];
}

static void parse_data(struct rw_span text, struct rw_arena *arena)
{
    struct rw_load_data data = {0};
    char flaw[128] = "";
    enum rw_err err = rw_load_data_parse(text, true, arena, &data, flaw);
    rw_assert(err != RW_EINVAL || flaw[0]);
    for (size_t i = 0; !err && i < data.row_count * data.column_count; i++)
        touch(data.cells[i]);
    for (unsigned i = 0; !err && i < data.column_count; i++)
        touch(data.columns[i]);
}

static void compile(struct rw_span text, enum rw_load_encoding encoding, struct rw_arena *arena)
{
    static struct rw_load_name items[] = {
        {.name = {"c", 1}, .origin = RW_LOAD_TEXT, .text = {"\"\n\xff", 3}},
        {.name = {"d", 1}, .origin = RW_LOAD_COLUMN},
        {.name = {"e", 1}, .origin = RW_LOAD_CAPTURE},
        {.name = {"i", 1}, .origin = RW_LOAD_ITERATION},
        {.name = {"u", 1}, .origin = RW_LOAD_UUID},
    };
    const struct rw_load_names names = {items, sizeof(items) / sizeof(items[0])};
    const struct rw_span *row = &text;
    struct rw_text capture = {.at = "x", .len = 1};
    struct rw_random random = {{1, 2, 3, 4}};
    const struct rw_load_values values = {&row, &capture, 1, &random};
    struct rw_load_template template;
    struct rw_span unknown;
    char flaw[128] = "";
    struct rw_h1_out out = {.at = out_text, .room = sizeof(out_text)};
    enum rw_err err =
        rw_load_template_compile(text, encoding, &names, arena, &template, flaw, &unknown);
    rw_assert(err != RW_EINVAL || flaw[0]);
    if (err)
        return;
    rw_load_template_put(&template, &values, &out);
    rw_assert(out.overflow || out.len <= sizeof(out_text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_arena arena;
    if (size < 1 || size > BYTES_MAX)
        return 0;
    char *copy = malloc(size); /* exactly: reading past its end is found */
    if (!copy)
        abort();
    memcpy(copy, data + 1, size - 1);
    struct rw_span input = rw_span(copy, size - 1);
    rw_arena_init(&arena, NULL, 0, 4096, ARENA_BYTES_MAX);
    parse_data(input, &arena);
    compile(input, (enum rw_load_encoding)(data[0] & 3), &arena);
    rw_arena_free(&arena);
    free(copy);
    return 0;
}
