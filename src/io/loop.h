/* The event loop: one per thread, three backends with one contract.
 *
 *   epoll     readiness, edge-triggered, no epoll_ctl after a stream is attached
 *   io_uring  multishot receive into provided buffers, one submit per turn; bulk by poll and recv;
 *             sockets without descriptors, where those would not do
 *   sim       virtual time and a seeded network inside the process (io/sim.h)
 *
 * The thread that creates a loop runs it: rw_loop_run calls the callbacks of timers, listeners,
 * streams and posted tasks, one at a time, until rw_loop_stop. Everything except rw_loop_post
 * belongs to that thread. All completions are delivered from rw_loop_run, never from inside the
 * call that asked for them.
 */
#ifndef RW_IO_LOOP_H
#define RW_IO_LOOP_H

#include "base/err.h"
#include "base/list.h"
#include "base/random.h"
#include "io/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct rw_loop;
struct rw_sim;

enum rw_loop_backend { RW_LOOP_AUTO, RW_LOOP_EPOLL, RW_LOOP_IO_URING, RW_LOOP_SIM };

struct rw_loop_options {
    enum rw_loop_backend
        backend; /* AUTO: io_uring, or epoll where the kernel or its owner forbids that */
    size_t buffer_bytes_max; /* cap of the buffer pool; 0: 1 GiB. When it is reached, receiving
                                waits */
    int descriptors_max;     /* io_uring, Linux 6.8: a stream whose descriptor has this number or a
                                higher one gives it back and keeps its socket in a slot of a ring, so
                                that there can be more streams than descriptors; 0: none does */
    bool prompt;             /* every event is told at once; else a turn under load may wait some
                                100 us for more of them, which takes less CPU */
    bool answers_first;      /* what the loop has connected is heard before what it has accepted:
                                what has begun is finished before more begins (io_uring) */
    struct rw_sim *sim;      /* with RW_LOOP_SIM: the simulated network, outlives the loop */
};

/* RW_EUNSUPPORTED when the backend is not permitted here (io_uring in many containers). */
RW_MUST_CHECK enum rw_err rw_loop_create(const struct rw_loop_options *options,
                                         struct rw_loop **loop);
/* Every stream and listener must be closed (their on_closed called), every timer stopped, every
 * task run. */
void rw_loop_destroy(struct rw_loop *loop);

void rw_loop_run(struct rw_loop *loop);
/* From a callback: rw_loop_run returns after the callbacks that are due. */
void rw_loop_stop(struct rw_loop *loop);
/* One turn: waits at most `wait_ms_max` (0: not at all) and runs what is due. For tests and the
 * simulation. */
void rw_loop_turn(struct rw_loop *loop, int wait_ms_max);

const char *rw_loop_backend_name(const struct rw_loop *loop);
enum rw_loop_backend rw_loop_backend(const struct rw_loop *loop);

/* Monotonic time. _ms and turn_ns are read once a turn (free): when the loop woke, with all that
 * the turn brings. now_ns is exact (a vDSO call; virtual in simulation). */
uint64_t rw_loop_now_ms(const struct rw_loop *loop);
uint64_t rw_loop_turn_ns(const struct rw_loop *loop);
uint64_t rw_loop_now_ns(const struct rw_loop *loop);
/* Wall-clock nanoseconds since 1970, advanced with the turn (virtual in simulation). */
uint64_t rw_loop_wall_ns(const struct rw_loop *loop);

struct rw_buf_pool *rw_loop_buffers(struct rw_loop *loop);
/* Seeded by the system, or by the simulation's seed. */
struct rw_random *rw_loop_random(struct rw_loop *loop);

/* ---- Tasks from other threads ---- */

struct rw_task {
    struct rw_task *next;
    void (*run)(struct rw_task *task);
};

/* Any thread. `task` belongs to the loop until `run` is called on the loop's thread. Never fails.
 * Tasks run in the order posted. */
void rw_loop_post(struct rw_loop *loop, struct rw_task *task);

/* ---- Work for the end of a turn: what a turn's events have made leaves in one send ---- */

struct rw_later {
    struct rw_list link;
    void (*run)(struct rw_later *later);
};

/* Zeroed memory with `run` set is ready for use. `run` is called once, after the other callbacks of
 * this turn (of the next one, when asked from on_closed or from another's `run`). Asking twice is
 * asking once. */
void rw_loop_later(struct rw_loop *loop, struct rw_later *later);
void rw_loop_later_stop(struct rw_later *later);

/* ---- Timers: a hierarchical wheel of 1 ms ticks; starting and stopping are O(1) ---- */

struct rw_timer {
    struct rw_list link;
    uint64_t due_ms;
    void (*fire)(struct rw_timer *timer);
};

/* Zeroed memory with `fire` set is a stopped timer. Starting a running timer moves it. `fire` runs
 * once, at or after `due_ms` (monotonic, as rw_loop_now_ms), after which the timer is stopped. */
void rw_timer_start(struct rw_loop *loop, struct rw_timer *timer, uint64_t due_ms);
void rw_timer_stop(struct rw_loop *loop, struct rw_timer *timer);
static inline bool rw_timer_running(const struct rw_timer *timer)
{
    return rw_list_linked(&timer->link);
}

/* ---- Descriptors that others read and write (DNS library, signalfd, inotify): readiness only ----
 */

struct rw_watch {
    struct rw_loop *loop;
    int fd;
    unsigned events; /* asked for: RW_WATCH_READ | RW_WATCH_WRITE */
    void (*ready)(struct rw_watch *watch, unsigned events);
    void *backend; /* the loop's own */
};

enum { RW_WATCH_READ = 1, RW_WATCH_WRITE = 2 };

/* Level-triggered. `fd` stays the caller's; stop before closing it. Not in simulation
 * (RW_EUNSUPPORTED). */
RW_MUST_CHECK enum rw_err rw_watch_start(struct rw_loop *loop, struct rw_watch *watch);
void rw_watch_stop(struct rw_watch *watch);

#endif
