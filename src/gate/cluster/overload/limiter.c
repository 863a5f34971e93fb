#include "gate/cluster/overload/limiter.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <string.h>

enum rw_err rw_limiter_create(const struct rw_gradient_settings *settings,
                              struct rw_limiter **limiter)
{
    struct rw_limiter *made = rw_alloc_aligned(64, sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    memset(made, 0, sizeof(*made));
    rw_gradient_init(&made->gradient, settings);
    atomic_init(&made->references, 1);
    atomic_init(&made->limit, (uint32_t)made->gradient.limit);
    atomic_init(&made->settled, (uint32_t)made->gradient.limit);
    *limiter = made;
    return RW_OK;
}

struct rw_limiter *rw_limiter_hold(struct rw_limiter *limiter)
{
    atomic_fetch_add_explicit(&limiter->references, 1, memory_order_relaxed);
    return limiter;
}

void rw_limiter_drop(struct rw_limiter *limiter)
{
    if (limiter && atomic_fetch_sub_explicit(&limiter->references, 1, memory_order_acq_rel) == 1)
        rw_free(limiter);
}

/* Who is turned away has shown that the limit is reached, too. */
static void note_peak(struct rw_limiter *limiter, uint32_t count)
{
    if (count > atomic_load_explicit(&limiter->peak, memory_order_relaxed))
        atomic_store_explicit(&limiter->peak, count, memory_order_relaxed);
}

uint32_t rw_limiter_limit(const struct rw_limiter *limiter,
                          const struct rw_gradient_settings *settings)
{
    uint32_t limit = atomic_load_explicit(&limiter->limit, memory_order_relaxed);
    return limit < settings->least  ? settings->least
           : limit > settings->most ? settings->most
                                    : limit;
}

bool rw_limiter_enter(struct rw_limiter *limiter, const struct rw_gradient_settings *settings,
                      uint32_t percent)
{
    uint64_t allowed = (uint64_t)rw_limiter_limit(limiter, settings) * percent / 100;
    uint32_t count = atomic_fetch_add(&limiter->in_flight, 1) + 1;
    note_peak(limiter, count);
    if (count <= (allowed ? allowed : 1))
        return true;
    atomic_fetch_sub(&limiter->in_flight, 1);
    return false;
}

void rw_limiter_leave(struct rw_limiter *limiter)
{
    atomic_fetch_sub(&limiter->in_flight, 1);
}

/* Until a probe ends; or until a few have been answered. */
static double trial_ms(const struct rw_gradient *gradient)
{
    if (gradient->probe_ms)
        return (double)gradient->probe_ms_max;
    bool lowered = gradient->limit < gradient->high_limit;
    return lowered ? gradient->latency_us / 1000 * RW_LIMITER_TRIAL_ANSWERS : 0;
}

static void tell_trial(struct rw_limiter *limiter)
{
    const struct rw_gradient *gradient = &limiter->gradient;
    uint32_t ms = (uint32_t)trial_ms(gradient);
    if (!ms)
        atomic_store_explicit(&limiter->settled, (uint32_t)gradient->limit, memory_order_relaxed);
    atomic_store_explicit(&limiter->trial_ms, ms, memory_order_relaxed);
}

/* By the thread that has `stepping`. */
static void step(struct rw_limiter *limiter, const struct rw_gradient_settings *settings,
                 uint64_t now_ms)
{
    const struct rw_gradient_window window = {
        .now_ms = now_ms,
        .sum_us = atomic_exchange_explicit(&limiter->sum_us, 0, memory_order_relaxed),
        .squares = atomic_exchange_explicit(&limiter->squares, 0, memory_order_relaxed),
        .answers = atomic_exchange_explicit(&limiter->answers, 0, memory_order_relaxed),
        .peak = atomic_exchange_explicit(&limiter->peak, 0, memory_order_relaxed),
    };
    struct rw_gradient *gradient = &limiter->gradient;
    double before = gradient->limit;
    rw_gradient_step(gradient, settings, &window);
    /* Who comes first under a higher limit finds a shorter queue than the others will. */
    uint64_t settles_ms = gradient->limit > before ? (uint64_t)(gradient->latency_us / 1000) : 0;
    uint64_t late_ms = gradient->probe_ms ? gradient->probe_ms + gradient->probe_ms_max : 0;
    atomic_store_explicit(&limiter->limit, (uint32_t)gradient->limit, memory_order_relaxed);
    atomic_store_explicit(&limiter->baseline_us, (uint64_t)gradient->baseline_us,
                          memory_order_relaxed);
    atomic_store_explicit(&limiter->from_ms, now_ms + settles_ms, memory_order_relaxed);
    atomic_store_explicit(&limiter->late_ms, late_ms, memory_order_relaxed);
    tell_trial(limiter);
}

static bool precise(const struct rw_limiter *limiter)
{
    const struct rw_gradient_window window = {
        .sum_us = atomic_load_explicit(&limiter->sum_us, memory_order_relaxed),
        .squares = atomic_load_explicit(&limiter->squares, memory_order_relaxed),
        .answers = atomic_load_explicit(&limiter->answers, memory_order_relaxed),
    };
    return window.answers >= RW_GRADIENT_ANSWERS_PRECISE || rw_gradient_precise(&window);
}

/* Have all that there were at once been answered, and is it known how long that takes? */
static bool window_full(const struct rw_limiter *limiter, uint64_t now_ms)
{
    uint64_t from_ms = atomic_load_explicit(&limiter->from_ms, memory_order_relaxed);
    uint64_t ms = rw_elapsed_ms(now_ms, from_ms);
    uint32_t answers = atomic_load_explicit(&limiter->answers, memory_order_relaxed);
    uint32_t peak = atomic_load_explicit(&limiter->peak, memory_order_relaxed);
    uint32_t limit = atomic_load_explicit(&limiter->limit, memory_order_relaxed);
    return answers >= RW_GRADIENT_ANSWERS_MIN && (answers >= peak || answers >= limit) &&
           ms >= RW_GRADIENT_WINDOW_MS && (ms >= RW_GRADIENT_WINDOW_MS_MAX || precise(limiter));
}

static bool may_step(const struct rw_limiter *limiter, uint64_t now_ms)
{
    uint64_t late_ms = atomic_load_explicit(&limiter->late_ms, memory_order_relaxed);
    return (late_ms && now_ms >= late_ms) || window_full(limiter, now_ms);
}

/* Asks again once it has `stepping`: another thread may have stepped in between. */
static void try_step(struct rw_limiter *limiter, const struct rw_gradient_settings *settings,
                     uint64_t now_ms)
{
    if (!may_step(limiter, now_ms) ||
        atomic_exchange_explicit(&limiter->stepping, true, memory_order_acquire))
        return;
    if (may_step(limiter, now_ms))
        step(limiter, settings, now_ms);
    atomic_store_explicit(&limiter->stepping, false, memory_order_release);
}

void rw_limiter_sample(struct rw_limiter *limiter, const struct rw_gradient_settings *settings,
                       uint64_t us, uint64_t sent_ms, uint64_t now_ms)
{
    if (sent_ms <= atomic_load_explicit(&limiter->from_ms, memory_order_relaxed))
        return; /* under another limit, it may be */
    atomic_fetch_add_explicit(&limiter->sum_us, us, memory_order_relaxed);
    atomic_fetch_add_explicit(&limiter->squares, us * us / RW_GRADIENT_SQUARE_US2,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&limiter->answers, 1, memory_order_relaxed);
    try_step(limiter, settings, now_ms);
}

void rw_limiter_tick(struct rw_limiter *limiter, const struct rw_gradient_settings *settings,
                     uint64_t now_ms)
{
    if (atomic_load_explicit(&limiter->late_ms, memory_order_relaxed))
        try_step(limiter, settings, now_ms);
}

/* ---- Trouble ---- */

bool rw_limiter_refuse(struct rw_limiter *limiter, uint64_t now_ms)
{
    uint64_t before = atomic_fetch_add_explicit(&limiter->refused, 1, memory_order_relaxed);
    uint64_t calm = 0;
    atomic_store_explicit(&limiter->refused_ms, now_ms, memory_order_relaxed);
    if (atomic_load_explicit(&limiter->refusing_ms, memory_order_relaxed) ||
        !atomic_compare_exchange_strong(&limiter->refusing_ms, &calm, now_ms))
        return false;
    atomic_store_explicit(&limiter->refused_till_then, before, memory_order_relaxed);
    return true;
}

bool rw_limiter_calms_down(struct rw_limiter *limiter, uint64_t now_ms,
                           struct rw_limiter_trouble *trouble)
{
    uint64_t since_ms = atomic_load_explicit(&limiter->refusing_ms, memory_order_relaxed);
    if (__builtin_expect(since_ms == 0, 1))
        return false;
    uint64_t last_ms = atomic_load_explicit(&limiter->refused_ms, memory_order_relaxed);
    if (rw_elapsed_ms(now_ms, last_ms) < RW_LIMITER_CALM_MS)
        return false;
    trouble->ms = rw_elapsed_ms(last_ms, since_ms);
    trouble->refused = atomic_load_explicit(&limiter->refused, memory_order_relaxed) -
                       atomic_load_explicit(&limiter->refused_till_then, memory_order_relaxed);
    return atomic_compare_exchange_strong(&limiter->refusing_ms, &since_ms, 0);
}
