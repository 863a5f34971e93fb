/* The shared mapping behind rw_metrics, for metrics.c and expose.c only.
 *
 * Header, hash index, entries and shards lie one after the other in one mapping that all processes
 * inherit. Entries are only ever added, under the mutex; an entry is complete before series_count
 * covers it, so that readers need no lock. */
#ifndef RW_WATCH_METRICS_REGISTRY_H
#define RW_WATCH_METRICS_REGISTRY_H

#include "watch/metrics.h"

#include <pthread.h>
#include <stdatomic.h>

struct rw_metrics_entry {
    uint8_t kind;
    uint8_t name_len, detail_len;
    char name[RW_SERIES_LABEL_MAX];
    char detail[RW_SERIES_LABEL_MAX];
};

struct rw_metrics {
    pthread_mutex_t mutex; /* index, entries, kind_count */
    size_t mapping_bytes;
    unsigned shards;
    unsigned series_max;  /* of each kind */
    unsigned series_room; /* of all kinds and their "_other" */
    uint32_t index_mask;
    uint32_t kind_count[RW_SERIES_KINDS];
    _Atomic uint32_t series_count;
    size_t shard_bytes;
    /* The mapping is inherited, so that these hold in every process. */
    uint32_t *index; /* series number + 1; 0: free */
    struct rw_metrics_entry *entries;
    char *shard_at;
};

static inline struct rw_metrics_shard *rw_metrics_shard_at(const struct rw_metrics *metrics,
                                                           unsigned index)
{
    return (struct rw_metrics_shard *)(metrics->shard_at + index * metrics->shard_bytes);
}

#endif
