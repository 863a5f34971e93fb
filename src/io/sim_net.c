/* Connections of the simulation: queues of bytes with their time of arrival, windows, ends and
 * resets. */
#include "base/alloc.h"
#include "base/clock.h"
#include "io/sim_private.h"

enum { FIRST_PORT = 32768, PORTS = 28000 };

/* ---- Queues ---- */

enum rw_err rw_sim_queue_add(struct sim_queue *queue, const char *bytes, size_t len,
                             uint64_t due_ns)
{
    struct sim_chunk *chunk = rw_alloc(sizeof(*chunk) + len);
    if (!chunk)
        return RW_ENOMEM;
    chunk->next = NULL;
    chunk->due_ns = due_ns;
    chunk->start = 0;
    chunk->end = len;
    memcpy(chunk->bytes, bytes, len);
    if (queue->last)
        queue->last->next = chunk;
    else
        queue->first = chunk;
    queue->last = chunk;
    queue->bytes += len;
    return RW_OK;
}

void rw_sim_queue_take(struct sim_queue *queue, char *to, size_t len)
{
    queue->bytes -= len;
    while (len) {
        struct sim_chunk *chunk = queue->first;
        rw_assert(chunk);
        size_t part = chunk->end - chunk->start;
        if (part > len)
            part = len;
        if (to) {
            memcpy(to, chunk->bytes + chunk->start, part);
            to += part;
        }
        chunk->start += part;
        len -= part;
        if (chunk->start < chunk->end)
            continue;
        queue->first = chunk->next;
        if (!queue->first)
            queue->last = NULL;
        rw_free(chunk);
    }
}

void rw_sim_queue_free(struct sim_queue *queue)
{
    rw_sim_queue_take(queue, NULL, queue->bytes);
}

size_t rw_sim_arrived(const struct rw_sim_socket *socket)
{
    size_t bytes = 0;
    for (const struct sim_chunk *at = socket->incoming.first; at; at = at->next) {
        if (at->due_ns > socket->sim->now_ns)
            break;
        bytes += at->end - at->start;
    }
    return bytes;
}

void rw_sim_consume(struct rw_sim_socket *socket, char *to, size_t len)
{
    rw_sim_queue_take(&socket->incoming, to, len);
    if (socket->peer)
        rw_sim_socket_plan(socket->peer);
}

/* ---- Sending ---- */

static size_t window_bytes(const struct rw_sim_socket *from)
{
    size_t window = from->sim->faults.window_bytes;
    size_t used = from->peer->incoming.bytes;
    return used < window ? window - used : 0;
}

/* The other end is gone: what is sent vanishes and brings a reset; until that is here a stream
 * sends no more. */
static bool can_vanish(const struct rw_sim_socket *from)
{
    return from->role == SIM_PEER || from->reset_due_ns == SIM_NEVER;
}

bool rw_sim_window_open(const struct rw_sim_socket *from)
{
    return from->peer ? window_bytes(from) > 0 : can_vanish(from);
}

/* In order: nothing overtakes what was sent before. */
static uint64_t arrival_ns(struct rw_sim_socket *to)
{
    uint64_t due_ns = to->sim->now_ns + rw_sim_latency_ns(to->sim);
    if (to->incoming.last && to->incoming.last->due_ns > due_ns)
        due_ns = to->incoming.last->due_ns;
    return due_ns;
}

size_t rw_sim_transmit(struct rw_sim_socket *from, const char *bytes, size_t len)
{
    struct rw_sim_socket *to = from->peer;
    if (!to && !can_vanish(from))
        return 0;
    if (!to) {
        if (from->reset_due_ns == SIM_NEVER)
            from->reset_due_ns = from->sim->now_ns + rw_sim_latency_ns(from->sim);
        rw_sim_socket_plan(from);
        return len;
    }
    size_t window = window_bytes(from);
    if (len > window)
        len = window;
    if (len == 0)
        return 0;
    if (rw_sim_queue_add(&to->incoming, bytes, len, arrival_ns(to))) {
        /* As if the window were closed; it is tried again. */
        from->send_due_ns = from->sim->now_ns + RW_NS_PER_MS;
        return 0;
    }
    rw_sim_socket_plan(to);
    return len;
}

void rw_sim_send_fin(struct rw_sim_socket *from)
{
    struct rw_sim_socket *to = from->peer;
    if (!to || to->fin_due_ns != SIM_NEVER)
        return;
    to->fin_due_ns = arrival_ns(to);
    rw_sim_socket_plan(to);
}

void rw_sim_send_reset(struct rw_sim_socket *from)
{
    struct rw_sim_socket *to = from->peer;
    if (!to || to->reset_due_ns != SIM_NEVER)
        return;
    to->reset_due_ns = to->sim->now_ns + rw_sim_latency_ns(to->sim);
    rw_sim_socket_plan(to);
}

bool rw_sim_maybe_reset(struct rw_sim_socket *socket)
{
    if (socket->reset_due_ns != SIM_NEVER || !rw_sim_chance(socket->sim, socket->sim->faults.reset))
        return false;
    rw_sim_send_reset(socket);
    socket->reset_due_ns = socket->sim->now_ns;
    rw_sim_socket_plan(socket);
    return true;
}

/* ---- Sockets ---- */

enum rw_err rw_sim_socket_new(struct rw_sim *sim, enum sim_role role, struct rw_sim_socket **socket)
{
    struct rw_sim_socket *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    enum rw_err err = rw_sim_reserve(sim);
    if (err) {
        rw_free(made);
        return err;
    }
    made->event.kind = SIM_SOCKET;
    made->sim = sim;
    made->role = role;
    made->fd = -1;
    made->open_due_ns = made->fin_due_ns = made->reset_due_ns = SIM_NEVER;
    rw_list_push_back(&sim->sockets, &made->link);
    *socket = made;
    return RW_OK;
}

