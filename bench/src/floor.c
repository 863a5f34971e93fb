/* The floor: what any proxy must pay on this machine. A blind TCP relay that parses nothing: one
 * connection to the origin for each client, made on accept; then two receives and two sends for
 * each exchange, edge-triggered, without another epoll_ctl. No HTTP gateway can be expected to go
 * below it by more than it saves in wake-ups.
 *
 *   bench_floor LISTEN_PORT ORIGIN_PORT
 */
#include "net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#define EVENTS_MAX 512
#define CHUNK_BYTES (64 * 1024)

/* One end of a relayed pair. `waiting` bytes were read from the other end and await room here. */
struct end {
    int fd;
    struct end *other;
    char *waiting;
    size_t waiting_from;
    size_t waiting_until;
};

/* Ends closed within a batch of events stay allocated until it is over: later events name them. */
static struct end *doomed[2 * EVENTS_MAX];
static size_t doomed_count;
static int epoll_fd;
static char chunk[CHUNK_BYTES];

static void close_pair(struct end *end)
{
    struct end *pair[2] = {end, end->other};
    for (int i = 0; i < 2; i++) {
        close(pair[i]->fd);
        pair[i]->fd = -1;
        doomed[doomed_count++] = pair[i];
    }
}

static void bury_doomed(void)
{
    while (doomed_count > 0) {
        struct end *end = doomed[--doomed_count];
        free(end->waiting);
        free(end);
    }
}

/* Keeps what the receiver had no room for; reading from the sender pauses meanwhile. */
static void keep_waiting(struct end *to, const char *data, size_t length)
{
    if (to->waiting == NULL) {
        to->waiting = bench_allocate(1, CHUNK_BYTES);
    }
    memcpy(to->waiting, data, length);
    to->waiting_from = 0;
    to->waiting_until = length;
}

/* Moves bytes until `from` is dry or `to` is full. Returns -1 when the pair is at its end. */
static int relay(struct end *from, struct end *to)
{
    while (to->waiting_until == to->waiting_from) {
        ssize_t received = recv(from->fd, chunk, sizeof chunk, 0);
        if (received <= 0) {
            return received < 0 && errno == EAGAIN ? 0 : -1;
        }
        ssize_t sent = send(to->fd, chunk, (size_t)received, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            return -1;
        }
        size_t done = sent < 0 ? 0 : (size_t)sent;
        if (done < (size_t)received) {
            keep_waiting(to, chunk + done, (size_t)received - done);
        } else if ((size_t)received < sizeof chunk) {
            return 0;
        }
    }
    return 0;
}

/* Sends what waits. Returns 1 when nothing waits any more, 0 when some still does, -1 at the end.
 */
static int flush(struct end *to)
{
    size_t length = to->waiting_until - to->waiting_from;
    ssize_t sent = send(to->fd, to->waiting + to->waiting_from, length, MSG_NOSIGNAL);
    if (sent < 0) {
        return errno == EAGAIN ? 0 : -1;
    }
    to->waiting_from += (size_t)sent;
    return to->waiting_from == to->waiting_until;
}

static void on_event(struct end *end, uint32_t events)
{
    int state = 0;
    if (end->fd < 0) {
        return;
    }
    if ((events & EPOLLOUT) && end->waiting_until != end->waiting_from) {
        state = flush(end);
        if (state > 0) {
            state = relay(end->other, end);
        }
    }
    if (state == 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
        state = relay(end, end->other);
    }
    /* A short receive ends relay() early, so an end of stream behind it needs a second look. */
    if (state == 0 && (events & EPOLLRDHUP)) {
        state = relay(end, end->other);
    }
    if (state < 0) {
        close_pair(end);
    }
}

static void watch(struct end *end)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = end};
    int yes = 1;
    setsockopt(end->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, end->fd, &event) != 0) {
        bench_fail("epoll_ctl: %s", strerror(errno));
    }
}

static void accept_all(int listener, int origin_port)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int origin_fd = bench_connect(origin_port);
        if (origin_fd < 0) {
            close(fd);
            continue;
        }
        struct end *client = bench_allocate(1, sizeof *client);
        struct end *origin = bench_allocate(1, sizeof *origin);
        *client = (struct end){.fd = fd, .other = origin};
        *origin = (struct end){.fd = origin_fd, .other = client};
        watch(client);
        watch(origin);
    }
}

int main(int count, char **arguments)
{
    static struct epoll_event events[EVENTS_MAX];
    if (count != 3) {
        bench_fail("usage: bench_floor LISTEN_PORT ORIGIN_PORT");
    }
    int listener = bench_listen((int)bench_parse_number("LISTEN_PORT", arguments[1], 1, 65535));
    int origin_port = (int)bench_parse_number("ORIGIN_PORT", arguments[2], 1, 65535);
    struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL};

    bench_raise_descriptor_limit();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &listening) != 0) {
        bench_fail("epoll: %s", strerror(errno));
    }
    for (;;) {
        int ready = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == NULL) {
                accept_all(listener, origin_port);
            } else {
                on_event(events[i].data.ptr, events[i].events);
            }
        }
        bury_doomed();
    }
}
