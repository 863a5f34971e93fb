/* Two gateway workers under every fault, replayed by seed.
 *
 *   rw_sim_gateway [--seeds N] [--first-seed S]    N schedules, and the sweeps
 *   rw_sim_gateway --seed S [--verbose]            one schedule again, with what happens in it
 *   rw_sim_gateway --sweep KIND ACTION STEP        one step of a sweep again
 *
 * What must hold is checked in tests/support/gateway_*.c: each request is answered once, with its
 * own answer, or its connection ends; no byte is changed, though it may be compressed; nothing that
 * was cut looks complete, on either side; what is given from what was kept was answered so before;
 * what may not be repeated is not; what is rewritten is so once; who has no good token comes
 * nowhere; what is bound to a region goes nowhere else; users stay with the version that they were
 * given, and with their origin; quotas are charged what was admitted, and refuse only when they are
 * used up; bodies are refused beyond the limit, and there only; nobody is sent to an origin that
 * probes have found to be down, or to a version that was turned back; nobody waits for a connection
 * while one is free; a drain ends by its deadline; buffers stay under their cap; in the end nothing
 * is left, the metrics add up, and upstreams whose endpoints are found have those that there are.
 * When nothing fails, every request succeeds.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/poison.h"
#include "gate/cluster/pool/pool.h"
#include "support/gateway_world.h"
#include "support/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUN_MS_MAX = 2000 * 1000, SEEDS_DEFAULT = 20000, CENSUS_SEEDS = 5000 };

/* What worlds have seen that no counter of the gateway tells. */
enum {
    SEEN_REFUSED,
    SEEN_STAYED,
    SEEN_TOO_LARGE,
    SEEN_SESSIONS,
    SEEN_DRESSED,
    SEEN_REWRITTEN,
    SEEN_TOKENS_REFUSED,
    SEEN_COMPRESSED,
    SEEN_BAD_PROBES,
    SEEN_DOWN,
    SEEN_PANIC,
    SEEN_RETURNED,
    SEEN_DRAINED,
    SEEN_STAGES,
    SEEN_TURNED_BACK,
    SEEN_LATE_BACK,
    SEEN_COUNT
};

static const char *const seen_names[SEEN_COUNT] = {"over their quota",
                                                   "come again",
                                                   "too large",
                                                   "sessions that come again",
                                                   "dressed",
                                                   "rewritten",
                                                   "tokens refused",
                                                   "compressed",
                                                   "bad probes",
                                                   "origins down",
                                                   "steps in panic",
                                                   "ejections that probes ended",
                                                   "drained beside probes",
                                                   "stages",
                                                   "turned back",
                                                   "turned back for being slow"};

struct totals {
    uint64_t worlds, steps, requests, complete;
    size_t buffer_peak_bytes;
    int64_t counters[RW_COUNTER_COUNT];
    uint64_t seen[SEEN_COUNT];
};

static struct totals totals;

static void note(const struct rw_test_world *world)
{
    const uint64_t seen[SEEN_COUNT] = {
        [SEEN_REFUSED] = world->refusals,
        [SEEN_STAYED] = world->stays,
        [SEEN_TOO_LARGE] = world->too_large,
        [SEEN_SESSIONS] = world->sessions.stays,
        [SEEN_DRESSED] = world->dressed_answers,
        [SEEN_REWRITTEN] = world->rewritten,
        [SEEN_TOKENS_REFUSED] = world->tokens.refused,
        [SEEN_COMPRESSED] = world->coding.answers,
        [SEEN_BAD_PROBES] = world->health.bad,
        [SEEN_DOWN] = world->health.downs,
        [SEEN_PANIC] = world->health.panics,
        [SEEN_RETURNED] = world->health.returns,
        [SEEN_DRAINED] = world->health.drains,
        [SEEN_STAGES] = world->rollout.steps,
        [SEEN_TURNED_BACK] = world->rollout.backs,
        [SEEN_LATE_BACK] = world->rollout.late_backs,
    };
    for (unsigned i = 0; i < SEEN_COUNT; i++)
        totals.seen[i] += seen[i];
}

