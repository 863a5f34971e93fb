#include "base/map.h"

#include "base/alloc.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t rw_hash(const void *at, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(at, len, seed);
}

void rw_map_init(struct rw_map *map, uint64_t seed)
{
    *map = (struct rw_map){.seed = seed};
}

void rw_map_free(struct rw_map *map)
{
    rw_free(map->slots);
    *map = (struct rw_map){.seed = map->seed};
}

/* The slot that holds the key, or the empty one where it would go. */
static struct rw_map_slot *find_slot(const struct rw_map *map, struct rw_span key, uint64_t hash)
{
    size_t mask = map->capacity - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct rw_map_slot *slot = &map->slots[i];
        if (!slot->value || (slot->hash == hash && rw_span_eq(slot->key, key)))
            return slot;
    }
}

void *rw_map_get(const struct rw_map *map, struct rw_span key)
{
    if (map->count == 0)
        return NULL;
    return find_slot(map, key, rw_hash(key.at, key.len, map->seed))->value;
}

static enum rw_err grow(struct rw_map *map)
{
    size_t capacity = map->capacity ? map->capacity * 2 : 8;
    struct rw_map bigger = {.capacity = capacity, .count = map->count, .seed = map->seed};
    bigger.slots = rw_alloc_zero(capacity * sizeof(*bigger.slots));
    if (!bigger.slots)
        return RW_ENOMEM;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].value)
            *find_slot(&bigger, map->slots[i].key, map->slots[i].hash) = map->slots[i];
    rw_free(map->slots);
    *map = bigger;
    return RW_OK;
}

enum rw_err rw_map_put(struct rw_map *map, struct rw_span key, void *value)
{
    rw_assert(value);
    if ((map->count + 1) * 4 > map->capacity * 3) {
        enum rw_err err = grow(map);
        if (err)
            return err;
    }
    uint64_t hash = rw_hash(key.at, key.len, map->seed);
    struct rw_map_slot *slot = find_slot(map, key, hash);
    if (!slot->value) {
        *slot = (struct rw_map_slot){.key = key, .hash = hash};
        map->count++;
    }
    slot->value = value;
    return RW_OK;
}

const struct rw_map_slot *rw_map_next(const struct rw_map *map, size_t *cursor)
{
    while (*cursor < map->capacity) {
        const struct rw_map_slot *slot = &map->slots[(*cursor)++];
        if (slot->value)
            return slot;
    }
    return NULL;
}
