/* A latency histogram with a constant relative error: 64 linear steps in each power of two, so a
 * recorded value is known to better than 1.6% from a nanosecond to an hour. Fixed size, no
 * pointers: it may lie in memory that two processes share (one writes, the other reads when the
 * writer rests).
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define BENCH_HISTOGRAM_STEP_BITS 6
#define BENCH_HISTOGRAM_STEPS (1u << BENCH_HISTOGRAM_STEP_BITS)
#define BENCH_HISTOGRAM_OCTAVES 37u
#define BENCH_HISTOGRAM_BUCKETS (BENCH_HISTOGRAM_STEPS * BENCH_HISTOGRAM_OCTAVES)

struct bench_histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t largest;
    uint64_t bucket[BENCH_HISTOGRAM_BUCKETS];
};

/* Values beyond the last bucket are counted in it; `largest` stays exact. */
void bench_histogram_record(struct bench_histogram *histogram, uint64_t value);

/* The upper edge of the bucket that holds the given share (0.99 for p99); 0 when empty. */
uint64_t bench_histogram_quantile(const struct bench_histogram *histogram, double share);

#endif
