/* What the gateway answers itself: for policies, for origins, and why it refuses. */
#include "gate/exchange/exchange_private.h"

#include "gate/exchange/grpc.h"
#include "gate/worker.h"

static enum rw_err add_text(struct rw_exchange *x, const char *name, struct rw_span value)
{
    return rw_message_add(&x->response, &x->arena, rw_span_text(name), value);
}

enum rw_err rw_exchange_make_reply(struct rw_exchange *x, unsigned status, const char *content_type,
                                   struct rw_span body)
{
    if (rw_status_contentless(status))
        body = (struct rw_span){0};
    x->response.status = (uint16_t)status;
    x->response.reason = rw_span_text(rw_status_reason(status));
    x->response.body_kind = rw_status_bodiless(status) ? RW_BODY_NONE : RW_BODY_LENGTH;
    x->response.body_bytes = body.len;
    x->response.has_length = x->response.body_kind == RW_BODY_LENGTH;
    rw_exchange_drop_first_piece(x);
    x->first_response_piece = (struct rw_piece){.data = body, .end = true};
    enum rw_err err = add_text(x, "Date", rw_worker_date(x->worker));
    if (!err && content_type)
        err = add_text(x, "Content-Type", rw_span_text(content_type));
    return err;
}

enum rw_flow rw_exchange_reply(struct rw_exchange *x, enum rw_err err)
{
    if (err) {
        rw_exchange_fail(x, RW_REASON_EXCHANGE_LIMIT, NULL);
        return RW_FLOW_OVER;
    }
    struct rw_piece piece = x->first_response_piece;
    return rw_exchange_respond(x, &piece);
}

/* A route that takes every method takes TRACE, too, but not to be answered here. */
static void list_methods(const struct rw_exchange *x, struct rw_text *allow)
{
    struct rw_text all = {0};
    rw_router_allow(x->snapshot->router, (unsigned)(x->listener - x->snapshot->listeners),
                    &x->request, &all);
    struct rw_span rest = rw_text_span(&all), method;
    while (rest.len && rw_span_next(&rest, ',', &method)) {
        method = rw_span_trim(method);
        if (x->reason == RW_REASON_TRACE_REFUSED && rw_span_is(method, "TRACE"))
            continue;
        rw_text_adds(allow, allow->len ? ", " : "");
        rw_text_add(allow, method);
    }
    if (all.err)
        allow->err = all.err;
    rw_text_free(&all);
}

static enum rw_err add_allow(struct rw_exchange *x)
{
    struct rw_text allow = {0};
    enum rw_err err = RW_OK;
    if (x->reason == RW_REASON_WRONG_METHOD || x->reason == RW_REASON_MAX_FORWARDS ||
        x->reason == RW_REASON_TRACE_REFUSED)
        list_methods(x, &allow);
    struct rw_span value = rw_arena_copy(&x->arena, rw_text_span(&allow));
    if (!value.at || allow.err)
        err = RW_ENOMEM;
    rw_text_free(&allow);
    return err ? err : add_text(x, "Allow", value);
}

enum rw_err rw_exchange_make_options(struct rw_exchange *x)
{
    static const struct rw_span none;
    x->response = (struct rw_message){0};
    enum rw_err err = rw_exchange_make_reply(x, 204, NULL, none);
    return err ? err : add_allow(x);
}

/* A call of gRPC reads its status from trailers only, which are a head without a body. The texts
 * need no percent-encoding. */
static enum rw_err make_grpc_problem(struct rw_exchange *x, unsigned status, const char *detail)
{
    static const struct rw_span none;
    struct rw_span code =
        rw_arena_format(&x->arena, "%u", (unsigned)rw_grpc_status(x->reason, status));
    enum rw_err err = code.at ? rw_exchange_make_reply(x, 200, NULL, none) : RW_ENOMEM;
    if (err)
        return err;
    x->response.body_kind = RW_BODY_NONE;
    x->response.has_length = false;
    err = add_text(x, "Content-Type", rw_message_value(&x->request, RW_FIELD_CONTENT_TYPE));
    err = err ? err : add_text(x, "grpc-status", code);
    return err ? err : add_text(x, "grpc-message", rw_span_text(detail));
}

enum rw_err rw_exchange_make_problem(struct rw_exchange *x, unsigned status, const char *detail)
{
    if (rw_grpc_call(&x->request))
        return make_grpc_problem(x, status, detail);
    struct rw_span body =
        rw_arena_format(&x->arena, RW_PROBLEM_FORMAT, rw_status_reason(status), status, detail);
    if (!body.at)
        return RW_ENOMEM;
    return rw_exchange_make_reply(x, status, "application/problem+json", body);
}

static enum rw_err add_retry_after(struct rw_exchange *x)
{
    struct rw_span text = rw_arena_format(&x->arena, "%u", x->retry_after_s);
    return text.at ? add_text(x, "Retry-After", text) : RW_ENOMEM;
}

/* Was there no endpoint, no room or no connection for the request? */
static bool got_nowhere(enum rw_reason reason)
{
    switch (reason) {
    case RW_REASON_OVERLOADED:
    case RW_REASON_NO_ENDPOINT:
    case RW_REASON_QUEUE_FULL:
    case RW_REASON_QUEUE_TIMEOUT:
    case RW_REASON_CONNECT_FAILED:
    case RW_REASON_CONNECT_TIMEOUT:
    case RW_REASON_UPSTREAM_TLS:
        return true;
    default:
        return false;
    }
}

/* The route's own answer for when the upstream cannot take a request; NULL: it has none. A call of
 * gRPC could not read it, and to CONNECT a good status would say that there is a tunnel. */
static const struct rw_config_route_overload *brown_out(const struct rw_exchange *x)
{
    if (!got_nowhere((enum rw_reason)x->reason) || !x->route ||
        !x->route->config->overload->body.len || rw_grpc_call(&x->request) ||
        x->request.method == RW_METHOD_CONNECT)
        return NULL;
    return x->route->config->overload;
}

static enum rw_err make_refusal(struct rw_exchange *x, unsigned status)
{
    const struct rw_config_route_overload *own = brown_out(x);
    if (!own)
        return rw_exchange_make_problem(x, status, rw_reason_text(x->reason));
    rw_worker_count(x->worker, RW_COUNTER_BROWN_OUTS, 1);
    return rw_exchange_make_reply(x, own->status, own->content_type.at, own->body);
}

enum rw_err rw_exchange_make_refusal(struct rw_exchange *x)
{
    unsigned status = rw_reason_status(x->reason);
    x->response = (struct rw_message){0};
    enum rw_err err = make_refusal(x, status);
    if (!err && x->retry_after_s)
        err = add_retry_after(x);
    return !err && x->response.status == 405 ? add_allow(x) : err;
}
