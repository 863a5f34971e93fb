/* The built-in server behind the gateway: HTTP/1.1, answers after a time that is known, counts what
 * it has seen.
 *
 * It runs in a process of its own, so that it can be killed and stopped as any server can:
 * `ringway verify --origin NAME FILE`, which calls rw_origin_serve. The counts lie in memory that
 * verify shares with it by a descriptor, and outlive it.
 */
#ifndef RW_VERIFY_ORIGIN_H
#define RW_VERIFY_ORIGIN_H

#include "verify/acceptance.h"

#include <stdatomic.h>

/* A field with a number by which a write is known (ledger.h). */
#define RW_LEDGER_FIELD "X-Ringway-Write"
enum { RW_LEDGER_WRITES_MAX = 1 << 20 };

struct rw_origin_counts {
    _Atomic uint64_t connections, requests, answers;
    _Atomic uint8_t seen[RW_LEDGER_WRITES_MAX]; /* how often each write was; at most 255 */
};

/* In shared memory, zero; the descriptor is inherited by processes that are started. RW_EIO,
 * RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_origin_counts_open(struct rw_origin_counts **counts, int *fd);
void rw_origin_counts_close(struct rw_origin_counts *counts, int fd);
/* What was opened elsewhere and inherited. RW_EINVAL. */
RW_MUST_CHECK enum rw_err rw_origin_counts_map(int fd, struct rw_origin_counts **counts);

/* Serves until the process is ended. `counts` may be NULL. `identity`: a PEM file with a
 * certificate and its key, to speak TLS; NULL: plain. RW_EADDRINUSE and whatever else a listening
 * socket may meet. */
RW_MUST_CHECK enum rw_err rw_origin_serve(const struct rw_verify_origin *origin,
                                          const struct rw_address *address, uint64_t seed,
                                          struct rw_origin_counts *counts, const char *identity);

/* How long the next answer takes; pure but for `random`. */
struct rw_random;
uint32_t rw_origin_latency_ms(const struct rw_verify_origin *origin, struct rw_random *random);

#endif