static bool end(struct rw_test_world *world, bool quiet)
{
    totals.worlds++;
    totals.steps += rw_sim_steps(world->sim);
    for (unsigned i = 0; i < world->request_count; i++) {
        totals.requests += world->requests[i].head_sent;
        totals.complete += world->requests[i].result == RW_TEST_COMPLETE;
    }
    for (unsigned i = 0; i < RW_COUNTER_COUNT; i++)
        totals.counters[i] += rw_metrics_total(world->metrics, (enum rw_counter)i);
    if (world->buffer_peak_bytes > totals.buffer_peak_bytes)
        totals.buffer_peak_bytes = world->buffer_peak_bytes;
    bool good = rw_test_world_end(world, quiet);
    note(world);
    return good;
}

/* ---- Schedules ---- */

static bool run_seed(uint64_t seed, bool verbose)
{
    struct rw_test_world world = {0};
    rw_test_plan(&world, seed, verbose);
    rw_test_world_start(&world);
    for (uint32_t reloads = rw_test_chance(&world, 40) ? 1 + rw_test_below(&world, 3) : 0; reloads;
         reloads--) {
        rw_test_world_run(&world, 1 + rw_test_below(&world, 300));
        rw_test_plan_reload(&world);
        rw_test_world_run(&world, rw_test_below(&world, 50));
        for (unsigned i = 0; i < RW_TEST_WORKERS; i++)
            rw_pool_sweep(&world.workers[i], false); /* as the process does now and then */
    }
    bool quiet = world.strict || rw_test_chance(&world, 80);
    if (!quiet) {
        rw_test_world_run(&world, 1 + rw_test_below(&world, 500));
        return end(&world, false);
    }
    if (!world.strict && rw_test_chance(&world, 30)) {
        rw_test_world_run(&world, 1 + rw_test_below(&world, 500));
        rw_test_world_drain(&world, 1 + rw_test_below(&world, 10000));
    }
    rw_test_world_run(&world, RUN_MS_MAX);
    return end(&world, true);
}

static bool run_seeds(uint64_t first, uint64_t count)
{
    for (uint64_t seed = first; seed < first + count; seed++) {
        rw_test_replay_set("again with: rw_sim_gateway --seed %" PRIu64 " --verbose\n", seed);
        if (!run_seed(seed, false))
            return false;
    }
    return true;
}

/* ---- Sweeps: one conversation of each kind, spoiled at each point in turn ---- */

enum action {
    CLIENT_RESET,
    CLIENT_CLOSE,
    CLIENT_HALF,
    ORIGIN_RESET,
    ORIGIN_CLOSE,
    DRAIN,
    RELOAD_AND_DESTROY,
    ALLOCATION,
    ALLOCATIONS,
    ACTIONS,
};

static const char *const action_names[] = {
    "client resets", "client closes", "client half-closes", "origin resets",        "origin closes",
    "drain",         "destroy",       "one allocation",     "allocations of a step"};

static void cut_clients(struct rw_test_world *world, enum rw_test_cut cut)
{
    for (unsigned i = 0; i < world->client_count; i++)
        rw_test_client_cut(&world->clients[i], cut);
}

static void act(struct rw_test_world *world, enum action action)
{
    switch (action) {
    case CLIENT_RESET:
        cut_clients(world, RW_TEST_CUT_RESET);
        break;
    case CLIENT_CLOSE:
        cut_clients(world, RW_TEST_CUT_CLOSE);
        break;
    case CLIENT_HALF:
        cut_clients(world, RW_TEST_CUT_HALF);
        break;
    case ORIGIN_RESET:
        rw_test_origins_cut(world, RW_TEST_CUT_RESET);
        break;
    case ORIGIN_CLOSE:
        rw_test_origins_cut(world, RW_TEST_CUT_CLOSE);
        break;
    case DRAIN:
        rw_test_world_drain(world, 1);
        break;
    default:
        break;
    }
}

