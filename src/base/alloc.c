#include "base/alloc.h"

#include "base/err.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local uint64_t alloc_count;
static _Thread_local uint64_t fail_from, fail_count; /* numbers of allocations */

static bool must_fail(void)
{
    return __builtin_expect(alloc_count++ - fail_from < fail_count, 0);
}

void *rw_alloc(size_t size)
{
    rw_assert(size > 0);
    return must_fail() ? NULL : malloc(size);
}

void *rw_alloc_zero(size_t size)
{
    rw_assert(size > 0);
    return must_fail() ? NULL : calloc(1, size);
}

void *rw_alloc_aligned(size_t alignment, size_t size)
{
    rw_assert(size > 0 && size % alignment == 0);
    return must_fail() ? NULL : aligned_alloc(alignment, size);
}

void *rw_realloc(void *old, size_t size)
{
    rw_assert(size > 0);
    return must_fail() ? NULL : realloc(old, size);
}

char *rw_strdup(const char *at, size_t len)
{
    char *copy = rw_alloc(len + 1);
    if (!copy)
        return NULL;
    if (len)
        memcpy(copy, at, len);
    copy[len] = '\0';
    return copy;
}

void rw_free(void *block)
{
    free(block);
}

void rw_alloc_fail_after(uint64_t successes)
{
    fail_from = alloc_count + successes;
    fail_count = UINT64_MAX / 2;
}

void rw_alloc_fail_once(uint64_t successes)
{
    fail_from = alloc_count + successes;
    fail_count = 1;
}

void rw_alloc_fail_never(void)
{
    fail_count = 0;
}

uint64_t rw_alloc_count(void)
{
    return alloc_count;
}

void rw_alloc_pause(struct rw_alloc_pause *pause)
{
    *pause = (struct rw_alloc_pause){alloc_count, fail_count};
    fail_count = 0;
}

void rw_alloc_resume(const struct rw_alloc_pause *pause)
{
    alloc_count = pause->count;
    fail_count = pause->fail_count;
}
