/* The simulation as a backend of the loop: streams and listeners on virtual sockets.
 *
 * Under rw_sim_run the world turns the loops. A loop that is turned by itself (rw_loop_turn,
 * rw_loop_run) moves the world: one step of the network a turn.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/sim_private.h"

/* 2026-01-01T00:00:00Z at virtual time 0. */
static const uint64_t wall_start_ns = 1767225600 * RW_NS_PER_S;

static struct rw_sim *sim_of(const struct rw_loop *loop)
{
    return ((struct sim_loop *)loop->state)->sim;
}

static struct rw_sim_socket *socket_of(const struct rw_stream *stream)
{
    return stream->backend;
}

/* ---- The loop ---- */

static enum rw_err sim_create(struct rw_loop *loop, const struct rw_loop_options *options)
{
    struct sim_loop *state = rw_alloc_zero(sizeof(*state));
    if (!state)
        return RW_ENOMEM;
    state->sim = options->sim;
    state->loop = loop;
    rw_list_push_back(&options->sim->loops, &state->link);
    rw_random_seed(&loop->random, rw_random_u64(&options->sim->random));
    loop->state = state;
    return RW_OK;
}

static void sim_destroy(struct rw_loop *loop)
{
    struct sim_loop *state = loop->state;
    rw_list_remove(&state->link);
    rw_free(state);
}

static size_t sim_wait(struct rw_loop *loop, int wait_ms)
{
    struct rw_sim *sim = sim_of(loop);
    bool stepped = false;
    if (!sim->running) {
        uint64_t span_ns = wait_ms < 0 ? SIM_NEVER / 2 : (uint64_t)wait_ms * RW_NS_PER_MS;
        stepped = rw_sim_step_network(sim, sim->now_ns + span_ns);
        if (!stepped && wait_ms < 0) {
            rw_log_warn("sim", "the loop waits for something that cannot happen");
            rw_loop_stop(loop);
        }
    }
    rw_loop_woke(loop);
    return stepped;
}

static void sim_wake_loop(struct rw_loop *loop)
{
    (void)loop; /* one thread: nobody sleeps */
}

static uint64_t sim_now_ns(const struct rw_loop *loop)
{
    return sim_of(loop)->now_ns;
}

static uint64_t sim_wall_ns(const struct rw_loop *loop)
{
    return wall_start_ns + sim_of(loop)->now_ns;
}

/* ---- Streams ---- */

static void bind_stream(struct rw_sim_socket *socket, struct rw_stream *stream)
{
    socket->role = SIM_STREAM;
    socket->stream = stream;
    stream->backend = socket;
}

static enum rw_err sim_attach(struct rw_stream *stream)
{
    struct rw_sim_socket *socket = rw_sim_find_accepted(sim_of(stream->loop), stream->fd);
    if (!socket)
        return RW_EINVAL;
    bind_stream(socket, stream);
    rw_sim_socket_plan(socket);
    return RW_OK;
}

static enum rw_err sim_connect(struct rw_stream *stream, const struct rw_connect_options *options)
{
    struct rw_sim *sim = sim_of(stream->loop);
    struct rw_sim_socket *socket;
    enum rw_err err = rw_sim_socket_new(sim, SIM_STREAM, &socket);
    if (err)
        return err;
    if (options->source) {
        memcpy(&socket->local.storage, options->source, options->source_bytes);
        socket->local.bytes = options->source_bytes;
    }
    bind_stream(socket, stream);
    socket->fd = stream->fd = ++sim->descriptors;
    err = rw_sim_socket_connect(socket, options->address, options->address_bytes);
    if (err)
        rw_sim_socket_free(socket);
    return err;
}

static void disconnect(struct rw_sim_socket *socket, bool abort)
{
    if (abort || socket->incoming.bytes)
        rw_sim_send_reset(socket);
    else
        rw_sim_send_fin(socket);
    rw_sim_socket_free(socket);
}

static void sim_discard(struct rw_stream *stream)
{
    rw_list_remove(&stream->ready);
    disconnect(socket_of(stream), false);
}

static void sim_close(struct rw_stream *stream, bool abort)
{
    disconnect(socket_of(stream), abort);
    stream->backend = NULL;
    stream->pending = NULL;
    stream->fd = -1;
    rw_loop_stream_closed(stream);
}

static void sim_receive(struct rw_stream *stream, bool on, bool large)
{
    stream->flags &= ~(uint32_t)(RW_STREAM_RECEIVING | RW_STREAM_LARGE);
    if (!on)
        return;
    stream->flags |= RW_STREAM_RECEIVING | (large ? RW_STREAM_LARGE : 0);
    rw_sim_socket_plan(socket_of(stream));
}

