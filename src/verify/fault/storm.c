#include "verify/fault/storm.h"

#include "base/alloc.h"
#include "io/stream.h"

#include <stdio.h>

enum { STATUS_LINE_BYTES = 12 }; /* "HTTP/1.1 200" */

struct rw_storm {
    struct rw_loop *loop;
    struct rw_address admin;
    struct rw_timer timer;
    uint64_t due_ms;
    uint32_t interval_ms;
    struct rw_stream stream;
    bool alive;
    char request[160 + RW_ADDRESS_TEXT_MAX];
    size_t request_bytes;
    char status[STATUS_LINE_BYTES];
    size_t status_bytes;
    struct rw_storm_counts counts;
    struct rw_later later;
    void (*closed)(void *user);
    void *closed_user;
};

static const struct rw_stream_events events;

static struct rw_storm *storm_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct rw_storm, stream);
}

static void reload(struct rw_timer *timer)
{
    struct rw_storm *storm = rw_container_of(timer, struct rw_storm, timer);
    const struct rw_connect_options options = {.address = rw_address_sockaddr(&storm->admin),
                                               .address_bytes = storm->admin.bytes};
    storm->status_bytes = 0;
    storm->due_ms = rw_loop_now_ms(storm->loop) + storm->interval_ms;
    storm->alive = !rw_stream_connect(storm->loop, &storm->stream, &events, &options);
    if (storm->alive)
        return;
    storm->counts.failed++;
    rw_timer_start(storm->loop, timer, storm->due_ms);
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct rw_storm *storm = storm_of(stream);
    struct iovec part = {.iov_base = storm->request, .iov_len = storm->request_bytes};
    if (err || rw_stream_send(stream, &part, 1) == RW_SEND_FAILED)
        rw_stream_close(stream);
    else
        rw_stream_receive(stream, true, false);
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_storm *storm = storm_of(stream);
    struct rw_span bytes = rw_buf_span(buf);
    size_t room = STATUS_LINE_BYTES - storm->status_bytes;
    size_t len = bytes.len < room ? bytes.len : room;
    memcpy(storm->status + storm->status_bytes, bytes.at, len);
    storm->status_bytes += len;
    rw_buf_drop(buf);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    if (err)
        rw_stream_close(stream);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    (void)err; /* what has come says how it went */
    rw_stream_close(stream);
}

static void settle(struct rw_storm *storm);

static void on_closed(struct rw_stream *stream)
{
    struct rw_storm *storm = storm_of(stream);
    storm->alive = false;
    if (storm->closed) {
        settle(storm);
        return;
    }
    if (storm->status_bytes < STATUS_LINE_BYTES)
        storm->counts.failed++;
    else if (memcmp(storm->status, "HTTP/1.1 200", STATUS_LINE_BYTES) == 0)
        storm->counts.done++;
    else
        storm->counts.refused++;
    rw_timer_start(storm->loop, &storm->timer, storm->due_ms);
}

static const struct rw_stream_events events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

static void settle(struct rw_storm *storm)
{
    if (!storm->closed || storm->alive)
        return;
    void (*closed)(void *user) = storm->closed;
    void *user = storm->closed_user;
    rw_loop_later_stop(&storm->later);
    rw_free(storm);
    closed(user);
}

static void settle_later(struct rw_later *later)
{
    settle(rw_container_of(later, struct rw_storm, later));
}

enum rw_err rw_storm_open(struct rw_loop *loop, const struct rw_address *admin, uint32_t per_second,
                          struct rw_storm **out)
{
    char host[RW_ADDRESS_TEXT_MAX];
    if (per_second == 0 || per_second > RW_STORM_PER_SECOND_MAX)
        return RW_ELIMIT;
    struct rw_storm *storm = rw_alloc_zero(sizeof(*storm));
    if (!storm)
        return RW_ENOMEM;
    *storm = (struct rw_storm){.loop = loop,
                               .admin = *admin,
                               .timer = {.fire = reload},
                               .later = {.run = settle_later},
                               .interval_ms = 1000 / per_second};
    int host_bytes = (int)rw_address_format(host, &admin->storage);
    storm->request_bytes = (size_t)snprintf(storm->request, sizeof(storm->request),
                                            "POST /reload HTTP/1.1\r\nHost: %.*s\r\n"
                                            "Content-Length: 0\r\nConnection: close\r\n\r\n",
                                            host_bytes, host);
    rw_timer_start(loop, &storm->timer, rw_loop_now_ms(loop));
    *out = storm;
    return RW_OK;
}

void rw_storm_close(struct rw_storm *storm, void (*closed)(void *user), void *user)
{
    storm->closed = closed;
    storm->closed_user = user;
    rw_timer_stop(storm->loop, &storm->timer);
    if (storm->alive)
        rw_stream_close(&storm->stream);
    rw_loop_later(storm->loop, &storm->later);
}

void rw_storm_count(const struct rw_storm *storm, struct rw_storm_counts *counts)
{
    *counts = storm->counts;
}
