#include "gate/cluster/resolve/resolve_channel.h"

#include "base/alloc.h"
#include "base/log.h"

#include <poll.h>
#include <sys/time.h>

/* The lookup's time limit is shared by a first try of one part and a second of two parts: c-ares
 * doubles it. */
enum { TRIES = 2, TIMEOUT_PARTS = 3 };

/* Larger than the 512 of old, so that some fifty addresses need no TCP, and small enough for one
 * datagram on any path (dnsflagday.net/2020). */
enum { EDNS_BYTES = 1232 };

struct socket_watch {
    struct rw_watch watch;
    struct rw_list link;
    struct rw_resolve_channel *channel;
};

/* ---- Memory: c-ares' may be told to fail like all other ---- */

static void *ares_alloc(size_t size)
{
    return rw_alloc(size ? size : 1);
}

static void *ares_realloc(void *old, size_t size)
{
    return rw_realloc(old, size ? size : 1);
}

/* ---- Sockets and time ---- */

static void on_ready(struct rw_watch *watch, unsigned events)
{
    struct rw_resolve_channel *channel =
        rw_container_of(watch, struct socket_watch, watch)->channel;
    ares_socket_t fd = watch->fd;
    ares_process_fd(channel->ares, events & RW_WATCH_READ ? fd : ARES_SOCKET_BAD,
                    events & RW_WATCH_WRITE ? fd : ARES_SOCKET_BAD);
    rw_resolve_channel_asked(channel);
}

static void on_timer(struct rw_timer *timer)
{
    struct rw_resolve_channel *channel = rw_container_of(timer, struct rw_resolve_channel, timer);
    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    rw_resolve_channel_asked(channel);
}

static struct socket_watch *find_watch(struct rw_resolve_channel *channel, int fd)
{
    for (struct rw_list *item = channel->watches.next; item != &channel->watches;
         item = item->next) {
        struct socket_watch *found = rw_container_of(item, struct socket_watch, link);
        if (found->watch.fd == fd)
            return found;
    }
    return NULL;
}

static void remove_watch(struct socket_watch *found)
{
    rw_watch_stop(&found->watch);
    rw_list_remove(&found->link);
    rw_free(found);
}

/* c-ares tells which sockets it waits for. A socket that cannot be watched leads to a timeout. */
static void on_socket_state(void *user, ares_socket_t fd, int readable, int writable)
{
    struct rw_resolve_channel *channel = user;
    struct socket_watch *found = find_watch(channel, fd);
    unsigned events =
        (readable ? (unsigned)RW_WATCH_READ : 0u) | (writable ? (unsigned)RW_WATCH_WRITE : 0u);
    if (found && found->watch.events == events)
        return;
    if (found)
        remove_watch(found);
    if (!events)
        return;
    struct socket_watch *made = rw_alloc_zero(sizeof(*made));
    enum rw_err err = RW_ENOMEM;
    if (made) {
        made->watch.fd = fd;
        made->watch.events = events;
        made->watch.ready = on_ready;
        made->channel = channel;
        err = rw_watch_start(channel->loop, &made->watch);
    }
    if (err) {
        rw_log_limited(RW_LOG_ERROR, "dns", "cannot watch a socket: %s", rw_err_text(err));
        rw_free(made);
        return;
    }
    rw_list_push_back(&channel->watches, &made->link);
}

static int timeout_ms(struct rw_resolve_channel *channel, uint32_t ms_max)
{
    struct timeval most = {ms_max / 1000, (suseconds_t)(ms_max % 1000) * 1000}, room;
    struct timeval *left = ares_timeout(channel->ares, &most, &room);
    return (int)(left->tv_sec * 1000 + (left->tv_usec + 999) / 1000);
}

void rw_resolve_channel_asked(struct rw_resolve_channel *channel)
{
    struct timeval room, *left = ares_timeout(channel->ares, NULL, &room);
    if (!left) {
        rw_timer_stop(channel->loop, &channel->timer);
        return;
    }
    uint64_t wait_ms = (uint64_t)left->tv_sec * 1000 + (uint64_t)(left->tv_usec + 999) / 1000;
    rw_timer_start(channel->loop, &channel->timer, rw_loop_now_ms(channel->loop) + wait_ms);
}

void rw_resolve_channel_wait(struct rw_resolve_channel *channel, uint32_t wait_ms)
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    struct pollfd polled[ARES_GETSOCK_MAXNUM];
    unsigned bits = (unsigned)ares_getsock(channel->ares, sockets, ARES_GETSOCK_MAXNUM);
    nfds_t count = 0;
    for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        /* As ARES_GETSOCK_READABLE and _WRITABLE, which shift a one into the sign. */
        bool in = bits >> i & 1, out = bits >> (i + ARES_GETSOCK_MAXNUM) & 1;
        short events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0));
        if (events)
            polled[count++] = (struct pollfd){.fd = sockets[i], .events = events};
    }
    int ready = poll(polled, count, timeout_ms(channel, wait_ms));
    for (nfds_t i = 0; i < count && ready > 0; i++) {
        bool in = polled[i].revents & (POLLIN | POLLERR | POLLHUP) && polled[i].events & POLLIN;
        bool out = polled[i].revents & (POLLOUT | POLLERR | POLLHUP) && polled[i].events & POLLOUT;
        if (in || out)
            ares_process_fd(channel->ares, in ? polled[i].fd : ARES_SOCKET_BAD,
                            out ? polled[i].fd : ARES_SOCKET_BAD);
    }
    if (ready <= 0)
        ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    rw_resolve_channel_asked(channel);
}

/* ---- Opening and closing ---- */

static enum rw_err error_of(int status)
{
    return status == ARES_SUCCESS ? RW_OK : status == ARES_ENOMEM ? RW_ENOMEM : RW_EDNS;
}

static enum rw_err open_ares(struct rw_resolve_channel *channel, const char *servers,
                             uint32_t timeout)
{
    char lookups[] = "fb"; /* /etc/hosts, then DNS, whatever nsswitch.conf says */
    struct ares_options options = {
        .flags = ARES_FLAG_EDNS,
        .ednspsz = EDNS_BYTES,
        .timeout = timeout >= TIMEOUT_PARTS ? (int)(timeout / TIMEOUT_PARTS) : 1,
        .tries = TRIES,
        .lookups = lookups,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = channel,
    };
    int status = ares_init_options(&channel->ares, &options,
                                   ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS |
                                       ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS)
        return error_of(status);
    if (*servers)
        status = ares_set_servers_ports_csv(channel->ares, servers);
    if (status != ARES_SUCCESS)
        ares_destroy(channel->ares);
    return error_of(status);
}

enum rw_err rw_resolve_channel_open(struct rw_resolve_channel *channel, struct rw_loop *loop,
                                    const char *servers, uint32_t timeout)
{
    *channel = (struct rw_resolve_channel){.loop = loop, .timer.fire = on_timer};
    rw_list_init(&channel->watches);
    if (ares_library_init_mem(ARES_LIB_INIT_ALL, ares_alloc, rw_free, ares_realloc))
        return RW_EDNS;
    enum rw_err err = open_ares(channel, servers, timeout);
    if (err)
        ares_library_cleanup();
    return err;
}

void rw_resolve_channel_close(struct rw_resolve_channel *channel)
{
    rw_timer_stop(channel->loop, &channel->timer);
    ares_destroy(channel->ares);
    rw_assert(rw_list_empty(&channel->watches));
    ares_library_cleanup();
}
