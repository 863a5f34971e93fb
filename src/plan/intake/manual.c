/* The reference page of the intake, from the same tables as its reader. */
#include "plan/intake/intake.h"

/* A text within a table of Markdown. */
static void add_cell(struct rw_text *text, const char *words)
{
    for (; *words; words++) {
        if (*words == '|' || *words == '<')
            rw_text_adds(text, "\\");
        rw_text_add(text, rw_span(words, 1));
    }
}

static void add_keys(const char *keys, struct rw_text *text)
{
    struct rw_span rest = rw_span_text(keys ? keys : ""), key;
    for (bool first = true; rw_intake_next_word(&rest, &key); first = false)
        rw_text_addf(text, "%s`%.*s`", first ? "" : " ", RW_SPAN_ARGS(key));
}

static void add_kind(const struct rw_intake_field *field, struct rw_text *text)
{
    bool list = field->kind == RW_INTAKE_TEXTS || field->kind == RW_INTAKE_AMOUNTS;
    rw_text_adds(text, list ? "list: " : "");
    if (field->kind == RW_INTAKE_TEXT || field->kind == RW_INTAKE_TEXTS) {
        rw_text_adds(text, "text");
        if (field->example.en && *field->example.en) {
            rw_text_adds(text, ", such as ");
            add_cell(text, field->example.en);
        }
        return;
    }
    struct rw_text kind = {0};
    rw_dimensions_write(rw_intake_field_dimensions(field), RW_LANGUAGE_EN, &kind);
    if (kind.err)
        text->err = kind.err;
    else
        add_cell(text, kind.at);
    rw_text_free(&kind);
}

/* What is assumed and why, or what the absence changes. */
static void add_absence(const struct rw_intake_field *field, struct rw_text *text)
{
    const struct rw_input_entry *entry = field->is_input ? rw_input_entry(field->input) : NULL;
    struct rw_label absent = rw_intake_field_absent(field);
    if (entry && !isnan(entry->assumed)) {
        bool measured = entry->origin == RW_ORIGIN_MEASURED;
        rw_text_adds(text, measured ? "measured: " : "assumed: ");
        rw_quantity_write(text, (struct rw_quantity){.value = entry->assumed, .unit = entry->unit},
                          RW_LANGUAGE_EN);
        rw_text_adds(text, "; ");
        add_cell(text, measured ? entry->source : entry->reason.en);
    } else if (absent.en) {
        add_cell(text, absent.en);
    }
}

static void add_section(const struct rw_intake_section *section, struct rw_text *text)
{
    rw_text_addf(text, "\n## %s\n\n%s.%s Also called: ", section->name, section->doc.en,
                 section->many ? " A list, each entry with these fields." : "");
    add_keys(section->keys, text);
    rw_text_adds(text,
                 ".\n\n| Key | Also | What it is | Value | Without it |\n|---|---|---|---|---|\n");
    for (unsigned f = 0; f < rw_intake_field_count(section); f++) {
        const struct rw_intake_field *field = &section->fields[f];
        rw_text_addf(text, "| `%s` | ", rw_intake_field_name(field));
        add_keys(field->keys, text);
        rw_text_adds(text, " | ");
        add_cell(text, rw_intake_field_label(field).en);
        rw_text_adds(text, " | ");
        add_kind(field, text);
        rw_text_adds(text, " | ");
        add_absence(field, text);
        rw_text_adds(text, " |\n");
    }
}

void rw_intake_write_manual(struct rw_text *text)
{
    rw_text_adds(
        text,
        "# Intake reference\n\n"
        "<!-- Made from the tables of the program: the reader, the template, the interview and the\n"
        "JSON Schema come from the same ones. -->\n\n"
        "An intake is one YAML file; `ringway plan FILE` reports all mistakes in it, with line and "
        "column, and\n`ringway schema --format intake` writes a JSON Schema by which editors "
        "complete and check it\n([intake.schema.json](intake.schema.json)). How values are "
        "written, and what a questionnaire is:\n[the manual](../manual/plan-intake.md). Keys are "
        "English or Chinese, mixed as you like; all that is not\nthere is listed in the plan with "
        "what that changes.\n\n"
        "```yaml\nintake: " RW_INTAKE_VERSION "\nload: { users: 5 million+, think_time: 30s }\n"
        "goal: { latency: P99<500ms, availability: 99.95% }\nmoney: { budget: $1.2M/year }\n```\n");
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++)
        add_section(&rw_intake_sections[i], text);
}
