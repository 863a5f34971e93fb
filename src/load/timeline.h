/* One row for each second of a run, made of what all threads report; also the live progress.
 *
 * Each thread reports every second it has finished, in order, also an empty one. A second is told
 * once all threads have reported it. Any thread; a lock, once a second.
 */
#ifndef RW_LOAD_TIMELINE_H
#define RW_LOAD_TIMELINE_H

#include "load/histogram.h"

#include <pthread.h>
#include <stdbool.h>

struct rw_timeline_row {
    uint64_t sent, answered, failed;
    uint64_t p50_ns, p90_ns, p99_ns, p999_ns,
        most_ns; /* of latencies from when a request was due */
};

enum { RW_TIMELINE_OPEN_MAX = 8 }; /* seconds that some threads have reported and others not */

struct rw_timeline {
    pthread_mutex_t lock;
    unsigned threads;
    struct rw_timeline_row *rows;
    size_t count, room; /* of finished rows */
    unsigned reports[RW_TIMELINE_OPEN_MAX];
    struct rw_timeline_row open[RW_TIMELINE_OPEN_MAX];
    struct rw_histogram *latency[RW_TIMELINE_OPEN_MAX];
    bool lacking; /* out of memory, or a thread lagged too far behind: rows are missing */
};

RW_MUST_CHECK enum rw_err rw_timeline_open(struct rw_timeline *timeline, unsigned threads);
void rw_timeline_close(struct rw_timeline *timeline);

/* `row`: sent, answered and failed of this thread in second `second`. */
void rw_timeline_report(struct rw_timeline *timeline, size_t second,
                        const struct rw_timeline_row *row, const struct rw_histogram *latency);

/* How many rows are finished; the last one at *row if there is any. */
size_t rw_timeline_last(struct rw_timeline *timeline, struct rw_timeline_row *row);

#endif
