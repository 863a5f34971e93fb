/* WebSockets to origins that speak HTTP/2 (RFC 8441): what is a GET with Upgrade inside the gateway
 * goes out as an extended CONNECT, and the answer comes back as 101. The key and its proof are
 * between the client and the gateway then. */
#include "http/websocket.h"
#include "origin/upstream_h2.h"

static const struct rw_span key_name = RW_LITERAL("Sec-WebSocket-Key");

bool rw_upstream_h2_is_websocket(const struct rw_exchange *x, const struct rw_piece *first)
{
    const struct rw_field *version =
        rw_message_find_name(&x->request, RW_LITERAL("Sec-WebSocket-Version"));
    return x->upgrade_allowed && x->request.method == RW_METHOD_GET && first->end &&
           first->data.len == 0 && version && rw_span_is(version->value, "13") &&
           rw_span_is_nocase(rw_message_value(&x->request, RW_FIELD_UPGRADE), "websocket");
}

/* RFC 6455 section 4.2.1: sixteen bytes in base64. */
static bool is_key(struct rw_span key)
{
    return key.len == RW_WEBSOCKET_KEY_BYTES && rw_span_ends(key, RW_LITERAL("=="));
}

static enum rw_reason prove(struct rw_exchange *x)
{
    const struct rw_field *key = rw_message_find_name(&x->request, key_name);
    char accept[RW_WEBSOCKET_ACCEPT_BYTES];
    if (!key || !is_key(key->value))
        return RW_REASON_MALFORMED;
    if (!rw_websocket_accept(accept, key->value))
        return RW_REASON_NO_UPGRADE;
    x->websocket_accept = rw_arena_copy(&x->arena, rw_span(accept, sizeof(accept))).at;
    return x->websocket_accept ? RW_REASON_NONE : RW_REASON_EXCHANGE_LIMIT;
}

enum rw_reason rw_upstream_h2_websocket_begin(struct rw_upstream_call *call)
{
    struct rw_exchange *x = call->x;
    enum rw_reason reason = x->websocket_accept ? RW_REASON_NONE : prove(x);
    rw_message_remove(&x->request, key_name);
    rw_upstream_h2_of(call)->websocket = true;
    return reason;
}

bool rw_upstream_h2_websocket_offered(const struct rw_upstream_h2 *h2)
{
    return h2->call.lease.shared->h2.peer_connect_protocol;
}

bool rw_upstream_h2_websocket_response(struct rw_upstream_h2 *h2)
{
    struct rw_exchange *x = h2->call.x;
    struct rw_message *response = &x->response;
    response->status = 101;
    response->body_kind = RW_BODY_NONE;
    response->upgrade = true;
    h2->upgraded = true;
    return !rw_message_set(response, &x->arena, RW_LITERAL("Upgrade"), RW_LITERAL("websocket")) &&
           !rw_message_set(response, &x->arena, RW_LITERAL("Sec-WebSocket-Accept"),
                           rw_span(x->websocket_accept, RW_WEBSOCKET_ACCEPT_BYTES));
}
