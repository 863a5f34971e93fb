/* Gateways that share a quota and a pace through a Redis that dies, forgets, hangs and talks
 * nonsense, while they are killed and started again; replayed by seed.
 *
 *   rw_sim_limits [--seeds N] [--first-seed S]    N worlds
 *   rw_sim_limits --seed S                        one world again, with what happens in it
 *
 * What must hold:
 * - a gateway has counted of a quota exactly what it admitted, whatever happened;
 * - nobody believes that others have used more than they did, so that nobody is refused by a quota
 *   of which something is left;
 * - no gateway alone admits more than a limit says, if it counts alone;
 * - when Redis is well again and each gateway was asked once more, all know what all have used, and
 *   so does Redis, also when it had lost everything;
 * - where nothing fails, all admit of a pace what it says, and for each gateway a burst;
 * - nothing is left over.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "gate/limit/share.h"
#include "support/redis_peer.h"
#include "support/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    GATEWAYS = 3,
    KEYS = 4,
    TABLE_KEYS = 1000,
    PERIOD_S = 10,
    STEPS_MIN = 20,
    STEPS_MAX = 120,
    STEP_MS_MAX = 400,
    CALM_MS = 8000, /* a time-out, and the longest pause before it is tried again */
    LOST_MS = 3000,
    ROUND_MS = 500, /* longer than an interval and most delays */
    ROUNDS_CALM = 4,
    ROUNDS_MAX = 40,
    EVENTS_MAX = 10 * 1000 * 1000,
    SEEDS_DEFAULT = 1500
};

struct gateway {
    struct rw_loop *loop;
    struct rw_metrics *metrics;
    struct rw_meters *meters;
    struct rw_shares *shares;
    int file;                /* of quotas: outlives it */
    uint32_t admitted[KEYS]; /* of the quota of each key, in this period */
    uint64_t paced[KEYS];    /* of the pace, since it was started */
    uint64_t started_ms;
};

struct world {
    struct rw_sim *sim;
    struct rw_random random;
    struct rw_test_redis redis;
    struct gateway gateways[GATEWAYS];
    struct rw_meter_rate quota, pace;
    uint64_t burst, interval_ns; /* of the pace */
    struct rw_config_redis config;
    char nonsense[100];
    uint32_t end_s; /* of this period */
    uint64_t all_paced[KEYS];
    bool strict;  /* nothing fails */
    bool network; /* connections are lost, and refused */
    bool memory;  /* allocations fail */
    bool failed;
};

static struct {
    uint64_t worlds, admitted, refused, scripts;
} totals;

static uint32_t below(struct world *world, uint32_t bound)
{
    return rw_random_below(&world->random, bound);
}

static bool chance(struct world *world, unsigned percent)
{
    return below(world, 100) < percent;
}

static void expect(struct world *world, bool holds, const char *what, uint64_t is, uint64_t other)
{
    if (holds || world->failed)
        return;
    printf("WRONG: %s: %" PRIu64 ", %" PRIu64 " (at %" PRIu64 " ms)\n", what, is, other,
           rw_sim_now_ms(world->sim));
    world->failed = true;
}

/* ---- Gateways ---- */

static void configure(struct world *world, struct gateway *gateway)
{
    const struct rw_shares_setup setup = {.redis = &world->config};
    rw_shares_configure(gateway->shares, &setup);
}

/* The table of paces is of the process; that of quotas is in the file. */
static void start_gateway(struct world *world, struct gateway *gateway)
{
    rw_alloc_fail_never(); /* it would not start, and say so */
    enum rw_err err = rw_meters_create(TABLE_KEYS, -1, &gateway->meters);
    rw_assert(!err);
    err = rw_meters_open_quotas(gateway->meters, TABLE_KEYS, gateway->file);
    rw_assert(!err);
    const struct rw_shares_options options = {.loop = gateway->loop,
                                              .meters = gateway->meters,
                                              .metrics = rw_metrics_shard(gateway->metrics, 0)};
    err = rw_shares_create(&options, &gateway->shares);
    rw_assert(!err);
    configure(world, gateway);
    gateway->started_ms = rw_sim_now_ms(world->sim);
    memset(gateway->paced, 0, sizeof(gateway->paced));
}

static void stop_gateway(struct gateway *gateway)
{
    rw_shares_destroy(gateway->shares);
    rw_meters_destroy(gateway->meters);
}

