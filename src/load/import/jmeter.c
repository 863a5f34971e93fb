/* A JMeter plan (.jmx): thread groups become scenarios, HTTP samplers their steps, in the order of
 * the plan. Elements are followed by the tree of what stands below them. */
#include "load/import/import.h"

#include "base/alloc.h"
#include "http/message.h"
#include "load/import/jmeter_private.h"

#include <libxml/parser.h>
#include <math.h>

enum { DEPTH_MAX = 64 };

/* What holds for all that stands below: as deep in the plan as there are lists of fields. */
struct scope {
    const struct scope *outer;
    const xmlNode *tree; /* its extractors and assertions are about every sampler in it */
    struct rw_draft_pairs headers;
    const xmlNode *defaults;                /* HTTP Request Defaults */
    uint32_t think_ms_least, think_ms_most; /* all timers one after the other */
};

static void take_user_variables(struct rw_jmeter *jmeter, const xmlNode *node)
{
    const xmlNode *list = rw_jmeter_property(node, "Arguments.arguments");
    for (const xmlNode *item = rw_jmeter_next(list ? list->children : NULL); item;
         item = rw_jmeter_next(item->next)) {
        struct rw_span name = rw_jmeter_text_at(jmeter, item, "Argument.name");
        struct rw_span value =
            rw_jmeter_settled(jmeter, rw_jmeter_text_at(jmeter, item, "Argument.value"));
        if (!rw_jmeter_is_variable(name) || rw_draft_find(&jmeter->draft->variables, name))
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

static struct rw_span encode(struct rw_jmeter *jmeter, struct rw_span text)
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
static struct rw_span text_or_default(struct rw_jmeter *jmeter, const xmlNode *node,
                                      const struct scope *scope, const char *name)
{
    struct rw_span text = rw_jmeter_text_at(jmeter, node, name);
    for (; !text.len && scope; scope = scope->outer)
        if (scope->defaults)
            text = rw_jmeter_text_at(jmeter, scope->defaults, name);
    return text;
}

static void take_target(struct rw_jmeter *jmeter, const xmlNode *node, const struct scope *scope)
{
    struct rw_draft *draft = jmeter->draft;
    struct rw_span protocol =
        rw_jmeter_settled(jmeter, text_or_default(jmeter, node, scope, "HTTPSampler.protocol"));
    struct rw_span host =
        rw_jmeter_settled(jmeter, text_or_default(jmeter, node, scope, "HTTPSampler.domain"));
    struct rw_span port =
        rw_jmeter_settled(jmeter, text_or_default(jmeter, node, scope, "HTTPSampler.port"));
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
static void take_arguments(struct rw_jmeter *jmeter, const xmlNode *node,
                           struct rw_draft_step *step)
{
    bool raw = rw_span_is(rw_jmeter_text_at(jmeter, node, "HTTPSampler.postBodyRaw"), "true");
    bool in_body = !rw_span_is(step->method, "GET") && !rw_span_is(step->method, "HEAD") &&
                   !rw_span_is(step->method, "DELETE");
    const xmlNode *list = rw_jmeter_property(rw_jmeter_property(node, "HTTPsampler.Arguments"),
                                             "Arguments.arguments");
    struct rw_text form = {0};
    for (const xmlNode *item = rw_jmeter_next(list ? list->children : NULL); item;
         item = rw_jmeter_next(item->next)) {
        struct rw_span name = rw_jmeter_template_at(jmeter, item, "Argument.name");
        struct rw_span value = rw_jmeter_template_at(jmeter, item, "Argument.value");
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

static void take_sampler(struct rw_jmeter *jmeter, const xmlNode *node, const struct scope *scope)
{
    struct rw_draft_step *step = rw_draft_add_step(jmeter->draft, jmeter->scenario);
    jmeter->step = step;
    if (!step)
        return;
    struct rw_span path =
        rw_jmeter_template(jmeter, text_or_default(jmeter, node, scope, "HTTPSampler.path"));
    struct rw_span method = rw_jmeter_text_at(jmeter, node, "HTTPSampler.method");
    struct rw_span name = rw_jmeter_attribute(node, "testname");
    step->name = rw_draft_copy(jmeter->draft, rw_span(name.at, name.len < 100 ? name.len : 100));
    step->method = rw_is_token(method) ? method : RW_LITERAL("GET");
    bool whole = path.len && (path.at[0] == '/' || rw_span_starts(path, RW_LITERAL("${")));
    step->path = whole ? path : rw_draft_format(jmeter->draft, "/%.*s", RW_SPAN_ARGS(path));
    take_target(jmeter, node, scope);
    take_arguments(jmeter, node, step);
}

/* ---- What stands around and below samplers ---- */

static void take_headers(struct rw_jmeter *jmeter, const xmlNode *node, struct scope *scope)
{
    const xmlNode *list = rw_jmeter_property(node, "HeaderManager.headers");
    for (const xmlNode *item = rw_jmeter_next(list ? list->children : NULL); item;
         item = rw_jmeter_next(item->next)) {
        struct rw_span name = rw_jmeter_text_at(jmeter, item, "Header.name");
        if (rw_is_token(name) && !rw_draft_passes_over(name))
            rw_draft_add_pair(jmeter->draft, &scope->headers, name,
                              rw_jmeter_template_at(jmeter, item, "Header.value"));
    }
}

static void take_timer(struct rw_jmeter *jmeter, const xmlNode *node, struct scope *scope)
{
    double delay = rw_jmeter_number_at(jmeter, node, "ConstantTimer.delay");
    double range = rw_jmeter_number_at(jmeter, node, "RandomTimer.range");
    if (strncmp((const char *)node->name, "Gaussian", 8) == 0) {
        rw_draft_note(jmeter->draft,
                      "a Gaussian timer became one that is even over two deviations");
        delay = delay > range ? delay - range : 0;
        range *= 2;
    }
    delay = fmin(fmax(delay, 0), RW_JMETER_MS_MAX);
    range = fmin(fmax(range, 0), RW_JMETER_MS_MAX);
    scope->think_ms_least += (uint32_t)delay;
    scope->think_ms_most += (uint32_t)(delay + range);
}

static void take_csv(struct rw_jmeter *jmeter, const xmlNode *node)
{
    struct rw_draft *draft = jmeter->draft;
    struct rw_span delimiter = rw_jmeter_text_at(jmeter, node, "delimiter");
    struct rw_span file = rw_jmeter_text_at(jmeter, node, "filename");
    rw_draft_add_data(draft, file, rw_jmeter_text_at(jmeter, node, "variableNames"),
                      rw_span_is(rw_jmeter_text_at(jmeter, node, "recycle"), "false"));
    if (delimiter.len && !rw_span_is(delimiter, ","))
        rw_draft_note(draft, "%.*s: its fields are parted by %.*s, here they must be by commas",
                      RW_SPAN_ARGS(file), RW_SPAN_ARGS(delimiter));
}

/* All that holds for the sampler, from the innermost tree on. */
static void finish_sampler(struct rw_jmeter *jmeter, const struct scope *scope)
{
    struct rw_draft_step *step = jmeter->step;
    for (; step && scope; scope = scope->outer) {
        for (const struct rw_draft_pair *pair = scope->headers.first; pair; pair = pair->next)
            if (!rw_draft_find(&step->headers, pair->name))
                rw_draft_add_pair(jmeter->draft, &step->headers, pair->name, pair->value);
        step->think_ms_least += scope->think_ms_least;
        step->think_ms_most += scope->think_ms_most;
        rw_jmeter_look(jmeter, scope->tree);
    }
}

static void take_group(struct rw_jmeter *jmeter, const xmlNode *node)
{
    struct rw_draft *draft = jmeter->draft;
    double users = rw_jmeter_number_at(jmeter, node, "ThreadGroup.num_threads");
    double seconds = rw_jmeter_number_at(jmeter, node, "ThreadGroup.duration");
    double ramp = rw_jmeter_number_at(jmeter, node, "ThreadGroup.ramp_time");
    struct rw_span name = rw_jmeter_attribute(node, "testname");
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

static void take_test(struct rw_jmeter *jmeter, const xmlNode *node)
{
    static const struct {
        const char *name;
        void (*take)(struct rw_jmeter *jmeter, const xmlNode *node);
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
        if (rw_jmeter_is(node, kinds[i].name)) {
            kinds[i].take(jmeter, node);
            return;
        }
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
        if (rw_jmeter_is(node, without[i]))
            return;
    rw_draft_note(jmeter->draft, "%s \"%.*s\" has no place", (const char *)node->name,
                  RW_SPAN_ARGS(rw_jmeter_attribute(node, "testname")));
}

static bool is_timer(const xmlNode *node)
{
    return rw_jmeter_is(node, "ConstantTimer") || rw_jmeter_is(node, "UniformRandomTimer") ||
           rw_jmeter_is(node, "GaussianRandomTimer");
}

/* Fields, defaults and timers hold for all their siblings, wherever they stand among them. */
static void take_scope(struct rw_jmeter *jmeter, const xmlNode *tree, struct scope *scope)
{
    for (const xmlNode *node = rw_jmeter_next(tree->children); node;
         node = rw_jmeter_next(node->next)) {
        if (!rw_jmeter_is_enabled(node))
            continue;
        if (rw_jmeter_is(node, "HeaderManager"))
            take_headers(jmeter, node, scope);
        else if (is_timer(node))
            take_timer(jmeter, node, scope);
        else if (rw_jmeter_is(node, "Arguments"))
            take_user_variables(jmeter, node);
        else if (rw_jmeter_is(node, "TestPlan"))
            take_user_variables(jmeter,
                                rw_jmeter_property(node, "TestPlan.user_defined_variables"));
        else if (rw_jmeter_is(node, "ConfigTestElement") &&
                 rw_span_is(rw_jmeter_attribute(node, "testclass"), "ConfigTestElement") &&
                 rw_jmeter_property(node, "HTTPSampler.domain"))
            scope->defaults = node;
    }
}

static void take_tree(struct rw_jmeter *jmeter, const xmlNode *tree, const struct scope *outer,
                      bool of_sampler, unsigned depth);

/* The tree below an element. A sampler is whole only now. */
static void take_below(struct rw_jmeter *jmeter, const xmlNode *element, const struct scope *scope,
                       unsigned depth)
{
    const xmlNode *tree = rw_jmeter_next(element->next);
    bool has_tree = tree && rw_jmeter_is(tree, "hashTree");
    bool is_sampler = rw_jmeter_is(element, "HTTPSamplerProxy");
    if (has_tree)
        take_tree(jmeter, tree, scope, is_sampler, depth + 1);
    else if (is_sampler)
        finish_sampler(jmeter, scope);
}

static bool is_scope(const xmlNode *node)
{
    return rw_jmeter_is(node, "HeaderManager") || is_timer(node) || rw_jmeter_looks(node);
}

static void take_tree(struct rw_jmeter *jmeter, const xmlNode *tree, const struct scope *outer,
                      bool of_sampler, unsigned depth)
{
    struct scope scope = {.outer = outer, .tree = tree};
    if (depth > DEPTH_MAX)
        return;
    take_scope(jmeter, tree, &scope);
    if (of_sampler)
        finish_sampler(jmeter, &scope);
    for (const xmlNode *node = rw_jmeter_next(tree->children); node;
         node = rw_jmeter_next(node->next)) {
        if (rw_jmeter_is(node, "hashTree") || !rw_jmeter_is_enabled(node) || is_scope(node))
            continue;
        if (rw_jmeter_is(node, "HTTPSamplerProxy") && jmeter->scenario)
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
    enum rw_err err = root && rw_jmeter_is(root, "jmeterTestPlan") ? RW_OK : RW_EINVAL;
    if (!root) {
        const xmlError *error = xmlGetLastError();
        rw_text_addf(why, "%d: not XML: %.*s", error ? error->line : 0,
                     error && error->message ? (int)strcspn(error->message, "\n") : 0,
                     error && error->message ? error->message : "");
    } else if (err) {
        rw_text_adds(why, "not a JMeter plan: its root is not jmeterTestPlan");
    }
    if (!err) {
        struct rw_jmeter jmeter = {.draft = draft};
        draft->source = RW_LITERAL("a JMeter plan");
        const xmlNode *tree = rw_jmeter_next(root->children);
        if (tree)
            take_tree(&jmeter, tree, NULL, false, 0);
    }
    xmlFreeDoc(document);
    return err;
}
