/* The access log: one JSON object a line, made on the worker thread in its own ring, written by one
 * writer thread.
 *
 * The worker makes no system call per line. When its ring is full it sleeps up to 5 ms for the
 * writer, which may share its core; when that has not helped, the line is dropped and the caller
 * counts it (ringway_access_log_dropped_total). The more waits were in vain, the rarer they become
 * (128 ms apart): a disk or a pipe that is too slow takes 2 % of a worker's time. The writer
 * gathers what all rings hold at least every 100 ms, or when one holds 128 KiB (the worker that
 * crosses that mark wakes it), in large writes that end at the end of a line.
 *
 * Each process makes its own log after it was forked; the file may be the same. It is opened
 * O_APPEND, so whole lines of several processes stand beside each other. Rotation by size: whoever
 * finds the file too large takes flock(2) on it, checks that the path still names that file, and
 * renames PATH.1 to PATH.2 and so on, then PATH to PATH.1; the others see before their next write
 * that the path names another file, and follow. A file so ends within one write (at most one ring)
 * of its size.
 *
 * A full disk or any other error keeps the lines in the rings, then drops them; it is logged once,
 * tried again every 100 ms, and the end of it is logged with the number of lines lost. A line is in
 * the file whole or not at all: a part of one is taken back, and where that cannot be, or a process
 * died within a line, a newline comes before the next one. A pipe that is not read holds up nobody
 * but the writer. A process that is killed loses what its rings held (100 ms of lines).
 */
#ifndef RW_WATCH_ACCESS_H
#define RW_WATCH_ACCESS_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct rw_access_log;
struct rw_access_ring;

enum {
    RW_ACCESS_RING_BYTES = 1 << 20, /* default */
    RW_ACCESS_RING_BYTES_MIN = 1 << 16,
    RW_ACCESS_RING_BYTES_MAX = 1 << 30,
    RW_ACCESS_RINGS_MAX = 1024,
    RW_ACCESS_ROTATE_KEEP_MAX = 1000,
    RW_ACCESS_WAIT_MS_MAX = 100,     /* between two rounds of the writer */
    RW_ACCESS_STALL_MS_MAX = 1000,   /* flush and destroy: a pipe that takes nothing is given up */
    RW_ACCESS_FLUSH_MS_MAX = 10000,  /* flush and destroy: a pipe that takes little is given up */
    RW_ACCESS_PATH_BYTES_MAX = 2048, /* of a logged path */
    RW_ACCESS_TEXT_BYTES_MAX = 256,  /* of any other text */
    RW_ACCESS_PLACE_BYTES_MAX = 16,  /* of a client's place */
    RW_ACCESS_FAULT_BYTES_MAX = 32,  /* of faults on purpose */
    RW_ACCESS_LABEL_BYTES_MAX = 64,  /* of residency, endpoint_region */
    RW_ACCESS_NO_STATUS = 1000       /* not HTTP */
};

struct rw_access_options {
    const char *path;      /* "-": standard output. Copied. */
    uint64_t rotate_bytes; /* 0: never. Regular files only */
    unsigned rotate_keep;  /* path.1 ... path.N; 0: the full file is deleted */
    size_t ring_bytes;     /* per thread; 0: RW_ACCESS_RING_BYTES; a power of two */
    unsigned rings;        /* threads */
    bool later;            /* a file that cannot be opened is no error: it is tried again */
};

/* Opens the file (mode 0640) and starts the writer thread. A file that cannot be opened: RW_EACCES,
 * RW_ENOENT... Options out of range: RW_EINVAL. */
RW_MUST_CHECK enum rw_err rw_access_create(const struct rw_access_options *options,
                                           struct rw_access_log **log);
/* Writes out everything (or drops what cannot be written, as rw_access_flush), then stops the
 * thread. No thread may be logging any more. NULL is fine. */
void rw_access_destroy(struct rw_access_log *log);
/* Reopens the file (after an external rotation). Any thread, and signal handlers. When the path
 * cannot be opened, the old file stays. */
void rw_access_reopen(struct rw_access_log *log);
/* Waits until everything logged before the call has been written, or, where that fails, dropped and
 * counted. For tests and the drain. */
void rw_access_flush(struct rw_access_log *log);

/* The ring of one thread, 0 to rings - 1. */
struct rw_access_ring *rw_access_ring(struct rw_access_log *log, unsigned thread);

/* Lines that the writer had to drop since the last call, because they could not be written. Called
 * now and then by one thread (the control thread), which adds them to its own shard's
 * RW_COUNTER_LOG_LINES_DROPPED; lines that rw_access_write refused are not among them. */
uint64_t rw_access_take_lost(struct rw_access_log *log);

/* One exchange. Spans with at == NULL are left out. Borrowed for the call. */
struct rw_access_record {
    uint64_t wall_ns;              /* when the request head was complete */
    const struct sockaddr *client; /* after trusted-proxy rules; port 0: unknown. May be NULL */
    struct rw_span method, scheme, host, path,
        query_redacted;      /* query: NULL unless the route logs it */
    struct rw_span protocol; /* "HTTP/1.1" */
    struct rw_span route, upstream, endpoint;
    struct rw_span reason;   /* why the gateway answered itself, or cut off; static text */
    const char *policy;      /* the one that answered it, or cut it off; NULL: none */
    struct rw_span limit;    /* the rate limit that refused it, or would have */
    struct rw_span fault;    /* what was done to it on purpose */
    struct rw_span consumer; /* who asked, as the configuration calls it */
    struct rw_span client_place, residency; /* where the client is, and the rule for it */
    struct rw_span endpoint_region;         /* where a residency rule is concerned */
    struct rw_span trace_id;                /* 32 hex digits */
    struct rw_span request_id;
    struct rw_span user_agent;
    unsigned status;    /* 0: none was sent; RW_ACCESS_NO_STATUS: there is no such thing */
    unsigned grpc_told; /* what a call of gRPC ended with, and one; 0: nothing */
    uint64_t bytes_in, bytes_out; /* bodies */
    uint64_t duration_us;    /* from the head's first byte to the last byte handed to the kernel */
    const char *retry_cause; /* why it was sent again the last time; NULL: it was not */
    unsigned retries;        /* so often it was */
    const char *hedge;       /* "lost", "won": a second endpoint was asked as well; NULL: not */
    uint64_t upstream_us;    /* to the response head; UINT64_MAX: no upstream */
    bool aborted;            /* the client did not get all of it */
};

/* The ring's thread only. False when it was dropped: the caller counts
 * RW_COUNTER_LOG_LINES_DROPPED. Texts from peers are escaped as JSON, bytes that
 * are not UTF-8 become U+FFFD; over-long ones are cut (path 2048 bytes, labels 64,
 * others 256). The keys, in
 * this order: time client client_port method scheme host path query protocol status grpc_status
 * reason policy limit fault consumer client_place residency route upstream endpoint endpoint_region
 * bytes_in bytes_out duration_us upstream_us retries retry_cause hedge aborted trace_id request_id
 * user_agent. */
bool rw_access_write(struct rw_access_ring *ring, const struct rw_access_record *record);

#endif
