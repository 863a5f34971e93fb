/* The tables as one YAML file with every option. What has a default shows it; what is absent by
 * default is a comment. */
#include "conf/decode.h"

enum { COLUMNS = 92, LEVELS_MAX = 32 };

struct example {
    struct rw_text *text;
    int indent;
    /* Inside so many parts that are comments: the columns of their "#". */
    unsigned commented;
    int columns[LEVELS_MAX];
};

static void begin_line(struct example *example)
{
    int column = 0;
    for (unsigned i = 0; i < example->commented; i++) {
        rw_text_addf(example->text, "%*s# ", example->columns[i] - column, "");
        column = example->columns[i];
    }
    rw_text_addf(example->text, "%*s", example->indent - column, "");
}

static void begin_comment(struct example *example, bool comment)
{
    rw_assert(example->commented < LEVELS_MAX);
    if (comment)
        example->columns[example->commented++] = example->indent;
}

static void end_comment(struct example *example, bool comment)
{
    example->commented -= comment;
}

/* A comment, broken at blanks. */
static void add_comment(struct example *example, const char *doc)
{
    struct rw_span rest = rw_span_text(doc);
    size_t room = (size_t)(COLUMNS - example->indent);
    while (rest.len) {
        size_t cut = rest.len;
        if (cut > room) {
            for (cut = room; cut > 0 && rest.at[cut] != ' ';)
                cut--;
            cut = cut ? cut : rest.len;
        }
        begin_line(example);
        rw_text_addf(example->text, "# %.*s\n", (int)cut, rest.at);
        rest = rw_span_skip(rest, cut < rest.len ? cut + 1 : cut);
    }
}

static bool is_plain(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = rw_lower(text.at[i]);
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '/';
        if (!word && !(i > 0 && strchr("-.+", c)))
            return false;
    }
    return text.len > 0 && !rw_span_is(text, "null") && !rw_span_is(text, "true") &&
           !rw_span_is(text, "false");
}

/* As it stands in a file already. */
static bool is_quoted(struct rw_span text)
{
    return text.len >= 2 && (text.at[0] == '"' || text.at[0] == '\'') &&
           text.at[text.len - 1] == text.at[0];
}

static void add_text(struct example *example, const char *value)
{
    struct rw_span text = rw_span_text(value);
    if (is_plain(text) || is_quoted(text))
        rw_text_add(example->text, text);
    else
        rw_text_add_json(example->text, text);
    rw_text_adds(example->text, "\n");
}

static void add_value(struct example *example, const struct rw_conf_field *field, const char *value)
{
    bool text = field->type == RW_CONF_TEXT || field->type == RW_CONF_SECRET ||
                field->type == RW_CONF_ADDRESS || field->type == RW_CONF_CIDR;
    if (text && !(field->flags & (RW_CONF_LIST | RW_CONF_MAP)))
        add_text(example, value);
    else
        rw_text_addf(example->text, "%s\n", value);
}

static void add_key(struct example *example, const char *name, const char *after)
{
    begin_line(example);
    rw_text_addf(example->text, "%s:%s", name, after);
}

static void add_record(struct example *example, const struct rw_conf_record *record);

static void add_nested(struct example *example, const struct rw_conf_record *record, bool list)
{
    example->indent += 2;
    if (list) {
        begin_line(example);
        rw_text_adds(example->text, "-\n");
        example->indent += 2;
    }
    add_record(example, record);
    example->indent -= list ? 4 : 2;
}

static bool is_shown(const struct rw_conf_field *field)
{
    bool always = field->flags & (RW_CONF_REQUIRED | RW_CONF_ALWAYS | RW_CONF_UNIQUE);
    return always || field->fallback;
}

static void add_kind(struct example *example, const struct rw_conf_variant_kind *kind)
{
    if (kind->doc)
        add_comment(example, kind->doc);
    bool record = kind->record && kind->record->fields[0].name;
    add_key(example, kind->name, !kind->record ? " " : record ? "\n" : " {}\n");
    if (!kind->record)
        add_text(example, kind->example ? kind->example : "app");
    else if (record)
        add_nested(example, kind->record, false);
}

/* The first kind is there, the others are comments. */
static void add_variant(struct example *example, const struct rw_conf_field *field)
{
    for (const struct rw_conf_variant_kind *const *kind = rw_conf_kinds(field); *kind; kind++) {
        bool comment = !(field->flags & RW_CONF_REQUIRED) || kind != rw_conf_kinds(field);
        begin_comment(example, comment);
        add_kind(example, *kind);
        end_comment(example, comment);
    }
}

static bool can_be_filled(const struct rw_conf_record *record)
{
    for (const struct rw_conf_field *field = record->fields; field->name; field++)
        if (field->type == RW_CONF_VARIANT && field->flags & RW_CONF_REQUIRED &&
            !*rw_conf_kinds(field))
            return false;
    return true;
}

static void add_field(struct example *example, const struct rw_conf_field *field)
{
    const char *value = field->fallback ? field->fallback : field->example;
    bool record = field->type == RW_CONF_RECORD;
    if (field->doc)
        add_comment(example, field->doc);
    bool comment = !is_shown(field) || (record && !can_be_filled(field->record));
    begin_comment(example, comment);
    if (record) {
        add_key(example, field->name, "\n");
        add_nested(example, field->record, field->flags & RW_CONF_LIST);
    } else {
        add_key(example, field->name, " ");
        add_value(example, field, value ? value : "\"\"");
    }
    end_comment(example, comment);
}

static void add_record(struct example *example, const struct rw_conf_record *record)
{
    /* A mapping whose options are all comments would be nothing at all. */
    bool empty = true;
    for (const struct rw_conf_field *field = record->fields; field->name; field++)
        empty &= !is_shown(field);
    if (empty) {
        begin_line(example);
        rw_text_adds(example->text, "{}\n");
    }
    for (const struct rw_conf_field *field = record->fields; field->name; field++)
        if (field->type == RW_CONF_VARIANT)
            add_variant(example, field);
        else
            add_field(example, field);
}

void rw_conf_example(const struct rw_conf_record *root, struct rw_text *text)
{
    struct example example = {.text = text};
    add_record(&example, root);
}
