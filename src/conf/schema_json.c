/* The tables as a JSON Schema (draft 2020-12): strict, and as exact as such a schema can be. Where
 * the reader takes a text for a number (in quotes, or from the environment) the schema does too. */
#include "conf/decode.h"
#include "conf/records.h"

#include <inttypes.h>

#define VARIABLE "\\\\$\\\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\\\}"
#define ENVIRONMENT "{\"$ref\": \"#/$defs/environment\"}"

struct schema {
    struct rw_text *text;
    struct rw_conf_records records;
    unsigned depth;
    bool fresh; /* nothing yet since the last opening bracket */
};

/* ---- JSON, one member a line ---- */

static void new_line(struct schema *schema)
{
    rw_text_addf(schema->text, "\n%*s", (int)schema->depth * 2, "");
}

static void next(struct schema *schema)
{
    if (!schema->fresh)
        rw_text_adds(schema->text, ",");
    schema->fresh = false;
    new_line(schema);
}

static void open(struct schema *schema, const char *bracket)
{
    rw_text_adds(schema->text, bracket);
    schema->depth++;
    schema->fresh = true;
}

static void shut(struct schema *schema, const char *bracket)
{
    schema->depth--;
    if (!schema->fresh)
        new_line(schema);
    schema->fresh = false;
    rw_text_adds(schema->text, bracket);
}

static void key(struct schema *schema, const char *name)
{
    next(schema);
    rw_text_add_json(schema->text, rw_span_text(name));
    rw_text_adds(schema->text, ": ");
}

static void member_text(struct schema *schema, const char *name, const char *value)
{
    key(schema, name);
    rw_text_add_json(schema->text, rw_span_text(value));
}

/* `json` stands for itself. */
static void member(struct schema *schema, const char *name, const char *json)
{
    key(schema, name);
    rw_text_adds(schema->text, json);
}

/* One alternative of an "anyOf". */
#define ALTERNATIVE(schema, ...)                                                                   \
    do {                                                                                           \
        next(schema);                                                                              \
        rw_text_addf((schema)->text, __VA_ARGS__);                                                 \
    } while (0)

/* ---- Single values ---- */

static bool limited(const struct rw_conf_field *field)
{
    return field->min != 0 || field->max != 0;
}

static void add_number(struct schema *schema, const struct rw_conf_field *field)
{
    bool is_signed = field->type == RW_CONF_INT;
    int64_t min = is_signed ? INT32_MIN : 0, max = is_signed ? INT32_MAX : UINT32_MAX;
    if (field->type == RW_CONF_SIZE)
        max = INT64_MAX;
    if (limited(field)) {
        min = field->min;
        max = field->max;
    }
    ALTERNATIVE(schema,
                "{\"type\": \"integer\", \"minimum\": %" PRId64 ", \"maximum\": %" PRId64 "}", min,
                max);
    ALTERNATIVE(schema, "{\"type\": \"string\", \"pattern\": \"%s\"}",
                field->type == RW_CONF_SIZE
                    ? "^[0-9]+(\\\\.[0-9]+)?(B|KB|KiB|MB|MiB|GB|GiB|TB|TiB)?$"
                : min < 0 ? "^-?[0-9]+$"
                          : "^[0-9]+$");
}

static void add_decimal(struct schema *schema, const struct rw_conf_field *field)
{
    next(schema);
    rw_text_addf(schema->text, "{\"type\": \"number\", \"minimum\": %" PRId64, field->min);
    if (limited(field))
        rw_text_addf(schema->text, ", \"maximum\": %" PRId64, field->max);
    rw_text_adds(schema->text, "}");
    ALTERNATIVE(schema, "{\"type\": \"string\", \"pattern\": \"%s\"}",
                field->min < 0 ? "^-?[0-9]+(\\\\.[0-9]+)?$" : "^[0-9]+(\\\\.[0-9]+)?$");
}

