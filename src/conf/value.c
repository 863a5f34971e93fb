/* One field: a scalar, a list, a map, a nested record, or its default. */
#include "base/map.h"
#include "conf/credential.h"
#include "conf/decode.h"
#include "conf/file.h"
#include "conf/scalar.h"

#define MISTAKE(reader, site, node, ...)                                                           \
    rw_conf_mistake_node(reader, site, (node)->place, __VA_ARGS__)

size_t rw_conf_type_size(const struct rw_conf_field *field)
{
    switch (field->type) {
    case RW_CONF_BOOL:
        return sizeof(bool);
    case RW_CONF_UINT:
    case RW_CONF_INT:
    case RW_CONF_DURATION:
        return sizeof(uint32_t);
    case RW_CONF_NUMBER:
        return sizeof(double);
    case RW_CONF_SIZE:
        return sizeof(uint64_t);
    case RW_CONF_ENUM:
        return sizeof(int);
    case RW_CONF_RECORD:
        return field->record->size;
    case RW_CONF_VARIANT:
        return sizeof(struct rw_conf_variant);
    case RW_CONF_TEXT:
    case RW_CONF_SECRET:
    case RW_CONF_ADDRESS:
    case RW_CONF_CIDR:
        break;
    }
    return sizeof(struct rw_span);
}

void *rw_conf_result(struct rw_conf_reader *reader, size_t size)
{
    void *block = rw_arena_zero(reader->arena, size ? size : 1);
    if (!block)
        reader->err = RW_ENOMEM;
    return block;
}

bool rw_conf_is_null(struct rw_conf_node *node)
{
    if (node->kind != RW_CONF_NODE_SCALAR || !node->plain)
        return false;
    return node->text.len == 0 || rw_span_is(node->text, "~") || rw_span_is(node->text, "null") ||
           rw_span_is(node->text, "Null") || rw_span_is(node->text, "NULL");
}

/* ---- Scalars ---- */

static bool stores_span(const struct rw_conf_field *field)
{
    return field->type == RW_CONF_TEXT || field->type == RW_CONF_SECRET ||
           field->type == RW_CONF_ADDRESS || field->type == RW_CONF_CIDR;
}

static const char *shown(struct rw_conf_reader *reader, const struct rw_conf_site *site)
{
    const char *hidden = rw_conf_hidden(site);
    return hidden ? hidden : rw_conf_quote(reader->report, site->node->text);
}

static bool read_secret_file(struct rw_conf_reader *reader, struct rw_conf_site *site,
                             struct rw_conf_node *node, struct rw_span *secret)
{
    struct rw_text content = {0};
    char room[48];
    struct rw_span path = rw_span_skip(node->text, strlen("file:"));
    enum rw_err err = rw_span_find(path, '\0') >= 0
                          ? RW_ENOENT
                          : rw_conf_slurp(path.at, RW_CONF_SECRET_BYTES_MAX, true, &content);
    struct rw_span text = rw_text_span(&content);
    if (text.len && text.at[text.len - 1] == '\n')
        text.len--;
    if (text.len && text.at[text.len - 1] == '\r')
        text.len--;
    if (!err) {
        *secret = rw_arena_copy(reader->arena, text);
        err = secret->at ? RW_OK : RW_ENOMEM;
    }
    rw_text_free(&content);
    if (err == RW_ENOMEM)
        reader->err = err;
    else if (err)
        MISTAKE(reader, site, node, "the file of this secret cannot be read: %s",
                rw_conf_slurp_flaw(err, RW_CONF_SECRET_BYTES_MAX, room));
    else if (secret->len == 0)
        MISTAKE(reader, site, node, "the file of this secret is empty");
    return !err && secret->len;
}

/* The text as it is kept: with the life of the results. */
static bool keep_text(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                      struct rw_conf_site *site, struct rw_conf_node *node, struct rw_span *text)
{
    *text = node->text;
    if (!stores_span(field))
        return true;
    if (field->type == RW_CONF_SECRET && rw_span_starts(node->text, RW_LITERAL("file:")))
        return read_secret_file(reader, site, node, text);
    *text = rw_arena_copy(reader->arena, node->text);
    if (!text->at)
        reader->err = RW_ENOMEM;
    return text->at != NULL;
}

