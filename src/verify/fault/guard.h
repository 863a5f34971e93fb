/* A guard: a small process that undoes what verify did to other processes, should verify die first.
 *
 * What has to be undone stands in memory that both see: written before it is done, struck out after
 * it is undone. The guard waits for verify's end; then it lets stopped processes go on and gives
 * limits back, and ends. A process is meant by its id and the time it
 * began, so that nobody else who got the id later is touched.
 *
 * rw_guard_open forks: call it before the process has threads of its own making. Then one thread.
 */
#ifndef RW_VERIFY_FAULT_GUARD_H
#define RW_VERIFY_FAULT_GUARD_H

#include "base/err.h"

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum { RW_GUARD_DUTIES_MAX = 1024 };

struct rw_guard_duty;

struct rw_guard {
    struct rw_guard_duty *duties; /* shared with the guard process */
    pid_t pid;
};

/* RW_ELIMIT, RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_guard_open(struct rw_guard *guard);
/* Undoes what is left. */
void rw_guard_close(struct rw_guard *guard);

/* ---- Doing, with the promise to undo. RW_ENOENT: there is no such process; RW_EACCES; RW_ELIMIT:
 * RW_GUARD_DUTIES_MAX are open. `duty` is for the undoing. ---- */

RW_MUST_CHECK enum rw_err rw_guard_stop(struct rw_guard *guard, pid_t pid,
                                        struct rw_guard_duty **duty);
/* The soft limit only; what it was before comes back. `resource`: RLIMIT_NOFILE, RLIMIT_AS. */
RW_MUST_CHECK enum rw_err rw_guard_limit(struct rw_guard *guard, pid_t pid, int resource,
                                         uint64_t soft, struct rw_guard_duty **duty);
/* A process that is gone meanwhile needs nothing. NULL is fine. */
void rw_guard_undo(struct rw_guard_duty *duty);

/* When a process began, in clock ticks since the machine did; 0: it is gone. */
uint64_t rw_process_began(pid_t pid);
/* 'R', 'S', 'T', 'Z', ...: field 3 of /proc/PID/stat; 0: it is gone. */
char rw_process_state(pid_t pid);
/* Its children, at most `most`; how many it put into `pids`. */
size_t rw_process_children(pid_t pid, pid_t *pids, size_t most);
/* It and all that descend from it, parents first; as before. */
size_t rw_process_family(pid_t pid, pid_t *pids, size_t most);

#endif
