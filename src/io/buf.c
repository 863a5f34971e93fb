#include "io/buf.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/poison.h"

void rw_buf_pool_init(struct rw_buf_pool *pool, size_t cap_bytes, size_t keep_bytes)
{
    *pool = (struct rw_buf_pool){.cap_bytes = cap_bytes, .keep_bytes = keep_bytes};
}

static void free_list(struct rw_buf *buf)
{
    while (buf) {
        struct rw_buf *next = buf->next;
        rw_free(buf);
        buf = next;
    }
}

void rw_buf_pool_trim(struct rw_buf_pool *pool)
{
    free_list(pool->free_small);
    free_list(pool->free_large);
    pool->free_small = pool->free_large = NULL;
    pool->free_small_count = pool->free_large_count = 0;
}

void rw_buf_pool_destroy(struct rw_buf_pool *pool)
{
    rw_assert(pool->in_use_bytes == 0);
    rw_buf_pool_trim(pool);
    *pool = (struct rw_buf_pool){0};
}

/* A free buffer's link alone may be touched. */
static size_t bytes_after_link(bool large)
{
    size_t room = large ? RW_BUF_LARGE_BYTES : RW_BUF_SMALL_BYTES;
    return sizeof(struct rw_buf) - sizeof(struct rw_buf *) + room;
}

static struct rw_buf *take_free(struct rw_buf **list, size_t *count)
{
    struct rw_buf *buf = *list;
    if (buf) {
        *list = buf->next;
        (*count)--;
    }
    return buf;
}

struct rw_buf *rw_buf_get(struct rw_buf_pool *pool, size_t room)
{
    rw_assert(room <= RW_BUF_LARGE_BYTES);
    bool large = room > RW_BUF_SMALL_BYTES;
    room = large ? RW_BUF_LARGE_BYTES : RW_BUF_SMALL_BYTES;
    if (pool->in_use_bytes + room > pool->cap_bytes)
        return NULL;
    struct rw_buf *buf = large ? take_free(&pool->free_large, &pool->free_large_count)
                               : take_free(&pool->free_small, &pool->free_small_count);
    if (buf)
        RW_UNPOISON(&buf->pool, bytes_after_link(large));
    else
        buf = rw_alloc(sizeof(*buf) + room);
    if (!buf)
        return NULL;
    pool->in_use_bytes += room;
    buf->next = NULL;
    buf->pool = pool;
    buf->references = 1;
    buf->room = (uint32_t)room;
    buf->start = buf->end = 0;
    return buf;
}

struct rw_buf *rw_buf_get_for(struct rw_buf_pool *pool, bool large)
{
    struct rw_buf *buf = large ? rw_buf_get(pool, RW_BUF_LARGE_BYTES) : NULL;
    return buf ? buf : rw_buf_get(pool, RW_BUF_SMALL_BYTES);
}

void rw_buf_free(struct rw_buf *buf)
{
    struct rw_buf_pool *pool = buf->pool;
    pool->in_use_bytes -= buf->room;
    size_t kept = pool->free_small_count * RW_BUF_SMALL_BYTES +
                  pool->free_large_count * (size_t)RW_BUF_LARGE_BYTES;
    if (kept + buf->room > pool->keep_bytes) {
        rw_free(buf);
        return;
    }
    bool large = buf->room == RW_BUF_LARGE_BYTES;
    struct rw_buf **list = large ? &pool->free_large : &pool->free_small;
    buf->next = *list;
    *list = buf;
    if (large)
        pool->free_large_count++;
    else
        pool->free_small_count++;
    RW_POISON(&buf->pool, bytes_after_link(large));
}