/* Lets `count` steps happen; false: it was over before. */
static bool run_steps(struct rw_test_world *world, uint64_t count)
{
    for (uint64_t i = 0; i < count && !world->failed; i++)
        if (rw_sim_run(world->sim, RUN_MS_MAX, 1))
            return false;
    return true;
}

/* Fails the allocation number `count` from now; with `all`, also what follows in the same step. */
static bool fail_allocation(struct rw_test_world *world, uint64_t count, bool all)
{
    uint64_t at = rw_alloc_count() + count;
    if (!all) {
        rw_alloc_fail_once(count);
        rw_test_world_run(world, RUN_MS_MAX);
        return rw_alloc_count() > at;
    }
    rw_alloc_fail_after(count);
    while (rw_alloc_count() <= at && !world->failed)
        if (rw_sim_run(world->sim, RUN_MS_MAX, 1))
            return false;
    rw_alloc_fail_never();
    return true;
}

/* `*last`: that was past the end. False: something was wrong. */
static bool run_sweep_step(unsigned kind, enum action action, uint64_t step, bool verbose,
                           bool *last)
{
    struct rw_test_world world = {0};
    (void)rw_test_conversation(&world, kind, verbose);
    rw_test_world_start(&world);
    if (action >= ALLOCATION) {
        world.harsh = true;
        *last = !fail_allocation(&world, step, action == ALLOCATIONS);
        rw_alloc_fail_never();
    } else {
        *last = !run_steps(&world, step);
        act(&world, action);
    }
    if (action == RELOAD_AND_DESTROY)
        return end(&world, false);
    rw_test_world_run(&world, RUN_MS_MAX);
    return end(&world, true);
}

static bool sweep(unsigned kind, enum action action)
{
    bool last = false;
    for (uint64_t step = 0; !last; step++) {
        rw_test_replay_set("%s at %" PRIu64 "; again with: rw_sim_gateway --sweep %u %d %" PRIu64
                           "\n",
                           action_names[action], step, kind, action, step);
        if (!run_sweep_step(kind, action, step, false, &last))
            return false;
    }
    return true;
}

static bool run_sweeps(void)
{
    for (unsigned kind = 0;; kind++) {
        struct rw_test_world world = {0};
        if (!rw_test_conversation(&world, kind, false))
            return true;
        /* By itself it succeeds. */
        rw_test_world_start(&world);
        rw_test_world_run(&world, RUN_MS_MAX);
        if (!end(&world, true))
            return false;
        for (int action = 0; action < ACTIONS; action++)
            if (!sweep(kind, (enum action)action))
                return false;
    }
}

/* ---- The census ---- */

/* What has to happen somewhere in so many worlds: a plan that never comes to it tests nothing. */
static const struct {
    enum rw_counter counter;
    const char *what;
} census[] = {
    {RW_COUNTER_UPSTREAM_RETRIES_CONNECT, "retries without a connection"},
    {RW_COUNTER_UPSTREAM_RETRIES_RESET, "retries after a reset"},
    {RW_COUNTER_UPSTREAM_RETRIES_TIMEOUT, "retries after a time-out"},
    {RW_COUNTER_UPSTREAM_RETRIES_STATUS, "retries because of the status"},
    {RW_COUNTER_UPSTREAM_RETRIES_DENIED, "retries denied"},
    {RW_COUNTER_UPSTREAM_MOVES, "moved"},
    {RW_COUNTER_UPSTREAM_HEDGES_WON, "hedges won"},
    {RW_COUNTER_UPSTREAM_HEDGES_DENIED, "hedges denied"},
    {RW_COUNTER_UPSTREAM_EJECTIONS, "ejections"},
    {RW_COUNTER_OVERLOAD_QUEUED, "queued"},
    {RW_COUNTER_OVERLOAD_REFUSED, "refused"},
    {RW_COUNTER_BROWN_OUTS, "brown-outs"},
    {RW_COUNTER_STALE_GIVEN, "stale answers"},
    {RW_COUNTER_RESIDENCY_KEPT, "kept to their region"},
    {RW_COUNTER_RESIDENCY_NOWHERE, "with nowhere to go"},
    {RW_COUNTER_JWT_VERIFIED, "tokens verified"},
    {RW_COUNTER_JWT_ADMITTED, "tokens admitted"},
    {RW_COUNTER_JWT_EXPIRED, "tokens expired"},
    {RW_COUNTER_JWT_UNKNOWN_KEY, "tokens by unknown keys"},
    {RW_COUNTER_FAULTS_DELAY, "delays on purpose"},
    {RW_COUNTER_FAULTS_ABORT, "errors on purpose"},
    {RW_COUNTER_FAULTS_RESET, "resets on purpose"},
    {RW_COUNTER_FAULTS_TRUNCATE, "truncations on purpose"},
    {RW_COUNTER_FAULTS_THROTTLE, "throttling on purpose"},
};

