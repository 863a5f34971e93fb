#include "verify/fault/relay_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/listen.h"
#include "io/tls.h"

#include <errno.h>
#include <unistd.h>

/* ---- Listening ---- */

static void on_accept(struct rw_listener *listener, int fd, const struct sockaddr_storage *peer)
{
    (void)peer;
    struct rw_relay *relay = rw_container_of(listener, struct rw_relay, listener);
    if (relay->closed)
        rw_listener_refuse(listener, fd);
    else
        rw_relay_connection_open(relay, fd);
}

static void on_listener_closed(struct rw_listener *listener);

static enum rw_err start_listening(struct rw_relay *relay)
{
    const struct rw_listen_options options = {.reuse_port = true};
    int fd;
    enum rw_err err = rw_listen_open(&relay->address, &options, &fd, NULL);
    if (err)
        return err;
    relay->listener =
        (struct rw_listener){.fd = fd, .on_accept = on_accept, .on_closed = on_listener_closed};
    err = rw_listener_start(relay->loop, &relay->listener);
    if (err)
        close(fd);
    relay->listening = !err;
    return err;
}

/* Listens or not, as all that is known now asks for. */
static void settle_listening(struct rw_relay *relay)
{
    bool wanted =
        !relay->closed && !relay->server_out && relay->disturbance.mode != RW_RELAY_REFUSE;
    if (relay->listening && !wanted) {
        rw_listener_close(&relay->listener);
    } else if (!relay->listening && wanted) {
        enum rw_err err = start_listening(relay);
        if (err)
            rw_log_error("verify", "a relay cannot listen again: %s", rw_err_text(err));
    }
}

static void on_listener_closed(struct rw_listener *listener)
{
    struct rw_relay *relay = rw_container_of(listener, struct rw_relay, listener);
    close(listener->fd);
    relay->listening = false;
    settle_listening(relay);
    rw_relay_settle(relay);
}

/* A socket on the address that never listens: without the listening one, connections are refused,
 * and the port stays ours. */
static enum rw_err reserve(struct rw_relay *relay)
{
    struct sockaddr *address = (struct sockaddr *)&relay->address.storage;
    socklen_t bytes = sizeof(relay->address.storage);
    int one = 1;
    relay->reserve_fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (relay->reserve_fd < 0 ||
        setsockopt(relay->reserve_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        setsockopt(relay->reserve_fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0 ||
        bind(relay->reserve_fd, address, relay->address.bytes) != 0 ||
        getsockname(relay->reserve_fd, address, &bytes) != 0)
        return rw_err_from_errno(errno);
    return RW_OK;
}

/* ---- The server ---- */

void rw_relay_server_refused(struct rw_relay *relay)
{
    if (relay->closed || relay->server_out)
        return;
    relay->server_out = true;
    settle_listening(relay);
    rw_relay_probe_start(&relay->behind);
}

static void server_tried(struct rw_relay *relay, enum rw_err err)
{
    if (err == RW_EREFUSED || err == RW_ENOENT)
        return;
    relay->server_out = false;
    rw_relay_probe_stop(&relay->behind);
    settle_listening(relay);
}

static void self_tried(struct rw_relay *relay, enum rw_err err)
{
    relay->counts.refused += err == RW_EREFUSED;
}

/* ---- Life ---- */

enum rw_err rw_relay_open(const struct rw_relay_options *options, struct rw_relay **out)
{
    struct rw_relay *relay = rw_alloc_zero(sizeof(*relay));
    if (!relay)
        return RW_ENOMEM;
    *relay = (struct rw_relay){
        .loop = options->loop,
        .address = *options->listen,
        .server = *options->server,
        .connections_max =
            options->connections_max ? options->connections_max : RW_RELAY_CONNECTIONS_DEFAULT,
        .reserve_fd = -1,
    };
    rw_random_seed(&relay->random, options->seed);
    rw_list_init(&relay->connections);
    enum rw_err err = reserve(relay);
    if (!err)
        err = start_listening(relay);
    if (err) {
        if (relay->reserve_fd >= 0)
            close(relay->reserve_fd);
        rw_free(relay);
        return err;
    }
    relay->self =
        (struct rw_relay_probe){.relay = relay, .address = relay->address, .tried = self_tried};
    relay->behind =
        (struct rw_relay_probe){.relay = relay, .address = relay->server, .tried = server_tried};

    *out = relay;
    return RW_OK;
}

static void each(struct rw_relay *relay, void (*visit)(struct rw_relay_connection *connection))
{
    for (struct rw_list *item = relay->connections.next, *next; item != &relay->connections;
         item = next) {
        next = item->next;
        visit(rw_container_of(item, struct rw_relay_connection, link));
    }
}

static void abort_connection(struct rw_relay_connection *connection)
{
    rw_relay_connection_close(connection, true);
}

void rw_relay_settle(struct rw_relay *relay)
{
    if (!relay->closed || relay->listening || relay->self.alive || relay->behind.alive ||
        !rw_list_empty(&relay->connections))
        return;
    void (*closed)(void *user) = relay->closed;
    void *user = relay->closed_user;
    if (relay->reserve_fd >= 0)
        close(relay->reserve_fd);
    rw_tls_server_drop(relay->disturbance.tls);
    rw_loop_later_stop(&relay->later);
    rw_free(relay);
    closed(user);
}

static void settle_later(struct rw_later *later)
{
    rw_relay_settle(rw_container_of(later, struct rw_relay, later));
}

void rw_relay_close(struct rw_relay *relay, void (*closed)(void *user), void *user)
{
    relay->closed = closed;
    relay->closed_user = user;
    relay->later.run = settle_later;
    rw_relay_probe_stop(&relay->self);
    rw_relay_probe_stop(&relay->behind);
    settle_listening(relay);
    each(relay, abort_connection);
    rw_loop_later(relay->loop, &relay->later); /* nothing may be open at all */
}

const struct rw_address *rw_relay_address(const struct rw_relay *relay)
{
    return &relay->address;
}

/* ---- Disturbing ---- */

enum rw_err rw_relay_disturb(struct rw_relay *relay, const struct rw_relay_disturbance *disturbance)
{
    if (relay->disturbance.mode != RW_RELAY_PASS)
        return RW_EEXIST;
    relay->disturbance = *disturbance;
    if (disturbance->tls)
        rw_tls_server_hold(disturbance->tls);
    relay->counts = (struct rw_relay_counts){.connections = relay->counts.connections,
                                             .accepted = relay->counts.accepted};
    settle_listening(relay);
    if (disturbance->mode == RW_RELAY_REFUSE)
        rw_relay_probe_start(&relay->self);
    each(relay, rw_relay_connection_disturb);
    return RW_OK;
}

void rw_relay_calm(struct rw_relay *relay)
{
    rw_tls_server_drop(relay->disturbance.tls);
    relay->disturbance = (struct rw_relay_disturbance){0};
    rw_relay_probe_stop(&relay->self);
    settle_listening(relay);
    each(relay, rw_relay_connection_calm);
}

void rw_relay_count(const struct rw_relay *relay, struct rw_relay_counts *counts)
{
    *counts = relay->counts;
}
