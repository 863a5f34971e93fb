/* The epoll backend: edge-triggered, each descriptor registered once.
 *
 * An edge that comes while receiving is off is kept in the READABLE flag. A short read means that
 * the socket is drained (the next byte makes a new edge), except once the peer has ended: then
 * reading goes on until it says so. A full buffer puts the stream on the ready list, so nobody gets
 * more than two buffers a turn.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "io/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_PER_TURN = 512 };

enum {
    READABLE = RW_STREAM_BACKEND,        /* there may be something to read */
    PEER_ENDED = RW_STREAM_BACKEND << 1, /* reading to the end will not block */
};

/* What epoll_data points to is told by its low bits. */
enum { TAG_STREAM, TAG_LISTENER, TAG_WATCH, TAG_WAKE, TAG_MASK = 3 };

struct epoll_state {
    int epoll_fd;
    int wake_fd;               /* an eventfd, edge-triggered: never read */
    struct rw_list dead_nodes; /* watches stopped since the last wait */
    struct epoll_event events[EVENTS_PER_TURN];
};

/* Outlives a stopped watch until the batch of events is through. */
struct watch_node {
    struct rw_watch *watch; /* NULL: stopped */
    struct rw_list dead;
};

static bool would_block(int errno_value)
{
    return errno_value == EAGAIN || errno_value == EWOULDBLOCK;
}

