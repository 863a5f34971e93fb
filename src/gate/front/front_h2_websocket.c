/* WebSockets in streams of HTTP/2 (RFC 8441) become what the gateway knows from HTTP/1.1. Their
 * frames are followed by the exchange (gate/exchange/exchange_websocket.h). */
#include "gate/front/front_h2_connection.h"
#include "http/websocket.h"

/* ---- The request ---- */

static bool make_key(struct rw_exchange *x, struct rw_span *key, const char **accept)
{
    uint64_t nonce[2];
    char key_text[RW_WEBSOCKET_KEY_BYTES], accept_text[RW_WEBSOCKET_ACCEPT_BYTES];
    _Static_assert(sizeof(nonce) == RW_WEBSOCKET_NONCE_BYTES, "section 4.1");
    for (int i = 0; i < 2; i++)
        nonce[i] = rw_random_u64(rw_loop_random(x->worker->loop));
    rw_websocket_key(key_text, (const uint8_t *)nonce);
    if (!rw_websocket_accept(accept_text, rw_span(key_text, sizeof(key_text))))
        return false;
    *key = rw_arena_copy(&x->arena, rw_span(key_text, sizeof(key_text)));
    *accept = rw_arena_copy(&x->arena, rw_span(accept_text, sizeof(accept_text))).at;
    return key->at && *accept;
}

bool rw_h2_websocket_request(struct rw_h2_call *call)
{
    struct rw_exchange *x = call->x;
    struct rw_message *request = &x->request;
    struct rw_span key;
    const char *accept;
    if (!rw_span_is_nocase(request->protocol, "websocket") || !make_key(x, &key, &accept) ||
        rw_message_set(request, &x->arena, RW_LITERAL("Upgrade"), RW_LITERAL("websocket")) ||
        rw_message_set(request, &x->arena, RW_LITERAL("Sec-WebSocket-Key"), key))
        return false;
    request->method = RW_METHOD_GET;
    request->method_text = RW_LITERAL("GET");
    request->protocol = (struct rw_span){0};
    request->body_kind = RW_BODY_NONE;
    x->websocket_accept = accept;
    return true;
}

/* ---- The response ---- */

/* A request for an upgrade that is answered as if it were none has failed: 200 would tell the
 * client that the stream is a WebSocket. */
bool rw_h2_websocket_response(struct rw_h2_call *call)
{
    struct rw_message *response = &call->x->response;
    bool open = response->status == 101;
    if (open) {
        response->status = 200;
        (void)rw_message_remove(response, RW_LITERAL("Sec-WebSocket-Accept"));
    } else if (response->status / 100 == 2) {
        response->status = 501;
    }
    return open;
}
