/* A library of its own, preloaded into a gateway under test (LD_PRELOAD): the wall clock as that
 * program sees it, moved by what verify writes into memory that both have mapped. Monotonic clocks
 * are left alone, as they are when a machine's time is set. fault/clock_shim.h has the other side.
 */
#include "verify/fault/preload/clock.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_S = 1000000000 };

/* The C library's names, by which other objects find these. */
int rw_preload_clock_gettime(clockid_t clock, struct timespec *now) __asm__("clock_gettime");
int rw_preload_gettimeofday(struct timeval *now, void *zone) __asm__("gettimeofday");
time_t rw_preload_time(time_t *now) __asm__("time");

static struct rw_clock_state *state; /* NULL: as if we were not there */
static int (*real_gettime)(clockid_t clock, struct timespec *now);

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv(RW_CLOCK_VARIABLE);
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *memory = MAP_FAILED;
    if (fd >= 0) {
        memory = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    }
    *(void **)&real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    if (memory != MAP_FAILED)
        state = memory;
}

static void move(struct timespec *now, long long offset_ns)
{
    long long ns = now->tv_nsec + offset_ns % NS_PER_S;
    now->tv_sec += offset_ns / NS_PER_S;
    if (ns < 0) {
        ns += NS_PER_S;
        now->tv_sec--;
    } else if (ns >= NS_PER_S) {
        ns -= NS_PER_S;
        now->tv_sec++;
    }
    now->tv_nsec = (long)ns;
}

int rw_preload_clock_gettime(clockid_t clock, struct timespec *now)
{
    int result =
        real_gettime ? real_gettime(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
    long long offset_ns = 0;
    if (state && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        offset_ns = atomic_load_explicit(&state->offset_ns, memory_order_relaxed);
    if (result == 0 && offset_ns) {
        move(now, offset_ns);
        atomic_store_explicit(&state->seen_ns, offset_ns, memory_order_relaxed);
    }
    return result;
}

int rw_preload_gettimeofday(struct timeval *now, void *zone)
{
    struct timespec precise;
    (void)zone; /* obsolete */
    if (now && rw_preload_clock_gettime(CLOCK_REALTIME, &precise) == 0)
        *now = (struct timeval){.tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000};
    return 0;
}

time_t rw_preload_time(time_t *now)
{
    struct timespec precise = {0};
    (void)rw_preload_clock_gettime(CLOCK_REALTIME_COARSE, &precise);
    if (now)
        *now = precise.tv_sec;
    return precise.tv_sec;
}
