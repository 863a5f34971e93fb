/* What is made from the table of fields: gaps, template, JSON Schema; and an intake as YAML. */
#include "plan/intake/intake.h"

#include <math.h>

static const char *pick(enum rw_language language, const char *en, const char *zh)
{
    return language == RW_LANGUAGE_ZH ? zh : en;
}

static bool is_amount(const struct rw_intake_field *field)
{
    return field->kind == RW_INTAKE_AMOUNT || field->kind == RW_INTAKE_AMOUNTS;
}

/* ---- Gaps ---- */

static void write_name(const struct rw_intake_section *section, size_t row,
                       const struct rw_intake_field *field, enum rw_language language,
                       struct rw_text *text)
{
    rw_text_adds(text, section->name);
    if (section->many)
        rw_text_addf(text, "[%zu]", row);
    rw_text_addf(text, ".%s (%s): ", rw_intake_field_name(field),
                 rw_label_in(rw_intake_field_label(field), language));
}

static void write_assumed(const struct rw_input_entry *entry, enum rw_language language,
                          struct rw_text *text)
{
    rw_text_adds(text, pick(language, "assumed ", "假设 "));
    rw_quantity_write(text, (struct rw_quantity){.value = entry->assumed, .unit = entry->unit},
                      language);
    rw_text_addf(text, pick(language, ": %s\n", "：%s\n"), rw_label_in(entry->reason, language));
}

static void write_gap(const struct rw_intake_section *section, size_t row,
                      const struct rw_intake_value *value, enum rw_language language,
                      struct rw_text *text)
{
    const struct rw_intake_field *field = value->field;
    struct rw_label absent = rw_intake_field_absent(field);
    if (value->there && value->origin == RW_ORIGIN_ASSUMED) {
        write_name(section, row, field, language, text);
        rw_text_addf(text, pick(language, "assumed %.*s: %s\n", "假设 %.*s：%s\n"),
                     RW_SPAN_ARGS(value->text), rw_label_in(value->reason, language));
    } else if (!value->there && absent.en) {
        write_name(section, row, field, language, text);
        rw_text_addf(text,
                     value->unknown ? pick(language, "not known: %s\n", "未知：%s\n")
                                    : pick(language, "not given: %s\n", "未填：%s\n"),
                     rw_label_in(absent, language));
    } else if (!value->there && field->is_input) {
        const struct rw_input_entry *entry = rw_input_entry(field->input);
        if (entry->origin == RW_ORIGIN_ASSUMED && !isnan(entry->assumed)) {
            write_name(section, row, field, language, text);
            write_assumed(entry, language, text);
        }
    }
}

void rw_intake_write_gaps(const struct rw_intake *intake, enum rw_language language,
                          struct rw_text *text)
{
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++) {
        const struct rw_intake_section *section = &rw_intake_sections[i];
        for (size_t row = 0; row < intake->rows[i].count; row++)
            for (unsigned f = 0; f < rw_intake_field_count(section); f++)
                write_gap(section, row, &intake->rows[i].at[row].values[f], language, text);
    }
    for (size_t i = 0; i < intake->unread_count; i++)
        rw_text_addf(text, pick(language, "%s:%u: not understood: %.*s\n", "%s:%u：未识别：%.*s\n"),
                     intake->file, intake->unread[i].place.line,
                     RW_SPAN_ARGS(intake->unread[i].text));
}

/* ---- Template ---- */

/* What is taken where nobody says is how such a value is written. */
static bool write_default(const struct rw_intake_field *field, enum rw_language language,
                          struct rw_text *text)
{
    const struct rw_input_entry *entry = field->is_input ? rw_input_entry(field->input) : NULL;
    if (!entry || isnan(entry->assumed))
        return false;
    rw_quantity_write(text, (struct rw_quantity){.value = entry->assumed, .unit = entry->unit},
                      language);
    return true;
}

static const char *usual_example(const struct rw_intake_field *field)
{
    static const struct {
        unsigned dimension;
        const char *text;
    } usual[] = {
        {RW_DIMENSION_FRACTION, "30%"},    {RW_DIMENSION_TIME, "30s"},
        {RW_DIMENSION_BYTES, "20KB"},      {RW_DIMENSION_MONEY, "$1000"},
        {RW_DIMENSION_BITS, "1Gbps"},      {RW_DIMENSION_LENGTH, "100km"},
        {RW_DIMENSION_DATE, "2027-06-30"},
    };
    for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
        if (rw_intake_field_dimensions(field) & usual[i].dimension)
            return usual[i].text;
    return "5";
}

static void write_example(const struct rw_intake_field *field, enum rw_language language,
                          struct rw_text *text)
{
    struct rw_text own = {0};
    const char *example = rw_label_in(field->example, language);
    if (*example || !is_amount(field))
        rw_text_adds(&own, example);
    else if (!write_default(field, language, &own))
        rw_text_adds(&own, usual_example(field));
    rw_text_add_json(text, rw_text_span(&own));
    if (own.err)
        text->err = own.err;
    rw_text_free(&own);
}

