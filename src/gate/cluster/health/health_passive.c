#include "base/clock.h"
#include "base/log.h"
#include "gate/cluster/cluster.h"

#include <stdio.h>

enum { EJECTION_FACTOR_MAX = 10, WHY_BYTES = 96 };

/* ---- Out ---- */

static unsigned count_ejected(const struct rw_endpoint_set *set, uint64_t now_ms)
{
    unsigned count = 0;
    for (unsigned i = 0; i < set->count; i++)
        count += atomic_load_explicit(&set->endpoints[i]->ejected_until_ms, memory_order_relaxed) >
                 now_ms;
    return count;
}

/* 1, 2, 4, 8, then 10 times. */
static uint64_t ejection_factor(uint32_t ejections)
{
    return ejections < 4 ? 1ull << ejections : EJECTION_FACTOR_MAX;
}

static void begin_window(struct rw_endpoint *endpoint)
{
    struct rw_endpoint_window *window = &endpoint->window;
    atomic_store_explicit(&window->requests, 0, memory_order_relaxed);
    atomic_store_explicit(&window->failures, 0, memory_order_relaxed);
    atomic_store_explicit(&window->answers, 0, memory_order_relaxed);
    atomic_store_explicit(&window->slow, 0, memory_order_relaxed);
}

/* By the thread that has the set's latch. */
static bool eject(const struct rw_cluster *cluster, const struct rw_endpoint_set *set,
                  struct rw_endpoint *endpoint, uint64_t now_ms, const char *why)
{
    const struct rw_config_passive_health *passive = &cluster->passive;
    uint64_t allowed = (uint64_t)set->count * passive->eject_percent_max / 100;
    /* Another thread may have ejected it while this one came for the latch. */
    if (atomic_load_explicit(&endpoint->ejected_until_ms, memory_order_relaxed) > now_ms ||
        count_ejected(set, now_ms) + 1 > allowed)
        return false;
    uint32_t ejections = atomic_fetch_add_explicit(&endpoint->ejections, 1, memory_order_relaxed);
    uint64_t for_ms = passive->eject_ms * ejection_factor(ejections);
    atomic_store_explicit(&endpoint->failures, 0, memory_order_relaxed);
    atomic_store_explicit(&endpoint->good_trials, 0, memory_order_relaxed);
    atomic_store_explicit(&endpoint->returned_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&endpoint->trial_ms, 0, memory_order_relaxed);
    begin_window(endpoint);
    atomic_store_explicit(&endpoint->ejected_until_ms, now_ms + for_ms, memory_order_relaxed);
    rw_log_limited(RW_LOG_WARN, "health", "upstream %.*s: %.*s is ejected for %llu ms: %s",
                   RW_SPAN_ARGS(cluster->name), RW_SPAN_ARGS(endpoint->name),
                   (unsigned long long)for_ms, why);
    return true;
}

/* One thread at a time counts and ejects; who comes second leaves it to the next failure. */
static bool try_eject(const struct rw_cluster *cluster, struct rw_endpoint *endpoint,
                      uint64_t now_ms, const char *why)
{
    struct rw_endpoint_set *set = atomic_load_explicit(&cluster->set, memory_order_acquire);
    if (atomic_exchange_explicit(&set->ejecting, true, memory_order_acquire))
        return false;
    bool ejected = eject(cluster, set, endpoint, now_ms, why);
    atomic_store_explicit(&set->ejecting, false, memory_order_release);
    return ejected;
}

/* ---- Back ---- */

void rw_endpoint_return(struct rw_endpoint *endpoint,
                        const struct rw_config_passive_health *passive, uint64_t now_ms)
{
    atomic_store_explicit(&endpoint->failures, 0, memory_order_relaxed);
    begin_window(endpoint);
    atomic_store_explicit(&endpoint->returned_ms, passive->slow_start_ms ? now_ms : 0,
                          memory_order_relaxed);
    atomic_store_explicit(&endpoint->ejected_until_ms, passive->slow_start_ms ? now_ms : 0,
                          memory_order_relaxed);
}

/* Its ejection is over, and single requests are let through to it. */
static bool on_trial(const struct rw_endpoint *endpoint,
                     const struct rw_config_passive_health *passive)
{
    return passive->trials > 0 &&
           atomic_load_explicit(&endpoint->returned_ms, memory_order_relaxed) == 0;
}

static bool judge_trial(const struct rw_cluster *cluster, struct rw_endpoint *endpoint, bool failed,
                        uint64_t now_ms)
{
    if (failed)
        return try_eject(cluster, endpoint, now_ms, "a request on trial failed");
    uint32_t good = atomic_fetch_add_explicit(&endpoint->good_trials, 1, memory_order_relaxed) + 1;
    atomic_store_explicit(&endpoint->trial_ms, 0, memory_order_relaxed); /* the next may come */
    if (good < cluster->passive.trials)
        return false;
    atomic_store_explicit(&endpoint->ejections, 0, memory_order_relaxed);
    rw_endpoint_return(endpoint, &cluster->passive, now_ms);
    rw_log_limited(RW_LOG_INFO, "health", "upstream %.*s: %.*s is well again",
                   RW_SPAN_ARGS(cluster->name), RW_SPAN_ARGS(endpoint->name));
    return false;
}

/* ---- Shares of a window ---- */

/* A window that is over is begun anew by whoever sees it first. What other threads count at that
 * moment may fall on either side. */