/* As if nothing had been given and there were no default: spans point to an empty text. */
static void clear(const struct rw_conf_field *field, void *to)
{
    memset(to, 0, rw_conf_type_size(field));
    if (stores_span(field))
        *(struct rw_span *)to = RW_LITERAL("");
}

static void set_default(const struct rw_conf_field *field, struct rw_span text, void *to)
{
    struct rw_conf_complaint complaint;
    bool right = rw_conf_scalar(field, text, to, &complaint);
    rw_assert(right && "a default that its own table forbids");
}

static void decode_scalar(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                          struct rw_conf_site *site, struct rw_conf_node *node, void *to)
{
    struct rw_conf_complaint complaint;
    struct rw_span text;
    if (!keep_text(reader, field, site, node, &text)) {
        if (stores_span(field)) /* it is given: checks that follow see one */
            *(struct rw_span *)to = RW_LITERAL("unreadable");
        return;
    }
    if (stores_span(field))
        site->kept = text;
    if (rw_conf_scalar(field, text, to, &complaint))
        return;
    MISTAKE(reader, site, node, "expected %s, not %s%s", complaint.expected, shown(reader, site),
            rw_conf_hidden(site) ? "" : complaint.hint);
    /* Checks that follow see a valid value. */
    clear(field, to);
    if (field->fallback && !(field->flags & RW_CONF_LIST))
        set_default(field, rw_span_text(field->fallback), to);
}

/* ---- Wrong shapes ---- */

static const char *shape(struct rw_conf_node *node)
{
    static const char *const names[] = {"a single value", "a list", "a mapping"};
    return rw_conf_is_null(node) ? "nothing" : names[node->kind];
}

static const char *wanted(const struct rw_conf_field *field)
{
    static const char *const names[] = {
        [RW_CONF_BOOL] = "true or false",
        [RW_CONF_UINT] = "a number",
        [RW_CONF_INT] = "a number",
        [RW_CONF_DURATION] = "a duration",
        [RW_CONF_NUMBER] = "a number",
        [RW_CONF_SIZE] = "a size",
        [RW_CONF_TEXT] = "a text",
        [RW_CONF_SECRET] = "a text",
        [RW_CONF_ENUM] = "a word",
        [RW_CONF_ADDRESS] = "an address",
        [RW_CONF_CIDR] = "an IP address or range",
        [RW_CONF_RECORD] = "a mapping",
        [RW_CONF_VARIANT] = "a mapping",
    };
    return names[field->type];
}

void rw_conf_decode_one(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                        struct rw_conf_site *site, struct rw_conf_node *node, void *to)
{
    if (field->type == RW_CONF_RECORD) {
        rw_conf_decode_record(reader, field->record, site, node, to);
        return;
    }
    clear(field, to);
    if (node->broken)
        return;
    if (node->kind != RW_CONF_NODE_SCALAR || rw_conf_is_null(node))
        MISTAKE(reader, site, node, "expected %s, not %s", wanted(field), shape(node));
    else
        decode_scalar(reader, field, site, node, to);
}

/* ---- Lists ---- */

static const struct rw_span *name_of(const struct rw_conf_record *record, const void *item)
{
    const struct rw_conf_field *field = rw_conf_find_field(record, RW_LITERAL("name"));
    rw_assert(field && stores_span(field));
    return (const struct rw_span *)((const char *)item + field->offset);
}

static void check_unique(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                         const struct rw_conf_list *list)
{
    struct rw_map names;
    rw_map_init(&names, 0x5eed);
    for (size_t i = 0; i < list->count; i++) {
        void *item = (char *)list->items + i * field->record->size;
        const struct rw_span *name = name_of(field->record, item);
        const struct rw_span *earlier = rw_map_get(&names, *name);
        if (name->len == 0)
            continue;
        if (earlier)
            rw_conf_mistake_on(reader->report, name, "the name %s is taken already, in line %u",
                               rw_conf_quote(reader->report, *name),
                               rw_conf_place_of(reader->report, earlier).line);
        else if (rw_map_put(&names, *name, (void *)name)) {
            reader->err = RW_ENOMEM;
            break;
        }
    }
    rw_map_free(&names);
}