static void create_gateway(struct world *world, struct gateway *gateway)
{
    const struct rw_loop_options options = {.backend = RW_LOOP_SIM, .sim = world->sim};
    enum rw_err err = rw_loop_create(&options, &gateway->loop);
    rw_assert(!err);
    err = rw_metrics_create(1, 16, &gateway->metrics);
    rw_assert(!err);
    gateway->file = memfd_create("quotas", MFD_CLOEXEC);
    rw_assert(gateway->file >= 0);
    start_gateway(world, gateway);
}

static void destroy_gateway(struct gateway *gateway)
{
    stop_gateway(gateway);
    rw_loop_destroy(gateway->loop);
    rw_metrics_destroy(gateway->metrics);
    close(gateway->file);
}

/* ---- Requests ---- */

static uint64_t hash_of(const struct gateway *gateway, const struct rw_meter_rate *rate,
                        unsigned key)
{
    uint64_t secret = rw_meters_key(gateway->meters, rate)[0];
    return (secret ^ (key + 1)) * 0x9e3779b97f4a7c15;
}

static uint32_t used_by_all(const struct world *world, unsigned key)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < GATEWAYS; i++)
        sum += world->gateways[i].admitted[key];
    return sum;
}

static void note(struct gateway *gateway, const struct rw_meter *meter, unsigned key)
{
    const uint64_t id[2] = {(uint64_t)key << 56 | 7, meter->rate->counted};
    if (!rw_shares_use(gateway->shares, meter->hash))
        rw_shares_add(gateway->shares, meter->hash, id, meter->rate);
}

/* As the policy does. */
static bool take(struct world *world, struct gateway *gateway, struct rw_meter *meter, unsigned key)
{
    enum rw_shares_mode mode = rw_shares_mode(gateway->shares);
    const struct rw_meters_time time = {.now_ns = rw_loop_now_ns(gateway->loop),
                                        .wall_s = rw_loop_wall_ns(gateway->loop) / RW_NS_PER_S};
    if (mode == RW_SHARES_REFUSE || (mode == RW_SHARES_ADMIT && !meter->rate->counted))
        return false;
    meter->hash = hash_of(gateway, meter->rate, key);
    meter->lenient = meter->rate->counted && mode == RW_SHARES_ADMIT;
    bool admitted = rw_meters_take(gateway->meters, meter, 1, &time).admitted;
    if (admitted || meter->rate->counted)
        note(gateway, meter, key);
    totals.admitted += admitted;
    totals.refused += !admitted;
    if (!admitted && meter->rate->counted)
        expect(world, used_by_all(world, key) >= meter->rate->capacity, "refused too early",
               used_by_all(world, key), meter->rate->capacity);
    return admitted;
}

static void ask_quota(struct world *world, struct gateway *gateway, unsigned key)
{
    struct rw_meter meter = {.rate = &world->quota, .end_s = world->end_s, .shared = true};
    uint32_t others = used_by_all(world, key) - gateway->admitted[key];
    if (!take(world, gateway, &meter, key))
        return;
    gateway->admitted[key]++;
    expect(world, meter.others <= others, "others have used less", meter.others, others);
    struct rw_meters_used used = rw_meters_used(gateway->meters, meter.hash);
    expect(world, used.end_s == world->end_s && used.own == gateway->admitted[key],
           "a gateway has counted what it admitted", used.own, gateway->admitted[key]);
    if (!meter.lenient)
        expect(world, used.own <= world->quota.capacity, "one gateway is over the quota", used.own,
               world->quota.capacity);
}

static uint64_t paced_in(const struct world *world, uint64_t since_ms)
{
    uint64_t ns = (rw_sim_now_ms(world->sim) - since_ms + 1) * RW_NS_PER_MS;
    return ns / world->interval_ns + 1;
}

static void ask_pace(struct world *world, struct gateway *gateway, unsigned key)
{
    struct rw_meter meter = {.rate = &world->pace};
    if (!take(world, gateway, &meter, key))
        return;
    uint64_t alone = ++gateway->paced[key], all = ++world->all_paced[key];
    uint64_t most = paced_in(world, gateway->started_ms) + world->burst;
    expect(world, alone <= most, "one gateway is over the pace", alone, most);
    /* An interval's worth of each is known late: that is less than a burst here. */
    most = paced_in(world, 0) + 2 * GATEWAYS * world->burst;
    if (world->strict)
        expect(world, all <= most, "all are over the pace", all, most);
}

static void ask(struct world *world)
{
    unsigned key = below(world, KEYS);
    struct gateway *gateway = &world->gateways[below(world, GATEWAYS)];
    if (chance(world, 60))
        ask_quota(world, gateway, key);
    else
        ask_pace(world, gateway, key);
}