static void write_comment(const struct rw_intake_field *field, enum rw_language language,
                          struct rw_text *text)
{
    struct rw_label absent = rw_intake_field_absent(field);
    rw_text_addf(text, "  # %s", rw_label_in(rw_intake_field_label(field), language));
    if (absent.en)
        rw_text_addf(text, pick(language, ". Without it: %s", "。未填时：%s"),
                     rw_label_in(absent, language));
    if (field->is_input && !isnan(rw_input_entry(field->input)->assumed)) {
        struct rw_label reason = rw_input_entry(field->input)->reason;
        rw_text_adds(text, pick(language, ". Without it: ", "。未填时取 "));
        (void)write_default(field, language, text);
        if (reason.en)
            rw_text_addf(text, pick(language, " (%s)", "（%s）"), rw_label_in(reason, language));
    }
    rw_text_adds(text, "\n");
}

static void write_template_field(const struct rw_intake_field *field, const char *indent,
                                 enum rw_language language, struct rw_text *text)
{
    struct rw_span key = rw_intake_field_key(field, language);
    bool list = field->kind == RW_INTAKE_AMOUNTS || field->kind == RW_INTAKE_TEXTS;
    write_comment(field, language, text);
    rw_text_addf(text, "  #%s%.*s: ", indent, RW_SPAN_ARGS(key));
    rw_text_adds(text, list ? "[" : "");
    write_example(field, language, text);
    rw_text_adds(text, list ? "]\n" : "\n");
}

void rw_intake_write_template(enum rw_language language, struct rw_text *text)
{
    rw_text_adds(text,
                 pick(language,
                      "# What a plan is made from. Take away the # in front of a line and put in "
                      "your answer,\n"
                      "# as you would write it: 5 million+, 80TB, $1.2M/year, <15min/quarter, "
                      "99.95%, P99<500ms.\n"
                      "# What you do not know stays away, or is \"unknown\". An assumption of "
                      "your own:\n"
                      "#   think_time: {assume: 20s, because: \"measured in a pilot\"}\n\n",
                      "# 方案需求表。去掉行首的 # 并填写，按平时的写法即可：\n"
                      "# 500万+、80TB、$120万/年、<15分钟/季度、99.95%、P99<500ms。\n"
                      "# 不清楚的可不填或写“未知”。自行假设时请写明理由：\n"
                      "#   思考时间: {假设: 20秒, 理由: \"试点实测\"}\n\n"));
    rw_text_addf(text, "%s: " RW_INTAKE_VERSION "\n", pick(language, "intake", "需求"));
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++) {
        const struct rw_intake_section *section = &rw_intake_sections[i];
        rw_text_addf(text, "\n# %s\n%.*s:\n", rw_label_in(section->doc, language),
                     RW_SPAN_ARGS(rw_intake_section_key(section, language)));
        for (unsigned f = 0; f < rw_intake_field_count(section); f++)
            write_template_field(&section->fields[f],
                                 !section->many ? ""
                                 : f == 0       ? "- "
                                                : "  ",
                                 language, text);
    }
}

/* ---- JSON Schema ---- */

static void write_property(struct rw_text *text, bool *first, struct rw_span key)
{
    rw_text_adds(text, *first ? "" : ",");
    *first = false;
    rw_text_add_json(text, key);
    rw_text_adds(text, ":");
}

static void write_field_schema(const struct rw_intake_field *field, struct rw_text *text)
{
    struct rw_label label = rw_intake_field_label(field);
    struct rw_text doc = {0};
    rw_text_addf(&doc, "%s / %s", label.en, label.zh);
    if (is_amount(field)) {
        rw_text_adds(&doc, ": ");
        rw_dimensions_write(rw_intake_field_dimensions(field), RW_LANGUAGE_EN, &doc);
    }
    rw_text_adds(text, "{\"type\":[\"string\",\"number\",\"object\",\"array\",\"null\"],"
                       "\"description\":");
    rw_text_add_json(text, rw_text_span(&doc));
    rw_text_adds(text, "}");
    if (doc.err)
        text->err = doc.err;
    rw_text_free(&doc);
}

static void write_section_schema(const struct rw_intake_section *section, struct rw_text *text)
{
    bool first = true;
    rw_text_adds(text, section->many ? "{\"type\":[\"array\",\"null\"],\"items\":" : "");
    rw_text_adds(text, "{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,"
                       "\"properties\":{");
    for (unsigned f = 0; f < rw_intake_field_count(section); f++) {
        const struct rw_intake_field *field = &section->fields[f];
        struct rw_span rest = rw_span_text(field->keys), word;
        write_property(text, &first, rw_span_text(rw_intake_field_name(field)));
        write_field_schema(field, text);
        while (rw_intake_next_word(&rest, &word)) {
            write_property(text, &first, word);
            write_field_schema(field, text);
        }
    }
    rw_text_adds(text, section->many ? "}}}" : "}}");
}

