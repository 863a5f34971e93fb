/* Admission: how many requests of an upstream with `overload` are under way at once, and who waits.
 *
 * The upstream origin asks for each request (rw_admission_enter) before it chooses an endpoint, and
 * lets go once (rw_admission_leave). Whoever finds the limit (gate/cluster/overload/limiter.h)
 * reached waits in a queue of the worker, for on_admitted or on_refused; never from inside `enter`.
 *
 * The queue is short in time, and bounded in number. Each tenant (a hash of its key into one of
 * RW_ADMISSION_TENANTS lists: P. McKenney, "Stochastic Fairness Queueing", INFOCOM 1990) has a list
 * in each class. The higher class goes first, and within a class the tenants go in turn; when the
 * queue is full, the longest list of the lowest class loses its oldest. Each list is watched by
 * itself, as in FQ-CoDel (RFC 8290), so that only who floods is treated as such:
 *
 *   in order    the oldest goes first, and may wait for queue_ms_max: bursts get through, and so do
 *               clients that always have a few requests waiting
 *   in trouble  the oldest has waited for target_ms, or one was turned away for want of room, all
 *               through the last queue_ms_max (controlled delay: K. Nichols and V. Jacobson,
 *               "Controlling Queue Delay", ACM Queue 2012). Then the newest goes first and who has
 *               waited for target_ms is refused: its client is likely to have given up (adaptive
 *               LIFO: B. Maurer, "Fail at Scale", ACM Queue 2015). Until all that came within
 *               queue_ms_max would have been served in target_ms.
 *
 *   on trial    in order so far, and the limit has just been lowered to see whether that makes
 * answers quicker, or to measure them, while no more has come than before (half as much again):
 *               what makes them wait is the trial. It is not judged, and who waits may do so until
 *               that is over, within RW_ADMISSION_TRIAL_TIMES queue_ms_max, and for
 *               RW_ADMISSION_TRIAL_MS_MAX since all was well: a trial that lasts is overload
 *
 * That somebody always waits is no trouble: as many clients as the limit and a few more, each of
 * which asks again when it is answered, make it so, and nobody waits for long.
 *
 * Waiting is counted by the turns of the loop, each for at most a tick: for what this machine comes
 * late itself nobody is refused.
 *
 * On the worker's thread.
 */
#ifndef RW_GATE_CLUSTER_OVERLOAD_ADMISSION_H
#define RW_GATE_CLUSTER_OVERLOAD_ADMISSION_H

#include "gate/cluster/cluster.h"
#include "gate/cluster/overload/limiter.h"
#include "gate/worker.h"

enum {
    RW_ADMISSION_TENANTS = 64,
    RW_ADMISSION_BULK_PERCENT = 90, /* of the limit, for the lowest class */
    RW_ADMISSION_TRIAL_TIMES = 10,
    RW_ADMISSION_TRIAL_PERCENT = 150,
    RW_ADMISSION_TRIAL_MS_MAX = 2000,
};

struct rw_admission_queue;

/* Embedded in the owner; zeroed but for the callbacks. */
struct rw_admission {
    void (*on_admitted)(struct rw_admission *admission);
    void (*on_refused)(struct rw_admission *admission);
    struct rw_cluster *cluster;
    struct rw_admission_queue *queue;
    struct rw_list link; /* while waiting: in its tenant's line */
    uint64_t since_ms;   /* by the clock of the queue */
    uint8_t class;       /* enum rw_config_class */
    uint8_t tenant;
    bool held; /* it is one of those under way */
};

enum rw_admission_result { RW_ADMITTED, RW_ADMISSION_WAITS, RW_ADMISSION_REFUSED };

/* `tenant`: a hash of whose request it is. */
enum rw_admission_result rw_admission_enter(struct rw_worker *worker, struct rw_cluster *cluster,
                                            struct rw_admission *admission,
                                            enum rw_config_class class, uint64_t tenant);
/* The response's head has come, so long after the request was sent (at sent_ms). */
void rw_admission_answered(const struct rw_admission *admission, uint64_t us, uint64_t sent_ms,
                           uint64_t now_ms);
/* The request is over, or waits no more. At any time; twice is fine. */
void rw_admission_leave(struct rw_worker *worker, struct rw_admission *admission);

#endif
