#include "simulate/queue.h"

#include "base/alloc.h"

#include <string.h>

enum rw_err rw_simulate_queue_open(struct rw_simulate_queue *queue, uint32_t servers, bool pinned,
                                   uint32_t waiting_max)
{
    *queue = (struct rw_simulate_queue){.servers = servers, .pinned = pinned, .room = waiting_max};
    rw_assert(servers > 0);
    queue->free = rw_alloc_zero(servers * sizeof(double));
    if (!queue->free)
        return RW_ENOMEM;
    if (waiting_max && !(queue->begun = rw_alloc(waiting_max * sizeof(double))))
        return RW_ENOMEM;
    return RW_OK;
}

void rw_simulate_queue_close(struct rw_simulate_queue *queue)
{
    rw_free(queue->free);
    rw_free(queue->begun);
    *queue = (struct rw_simulate_queue){0};
}

void rw_simulate_queue_clear(struct rw_simulate_queue *queue, double now)
{
    for (uint32_t i = 0; i < queue->servers; i++)
        queue->free[i] = now;
    queue->first = queue->count = 0;
}

void rw_simulate_queue_copy(struct rw_simulate_queue *to, const struct rw_simulate_queue *from)
{
    rw_assert(to->servers == from->servers && !to->room && !from->room);
    memcpy(to->free, from->free, from->servers * sizeof(double));
}

bool rw_simulate_queue_full(struct rw_simulate_queue *queue, double now)
{
    if (!queue->room || queue->free[0] <= now)
        return false;
    /* Whoever has begun waits no more; they begin in the order in which they came. */
    while (queue->count && queue->begun[queue->first] <= now) {
        queue->first = (queue->first + 1) % queue->room;
        queue->count--;
    }
    return queue->count == queue->room;
}

/* The root has grown: down to where it belongs. */
static void sift(double *heap, uint32_t count)
{
    double moved = heap[0];
    uint32_t at = 0;
    for (uint32_t child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= moved)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

double rw_simulate_queue_serve(struct rw_simulate_queue *queue, uint32_t server, double now,
                               double service)
{
    double begin = queue->free[server] > now ? queue->free[server] : now, end = begin + service;
    queue->free[server] = end;
    if (!queue->pinned && queue->servers > 1)
        sift(queue->free, queue->servers);
    if (queue->room && begin > now) {
        rw_assert(queue->count < queue->room); /* asked before: rw_simulate_queue_full */
        queue->begun[(queue->first + queue->count++) % queue->room] = begin;
    }
    return end;
}

void rw_simulate_queue_shift(struct rw_simulate_queue *queue, double seconds)
{
    for (uint32_t i = 0; i < queue->servers; i++)
        queue->free[i] += seconds;
    for (uint32_t i = 0; i < queue->count; i++)
        queue->begun[(queue->first + i) % queue->room] += seconds;
}

void rw_simulate_queue_drain(struct rw_simulate_queue *queue, double now, double seconds,
                             double least)
{
    double wait = queue->free[0] - now;
    for (uint32_t i = 1; i < queue->servers; i++)
        wait = queue->free[i] - now < wait ? queue->free[i] - now : wait;
    if (wait <= least)
        return;
    rw_simulate_queue_shift(queue, wait - seconds < least ? least - wait : -seconds);
}
