#include "policy/mirror/json_tree.h"

#include "http/scan.h"

struct reader {
    struct rw_span rest;
    struct rw_arena *arena;
    struct rw_json_tree *tree;
    unsigned depth;
};

static enum rw_err read_value(struct reader *reader, struct rw_span key);

static char peek(struct reader *reader)
{
    while (reader->rest.len && strchr(" \t\r\n", reader->rest.at[0]) && reader->rest.at[0])
        reader->rest = rw_span_skip(reader->rest, 1);
    return reader->rest.len ? reader->rest.at[0] : '\0';
}

static bool take(struct reader *reader, char c)
{
    if (peek(reader) != c)
        return false;
    reader->rest = rw_span_skip(reader->rest, 1);
    return true;
}

/* NULL: no room. */
static struct rw_json_node *add(struct reader *reader, enum rw_json_type type, struct rw_span key)
{
    struct rw_json_tree *tree = reader->tree;
    if (tree->count == tree->room) {
        uint32_t room = tree->room ? 2 * tree->room : 64;
        struct rw_json_node *bigger = rw_arena_alloc(reader->arena, room * sizeof(*bigger));
        if (!bigger)
            return NULL;
        if (tree->count)
            memcpy(bigger, tree->nodes, tree->count * sizeof(*bigger));
        tree->nodes = bigger;
        tree->room = room;
    }
    struct rw_json_node *node = &tree->nodes[tree->count++];
    *node = (struct rw_json_node){.type = (uint8_t)type, .key = key, .next = tree->count};
    return node;
}

/* Between the quotes, the first of which is next. */
static enum rw_err read_string(struct reader *reader, struct rw_span *text)
{
    if (!take(reader, '"'))
        return RW_EPROTO;
    struct rw_span rest = reader->rest;
    for (size_t i = 0; i < rest.len; i++) {
        if ((unsigned char)rest.at[i] < 0x20)
            return RW_EPROTO;
        if (rest.at[i] == '\\') {
            i++;
            continue;
        }
        if (rest.at[i] != '"')
            continue;
        *text = rw_span(rest.at, i);
        reader->rest = rw_span_skip(rest, i + 1);
        return RW_OK;
    }
    return RW_EPROTO;
}

static enum rw_err read_members(struct reader *reader)
{
    struct rw_span key;
    if (take(reader, '}'))
        return RW_OK;
    do {
        (void)peek(reader);
        enum rw_err err = read_string(reader, &key);
        if (err || !take(reader, ':'))
            return err ? err : RW_EPROTO;
        err = read_value(reader, key);
        if (err)
            return err;
    } while (take(reader, ','));
    return take(reader, '}') ? RW_OK : RW_EPROTO;
}

static enum rw_err read_elements(struct reader *reader)
{
    static const struct rw_span none;
    if (take(reader, ']'))
        return RW_OK;
    do {
        enum rw_err err = read_value(reader, none);
        if (err)
            return err;
    } while (take(reader, ','));
    return take(reader, ']') ? RW_OK : RW_EPROTO;
}

static enum rw_err read_container(struct reader *reader, struct rw_span key, bool object)
{
    uint32_t at = reader->tree->count;
    if (reader->depth == RW_JSON_DEPTH_MAX)
        return RW_ELIMIT;
    if (!add(reader, object ? RW_JSON_OBJECT : RW_JSON_ARRAY, key))
        return RW_ENOMEM;
    reader->depth++;
    reader->rest = rw_span_skip(reader->rest, 1);
    enum rw_err err = object ? read_members(reader) : read_elements(reader);
    reader->depth--;
    reader->tree->nodes[at].next = reader->tree->count;
    return err;
}

static bool ends_word(char c)
{
    return strchr(" \t\r\n,]}", c) != NULL;
}

/* A number is checked as far as a comparison needs it. */
static enum rw_err read_word(struct reader *reader, struct rw_span key)
{
    size_t len = 0;
    while (len < reader->rest.len && !ends_word(reader->rest.at[len]))
        len++;
    struct rw_span text = rw_span(reader->rest.at, len);
    bool number = len && (text.at[0] == '-' || (text.at[0] >= '0' && text.at[0] <= '9'));
    if (!number && !rw_span_is(text, "true") && !rw_span_is(text, "false") &&
        !rw_span_is(text, "null"))
        return RW_EPROTO;
    for (size_t i = 0; number && i < len; i++)
        if (!strchr("0123456789+-.eE", text.at[i]))
            return RW_EPROTO;
    struct rw_json_node *node = add(reader, number ? RW_JSON_NUMBER : RW_JSON_WORD, key);
    if (!node)
        return RW_ENOMEM;
    node->text = text;
    reader->rest = rw_span_skip(reader->rest, len);
    return RW_OK;
}

static enum rw_err read_value(struct reader *reader, struct rw_span key)
{
    char first = peek(reader);
    if (reader->tree->count == RW_JSON_NODES_MAX)
        return RW_ELIMIT;
    if (first == '{' || first == '[')
        return read_container(reader, key, first == '{');
    if (first != '"')
        return read_word(reader, key);
    struct rw_span text;
    enum rw_err err = read_string(reader, &text);
    if (err)
        return err;
    struct rw_json_node *node = add(reader, RW_JSON_STRING, key);
    if (!node)
        return RW_ENOMEM;
    node->text = text;
    return RW_OK;
}

enum rw_err rw_json_parse(struct rw_span text, struct rw_arena *arena, struct rw_json_tree *tree)
{
    static const struct rw_span none;
    struct reader reader = {.rest = text, .arena = arena, .tree = tree};
    *tree = (struct rw_json_tree){0};
    enum rw_err err = read_value(&reader, none);
    if (!err && (peek(&reader) || reader.rest.len))
        err = RW_EPROTO;
    return err;
}
