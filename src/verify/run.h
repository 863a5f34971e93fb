/* A run of verify: every repetition starts the system, drives each load, stops the system.
 *
 * Then, if the file has faults, the system is started again with relays in the way, and each case
 * (cases.h) has a trial: a load, and in the middle of it the fault (trial.h).
 *
 * rw_verify_prepare looks at all that needs no start. rw_verify_run blocks; meanwhile it calls
 * `progress` about four times a second on the caller's thread. rw_verify_stop (any thread, signal
 * handlers) ends it early and in good order: what was measured until then is kept, and the system
 * is stopped. rw_verify_run_close follows in any case.
 */
#ifndef RW_VERIFY_RUN_H
#define RW_VERIFY_RUN_H

#include "verify/cases.h"
#include "verify/drive.h"
#include "verify/ledger.h"
#include "verify/system.h"

struct rw_verify_progress {
    unsigned repetition, repetitions;  /* from 1 */
    const struct rw_verify_load *load; /* NULL: the system is being started */
    const struct rw_case *trial;       /* NULL: no fault */
    enum rw_fault_class fault;         /* of the trial */
    bool reading;                      /* what was written is being read back */
    double left_s;                     /* of all loads, and faults at most */
    const struct rw_load_progress *now;
};

struct rw_verify_run {
    /* The caller's. */
    const struct rw_acceptance *file;
    const struct rw_allowed *allowed;
    void (*progress)(const struct rw_verify_progress *progress, void *user);
    void *user;
    /* Results. */
    struct rw_record record;
    struct rw_text why; /* after an error: what went wrong, whole lines */
    /* Its own. */
    struct rw_drive drive;
    struct rw_system system;
    struct rw_arena arena;        /* of the cases, and the gateway's configuration */
    struct rw_ledger *ledger;     /* NULL: no target asks for it */
    struct rw_faults *faults;     /* while trials run */
    struct rw_load_run *load_run; /* while one runs */
    struct rw_verify_progress now;
    struct rw_take *take;
    uint64_t begin_ns;
    double planned_s, done_s; /* of all loads and faults; of those that are over */
    _Atomic bool stop;
};

/* All that can be known before anything is started: the gateway's configuration, hosts, files. What
 * is wrong stands in `why`, with its place. */
RW_MUST_CHECK enum rw_err rw_verify_prepare(struct rw_verify_run *run);

/* Once, after rw_verify_prepare went well. RW_EACCES, RW_EDNS, RW_EINVAL: the file asks for what
 * may not or cannot be reached; nothing was started. Else the system did not start, or ended by
 * itself: what was measured until then counts.
 */
RW_MUST_CHECK enum rw_err rw_verify_run(struct rw_verify_run *run);
void rw_verify_stop(struct rw_verify_run *run);
void rw_verify_run_close(struct rw_verify_run *run);

#endif
