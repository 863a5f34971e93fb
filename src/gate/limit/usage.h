/* What was used of each key of shared limits, and is not yet told to the others.
 *
 * Workers note (rw_usages_count, rw_usages_add); the control thread takes what it can tell, or
 * what is to be forgotten (rw_usages_take). The table is parted into shelves with a lock each, held
 * for a few operations. A full table, or no memory: what does not fit is not shared. Any thread.
 */
#ifndef RW_GATE_LIMIT_USAGE_H
#define RW_GATE_LIMIT_USAGE_H

#include "gate/limit/meter.h"

#include <pthread.h>

enum { RW_USAGES_MAX = 65536, RW_USAGE_SHELVES = 64 };

/* What was used of one key. */
struct rw_usage {
    uint64_t hash;  /* of the key here */
    uint64_t id[2]; /* its name for all gateways */
    struct rw_meter_rate rate;
    uint32_t count; /* 0: a free place */
    bool apart;     /* to be told by itself */
};

/* A hash table with open addressing. */
struct rw_usage_shelf {
    _Alignas(64) pthread_mutex_t lock;
    struct rw_usage *items;
    uint32_t room; /* a power of two, or 0 */
    uint32_t used;
};

struct rw_usages {
    struct rw_usage_shelf shelves[RW_USAGE_SHELVES];
    unsigned first; /* shelf that the next rw_usages_take begins with */
};

void rw_usages_init(struct rw_usages *usages);
void rw_usages_free(struct rw_usages *usages);

/* One request more of a key that is there. False: it is not. */
RW_MUST_CHECK bool rw_usages_count(struct rw_usages *usages, uint64_t hash);
void rw_usages_add(struct rw_usages *usages, const struct rw_usage *usage);
/* Requests noted of this key. */
uint32_t rw_usages_of(struct rw_usages *usages, uint64_t hash);

/* `take` is asked for each, under the lock; true: it is removed. One thread at a time. */
void rw_usages_take(struct rw_usages *usages,
                    bool (*take)(void *user, const struct rw_usage *usage), void *user);

#endif
