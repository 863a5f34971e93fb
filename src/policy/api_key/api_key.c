#include "policy/api_key/api_key.h"

#include "gate/identity/consumers.h"
#include "gate/snapshot.h"
#include "gate/worker.h"
#include "policy/identity/challenge.h"
#include "policy/identity/credential.h"

struct api_key_config {
    struct rw_span header, query, cookie; /* one of them, or none */
    bool keep;
    struct rw_challenge_config challenge;
    struct rw_conf_place place;
};

struct api_key {
    const struct api_key_config *config;
    const struct rw_consumers *consumers;
    struct rw_credential credential;
    struct rw_challenge challenge;
    bool has_tenants;
};

/* ---- Configuration ---- */

#define MEMBER(member) offsetof(struct api_key_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "header",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(header),
        .min = 1,
        .max = 128,
        .doc = "The field that has the key. Without this, `query` and `cookie` it is X-Api-Key.",
        .example = "X-Api-Key",
    },
    {
        .name = "query",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(query),
        .min = 1,
        .max = 128,
        .doc = "In place of `header`: the parameter of the query. Other programs on the way may "
               "write it into their logs.",
        .example = "api_key",
    },
    {
        .name = "cookie",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(cookie),
        .min = 1,
        .max = 128,
        .doc = "In place of `header`: the cookie.",
        .example = "api_key",
    },
    {
        .name = "keep",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(keep),
        .fallback = "false",
        .doc = "The origin gets the key, too.",
    },
    RW_CHALLENGE_FIELDS(api_key_config, challenge),
    {.name = NULL},
};
#undef MEMBER

static void check(void *value, struct rw_conf_report *report)
{
    struct api_key_config *config = value;
    if ((config->header.len > 0) + (config->query.len > 0) + (config->cookie.len > 0) > 1)
        rw_conf_mistake_at(report, config->place,
                           "expected one of \"header\", \"query\" and \"cookie\"");
    rw_credential_check_header(&config->header, report);
    rw_challenge_check(&config->challenge, report);
}

static const struct rw_conf_record record = {
    .name = "policy.api_key",
    .doc = "Knows consumers by their API keys.",
    .size = sizeof(struct api_key_config),
    .fields = fields,
    .place_offset = offsetof(struct api_key_config, place),
    .check = check,
};

static struct rw_credential credential_of(const struct api_key_config *config)
{
    if (config->query.len)
        return (struct rw_credential){RW_CREDENTIAL_QUERY, config->query};
    if (config->cookie.len)
        return (struct rw_credential){RW_CREDENTIAL_COOKIE, config->cookie};
    return (struct rw_credential){RW_CREDENTIAL_HEADER,
                                  config->header.len ? config->header : RW_LITERAL("X-Api-Key")};
}

static bool has_tenants(const struct rw_config *config)
{
    const struct rw_config_consumer *consumers = config->consumers.items;
    for (size_t i = 0; i < config->consumers.count; i++)
        if (consumers[i].tenant.len && consumers[i].keys.count)
            return true;
    return false;
}

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct api_key_config *config = value;
    const struct rw_snapshot *snapshot = compile->snapshot;
    struct api_key *api_key = rw_arena_zero(compile->arena, sizeof(*api_key));
    if (!api_key)
        return RW_ENOMEM;
    *instance = api_key;
    api_key->config = config;
    api_key->consumers = snapshot->consumers;
    api_key->credential = credential_of(config);
    api_key->has_tenants = has_tenants(snapshot->config);
    if (!api_key->consumers || !rw_consumers_with_keys(api_key->consumers)) {
        rw_conf_mistake_at(compile->report, config->place,
                           "no consumer has a key: put `keys` to some of `consumers`");
        return RW_EINVAL;
    }
    return rw_challenge_compile(compile, &config->challenge, "ApiKey", "", &api_key->challenge);
}

/* ---- At work ---- */

static bool tells(const void *instance, enum rw_identity_part part, struct rw_span claim)
{
    const struct api_key *api_key = instance;
    (void)claim;
    return part == RW_IDENTITY_CONSUMER || (part == RW_IDENTITY_TENANT && api_key->has_tenants);
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct api_key *api_key = instance;
    const struct rw_consumer *consumer = NULL;
    struct rw_span key;
    enum rw_credential_found found = rw_credential_find(&api_key->credential, x, &key);
    if (found == RW_CREDENTIAL_NONE)
        return rw_challenge_missing(&api_key->challenge, x, RW_COUNTER_API_KEY_MISSING);
    if (found == RW_CREDENTIAL_ONE)
        consumer = rw_consumers_by_key(api_key->consumers, x->worker->index, key);
    if (!consumer)
        return rw_challenge_wrong(&api_key->challenge, x, RW_COUNTER_API_KEY_UNKNOWN);
    rw_worker_count(x->worker, RW_COUNTER_API_KEY_ADMITTED, 1);
    enum rw_err err = api_key->config->keep ? RW_OK : rw_credential_remove(&api_key->credential, x);
    err = err ? err : rw_identity_tell(x, &consumer->identity);
    return err ? RW_VERDICT_FAIL : RW_VERDICT_NEXT;
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct api_key *api_key = instance;
    rw_credential_explain(&api_key->credential, text);
    size_t count = rw_consumers_with_keys(api_key->consumers);
    rw_text_addf(text, ", required %s, %zu consumer%s with keys; what has none gets 401",
                 rw_challenge_required_names[api_key->config->challenge.required], count,
                 count == 1 ? "" : "s");
}

const struct rw_policy rw_policy_api_key = {
    .kind = {.name = "api_key",
             .record = &record,
             .doc = "Knows consumers by their API keys.",
             .user = &rw_policy_api_key},
    .placeless = true,
    .compile = compile,
    .tells = tells,
    .on_request = on_request,
    .explain = explain,
};
