/* Intakes in YAML, with English or Chinese keys. */
#include "conf/tree.h"
#include "plan/intake/reader.h"

enum { NAMES_MAX = 400, NAME_BYTES_MAX = 128 };

/* Every name that could have stood there, for "did you mean". */
struct names {
    const char *at[NAMES_MAX];
    size_t count;
};

static void add_name(struct rw_intake_reader *reader, struct names *names, struct rw_span word)
{
    if (names->count == NAMES_MAX || reader->err)
        return;
    struct rw_span kept = rw_arena_copy(reader->report->arena, word);
    if (!kept.at)
        reader->err = RW_ENOMEM;
    else
        names->at[names->count++] = kept.at;
}

static void add_names(struct rw_intake_reader *reader, struct names *names, const char *name,
                      const char *keys)
{
    struct rw_span rest = rw_span_text(keys), word;
    add_name(reader, names, rw_span_text(name));
    while (rw_intake_next_word(&rest, &word))
        add_name(reader, names, word);
}

static void tell_unknown(struct rw_intake_reader *reader, const struct rw_conf_entry *entry,
                         struct rw_label what, const struct names *names)
{
    struct rw_conf_report *report = reader->report;
    bool chinese = report->voice == RW_CONF_VOICE_CHINESE;
    rw_intake_tell(report, entry->key_place, "unknown %s %s%s", "未知%s %s%s",
                   rw_label_in(what, chinese ? RW_LANGUAGE_ZH : RW_LANGUAGE_EN),
                   rw_conf_quote(report, entry->key),
                   rw_conf_hint(report, entry->key, names->at, names->count));
}

static void tell_unknown_field(struct rw_intake_reader *reader,
                               const struct rw_intake_section *section,
                               const struct rw_conf_entry *entry)
{
    if (rw_conf_report_full(reader->report))
        return;
    struct names names = {.count = 0};
    for (const struct rw_intake_field *field = section->fields; !rw_intake_field_ends(field);
         field++)
        add_names(reader, &names, rw_intake_field_name(field), field->keys);
    tell_unknown(reader, entry, RW_TEXTS("field", "字段"), &names);
}

static void tell_unknown_section(struct rw_intake_reader *reader, const struct rw_conf_entry *entry)
{
    if (rw_conf_report_full(reader->report))
        return;
    struct names names = {.count = 0};
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++)
        add_names(reader, &names, rw_intake_sections[i].name, rw_intake_sections[i].keys);
    tell_unknown(reader, entry, RW_TEXTS("section", "节"), &names);
}

/* ---- Values ---- */

static bool is_null(const struct rw_conf_node *node)
{
    return node->kind == RW_CONF_NODE_SCALAR && node->plain &&
           (node->text.len == 0 || rw_span_is(node->text, "~") || rw_span_is(node->text, "null"));
}

/* Quotes stand in front of a quoted text. */
static struct rw_conf_place text_place(const struct rw_conf_node *node)
{
    struct rw_conf_place place = node->place;
    place.column += !node->plain;
    return place;
}

static void put_node(struct rw_intake_reader *reader, struct rw_intake_value *value,
                     const struct rw_conf_node *node)
{
    struct rw_span texts[RW_INTAKE_ITEMS_MAX];
    struct rw_conf_place places[RW_INTAKE_ITEMS_MAX];
    size_t count = 0;
    if (node->broken || is_null(node))
        return;
    if (node->kind == RW_CONF_NODE_SCALAR) {
        texts[0] = node->text;
        places[0] = text_place(node);
        count = 1;
    }
    for (const struct rw_conf_entry *entry = rw_conf_tree_entries(node); entry;
         entry = entry->next) {
        if (count == RW_INTAKE_ITEMS_MAX || entry->node->kind != RW_CONF_NODE_SCALAR) {
            if (count == RW_INTAKE_ITEMS_MAX)
                rw_intake_tell(reader->report, entry->node->place, "more than %d items",
                               "超过 %d 项", RW_INTAKE_ITEMS_MAX);
            else
                rw_intake_tell(reader->report, entry->node->place, "a text was expected here",
                               "此处应为文字");
            return;
        }
        texts[count] = entry->node->text;
        places[count++] = text_place(entry->node);
    }
    rw_intake_put(reader, value, texts, places, count);
}

enum detail { DETAIL_VALUE, DETAIL_ASSUME, DETAIL_BECAUSE, DETAIL_MEASURED, DETAILS };