/* Moves what the window takes from the pending parts; true when nothing is left. */
static bool transmit_parts(struct rw_sim_socket *socket)
{
    struct rw_parts *parts = &socket->parts;
    struct rw_sim *sim = socket->sim;
    size_t sent = 0;
    for (int i = 0; i < parts->count; i++) {
        size_t len = parts->parts[i].iov_len, want = len;
        if (len > 1 && rw_sim_chance(sim, sim->faults.send_partial))
            want = 1 + rw_random_below(&sim->random, (uint32_t)len - 1);
        size_t part = rw_sim_transmit(socket, parts->parts[i].iov_base, want);
        sent += part;
        if (part < len)
            break;
    }
    rw_parts_set(parts, parts->parts, parts->count, sent);
    return parts->count == 0;
}

static bool reset_arrived(const struct rw_sim_socket *socket)
{
    return socket->reset_due_ns <= socket->sim->now_ns;
}

static enum rw_send sim_send(struct rw_stream *stream, const struct iovec *parts, int count)
{
    struct rw_sim_socket *socket = socket_of(stream);
    struct rw_sim *sim = socket->sim;
    rw_sim_maybe_reset(socket);
    if (reset_arrived(socket))
        return RW_SEND_FAILED;
    rw_parts_set(&socket->parts, parts, count, 0);
    socket->send_due_ns = sim->now_ns;
    /* Told later, whether the bytes leave now or later. */
    bool pending = rw_sim_chance(sim, sim->faults.send_pending);
    if (!pending || rw_random_below(&sim->random, 2))
        pending = !transmit_parts(socket) || pending;
    if (!pending)
        return RW_SEND_DONE;
    if (socket->send_due_ns <= sim->now_ns)
        socket->send_due_ns = sim->now_ns + rw_sim_latency_ns(sim);
    stream->pending = &socket->parts;
    rw_sim_socket_plan(socket);
    return RW_SEND_PENDING;
}

static void sim_shutdown(struct rw_stream *stream)
{
    rw_sim_send_fin(socket_of(stream));
}

static void sim_ready(struct rw_stream *stream)
{
    rw_sim_socket_plan(socket_of(stream));
}

static enum rw_err sim_address(const struct rw_stream *stream, bool peer,
                               struct sockaddr_storage *address)
{
    const struct rw_sim_socket *socket = socket_of(stream);
    if (!socket)
        return RW_ECLOSED;
    *address = peer ? socket->remote.storage : socket->local.storage;
    return RW_OK;
}

/* ---- What happens to a stream ---- */

static bool send_can_go_on(const struct rw_sim_socket *socket)
{
    return socket->parts.count == 0 || rw_sim_window_open(socket);
}

uint64_t rw_sim_stream_due_ns(const struct rw_sim_socket *socket)
{
    const struct rw_stream *stream = socket->stream;
    uint64_t due_ns = SIM_NEVER;
    if (stream->flags & RW_STREAM_CONNECTING)
        return socket->open_due_ns;
    if (stream->pending && send_can_go_on(socket))
        due_ns = socket->send_due_ns;
    if (socket->reset_due_ns < due_ns && (stream->pending || !(stream->flags & RW_STREAM_END_TOLD)))
        due_ns = socket->reset_due_ns;
    if (stream->flags & RW_STREAM_END_TOLD || !(stream->flags & RW_STREAM_RECEIVING))
        return due_ns;
    uint64_t read_ns = socket->incoming.first ? socket->incoming.first->due_ns : socket->fin_due_ns;
    return read_ns < due_ns ? read_ns : due_ns;
}

static void tell_opened(struct rw_sim_socket *socket)
{
    struct rw_stream *stream = socket->stream;
    stream->flags &= ~(uint32_t)RW_STREAM_CONNECTING;
    if (socket->open_err)
        stream->flags |= RW_STREAM_END_TOLD;
    rw_stream_tell_opened(stream, socket->open_err);
}

static void deliver(struct rw_sim_socket *socket, size_t arrived)
{
    struct rw_stream *stream = socket->stream;
    struct rw_sim *sim = socket->sim;
    struct rw_buf *buf = rw_buf_get_for(&stream->loop->buffers, stream->flags & RW_STREAM_LARGE);
    if (!buf) {
        rw_loop_stream_starved(stream);
        return;
    }
    size_t len = arrived < buf->room ? arrived : buf->room;
    if (rw_sim_chance(sim, sim->faults.split))
        len = 1 + rw_random_below(&sim->random, (uint32_t)len);
    rw_sim_consume(socket, buf->data, len);
    buf->end = (uint32_t)len;
    rw_stream_tell_data(stream, buf);
}

static void go_on_sending(struct rw_sim_socket *socket)
{
    struct rw_stream *stream = socket->stream;
    bool reset = reset_arrived(socket);
    if (!reset && !transmit_parts(socket)) {
        if (socket->send_due_ns <= socket->sim->now_ns)
            socket->send_due_ns = socket->sim->now_ns + rw_sim_latency_ns(socket->sim);
        return;
    }
    stream->pending = NULL;
    rw_stream_tell_sent(stream, reset ? RW_ERESET : RW_OK);
}

