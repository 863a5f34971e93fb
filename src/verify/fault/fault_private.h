/* Faults inside: fault.c has the thread and what is armed; each way to cause faults is a table of
 * functions (struct rw_fault_means) in a file of its own, fault_*.c. All of these run on the fault
 * thread. */
#ifndef RW_VERIFY_FAULT_FAULT_PRIVATE_H
#define RW_VERIFY_FAULT_FAULT_PRIVATE_H

#include "verify/fault/army.h"
#include "verify/fault/fault.h"
#include "verify/fault/guard.h"
#include "verify/fault/names.h"
#include "verify/fault/relay.h"

#include <pthread.h>
#include <semaphore.h>

struct rw_fault_means {
    /* What is missing there, "no relay stands in front"; NULL: nothing. Any thread. */
    const char *(*lacks)(const struct rw_fault_target *target, enum rw_fault_class fault);
    /* Arms; on an error nothing has happened, or it is undone, and `why` says so. */
    enum rw_err (*begin)(struct rw_fault *fault, char *why);
    /* Adds to what has been observed so far. */
    void (*observe)(struct rw_fault *fault);
    void (*end)(struct rw_fault *fault); /* undoes */
};

extern const struct rw_fault_means rw_fault_by_relay, rw_fault_by_signal, rw_fault_by_names,
    rw_fault_by_certificate, rw_fault_by_clients, rw_fault_by_reloads, rw_fault_by_limits,
    rw_fault_by_clock;

struct rw_fault {
    struct rw_list link;
    struct rw_faults *faults;
    const struct rw_fault_means *means;
    struct rw_fault_target target;
    struct rw_fault_order order;
    struct rw_fault_observed observed;
    struct rw_timer last_moment;
    bool over;
    void *state; /* the means' own */
};

struct rw_faults {
    struct rw_loop *loop;
    pthread_t thread;
    sem_t leave; /* nobody posts to the loop any more */
    struct rw_random random;
    struct rw_guard guard;
    struct rw_list armed;
    unsigned armed_count;
    struct rw_relay *relays[RW_FAULTS_RELAYS_MAX];
    unsigned relay_count;
    struct rw_names *names; /* NULL: none */
    unsigned parts;         /* relays, armies, ... that are not yet closed */
    bool closing;
};

/* Runs `run` on the fault thread, and returns when it has. */
void rw_faults_call(struct rw_faults *faults, void (*run)(void *arg), void *arg);

/* What closes later, from the loop: the thread does not end before. `user` is the struct rw_faults.
 */
void rw_faults_part_opened(struct rw_faults *faults);
void rw_faults_part_closed(void *user);

/* To the target's front; a part. */
RW_MUST_CHECK enum rw_err rw_fault_open_army(struct rw_fault *fault, enum rw_army_kind kind,
                                             uint32_t connections, uint32_t tick_ms,
                                             struct rw_army **army);

/* For faults on relays: fault_relay.c. Disturbs those that the order's `parts` choose. */
RW_MUST_CHECK enum rw_err rw_fault_disturb_relays(struct rw_fault *fault,
                                                  const struct rw_relay_disturbance *disturbance,
                                                  char *why);
void rw_fault_observe_relays(struct rw_fault *fault);
void rw_fault_calm_relays(struct rw_fault *fault);

/* Chooses `parts` (0: all) of `count` by seed: true in `chosen` for each of them. */
void rw_fault_choose(struct rw_faults *faults, uint32_t parts, size_t count, bool *chosen);

#endif