static const char *const detail_keys[DETAILS] = {"value|值", "assume|假设", "because|理由",
                                                 "measured|实测"};

static int find_detail(struct rw_span key)
{
    for (int i = 0; i < DETAILS; i++) {
        struct rw_span rest = rw_span_text(detail_keys[i]), word;
        while (rw_intake_next_word(&rest, &word))
            if (rw_span_eq_nocase(key, word))
                return i;
    }
    return -1;
}

static const char *kept_text(struct rw_intake_reader *reader, const struct rw_conf_node *node)
{
    struct rw_span kept = rw_arena_copy(&reader->intake->arena, node->text);
    if (!kept.at)
        reader->err = RW_ENOMEM;
    return kept.at ? kept.at : "";
}

/* {value: 3ms, measured: load.json} or {assume: 30s, because: "..."}. */
static void put_detailed(struct rw_intake_reader *reader, struct rw_intake_value *value,
                         const struct rw_conf_node *map)
{
    static const struct names known = {
        {"value", "assume", "because", "measured", "值", "假设", "理由", "实测"}, 8};
    const struct rw_conf_node *found[DETAILS] = {NULL};
    for (const struct rw_conf_entry *entry = map->entries; entry; entry = entry->next) {
        int detail = find_detail(entry->key);
        if (detail < 0)
            tell_unknown(reader, entry, RW_TEXTS("key", "键"), &known);
        else
            found[detail] = entry->node;
    }
    const struct rw_conf_node *node =
        found[DETAIL_VALUE] ? found[DETAIL_VALUE] : found[DETAIL_ASSUME];
    if (!node || (found[DETAIL_VALUE] && found[DETAIL_ASSUME])) {
        rw_intake_tell(reader->report, map->place,
                       "either \"value\" or \"assume\" was expected here",
                       "此处应为“数值”或“假设”之一");
        return;
    }
    if (found[DETAIL_ASSUME] && !found[DETAIL_BECAUSE])
        rw_intake_tell(reader->report, map->place, "an assumption needs its reason: \"because\"",
                       "假设须写明“理由”");
    put_node(reader, value, node);
    if (found[DETAIL_ASSUME] && found[DETAIL_BECAUSE]) {
        const char *reason = kept_text(reader, found[DETAIL_BECAUSE]);
        value->origin = RW_ORIGIN_ASSUMED;
        value->reason = (struct rw_label){.en = reason, .zh = reason};
    }
    if (found[DETAIL_MEASURED]) {
        value->origin = RW_ORIGIN_MEASURED;
        value->source = kept_text(reader, found[DETAIL_MEASURED]);
    }
}

/* ---- Sections ---- */

static bool stands_before(const struct rw_conf_node *node, const struct rw_conf_entry *entry)
{
    const struct rw_conf_entry *other = rw_conf_tree_entries(node);
    while (other != entry && !rw_span_eq(other->key, entry->key))
        other = other->next;
    return other != entry;
}

static void read_row(struct rw_intake_reader *reader, struct rw_intake_row *row,
                     const struct rw_conf_node *node)
{
    for (const struct rw_conf_entry *entry = rw_conf_tree_entries(node); entry && !reader->err;
         entry = entry->next) {
        const struct rw_intake_field *field = rw_intake_find_field(row->section, entry->key);
        if (!field) {
            tell_unknown_field(reader, row->section, entry);
            continue;
        }
        struct rw_intake_value *value = rw_intake_slot(row, field);
        if (value->there || value->unknown) {
            if (stands_before(node, entry))
                continue; /* the same key: told when the file was read */
            rw_intake_tell(reader->report, entry->key_place, "%s is there twice; first in line %u",
                           "%s出现两次；首次在第 %u 行", rw_intake_called(reader->report, field),
                           value->place.line);
            continue;
        }
        value->origin = RW_ORIGIN_GIVEN;
        if (entry->node->kind == RW_CONF_NODE_MAP)
            put_detailed(reader, value, entry->node);
        else
            put_node(reader, value, entry->node);
    }
}

static const char *section_name(const struct rw_intake_reader *reader,
                                const struct rw_intake_section *section)
{
    return reader->report->voice == RW_CONF_VOICE_CHINESE ? section->label.zh : section->name;
}

