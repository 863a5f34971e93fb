/* The limit of requests at once before origins that have room for all that come, whatever their
 * latencies are: nobody is refused, but for a few where the latency changes all at once while the
 * limit is reached. Clients ask for one thing at a time. In virtual time. */
#include "base/random.h"
#include "gate/cluster/overload/admission.h"
#include "io/sim.h"
#include "watch/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CLIENTS_MAX = 200, SEEDS = 4 };

/* How long an answer takes. */
struct answers {
    unsigned ms;
    unsigned spread_percent; /* shorter or longer, evenly */
    unsigned slow_per_1000;  /* so many of them take this: */
    unsigned slow_ms;
    bool tail; /* Pareto's, alpha 1.5 */
};

struct model {
    const char *name;
    unsigned clients;
    unsigned grow_ms;  /* a further client comes so often; 0: all are there at once */
    unsigned think_ms; /* the mean of what they take before they ask again */
    unsigned seconds;
    struct answers answers, for_a_while; /* the latter in the third fourth of the time */
    unsigned refused_per_10000;
};

struct client {
    struct rw_admission admission;
    uint64_t sent_ms;
};

static struct {
    const struct model *model;
    struct rw_sim *sim;
    struct rw_metrics *metrics;
    struct rw_worker worker;
    struct rw_cluster cluster;
    struct rw_random random;
    struct client clients[CLIENTS_MAX];
    unsigned come;
    uint64_t start_ms, until_ms;
    uint64_t asked, refused, last_refused_ms;
} world;

static uint64_t now(void)
{
    return rw_sim_now_ms(world.sim);
}

static const struct answers *answers(void)
{
    uint64_t share = (now() - world.start_ms) * 4 / (world.model->seconds * 1000);
    bool changed = share == 2 && world.model->for_a_while.ms;
    return changed ? &world.model->for_a_while : &world.model->answers;
}

static uint64_t answer_ms(void)
{
    const struct answers *by = answers();
    double share = (double)rw_random_below(&world.random, 2001) / 1000 - 1;
    double part = (1.0 + rw_random_below(&world.random, 1000000)) / 1000000;
    double ms = by->ms * (1 + share * by->spread_percent / 100);
    if (by->tail)
        ms = fmin(by->ms / pow(part, 1 / 1.5), 30000);
    if (by->slow_per_1000 && rw_random_below(&world.random, 1000) < by->slow_per_1000)
        ms = by->slow_ms * (1 + share / 5);
    return (uint64_t)fmax(ms, 1);
}

static void ask(void *user);

static void again(struct client *client)
{
    unsigned think_ms = world.model->think_ms;
    uint64_t ms = think_ms ? rw_random_below(&world.random, 2 * think_ms) + 1 : 1;
    if (now() + ms < world.until_ms)
        assert_int_equal(rw_sim_at(world.sim, now() + ms, ask, client), RW_OK);
}

static void answered(void *user)
{
    struct client *client = user;
    rw_admission_answered(&client->admission, (now() - client->sent_ms) * 1000, client->sent_ms,
                          now());
    rw_admission_leave(&world.worker, &client->admission);
    again(client);
}

static void hand_over(struct client *client)
{
    client->sent_ms = now();
    assert_int_equal(rw_sim_at(world.sim, now() + answer_ms(), answered, client), RW_OK);
}

static void on_admitted(struct rw_admission *admission)
{
    hand_over(rw_container_of(admission, struct client, admission));
}

static void refuse(struct client *client)
{
    world.refused++;
    world.last_refused_ms = now() - world.start_ms;
    again(client);
}

static void on_refused(struct rw_admission *admission)
{
    refuse(rw_container_of(admission, struct client, admission));
}

static void ask(void *user)
{
    struct client *client = user;
    client->admission.on_admitted = on_admitted;
    client->admission.on_refused = on_refused;
    world.asked++;
    switch (rw_admission_enter(&world.worker, &world.cluster, &client->admission, RW_CLASS_NORMAL,
                               (uint64_t)(client - world.clients))) {
    case RW_ADMITTED:
        hand_over(client);
        break;
    case RW_ADMISSION_REFUSED:
        refuse(client);
        break;
    case RW_ADMISSION_WAITS:
        break;
    }
}

static void come(void *user)
{
    (void)user;
    do
        ask(&world.clients[world.come++]);
    while (!world.model->grow_ms && world.come < world.model->clients);
    if (world.come < world.model->clients)
        assert_int_equal(rw_sim_at(world.sim, now() + world.model->grow_ms, come, NULL), RW_OK);
}

static const struct rw_cluster_overload usual = {
    .limits = {.first = 20, .least = 1, .most = 10000},
    .queue_max = 1000,
    .queue_ms_max = 100,
    .target_ms = 10,
};

