/* Replacing the running program by the one on disk, without closing a socket (SIGUSR2).
 *
 * The supervisor first asks the new program to check the configuration, and goes on with its own
 * work until that has ended (rw_upgrade_check_died). If it said yes, the
 * supervisor executes it in its own place: same process id, same listening sockets (told by the
 * environment), and the old worker processes stay its children. The new program starts worker
 * processes of its own; when they accept, it sends SIGTERM to the old ones, which finish what they
 * have. */
#ifndef RW_SERVE_UPGRADE_H
#define RW_SERVE_UPGRADE_H

#include "serve/supervisor.h"

/* Starts the check; nothing when one is under way. */
void rw_upgrade_begin(struct rw_supervisor *supervisor);
/* True: the process was the check. */
bool rw_upgrade_check_died(struct rw_supervisor *supervisor, pid_t pid, int status);
/* At the end of each turn, when all the dead have been told: executes the new program if it has
 * agreed (then it does not return), ends a check that takes too long. */
void rw_upgrade_go_on(struct rw_supervisor *supervisor, uint64_t now_ms);
/* When rw_upgrade_go_on has to be called at the latest; UINT64_MAX: no matter. */
uint64_t rw_upgrade_due_ms(const struct rw_supervisor *supervisor);
/* At the start: takes over what the program before left in the environment, if anything; the
 * descriptors stay as they are if it left none. */
RW_MUST_CHECK enum rw_err rw_upgrade_inherit(struct rw_supervisor *supervisor,
                                             struct rw_shared_fds *old);
/* The new processes accept (or everything ends): the old ones drain. */
void rw_upgrade_stop_old(struct rw_supervisor *supervisor);
void rw_upgrade_old_died(struct rw_supervisor *supervisor, pid_t pid);

#endif
