/* A JMeter plan (.jmx): thread groups become scenarios, HTTP samplers their steps, in the order of
 * the plan. Elements are followed by the tree of what stands below them. */
#include "load/import/import.h"

#include "base/alloc.h"
#include "http/message.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEPTH_MAX = 64, THINK_MS_MAX = 3600 * 1000 };

/* What holds for all that stands below: as deep in the plan as there are lists of fields. */
struct scope {
    const struct scope *outer;
    const xmlNode *tree; /* its extractors and assertions are about every sampler in it */
    struct rw_draft_pairs headers;
    const xmlNode *defaults;                /* HTTP Request Defaults */
    uint32_t think_ms_least, think_ms_most; /* all timers one after the other */
};

struct jmeter {
    struct rw_draft *draft;
    struct rw_draft_scenario *scenario; /* NULL: outside of a thread group */
    struct rw_draft_step *step;         /* the last sampler: what stands below it is about it */
};

/* ---- Elements ---- */

static struct rw_span attribute(const xmlNode *node, const char *name)
{
    const xmlAttr *attr = node->properties;
    while (attr && strcmp((const char *)attr->name, name) != 0)
        attr = attr->next;
    const xmlNode *text = attr ? attr->children : NULL;
    return rw_span_text(text && text->content ? (const char *)text->content : "");
}

