/* Elements of a JMeter plan, and the texts in them. */
#include "load/import/jmeter_private.h"

#include <math.h>
#include <stdlib.h>

struct rw_span rw_jmeter_attribute(const xmlNode *node, const char *name)
{
    const xmlAttr *attr = node->properties;
    while (attr && strcmp((const char *)attr->name, name) != 0)
        attr = attr->next;
    const xmlNode *text = attr ? attr->children : NULL;
    return rw_span_text(text && text->content ? (const char *)text->content : "");
}

bool rw_jmeter_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

/* The text of an element: what libxml2 has in one node or several. */
struct rw_span rw_jmeter_text(struct rw_jmeter *jmeter, const xmlNode *node)
{
    struct rw_text text = {0};
    for (const xmlNode *part = node ? node->children : NULL; part; part = part->next)
        if ((part->type == XML_TEXT_NODE || part->type == XML_CDATA_SECTION_NODE) && part->content)
            rw_text_adds(&text, (const char *)part->content);
    struct rw_span copy =
        rw_draft_copy(jmeter->draft, text.at ? rw_text_span(&text) : RW_LITERAL(""));
    rw_text_free(&text);
    return copy;
}

const xmlNode *rw_jmeter_property(const xmlNode *node, const char *name)
{
    const xmlNode *child = node ? node->children : NULL;
    while (child && (child->type != XML_ELEMENT_NODE ||
                     !rw_span_is(rw_jmeter_attribute(child, "name"), name)))
        child = child->next;
    return child;
}

struct rw_span rw_jmeter_text_at(struct rw_jmeter *jmeter, const xmlNode *node, const char *name)
{
    return rw_span_trim(rw_jmeter_text(jmeter, rw_jmeter_property(node, name)));
}

/* "${__P(name,default)}" or __property(name,,default): the default; empty: it is none of them. */
static bool default_of(struct rw_span function, struct rw_span *value)
{
    bool is_p = rw_span_starts(function, RW_LITERAL("__P("));
    if ((!is_p && !rw_span_starts(function, RW_LITERAL("__property("))) ||
        !rw_span_ends(function, RW_LITERAL(")")))
        return false;
    struct rw_span rest = rw_span(function.at, function.len - 1), part;
    *value = RW_LITERAL("");
    for (unsigned i = 0; rw_span_next(&rest, ',', &part); i++)
        if (i == (is_p ? 1 : 2))
            *value = part;
    return value->len > 0;
}

struct rw_span rw_jmeter_settled(const struct rw_jmeter *jmeter, struct rw_span text)
{
    if (!rw_span_starts(text, RW_LITERAL("${")) ||
        rw_span_find(text, '}') != (ptrdiff_t)text.len - 1)
        return text;
    struct rw_span name = rw_span(text.at + 2, text.len - 3), value;
    const struct rw_draft_pair *known = rw_draft_find(&jmeter->draft->variables, name);
    if (known)
        return known->value;
    return default_of(name, &value) ? value : text;
}

double rw_jmeter_number_at(struct rw_jmeter *jmeter, const xmlNode *node, const char *name)
{
    struct rw_span text = rw_draft_copy(
        jmeter->draft, rw_jmeter_settled(jmeter, rw_jmeter_text_at(jmeter, node, name)));
    char *end;
    double number = strtod(text.at, &end); /* NUL-terminated */
    return text.len && isfinite(number) && number > 0 && number < 1e9 ? number : 0;
}

const xmlNode *rw_jmeter_next(const xmlNode *node)
{
    while (node && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

bool rw_jmeter_is_enabled(const xmlNode *node)
{
    return !rw_span_is(rw_jmeter_attribute(node, "enabled"), "false");
}

/* ---- Variables ---- */

bool rw_jmeter_is_variable(struct rw_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = rw_lower(name.at[i]);
        if (!(c >= 'a' && c <= 'z') && c != '_' && !(i && ((c >= '0' && c <= '9') || c == '-')))
            return false;
    }
    return name.len > 0 && !rw_span_starts(name, RW_LITERAL("__"));
}

/* What a function of JMeter's is here; NULL: there is nothing like it. */
static const char *function_of(struct rw_span name)
{
    static const char *const functions[][2] = {
        {"__UUID", "${uuid}"}, {"__UUID()", "${uuid}"}, {"__counter", "${iteration}"}};
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (rw_span_is(name, functions[i][0]))
            return functions[i][1];
    return rw_span_starts(name, RW_LITERAL("__counter(")) ? "${iteration}" : NULL;
}

static void put_variable(struct rw_jmeter *jmeter, struct rw_span name, struct rw_text *out)
{
    const char *function = function_of(name);
    struct rw_span usual;
    if (default_of(name, &usual)) {
        rw_text_add(out, rw_draft_plain(jmeter->draft, usual));
    } else if (rw_jmeter_is_variable(name)) {
        rw_text_addf(out, "${%.*s}", RW_SPAN_ARGS(name));
    } else if (function) {
        rw_text_adds(out, function);
    } else {
        rw_text_addf(out, "$${%.*s}", RW_SPAN_ARGS(name));
        rw_draft_note(jmeter->draft, "the function ${%.*s} stands as it is", RW_SPAN_ARGS(name));
    }
}

struct rw_span rw_jmeter_template(struct rw_jmeter *jmeter, struct rw_span text)
{
    struct rw_text out = {0};
    while (text.len) {
        ptrdiff_t end = rw_span_find(text, '}');
        if (rw_span_starts(text, RW_LITERAL("${")) && end > 0) {
            put_variable(jmeter, rw_span(text.at + 2, (size_t)end - 2), &out);
            text = rw_span_skip(text, (size_t)end + 1);
            continue;
        }
        if (text.at[0] == '$')
            rw_text_adds(&out, "$");
        rw_text_add(&out, rw_span(text.at, 1));
        text = rw_span_skip(text, 1);
    }
    struct rw_span copy =
        rw_draft_copy(jmeter->draft, out.at ? rw_text_span(&out) : RW_LITERAL(""));
    rw_text_free(&out);
    return copy;
}

struct rw_span rw_jmeter_template_at(struct rw_jmeter *jmeter, const xmlNode *node,
                                     const char *name)
{
    return rw_jmeter_template(jmeter, rw_jmeter_text_at(jmeter, node, name));
}
