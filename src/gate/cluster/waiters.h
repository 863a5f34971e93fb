/* Which workers wait for something that they all share: a bit each.
 *
 * A worker sets its bit before it waits and clears it when nobody of it waits any more; who gives
 * something back tells the others that do (rw_worker_tell_peers). Zeroed memory is: nobody. Any
 * thread; sequentially consistent, so that who gives back either sees the bit, or is seen to have
 * given by who has set it and looks once more.
 */
#ifndef RW_GATE_CLUSTER_WAITERS_H
#define RW_GATE_CLUSTER_WAITERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { RW_WAITERS_MAX = 128 }; /* workers: as many as a process may have */

struct rw_waiters {
    _Atomic uint64_t words[RW_WAITERS_MAX / 64];
};

static inline void rw_waiters_add(struct rw_waiters *waiters, unsigned worker)
{
    atomic_fetch_or(&waiters->words[worker / 64 % 2], 1ull << worker % 64);
}

static inline void rw_waiters_remove(struct rw_waiters *waiters, unsigned worker)
{
    atomic_fetch_and(&waiters->words[worker / 64 % 2], ~(1ull << worker % 64));
}

static inline bool rw_waiters_any(const struct rw_waiters *waiters)
{
    return atomic_load(&waiters->words[0]) || atomic_load(&waiters->words[1]);
}

/* All but this one, as rw_worker_tell_peers takes them: two share a bit there, and who is told
 * needlessly finds nothing to do. */
static inline uint64_t rw_waiters_others(const struct rw_waiters *waiters, unsigned worker)
{
    uint64_t own = 1ull << worker % 64;
    uint64_t own_word = atomic_load(&waiters->words[worker / 64 % 2]);
    return (own_word & ~own) | atomic_load(&waiters->words[(worker / 64 + 1) % 2]);
}

#endif
