/* A hash map from spans to pointers (open addressing, linear probing, XXH3 with a per-map seed).
 * Keys are borrowed: the caller keeps their bytes alive as long as the map. Not thread-safe for
 * writing; any number of threads may read a map that no longer changes. */
#ifndef RW_BASE_MAP_H
#define RW_BASE_MAP_H

#include "base/err.h"
#include "base/span.h"

struct rw_map_slot {
    struct rw_span key;
    void *value;
    uint64_t hash;
};

struct rw_map {
    struct rw_map_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t seed;
};

/* No allocation until the first put. */
void rw_map_init(struct rw_map *map, uint64_t seed);
void rw_map_free(struct rw_map *map);

/* NULL when absent. */
void *rw_map_get(const struct rw_map *map, struct rw_span key);

/* `value` is not NULL. Replaces the value of an equal key (and keeps the first key's bytes). */
RW_MUST_CHECK enum rw_err rw_map_put(struct rw_map *map, struct rw_span key, void *value);

/* Iterates: start with *cursor = 0; NULL at the end. */
const struct rw_map_slot *rw_map_next(const struct rw_map *map, size_t *cursor);

/* 64-bit hash of bytes, for tables that are not maps. */
uint64_t rw_hash(const void *at, size_t len, uint64_t seed);

#endif
