/* Scripted ends of the simulation: clients and origins that a test writes. */
#include "base/alloc.h"
#include "base/clock.h"
#include "io/sim_private.h"

enum { DELIVERY_BYTES_MAX = 16 * 1024 };

/* ---- Opening ---- */

enum rw_err rw_sim_peer_connect(struct rw_sim *sim, const struct sockaddr *address, socklen_t bytes,
                                const struct rw_sim_peer_events *events, void *user,
                                struct rw_sim_socket **socket)
{
    struct rw_sim_socket *made;
    enum rw_err err = rw_sim_socket_new(sim, SIM_PEER, &made);
    if (err)
        return err;
    made->events = events;
    made->user = user;
    err = rw_sim_socket_connect(made, address, bytes);
    if (err) {
        rw_sim_socket_free(made);
        return err;
    }
    *socket = made;
    return RW_OK;
}

static enum rw_err add_listener(struct rw_sim *sim, const struct sockaddr *address, socklen_t bytes,
                                struct sim_listener **listener)
{
    if (rw_sim_find_listener(sim, address, bytes))
        return RW_EADDRINUSE;
    struct sim_listener *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    memcpy(&made->address.storage, address, bytes);
    made->address.bytes = bytes;
    made->fd = -1;
    rw_list_push_back(&sim->listeners, &made->link);
    *listener = made;
    return RW_OK;
}

enum rw_err rw_sim_peer_listen(struct rw_sim *sim, const struct sockaddr *address, socklen_t bytes,
                               bool (*on_connect)(struct rw_sim_socket *socket, void *user,
                                                  const struct rw_sim_peer_events **events,
                                                  void **socket_user),
                               void *user)
{
    struct sim_listener *listener;
    enum rw_err err = add_listener(sim, address, bytes, &listener);
    if (err)
        return err;
    listener->on_connect = on_connect;
    listener->user = user;
    return RW_OK;
}

enum rw_err rw_sim_listen(struct rw_sim *sim, const struct sockaddr *address, socklen_t bytes,
                          int *fd)
{
    struct sim_listener *listener;
    enum rw_err err = add_listener(sim, address, bytes, &listener);
    if (err)
        return err;
    *fd = listener->fd = ++sim->descriptors;
    return RW_OK;
}

/* ---- What a script does ---- */

static bool can_send(const struct rw_sim_socket *socket)
{
    return !socket->closed && !socket->shut && socket->reset_due_ns > socket->sim->now_ns;
}

enum rw_err rw_sim_peer_send(struct rw_sim_socket *socket, struct rw_span bytes)
{
    if (!can_send(socket))
        return RW_ECLOSED;
    if (bytes.len == 0)
        return RW_OK;
    enum rw_err err = rw_sim_queue_add(&socket->outgoing, bytes.at, bytes.len, 0);
    if (err)
        return err;
    socket->drain_due = true;
    rw_sim_socket_plan(socket);
    return RW_OK;
}

void rw_sim_peer_shutdown(struct rw_sim_socket *socket)
{
    socket->shut = true;
    rw_sim_socket_plan(socket);
}

void rw_sim_peer_reset(struct rw_sim_socket *socket)
{
    rw_sim_send_reset(socket);
    rw_sim_queue_free(&socket->outgoing);
    socket->shut = socket->fin_sent = socket->ended = true;
    socket->drain_due = false;
}

/* Ends both directions; what is queued still leaves, as the kernel would see to. */
void rw_sim_peer_close(struct rw_sim_socket *socket)
{
    struct rw_sim *sim = socket->sim;
    if (socket->closed)
        return;
    socket->closed = socket->shut = socket->ended = true;
    if (socket->incoming.bytes)
        rw_sim_peer_reset(socket);
    if (!socket->opened)
        rw_sim_queue_free(&socket->outgoing);
    rw_sim_queue_free(&socket->incoming);
    if (socket->outgoing.bytes) {
        rw_sim_socket_plan(socket);
        return;
    }
    if (!socket->fin_sent)
        rw_sim_send_fin(socket);
    rw_list_remove(&socket->link);
    rw_list_push_back(&sim->dead, &socket->link);
}

void rw_sim_peer_throttle(struct rw_sim_socket *socket, unsigned bytes_per_ms)
{
    socket->bytes_per_ms = bytes_per_ms;
    rw_sim_socket_plan(socket);
}

/* ---- What happens to it ---- */