/* ---- Time ---- */

/* Numbers of an old period are told, too, but nobody counts by them any more. */
static void begin_period(struct world *world)
{
    uint64_t wall_s = rw_loop_wall_ns(world->gateways[0].loop) / RW_NS_PER_S;
    uint32_t end_s = (uint32_t)(wall_s / PERIOD_S + 1) * PERIOD_S;
    if (end_s == world->end_s)
        return;
    world->end_s = end_s;
    for (unsigned i = 0; i < GATEWAYS; i++)
        memset(world->gateways[i].admitted, 0, sizeof(world->gateways[i].admitted));
}

static void run(struct world *world, uint64_t ms)
{
    if (!rw_sim_run(world->sim, ms, EVENTS_MAX))
        expect(world, false, "it goes on and on", rw_sim_steps(world->sim), 0);
    for (unsigned i = 0; i < GATEWAYS; i++)
        rw_loop_turn(world->gateways[i].loop, 0);
    begin_period(world);
}

/* ---- What goes wrong ---- */

/* Words of the protocol in no order, but no number: an array of those would be believed. */
static const char *make_nonsense(struct world *world)
{
    static const char *const parts[] = {"+OK\r\n", "-OOM no\r\n", "*",  "$",
                                        "-1",      "\r\n",        "0",  "99999999",
                                        "*2",      "$-1\r\n",     "\r", "HTTP/1.1"};
    size_t len = 0;
    for (uint32_t count = 1 + below(world, 8); count; count--)
        len += (size_t)snprintf(world->nonsense + len, sizeof(world->nonsense) - len, "%s",
                                parts[below(world, sizeof(parts) / sizeof(*parts))]);
    return world->nonsense;
}

static void spoil(struct world *world)
{
    struct gateway *gateway = &world->gateways[below(world, GATEWAYS)];
    switch (below(world, 7)) {
    case 0:
        world->redis.down = true;
        rw_test_redis_cut(&world->redis, chance(world, 50));
        break;
    case 1:
        rw_test_redis_cut(&world->redis, chance(world, 30));
        break;
    case 2:
        world->redis.silent = true;
        break;
    case 3:
        world->redis.nonsense = make_nonsense(world);
        break;
    case 4:
        stop_gateway(gateway);
        start_gateway(world, gateway);
        break;
    case 5:
        if (world->memory)
            rw_alloc_fail_once(1 + below(world, 20));
        break;
    default:
        configure(world, gateway); /* a reload */
        break;
    }
}

static void mend(struct world *world)
{
    world->redis.down = world->redis.silent = false;
    world->redis.nonsense = NULL;
    rw_alloc_fail_never();
}

/* ---- In the end ---- */

/* What a gateway knows: a quota of nothing refuses, and says how much is used. */
static uint64_t known_to(struct world *world, struct gateway *gateway, unsigned key)
{
    const struct rw_meter_rate nothing = rw_meter_quota(0);
    const struct rw_meters_time time = {.wall_s = rw_loop_wall_ns(gateway->loop) / RW_NS_PER_S};
    struct rw_meter meter = {.rate = &nothing,
                             .hash = hash_of(gateway, &nothing, key),
                             .end_s = world->end_s,
                             .shared = true};
    (void)rw_meters_take(gateway->meters, &meter, 1, &time);
    return meter.ahead;
}

static uint64_t sum_in_redis(const struct world *world)
{
    char end[16];
    snprintf(end, sizeof(end), ":%u", world->end_s);
    return rw_test_redis_sum(&world->redis, end);
}

/* All is well, and a period begins. A reload without memory leaves a gateway by itself until the
 * next one. */
static void settle(struct world *world)
{
    mend(world);
    for (unsigned i = 0; i < GATEWAYS; i++)
        configure(world, &world->gateways[i]);
    run(world, CALM_MS);
    uint64_t wall_ms = rw_loop_wall_ns(world->gateways[0].loop) / RW_NS_PER_MS;
    run(world, PERIOD_S * 1000 - wall_ms % (PERIOD_S * 1000) + 1);
}

static uint64_t used_of_all_keys(const struct world *world)
{
    uint64_t all = 0;
    for (unsigned key = 0; key < KEYS; key++)
        all += used_by_all(world, key);
    return all;
}

static void ask_all(struct world *world)
{
    for (unsigned i = 0; i < GATEWAYS * KEYS; i++)
        ask_quota(world, &world->gateways[i / KEYS], i % KEYS);
    run(world, ROUND_MS);
}

