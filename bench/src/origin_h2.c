/* The HTTP/2 origin: cleartext with prior knowledge, answers every request on any path with 200 and
 * 128 bytes. It looks at no header block (it never needs the client's HPACK table) and answers all
 * requests of one read with one send, within the client's connection window.
 *
 *   bench_origin_h2 PORT [MS]
 *
 * With MS it holds each request so long before it answers, as many as there are: a million cost it
 * 24 MB. SIGUSR1 makes it tell on standard output how many requests have come and how many are
 * held, in a line of JSON.
 */
#include "h2_frame.h"
#include "net.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 512
#define BODY_BYTES 128
#define STREAMS_MAX 1024 /* announced; a power of two */
#define INPUT_BYTES (128 * 1024)
/* An answer is less than 16 times as long as the shortest request. */
#define OUTPUT_BYTES (16 * (INPUT_BYTES + H2_FRAME_BYTES_MAX))
#define SEND_BUFFER_BYTES (200 * 1024)

/* The head of every answer. The first time on a connection both fields enter its table, type first,
 * and then are known by number: what most servers do. */
static const uint8_t first_block[] = "\x88\x5f\x0atext/plain\x5c\x03"
                                     "128";
static const uint8_t later_block[] = "\x88\xbf\xbe";

struct peer {
    int fd;
    unsigned held; /* requests: it stays until they are due */
    bool gone;
    bool greeted; /* the preface has come */
    bool indexed; /* the answer's fields are in the table */
    int64_t window;
    uint32_t waiting_from; /* streams that wait for window: a ring, from ... until */
    uint32_t waiting_until;
    size_t kept; /* bytes of an unfinished frame */
    uint32_t waiting[STREAMS_MAX];
    uint8_t keep[H2_FRAME_BYTES_MAX];
};

/* A request that is answered later. All are held for the same time: the first to come is the first
 * to be due. */
struct held {
    struct peer *peer;
    uint64_t due_ns;
    uint32_t stream;
};

static int epoll_fd;
static uint64_t hold_ns;  /* 0: answered at once */
static struct held *held; /* a ring of held_room, a power of two; from ... until */
static size_t held_room, held_from, held_until;
static uint64_t requests; /* that have come */
static volatile sig_atomic_t asked;
static uint8_t input[INPUT_BYTES + H2_FRAME_BYTES_MAX];
static uint8_t output[OUTPUT_BYTES];
static uint8_t *output_end = output;
static uint8_t body[BODY_BYTES];

static void close_peer(struct peer *peer)
{
    if (!peer->gone) {
        close(peer->fd);
    }
    peer->gone = true;
    if (peer->held == 0) {
        free(peer);
    }
}

/* The socket's buffer has room for the answers to all streams, so a short send is a lost peer. */
static int flush(struct peer *peer)
{
    size_t length = (size_t)(output_end - output);
    output_end = output;
    return length == 0 || send(peer->fd, output, length, MSG_NOSIGNAL) == (ssize_t)length ? 0 : -1;
}

static void put_answer(struct peer *peer, uint32_t stream)
{
    const uint8_t *block = peer->indexed ? later_block : first_block;
    size_t length = (peer->indexed ? sizeof later_block : sizeof first_block) - 1;
    uint8_t *to = h2_put_head(output_end, length, H2_HEADERS, H2_END_HEADERS, stream);
    to = h2_put_bytes(to, block, length);
    to = h2_put_head(to, BODY_BYTES, H2_DATA, H2_END_STREAM, stream);
    output_end = h2_put_bytes(to, body, BODY_BYTES);
    peer->indexed = true;
    peer->window -= BODY_BYTES;
}

static void answer_waiting(struct peer *peer)
{
    while (peer->waiting_from != peer->waiting_until && peer->window >= BODY_BYTES) {
        put_answer(peer, peer->waiting[peer->waiting_from++ % STREAMS_MAX]);
    }
}

