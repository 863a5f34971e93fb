/* A loop on any backend with one listening address and pairs of streams through it, for the tests
 * of io/.
 *
 * An end sends `to_send` patterned bytes in pieces as fast as it may, checks the pattern of what it
 * receives, and counts its callbacks. Options of an end make it misbehave: see the fields.
 */
#ifndef RW_TESTS_IO_WORLD_H
#define RW_TESTS_IO_WORLD_H

#include "base/alloc.h"
#include "base/clock.h"
#include "io/address.h"
#include "io/listen.h"
#include "io/loop.h"
#include "io/sim.h"
#include "io/stream.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATTERN_BYTES = 1 << 16, PATIENCE_MS = 60000 };

enum callback { NOWHERE, IN_OPEN, IN_DATA, IN_END, IN_SENT };

struct world {
    enum rw_loop_backend backend;
    struct rw_loop *loop;
    struct rw_sim *sim;
    struct rw_address address;
    struct rw_listener listener;
    bool listening;
    int listener_fd;
    struct end *accepting; /* who takes the next connection */
    struct end *accepting_end;
    int accepted, refused;
    int socket_bytes; /* 0: the kernel's choice of socket buffers */
};

struct end {
    struct rw_stream stream;
    struct world *world;
    struct rw_timer slow;
    /* Options. */
    size_t to_send;
    size_t piece_bytes;       /* per send; 0: 64 KiB */
    int parts;                /* per send; 0: one */
    bool large;               /* receive in large buffers */
    bool mute;                /* starts with receiving off */
    bool echo;                /* sends what it gets (small amounts) */
    bool shutdown_after_send; /* when all is sent */
    bool no_close_at_end;     /* on_end does not close */
    unsigned slow_ms;         /* receiving is off so long after each buffer */
    enum callback close_in, abort_in;
    /* What has happened. */
    size_t sent, in_flight, received, echoed;
    int opens, datas, ends, sents, closes;
    enum rw_err open_err, end_err, sent_err;
    bool is_open, send_failed, corrupt, gone, finished;
};

/* Of the loops that are made: see rw_loop_options. 1: every stream is parked. */
static int world_descriptors_max;
static bool world_answers_first;

static char pattern[2 * PATTERN_BYTES];

static inline void make_pattern(void)
{
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (char)((i % PATTERN_BYTES) * 31 + (i % PATTERN_BYTES) / 251);
}

static inline struct end *end_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct end, stream);
}

/* Ends the stream if the test wants so in this callback. */
static inline bool ends_in(struct end *end, enum callback where)
{
    if (end->close_in == where)
        rw_stream_close(&end->stream);
    else if (end->abort_in == where)
        rw_stream_abort(&end->stream);
    return rw_stream_closing(&end->stream);
}

static inline int cut_parts(const struct end *end, const char *at, size_t len, struct iovec *parts)
{
    int count = end->parts ? end->parts : 1;
    size_t each = len / (size_t)count;
    if (each == 0) {
        parts[0] = (struct iovec){(void *)at, len};
        return 1;
    }
    for (int i = 0; i < count; i++) {
        size_t part = i == count - 1 ? len : each;
        parts[i] = (struct iovec){(void *)at, part};
        at += part;
        len -= part;
    }
    return count;
}

static inline void send_more(struct end *end)
{
    while (!end->in_flight && !end->send_failed && end->sent < end->to_send &&
           !rw_stream_closing(&end->stream)) {
        struct iovec parts[RW_SEND_PARTS_MAX];
        size_t len = end->piece_bytes ? end->piece_bytes : PATTERN_BYTES;
        if (len > end->to_send - end->sent)
            len = end->to_send - end->sent;
        int count = cut_parts(end, pattern + end->sent % PATTERN_BYTES, len, parts);
        enum rw_send result = rw_stream_send(&end->stream, parts, count);
        memset(parts, 0xee, sizeof(parts)); /* the array is the caller's again */
        end->send_failed = result == RW_SEND_FAILED;
        if (result == RW_SEND_PENDING)
            end->in_flight = len;
        else if (result == RW_SEND_DONE)
            end->sent += len;
    }
    if (end->shutdown_after_send && end->sent == end->to_send && !end->in_flight) {
        end->shutdown_after_send = false;
        rw_stream_shutdown(&end->stream);
    }
}

