/* The floor: what any proxy must pay on this machine. A blind TCP relay that parses nothing: one
 * connection to the origin for each client, made on accept; then two receives and two sends for
 * each exchange, edge-triggered, without another epoll_ctl. No HTTP gateway can be expected to go
 * below it by more than it saves in wake-ups.
 *
 *   bench_floor LISTEN_PORT ORIGIN_PORT
 *
 * With an ORIGIN_PORT of 0 it is the floor of those who turn clients away: it closes whatever it
 * accepts.
 */
#include "net.h"
#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK_BYTES (64 * 1024)
#define DOOMED_MAX 1024 /* two for each event of a batch */

/* One end of a relayed pair. `waiting` bytes were read from the other end and await room here. */
struct end {
    int fd;
    struct end *other;
    char *waiting;
    size_t waiting_from;
    size_t waiting_until;
};

/* Ends closed within a batch of events stay allocated until it is over: later events name them. */
static struct end *doomed[DOOMED_MAX];
static size_t doomed_count;
static int origin_port;
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

static void on_event(void *owner, uint32_t events)
{
    struct end *end = owner;
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

static void accepted(int fd)
{
    int origin_fd = origin_port > 0 ? bench_connect(origin_port) : -1;
    if (origin_fd < 0) {
        close(fd);
        return;
    }
    struct end *client = bench_allocate(1, sizeof *client);
    struct end *origin = bench_allocate(1, sizeof *origin);
    *client = (struct end){.fd = fd, .other = origin};
    *origin = (struct end){.fd = origin_fd, .other = client};
    bench_watch(fd, client);
    bench_watch(origin_fd, origin);
}

int main(int count, char **arguments)
{
    static const struct bench_service service = {
        .accepted = accepted, .on_event = on_event, .batch_over = bury_doomed};
    if (count != 3) {
        bench_fail("usage: bench_floor LISTEN_PORT ORIGIN_PORT");
    }
    int port = (int)bench_parse_number("LISTEN_PORT", arguments[1], 1, 65535);
    origin_port = (int)bench_parse_number("ORIGIN_PORT", arguments[2], 0, 65535);
    bench_serve(port, &service);
}
