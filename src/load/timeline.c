#include "load/timeline.h"

void rw_timeline_begin(struct rw_timeline *timeline, unsigned threads, size_t room)
{
    pthread_mutexattr_t shared;
    pthread_mutexattr_init(&shared);
    pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&timeline->lock, &shared);
    pthread_mutexattr_destroy(&shared);
    timeline->threads = threads;
    timeline->room = room;
    for (unsigned i = 0; i < RW_TIMELINE_OPEN_MAX; i++)
        rw_histogram_clear(&timeline->latency[i]);
}

static void finish(struct rw_timeline *timeline, unsigned place)
{
    struct rw_timeline_row *row = &timeline->open[place];
    struct rw_histogram *latency = &timeline->latency[place];
    row->p50_ns = rw_histogram_quantile(latency, 0.5);
    row->p90_ns = rw_histogram_quantile(latency, 0.9);
    row->p99_ns = rw_histogram_quantile(latency, 0.99);
    row->p999_ns = rw_histogram_quantile(latency, 0.999);
    row->most_ns = latency->most;
    if (timeline->count < timeline->room)
        timeline->rows[timeline->count++] = *row;
    else
        timeline->lacking = true;
    *row = (struct rw_timeline_row){0};
    timeline->reports[place] = 0;
    rw_histogram_clear(latency);
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
