/* The timing wheel behind the loop's timers. One thread.
 *
 * Eleven levels of 64 slots: a timer sits on the level of the highest bit group (of 6 bits) in
 * which its due time differs from the wheel's own time, in the slot of that group. So everything on
 * one level is due before anything on the next, the lowest occupied slot of the lowest occupied
 * level comes next, and no due time is too far. When the wheel's time reaches a slot of a higher
 * level, its timers move down.
 */
#ifndef RW_IO_WHEEL_H
#define RW_IO_WHEEL_H

#include "base/list.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stdint.h>

enum { RW_WHEEL_BITS = 6, RW_WHEEL_SLOTS = 1 << RW_WHEEL_BITS, RW_WHEEL_LEVELS = 11 };

struct rw_wheel {
    uint64_t now_ms;                    /* all timers due before have fired */
    struct rw_list overdue;             /* started when already due: fire at the next run */
    uint64_t occupied[RW_WHEEL_LEVELS]; /* a clear bit: the slot is empty; a set bit: look */
    struct rw_list slots[RW_WHEEL_LEVELS][RW_WHEEL_SLOTS];
};

void rw_wheel_init(struct rw_wheel *wheel, uint64_t now_ms);
bool rw_wheel_empty(struct rw_wheel *wheel);
/* Moves a running timer. */
void rw_wheel_add(struct rw_wheel *wheel, struct rw_timer *timer, uint64_t due_ms);
/* When rw_wheel_run has something to do, not later than the earliest timer; UINT64_MAX: never. */
uint64_t rw_wheel_next_ms(struct rw_wheel *wheel);
/* Fires what is due. A timer that a callback starts fires at the next run at the earliest. */
void rw_wheel_run(struct rw_wheel *wheel, uint64_t now_ms);

#endif
