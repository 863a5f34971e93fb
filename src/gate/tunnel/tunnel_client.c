/* The client's side of a tunnel: a front that hands on what happens. */
#include "gate/front/client.h"
#include "gate/tunnel/tunnel_private.h"

struct rw_tunnel_client {
    struct rw_client client; /* first: client.h */
    struct rw_tunnel *tunnel;
};

size_t rw_tunnel_client_bytes(void)
{
    return sizeof(struct rw_tunnel_client);
}

static struct rw_tunnel_client *end_of(struct rw_client *client)
{
    return rw_container_of(client, struct rw_tunnel_client, client);
}

static struct rw_tunnel *tunnel_of(struct rw_stream *stream)
{
    return end_of(rw_client_of(stream))->tunnel;
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    rw_tunnel_on_data(tunnel_of(stream), RW_TUNNEL_CLIENT, buf);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    rw_tunnel_on_end(tunnel_of(stream), RW_TUNNEL_CLIENT, err);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    rw_tunnel_on_sent(tunnel_of(stream), RW_TUNNEL_CLIENT, err);
}

static void on_closed(struct rw_stream *stream)
{
    struct rw_client *client = rw_client_of(stream);
    rw_tunnel_on_closed(end_of(client)->tunnel, RW_TUNNEL_CLIENT);
    rw_client_release(client);
}

/* The alarm: what else has its time for both sides is on the upstream connection's. */
static void on_deadline(struct rw_timer *timer)
{
    struct rw_client *client = rw_container_of(timer, struct rw_client, deadline.timer);
    if (rw_deadline_due(rw_client_worker(client)->loop, &client->deadline))
        rw_tunnel_on_alarm(end_of(client)->tunnel);
}

void rw_tunnel_alarm(struct rw_tunnel *tunnel, uint64_t at_ms)
{
    if (!tunnel->over)
        rw_deadline_set(tunnel->terms->worker->loop, &rw_client_of(tunnel->client)->deadline,
                        at_ms);
}

void rw_tunnel_alarm_off(struct rw_tunnel *tunnel)
{
    rw_deadline_stop(tunnel->terms->worker->loop, &rw_client_of(tunnel->client)->deadline);
}

static void start(struct rw_client *client)
{
    rw_deadline_stop(rw_client_worker(client)->loop, &client->deadline);
}

static void drain(struct rw_client *client)
{
    rw_tunnel_drain(end_of(client)->tunnel);
}

static void close_now(struct rw_client *client)
{
    rw_tunnel_end(end_of(client)->tunnel, RW_REASON_DRAINING);
}

const struct rw_client_front rw_tunnel_client_front = {
    .events = {.on_data = on_data, .on_end = on_end, .on_sent = on_sent, .on_closed = on_closed},
    .on_deadline = on_deadline,
    .start = start,
    .drain = drain,
    .close = close_now,
};

void rw_tunnel_start(struct rw_tunnel *tunnel, struct rw_client *client, struct rw_buf *early)
{
    rw_client_start(client, RW_CLIENT_TUNNEL);
    end_of(client)->tunnel = tunnel;
    rw_tunnel_flow(tunnel, &client->stream, early, client->peer_ended);
}
