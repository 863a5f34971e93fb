/* The system under test: servers and gateway, started for a repetition and ended after it; or what
 * runs already, and is known by its addresses and pid files.
 *
 * On verify's own thread: rw_system_open once, for each stage of a repetition rw_system_place,
 * rw_system_start and rw_system_stop; rw_system_close. rw_system_start waits until each accepts
 * connections, so that the load meets a system that is up.
 */
#ifndef RW_VERIFY_SYSTEM_H
#define RW_VERIFY_SYSTEM_H

#include "verify/acceptance.h"
#include "verify/drive.h"
#include "verify/fault/clock_shim.h"
#include "verify/fault/fault.h"
#include "verify/fault/names.h"
#include "verify/origin.h"
#include "verify/process.h"
#include "verify/tailor.h"

/* How a dependency can be got at; lives as long as its system runs. */
struct rw_system_target {
    struct rw_fault_target target;
    struct rw_relay *relays[RW_ACCEPTANCE_SERVERS_MAX];
    pid_t pids[RW_ACCEPTANCE_SERVERS_MAX];
    char why[RW_FAULT_WHY_BYTES]; /* a process that a file names is left alone: why; else "" */
};

enum rw_system_stage {
    RW_SYSTEM_QUIET,     /* nothing stands in the way that need not: targets are measured */
    RW_SYSTEM_DISTURBED, /* relays stand in front of servers, so that these can be disturbed */
};

struct rw_system {
    const struct rw_acceptance *file;
    const struct rw_drive *drive;
    struct rw_address admin;    /* of the gateway; `bytes` 0: it has none that we know */
    struct rw_clock_shim clock; /* while faults are caused; the gateway is started with it */
    bool has_clock;
    enum rw_system_stage stage;
    struct rw_tailor tailor;
    struct rw_names *names; /* that the gateway asks; NULL: it asks others */
    struct rw_process gateway;
    struct rw_process servers[RW_ACCEPTANCE_SERVERS_MAX];
    struct rw_address listens[RW_ACCEPTANCE_SERVERS_MAX]; /* each server itself */
    struct rw_relay *relays[RW_ACCEPTANCE_SERVERS_MAX];   /* in front of it; NULL: none */
    struct rw_origin_counts *counts;                      /* of all built-in servers together */
    int counts_fd;
    const _Atomic bool *stop; /* of the run: waiting ends */
};

/* `config`: the gateway's; NULL: it is not known. RW_ENOMEM, RW_EIO, RW_ELIMIT; what else is told
 * in `why`. After an error it is closed. */
RW_MUST_CHECK enum rw_err rw_system_open(struct rw_system *system, const struct rw_drive *drive,
                                         const struct rw_config *config, const _Atomic bool *stop,
                                         struct rw_text *why);
/* Relays or a name server stand there also when nothing is disturbed: rw_system_place needs faults
 * in any stage. */
bool rw_system_needs_faults(const struct rw_system *system);
/* Says where everything is, and puts relays and the name server there; once for each `faults`,
 * which outlive the system's stop. NULL: neither. RW_EADDRINUSE, told in `why`. */
RW_MUST_CHECK enum rw_err rw_system_place(struct rw_system *system, struct rw_faults *faults,
                                          enum rw_system_stage stage, struct rw_text *why);
/* Also again after a stop. What could not be started, and the last words of it, in `why`.
 * RW_ETIMEDOUT, RW_EADDRINUSE (somebody listens there already), RW_ECLOSED (it has ended),
 * RW_ECANCELED (stopped). */
RW_MUST_CHECK enum rw_err rw_system_start(struct rw_system *system, struct rw_text *why);
/* False: something has ended by itself; told in `why`. */
bool rw_system_runs(struct rw_system *system, struct rw_text *why);
void rw_system_stop(struct rw_system *system);
void rw_system_close(struct rw_system *system);

void rw_system_target(struct rw_system *system, const struct rw_dependency *dependency,
                      struct rw_system_target *target);
/* Starts again what a fault has killed of it, and waits until it is up. As rw_system_start. */
RW_MUST_CHECK enum rw_err rw_system_revive(struct rw_system *system,
                                           const struct rw_dependency *dependency,
                                           struct rw_text *why);

/* Of the gateway's processes so far; NaN when they are not known. */
double rw_system_cpu_seconds(const struct rw_system *system);

/* ---- Within system*.c ---- */

RW_MUST_CHECK enum rw_err rw_system_start_server(struct rw_system *system, unsigned index,
                                                 struct rw_text *why);
/* Runs a command of a server. */
RW_MUST_CHECK enum rw_err rw_system_command(const struct rw_system *system, unsigned index,
                                            const struct rw_conf_list *command,
                                            struct rw_process *process);
/* Until somebody accepts connections there. `process` NULL: it is not ours. */
RW_MUST_CHECK enum rw_err rw_system_wait(const struct rw_system *system, struct rw_process *process,
                                         const struct rw_address *address, uint32_t ms_max,
                                         struct rw_text *why);

#endif
