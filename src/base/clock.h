/* Time. The data plane asks its loop for the time (which a simulation replaces); these are for the
 * loop itself, for logs and for threads without a loop. */
#ifndef RW_BASE_CLOCK_H
#define RW_BASE_CLOCK_H

#include <stdint.h>

#define RW_NS_PER_MS 1000000ull
#define RW_NS_PER_S 1000000000ull

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t rw_clock_monotonic_ns(void);

/* CLOCK_REALTIME in nanoseconds since 1970. */
uint64_t rw_clock_wall_ns(void);

/* "2026-01-31T23:59:59.123Z" (RFC 3339): 24 bytes at `to`, no NUL. */
void rw_clock_format_rfc3339(char *to, uint64_t wall_ns);

/* "Sat, 31 Jan 2026 23:59:59 GMT" (RFC 9110 section 5.6.7): 29 bytes at `to`, no NUL. */
void rw_clock_format_http(char *to, uint64_t wall_ns);

/* Milliseconds from one time to the other; 0: `since_ms` is the later one. It may be of another
 * thread, whose turn (rw_loop_now_ms) began after this one's. */
static inline uint64_t rw_elapsed_ms(uint64_t now_ms, uint64_t since_ms)
{
    return now_ms > since_ms ? now_ms - since_ms : 0;
}

#endif
