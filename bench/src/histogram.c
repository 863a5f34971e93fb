#include "histogram.h"

/* Values below one octave of steps stand for themselves; above, the top bits choose the bucket. */
static uint32_t bucket_of(uint64_t value)
{
    if (value < BENCH_HISTOGRAM_STEPS) {
        return (uint32_t)value;
    }
    uint32_t shift = 63u - (uint32_t)__builtin_clzll(value) - BENCH_HISTOGRAM_STEP_BITS;
    uint32_t step = (uint32_t)(value >> shift) - BENCH_HISTOGRAM_STEPS;
    uint32_t bucket = (shift + 1) * BENCH_HISTOGRAM_STEPS + step;
    return bucket < BENCH_HISTOGRAM_BUCKETS ? bucket : BENCH_HISTOGRAM_BUCKETS - 1;
}

static uint64_t upper_edge(uint32_t bucket)
{
    if (bucket < BENCH_HISTOGRAM_STEPS) {
        return bucket;
    }
    uint32_t shift = bucket / BENCH_HISTOGRAM_STEPS - 1;
    uint64_t step = bucket % BENCH_HISTOGRAM_STEPS + BENCH_HISTOGRAM_STEPS;
    return ((step + 1) << shift) - 1;
}

void bench_histogram_record(struct bench_histogram *histogram, uint64_t value)
{
    histogram->bucket[bucket_of(value)]++;
    histogram->count++;
    histogram->sum += value;
    if (value > histogram->largest) {
        histogram->largest = value;
    }
}

uint64_t bench_histogram_quantile(const struct bench_histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->count + 0.999999);
    uint64_t seen = 0;
    for (uint32_t bucket = 0; bucket < BENCH_HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->bucket[bucket];
        if (seen >= wanted && seen > 0) {
            uint64_t edge = upper_edge(bucket);
            return edge < histogram->largest ? edge : histogram->largest;
        }
    }
    return 0;
}
