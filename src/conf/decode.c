/* Records: which key belongs to which field, what is missing, what nobody knows. */
#include "conf/decode.h"

/* What one mapping, with what is merged into it, says about each field of a record. */
struct choice {
    const struct rw_conf_entry *entry;
    const struct rw_conf_variant_kind *kind; /* VARIANT */
    bool suggested; /* an unknown key looks like it: its absence needs no second message */
};

struct choices {
    struct rw_conf_reader *reader;
    const struct rw_conf_record *record;
    struct rw_conf_site *site;
    bool silent;    /* what stands here is told already: nothing is missing */
    bool shorthand; /* a scalar in place of the mapping: there is no key */
    struct choice of[RW_CONF_FIELDS_MAX];
};

void rw_conf_tell_limit(struct rw_conf_reader *reader, struct rw_conf_site *parent,
                        struct rw_conf_place place)
{
    reader->stopped = true;
    rw_conf_mistake_node(reader, parent, place, "more than %d values, aliases counted at each use",
                         RW_CONF_VALUES_MAX);
}

struct rw_conf_site *rw_conf_site_add(struct rw_conf_reader *reader,
                                      const struct rw_conf_site *site)
{
    if (rw_conf_halted(reader))
        return NULL;
    if (reader->values++ >= RW_CONF_VALUES_MAX) {
        rw_conf_tell_limit(reader, site->parent,
                           site->node ? site->node->place : (struct rw_conf_place){0, 0});
        return NULL;
    }
    struct rw_conf_site *kept = rw_arena_alloc(&reader->scratch, sizeof(*kept));
    if (!kept) {
        reader->err = RW_ENOMEM;
        return NULL;
    }
    *kept = *site;
    kept->older = reader->sites;
    reader->sites = kept;
    if (kept->node && kept->node->raw && !kept->verbatim)
        rw_conf_expand(reader, kept);
    return kept;
}

const struct rw_conf_field *rw_conf_find_field(const struct rw_conf_record *record,
                                               struct rw_span key)
{
    for (const struct rw_conf_field *field = record->fields; field->name; field++)
        if (field->type != RW_CONF_VARIANT && rw_span_is(key, field->name))
            return field;
    return NULL;
}

bool rw_conf_is_verbatim(const struct rw_conf_field *field)
{
    if (field->type == RW_CONF_RECORD && field->record->scalar_field)
        field = rw_conf_find_field(field->record, rw_span_text(field->record->scalar_field));
    return field->flags & RW_CONF_VERBATIM;
}

const struct rw_conf_variant_kind *const *rw_conf_kinds(const struct rw_conf_field *field)
{
    static const struct rw_conf_variant_kind *const none[] = {NULL};
    return field->variants && *field->variants ? *field->variants : none;
}

const struct rw_conf_variant_kind *rw_conf_find_kind(const struct rw_conf_field *field,
                                                     struct rw_span key)
{
    if (field->type != RW_CONF_VARIANT)
        return NULL;
    for (const struct rw_conf_variant_kind *const *kind = rw_conf_kinds(field); *kind; kind++)
        if (rw_span_is(key, (*kind)->name))
            return *kind;
    return NULL;
}

/* ---- Keys that nobody knows ---- */

static size_t known_keys(const struct rw_conf_record *record, const char **names)
{
    size_t count = 0;
    for (const struct rw_conf_field *field = record->fields; field->name; field++) {
        if (field->type != RW_CONF_VARIANT && count < RW_CONF_NAMES_MAX)
            names[count++] = field->name;
        else if (field->type == RW_CONF_VARIANT)
            for (const struct rw_conf_variant_kind *const *kind = rw_conf_kinds(field);
                 *kind && count < RW_CONF_NAMES_MAX; kind++)
                names[count++] = (*kind)->name;
    }
    return count;
}

/* The names as `a, b, c` in the report's arena. */
static const char *join(struct rw_conf_reader *reader, const char **names, size_t count)
{
    struct rw_text text = {0};
    for (size_t i = 0; i < count; i++)
        rw_text_addf(&text, "%s%s", i ? ", " : "", names[i]);
    struct rw_span copy = rw_arena_copy(reader->report->arena, rw_text_span(&text));
    if (text.err || !copy.at)
        reader->err = RW_ENOMEM;
    rw_text_free(&text);
    return copy.at ? copy.at : "";
}

static void mark_suggested(struct choices *choices, const char *name)
{
    struct rw_span key = rw_span_text(name);
    for (size_t i = 0; choices->record->fields[i].name; i++) {
        const struct rw_conf_field *field = &choices->record->fields[i];
        if (rw_conf_find_kind(field, key) || strcmp(field->name, name) == 0)
            choices->of[i].suggested = true;
    }
}

