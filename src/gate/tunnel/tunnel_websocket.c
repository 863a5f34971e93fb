#include "gate/tunnel/tunnel_websocket.h"

#include "gate/tunnel/tunnel_private.h"
#include "gate/tunnel/websocket_relay.h"

/* ---- What the relay asks for ---- */

static void put(void *host, enum rw_tunnel_side to, const struct rw_piece *piece)
{
    struct rw_buf *buf = piece->buf;
    buf->start = (uint32_t)(piece->data.at - buf->data);
    buf->end = buf->start + (uint32_t)piece->data.len;
    rw_tunnel_put(host, to, buf);
}

static void finish(void *host, enum rw_tunnel_side from)
{
    rw_tunnel_finish(host, from);
}

static void because(void *host, enum rw_reason reason)
{
    rw_tunnel_because(host, reason);
}

static void alarm_at(void *host, uint64_t at_ms)
{
    rw_tunnel_alarm(host, at_ms);
}

static void end(void *host, enum rw_reason reason)
{
    rw_tunnel_end(host, reason);
}

static bool is_over(const void *host)
{
    return ((const struct rw_tunnel *)host)->over;
}

static bool client_owes(const void *host)
{
    return ((const struct rw_tunnel *)host)->ways[RW_TUNNEL_CLIENT].queue;
}

static uint64_t active_ms(const void *host)
{
    return ((const struct rw_tunnel *)host)->active_ms;
}

static const struct rw_websocket_host ops = {
    .put = put,
    .finish = finish,
    .because = because,
    .alarm = alarm_at,
    .end = end,
    .over = is_over,
    .client_owes = client_owes,
    .active_ms = active_ms,
};

static struct rw_websocket_relay relay_of(struct rw_tunnel *tunnel)
{
    return (struct rw_websocket_relay){.ops = &ops,
                                       .host = tunnel,
                                       .state = rw_tunnel_state(tunnel),
                                       .worker = tunnel->terms->worker,
                                       .limits = &tunnel->terms->limits};
}

/* ---- What happens to the tunnel ---- */

static void started(struct rw_tunnel *tunnel)
{
    const struct rw_websocket_relay relay = relay_of(tunnel);
    rw_websocket_relay_started(&relay);
}

static void data(struct rw_tunnel *tunnel, enum rw_tunnel_side from, struct rw_buf *buf)
{
    const struct rw_websocket_relay relay = relay_of(tunnel);
    rw_websocket_relay_data(&relay, from, (struct rw_piece){.buf = buf, .data = rw_buf_span(buf)});
}

static void ended(struct rw_tunnel *tunnel, enum rw_tunnel_side from)
{
    const struct rw_websocket_relay relay = relay_of(tunnel);
    rw_websocket_relay_ended(&relay, from);
}

static void alarm(struct rw_tunnel *tunnel)
{
    const struct rw_websocket_relay relay = relay_of(tunnel);
    rw_websocket_relay_alarm(&relay);
}

static void drain(struct rw_tunnel *tunnel)
{
    const struct rw_websocket_relay relay = relay_of(tunnel);
    rw_websocket_relay_drain(&relay);
}

static void over(struct rw_tunnel *tunnel)
{
    const struct rw_websocket_relay relay = relay_of(tunnel);
    rw_websocket_relay_over(&relay);
}

const struct rw_tunnel_observer rw_tunnel_websocket = {
    .state_bytes = sizeof(struct rw_websocket_state),
    .started = started,
    .data = data,
    .ended = ended,
    .alarm = alarm,
    .drain = drain,
    .over = over,
};

void rw_tunnel_websocket_begin(struct rw_tunnel *tunnel, uint8_t rsv)
{
    rw_websocket_relay_begin(rw_tunnel_state(tunnel), rsv);
}
