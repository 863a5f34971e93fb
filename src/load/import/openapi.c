/* OpenAPI 3: each operation is a scenario of one request, made of the examples. */
#include "load/import/import.h"

#include "conf/tree.h"
#include "http/message.h"
#include "http/url.h"

#include <stdio.h>

enum { LIST_DEPTH_MAX = 3, DEPTH_MAX = 12, PROPERTIES_MAX = 200, THINK_MS = 1000 };

struct openapi {
    struct rw_draft *draft;
    const struct rw_conf_node *root;
    struct rw_span base;                        /* path of the server */
    unsigned nodes;                             /* that an example has been made of */
    const struct rw_conf_node *open[DEPTH_MAX]; /* objects that are being made: circles end there */
    unsigned open_count;
};

/* ---- References ---- */

static const struct rw_conf_node *at_token(const struct rw_conf_node *node, struct rw_span token)
{
    char key[256];
    size_t len = 0;
    for (size_t i = 0; i < token.len && len + 1 < sizeof(key); i++) {
        char c = token.at[i];
        if (c == '~' && i + 1 < token.len)
            c = token.at[++i] == '1' ? '/' : '~';
        key[len++] = c;
    }
    key[len] = '\0';
    return rw_conf_tree_at(node, key);
}

/* Within this file only: "#/components/schemas/Item". */
static const struct rw_conf_node *follow(const struct openapi *api, const struct rw_conf_node *node)
{
    for (unsigned hops = 0; node && hops < DEPTH_MAX; hops++) {
        struct rw_span reference = rw_conf_tree_text(node, "$ref"), token;
        if (!reference.len)
            return node;
        if (!rw_span_starts(reference, RW_LITERAL("#/")))
            break;
        struct rw_span rest = rw_span_skip(reference, 2);
        for (node = api->root; node && rw_span_next(&rest, '/', &token);)
            node = at_token(node, token);
    }
    if (node)
        rw_draft_note(api->draft, "a reference leads out of the file, or in a circle: %.*s",
                      RW_SPAN_ARGS(rw_conf_tree_text(node, "$ref")));
    return NULL;
}

static const struct rw_conf_node *get(const struct openapi *api, const struct rw_conf_node *node,
                                      const char *key)
{
    return follow(api, rw_conf_tree_at(node, key));
}

/* ---- Values ---- */

/* A node as JSON. What stands there without quotes and looks like a number is one. */
static void put_scalar(const struct rw_conf_node *node, struct rw_text *json)
{
    struct rw_span text = node->text;
    bool word = rw_span_is(text, "true") || rw_span_is(text, "false") || rw_span_is(text, "null");
    size_t digits = 0, others = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.at[i] >= '0' && text.at[i] <= '9';
        bool sign = text.at[i] == '-' && i == 0;
        bool point = text.at[i] == '.' && i > 0 && i + 1 < text.len;
        digits += digit;
        others += !digit && !sign && (!point || memchr(text.at, '.', i));
    }
    bool led = text.len > 1 && text.at[0] == '0' && text.at[1] != '.';
    if (node->plain && (word || (digits && !others && !led)))
        rw_text_add(json, text);
    else
        rw_text_add_json(json, text);
}

static void put_node(const struct rw_conf_node *node, unsigned depth, struct rw_text *json)
{
    const char *separator = "";
    if (node->kind == RW_CONF_NODE_SCALAR || depth == DEPTH_MAX) {
        put_scalar(node, json);
        return;
    }
    bool map = node->kind == RW_CONF_NODE_MAP;
    rw_text_adds(json, map ? "{" : "[");
    for (const struct rw_conf_entry *entry = node->entries; entry; entry = entry->next) {
        rw_text_adds(json, separator);
        separator = ", ";
        if (map) {
            rw_text_add_json(json, entry->key);
            rw_text_adds(json, ": ");
        }
        put_node(entry->node, depth + 1, json);
    }
    rw_text_adds(json, map ? "}" : "]");
}