static void tell_unknown(struct choices *choices, const struct rw_conf_entry *entry)
{
    struct rw_conf_reader *reader = choices->reader;
    if (rw_conf_report_full(reader->report))
        return;
    const char *names[RW_CONF_NAMES_MAX];
    size_t count = known_keys(choices->record, names);
    const char *quoted = rw_conf_quote(reader->report, entry->key);
    const char *nearest = rw_conf_nearest(entry->key, names, count);
    if (nearest) {
        mark_suggested(choices, nearest);
        rw_conf_mistake_node(reader, choices->site, entry->key_place,
                             "unknown key %s; did you mean \"%s\"?", quoted, nearest);
    } else {
        rw_conf_mistake_node(reader, choices->site, entry->key_place,
                             "unknown key %s; expected one of: %s", quoted,
                             join(reader, names, count));
    }
}

/* ---- Keys to fields ---- */

static void choose_kind(struct choices *choices, struct choice *choice,
                        const struct rw_conf_variant_kind *kind, const struct rw_conf_entry *entry,
                        bool merged)
{
    if (!choice->kind)
        *choice = (struct choice){.entry = entry, .kind = kind};
    else if (!merged && choice->kind != kind) /* twice the same key is told already */
        rw_conf_mistake_node(choices->reader, choices->site, entry->key_place,
                             "\"%s\" does not go with \"%s\": there can be only one of them",
                             kind->name, choice->kind->name);
}

static void choose(struct choices *choices, const struct rw_conf_entry *entry, bool merged)
{
    const struct rw_conf_record *record = choices->record;
    for (size_t i = 0; record->fields[i].name; i++) {
        rw_assert(i < RW_CONF_FIELDS_MAX);
        const struct rw_conf_field *field = &record->fields[i];
        const struct rw_conf_variant_kind *kind = rw_conf_find_kind(field, entry->key);
        if (kind) {
            choose_kind(choices, &choices->of[i], kind, entry, merged);
            return;
        }
        if (field->type != RW_CONF_VARIANT && rw_span_is(entry->key, field->name)) {
            if (!choices->of[i].entry)
                choices->of[i].entry = entry;
            return;
        }
    }
    /* A place for anchors, as other YAML files have it. */
    bool root = choices->site->parent == NULL;
    if (!root || !rw_span_starts(entry->key, RW_LITERAL("x-")))
        tell_unknown(choices, entry);
}

static void collect(struct choices *choices, struct rw_conf_node *map, unsigned depth);

static void merge(struct choices *choices, struct rw_conf_node *node, unsigned depth)
{
    if (node->broken)
        return;
    if (node->kind == RW_CONF_NODE_MAP && depth < RW_CONF_DEPTH_MAX)
        collect(choices, node, depth);
    else
        rw_conf_mistake_node(choices->reader, choices->site, node->place,
                             "\"<<\" merges mappings: expected an alias of one, or a list of such");
}

/* The mapping's own keys first: they win over those that are merged in. */
static void collect(struct choices *choices, struct rw_conf_node *map, unsigned depth)
{
    struct rw_conf_reader *reader = choices->reader;
    struct rw_conf_site visit = {.parent = choices->site, .index = -1, .node = map};
    if (!rw_conf_site_add(reader, &visit))
        return;
    for (const struct rw_conf_entry *entry = map->entries; entry; entry = entry->next)
        if (!rw_conf_is_merge(entry))
            choose(choices, entry, depth > 0);
    for (const struct rw_conf_entry *entry = map->entries; entry; entry = entry->next) {
        if (!rw_conf_is_merge(entry))
            continue;
        struct rw_conf_node *node = entry->node;
        if (node->kind != RW_CONF_NODE_LIST)
            merge(choices, node, depth + 1);
        else
            for (const struct rw_conf_entry *item = node->entries; item && !rw_conf_halted(reader);
                 item = item->next)
                merge(choices, item->node, depth + 1);
    }
}

/* ---- Fields ---- */

static void tell_missing(struct choices *choices, const struct rw_conf_field *field)
{
    struct rw_conf_reader *reader = choices->reader;
    const struct rw_conf_site *site = choices->site;
    while (site && !site->node)
        site = site->parent;
    struct rw_conf_place place = site ? site->node->place : (struct rw_conf_place){0, 0};
    const char *names[RW_CONF_NAMES_MAX];
    size_t count = 0;
    if (field->type == RW_CONF_VARIANT)
        for (const struct rw_conf_variant_kind *const *kind = rw_conf_kinds(field);
             *kind && count < RW_CONF_NAMES_MAX; kind++)
            names[count++] = (*kind)->name;
    if (field->type == RW_CONF_VARIANT)
        rw_conf_mistake_node(reader, choices->site, place, "the %s is missing: one of %s",
                             field->name, join(reader, names, count));
    else
        rw_conf_mistake_node(reader, choices->site, place, "\"%s\" is missing", field->name);
}

static void decode_kind(struct rw_conf_reader *reader, const struct choice *choice,
                        struct rw_conf_site *site, struct rw_conf_variant *variant)
{
    struct rw_conf_node *node = choice->entry->node;
    rw_assert(node);
    const struct rw_conf_record *record = choice->kind->record;
    size_t size = record ? record->size : sizeof(struct rw_span);
    variant->kind = choice->kind;
    variant->place = node->place;
    variant->value = rw_conf_result(reader, size);
    if (!variant->value)
        return;
    site->to = variant->value;
    site->size = size;
    static const struct rw_conf_field text = {.type = RW_CONF_TEXT, .min = 1, .max = 1 << 20};
    if (!record)
        rw_conf_decode_one(reader, &text, site, node, variant->value);
    else /* `echo:` alone asks for its defaults */
        rw_conf_decode_record(reader, record, site, rw_conf_is_null(node) ? NULL : node,
                              variant->value);
}