static void decode_items(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                         struct rw_conf_site *site, struct rw_conf_node *node,
                         struct rw_conf_list *list)
{
    size_t size = rw_conf_type_size(field);
    bool several = node->kind == RW_CONF_NODE_LIST;
    const struct rw_conf_entry *entry = node->entries;
    for (size_t i = 0; i < list->count && !rw_conf_halted(reader); i++) {
        struct rw_conf_node *value = several ? entry->node : node;
        void *to = (char *)list->items + i * size;
        struct rw_conf_site *item =
            rw_conf_site_add(reader, &(struct rw_conf_site){.parent = site,
                                                            .index = several ? (ptrdiff_t)i : -1,
                                                            .node = value,
                                                            .to = to,
                                                            .size = size,
                                                            .verbatim = site->verbatim,
                                                            .secret = site->secret});
        if (!item)
            return;
        rw_conf_decode_one(reader, field, item, value, to);
        entry = several ? entry->next : NULL;
    }
}

static void decode_list(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                        struct rw_conf_site *site, struct rw_conf_node *node,
                        struct rw_conf_list *list)
{
    size_t count = node->kind == RW_CONF_NODE_LIST ? node->count : 1;
    if (count == 0) {
        if (field->flags & RW_CONF_REQUIRED && !(field->flags & RW_CONF_MAY_BE_EMPTY))
            MISTAKE(reader, site, node, "expected at least one value");
        return;
    }
    if (count > RW_CONF_VALUES_MAX - reader->values) {
        rw_conf_tell_limit(reader, site, node->place);
        return;
    }
    list->items = rw_conf_result(reader, count * rw_conf_type_size(field));
    if (!list->items)
        return;
    list->count = count;
    decode_items(reader, field, site, node, list);
    if (field->flags & RW_CONF_UNIQUE && !rw_conf_halted(reader))
        check_unique(reader, field, list);
}

/* "[a, b]" or "a", as a table has it: no quotes, no nesting. */
static void default_list(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                         struct rw_conf_list *list)
{
    struct rw_span text = rw_span_text(field->fallback), rest, element;
    if (text.len > 1 && text.at[0] == '[')
        text = rw_span(text.at + 1, text.len - 2);
    size_t count = 0, size = rw_conf_type_size(field);
    for (rest = text; rw_span_next(&rest, ',', &element);)
        count++;
    list->items = count ? rw_conf_result(reader, count * size) : NULL;
    if (!list->items)
        return;
    for (rest = text; rw_span_next(&rest, ',', &element); list->count++) {
        struct rw_span copy = rw_arena_copy(reader->arena, element);
        if (!copy.at) {
            reader->err = RW_ENOMEM;
            return;
        }
        set_default(field, copy, (char *)list->items + list->count * size);
    }
}

/* ---- Maps ---- */

struct pairs {
    const struct rw_conf_entry *entries[RW_CONF_PAIRS_MAX];
    size_t count;
};

static bool has_pair(const struct pairs *pairs, struct rw_span key)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (rw_span_eq(pairs->entries[i]->key, key))
            return true;
    return false;
}

static void add_pair(struct rw_conf_reader *reader, struct rw_conf_site *site,
                     const struct rw_conf_entry *entry, bool merged, struct pairs *pairs)
{
    if (merged && has_pair(pairs, entry->key))
        return;
    if (pairs->count == RW_CONF_PAIRS_MAX)
        rw_conf_mistake_node(reader, site, site->node->place, "more than %d names",
                             RW_CONF_PAIRS_MAX);
    else
        pairs->entries[pairs->count++] = entry;
}

/* The mapping's own keys first: they win over those that are merged in. */
static void collect_pairs(struct rw_conf_reader *reader, struct rw_conf_site *site,
                          struct rw_conf_node *node, unsigned depth, struct pairs *pairs)
{
    struct rw_conf_site visit = {
        .parent = site, .index = -1, .node = node, .verbatim = site->verbatim};
    if (node->broken || !rw_conf_site_add(reader, &visit))
        return;
    if (depth > 0 && node->kind == RW_CONF_NODE_LIST && depth < RW_CONF_DEPTH_MAX) {
        for (const struct rw_conf_entry *item = node->entries; item; item = item->next)
            collect_pairs(reader, site, item->node, depth + 1, pairs);
        return;
    }
    if (node->kind != RW_CONF_NODE_MAP || depth >= RW_CONF_DEPTH_MAX) {
        MISTAKE(reader, site, node, "expected a mapping of names to texts, not %s", shape(node));
        return;
    }
    for (const struct rw_conf_entry *entry = node->entries; entry; entry = entry->next)
        if (!rw_conf_is_merge(entry))
            add_pair(reader, site, entry, depth > 0, pairs);
    for (const struct rw_conf_entry *entry = node->entries; entry; entry = entry->next)
        if (rw_conf_is_merge(entry))
            collect_pairs(reader, site, entry->node, depth + 1, pairs);
}