/* What somebody has written down as an example of this; NULL: nobody. */
static const struct rw_conf_node *example_of(const struct openapi *api,
                                             const struct rw_conf_node *node)
{
    const struct rw_conf_node *example = rw_conf_tree_at(node, "example");
    if (example)
        return example;
    const struct rw_conf_entry *first = rw_conf_tree_entries(rw_conf_tree_at(node, "examples"));
    if (!first)
        return NULL;
    const struct rw_conf_node *named = follow(api, first->node);
    const struct rw_conf_node *value = rw_conf_tree_at(named, "value");
    return value ? value : named; /* of a schema they are a plain list (OpenAPI 3.1) */
}

static const struct rw_conf_node *stated_value(const struct openapi *api,
                                               const struct rw_conf_node *schema)
{
    const struct rw_conf_node *value = example_of(api, schema);
    if (!value)
        value = rw_conf_tree_at(schema, "default");
    if (!value)
        value = rw_conf_tree_at(schema, "const");
    const struct rw_conf_entry *first = rw_conf_tree_entries(rw_conf_tree_at(schema, "enum"));
    return value || !first ? value : first->node;
}

static void put_schema(struct openapi *api, const struct rw_conf_node *schema, unsigned depth,
                       struct rw_text *json);

static bool is_required(const struct rw_conf_node *schema, struct rw_span name)
{
    const struct rw_conf_entry *one = rw_conf_tree_entries(rw_conf_tree_at(schema, "required"));
    while (one && !rw_span_eq(one->node->text, name))
        one = one->next;
    return one != NULL;
}

/* What only answers have, or leads back to where we are and may be left out, is. */
static bool is_wanted(const struct openapi *api, const struct rw_conf_node *schema,
                      struct rw_span name, const struct rw_conf_node *property)
{
    if (rw_span_is(rw_conf_tree_text(property, "readOnly"), "true"))
        return false;
    for (unsigned i = 0; i < api->open_count; i++)
        if (api->open[i] == property)
            return is_required(schema, name);
    return true;
}

static void put_properties(struct openapi *api, const struct rw_conf_node *schema, unsigned depth,
                           const char **separator, struct rw_text *json)
{
    const struct rw_conf_entry *part = rw_conf_tree_entries(rw_conf_tree_at(schema, "allOf"));
    for (; part && depth < DEPTH_MAX; part = part->next)
        put_properties(api, follow(api, part->node), depth + 1, separator, json);
    const struct rw_conf_entry *property =
        rw_conf_tree_entries(rw_conf_tree_at(schema, "properties"));
    for (; property; property = property->next) {
        const struct rw_conf_node *target = follow(api, property->node);
        if (!is_wanted(api, schema, property->key, target))
            continue;
        rw_text_adds(json, *separator);
        *separator = ", ";
        rw_text_add_json(json, property->key);
        rw_text_adds(json, ": ");
        put_schema(api, target, depth + 1, json);
    }
}

static void put_object(struct openapi *api, const struct rw_conf_node *schema, unsigned depth,
                       struct rw_text *json)
{
    const char *separator = "";
    rw_assert(api->open_count < DEPTH_MAX); /* as deep as it goes */
    api->open[api->open_count++] = schema;
    rw_text_adds(json, "{");
    put_properties(api, schema, depth, &separator, json);
    rw_text_adds(json, "}");
    api->open_count--;
}

static void put_string(const struct rw_conf_node *schema, struct rw_text *json)
{
    static const char *const formats[][2] = {
        {"uuid", "\"${uuid}\""},
        {"date", "\"2024-01-31\""},
        {"date-time", "\"2024-01-31T12:00:00Z\""},
        {"email", "\"user@example.com\""},
        {"uri", "\"https://example.com/\""},
    };
    struct rw_span format = rw_conf_tree_text(schema, "format");
    const char *text = "\"text\"";
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (rw_span_is(format, formats[i][0]))
            text = formats[i][1];
    rw_text_adds(json, text);
}

/* Of several types (OpenAPI 3.1) the first that is not null. */
static struct rw_span type_of(const struct rw_conf_node *schema)
{
    const struct rw_conf_entry *one = rw_conf_tree_entries(rw_conf_tree_at(schema, "type"));
    while (one && one->next && rw_span_is(one->node->text, "null"))
        one = one->next;
    return one ? one->node->text : rw_conf_tree_text(schema, "type");
}

