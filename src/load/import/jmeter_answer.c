/* What a JMeter plan asks of answers: extractors become captures, assertions checks. */
#include "load/import/jmeter_private.h"

/* What a scenario's capture does not have. */
static bool is_capturable(struct rw_jmeter *jmeter, const xmlNode *node, const char *kind)
{
    struct rw_span name = rw_draft_format(jmeter->draft, "%s.refname", kind);
    struct rw_span headers = rw_draft_format(jmeter->draft, "%s.useHeaders", kind);
    struct rw_span template = rw_jmeter_text_at(jmeter, node, "RegexExtractor.template");
    struct rw_span where = rw_jmeter_text_at(jmeter, node, headers.at);
    bool plain = (!where.len || rw_span_is(where, "false")) &&
                 (!template.len || rw_span_is(template, "$1$")) &&
                 rw_jmeter_is_variable(rw_jmeter_text_at(jmeter, node, name.at));
    if (!plain)
        rw_draft_note(jmeter->draft, "the value %.*s of %.*s is not captured",
                      RW_SPAN_ARGS(rw_jmeter_text_at(jmeter, node, name.at)),
                      RW_SPAN_ARGS(jmeter->step->name));
    return plain;
}

static void add_capture(struct rw_jmeter *jmeter, struct rw_span name, struct rw_span regex)
{
    rw_draft_add_line(jmeter->draft, &jmeter->step->captures, "as: %.*s, regex: %.*s",
                      RW_SPAN_ARGS(name), RW_SPAN_ARGS(rw_draft_quoted(jmeter->draft, regex)));
}

static void take_regex(struct rw_jmeter *jmeter, const xmlNode *node)
{
    if (is_capturable(jmeter, node, "RegexExtractor"))
        add_capture(jmeter, rw_jmeter_text_at(jmeter, node, "RegexExtractor.refname"),
                    rw_jmeter_text_at(jmeter, node, "RegexExtractor.regex"));
}

static void take_boundaries(struct rw_jmeter *jmeter, const xmlNode *node)
{
    struct rw_span left = rw_jmeter_text_at(jmeter, node, "BoundaryExtractor.lboundary");
    struct rw_span right = rw_jmeter_text_at(jmeter, node, "BoundaryExtractor.rboundary");
    if (is_capturable(jmeter, node, "BoundaryExtractor"))
        add_capture(jmeter, rw_jmeter_text_at(jmeter, node, "BoundaryExtractor.refname"),
                    rw_draft_format(jmeter->draft, "(?s)\\Q%.*s\\E(.*?)\\Q%.*s\\E",
                                    RW_SPAN_ARGS(left), RW_SPAN_ARGS(right)));
}

/* "$.items[0].id" as "/items/0/id"; empty: it is more than a way down. */
static struct rw_span pointer_of(struct rw_jmeter *jmeter, struct rw_span path)
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

static void take_json(struct rw_jmeter *jmeter, const xmlNode *node)
{
    struct rw_span names = rw_jmeter_text_at(jmeter, node, "JSONPostProcessor.referenceNames"),
                   name, path;
    struct rw_span paths = rw_jmeter_text_at(jmeter, node, "JSONPostProcessor.jsonPathExprs");
    while (rw_span_next(&names, ';', &name) && rw_span_next(&paths, ';', &path)) {
        struct rw_span pointer = pointer_of(jmeter, path);
        if (!rw_jmeter_is_variable(name) || !pointer.len)
            rw_draft_note(jmeter->draft, "the value %.*s of %.*s is not captured",
                          RW_SPAN_ARGS(path), RW_SPAN_ARGS(jmeter->step->name));
        else
            rw_draft_add_line(jmeter->draft, &jmeter->step->captures, "as: %.*s, json: %.*s",
                              RW_SPAN_ARGS(name),
                              RW_SPAN_ARGS(rw_draft_quoted(jmeter->draft, pointer)));
    }
}

