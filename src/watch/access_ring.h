/* A ring of bytes between one producer (a worker thread) and one consumer (the writer thread).
 *
 * The producer reserves room that lies in one piece, writes a line there and commits its real
 * length. A new lap begins at the start of the memory: when the end is too near, which leaves the
 * rest unused, and whenever the ring is empty. So a ring whose reader keeps up touches little
 * memory, time and again, and not all of it in turn: that would cost the near caches what the
 * worker has in them. The consumer peeks at what lies in one piece and consumes it. None of these
 * functions waits or locks.
 */
#ifndef RW_WATCH_ACCESS_RING_H
#define RW_WATCH_ACCESS_RING_H

#include "base/span.h"
#include "watch/access_line.h"

#include <stdatomic.h>

/* The number of a lap, and an offset in the memory. */
typedef uint64_t rw_access_place;

struct rw_access_ring {
    /* The producer's. */
    _Alignas(64) _Atomic rw_access_place head; /* where the next line goes; == tail: empty */
    size_t lap_end; /* of the lap before head's, while the tail is in it */
    char *data;
    size_t bytes;
    struct rw_access_log *log;
    struct rw_access_clock clock;
    uint64_t no_wait_until_ns; /* monotonic: the last wait for room was in vain... */
    uint64_t pause_ns;         /* ... this long before; 0: it was not */
    /* The consumer's. */
    _Alignas(64) _Atomic rw_access_place tail; /* in the head's lap, or in the one before */
    _Atomic uint32_t room_wanted; /* futex of the producer: 1 while it waits for room */
};

enum { RW_ACCESS_URGENT_BYTES = 128 * 1024 };

_Static_assert((size_t)RW_ACCESS_RING_BYTES_MIN > RW_ACCESS_LINE_BYTES_MAX,
               "an empty ring takes any line");

static inline size_t rw_access_offset(rw_access_place place)
{
    return (uint32_t)place;
}

static inline uint32_t rw_access_lap(rw_access_place place)
{
    return (uint32_t)(place >> 32);
}

static inline rw_access_place rw_access_place_in(uint32_t lap, size_t offset)
{
    return (uint64_t)lap << 32 | offset;
}

/* NULL when there is no room. A start of a lap is seen by rw_access_ring_commit: it lies before the
 * head. */
static inline char *rw_access_ring_reserve(struct rw_access_ring *ring, size_t room)
{
    rw_access_place head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    rw_access_place tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    size_t at = rw_access_offset(head), read = rw_access_offset(tail), end = ring->bytes;
    if (head == tail)
        return ring->data;
    if (rw_access_lap(head) != rw_access_lap(tail))
        end = read == ring->lap_end ? end : read;
    else if (room > end - at)
        at = 0, end = read;
    return room <= end - at ? ring->data + at : NULL;
}

/* Bytes that wait to be read. */
static inline size_t rw_access_ring_used(const struct rw_access_ring *ring)
{
    rw_access_place head = atomic_load_explicit(&ring->head, memory_order_acquire);
    rw_access_place tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    size_t before = rw_access_lap(head) == rw_access_lap(tail) ? 0 : ring->lap_end;
    return before + rw_access_offset(head) - rw_access_offset(tail);
}

/* With more than this the writer is called: seldom enough that its waking costs little (with a half
 * of it a request cost 1.8 % more), and what it reads is in the second cache still. */
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
    rw_access_place head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint32_t lap = rw_access_lap(head);
    if (from < rw_access_offset(head)) {
        ring->lap_end = rw_access_offset(head);
        lap++;
    }
    atomic_store_explicit(&ring->head, rw_access_place_in(lap, from + len), memory_order_release);
    size_t urgent = rw_access_ring_urgent(ring);
    return before <= urgent && rw_access_ring_used(ring) > urgent;
}

/* What can be read in one piece; of length 0 when the ring is empty. */
static inline struct rw_span rw_access_ring_peek(struct rw_access_ring *ring)
{
    rw_access_place head = atomic_load_explicit(&ring->head, memory_order_acquire);
    rw_access_place tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    size_t end = rw_access_offset(head);
    if (rw_access_lap(head) != rw_access_lap(tail)) {
        if (rw_access_offset(tail) == ring->lap_end) {
            tail = rw_access_place_in(rw_access_lap(head), 0);
            atomic_store_explicit(&ring->tail, tail, memory_order_release);
        } else {
            end = ring->lap_end;
        }
    }
    return rw_span(ring->data + rw_access_offset(tail), end - rw_access_offset(tail));
}

static inline void rw_access_ring_consume(struct rw_access_ring *ring, size_t len)
{
    rw_access_place tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    atomic_store_explicit(&ring->tail, tail + len, memory_order_release);
}

#endif