/* One of several schemas: the first. */
static const struct rw_conf_node *alternative(const struct openapi *api,
                                              const struct rw_conf_node *schema)
{
    const struct rw_conf_entry *first = rw_conf_tree_entries(rw_conf_tree_at(schema, "oneOf"));
    if (!first)
        first = rw_conf_tree_entries(rw_conf_tree_at(schema, "anyOf"));
    return first ? follow(api, first->node) : NULL;
}

/* The least that is allowed, where that is told, or 1. */
static void put_number(const struct rw_conf_node *schema, struct rw_text *json)
{
    const struct rw_conf_node *least = rw_conf_tree_at(schema, "minimum");
    if (least && least->kind == RW_CONF_NODE_SCALAR && least->plain)
        put_scalar(least, json);
    else
        rw_text_adds(json, "1");
}

/* Lists deep within are empty: things that have things of their own kind would never end. */
static void put_list(struct openapi *api, const struct rw_conf_node *schema, unsigned depth,
                     struct rw_text *json)
{
    rw_text_adds(json, "[");
    if (depth < LIST_DEPTH_MAX)
        put_schema(api, get(api, schema, "items"), depth + 1, json);
    rw_text_adds(json, "]");
}

/* Something that the schema allows, as JSON; it is a template. */
static void put_schema(struct openapi *api, const struct rw_conf_node *schema, unsigned depth,
                       struct rw_text *json)
{
    const struct rw_conf_node *value = stated_value(api, schema);
    const struct rw_conf_node *one = alternative(api, schema);
    struct rw_span type = type_of(schema);
    if (!schema || depth == DEPTH_MAX || ++api->nodes > PROPERTIES_MAX) {
        rw_text_adds(json, "null");
    } else if (value) {
        struct rw_text text = {0};
        put_node(value, 0, &text);
        rw_text_add(json, rw_draft_plain(api->draft, rw_text_span(&text)));
        rw_text_free(&text);
    } else if (rw_conf_tree_at(schema, "properties") || rw_conf_tree_at(schema, "allOf") ||
               rw_span_is(type, "object")) {
        put_object(api, schema, depth, json);
    } else if (one) {
        put_schema(api, one, depth + 1, json);
    } else if (rw_span_is(type, "array")) {
        put_list(api, schema, depth, json);
    } else if (rw_span_is(type, "integer") || rw_span_is(type, "number")) {
        put_number(schema, json);
    } else if (rw_span_is(type, "boolean")) {
        rw_text_adds(json, "true");
    } else {
        put_string(schema, json);
    }
}

/* A parameter's value as a template, without quotes. */
static struct rw_span parameter_value(struct openapi *api, const struct rw_conf_node *parameter)
{
    const struct rw_conf_node *schema = get(api, parameter, "schema");
    const struct rw_conf_node *value = example_of(api, parameter);
    struct rw_text json = {0};
    if (!value)
        value = stated_value(api, schema);
    if (value && value->kind == RW_CONF_NODE_SCALAR)
        return rw_draft_plain(api->draft, value->text);
    api->nodes = 0;
    put_schema(api, schema, 0, &json);
    struct rw_span text = rw_draft_copy(api->draft, rw_text_span(&json));
    rw_text_free(&json);
    if (text.len > 1 && text.at[0] == '"')
        text = rw_span(text.at + 1, text.len - 2);
    rw_draft_note(api->draft, "no example of the parameter %.*s: a value was made up",
                  RW_SPAN_ARGS(rw_conf_tree_text(parameter, "name")));
    return text;
}

/* ---- Operations ---- */

