/* Processes of a contender. Each contender runs in a session of its own, so that all its processes
 * (a supervisor, workers, a new binary that replaced the old one) are found by the session's number
 * even after their parents have gone. Called by the driver's only thread.
 */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_SESSION_PROCESSES_MAX 512

struct bench_launch {
    char *const *arguments;  /* ends with NULL; the first is looked up in PATH */
    const char *output_path; /* stdout and stderr go there */
    int core;                /* inherited by the whole session */
    int inherited_fd;        /* left open across exec, or -1 */
    bool realtime;           /* run before all ordinary work, where that is allowed */
};

struct bench_memory {
    uint64_t resident; /* proportional set size: shared pages count once over all processes */
    uint64_t own;      /* the part of it that no file backs: heap, stacks, shared memory */
};

/* Makes this process the one to which orphans of its children return; call once at the start. */
void bench_process_adopt_orphans(void);

/* Starts a program as the leader of a new session. Returns its process, or -1. */
pid_t bench_process_start(const struct bench_launch *launch);

/* Living members of the session (zombies are not), at most `size`. Returns how many. */
size_t bench_session_members(pid_t session, pid_t *members, size_t size);

/* The youngest member whose parent is not a member: whom to send signals. 0 when there is none. */
pid_t bench_session_root(pid_t session);

/* User and system time of all living members since they began. */
uint64_t bench_session_cpu_ns(pid_t session);

/* Memory of all living members. */
struct bench_memory bench_session_memory(pid_t session);

/* Asks the session to end, waits at most two seconds, kills what is left, reaps. */
void bench_session_end(pid_t session);

/* Collects the exit of any child that ended; never waits. */
void bench_process_reap(void);

/* Sleeps; returns false when the driver was interrupted by a signal meanwhile or before. */
bool bench_sleep_ms(long milliseconds);

/* Set by the driver's signal handler: wind up now. */
bool bench_interrupted(void);
void bench_catch_interrupts(void);

#endif
