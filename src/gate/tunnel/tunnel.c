#include "gate/tunnel/tunnel.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "gate/tunnel/tunnel_private.h"
#include "gate/worker.h"

/* What a stream was told last. */
enum { RECEIVE_OFF, RECEIVE_ON, RECEIVE_BULK, RECEIVE_UNKNOWN };

static const struct rw_stream_events upstream_events;

static struct rw_stream *stream_of(struct rw_tunnel *tunnel, enum rw_tunnel_side side)
{
    if (side == RW_TUNNEL_CLIENT)
        return tunnel->client;
    return tunnel->upstream ? &tunnel->upstream->stream : NULL;
}

static enum rw_tunnel_side other(enum rw_tunnel_side side)
{
    return side == RW_TUNNEL_CLIENT ? RW_TUNNEL_UPSTREAM : RW_TUNNEL_CLIENT;
}

/* ---- Time ---- */

static uint64_t idle_until_ms(const struct rw_tunnel *tunnel)
{
    const struct rw_tunnel_limits *limits = &tunnel->terms->limits;
    uint32_t limit = limits->idle_ms;
    const struct rw_tunnel_half *halves = tunnel->halves;
    if ((halves[0].ended || halves[1].ended) && limits->half_closed_ms < limit)
        limit = limits->half_closed_ms;
    if (halves[RW_TUNNEL_CLIENT].sending && limits->send_idle_ms < limit)
        limit = limits->send_idle_ms;
    return tunnel->active_ms + limit;
}

static uint64_t end_ms(const struct rw_tunnel *tunnel)
{
    uint32_t total_ms = tunnel->terms->limits.total_ms;
    return total_ms ? tunnel->started_ns / RW_NS_PER_MS + total_ms : RW_DEADLINE_NONE;
}

static void set_deadline(struct rw_tunnel *tunnel)
{
    uint64_t at_ms = idle_until_ms(tunnel);
    if (end_ms(tunnel) < at_ms)
        at_ms = end_ms(tunnel);
    rw_deadline_set(tunnel->terms->worker->loop, &tunnel->upstream->deadline, at_ms);
}

/* A byte has moved. While the client owes to take what was sent, nothing else that it does counts.
 */
static void touch(struct rw_tunnel *tunnel)
{
    if (!tunnel->halves[RW_TUNNEL_CLIENT].sending)
        tunnel->active_ms = rw_loop_now_ms(tunnel->terms->worker->loop);
    if (!tunnel->over)
        set_deadline(tunnel);
}

static void on_deadline(struct rw_timer *timer)
{
    struct rw_upstream_connection *upstream =
        rw_container_of(timer, struct rw_upstream_connection, deadline.timer);
    struct rw_tunnel *tunnel = upstream->holder;
    uint64_t now_ms = rw_loop_now_ms(tunnel->terms->worker->loop);
    if (!rw_deadline_due(tunnel->terms->worker->loop, &upstream->deadline) || tunnel->over)
        return;
    if (end_ms(tunnel) <= now_ms) {
        rw_tunnel_end(tunnel, RW_REASON_TOTAL_TIMEOUT);
    } else if (idle_until_ms(tunnel) <= now_ms) {
        bool stalled = tunnel->halves[RW_TUNNEL_CLIENT].sending;
        rw_tunnel_end(tunnel, stalled ? RW_REASON_CLIENT_STALLED : RW_REASON_TUNNEL_IDLE);
    } else {
        set_deadline(tunnel);
    }
}

/* ---- The end ---- */

static void free_buffers(struct rw_tunnel_way *way)
{
    while (way->queue) {
        struct rw_buf *buf = way->queue;
        way->queue = buf->next;
        rw_buf_drop(buf);
    }
}

/* Counts, logs, closes. `abort`: what was sent is not all there was. */
static void finish(struct rw_tunnel *tunnel, enum rw_reason reason, bool abort)
{
    if (tunnel->over)
        return;
    tunnel->over = true;
    if (!tunnel->reason)
        tunnel->reason = (uint8_t)reason;
    struct rw_endpoint *endpoint = rw_pool_endpoint(tunnel->upstream);
    rw_worker_count(tunnel->terms->worker, RW_COUNTER_REQUESTS_ACTIVE, -1);
    rw_worker_count(tunnel->terms->worker, RW_COUNTER_TUNNELS_OPEN, -1);
    rw_tunnel_log(tunnel, endpoint);
    rw_endpoint_leave(endpoint);
    const struct rw_tunnel_observer *observer = tunnel->terms->observer;
    if (observer && observer->over)
        observer->over(tunnel);
    rw_deadline_stop(tunnel->terms->worker->loop, &tunnel->upstream->deadline);
    rw_tunnel_alarm_off(tunnel);
    void (*close)(struct rw_stream *) = abort ? rw_stream_abort : rw_stream_close;
    close(tunnel->client);
    close(&tunnel->upstream->stream);
}

void rw_tunnel_end(struct rw_tunnel *tunnel, enum rw_reason reason)
{
    finish(tunnel, reason, true);
}

