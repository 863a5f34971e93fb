/* Memory that will be touched soon, for writing most of the time, is asked for now. With hundreds
 * of connections in turn nothing of one is in the near caches any more when it is its turn again;
 * what comes while another is served does not have to be waited for. */
#ifndef RW_BASE_PREFETCH_H
#define RW_BASE_PREFETCH_H

#include <stddef.h>

enum { RW_CACHE_LINE_BYTES = 64 };

/* NULL is fine. */
static inline void rw_prefetch(const void *at, size_t bytes)
{
    for (size_t done = 0; at && done < bytes; done += RW_CACHE_LINE_BYTES)
        __builtin_prefetch((const char *)at + done, 1);
}

#endif
