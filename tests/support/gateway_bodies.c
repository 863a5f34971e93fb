/* How large bodies may be: by the listener (`limits.body`), by its policy `body_size`, and by that
 * of the route, which takes the policy's place. The limits are at the size of some request's body,
 * or beside it: who is within is not refused, and who is beyond is never presented as whole. */
#include "support/gateway_world.h"

#include <inttypes.h>

enum { ROUTE = RW_TEST_LISTENERS_MAX };

static uint64_t body_of(const struct rw_test_request *r)
{
    bool lies = r->flaw == RW_TEST_FLAW_CHUNK; /* of its length */
    return r->upgrade || r->framing == RW_TEST_BODY_NONE ? 0 : r->body_bytes + 5 * lies;
}

static uint64_t largest(const struct rw_test_world *world)
{
    uint64_t most = 1;
    for (unsigned i = 0; i < world->request_count; i++)
        if (body_of(&world->requests[i]) > most)
            most = body_of(&world->requests[i]);
    return most;
}

/* In a strict world nobody is beyond. */
static uint64_t draw(struct rw_test_world *world)
{
    if (world->strict)
        return largest(world);
    const struct rw_test_request *r = &world->requests[rw_test_below(world, world->request_count)];
    uint64_t limit = body_of(r) + rw_test_below(world, 2);
    limit = limit ? limit : 1;
    if (!world->bodies.least || limit < world->bodies.least)
        world->bodies.least = limit;
    return limit;
}

void rw_test_bodies_reload(struct rw_test_world *world)
{
    struct rw_test_bodies fresh = {.least = world->bodies.least};
    world->bodies = fresh;
}

void rw_test_bodies_limit(struct rw_test_world *world, unsigned listener,
                          struct rw_test_bytes *yaml)
{
    if (rw_test_chance(world, 10))
        world->bodies.limits[listener] = draw(world);
    rw_test_bytes_format(yaml, " body: %" PRIu64 "B", world->bodies.limits[listener]);
}

void rw_test_bodies_policy(struct rw_test_world *world, int listener, struct rw_test_bytes *yaml)
{
    unsigned at = listener < 0 ? ROUTE : (unsigned)listener;
    world->bodies.policies[at] = draw(world);
    rw_test_bytes_format(yaml, " body_size: { max: %" PRIu64 "B },", world->bodies.policies[at]);
}

/* 0: none. */
static uint64_t limit_of(const struct rw_test_world *world, const struct rw_test_request *r)
{
    const struct rw_test_bodies *bodies = &world->bodies;
    uint64_t limit = bodies->limits[r->listener], own = bodies->policies[r->listener];
    if (r->route == RW_TEST_ROUTE_ORIGIN && bodies->policies[ROUTE])
        own = bodies->policies[ROUTE];
    return !limit || (own && own < limit) ? own : limit;
}

void rw_test_bodies_refused(struct rw_test_world *world, const struct rw_test_request *r)
{
    bool sure = r->sent_generation == world->generation;
    uint64_t limit = sure ? limit_of(world, r) : world->bodies.least;
    world->too_large++;
    if (!limit || body_of(r) <= limit)
        rw_test_fail(world, "%u: %" PRIu64 " bytes are too many, of %" PRIu64, r->id, body_of(r),
                     limit);
}

void rw_test_bodies_arrived(struct rw_test_world *world, const struct rw_test_request *r)
{
    uint64_t limit = limit_of(world, r);
    if (r->sent_generation == world->generation && limit && body_of(r) > limit)
        rw_test_fail(world, "%u: all of %" PRIu64 " bytes, though %" PRIu64 " are the most", r->id,
                     body_of(r), limit);
}
