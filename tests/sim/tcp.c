/* TCP routes of two gateway workers under every fault, replayed by seed.
 *
 *   rw_sim_tcp [--seeds N] [--first-seed S] [--no-sweeps]
 *   rw_sim_tcp --seed S [--verbose]            one schedule again, with what happens in it
 *   rw_sim_tcp --sweep KIND ACTION STEP        one step of a sweep again
 *
 * Clients connect by port or by SNI; both sides say who they are and then what only they say, at
 * their own pace, so that each checks every byte that it is given. What must hold: bytes arrive
 * unaltered and in order, from one peer alone; a side that ends is heard of as an end only when all
 * that it said has arrived, and what was cut is never told as an end; the other direction goes on
 * meanwhile; a drain ends by its deadline; buffers stay under their cap; in the end nothing is
 * left, and the metrics add up. When nothing fails, every byte arrives.
 */
#include "base/alloc.h"
#include "base/log.h"
#include "gate/cluster/pool/pool.h"
#include "support/replay.h"
#include "support/tcp_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUN_MS_MAX = 2000 * 1000, SEEDS_DEFAULT = 20000, CLIENTS_MAX = 6 };

static uint64_t worlds, steps, connections, ended_well;
static bool end(struct tcp_world *sim, bool quiet)
{
    uint64_t well;
    worlds++;
    steps += rw_sim_steps(sim->world.sim);
    for (unsigned i = 0; i < sim->count; i++)
        connections += sim->peers[i].client;
    bool good = tcp_world_end(sim, quiet, &well);
    ended_well += well;
    return good;
}

/* ---- Schedules ---- */

static struct rw_sim_faults plan_faults(struct rw_random *random, bool large, bool harsh)
{
    struct rw_sim_faults faults = {
        .split = rw_random_below(random, 5000),
        .delay = rw_random_below(random, 3000),
        .delay_ms_max = 1 + rw_random_below(random, 30),
        .send_pending = rw_random_below(random, 10001),
        .send_partial = rw_random_below(random, 6000),
    };
    if (rw_random_below(random, 2))
        faults.window_bytes =
            large ? 3000 + rw_random_below(random, 60000) : 50 + rw_random_below(random, 3000);
    if (!harsh)
        return faults;
    faults.reset = rw_random_below(random, rw_random_below(random, 5) ? 100 : 1000);
    faults.refuse = rw_random_below(random, 2000);
    faults.blackhole = rw_random_below(random, 1000);
    faults.alloc = rw_random_below(random, rw_random_below(random, 3) ? 400 : 4000);
    return faults;
}

static void plan(struct tcp_world *sim, uint64_t seed, bool verbose)
{
    struct rw_test_world *world = &sim->world;
    rw_random_seed(&world->random, seed * 2 + 1);
    world->verbose = verbose;
    unsigned sort = rw_test_below(world, 100);
    world->strict = sort < 50;
    world->harsh = sort >= 65;
    sim->large = rw_test_chance(world, 25);
    struct rw_sim_faults faults = plan_faults(&world->random, sim->large, world->harsh);
    size_t buffers = 0;
    if (world->harsh && rw_test_chance(world, 20))
        buffers = RW_BUF_LARGE_BYTES + rw_test_below(world, 4 * RW_BUF_LARGE_BYTES);
    tcp_world_create(sim, seed, &faults, buffers);
    for (unsigned count = 1 + rw_test_below(world, CLIENTS_MAX); count; count--)
        tcp_world_add_client(sim, rw_test_chance(world, 40));
}

