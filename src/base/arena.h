/* A capped arena: many small allocations, one end.
 *
 * Two of the four lifetimes use it: the config snapshot (large blocks) and the exchange (a first
 * block inside the exchange itself, so that a usual request needs no malloc). Running over the cap
 * returns NULL, which the caller turns into an error for the client; it never aborts.
 * Not thread-safe: an arena belongs to one thread at a time.
 */
#ifndef RW_BASE_ARENA_H
#define RW_BASE_ARENA_H

#include "base/poison.h"
#include "base/span.h"

#include <stddef.h>

struct rw_arena_block;
struct rw_slab;

struct rw_arena {
    char *at;                      /* next free byte */
    char *end;                     /* end of the current block */
    struct rw_arena_block *blocks; /* heap blocks, newest first */
    size_t block_bytes;            /* size of each further block */
    size_t used_bytes;             /* heap bytes taken so far */
    size_t cap_bytes;              /* heap bytes allowed */
    struct rw_slab
        *slab; /* of objects of block_bytes: where usual blocks come from; NULL: the heap */
};

/* Which slab to take blocks from is the caller's to set, after rw_arena_init.
 * `first` (may be NULL with size 0) is memory of the caller's that outlives the arena's use. */
void rw_arena_init(struct rw_arena *arena, void *first, size_t first_bytes, size_t block_bytes,
                   size_t cap_bytes);

/* Frees the heap blocks; the arena must be initialised again before use. */
void rw_arena_free(struct rw_arena *arena);

/* Aligned to 8 bytes, not zeroed; NULL when out of memory or over the cap. */
void *rw_arena_alloc_slow(struct rw_arena *arena, size_t size);

static inline void *rw_arena_alloc(struct rw_arena *arena, size_t size)
{
    size = (size + 7) & ~(size_t)7;
    if (__builtin_expect((size_t)(arena->end - arena->at) < size, 0))
        return rw_arena_alloc_slow(arena, size);
    void *block = arena->at;
    arena->at += size;
    RW_UNPOISON(block, size);
    return block;
}

void *rw_arena_zero(struct rw_arena *arena, size_t size);

/* A NUL-terminated copy; `at` is NULL on failure. */
struct rw_span rw_arena_copy(struct rw_arena *arena, struct rw_span text);

/* printf into the arena; `at` is NULL on failure. */
struct rw_span rw_arena_format(struct rw_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