static void roll_window(struct rw_endpoint *endpoint, uint32_t window_ms, uint64_t now_ms)
{
    uint64_t since_ms = atomic_load_explicit(&endpoint->window.since_ms, memory_order_relaxed);
    if (rw_elapsed_ms(now_ms, since_ms) >= window_ms &&
        atomic_compare_exchange_strong_explicit(&endpoint->window.since_ms, &since_ms, now_ms,
                                                memory_order_relaxed, memory_order_relaxed))
        begin_window(endpoint);
}

/* One more of `all`, and of `some`; is the share of these reached now? */
static bool count_share(_Atomic uint32_t *all, _Atomic uint32_t *some, bool is_one,
                        uint32_t all_min, uint32_t percent)
{
    uint64_t total = atomic_fetch_add_explicit(all, 1, memory_order_relaxed) + 1ull;
    if (!is_one)
        return false;
    uint64_t ones = atomic_fetch_add_explicit(some, 1, memory_order_relaxed) + 1ull;
    return total >= all_min && ones * 100 >= percent * total;
}

static bool judge_share(const struct rw_cluster *cluster, struct rw_endpoint *endpoint, bool failed,
                        uint64_t now_ms)
{
    const struct rw_config_passive_health *passive = &cluster->passive;
    struct rw_endpoint_window *window = &endpoint->window;
    char why[WHY_BYTES];
    roll_window(endpoint, passive->window_ms, now_ms);
    if (!count_share(&window->requests, &window->failures, failed, passive->requests_min,
                     passive->error_percent))
        return false;
    snprintf(why, sizeof(why), "%u of %u requests failed",
             atomic_load_explicit(&window->failures, memory_order_relaxed),
             atomic_load_explicit(&window->requests, memory_order_relaxed));
    return try_eject(cluster, endpoint, now_ms, why);
}

/* ---- Reports ---- */

static bool judge_row(const struct rw_cluster *cluster, struct rw_endpoint *endpoint, bool failed,
                      uint64_t now_ms)
{
    const struct rw_config_passive_health *passive = &cluster->passive;
    char why[WHY_BYTES];
    if (!failed) {
        /* Looked at first, so that the usual success writes nothing. */
        if (atomic_load_explicit(&endpoint->failures, memory_order_relaxed))
            atomic_store_explicit(&endpoint->failures, 0, memory_order_relaxed);
        if (atomic_load_explicit(&endpoint->ejections, memory_order_relaxed))
            atomic_store_explicit(&endpoint->ejections, 0, memory_order_relaxed);
        return false;
    }
    uint32_t failures = atomic_fetch_add_explicit(&endpoint->failures, 1, memory_order_relaxed) + 1;
    if (passive->failures == 0 || failures < passive->failures)
        return false;
    snprintf(why, sizeof(why), "%u requests failed in a row", passive->failures);
    return try_eject(cluster, endpoint, now_ms, why);
}

/* Nothing to judge, and nothing to forget: most reports. */
static inline bool all_well(const struct rw_config_passive_health *passive,
                            const struct rw_endpoint *endpoint)
{
    return !passive->error_percent &&
           !atomic_load_explicit(&endpoint->ejected_until_ms, memory_order_relaxed) &&
           !atomic_load_explicit(&endpoint->failures, memory_order_relaxed) &&
           !atomic_load_explicit(&endpoint->ejections, memory_order_relaxed);
}

static bool judge(const struct rw_cluster *cluster, struct rw_endpoint *endpoint, bool failed,
                  uint64_t now_ms)
    __attribute__((noinline)); /* its frame is not for every request */

static bool judge(const struct rw_cluster *cluster, struct rw_endpoint *endpoint, bool failed,
                  uint64_t now_ms)
{
    const struct rw_config_passive_health *passive = &cluster->passive;
    uint64_t until_ms = atomic_load_explicit(&endpoint->ejected_until_ms, memory_order_relaxed);
    if (until_ms > now_ms)
        return false;
    if (__builtin_expect(until_ms != 0, 0) && on_trial(endpoint, passive))
        return judge_trial(cluster, endpoint, failed, now_ms);
    if (judge_row(cluster, endpoint, failed, now_ms))
        return true;
    return passive->error_percent && judge_share(cluster, endpoint, failed, now_ms);
}

bool rw_cluster_report(const struct rw_cluster *cluster, struct rw_endpoint *endpoint, bool failed,
                       uint64_t now_ms)
{
    const struct rw_config_passive_health *passive = &cluster->passive;
    if (!failed && all_well(passive, endpoint))
        return false;
    if (passive->failures == 0 && passive->error_percent == 0 && passive->slow_ms == 0)
        return false;
    return judge(cluster, endpoint, failed, now_ms);
}

bool rw_cluster_report_time(const struct rw_cluster *cluster, struct rw_endpoint *endpoint,
                            uint64_t ms, uint64_t now_ms)
{
    const struct rw_config_passive_health *passive = &cluster->passive;
    struct rw_endpoint_window *window = &endpoint->window;
    char why[WHY_BYTES];
    if (atomic_load_explicit(&endpoint->ejected_until_ms, memory_order_relaxed) > now_ms)
        return false;
    roll_window(endpoint, passive->window_ms, now_ms);
    if (!count_share(&window->answers, &window->slow, ms >= passive->slow_ms, passive->requests_min,
                     passive->slow_percent))
        return false;
    snprintf(why, sizeof(why), "%u of %u responses took %u ms or longer",
             atomic_load_explicit(&window->slow, memory_order_relaxed),
             atomic_load_explicit(&window->answers, memory_order_relaxed), passive->slow_ms);
    return try_eject(cluster, endpoint, now_ms, why);
}
