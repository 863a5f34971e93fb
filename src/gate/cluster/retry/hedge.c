#include "gate/cluster/retry/hedge.h"

#include "base/alloc.h"
#include "base/clock.h"

enum {
    WINDOW_MS = 10000,
    RECOUNT_MS = 100,
    STEPS = 8, /* of a doubling; a power of two */
    STEP_BITS = 3,
};

enum rw_err rw_hedge_create(struct rw_hedge **hedge)
{
    *hedge = rw_alloc_zero(sizeof(**hedge));
    if (!*hedge)
        return RW_ENOMEM;
    atomic_init(&(*hedge)->references, 1);
    return RW_OK;
}

struct rw_hedge *rw_hedge_hold(struct rw_hedge *hedge)
{
    atomic_fetch_add_explicit(&hedge->references, 1, memory_order_relaxed);
    return hedge;
}

void rw_hedge_drop(struct rw_hedge *hedge)
{
    if (hedge && atomic_fetch_sub_explicit(&hedge->references, 1, memory_order_acq_rel) == 1)
        rw_free(hedge);
}

/* ---- Buckets ---- */

/* Eight steps in each doubling, the first eight microseconds one each. */
static unsigned bucket_of(uint64_t us)
{
    if (us < STEPS)
        return (unsigned)us;
    unsigned doubling = 63 - (unsigned)__builtin_clzll(us) - STEP_BITS;
    unsigned bucket = doubling * STEPS + (unsigned)(us >> doubling);
    return bucket < RW_HEDGE_BUCKETS ? bucket : RW_HEDGE_BUCKETS - 1;
}

/* The first that is not in it any more. */
static uint64_t end_of(unsigned bucket)
{
    if (bucket < STEPS)
        return bucket + 1;
    unsigned doubling = bucket / STEPS - 1;
    return ((uint64_t)(bucket % STEPS + STEPS) + 1) << doubling;
}

/* ---- Counting ---- */

/* What other threads count at that moment may fall on either side. */
static void begin_window(struct rw_hedge *hedge, uint64_t since_ms, uint64_t now_ms)
{
    if (!atomic_compare_exchange_strong_explicit(&hedge->window_ms, &since_ms, now_ms,
                                                 memory_order_relaxed, memory_order_relaxed))
        return;
    uint32_t next = !atomic_load_explicit(&hedge->current, memory_order_relaxed);
    for (unsigned i = 0; i < RW_HEDGE_BUCKETS; i++)
        atomic_store_explicit(&hedge->counts[next][i], 0, memory_order_relaxed);
    atomic_store_explicit(&hedge->current, next, memory_order_relaxed);
}

void rw_hedge_observe(struct rw_hedge *hedge, uint64_t us, uint64_t now_ms)
{
    uint64_t since_ms = atomic_load_explicit(&hedge->window_ms, memory_order_relaxed);
    if (rw_elapsed_ms(now_ms, since_ms) >= WINDOW_MS)
        begin_window(hedge, since_ms, now_ms);
    uint32_t current = atomic_load_explicit(&hedge->current, memory_order_relaxed);
    atomic_fetch_add_explicit(&hedge->counts[current][bucket_of(us)], 1, memory_order_relaxed);
}

/* ---- The percentile ---- */

static uint64_t count_in(const struct rw_hedge *hedge, unsigned bucket)
{
    return (uint64_t)atomic_load_explicit(&hedge->counts[0][bucket], memory_order_relaxed) +
           atomic_load_explicit(&hedge->counts[1][bucket], memory_order_relaxed);
}

static uint32_t find_percentile(const struct rw_hedge *hedge, uint32_t percentile)
{
    uint64_t all = 0, below = 0;
    for (unsigned i = 0; i < RW_HEDGE_BUCKETS; i++)
        all += count_in(hedge, i);
    if (all < RW_HEDGE_SAMPLES_MIN)
        return 0;
    for (unsigned i = 0; i < RW_HEDGE_BUCKETS; i++) {
        below += count_in(hedge, i);
        if (below * 100 >= all * percentile)
            return (uint32_t)end_of(i);
    }
    return (uint32_t)end_of(RW_HEDGE_BUCKETS - 1); /* counts may change meanwhile */
}

uint32_t rw_hedge_after_ms(struct rw_hedge *hedge, const struct rw_hedge_settings *settings,
                           uint64_t now_ms)
{
    uint64_t due_ms = atomic_load_explicit(&hedge->due_ms, memory_order_relaxed);
    if (now_ms >= due_ms &&
        atomic_compare_exchange_strong_explicit(&hedge->due_ms, &due_ms, now_ms + RECOUNT_MS,
                                                memory_order_relaxed, memory_order_relaxed))
        atomic_store_explicit(&hedge->after_us, find_percentile(hedge, settings->percentile),
                              memory_order_relaxed);
    uint32_t us = atomic_load_explicit(&hedge->after_us, memory_order_relaxed);
    uint32_t ms = us ? (us + 999) / 1000 : settings->after_ms_max;
    if (ms < settings->after_ms_min)
        ms = settings->after_ms_min;
    return ms < settings->after_ms_max ? ms : settings->after_ms_max;
}
