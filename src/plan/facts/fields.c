#include "plan/facts/fields.h"

#include "report/unit.h"

#include <math.h>
#include <stdlib.h>

enum { NUMBER_LEN_MAX = 24 };

bool rw_facts_number(struct rw_span text, double *value)
{
    size_t digits = 0;
    size_t points = 0;
    for (size_t i = 0; i < text.len; i++) {
        digits += text.at[i] >= '0' && text.at[i] <= '9';
        points += text.at[i] == '.';
    }
    if (digits == 0 || points > 1 || digits + points != text.len || text.len > NUMBER_LEN_MAX ||
        text.at[0] == '.' || text.at[text.len - 1] == '.')
        return false;
    char copy[NUMBER_LEN_MAX + 1];
    memcpy(copy, text.at, text.len);
    copy[text.len] = 0;
    *value = strtod(copy, NULL); /* the program never leaves the C locale */
    return true;
}

static bool is_nothing(const struct rw_conf_node *node)
{
    return node->kind == RW_CONF_NODE_SCALAR && node->plain &&
           (node->text.len == 0 || rw_span_is(node->text, "null") || rw_span_is(node->text, "~"));
}

static bool decode_number(const struct rw_facts_field *field, const struct rw_conf_node *node,
                          struct rw_conf_report *report, void *to)
{
    if (rw_facts_number(node->text, to))
        return true;
    rw_facts_tell(
        report, node->place, "%s: expected a number that is not negative, such as 0.17, not %s",
        "%s：应为非负数，如 0.17，而不是 %s", field->name, rw_conf_quote(report, node->text));
    return false;
}

static bool decode_field(const struct rw_facts_field *field, const struct rw_conf_node *node,
                         struct rw_conf_report *report, char *out)
{
    void *to = out + field->offset;
    if (field->kind == RW_FACTS_NODE) {
        *(const struct rw_conf_node **)to = node;
        return true;
    }
    if (node->kind != RW_CONF_NODE_SCALAR) {
        rw_facts_tell(report, node->place, "%s: expected a single value, not a list or mapping",
                      "%s：应为单个值，不能是列表或一组字段", field->name);
        return false;
    }
    if (field->kind == RW_FACTS_NUMBER)
        return decode_number(field, node, report, to);
    if (field->kind == RW_FACTS_DAY) {
        struct rw_facts_day *day = to;
        day->text = node->text.at;
        if (!rw_date_read(node->text, &day->day))
            day->day = NAN;
        return true;
    }
    *(const char **)to = node->text.at;
    return true;
}

static const struct rw_facts_field *find_field(const struct rw_facts_record *record,
                                               struct rw_span name)
{
    const struct rw_facts_field *field = record->fields;
    while (field->name && !rw_span_is(name, field->name))
        field++;
    return field->name ? field : NULL;
}

enum { NAMES_MAX = 32 };

static void tell_unknown(const struct rw_facts_record *record, const struct rw_conf_entry *entry,
                         struct rw_conf_report *report)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (const struct rw_facts_field *field = record->fields; field->name; field++)
        if (count < NAMES_MAX)
            names[count++] = field->name;
    rw_facts_tell(report, entry->key_place, "a %s has no key %s%s", "%s 没有字段 %s%s",
                  record->what, rw_conf_quote(report, entry->key),
                  rw_conf_hint(report, entry->key, names, count));
}

static bool check_required(const struct rw_facts_record *record, const struct rw_conf_node *node,
                           struct rw_conf_report *report)
{
    bool complete = true;
    for (const struct rw_facts_field *field = record->fields; field->name; field++) {
        const struct rw_conf_node *value = rw_conf_tree_at(node, field->name);
        if (!field->required || (value && !is_nothing(value)))
            continue;
        rw_facts_tell(report, node->place, "a %s needs the key \"%s\"", "%s 缺少必填字段“%s”",
                      record->what, field->name);
        complete = false;
    }
    return complete;
}

bool rw_facts_decode(const struct rw_facts_record *record, const struct rw_conf_node *node,
                     struct rw_conf_report *report, void *out)
{
    memset(out, 0, record->size);
    if (node->kind != RW_CONF_NODE_MAP) {
        rw_facts_tell(report, node->place, "expected a %s: a mapping of keys and values",
                      "此处应为一项 %s：由字段组成", record->what);
        return false;
    }
    for (const struct rw_facts_field *field = record->fields; field->name; field++)
        if (field->kind == RW_FACTS_NUMBER)
            *(double *)((char *)out + field->offset) = NAN;
        else if (field->kind == RW_FACTS_DAY)
            *(struct rw_facts_day *)((char *)out + field->offset) = (struct rw_facts_day){"", NAN};
    bool right = check_required(record, node, report);
    for (const struct rw_conf_entry *entry = node->entries; entry; entry = entry->next) {
        const struct rw_facts_field *field = find_field(record, entry->key);
        if (!field)
            tell_unknown(record, entry, report);
        right = field &&
                (is_nothing(entry->node) || decode_field(field, entry->node, report, out)) && right;
    }
    if (record->place_offset >= 0)
        *(struct rw_conf_place *)((char *)out + record->place_offset) = node->place;
    return right;
}

enum rw_err rw_facts_decode_list(const struct rw_facts_record *record,
                                 const struct rw_conf_node *node, struct rw_arena *arena,
                                 struct rw_conf_report *report, void **out, unsigned *count)
{
    *out = NULL;
    *count = 0;
    if (!node)
        return RW_OK;
    if (node->kind != RW_CONF_NODE_LIST) {
        rw_facts_tell(report, node->place, "expected a list, each entry a %s",
                      "此处应为列表，每项为一个 %s", record->what);
        return RW_OK;
    }
    if (node->count == 0)
        return RW_OK;
    char *items = rw_arena_alloc(arena, node->count * record->size);
    if (!items)
        return RW_ENOMEM;
    *out = items;
    for (const struct rw_conf_entry *entry = node->entries; entry; entry = entry->next)
        *count += rw_facts_decode(record, entry->node, report, items + *count * record->size);
    return RW_OK;
}
