#include "watch/access.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "watch/access_file.h"
#include "watch/access_ring.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A worker waits for room in its ring as long as the writer needs for a full one, with some to
 * spare; after a wait in vain it only drops for a while, after the next one for twice as long. */
enum { ROOM_WAIT_NS = 5 * 1000 * 1000, ROOM_PAUSE_NS_MAX = 64 * ROOM_WAIT_NS };

struct rw_access_log {
    struct rw_access_file file; /* the writer's */
    struct rw_access_ring *rings;
    unsigned ring_count;
    pthread_t writer;
    _Atomic uint32_t asleep; /* futex of the writer: 1 while it waits for work */
    _Atomic uint32_t reopen_wanted;
    _Atomic uint32_t stopping;
    _Atomic uint32_t flush_wanted; /* number of the last flush asked for */
    _Atomic uint32_t flush_done;   /* futex of those who wait for a flush */
    _Atomic uint64_t lost;
    /* The writer's own. */
    unsigned turn;            /* the ring to go on with */
    uint64_t written;         /* bytes */
    uint64_t lost_in_trouble; /* lines, since the file failed */
};

/* ---- Waiting and waking ---- */

static void futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t wait_ns_max)
{
    struct timespec time = {.tv_sec = (time_t)(wait_ns_max / RW_NS_PER_S),
                            .tv_nsec = (long)(wait_ns_max % RW_NS_PER_S)};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &time, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Both sides exchange the word, never just store it: whichever comes second sees what the other did
 * before, so that a wake cannot fall between the writer's last look and its sleep. */
static void wake_writer(struct rw_access_log *log)
{
    if (atomic_exchange(&log->asleep, 0) == 1)
        futex_wake(&log->asleep);
}

static bool has_urgent_work(const struct rw_access_log *log)
{
    if (atomic_load(&log->stopping) || atomic_load(&log->reopen_wanted) ||
        atomic_load(&log->flush_wanted) != atomic_load(&log->flush_done))
        return true;
    /* A file in trouble is tried again at leisure. */
    for (unsigned i = 0; i < log->ring_count && !log->file.failing; i++)
        if (rw_access_ring_used(&log->rings[i]) > rw_access_ring_urgent(&log->rings[i]))
            return true;
    return false;
}

static void sleep_until_work(struct rw_access_log *log)
{
    atomic_exchange(&log->asleep, 1);
    if (!has_urgent_work(log))
        futex_wait(&log->asleep, 1, RW_ACCESS_WAIT_MS_MAX * RW_NS_PER_MS);
    atomic_exchange(&log->asleep, 0);
}

/* ---- The writer ---- */

static void count_lost(struct rw_access_log *log, uint64_t lines)
{
    log->lost_in_trouble += lines;
    atomic_fetch_add(&log->lost, lines);
}

/* A line of which a part is out will not be gone on with: another process may have written behind
 * it, or the file is another one now. */
static void drop_rest_of_line(struct rw_access_log *log)
{
    struct rw_access_ring *ring = &log->rings[log->turn];
    struct rw_span rest = rw_access_ring_peek(ring);
    ptrdiff_t end = rw_span_find(rest, '\n');
    rw_assert(end >= 0);
    rw_access_ring_consume(ring, (size_t)end + 1);
    log->file.torn = true;
    log->file.mid_line = false;
    count_lost(log, 1);
}

static void drop_all(struct rw_access_log *log)
{
    if (log->file.mid_line)
        drop_rest_of_line(log);
    for (unsigned i = 0; i < log->ring_count; i++) {
        struct rw_span lines;
        while ((lines = rw_access_ring_peek(&log->rings[i])).len) {
            uint64_t count = 0;
            for (size_t at = 0; at < lines.len; at++)
                count += lines.at[at] == '\n';
            rw_access_ring_consume(&log->rings[i], lines.len);
            count_lost(log, count);
        }
    }
}

static void end_trouble(struct rw_access_log *log)
{
    if (log->file.failing)
        rw_log_limited(RW_LOG_INFO, "access-log",
                       "%s: written again; %llu lines that had been accepted were lost",
                       log->file.path ? log->file.path : "standard output",
                       (unsigned long long)log->lost_in_trouble);
    log->file.failing = false;
    log->lost_in_trouble = 0;
}

/* A worker that waits is woken when there is room for many lines, not to wait again at once. */
static void make_room(struct rw_access_ring *ring, size_t len)
{
    rw_access_ring_consume(ring, len);
    if (atomic_load(&ring->room_wanted) && rw_access_ring_used(ring) <= ring->bytes / 2 &&
        atomic_exchange(&ring->room_wanted, 0))
        futex_wake(&ring->room_wanted);
}

/* Piece by piece, so that the room of each is free at once. Between two a worker may need this
 * core, unless it is for room that it waits. */
static enum rw_err write_lines(struct rw_access_log *log, struct rw_access_ring *ring,
                               struct rw_span lines)
{
    enum rw_err err = RW_OK;
    while (!err && lines.len) {
        size_t written;
        err = rw_access_file_write(&log->file, lines, RW_ACCESS_WAIT_MS_MAX, &written);
        make_room(ring, written);
        log->written += written;
        lines = rw_span_skip(lines, written);
        if (lines.len && !atomic_load(&ring->room_wanted))
            sched_yield();
    }
    return err;
}

/* Of what the ring holds now, the next part that lies in one piece. */
static enum rw_err drain_part(struct rw_access_log *log, struct rw_access_ring *ring,
                              size_t *waiting)
{
    struct rw_span lines = rw_access_ring_peek(ring);
    lines.len = lines.len < *waiting ? lines.len : *waiting;
    *waiting -= lines.len;
    if (!log->file.mid_line)
        rw_access_file_make_room(&log->file, lines.len);
    enum rw_err err = write_lines(log, ring, lines);
    if (err == RW_EIO && log->file.mid_line)
        drop_rest_of_line(log);
    if (!err)
        end_trouble(log);
    return err;
}

/* What comes meanwhile waits until it is worth a system call, too. */
static enum rw_err drain_ring(struct rw_access_log *log, struct rw_access_ring *ring)
{
    size_t waiting = rw_access_ring_used(ring);
    enum rw_err err = RW_OK;
    while (waiting && !err)
        err = drain_part(log, ring, &waiting);
    return err;
}

/* Goes on with the ring where the last round was held up: it may be within a line. */
static enum rw_err drain(struct rw_access_log *log)
{
    for (unsigned i = 0; i < log->ring_count; i++) {
        enum rw_err err = drain_ring(log, &log->rings[log->turn]);
        if (err)
            return err;
        log->turn = (log->turn + 1) % log->ring_count;
    }
    return RW_OK;
}

/* Until all is out, or there is no more hope for it. */
static void drain_finally(struct rw_access_log *log)
{
    uint64_t begin = rw_clock_monotonic_ns(), progress = begin, now;
    enum rw_err err;
    do {
        uint64_t before = log->written;
        err = drain(log);
        now = rw_clock_monotonic_ns();
        if (log->written != before)
            progress = now;
    } while (err == RW_ETIMEDOUT && now - progress < RW_ACCESS_STALL_MS_MAX * RW_NS_PER_MS &&
             now - begin < RW_ACCESS_FLUSH_MS_MAX * RW_NS_PER_MS);
    if (err)
        drop_all(log);
}

static void reopen(struct rw_access_log *log)
{
    if (log->file.mid_line)
        drop_rest_of_line(log);
    rw_access_file_reopen(&log->file);
}

static void *run_writer(void *argument)
{
    struct rw_access_log *log = argument;
    bool stop;
    do {
        /* Read before the rings, which then hold all that was logged before the wish. */
        stop = atomic_load(&log->stopping);
        uint32_t flush = atomic_load(&log->flush_wanted);
        if (atomic_exchange(&log->reopen_wanted, 0))
            reopen(log);
        if (stop || flush != atomic_load(&log->flush_done)) {
            drain_finally(log);
            atomic_store(&log->flush_done, flush);
            futex_wake(&log->flush_done);
        } else {
            drain(log); /* what cannot be written now waits in its ring */
        }
        if (!stop)
            sleep_until_work(log);
    } while (!stop);
    return NULL;
}

/* ---- Making and ending ---- */

static enum rw_err check_options(const struct rw_access_options *options, size_t ring_bytes)
{
    bool good = options->path && options->path[0] && options->rings > 0 &&
                options->rings <= RW_ACCESS_RINGS_MAX &&
                options->rotate_keep <= RW_ACCESS_ROTATE_KEEP_MAX &&
                ring_bytes >= RW_ACCESS_RING_BYTES_MIN && ring_bytes <= RW_ACCESS_RING_BYTES_MAX &&
                (ring_bytes & (ring_bytes - 1)) == 0;
    return good ? RW_OK : RW_EINVAL;
}

static enum rw_err make_rings(struct rw_access_log *log, unsigned count, size_t bytes)
{
    log->rings = rw_alloc_aligned(_Alignof(struct rw_access_ring), count * sizeof(*log->rings));
    if (!log->rings)
        return RW_ENOMEM;
    memset(log->rings, 0, count * sizeof(*log->rings));
    for (unsigned i = 0; i < count; i++) {
        struct rw_access_ring *ring = &log->rings[i];
        ring->log = log;
        ring->bytes = bytes;
        ring->data = rw_alloc(bytes);
        if (!ring->data)
            return RW_ENOMEM;
        memset(ring->data, 0, bytes); /* the page faults now, not in the workers' first requests */
        log->ring_count = i + 1;
    }
    return RW_OK;
}

/* Signals are for the other threads; without them, a pipe that was closed is an error as any other.
 */
static enum rw_err start_writer(struct rw_access_log *log)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&log->writer, NULL, run_writer, log);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        return rw_err_from_errno(error);
    pthread_setname_np(log->writer, "access-log");
    return RW_OK;
}

