/* What came of a run: counts, histograms, one row a second. Each thread fills its own; the sum is
 * exact. */
#ifndef RW_LOAD_TALLY_H
#define RW_LOAD_TALLY_H

#include "load/histogram.h"
#include "load/settings.h"

/* X(name, text) */
#define RW_LOAD_ERRORS(X)                                                                          \
    X(CONNECT, "connect")        /* refused, unreachable, no port left */                          \
    X(TLS, "tls")                /* handshake or certificate */                                    \
    X(RESET, "reset")            /* the connection broke under a request */                        \
    X(CLOSED, "closed")          /* ended in good order under a request */                         \
    X(REFUSED, "refused_stream") /* HTTP/2: never begun */                                         \
    X(PROTOCOL, "protocol")      /* what came is not HTTP, or not asked for */                     \
    X(TIMEOUT, "timeout")        /* no answer in time */                                           \
    X(UNSENT, "unsent")          /* was due, and no connection came free */                        \
    X(UNMADE, "unmade")          /* its variables' values make no request */

enum rw_load_error {
#define RW_LOAD_ERROR_ENUM(name, text) RW_LOAD_ERROR_##name,
    RW_LOAD_ERRORS(RW_LOAD_ERROR_ENUM)
#undef RW_LOAD_ERROR_ENUM
        RW_LOAD_ERROR_COUNT
};

const char *rw_load_error_name(enum rw_load_error error);

enum { RW_LOAD_STATUS_MAX = 1000 };

struct rw_load_counts {
    uint64_t due; /* requests that were to be sent */
    uint64_t sent;
    uint64_t answered; /* with any status */
    uint64_t failed;   /* errors, statuses from 400 on, checks that do not hold */
    uint64_t queued;   /* found no free connection when they were due */
    uint64_t bytes_in, bytes_out;
    uint64_t connects; /* connections opened, again ones among them */
    /* Of users with a script: how often they were through, had to give up, were cut at the end. */
    uint64_t iterations_done, iterations_failed, iterations_cut;
    /* Of WebSockets: opened; messages; of those that came, the ones that no message had asked for.
     */
    uint64_t sockets, messages_out, messages_in, pushed, pings;
    uint64_t ways[RW_LOAD_ADDRESSES_MAX]; /* connections to each of the target's addresses */
    uint64_t errors[RW_LOAD_ERROR_COUNT];
    uint64_t statuses[RW_LOAD_STATUS_MAX];
};

/* Without pointers: it may lie in memory that processes share. */
struct rw_load_tally {
    struct rw_load_counts counts;
    uint64_t cpu_ns;  /* of the thread */
    uint64_t busy_ns; /* from the begin to the end: it ran, or waited for a processor; 0: unknown */
    struct rw_histogram latency;  /* from when a request was due */
    struct rw_histogram service;  /* from when it was sent */
    struct rw_histogram lateness; /* from due to sent, where a connection was free: our own */
};

/* Of one step of a script. */
struct rw_load_step_tally {
    uint64_t sent, answered, failed;
    struct rw_histogram latency; /* from when it was due */
};

void rw_load_step_tally_add(struct rw_load_step_tally *to, const struct rw_load_step_tally *from);

/* `tally` is zeroed memory. */
void rw_load_tally_begin(struct rw_load_tally *tally);
void rw_load_tally_add(struct rw_load_tally *to, const struct rw_load_tally *from);

#endif
