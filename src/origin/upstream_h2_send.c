/* Requests over HTTP/2: the head, and the body in pieces. */
#include "gate/front/forwarded.h"
#include "origin/upstream_h2.h"
#include "watch/trace.h"

/* ---- The head ---- */

enum {
    OWN_BYTES_MAX = 1024, /* of the fields that are written here, but for what is copied */
    OWN_FIELDS_MAX = 16,
};

/* An upper bound for names and values. */
static size_t head_bytes(const struct rw_exchange *x, struct rw_span authority)
{
    const struct rw_message *request = &x->request;
    size_t bytes = OWN_BYTES_MAX + request->method_text.len + x->upstream_target.len +
                   authority.len + 2 * request->authority.len; /* in X-Forwarded-Host, Forwarded */
    for (unsigned i = 0; i < request->field_count; i++)
        bytes += request->fields[i].name.len + request->fields[i].value.len;
    return bytes;
}

static void put_pseudo(struct rw_upstream_call *call, struct rw_h2 *h2, struct rw_span authority)
{
    const struct rw_exchange *x = call->x;
    if (rw_upstream_h2_of(call)->websocket) {
        rw_h2_put_pseudo(h2, RW_PSEUDO_METHOD, RW_LITERAL("CONNECT"));
        rw_h2_put_pseudo(h2, RW_PSEUDO_PROTOCOL, RW_LITERAL("websocket"));
    } else {
        rw_h2_put_pseudo(h2, RW_PSEUDO_METHOD, x->request.method_text);
    }
    rw_h2_put_pseudo(h2, RW_PSEUDO_SCHEME,
                     call->cluster->tls ? RW_LITERAL("https") : RW_LITERAL("http"));
    rw_h2_put_pseudo(h2, RW_PSEUDO_AUTHORITY, authority);
    rw_h2_put_pseudo(h2, RW_PSEUDO_PATH, x->upstream_target);
}

static void put_length(const struct rw_message *request, struct rw_h2 *h2)
{
    char digits[20];
    if (request->body_kind != RW_BODY_LENGTH && !request->has_length)
        return;
    uint64_t length = request->body_kind == RW_BODY_LENGTH ? request->body_bytes : 0;
    rw_h2_put_field(h2, RW_FIELD_CONTENT_LENGTH, RW_LITERAL("content-length"),
                    rw_span(digits, rw_format_u64(digits, length)));
}

/* RW_REASON_NONE, or why it cannot be sent. */
static enum rw_reason put_head(struct rw_upstream_call *call, bool end)
{
    struct rw_exchange *x = call->x;
    struct rw_h2 *h2 = &call->lease.shared->h2;
    struct rw_span authority = rw_upstream_host(call);
    const uint64_t skip = RW_FORWARDED_REPLACED | RW_FIELD_BIT(RW_FIELD_HOST) |
                          RW_FIELD_BIT(RW_FIELD_TRACEPARENT) |
                          RW_FIELD_BIT(RW_FIELD_CONTENT_LENGTH);
    size_t bytes = head_bytes(x, authority);
    unsigned fields = x->request.field_count + OWN_FIELDS_MAX;
    if (!rw_h2_takes_head(h2, bytes, fields))
        return RW_REASON_HEAD_TOO_LARGE;
    if (!rw_h2_head_begin(h2, call->lease.stream, bytes, fields))
        return RW_REASON_EXCHANGE_LIMIT;
    put_pseudo(call, h2, authority);
    rw_h2_put_fields(h2, &x->request, skip);
    rw_h2_put_field(h2, RW_FIELD_TRACEPARENT, RW_LITERAL("traceparent"),
                    rw_span(x->traceparent, RW_TRACEPARENT_BYTES));
    bool told = rw_forwarded_put_h2(x, h2);
    put_length(&x->request, h2);
    if (rw_list_has_token(rw_message_value(&x->request, RW_FIELD_TE), "trailers"))
        rw_h2_put_field(h2, RW_FIELD_TE, RW_LITERAL("te"), RW_LITERAL("trailers"));
    rw_h2_head_end(h2, call->lease.stream, end, false);
    return told ? RW_REASON_NONE : RW_REASON_EXCHANGE_LIMIT;
}

/* ---- Pieces ---- */

/* The endpoint is to answer, or to take more, within that time. */
static void await_endpoint(struct rw_upstream_call *call)
{
    if (!call->response_held)
        rw_upstream_wait_deadline(call, rw_upstream_h2_patience_ms(rw_upstream_h2_of(call)));
}

static enum rw_flow send_piece(struct rw_upstream_call *call, const struct rw_piece *piece)
{
    struct rw_h2 *h2 = &call->lease.shared->h2;
    struct rw_span trailers = piece->end ? call->x->request_trailers : (struct rw_span){0};
    call->request_sent = piece->end;
    bool held = rw_h2_data(h2, call->lease.stream, piece->buf, piece->data, piece->end, trailers) ==
                RW_H2_HOLD;
    if (held)
        call->request_held = true;
    if (piece->end || held)
        await_endpoint(call);
    else if (!call->responded)
        rw_upstream_wait_deadline(call, 0); /* the client's turn */
    return held ? RW_FLOW_HOLD : RW_FLOW_GO;
}

enum rw_flow rw_upstream_h2_send_request(struct rw_upstream_call *call,
                                         const struct rw_piece *first)
{
    struct rw_exchange *x = call->x;
    const struct rw_upstream_h2 *h2 = rw_upstream_h2_of(call);
    bool bodiless = first->end && first->data.len == 0 && x->request_trailers.len == 0;
    if (h2->websocket && !rw_upstream_h2_websocket_offered(h2)) {
        rw_upstream_fail(call, RW_REASON_NO_UPGRADE,
                         "the endpoint does not offer WebSockets over HTTP/2 "
                         "(SETTINGS_ENABLE_CONNECT_PROTOCOL)");
        return RW_FLOW_OVER;
    }
    enum rw_reason reason = put_head(call, bodiless && !h2->websocket);
    if (reason) {
        rw_upstream_fail(call, reason,
                         reason == RW_REASON_HEAD_TOO_LARGE
                             ? "the head is larger than the endpoint's "
                               "SETTINGS_MAX_HEADER_LIST_SIZE"
                             : NULL);
        return RW_FLOW_OVER;
    }
    if (!bodiless && (first->end || first->data.len))
        return send_piece(call, first);
    call->request_sent = bodiless && !h2->websocket;
    if (bodiless)
        await_endpoint(call);
    return RW_FLOW_GO;
}

enum rw_flow rw_upstream_h2_send_piece(struct rw_upstream_call *call, const struct rw_piece *piece)
{
    return send_piece(call, piece);
}

void rw_upstream_h2_on_writable(struct rw_lease *lease)
{
    struct rw_upstream_call *call = &rw_upstream_h2_of_lease(lease)->call;
    call->request_held = false;
    if (call->request_sent) {
        await_endpoint(call);
        return;
    }
    if (!call->responded)
        rw_upstream_wait_deadline(call, 0);
    rw_exchange_request_resume(call->x);
}
