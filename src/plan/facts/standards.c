#include "plan/facts/standards.h"

#include "base/text.h"
#include "plan/facts/embed.h"
#include "plan/facts/fields.h"

#define FIELD(type, name, kind, required, member)                                                  \
    {                                                                                              \
        name, kind, required, offsetof(struct type, member)                                        \
    }

/* Keys that only tell more of what a framework is. */
struct raw_framework {
    const char *id, *name_en, *name_zh, *result_en, *result_zh;
    const struct rw_conf_node *other;
};

static const struct rw_facts_field framework_fields[] = {
    FIELD(raw_framework, "id", RW_FACTS_TEXT, true, id),
    FIELD(raw_framework, "name_en", RW_FACTS_TEXT, true, name_en),
    FIELD(raw_framework, "name_zh", RW_FACTS_TEXT, true, name_zh),
    FIELD(raw_framework, "result_word_en", RW_FACTS_TEXT, false, result_en),
    FIELD(raw_framework, "result_word_zh", RW_FACTS_TEXT, false, result_zh),
    FIELD(raw_framework, "in_force", RW_FACTS_NODE, false, other),
    FIELD(raw_framework, "related", RW_FACTS_NODE, false, other),
    FIELD(raw_framework, "sources", RW_FACTS_NODE, true, other),
    FIELD(raw_framework, "notes", RW_FACTS_NODE, false, other),
    FIELD(raw_framework, "note", RW_FACTS_NODE, false, other),
    FIELD(raw_framework, "fines", RW_FACTS_NODE, false, other),
    FIELD(raw_framework, "dates", RW_FACTS_NODE, false, other),
    FIELD(raw_framework, "requirements", RW_FACTS_NODE, false, other),
    FIELD(raw_framework, "types", RW_FACTS_NODE, false, other),
    FIELD(raw_framework, "type_2_period_months_typical", RW_FACTS_NODE, false, other),
    FIELD(raw_framework, "not_a_type", RW_FACTS_NODE, false, other),
    FIELD(raw_framework, "annex_a", RW_FACTS_NODE, false, other),
    {0},
};
static const struct rw_facts_record framework_record = {"framework", framework_fields,
                                                        sizeof(struct raw_framework), -1};

struct raw_control {
    const char *id, *framework, *ref, *name_en, *name_zh, *scope, *evidence_zh, *source;
    const char *confidence;
    const struct rw_conf_node *evidence, *numbers;
    struct rw_conf_place place;
};

static const struct rw_facts_field control_fields[] = {
    FIELD(raw_control, "id", RW_FACTS_TEXT, true, id),
    FIELD(raw_control, "framework", RW_FACTS_TEXT, true, framework),
    FIELD(raw_control, "ref", RW_FACTS_TEXT, true, ref),
    FIELD(raw_control, "name_en", RW_FACTS_TEXT, true, name_en),
    FIELD(raw_control, "name_zh", RW_FACTS_TEXT, true, name_zh),
    FIELD(raw_control, "platform_scope", RW_FACTS_TEXT, true, scope),
    FIELD(raw_control, "evidence", RW_FACTS_NODE, true, evidence),
    FIELD(raw_control, "evidence_zh", RW_FACTS_TEXT, true, evidence_zh),
    FIELD(raw_control, "numbers", RW_FACTS_NODE, false, numbers),
    FIELD(raw_control, "source", RW_FACTS_TEXT, true, source),
    FIELD(raw_control, "confidence", RW_FACTS_TEXT, true, confidence),
    {0},
};
static const struct rw_facts_record control_record = {
    "control", control_fields, sizeof(struct raw_control), offsetof(struct raw_control, place)};

struct raw_claim {
    const char *id, *say_en, *say_zh, *source;
    const struct rw_conf_node *match;
};

