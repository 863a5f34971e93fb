/* Users who stay: with the version of a release that they were given, and with the origin that the
 * hash has chosen for them.
 *
 * Which version it was is seen by the address at which a request arrives (rw_test_origin.version).
 * By what a user was given at each share of the new version, the share from which on it is theirs
 * can be narrowed down: over all reloads of the world there has to be one. */
#include "gate/cluster/cluster.h"
#include "support/gateway_world.h"

enum { SHARE_ALL = 100 };

static struct rw_test_user *user_of(struct rw_test_world *world, const struct rw_test_request *r)
{
    return &world->sticky.users[r->user];
}

void rw_test_sticky_begin(struct rw_test_world *world)
{
    world->sticky.listeners_min = RW_TEST_LISTENERS_MAX;
    for (unsigned i = 0; i < RW_TEST_USERS; i++)
        world->sticky.users[i] =
            (struct rw_test_user){.stays_until = -1, .moves_from = SHARE_ALL + 1};
}

/* Origins may be others, and users with them; versions stay. */
void rw_test_sticky_reload(struct rw_test_world *world)
{
    world->sticky.by_user = false;
    for (unsigned version = 0; version < RW_TEST_VERSIONS; version++) {
        world->sticky.hashed[version] = false;
        for (unsigned i = 0; i < RW_TEST_USERS; i++)
            world->sticky.users[i].origins[version] = NULL;
    }
}

void rw_test_sticky_sent(const struct rw_test_client *client, struct rw_test_request *r)
{
    const struct rw_test_world *world = client->world;
    bool orphan = client->listener >= world->sticky.listeners_min;
    r->sent_generation = orphan ? 0 : world->generation;
    r->listener = client->listener;
    r->sent_ms = rw_sim_now_ms(world->sim);
    for (unsigned i = 0; i < RW_TEST_WORKERS; i++)
        if (world->workers[i].snapshot != world->snapshot)
            r->sent_generation = 0; /* by one configuration or the other */
}

static void check_version(struct rw_test_world *world, const struct rw_test_request *r,
                          unsigned version)
{
    struct rw_test_user *user = user_of(world, r);
    int share = (int)world->sticky.share;
    if (version == 0 && share > user->stays_until)
        user->stays_until = share;
    if (version == 1 && share < user->moves_from)
        user->moves_from = share;
    world->stays++;
    if (user->stays_until >= user->moves_from)
        rw_test_fail(world, "%u: user %u has the new version at %d%%, and not at %d%%", r->id,
                     r->user, user->moves_from, user->stays_until);
}

static void check_origin(struct rw_test_world *world, const struct rw_test_request *r,
                         const struct rw_test_origin *origin)
{
    const struct rw_test_origin **known = &user_of(world, r)->origins[origin->version];
    world->stays += *known != NULL;
    if (*known && *known != origin)
        rw_test_fail(world, "%u: user %u has changed the origin though nothing failed", r->id,
                     r->user);
    *known = origin;
}

bool rw_test_is_calm(const struct rw_test_world *world)
{
    bool calm = world->strict && !world->hedges && !world->directory && !world->probed;
    for (unsigned i = 0; i < world->origin_count; i++)
        calm = calm && !world->origins[i].idle_close;
    return calm;
}

void rw_test_sticky_arrived(struct rw_test_world *world, const struct rw_test_request *r,
                            const struct rw_test_origin *origin)
{
    if (r->sent_generation != world->generation)
        return;
    if (world->sticky.by_user && !world->directory && !rw_test_rollout_moved(world, r))
        check_version(world, r, origin->version);
    if (world->sticky.hashed[origin->version] && rw_test_is_calm(world))
        check_origin(world, r, origin);
}
