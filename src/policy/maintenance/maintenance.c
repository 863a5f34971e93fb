#include "policy/maintenance/maintenance.h"

#include "gate/exchange/exchange.h"
#include "gate/front/forwarded.h"
#include "gate/snapshot.h"

enum { NETWORKS_MAX = 64 };

struct maintenance_config {
    bool active;
    uint32_t status;
    uint32_t retry_after_ms;
    struct rw_span body, content_type;
    struct rw_conf_list allow; /* of rw_span */
    struct rw_conf_place place;
};

struct maintenance {
    const struct maintenance_config *config;
    struct rw_cidr *allow;
    unsigned allow_count;
};

/* ---- Configuration ---- */

#define MEMBER(member) offsetof(struct maintenance_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "active",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(active),
        .fallback = "true",
        .doc = "With false the policy does nothing, and may stay in the file.",
    },
    {
        .name = "allow",
        .type = RW_CONF_CIDR,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(allow),
        .doc = "Networks whose clients get through all the same.",
        .example = "[10.0.0.0/8]",
    },
    {
        .name = "retry_after",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(retry_after_ms),
        .fallback = "5m",
        .max = 86400000,
        .doc = "When clients are told to come again (Retry-After); 0s: they are not told.",
    },
    {
        .name = "status",
        .type = RW_CONF_UINT,
        .offset = MEMBER(status),
        .fallback = "503",
        .min = 400,
        .max = 599,
        .doc = "What the others are answered.",
    },
    {
        .name = "body",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(body),
        .min = 0,
        .max = 65536,
        .doc = "The answer's body; without it problem details (RFC 9457).",
        .example = "<h1>Back at noon</h1>",
    },
    {
        .name = "content_type",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(content_type),
        .fallback = "text/html; charset=utf-8",
        .min = 1,
        .max = 256,
        .doc = "Of `body`.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check(void *value, struct rw_conf_report *report)
{
    const struct maintenance_config *config = value;
    if (config->allow.count > NETWORKS_MAX)
        rw_conf_mistake_on(report, &config->allow, "at most %d networks", NETWORKS_MAX);
    if (!rw_is_field_value(config->content_type))
        rw_conf_mistake_on(report, &config->content_type, "%s is no media type",
                           rw_conf_quote(report, config->content_type));
}

static const struct rw_conf_record record = {
    .name = "policy.maintenance",
    .doc = "Answers everybody but some clients that the service is closed for a while.",
    .size = sizeof(struct maintenance_config),
    .fields = fields,
    .place_offset = offsetof(struct maintenance_config, place),
    .check = check,
};

/* ---- The policy ---- */

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct maintenance_config *config = value;
    struct maintenance *made = rw_arena_zero(compile->arena, sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    made->config = config;
    *instance = made;
    return rw_cidrs_parse(compile->arena, &config->allow, &made->allow, &made->allow_count);
}

static enum rw_err answer(struct rw_exchange *x, const struct maintenance_config *config)
{
    static const char text[] = "The service is closed for maintenance.";
    enum rw_err err =
        config->body.len
            ? rw_exchange_make_reply(x, config->status, config->content_type.at, config->body)
            : rw_exchange_make_problem(x, config->status, text);
    if (err || config->retry_after_ms == 0)
        return err;
    struct rw_span seconds =
        rw_arena_format(&x->arena, "%u", (config->retry_after_ms + 999) / 1000);
    return seconds.at ? rw_message_set(&x->response, &x->arena, RW_LITERAL("Retry-After"), seconds)
                      : RW_ENOMEM;
}

static bool lets_pass(const struct maintenance *maintenance, const struct sockaddr *client)
{
    return !maintenance->config->active ||
           rw_cidrs_hold(maintenance->allow, maintenance->allow_count, client);
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct maintenance *maintenance = instance;
    if (lets_pass(maintenance, x->client))
        return RW_VERDICT_NEXT;
    return answer(x, maintenance->config) ? RW_VERDICT_FAIL : RW_VERDICT_REPLY;
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct maintenance *maintenance = instance;
    if (!maintenance->config->active) {
        rw_text_adds(text, "not active");
        return;
    }
    rw_text_addf(text, "closed: %u for all", maintenance->config->status);
    if (maintenance->allow_count)
        rw_text_addf(text, " but %u network%s", maintenance->allow_count,
                     maintenance->allow_count == 1 ? "" : "s");
    if (maintenance->config->retry_after_ms)
        rw_text_addf(text, ", to come again after %u s",
                     (maintenance->config->retry_after_ms + 999) / 1000);
}

static void explain_client(struct rw_exchange *x, const void *instance, struct rw_text *text)
{
    const struct maintenance *maintenance = instance;
    if (!maintenance->config->active)
        return;
    if (lets_pass(maintenance, x->client))
        rw_text_adds(text, "; this client passes");
    else
        rw_text_addf(text, "; this client gets %u", maintenance->config->status);
}

const struct rw_policy rw_policy_maintenance = {
    .kind = {.name = "maintenance",
             .record = &record,
             .doc = "Closes a route or a listener for a while.",
             .user = &rw_policy_maintenance},
    .placeless = true,
    .compile = compile,
    .on_request = on_request,
    .explain = explain,
    .explain_client = explain_client,
};
