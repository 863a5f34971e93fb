/* Fixed-size objects with a free list, for one thread.
 *
 * Objects come from pages of `objects_per_page`; a freed object is reused last-in first-out, while
 * it is still in the cache. Pages go back to the system only at rw_slab_destroy, except that a slab
 * whose objects are all free may be trimmed by rw_slab_trim.
 */
#ifndef RW_BASE_SLAB_H
#define RW_BASE_SLAB_H

#include <stddef.h>

struct rw_slab_page;

struct rw_slab {
    size_t object_bytes;
    unsigned objects_per_page;
    void *free;
    struct rw_slab_page *pages;
    size_t in_use; /* objects handed out */
    size_t cap;    /* most objects that may be out at once */
};

void rw_slab_init(struct rw_slab *slab, size_t object_bytes, unsigned objects_per_page, size_t cap);
void rw_slab_destroy(struct rw_slab *slab);

/* Not zeroed; NULL when out of memory or at the cap. */
void *rw_slab_get(struct rw_slab *slab);
void rw_slab_put(struct rw_slab *slab, void *object);

/* Returns all pages when nothing is handed out. */
void rw_slab_trim(struct rw_slab *slab);

#endif