static void free_log(struct rw_access_log *log)
{
    rw_access_file_close(&log->file);
    for (unsigned i = 0; i < log->ring_count; i++)
        rw_free(log->rings[i].data);
    rw_free(log->rings);
    rw_free(log);
}

enum rw_err rw_access_create(const struct rw_access_options *options, struct rw_access_log **log)
{
    size_t ring_bytes = options->ring_bytes ? options->ring_bytes : RW_ACCESS_RING_BYTES;
    enum rw_err err = check_options(options, ring_bytes);
    if (err)
        return err;
    struct rw_access_log *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    err = rw_access_file_open(&made->file, options->path, options->rotate_bytes,
                              options->rotate_keep, options->later);
    if (!err)
        err = make_rings(made, options->rings, ring_bytes);
    if (!err)
        err = start_writer(made);
    if (err)
        free_log(made);
    else
        *log = made;
    return err;
}

void rw_access_destroy(struct rw_access_log *log)
{
    if (!log)
        return;
    atomic_store(&log->stopping, 1);
    wake_writer(log);
    pthread_join(log->writer, NULL);
    free_log(log);
}

void rw_access_reopen(struct rw_access_log *log)
{
    atomic_store(&log->reopen_wanted, 1);
    wake_writer(log);
}

void rw_access_flush(struct rw_access_log *log)
{
    uint32_t mine = atomic_fetch_add(&log->flush_wanted, 1) + 1;
    wake_writer(log);
    uint32_t done;
    while ((int32_t)((done = atomic_load(&log->flush_done)) - mine) < 0)
        futex_wait(&log->flush_done, done, RW_ACCESS_WAIT_MS_MAX * RW_NS_PER_MS);
}

