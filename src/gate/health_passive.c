#include "base/log.h"
#include "gate/cluster.h"

enum { EJECTION_FACTOR_MAX = 10 };

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

/* By the thread that has the set's latch. */
static void eject(const struct rw_cluster *cluster, const struct rw_endpoint_set *set,
                  struct rw_endpoint *endpoint, uint64_t now_ms)
{
    const struct rw_config_passive_health *passive = &cluster->passive;
    uint64_t allowed = (uint64_t)set->count * passive->eject_percent_max / 100;
    /* Another thread may have ejected it while this one came for the latch. */
    if (atomic_load_explicit(&endpoint->ejected_until_ms, memory_order_relaxed) > now_ms ||
        count_ejected(set, now_ms) + 1 > allowed)
        return;
    uint32_t ejections = atomic_fetch_add_explicit(&endpoint->ejections, 1, memory_order_relaxed);
    uint64_t for_ms = passive->eject_ms * ejection_factor(ejections);
    atomic_store_explicit(&endpoint->failures, 0, memory_order_relaxed);
    atomic_store_explicit(&endpoint->ejected_until_ms, now_ms + for_ms, memory_order_relaxed);
    rw_log_limited(RW_LOG_WARN, "health",
                   "upstream %.*s: %.*s is ejected for %llu ms: %u requests failed in a row",
                   RW_SPAN_ARGS(cluster->name), RW_SPAN_ARGS(endpoint->name),
                   (unsigned long long)for_ms, passive->failures);
}

void rw_cluster_report(const struct rw_cluster *cluster, struct rw_endpoint *endpoint, bool failed,
                       uint64_t now_ms)
{
    const struct rw_config_passive_health *passive = &cluster->passive;
    if (passive->failures == 0 ||
        atomic_load_explicit(&endpoint->ejected_until_ms, memory_order_relaxed) > now_ms)
        return;
    if (!failed) {
        /* Looked at first, so that the usual success writes nothing. */
        if (atomic_load_explicit(&endpoint->failures, memory_order_relaxed))
            atomic_store_explicit(&endpoint->failures, 0, memory_order_relaxed);
        if (atomic_load_explicit(&endpoint->ejections, memory_order_relaxed))
            atomic_store_explicit(&endpoint->ejections, 0, memory_order_relaxed);
        return;
    }
    uint32_t failures = atomic_fetch_add_explicit(&endpoint->failures, 1, memory_order_relaxed) + 1;
    if (failures < passive->failures)
        return;
    /* One thread at a time counts and ejects; who comes second leaves it to the next failure. */
    struct rw_endpoint_set *set = atomic_load_explicit(&cluster->set, memory_order_acquire);
    if (atomic_exchange_explicit(&set->ejecting, true, memory_order_acquire))
        return;
    eject(cluster, set, endpoint, now_ms);
    atomic_store_explicit(&set->ejecting, false, memory_order_release);
}
