#include "policy/query/query.h"

#include "gate/config/template.h"
#include "policy/query/query_edit.h"
#include "policy/refuse.h"

enum { EDITS_MAX = 64, NAME_BYTES_MAX = 256, RESULT_BYTES_MAX = 65536 };

struct query_config {
    struct rw_conf_list remove;           /* of rw_span */
    struct rw_conf_list rename, set, add; /* of rw_conf_pair */
    struct rw_conf_place place;
};

struct query {
    struct rw_query_edits edits;
    struct rw_template *values; /* one for each put */
};

/* ---- Configuration ---- */

#define MEMBER(member) offsetof(struct query_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "remove",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(remove),
        .doc = "Names of parameters that go, first of all; with `*` at its end whatever begins so, "
               "`*` alone: all.",
        .example = "[debug, \"utm_*\"]",
    },
    {
        .name = "rename",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP,
        .offset = MEMBER(rename),
        .max = NAME_BYTES_MAX,
        .doc = "Parameters that get another name, and keep value and position.",
        .example = "{q: search}",
    },
    {
        .name = "set",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP,
        .offset = MEMBER(set),
        .max = 8192,
        .doc = "Parameters that get this value, whatever they had before; they come at the end. "
               "The parameters of the route, {client_ip} and the like stand for parts of the "
               "request, as in the policy `headers`.",
        .example = "{tenant: \"{host}\"}",
    },
    {
        .name = "add",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP,
        .offset = MEMBER(add),
        .max = 8192,
        .doc = "Parameters that are added to those that are there, last of all.",
        .example = "{via: gateway}",
    },
    {.name = NULL},
};
#undef MEMBER

static void check_count(struct rw_conf_report *report, const struct rw_conf_list *list)
{
    if (list->count > EDITS_MAX)
        rw_conf_mistake_on(report, list, "at most %d parameters", (int)EDITS_MAX);
}

static void check_name(struct rw_conf_report *report, const void *value, struct rw_span name)
{
    if (name.len == 0 || name.len > NAME_BYTES_MAX)
        rw_conf_mistake_on(report, value, "the name of a parameter has 1 to %d bytes",
                           (int)NAME_BYTES_MAX);
}

static void check_pairs(struct rw_conf_report *report, const struct rw_conf_list *list)
{
    const struct rw_conf_pair *pairs = list->items;
    check_count(report, list);
    for (size_t i = 0; i < list->count; i++)
        check_name(report, &pairs[i], pairs[i].key);
}

static bool has_key(const struct rw_conf_list *list, struct rw_span key)
{
    const struct rw_conf_pair *pairs = list->items;
    for (size_t i = 0; i < list->count; i++)
        if (rw_span_eq(pairs[i].key, key))
            return true;
    return false;
}

static void check_removals(struct rw_conf_report *report, const struct query_config *config)
{
    const struct rw_span *names = config->remove.items;
    check_count(report, &config->remove);
    for (size_t i = 0; i < config->remove.count; i++) {
        check_name(report, &names[i], names[i]);
        if (has_key(&config->rename, names[i]))
            rw_conf_mistake_on(report, &names[i], "%s cannot be renamed once it is removed",
                               rw_conf_quote(report, names[i]));
    }
}

static void check(void *value, struct rw_conf_report *report)
{
    struct query_config *config = value;
    const struct rw_conf_pair *renames = config->rename.items;
    check_removals(report, config);
    check_pairs(report, &config->rename);
    check_pairs(report, &config->set);
    check_pairs(report, &config->add);
    for (size_t i = 0; i < config->rename.count; i++)
        check_name(report, &renames[i], renames[i].value);
    if (!config->remove.count && !config->rename.count && !config->set.count && !config->add.count)
        rw_conf_mistake_at(report, config->place,
                           "an edit of nothing: expected one of remove, rename, set, add");
}

static const struct rw_conf_record record = {
    .name = "policy.query",
    .doc = "Removes, renames, sets and adds parameters of the query that the origin gets, in this "
           "order. Names and values are written plainly here, and encoded as a URL needs it.",
    .size = sizeof(struct query_config),
    .fields = fields,
    .place_offset = offsetof(struct query_config, place),
    .check = check,
};

/* ---- Compiling ---- */

static enum rw_err encode(struct rw_arena *arena, struct rw_span *text)
{
    char *to = rw_arena_alloc(arena, rw_pairs_encode(*text, false, NULL) + 1);
    if (!to)
        return RW_ENOMEM;
    *text = rw_span(to, rw_pairs_encode(*text, false, to));
    return RW_OK;
}

/* What is written in the configuration is plain, also its percent signs; what a placeholder stands
 * for is encoded already where it is a part of a path. */
static enum rw_err compile_value(struct rw_compile *compile, struct rw_conf_place place,
                                 const struct rw_conf_pair *pair, struct rw_template *value)
{
    enum rw_err err = rw_template_of_pair(compile, place, pair, value);
    for (unsigned i = 0; i < value->count && !err; i++)
        if (value->parts[i].kind == RW_TEMPLATE_LITERAL)
            err = encode(compile->arena, &value->parts[i].text);
    value->parameter = true;
    return err;
}

