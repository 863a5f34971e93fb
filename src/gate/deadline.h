/* A deadline that moves with every request but costs a store: the timer in the wheel is only
 * started anew when the deadline comes before it is due; when it fires too early it is started
 * again for the rest. */
#ifndef RW_GATE_DEADLINE_H
#define RW_GATE_DEADLINE_H

#include "io/loop.h"

#define RW_DEADLINE_NONE UINT64_MAX

struct rw_deadline {
    struct rw_timer timer; /* `fire` set by the owner, who calls rw_deadline_due first */
    uint64_t at_ms;
};

static inline void rw_deadline_init(struct rw_deadline *deadline,
                                    void (*fire)(struct rw_timer *timer))
{
    *deadline = (struct rw_deadline){.timer.fire = fire, .at_ms = RW_DEADLINE_NONE};
}

static inline void rw_deadline_set(struct rw_loop *loop, struct rw_deadline *deadline,
                                   uint64_t at_ms)
{
    deadline->at_ms = at_ms;
    if (at_ms == RW_DEADLINE_NONE)
        return;
    if (!rw_timer_running(&deadline->timer) || deadline->timer.due_ms > at_ms)
        rw_timer_start(loop, &deadline->timer, at_ms);
}

/* In the timer's callback: has the deadline really come? */
static inline bool rw_deadline_due(struct rw_loop *loop, struct rw_deadline *deadline)
{
    if (deadline->at_ms == RW_DEADLINE_NONE)
        return false;
    if (deadline->at_ms <= rw_loop_now_ms(loop))
        return true;
    rw_timer_start(loop, &deadline->timer, deadline->at_ms);
    return false;
}

static inline void rw_deadline_stop(struct rw_loop *loop, struct rw_deadline *deadline)
{
    deadline->at_ms = RW_DEADLINE_NONE;
    rw_timer_stop(loop, &deadline->timer);
}

#endif
