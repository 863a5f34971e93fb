#include "verify/ledger.h"

#include "base/clock.h"
#include "http/h1.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- One write ---- */

static bool connect_now(struct rw_ledger *ledger)
{
    const struct timeval patience = {.tv_sec = RW_LEDGER_WAIT_MS_MAX / 1000};
    if (ledger->fd >= 0)
        return true;
    ledger->fd = socket(ledger->address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ledger->fd < 0)
        return false;
    setsockopt(ledger->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(ledger->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(ledger->fd, rw_address_sockaddr(&ledger->address), ledger->address.bytes) == 0)
        return true;
    close(ledger->fd);
    ledger->fd = -1;
    return false;
}

static void hang_up(struct rw_ledger *ledger)
{
    if (ledger->fd >= 0)
        close(ledger->fd);
    ledger->fd = -1;
}

static bool send_write(struct rw_ledger *ledger, uint64_t number)
{
    char request[4096];
    int length = snprintf(request, sizeof(request),
                          "POST %.*s%.*s HTTP/1.1\r\nHost: %.*s\r\n%s: %" PRIu64
                          "\r\nContent-Length: 0\r\n\r\n",
                          RW_SPAN_ARGS(ledger->base), RW_SPAN_ARGS(ledger->target->path),
                          RW_SPAN_ARGS(ledger->authority), RW_LEDGER_FIELD, number);
    return length > 0 && (size_t)length < sizeof(request) &&
           send(ledger->fd, request, (size_t)length, MSG_NOSIGNAL) == length;
}

/* The body's bytes are read and dropped; false: it is not whole. */
static bool read_body(struct rw_ledger *ledger, const struct rw_message *message,
                      struct rw_span rest)
{
    struct rw_h1_body body;
    struct rw_span data;
    char more[16 * 1024];
    rw_h1_body_start(&body, message);
    for (;;) {
        enum rw_h1_body_event event =
            rw_h1_body_next(&body, &rw_h1_limits_default, &rest, &data, NULL);
        if (event == RW_H1_BODY_END)
            return true;
        if (event == RW_H1_BODY_BAD)
            return false;
        if (event == RW_H1_BODY_DATA)
            continue;
        ssize_t length = recv(ledger->fd, more, sizeof(more), 0);
        if (length <= 0)
            return length == 0 && rw_h1_body_may_end(&body);
        rest = rw_span(more, (size_t)length);
    }
}

/* The status of the answer, once all of it is there; 0: there is none. */
static unsigned read_answer(struct rw_ledger *ledger, bool *keep)
{
    static const struct rw_h1_limits *const limits = &rw_h1_limits_default;
    char bytes[32 * 1024], memory[16 * 1024];
    size_t held = 0;
    struct rw_h1_head head = {0};
    for (;;) {
        struct rw_arena arena;
        struct rw_message message = {0};
        ssize_t length = recv(ledger->fd, bytes + held, sizeof(bytes) - held, 0);
        if (length <= 0)
            return 0;
        held += (size_t)length;
        rw_arena_init(&arena, memory, sizeof(memory), 4096, 0);
        enum rw_h1_result result = rw_h1_parse_response(rw_span(bytes, held), limits,
                                                        RW_METHOD_POST, &arena, &message, &head);
        if (result == RW_H1_INCOMPLETE && held < sizeof(bytes))
            continue;
        *keep = message.keep_alive;
        if (result != RW_H1_COMPLETE || message.status < 200 ||
            !read_body(ledger, &message, rw_span(bytes + head.consumed, held - head.consumed)))
            return 0;
        return message.status;
    }
}

static void write_one(struct rw_ledger *ledger)
{
    bool keep = false;
    unsigned status = 0;
    uint64_t number = ledger->sent;
    if (!connect_now(ledger))
        return; /* nothing was sent: the number is still free */
    ledger->sent++;
    if (send_write(ledger, number))
        status = read_answer(ledger, &keep);
    ledger->acknowledged[number] = status >= 200 && status < 300;
    if (!keep)
        hang_up(ledger);
}

/* ---- The thread ---- */

static void *work(void *argument)
{
    struct rw_ledger *ledger = argument;
    uint64_t gap_ns = RW_NS_PER_S / ledger->target->per_second;
    while (!atomic_load(&ledger->stop) && ledger->sent < RW_LEDGER_WRITES_MAX) {
        uint64_t next_ns = rw_clock_monotonic_ns() + gap_ns;
        write_one(ledger);
        uint64_t now_ns = rw_clock_monotonic_ns();
        if (now_ns < next_ns)
            usleep((useconds_t)((next_ns - now_ns) / 1000));
    }
    hang_up(ledger);
    return NULL;
}

enum rw_err rw_ledger_start(struct rw_ledger *ledger)
{
    ledger->fd = -1;
    atomic_store(&ledger->stop, false);
    ledger->running = pthread_create(&ledger->thread, NULL, work, ledger) == 0;
    return ledger->running ? RW_OK : RW_ELIMIT;
}

void rw_ledger_stop(struct rw_ledger *ledger)
{
    if (!ledger->running)
        return;
    atomic_store(&ledger->stop, true);
    pthread_join(ledger->thread, NULL);
    ledger->running = false;
}

void rw_ledger_sum(const struct rw_ledger *ledger, struct rw_ledger_sum *sum)
{
    *sum = (struct rw_ledger_sum){.kept = ledger->sent > 0, .sent = ledger->sent};
    for (uint64_t i = 0; i < ledger->sent; i++) {
        unsigned seen = atomic_load(&ledger->counts->seen[i]);
        sum->acknowledged += ledger->acknowledged[i];
        sum->lost += ledger->acknowledged[i] && !seen;
        sum->twice += seen > 1;
    }
}