static void read_section(struct rw_intake_reader *reader, const struct rw_intake_section *section,
                         const struct rw_conf_node *node)
{
    if (is_null(node))
        return;
    enum rw_conf_node_kind wanted = section->many ? RW_CONF_NODE_LIST : RW_CONF_NODE_MAP;
    if (node->kind != wanted) {
        if (section->many)
            rw_intake_tell(reader->report, node->place,
                           "section \"%s\" is a list: begin each entry with \"- \"",
                           "“%s”一节是列表：每项以“- ”开头", section_name(reader, section));
        else
            rw_intake_tell(reader->report, node->place,
                           "section \"%s\" is a group of fields: \"name: value\"",
                           "“%s”一节由字段组成：“名称: 值”", section_name(reader, section));
        return;
    }
    if (!section->many) {
        read_row(reader, rw_intake_single(reader->intake, section), node);
        return;
    }
    for (const struct rw_conf_entry *entry = node->entries; entry && !reader->err;
         entry = entry->next) {
        if (entry->node->kind != RW_CONF_NODE_MAP) {
            rw_intake_tell(reader->report, entry->node->place,
                           "an entry of \"%s\" is a group of fields", "“%s”的每一项由字段组成",
                           section_name(reader, section));
            continue;
        }
        struct rw_intake_row *row = rw_intake_add_row(reader, section, entry->node->place);
        if (!row)
            return;
        read_row(reader, row, entry->node);
    }
}

static bool is_version_key(struct rw_span key)
{
    return rw_span_is(key, "intake") || rw_span_is(key, "需求");
}

static void check_version(struct rw_intake_reader *reader, const struct rw_conf_entry *entry)
{
    if (!entry)
        rw_intake_tell(reader->report, ((struct rw_conf_place){1, 1}),
                       "this is no intake: its first line is \"intake: " RW_INTAKE_VERSION "\"",
                       "这不是需求文件：首行应为“需求: " RW_INTAKE_VERSION "”");
    else if (!rw_span_is(entry->node->text, RW_INTAKE_VERSION))
        rw_intake_tell(reader->report, entry->node->place,
                       "an intake of version %s; this program reads " RW_INTAKE_VERSION,
                       "需求文件版本为 %s；本程序可读 " RW_INTAKE_VERSION,
                       rw_conf_quote(reader->report, entry->node->text));
}

/* The first byte of U+3000 to U+9FFF in UTF-8. */
static bool is_ideograph(char c)
{
    return (unsigned char)c >= 0xe3 && (unsigned char)c <= 0xe9;
}

/* Who writes Chinese keys reads Chinese, and also when the file is no YAML. */
static void choose_voice(struct rw_conf_report *report, struct rw_span text)
{
    for (size_t i = 0; i < text.len && report->voice == RW_CONF_VOICE_OWN; i++)
        if (is_ideograph(text.at[i]) && (i == 0 || text.at[i - 1] == '\n'))
            report->voice = RW_CONF_VOICE_CHINESE;
}

static void read_root(struct rw_intake_reader *reader, const struct rw_conf_node *root)
{
    if (root->kind != RW_CONF_NODE_MAP) {
        rw_intake_tell(reader->report, root->place,
                       "an intake is a group of sections, such as \"load:\"",
                       "需求文件由各节组成，如“业务规模:”");
        return;
    }
    const struct rw_conf_entry *version = root->entries;
    while (version && !is_version_key(version->key))
        version = version->next;
    check_version(reader, version);
    if (!version)
        return; /* another kind of file: its keys would only be noise */
    for (const struct rw_conf_entry *entry = root->entries; entry && !reader->err;
         entry = entry->next) {
        if (is_version_key(entry->key) || rw_span_starts(entry->key, RW_LITERAL("x-")))
            continue;
        const struct rw_intake_section *section = rw_intake_find_section(entry->key);
        if (section)
            read_section(reader, section, entry->node);
        else
            tell_unknown_section(reader, entry);
    }
}

void rw_intake_read_yaml(struct rw_intake_reader *reader, struct rw_span text, const char *name)
{
    struct rw_conf_tree tree;
    choose_voice(reader->report, text);
    enum rw_err err = rw_conf_tree_read(text, name, &reader->intake->arena, &tree, reader->report);
    if (err && err != RW_EINVAL)
        reader->err = err;
    else if (tree.root)
        read_root(reader, tree.root);
    else if (!err)
        check_version(reader, NULL);
    rw_conf_tree_free(&tree);
}
