/* Trials: a load, and in the middle of it a fault.
 *
 * All of a trial happens on verify's thread, from within the load run's progress: a look about four
 * times a second. The load goes on until the targets hold again, or recovery_timeout is over. What
 * was killed is started again at the fault's end.
 */
#ifndef RW_VERIFY_TRIAL_H
#define RW_VERIFY_TRIAL_H

#include "verify/run.h"

/* All cases, once. The system runs, with relays. An error is one of ours, or the system could not
 * be started again; that it suffers from a fault is none. */
RW_MUST_CHECK enum rw_err rw_trials_run(struct rw_verify_run *run, unsigned repetition);

#endif
