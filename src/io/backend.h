/* Between the loop and its backends: what epoll.c, uring.c and sim_backend.c provide, what they may
 * use.
 *
 * Only src/io/ includes this. The loop (loop.c) owns what all backends share: time, timers, posted
 * tasks, buffers, the ready list and the closing lists. One turn is: the backend waits and delivers
 * events; posted tasks; timers; the ready list; on_closed of all that has closed. So memory that a
 * callback closes stays valid until the backend has gone through its batch of events.
 *
 * A backend delivers by rw_stream_tell_*, which goes to the owner or to TLS (io/tls_hooks.h). Each
 * is the last thing that a backend does with a stream before it looks at rw_stream_closing again.
 */
#ifndef RW_IO_BACKEND_H
#define RW_IO_BACKEND_H

#include "io/loop.h"
#include "io/stream.h"
#include "io/tls_hooks.h"
#include "io/wheel.h"

#include <stdatomic.h>

/* stream->flags. The first are the loop's, the others the backends'. */
enum {
    RW_STREAM_CLOSING = 1 << 0,    /* rw_stream_close was called */
    RW_STREAM_TLS_READY = 1 << 1,  /* rw_stream_raw_ready was called */
    RW_STREAM_RECEIVING = 1 << 2,  /* the owner wants data */
    RW_STREAM_LARGE = 1 << 3,      /* in large buffers */
    RW_STREAM_CONNECTING = 1 << 4, /* on_open is still to come */
    RW_STREAM_END_TOLD = 1 << 5,   /* on_end has been called */
    RW_STREAM_BACKEND = 1 << 8,    /* the backend's own begin here */
};

struct rw_listener_state {
    struct rw_list closed;  /* in the loop's list: on_closed is due */
    struct rw_timer resume; /* out of descriptors: accept again then */
    struct rw_listener *listener;
    void *backend;
    bool armed;   /* io_uring: the kernel has a poll of ours */
    bool closing; /* io_uring: closed when it gives it back */
};

struct rw_io_backend {
    const char *name;
    enum rw_loop_backend kind;
    enum rw_err (*create)(struct rw_loop *loop, const struct rw_loop_options *options);
    void (*destroy)(struct rw_loop *loop);
    /* Waits at most `wait_ms` (-1: no limit), calls rw_loop_woke, delivers what came, or a part of
     * it when that is much: the number of events. */
    size_t (*wait)(struct rw_loop *loop, int wait_ms);
    /* Any thread: makes a waiting loop turn. */
    void (*wake)(struct rw_loop *loop);
    uint64_t (*now_ns)(const struct rw_loop *loop);
    uint64_t (*wall_ns)(const struct rw_loop *loop);

    enum rw_err (*attach)(struct rw_stream *stream);
    enum rw_err (*connect)(struct rw_stream *stream, const struct rw_connect_options *options);
    /* Undoes attach or connect within the same call: no events, no on_closed. */
    void (*discard)(struct rw_stream *stream);
    void (*receive)(struct rw_stream *stream, bool on, bool large);
    enum rw_send (*send)(struct rw_stream *stream, const struct iovec *parts, int count);
    void (*shutdown)(struct rw_stream *stream);
    /* Calls rw_loop_stream_closed at once or later. */
    void (*close)(struct rw_stream *stream, bool abort);
    /* The stream's go in the ready list. */
    void (*ready)(struct rw_stream *stream);
    enum rw_err (*address)(const struct rw_stream *stream, bool peer,
                           struct sockaddr_storage *address);

    enum rw_err (*listen)(struct rw_listener_state *state);
    /* Calls rw_loop_listener_closed at once or later. */
    void (*unlisten)(struct rw_listener_state *state);
    /* After a pause for want of descriptors. */
    void (*relisten)(struct rw_listener_state *state);
    /* Closes an accepted descriptor that no stream took. */
    void (*refuse)(struct rw_listener *listener, int fd);

    enum rw_err (*watch)(struct rw_watch *watch);
    void (*unwatch)(struct rw_watch *watch);
};

extern const struct rw_io_backend rw_backend_epoll;
extern const struct rw_io_backend rw_backend_uring;
extern const struct rw_io_backend rw_backend_sim;