static inline void end_started(struct end *end)
{
    end->is_open = true;
    if (end->world->socket_bytes) { /* no such thing in simulation: the descriptor is -1 */
        int fd = rw_stream_fd(&end->stream), bytes = end->world->socket_bytes;
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    }
    rw_stream_receive(&end->stream, !end->mute, end->large);
    send_more(end);
}

static inline void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct end *end = end_of(stream);
    end->opens++;
    end->open_err = err;
    if (ends_in(end, IN_OPEN))
        return;
    if (err)
        rw_stream_close(stream);
    else
        end_started(end);
}

static inline void unmute(struct rw_timer *timer)
{
    struct end *end = rw_container_of(timer, struct end, slow);
    rw_stream_receive(&end->stream, true, end->large);
}

static inline void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct end *end = end_of(stream);
    struct rw_span bytes = rw_buf_span(buf);
    end->datas++;
    assert_true(bytes.len > 0 && buf->references == 1);
    assert_int_equal(end->ends, 0);
    for (size_t done = 0; done < bytes.len;) {
        size_t at = (end->received + done) % PATTERN_BYTES;
        size_t len = bytes.len - done < PATTERN_BYTES ? bytes.len - done : PATTERN_BYTES;
        end->corrupt |= memcmp(bytes.at + done, pattern + at, len) != 0;
        done += len;
    }
    end->received += bytes.len;
    rw_buf_drop(buf);
    if (ends_in(end, IN_DATA))
        return;
    if (end->echo) {
        end->to_send = end->received;
        send_more(end);
    }
    if (end->slow_ms && !rw_stream_closing(stream)) {
        rw_stream_receive(stream, false, false);
        rw_timer_start(stream->loop, &end->slow, rw_loop_now_ms(stream->loop) + end->slow_ms);
    }
}

static inline void on_end(struct rw_stream *stream, enum rw_err err)
{
    struct end *end = end_of(stream);
    end->ends++;
    end->end_err = err;
    if (ends_in(end, IN_END) || (end->no_close_at_end && !err))
        return;
    rw_stream_close(stream);
}

static inline void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct end *end = end_of(stream);
    end->sents++;
    assert_true(end->in_flight > 0);
    if (!err)
        end->sent += end->in_flight;
    end->in_flight = 0;
    end->sent_err = err;
    end->send_failed |= err != RW_OK;
    if (!ends_in(end, IN_SENT))
        send_more(end);
}

static inline void on_closed(struct rw_stream *stream)
{
    struct end *end = end_of(stream);
    end->closes++;
    end->gone = true;
    rw_timer_stop(stream->loop, &end->slow);
    memset(stream, 0xdd, sizeof(*stream)); /* the memory is the owner's again */
}

static const struct rw_stream_events world_events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

/* ---- Worlds ---- */

static inline void world_on_accept(struct rw_listener *listener, int fd,
                                   const struct sockaddr_storage *peer)
{
    struct world *world = rw_container_of(listener, struct world, listener);
    assert_true(peer->ss_family == world->address.storage.ss_family);
    if (world->accepting == world->accepting_end) {
        world->refused++;
        rw_listener_refuse(listener, fd);
        return;
    }
    struct end *end = world->accepting++;
    end->world = world;
    end->slow.fire = unmute;
    world->accepted++;
    if (rw_stream_attach(world->loop, &end->stream, &world_events, fd, NULL))
        end->gone = true;
    else
        end_started(end);
}

static inline void world_on_listener_closed(struct rw_listener *listener)
{
    rw_container_of(listener, struct world, listener)->listening = false;
}

static inline void turn(struct world *world)
{
    rw_loop_turn(world->loop, 20);
}

static inline enum rw_err world_listen(struct world *world, const char *address)
{
    enum rw_err err = rw_address_parse(rw_span_text(address), &world->address);
    assert_int_equal(err, RW_OK);
    struct sockaddr *at = (struct sockaddr *)&world->address.storage;
    if (world->sim) {
        err = rw_sim_listen(world->sim, at, world->address.bytes, &world->listener_fd);
    } else {
        struct rw_listen_options options = {0};
        err = rw_listen_open(&world->address, &options, &world->listener_fd, NULL);
        if (!err && at->sa_family != AF_UNIX)
            assert_int_equal(getsockname(world->listener_fd, at, &world->address.bytes), 0);
    }
    if (err)
        return err;
    world->listener = (struct rw_listener){
        .fd = world->listener_fd,
        .on_accept = world_on_accept,
        .on_closed = world_on_listener_closed,
    };
    err = rw_listener_start(world->loop, &world->listener);
    world->listening = !err;
    return err;
}

