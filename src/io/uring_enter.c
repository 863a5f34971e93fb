/* The system call of a turn, and how many events it waits for.
 *
 * A wake-up has a price of its own (the switch, often an interrupt to another core), as has each
 * submission: a thread that is woken for every event pays it for every event. So a loop under load
 * gathers: having had some receives in its last turn, it lets most of as many come before it wakes,
 * but waits no longer for them than GATHER_US. One with little to do is woken by the first event,
 * and one with much finds enough without waiting. Nor does a `prompt` loop gather.
 */
#include "io/uring_private.h"

enum {
    GATHER_FROM = 4, /* receives in a turn: that is load */
    GATHER_MAX =
        20, /* the kernel hands out so many unasked; with more they fall out of the cache */
    GATHER_US = 100,
    NS_PER_MS = 1000000,
    MS_PER_S = 1000,
};

/* Since Linux 6.12, in the place of `pad`; liburing of that time does not name them. */
#define FEATURE_MIN_WAIT (1u << 15)
#define MIN_WAIT_US pad

void rw_uring_gather_init(struct uring_state *state, bool prompt)
{
    state->gather.able = !prompt && state->banks[0]->ring.features & FEATURE_MIN_WAIT;
}

/* What is queued becomes visible to the kernel; liburing does it only together with its own system
 * calls, none of which can wait like this. How many there are. */
static unsigned publish(struct io_uring_sq *queue)
{
    unsigned tail = *queue->ktail;
    while (queue->sqe_head != queue->sqe_tail)
        queue->array[tail++ & *queue->kring_mask] = queue->sqe_head++ & *queue->kring_mask;
    io_uring_smp_store_release(queue->ktail, tail);
    return tail - io_uring_smp_load_acquire(queue->khead);
}

/* Wakes when `events` have come, or at the first one after `wait_us`; at the latest after `wait_ms`
 * (below 0: never). */
static int enter_gathering(struct uring_state *state, unsigned events, uint32_t wait_us,
                           int wait_ms)
{
    struct __kernel_timespec latest = {.tv_sec = wait_ms / MS_PER_S,
                                       .tv_nsec = (long long)(wait_ms % MS_PER_S) * NS_PER_MS};
    struct io_uring_getevents_arg wait = {.MIN_WAIT_US = wait_us,
                                          .ts = wait_ms < 0 ? 0 : (uintptr_t)&latest};
    struct io_uring *ring = &state->banks[0]->ring;
    unsigned submitted = publish(&ring->sq);
    /* Sends are over as soon as they are asked for, but for a few. */
    return io_uring_enter2(ring->ring_fd, submitted, submitted + events,
                           IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (sigset_t *)&wait,
                           sizeof(wait));
}

static int enter_waiting(struct io_uring *ring, int wait_ms)
{
    struct io_uring_cqe *unused;
    struct __kernel_timespec wait = {.tv_sec = wait_ms / MS_PER_S,
                                     .tv_nsec = (long long)(wait_ms % MS_PER_S) * NS_PER_MS};
    if (wait_ms < 0)
        return io_uring_submit_and_wait(ring, 1);
    return io_uring_submit_and_wait_timeout(ring, &unused, 1, &wait, NULL);
}

int rw_uring_enter(struct uring_state *state, int wait_ms)
{
    const struct uring_gather *gather = &state->gather;
    struct io_uring *ring = &state->banks[0]->ring;
    if (wait_ms == 0)
        return io_uring_submit_and_get_events(ring);
    if (!gather->able || gather->arrived < GATHER_FROM || gather->arrived >= GATHER_MAX)
        return enter_waiting(ring, wait_ms);
    return enter_gathering(state, gather->arrived * 3 / 4, GATHER_US, wait_ms);
}