struct rw_loop {
    const struct rw_io_backend *backend;
    void *state; /* the backend's */
    uint64_t now_ns, now_ms;
    uint64_t wall_offset_ns, wall_read_ns;
    struct rw_list ready;            /* of rw_stream.ready */
    struct rw_list later;            /* of rw_later.link */
    struct rw_list starved;          /* of rw_stream.ready: no buffer to be had */
    struct rw_list closed;           /* of rw_stream.ready: on_closed is due */
    struct rw_list closed_listeners; /* of rw_listener_state.closed */
    struct rw_timer starved_retry;
    struct rw_buf_pool buffers;
    struct rw_random random;
    bool stopping;
    size_t streams, listeners;        /* open ones */
    _Atomic(struct rw_task *) posted; /* newest first */
    _Atomic bool sleeping;            /* a post must wake the backend */
    bool catching_up;                 /* a deadline waits: each wait hears of all streams */
    struct rw_wheel wheel;
};

/* ---- loop.c, for backends ---- */

/* Reads the clock after waiting; to be called before events are delivered. */
void rw_loop_woke(struct rw_loop *loop);
/* Gives the stream a go later in this turn, or in the next when the list is being run. */
void rw_loop_stream_ready(struct rw_stream *stream);
/* As ready, but a little later: the buffer pool is exhausted. */
void rw_loop_stream_starved(struct rw_stream *stream);
void rw_loop_stream_closed(struct rw_stream *stream);
void rw_loop_listener_closed(struct rw_listener_state *state);
/* Descriptors ran out (`err`): says so, and calls backend->relisten in 100 ms. */
void rw_loop_listener_pause(struct rw_listener_state *state, int errno_value);
/* Whether a turn has something to do without any event. */
bool rw_loop_has_work(const struct rw_loop *loop);

/* ---- socket.c: what the two kernel backends share ---- */

/* A socket ready for connect(2), bound if a source is asked for. */
RW_MUST_CHECK enum rw_err rw_socket_create(const struct rw_connect_options *options, int *fd);
/* What a failed connect(2) means. */
enum rw_err rw_socket_connect_error(int errno_value);
/* Its close(2) will be a reset. */
void rw_socket_reset_at_close(int fd);
/* One send of all parts, without waiting or SIGPIPE: what went, or -1 and errno. */
ssize_t rw_socket_send(int fd, const struct iovec *parts, int count);

void rw_socket_refuse(struct rw_listener *listener, int fd);
enum rw_err rw_socket_error(int fd);
enum rw_err rw_socket_address(int fd, bool peer, struct sockaddr_storage *address);

/* Whether a failed accept(2) concerns one connection only, so that the next may succeed. */
bool rw_socket_accept_again(int errno_value);
/* Accepts what waits and tells the owner, a limited number a call. 0: more may wait; EAGAIN:
 * nothing does; else why it failed. */
int rw_listener_accept(struct rw_listener_state *state);

/* The parts of a send that have not left yet. */
struct rw_parts {
    int count;
    struct iovec parts[RW_SEND_PARTS_MAX];
};

/* The sum of the parts' lengths. */
size_t rw_parts_bytes(const struct iovec *parts, int count);
/* Copies what comes after the first `skip` bytes. */
void rw_parts_set(struct rw_parts *rest, const struct iovec *parts, int count, size_t skip);

/* ---- stream.c: the raw side, for TLS ---- */

/* As the calls of io/stream.h, but below TLS. */
void rw_stream_raw_receive(struct rw_stream *stream, bool on, bool large);
RW_MUST_CHECK enum rw_send rw_stream_raw_send(struct rw_stream *stream, const struct iovec *parts,
                                              int count);
void rw_stream_raw_shutdown(struct rw_stream *stream);
void rw_stream_raw_close(struct rw_stream *stream, bool abort);
/* Asks the loop to call rw_tls_hook_ready in this turn or the next. */
void rw_stream_raw_ready(struct rw_stream *stream);

/* ---- Deliveries, for backends ---- */

static inline void rw_stream_tell_opened(struct rw_stream *stream, enum rw_err err)
{
    if (stream->tls)
        rw_tls_hook_opened(stream, err);
    else
        stream->events->on_open(stream, err);
}

static inline void rw_stream_tell_data(struct rw_stream *stream, struct rw_buf *buf)
{
    if (stream->tls)
        rw_tls_hook_data(stream, buf);
    else
        stream->events->on_data(stream, buf);
}

static inline void rw_stream_tell_end(struct rw_stream *stream, enum rw_err err)
{
    stream->flags |= RW_STREAM_END_TOLD;
    if (stream->tls)
        rw_tls_hook_end(stream, err);
    else
        stream->events->on_end(stream, err);
}

static inline void rw_stream_tell_sent(struct rw_stream *stream, enum rw_err err)
{
    if (stream->tls)
        rw_tls_hook_sent(stream, err);
    else
        stream->events->on_sent(stream, err);
}

#endif
