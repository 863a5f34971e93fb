#include "conf/rewrite.h"

#include "conf/tree.h"

#include <stdio.h>

struct writer {
    const struct rw_conf_change *changes;
    size_t count;
    struct rw_text *text;
    unsigned line;     /* that is written, from 1 */
    size_t line_begin; /* where it begins in the text */
};

/* ---- Paths ---- */

/* Behind `path` in one that is at or below it, "" or ".name..." or "[2]..."; NULL: it is elsewhere.
 * Names at the root have no dot before them. */
static const char *behind(const char *whole, const char *path)
{
    size_t len = strlen(path);
    if (strncmp(whole, path, len) != 0)
        return NULL;
    whole += len;
    return !len || !*whole || *whole == '.' || *whole == '[' ? whole : NULL;
}

static const struct rw_conf_change *change_at(const struct writer *writer, const char *path)
{
    for (size_t i = 0; i < writer->count; i++)
        if (strcmp(writer->changes[i].path, path) == 0)
            return &writer->changes[i];
    return NULL;
}

/* Whether some change is at or below it, with what follows beginning with `next`. */
static bool concerns(const struct writer *writer, const char *path, const char *next)
{
    for (size_t i = 0; i < writer->count; i++) {
        const char *rest = behind(writer->changes[i].path, path);
        if (rest && strncmp(rest, next, strlen(next)) == 0)
            return true;
    }
    return false;
}

/* The name that follows `path` in a change; empty: none does. */
static struct rw_span next_name(const struct rw_conf_change *change, const char *path)
{
    const char *rest = behind(change->path, path);
    if (!rest || *rest == '[')
        return RW_LITERAL("");
    rest += *rest == '.';
    return rw_span(rest, strcspn(rest, ".["));
}

/* ---- Writing ---- */

/* Where it stood, if that is still before us. */
static void go_to(struct writer *writer, struct rw_conf_place place)
{
    while (writer->line < place.line && !writer->text->err) {
        rw_text_adds(writer->text, "\n");
        writer->line++;
        writer->line_begin = writer->text->len;
    }
    if (writer->line != place.line)
        return;
    while (writer->text->len - writer->line_begin + 1 < place.column && !writer->text->err)
        rw_text_adds(writer->text, " ");
}

static void write_node(struct writer *writer, const struct rw_conf_node *node, const char *path);

/* `path` NULL: no change is below. */
static void write_value(struct writer *writer, const struct rw_conf_node *node, const char *path,
                        struct rw_span name)
{
    char below[RW_CONF_REWRITE_PATH_MAX] = "";
    rw_text_add_json(writer->text, name);
    rw_text_adds(writer->text, ": ");
    if (path)
        snprintf(below, sizeof(below), "%s%s%.*s", path, *path ? "." : "", RW_SPAN_ARGS(name));
    write_node(writer, node, path && concerns(writer, below, "") ? below : NULL);
}

static void write_item(struct writer *writer, const struct rw_conf_node *node, const char *path,
                       size_t index)
{
    char below[RW_CONF_REWRITE_PATH_MAX] = "";
    if (path)
        snprintf(below, sizeof(below), "%s[%zu]", path, index);
    write_node(writer, node, path && concerns(writer, below, "") ? below : NULL);
}

static const struct rw_conf_node *find(const struct rw_conf_node *map, struct rw_span name)
{
    if (!map || map->kind != RW_CONF_NODE_MAP)
        return NULL;
    for (const struct rw_conf_entry *at = rw_conf_tree_entries(map); at; at = at->next)
        if (rw_span_eq(at->key, name))
            return at->node;
    return NULL;
}

/* By a merge key: of one map, or of the first of several that has it. */
static const struct rw_conf_node *find_merged(const struct rw_conf_node *map, struct rw_span name)
{
    const struct rw_conf_node *merged = rw_conf_tree_at(map, "<<"), *found = find(merged, name);
    if (!merged || found || merged->kind != RW_CONF_NODE_LIST)
        return found;
    const struct rw_conf_entry *at = rw_conf_tree_entries(merged);
    for (; at && !found; at = at->next)
        found = find(at->node, name);
    return found;
}

/* What changes ask for and the map lacks. */
static void write_missing(struct writer *writer, const struct rw_conf_node *map, const char *path,
                          const char *separator)
{
    for (size_t i = 0; i < writer->count; i++) {
        struct rw_span name = next_name(&writer->changes[i], path);
        bool written = !name.len || find(map, name);
        for (size_t k = 0; k < i && !written; k++)
            written = rw_span_eq(next_name(&writer->changes[k], path), name);
        if (written)
            continue;
        rw_text_adds(writer->text, separator);
        write_value(writer, find_merged(map, name), path, name);
        separator = ", ";
    }
}

/* NULL: an empty one. */
static void write_map(struct writer *writer, const struct rw_conf_node *map, const char *path)
{
    const char *separator = "";
    rw_text_adds(writer->text, "{");
    for (const struct rw_conf_entry *at = rw_conf_tree_entries(map); at; at = at->next) {
        rw_text_adds(writer->text, separator);
        go_to(writer, at->key_place);
        write_value(writer, at->node, path, at->key);
        separator = ", ";
    }
    if (path)
        write_missing(writer, map, path, separator);
    rw_text_adds(writer->text, "}");
}

static void write_list(struct writer *writer, const struct rw_conf_node *list, const char *path)
{
    size_t index = 0;
    rw_text_adds(writer->text, "[");
    for (const struct rw_conf_entry *at = rw_conf_tree_entries(list); at; at = at->next) {
        rw_text_adds(writer->text, index ? ", " : "");
        write_item(writer, at->node, path, index++);
    }
    rw_text_adds(writer->text, "]");
}

static bool is_nothing(const struct rw_conf_node *scalar)
{
    return scalar->plain &&
           (!scalar->text.len || rw_span_is(scalar->text, "~") || rw_span_is(scalar->text, "null"));
}

static void write_node(struct writer *writer, const struct rw_conf_node *node, const char *path)
{
    const struct rw_conf_change *change = path ? change_at(writer, path) : NULL;
    bool single = path && concerns(writer, path, "[0]");
    if (node)
        go_to(writer, node->place);
    if (change) {
        rw_text_add(writer->text, change->json);
    } else if (node && node->kind == RW_CONF_NODE_LIST) {
        write_list(writer, node, path);
    } else if (single) {
        rw_text_adds(writer->text, "[");
        write_item(writer, node, path, 0);
        rw_text_adds(writer->text, "]");
    } else if (!node || node->kind == RW_CONF_NODE_MAP || path) {
        write_map(writer, node && node->kind == RW_CONF_NODE_MAP ? node : NULL, path);
    } else if (is_nothing(node)) {
        rw_text_adds(writer->text, "null");
    } else {
        rw_text_add_json(writer->text, node->text);
    }
}

enum rw_err rw_conf_rewrite(struct rw_span yaml, const struct rw_conf_change *changes, size_t count,
                            struct rw_text *text)
{
    struct writer writer = {
        .changes = changes, .count = count, .text = text, .line = 1, .line_begin = text->len};
    struct rw_arena mistakes;
    struct rw_conf_tree tree = {0};
    struct rw_conf_report report = {0};
    rw_arena_init(&mistakes, NULL, 0, 4096, 1 << 20);
    enum rw_err err = rw_conf_tree_read(yaml, "", &mistakes, &tree, &report);
    if (!err)
        write_node(&writer, tree.root, "");
    if (!err)
        rw_text_adds(text, "\n");
    rw_conf_tree_free(&tree);
    rw_arena_free(&mistakes);
    return err ? err : text->err;
}
