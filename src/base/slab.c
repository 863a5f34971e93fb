#include "base/slab.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/poison.h"

#include <string.h>

struct rw_slab_page {
    struct rw_slab_page *next;
};

struct free_object {
    struct free_object *next;
};

/* The link alone may be touched while an object is free. */
static void *after_link(void *object)
{
    return (char *)object + sizeof(struct free_object);
}

static size_t bytes_after_link(const struct rw_slab *slab)
{
    return slab->object_bytes - sizeof(struct free_object);
}

void rw_slab_init(struct rw_slab *slab, size_t object_bytes, unsigned objects_per_page, size_t cap)
{
    rw_assert(object_bytes >= sizeof(struct free_object) && objects_per_page > 0);
    *slab = (struct rw_slab){
        .object_bytes = (object_bytes + 7) & ~(size_t)7,
        .objects_per_page = objects_per_page,
        .cap = cap,
    };
}

static void free_pages(struct rw_slab *slab)
{
    struct rw_slab_page *page = slab->pages;
    while (page) {
        struct rw_slab_page *next = page->next;
        rw_free(page);
        page = next;
    }
    slab->pages = NULL;
    slab->free = NULL;
}

void rw_slab_destroy(struct rw_slab *slab)
{
    rw_assert(slab->in_use == 0);
    free_pages(slab);
}

static void add_page(struct rw_slab *slab)
{
    size_t header = (sizeof(struct rw_slab_page) + 15) & ~(size_t)15;
    struct rw_slab_page *page = rw_alloc(header + slab->object_bytes * slab->objects_per_page);
    if (!page)
        return;
    page->next = slab->pages;
    slab->pages = page;
    char *object = (char *)page + header;
    for (unsigned i = 0; i < slab->objects_per_page; i++, object += slab->object_bytes) {
        ((struct free_object *)object)->next = slab->free;
        slab->free = object;
        RW_POISON(after_link(object), bytes_after_link(slab));
    }
}

void *rw_slab_get(struct rw_slab *slab)
{
    if (slab->in_use >= slab->cap)
        return NULL;
    if (!slab->free)
        add_page(slab);
    struct free_object *object = slab->free;
    if (!object)
        return NULL;
    slab->free = object->next;
    __builtin_prefetch(object->next, 1); /* the next one's link */
    slab->in_use++;
    RW_UNPOISON(after_link(object), bytes_after_link(slab));
    return object;
}

void rw_slab_put(struct rw_slab *slab, void *object)
{
    rw_assert(slab->in_use > 0);
    ((struct free_object *)object)->next = slab->free;
    slab->free = object;
    slab->in_use--;
    RW_POISON(after_link(object), bytes_after_link(slab));
}

void rw_slab_trim(struct rw_slab *slab)
{
    if (slab->in_use == 0)
        free_pages(slab);
}