static const struct rw_facts_field claim_fields[] = {
    FIELD(raw_claim, "id", RW_FACTS_TEXT, true, id),
    FIELD(raw_claim, "match", RW_FACTS_NODE, true, match),
    FIELD(raw_claim, "say_en", RW_FACTS_TEXT, true, say_en),
    FIELD(raw_claim, "say_zh", RW_FACTS_TEXT, true, say_zh),
    FIELD(raw_claim, "source", RW_FACTS_TEXT, true, source),
    {0},
};
static const struct rw_facts_record claim_record = {"claim", claim_fields, sizeof(struct raw_claim),
                                                    -1};

/* ---- Texts ---- */

/* "what, url", or as much of it as there is; the id itself when the file does not explain it. */
static const char *source_text(struct rw_standards *standards, const char *id)
{
    const struct rw_conf_node *sources = rw_conf_tree_at(standards->tree.root, "sources");
    const struct rw_conf_node *source = rw_conf_tree_at(sources, id);
    struct rw_span what = rw_conf_tree_text(source, "what");
    struct rw_span where = rw_conf_tree_text(source, "url");
    if (where.len == 0)
        where = rw_conf_tree_text(source, "repo");
    if (what.len == 0 && where.len == 0)
        return id;
    if (where.len == 0)
        return what.at;
    return rw_arena_format(&standards->arena, "%s%s%s", what.at, what.len ? ", " : "", where.at).at;
}

/* A list as "a; b", a mapping as "key value; key value". */
static const char *joined(struct rw_standards *standards, const struct rw_conf_node *node)
{
    struct rw_text text = {0};
    const char *between = "";
    for (const struct rw_conf_entry *e = rw_conf_tree_entries(node); e; e = e->next) {
        if (e->node->kind != RW_CONF_NODE_SCALAR)
            continue;
        rw_text_adds(&text, between);
        if (e->key.len)
            rw_text_addf(&text, "%s ", e->key.at);
        rw_text_add(&text, e->node->text);
        between = "; ";
    }
    struct rw_span copy = {0};
    if (!text.err)
        copy = rw_arena_copy(&standards->arena, text.len ? rw_text_span(&text) : RW_LITERAL(""));
    rw_text_free(&text);
    return copy.at;
}

/* ---- From rows to what callers see ---- */

static enum rw_err fill_frameworks(struct rw_standards *standards, const struct raw_framework *rows)
{
    if (standards->framework_count == 0)
        return RW_OK;
    standards->frameworks = rw_arena_zero(&standards->arena, standards->framework_count *
                                                                 sizeof(*standards->frameworks));
    if (!standards->frameworks)
        return RW_ENOMEM;
    for (unsigned i = 0; i < standards->framework_count; i++)
        standards->frameworks[i] = (struct rw_framework){
            .id = rows[i].id,
            .name = {rows[i].name_en, rows[i].name_zh},
            .result = {rows[i].result_en, rows[i].result_zh},
        };
    return RW_OK;
}

static enum rw_control_scope read_scope(const struct raw_control *row,
                                        struct rw_conf_report *report)
{
    static const char *const names[] = {"full", "partial", "none"};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(row->scope, names[i]) == 0)
            return i;
    rw_conf_mistake_at(report, row->place, "platform_scope: expected full, partial or none, not %s",
                       rw_conf_quote(report, rw_span_text(row->scope)));
    return RW_CONTROL_NONE;
}

static struct rw_framework *framework_of(struct rw_standards *standards, const char *id)
{
    for (unsigned i = 0; i < standards->framework_count; i++)
        if (strcmp(standards->frameworks[i].id, id) == 0)
            return &standards->frameworks[i];
    return NULL;
}

static void count_control(struct rw_standards *standards, unsigned at,
                          struct rw_conf_report *report)
{
    const struct rw_control *control = &standards->controls[at];
    struct rw_framework *framework = framework_of(standards, control->framework);
    if (!framework || (framework->count && framework->first + framework->count != at)) {
        rw_conf_mistake_at(report, control->place,
                           "framework: controls stand together, each in a framework of this file");
        return;
    }
    if (framework->count == 0)
        framework->first = at;
    framework->count++;
}

