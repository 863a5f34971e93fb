#include "load/run.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { LOOK_MS = 250, BEGIN_AHEAD_MS = 50 };

/* The generator sent on time when nearly all its own delays are below this, or small beside what
 * was measured. */
enum { LATE_NS_MAX = 1000 * 1000 };

struct thread {
    pthread_t id;
    bool started;
    _Atomic bool ended;
    enum rw_err err;
    struct rw_load_generator generator;
};

static void *work(void *argument)
{
    struct thread *thread = argument;
    thread->err = rw_load_generator_open(&thread->generator);
    if (!thread->err)
        rw_load_generator_work(&thread->generator);
    else
        atomic_store(&thread->generator.gate->failed, true);
    rw_load_generator_end(&thread->generator);
    atomic_store(&thread->ended, true);
    return NULL;
}

static enum rw_err start(struct rw_load_run *run, struct rw_load_result *result,
                         struct thread *threads)
{
    for (unsigned i = 0; i < run->settings->threads; i++) {
        threads[i].generator = (struct rw_load_generator){
            .settings = run->settings,
            .gate = &run->gate,
            .timeline = &result->timeline,
            .index = i,
        };
        if (pthread_create(&threads[i].id, NULL, work, &threads[i]) != 0)
            return RW_ELIMIT;
        threads[i].started = true;
    }
    return RW_OK;
}

static bool all_ended(const struct rw_load_run *run, const struct thread *threads)
{
    for (unsigned i = 0; i < run->settings->threads; i++)
        if (threads[i].started && !atomic_load(&threads[i].ended))
            return false;
    return true;
}

static void show(struct rw_load_run *run, struct rw_load_result *result,
                 const struct thread *threads)
{
    struct rw_load_progress progress = {.seconds = -1};
    uint64_t begin_ns = atomic_load(&run->gate.begin_ns);
    if (!run->progress)
        return;
    if (begin_ns)
        progress.seconds = ((double)rw_clock_monotonic_ns() - (double)begin_ns) / 1e9;
    for (unsigned i = 0; i < run->settings->threads; i++)
        progress.connected +=
            atomic_load_explicit(&threads[i].generator.shown_connected, memory_order_relaxed);
    progress.rows = rw_timeline_last(&result->timeline, &progress.row);
    run->progress(&progress, run->user);
}

/* Once all threads have their connections, a common begin a little ahead. */
static void open_the_gate(struct rw_load_run *run, uint64_t started_ns)
{
    uint64_t now = rw_clock_monotonic_ns();
    if (atomic_load(&run->gate.begin_ns) || atomic_load(&run->gate.stop))
        return;
    if (atomic_load(&run->gate.waiting) == 0)
        atomic_store(&run->gate.begin_ns, now + BEGIN_AHEAD_MS * RW_NS_PER_MS);
    else if (now - started_ns > run->settings->connect_ms_max * RW_NS_PER_MS)
        atomic_store(&run->gate.failed, true);
}

static void watch_over(struct rw_load_run *run, struct rw_load_result *result,
                       const struct thread *threads)
{
    uint64_t started_ns = rw_clock_monotonic_ns();
    for (unsigned turn = 1; !all_ended(run, threads); turn++) {
        open_the_gate(run, started_ns);
        usleep(LOOK_MS * 1000 / 25);
        if (turn % 25 == 0)
            show(run, result, threads);
    }
}

static void gather(const struct rw_load_run *run, struct rw_load_result *result,
                   struct thread *threads)
{
    for (unsigned i = 0; i < run->settings->threads; i++) {
        struct rw_load_generator *generator = &threads[i].generator;
        if (!threads[i].started)
            continue;
        if (!threads[i].err)
            rw_load_tally_add(&result->tally, &generator->tally);
        if (!result->why[0])
            memcpy(result->why, generator->why, sizeof(result->why));
    }
}

static enum rw_err end(struct rw_load_run *run, struct rw_load_result *result,
                       struct thread *threads, enum rw_err err)
{
    if (err)
        atomic_store(&run->gate.failed, true);
    for (unsigned i = 0; i < run->settings->threads; i++)
        if (threads[i].started)
            pthread_join(threads[i].id, NULL);
    gather(run, result, threads);
    for (unsigned i = 0; i < run->settings->threads; i++) {
        if (!err && threads[i].started)
            err = threads[i].err;
        if (threads[i].started)
            rw_load_tally_close(&threads[i].generator.tally);
    }
    if (!err && atomic_load(&run->gate.failed))
        err = RW_EREFUSED;
    return err;
}

enum rw_err rw_load_run(struct rw_load_run *run, struct rw_load_result *result)
{
    const struct rw_load_settings *settings = run->settings;
    *result = (struct rw_load_result){.seconds = rw_load_seconds(settings)};
    atomic_store(&run->gate.waiting, settings->threads);
    struct thread *threads = rw_alloc_zero(settings->threads * sizeof(*threads));
    if (!threads)
        return RW_ENOMEM;
    enum rw_err err = rw_load_tally_open(&result->tally);
    if (!err)
        err = rw_timeline_open(&result->timeline, settings->threads);
    if (!err) {
        err = start(run, result, threads);
        if (!err)
            watch_over(run, result, threads);
        err = end(run, result, threads, err);
    }
    rw_free(threads);
    result->interrupted = atomic_load(&run->gate.stop);
    if (!err && result->interrupted && (double)result->timeline.count < result->seconds)
        result->seconds = (double)result->timeline.count;
    if (err)
        rw_load_result_close(result);
    return err;
}

void rw_load_stop(struct rw_load_run *run)
{
    atomic_store(&run->gate.stop, true);
}

/* `why` stays. */
void rw_load_result_close(struct rw_load_result *result)
{
    rw_load_tally_close(&result->tally);
    if (result->timeline.threads)
        rw_timeline_close(&result->timeline);
}

enum rw_load_verdict rw_load_judge(const struct rw_load_settings *settings,
                                   const struct rw_load_result *result)
{
    const struct rw_load_tally *tally = &result->tally;
    uint64_t late_ns = rw_histogram_quantile(tally->lateness, 0.99);
    uint64_t p99_ns = rw_histogram_quantile(tally->service, 0.99);
    if (!tally->counts.answered)
        return RW_LOAD_NOTHING_ANSWERED;
    if (late_ns > LATE_NS_MAX && late_ns > p99_ns / 10)
        return RW_LOAD_GENERATOR_LATE;
    if (!settings->closed && tally->counts.queued * 100 > tally->counts.due)
        return RW_LOAD_CONNECTIONS_BUSY;
    return RW_LOAD_SOUND;
}
