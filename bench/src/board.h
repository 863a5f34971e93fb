/* The board: one shared page on which the client writes its counts while it runs, and from which
 * the driver reads them at the very moments when it reads the gateway's CPU clock. So no result
 * depends on when a process starts, prints or exits.
 *
 * The client is the only writer of the counts; the driver is the only writer of `stop` and of the
 * two bounds of the recording. Counts only grow (but `held`, which falls when a held connection is
 * lost).
 */
#ifndef BENCH_BOARD_H
#define BENCH_BOARD_H

#include "histogram.h"

#include <stdint.h>

/* Every way in which a request can fail; name, and how it reads in a report. */
#define BENCH_FAILURES(X)                                                                          \
    X(CONNECT, "connection refused")                                                               \
    X(TLS, "TLS failed")                                                                           \
    X(CLOSED, "closed without an answer")                                                          \
    X(RESET, "reset")                                                                              \
    X(MALFORMED, "malformed answer")                                                               \
    X(STATUS, "status not 200")                                                                    \
    X(LENGTH, "wrong length")                                                                      \
    X(UNANSWERED, "never answered")                                                                \
    X(DROPPED, "idle connection dropped")

enum bench_failure {
#define BENCH_FAILURE_NAME(name, text) BENCH_FAILURE_##name,
    BENCH_FAILURES(BENCH_FAILURE_NAME)
#undef BENCH_FAILURE_NAME
        BENCH_FAILURE_KINDS
};

struct bench_board {
    /* Written by the driver. */
    uint32_t stop;           /* not zero: send no more, wait for what is under way, exit */
    uint64_t record_from_ns; /* latencies count for requests due in [from, until) */
    uint64_t record_until_ns;
    /* Written by the client. */
    uint32_t ready;     /* every connection has had its first answer */
    uint64_t responses; /* complete and correct answers (or handshakes) */
    uint64_t refused;   /* answers with 503, where these are wanted */
    uint64_t body_bytes;
    uint64_t reopened; /* connections that the gateway closed in good order */
    uint64_t held;     /* connections answered once and now idle */
    uint64_t failures[BENCH_FAILURE_KINDS];
    struct bench_histogram latency_ns;
};

static inline uint64_t bench_board_read(const uint64_t *count)
{
    return __atomic_load_n(count, __ATOMIC_RELAXED);
}

/* One writer, so a plain load and store will do: no locked instruction on the client's path. */
static inline void bench_board_add(uint64_t *count, uint64_t amount)
{
    __atomic_store_n(count, *count + amount, __ATOMIC_RELAXED);
}

static inline uint64_t bench_board_failures(const struct bench_board *board)
{
    uint64_t sum = 0;
    for (int kind = 0; kind < BENCH_FAILURE_KINDS; kind++) {
        sum += bench_board_read(&board->failures[kind]);
    }
    return sum;
}

#endif
