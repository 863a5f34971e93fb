/* What the customer said in words: industry, pains, systems, goals, constraints; as it was written.
 */
#include "plan/proposal/chapters.h"

#include "plan/intake/intake.h"

#define NONE ((struct rw_span){"", 0})

static bool has_words(const struct rw_intake_value *value)
{
    return value->there && !value->unknown && value->text.len &&
           (!value->field->is_input || value->count > 1);
}

/* All items of a list, one after the other. */
static void write_words(const struct rw_intake_value *value, struct rw_text *text)
{
    if (value->field->kind == RW_INTAKE_AMOUNTS && value->count > 1) {
        for (size_t i = 0; i < value->count; i++) {
            rw_text_adds(text, i ? "; " : "");
            rw_amount_write(&value->amounts[i], text);
        }
        return;
    }
    if (value->field->kind != RW_INTAKE_TEXTS || value->count < 2) {
        rw_text_add(text, value->text);
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        rw_text_adds(text, i ? "; " : "");
        rw_text_add(text, value->texts[i]);
    }
}

static void put_row(struct rw_proposal *proposal, struct rw_doc_table *table, struct rw_span asked,
                    struct rw_text *words, struct rw_conf_place place)
{
    struct rw_doc *doc = proposal->doc;
    struct rw_doc_cell *cells = rw_doc_row(doc, table);
    rw_doc_words(doc, &cells[0], asked);
    rw_doc_words(doc, &cells[1], rw_text_span(words));
    rw_doc_words(doc, &cells[2], rw_doc_format(doc, "%u:%u", place.line, place.column));
    if (words->err && !doc->err)
        doc->err = words->err;
    rw_text_free(words);
}

/* Of a section that is no list: a row for each field. */
static void put_fields(struct rw_proposal *proposal, struct rw_doc_table *table,
                       const struct rw_intake_row *row)
{
    unsigned fields = rw_intake_field_count(row->section);
    for (unsigned f = 0; f < fields; f++) {
        const struct rw_intake_value *value = &row->values[f];
        struct rw_text words = {0};
        if (!has_words(value))
            continue;
        write_words(value, &words);
        put_row(proposal, table, rw_proposal_say(proposal, rw_intake_field_label(value->field)),
                &words, value->place);
    }
}

/* What a field is, without the advice that its label gives to who fills it in: "Part of (an item
 * above; empty: the whole)". */
static struct rw_span short_label(const struct rw_proposal *proposal,
                                  const struct rw_intake_field *field)
{
    static const char *const ends[] = {"; ", ": ", ", ", " (", "；", "：", "，", "（"};
    struct rw_span label =
        rw_span_text(rw_label_in(rw_intake_field_label(field), proposal->language));
    for (size_t i = 1; i < label.len; i++)
        for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++)
            if (rw_span_starts(rw_span_skip(label, i), rw_span_text(ends[k])))
                return rw_span(label.at, i);
    return label;
}

/* Of a list: a row for each record, called by its first field. */
static void put_record(struct rw_proposal *proposal, struct rw_doc_table *table,
                       const struct rw_intake_row *row)
{
    unsigned fields = rw_intake_field_count(row->section);
    struct rw_span asked = NONE;
    struct rw_text words = {0};
    for (unsigned f = 0; f < fields; f++) {
        const struct rw_intake_value *value = &row->values[f];
        if (!value->there || value->unknown || !value->text.len)
            continue;
        if (!asked.len) {
            asked = value->text;
            continue;
        }
        rw_text_addf(&words, "%s%.*s: ", words.len ? "; " : "",
                     RW_SPAN_ARGS(short_label(proposal, value->field)));
        write_words(value, &words);
    }
    put_row(proposal, table, asked, &words, row->place);
}

static bool any_words(const struct rw_intake_row *row)
{
    unsigned fields = rw_intake_field_count(row->section);
    bool any = false;
    for (unsigned f = 0; f < fields; f++)
        any |= row->section->many ? row->values[f].there : has_words(&row->values[f]);
    return any;
}

/* The heading comes with the first row that says anything. */
static void put_section(struct rw_proposal *proposal, struct rw_doc_table *table, size_t number)
{
    const struct rw_intake_section *section = &rw_intake_sections[number];
    bool headed = false;
    for (size_t r = 0; r < proposal->intake->rows[number].count; r++) {
        const struct rw_intake_row *row = &proposal->intake->rows[number].at[r];
        if (!any_words(row))
            continue;
        if (!headed)
            rw_doc_group(proposal->doc, table, rw_proposal_say(proposal, section->label));
        headed = true;
        (section->many ? put_record : put_fields)(proposal, table, row);
    }
}

void rw_proposal_words(struct rw_proposal *proposal)
{
    struct rw_doc *doc = proposal->doc;
    if (!proposal->intake)
        return;
    const struct rw_label titles[] = {RW_LABEL("Asked", "问题"),
                                      RW_LABEL("As the customer wrote it", "客户原文"),
                                      RW_LABEL("Line:column", "行:列")};
    struct rw_doc_table *table = rw_doc_table(
        doc,
        rw_doc_format(
            doc,
            rw_label_in(RW_TEXTS("As it stands in %.200s", "%.200s 所载原文"), proposal->language),
            rw_proposal_file(proposal->intake->file)),
        NONE);
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        rw_doc_column(doc, table, RW_DOC_WORDS, rw_proposal_say(proposal, titles[i]), NONE);
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++)
        put_section(proposal, table, i);
}

/* ---- What was not said ---- */

/* Two questionnaires ask for the same in different fields. */
static bool said_otherwise(const struct rw_proposal *proposal, const struct rw_intake_field *field)
{
    static const char *const pairs[][2] = {
        {"pains.problem", "pains.system"},
        {"pains.problem", "pains.business"},
        {"money.payment", "money.preference"},
    };
    bool said = false;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        said |= rw_intake_get(proposal->intake, pairs[i][0])->field == field &&
                rw_intake_text(proposal->intake, pairs[i][1]).len > 0;
    return said;
}

static void put_gap(struct rw_proposal *proposal, struct rw_doc_table *table,
                    const struct rw_intake_field *field)
{
    struct rw_label absent = rw_intake_field_absent(field);
    if (field->is_input || !absent.en || said_otherwise(proposal, field))
        return;
    struct rw_doc_cell *cells = rw_doc_row(proposal->doc, table);
    rw_doc_words(proposal->doc, &cells[0], rw_proposal_say(proposal, rw_intake_field_label(field)));
    rw_doc_words(proposal->doc, &cells[1], rw_doc_word(proposal->doc, RW_SAY_MISSING_VALUE));
    rw_doc_words(proposal->doc, &cells[2], rw_proposal_say(proposal, absent));
}

void rw_proposal_gaps(struct rw_proposal *proposal, struct rw_doc_table *table)
{
    if (!proposal->intake)
        return;
    for (size_t s = 0; s < RW_INTAKE_SECTIONS; s++) {
        unsigned fields = rw_intake_field_count(&rw_intake_sections[s]);
        for (size_t r = 0; r < proposal->intake->rows[s].count; r++) {
            const struct rw_intake_row *row = &proposal->intake->rows[s].at[r];
            for (unsigned f = 0; f < fields; f++) {
                if (!row->values[f].there || row->values[f].unknown)
                    put_gap(proposal, table, &rw_intake_sections[s].fields[f]);
            }
        }
    }
}
