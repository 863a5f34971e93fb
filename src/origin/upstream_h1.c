#include "origin/upstream_h1.h"

#include "gate/tunnel/tunnel.h"

static const struct rw_lease_events lease_events = {
    .on_ready = rw_upstream_on_ready,
    .on_failed = rw_upstream_on_failed,
    .on_deadline = rw_upstream_h1_on_deadline,
    .on_data = rw_upstream_h1_on_data,
    .on_end = rw_upstream_h1_on_end,
    .on_sent = rw_upstream_h1_on_sent,
};

static void let_go(struct rw_upstream_call *call)
{
    struct rw_upstream_h1 *h1 = rw_upstream_h1_of(call);
    rw_h1_sent(&h1->out);
    rw_buf_drop(h1->in);
    h1->in = NULL;
    h1->head_seen = h1->head_line = h1->head_fields = 0;
    h1->sending = h1->peer_ended = false;
}

static void detach(struct rw_upstream_call *call, struct rw_tunnel *tunnel)
{
    struct rw_upstream_h1 *h1 = rw_upstream_h1_of(call);
    rw_tunnel_upstream(tunnel, &call->lease, h1->in);
    h1->in = NULL;
}

static const struct rw_upstream_protocol protocol = {
    .send_request = rw_upstream_h1_send_request,
    .send_piece = rw_upstream_h1_send_piece,
    .resume = rw_upstream_h1_resume,
    .detach = detach,
    .let_go = let_go,
};

void rw_upstream_h1_begin(struct rw_upstream_call *call)
{
    struct rw_upstream_h1 *h1 = rw_upstream_h1_of(call);
    memset((char *)h1 + sizeof(h1->call), 0, sizeof(*h1) - sizeof(h1->call));
    h1->call.lease.events = &lease_events;
    h1->call.lease.http2 = false;
    h1->call.protocol = &protocol;
}
