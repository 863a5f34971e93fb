/* The access log: one JSON object a line, made on the worker thread in its own ring, written by one writer thread.
 *
 * The worker never waits and never makes a system call: when its ring is full the line is dropped and
 * counted (ringway_access_log_dropped_total). The writer gathers what all rings hold at least every 100 ms or when one is half full, in large
 * writes, and rotates the file by size or when asked (SIGUSR1). The file is opened O_APPEND, so that several
 * processes can share it.
 */
#ifndef RW_WATCH_ACCESS_H
#define RW_WATCH_ACCESS_H

#include "base/err.h"
#include "base/span.h"

#include <sys/socket.h>
#include <stdbool.h>
#include <stdint.h>

struct rw_access_log;
struct rw_access_ring;

struct rw_access_options {
    const char *path; /* "-": standard output */
    uint64_t rotate_bytes; /* 0: never */
    unsigned rotate_keep;  /* path.1 ... path.N */
    size_t ring_bytes;     /* per thread; 0: 1 MiB; a power of two */
    unsigned rings;        /* threads */
};

/* Opens the file and starts the writer thread. A file that cannot be opened: RW_EACCES, RW_ENOENT... */
RW_MUST_CHECK enum rw_err rw_access_create(const struct rw_access_options *options, struct rw_access_log **log);
/* Writes out everything, then stops the thread. */
void rw_access_destroy(struct rw_access_log *log);
/* Reopens the file (after an external rotation). Any thread. */
void rw_access_reopen(struct rw_access_log *log);
/* Waits until everything logged before the call has been written. For tests and the drain. */
void rw_access_flush(struct rw_access_log *log);

struct rw_access_ring *rw_access_ring(struct rw_access_log *log, unsigned thread);

/* One exchange. Spans with at == NULL are left out. */
struct rw_access_record {
    uint64_t wall_ns;     /* when the request head was complete */
    const struct sockaddr_storage *client; /* after trusted-proxy rules */
    struct rw_span method, scheme, host, path, query_redacted; /* query: NULL unless the route logs it */
    struct rw_span protocol;   /* "HTTP/1.1" */
    struct rw_span route, upstream, endpoint;
    struct rw_span reason;     /* why the gateway answered itself, or cut off; static text */
    struct rw_span trace_id;   /* 32 hex digits */
    struct rw_span user_agent;
    unsigned status;           /* 0: none was sent */
    uint64_t bytes_in, bytes_out; /* bodies */
    uint64_t duration_us;      /* from the head's first byte to the last byte handed to the kernel */
    uint64_t upstream_us;      /* to the response head; UINT64_MAX: no upstream */
    bool aborted;              /* the client did not get all of it */
};

/* False when it was dropped. Texts from peers are escaped as JSON; over-long ones are cut (path 2048 bytes, others 256). */
bool rw_access_write(struct rw_access_ring *ring, const struct rw_access_record *record);

#endif
