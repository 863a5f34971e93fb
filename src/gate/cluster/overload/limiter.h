/* The limit of an upstream's requests at once, shared by all threads of a process, over reloads:
 * clusters of one name have one limiter (gate/cluster/cluster.c makes it when the upstream has
 * `overload`).
 *
 * A request enters before it goes to an endpoint, and leaves when it is over or all that goes on is
 * its response; in between it tells how long that took to begin (gate/cluster/overload/admission.h
 * does all that). Counts are atomic; the limit is worked out anew by
 * gate/cluster/overload/gradient.h once a window is full, by whichever thread sees it first. Any
 * thread.
 */
#ifndef RW_GATE_CLUSTER_OVERLOAD_LIMITER_H
#define RW_GATE_CLUSTER_OVERLOAD_LIMITER_H

#include "base/err.h"
#include "gate/cluster/overload/gradient.h"
#include "gate/cluster/waiters.h"

#include <stdatomic.h>

struct rw_limiter {
    _Atomic uint32_t references; /* clusters, queues */
    _Atomic uint32_t limit;
    _Atomic uint32_t in_flight __attribute__((aligned(64)));
    _Atomic uint32_t peak;        /* of in_flight, in this window; wanted ones too */
    struct rw_waiters waiting;    /* workers with a queue that is not empty */
    _Atomic uint32_t waits;       /* requests in those queues */
    _Atomic uint64_t queued;      /* all that ever found the limit reached */
    _Atomic uint64_t refused;     /* all that ever were */
    _Atomic uint64_t refused_ms;  /* when the last one was */
    _Atomic uint64_t refusing_ms; /* since when they are; 0: for some time nobody was */
    _Atomic uint64_t refused_till_then;
    _Atomic uint64_t sum_us;  /* of the window's answers */
    _Atomic uint64_t squares; /* see rw_gradient_window */
    _Atomic uint32_t answers;
    _Atomic uint64_t from_ms; /* since when the window is */
    _Atomic uint64_t late_ms; /* when it ends even without answers; 0: it does not */
    /* The limit is lower than it was, to see what becomes of the latency: so long it is worth while
     * to wait for a place (0: it is not on trial), and that was the last limit that was not. */
    _Atomic uint32_t trial_ms, settled;
    _Atomic uint64_t baseline_us;
    _Atomic bool stepping; /* a thread has the rest */
    struct rw_gradient gradient;
};

enum { RW_LIMITER_CALM_MS = 10000, RW_LIMITER_TRIAL_ANSWERS = 4 };

RW_MUST_CHECK enum rw_err rw_limiter_create(const struct rw_gradient_settings *settings,
                                            struct rw_limiter **limiter);
struct rw_limiter *rw_limiter_hold(struct rw_limiter *limiter);
void rw_limiter_drop(struct rw_limiter *limiter); /* NULL is fine */

/* What is in force. The settings may have changed since it was worked out. */
uint32_t rw_limiter_limit(const struct rw_limiter *limiter,
                          const struct rw_gradient_settings *settings);
/* One request more, if no more than `percent` of the limit (at least one) are there with it. */
bool rw_limiter_enter(struct rw_limiter *limiter, const struct rw_gradient_settings *settings,
                      uint32_t percent);
void rw_limiter_leave(struct rw_limiter *limiter);
/* A response took so long; its request was sent at `sent_ms`. */
void rw_limiter_sample(struct rw_limiter *limiter, const struct rw_gradient_settings *settings,
                       uint64_t us, uint64_t sent_ms, uint64_t now_ms);
/* Time has passed: a probe that gets no answers ends. */
void rw_limiter_tick(struct rw_limiter *limiter, const struct rw_gradient_settings *settings,
                     uint64_t now_ms);

/* A request is refused; true: the first one for some time. */
bool rw_limiter_refuse(struct rw_limiter *limiter, uint64_t now_ms);
/* What there is to tell once nobody has been refused for RW_LIMITER_CALM_MS. */
struct rw_limiter_trouble {
    uint64_t refused, ms;
};
/* True once for each trouble, when it is over. */
bool rw_limiter_calms_down(struct rw_limiter *limiter, uint64_t now_ms,
                           struct rw_limiter_trouble *trouble);

#endif
