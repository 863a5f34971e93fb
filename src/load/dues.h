/* A queue of times at which requests are due: grows as needed, up to a cap. One thread. */
#ifndef RW_LOAD_DUES_H
#define RW_LOAD_DUES_H

#include <stdbool.h>
#include <stdint.h>

struct rw_dues {
    uint64_t *at;
    uint32_t first, count, room; /* room: a power of two */
};

enum { RW_DUES_MAX = 1 << 24 };

/* False: out of memory, or RW_DUES_MAX wait. */
bool rw_dues_push(struct rw_dues *dues, uint64_t due_ns);
void rw_dues_free(struct rw_dues *dues);

/* Not of an empty one. */
static inline uint64_t rw_dues_first(const struct rw_dues *dues)
{
    return dues->at[dues->first];
}

static inline uint64_t rw_dues_pop(struct rw_dues *dues)
{
    uint64_t due_ns = dues->at[dues->first];
    dues->first = (dues->first + 1) & (dues->room - 1);
    dues->count--;
    return due_ns;
}

#endif