/* A made-up or stated value may hold anything: encoded as one part of a URL, but for variables. */
static struct rw_span encode(struct openapi *api, struct rw_span text)
{
    struct rw_text out = {0};
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool plain = (rw_lower(c) >= 'a' && rw_lower(c) <= 'z') || (c >= '0' && c <= '9') ||
                     memchr("-._~${}", c, 7);
        if (plain)
            rw_text_add(&out, rw_span(&c, 1));
        else
            rw_text_addf(&out, "%%%02X", (unsigned)(uint8_t)c);
    }
    struct rw_span copy = rw_draft_copy(api->draft, rw_text_span(&out));
    rw_text_free(&out);
    return copy;
}

static struct rw_span replace(struct openapi *api, struct rw_span path, struct rw_span name,
                              struct rw_span value)
{
    struct rw_text out = {0};
    for (size_t i = 0; i < path.len; i++) {
        struct rw_span rest = rw_span_skip(path, i);
        bool here = rest.at[0] == '{' && rest.len >= name.len + 2 &&
                    rw_span_eq(rw_span(rest.at + 1, name.len), name) &&
                    rest.at[name.len + 1] == '}';
        rw_text_add(&out, here ? value : rw_span(rest.at, 1));
        i += here ? name.len + 1 : 0;
    }
    struct rw_span copy = rw_draft_copy(api->draft, rw_text_span(&out));
    rw_text_free(&out);
    return copy;
}

static void take_parameter(struct openapi *api, const struct rw_conf_node *parameter,
                           struct rw_draft_step *step)
{
    struct rw_span name = rw_conf_tree_text(parameter, "name");
    struct rw_span in = rw_conf_tree_text(parameter, "in");
    bool required = rw_span_is(rw_conf_tree_text(parameter, "required"), "true");
    bool shown = example_of(api, parameter) != NULL;
    if (rw_span_is(in, "path"))
        step->path = replace(api, step->path, name, encode(api, parameter_value(api, parameter)));
    else if (rw_span_is(in, "query") && (required || shown))
        step->path = rw_draft_format(api->draft, "%.*s%s%.*s=%.*s", RW_SPAN_ARGS(step->path),
                                     rw_span_find(step->path, '?') < 0 ? "?" : "&",
                                     RW_SPAN_ARGS(encode(api, name)),
                                     RW_SPAN_ARGS(encode(api, parameter_value(api, parameter))));
    else if (rw_span_is(in, "header") && (required || shown) && !rw_draft_passes_over(name) &&
             rw_is_token(name))
        rw_draft_add_pair(api->draft, &step->headers, name, parameter_value(api, parameter));
    else if (rw_span_is(in, "cookie"))
        rw_draft_note(api->draft, "the cookie %.*s is left out", RW_SPAN_ARGS(name));
}

static void take_parameters(struct openapi *api, const struct rw_conf_node *owner,
                            struct rw_draft_step *step)
{
    const struct rw_conf_entry *entry = rw_conf_tree_entries(rw_conf_tree_at(owner, "parameters"));
    for (; entry; entry = entry->next)
        take_parameter(api, follow(api, entry->node), step);
}

/* "a=1&b=two": one pair a property. */
static void take_form(struct openapi *api, const struct rw_conf_node *schema,
                      struct rw_draft_step *step)
{
    const struct rw_conf_entry *property =
        rw_conf_tree_entries(rw_conf_tree_at(schema, "properties"));
    struct rw_text form = {0};
    for (; property; property = property->next) {
        struct rw_text json = {0};
        api->nodes = 0;
        put_schema(api, follow(api, property->node), 0, &json);
        struct rw_span value = rw_text_span(&json);
        if (value.len > 1 && value.at[0] == '"')
            value = rw_span(value.at + 1, value.len - 2);
        rw_text_addf(&form, "%s%.*s=%.*s", form.len ? "&" : "",
                     RW_SPAN_ARGS(encode(api, property->key)), RW_SPAN_ARGS(encode(api, value)));
        rw_text_free(&json);
    }
    step->body = rw_draft_copy(api->draft, rw_text_span(&form));
    rw_text_free(&form);
    rw_draft_add_pair(api->draft, &step->headers, RW_LITERAL("Content-Type"),
                      RW_LITERAL("application/x-www-form-urlencoded"));
    rw_draft_note(api->draft, "the form of %.*s was made of its schema", RW_SPAN_ARGS(step->name));
}