static void add_text(struct schema *schema, const struct rw_conf_field *field)
{
    next(schema);
    rw_text_adds(schema->text, "{\"type\": [\"string\", \"number\", \"boolean\"]");
    /* Lengths count bytes, the schema's count characters: these are the bounds that hold for both.
     */
    if (field->max > 0 && field->min > 0)
        rw_text_adds(schema->text, ", \"minLength\": 1");
    if (field->max > 0)
        rw_text_addf(schema->text, ", \"maxLength\": %" PRId64, field->max);
    rw_text_adds(schema->text, "}");
}

static bool is_number(struct rw_span text)
{
    ptrdiff_t dot = rw_span_find(text, '.');
    uint64_t value;
    if (dot < 0)
        return rw_span_to_u64(text, &value) && (text.len == 1 || text.at[0] != '0');
    return is_number(rw_span(text.at, (size_t)dot)) &&
           rw_span_to_u64(rw_span_skip(text, (size_t)dot + 1), &value);
}

static void add_enum(struct schema *schema, const struct rw_conf_field *field)
{
    next(schema);
    rw_text_adds(schema->text, "{\"enum\": [");
    for (size_t i = 0; field->names[i]; i++) {
        struct rw_span name = rw_span_text(field->names[i]);
        rw_text_adds(schema->text, i ? ", " : "");
        rw_text_add_json(schema->text, name);
        /* Without quotes YAML makes a number of "1.2". */
        if (is_number(name))
            rw_text_addf(schema->text, ", %s", field->names[i]);
    }
    rw_text_adds(schema->text, "]}");
}

static const char *address_pattern(const struct rw_conf_field *field)
{
    if (field->flags & RW_CONF_REMOTE)
        return "^unix:[/@].+$|^srv:[A-Za-z0-9._-]+$|"
               "^([A-Za-z0-9._-]+|\\\\[[0-9A-Fa-f:.]+\\\\]):[0-9]{1,5}$";
    return "^unix:[/@].+$|^(\\\\*|[0-9.]+|\\\\[[0-9A-Fa-f:.]+\\\\])?:[0-9]{1,5}$";
}

/* The alternatives for one value that is neither record nor variant. */
static void add_scalar(struct schema *schema, const struct rw_conf_field *field)
{
    switch (field->type) {
    case RW_CONF_BOOL:
        ALTERNATIVE(schema, "{\"type\": \"boolean\"}");
        ALTERNATIVE(schema, "{\"enum\": [\"true\", \"True\", \"TRUE\", \"false\", \"False\", "
                            "\"FALSE\"]}");
        break;
    case RW_CONF_UINT:
    case RW_CONF_INT:
    case RW_CONF_SIZE:
        add_number(schema, field);
        break;
    case RW_CONF_NUMBER:
        add_decimal(schema, field);
        break;
    case RW_CONF_DURATION:
        ALTERNATIVE(schema, "{\"type\": \"string\", \"pattern\": "
                            "\"^[0-9]+(\\\\.[0-9]+)?(ms|s|m|h|d)$\"}");
        break;
    case RW_CONF_ENUM:
        add_enum(schema, field);
        break;
    case RW_CONF_ADDRESS:
        ALTERNATIVE(schema, "{\"type\": \"string\", \"pattern\": \"%s\"}", address_pattern(field));
        break;
    case RW_CONF_CIDR:
        ALTERNATIVE(schema, "{\"type\": \"string\", \"pattern\": "
                            "\"^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$\"}");
        break;
    default:
        add_text(schema, field);
        break;
    }
    ALTERNATIVE(schema, ENVIRONMENT);
}

static void add_reference(struct schema *schema, const struct rw_conf_record *record)
{
    char id[RW_CONF_RECORD_NAME_MAX];
    ALTERNATIVE(schema, "{\"$ref\": \"#/$defs/%s\"}",
                rw_conf_record_id(&schema->records, record, id));
}

static void add_alternatives(struct schema *schema, const struct rw_conf_field *field)
{
    if (field->type == RW_CONF_RECORD)
        add_reference(schema, field->record);
    else
        add_scalar(schema, field);
}

/* ---- Fields ---- */

