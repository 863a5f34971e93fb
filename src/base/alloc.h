/* Heap memory for everything in the program, with one way to make it fail.
 *
 * rw_alloc_fail_after(n) lets n more allocations of this thread succeed and fails all after that
 * until rw_alloc_fail_never(): so a test can fail each allocation of an operation in turn.
 * rw_alloc_fail_once(n) fails only the one after n more.
 */
#ifndef RW_BASE_ALLOC_H
#define RW_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* NULL when out of memory. A size of zero is not allowed. The caller frees with rw_free. */
void *rw_alloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *rw_alloc_zero(size_t size) __attribute__((malloc, alloc_size(1)));
void *rw_alloc_aligned(size_t alignment, size_t size) __attribute__((malloc, alloc_size(2)));

/* As realloc: on NULL the old block is untouched and still owned by the caller. */
void *rw_realloc(void *old, size_t size) __attribute__((alloc_size(2)));

/* Copies `len` bytes and adds a NUL. */
char *rw_strdup(const char *at, size_t len) __attribute__((malloc));

/* NULL is fine. */
void rw_free(void *block);

void rw_alloc_fail_after(uint64_t successes);
void rw_alloc_fail_once(uint64_t successes);
void rw_alloc_fail_never(void);
/* Allocations of this thread since it began, failed ones included. */
uint64_t rw_alloc_count(void);

/* Between the two, allocations neither fail nor count: those of a test's own side. */
struct rw_alloc_pause {
    uint64_t count, fail_count;
};
void rw_alloc_pause(struct rw_alloc_pause *pause);
void rw_alloc_resume(const struct rw_alloc_pause *pause);

#endif
