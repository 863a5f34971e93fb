/* A new version comes in by stages while it breaks, recovers and breaks again, while the program is
 * restarted and its configuration changed, and while people press buttons; replayed by seed.
 *
 *   rw_sim_rollout [--seeds N] [--first-seed S]    N worlds, of up to an hour each
 *   rw_sim_rollout --seed S                        one world again, with what happens in it
 *
 * What must hold:
 * - the new version's share is nothing, or that of a stage of the configuration in force when it
 *   came into that stage;
 * - it goes up only to the next stage, and only while the rollout runs or by hand;
 * - a version that fails far more than the other, or answers far later, is turned back before it
 *   has done so to many, and stays so until somebody begins anew; nor does it go on when in this
 *   stage it was worse than the other by more than the tolerance;
 * - what is paused, complete or turned back stays so by itself, over restarts and reloads;
 * - of all versions that are as good as the other, hardly any is turned back, though what both wait
 *   for may be slow for a while.
 */
#include "gate/release/rollout.h"
#include "base/random.h"
#include "gate/release/state.h"
#include "support/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    SECONDS_MAX = 3600,
    RATE_MAX = 40, /* requests in a second */
    STAGES_MAX = 4,
    BAD_PERCENT = 40, /* of its requests fail, or are late, when it is broken */
    LATE = 1000,      /* times as long as usual */
    TIRED = 8,        /* the same, of what both versions wait for */
    BAD_REQUESTS = 300,
    SEEDS_DEFAULT = 3000,
    /* Of a hundred good versions one may be turned back; this many, if luck is bad. */
    FALSE_ALARMS_PERCENT = 4
};

/* What may be wrong with the new version. */
enum flaw { GOOD, FAILS, IS_LATE, FLAWS };

/* A configuration: the one in force, and the next. */
struct generation {
    struct rw_config_rollout_stage stages[STAGES_MAX];
    struct rw_config_rollout config;
    struct rw_rollout rollout;
    struct rw_release release;
};

struct world {
    struct rw_random random;
    int file; /* of the state: outlives the program */
    struct rw_release_states *states;
    struct rw_metrics *metrics;
    struct rw_rollouts *rollouts;
    struct rw_rollouts_time now;
    struct generation generations[2];
    unsigned current;
    struct rw_config_release release_config;
    struct rw_config_version version_configs[2];
    struct rw_release_version versions[2];
    uint32_t percent;            /* as it was a second ago */
    enum rw_release_phase phase; /* the same */
    enum flaw flaw;
    bool broken, tired, verbose, failed;
    uint64_t asked_broken; /* of the new version, since it broke, in a rollout that runs */
    uint64_t asked_stage;  /* ... before, in this stage */
    uint64_t stage_asked[2], stage_failed[2], stage_late; /* all of this stage */
    bool touched, unsure; /* ... but that it may have begun anew since */
};

static struct {
    uint64_t worlds, all[FLAWS], back[FLAWS];
} totals;

static uint32_t below(struct world *world, uint32_t bound)
{
    return rw_random_below(&world->random, bound);
}

static bool chance(struct world *world, unsigned percent)
{
    return below(world, 100) < percent;
}

static void expect(struct world *world, bool holds, const char *what)
{
    if (holds || world->failed)
        return;
    printf("WRONG: %s: %u%%, was %u%% (after %" PRIu64 " s)\n", what,
           atomic_load(&world->generations[world->current].rollout.state->percent), world->percent,
           world->now.now_ms / 1000);
    world->failed = true;
}

/* ---- The configuration ---- */

/* Stages of the same shares as before, or other ones. */
static void configure(struct world *world, bool same)
{
    const struct generation *old = &world->generations[world->current];
    struct generation *made = &world->generations[world->current ^= 1];
    *made = *old;
    if (!same) {
        bool automatic = chance(world, 85);
        unsigned least = automatic ? 2 : 1; /* one is a switch */
        unsigned count = least + below(world, STAGES_MAX - least + 1);
        for (unsigned i = 0; i < count; i++)
            made->stages[i] = (struct rw_config_rollout_stage){
                i + 1 == count ? 100 : 1 + 90 * i / STAGES_MAX + below(world, 90 / STAGES_MAX),
                1000 * (10 + below(world, 120)), 20 + below(world, 200)};
        made->config = (struct rw_config_rollout){.automatic = automatic,
                                                  .latency_quantile = 95,
                                                  .error_tolerance = 0.005,
                                                  .latency_tolerance = 0.25,
                                                  .false_alarms = 0.01};
        made->config.stages.count = count;
    }
    made->config.stages.items = made->stages;
    made->rollout = (struct rw_rollout){.config = &made->config, .candidate = 1, .baseline = 0};
    made->release = (struct rw_release){.route = RW_LITERAL("shop"),
                                        .config = &world->release_config,
                                        .versions = world->versions,
                                        .count = 2,
                                        .rollout = &made->rollout};
    enum rw_err err = rw_release_states_find(world->states, rw_release_id(&made->release),
                                             world->now.wall_s, &made->rollout.state);
    rw_assert(!err);
    if (world->rollouts)
        rw_rollouts_adopt(world->rollouts, &made->release);
}