void rw_intake_write_schema(struct rw_text *text)
{
    bool first = true;
    rw_text_adds(text, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
                       "\"title\":\"Ringway intake\",\"type\":\"object\","
                       "\"additionalProperties\":false,\"patternProperties\":{\"^x-\":{}},"
                       "\"anyOf\":[{\"required\":[\"intake\"]},{\"required\":[\"需求\"]}],"
                       "\"properties\":{\"intake\":{\"const\":\"" RW_INTAKE_VERSION "\"},"
                       "\"需求\":{\"const\":\"" RW_INTAKE_VERSION "\"},");
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++) {
        const struct rw_intake_section *section = &rw_intake_sections[i];
        struct rw_span rest = rw_span_text(section->keys), word;
        write_property(text, &first, rw_span_text(section->name));
        write_section_schema(section, text);
        while (rw_intake_next_word(&rest, &word)) {
            write_property(text, &first, word);
            write_section_schema(section, text);
        }
    }
    rw_text_adds(text, "}}\n");
}

/* ---- YAML ---- */

static void write_text_value(const struct rw_intake_value *value, struct rw_text *text)
{
    if (value->field->kind != RW_INTAKE_TEXTS || value->count < 2) {
        rw_text_add_json(text, value->text);
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        rw_text_adds(text, i ? ", " : "[");
        rw_text_add_json(text, value->texts[i]);
    }
    rw_text_adds(text, "]");
}

static void write_amount(const struct rw_amount *amount, struct rw_text *text)
{
    struct rw_text written = {0};
    rw_amount_write(amount, &written);
    rw_text_add_json(text, rw_text_span(&written));
    if (written.err)
        text->err = written.err;
    rw_text_free(&written);
}

/* As the customer wrote it, where one text has all of it. */
static void write_value(const struct rw_intake_value *value, struct rw_text *text)
{
    if (!is_amount(value->field)) {
        write_text_value(value, text);
        return;
    }
    struct rw_amount again;
    struct rw_amount_mistake mistake;
    if (value->count == 1 &&
        rw_amount_read(value->text, rw_intake_field_dimensions(value->field), &again, &mistake) &&
        again.percentile == value->amount.percentile) {
        rw_text_add_json(text, value->text);
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        rw_text_adds(text, value->count == 1 ? "" : i ? ", " : "[");
        write_amount(&value->amounts[i], text);
    }
    rw_text_adds(text, value->count > 1 ? "]" : "");
}

static void write_origin(const struct rw_intake_value *value, struct rw_text *text)
{
    bool assumed = value->origin == RW_ORIGIN_ASSUMED;
    if (value->unknown || (!assumed && value->origin != RW_ORIGIN_MEASURED)) {
        if (value->unknown)
            rw_text_adds(text, "unknown");
        else
            write_value(value, text);
        return;
    }
    rw_text_adds(text, assumed ? "{assume: " : "{value: ");
    write_value(value, text);
    rw_text_adds(text, assumed ? ", because: " : ", measured: ");
    rw_text_add_json(text, rw_span_text(assumed ? value->reason.en : value->source));
    rw_text_adds(text, "}");
}

static void write_row(const struct rw_intake_row *row, enum rw_language language,
                      struct rw_text *text)
{
    bool first = row->section->many;
    for (unsigned f = 0; f < rw_intake_field_count(row->section); f++) {
        const struct rw_intake_value *value = &row->values[f];
        if (!value->there && !value->unknown)
            continue;
        rw_text_addf(text, "  %s%.*s: ",
                     first                ? "- "
                     : row->section->many ? "  "
                                          : "",
                     RW_SPAN_ARGS(rw_intake_field_key(value->field, language)));
        first = false;
        write_origin(value, text);
        rw_text_adds(text, "\n");
    }
    if (first)
        rw_text_adds(text, "  - {}\n");
}

static bool has_values(const struct rw_intake *intake, size_t section)
{
    if (rw_intake_sections[section].many)
        return intake->rows[section].count > 0;
    const struct rw_intake_row *row = &intake->rows[section].at[0];
    for (unsigned f = 0; f < rw_intake_field_count(row->section); f++)
        if (row->values[f].there || row->values[f].unknown)
            return true;
    return false;
}

void rw_intake_write_yaml(const struct rw_intake *intake, enum rw_language language,
                          struct rw_text *text)
{
    rw_text_addf(text, "%s: " RW_INTAKE_VERSION "\n", pick(language, "intake", "需求"));
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++) {
        if (!has_values(intake, i))
            continue;
        rw_text_addf(text, "\n%.*s:\n",
                     RW_SPAN_ARGS(rw_intake_section_key(&rw_intake_sections[i], language)));
        for (size_t row = 0; row < intake->rows[i].count; row++)
            write_row(&intake->rows[i].at[row], language, text);
    }
}
