#include "gate/front/listener.h"

#include "base/alloc.h"
#include "base/log.h"
#include "gate/front/client.h"
#include "gate/worker.h"

void rw_worker_listener_drop(struct rw_worker_listener *listener)
{
    if (--listener->references)
        return;
    if (listener->last)
        rw_snapshot_unpin(listener->last, listener->worker->index);
    rw_free((char *)listener->name.at);
    rw_free(listener);
}

static void on_accept(struct rw_listener *io, int fd, const struct sockaddr_storage *peer)
{
    struct rw_worker_listener *listener = rw_container_of(io, struct rw_worker_listener, io);
    rw_client_accept(listener, fd, peer);
}

static void on_closed(struct rw_listener *io)
{
    struct rw_worker_listener *listener = rw_container_of(io, struct rw_worker_listener, io);
    struct rw_worker *worker = listener->worker;
    rw_list_remove(&listener->link);
    rw_worker_listener_drop(listener);
    rw_worker_check_drained(worker);
}

struct rw_snapshot *rw_worker_listener_snapshot(const struct rw_worker_listener *listener,
                                                unsigned *index)
{
    bool gone = listener->index == RW_LISTENER_GONE;
    *index = (unsigned)(gone ? listener->last_index : listener->index);
    return gone ? listener->last : listener->worker->snapshot;
}

static int fd_of(const struct rw_worker *worker, const struct rw_listener_settings *settings)
{
    return worker->index < settings->fd_count ? settings->fds[worker->index] : -1;
}

/* Two may not accept at one socket. */
static bool socket_wanted(const struct rw_worker_listener *listener)
{
    const struct rw_snapshot *snapshot = listener->worker->snapshot;
    for (unsigned i = 0; i < snapshot->listener_count; i++)
        if (fd_of(listener->worker, &snapshot->listeners[i]) == listener->io.fd)
            return true;
    return false;
}

static void remove_listener(struct rw_worker_listener *listener, struct rw_snapshot *old)
{
    if (listener->index == RW_LISTENER_GONE)
        return;
    listener->last = rw_snapshot_pin(old, listener->worker->index);
    listener->last_index = listener->index;
    listener->index = RW_LISTENER_GONE;
    if (socket_wanted(listener))
        rw_listener_close(&listener->io);
    rw_clients_listener_gone(listener);
}

static struct rw_worker_listener *find(struct rw_worker *worker,
                                       const struct rw_listener_settings *settings)
{
    for (struct rw_list *at = worker->listeners.next; at != &worker->listeners; at = at->next) {
        struct rw_worker_listener *listener = rw_container_of(at, struct rw_worker_listener, link);
        if (listener->io.fd == fd_of(worker, settings) &&
            rw_span_eq(listener->name, settings->name))
            return listener;
    }
    return NULL;
}

static enum rw_err start(struct rw_worker *worker, const struct rw_listener_settings *settings,
                         int index)
{
    struct rw_worker_listener *listener = rw_alloc_zero(sizeof(*listener));
    if (!listener)
        return RW_ENOMEM;
    *listener = (struct rw_worker_listener){
        .io = {.on_accept = on_accept, .on_closed = on_closed, .fd = fd_of(worker, settings)},
        .worker = worker,
        .index = index,
        .references = 1,
        .name = {rw_strdup(settings->name.at, settings->name.len), settings->name.len},
    };
    enum rw_err err =
        listener->name.at ? rw_listener_start(worker->loop, &listener->io) : RW_ENOMEM;
    if (err)
        rw_worker_listener_drop(listener);
    else
        rw_list_push_back(&worker->listeners, &listener->link);
    return err;
}

void rw_listeners_match(struct rw_worker *worker, struct rw_snapshot *old)
{
    const struct rw_snapshot *snapshot = worker->snapshot;
    for (struct rw_list *at = worker->listeners.next, *next; at != &worker->listeners; at = next) {
        struct rw_worker_listener *listener = rw_container_of(at, struct rw_worker_listener, link);
        next = at->next;
        bool wanted = false;
        for (unsigned i = 0; i < snapshot->listener_count; i++)
            wanted |= find(worker, &snapshot->listeners[i]) == listener;
        if (!wanted)
            remove_listener(listener, old);
    }
    for (unsigned i = 0; i < snapshot->listener_count; i++) {
        const struct rw_listener_settings *settings = &snapshot->listeners[i];
        struct rw_worker_listener *listener = find(worker, settings);
        if (listener && listener->index != RW_LISTENER_GONE) {
            listener->index = (int)i;
        } else if (fd_of(worker, settings) >= 0) {
            enum rw_err err = start(worker, settings, (int)i);
            if (err)
                rw_log_error("listener", "%.*s: %s", RW_SPAN_ARGS(settings->name),
                             rw_err_text(err));
        }
    }
}

void rw_listeners_finish_at(struct rw_worker *worker, int fd)
{
    for (struct rw_list *at = worker->listeners.next, *next; at != &worker->listeners; at = next) {
        struct rw_worker_listener *listener = rw_container_of(at, struct rw_worker_listener, link);
        next = at->next;
        if (listener->io.fd == fd && listener->index == RW_LISTENER_GONE)
            rw_listener_finish(&listener->io);
    }
}

/* The settings stay: a connection that had been accepted by then has its answer. */
void rw_listeners_stop(struct rw_worker *worker, bool finish)
{
    for (struct rw_list *at = worker->listeners.next, *next; at != &worker->listeners; at = next) {
        next = at->next;
        struct rw_listener *io = &rw_container_of(at, struct rw_worker_listener, link)->io;
        if (finish)
            rw_listener_finish(io);
        else
            rw_listener_close(io);
    }
}
