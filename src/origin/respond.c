#include "origin/respond.h"

#include "gate/config/settable.h"

struct respond_config {
    uint32_t status;
    struct rw_span body, content_type;
    struct rw_conf_list headers; /* of rw_conf_pair */
    struct rw_conf_place place;
};

static const struct rw_conf_field fields[] = {
    {
        .name = "status",
        .type = RW_CONF_UINT,
        .offset = offsetof(struct respond_config, status),
        .fallback = "200",
        .min = 200,
        .max = 599,
        .doc = "The status code.",
    },
    {
        .name = "body",
        .type = RW_CONF_TEXT,
        .offset = offsetof(struct respond_config, body),
        .fallback = "",
        .doc = "The whole body.",
        .example = "hello",
    },
    {
        .name = "content_type",
        .type = RW_CONF_TEXT,
        .offset = offsetof(struct respond_config, content_type),
        .fallback = "text/plain; charset=utf-8",
        .doc = "The Content-Type of the body; without a body none is sent.",
    },
    {
        .name = "headers",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP,
        .offset = offsetof(struct respond_config, headers),
        .doc = "Further response fields.",
        .example = "{ Cache-Control: no-store }",
    },
    {.name = NULL},
};

static void check(void *value, struct rw_conf_report *report)
{
    struct respond_config *config = value;
    rw_settable_check_pairs(report, &config->headers, RW_SETTABLE_RESPONSE);
    if (!rw_is_field_value(config->content_type))
        rw_conf_mistake_on(report, &config->content_type, "not a field value");
    if (config->body.len && rw_status_contentless(config->status))
        rw_conf_mistake_on(report, &config->body, "a response with status %u has no body",
                           config->status);
}

static const struct rw_conf_record record = {
    .name = "respond",
    .doc = "A fixed answer. A text in place of the mapping is the body.",
    .size = sizeof(struct respond_config),
    .fields = fields,
    .place_offset = offsetof(struct respond_config, place),
    .scalar_field = "body",
    .check = check,
};

static enum rw_err compile(struct rw_compile *compile, const void *config, void **instance)
{
    (void)compile;
    *instance = (void *)config; /* lives in the snapshot's arena already */
    return RW_OK;
}

static enum rw_flow start(struct rw_exchange *x, void *instance, const struct rw_piece *first)
{
    (void)first;
    const struct respond_config *config = instance;
    const struct rw_conf_pair *pairs = config->headers.items;
    const char *type =
        config->body.len && config->content_type.len ? config->content_type.at : NULL;
    enum rw_err err = rw_exchange_make_reply(x, config->status, type, config->body);
    for (size_t i = 0; i < config->headers.count && !err; i++)
        err = rw_message_set(&x->response, &x->arena, pairs[i].key, pairs[i].value);
    return rw_exchange_reply(x, err);
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct respond_config *config = instance;
    rw_text_addf(text, "fixed answer %u, %zu bytes", config->status, config->body.len);
}

const struct rw_origin rw_origin_respond = {
    .kind = {.name = "respond",
             .record = &record,
             .doc = "A fixed answer.",
             .user = &rw_origin_respond},
    .compile = compile,
    .start = start,
    .explain = explain,
};
