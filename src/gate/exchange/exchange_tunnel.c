/* From an exchange to a tunnel: what it is to remember. */
#include "gate/exchange/exchange_private.h"
#include "gate/identity/identity.h"
#include "gate/snapshot.h"
#include "gate/tunnel/tunnel_websocket.h"
#include "gate/worker.h"
#include "http/websocket.h"
#include "watch/trace.h"

/* Frames of RFC 6455 are what was agreed only with its version; what else is called WebSocket goes
 * through unseen. */
static bool is_websocket(const struct rw_exchange *x)
{
    const struct rw_field *version =
        rw_message_find_name(&x->request, RW_LITERAL("Sec-WebSocket-Version"));
    struct rw_span chosen = rw_message_value(&x->response, RW_FIELD_UPGRADE);
    return x->response.status == 101 && rw_span_is_nocase(chosen, "websocket") && version &&
           rw_span_is(version->value, "13");
}

void rw_exchange_note_tunnel(struct rw_exchange *x)
{
    const struct rw_span name = RW_LITERAL("Sec-WebSocket-Extensions");
    x->websocket = is_websocket(x);
    for (unsigned i = 0; x->websocket && i < x->response.field_count; i++)
        if (rw_span_eq_nocase(x->response.fields[i].name, name))
            x->websocket_rsv |= rw_websocket_rsv(x->response.fields[i].value);
}

static struct rw_tunnel_terms terms_of(const struct rw_exchange *x)
{
    const struct rw_config_route_timeouts *timeouts = x->route->config->timeouts;
    const struct rw_config_websocket *websocket = x->route->config->websocket;
    struct rw_tunnel_terms terms = {
        .worker = x->worker,
        .limits = {.total_ms = x->route->total_ms,
                   .idle_ms = timeouts->tunnel_idle_ms,
                   .half_closed_ms = timeouts->tunnel_half_closed_ms,
                   .send_idle_ms = x->listener->timeouts->send_idle_ms},
        .route_series = x->route->series,
        .route = x->route->name,
        .upstream = x->upstream ? *x->upstream : (struct rw_span){0},
    };
    if (x->websocket) {
        terms.observer = &rw_tunnel_websocket;
        terms.limits.message_bytes_max = (uint32_t)websocket->message_bytes_max;
        terms.limits.ping_ms = websocket->ping_ms;
        terms.limits.close_ms_max = websocket->close_ms_max;
    }
    return terms;
}

struct rw_tunnel *rw_exchange_make_tunnel(struct rw_exchange *x)
{
    struct rw_tunnel_options options = {
        .terms = terms_of(x),
        .protocol = RW_TUNNEL_HTTP1,
        .https = x->https,
        .status = x->response.status,
        .started_ns = x->started_ns,
        .bytes_in = x->bytes_in,
        .bytes_out = x->bytes_out,
        .upstream_us = (x->response_ns - x->started_ns) / 1000,
        .client = x->client,
        .trace_id = rw_traceparent_trace_id(rw_span(x->traceparent, RW_TRACEPARENT_BYTES)),
        .residency = x->residency,
        .consumer = x->identity ? x->identity->consumer : (struct rw_span){0},
        .texts = {[RW_TUNNEL_METHOD] = x->request.method_text,
                  [RW_TUNNEL_HOST] = x->request.authority,
                  [RW_TUNNEL_PATH] = x->request.path,
                  [RW_TUNNEL_USER_AGENT] = rw_message_value(&x->request, RW_FIELD_USER_AGENT)},
    };
    struct rw_tunnel *tunnel = rw_tunnel_create(&options);
    if (tunnel && x->websocket)
        rw_tunnel_websocket_begin(tunnel, x->websocket_rsv);
    return tunnel;
}
