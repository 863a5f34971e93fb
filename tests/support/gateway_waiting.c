/* Nobody waits for a connection while one is free: neither beside an idle one, of this thread or
 * another, nor while the endpoint may have one more. Threads tell each other by messages, so that
 * it may be so for a moment. */
#include "gate/cluster/pool/pool_private.h"
#include "support/gateway_world.h"

enum { LOOK_AGAIN_MS = 20, LOOKS_MAX = 3 };

static const struct rw_pool *pool_at(const struct rw_worker *worker, size_t slot)
{
    return slot < worker->pool_room ? worker->pools[slot] : NULL;
}

static bool has_idle(const struct rw_pool *pool)
{
    bool idle = pool->idle_count > 0;
    for (const struct rw_list *at = pool->shared.next; at != &pool->shared; at = at->next) {
        const struct rw_shared_connection *c =
            rw_container_of(at, struct rw_shared_connection, link);
        idle |= c->phase == RW_SHARED_OPEN && c->lease_count == 0;
    }
    return idle;
}

static bool is_free(const struct rw_test_world *world, const struct rw_pool *pool, size_t slot)
{
    uint32_t most = pool->limits.per_endpoint_max;
    bool free = !most || atomic_load(&pool->endpoint->open) < most;
    for (unsigned i = 0; i < RW_TEST_WORKERS; i++) {
        const struct rw_pool *other = pool_at(&world->workers[i], slot);
        free |= other && has_idle(other);
    }
    return free;
}

/* Who waits though there is no need to; NULL: nobody. */
static const struct rw_list *find(const struct rw_test_world *world)
{
    for (unsigned i = 0; i < RW_TEST_WORKERS; i++)
        for (size_t slot = 0; slot < world->workers[i].pool_room; slot++) {
            const struct rw_pool *pool = world->workers[i].pools[slot];
            if (pool && pool->queue_count && is_free(world, pool, slot))
                return pool->queue.next;
        }
    return NULL;
}

static void look_again(void *user)
{
    struct rw_test_world *world = user;
    world->waiting.looks_soon = false;
    rw_test_waiting_look(world);
}

void rw_test_waiting_look(struct rw_test_world *world)
{
    struct rw_test_waiting *known = &world->waiting;
    uint64_t now_ms = rw_sim_now_ms(world->sim);
    if (world->harsh) /* without memory nobody is told */
        return;
    const struct rw_list *found = find(world);
    if (found != known->who) {
        *known = (struct rw_test_waiting){found, now_ms, 0, known->looks_soon};
    } else if (found && now_ms >= known->seen_ms + LOOK_AGAIN_MS) {
        known->seen_ms = now_ms;
        if (++known->looks == LOOKS_MAX)
            rw_test_fail(world, "a request waits for a connection, and one is free");
    }
    if (!found || known->looks_soon)
        return;
    known->looks_soon = true;
    rw_test_later(world, LOOK_AGAIN_MS, look_again, world);
}