static int answer(struct peer *peer, uint32_t stream)
{
    if (peer->waiting_until - peer->waiting_from == STREAMS_MAX) {
        return -1;
    }
    peer->waiting[peer->waiting_until++ % STREAMS_MAX] = stream;
    answer_waiting(peer);
    return 0;
}

static void grow_held(void)
{
    size_t room = held_room ? 2 * held_room : 4096;
    struct held *bigger = bench_allocate(room, sizeof *bigger);
    for (size_t i = held_from; i != held_until; i++) {
        bigger[i & (room - 1)] = held[i & (held_room - 1)];
    }
    free(held);
    held = bigger;
    held_room = room;
}

static void hold(struct peer *peer, uint32_t stream)
{
    if (held_until - held_from == held_room) {
        grow_held();
    }
    held[held_until++ & (held_room - 1)] =
        (struct held){.peer = peer, .due_ns = bench_now_ns() + hold_ns, .stream = stream};
    peer->held++;
}

static int take_request(struct peer *peer, const struct h2_frame *frame)
{
    if (!(frame->flags & H2_END_HEADERS)) {
        return -1;
    }
    if (!(frame->flags & H2_END_STREAM)) {
        return 0; /* answered when its body has come */
    }
    requests++;
    if (hold_ns == 0) {
        return answer(peer, frame->stream);
    }
    hold(peer, frame->stream);
    return 0;
}

static int take_data(struct peer *peer, const struct h2_frame *frame)
{
    if (frame->length > 0) {
        output_end = h2_put_window_update(output_end, 0, frame->length);
        output_end = h2_put_window_update(output_end, frame->stream, frame->length);
    }
    if (frame->flags & H2_END_STREAM) {
        struct h2_frame end = {
            .stream = frame->stream, .type = H2_HEADERS, .flags = H2_END_HEADERS | H2_END_STREAM};
        return take_request(peer, &end);
    }
    return 0;
}

/* A client that wants a smaller table than the fields need, or a stream window below the body, is
 * not served. */
static int take_settings(const struct h2_frame *frame)
{
    if (frame->flags & H2_ACK) {
        return 0;
    }
    if (h2_setting_value(frame, H2_HEADER_TABLE_SIZE, 4096) < H2_TABLE_BYTES_NEEDED ||
        h2_setting_value(frame, H2_INITIAL_WINDOW_SIZE, H2_WINDOW_BYTES_DEFAULT) < BODY_BYTES) {
        return -1;
    }
    output_end = h2_put_head(output_end, 0, H2_SETTINGS, H2_ACK, 0);
    return 0;
}

static int take_frame(struct peer *peer, const struct h2_frame *frame)
{
    switch (frame->type) {
    case H2_HEADERS:
        return take_request(peer, frame);
    case H2_DATA:
        return take_data(peer, frame);
    case H2_SETTINGS:
        return take_settings(frame);
    case H2_PING:
        if (!(frame->flags & H2_ACK) && frame->length == 8) {
            output_end = h2_put_head(output_end, 8, H2_PING, H2_ACK, 0);
            output_end = h2_put_bytes(output_end, frame->payload, 8);
        }
        return 0;
    case H2_WINDOW_UPDATE:
        if (frame->stream == 0 && frame->length == 4) {
            peer->window += h2_read_32(frame->payload);
            answer_waiting(peer);
        }
        return 0;
    default:
        return 0;
    }
}

/* Takes each whole frame; keeps what is left of the last. */
static int serve(struct peer *peer, const uint8_t *data, size_t length)
{
    struct h2_frame frame;
    long taken = 0;
    if (!peer->greeted && length >= H2_PREFACE_BYTES) {
        if (memcmp(data, H2_PREFACE, H2_PREFACE_BYTES) != 0) {
            return -1;
        }
        peer->greeted = true;
        data += H2_PREFACE_BYTES;
        length -= H2_PREFACE_BYTES;
    }
    while (peer->greeted && (taken = h2_take_frame(data, length, &frame)) > 0) {
        if (take_frame(peer, &frame) != 0) {
            return -1;
        }
        data += taken;
        length -= (size_t)taken;
    }
    if (taken < 0 || length > sizeof peer->keep) {
        return -1;
    }
    memcpy(peer->keep, data, length);
    peer->kept = length;
    return flush(peer);
}