static enum rw_err add_fd(struct epoll_state *state, int fd, uint32_t events, void *at,
                          unsigned tag)
{
    struct epoll_event event = {.events = events, .data.u64 = (uintptr_t)at | tag};
    if (epoll_ctl(state->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return rw_err_from_errno(errno);
    return RW_OK;
}

static void remove_fd(struct epoll_state *state, int fd)
{
    struct epoll_event unused = {0};
    epoll_ctl(state->epoll_fd, EPOLL_CTL_DEL, fd, &unused);
}

/* ---- Streams ---- */

static enum rw_err add_stream(struct rw_stream *stream)
{
    struct epoll_state *state = stream->loop->state;
    uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    enum rw_err err = add_fd(state, stream->fd, events, stream, TAG_STREAM);
    if (err)
        close(stream->fd);
    return err;
}

static enum rw_err epoll_attach(struct rw_stream *stream)
{
    /* What was accepted usually has data already: worth a try without waiting for the edge. */
    stream->flags |= READABLE;
    return add_stream(stream);
}

static enum rw_err epoll_connect(struct rw_stream *stream, const struct rw_connect_options *options)
{
    enum rw_err err = rw_socket_create(options, &stream->fd);
    if (err)
        return err;
    if (connect(stream->fd, options->address, options->address_bytes) < 0 && errno != EINPROGRESS &&
        errno != EINTR) {
        err = rw_socket_connect_error(errno);
        close(stream->fd);
        return err;
    }
    return add_stream(stream);
}

static void epoll_discard(struct rw_stream *stream)
{
    rw_list_remove(&stream->ready);
    close(stream->fd);
}

static void epoll_receive(struct rw_stream *stream, bool on, bool large)
{
    stream->flags &= ~(uint32_t)(RW_STREAM_RECEIVING | RW_STREAM_LARGE);
    if (on)
        stream->flags |= RW_STREAM_RECEIVING | (large ? RW_STREAM_LARGE : 0);
    if (on ? stream->flags & READABLE : stream->error)
        rw_loop_stream_ready(stream);
}

static void receive_once(struct rw_stream *stream)
{
    struct rw_buf *buf = rw_buf_get_for(&stream->loop->buffers, stream->flags & RW_STREAM_LARGE);
    if (!buf) {
        rw_loop_stream_starved(stream);
        return;
    }
    ssize_t got;
    do
        got = recv(stream->fd, buf->data, buf->room, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        buf->end = (uint32_t)got;
        if (buf->end < buf->room && !(stream->flags & PEER_ENDED))
            stream->flags &= ~(uint32_t)READABLE;
        else
            rw_loop_stream_ready(stream);
        rw_stream_tell_data(stream, buf);
        return;
    }
    int errno_value = errno;
    rw_buf_drop(buf);
    stream->flags &= ~(uint32_t)READABLE;
    if (got < 0 && would_block(errno_value))
        return;
    rw_stream_tell_end(stream, got < 0 ? rw_err_from_errno(errno_value) : stream->error);
}

static void epoll_ready(struct rw_stream *stream)
{
    if (stream->flags & RW_STREAM_END_TOLD)
        return;
    if (!(stream->flags & RW_STREAM_RECEIVING)) {
        if (stream->error)
            rw_stream_tell_end(stream, stream->error);
    } else if (stream->flags & READABLE) {
        receive_once(stream);
    }
}

static enum rw_send epoll_send(struct rw_stream *stream, const struct iovec *parts, int count)
{
    ssize_t sent = rw_socket_send(stream->fd, parts, count);
    if (sent < 0 && !would_block(errno)) {
        stream->error = rw_err_from_errno(errno);
        return RW_SEND_FAILED;
    }
    if (sent < 0)
        sent = 0;
    if ((size_t)sent == rw_parts_bytes(parts, count))
        return RW_SEND_DONE;
    struct rw_parts *rest = rw_alloc(sizeof(*rest));
    if (!rest)
        return RW_SEND_FAILED;
    rw_parts_set(rest, parts, count, (size_t)sent);
    stream->pending = rest;
    return RW_SEND_PENDING;
}

static void end_pending(struct rw_stream *stream, enum rw_err err)
{
    rw_free(stream->pending);
    stream->pending = NULL;
    rw_stream_tell_sent(stream, err);
}

static void continue_send(struct rw_stream *stream)
{
    struct rw_parts *rest = stream->pending;
    ssize_t sent = rw_socket_send(stream->fd, rest->parts, rest->count);
    if (sent < 0) {
        if (would_block(errno))
            return;
        stream->error = rw_err_from_errno(errno);
        end_pending(stream, stream->error);
        return;
    }
    rw_parts_set(rest, rest->parts, rest->count, (size_t)sent);
    if (rest->count == 0)
        end_pending(stream, RW_OK);
}

static void epoll_shutdown(struct rw_stream *stream)
{
    shutdown(stream->fd, SHUT_WR);
}

static void epoll_close(struct rw_stream *stream, bool abort)
{
    rw_free(stream->pending);
    stream->pending = NULL;
    if (abort)
        rw_socket_reset_at_close(stream->fd);
    close(stream->fd);
    stream->fd = -1;
    rw_loop_stream_closed(stream);
}

static void finish_connect(struct rw_stream *stream, uint32_t events)
{
    stream->flags &= ~(uint32_t)RW_STREAM_CONNECTING;
    enum rw_err err = events & (EPOLLERR | EPOLLHUP) ? rw_socket_error(stream->fd) : RW_OK;
    if (err)
        stream->flags |= RW_STREAM_END_TOLD; /* on_open tells it */
    rw_stream_tell_opened(stream, err);
}

/* The connection broke. Whoever does not read is told at once; who reads, after the data that came
 * before. */
static void on_error(struct rw_stream *stream)
{
    enum rw_err err = rw_socket_error(stream->fd);
    if (err)
        stream->error = err;
    if (!stream->error)
        return;
    if (stream->pending)
        end_pending(stream, stream->error);
}

static void on_stream_events(struct rw_stream *stream, uint32_t events)
{
    if (rw_stream_closing(stream))
        return;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        stream->flags |= READABLE;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        stream->flags |= PEER_ENDED;
    if (stream->flags & RW_STREAM_CONNECTING)
        finish_connect(stream, events);
    else if (events & EPOLLERR)
        on_error(stream);
    if (!rw_stream_closing(stream) && stream->pending && events & (EPOLLOUT | EPOLLHUP))
        continue_send(stream);
    if (!rw_stream_closing(stream))
        epoll_ready(stream);
}

/* ---- Listeners ---- */

static enum rw_err epoll_listen(struct rw_listener_state *state)
{
    struct rw_listener *listener = state->listener;
    int one = 1;
    /* Accepted sockets inherit it; a Unix socket has no such option. */
    setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    int flags = fcntl(listener->fd, F_GETFL);
    if (flags < 0 || fcntl(listener->fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return rw_err_from_errno(errno);
    /* Where processes share the socket, one of them wakes. */
    return add_fd(listener->loop->state, listener->fd, EPOLLIN | EPOLLEXCLUSIVE, state,
                  TAG_LISTENER);
}

static void epoll_unlisten(struct rw_listener_state *state)
{
    remove_fd(state->listener->loop->state, state->listener->fd);
    rw_loop_listener_closed(state);
}

static void epoll_relisten(struct rw_listener_state *state)
{
    struct rw_listener *listener = state->listener;
    if (add_fd(listener->loop->state, listener->fd, EPOLLIN | EPOLLEXCLUSIVE, state, TAG_LISTENER))
        rw_loop_listener_pause(state, ENOMEM);
}

static void on_acceptable(struct rw_listener_state *state)
{
    struct rw_listener *listener = state->listener;
    int errno_value = rw_listener_accept(state);
    if (errno_value == 0 || errno_value == EAGAIN || listener->backend != state)
        return;
    rw_loop_listener_pause(state, errno_value);
    remove_fd(listener->loop->state, listener->fd);
}

/* ---- Watches ---- */

static enum rw_err epoll_watch(struct rw_watch *watch)
{
    struct watch_node *node = rw_alloc_zero(sizeof(*node));
    if (!node)
        return RW_ENOMEM;
    node->watch = watch;
    uint32_t events = (watch->events & RW_WATCH_READ ? EPOLLIN : 0u) |
                      (watch->events & RW_WATCH_WRITE ? EPOLLOUT : 0u);
    enum rw_err err = add_fd(watch->loop->state, watch->fd, events, node, TAG_WATCH);
    if (err)
        rw_free(node);
    else
        watch->backend = node;
    return err;
}

static void epoll_unwatch(struct rw_watch *watch)
{
    struct epoll_state *state = watch->loop->state;
    struct watch_node *node = watch->backend;
    remove_fd(state, watch->fd);
    watch->backend = NULL;
    node->watch = NULL;
    rw_list_push_back(&state->dead_nodes, &node->dead);
}

static void on_watch_events(struct watch_node *node, uint32_t events)
{
    struct rw_watch *watch = node->watch;
    if (!watch)
        return;
    unsigned ready = (events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? RW_WATCH_READ : 0u) |
                     (events & (EPOLLOUT | EPOLLHUP | EPOLLERR) ? RW_WATCH_WRITE : 0u);
    ready &= watch->events;
    if (ready)
        watch->ready(watch, ready);
}

static void free_dead_nodes(struct epoll_state *state)
{
    struct rw_list *item;
    while ((item = rw_list_pop_front(&state->dead_nodes)))
        rw_free(rw_container_of(item, struct watch_node, dead));
}

/* ---- The loop ---- */

static void epoll_destroy(struct rw_loop *loop)
{
    struct epoll_state *state = loop->state;
    free_dead_nodes(state);
    close(state->epoll_fd);
    close(state->wake_fd);
    rw_free(state);
}

static enum rw_err epoll_create_state(struct rw_loop *loop, const struct rw_loop_options *options)
{
    (void)options;
    struct epoll_state *state = rw_alloc(sizeof(*state));
    if (!state)
        return RW_ENOMEM;
    rw_list_init(&state->dead_nodes);
    enum rw_err err = RW_OK;
    state->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    state->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (state->wake_fd < 0 || state->epoll_fd < 0)
        err = rw_err_from_errno(errno);
    else
        err = add_fd(state, state->wake_fd, EPOLLIN | EPOLLET, NULL, TAG_WAKE);
    if (!err) {
        loop->state = state;
        return RW_OK;
    }
    if (state->wake_fd >= 0)
        close(state->wake_fd);
    if (state->epoll_fd >= 0)
        close(state->epoll_fd);
    rw_free(state);
    return err;
}

static void epoll_wake(struct rw_loop *loop)
{
    struct epoll_state *state = loop->state;
    uint64_t one = 1;
    ssize_t written = write(state->wake_fd, &one, sizeof(one));
    rw_assert(written == (ssize_t)sizeof(one));
}

static void dispatch(const struct epoll_event *event)
{
    void *at = (void *)(uintptr_t)(event->data.u64 & ~(uint64_t)TAG_MASK); // NOLINT
    switch (event->data.u64 & TAG_MASK) {
    case TAG_STREAM:
        on_stream_events(at, event->events);
        break;
    case TAG_LISTENER:
        on_acceptable(at);
        break;
    case TAG_WATCH:
        on_watch_events(at, event->events);
        break;
    case TAG_WAKE: /* the posted tasks run later in the turn */
        break;
    }
}

static size_t epoll_wait_turn(struct rw_loop *loop, int wait_ms)
{
    struct epoll_state *state = loop->state;
    free_dead_nodes(state);
    int count = epoll_wait(state->epoll_fd, state->events, EVENTS_PER_TURN, wait_ms);
    rw_assert(count >= 0 || errno == EINTR);
    rw_loop_woke(loop);
    for (int i = 0; i < count; i++)
        dispatch(&state->events[i]);
    return count > 0 ? (size_t)count : 0;
}

static uint64_t epoll_now_ns(const struct rw_loop *loop)
{
    (void)loop;
    return rw_clock_monotonic_ns();
}

static uint64_t epoll_wall_ns(const struct rw_loop *loop)
{
    (void)loop;
    return rw_clock_wall_ns();
}

static enum rw_err epoll_address(const struct rw_stream *stream, bool peer,
                                 struct sockaddr_storage *address)
{
    return rw_socket_address(stream->fd, peer, address);
}

const struct rw_io_backend rw_backend_epoll = {
    .name = "epoll",
    .kind = RW_LOOP_EPOLL,
    .create = epoll_create_state,
    .destroy = epoll_destroy,
    .wait = epoll_wait_turn,
    .wake = epoll_wake,
    .now_ns = epoll_now_ns,
    .wall_ns = epoll_wall_ns,
    .attach = epoll_attach,
    .connect = epoll_connect,
    .discard = epoll_discard,
    .receive = epoll_receive,
    .send = epoll_send,
    .shutdown = epoll_shutdown,
    .close = epoll_close,
    .ready = epoll_ready,
    .address = epoll_address,
    .listen = epoll_listen,
    .unlisten = epoll_unlisten,
    .relisten = epoll_relisten,
    .refuse = rw_socket_refuse,
    .watch = epoll_watch,
    .unwatch = epoll_unwatch,
};
