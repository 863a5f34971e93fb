/* A release whose new version comes in by stages while requests are under way. The world's clock is
 * too short for stages of seconds: to rollouts it runs faster. In some worlds the new version is
 * broken; people press buttons, the program is started again, other stages are configured.
 *
 * What must hold: no request goes to a version that had nothing when the request came; each user
 * stays on the one side of a share (gateway_sticky.c); what was turned back stays so by itself; a
 * broken version that was counted is turned back, and never comes further; nor does one that is
 * slow, where the other one is not. */
#include "gate/release/rollout.h"
#include "support/gateway_world.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    FASTER = 20,
    LOOK_MS_MAX = 80,
    WALL_S = 1767225600,
    SHARE_ALL = 100,
    ENOUGH = 35, /* answers of each version: 20 are looked at */
    QUICK_MS = 1000,
    LATE_MS = 1500
};

static struct rw_rollouts_time now(const struct rw_test_world *world)
{
    uint64_t now_ms = rw_sim_now_ms(world->sim) * FASTER;
    return (struct rw_rollouts_time){now_ms, WALL_S + now_ms / 1000};
}

/* NULL: the configuration in force has no rollout. */
static const struct rw_rollout *rollout(const struct rw_test_world *world)
{
    const struct rw_release *release = world->snapshot->releases;
    return release ? release->rollout : NULL;
}

/* ---- The configuration ---- */

static void start(struct rw_test_world *world)
{
    const struct rw_rollouts_options options = {.metrics = world->metrics};
    enum rw_err err = rw_rollouts_create(&options, &world->rollouts);
    rw_assert(!err);
}

void rw_test_rollout_create(struct rw_test_world *world)
{
    if (!world->rolls)
        return;
    world->release_file = memfd_create("releases", MFD_CLOEXEC);
    rw_assert(world->release_file >= 0);
    enum rw_err err = rw_release_states_create(world->release_file, &world->release_states);
    rw_assert(!err);
    start(world);
    world->rollout.broken = rw_test_chance(world, 40);
    world->rollout.slow = !world->rollout.broken && rw_test_chance(world, 70);
    world->rollout.buttons = rw_test_chance(world, 30);
}

void rw_test_rollout_free(struct rw_test_world *world)
{
    rw_rollouts_destroy(world->rollouts);
    rw_release_states_destroy(world->release_states);
    if (world->rolls)
        close(world->release_file);
}

void rw_test_rollout_configure(struct rw_test_world *world, struct rw_test_bytes *yaml)
{
    static const char *const stages[] = {"[50, 100]", "[30, 60, 100]", "[10, 50, 100]",
                                         "[50, 51, 100]"};
    bool automatic = !world->rollout.buttons || rw_test_chance(world, 70);
    rw_test_bytes_format(yaml,
                         "    rollout: { version: two, against: one, stages: %s, automatic: %s, "
                         "stage_time: %us, stage_requests: 20 }\n",
                         stages[rw_test_below(world, 4)], automatic ? "true" : "false",
                         1 + rw_test_below(world, 4));
}

/* The share, and since when. */
static void note(struct rw_test_world *world)
{
    struct rw_test_rollout *known = &world->rollout;
    const struct rw_rollout *found = rollout(world);
    if (!found)
        return;
    uint32_t percent = atomic_load(&found->state->percent);
    if (percent != world->sticky.share || known->generation != world->generation)
        known->since_step = rw_sim_steps(world->sim);
    if (percent != world->sticky.share)
        rw_test_trace(world, "the new version has %u%%", percent);
    known->generation = world->generation;
    world->sticky.share = percent;
    known->phase = (enum rw_release_phase)atomic_load(&found->state->phase);
}

void rw_test_rollout_adopted(struct rw_test_world *world)
{
    if (!world->rolls)
        return;
    if (rw_test_chance(world, 20)) { /* the program is another one; the share stays */
        rw_rollouts_destroy(world->rollouts);
        start(world);
    }
    rw_rollouts_adopt(world->rollouts, world->snapshot->releases);
    world->rollout.counted[0] = world->rollout.counted[1] = 0;
    note(world);
}

/* ---- Requests ---- */

bool rw_test_rollout_moved(const struct rw_test_world *world, const struct rw_test_request *r)
{
    return world->rolls && r->sent_step <= world->rollout.since_step;
}

