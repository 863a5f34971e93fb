#include "base/alloc.h"
#include "gate/cluster/cluster_registry.h"

#include <pthread.h>

struct rw_slots {
    _Atomic uint32_t references;
    pthread_mutex_t mutex;
    uint64_t *words; /* a set bit: taken */
    uint32_t word_count;
};

enum rw_err rw_slots_create(struct rw_slots **slots)
{
    struct rw_slots *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    atomic_init(&made->references, 1);
    pthread_mutex_init(&made->mutex, NULL);
    *slots = made;
    return RW_OK;
}

struct rw_slots *rw_slots_hold(struct rw_slots *slots)
{
    atomic_fetch_add_explicit(&slots->references, 1, memory_order_relaxed);
    return slots;
}

void rw_slots_drop(struct rw_slots *slots)
{
    if (atomic_fetch_sub_explicit(&slots->references, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&slots->mutex);
    rw_free(slots->words);
    rw_free(slots);
}

static bool grow(struct rw_slots *slots)
{
    uint32_t count = slots->word_count ? slots->word_count * 2 : 1;
    uint64_t *words = rw_realloc(slots->words, count * sizeof(*words));
    if (!words)
        return false;
    memset(words + slots->word_count, 0, (count - slots->word_count) * sizeof(*words));
    slots->words = words;
    slots->word_count = count;
    return true;
}

enum rw_err rw_slots_take(struct rw_slots *slots, uint32_t *slot)
{
    enum rw_err err = RW_OK;
    uint32_t at = 0;
    pthread_mutex_lock(&slots->mutex);
    while (at < slots->word_count && slots->words[at] == UINT64_MAX)
        at++;
    if (at == slots->word_count && !grow(slots)) {
        err = RW_ENOMEM;
        goto out;
    }
    uint32_t bit = (uint32_t)__builtin_ctzll(~slots->words[at]);
    slots->words[at] |= 1ull << bit;
    *slot = at * 64 + bit;
out:
    pthread_mutex_unlock(&slots->mutex);
    return err;
}

void rw_slots_give(struct rw_slots *slots, uint32_t slot)
{
    pthread_mutex_lock(&slots->mutex);
    rw_assert(slots->words[slot / 64] & (1ull << (slot % 64)));
    slots->words[slot / 64] &= ~(1ull << (slot % 64));
    pthread_mutex_unlock(&slots->mutex);
}
