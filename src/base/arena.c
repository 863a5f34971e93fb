#include "base/arena.h"

#include "base/alloc.h"
#include "base/slab.h"

#include <stdarg.h>
#include <stdio.h>

struct rw_arena_block {
    struct rw_arena_block *next;
    struct rw_slab *slab; /* NULL: from the heap */
};

static struct rw_arena_block *take_block(struct rw_arena *arena, size_t bytes)
{
    struct rw_slab *slab = bytes == arena->block_bytes ? arena->slab : NULL;
    struct rw_arena_block *block = slab ? rw_slab_get(slab) : rw_alloc(bytes);
    if (block)
        block->slab = slab;
    return block;
}

static void give_back(struct rw_arena_block *block)
{
    if (block->slab)
        rw_slab_put(block->slab, block);
    else
        rw_free(block);
}

void rw_arena_init(struct rw_arena *arena, void *first, size_t first_bytes, size_t block_bytes,
                   size_t cap_bytes)
{
    char *at = first;
    *arena = (struct rw_arena){
        .at = at,
        .end = at ? at + (first_bytes & ~(size_t)7) : NULL,
        .block_bytes = block_bytes,
        .cap_bytes = cap_bytes,
    };
}

void rw_arena_free(struct rw_arena *arena)
{
    struct rw_arena_block *block = arena->blocks;
    while (block) {
        struct rw_arena_block *next = block->next;
        give_back(block);
        block = next;
    }
    *arena = (struct rw_arena){
        .block_bytes = arena->block_bytes, .cap_bytes = arena->cap_bytes, .slab = arena->slab};
}

void *rw_arena_alloc_slow(struct rw_arena *arena, size_t size)
{
    size_t bytes = sizeof(struct rw_arena_block) + size;
    if (bytes < size)
        return NULL;
    if (bytes < arena->block_bytes)
        bytes = arena->block_bytes;
    if (bytes > arena->cap_bytes - arena->used_bytes)
        return NULL;
    struct rw_arena_block *block = take_block(arena, bytes);
    if (!block)
        return NULL;
    arena->used_bytes += bytes;
    block->next = arena->blocks;
    arena->blocks = block;
    char *data = (char *)(block + 1);
    char *end = (char *)block + bytes;
    RW_POISON(data + size, (size_t)(end - data) - size);
    /* A large one-off block must not throw away the room left in the current one. */
    if (end - (data + size) > arena->end - arena->at) {
        arena->at = data + size;
        arena->end = end;
    }
    return data;
}

void *rw_arena_zero(struct rw_arena *arena, size_t size)
{
    void *block = rw_arena_alloc(arena, size);
    if (block)
        memset(block, 0, size);
    return block;
}

struct rw_span rw_arena_copy(struct rw_arena *arena, struct rw_span text)
{
    char *copy = rw_arena_alloc(arena, text.len + 1);
    if (!copy)
        return (struct rw_span){NULL, 0};
    if (text.len)
        memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return rw_span(copy, text.len);
}

struct rw_span rw_arena_format(struct rw_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len < 0 ? NULL : rw_arena_alloc(arena, (size_t)len + 1);
    if (text)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text ? rw_span(text, (size_t)len) : (struct rw_span){NULL, 0};
}
