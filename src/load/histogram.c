#include "load/histogram.h"

#include "base/alloc.h"

#include <string.h>

/* Values below one octave of steps stand for themselves; above, the top bits choose the bucket. */
static unsigned bucket_of(uint64_t value)
{
    if (value < RW_HISTOGRAM_STEPS)
        return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - RW_HISTOGRAM_STEP_BITS;
    unsigned step = (unsigned)(value >> shift) - RW_HISTOGRAM_STEPS;
    unsigned bucket = (shift + 1) * RW_HISTOGRAM_STEPS + step;
    return bucket < RW_HISTOGRAM_BUCKETS ? bucket : RW_HISTOGRAM_BUCKETS - 1;
}

uint64_t rw_histogram_bucket_value(unsigned bucket)
{
    if (bucket < RW_HISTOGRAM_STEPS)
        return bucket;
    unsigned shift = bucket / RW_HISTOGRAM_STEPS - 1;
    uint64_t step = bucket % RW_HISTOGRAM_STEPS + RW_HISTOGRAM_STEPS;
    return (step << shift) + ((1ull << shift) >> 1);
}

struct rw_histogram *rw_histogram_create(void)
{
    struct rw_histogram *histogram = rw_alloc(sizeof(*histogram));
    if (histogram)
        rw_histogram_clear(histogram);
    return histogram;
}

void rw_histogram_clear(struct rw_histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
    histogram->least = UINT64_MAX;
}

void rw_histogram_add_bucket(struct rw_histogram *histogram, uint64_t value_ns, uint64_t count)
{
    histogram->buckets[bucket_of(value_ns)] += count;
    histogram->count += count;
}

void rw_histogram_widen(struct rw_histogram *histogram, uint64_t least_ns, uint64_t most_ns,
                        double sum_ns)
{
    histogram->sum += sum_ns;
    if (least_ns < histogram->least)
        histogram->least = least_ns;
    if (most_ns > histogram->most)
        histogram->most = most_ns;
}

void rw_histogram_record_many(struct rw_histogram *histogram, uint64_t value_ns, uint64_t count)
{
    if (!count)
        return;
    rw_histogram_add_bucket(histogram, value_ns, count);
    rw_histogram_widen(histogram, value_ns, value_ns, (double)value_ns * (double)count);
}

void rw_histogram_record(struct rw_histogram *histogram, uint64_t value_ns)
{
    rw_histogram_record_many(histogram, value_ns, 1);
}

void rw_histogram_add(struct rw_histogram *to, const struct rw_histogram *from)
{
    for (unsigned i = 0; from->count && i < RW_HISTOGRAM_BUCKETS; i++)
        to->buckets[i] += from->buckets[i];
    to->count += from->count;
    to->sum += from->sum;
    if (from->least < to->least)
        to->least = from->least;
    if (from->most > to->most)
        to->most = from->most;
}

static uint64_t within(const struct rw_histogram *histogram, uint64_t value)
{
    if (value < histogram->least)
        return histogram->least;
    return value > histogram->most ? histogram->most : value;
}

uint64_t rw_histogram_quantile(const struct rw_histogram *histogram, double share)
{
    if (!histogram->count)
        return 0;
    double exact = share * (double)histogram->count;
    uint64_t wanted = exact <= 1 ? 1 : (uint64_t)exact + (exact > (double)(uint64_t)exact);
    if (wanted >= histogram->count)
        return histogram->most;
    uint64_t seen = 0;
    for (unsigned i = 0; i < RW_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= wanted)
            return within(histogram, rw_histogram_bucket_value(i));
    }
    return histogram->most;
}

double rw_histogram_mean(const struct rw_histogram *histogram)
{
    return histogram->count ? histogram->sum / (double)histogram->count : 0;
}

double rw_histogram_share_within(const struct rw_histogram *histogram, uint64_t value_ns)
{
    if (!histogram->count || value_ns >= histogram->most)
        return 1;
    uint64_t seen = 0;
    for (unsigned i = 0, last = bucket_of(value_ns); i <= last; i++)
        seen += histogram->buckets[i];
    return (double)seen / (double)histogram->count;
}
