/* The origin: an HTTP/1.1 server that does as little as it can, so that the gateway before it is
 * what a run measures. Answers every GET on any path with 200 and 128 bytes, any path under /page
 * with an HTML page of 30,000 bytes, and any path under /1m with one MiB straight from the page
 * cache. Keep-alive and pipelining; no request bodies.
 *
 *   bench_origin PORT [MS [SLOTS [STALL_MS PERIOD_MS]]]
 *
 * With MS each answer takes so long, and with SLOTS only so many are worked on at once; the others
 * wait, first come, first served. With STALL_MS it stands still for so long at the begin of each
 * PERIOD_MS, as a collector of garbage would have it.
 */
#include "net.h"
#include "service.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#define SMALL_BODY_BYTES 128
#define PAGE_BODY_BYTES 30000
#define LARGE_BODY_BYTES (1024 * 1024)
#define HEAD_BYTES_MAX (16 * 1024)

#define SLOTS_MAX 1024

struct peer {
    struct peer *next_due;
    uint64_t due_ns; /* of the answer; 0: none is under way */
    bool gone;       /* ... and its peer has gone */
    int fd;
    off_t large_at; /* how much of a large body is sent; large_until 0 means none under way */
    off_t large_until;
    size_t kept; /* bytes of an unfinished request head, or of requests behind a large body */
    char *keep;
};

static uint64_t delay_ns;
static unsigned slots;
static uint64_t
    slot_free_ns[SLOTS_MAX]; /* in turn: with one delay for all the first to begin ends first */
static unsigned slot_next;
static uint64_t stall_ns, period_ns;
static struct peer *due_first, *due_last;
static int large_fd;
static char small_answer[512];
static size_t small_answer_length;
static char page_answer[PAGE_BODY_BYTES + 512];
static size_t page_answer_length;
static const char upgrade_answer[] =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static char large_head[256];
static size_t large_head_length;
static char input[2 * HEAD_BYTES_MAX];

static void close_peer(struct peer *peer)
{
    if (peer->due_ns != 0) { /* it is in the list */
        peer->gone = true;
        return;
    }
    close(peer->fd);
    free(peer->keep);
    free(peer);
}

/* Returns 0 when the body is out or must wait for room, -1 when the peer is gone. */
static int send_large_body(struct peer *peer)
{
    while (peer->large_at < peer->large_until) {
        size_t left = (size_t)(peer->large_until - peer->large_at);
        ssize_t sent = sendfile(peer->fd, large_fd, &peer->large_at, left);
        if (sent < 0) {
            return errno == EAGAIN ? 0 : -1;
        }
    }
    peer->large_at = peer->large_until = 0;
    return 0;
}

/* Heads are small and the socket is empty when one is sent, so a short send means a lost peer. */
static int send_all(struct peer *peer, const char *data, size_t length, int flags)
{
    return send(peer->fd, data, length, MSG_NOSIGNAL | flags) == (ssize_t)length ? 0 : -1;
}

static int answer(struct peer *peer, const char *request)
{
    if (memcmp(request, "GET /page", 9) == 0) {
        return send_all(peer, page_answer, page_answer_length, 0);
    }
    if (memcmp(request, "GET /ws ", 8) == 0) {
        return send_all(peer, upgrade_answer, sizeof upgrade_answer - 1, 0);
    }
    if (memcmp(request, "GET /1m", 7) != 0) {
        return send_all(peer, small_answer, small_answer_length, 0);
    }
    peer->large_at = 0;
    peer->large_until = LARGE_BODY_BYTES;
    if (send_all(peer, large_head, large_head_length, MSG_MORE) != 0) {
        return -1;
    }
    return send_large_body(peer);
}

static int keep_rest(struct peer *peer, const char *data, size_t length)
{
    if (length > HEAD_BYTES_MAX) {
        return -1;
    }
    if (length > 0 && peer->keep == NULL) {
        peer->keep = bench_allocate(1, HEAD_BYTES_MAX);
    }
    if (length > 0) {
        memcpy(peer->keep, data, length);
    }
    peer->kept = length;
    return 0;
}

/* When the answer to a request that comes now is there. */
static uint64_t work_until(uint64_t now)
{
    if (slots == 0) {
        return now + delay_ns;
    }
    uint64_t *slot = &slot_free_ns[slot_next];
    slot_next = (slot_next + 1) % slots;
    *slot = (*slot > now ? *slot : now) + delay_ns;
    return *slot;
}

static void begin_answer(struct peer *peer)
{
    peer->due_ns = work_until(bench_now_ns());
    peer->next_due = NULL;
    if (due_first != NULL) {
        due_last->next_due = peer;
    } else {
        due_first = peer;
    }
    due_last = peer;
}

static void answer_due(void)
{
    while (due_first != NULL && due_first->due_ns <= bench_now_ns()) {
        struct peer *peer = due_first;
        due_first = peer->next_due;
        peer->due_ns = 0;
        if (peer->gone || send_all(peer, small_answer, small_answer_length, 0) != 0) {
            close_peer(peer);
        }
    }
}

static int64_t wait_ns(void)
{
    if (due_first == NULL) {
        return -1;
    }
    uint64_t now = bench_now_ns();
    return due_first->due_ns > now ? (int64_t)(due_first->due_ns - now) : 0;
}

