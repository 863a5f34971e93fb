#include "origin/upstream_h2.h"

static void on_deadline(struct rw_lease *lease)
{
    rw_upstream_time_out(&rw_upstream_h2_of_lease(lease)->call);
}

static const struct rw_lease_events lease_events = {
    .on_ready = rw_upstream_on_ready,
    .on_failed = rw_upstream_on_failed,
    .on_deadline = on_deadline,
    .on_target = rw_upstream_h2_on_target,
    .on_head = rw_upstream_h2_on_head,
    .on_body = rw_upstream_h2_on_body,
    .on_writable = rw_upstream_h2_on_writable,
    .on_reset = rw_upstream_h2_on_reset,
    .on_http1 = rw_upstream_on_http1,
};

static void let_go(struct rw_upstream_call *call)
{
    struct rw_upstream_h2 *h2 = rw_upstream_h2_of(call);
    rw_loop_later_stop(&h2->later);
    rw_buf_drop(h2->late.buf);
    h2->late = (struct rw_piece){0};
    h2->engine_held = false;
}

static const struct rw_upstream_protocol protocol = {
    .send_request = rw_upstream_h2_send_request,
    .send_piece = rw_upstream_h2_send_piece,
    .resume = rw_upstream_h2_resume,
    .let_go = let_go,
};

void rw_upstream_h2_begin(struct rw_upstream_call *call)
{
    struct rw_upstream_h2 *h2 = rw_upstream_h2_of(call);
    memset((char *)h2 + sizeof(h2->call), 0, sizeof(*h2) - sizeof(h2->call));
    h2->call.lease.events = &lease_events;
    h2->call.lease.http2 = true;
    h2->call.protocol = &protocol;
    h2->later.run = rw_upstream_h2_end_of_turn;
}