static inline enum rw_err world_try_open(struct world *world, enum rw_loop_backend backend,
                                         const char *address, const struct rw_sim_faults *faults,
                                         uint64_t seed)
{
    static const struct rw_sim_faults no_faults;
    *world = (struct world){.backend = backend, .listener_fd = -1};
    make_pattern();
    if (backend == RW_LOOP_SIM) {
        enum rw_err err = rw_sim_create(seed, faults ? faults : &no_faults, &world->sim);
        if (err)
            return err;
    }
    struct rw_loop_options options = {.backend = backend,
                                      .sim = world->sim,
                                      .descriptors_max = world_descriptors_max,
                                      .answers_first = world_answers_first};
    enum rw_err err = rw_loop_create(&options, &world->loop);
    if (err) {
        if (world->sim)
            rw_sim_destroy(world->sim);
        world->sim = NULL;
        return err;
    }
    return address ? world_listen(world, address) : RW_OK;
}

/* A blocking socket of the test's own on loopback, and where it listens. */
static inline int listen_somewhere(struct rw_address *address)
{
    struct rw_listen_options options = {0};
    int listener;
    assert_int_equal(rw_address_parse(RW_LITERAL("127.0.0.1:0"), address), RW_OK);
    assert_int_equal(rw_listen_open(address, &options, &listener, NULL), RW_OK);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address->storage, &address->bytes),
                     0);
    return listener;
}

static inline void world_close(struct world *world)
{
    if (world->listening)
        rw_listener_close(&world->listener);
    for (int i = 0; i < 100 && world->listening; i++)
        rw_loop_turn(world->loop, 0);
    assert_false(world->listening);
    if (world->loop)
        rw_loop_destroy(world->loop);
    if (world->sim)
        rw_sim_destroy(world->sim);
    else if (world->listener_fd >= 0)
        close(world->listener_fd);
}

/* Turns the loop until the ends are closed. */
static inline void run_until_gone(struct world *world, struct end *ends, size_t count)
{
    uint64_t give_up_ns = rw_clock_monotonic_ns() + PATIENCE_MS * RW_NS_PER_MS;
    for (size_t i = 0; i < count; i++)
        while (!ends[i].gone) {
            if (rw_clock_monotonic_ns() > give_up_ns)
                fail_msg("end %zu is not closed: received %zu sent %zu in flight %zu ends %d", i,
                         ends[i].received, ends[i].sent, ends[i].in_flight, ends[i].ends);
            turn(world);
        }
}

#define RUN_UNTIL(world, condition)                                                                \
    do {                                                                                           \
        uint64_t give_up_ns_ = rw_clock_monotonic_ns() + PATIENCE_MS * RW_NS_PER_MS;               \
        while (!(condition)) {                                                                     \
            if (rw_clock_monotonic_ns() > give_up_ns_)                                             \
                fail_msg("waited in vain for " #condition);                                        \
            turn(world);                                                                           \
        }                                                                                          \
    } while (0)

/* Turns for a while, in which nothing is expected to happen. */
static inline void idle(struct world *world, uint64_t ms)
{
    uint64_t until_ms = rw_loop_now_ms(world->loop) + ms;
    while (rw_loop_now_ms(world->loop) < until_ms)
        rw_loop_turn(world->loop, 5);
}

static inline enum rw_err end_connect(struct world *world, struct end *end)
{
    struct rw_connect_options options = {.address = rw_address_sockaddr(&world->address),
                                         .address_bytes = world->address.bytes};
    end->world = world;
    end->slow.fire = unmute;
    enum rw_err err = rw_stream_connect(world->loop, &end->stream, &world_events, &options);
    end->gone = err != RW_OK;
    return err;
}

/* ends[0] connects, ends[1] is accepted. */
static inline void connect_pair(struct world *world, struct end *ends)
{
    world->accepting = &ends[1];
    world->accepting_end = &ends[2];
    assert_int_equal(end_connect(world, &ends[0]), RW_OK);
}

static inline void connect_pair_and_wait(struct world *world, struct end *ends)
{
    connect_pair(world, ends);
    RUN_UNTIL(world, ends[0].is_open && ends[1].is_open);
}

static inline void assert_whole(const struct end *from, const struct end *to)
{
    assert_int_equal(from->sent, from->to_send);
    assert_int_equal(to->received, from->to_send);
    assert_false(to->corrupt);
}

#endif
