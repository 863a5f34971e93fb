/* The tables as a page of the manual. */
#include "conf/decode.h"
#include "conf/records.h"
#include "conf/scalar.h"

#include <inttypes.h>

static const char introduction[] =
    "- **Durations** have a unit: `250ms`, `1.5s`, `2m`, `1h`, `1d`.\n"
    "- **Sizes** are bytes, or have a unit: `512B`, `64KiB`, `1MiB`, `10MB`, `1GiB`.\n"
    "- **Lists** of one value may be written as the value: `host: example.com`.\n"
    "- **The environment**: `${NAME}` and `${NAME:-fallback}` within a value; `$$` is a dollar. Within `[]`\n"
    "  and `{}` such a value needs quotes. A variable that is not set, and has no fallback, is a mistake.\n"
    "- **Secrets** may be kept elsewhere: `file:/run/secrets/name` reads the file, without the newline at its\n"
    "  end. Secrets, and values from the environment, are never shown in messages.\n"
    "- **Parts used twice**: anchors (`&name`), aliases (`*name`) and merge keys (`<<: *name`) work. Keys of\n"
    "  the outermost level that begin with `x-` are a place for anchors and have no other meaning.\n"
    "- Unknown and duplicate keys are mistakes. `key:` with nothing behind it is as good as no key, but for\n"
    "  optional mappings, where it is a mistake.\n"
    "\n"
    "The smallest useful file:\n"
    "\n"
    "```yaml\n";

/* ---- Cells of a table ---- */

static void add_cell(struct rw_text *text, const char *words)
{
    for (; words && *words; words++) {
        if (*words == '|')
            rw_text_adds(text, "\\");
        rw_text_add(text, rw_span(words, 1));
    }
}

static void add_anchor(struct rw_text *text, const struct rw_conf_records *records,
                       const struct rw_conf_record *record)
{
    char id[RW_CONF_RECORD_NAME_MAX];
    rw_conf_record_id(records, record, id);
    rw_text_addf(text, "[%s](#%s)", record->name, id);
}

static void add_enum(struct rw_text *text, const struct rw_conf_field *field)
{
    for (size_t i = 0; field->names[i]; i++)
        rw_text_addf(text, "%s`%s`", i ? ", " : "", field->names[i]);
}

static bool limited(const struct rw_conf_field *field)
{
    return field->min != 0 || field->max != 0;
}

static void add_range(struct rw_text *text, const struct rw_conf_field *field)
{
    char least[32], most[32];
    if (!limited(field))
        return;
    if (field->type == RW_CONF_DURATION)
        rw_text_addf(text, ", %s to %s", rw_conf_format_duration(least, (uint64_t)field->min),
                     rw_conf_format_duration(most, (uint64_t)field->max));
    else if (field->type == RW_CONF_SIZE)
        rw_text_addf(text, ", %s to %s", rw_conf_format_size(least, (uint64_t)field->min),
                     rw_conf_format_size(most, (uint64_t)field->max));
    else if (field->type == RW_CONF_UINT || field->type == RW_CONF_INT ||
             field->type == RW_CONF_NUMBER)
        rw_text_addf(text, ", %" PRId64 " to %" PRId64, field->min, field->max);
}

static void add_type(struct rw_text *text, const struct rw_conf_records *records,
                     const struct rw_conf_field *field)
{
    static const char *const names[] = {
        [RW_CONF_BOOL] = "`true`, `false`",
        [RW_CONF_UINT] = "number",
        [RW_CONF_INT] = "number",
        [RW_CONF_NUMBER] = "number",
        [RW_CONF_DURATION] = "duration",
        [RW_CONF_SIZE] = "size",
        [RW_CONF_TEXT] = "text",
        [RW_CONF_SECRET] = "secret",
        [RW_CONF_ADDRESS] = "address",
        [RW_CONF_CIDR] = "address range",
    };
    if (field->flags & RW_CONF_LIST)
        rw_text_adds(text, "list of ");
    if (field->flags & RW_CONF_MAP)
        rw_text_adds(text, "mapping of names to texts");
    else if (field->type == RW_CONF_RECORD)
        add_anchor(text, records, field->record);
    else if (field->type == RW_CONF_ENUM)
        add_enum(text, field);
    else
        rw_text_adds(text, names[field->type]);
    add_range(text, field);
}

