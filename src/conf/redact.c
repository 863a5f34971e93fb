#include "conf/redact.h"

#include "conf/credential.h"
#include "conf/decode.h"

/* Tables and merge keys within merge keys; what a read accepts has fewer. */
enum { DEPTH_MAX = 4 * RW_CONF_DEPTH_MAX };

/* What the tables say of a value. */
struct meaning {
    const struct rw_conf_record *record; /* it has these keys */
    bool map;                            /* its keys are names of the user's */
    bool secret;
    bool from_file; /* "file:/path" is only a name */
    bool root;
};

struct writer {
    struct rw_text *text;
    size_t text_max;
    unsigned depth;
    enum rw_err err;
};

/* ---- What the tables say ---- */

static struct meaning meaning_of(const struct rw_conf_field *field)
{
    return (struct meaning){
        .record = field->type == RW_CONF_RECORD ? field->record : NULL,
        .map = field->flags & RW_CONF_MAP,
        .secret = field->type == RW_CONF_SECRET,
        .from_file = field->type == RW_CONF_SECRET,
    };
}

/* Of a scalar that stands in place of a record. */
static struct meaning meaning_of_scalar(struct meaning whole)
{
    if (!whole.record || !whole.record->scalar_field)
        return whole;
    struct rw_span name = rw_span_text(whole.record->scalar_field);
    return meaning_of(rw_conf_find_field(whole.record, name));
}

/* `{header: X-Api-Key, value: abc}`: what the value is, another key says. */
static bool is_value_of_credential(const struct rw_conf_node *map,
                                   const struct rw_conf_entry *entry)
{
    bool credential = false;
    for (const struct rw_conf_entry *at = rw_conf_tree_entries(map); at; at = at->next)
        credential |= at != entry && rw_conf_names_credential(at->node->text);
    return credential && rw_span_is(entry->key, "value");
}

/* False: no table knows the key. */
static bool meaning_at(struct meaning map, const struct rw_conf_node *node,
                       const struct rw_conf_entry *entry, struct meaning *meaning)
{
    *meaning = map;
    meaning->root = false;
    if (rw_conf_is_merge(entry))
        return true;
    if (map.map) {
        *meaning = (struct meaning){.secret = map.secret || rw_conf_names_credential(entry->key),
                                    .from_file = map.from_file};
        return true;
    }
    for (const struct rw_conf_field *field = map.record ? map.record->fields : NULL;
         field && field->name; field++) {
        const struct rw_conf_variant_kind *kind = rw_conf_find_kind(field, entry->key);
        if (kind)
            *meaning = (struct meaning){.record = kind->record};
        else if (field->type != RW_CONF_VARIANT && rw_span_is(entry->key, field->name))
            *meaning = meaning_of(field);
        else
            continue;
        meaning->secret |= is_value_of_credential(node, entry);
        return true;
    }
    return false;
}

/* ---- Writing ---- */

static void write_value(struct writer *writer, const struct rw_conf_node *node,
                        struct meaning meaning, int indent, bool joined);

/* `${NAME}` and nothing else: no fallback, no part that is written out. */
static bool is_variable(struct rw_span text)
{
    if (text.len < 4 || !rw_span_starts(text, RW_LITERAL("${")) || text.at[text.len - 1] != '}')
        return false;
    struct rw_span name = rw_span(text.at + 2, text.len - 3);
    return rw_span_find(name, ':') < 0 && rw_span_find(name, '}') < 0;
}

static bool is_hidden(const struct rw_conf_node *scalar, struct meaning meaning, bool nothing)
{
    bool file = meaning.from_file && rw_span_starts(scalar->text, RW_LITERAL("file:"));
    return meaning.secret && !nothing && !is_variable(scalar->text) && !file;
}

static void write_scalar(struct writer *writer, const struct rw_conf_node *scalar,
                         struct meaning meaning)
{
    bool nothing = scalar->plain && (!scalar->text.len || rw_span_is(scalar->text, "~") ||
                                     rw_span_is(scalar->text, "null"));
    if (is_hidden(scalar, meaning_of_scalar(meaning), nothing))
        rw_text_adds(writer->text, "(secret)");
    else if (scalar->plain && rw_span_find(scalar->text, '\n') < 0)
        rw_text_add(writer->text, scalar->text);
    else
        rw_text_add_json(writer->text, scalar->text);
}

static bool is_word(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = rw_lower(text.at[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '.')
            return false;
    }
    return text.len && text.at[0] != '-';
}

static void write_key(struct writer *writer, const struct rw_conf_entry *entry)
{
    if (rw_conf_is_merge(entry) || is_word(entry->key))
        rw_text_add(writer->text, entry->key);
    else
        rw_text_add_json(writer->text, entry->key);
    rw_text_adds(writer->text, ":");
}

/* `joined`: the first key stands behind a dash. False: nothing was written. */
static bool write_map(struct writer *writer, const struct rw_conf_node *map, struct meaning whole,
                      int indent, bool joined)
{
    bool first = true;
    struct meaning meaning;
    const struct rw_conf_entry *entry = rw_conf_tree_entries(map);
    for (; entry && !writer->err; entry = entry->next) {
        if (!meaning_at(whole, map, entry, &meaning))
            continue;
        if (!first || !joined)
            rw_text_addf(writer->text, "\n%*s", indent, "");
        first = false;
        write_key(writer, entry);
        write_value(writer, entry->node, meaning, indent + 2, false);
    }
    return !first;
}

static void write_list(struct writer *writer, const struct rw_conf_node *list,
                       struct meaning meaning, int indent)
{
    const struct rw_conf_entry *entry = rw_conf_tree_entries(list);
    for (; entry && !writer->err; entry = entry->next) {
        rw_text_addf(writer->text, "\n%*s- ", indent, "");
        write_value(writer, entry->node, meaning, indent + 2, true);
    }
}

static void write_value(struct writer *writer, const struct rw_conf_node *node,
                        struct meaning meaning, int indent, bool joined)
{
    const char *blank = joined ? "" : " ";
    if (writer->depth == DEPTH_MAX || writer->text->len > writer->text_max)
        writer->err = RW_ELIMIT;
    if (writer->err)
        return;
    writer->depth++;
    if (node->kind == RW_CONF_NODE_MAP) {
        if (!write_map(writer, node, meaning, indent, joined) && !meaning.root)
            rw_text_addf(writer->text, "%s{}", blank);
    } else if (node->kind == RW_CONF_NODE_LIST) {
        write_list(writer, node, meaning, indent);
        if (!node->count)
            rw_text_addf(writer->text, "%s[]", blank);
    } else {
        rw_text_adds(writer->text, node->text.len ? blank : "");
        write_scalar(writer, node, meaning);
    }
    writer->depth--;
}

enum rw_err rw_conf_redact(struct rw_span yaml, const struct rw_conf_record *record,
                           struct rw_text *text)
{
    struct writer writer = {.text = text, .text_max = text->len + RW_CONF_REDACT_BYTES_MAX};
    struct rw_arena mistakes;
    struct rw_conf_tree tree = {0};
    struct rw_conf_report report = {0};
    rw_arena_init(&mistakes, NULL, 0, 4096, 1 << 20);
    enum rw_err err = rw_conf_tree_read(yaml, "", &mistakes, &tree, &report);
    if (!err && tree.root) {
        struct meaning whole = {.record = record, .root = true};
        write_value(&writer, tree.root, whole, 0, true);
        rw_text_adds(text, "\n");
        err = writer.err;
    }
    rw_conf_tree_free(&tree);
    rw_arena_free(&mistakes);
    return err ? err : text->err;
}