static void add_array(struct schema *schema, const struct rw_conf_field *field)
{
    next(schema);
    open(schema, "{");
    member_text(schema, "type", "array");
    if (field->flags & RW_CONF_REQUIRED && !(field->flags & RW_CONF_MAY_BE_EMPTY))
        member(schema, "minItems", "1");
    key(schema, "items");
    open(schema, "{");
    key(schema, "anyOf");
    open(schema, "[");
    add_alternatives(schema, field);
    shut(schema, "]");
    shut(schema, "}");
    shut(schema, "}");
}

static void add_map(struct schema *schema, const struct rw_conf_field *field)
{
    next(schema);
    open(schema, "{");
    member_text(schema, "type", "object");
    key(schema, "maxProperties");
    rw_text_addf(schema->text, "%d", RW_CONF_PAIRS_MAX);
    member(schema, "propertyNames", "{\"minLength\": 1}");
    key(schema, "additionalProperties");
    open(schema, "{");
    key(schema, "anyOf");
    open(schema, "[");
    add_scalar(schema, field);
    shut(schema, "]");
    shut(schema, "}");
    shut(schema, "}");
}

static void add_default_list(struct schema *schema, struct rw_span list)
{
    struct rw_span rest = rw_span(list.at + 1, list.len - 2), element;
    rw_text_adds(schema->text, "[");
    for (bool first = true; rw_span_next(&rest, ',', &element); first = false) {
        rw_text_adds(schema->text, first ? "" : ", ");
        rw_text_add_json(schema->text, element);
    }
    rw_text_adds(schema->text, "]");
}

static void add_default(struct schema *schema, const struct rw_conf_field *field)
{
    struct rw_span text = rw_span_text(field->fallback);
    bool bare = field->type == RW_CONF_BOOL || field->type == RW_CONF_UINT ||
                field->type == RW_CONF_INT || field->type == RW_CONF_NUMBER;
    key(schema, "default");
    if (text.len > 1 && text.at[0] == '[')
        add_default_list(schema, text);
    else if (bare)
        rw_text_add(schema->text, text);
    else
        rw_text_add_json(schema->text, text);
}

static bool takes_null(const struct rw_conf_field *field)
{
    if (field->flags & RW_CONF_REQUIRED)
        return false;
    return field->type != RW_CONF_RECORD || field->flags & (RW_CONF_ALWAYS | RW_CONF_LIST);
}

static void add_field(struct schema *schema, const struct rw_conf_field *field)
{
    key(schema, field->name);
    open(schema, "{");
    if (field->doc)
        member_text(schema, "description", field->doc);
    if (field->fallback)
        add_default(schema, field);
    key(schema, "anyOf");
    open(schema, "[");
    if (field->flags & RW_CONF_MAP)
        add_map(schema, field);
    else
        add_alternatives(schema, field);
    if (field->flags & RW_CONF_LIST)
        add_array(schema, field);
    if (takes_null(field))
        ALTERNATIVE(schema, "{\"type\": \"null\"}");
    shut(schema, "]");
    shut(schema, "}");
}

/* ---- Variants ---- */

static void add_kind(struct schema *schema, const struct rw_conf_variant_kind *kind)
{
    static const struct rw_conf_field text = {.type = RW_CONF_TEXT, .min = 1, .max = 1 << 20};
    key(schema, kind->name);
    open(schema, "{");
    if (kind->doc)
        member_text(schema, "description", kind->doc);
    key(schema, "anyOf");
    open(schema, "[");
    if (kind->record) {
        add_reference(schema, kind->record);
        ALTERNATIVE(schema, "{\"type\": \"null\"}");
    } else {
        add_scalar(schema, &text);
    }
    shut(schema, "]");
    shut(schema, "}");
}

