#include "policy/grpc_web/grpc_web.h"

#include "gate/exchange/filter.h"
#include "gate/snapshot.h"
#include "gate/worker.h"
#include "policy/grpc_web/grpc_web_filter.h"

/* ---- Configuration ---- */

struct grpc_web_config {
    uint64_t message_bytes_max;
    struct rw_conf_place place;
};

#define MEMBER(member) offsetof(struct grpc_web_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "message_max",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(message_bytes_max),
        .fallback = "4MiB",
        .min = 0,
        .max = UINT32_MAX,
        .doc = "The largest message that a client may send, as servers of gRPC have such a limit, "
               "too; 0 is no limit. Messages are not gathered: it costs no memory.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record record = {
    .name = "policy.grpc_web",
    .doc = "Translates the calls of browsers (gRPC-Web, binary and text) to gRPC for an upstream "
           "that speaks HTTP/2. Other requests pass untouched.",
    .size = sizeof(struct grpc_web_config),
    .fields = fields,
    .place_offset = offsetof(struct grpc_web_config, place),
};

/* The name of the upstream, where it is one that cannot understand a call. */
static bool speaks_no_http2(const struct rw_compile *compile, struct rw_span *name)
{
    const struct rw_conf_variant *action = compile->route ? &compile->route->action : NULL;
    if (!action || !action->kind || strcmp(action->kind->name, "upstream") != 0)
        return false;
    *name = *(const struct rw_span *)action->value;
    const struct rw_cluster *cluster = rw_snapshot_cluster(compile->snapshot, *name);
    return cluster && !cluster->http2;
}

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    struct rw_span name;
    *instance = (void *)value; /* lives in the snapshot's arena already */
    if (!speaks_no_http2(compile, &name))
        return RW_OK;
    rw_conf_mistake_at(compile->report, compile->place,
                       "gRPC needs HTTP/2: set \"protocol: http2\" of the upstream %s",
                       rw_conf_quote(compile->report, name));
    return RW_EINVAL;
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct grpc_web_config *config = instance;
    rw_text_adds(text, "calls of gRPC-Web become gRPC, ");
    if (config->message_bytes_max)
        rw_text_addf(text, "messages of at most %llu bytes",
                     (unsigned long long)config->message_bytes_max);
    else
        rw_text_adds(text, "messages of any size");
}

/* ---- Requests ---- */

static enum rw_err edit_request(struct rw_exchange *x, struct rw_span format)
{
    struct rw_message *request = &x->request;
    struct rw_span type = rw_arena_format(&x->arena, "application/grpc%.*s", RW_SPAN_ARGS(format));
    enum rw_err err = type.at ? RW_OK : RW_ENOMEM;
    err = err ? err : rw_message_set(request, &x->arena, RW_LITERAL("Content-Type"), type);
    err = err ? err : rw_message_set(request, &x->arena, RW_LITERAL("TE"), RW_LITERAL("trailers"));
    if (!err)
        rw_message_remove(request, rw_field_name(RW_FIELD_ACCEPT));
    return err;
}

/* A client may ask for text where it sends none: what it accepts counts. */
static enum rw_grpc_web_mode answer_mode(const struct rw_exchange *x, enum rw_grpc_web_mode asked)
{
    struct rw_span format;
    enum rw_grpc_web_mode accepted =
        rw_grpc_web_type(rw_message_value(&x->request, RW_FIELD_ACCEPT), &format);
    return accepted ? accepted : asked;
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct grpc_web_config *config = instance;
    struct rw_span format;
    enum rw_grpc_web_mode mode =
        rw_grpc_web_type(rw_message_value(&x->request, RW_FIELD_CONTENT_TYPE), &format);
    if (!mode || x->request.method != RW_METHOD_POST)
        return RW_VERDICT_NEXT;
    x->grpc_web = (uint8_t)answer_mode(x, mode);
    rw_worker_count(x->worker, RW_COUNTER_GRPC_WEB_CALLS, 1);
    enum rw_err err = edit_request(x, format);
    if (!err && rw_filter_request_possible(x))
        err = rw_grpc_web_filter_request(x, mode, config->message_bytes_max);
    return err ? RW_VERDICT_FAIL : RW_VERDICT_NEXT;
}

/* ---- Responses ---- */

static enum rw_err tell_type(struct rw_exchange *x, enum rw_grpc_web_mode mode,
                             struct rw_span format)
{
    struct rw_span type =
        rw_arena_format(&x->arena, "application/grpc-web%s%.*s",
                        mode == RW_GRPC_WEB_TEXT ? "-text" : "", RW_SPAN_ARGS(format));
    return type.at ? rw_message_set(&x->response, &x->arena, RW_LITERAL("Content-Type"), type)
                   : RW_ENOMEM;
}

/* An answer that is none of gRPC (a page of an error) stays what it is. One whose trailers are its
 * head has no body, and needs none. */
static enum rw_verdict on_response(struct rw_exchange *x, const void *instance)
{
    (void)instance;
    enum rw_grpc_web_mode mode = (enum rw_grpc_web_mode)x->grpc_web;
    struct rw_span format;
    if (!mode || !rw_grpc_type(rw_message_value(&x->response, RW_FIELD_CONTENT_TYPE), &format))
        return RW_VERDICT_NEXT;
    x->grpc_web = RW_GRPC_WEB_NONE; /* another use of the policy has nothing to do */
    enum rw_err err = tell_type(x, mode, format);
    if (!err && rw_filter_response_possible(x))
        err = rw_grpc_web_filter_response(x, mode);
    return err ? RW_VERDICT_FAIL : RW_VERDICT_NEXT;
}

const struct rw_policy rw_policy_grpc_web = {
    .kind = {.name = "grpc_web",
             .record = &record,
             .doc = "Translates the calls of browsers to gRPC.",
             .user = &rw_policy_grpc_web},
    .compile = compile,
    .on_request = on_request,
    .on_response = on_response,
    .explain = explain,
};
