#include "verify/fault/relay_private.h"

static const struct rw_stream_events events;

static void again(struct rw_relay_probe *probe)
{
    struct rw_loop *loop = probe->relay->loop;
    if (probe->on && !probe->alive)
        rw_timer_start(loop, &probe->timer, rw_loop_now_ms(loop) + RW_RELAY_PROBE_MS);
}

static void try(struct rw_timer *timer)
{
    struct rw_relay_probe *probe = rw_container_of(timer, struct rw_relay_probe, timer);
    const struct rw_connect_options options = {.address = rw_address_sockaddr(&probe->address),
                                               .address_bytes = probe->address.bytes};
    enum rw_err err = rw_stream_connect(probe->relay->loop, &probe->stream, &events, &options);
    probe->alive = !err;
    if (err)
        probe->tried(probe->relay, err);
    again(probe);
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct rw_relay_probe *probe = rw_container_of(stream, struct rw_relay_probe, stream);
    rw_stream_close(stream);
    if (probe->on)
        probe->tried(probe->relay, err);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    rw_stream_close(stream);
}

static void on_closed(struct rw_stream *stream)
{
    struct rw_relay_probe *probe = rw_container_of(stream, struct rw_relay_probe, stream);
    probe->alive = false;
    again(probe);
    rw_relay_settle(probe->relay);
}

static const struct rw_stream_events events = {.on_open = on_open,
                                               .on_end = on_end,
                                               .on_closed = on_closed};

void rw_relay_probe_start(struct rw_relay_probe *probe)
{
    probe->timer.fire = try;
    probe->on = true;
    if (!probe->alive)
        rw_timer_start(probe->relay->loop, &probe->timer, rw_loop_now_ms(probe->relay->loop));
}

void rw_relay_probe_stop(struct rw_relay_probe *probe)
{
    probe->on = false;
    rw_timer_stop(probe->relay->loop, &probe->timer);
    if (probe->alive)
        rw_stream_close(&probe->stream);
}