static int on_readable(struct peer *peer)
{
    for (;;) {
        size_t kept = peer->kept;
        memcpy(input, peer->keep, kept);
        ssize_t received = recv(peer->fd, input + kept, INPUT_BYTES, 0);
        if (received <= 0) {
            return received < 0 && errno == EAGAIN ? 0 : -1;
        }
        if (serve(peer, input, kept + (size_t)received) != 0) {
            return -1;
        }
        if (received < INPUT_BYTES) {
            return 0;
        }
    }
}

/* Those of one peer that follow each other leave together. */
static void answer_run(const uint64_t now_ns)
{
    struct peer *peer = held[held_from & (held_room - 1)].peer;
    int state = 0;
    size_t room = OUTPUT_BYTES / 2;
    while (held_from != held_until && (size_t)(output_end - output) < room) {
        const struct held *first = &held[held_from & (held_room - 1)];
        if (first->peer != peer || first->due_ns > now_ns) {
            break;
        }
        held_from++;
        peer->held--;
        if (!peer->gone && state == 0) {
            state = answer(peer, first->stream);
        }
    }
    if (peer->gone || state != 0 || flush(peer) != 0) {
        output_end = output;
        close_peer(peer);
    }
}

static bool is_due(uint64_t now_ns)
{
    return held_from != held_until && held[held_from & (held_room - 1)].due_ns <= now_ns;
}

static int wait_ms(void)
{
    if (held_from == held_until) {
        return -1;
    }
    uint64_t now = bench_now_ns(), due = held[held_from & (held_room - 1)].due_ns;
    return due > now ? (int)((due - now + 999999) / 1000000) : 0;
}

static void on_signal(int number)
{
    (void)number;
    asked = 1;
}

static void tell(void)
{
    asked = 0;
    printf("{\"requests\": %llu, \"held\": %zu}\n", (unsigned long long)requests,
           held_until - held_from);
    fflush(stdout);
}

static int greet(struct peer *peer)
{
    output_end = h2_put_head(output, 6, H2_SETTINGS, 0, 0);
    output_end = h2_put_setting(output_end, H2_MAX_CONCURRENT_STREAMS, STREAMS_MAX);
    return flush(peer);
}

static void accept_all(int listener)
{
    int fd;
    int yes = 1;
    int room = SEND_BUFFER_BYTES;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct peer *peer = bench_allocate(1, sizeof *peer);
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = peer};
        peer->fd = fd;
        peer->window = H2_WINDOW_BYTES_DEFAULT;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        if (greet(peer) != 0) {
            close_peer(peer);
        } else if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
            bench_fail("epoll_ctl: %s", strerror(errno));
        }
    }
}

static void serve_events(int listener)
{
    static struct epoll_event events[EVENTS_MAX];
    int ready = epoll_wait(epoll_fd, events, EVENTS_MAX, wait_ms());
    for (int i = 0; i < ready; i++) {
        if (events[i].data.ptr == NULL) {
            accept_all(listener);
        } else if (on_readable(events[i].data.ptr) != 0) {
            close_peer(events[i].data.ptr);
        }
    }
    for (uint64_t now = bench_now_ns(); is_due(now);) {
        answer_run(now);
    }
    if (asked) {
        tell();
    }
}

int main(int count, char **arguments)
{
    if (count != 2 && count != 3) {
        bench_fail("usage: bench_origin_h2 PORT [MS]");
    }
    if (count > 2) {
        hold_ns = (uint64_t)bench_parse_number("MS", arguments[2], 0, 600000) * 1000000u;
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    int listener = bench_listen((int)bench_parse_number("PORT", arguments[1], 1, 65535));
    struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL};

    bench_raise_descriptor_limit();
    memset(body, 'x', sizeof body);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &listening) != 0) {
        bench_fail("epoll: %s", strerror(errno));
    }
    for (;;) {
        serve_events(listener);
    }
}