static bool run_seed(uint64_t seed, bool verbose)
{
    static struct tcp_world sim;
    struct rw_test_world *world = &sim.world;
    plan(&sim, seed, verbose);
    tcp_world_start(&sim);
    for (uint32_t reloads = rw_test_chance(world, 40) ? 1 + rw_test_below(world, 3) : 0; reloads;
         reloads--) {
        rw_test_world_run(world, 1 + rw_test_below(world, 300));
        tcp_world_adopt(&sim);
        for (unsigned i = 0; i < RW_TEST_WORKERS; i++)
            rw_pool_sweep(&world->workers[i], false);
    }
    bool quiet = world->strict || rw_test_chance(world, 80);
    if (!quiet) {
        rw_test_world_run(world, 1 + rw_test_below(world, 500));
        return end(&sim, false);
    }
    if (!world->strict && rw_test_chance(world, 30)) {
        rw_test_world_run(world, 1 + rw_test_below(world, 500));
        rw_test_world_drain(world, 1 + rw_test_below(world, 10000));
    }
    rw_test_world_run(world, RUN_MS_MAX);
    return end(&sim, true);
}

static bool run_seeds(uint64_t first, uint64_t count)
{
    for (uint64_t seed = first; seed < first + count; seed++) {
        rw_test_replay_set("again with: rw_sim_tcp --seed %" PRIu64 " --verbose\n", seed);
        if (!run_seed(seed, false))
            return false;
    }
    return true;
}

/* ---- Sweeps: a few clients of each kind, spoiled at each point in turn ---- */

static const struct {
    const char *name;
    unsigned clients;
    bool by_name, large;
} kinds[] = {
    {"by port", 1, false, false},
    {"by name", 1, true, false},
    {"by port, several", 3, false, false},
    {"by name, several", 3, true, false},
    {"much", 1, true, true},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

enum action {
    CLIENTS_RESET,
    CLIENTS_CLOSE,
    CLIENTS_HALF,
    ORIGINS_RESET,
    ORIGINS_CLOSE,
    ORIGINS_HALF,
    DRAIN,
    DESTROY,
    ALLOCATION,
    ALLOCATIONS,
    ACTIONS,
};

static const char *const action_names[] = {"clients reset",
                                           "clients close",
                                           "clients half close",
                                           "origins reset",
                                           "origins close",
                                           "origins half close",
                                           "drain",
                                           "destroy",
                                           "one allocation",
                                           "allocations of a step"};

static void act(struct tcp_world *sim, enum action action)
{
    static const enum rw_test_cut cuts[] = {RW_TEST_CUT_RESET, RW_TEST_CUT_CLOSE, RW_TEST_CUT_HALF};
    if (action == DRAIN)
        rw_test_world_drain(&sim->world, 1);
    for (unsigned i = 0; i < sim->count && action < DRAIN; i++)
        if (sim->peers[i].client == (action < ORIGINS_RESET) && !sim->peers[i].fin)
            tcp_peer_cut(&sim->peers[i], cuts[action % 3]);
}

/* Fails the allocation number `count` from now; with `all`, also what follows in the same step.
 * False: there were not so many. */
static bool fail_allocation(struct rw_test_world *world, uint64_t count, bool all)
{
    uint64_t at = rw_alloc_count() + count;
    bool goes_on = true;
    if (all)
        rw_alloc_fail_after(count);
    else
        rw_alloc_fail_once(count);
    while (goes_on && rw_alloc_count() <= at && !world->failed)
        goes_on = !rw_sim_run(world->sim, RUN_MS_MAX, 1);
    bool reached = rw_alloc_count() > at;
    rw_alloc_fail_never();
    return reached;
}

static void plan_kind(struct tcp_world *sim, unsigned kind, bool verbose)
{
    const struct rw_sim_faults faults = {
        .send_pending = 5000, .split = 2000, .send_partial = 2000, .window_bytes = 4000};
    struct rw_test_world *world = &sim->world;
    rw_random_seed(&world->random, kind);
    world->verbose = verbose;
    world->strict = sim->fixed = true;
    sim->large = kinds[kind].large;
    tcp_world_create(sim, kind, &faults, 0);
    for (unsigned i = 0; i < kinds[kind].clients; i++)
        tcp_world_add_client(sim, kinds[kind].by_name);
    tcp_world_start(sim);
}

/* `*last`: that was past the end. False: something was wrong. */
static bool run_sweep_step(unsigned kind, enum action action, uint64_t step, bool verbose,
                           bool *last)
{
    static struct tcp_world sim;
    struct rw_test_world *world = &sim.world;
    plan_kind(&sim, kind, verbose);
    world->strict = false;
    *last = false;
    if (action >= ALLOCATION) {
        world->harsh = true;
        *last = !fail_allocation(world, step, action == ALLOCATIONS);
    } else {
        for (uint64_t i = 0; i < step && !*last && !world->failed; i++)
            *last = rw_sim_run(world->sim, RUN_MS_MAX, 1);
        act(&sim, action);
    }
    if (action == DESTROY)
        return end(&sim, false);
    rw_test_world_run(world, RUN_MS_MAX);
    return end(&sim, true);
}

static bool sweep(unsigned kind, enum action action)
{
    bool last = false;
    for (uint64_t step = 0; !last; step += kinds[kind].large ? 7 : 1) {
        rw_test_replay_set("%s, %s at %" PRIu64 "; again with: rw_sim_tcp --sweep %u %d %" PRIu64
                           "\n",
                           kinds[kind].name, action_names[action], step, kind, action, step);
        if (!run_sweep_step(kind, action, step, false, &last))
            return false;
    }
    return true;
}

static bool run_sweeps(void)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        static struct tcp_world sim;
        rw_test_replay_set("%s by itself\n", kinds[kind].name);
        plan_kind(&sim, kind, false);
        rw_test_world_run(&sim.world, RUN_MS_MAX);
        if (!end(&sim, true))
            return false;
        for (int action = 0; action < ACTIONS; action++)
            if (!sweep(kind, (enum action)action))
                return false;
    }
    return true;
}

