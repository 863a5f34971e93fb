#include "load/timeline.h"

void rw_timeline_begin(struct rw_timeline *timeline, unsigned threads, size_t room,
                       size_t pair_room)
{
    pthread_mutexattr_t shared;
    pthread_mutexattr_init(&shared);
    pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&timeline->lock, &shared);
    pthread_mutexattr_destroy(&shared);
    timeline->threads = threads;
    timeline->room = room;
    timeline->pair_room = pair_room;
    for (unsigned i = 0; i < RW_TIMELINE_OPEN_MAX; i++)
        rw_histogram_clear(&timeline->latency[i]);
}

/* ---- Rows ---- */

/* Behind the rows. */
static struct rw_timeline_pair *all_pairs(const struct rw_timeline *timeline)
{
    return (struct rw_timeline_pair *)&timeline->rows[timeline->room];
}

const struct rw_timeline_pair *rw_timeline_pairs(const struct rw_timeline *timeline, size_t row)
{
    return all_pairs(timeline) + timeline->rows[row].first_pair;
}

/* A row's histogram is small beside a whole one: few of its buckets are used. All of it or none. */
static void keep_pairs(struct rw_timeline *timeline, struct rw_timeline_row *row,
                       const struct rw_histogram *latency)
{
    struct rw_timeline_pair *pairs = all_pairs(timeline);
    size_t at = timeline->pair_count;
    uint64_t left = latency->count;
    for (unsigned i = 0; left && i < RW_HISTOGRAM_BUCKETS; i++) {
        uint64_t count = latency->buckets[i];
        if (!count)
            continue;
        if (at == timeline->pair_room || count > UINT32_MAX) {
            timeline->coarse = true;
            return;
        }
        pairs[at++] = (struct rw_timeline_pair){i, (uint32_t)count};
        left -= count;
    }
    row->first_pair = (uint32_t)timeline->pair_count;
    row->pair_count = (uint32_t)(at - timeline->pair_count);
    timeline->pair_count = at;
}

void rw_timeline_append(struct rw_timeline *timeline, struct rw_timeline_row row,
                        const struct rw_histogram *latency)
{
    if (timeline->count == timeline->room) {
        timeline->lacking = true;
        return;
    }
    row.p50_ns = rw_histogram_quantile(latency, 0.5);
    row.p90_ns = rw_histogram_quantile(latency, 0.9);
    row.p99_ns = rw_histogram_quantile(latency, 0.99);
    row.p999_ns = rw_histogram_quantile(latency, 0.999);
    row.most_ns = latency->most;
    row.least_ns = latency->count ? latency->least : 0;
    keep_pairs(timeline, &row, latency);
    timeline->rows[timeline->count++] = row;
}

bool rw_timeline_collect(const struct rw_timeline *timeline, size_t row,
                         struct rw_histogram *latency)
{
    const struct rw_timeline_row *from = &timeline->rows[row];
    const struct rw_timeline_pair *pairs = rw_timeline_pairs(timeline, row);
    if (!from->answered)
        return true;
    for (uint32_t i = 0; i < from->pair_count; i++)
        rw_histogram_add_bucket(latency, rw_histogram_bucket_value(pairs[i].bucket),
                                pairs[i].count);
    rw_histogram_widen(latency, from->least_ns, from->most_ns, 0);
    return from->pair_count > 0;
}

/* ---- Reports of threads ---- */

static void finish(struct rw_timeline *timeline, unsigned place)
{
    rw_timeline_append(timeline, timeline->open[place], &timeline->latency[place]);
    timeline->open[place] = (struct rw_timeline_row){0};
    timeline->reports[place] = 0;
    rw_histogram_clear(&timeline->latency[place]);
}

static void add_parts(const struct rw_timeline_part *from, struct rw_timeline_part *to)
{
    for (unsigned i = 0; i < RW_TIMELINE_PARTS; i++) {
        to[i].answered += from[i].answered;
        to[i].failed += from[i].failed;
        for (unsigned k = 0; k < RW_TIMELINE_LIMITS; k++)
            to[i].slow[k] += from[i].slow[k];
    }
}

void rw_timeline_report(struct rw_timeline *timeline, size_t second,
                        const struct rw_timeline_row *row, const struct rw_histogram *latency)
{
    unsigned place = (unsigned)(second % RW_TIMELINE_OPEN_MAX);
    pthread_mutex_lock(&timeline->lock);
    if (second >= timeline->count && second < timeline->count + RW_TIMELINE_OPEN_MAX) {
        struct rw_timeline_row *sum = &timeline->open[place];
        sum->sent += row->sent;
        sum->answered += row->answered;
        sum->failed += row->failed;
        sum->unanswered += row->unanswered;
        add_parts(row->parts, sum->parts);
        rw_histogram_add(&timeline->latency[place], latency);
        if (++timeline->reports[place] == timeline->threads)
            finish(timeline, place);
    } else {
        timeline->lacking = true;
    }
    pthread_mutex_unlock(&timeline->lock);
}

size_t rw_timeline_last(struct rw_timeline *timeline, struct rw_timeline_row *row)
{
    pthread_mutex_lock(&timeline->lock);
    size_t count = timeline->count;
    if (count)
        *row = timeline->rows[count - 1];
    pthread_mutex_unlock(&timeline->lock);
    return count;
}