/* application/json, or something that is JSON, too (RFC 6839: "+json"). */
static const struct rw_conf_entry *json_media(const struct rw_conf_node *content)
{
    static const struct rw_span json = RW_LITERAL("+json");
    const struct rw_conf_entry *found = NULL;
    for (const struct rw_conf_entry *one = rw_conf_tree_entries(content); one; one = one->next) {
        ptrdiff_t more = rw_span_find(one->key, ';');
        struct rw_span type = more < 0 ? one->key : rw_span(one->key.at, (size_t)more);
        if (rw_span_is_nocase(type, "application/json"))
            return one;
        if (!found && type.len > json.len &&
            rw_span_eq(rw_span_skip(type, type.len - json.len), json))
            found = one;
    }
    return found;
}

static void take_body(struct openapi *api, const struct rw_conf_node *operation,
                      struct rw_draft_step *step)
{
    const struct rw_conf_node *content =
        rw_conf_tree_at(get(api, operation, "requestBody"), "content");
    const struct rw_conf_entry *json_entry = json_media(content);
    const struct rw_conf_node *media = json_entry ? json_entry->node : NULL;
    const struct rw_conf_node *form = rw_conf_tree_at(content, "application/x-www-form-urlencoded");
    struct rw_text json = {0};
    if (!content)
        return;
    if (!media && form) {
        take_form(api, get(api, form, "schema"), step);
        return;
    }
    if (!media) {
        rw_draft_note(api->draft,
                      "the body of %.*s is left out: it is neither JSON nor a plain form",
                      RW_SPAN_ARGS(step->name));
        return;
    }
    const struct rw_conf_node *example = example_of(api, media);
    api->nodes = 0;
    if (example) {
        put_node(example, 0, &json);
        step->body = rw_draft_plain(api->draft, rw_text_span(&json));
    } else {
        put_schema(api, get(api, media, "schema"), 0, &json);
        step->body = rw_draft_copy(api->draft, rw_text_span(&json));
        rw_draft_note(api->draft, "no example of the body of %.*s: one was made of its schema",
                      RW_SPAN_ARGS(step->name));
    }
    rw_text_free(&json);
    rw_draft_add_pair(api->draft, &step->headers, RW_LITERAL("Content-Type"),
                      rw_draft_plain(api->draft, json_entry->key));
}

/* All that mean success; "2XX" is any of them, which needs no check. */
static void take_status(struct openapi *api, const struct rw_conf_node *operation,
                        struct rw_draft_step *step)
{
    const struct rw_conf_entry *entry =
        rw_conf_tree_entries(rw_conf_tree_at(operation, "responses"));
    struct rw_text statuses = {0};
    bool any = false;
    for (uint64_t status; entry; entry = entry->next) {
        any = any || rw_span_is_nocase(entry->key, "2xx");
        if (rw_span_to_u64(entry->key, &status) && status >= 200 && status < 300)
            rw_text_addf(&statuses, "%s%u", statuses.len ? ", " : "", (unsigned)status);
    }
    bool several = statuses.len && rw_span_find(rw_text_span(&statuses), ',') >= 0;
    if (statuses.len && !any)
        rw_draft_add_line(api->draft, &step->checks, several ? "status: [%s]" : "status: %s",
                          statuses.at);
    if (statuses.err)
        api->draft->err = statuses.err;
    rw_text_free(&statuses);
}

/* A description says nothing of how often: without a pause users would ask as fast as they can. */
static void take_a_breath(struct openapi *api, struct rw_draft_step *step)
{
    step->think_ms_least = step->think_ms_most = THINK_MS;
    rw_draft_note(api->draft, "how long users think is a guess: %d s", THINK_MS / 1000);
}

