/* Latencies, recorded with three significant digits from a nanosecond to more than an hour.
 *
 * A histogram of high dynamic range: 1,024 linear steps in each power of two, so a value is known
 * to better than 0.1 % and adding two histograms is exact (G. Tene, HdrHistogram). Each thread
 * records into its own; what is recorded last is the sum of all. Values are nanoseconds.
 */
#ifndef RW_LOAD_HISTOGRAM_H
#define RW_LOAD_HISTOGRAM_H

#include "base/err.h"

#include <stdint.h>

enum {
    RW_HISTOGRAM_STEP_BITS = 10,
    RW_HISTOGRAM_STEPS = 1 << RW_HISTOGRAM_STEP_BITS,
    RW_HISTOGRAM_OCTAVES = 33, /* up to 2^42 ns: 73 minutes */
    RW_HISTOGRAM_BUCKETS = RW_HISTOGRAM_STEPS * (RW_HISTOGRAM_OCTAVES + 1)
};

struct rw_histogram {
    uint64_t count;
    uint64_t least, most; /* exact; of an empty one UINT64_MAX and 0 */
    double sum;
    uint64_t buckets[RW_HISTOGRAM_BUCKETS];
};

/* About 280 KB, empty; NULL when out of memory. rw_free gives it back. */
struct rw_histogram *rw_histogram_create(void);
void rw_histogram_clear(struct rw_histogram *histogram);

/* What is larger than the last bucket is counted there; `most` stays exact. */
void rw_histogram_record(struct rw_histogram *histogram, uint64_t value_ns);
/* `count` times at once. */
void rw_histogram_record_many(struct rw_histogram *histogram, uint64_t value_ns, uint64_t count);
/* Of a histogram that was written down: `count` values of the bucket that `value_ns` is in, and
 * what was known of all of them exactly. Not of one without any. */
void rw_histogram_add_bucket(struct rw_histogram *histogram, uint64_t value_ns, uint64_t count);
void rw_histogram_widen(struct rw_histogram *histogram, uint64_t least_ns, uint64_t most_ns,
                        double sum_ns);
void rw_histogram_add(struct rw_histogram *to, const struct rw_histogram *from);

/* The value that `share` (0 to 1) of what was recorded does not exceed: the middle of its bucket,
 * never beyond what was recorded. 0 when empty. */
uint64_t rw_histogram_quantile(const struct rw_histogram *histogram, double share);
/* 0 when empty. */
double rw_histogram_mean(const struct rw_histogram *histogram);
/* How much of what was recorded is at most `value_ns`, 0 to 1; 1 when empty. */
double rw_histogram_share_within(const struct rw_histogram *histogram, uint64_t value_ns);

/* For writing down and drawing: the value in the middle of a bucket. */
uint64_t rw_histogram_bucket_value(unsigned bucket);

#endif
