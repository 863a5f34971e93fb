#include "io/stream.h"

#include "base/alloc.h"
#include "io/backend.h"

enum { FINISH_ROUNDS = 64 };

_Static_assert(sizeof(struct rw_stream) <= 96, "one for each idle connection");

static void init_stream(struct rw_loop *loop, struct rw_stream *stream,
                        const struct rw_stream_events *events, int fd)
{
    *stream = (struct rw_stream){.events = events, .loop = loop, .fd = fd};
}

enum rw_err rw_stream_attach(struct rw_loop *loop, struct rw_stream *stream,
                             const struct rw_stream_events *events, int fd,
                             struct rw_tls_server *tls)
{
    init_stream(loop, stream, events, fd);
    enum rw_err err = loop->backend->attach(stream);
    if (err)
        return err;
    if (tls)
        err = rw_tls_start_server(stream, tls);
    if (err)
        loop->backend->discard(stream);
    else
        loop->streams++;
    return err;
}

enum rw_err rw_stream_connect(struct rw_loop *loop, struct rw_stream *stream,
                              const struct rw_stream_events *events,
                              const struct rw_connect_options *options)
{
    init_stream(loop, stream, events, -1);
    stream->flags = RW_STREAM_CONNECTING;
    enum rw_err err = loop->backend->connect(stream, options);
    if (err)
        return err;
    if (options->tls)
        err = rw_tls_start_client(stream, options->tls, options->tls_name, options->tls_preface);
    if (err)
        loop->backend->discard(stream);
    else
        loop->streams++;
    return err;
}

enum rw_err rw_stream_secure(struct rw_stream *stream, struct rw_tls_server *tls,
                             struct rw_buf *early)
{
    enum rw_err err = rw_tls_start_server(stream, tls);
    if (err)
        rw_buf_drop(early);
    else if (early)
        rw_tls_hook_data(stream, early);
    return err;
}

void rw_stream_receive(struct rw_stream *stream, bool on, bool large)
{
    if (rw_stream_closing(stream))
        return;
    if (stream->tls)
        rw_tls_hook_receive(stream, on, large);
    else
        stream->loop->backend->receive(stream, on, large);
}

enum rw_send rw_stream_send(struct rw_stream *stream, const struct iovec *parts, int count)
{
    if (stream->tls && !rw_stream_closing(stream))
        return rw_tls_hook_send(stream, parts, count);
    return rw_stream_raw_send(stream, parts, count);
}

void rw_stream_shutdown(struct rw_stream *stream)
{
    if (rw_stream_closing(stream))
        return;
    if (stream->tls)
        rw_tls_hook_shutdown(stream);
    else
        rw_stream_raw_shutdown(stream);
}

void rw_stream_close(struct rw_stream *stream)
{
    if (stream->tls && !rw_stream_closing(stream))
        rw_tls_hook_close(stream);
    rw_stream_raw_close(stream, false);
}

void rw_stream_abort(struct rw_stream *stream)
{
    rw_stream_raw_close(stream, true);
}

bool rw_stream_closing(const struct rw_stream *stream)
{
    return stream->flags & RW_STREAM_CLOSING;
}

void rw_stream_low_water(struct rw_stream *stream, uint32_t bytes)
{
    int value = (int)bytes;
    int fd = rw_stream_fd(stream);
    if (!stream->tls && fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value));
}

int rw_stream_fd(const struct rw_stream *stream)
{
    return stream->loop->backend->kind == RW_LOOP_SIM ? -1 : stream->fd;
}

enum rw_err rw_stream_peer(const struct rw_stream *stream, struct sockaddr_storage *address)
{
    return stream->loop->backend->address(stream, true, address);
}

enum rw_err rw_stream_local(const struct rw_stream *stream, struct sockaddr_storage *address)
{
    return stream->loop->backend->address(stream, false, address);
}

/* ---- The raw side ---- */

void rw_stream_raw_receive(struct rw_stream *stream, bool on, bool large)
{
    if (!rw_stream_closing(stream))
        stream->loop->backend->receive(stream, on, large);
}

enum rw_send rw_stream_raw_send(struct rw_stream *stream, const struct iovec *parts, int count)
{
    rw_assert(count > 0 && count <= RW_SEND_PARTS_MAX);
    if (stream->flags & (RW_STREAM_CLOSING | RW_STREAM_CONNECTING))
        return RW_SEND_FAILED;
    rw_assert(!stream->pending);
    return stream->loop->backend->send(stream, parts, count);
}

void rw_stream_raw_shutdown(struct rw_stream *stream)
{
    if (stream->flags & (RW_STREAM_CLOSING | RW_STREAM_CONNECTING))
        return;
    rw_assert(!stream->pending);
    stream->loop->backend->shutdown(stream);
}

void rw_stream_raw_close(struct rw_stream *stream, bool abort)
{
    if (rw_stream_closing(stream))
        return;
    stream->flags |= RW_STREAM_CLOSING;
    rw_list_remove(&stream->ready);
    stream->loop->backend->close(stream, abort);
}

void rw_stream_raw_ready(struct rw_stream *stream)
{
    if (rw_stream_closing(stream))
        return;
    stream->flags |= RW_STREAM_TLS_READY;
    rw_loop_stream_ready(stream);
}

/* ---- Listening ---- */

static void resume_listener(struct rw_timer *timer)
{
    struct rw_listener_state *state = rw_container_of(timer, struct rw_listener_state, resume);
    state->listener->loop->backend->relisten(state);
}

enum rw_err rw_listener_start(struct rw_loop *loop, struct rw_listener *listener)
{
    struct rw_listener_state *state = rw_alloc_zero(sizeof(*state));
    if (!state)
        return RW_ENOMEM;
    state->listener = listener;
    state->resume.fire = resume_listener;
    listener->loop = loop;
    listener->backend = state;
    enum rw_err err = loop->backend->listen(state);
    if (err) {
        listener->backend = NULL;
        rw_free(state);
        return err;
    }
    loop->listeners++;
    return RW_OK;
}

void rw_listener_refuse(struct rw_listener *listener, int fd)
{
    listener->loop->backend->refuse(listener, fd);
}

void rw_listener_finish(struct rw_listener *listener)
{
    struct rw_listener_state *state = listener->backend;
    bool real = listener->loop->backend->kind != RW_LOOP_SIM;
    /* As many as a backlog can hold, and no more: others keep coming. */
    for (int i = 0; real && i < FINISH_ROUNDS && listener->backend == state && state; i++)
        if (rw_listener_accept(state))
            break;
    rw_listener_close(listener);
}

void rw_listener_close(struct rw_listener *listener)
{
    struct rw_listener_state *state = listener->backend;
    if (!state)
        return;
    listener->backend = NULL;
    rw_timer_stop(listener->loop, &state->resume);
    listener->loop->backend->unlisten(state);
}
