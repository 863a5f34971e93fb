/* A world whose listeners have two quotas: one of all requests, and one of each user. Nothing is
 * given back in the time that a world lasts, so that the account can be made: what was charged to
 * each is what was admitted, whatever became of the request then; who is refused finds a quota that
 * is used up; and nobody who was refused has been seen by an origin. */
#include "gate/cluster/cluster.h"
#include "gate/limit/meter.h"
#include "policy/limit/limit_private.h"
#include "support/gateway_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { KEYS_MAX = 256, PLENTY = 1000000, ALL_MAX = 24, USER_MAX = 8 };

static const char *const names[] = {"all", "user"};
enum { OF_ALL, OF_USER, LIMITS };

/* As the policy has counted: by limit, so many admitted, or refused by it. */
static uint64_t counted(const struct rw_test_world *world, unsigned limit,
                        enum rw_limit_result result)
{
    struct rw_series_cell cell = {0};
    unsigned series = rw_metrics_series(world->metrics, RW_SERIES_LIMIT, rw_span_text(names[limit]),
                                        (struct rw_span){0});
    rw_metrics_series_total(world->metrics, series, &cell);
    return cell.status[result];
}

/* ---- The configuration ---- */

void rw_test_limits_create(struct rw_test_world *world)
{
    if (!world->limited)
        return;
    bool scarce = !world->strict;
    world->quota_of_all =
        scarce && rw_test_chance(world, 60) ? 1 + rw_test_below(world, ALL_MAX) : PLENTY;
    world->quota_of_user =
        scarce && rw_test_chance(world, 60) ? 1 + rw_test_below(world, USER_MAX) : PLENTY;
    int file = memfd_create("quotas", MFD_CLOEXEC);
    rw_assert(file >= 0);
    enum rw_err err = rw_meters_create(KEYS_MAX, -1, &world->meters);
    err = err ? err : rw_meters_open_quotas(world->meters, KEYS_MAX, file);
    rw_assert(!err);
    close(file);
}

void rw_test_limits_configure(struct rw_test_world *world, struct rw_test_bytes *yaml)
{
    rw_test_bytes_format(yaml,
                         " rate_limit: { fields: %s, limits: [ { name: all, requests: %u, per: "
                         "calendar_day, key: constant }, { name: user, requests: %u, per: "
                         "calendar_day, key: \"header:X-User\" } ] },",
                         rw_test_chance(world, 50) ? "true" : "false", world->quota_of_all,
                         world->quota_of_user);
}

/* ---- The account ---- */

static const struct rw_limits *policy_of(const struct rw_test_world *world)
{
    const struct rw_listener_settings *listener = &world->snapshot->listeners[0];
    for (unsigned i = 0; i < listener->policy_count; i++)
        if (listener->policies[i].policy == &rw_policy_rate_limit)
            return listener->policies[i].instance;
    return NULL;
}

/* A request that has nothing but its user is enough for the key. */
static uint64_t used(const struct rw_test_world *world, unsigned number, unsigned user)
{
    static char room[4096];
    static struct rw_exchange x;
    const struct rw_limit *limit = &policy_of(world)->limits[number];
    struct rw_siphash hash;
    struct rw_arena arena;
    char name[16];
    snprintf(name, sizeof(name), RW_TEST_USER_FORMAT, user);
    rw_arena_init(&arena, room, sizeof(room), sizeof(room), sizeof(room));
    x.request = (struct rw_message){0};
    enum rw_err err = rw_message_add(&x.request, &arena, RW_LITERAL("X-User"), rw_span_text(name));
    rw_assert(!err);
    rw_siphash_begin(&hash, limit->hash_key);
    for (unsigned i = 0; i < limit->part_count; i++)
        (void)limit->parts[i].kind->add(&limit->parts[i], &x, &hash);
    return rw_meters_used(world->meters, rw_siphash_end(&hash)).own;
}

void rw_test_limits_refused(struct rw_test_world *world, const struct rw_test_request *r)
{
    bool alone = !r->page && !r->visits;
    if (!world->limited)
        rw_test_fail(world, "%u: refused, but there is no limit", r->id);
    else if (used(world, OF_ALL, 0) < world->quota_of_all &&
             used(world, OF_USER, r->user) < world->quota_of_user)
        rw_test_fail(world, "%u: refused, but nothing is used up", r->id);
    else if (alone && r->arrivals)
        rw_test_fail(world, "%u: refused, and yet sent on", r->id);
}

static void check_charged(struct rw_test_world *world, unsigned limit, unsigned users,
                          uint64_t quota)
{
    uint64_t admitted = counted(world, limit, RW_LIMIT_ADMITTED), charged = 0;
    for (unsigned user = 0; user < users; user++) {
        uint64_t own = used(world, limit, user);
        if (own > quota)
            rw_test_fail(world, "quota %s: %" PRIu64 " of %" PRIu64 " used", names[limit], own,
                         quota);
        charged += own;
    }
    if (charged != admitted)
        rw_test_fail(world, "quota %s: %" PRIu64 " admitted, %" PRIu64 " charged", names[limit],
                     admitted, charged);
}

/* Whoever came to an origin was admitted, and each as often as all. */
static void check_admitted(struct rw_test_world *world)
{
    uint64_t admitted = counted(world, OF_ALL, RW_LIMIT_ADMITTED), arrived = 0, refused = 0;
    for (unsigned i = 0; i < world->request_count; i++) {
        arrived += world->requests[i].arrivals > 0;
        refused += world->requests[i].answered_status == RW_TEST_LIMITED_STATUS;
    }
    if (arrived > admitted)
        rw_test_fail(world, "%" PRIu64 " requests admitted, %" PRIu64 " arrived", admitted,
                     arrived);
    if (counted(world, OF_USER, RW_LIMIT_ADMITTED) != admitted)
        rw_test_fail(world, "a request was charged to one quota and not to the other");
    world->refusals =
        counted(world, OF_ALL, RW_LIMIT_REFUSED) + counted(world, OF_USER, RW_LIMIT_REFUSED);
    if (refused > world->refusals)
        rw_test_fail(world, "%" PRIu64 " refused, %" PRIu64 " counted", refused, world->refusals);
}

void rw_test_limits_check(struct rw_test_world *world)
{
    if (!world->limited)
        return;
    check_charged(world, OF_ALL, 1, world->quota_of_all);
    check_charged(world, OF_USER, RW_TEST_USERS, world->quota_of_user);
    check_admitted(world);
}
