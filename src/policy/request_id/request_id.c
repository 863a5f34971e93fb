#include "policy/request_id/request_id.h"

#include "base/clock.h"
#include "base/random.h"
#include "gate/config/settable.h"
#include "gate/exchange/exchange.h"
#include "gate/snapshot.h"
#include "gate/worker.h"
#include "io/loop.h"

enum { ID_BYTES_MAX = 64 };
enum from { FROM_NOBODY, FROM_TRUSTED, FROM_ANYBODY };

static const char *const from_names[] = {"nobody", "trusted", "anybody", NULL};

struct request_id_config {
    struct rw_span field;
    int accept; /* enum from */
    bool respond;
    struct rw_conf_place place;
};

/* ---- Configuration ---- */

#define MEMBER(member) offsetof(struct request_id_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "field",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(field),
        .fallback = "X-Request-Id",
        .min = 1,
        .max = 64,
        .doc = "The field that carries it, in the request to the origin and in the response.",
    },
    {
        .name = "accept",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(accept),
        .names = from_names,
        .fallback = "trusted",
        .doc = "From whom one that a request has already is kept: `trusted` proxies of the "
               "listener, `anybody`, `nobody`. It is, if it has at most 64 letters, digits and "
               "`- _ . : / + = @`.",
    },
    {
        .name = "respond",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(respond),
        .fallback = "true",
        .doc = "The client is told, too.",
    },
    {.name = NULL},
};
#undef MEMBER

static void check(void *value, struct rw_conf_report *report)
{
    const struct request_id_config *config = value;
    const char *flaw = rw_settable_flaw(config->field, RW_SETTABLE_REQUEST);
    if (!flaw)
        flaw = rw_settable_flaw(config->field, RW_SETTABLE_RESPONSE);
    if (flaw)
        rw_conf_mistake_on(report, &config->field, "%s: it %s",
                           rw_conf_quote(report, config->field), flaw);
}

static const struct rw_conf_record record = {
    .name = "policy.request_id",
    .doc = "Gives each request an id (UUID version 7, RFC 9562), or keeps the one that it has.",
    .size = sizeof(struct request_id_config),
    .fields = fields,
    .place_offset = offsetof(struct request_id_config, place),
    .check = check,
};

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    (void)compile;
    *instance = (void *)value; /* lives in the snapshot's arena already */
    return RW_OK;
}

/* ---- At work ---- */

static bool is_good(struct rw_span id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && !memchr("-_.:/+=@", c, 8))
            return false;
    }
    return id.len > 0 && id.len <= ID_BYTES_MAX;
}

static struct rw_span kept(const struct rw_exchange *x, const struct request_id_config *config)
{
    bool believed =
        config->accept == FROM_ANYBODY || (config->accept == FROM_TRUSTED && x->client_trusted);
    const struct rw_field *field =
        believed ? rw_message_find_name(&x->request, config->field) : NULL;
    return field && is_good(field->value) ? field->value : (struct rw_span){0};
}

/* RFC 9562 section 5.7: milliseconds since 1970, then chance. */
static struct rw_span make(struct rw_exchange *x)
{
    struct rw_random *random = rw_loop_random(x->worker->loop);
    uint64_t time_ms = x->wall_ns / RW_NS_PER_MS, high = rw_random_u64(random);
    uint64_t low = rw_random_u64(random);
    return rw_arena_format(&x->arena, "%08x-%04x-7%03x-%04x-%012llx", (unsigned)(time_ms >> 16),
                           (unsigned)(time_ms & 0xffff), (unsigned)(high & 0xfff),
                           (unsigned)(0x8000 | (high >> 16 & 0x3fff)),
                           (unsigned long long)(low & 0xffffffffffff));
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct request_id_config *config = instance;
    struct rw_span id = kept(x, config);
    if (!id.at)
        id = make(x);
    x->request_id = id;
    if (!id.at || rw_message_set(&x->request, &x->arena, config->field, id))
        return RW_VERDICT_FAIL;
    return RW_VERDICT_NEXT;
}

static enum rw_verdict on_response(struct rw_exchange *x, const void *instance)
{
    const struct request_id_config *config = instance;
    if (!config->respond || !x->request_id.at)
        return RW_VERDICT_NEXT;
    return rw_message_set(&x->response, &x->arena, config->field, x->request_id) ? RW_VERDICT_FAIL
                                                                                 : RW_VERDICT_NEXT;
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct request_id_config *config = instance;
    rw_text_addf(text, "%.*s, kept from %s", RW_SPAN_ARGS(config->field),
                 from_names[config->accept]);
}

const struct rw_policy rw_policy_request_id = {
    .kind = {.name = "request_id",
             .record = &record,
             .doc = "Gives each request an id.",
             .user = &rw_policy_request_id},
    .compile = compile,
    .on_request = on_request,
    .on_response = on_response,
    .explain = explain,
};