static void take_assertion(struct rw_jmeter *jmeter, const xmlNode *node)
{
    enum { CONTAINS = 2, NOT = 4, EQUALS = 8, SUBSTRING = 16 };
    struct rw_span field = rw_jmeter_text_at(jmeter, node, "Assertion.test_field");
    unsigned type = (unsigned)rw_jmeter_number_at(jmeter, node, "Assertion.test_type");
    /* Misspelt so in the format itself. */
    const xmlNode *list = rw_jmeter_property(node, "Asserion.test_strings");
    for (const xmlNode *item = rw_jmeter_next(list ? list->children : NULL); item;
         item = rw_jmeter_next(item->next)) {
        struct rw_span text = rw_jmeter_text(jmeter, item);
        uint64_t status;
        if (rw_span_is(field, "Assertion.response_code") && rw_span_to_u64(text, &status) &&
            status >= 100 && status <= 999 && !(type & NOT))
            rw_draft_add_line(jmeter->draft, &jmeter->step->checks, "status: %u", (unsigned)status);
        else if (rw_span_is(field, "Assertion.response_data") && !(type & NOT) && text.len < 500)
            rw_draft_add_line(
                jmeter->draft, &jmeter->step->checks, "%s: %.*s",
                type & SUBSTRING ? "contains"
                : type & EQUALS  ? "equals"
                                 : "regex",
                RW_SPAN_ARGS(rw_draft_quoted(jmeter->draft, type & (SUBSTRING | EQUALS)
                                                                ? rw_jmeter_template(jmeter, text)
                                                                : text)));
        else
            rw_draft_note(jmeter->draft, "an assertion of %.*s has no place: %.*s",
                          RW_SPAN_ARGS(jmeter->step->name),
                          RW_SPAN_ARGS(rw_span(text.at, text.len < 100 ? text.len : 100)));
    }
}

static void take_duration(struct rw_jmeter *jmeter, const xmlNode *node)
{
    double most_ms = rw_jmeter_number_at(jmeter, node, "DurationAssertion.duration");
    if (most_ms >= 1 && most_ms <= RW_JMETER_MS_MAX)
        rw_draft_add_line(jmeter->draft, &jmeter->step->checks, "below: %.0fms", most_ms);
}

static bool is_set(struct rw_jmeter *jmeter, const xmlNode *node, const char *name)
{
    return rw_span_is(rw_jmeter_text_at(jmeter, node, name), "true");
}

static void take_json_assertion(struct rw_jmeter *jmeter, const xmlNode *node)
{
    struct rw_span path = rw_jmeter_text_at(jmeter, node, "JSON_PATH");
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
        jmeter->draft,
        rw_jmeter_template(jmeter, rw_jmeter_text_at(jmeter, node, "EXPECTED_VALUE")));
    rw_draft_add_line(jmeter->draft, &jmeter->step->checks, "json: %.*s%s%.*s",
                      RW_SPAN_ARGS(rw_draft_quoted(jmeter->draft, pointer)),
                      equals ? ", equals: " : "", equals ? (int)expected.len : 0, expected.at);
}

/* What looks into an answer: about the sampler above it, or all of those beside and below. */
static const struct {
    const char *name;
    void (*take)(struct rw_jmeter *jmeter, const xmlNode *node);
} lookers[] = {
    {"RegexExtractor", take_regex},       {"BoundaryExtractor", take_boundaries},
    {"JSONPostProcessor", take_json},     {"ResponseAssertion", take_assertion},
    {"DurationAssertion", take_duration}, {"JSONPathAssertion", take_json_assertion},
};

bool rw_jmeter_looks(const xmlNode *node)
{
    for (size_t i = 0; i < sizeof(lookers) / sizeof(lookers[0]); i++)
        if (rw_jmeter_is(node, lookers[i].name))
            return true;
    return false;
}

void rw_jmeter_look(struct rw_jmeter *jmeter, const xmlNode *tree)
{
    for (const xmlNode *node = rw_jmeter_next(tree->children); node;
         node = rw_jmeter_next(node->next))
        for (size_t i = 0; i < sizeof(lookers) / sizeof(lookers[0]); i++)
            if (rw_jmeter_is(node, lookers[i].name) && rw_jmeter_is_enabled(node))
                lookers[i].take(jmeter, node);
}