static enum rw_err fill_controls(struct rw_standards *standards, const struct raw_control *rows,
                                 struct rw_conf_report *report)
{
    if (standards->control_count == 0)
        return RW_OK;
    standards->controls =
        rw_arena_zero(&standards->arena, standards->control_count * sizeof(*standards->controls));
    if (!standards->controls)
        return RW_ENOMEM;
    for (unsigned i = 0; i < standards->control_count; i++) {
        const struct raw_control *row = &rows[i];
        standards->controls[i] = (struct rw_control){
            .id = row->id,
            .framework = row->framework,
            .ref = row->ref,
            .name = {row->name_en, row->name_zh},
            .evidence = {joined(standards, row->evidence), row->evidence_zh},
            .scope = read_scope(row, report),
            .numbers = joined(standards, row->numbers),
            .source = source_text(standards, row->source),
            .confidence = row->confidence,
            .place = row->place,
        };
        const struct rw_control *control = &standards->controls[i];
        if (!control->evidence.en || !control->numbers || !control->source)
            return RW_ENOMEM;
        count_control(standards, i, report);
    }
    return RW_OK;
}

static enum rw_err fill_claims(struct rw_standards *standards, const struct raw_claim *rows)
{
    if (standards->claim_count == 0)
        return RW_OK;
    standards->claims =
        rw_arena_zero(&standards->arena, standards->claim_count * sizeof(*standards->claims));
    if (!standards->claims)
        return RW_ENOMEM;
    for (unsigned i = 0; i < standards->claim_count; i++) {
        standards->claims[i] = (struct rw_claim){
            .id = rows[i].id,
            .match = rows[i].match,
            .say = {rows[i].say_en, rows[i].say_zh},
            .source = source_text(standards, rows[i].source),
        };
        if (!standards->claims[i].source)
            return RW_ENOMEM;
    }
    return RW_OK;
}

static enum rw_err decode(struct rw_standards *standards, struct rw_conf_report *report)
{
    const struct rw_conf_node *root = standards->tree.root;
    void *rows = NULL;
    enum rw_err err =
        rw_facts_decode_list(&framework_record, rw_conf_tree_at(root, "frameworks"),
                             &standards->arena, report, &rows, &standards->framework_count);
    if (!err)
        err = fill_frameworks(standards, rows);
    if (!err)
        err = rw_facts_decode_list(&control_record, rw_conf_tree_at(root, "controls"),
                                   &standards->arena, report, &rows, &standards->control_count);
    if (!err)
        err = fill_controls(standards, rows, report);
    if (!err)
        err = rw_facts_decode_list(&claim_record, rw_conf_tree_at(root, "claim_lint"),
                                   &standards->arena, report, &rows, &standards->claim_count);
    return err ? err : fill_claims(standards, rows);
}

enum rw_err rw_standards_load(struct rw_standards *standards, struct rw_conf_report *report)
{
    *standards = (struct rw_standards){0};
    rw_arena_init(&standards->arena, NULL, 0, 64 << 10, RW_STANDARDS_BYTES_MAX);
    enum rw_err err = rw_conf_tree_read(rw_facts_embedded(RW_FACTS_CONTROLS),
                                        rw_facts_file_name(RW_FACTS_CONTROLS), &standards->arena,
                                        &standards->tree, report);
    if (!err)
        err = decode(standards, report);
    if (!err && report->err)
        err = report->err;
    return !err && report->count ? RW_EINVAL : err;
}

void rw_standards_free(struct rw_standards *standards)
{
    rw_conf_tree_free(&standards->tree);
    rw_arena_free(&standards->arena);
    *standards = (struct rw_standards){0};
}

const struct rw_framework *rw_standards_framework(const struct rw_standards *standards,
                                                  const char *id)
{
    for (unsigned i = 0; i < standards->framework_count; i++)
        if (strcmp(standards->frameworks[i].id, id) == 0)
            return &standards->frameworks[i];
    return NULL;
}

const struct rw_control *rw_standards_control(const struct rw_standards *standards, const char *id)
{
    for (unsigned i = 0; i < standards->control_count; i++)
        if (strcmp(standards->controls[i].id, id) == 0)
            return &standards->controls[i];
    return NULL;
}