enum { CAN_SEND = 1, CAN_READ = 2, CAN_END = 4 };

static unsigned what_can_happen(struct rw_sim_socket *socket, size_t arrived)
{
    const struct rw_stream *stream = socket->stream;
    uint64_t now_ns = socket->sim->now_ns;
    bool reset = reset_arrived(socket);
    bool receiving = stream->flags & RW_STREAM_RECEIVING;
    unsigned can = 0;
    if (stream->pending && (reset || (send_can_go_on(socket) && socket->send_due_ns <= now_ns)))
        can |= CAN_SEND;
    if (stream->flags & RW_STREAM_END_TOLD)
        return can;
    if (receiving && arrived)
        can |= CAN_READ;
    /* A reset may overtake bytes that nobody has read yet. */
    if (reset || (receiving && !socket->incoming.first && socket->fin_due_ns <= now_ns))
        can |= CAN_END;
    return can;
}

static unsigned draw(struct rw_sim *sim, unsigned can)
{
    for (;;) {
        unsigned one = 1u << rw_random_below(&sim->random, 3);
        if (can & one)
            return one;
    }
}

void rw_sim_stream_step(struct rw_sim_socket *socket)
{
    struct rw_stream *stream = socket->stream;
    rw_loop_woke(stream->loop);
    if (stream->flags & RW_STREAM_CONNECTING) {
        tell_opened(socket);
    } else {
        rw_sim_maybe_reset(socket);
        size_t arrived = rw_sim_arrived(socket);
        unsigned can = what_can_happen(socket, arrived);
        unsigned chosen = can ? draw(socket->sim, can) : 0;
        if (chosen == CAN_SEND)
            go_on_sending(socket);
        else if (chosen == CAN_READ)
            deliver(socket, arrived);
        else if (chosen == CAN_END)
            rw_stream_tell_end(stream, reset_arrived(socket) ? RW_ERESET : RW_OK);
    }
    /* Closed in the callback: the socket is gone. Starved: the loop's timer wakes it. */
    if (!rw_stream_closing(stream) && !rw_list_linked(&stream->ready))
        rw_sim_socket_plan(socket);
}

/* ---- Listeners ---- */

static struct sim_listener *find_fd(struct rw_sim *sim, int fd)
{
    for (struct rw_list *at = sim->listeners.next; at != &sim->listeners; at = at->next) {
        struct sim_listener *listener = rw_container_of(at, struct sim_listener, link);
        if (listener->fd == fd)
            return listener;
    }
    return NULL;
}

static enum rw_err sim_listen(struct rw_listener_state *state)
{
    struct rw_sim *sim = sim_of(state->listener->loop);
    struct sim_listener *listener = find_fd(sim, state->listener->fd);
    if (!listener || listener->on_connect)
        return RW_EINVAL;
    if (listener->state)
        return RW_EADDRINUSE;
    listener->state = state;
    state->backend = listener;
    /* Connections that came before. */
    for (struct rw_list *at = sim->sockets.next; at != &sim->sockets; at = at->next)
        rw_sim_socket_plan(rw_container_of(at, struct rw_sim_socket, link));
    return RW_OK;
}

static void sim_unlisten(struct rw_listener_state *state)
{
    struct sim_listener *listener = state->backend;
    listener->state = NULL;
    rw_loop_listener_closed(state);
}

static void sim_relisten(struct rw_listener_state *state)
{
    (void)state; /* never paused: virtual descriptors do not run out */
}

static void sim_refuse(struct rw_listener *listener, int fd)
{
    struct rw_sim_socket *socket = rw_sim_find_accepted(sim_of(listener->loop), fd);
    if (socket)
        disconnect(socket, false);
}

static enum rw_err sim_watch(struct rw_watch *watch)
{
    (void)watch;
    return RW_EUNSUPPORTED;
}

static void sim_unwatch(struct rw_watch *watch)
{
    (void)watch;
}

const struct rw_io_backend rw_backend_sim = {
    .name = "sim",
    .kind = RW_LOOP_SIM,
    .create = sim_create,
    .destroy = sim_destroy,
    .wait = sim_wait,
    .wake = sim_wake_loop,
    .now_ns = sim_now_ns,
    .wall_ns = sim_wall_ns,
    .attach = sim_attach,
    .connect = sim_connect,
    .discard = sim_discard,
    .receive = sim_receive,
    .send = sim_send,
    .shutdown = sim_shutdown,
    .close = sim_close,
    .ready = sim_ready,
    .address = sim_address,
    .listen = sim_listen,
    .unlisten = sim_unlisten,
    .relisten = sim_relisten,
    .refuse = sim_refuse,
    .watch = sim_watch,
    .unwatch = sim_unwatch,
};
