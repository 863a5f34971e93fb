/* A ring of bytes between one producer (a worker thread) and one consumer (the writer thread).
 *
 * The producer reserves room that lies in one piece, writes a line there and commits its real
 * length; where the end of the memory is too near, it goes on at the start and leaves the rest
 * unused until the next lap. The consumer peeks at what lies in one piece and consumes it.
 * None of these functions waits or locks.
 */
#ifndef RW_WATCH_ACCESS_RING_H
#define RW_WATCH_ACCESS_RING_H

#include "base/span.h"
#include "watch/access_line.h"

#include <stdatomic.h>

struct rw_access_ring {
    /* The producer's. */
    _Alignas(64) _Atomic size_t head; /* where the next line goes; head == tail: empty */
    size_t lap_end;                   /* with head < tail: where the lines from tail end */
    char *data;
    size_t bytes;
    struct rw_access_log *log;
    struct rw_access_clock clock;
    uint64_t no_wait_until_ns; /* monotonic: the last wait for room was in vain... */
    uint64_t pause_ns;         /* ... this long before; 0: it was not */
    /* The consumer's. */
    _Alignas(64) _Atomic size_t tail;
    _Atomic uint32_t room_wanted; /* futex of the producer: 1 while it waits for room */
};

enum { RW_ACCESS_URGENT_BYTES = 64 * 1024 };

_Static_assert(RW_ACCESS_RING_BYTES_MIN / 2 > RW_ACCESS_LINE_BYTES_MAX,
               "an empty ring takes any line, wherever its head stands");

/* NULL when there is no room. */
static inline char *rw_access_ring_reserve(struct rw_access_ring *ring, size_t room)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (head < tail)
        return room < tail - head ? ring->data + head : NULL;
    if (room <= ring->bytes - head)
        return ring->data + head;
    /* From the start; rw_access_ring_commit sees that it lies before the head. */
    return room < tail ? ring->data : NULL;
}

/* Bytes that are not free: what waits, and what a lap left unused. */
static inline size_t rw_access_ring_used(const struct rw_access_ring *ring)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    return head >= tail ? head - tail : ring->bytes - (tail - head);
}

/* With more than this the writer is called: often enough that what it reads is in the cache still.
 */
static inline size_t rw_access_ring_urgent(const struct rw_access_ring *ring)
{
    size_t half = ring->bytes / 2;
    return half < RW_ACCESS_URGENT_BYTES ? half : RW_ACCESS_URGENT_BYTES;
}

/* `at` comes from rw_access_ring_reserve, `len` is at most its room. True when the ring has come to
 * hold more than rw_access_ring_urgent by it. */
static inline bool rw_access_ring_commit(struct rw_access_ring *ring, const char *at, size_t len)
{
    size_t before = rw_access_ring_used(ring);
    size_t from = (size_t)(at - ring->data);
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (from < head)
        ring->lap_end = head;
    atomic_store_explicit(&ring->head, from + len, memory_order_release);
    size_t urgent = rw_access_ring_urgent(ring);
    return before <= urgent && rw_access_ring_used(ring) > urgent;
}

/* What can be read in one piece; of length 0 when the ring is empty. */
static inline struct rw_span rw_access_ring_peek(struct rw_access_ring *ring)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (head < tail && tail == ring->lap_end) {
        tail = 0;
        atomic_store_explicit(&ring->tail, 0, memory_order_release);
    }
    return rw_span(ring->data + tail, (head < tail ? ring->lap_end : head) - tail);
}

static inline void rw_access_ring_consume(struct rw_access_ring *ring, size_t len)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    atomic_store_explicit(&ring->tail, tail + len, memory_order_release);
}

#endif