uint64_t rw_access_take_lost(struct rw_access_log *log)
{
    return atomic_exchange(&log->lost, 0);
}

/* ---- The worker ---- */

struct rw_access_ring *rw_access_ring(struct rw_access_log *log, unsigned thread)
{
    rw_assert(thread < log->ring_count);
    return &log->rings[thread];
}

/* The writer may wait for this very core, which a busy worker never leaves: it sleeps a moment
 * before a line is given up. */
static char *wait_for_room(struct rw_access_ring *ring, size_t room)
{
    if (rw_clock_monotonic_ns() < ring->no_wait_until_ns)
        return NULL;
    atomic_store(&ring->room_wanted, 1);
    char *to = rw_access_ring_reserve(ring, room);
    if (!to) {
        wake_writer(ring->log);
        futex_wait(&ring->room_wanted, 1, ROOM_WAIT_NS);
        to = rw_access_ring_reserve(ring, room);
    }
    atomic_store(&ring->room_wanted, 0);
    uint64_t longer_ns = ring->pause_ns ? 2 * ring->pause_ns : ROOM_WAIT_NS;
    ring->pause_ns = to ? 0 : longer_ns < ROOM_PAUSE_NS_MAX ? longer_ns : ROOM_PAUSE_NS_MAX;
    ring->no_wait_until_ns = rw_clock_monotonic_ns() + ring->pause_ns;
    return to;
}

bool rw_access_write(struct rw_access_ring *ring, const struct rw_access_record *record)
{
    size_t room = rw_access_line_room(record);
    char *to = rw_access_ring_reserve(ring, room);
    if (__builtin_expect(!to, 0)) {
        to = wait_for_room(ring, room);
        if (!to)
            return false;
    }
    size_t len = rw_access_line(to, &ring->clock, record);
    if (__builtin_expect(rw_access_ring_commit(ring, to, len), 0))
        wake_writer(ring->log);
    return true;
}
