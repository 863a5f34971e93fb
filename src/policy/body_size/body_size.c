#include "policy/body_size/body_size.h"

#include "gate/exchange/exchange.h"
#include "gate/snapshot.h"

struct body_size_config {
    uint64_t bytes_max;
    struct rw_conf_place place;
};

static const struct rw_conf_field fields[] = {
    {
        .name = "max",
        .type = RW_CONF_SIZE,
        .flags = RW_CONF_REQUIRED,
        .offset = offsetof(struct body_size_config, bytes_max),
        .min = 1,
        .max = INT64_MAX,
        .doc = "The largest body of a request; more is answered with 413. In a route it takes the "
               "place of what the listener's policies say; `limits.body` of the listener holds all "
               "the same.",
        .example = "10MiB",
    },
    {.name = NULL},
};

static const struct rw_conf_record record = {
    .name = "policy.body_size",
    .doc = "Limits how large a request's body may be.",
    .size = sizeof(struct body_size_config),
    .fields = fields,
    .place_offset = offsetof(struct body_size_config, place),
};

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    (void)compile;
    *instance = (void *)value; /* lives in the snapshot's arena already */
    return RW_OK;
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    x->body_bytes_max = ((const struct body_size_config *)instance)->bytes_max;
    return RW_VERDICT_NEXT;
}

static void explain(const void *instance, struct rw_text *text)
{
    rw_text_addf(text, "%llu bytes at most, larger ones get 413",
                 (unsigned long long)((const struct body_size_config *)instance)->bytes_max);
}

const struct rw_policy rw_policy_body_size = {
    .kind = {.name = "body_size",
             .record = &record,
             .doc = "Limits how large a request's body may be.",
             .user = &rw_policy_body_size},
    .compile = compile,
    .on_request = on_request,
    .explain = explain,
};
