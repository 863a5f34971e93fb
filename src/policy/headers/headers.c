#include "policy/headers/headers.h"

#include "gate/config/settable.h"
#include "gate/config/template.h"

struct edits_config {
    struct rw_conf_list set, add; /* of rw_conf_pair */
    struct rw_conf_list remove;   /* of rw_span */
    struct rw_conf_place place;
};

struct headers_config {
    struct edits_config *request, *response;
    struct rw_conf_place place;
};

enum edit_kind { EDIT_REMOVE, EDIT_SET, EDIT_ADD };

struct edit {
    enum edit_kind kind;
    struct rw_span name;
    struct rw_template value;
};

struct edits {
    struct edit *items; /* removals first, then what is set, then what is added */
    unsigned count;
};

struct headers {
    struct edits request, response;
};

/* ---- Configuration ---- */

static const struct rw_conf_field edits_fields[] = {
    {
        .name = "remove",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = offsetof(struct edits_config, remove),
        .doc = "Names of fields that go, first of all.",
        .example = "[X-Debug]",
    },
    {
        .name = "set",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP,
        .offset = offsetof(struct edits_config, set),
        .max = 8192,
        .doc = "Fields that get this value, whatever they had before. {client_ip}, {host}, {port}, "
               "{authority}, {scheme}, {method}, {path}, {query}, {trace_id} and the parameters of "
               "the route stand for parts of the request.",
        .example = "{X-Client: \"{client_ip}\"}",
    },
    {
        .name = "add",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP,
        .offset = offsetof(struct edits_config, add),
        .max = 8192,
        .doc = "Fields that are added to those that are there.",
        .example = "{Vary: Accept}",
    },
    {.name = NULL},
};

static void check_edits(struct rw_conf_report *report, struct edits_config *config,
                        enum rw_settable where)
{
    if (!config)
        return;
    rw_settable_check_names(report, &config->remove, where);
    rw_settable_check_pairs(report, &config->set, where);
    rw_settable_check_pairs(report, &config->add, where);
}

static void check(void *value, struct rw_conf_report *report)
{
    struct headers_config *config = value;
    check_edits(report, config->request, RW_SETTABLE_REQUEST);
    check_edits(report, config->response, RW_SETTABLE_RESPONSE);
}

static const struct rw_conf_record edits_record = {
    .name = "policy.headers.edits",
    .doc = "What becomes of the fields: `remove`, then `set`, then `add`.",
    .size = sizeof(struct edits_config),
    .fields = edits_fields,
    .place_offset = offsetof(struct edits_config, place),
};

static const struct rw_conf_field fields[] = {
    {
        .name = "request",
        .type = RW_CONF_RECORD,
        .offset = offsetof(struct headers_config, request),
        .record = &edits_record,
        .doc = "Of the request, before the origin gets it.",
    },
    {
        .name = "response",
        .type = RW_CONF_RECORD,
        .offset = offsetof(struct headers_config, response),
        .record = &edits_record,
        .doc = "Of the response, the gateway's own answers included.",
    },
    {.name = NULL},
};

static const struct rw_conf_record record = {
    .name = "policy.headers",
    .doc = "Removes, sets and adds header fields. Fields that frame or route a message cannot be "
           "touched.",
    .size = sizeof(struct headers_config),
    .fields = fields,
    .place_offset = offsetof(struct headers_config, place),
    .check = check,
};

/* ---- Compiling ---- */

static enum rw_err compile_pairs(struct rw_compile *compile, struct rw_conf_place place,
                                 enum edit_kind kind, const struct rw_conf_list *list,
                                 struct edits *edits)
{
    const struct rw_conf_pair *pairs = list->items;
    enum rw_err result = RW_OK;
    for (size_t i = 0; i < list->count && result != RW_ENOMEM; i++) {
        struct edit *edit = &edits->items[edits->count++];
        *edit = (struct edit){.kind = kind, .name = pairs[i].key};
        enum rw_err err = rw_template_of_pair(compile, place, &pairs[i], &edit->value);
        result = err ? err : result;
    }
    return result;
}

static enum rw_err compile_edits(struct rw_compile *compile, const struct edits_config *config,
                                 struct edits *edits)
{
    if (!config)
        return RW_OK;
    size_t count = config->remove.count + config->set.count + config->add.count;
    edits->items = rw_arena_zero(compile->arena, (count + 1) * sizeof(*edits->items));
    if (!edits->items)
        return RW_ENOMEM;
    const struct rw_span *names = config->remove.items;
    for (size_t i = 0; i < config->remove.count; i++)
        edits->items[edits->count++] = (struct edit){.kind = EDIT_REMOVE, .name = names[i]};
    enum rw_err err = compile_pairs(compile, config->place, EDIT_SET, &config->set, edits);
    enum rw_err more = compile_pairs(compile, config->place, EDIT_ADD, &config->add, edits);
    return err ? err : more;
}

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct headers_config *config = value;
    struct headers *headers = rw_arena_zero(compile->arena, sizeof(*headers));
    if (!headers)
        return RW_ENOMEM;
    *instance = headers;
    enum rw_err request = compile_edits(compile, config->request, &headers->request);
    enum rw_err response = compile_edits(compile, config->response, &headers->response);
    return request ? request : response;
}

/* ---- At work ---- */

static enum rw_err apply(struct rw_exchange *x, struct rw_message *message, const struct edit *edit)
{
    struct rw_span value;
    if (edit->kind == EDIT_REMOVE) {
        rw_message_remove(message, edit->name);
        return RW_OK;
    }
    enum rw_err err = rw_template_fill(&edit->value, x, &value);
    if (err)
        return err;
    return edit->kind == EDIT_SET ? rw_message_set(message, &x->arena, edit->name, value)
                                  : rw_message_add(message, &x->arena, edit->name, value);
}

static enum rw_verdict apply_all(struct rw_exchange *x, struct rw_message *message,
                                 const struct edits *edits)
{
    for (unsigned i = 0; i < edits->count; i++)
        if (apply(x, message, &edits->items[i]))
            return RW_VERDICT_FAIL;
    return RW_VERDICT_NEXT;
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct headers *headers = instance;
    return apply_all(x, &x->request, &headers->request);
}

static enum rw_verdict on_response(struct rw_exchange *x, const void *instance)
{
    const struct headers *headers = instance;
    return apply_all(x, &x->response, &headers->response);
}

static void explain_edits(const char *of, const struct edits *edits, struct rw_text *text)
{
    static const char *const verbs[] = {"remove", "set", "add"};
    for (unsigned i = 0; i < edits->count; i++)
        rw_text_addf(text, "%s%s %s %.*s", i ? "," : of, i ? "" : ":", verbs[edits->items[i].kind],
                     RW_SPAN_ARGS(edits->items[i].name));
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct headers *headers = instance;
    explain_edits("request", &headers->request, text);
    if (headers->request.count && headers->response.count)
        rw_text_adds(text, "; ");
    explain_edits("response", &headers->response, text);
}

const struct rw_policy rw_policy_headers = {
    .kind = {.name = "headers",
             .record = &record,
             .doc = "Removes, sets and adds header fields of requests and responses.",
             .user = &rw_policy_headers},
    .compile = compile,
    .on_request = on_request,
    .on_response = on_response,
    .explain = explain,
};
