/* Processes that verify starts: the gateway, servers. What they say on standard error is kept,
 * and its end shown when they fail. They end when verify does, however that happens.
 */
#ifndef RW_VERIFY_PROCESS_H
#define RW_VERIFY_PROCESS_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct rw_process {
    const char *name;       /* in messages: "the gateway" */
    pid_t pid;              /* 0: not running */
    int log;                /* what it says; -1: none */
    int status;             /* of waitpid, once it has ended by itself */
    const char *file;       /* that it was given and speaks of; NULL: none, */
    const char *file_shown; /* and what its last words call that instead */
};

enum { RW_PROCESS_ARGUMENTS_MAX = 64 };

/* `arguments` ends with NULL; the first is looked for in PATH. Descriptors of ours that are not
 * close-on-exec are its, too. RW_ELIMIT, RW_EIO. */
RW_MUST_CHECK enum rw_err rw_process_start(struct rw_process *process, const char *name,
                                           char *const *arguments);
/* False: it has ended. */
bool rw_process_runs(struct rw_process *process);
/* SIGTERM, and after `patience_ms` SIGKILL for its whole group; returns once it is gone. Nothing if
 * it is not running. */
void rw_process_stop(struct rw_process *process, uint32_t patience_ms);
/* Also its log goes. */
void rw_process_close(struct rw_process *process);
/* It may go on without us. Its log goes. */
void rw_process_forget(struct rw_process *process);

/* The last lines that it said. */
void rw_process_last_words(const struct rw_process *process, struct rw_text *text);

/* Processor time of a process and all that descend from it, the ended ones among them; NaN: cannot
 * be told. */
double rw_process_cpu_seconds(pid_t pid);

#endif
