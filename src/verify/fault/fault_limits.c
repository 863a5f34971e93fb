/* Faults of what a process lives on: no descriptor more, or no page more. The soft limit of each
 * worker process is lowered to what it has just now (prlimit(2), which needs no root for processes
 * of one's own), and given back; the hard limit is not touched. Without worker processes it is the
 * process itself.
 *
 * Memory is address space (RLIMIT_AS): every allocation that needs another mapping fails, as at the
 * end of memory; a cgroup would have the kernel kill instead, and needs rights that a test has not.
 */
#include "verify/fault/fault_private.h"

#include "base/alloc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ASKERS = 4, ASK_TICK_MS = 50, MEMORY_SLACK_BYTES = 64 * 1024 };

struct limited {
    size_t count;
    pid_t pids[RW_FAULT_PIDS_MAX];
    uint64_t limits[RW_FAULT_PIDS_MAX];
    struct rw_guard_duty *duties[RW_FAULT_PIDS_MAX];
    bool seen[RW_FAULT_PIDS_MAX]; /* at the limit */
    struct rw_army *askers;       /* DESCRIPTORS: who finds none */
};

static const char *lacks(const struct rw_fault_target *target, enum rw_fault_class fault)
{
    if (target->pid_count == 0)
        return "its process is not known: verify starts it, or `pid_file` says it";
    if (fault == RW_FAULT_DESCRIPTORS && !target->front)
        return "the address of a listener is not known";
    return NULL;
}

/* The lowest descriptor that is free: with that as its limit a process gets no more. 0: unknown. */
static uint64_t descriptors_of(pid_t pid)
{
    enum { MOST = 1 << 20 };
    static unsigned char used[MOST / 8]; /* the fault thread's alone */
    char path[40];
    uint64_t lowest = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    if (!directory)
        return 0;
    memset(used, 0, sizeof(used));
    for (struct dirent *entry; (entry = readdir(directory));) {
        unsigned long fd = strtoul(entry->d_name, NULL, 10);
        if (entry->d_name[0] != '.' && fd < MOST)
            used[fd / 8] |= (unsigned char)(1u << fd % 8);
    }
    closedir(directory);
    while (lowest < MOST && used[lowest / 8] >> lowest % 8 & 1)
        lowest++;
    return lowest;
}

/* Its address space in bytes; 0: unknown. */
static uint64_t memory_of(pid_t pid)
{
    char path[40];
    unsigned long pages = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%lu", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void find(const struct rw_fault_target *target, struct limited *limited)
{
    limited->count = rw_process_children(target->pids[0], limited->pids, RW_FAULT_PIDS_MAX);
    if (limited->count == 0)
        limited->pids[limited->count++] = target->pids[0];
}

static void undo(struct limited *limited)
{
    for (size_t i = 0; i < limited->count; i++)
        rw_guard_undo(limited->duties[i]);
}

static enum rw_err limit_one(struct rw_fault *fault, struct limited *limited, size_t i)
{
    bool memory = fault->order.fault == RW_FAULT_MEMORY;
    pid_t pid = limited->pids[i];
    uint64_t has = memory ? memory_of(pid) : descriptors_of(pid);
    if (has == 0)
        return RW_ENOENT;
    limited->limits[i] = memory ? has + fault->order.bytes : has;
    return rw_guard_limit(&fault->faults->guard, pid, memory ? RLIMIT_AS : RLIMIT_NOFILE,
                          limited->limits[i], &limited->duties[i]);
}

static enum rw_err begin(struct rw_fault *fault, char *why)
{
    struct limited *limited = rw_alloc_zero(sizeof(*limited));
    if (!limited)
        return RW_ENOMEM;
    enum rw_err err = RW_OK;
    find(&fault->target, limited);
    for (size_t i = 0; i < limited->count && !err; i++) {
        err = limit_one(fault, limited, i);
        if (err)
            snprintf(why, RW_FAULT_WHY_BYTES, "limits of process %d: %s", (int)limited->pids[i],
                     rw_err_text(err));
    }
    if (!err && fault->order.fault == RW_FAULT_DESCRIPTORS)
        err = rw_fault_open_army(fault, RW_ARMY_ASKERS, ASKERS, ASK_TICK_MS, &limited->askers);
    if (err) {
        undo(limited);
        rw_free(limited);
    } else {
        fault->state = limited;
    }
    return err;
}

/* Just when the fault began it may have had more than usual (a stack, a file, room for an arena):
 * the limit follows it down, else it would never be reached. */
static void observe_memory_of(const struct rw_fault *fault, struct limited *limited, size_t i)
{
    pid_t pid = limited->pids[i];
    struct rlimit limit;
    uint64_t has = memory_of(pid);
    if (!has || prlimit(pid, RLIMIT_AS, NULL, &limit) || limit.rlim_cur != limited->limits[i])
        return;
    limited->seen[i] |= has + MEMORY_SLACK_BYTES > limited->limits[i];
    if (limited->seen[i] || has + fault->order.bytes + MEMORY_SLACK_BYTES > limited->limits[i])
        return;
    limit.rlim_cur = has + fault->order.bytes;
    if (prlimit(pid, RLIMIT_AS, &limit, NULL) == 0)
        limited->limits[i] = limit.rlim_cur;
}

static void observe_memory(struct rw_fault *fault, struct limited *limited)
{
    for (size_t i = 0; i < limited->count; i++) {
        observe_memory_of(fault, limited, i);
        fault->observed.count += limited->seen[i];
    }
}

static void observe(struct rw_fault *fault)
{
    struct limited *limited = fault->state;
    struct rw_army_counts counts;
    fault->observed = (struct rw_fault_observed){0};
    if (limited->askers) {
        rw_army_count(limited->askers, &counts);
        fault->observed.count = counts.hit;
    } else {
        observe_memory(fault, limited);
    }
    fault->observed.happened = fault->observed.count > 0;
}

static void end(struct rw_fault *fault)
{
    struct limited *limited = fault->state;
    undo(limited);
    if (limited->askers)
        rw_army_close(limited->askers, rw_faults_part_closed, fault->faults);
    rw_free(limited);
}

const struct rw_fault_means rw_fault_by_limits = {.lacks = lacks,
                                                  .begin = begin,
                                                  .observe = observe,
                                                  .end = end};
