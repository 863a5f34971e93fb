#include "load/run.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "io/descriptors.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 10, SHOW_LOOKS = 25, BEGIN_AHEAD_MS = 50 };

/* Rows for what comes after the last request was due: answers, and a late tick. */
enum { ROWS_TO_SPARE = 120, ROWS_MAX = 7 * 24 * 3600 };

/* The generator sent on time when nearly all its own delays are below this, or small beside what
 * was measured. */
enum { LATE_NS_MAX = 1000 * 1000, BUSY_PER_CENT_MAX = 95 };

/* In memory that all processes share. */
struct rw_load_shared {
    size_t bytes;
    struct rw_load_gate gate;
    /* Behind the slots; the same addresses in all processes. Steps and checks of each thread, one
     * thread's after the other's; NULL without a script. */
    struct rw_timeline *timeline;
    struct rw_load_step_tally *steps;
    struct rw_load_check_count *checks;
    struct rw_load_slot slots[];
};

struct thread {
    pthread_t id;
    bool started;
    struct rw_load_generator generator;
};

/* Pieces of the memory, one after the other. */
struct layout {
    size_t steps, checks, timeline, bytes; /* where they begin; all of it */
    size_t rows, pairs;
};

static size_t aligned(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

static struct layout lay_out(const struct rw_load_settings *settings)
{
    double seconds = ceil(rw_load_seconds(settings)) + ROWS_TO_SPARE;
    const struct rw_load_script *script = settings->script;
    size_t steps = script ? (size_t)settings->threads * settings->request_count : 0;
    size_t checks = script ? (size_t)settings->threads * script->check_count : 0;
    struct layout layout = {.rows = seconds < ROWS_MAX ? (size_t)seconds : ROWS_MAX};
    layout.steps =
        aligned(sizeof(struct rw_load_shared) + settings->threads * sizeof(struct rw_load_slot));
    layout.checks = aligned(layout.steps + steps * sizeof(struct rw_load_step_tally));
    layout.timeline = aligned(layout.checks + checks * sizeof(struct rw_load_check_count));
    layout.pairs = rw_timeline_pair_room(layout.rows);
    layout.bytes = layout.timeline + rw_timeline_bytes(layout.rows, layout.pairs);
    return layout;
}

/* The system gives memory as it is touched: of what nobody counts there is none. */
static void begin_steps(const struct rw_load_settings *settings, struct rw_load_shared *shared)
{
    for (size_t i = 0; i < (size_t)settings->threads * settings->request_count; i++)
        shared->steps[i].latency.least = UINT64_MAX;
}

static struct rw_load_shared *share_memory(const struct rw_load_settings *settings)
{
    const struct layout layout = lay_out(settings);
    struct rw_load_shared *shared = mmap(NULL, layout.bytes, PROT_READ | PROT_WRITE,
                                         MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (shared == MAP_FAILED)
        return NULL;
    shared->bytes = layout.bytes;
    shared->timeline = (struct rw_timeline *)((char *)shared + layout.timeline);
    if (settings->script) {
        shared->steps = (struct rw_load_step_tally *)((char *)shared + layout.steps);
        shared->checks = (struct rw_load_check_count *)((char *)shared + layout.checks);
        begin_steps(settings, shared);
    }
    rw_timeline_begin(shared->timeline, settings->threads, layout.rows, layout.pairs);
    atomic_store(&shared->gate.waiting, settings->threads);
    atomic_store(&shared->gate.busy, settings->threads);
    for (unsigned i = 0; i < settings->threads; i++)
        rw_load_tally_begin(&shared->slots[i].tally);
    return shared;
}

/* ---- A thread, and a process of some threads ---- */

static void *work(void *argument)
{
    struct rw_load_generator *generator = &((struct thread *)argument)->generator;
    struct rw_load_slot *slot = generator->slot;
    slot->err = rw_load_generator_open(generator);
    if (!slot->err)
        rw_load_generator_work(generator);
    else
        atomic_store(&generator->gate->failed, true);
    rw_load_generator_end(generator);
    atomic_store(&slot->ended, true);
    return NULL;
}

static void start_thread(const struct rw_load_settings *settings, struct rw_load_shared *shared,
                         struct thread *thread, unsigned index)
{
    struct rw_load_slot *slot = &shared->slots[index];
    thread->generator = (struct rw_load_generator){
        .settings = settings,
        .gate = &shared->gate,
        .timeline = shared->timeline,
        .slot = slot,
        .tally = &slot->tally,
        .index = index,
    };
    if (settings->script) {
        thread->generator.steps = shared->steps + (size_t)index * settings->request_count;
        thread->generator.checks = shared->checks + (size_t)index * settings->script->check_count;
    }
    thread->started = pthread_create(&thread->id, NULL, work, thread) == 0;
    if (!thread->started) {
        slot->err = RW_ELIMIT;
        atomic_store(&shared->gate.failed, true);
        atomic_store(&slot->ended, true);
    }
}

static struct thread *start_threads(const struct rw_load_settings *settings,
                                    struct rw_load_shared *shared, unsigned first, unsigned count)
{
    struct thread *threads = rw_alloc_zero(count * sizeof(*threads));
    for (unsigned i = 0; threads && i < count; i++)
        start_thread(settings, shared, &threads[i], first + i);
    return threads;
}

static void join_threads(struct thread *threads, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (threads[i].started)
            pthread_join(threads[i].id, NULL);
    rw_free(threads);
}

/* It must not outlive who started it; an interrupt at the terminal is the first process's to take.
 */
_Noreturn static void be_process(const struct rw_load_settings *settings,
                                 struct rw_load_shared *shared, unsigned first, unsigned count)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    struct thread *threads = start_threads(settings, shared, first, count);
    if (!threads)
        _exit(1);
    join_threads(threads, count);
    _exit(0);
}

/* ---- The run ---- */

static bool all_ended(const struct rw_load_settings *settings, struct rw_load_shared *shared)
{
    for (unsigned i = 0; i < settings->threads; i++)
        if (!atomic_load(&shared->slots[i].ended))
            return false;
    return true;
}

static uint32_t count_connected(const struct rw_load_run *run, struct rw_load_shared *shared)
{
    uint32_t connected = 0;
    for (unsigned i = 0; i < run->settings->threads; i++)
        connected += atomic_load_explicit(&shared->slots[i].connected, memory_order_relaxed);
    return connected;
}

static void show(struct rw_load_run *run, struct rw_load_shared *shared)
{
    struct rw_load_progress progress = {.seconds = -1};
    uint64_t begin_ns = atomic_load(&shared->gate.begin_ns);
    if (!run->progress)
        return;
    if (begin_ns)
        progress.seconds = ((double)rw_clock_monotonic_ns() - (double)begin_ns) / 1e9;
    progress.connected = count_connected(run, shared);
    progress.rows = rw_timeline_last(shared->timeline, &progress.row);
    progress.all = shared->timeline->rows;
    run->progress(&progress, run->user);
}

/* How far the opening of connections has come. */
struct opening {
    uint32_t most; /* there have been so many */
    uint64_t since_ns;
};

/* Once all threads have their connections, a common begin a little ahead. A million take their
 * time: what counts is that it goes on. */
static void open_the_gate(struct rw_load_run *run, struct rw_load_shared *shared,
                          struct opening *opening)
{
    struct rw_load_gate *gate = &shared->gate;
    uint64_t now = rw_clock_monotonic_ns();
    if (atomic_load(&run->stop) && !atomic_load(&gate->stop)) {
        atomic_store(&gate->stop_ns, now);
        atomic_store(&gate->stop, true);
    }
    if (atomic_load(&gate->begin_ns) || atomic_load(&gate->stop))
        return;
    uint32_t connected = count_connected(run, shared);
    if (connected > opening->most)
        *opening = (struct opening){connected, now};
    if (atomic_load(&gate->waiting) == 0)
        atomic_store(&gate->begin_ns, now + BEGIN_AHEAD_MS * RW_NS_PER_MS);
    else if (now - opening->since_ns > run->settings->connect_ms_max * RW_NS_PER_MS)
        atomic_store(&gate->failed, true);
}

/* False: a process has died. */
static bool all_live(const pid_t *processes, unsigned count)
{
    siginfo_t info;
    for (unsigned i = 0; i < count; i++) {
        info.si_pid = 0;
        if (waitid(P_PID, (id_t)processes[i], &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid && (info.si_code != CLD_EXITED || info.si_status != 0))
            return false;
    }
    return true;
}

static enum rw_err watch_over(struct rw_load_run *run, struct rw_load_shared *shared,
                              const pid_t *processes, unsigned count)
{
    struct opening opening = {.since_ns = rw_clock_monotonic_ns()};
    for (unsigned look = 1; !all_ended(run->settings, shared); look++) {
        open_the_gate(run, shared, &opening);
        usleep(LOOK_MS * 1000);
        if (look % SHOW_LOOKS)
            continue;
        show(run, shared);
        if (!all_live(processes, count))
            return RW_EIO;
    }
    return RW_OK;
}

static enum rw_err run_here(struct rw_load_run *run, struct rw_load_shared *shared)
{
    struct thread *threads = start_threads(run->settings, shared, 0, run->settings->threads);
    if (!threads)
        return RW_ENOMEM;
    enum rw_err err = watch_over(run, shared, NULL, 0);
    join_threads(threads, run->settings->threads);
    return err;
}

static void end_processes(const pid_t *processes, unsigned count, bool at_once)
{
    for (unsigned i = 0; i < count; i++) {
        if (at_once)
            kill(processes[i], SIGKILL);
        waitpid(processes[i], NULL, 0);
    }
}

static enum rw_err run_in_processes(struct rw_load_run *run, struct rw_load_shared *shared)
{
    const struct rw_load_settings *settings = run->settings;
    unsigned each = settings->threads / settings->processes, count = 0;
    pid_t *processes = rw_alloc_zero(settings->processes * sizeof(*processes));
    if (!processes)
        return RW_ENOMEM;
    for (; count < settings->processes; count++) {
        processes[count] = fork();
        if (processes[count] == 0)
            be_process(settings, shared, count * each, each);
        if (processes[count] < 0)
            break;
    }
    enum rw_err err = count < settings->processes ? RW_ELIMIT : RW_OK;
    if (!err)
        err = watch_over(run, shared, processes, count);
    end_processes(processes, count, err != RW_OK);
    rw_free(processes);
    return err;
}

/* The first thread's become the sum. */
static void gather_script(const struct rw_load_settings *settings, struct rw_load_shared *shared,
                          struct rw_load_result *result)
{
    const size_t steps = settings->request_count, checks = settings->script->check_count;
    for (size_t i = steps; i < steps * settings->threads; i++)
        rw_load_step_tally_add(&shared->steps[i % steps], &shared->steps[i]);
    for (size_t i = checks; i < checks * settings->threads; i++) {
        shared->checks[i % checks].held += shared->checks[i].held;
        shared->checks[i % checks].missed += shared->checks[i].missed;
    }
    result->steps = shared->steps;
    result->checks = shared->checks;
}

static enum rw_err gather(const struct rw_load_settings *settings, struct rw_load_shared *shared,
                          struct rw_load_result *result)
{
    enum rw_err err = RW_OK;
    for (unsigned i = 0; i < settings->threads; i++) {
        const struct rw_load_slot *slot = &shared->slots[i];
        rw_load_tally_add(&result->tally, &slot->tally);
        if (!result->why[0])
            memcpy(result->why, slot->why, sizeof(result->why));
        if (!err)
            err = slot->err;
    }
    return !err && atomic_load(&shared->gate.failed) ? RW_EREFUSED : err;
}

/* That were measured: of an interrupted run fewer than were asked for. */
static double seconds_of(const struct rw_load_settings *settings, struct rw_load_gate *gate)
{
    double all = rw_load_seconds(settings);
    uint64_t begin_ns = atomic_load(&gate->begin_ns), stop_ns = atomic_load(&gate->stop_ns);
    if (!stop_ns)
        return all;
    double till = begin_ns && stop_ns > begin_ns ? (double)(stop_ns - begin_ns) / 1e9 : 0;
    till = till > settings->warmup_seconds ? till - settings->warmup_seconds : 0;
    return till < all ? till : all;
}

enum rw_err rw_load_run(struct rw_load_run *run, struct rw_load_result *result)
{
    const struct rw_load_settings *settings = run->settings;
    memset(result, 0, sizeof(*result));
    rw_clock_format_rfc3339(result->began, rw_clock_wall_ns());
    rw_raise_descriptor_limit(); /* a connection that finds none says so */
    rw_load_tally_begin(&result->tally);
    result->shared = share_memory(settings);
    if (!result->shared)
        return RW_ENOMEM;
    enum rw_err err = settings->processes > 1 ? run_in_processes(run, result->shared)
                                              : run_here(run, result->shared);
    enum rw_err gathered = gather(settings, result->shared, result);
    if (settings->script)
        gather_script(settings, result->shared, result);
    result->timeline = result->shared->timeline;
    result->interrupted = atomic_load(&run->stop);
    result->seconds = seconds_of(settings, &result->shared->gate);
    return err ? err : gathered;
}

void rw_load_stop(struct rw_load_run *run)
{
    atomic_store(&run->stop, true);
}

void rw_load_result_close(struct rw_load_result *result)
{
    if (result->shared)
        munmap(result->shared, result->shared->bytes);
    result->shared = NULL;
    result->timeline = NULL;
}

double rw_load_busy_share(const struct rw_load_settings *settings,
                          const struct rw_load_result *result)
{
    double seconds = (settings->warmup_seconds + result->seconds) * settings->threads;
    return seconds > 0 ? (double)result->tally.busy_ns / 1e9 / seconds : 0;
}

/* Answers wait to be read, and who waits for a connection waits for that: whether the target could
 * do more cannot be told. */
static bool had_no_time(const struct rw_load_settings *settings,
                        const struct rw_load_result *result, bool queued)
{
    return (settings->closed || queued) &&
           rw_load_busy_share(settings, result) * 100 >= BUSY_PER_CENT_MAX;
}

enum rw_load_verdict rw_load_judge(const struct rw_load_settings *settings,
                                   const struct rw_load_result *result)
{
    const struct rw_load_tally *tally = &result->tally;
    uint64_t late_ns = rw_histogram_quantile(&tally->lateness, 0.99);
    uint64_t p99_ns = rw_histogram_quantile(&tally->service, 0.99);
    if (!tally->counts.answered)
        return RW_LOAD_NOTHING_ANSWERED;
    bool queued = !settings->closed && tally->counts.queued * 100 > tally->counts.due;
    if (late_ns > LATE_NS_MAX && late_ns > p99_ns / 10)
        return RW_LOAD_GENERATOR_LATE;
    if (had_no_time(settings, result, queued))
        return RW_LOAD_GENERATOR_BUSY;
    if (queued)
        return RW_LOAD_CONNECTIONS_BUSY;
    return RW_LOAD_SOUND;
}
