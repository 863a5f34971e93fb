#include "gate/cluster/pool/turns.h"

#include "base/alloc.h"

enum {
    TURN_MS_MIN = 10,
    TURN_CONNECTS = 10,      /* so many times what it takes to connect */
    TURN_H2_MS_MIN = 100,    /* its streams have to end first */
    TURN_QUEUE_SHARE_MAX = 4 /* so many turns at least fit into the longest wait */
};

/* Of each worker: when it is due, times two, and one if it has a connection. */
struct rw_turns {
    _Atomic uint64_t due[RW_WAITERS_MAX];
};

static struct rw_turns *turns_of(const struct rw_endpoint *endpoint)
{
    return atomic_load_explicit(&endpoint->turns, memory_order_acquire);
}

bool rw_turns_prepare(struct rw_endpoint *endpoint)
{
    struct rw_turns *none = NULL, *turns;
    if (turns_of(endpoint))
        return true;
    turns = rw_alloc_zero(sizeof(*turns));
    if (turns && !atomic_compare_exchange_strong(&endpoint->turns, &none, turns))
        rw_free(turns); /* another thread was faster */
    return turns != NULL;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a < b ? b : a;
}

/* UINT64_MAX: nobody waits. */
static uint64_t first_due_ms(const struct rw_pool *pool)
{
    if (rw_list_empty(&pool->queue))
        return UINT64_MAX;
    return rw_container_of(pool->queue.next, struct rw_lease, link)->deadline_ms;
}

/* Who has given up a connection is due as if its requests had come then: behind all that waited. */
static uint64_t due_ms(const struct rw_pool *pool)
{
    uint64_t passed_ms = pool->passed_ms ? pool->passed_ms + pool->limits.queue_ms_max : 0;
    return later(first_due_ms(pool), passed_ms);
}

void rw_turns_publish(const struct rw_pool *pool)
{
    if (!rw_list_empty(&pool->queue))
        atomic_store_explicit(&turns_of(pool->endpoint)->due[pool->worker->index],
                              due_ms(pool) * 2 + (pool->connection_count > 0),
                              memory_order_relaxed);
}

/* The other threads that wait. */
struct others {
    unsigned earlier;      /* than `due_ms` */
    uint64_t first_due_ms; /* UINT64_MAX: nobody waits */
    bool without;          /* one has no connection */
};

static void add(struct others *others, uint64_t due, uint64_t due_ms)
{
    others->earlier += due / 2 < due_ms;
    others->first_due_ms = earlier(others->first_due_ms, due / 2);
    others->without |= due % 2 == 0;
}

static struct others look_at_others(const struct rw_pool *pool, uint64_t due_ms)
{
    struct others others = {.first_due_ms = UINT64_MAX};
    const struct rw_endpoint *endpoint = pool->endpoint;
    for (unsigned word = 0; word < RW_WAITERS_MAX / 64; word++)
        for (uint64_t left = atomic_load(&endpoint->waiting.words[word]); left; left &= left - 1) {
            unsigned i = word * 64 + (unsigned)__builtin_ctzll(left);
            if (i != pool->worker->index)
                add(&others, atomic_load(&turns_of(endpoint)->due[i]), due_ms);
        }
    return others;
}

unsigned rw_turns_ahead(const struct rw_pool *pool)
{
    return look_at_others(pool, due_ms(pool)).earlier;
}

static uint64_t turn_ms(const struct rw_pool *pool)
{
    uint64_t least_ms = rw_list_empty(&pool->shared) ? TURN_MS_MIN : TURN_H2_MS_MIN;
    return earlier(later(least_ms, TURN_CONNECTS * pool->connect_ms),
                   pool->limits.queue_ms_max / TURN_QUEUE_SHARE_MAX);
}

void rw_turns_begin(struct rw_pool *pool)
{
    pool->turn_until_ms = rw_loop_now_ms(pool->worker->loop) + turn_ms(pool);
}

bool rw_turns_over(const struct rw_pool *pool)
{
    if (rw_loop_now_ms(pool->worker->loop) < pool->turn_until_ms ||
        !rw_waiters_others(&pool->endpoint->waiting, pool->worker->index))
        return false;
    struct others others = look_at_others(pool, 0);
    uint64_t own_due_ms = first_due_ms(pool);
    return others.without ||
           (others.first_due_ms < own_due_ms && own_due_ms - others.first_due_ms >= turn_ms(pool));
}

void rw_turns_pass(struct rw_pool *pool)
{
    pool->passed_ms = rw_loop_now_ms(pool->worker->loop);
    rw_turns_publish(pool);
    rw_turns_begin(pool); /* with what it has left */
}