/* What the struct itself holds. */
static size_t member_size(const struct rw_conf_field *field)
{
    if (field->flags & (RW_CONF_LIST | RW_CONF_MAP))
        return sizeof(struct rw_conf_list);
    return field->type == RW_CONF_RECORD ? sizeof(void *) : rw_conf_type_size(field);
}

static void decode_choice(struct choices *choices, const struct rw_conf_field *field,
                          const struct choice *choice, void *to)
{
    struct rw_conf_reader *reader = choices->reader;
    struct rw_conf_node *node = choice->entry ? choice->entry->node : NULL;
    if (!node && field->flags & RW_CONF_REQUIRED && !choice->suggested && !choices->silent)
        tell_missing(choices, field);
    if (!node && field->type == RW_CONF_VARIANT)
        return;
    const char *key = choice->kind ? choice->kind->name : field->name;
    struct rw_conf_site *site = choices->site;
    /* A default scalar needs no place of its own, which keeps large files with few keys small. */
    if (node || field->type == RW_CONF_RECORD) {
        struct rw_conf_site member = {
            .parent = choices->site,
            .key = node && choices->shorthand ? RW_LITERAL("") : rw_span_text(key),
            .index = -1,
            .node = node,
            .to = node ? to : NULL,
            .member = to,
            .size = node ? member_size(field) : 0,
            .verbatim = !choice->kind && rw_conf_is_verbatim(field),
            .secret = field->type == RW_CONF_SECRET,
        };
        site = rw_conf_site_add(reader, &member);
    }
    if (!site)
        return;
    if (choice->kind)
        decode_kind(reader, choice, site, to);
    else
        rw_conf_decode_field(reader, field, site, node, to);
}

static void decode_fields(struct choices *choices, void *out)
{
    struct rw_conf_reader *reader = choices->reader;
    const struct rw_conf_record *record = choices->record;
    for (size_t i = 0; record->fields[i].name && !rw_conf_halted(reader); i++)
        decode_choice(choices, &record->fields[i], &choices->of[i],
                      (char *)out + record->fields[i].offset);
    if (record->check && !rw_conf_halted(reader))
        record->check(out, reader->report);
}

static void tell_shape(struct choices *choices, struct rw_conf_node *node)
{
    choices->silent = true;
    static const char *const shapes[] = {"a single value", "a list", "a mapping"};
    const char *names[RW_CONF_NAMES_MAX];
    size_t count = known_keys(choices->record, names);
    rw_conf_mistake_node(choices->reader, choices->site, node->place,
                         "expected a mapping with keys out of %s, not %s",
                         join(choices->reader, names, count),
                         rw_conf_is_null(node) ? "nothing" : shapes[node->kind]);
}

/* A scalar in place of the mapping. */
static bool choose_shorthand(struct choices *choices, struct rw_conf_node *node,
                             struct rw_conf_entry *entry)
{
    const struct rw_conf_record *record = choices->record;
    if (node->kind != RW_CONF_NODE_SCALAR || rw_conf_is_null(node) || !record->scalar_field)
        return false;
    const struct rw_conf_field *field =
        rw_conf_find_field(record, rw_span_text(record->scalar_field));
    rw_assert(field);
    *entry = (struct rw_conf_entry){.node = (struct rw_conf_node *)node};
    choices->of[field - record->fields].entry = entry;
    choices->shorthand = true;
    return true;
}

void rw_conf_decode_record(struct rw_conf_reader *reader, const struct rw_conf_record *record,
                           struct rw_conf_site *site, struct rw_conf_node *node, void *out)
{
    struct choices choices = {.reader = reader, .record = record, .site = site};
    struct rw_conf_entry shorthand;
    if (node && record->place_offset >= 0)
        *(struct rw_conf_place *)((char *)out + record->place_offset) = node->place;
    if (node && node->broken)
        choices.silent = true;
    else if (node && node->kind == RW_CONF_NODE_MAP)
        collect(&choices, node, 0);
    else if (node && !choose_shorthand(&choices, node, &shorthand))
        tell_shape(&choices, node);
    decode_fields(&choices, out);
}

void rw_conf_decode(struct rw_conf_reader *reader, const struct rw_conf_record *record,
                    struct rw_conf_node *root, void *out)
{
    struct rw_conf_site whole = {.index = -1, .node = root, .to = out, .size = record->size};
    struct rw_conf_site *site = rw_conf_site_add(reader, &whole);
    if (!site)
        return;
    bool nothing = root && rw_conf_is_null(root);
    rw_conf_decode_record(reader, record, site, nothing ? NULL : root, out);
}