void rw_sim_socket_free(struct rw_sim_socket *socket)
{
    rw_sim_release(socket->sim, &socket->event);
    rw_list_remove(&socket->link);
    if (socket->peer) {
        socket->peer->peer = NULL;
        rw_sim_socket_plan(socket->peer);
    }
    rw_sim_queue_free(&socket->incoming);
    rw_sim_queue_free(&socket->outgoing);
    rw_free(socket);
}

void rw_sim_socket_plan(struct rw_sim_socket *socket)
{
    uint64_t due_ns = SIM_NEVER;
    switch (socket->role) {
    case SIM_ARRIVING:
        if (!socket->listener || socket->listener->on_connect || socket->listener->state)
            due_ns = socket->open_due_ns;
        break;
    case SIM_ACCEPTED:
        break;
    case SIM_STREAM:
        due_ns = rw_sim_stream_due_ns(socket);
        break;
    case SIM_PEER:
        due_ns = rw_sim_peer_due_ns(socket);
        break;
    }
    if (due_ns != SIM_NEVER)
        rw_sim_wake(socket->sim, &socket->event, due_ns);
}

struct rw_sim_socket *rw_sim_find_accepted(struct rw_sim *sim, int fd)
{
    for (struct rw_list *at = sim->sockets.prev; at != &sim->sockets; at = at->prev) {
        struct rw_sim_socket *socket = rw_container_of(at, struct rw_sim_socket, link);
        if (socket->fd == fd && socket->role == SIM_ACCEPTED)
            return socket;
    }
    return NULL;
}

/* ---- Connecting ---- */

struct sim_listener *rw_sim_find_listener(struct rw_sim *sim, const struct sockaddr *address,
                                          socklen_t bytes)
{
    struct sockaddr_storage wanted = {0};
    memcpy(&wanted, address, bytes);
    for (struct rw_list *at = sim->listeners.next; at != &sim->listeners; at = at->next) {
        struct sim_listener *listener = rw_container_of(at, struct sim_listener, link);
        if (rw_address_eq(&listener->address.storage, &wanted))
            return listener;
    }
    return NULL;
}

/* The client's end of a connection: an address of its own, as the kernel would choose one. */
static void choose_local(struct rw_sim_socket *client)
{
    struct rw_sim *sim = client->sim;
    uint16_t port = (uint16_t)(FIRST_PORT + sim->ports++ % PORTS);
    const char *host = client->remote.storage.ss_family == AF_INET6 ? "fd00::1" : "10.0.0.1";
    if (client->local.bytes)
        return;
    if (client->remote.storage.ss_family == AF_UNIX) {
        client->local.storage.ss_family = AF_UNIX;
        client->local.bytes = sizeof(sa_family_t);
        return;
    }
    enum rw_err err = rw_address_parse_ip(rw_span_text(host), port, &client->local);
    rw_assert(!err);
}

static void settle(struct rw_sim_socket *client, enum rw_err err)
{
    client->open_err = err;
    client->open_due_ns = client->sim->now_ns + rw_sim_latency_ns(client->sim);
    rw_sim_socket_plan(client);
}

enum rw_err rw_sim_socket_connect(struct rw_sim_socket *client, const struct sockaddr *address,
                                  socklen_t bytes)
{
    struct rw_sim *sim = client->sim;
    memcpy(&client->remote.storage, address, bytes);
    client->remote.bytes = bytes;
    choose_local(client);
    struct sim_listener *listener = rw_sim_find_listener(sim, address, bytes);
    if (rw_sim_chance(sim, sim->faults.blackhole))
        return RW_OK;
    if (!listener || rw_sim_chance(sim, sim->faults.refuse)) {
        settle(client, RW_EREFUSED);
        return RW_OK;
    }
    struct rw_sim_socket *server;
    enum rw_err err = rw_sim_socket_new(sim, SIM_ARRIVING, &server);
    if (err)
        return err;
    server->peer = client;
    client->peer = server;
    server->local = client->remote;
    server->remote = client->local;
    server->listener = listener;
    server->open_due_ns = sim->now_ns + rw_sim_latency_ns(sim);
    rw_sim_socket_plan(server);
    return RW_OK;
}

static void refuse(struct rw_sim_socket *server)
{
    struct rw_sim_socket *client = server->peer;
    rw_sim_socket_free(server);
    if (client)
        settle(client, RW_EREFUSED);
}

static void accept_stream(struct rw_sim_socket *server)
{
    struct rw_listener *listener = server->listener->state->listener;
    server->role = SIM_ACCEPTED;
    server->fd = ++server->sim->descriptors;
    if (server->peer)
        settle(server->peer, RW_OK);
    rw_loop_woke(listener->loop);
    listener->on_accept(listener, server->fd, &server->remote.storage);
}

static void accept_peer(struct rw_sim_socket *server)
{
    struct sim_listener *listener = server->listener;
    server->role = SIM_PEER;
    server->opened = true;
    if (!listener->on_connect(server, listener->user, &server->events, &server->user)) {
        refuse(server);
        return;
    }
    if (server->peer)
        settle(server->peer, RW_OK);
    rw_sim_socket_plan(server);
}

void rw_sim_socket_step(struct rw_sim_socket *socket)
{
    switch (socket->role) {
    case SIM_ARRIVING:
        if (!socket->listener)
            refuse(socket);
        else if (socket->listener->on_connect)
            accept_peer(socket);
        else if (socket->listener->state)
            accept_stream(socket);
        break;
    case SIM_ACCEPTED:
        break;
    case SIM_STREAM:
        rw_sim_stream_step(socket);
        break;
    case SIM_PEER:
        rw_sim_peer_step(socket);
        break;
    }
}