static bool is_named(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

/* The text of an element: what libxml2 has in one node or several. */
static struct rw_span text_of(struct jmeter *jmeter, const xmlNode *node)
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

/* The child whose `name` is this, of any type: stringProp, boolProp, collectionProp ... */
static const xmlNode *property(const xmlNode *node, const char *name)
{
    const xmlNode *child = node ? node->children : NULL;
    while (child &&
           (child->type != XML_ELEMENT_NODE || !rw_span_is(attribute(child, "name"), name)))
        child = child->next;
    return child;
}

static struct rw_span text_at(struct jmeter *jmeter, const xmlNode *node, const char *name)
{
    return rw_span_trim(text_of(jmeter, property(node, name)));
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

/* What all of a text is, if it is one user's variable or property: its value. */
static struct rw_span settled(const struct jmeter *jmeter, struct rw_span text)
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

static double number_at(struct jmeter *jmeter, const xmlNode *node, const char *name)
{
    struct rw_span text =
        rw_draft_copy(jmeter->draft, settled(jmeter, text_at(jmeter, node, name)));
    char *end;
    double number = strtod(text.at, &end); /* NUL-terminated */
    return text.len && isfinite(number) && number > 0 && number < 1e9 ? number : 0;
}

static const xmlNode *next_element(const xmlNode *node)
{
    while (node && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

/* ---- Variables ---- */

static bool is_variable(struct rw_span name)
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

static void put_variable(struct jmeter *jmeter, struct rw_span name, struct rw_text *out)
{
    const char *function = function_of(name);
    struct rw_span usual;
    if (default_of(name, &usual)) {
        rw_text_add(out, rw_draft_plain(jmeter->draft, usual));
    } else if (is_variable(name)) {
        rw_text_addf(out, "${%.*s}", RW_SPAN_ARGS(name));
    } else if (function) {
        rw_text_adds(out, function);
    } else {
        rw_text_addf(out, "$${%.*s}", RW_SPAN_ARGS(name));
        rw_draft_note(jmeter->draft, "the function ${%.*s} stands as it is", RW_SPAN_ARGS(name));
    }
}

/* JMeter writes variables as we do; dollars that are none are doubled. */
static struct rw_span template_of(struct jmeter *jmeter, struct rw_span text)
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

static struct rw_span template_at(struct jmeter *jmeter, const xmlNode *node, const char *name)
{
    return template_of(jmeter, text_at(jmeter, node, name));
}

static void take_user_variables(struct jmeter *jmeter, const xmlNode *node)
{
    const xmlNode *list = property(node, "Arguments.arguments");
    for (const xmlNode *item = next_element(list ? list->children : NULL); item;
         item = next_element(item->next)) {
        struct rw_span name = text_at(jmeter, item, "Argument.name");
        struct rw_span value = settled(jmeter, text_at(jmeter, item, "Argument.value"));
        if (!is_variable(name) || rw_draft_find(&jmeter->draft->variables, name))
            continue;
        if (memmem(value.at, value.len, "${", 2)) {
            rw_draft_note(jmeter->draft, "the variable %.*s is made of others: %.*s",
                          RW_SPAN_ARGS(name), RW_SPAN_ARGS(value));
            value = rw_draft_plain(jmeter->draft, value);
        }
        rw_draft_add_pair(jmeter->draft, &jmeter->draft->variables, name, value);
    }
}

/* ---- Samplers ---- */

static struct rw_span encode(struct jmeter *jmeter, struct rw_span text)
{
    struct rw_text out = {0};
    bool inside = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        inside = inside || (c == '$' && i + 1 < text.len && text.at[i + 1] == '{');
        bool plain = (rw_lower(c) >= 'a' && rw_lower(c) <= 'z') || (c >= '0' && c <= '9') ||
                     memchr("-._~", c, 4);
        if (inside && c == '}')
            rw_text_adds(&out, "|url}");
        else if (inside || plain)
            rw_text_add(&out, rw_span(&c, 1));
        else
            rw_text_addf(&out, "%%%02X", (unsigned)(uint8_t)c);
        inside = inside && c != '}';
    }
    struct rw_span copy =
        rw_draft_copy(jmeter->draft, out.at ? rw_text_span(&out) : RW_LITERAL(""));
    rw_text_free(&out);
    return copy;
}

/* The sampler's own, or what the defaults around it say. */
static struct rw_span text_or_default(struct jmeter *jmeter, const xmlNode *node,
                                      const struct scope *scope, const char *name)
{
    struct rw_span text = text_at(jmeter, node, name);
    for (; !text.len && scope; scope = scope->outer)
        if (scope->defaults)
            text = text_at(jmeter, scope->defaults, name);
    return text;
}

static void take_target(struct jmeter *jmeter, const xmlNode *node, const struct scope *scope)
{
    struct rw_draft *draft = jmeter->draft;
    struct rw_span protocol =
        settled(jmeter, text_or_default(jmeter, node, scope, "HTTPSampler.protocol"));
    struct rw_span host =
        settled(jmeter, text_or_default(jmeter, node, scope, "HTTPSampler.domain"));
    struct rw_span port = settled(jmeter, text_or_default(jmeter, node, scope, "HTTPSampler.port"));
    struct rw_span target = rw_draft_format(
        draft, "%.*s://%.*s%s%.*s", RW_SPAN_ARGS(protocol.len ? protocol : RW_LITERAL("http")),
        RW_SPAN_ARGS(host.len ? host : RW_LITERAL("localhost")), port.len ? ":" : "",
        RW_SPAN_ARGS(port));
    if (!draft->target.len) {
        draft->target = target;
        if (!host.len || rw_span_find(host, '$') >= 0)
            rw_draft_note(draft, "the host of the target is not known: --target gives it");
    } else if (!rw_span_eq(draft->target, target)) {
        rw_draft_note(draft, "%.*s asks %.*s, not the target", RW_SPAN_ARGS(jmeter->step->name),
                      RW_SPAN_ARGS(target));
    }
}

/* Arguments are a query, a form, or, where they are to be sent as they are, the body. */
static void take_arguments(struct jmeter *jmeter, const xmlNode *node, struct rw_draft_step *step)
{
    bool raw = rw_span_is(text_at(jmeter, node, "HTTPSampler.postBodyRaw"), "true");
    bool in_body = !rw_span_is(step->method, "GET") && !rw_span_is(step->method, "HEAD") &&
                   !rw_span_is(step->method, "DELETE");
    const xmlNode *list = property(property(node, "HTTPsampler.Arguments"), "Arguments.arguments");
    struct rw_text form = {0};
    for (const xmlNode *item = next_element(list ? list->children : NULL); item;
         item = next_element(item->next)) {
        struct rw_span name = template_at(jmeter, item, "Argument.name");
        struct rw_span value = template_at(jmeter, item, "Argument.value");
        if (raw)
            rw_text_add(&form, value);
        else
            rw_text_addf(&form, "%s%.*s=%.*s", form.len ? "&" : "",
                         RW_SPAN_ARGS(encode(jmeter, name)), RW_SPAN_ARGS(encode(jmeter, value)));
    }
    if (form.len && (raw || in_body))
        step->body = rw_draft_copy(jmeter->draft, rw_text_span(&form));
    else if (form.len)
        step->path = rw_draft_format(jmeter->draft, "%.*s%s%.*s", RW_SPAN_ARGS(step->path),
                                     rw_span_find(step->path, '?') < 0 ? "?" : "&",
                                     RW_SPAN_ARGS(rw_text_span(&form)));
    if (form.len && in_body && !raw)
        rw_draft_add_pair(jmeter->draft, &step->headers, RW_LITERAL("Content-Type"),
                          RW_LITERAL("application/x-www-form-urlencoded"));
    rw_text_free(&form);
}

static void take_sampler(struct jmeter *jmeter, const xmlNode *node, const struct scope *scope)
{
    struct rw_draft_step *step = rw_draft_add_step(jmeter->draft, jmeter->scenario);
    jmeter->step = step;
    if (!step)
        return;
    struct rw_span path =
        template_of(jmeter, text_or_default(jmeter, node, scope, "HTTPSampler.path"));
    struct rw_span method = text_at(jmeter, node, "HTTPSampler.method");
    struct rw_span name = attribute(node, "testname");
    step->name = rw_draft_copy(jmeter->draft, rw_span(name.at, name.len < 100 ? name.len : 100));
    step->method = rw_is_token(method) ? method : RW_LITERAL("GET");
    bool whole = path.len && (path.at[0] == '/' || rw_span_starts(path, RW_LITERAL("${")));
    step->path = whole ? path : rw_draft_format(jmeter->draft, "/%.*s", RW_SPAN_ARGS(path));
    take_target(jmeter, node, scope);
    take_arguments(jmeter, node, step);
}

/* ---- What stands around and below samplers ---- */

static void take_headers(struct jmeter *jmeter, const xmlNode *node, struct scope *scope)
{
    const xmlNode *list = property(node, "HeaderManager.headers");
    for (const xmlNode *item = next_element(list ? list->children : NULL); item;
         item = next_element(item->next)) {
        struct rw_span name = text_at(jmeter, item, "Header.name");
        if (rw_is_token(name) && !rw_draft_passes_over(name))
            rw_draft_add_pair(jmeter->draft, &scope->headers, name,
                              template_at(jmeter, item, "Header.value"));
    }
}

static void take_timer(struct jmeter *jmeter, const xmlNode *node, struct scope *scope)
{
    double delay = number_at(jmeter, node, "ConstantTimer.delay");
    double range = number_at(jmeter, node, "RandomTimer.range");
    if (strncmp((const char *)node->name, "Gaussian", 8) == 0) {
        rw_draft_note(jmeter->draft,
                      "a Gaussian timer became one that is even over two deviations");
        delay = delay > range ? delay - range : 0;
        range *= 2;
    }
    delay = fmin(fmax(delay, 0), THINK_MS_MAX);
    range = fmin(fmax(range, 0), THINK_MS_MAX);
    scope->think_ms_least += (uint32_t)delay;
    scope->think_ms_most += (uint32_t)(delay + range);
}

static void take_csv(struct jmeter *jmeter, const xmlNode *node)
{
    struct rw_draft *draft = jmeter->draft;
    struct rw_span delimiter = text_at(jmeter, node, "delimiter");
    struct rw_span file = text_at(jmeter, node, "filename");
    rw_draft_add_data(draft, file, text_at(jmeter, node, "variableNames"),
                      rw_span_is(text_at(jmeter, node, "recycle"), "false"));
    if (delimiter.len && !rw_span_is(delimiter, ","))
        rw_draft_note(draft, "%.*s: its fields are parted by %.*s, here they must be by commas",
                      RW_SPAN_ARGS(file), RW_SPAN_ARGS(delimiter));
}

/* What a scenario's capture does not have. */
static bool is_capturable(struct jmeter *jmeter, const xmlNode *node, const char *kind)
{
    struct rw_span name = rw_draft_format(jmeter->draft, "%s.refname", kind);
    struct rw_span headers = rw_draft_format(jmeter->draft, "%s.useHeaders", kind);
    struct rw_span template = text_at(jmeter, node, "RegexExtractor.template");
    struct rw_span where = text_at(jmeter, node, headers.at);
    bool plain = (!where.len || rw_span_is(where, "false")) &&
                 (!template.len || rw_span_is(template, "$1$")) &&
                 is_variable(text_at(jmeter, node, name.at));
    if (!plain)
        rw_draft_note(jmeter->draft, "the value %.*s of %.*s is not captured",
                      RW_SPAN_ARGS(text_at(jmeter, node, name.at)),
                      RW_SPAN_ARGS(jmeter->step->name));
    return plain;
}

static void add_capture(struct jmeter *jmeter, struct rw_span name, struct rw_span regex)
{
    rw_draft_add_line(jmeter->draft, &jmeter->step->captures, "as: %.*s, regex: %.*s",
                      RW_SPAN_ARGS(name), RW_SPAN_ARGS(rw_draft_quoted(jmeter->draft, regex)));
}

static void take_regex(struct jmeter *jmeter, const xmlNode *node)
{
    if (is_capturable(jmeter, node, "RegexExtractor"))
        add_capture(jmeter, text_at(jmeter, node, "RegexExtractor.refname"),
                    text_at(jmeter, node, "RegexExtractor.regex"));
}

static void take_boundaries(struct jmeter *jmeter, const xmlNode *node)
{
    struct rw_span left = text_at(jmeter, node, "BoundaryExtractor.lboundary");
    struct rw_span right = text_at(jmeter, node, "BoundaryExtractor.rboundary");
    if (is_capturable(jmeter, node, "BoundaryExtractor"))
        add_capture(jmeter, text_at(jmeter, node, "BoundaryExtractor.refname"),
                    rw_draft_format(jmeter->draft, "(?s)\\Q%.*s\\E(.*?)\\Q%.*s\\E",
                                    RW_SPAN_ARGS(left), RW_SPAN_ARGS(right)));
}

/* "$.items[0].id" as "/items/0/id"; empty: it is more than a way down. */
static struct rw_span pointer_of(struct jmeter *jmeter, struct rw_span path)
{
    struct rw_text out = {0};
    bool plain = path.len > 1 && path.at[0] == '$';
    for (size_t i = 1; plain && i < path.len; i++) {
        char c = path.at[i];
        plain =
            !memchr("*?@()'\"/~", c, 9) && !(c == '.' && i + 1 < path.len && path.at[i + 1] == '.');
        if (c == '.' || c == '[')
            rw_text_adds(&out, "/");
        else if (c != ']')
            rw_text_add(&out, rw_span(&c, 1));
    }
    struct rw_span copy =
        rw_draft_copy(jmeter->draft, plain && out.at ? rw_text_span(&out) : RW_LITERAL(""));
    rw_text_free(&out);
    return copy;
}

static void take_json(struct jmeter *jmeter, const xmlNode *node)
{
    struct rw_span names = text_at(jmeter, node, "JSONPostProcessor.referenceNames"), name, path;
    struct rw_span paths = text_at(jmeter, node, "JSONPostProcessor.jsonPathExprs");
    while (rw_span_next(&names, ';', &name) && rw_span_next(&paths, ';', &path)) {
        struct rw_span pointer = pointer_of(jmeter, path);
        if (!is_variable(name) || !pointer.len)
            rw_draft_note(jmeter->draft, "the value %.*s of %.*s is not captured",
                          RW_SPAN_ARGS(path), RW_SPAN_ARGS(jmeter->step->name));
        else
            rw_draft_add_line(jmeter->draft, &jmeter->step->captures, "as: %.*s, json: %.*s",
                              RW_SPAN_ARGS(name),
                              RW_SPAN_ARGS(rw_draft_quoted(jmeter->draft, pointer)));
    }
}

static void take_assertion(struct jmeter *jmeter, const xmlNode *node)
{
    enum { CONTAINS = 2, NOT = 4, EQUALS = 8, SUBSTRING = 16 };
    struct rw_span field = text_at(jmeter, node, "Assertion.test_field");
    unsigned type = (unsigned)number_at(jmeter, node, "Assertion.test_type");
    /* Misspelt so in the format itself. */
    const xmlNode *list = property(node, "Asserion.test_strings");
    for (const xmlNode *item = next_element(list ? list->children : NULL); item;
         item = next_element(item->next)) {
        struct rw_span text = text_of(jmeter, item);
        uint64_t status;
        if (rw_span_is(field, "Assertion.response_code") && rw_span_to_u64(text, &status) &&
            status >= 100 && status <= 999 && !(type & NOT))
            rw_draft_add_line(jmeter->draft, &jmeter->step->checks, "status: %u", (unsigned)status);
        else if (rw_span_is(field, "Assertion.response_data") && !(type & NOT) && text.len < 500)
            rw_draft_add_line(jmeter->draft, &jmeter->step->checks, "%s: %.*s",
                              type & SUBSTRING ? "contains"
                              : type & EQUALS  ? "equals"
                                               : "regex",
                              RW_SPAN_ARGS(rw_draft_quoted(
                                  jmeter->draft,
                                  type & (SUBSTRING | EQUALS) ? template_of(jmeter, text) : text)));
        else
            rw_draft_note(jmeter->draft, "an assertion of %.*s has no place: %.*s",
                          RW_SPAN_ARGS(jmeter->step->name),
                          RW_SPAN_ARGS(rw_span(text.at, text.len < 100 ? text.len : 100)));
    }
}

static void take_duration(struct jmeter *jmeter, const xmlNode *node)
{
    double most_ms = number_at(jmeter, node, "DurationAssertion.duration");
    if (most_ms >= 1 && most_ms <= THINK_MS_MAX)
        rw_draft_add_line(jmeter->draft, &jmeter->step->checks, "below: %.0fms", most_ms);
}

static bool is_set(struct jmeter *jmeter, const xmlNode *node, const char *name)
{
    return rw_span_is(text_at(jmeter, node, name), "true");
}

static void take_json_assertion(struct jmeter *jmeter, const xmlNode *node)
{
    struct rw_span path = text_at(jmeter, node, "JSON_PATH");
    struct rw_span pointer = pointer_of(jmeter, path);
    bool equals = is_set(jmeter, node, "JSONVALIDATION");
    bool more = is_set(jmeter, node, "INVERT") || is_set(jmeter, node, "EXPECT_NULL") ||
                (equals && is_set(jmeter, node, "ISREGEX"));
    if (!pointer.len || more) {
        rw_draft_note(jmeter->draft, "an assertion of %.*s has no place: %.*s",
                      RW_SPAN_ARGS(jmeter->step->name), RW_SPAN_ARGS(path));
        return;
    }
    struct rw_span expected = rw_draft_quoted(
        jmeter->draft, template_of(jmeter, text_at(jmeter, node, "EXPECTED_VALUE")));
    rw_draft_add_line(jmeter->draft, &jmeter->step->checks, "json: %.*s%s%.*s",
                      RW_SPAN_ARGS(rw_draft_quoted(jmeter->draft, pointer)),
                      equals ? ", equals: " : "", equals ? (int)expected.len : 0, expected.at);
}

/* What looks into an answer: about the sampler above it, or all of those beside and below. */
static const struct {
    const char *name;
    void (*take)(struct jmeter *jmeter, const xmlNode *node);
} lookers[] = {
    {"RegexExtractor", take_regex},       {"BoundaryExtractor", take_boundaries},
    {"JSONPostProcessor", take_json},     {"ResponseAssertion", take_assertion},
    {"DurationAssertion", take_duration}, {"JSONPathAssertion", take_json_assertion},
};

static bool is_enabled(const xmlNode *node)
{
    return !rw_span_is(attribute(node, "enabled"), "false");
}

static bool is_looker(const xmlNode *node)
{
    for (size_t i = 0; i < sizeof(lookers) / sizeof(lookers[0]); i++)
        if (is_named(node, lookers[i].name))
            return true;
    return false;
}

static void look(struct jmeter *jmeter, const xmlNode *tree)
{
    for (const xmlNode *node = next_element(tree->children); node; node = next_element(node->next))
        for (size_t i = 0; i < sizeof(lookers) / sizeof(lookers[0]); i++)
            if (is_named(node, lookers[i].name) && is_enabled(node))
                lookers[i].take(jmeter, node);
}

/* All that holds for the sampler, from the innermost tree on. */
static void finish_sampler(struct jmeter *jmeter, const struct scope *scope)
{
    struct rw_draft_step *step = jmeter->step;
    for (; step && scope; scope = scope->outer) {
        for (const struct rw_draft_pair *pair = scope->headers.first; pair; pair = pair->next)
            if (!rw_draft_find(&step->headers, pair->name))
                rw_draft_add_pair(jmeter->draft, &step->headers, pair->name, pair->value);
        step->think_ms_least += scope->think_ms_least;
        step->think_ms_most += scope->think_ms_most;
        look(jmeter, scope->tree);
    }
}

static void take_group(struct jmeter *jmeter, const xmlNode *node)
{
    struct rw_draft *draft = jmeter->draft;
    double users = number_at(jmeter, node, "ThreadGroup.num_threads");
    double seconds = number_at(jmeter, node, "ThreadGroup.duration");
    double ramp = number_at(jmeter, node, "ThreadGroup.ramp_time");
    struct rw_span name = attribute(node, "testname");
    unsigned count = users >= 1 && users <= 1000000 ? (unsigned)users : 1;
    jmeter->scenario =
        rw_draft_add_scenario(draft, rw_span(name.at, name.len < 60 ? name.len : 60));
    jmeter->step = NULL;
    if (!jmeter->scenario)
        return;
    jmeter->scenario->weight = count < 1000 ? count : 1000;
    draft->users += count;
    if (seconds > draft->seconds)
        draft->seconds = (unsigned)seconds;
    if (!seconds)
        rw_draft_note(draft, "the group %.*s ends by a number of loops: here all end by duration",
                      RW_SPAN_ARGS(name));
    if (ramp >= 1)
        rw_draft_note(draft,
                      "the group %.*s begins over %.0f s: here all users begin at once, or by "
                      "phases",
                      RW_SPAN_ARGS(name), ramp);
}

/* ---- The tree ---- */

static void take_test(struct jmeter *jmeter, const xmlNode *node)
{
    static const struct {
        const char *name;
        void (*take)(struct jmeter *jmeter, const xmlNode *node);
    } kinds[] = {
        {"ThreadGroup", take_group},
        {"Arguments", take_user_variables},
        {"CSVDataSet", take_csv},
    };
    /* They only hold others, only show results, or have nothing that a scenario lacks. */
    static const char *const without[] = {
        "TestPlan",        "LoopController", "GenericController", "TransactionController",
        "ResultCollector", "CacheManager",   "ConfigTestElement", "Summariser"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (is_named(node, kinds[i].name)) {
            kinds[i].take(jmeter, node);
            return;
        }
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
        if (is_named(node, without[i]))
            return;
    rw_draft_note(jmeter->draft, "%s \"%.*s\" has no place", (const char *)node->name,
                  RW_SPAN_ARGS(attribute(node, "testname")));
}

static bool is_timer(const xmlNode *node)
{
    return is_named(node, "ConstantTimer") || is_named(node, "UniformRandomTimer") ||
           is_named(node, "GaussianRandomTimer");
}

/* Fields, defaults and timers hold for all their siblings, wherever they stand among them. */
static void take_scope(struct jmeter *jmeter, const xmlNode *tree, struct scope *scope)
{
    for (const xmlNode *node = next_element(tree->children); node;
         node = next_element(node->next)) {
        if (!is_enabled(node))
            continue;
        if (is_named(node, "HeaderManager"))
            take_headers(jmeter, node, scope);
        else if (is_timer(node))
            take_timer(jmeter, node, scope);
        else if (is_named(node, "Arguments"))
            take_user_variables(jmeter, node);
        else if (is_named(node, "TestPlan"))
            take_user_variables(jmeter, property(node, "TestPlan.user_defined_variables"));
        else if (is_named(node, "ConfigTestElement") &&
                 rw_span_is(attribute(node, "testclass"), "ConfigTestElement") &&
                 property(node, "HTTPSampler.domain"))
            scope->defaults = node;
    }
}

static void take_tree(struct jmeter *jmeter, const xmlNode *tree, const struct scope *outer,
                      bool of_sampler, unsigned depth);

/* The tree below an element. A sampler is whole only now. */
static void take_below(struct jmeter *jmeter, const xmlNode *element, const struct scope *scope,
                       unsigned depth)
{
    const xmlNode *tree = next_element(element->next);
    bool has_tree = tree && is_named(tree, "hashTree");
    bool is_sampler = is_named(element, "HTTPSamplerProxy");
    if (has_tree)
        take_tree(jmeter, tree, scope, is_sampler, depth + 1);
    else if (is_sampler)
        finish_sampler(jmeter, scope);
}

static bool is_scope(const xmlNode *node)
{
    return is_named(node, "HeaderManager") || is_timer(node) || is_looker(node);
}

static void take_tree(struct jmeter *jmeter, const xmlNode *tree, const struct scope *outer,
                      bool of_sampler, unsigned depth)
{
    struct scope scope = {.outer = outer, .tree = tree};
    if (depth > DEPTH_MAX)
        return;
    take_scope(jmeter, tree, &scope);
    if (of_sampler)
        finish_sampler(jmeter, &scope);
    for (const xmlNode *node = next_element(tree->children); node;
         node = next_element(node->next)) {
        if (is_named(node, "hashTree") || !is_enabled(node) || is_scope(node))
            continue;
        if (is_named(node, "HTTPSamplerProxy") && jmeter->scenario)
            take_sampler(jmeter, node, &scope);
        else
            take_test(jmeter, node);
        take_below(jmeter, node, &scope, depth);
    }
}

static char *duplicate(const char *text)
{
    return rw_strdup(text, strlen(text));
}

enum rw_err rw_import_jmeter(struct rw_span content, struct rw_draft *draft, struct rw_text *why)
{
    int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;
    xmlMemSetup(rw_free, rw_alloc, rw_realloc, duplicate);
    xmlDoc *document = xmlReadMemory(content.at, (int)content.len, "plan.jmx", NULL, options);
    const xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
    enum rw_err err = root && is_named(root, "jmeterTestPlan") ? RW_OK : RW_EINVAL;
    if (!root) {
        const xmlError *error = xmlGetLastError();
        rw_text_addf(why, "%d: not XML: %.*s", error ? error->line : 0,
                     error && error->message ? (int)strcspn(error->message, "\n") : 0,
                     error && error->message ? error->message : "");
    } else if (err) {
        rw_text_adds(why, "not a JMeter plan: its root is not jmeterTestPlan");
    }
    if (!err) {
        struct jmeter jmeter = {.draft = draft};
        draft->source = RW_LITERAL("a JMeter plan");
        const xmlNode *tree = next_element(root->children);
        if (tree)
            take_tree(&jmeter, tree, NULL, false, 0);
    }
    xmlFreeDoc(document);
    return err;
}