/* Exactly one of the kinds, or none where the field is optional. */
static void add_exactly_one(struct schema *schema, const struct rw_conf_field *field)
{
    const struct rw_conf_variant_kind *const *kinds = rw_conf_kinds(field);
    bool required = field->flags & RW_CONF_REQUIRED;
    if (!*kinds) {
        if (required)
            ALTERNATIVE(schema, "false");
        return;
    }
    next(schema);
    open(schema, "{");
    key(schema, "oneOf");
    open(schema, "[");
    for (const struct rw_conf_variant_kind *const *kind = kinds; *kind; kind++)
        ALTERNATIVE(schema, "{\"required\": [\"%s\"]}", (*kind)->name);
    if (!required) {
        next(schema);
        rw_text_adds(schema->text, "{\"not\": {\"anyOf\": [");
        for (const struct rw_conf_variant_kind *const *kind = kinds; *kind; kind++)
            rw_text_addf(schema->text, "%s{\"required\": [\"%s\"]}", kind == kinds ? "" : ", ",
                         (*kind)->name);
        rw_text_adds(schema->text, "]}}");
    }
    shut(schema, "]");
    shut(schema, "}");
}

/* ---- Records ---- */

static void add_properties(struct schema *schema, const struct rw_conf_record *record)
{
    key(schema, "properties");
    open(schema, "{");
    for (const struct rw_conf_field *field = record->fields; field->name; field++) {
        if (field->type != RW_CONF_VARIANT)
            add_field(schema, field);
        else
            for (const struct rw_conf_variant_kind *const *kind = rw_conf_kinds(field); *kind;
                 kind++)
                add_kind(schema, *kind);
    }
    shut(schema, "}");
}

static void add_required(struct schema *schema, const struct rw_conf_record *record)
{
    bool any = false, variants = false;
    for (const struct rw_conf_field *field = record->fields; field->name; field++) {
        any |= field->type != RW_CONF_VARIANT && field->flags & RW_CONF_REQUIRED;
        variants |= field->type == RW_CONF_VARIANT &&
                    (field->flags & RW_CONF_REQUIRED || *rw_conf_kinds(field));
    }
    if (any) {
        key(schema, "required");
        open(schema, "[");
        for (const struct rw_conf_field *field = record->fields; field->name; field++)
            if (field->type != RW_CONF_VARIANT && field->flags & RW_CONF_REQUIRED)
                ALTERNATIVE(schema, "\"%s\"", field->name);
        shut(schema, "]");
    }
    if (variants) {
        key(schema, "allOf");
        open(schema, "[");
        for (const struct rw_conf_field *field = record->fields; field->name; field++)
            if (field->type == RW_CONF_VARIANT)
                add_exactly_one(schema, field);
        shut(schema, "]");
    }
}

static void add_object(struct schema *schema, const struct rw_conf_record *record)
{
    member_text(schema, "type", "object");
    add_properties(schema, record);
    add_required(schema, record);
    member(schema, "additionalProperties", "false");
}

static void add_definition(struct schema *schema, const struct rw_conf_record *record)
{
    char id[RW_CONF_RECORD_NAME_MAX];
    key(schema, rw_conf_record_id(&schema->records, record, id));
    open(schema, "{");
    if (record->doc)
        member_text(schema, "description", record->doc);
    if (!record->scalar_field) {
        add_object(schema, record);
        shut(schema, "}");
        return;
    }
    key(schema, "anyOf");
    open(schema, "[");
    next(schema);
    open(schema, "{");
    add_object(schema, record);
    shut(schema, "}");
    add_scalar(schema, rw_conf_find_field(record, rw_span_text(record->scalar_field)));
    shut(schema, "]");
    shut(schema, "}");
}

void rw_conf_schema_json(const struct rw_conf_record *root, const char *title, struct rw_text *text)
{
    struct schema schema = {.text = text};
    rw_conf_records(root, &schema.records);
    open(&schema, "{");
    member_text(&schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
    member_text(&schema, "title", title);
    if (root->doc)
        member_text(&schema, "description", root->doc);
    add_object(&schema, root);
    member(&schema, "patternProperties", "{\"^x-\": true}");
    key(&schema, "$defs");
    open(&schema, "{");
    member(&schema, "environment", "{\"type\": \"string\", \"pattern\": \"" VARIABLE "\"}");
    for (size_t i = 1; i < schema.records.count; i++)
        add_definition(&schema, schema.records.items[i]);
    shut(&schema, "}");
    shut(&schema, "}");
    rw_text_adds(text, "\n");
}