/* The state stays, as upgrades hand it on. */
static void start(struct world *world)
{
    const struct rw_rollouts_options options = {.metrics = world->metrics};
    enum rw_err err = rw_release_states_create(world->file, &world->states);
    err = err ? err : rw_rollouts_create(&options, &world->rollouts);
    rw_assert(!err);
}

static void stop(struct world *world)
{
    rw_rollouts_destroy(world->rollouts);
    rw_release_states_destroy(world->states);
    world->rollouts = NULL;
}

static void create(struct world *world)
{
    static const char *const names[] = {"stable", "canary"};
    world->file = memfd_create("releases", MFD_CLOEXEC);
    world->now.wall_s = 1767225600;
    enum rw_err err = rw_metrics_create(1, 10, &world->metrics);
    rw_assert(!err && world->file >= 0);
    for (unsigned i = 0; i < 2; i++) {
        world->version_configs[i].name = rw_span_text(names[i]);
        world->version_configs[i].weight = 1;
        world->versions[i].config = &world->version_configs[i];
        world->versions[i].series = rw_metrics_series(world->metrics, RW_SERIES_VERSION,
                                                      RW_LITERAL("shop"), rw_span_text(names[i]));
    }
    start(world);
    configure(world, false);
}

/* ---- A second ---- */

static void request(struct world *world, unsigned version)
{
    struct rw_metrics_shard *shard = rw_metrics_shard(world->metrics, 0);
    struct rw_series_cell *cell = rw_metrics_cell(shard, world->versions[version].series);
    bool bad = version && world->broken && chance(world, BAD_PERCENT);
    bool fails = chance(world, 1) || (bad && world->flaw == FAILS);
    world->stage_asked[version]++;
    world->stage_failed[version] += fails;
    world->stage_late += bad && world->flaw == IS_LATE;
    uint32_t us = (1000 + below(world, 9000)) * (world->tired ? TIRED : 1);
    rw_metrics_observe(cell, fails ? 5 : 2, bad && world->flaw == IS_LATE ? us * LATE : us, 0, 0);
    if (fails)
        rw_metrics_failure(cell);
}

static void requests(struct world *world)
{
    double shares[RW_RELEASE_VERSIONS_MAX];
    rw_release_shares(&world->generations[world->current].release, shares);
    for (uint32_t count = below(world, RATE_MAX); count; count--) {
        unsigned version = below(world, 10000) < shares[1] * 10000;
        request(world, version);
        world->asked_broken += version && world->broken && world->phase == RW_ROLLOUT_RUNNING;
        world->asked_stage += version && !world->broken;
    }
}

/* Other stages move nobody to the new version, but for the first stage of what runs. */
static void check_fit(struct world *world)
{
    const struct generation *now = &world->generations[world->current];
    uint32_t percent = atomic_load(&now->rollout.state->percent);
    bool first = now->config.automatic && percent == now->stages[0].percent;
    expect(world, percent <= world->percent || first, "moved by being configured");
}

/* True: somebody may have moved it. */
static bool interfere(struct world *world)
{
    static const char *const actions[] = {"promote", "rollback", "pause", "resume", "restart"};
    struct rw_text why = {0};
    enum rw_err err = RW_EINVAL;
    uint32_t what = below(world, 400);
    world->touched = what == 0 || what == 2 || what == 4;
    switch (what) {
    case 0:
        stop(world);
        start(world);
        configure(world, true);
        world->asked_broken = 0; /* counts of the stage are lost */
        break;
    case 1:
        configure(world, true);
        break;
    case 2:
        configure(world, false);
        check_fit(world);
        return true; /* the share is that of a stage that there is now */
    case 3:
        world->now.wall_s -= below(world, 10000);
        break;
    case 4:
        err = rw_rollouts_act(world->rollouts, RW_LITERAL("shop"),
                              rw_span_text(actions[below(world, 5)]), &world->now, &why);
        world->asked_broken = world->asked_stage = 0;
        break;
    default:
        break;
    }
    rw_text_free(&why);
    return err == RW_OK;
}

static bool is_next(const struct generation *now, uint32_t percent, uint32_t from)
{
    for (unsigned i = 0; i < now->config.stages.count; i++)
        if (now->stages[i].percent == percent)
            return percent > from || i == 0 || now->stages[i - 1].percent >= from;
    return false;
}