/* A stream is broken: there is no more to be had from it, or to be sent. */
static void broken(struct rw_tunnel *tunnel, enum rw_tunnel_side side)
{
    rw_tunnel_end(tunnel,
                  side == RW_TUNNEL_CLIENT ? RW_REASON_CLIENT_GONE : RW_REASON_UPSTREAM_RESET);
}

/* ---- Sending ---- */

static void receive(struct rw_tunnel *tunnel, enum rw_tunnel_side from)
{
    struct rw_tunnel_half *half = &tunnel->halves[from];
    bool on = !half->ended && !tunnel->ways[other(from)].queue;
    uint8_t wanted = !on ? RECEIVE_OFF : half->bulk ? RECEIVE_BULK : RECEIVE_ON;
    if (tunnel->over || half->receiving == wanted)
        return;
    half->receiving = wanted;
    rw_stream_receive(stream_of(tunnel, from), on, half->bulk);
}

static void sent(struct rw_tunnel *tunnel, enum rw_tunnel_side to)
{
    struct rw_tunnel_way *way = &tunnel->ways[to];
    struct rw_tunnel_half *half = &tunnel->halves[to];
    for (; half->sending; half->sending--) {
        struct rw_buf *buf = way->queue;
        way->queue = buf->next;
        rw_buf_drop(buf);
    }
}

static int gather_parts(const struct rw_tunnel_way *way, struct iovec *parts)
{
    int count = 0;
    for (struct rw_buf *buf = way->queue; buf && count < RW_SEND_PARTS_MAX; buf = buf->next) {
        struct rw_span bytes = rw_buf_span(buf);
        parts[count++] = (struct iovec){.iov_base = (char *)bytes.at, .iov_len = bytes.len};
    }
    return count;
}

/* All has been sent to a side; the other has ended. */
static void pass_end_on(struct rw_tunnel *tunnel, enum rw_tunnel_side to)
{
    struct rw_tunnel_half *half = &tunnel->halves[to];
    if (half->shut || !tunnel->halves[other(to)].ended)
        return;
    half->shut = true;
    if (half->ended && tunnel->halves[other(to)].shut)
        finish(tunnel, RW_REASON_NONE, false);
    else
        rw_stream_shutdown(stream_of(tunnel, to));
}

/* Sends what is queued towards a side, until that is told to wait. */
static void flush(struct rw_tunnel *tunnel, enum rw_tunnel_side to)
{
    struct rw_tunnel_way *way = &tunnel->ways[to];
    struct rw_tunnel_half *half = &tunnel->halves[to];
    struct iovec parts[RW_SEND_PARTS_MAX];
    while (way->queue && !half->sending && !tunnel->over) {
        int count = gather_parts(way, parts);
        enum rw_send result = rw_stream_send(stream_of(tunnel, to), parts, count);
        if (result == RW_SEND_FAILED) {
            broken(tunnel, to);
            return;
        }
        half->sending = (uint8_t)count;
        if (result == RW_SEND_DONE)
            sent(tunnel, to);
        else if (to == RW_TUNNEL_CLIENT) /* its time to take them begins */
            tunnel->active_ms = rw_loop_now_ms(tunnel->terms->worker->loop);
    }
    if (!way->queue && !tunnel->over)
        pass_end_on(tunnel, to);
}

void rw_tunnel_put(struct rw_tunnel *tunnel, enum rw_tunnel_side to, struct rw_buf *buf)
{
    struct rw_buf **last = &tunnel->ways[to].queue;
    if (tunnel->over || tunnel->halves[to].shut || buf->start == buf->end) {
        rw_buf_drop(buf);
        return;
    }
    while (*last)
        last = &(*last)->next;
    buf->next = NULL;
    *last = buf;
    flush(tunnel, to);
    receive(tunnel, other(to));
}

void rw_tunnel_on_sent(struct rw_tunnel *tunnel, enum rw_tunnel_side to, enum rw_err err)
{
    if (tunnel->over)
        return;
    if (err) {
        broken(tunnel, to);
        return;
    }
    sent(tunnel, to);
    touch(tunnel);
    flush(tunnel, to);
    receive(tunnel, other(to));
    if (!tunnel->over)
        set_deadline(tunnel); /* what is pending now has its time */
}

/* ---- Receiving ---- */

void rw_tunnel_on_data(struct rw_tunnel *tunnel, enum rw_tunnel_side from, struct rw_buf *buf)
{
    enum rw_tunnel_side to = other(from);
    if (tunnel->over) {
        rw_buf_drop(buf);
        return;
    }
    touch(tunnel); /* before what is put now may be pending */
    tunnel->ways[to].bytes += buf->end - buf->start;
    tunnel->halves[from].bulk = buf->end - buf->start >= RW_BUF_SMALL_BYTES;
    const struct rw_tunnel_observer *observer = tunnel->terms->observer;
    if (observer && observer->data)
        observer->data(tunnel, from, buf);
    else
        rw_tunnel_put(tunnel, to, buf);
    if (!tunnel->over)
        set_deadline(tunnel);
}

void rw_tunnel_finish(struct rw_tunnel *tunnel, enum rw_tunnel_side from)
{
    struct rw_tunnel_half *half = &tunnel->halves[from];
    if (tunnel->over || half->ended)
        return;
    half->ended = true;
    receive(tunnel, from);
    flush(tunnel, other(from));
    touch(tunnel);
}

