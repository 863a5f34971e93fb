#include "origin/echo.h"

#include "base/version.h"
#include "gate/config/template.h"
#include "gate/snapshot.h"
#include "io/address.h"
#include "watch/trace.h"

struct echo_config {
    uint32_t status;
};

static const struct rw_conf_field fields[] = {
    {
        .name = "status",
        .type = RW_CONF_UINT,
        .offset = offsetof(struct echo_config, status),
        .fallback = "200",
        .min = 200,
        .max = 599,
        .doc = "The status code.",
    },
    {.name = NULL},
};

static void check(void *value, struct rw_conf_report *report)
{
    struct echo_config *config = value;
    if (rw_status_contentless(config->status))
        rw_conf_mistake_on(report, &config->status, "a response with status %u has no body",
                           config->status);
}

static const struct rw_conf_record record = {
    .name = "echo",
    .doc = "Answers with a JSON document that describes the request. `echo: {}` is enough.",
    .size = sizeof(struct echo_config),
    .fields = fields,
    .place_offset = -1,
    .check = check,
};

/* ---- The document ---- */

static void add_member(struct rw_text *text, const char *name, struct rw_span value)
{
    rw_text_addf(text, "  \"%s\": ", name);
    rw_text_add_json(text, value);
    rw_text_adds(text, ",\n");
}

static bool hidden(const struct rw_field *field)
{
    return field->id == RW_FIELD_AUTHORIZATION || field->id == RW_FIELD_COOKIE ||
           field->id == RW_FIELD_PROXY_AUTHORIZATION;
}

static bool same_name(const struct rw_field *a, const struct rw_field *b)
{
    return rw_span_eq_nocase(a->name, b->name);
}

static bool seen_before(const struct rw_message *request, unsigned field)
{
    for (unsigned i = 0; i < field; i++)
        if (same_name(&request->fields[i], &request->fields[field]))
            return true;
    return false;
}

/* Several fields of one name are one list (RFC 9110 section 5.3). */
static void add_field(struct rw_text *text, const struct rw_message *request, unsigned field)
{
    const struct rw_field *first = &request->fields[field];
    struct rw_text value = {0};
    rw_text_add(&value, hidden(first) ? RW_LITERAL("(hidden)") : first->value);
    for (unsigned i = field + 1; i < request->field_count && !hidden(first); i++) {
        if (!same_name(first, &request->fields[i]))
            continue;
        rw_text_adds(&value, ", ");
        rw_text_add(&value, request->fields[i].value);
    }
    rw_text_add_json(text, first->name);
    rw_text_adds(text, ": ");
    rw_text_add_json(text, rw_text_span(&value));
    if (value.err)
        text->err = value.err;
    rw_text_free(&value);
}

static void add_fields(struct rw_text *text, const struct rw_message *request)
{
    const char *before = "\n    ";
    rw_text_adds(text, "  \"headers\": {");
    for (unsigned i = 0; i < request->field_count; i++) {
        if (seen_before(request, i))
            continue;
        rw_text_adds(text, before);
        add_field(text, request, i);
        before = ",\n    ";
    }
    rw_text_adds(text, "\n  },\n");
}

static void describe(const struct rw_exchange *x, struct rw_text *text)
{
    const struct rw_message *request = &x->request;
    char client[RW_ADDRESS_HOST_TEXT_MAX];
    size_t client_bytes = rw_address_format_host(client, x->client);
    rw_text_adds(text, "{\n");
    add_member(text, "method", request->method_text);
    add_member(text, "scheme", rw_template_scheme(x));
    add_member(text, "host", x->upstream_host.at ? x->upstream_host : request->authority);
    add_member(text, "path", request->path);
    add_member(text, "query", request->query);
    add_member(text, "upstream_target", x->upstream_target);
    add_member(text, "protocol", x->front->protocol);
    add_member(text, "client", rw_span(client, client_bytes));
    add_fields(text, request);
    rw_text_addf(text, "  \"body_bytes\": %llu,\n", (unsigned long long)x->bytes_in);
    add_member(text, "trace_id",
               rw_traceparent_trace_id(rw_span(x->traceparent, RW_TRACEPARENT_BYTES)));
    add_member(text, "route", x->route->name);
    rw_text_adds(text, "  \"gateway\": \"Ringway " RW_VERSION "\"\n}\n");
}

/* The document is copied into the exchange's arena: its cap is what limits this answer. */
static enum rw_err make(struct rw_exchange *x)
{
    const struct echo_config *config = x->route->origin_instance;
    struct rw_text text = {0};
    describe(x, &text);
    struct rw_span body = {0};
    if (!text.err)
        body = rw_arena_copy(&x->arena, rw_text_span(&text));
    rw_text_free(&text);
    if (!body.at)
        return RW_ENOMEM;
    return rw_exchange_make_reply(x, config->status, "application/json", body);
}

static enum rw_flow answer(struct rw_exchange *x)
{
    return rw_exchange_reply(x, make(x));
}

/* ---- The origin ---- */

static enum rw_err compile(struct rw_compile *compile, const void *config, void **instance)
{
    (void)compile;
    *instance = (void *)config; /* lives in the snapshot's arena already */
    return RW_OK;
}

/* The exchange counts the bytes of the body; its end is when they can be told. */
static enum rw_flow start(struct rw_exchange *x, void *instance, const struct rw_piece *first)
{
    (void)instance;
    return first->end ? answer(x) : RW_FLOW_GO;
}

static enum rw_flow request_data(struct rw_exchange *x, const struct rw_piece *piece)
{
    return piece->end ? answer(x) : RW_FLOW_GO;
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct echo_config *config = instance;
    rw_text_addf(text, "echo: describes the request, status %u", config->status);
}

const struct rw_origin rw_origin_echo = {
    .kind = {.name = "echo",
             .record = &record,
             .doc = "Answers with a JSON document that describes the request, to try things out.",
             .user = &rw_origin_echo},
    .compile = compile,
    .start = start,
    .request_data = request_data,
    .explain = explain,
};