static double rate(uint64_t part, uint64_t all)
{
    return all ? (double)part / (double)all : 0;
}

/* What goes on was as good as the other in this stage. */
static void check_within(struct world *world, const struct rw_config_rollout *config)
{
    const uint64_t *asked = world->stage_asked, *failed = world->stage_failed;
    double more = rate(failed[1], asked[1]) - rate(failed[0], asked[0]);
    expect(world, more <= config->error_tolerance, "it goes on though it fails more often");
    expect(world, world->stage_late * 100 <= asked[1] * (100 - config->latency_quantile),
           "it goes on though it is late");
}

static void check(struct world *world)
{
    const struct generation *now = &world->generations[world->current];
    const struct rw_release_state *state = now->rollout.state;
    uint32_t percent = atomic_load(&state->percent);
    enum rw_release_phase phase = (enum rw_release_phase)atomic_load(&state->phase);
    bool runs = world->phase == RW_ROLLOUT_RUNNING || world->phase == RW_ROLLOUT_NEW;
    if (percent != world->percent)
        expect(world, runs, "what does not run has moved");
    if (percent > world->percent && !world->unsure)
        check_within(world, &now->config);
    if (percent > world->percent)
        expect(world, is_next(now, percent, world->percent), "that is no next stage");
    if (percent < world->percent)
        expect(world, percent == 0 && phase == RW_ROLLOUT_ROLLED_BACK, "a stage back");
    if (phase == RW_ROLLOUT_ROLLED_BACK)
        expect(world, percent == 0, "turned back, but asked");
    if (phase == RW_ROLLOUT_RUNNING && now->config.automatic)
        expect(world, world->asked_broken < BAD_REQUESTS + 2 * world->asked_stage,
               "a broken version goes on");
}

static void remember(struct world *world)
{
    const struct rw_release_state *state = world->generations[world->current].rollout.state;
    uint32_t percent = atomic_load(&state->percent);
    if (percent != world->percent) {
        world->asked_broken = world->asked_stage = 0;
        memset(world->stage_asked, 0, sizeof(world->stage_asked));
        memset(world->stage_failed, 0, sizeof(world->stage_failed));
        world->stage_late = 0;
        world->unsure = world->touched;
    }
    world->percent = percent;
    world->phase = (enum rw_release_phase)atomic_load(&state->phase);
}

static void pass(struct world *world)
{
    world->now.now_ms += 1000;
    world->now.wall_s++;
    if (interfere(world))
        remember(world);
    world->unsure |= world->touched;
    requests(world);
    if (world->flaw && below(world, 200) == 0)
        world->broken = !world->broken;
    if (below(world, 200) == 0)
        world->tired = !world->tired;
    if (!world->broken)
        world->asked_broken = 0;
    rw_rollouts_look(world->rollouts, &world->now);
    check(world);
    if (world->phase == RW_ROLLOUT_RUNNING &&
        atomic_load(&world->generations[world->current].rollout.state->phase) ==
            RW_ROLLOUT_ROLLED_BACK) {
        totals.back[world->flaw]++;
    }
    remember(world);
}

static bool run_seed(uint64_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    rw_assert(world);
    rw_random_seed(&world->random, seed * 2 + 1);
    world->flaw = chance(world, 50) ? GOOD : chance(world, 50) ? FAILS : IS_LATE;
    create(world);
    remember(world);
    for (uint32_t seconds = below(world, SECONDS_MAX); seconds && !world->failed; seconds--)
        pass(world);
    totals.worlds++;
    totals.all[world->flaw]++;
    bool good = !world->failed;
    stop(world);
    rw_metrics_destroy(world->metrics);
    close(world->file);
    free(world);
    return good;
}

/* ---- The command line ---- */

static int report(uint64_t seeds)
{
    printf("%" PRIu64 " worlds: of %" PRIu64 " good versions %" PRIu64
           " times one was turned back, of %" PRIu64 " that failed %" PRIu64 " times, of %" PRIu64
           " that were late %" PRIu64 " times\n",
           totals.worlds, totals.all[GOOD], totals.back[GOOD], totals.all[FAILS],
           totals.back[FAILS], totals.all[IS_LATE], totals.back[IS_LATE]);
    bool rare = totals.back[GOOD] * 100 <= totals.all[GOOD] * FALSE_ALARMS_PERCENT;
    if (seeds >= SEEDS_DEFAULT && (!rare || !totals.back[FAILS] || !totals.back[IS_LATE])) {
        printf("WRONG: too many false alarms, or none at all\n");
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct rw_test_worlds worlds = {"rw_sim_rollout", SEEDS_DEFAULT, run_seed, report};
    return rw_test_run_worlds(&worlds, argc, argv);
}
