/* How far each rollout is: shared memory that the supervisor makes before it forks, so that the
 * workers of all processes have one share, whoever of them has been started again, and that
 * outlives configurations and upgrades of the program (not a stop of it: then a rollout begins
 * anew).
 *
 * Control threads find the state of a rollout when they compile it. From then on only the control
 * thread of the first process changes it (gate/release/rollout.h), and workers read the share.
 */
#ifndef RW_GATE_RELEASE_STATE_H
#define RW_GATE_RELEASE_STATE_H

#include "base/err.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { RW_RELEASE_STATES_MAX = 1024 };

enum rw_release_phase {
    RW_ROLLOUT_NEW, /* nobody has begun it */
    RW_ROLLOUT_RUNNING,
    RW_ROLLOUT_PAUSED, /* stays as it is until somebody says otherwise */
    RW_ROLLOUT_ROLLED_BACK,
    RW_ROLLOUT_COMPLETE,
    RW_ROLLOUT_PHASES
};

struct rw_release_state {
    _Alignas(64) _Atomic uint64_t id; /* 0: free */
    _Atomic uint32_t percent;         /* the new version's share */
    _Atomic uint32_t phase;           /* enum rw_release_phase */
    _Atomic uint32_t stage;           /* from 1; 0: before the first */
    _Atomic uint64_t changed_s;       /* since 1970 */
    _Atomic uint64_t seen_s;          /* some configuration has it */
};

struct rw_release_states;

/* In `fd`, a memfd that stays the caller's: what it holds is taken over, or it is made. */
RW_MUST_CHECK enum rw_err rw_release_states_create(int fd, struct rw_release_states **states);
/* Unmaps it in this process. NULL is fine. */
void rw_release_states_destroy(struct rw_release_states *states);

/* The state with this id (not 0), a new one if there is none. When all are taken the one goes that
 * no configuration has had for the longest time, at least an hour; RW_ELIMIT: there is none. Any
 * process. */
RW_MUST_CHECK enum rw_err rw_release_states_find(struct rw_release_states *states, uint64_t id,
                                                 uint64_t now_s, struct rw_release_state **state);

const char *rw_release_phase_name(enum rw_release_phase phase);

#endif