/* Answers each complete request in the bytes; stops behind a large body that is under way. */
static int serve(struct peer *peer, const char *data, size_t length)
{
    while (length > 0 && peer->large_until == 0) {
        const char *end = memmem(data, length, "\r\n\r\n", 4);
        if (end == NULL) {
            break;
        }
        if (delay_ns != 0) {
            if (peer->due_ns != 0) { /* one at a time: nobody here sends more */
                return -1;
            }
            begin_answer(peer);
        } else if (memcmp(data, "GET ", 4) != 0 || answer(peer, data) != 0) {
            return -1;
        }
        length -= (size_t)(end + 4 - data);
        data = end + 4;
    }
    return keep_rest(peer, data, length);
}

static int on_readable(struct peer *peer)
{
    for (;;) {
        size_t kept = peer->kept;
        if (kept > 0) {
            memcpy(input, peer->keep, kept);
        }
        ssize_t received = recv(peer->fd, input + kept, HEAD_BYTES_MAX, 0);
        if (received <= 0) {
            return received < 0 && errno == EAGAIN ? 0 : -1;
        }
        if (serve(peer, input, kept + (size_t)received) != 0) {
            return -1;
        }
        if (received < HEAD_BYTES_MAX) {
            return 0;
        }
    }
}

static int on_writable(struct peer *peer)
{
    if (send_large_body(peer) != 0) {
        return -1;
    }
    if (peer->large_until != 0 || peer->kept == 0) {
        return 0;
    }
    size_t kept = peer->kept;
    memcpy(input, peer->keep, kept);
    return serve(peer, input, kept);
}

/* To the end of the stall, if this is one. */
static void stand_still(void)
{
    static uint64_t began_ns;
    uint64_t now = bench_now_ns();
    if (began_ns == 0) {
        began_ns = now;
    }
    uint64_t into = (now - began_ns) % period_ns;
    if (into < stall_ns) {
        usleep((useconds_t)((stall_ns - into) / 1000u));
    }
}

static void on_event(void *owner, uint32_t events)
{
    struct peer *peer = owner;
    int state = 0;
    if (stall_ns != 0) {
        stand_still();
    }
    if ((events & EPOLLOUT) && peer->large_until != 0) {
        state = on_writable(peer);
    }
    if (state == 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
        state = on_readable(peer);
    }
    if (state == 0 && (events & EPOLLRDHUP)) {
        state = on_readable(peer);
    }
    if (state != 0) {
        close_peer(peer);
    }
}

static void accepted(int fd)
{
    struct peer *peer = bench_allocate(1, sizeof *peer);
    peer->fd = fd;
    bench_watch(fd, peer);
}

static size_t write_head(char *into, size_t size, int body_bytes)
{
    return (size_t)snprintf(into, size,
                            "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
                            "Content-Length: %d\r\n\r\n",
                            body_bytes == PAGE_BODY_BYTES ? "text/html" : "text/plain", body_bytes);
}

/* Text that compresses about as well as pages do: to a quarter. */
static void prepare_page(void)
{
    static const char *const words[] = {
        "gateway",  "request", "<p class=\"row\">", "</p>\n", "the",   "of",    "connection",
        "a",        "and",     "<a href=\"/item/",  "\">",    "</a> ", "price", "total",
        "customer", "order"};
    size_t at = write_head(page_answer, sizeof page_answer, PAGE_BODY_BYTES);
    size_t end = at + PAGE_BODY_BYTES;
    unsigned state = 1;
    while (at < end) {
        state = state * 1103515245u + 12345u;
        unsigned pick = state >> 16;
        char piece[64];
        int length = pick % 5 == 0 ? snprintf(piece, sizeof piece, "%u ", pick)
                                   : snprintf(piece, sizeof piece, "%s ", words[pick / 5 % 16]);
        size_t room = end - at < (size_t)length ? end - at : (size_t)length;
        memcpy(page_answer + at, piece, room);
        at += room;
    }
    page_answer_length = end;
}

static void prepare_answers(void)
{
    static char block[LARGE_BODY_BYTES];
    memset(block, 'x', sizeof block);
    small_answer_length = write_head(small_answer, sizeof small_answer, SMALL_BODY_BYTES);
    memset(small_answer + small_answer_length, 'x', SMALL_BODY_BYTES);
    small_answer_length += SMALL_BODY_BYTES;
    prepare_page();
    large_head_length = write_head(large_head, sizeof large_head, LARGE_BODY_BYTES);
    large_fd = memfd_create("bench-origin-body", MFD_CLOEXEC);
    if (large_fd < 0 || write(large_fd, block, sizeof block) != (ssize_t)sizeof block) {
        bench_fail("cannot make the large body: %s", strerror(errno));
    }
}

int main(int count, char **arguments)
{
    static const struct bench_service service = {
        .accepted = accepted, .on_event = on_event, .batch_over = answer_due, .wait_ns = wait_ns};
    if (count < 2 || count == 5 || count > 6) {
        bench_fail("usage: bench_origin PORT [MS [SLOTS [STALL_MS PERIOD_MS]]]");
    }
    if (count > 2) {
        delay_ns = (uint64_t)bench_parse_number("MS", arguments[2], 0, 60000) * 1000000u;
    }
    if (count > 3) {
        slots = (unsigned)bench_parse_number("SLOTS", arguments[3], 0, SLOTS_MAX);
    }
    if (count > 4) {
        stall_ns = (uint64_t)bench_parse_number("STALL_MS", arguments[4], 0, 60000) * 1000000u;
        period_ns = (uint64_t)bench_parse_number("PERIOD_MS", arguments[5], 1, 60000) * 1000000u;
    }
    prepare_answers();
    bench_serve((int)bench_parse_number("PORT", arguments[1], 1, 65535), &service);
}