static void take_operation(struct openapi *api, struct rw_span path, const char *method,
                           const struct rw_conf_node *item, const struct rw_conf_node *operation)
{
    struct rw_draft *draft = api->draft;
    struct rw_span verb = rw_span_text(method);
    struct rw_span name = rw_draft_format(draft, "%s %.*s", method, RW_SPAN_ARGS(path));
    struct rw_draft_scenario *scenario = rw_draft_add_scenario(draft, name);
    struct rw_draft_step *step = rw_draft_add_step(draft, scenario);
    if (!step)
        return;
    /* A scenario's name is short, and its own. */
    scenario->name = rw_draft_format(draft, "%u %.*s", draft->steps,
                                     (int)(name.len < 50 ? name.len : 50), name.at);
    step->method = rw_draft_copy(draft, verb);
    step->name = name;
    step->path = rw_draft_format(draft, "%.*s%.*s", RW_SPAN_ARGS(api->base),
                                 RW_SPAN_ARGS(rw_draft_plain(draft, path)));
    take_parameters(api, item, step);
    take_parameters(api, operation, step);
    take_body(api, operation, step);
    take_status(api, operation, step);
    take_a_breath(api, step);
    if (rw_conf_tree_at(operation, "security") || rw_conf_tree_at(api->root, "security"))
        rw_draft_note(draft, "credentials are left out: headers: { Authorization: ... } adds them");
}

static void take_paths(struct openapi *api)
{
    static const struct {
        const char *key, *method;
    } methods[] = {{"get", "GET"},        {"post", "POST"},     {"put", "PUT"},
                   {"patch", "PATCH"},    {"delete", "DELETE"}, {"head", "HEAD"},
                   {"options", "OPTIONS"}};
    const struct rw_conf_entry *entry = rw_conf_tree_entries(rw_conf_tree_at(api->root, "paths"));
    for (; entry; entry = entry->next) {
        const struct rw_conf_node *item = follow(api, entry->node);
        for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
            const struct rw_conf_node *operation = rw_conf_tree_at(item, methods[i].key);
            if (operation)
                take_operation(api, entry->key, methods[i].method, item, operation);
        }
    }
}

/* The first server, its variables with their defaults. */
static void take_server(struct openapi *api)
{
    const struct rw_conf_entry *first = rw_conf_tree_entries(rw_conf_tree_at(api->root, "servers"));
    struct rw_span text = first ? rw_conf_tree_text(first->node, "url") : RW_LITERAL("");
    const struct rw_conf_entry *variable =
        first ? rw_conf_tree_entries(rw_conf_tree_at(first->node, "variables")) : NULL;
    for (; variable; variable = variable->next)
        text = replace(api, text, variable->key, rw_conf_tree_text(variable->node, "default"));
    struct rw_url url;
    const char *why;
    struct rw_draft *draft = api->draft;
    if (!text.len || rw_url_parse(text, &url, &why)) {
        draft->target = RW_LITERAL("http://localhost:8080");
        rw_draft_note(draft, "no server with a URL is named: the target is a guess");
        api->base = text.len && text.at[0] == '/' ? text : RW_LITERAL("");
    } else {
        draft->target = rw_draft_format(draft, "%.*s://%.*s", RW_SPAN_ARGS(url.scheme),
                                        RW_SPAN_ARGS(url.authority));
        api->base = url.target;
    }
    while (api->base.len && api->base.at[api->base.len - 1] == '/')
        api->base.len--;
}

enum rw_err rw_import_openapi(const char *name, struct rw_span content, struct rw_draft *draft,
                              struct rw_text *why)
{
    struct rw_conf_report report = {0};
    struct rw_conf_tree tree;
    enum rw_err err = rw_conf_tree_read(content, name, draft->arena, &tree, &report);
    struct openapi api = {.draft = draft, .root = tree.root};
    if (err == RW_EINVAL)
        rw_conf_report_print(&report, why);
    if (!err && !rw_span_starts(rw_conf_tree_text(tree.root, "openapi"), RW_LITERAL("3."))) {
        rw_text_adds(why, "not OpenAPI 3: `openapi: 3...` is missing");
        err = RW_EINVAL;
    }
    if (!err) {
        draft->source = RW_LITERAL("a description of an interface (OpenAPI)");
        take_server(&api);
        take_paths(&api);
    }
    rw_conf_tree_free(&tree);
    return err;
}
