/* Requests that are mirrored to a shadow which is slow, dead, breaks off, answers nonsense or
 * otherwise than the origin; replayed by seed.
 *
 *   rw_sim_mirror [--seeds N] [--first-seed S]    N worlds
 *   rw_sim_mirror --seed S                        one world again, with what happens in it
 *
 * The origins, clients and the network are those of rw_sim_gateway's strict worlds: nothing of them
 * fails, so that the mirror's account can be foretold. What must hold, besides what holds there
 * (each client gets every byte of its answer, whatever the shadow does):
 * - every copy that is sent is counted once, as what it was: the same, different, without an
 * answer, not compared;
 * - what differs is counted where it does: status, fields, body;
 * - of what is not sent, nothing is counted but that.
 */
#include "policy/mirror/mirror.h"
#include "support/gateway_world.h"
#include "support/replay.h"
#include "watch/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUN_MS_MAX = 2000 * 1000, SEEDS_DEFAULT = 1500, COPIES_MAX = 512 };

static uint64_t totals[RW_MIRROR_CELLS];

static void configure(struct rw_test_world *world, uint64_t body_bytes_max)
{
    struct rw_test_bytes yaml = {0};
    rw_test_bytes_format(&yaml, "listeners:\n");
    for (unsigned i = 0; i < 2; i++)
        rw_test_bytes_format(&yaml,
                             "- { name: l%u, address: \"10.2.0.1:%u\", reason_header: true,"
                             " timeouts: { body_rate_min: 0 } }\n",
                             i, 80 + i);
    rw_test_bytes_format(
        &yaml,
        "routes:\n- name: origin\n  match: { path: /r/* }\n  upstream: app\n  policies: [ { mirror:"
        " { upstream: shadow, requests_max: %d, timeout: 600s, body_max: %" PRIu64
        ", compare: { body_max: %" PRIu64 " } } } ]\n"
        "- name: fixed\n  match: { path: /fixed/* }\n"
        "  respond: { body: fixed, headers: { X-Fixed: one } }\n",
        COPIES_MAX, body_bytes_max, world->mirror.compared_bytes_max);
    rw_test_bytes_format(&yaml,
                         "upstreams:\n- { name: app, endpoints: [\"10.1.0.1:9001\"]%s }\n"
                         "- { name: shadow, endpoints: [\"10.1.0.9:9009\"],"
                         " retries: { tries: 1 } }\n",
                         world->http2 ? ", protocol: http2" : "");
    rw_test_bytes_add(&yaml, "", 1);
    rw_test_world_adopt(world, yaml.at);
    free(yaml.at);
}

/* Those whose body is too large to be copied: at least those that send all of it. */
static void check_large(struct rw_test_world *world, uint64_t body_bytes_max, uint64_t counted)
{
    uint64_t least = 0, most = 0;
    for (unsigned i = 0; i < world->request_count; i++) {
        const struct rw_test_request *r = &world->requests[i];
        bool large = r->route == RW_TEST_ROUTE_ORIGIN && !r->upgrade &&
                     r->framing != RW_TEST_BODY_NONE && r->body_bytes > body_bytes_max;
        most += large;
        least += large && r->arrived_whole && !r->answer_early;
    }
    if (counted < least || counted > most)
        rw_test_fail(world, "%" PRIu64 " copies too large, not from %" PRIu64 " to %" PRIu64,
                     counted, least, most);
}

static void check(struct rw_test_world *world, uint64_t body_bytes_max)
{
    struct rw_series_cell cell = {0};
    unsigned series = rw_metrics_series(world->metrics, RW_SERIES_MIRROR_RESULT,
                                        RW_LITERAL("origin"), (struct rw_span){0});
    rw_metrics_series_total(world->metrics, series, &cell);
    for (unsigned i = 0; i < RW_MIRROR_CELLS; i++) {
        totals[i] += cell.buckets[i];
        rw_test_trace(world, "%s: %" PRIu64 ", expected %" PRIu64, rw_mirror_result_name(i),
                      (uint64_t)cell.buckets[i], world->mirror.expected[i]);
        if (i != RW_MIRROR_TOO_LARGE && cell.buckets[i] != world->mirror.expected[i])
            rw_test_fail(world, "%s: counted %" PRIu64 ", not %" PRIu64, rw_mirror_result_name(i),
                         (uint64_t)cell.buckets[i], world->mirror.expected[i]);
    }
    check_large(world, body_bytes_max, cell.buckets[RW_MIRROR_TOO_LARGE]);
}

static bool run_seed(uint64_t seed)
{
    static const uint64_t limits[] = {65536, 65536, 0, 300, 5000};
    struct rw_test_world world = {.strict = true};
    rw_test_plan(&world, seed, rw_test_replay_tells());
    uint64_t body_bytes_max = limits[rw_test_below(&world, 5)];
    world.mirror.compared_bytes_max = limits[rw_test_below(&world, 5)];
    world.filtered = true;
    world.copies_max = COPIES_MAX;
    world.resident = world.identifies = world.limited = world.rolls = world.probed = false;
    world.has_sessions = world.dressed = world.rewrites = world.has_tokens = false;
    world.compresses = false;
    rw_test_sticky_reload(&world);
    rw_test_bodies_reload(&world);
    rw_test_rewrite_reload(&world);
    rw_test_session_reload(&world, false);
    configure(&world, body_bytes_max);
    rw_test_world_start(&world);
    rw_test_world_run(&world, RUN_MS_MAX);
    if (!world.failed)
        check(&world, body_bytes_max);
    return rw_test_world_end(&world, true);
}

static int report(uint64_t seeds)
{
    bool all = true;
    printf("%" PRIu64 " worlds:", seeds);
    for (unsigned i = 0; i < RW_MIRROR_CELLS; i++) {
        printf(" %s %" PRIu64, rw_mirror_result_name(i), totals[i]);
        all = all && (totals[i] || i == RW_MIRROR_DROPPED);
    }
    printf("\n");
    if (all || seeds < SEEDS_DEFAULT)
        return 0;
    printf("WRONG: what never happens is not tested\n");
    return 1;
}

int main(int argc, char **argv)
{
    static const struct rw_test_worlds worlds = {"rw_sim_mirror", SEEDS_DEFAULT, run_seed, report};
    return rw_test_run_worlds(&worlds, argc, argv);
}