static void add_default(struct rw_text *text, const struct rw_conf_field *field)
{
    bool always = field->flags & RW_CONF_ALWAYS && !(field->flags & RW_CONF_LIST);
    if (field->flags & RW_CONF_REQUIRED)
        rw_text_adds(text, "**required**");
    else if (field->fallback && *field->fallback)
        rw_text_addf(text, "`%s`", field->fallback);
    else if (field->fallback)
        rw_text_adds(text, "empty");
    else
        rw_text_adds(text, always ? "its defaults" : "none");
}

static void add_row(struct rw_text *text, const struct rw_conf_records *records,
                    const struct rw_conf_field *field)
{
    rw_text_addf(text, "| `%s` | ", field->name);
    add_type(text, records, field);
    rw_text_adds(text, " | ");
    add_default(text, field);
    rw_text_adds(text, " | ");
    add_cell(text, field->doc);
    if (field->example) {
        rw_text_adds(text, " Example: `");
        add_cell(text, field->example);
        rw_text_adds(text, "`");
    }
    rw_text_adds(text, " |\n");
}

/* ---- Sections ---- */

static void add_kinds(struct rw_text *text, const struct rw_conf_records *records,
                      const struct rw_conf_field *field)
{
    rw_text_addf(text, "\n%s\n\n| Key | Value | What it does |\n|---|---|---|\n",
                 field->doc ? field->doc : "");
    for (const struct rw_conf_variant_kind *const *kind = rw_conf_kinds(field); *kind; kind++) {
        rw_text_addf(text, "| `%s` | ", (*kind)->name);
        if ((*kind)->record)
            add_anchor(text, records, (*kind)->record);
        else
            rw_text_adds(text, "text");
        rw_text_adds(text, " | ");
        add_cell(text, (*kind)->doc);
        rw_text_adds(text, " |\n");
    }
}

static void add_section(struct rw_text *text, const struct rw_conf_records *records,
                        const struct rw_conf_record *record)
{
    char id[RW_CONF_RECORD_NAME_MAX];
    rw_text_addf(text, "\n<a id=\"%s\"></a>\n\n## %s\n\n%s\n",
                 rw_conf_record_id(records, record, id), record->name,
                 record->doc ? record->doc : "");
    bool begun = false;
    for (const struct rw_conf_field *field = record->fields; field->name; field++) {
        if (field->type == RW_CONF_VARIANT)
            continue;
        if (!begun)
            rw_text_adds(text, "\n| Key | Value | Default | What it does |\n|---|---|---|---|\n");
        begun = true;
        add_row(text, records, field);
    }
    for (const struct rw_conf_field *field = record->fields; field->name; field++)
        if (field->type == RW_CONF_VARIANT && *rw_conf_kinds(field))
            add_kinds(text, records, field);
}

void rw_conf_manual(const struct rw_conf_record *root, const struct rw_conf_preface *preface,
                    struct rw_text *text)
{
    struct rw_conf_records records;
    rw_conf_records(root, &records);
    rw_text_addf(
        text,
        "# %s\n\n<!-- Made from the tables of the program: `ringway schema` and the messages "
        "about mistakes come\nfrom the same ones. -->\n\n%s\n\n",
        preface->heading, preface->opening);
    rw_text_adds(text, introduction);
    rw_text_addf(text, "%s```\n", preface->smallest);
    for (size_t i = 0; i < records.count; i++)
        add_section(text, &records, records.items[i]);
    rw_text_adds(text,
                 "\n## A complete example\n\nEvery option with its default; what is absent by "
                 "default is a comment.\n\n```yaml\n");
    rw_conf_example(root, text);
    rw_text_adds(text, "```\n");
}