void rw_test_rollout_arrived(const struct rw_test_origin *origin, struct rw_test_request *r)
{
    struct rw_test_world *world = origin->world;
    const struct rw_test_rollout *known = &world->rollout;
    if (!world->rolls || world->directory)
        return;
    r->version = (uint8_t)(origin->version + 1);
    if (origin->version && known->broken && !r->upgrade) {
        r->status = 500;
        r->fault = RW_TEST_FAULT_NONE;
    }
    r->late_ms = origin->version && known->slow ? LATE_MS : 0;
    if (r->sent_generation != world->generation || rw_test_rollout_moved(world, r) ||
        !rollout(world))
        return;
    if (world->sticky.share == (origin->version ? 0 : SHARE_ALL))
        rw_test_fail(world, "%u: to the %s version, which has nothing", r->id,
                     origin->version ? "new" : "old");
}

/* ---- Looking ---- */

static void press(struct rw_test_world *world)
{
    static const char *const actions[] = {"promote", "rollback", "pause", "resume", "restart"};
    const struct rw_rollouts_time time = now(world);
    struct rw_text why = {0};
    const char *action = actions[rw_test_below(world, 5)];
    enum rw_err err =
        rw_rollouts_act(world->rollouts, RW_LITERAL("origin"), rw_span_text(action), &time, &why);
    rw_test_trace(world, "%s: %s", action, rw_err_text(err));
    rw_text_free(&why);
    /* The stage may have begun anew, at the same share. */
    world->rollout.since_step = rw_sim_steps(world->sim);
    world->rollout.counted[0] = world->rollout.counted[1] = 0;
    note(world);
}

/* Of those that came at this share, so many are answered. */
static void count(struct rw_test_world *world)
{
    struct rw_test_rollout *known = &world->rollout;
    known->counted[0] = known->counted[1] = 0;
    for (unsigned i = 0; i < world->request_count; i++) {
        const struct rw_test_request *r = &world->requests[i];
        if (r->version && r->result == RW_TEST_COMPLETE && r->sent_step > known->since_step &&
            r->sent_generation == world->generation)
            known->counted[r->version - 1]++;
    }
}

/* All answers of the old version have come sooner than any of a slow one could. */
static bool old_is_quick(const struct rw_test_world *world)
{
    for (unsigned i = 0; i < world->request_count; i++) {
        const struct rw_test_request *r = &world->requests[i];
        uint64_t end_ms = r->answered_ms ? r->answered_ms : rw_sim_now_ms(world->sim);
        if (r->version == 1 && end_ms > r->sent_ms + QUICK_MS)
            return false;
    }
    return true;
}

static void check(struct rw_test_world *world, uint32_t share, enum rw_release_phase phase)
{
    const struct rw_test_rollout *known = &world->rollout;
    bool slow = known->slow && world->strict && old_is_quick(world);
    bool more = world->sticky.share > share;
    bool begins = phase == RW_ROLLOUT_NEW;
    bool back = known->phase == RW_ROLLOUT_ROLLED_BACK && phase != known->phase;
    world->rollout.backs += back;
    world->rollout.late_backs += back && slow;
    world->rollout.steps += more && !begins;
    if (phase == RW_ROLLOUT_ROLLED_BACK && known->phase != phase)
        rw_test_fail(world, "what was turned back goes on by itself");
    if (known->phase == RW_ROLLOUT_ROLLED_BACK && world->sticky.share)
        rw_test_fail(world, "turned back, and has %u%%", world->sticky.share);
    if (!world->strict || !(known->broken || slow))
        return;
    if (more && !begins)
        rw_test_fail(world, "a bad version goes on from %u%% to %u%%", share, world->sticky.share);
    if (known->phase == RW_ROLLOUT_RUNNING && rollout(world)->config->automatic && !begins &&
        known->counted[0] >= ENOUGH && known->counted[1] >= ENOUGH)
        rw_test_fail(world, "a bad version has answered %u requests, and goes on",
                     known->counted[1]);
}

static void look(void *user)
{
    struct rw_test_world *world = user;
    const struct rw_rollouts_time time = now(world);
    bool clients = false;
    for (unsigned i = 0; i < world->client_count; i++)
        clients |= !world->clients[i].ended;
    if (!clients || world->failed || !world->rollouts)
        return;
    rw_test_later(world, 1 + rw_test_below(world, LOOK_MS_MAX), look, world);
    uint32_t share = world->sticky.share;
    enum rw_release_phase phase = world->rollout.phase;
    rw_rollouts_look(world->rollouts, &time);
    note(world);
    if (rollout(world))
        check(world, share, phase);
    count(world);
    if (world->rollout.buttons && rw_test_chance(world, 10))
        press(world);
}

void rw_test_rollout_start(struct rw_test_world *world)
{
    if (world->rolls)
        look(world);
}
