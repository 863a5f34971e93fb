/* Processes that are killed or stand still. Of a gateway it is its worker processes, not the
 * supervisor that starts them anew; of a server it and all that descend from it, as when its
 * machine is gone: a server that leaves its work to others would else hardly notice. */
#include "verify/fault/fault_private.h"

#include "base/alloc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

enum { VICTIMS_MAX = RW_GUARD_DUTIES_MAX };

struct victims {
    size_t count;
    pid_t pids[VICTIMS_MAX];
    uint64_t began[VICTIMS_MAX];
    struct rw_guard_duty *duties[VICTIMS_MAX]; /* of those that stand still */
    bool seen[VICTIMS_MAX];                    /* to be gone, or still */
};

static const char *lacks(const struct rw_fault_target *target, enum rw_fault_class fault)
{
    (void)fault;
    return target->pid_count ? NULL
                             : "its process is not known: verify starts it, or `pid_file` says it";
}

/* Who has ended meanwhile is none. */
static void add_family(struct victims *victims, pid_t pid)
{
    pid_t *family = victims->pids + victims->count;
    size_t count = rw_process_family(pid, family, VICTIMS_MAX - victims->count);
    for (size_t i = 0; i < count; i++) {
        uint64_t began = rw_process_began(family[i]);
        victims->pids[victims->count] = family[i];
        victims->began[victims->count] = began;
        victims->count += began != 0;
    }
}

static enum rw_err choose(struct rw_fault *fault, const pid_t *pids, size_t count,
                          struct victims *victims, char *why)
{
    bool chosen[RW_FAULT_PIDS_MAX];
    rw_fault_choose(fault->faults, fault->order.parts, count, chosen);
    for (size_t i = 0; i < count; i++) {
        if (!chosen[i])
            continue;
        if (!rw_process_began(pids[i])) {
            snprintf(why, RW_FAULT_WHY_BYTES, "process %d is gone already", (int)pids[i]);
            return RW_ENOENT;
        }
        add_family(victims, pids[i]);
    }
    return RW_OK;
}

static enum rw_err find(struct rw_fault *fault, struct victims *victims, char *why)
{
    const struct rw_fault_target *target = &fault->target;
    pid_t workers[RW_FAULT_PIDS_MAX];
    const pid_t *pids = target->pids;
    size_t count = target->pid_count < RW_FAULT_PIDS_MAX ? target->pid_count : RW_FAULT_PIDS_MAX;
    if (target->dependency->kind == RW_DEPENDENCY_WORKER) {
        count = rw_process_children(target->pids[0], workers, RW_FAULT_PIDS_MAX);
        pids = workers;
    }
    if (count)
        return choose(fault, pids, count, victims, why);
    snprintf(why, RW_FAULT_WHY_BYTES, "process %d has no worker processes", (int)target->pids[0]);
    return RW_ENOENT;
}

static void undo(struct victims *victims)
{
    for (size_t i = 0; i < victims->count; i++)
        rw_guard_undo(victims->duties[i]);
}

static enum rw_err hit(struct rw_fault *fault, pid_t pid, struct rw_guard_duty **duty)
{
    if (fault->order.fault == RW_FAULT_STOP)
        return rw_guard_stop(&fault->faults->guard, pid, duty);
    if (kill(pid, SIGKILL) == 0)
        return RW_OK;
    return errno == ESRCH ? RW_ENOENT : rw_err_from_errno(errno);
}

/* Children may end as soon as their parent is hit. */
static enum rw_err strike(struct rw_fault *fault, struct victims *victims, char *why)
{
    size_t found = victims->count;
    victims->count = 0;
    for (size_t i = 0; i < found; i++) {
        pid_t pid = victims->pids[i];
        enum rw_err err = hit(fault, pid, &victims->duties[victims->count]);
        if (err && err != RW_ENOENT) {
            undo(victims);
            snprintf(why, RW_FAULT_WHY_BYTES, "process %d: %s", (int)pid, rw_err_text(err));
            return err;
        }
        victims->pids[victims->count] = pid;
        victims->began[victims->count] = victims->began[i];
        victims->count += !err;
    }
    return RW_OK;
}

static enum rw_err begin(struct rw_fault *fault, char *why)
{
    struct victims *victims = rw_alloc_zero(sizeof(*victims));
    if (!victims)
        return RW_ENOMEM;
    enum rw_err err = find(fault, victims, why);
    if (!err)
        err = strike(fault, victims, why);
    if (err)
        rw_free(victims);
    else
        fault->state = victims;
    return err;
}

static bool suffers(const struct rw_fault *fault, pid_t pid, uint64_t began)
{
    if (fault->order.fault == RW_FAULT_KILL)
        return rw_process_began(pid) != began;
    return rw_process_began(pid) == began && rw_process_state(pid) == 'T';
}

static void observe(struct rw_fault *fault)
{
    struct victims *victims = fault->state;
    fault->observed = (struct rw_fault_observed){0};
    for (size_t i = 0; i < victims->count; i++) {
        victims->seen[i] |= suffers(fault, victims->pids[i], victims->began[i]);
        fault->observed.count += victims->seen[i];
    }
    fault->observed.happened = victims->count && fault->observed.count == victims->count;
}

static void end(struct rw_fault *fault)
{
    undo(fault->state);
    rw_free(fault->state);
}

const struct rw_fault_means rw_fault_by_signal = {.lacks = lacks,
                                                  .begin = begin,
                                                  .observe = observe,
                                                  .end = end};