/* ---- The command line ---- */

static int usage(void)
{
    fprintf(stderr, "usage: rw_sim_tcp [--seeds N] [--first-seed S] [--no-sweeps]\n"
                    "       rw_sim_tcp --seed S [--verbose]\n"
                    "       rw_sim_tcp --sweep KIND ACTION STEP\n");
    return 2;
}

static bool run(int argc, char **argv, int *status)
{
    uint64_t seeds = SEEDS_DEFAULT, first = 1, seed = 0;
    bool verbose = false, one = false, sweeps = true, last;
    for (int i = 1; i < argc; i++) {
        bool value = i + 1 < argc;
        if (strcmp(argv[i], "--seeds") == 0 && value)
            seeds = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--first-seed") == 0 && value)
            first = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && value) {
            seed = strtoull(argv[++i], NULL, 10);
            one = true;
        } else if (strcmp(argv[i], "--verbose") == 0)
            verbose = true;
        else if (strcmp(argv[i], "--no-sweeps") == 0)
            sweeps = false;
        else if (strcmp(argv[i], "--sweep") == 0 && i + 3 < argc) {
            unsigned kind = (unsigned)atoi(argv[i + 1]) % KINDS;
            return run_sweep_step(kind, (enum action)atoi(argv[i + 2]),
                                  strtoull(argv[i + 3], NULL, 10), true, &last);
        } else {
            *status = usage();
            return true;
        }
    }
    rw_log_set_fd(verbose ? 1 : -1);
    if (one)
        return run_seed(seed, verbose);
    return run_seeds(first, seeds) && (!sweeps || run_sweeps());
}

int main(int argc, char **argv)
{
    int status = 0;
    rw_test_replay_watch();
    if (!run(argc, argv, &status)) {
        rw_test_replay_tell();
        fflush(stdout);
        _Exit(1); /* what is left of the world is no leak */
    }
    if (!status)
        printf("%" PRIu64 " worlds, %" PRIu64 " steps, %" PRIu64 " connections (%" PRIu64
               " ended in good order)\n",
               worlds, steps, connections, ended_well);
    return status;
}
