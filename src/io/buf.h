/* Buffers: where received bytes land, shared by reference until nobody needs them.
 *
 * A loop has one pool with two sizes. The loop takes a buffer when bytes have arrived, never
 * before: an idle connection holds none. Whoever is handed a buffer owns one reference. Who keeps
 * bytes of it longer than the call (a send that is pending, a head that is incomplete) holds
 * another. One thread only.
 */
#ifndef RW_IO_BUF_H
#define RW_IO_BUF_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RW_BUF_SMALL_BYTES = 16 * 1024, RW_BUF_LARGE_BYTES = 256 * 1024 };

struct rw_buf_pool;

struct rw_buf {
    struct rw_buf *next; /* free for the owner's use: a queue of buffers */
    struct rw_buf_pool *pool;
    uint32_t references;
    uint32_t room;  /* bytes at data[] */
    uint32_t start; /* first byte not consumed */
    uint32_t end;   /* past the last byte received */
    char data[];
};

struct rw_buf_pool {
    struct rw_buf *free_small, *free_large;
    size_t free_small_count, free_large_count;
    size_t in_use_bytes;
    size_t cap_bytes;  /* rw_buf_get fails past this */
    size_t keep_bytes; /* free buffers kept for reuse; the rest goes back to the heap */
};

void rw_buf_pool_init(struct rw_buf_pool *pool, size_t cap_bytes, size_t keep_bytes);
/* Every buffer must have been dropped. */
void rw_buf_pool_destroy(struct rw_buf_pool *pool);

/* Gives the free buffers back to the heap: after a burst, when nothing is going on. */
void rw_buf_pool_trim(struct rw_buf_pool *pool);

/* At least `room` bytes (RW_BUF_SMALL_BYTES or RW_BUF_LARGE_BYTES, no more), start = end = 0, one
 * reference; NULL when out of memory or over the cap. */
struct rw_buf *rw_buf_get(struct rw_buf_pool *pool, size_t room);

/* To receive into: a large one when that is wanted and to be had, else a small one. */
struct rw_buf *rw_buf_get_for(struct rw_buf_pool *pool, bool large);

static inline struct rw_buf *rw_buf_hold(struct rw_buf *buf)
{
    buf->references++;
    return buf;
}

void rw_buf_free(struct rw_buf *buf);

/* NULL is fine. */
static inline void rw_buf_drop(struct rw_buf *buf)
{
    if (buf && --buf->references == 0)
        rw_buf_free(buf);
}

static inline struct rw_span rw_buf_span(const struct rw_buf *buf)
{
    return rw_span(buf->data + buf->start, buf->end - buf->start);
}

static inline size_t rw_buf_space(const struct rw_buf *buf)
{
    return buf->room - buf->end;
}

#endif