static enum rw_err compile_puts(struct rw_compile *compile, const struct query_config *config,
                                const struct rw_conf_list *list, bool set, struct query *query)
{
    const struct rw_conf_pair *pairs = list->items;
    enum rw_err result = RW_OK;
    for (size_t i = 0; i < list->count && result != RW_ENOMEM; i++) {
        unsigned at = query->edits.put_count++;
        struct rw_query_put *put = &query->edits.puts[at];
        *put = (struct rw_query_put){.name = pairs[i].key, .encoded = pairs[i].key, .set = set};
        enum rw_err err = encode(compile->arena, &put->encoded);
        if (!err)
            err = compile_value(compile, config->place, &pairs[i], &query->values[at]);
        result = err ? err : result;
    }
    return result;
}

static enum rw_err compile_renames(struct rw_compile *compile, const struct query_config *config,
                                   struct rw_query_edits *edits)
{
    const struct rw_conf_pair *pairs = config->rename.items;
    for (size_t i = 0; i < config->rename.count; i++) {
        struct rw_query_rename *rename = &edits->renames[edits->rename_count++];
        *rename = (struct rw_query_rename){.name = pairs[i].key,
                                           .to = pairs[i].value,
                                           .gone = has_key(&config->set, pairs[i].value)};
        if (encode(compile->arena, &rename->to))
            return RW_ENOMEM;
    }
    return RW_OK;
}

static void compile_removals(const struct query_config *config, struct rw_query_edits *edits)
{
    const struct rw_span *names = config->remove.items;
    for (size_t i = 0; i < config->remove.count; i++) {
        bool prefix = names[i].at[names[i].len - 1] == '*';
        edits->removals[edits->removal_count++] = (struct rw_query_removal){
            .name = rw_span(names[i].at, names[i].len - prefix), .prefix = prefix};
    }
}

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct query_config *config = value;
    struct rw_arena *arena = compile->arena;
    struct query *query = rw_arena_zero(arena, sizeof(*query));
    if (!query)
        return RW_ENOMEM;
    *instance = query;
    struct rw_query_edits *edits = &query->edits;
    size_t puts = config->set.count + config->add.count + 1;
    edits->removals = rw_arena_alloc(arena, (config->remove.count + 1) * sizeof(*edits->removals));
    edits->renames = rw_arena_alloc(arena, (config->rename.count + 1) * sizeof(*edits->renames));
    edits->puts = rw_arena_alloc(arena, puts * sizeof(*edits->puts));
    query->values = rw_arena_zero(arena, puts * sizeof(*query->values));
    if (!edits->removals || !edits->renames || !edits->puts || !query->values)
        return RW_ENOMEM;
    compile_removals(config, edits);
    if (compile_renames(compile, config, edits))
        return RW_ENOMEM;
    enum rw_err set = compile_puts(compile, config, &config->set, true, query);
    enum rw_err add = compile_puts(compile, config, &config->add, false, query);
    return set ? set : add;
}

/* ---- At work ---- */

static enum rw_err edit(struct rw_exchange *x, const struct query *query)
{
    struct rw_span target = x->upstream_target, values[2 * EDITS_MAX];
    ptrdiff_t mark = rw_span_find(target, '?');
    size_t path = mark < 0 ? target.len : (size_t)mark;
    struct rw_span before = mark < 0 ? (struct rw_span){0} : rw_span_skip(target, path + 1);
    for (unsigned i = 0; i < query->edits.put_count; i++) {
        enum rw_err err = rw_template_fill(&query->values[i], x, &values[i]);
        if (err)
            return err;
    }
    size_t len = rw_query_edit(&query->edits, before, values, NULL);
    if (len > RESULT_BYTES_MAX)
        return RW_ELIMIT;
    char *to = rw_arena_alloc(&x->arena, path + 1 + len);
    if (!to)
        return RW_ENOMEM;
    memcpy(to, target.at, path);
    to[path] = '?';
    rw_query_edit(&query->edits, before, values, to + path + 1);
    x->upstream_target = rw_span(to, len ? path + 1 + len : path);
    return RW_OK;
}

/* "*" (OPTIONS) and the target of CONNECT have no query. */
static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    if (x->upstream_target.len == 0 || x->upstream_target.at[0] != '/')
        return RW_VERDICT_NEXT;
    enum rw_err err = edit(x, instance);
    if (err == RW_ELIMIT)
        return rw_policy_refuse(x, 414, "The query is too long once it is edited.");
    return err ? RW_VERDICT_FAIL : RW_VERDICT_NEXT;
}

static void explain_one(struct rw_text *text, const char *verb, struct rw_span name,
                        const char *more)
{
    rw_text_addf(text, "%s%s %.*s%s", text->len ? ", " : "", verb, RW_SPAN_ARGS(name), more);
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct rw_query_edits *edits = &((const struct query *)instance)->edits;
    struct rw_text line = {0};
    for (unsigned i = 0; i < edits->removal_count; i++)
        explain_one(&line, "remove", edits->removals[i].name, edits->removals[i].prefix ? "*" : "");
    for (unsigned i = 0; i < edits->rename_count; i++) {
        explain_one(&line, "rename", edits->renames[i].name, " to ");
        rw_text_add(&line, edits->renames[i].to);
    }
    for (unsigned i = 0; i < edits->put_count; i++)
        explain_one(&line, edits->puts[i].set ? "set" : "add", edits->puts[i].name, "");
    if (line.err)
        text->err = line.err;
    else
        rw_text_add(text, rw_text_span(&line));
    rw_text_free(&line);
}

const struct rw_policy rw_policy_query = {
    .kind = {.name = "query",
             .record = &record,
             .doc = "Removes, renames, sets and adds parameters of the query that the origin gets.",
             .user = &rw_policy_query},
    .compile = compile,
    .on_request = on_request,
    .explain = explain,
};