static bool has_to_send(const struct rw_sim_socket *socket)
{
    return socket->outgoing.bytes ? rw_sim_window_open(socket)
                                  : socket->drain_due || (socket->shut && !socket->fin_sent);
}

static uint64_t later(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

uint64_t rw_sim_peer_due_ns(const struct rw_sim_socket *socket)
{
    if (!socket->opened)
        return socket->open_due_ns;
    uint64_t due_ns = SIM_NEVER;
    if (has_to_send(socket))
        due_ns = socket->send_due_ns;
    if (socket->ended)
        return due_ns;
    uint64_t read_ns = socket->fin_due_ns;
    if (socket->incoming.first)
        read_ns = later(socket->incoming.first->due_ns, socket->read_due_ns);
    if (read_ns < due_ns)
        due_ns = read_ns;
    return socket->reset_due_ns < due_ns ? socket->reset_due_ns : due_ns;
}

static void open_peer(struct rw_sim_socket *socket)
{
    socket->opened = true;
    if (socket->open_err)
        socket->ended = socket->shut = socket->fin_sent = true;
    if (socket->events->on_open)
        socket->events->on_open(socket, socket->user, socket->open_err);
}

static void send_some(struct rw_sim_socket *socket)
{
    struct sim_chunk *chunk = socket->outgoing.first;
    if (chunk) {
        size_t len =
            rw_sim_transmit(socket, chunk->bytes + chunk->start, chunk->end - chunk->start);
        rw_sim_queue_take(&socket->outgoing, NULL, len);
    } else if (socket->drain_due) {
        socket->drain_due = false;
        if (socket->events->on_drained && !socket->closed)
            socket->events->on_drained(socket, socket->user);
    } else if (socket->shut && !socket->fin_sent) {
        socket->fin_sent = true;
        rw_sim_send_fin(socket);
    }
}

static void read_some(struct rw_sim_socket *socket, size_t arrived)
{
    char bytes[DELIVERY_BYTES_MAX];
    size_t len = arrived < sizeof(bytes) ? arrived : sizeof(bytes);
    if (socket->bytes_per_ms) {
        len = len < socket->bytes_per_ms ? len : socket->bytes_per_ms;
        socket->read_due_ns = socket->sim->now_ns + RW_NS_PER_MS;
    }
    if (rw_sim_chance(socket->sim, socket->sim->faults.split))
        len = 1 + rw_random_below(&socket->sim->random, (uint32_t)len);
    rw_sim_consume(socket, bytes, len);
    socket->events->on_data(socket, socket->user, rw_span(bytes, len));
}

static void end_peer(struct rw_sim_socket *socket, enum rw_err err)
{
    socket->ended = true;
    if (err) {
        rw_sim_queue_free(&socket->outgoing);
        socket->shut = socket->fin_sent = true;
        socket->drain_due = false;
    }
    if (socket->events->on_end)
        socket->events->on_end(socket, socket->user, err);
}

static void step_open_peer(struct rw_sim_socket *socket)
{
    uint64_t now_ns = socket->sim->now_ns;
    size_t arrived = socket->read_due_ns <= now_ns ? rw_sim_arrived(socket) : 0;
    bool sends = has_to_send(socket) && socket->send_due_ns <= now_ns;
    bool ends = !socket->incoming.first && socket->fin_due_ns <= now_ns;
    bool reads = !socket->ended && (arrived || ends || socket->reset_due_ns <= now_ns);
    if (sends && (!reads || rw_random_below(&socket->sim->random, 2)))
        send_some(socket);
    else if (!reads)
        return;
    else if (socket->reset_due_ns <= now_ns)
        end_peer(socket, RW_ERESET);
    else if (arrived)
        read_some(socket, arrived);
    else
        end_peer(socket, RW_OK);
}

void rw_sim_peer_step(struct rw_sim_socket *socket)
{
    if (socket->closed && !socket->outgoing.bytes)
        return; /* among the dead already */
    if (!socket->opened)
        open_peer(socket);
    else
        step_open_peer(socket);
    if (!socket->closed) {
        rw_sim_socket_plan(socket);
        return;
    }
    /* Closed with bytes to send: until they and the end have left. */
    if (!socket->outgoing.bytes) {
        if (!socket->fin_sent)
            rw_sim_send_fin(socket);
        rw_list_remove(&socket->link);
        rw_list_push_back(&socket->sim->dead, &socket->link);
    } else if (socket->outgoing.bytes) {
        rw_sim_socket_plan(socket);
    }
}