static bool take_census(uint64_t seeds)
{
    bool all = true;
    for (size_t i = 0; i < sizeof(census) / sizeof(*census); i++) {
        int64_t count = totals.counters[census[i].counter];
        printf("%s%" PRId64 " %s", i ? ", " : "", count, census[i].what);
        all = all && count;
    }
    for (unsigned i = 0; i < SEEN_COUNT; i++) {
        printf(", %" PRIu64 " %s", totals.seen[i], seen_names[i]);
        all = all && totals.seen[i];
    }
    printf("\n");
    if (all || seeds < CENSUS_SEEDS)
        return true;
    printf("WRONG: what never happens is not tested\n");
    rw_test_replay_set("%s", "");
    return false;
}

/* ---- The command line ---- */

static int usage(void)
{
    fprintf(stderr, "usage: rw_sim_gateway [--seeds N] [--first-seed S] [--no-sweeps]\n"
                    "       rw_sim_gateway --seed S [--verbose]\n"
                    "       rw_sim_gateway --sweep KIND ACTION STEP\n");
    return 2;
}

static void report(uint64_t started_ns)
{
    uint64_t spent_ms = (rw_clock_monotonic_ns() - started_ns) / RW_NS_PER_MS;
    printf("%" PRIu64 " worlds, %" PRIu64 " steps, %" PRIu64 " requests (%" PRIu64
           " answered in full), buffers at most %zu bytes, %" PRIu64 " ms\n",
           totals.worlds, totals.steps, totals.requests, totals.complete, totals.buffer_peak_bytes,
           spent_ms);
}

int main(int argc, char **argv)
{
    uint64_t seeds = SEEDS_DEFAULT, first = 1, seed = 0;
    bool verbose = false, one = false, sweeps = true;
    for (int i = 1; i < argc; i++) {
        bool value = i + 1 < argc;
        if (strcmp(argv[i], "--seeds") == 0 && value) {
            seeds = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--first-seed") == 0 && value) {
            first = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && value) {
            seed = strtoull(argv[++i], NULL, 10);
            one = true;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            verbose = true;
        } else if (strcmp(argv[i], "--no-sweeps") == 0) {
            sweeps = false;
        } else if (strcmp(argv[i], "--sweep") == 0 && i + 3 < argc) {
            bool last;
            return !run_sweep_step((unsigned)atoi(argv[i + 1]), (enum action)atoi(argv[i + 2]),
                                   strtoull(argv[i + 3], NULL, 10), true, &last);
        } else {
            return usage();
        }
    }
    rw_log_set_fd(verbose ? 1 : -1);
    rw_test_replay_watch();
    uint64_t started_ns = rw_clock_monotonic_ns();
    bool good = one ? run_seed(seed, verbose) : run_seeds(first, seeds);
    if (good && !one)
        good = take_census(seeds);
    if (good && !one && sweeps)
        good = run_sweeps();
    report(started_ns);
    fflush(stdout);
    if (!good) {
        rw_test_replay_tell();
        _Exit(1); /* what is left of the world is no leak */
    }
    return 0;
}