static void decode_pair(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                        struct rw_conf_site *site, const struct rw_conf_entry *entry,
                        struct rw_conf_pair *pair)
{
    bool secret = site->secret || rw_conf_names_credential(entry->key);
    struct rw_conf_site *child =
        rw_conf_site_add(reader, &(struct rw_conf_site){.parent = site,
                                                        .key = entry->key,
                                                        .index = -1,
                                                        .node = entry->node,
                                                        .to = pair,
                                                        .member = &pair->value,
                                                        .size = sizeof(*pair),
                                                        .verbatim = site->verbatim,
                                                        .secret = secret});
    if (!child)
        return;
    pair->key = rw_arena_copy(reader->arena, entry->key);
    if (!pair->key.at)
        reader->err = RW_ENOMEM;
    else if (entry->key.len == 0)
        rw_conf_mistake_node(reader, site, entry->key_place, "a name is empty");
    else
        rw_conf_decode_one(reader, field, child, entry->node, &pair->value);
}

static void decode_map(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                       struct rw_conf_site *site, struct rw_conf_node *node,
                       struct rw_conf_list *list)
{
    struct pairs pairs;
    pairs.count = 0;
    collect_pairs(reader, site, node, 0, &pairs);
    if (pairs.count == 0 || rw_conf_halted(reader))
        return;
    struct rw_conf_pair *to = rw_conf_result(reader, pairs.count * sizeof(*to));
    list->items = to;
    for (size_t i = 0; to && i < pairs.count && !rw_conf_halted(reader); i++, list->count++)
        decode_pair(reader, field, site, pairs.entries[i], &to[i]);
}

/* ---- Fields ---- */

static void fill_default(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                         struct rw_conf_site *site, void *to)
{
    if (field->flags & RW_CONF_LIST) {
        if (field->fallback)
            default_list(reader, field, to);
    } else if (field->type == RW_CONF_RECORD) {
        if (!(field->flags & RW_CONF_ALWAYS))
            return;
        void *record = *(void **)to = rw_conf_result(reader, field->record->size);
        site->to = record;
        site->size = field->record->size;
        if (record)
            rw_conf_decode_record(reader, field->record, site, NULL, record);
    } else if (field->fallback) {
        set_default(field, rw_span_text(field->fallback), to);
    } else if (stores_span(field) && !(field->flags & RW_CONF_MAP)) {
        clear(field, to);
    }
}

static bool tell_null(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                      struct rw_conf_site *site, struct rw_conf_node *node)
{
    if (field->flags & RW_CONF_REQUIRED)
        MISTAKE(reader, site, node, "expected a value, there is nothing");
    else if (field->type == RW_CONF_RECORD && !(field->flags & (RW_CONF_LIST | RW_CONF_ALWAYS)))
        MISTAKE(reader, site, node,
                "there is nothing here: write {} for its defaults, or leave the key out");
    else
        return false;
    return true;
}

static void decode_nested(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                          struct rw_conf_site *site, struct rw_conf_node *node, void **to)
{
    void *record = rw_conf_result(reader, field->record->size);
    if (!record)
        return;
    *to = record;
    site->to = record;
    site->size = field->record->size;
    rw_conf_decode_record(reader, field->record, site, node, record);
}

void rw_conf_decode_field(struct rw_conf_reader *reader, const struct rw_conf_field *field,
                          struct rw_conf_site *site, struct rw_conf_node *node, void *to)
{
    if (node && !node->broken && rw_conf_is_null(node) && tell_null(reader, field, site, node))
        return;
    if (!node || node->broken || rw_conf_is_null(node))
        fill_default(reader, field, site, to);
    else if (field->flags & RW_CONF_MAP)
        decode_map(reader, field, site, node, to);
    else if (field->flags & RW_CONF_LIST)
        decode_list(reader, field, site, node, to);
    else if (field->type == RW_CONF_RECORD)
        decode_nested(reader, field, site, node, to);
    else
        rw_conf_decode_one(reader, field, site, node, to);
}
