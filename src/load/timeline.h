/* One row for each second of a run, made of what all threads report; also the live progress. Where
 * limits are given, a row also says of each tenth of its second how much kept them.
 *
 * Each thread reports every second it has finished, in order, also an empty one. A second is told
 * once all threads have reported it. Any thread, of any process that has the memory; a lock, once a
 * second.
 */
#ifndef RW_LOAD_TIMELINE_H
#define RW_LOAD_TIMELINE_H

#include "load/histogram.h"

#include <pthread.h>
#include <stdbool.h>

enum { RW_TIMELINE_PARTS = 10, RW_TIMELINE_LIMITS = 5 };

/* A tenth of a second. */
struct rw_timeline_part {
    uint32_t answered, failed;
    uint32_t slow[RW_TIMELINE_LIMITS]; /* answers that took longer than each limit */
};

struct rw_timeline_row {
    uint64_t sent, answered, failed;
    uint64_t unanswered; /* of those that failed */
    uint64_t p50_ns, p90_ns, p99_ns, p999_ns,
        most_ns; /* of latencies from when a request was due */
    uint64_t least_ns;
    uint32_t first_pair, pair_count; /* its histogram; none: no answers, or no room was left */
    struct rw_timeline_part parts[RW_TIMELINE_PARTS]; /* zero without limits */
};

/* A bucket of a row's histogram that is not empty. */
struct rw_timeline_pair {
    uint32_t bucket, count;
};

enum {
    RW_TIMELINE_OPEN_MAX = 8, /* seconds that some threads have reported and others not */
    RW_TIMELINE_PAIRS_MAX =
        16 << 20,                /* of all rows: 128 MiB, of which only what is used is there */
    RW_TIMELINE_ROW_PAIRS = 4096 /* of a row, by the rule: room is shared */
};

/* Without pointers: it may lie in memory that processes share. */
struct rw_timeline {
    pthread_mutex_t lock;
    unsigned threads;
    bool lacking;       /* a thread lagged too far behind, or `room` is used up: rows are missing */
    bool coarse;        /* histograms of some rows are not kept: `pairs` are used up */
    size_t count, room; /* of finished rows */
    size_t pair_count, pair_room;
    unsigned reports[RW_TIMELINE_OPEN_MAX];
    struct rw_timeline_row open[RW_TIMELINE_OPEN_MAX];
    struct rw_histogram latency[RW_TIMELINE_OPEN_MAX];
    struct rw_timeline_row rows[];
};

/* How much memory one of `room` seconds takes. */
static inline size_t rw_timeline_bytes(size_t room, size_t pair_room)
{
    return sizeof(struct rw_timeline) + room * sizeof(struct rw_timeline_row) +
           pair_room * sizeof(struct rw_timeline_pair);
}

/* Room for the histograms of so many rows. */
static inline size_t rw_timeline_pair_room(size_t rows)
{
    size_t room = rows * RW_TIMELINE_ROW_PAIRS;
    return room < RW_TIMELINE_PAIRS_MAX ? room : RW_TIMELINE_PAIRS_MAX;
}

/* `timeline` is zeroed memory of rw_timeline_bytes(room, pair_room). */
void rw_timeline_begin(struct rw_timeline *timeline, unsigned threads, size_t room,
                       size_t pair_room);

/* `row`: sent, answered and failed of this thread in second `second`. */
void rw_timeline_report(struct rw_timeline *timeline, size_t second,
                        const struct rw_timeline_row *row, const struct rw_histogram *latency);

/* The next row: the counts of `row`, and what `latency` says. Of a timeline that nobody reports
 * to. */
void rw_timeline_append(struct rw_timeline *timeline, struct rw_timeline_row row,
                        const struct rw_histogram *latency);
/* Adds what a row was made of to a histogram. False: it is not kept. */
bool rw_timeline_collect(const struct rw_timeline *timeline, size_t row,
                         struct rw_histogram *latency);
/* The pairs of a row, by rising buckets. */
const struct rw_timeline_pair *rw_timeline_pairs(const struct rw_timeline *timeline, size_t row);

/* How many rows are finished, which do not change any more; the last one at *row if there is any.
 */
size_t rw_timeline_last(struct rw_timeline *timeline, struct rw_timeline_row *row);

#endif