/* TLS that ends without saying so is taken for an end: what is inside has ends of its own, or needs
 * none. */
void rw_tunnel_on_end(struct rw_tunnel *tunnel, enum rw_tunnel_side from, enum rw_err err)
{
    if (tunnel->over)
        return;
    if (err && err != RW_ECLOSED) {
        broken(tunnel, from);
        return;
    }
    const struct rw_tunnel_observer *observer = tunnel->terms->observer;
    if (observer && observer->ended)
        observer->ended(tunnel, from);
    rw_tunnel_finish(tunnel, from);
}

/* The last that is heard of a side. */
void rw_tunnel_on_closed(struct rw_tunnel *tunnel, enum rw_tunnel_side side)
{
    if (side == RW_TUNNEL_CLIENT) {
        rw_tunnel_end(tunnel, RW_REASON_CLIENT_GONE);
        tunnel->client = NULL;
    } else {
        tunnel->upstream = NULL;
    }
    if (tunnel->client || tunnel->upstream)
        return;
    /* The bytes of pending sends had to stay until here. */
    free_buffers(&tunnel->ways[0]);
    free_buffers(&tunnel->ways[1]);
    rw_tunnel_free(tunnel);
}

/* ---- The endpoint's side ---- */

static struct rw_tunnel *holder_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct rw_upstream_connection, stream)->holder;
}

static void upstream_data(struct rw_stream *stream, struct rw_buf *buf)
{
    rw_tunnel_on_data(holder_of(stream), RW_TUNNEL_UPSTREAM, buf);
}

static void upstream_end(struct rw_stream *stream, enum rw_err err)
{
    rw_tunnel_on_end(holder_of(stream), RW_TUNNEL_UPSTREAM, err);
}

static void upstream_sent(struct rw_stream *stream, enum rw_err err)
{
    rw_tunnel_on_sent(holder_of(stream), RW_TUNNEL_UPSTREAM, err);
}

static void upstream_closed(struct rw_stream *stream)
{
    struct rw_tunnel *tunnel = holder_of(stream);
    rw_pool_connection_closed(rw_container_of(stream, struct rw_upstream_connection, stream));
    rw_tunnel_on_closed(tunnel, RW_TUNNEL_UPSTREAM);
}

static const struct rw_stream_events upstream_events = {
    .on_data = upstream_data,
    .on_end = upstream_end,
    .on_sent = upstream_sent,
    .on_closed = upstream_closed,
};

/* ---- The beginning ---- */

void rw_tunnel_upstream(struct rw_tunnel *tunnel, struct rw_lease *lease, struct rw_buf *early)
{
    tunnel->upstream = rw_pool_detach(lease, &upstream_events, on_deadline, tunnel);
    tunnel->ways[RW_TUNNEL_CLIENT].queue = early;
}

void rw_tunnel_flow(struct rw_tunnel *tunnel, struct rw_stream *client, struct rw_buf *early,
                    bool ended)
{
    struct rw_buf *from_upstream = tunnel->ways[RW_TUNNEL_CLIENT].queue;
    tunnel->ways[RW_TUNNEL_CLIENT].queue = NULL;
    tunnel->client = client;
    tunnel->halves[RW_TUNNEL_CLIENT].receiving = RECEIVE_UNKNOWN;
    rw_worker_count(tunnel->terms->worker, RW_COUNTER_TUNNELS_OPEN, 1);
    set_deadline(tunnel);
    const struct rw_tunnel_observer *observer = tunnel->terms->observer;
    if (observer && observer->started)
        observer->started(tunnel);
    if (from_upstream)
        rw_tunnel_on_data(tunnel, RW_TUNNEL_UPSTREAM, from_upstream);
    if (early)
        rw_tunnel_on_data(tunnel, RW_TUNNEL_CLIENT, early);
    if (ended)
        rw_tunnel_on_end(tunnel, RW_TUNNEL_CLIENT, RW_OK);
    receive(tunnel, RW_TUNNEL_CLIENT);
    receive(tunnel, RW_TUNNEL_UPSTREAM);
}

void rw_tunnel_destroy(struct rw_tunnel *tunnel)
{
    rw_assert(!tunnel->client && !tunnel->upstream);
    rw_tunnel_free(tunnel);
}

void rw_tunnel_drain(struct rw_tunnel *tunnel)
{
    const struct rw_tunnel_observer *observer = tunnel->terms->observer;
    if (!tunnel->over && observer && observer->drain)
        observer->drain(tunnel);
}

void rw_tunnel_on_alarm(struct rw_tunnel *tunnel)
{
    if (tunnel->over)
        return;
    tunnel->terms->observer->alarm(tunnel);
    if (!tunnel->over)
        set_deadline(tunnel); /* what it has put may be pending */
}

/* ---- For observers ---- */

void rw_tunnel_because(struct rw_tunnel *tunnel, enum rw_reason reason)
{
    if (!tunnel->over)
        tunnel->reason = (uint8_t)reason;
}