static void open_world(const struct model *model, uint64_t seed)
{
    const struct rw_sim_faults faults = {0};
    memset(&world, 0, sizeof(world));
    world.model = model;
    rw_random_seed(&world.random, seed);
    assert_int_equal(rw_sim_create(seed, &faults, &world.sim), RW_OK);
    assert_int_equal(rw_metrics_create(1, 4, &world.metrics), RW_OK);
    const struct rw_worker_options options = {
        .loop = {.backend = RW_LOOP_SIM, .sim = world.sim},
        .metrics = rw_metrics_shard(world.metrics, 0),
    };
    assert_int_equal(rw_worker_create(&options, &world.worker), RW_OK);
    world.start_ms = now();
    world.until_ms = now() + model->seconds * 1000;
    world.cluster.overload = usual;
    assert_int_equal(rw_limiter_create(&usual.limits, &world.cluster.limiter), RW_OK);
}

static void close_world(void)
{
    assert_int_equal(atomic_load(&world.cluster.limiter->in_flight), 0);
    assert_false(rw_waiters_any(&world.cluster.limiter->waiting));
    rw_limiter_drop(world.cluster.limiter);
    rw_worker_destroy(&world.worker);
    rw_metrics_destroy(world.metrics);
    rw_sim_destroy(world.sim);
}

#define QUICK_AND_SLOW                                                                             \
    {                                                                                              \
        .ms = 5, .spread_percent = 50, .slow_per_1000 = 100, .slow_ms = 1000                       \
    }

static const struct model models[] = {
    {.name = "one client", .clients = 1, .answers = {.ms = 1000}, .seconds = 60},
    {.name = "64 clients, 1 ms", .clients = 64, .answers = {.ms = 1}, .seconds = 10},
    {.name = "15 clients, 100 ms",
     .clients = 15,
     .answers = {.ms = 100, .spread_percent = 50},
     .seconds = 60},
    {.name = "15 clients, quick and slow",
     .clients = 15,
     .answers = QUICK_AND_SLOW,
     .seconds = 120,
     .refused_per_10000 = 10},
    {.name = "15 clients, rarely very slow",
     .clients = 15,
     .answers = {.ms = 2, .slow_per_1000 = 10, .slow_ms = 3000},
     .seconds = 60},
    {.name = "more and more clients, quick and slow",
     .clients = 200,
     .grow_ms = 250,
     .answers = QUICK_AND_SLOW,
     .seconds = 60},
    {.name = "clients that think, quick and slow",
     .clients = 60,
     .think_ms = 1000,
     .answers = QUICK_AND_SLOW,
     .seconds = 120},
    {.name = "more and more clients, long tail",
     .clients = 100,
     .grow_ms = 200,
     .answers = {.ms = 10, .tail = true},
     .seconds = 60},
    {.name = "more and more clients, some wait for news",
     .clients = 60,
     .grow_ms = 1000,
     .think_ms = 200,
     .answers = {.ms = 5, .spread_percent = 50, .slow_per_1000 = 5, .slow_ms = 20000},
     .seconds = 300},
    {.name = "15 clients, 20 times slower for a while",
     .clients = 15,
     .answers = {.ms = 10, .spread_percent = 50},
     .for_a_while = {.ms = 200, .spread_percent = 50},
     .seconds = 60,
     .refused_per_10000 = 15},
    {.name = "15 clients, quick failures for a while",
     .clients = 15,
     .answers = {.ms = 100, .spread_percent = 50},
     .for_a_while = {.ms = 1},
     .seconds = 60,
     .refused_per_10000 = 10},
    {.name = "100 clients, 3 times slower for a while",
     .clients = 100,
     .grow_ms = 100,
     .answers = {.ms = 50, .spread_percent = 50},
     .for_a_while = {.ms = 150, .spread_percent = 50},
     .seconds = 60},
};

static void check(const struct model *model, uint64_t seed)
{
    open_world(model, seed);
    assert_int_equal(rw_sim_at(world.sim, now() + 1, come, NULL), RW_OK);
    assert_true(rw_sim_run(world.sim, model->seconds * 1000 + 120000, 100000000));
    bool well = world.refused * 10000 <= world.asked * model->refused_per_10000;
    if (!well)
        print_message("%s, seed %llu: of %llu refused %llu, the last after %llu ms\n", model->name,
                      (unsigned long long)seed, (unsigned long long)world.asked,
                      (unsigned long long)world.refused, (unsigned long long)world.last_refused_ms);
    assert_true(well);
    close_world();
}

static void who_has_room_for_all_refuses_nobody(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            check(&models[i], seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_room_for_all_refuses_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
