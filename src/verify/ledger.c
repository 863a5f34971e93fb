#include "verify/ledger.h"

#include "base/clock.h"
#include "http/h1.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* ---- One write ---- */

static bool send_write(struct rw_ledger *ledger, uint64_t number)
{
    char request[4096];
    int length = snprintf(request, sizeof(request),
                          "POST %.*s%.*s HTTP/1.1\r\nHost: %.*s\r\n%s: %" PRIu64
                          "\r\nContent-Length: 0\r\n\r\n",
                          RW_SPAN_ARGS(ledger->drive->base), RW_SPAN_ARGS(ledger->target->path),
                          RW_SPAN_ARGS(ledger->drive->authority), RW_LEDGER_FIELD, number);
    return length > 0 && (size_t)length < sizeof(request) &&
           rw_wire_send(&ledger->wire, rw_span(request, (size_t)length));
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
        ptrdiff_t length = rw_wire_receive(&ledger->wire, more, sizeof(more));
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
        ptrdiff_t length = rw_wire_receive(&ledger->wire, bytes + held, sizeof(bytes) - held);
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
    if (!rw_wire_connect(&ledger->wire))
        return; /* nothing was sent: the number is still free */
    ledger->sent++;
    if (send_write(ledger, number))
        status = read_answer(ledger, &keep);
    ledger->acknowledged[number] = status >= 200 && status < 300;
    if (!keep)
        rw_wire_hang_up(&ledger->wire);
}

/* ---- The thread ---- */

static void *work(void *argument)
{
    struct rw_ledger *ledger = argument;
    sigset_t broken;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE); /* OpenSSL writes without MSG_NOSIGNAL */
    pthread_sigmask(SIG_BLOCK, &broken, NULL);
    uint64_t gap_ns = RW_NS_PER_S / ledger->target->per_second;
    while (!atomic_load(&ledger->stop) && ledger->sent < RW_LEDGER_WRITES_MAX) {
        uint64_t next_ns = rw_clock_monotonic_ns() + gap_ns;
        write_one(ledger);
        uint64_t now_ns = rw_clock_monotonic_ns();
        if (now_ns < next_ns)
            usleep((useconds_t)((next_ns - now_ns) / 1000));
    }
    rw_wire_hang_up(&ledger->wire);
    return NULL;
}

enum rw_err rw_ledger_open(struct rw_ledger *ledger, struct rw_text *why)
{
    const struct rw_drive *drive = ledger->drive;
    const struct rw_wire_options options = {
        .address = drive->address,
        .wait_ms_max = RW_LEDGER_WAIT_MS_MAX,
        .tls = drive->tls[0] != NULL,
        .insecure = drive->file->insecure,
        .ca = drive->file->ca,
        .name = drive->host,
    };
    return rw_wire_open(&ledger->wire, &options, why);
}

void rw_ledger_close(struct rw_ledger *ledger)
{
    rw_wire_close(&ledger->wire);
}

enum rw_err rw_ledger_start(struct rw_ledger *ledger)
{
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