/* Once all have told, and Redis knows, each hears what the others have used with its next round. In
 * a network that goes on losing connections this takes some more of them. */
static bool all_know(struct world *world)
{
    uint64_t before = used_of_all_keys(world);
    ask_all(world);
    bool know = sum_in_redis(world) == used_of_all_keys(world);
    for (unsigned i = 0; i < GATEWAYS && know; i++) {
        uint64_t sum = 0, all = used_of_all_keys(world);
        for (unsigned key = 0; key < KEYS; key++)
            sum += known_to(world, &world->gateways[i], key);
        expect(world, sum <= all, "a gateway knows of more", sum, all);
        know = sum >= before;
    }
    return know;
}

/* Redis loses what it knew, with a part of it untold; everybody comes again. */
static void check_end(struct world *world)
{
    settle(world);
    ask_all(world);
    if (!world->strict) {
        for (unsigned i = 0; i < 20; i++)
            ask_quota(world, &world->gateways[below(world, GATEWAYS)], below(world, KEYS));
        rw_test_redis_cut(&world->redis, true);
        run(world, LOST_MS);
    }
    bool know = false;
    for (unsigned round = 0; round < (world->network ? ROUNDS_MAX : ROUNDS_CALM) && !know; round++)
        know = all_know(world);
    expect(world, know, "not all know what was used", sum_in_redis(world), used_of_all_keys(world));
}

/* ---- A world ---- */

static void plan(struct world *world, uint64_t seed)
{
    static const int downs[] = {RW_REDIS_DOWN_LOCAL, RW_REDIS_DOWN_LOCAL, RW_REDIS_DOWN_ADMIT,
                                RW_REDIS_DOWN_REFUSE};
    struct rw_sim_faults faults = {0};
    rw_random_seed(&world->random, seed * 2 + 1);
    faults.split = below(world, 2000);
    world->strict = chance(world, 30);
    world->memory = chance(world, 30);
    faults.delay = below(world, 5000);
    faults.delay_ms_max = 1 + below(world, 100);
    world->network = !world->strict && chance(world, 50);
    if (world->network) {
        faults.reset = below(world, 100);
        faults.refuse = below(world, 2000);
        faults.blackhole = below(world, 500);
    }
    enum rw_err err = rw_sim_create(seed, &faults, &world->sim);
    world->burst = 10 + below(world, 40);
    world->interval_ns = (1 + below(world, 200)) * RW_NS_PER_MS;
    err = err ? err : rw_meter_rate(1, world->interval_ns, world->burst, &world->pace);
    rw_assert(!err);
    world->quota = rw_meter_quota(1 + below(world, 200));
    rw_test_redis_start(&world->redis, world->sim, "10.3.0.1");
    world->config = (struct rw_config_redis){
        .address = RW_LITERAL("10.3.0.1:6379"),
        .prefix = RW_LITERAL("p:"),
        .interval_ms = 10 + below(world, 90),
        .timeout_ms = 1000,
        .when_down = downs[below(world, 4)],
    };
}

static bool run_seed(uint64_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    rw_assert(world);
    plan(world, seed);
    for (unsigned i = 0; i < GATEWAYS; i++)
        create_gateway(world, &world->gateways[i]);
    begin_period(world);
    unsigned steps = STEPS_MIN + below(world, STEPS_MAX - STEPS_MIN);
    for (unsigned step = 0; step < steps && !world->failed; step++) {
        for (uint32_t requests = below(world, 20); requests; requests--)
            ask(world);
        if (!world->strict && chance(world, 20))
            spoil(world);
        else if (chance(world, 15))
            mend(world);
        run(world, below(world, STEP_MS_MAX));
    }
    if (!world->failed)
        check_end(world);
    bool good = !world->failed;
    totals.worlds++;
    totals.scripts += world->redis.scripts;
    for (unsigned i = 0; i < GATEWAYS && good; i++)
        destroy_gateway(&world->gateways[i]);
    if (good) {
        rw_test_redis_free(&world->redis);
        rw_sim_destroy(world->sim);
        free(world);
    }
    return good;
}

/* ---- The command line ---- */

static int report(uint64_t seeds)
{
    (void)seeds;
    printf("%" PRIu64 " worlds, %" PRIu64 " requests admitted, %" PRIu64 " refused, %" PRIu64
           " scripts\n",
           totals.worlds, totals.admitted, totals.refused, totals.scripts);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct rw_test_worlds worlds = {"rw_sim_limits", SEEDS_DEFAULT, run_seed, report};
    return rw_test_run_worlds(&worlds, argc, argv);
}
