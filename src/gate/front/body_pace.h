/* Does a request body come fast enough? Only the time in which the client could send counts, not
 * that in which the origin held it back. Kept by a front for each request with a body; it tells of
 * each hold, and asks with each piece. */
#ifndef RW_GATE_FRONT_BODY_PACE_H
#define RW_GATE_FRONT_BODY_PACE_H

#include "gate/exchange/exchange.h"
#include "gate/snapshot.h"

enum { RW_BODY_GRACE_MS = 5000 };

struct rw_body_pace {
    uint64_t started_ms; /* moved on by the time that the origin held it back */
    uint64_t held_since_ms : 63;
    uint64_t held : 1; /* the exchange said HOLD to request data */
};

static inline void rw_body_pace_hold(struct rw_body_pace *pace, bool held, uint64_t now_ms)
{
    if (pace->held && !held)
        pace->started_ms += now_ms - pace->held_since_ms;
    if (!pace->held && held)
        pace->held_since_ms = now_ms & INT64_MAX;
    pace->held = held;
}

/* With this piece, slower than the configured rate, after a time of grace? */
static inline bool rw_body_too_slow(const struct rw_body_pace *pace, const struct rw_exchange *x,
                                    const struct rw_piece *piece, uint64_t now_ms)
{
    uint64_t rate = x->listener->timeouts->body_rate_min;
    uint64_t spent_ms = now_ms - pace->started_ms;
    return rate && !piece->end && !x->upgraded && spent_ms > RW_BODY_GRACE_MS &&
           x->bytes_in + piece->data.len < rate * (spent_ms - RW_BODY_GRACE_MS) / 1000;
}

#endif
