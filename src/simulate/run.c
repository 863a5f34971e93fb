#include "simulate/run.h"

#include "base/alloc.h"
#include "simulate/arrivals.h"
#include "simulate/autoscale.h"
#include "simulate/failure.h"

#include <math.h>

enum { DETAIL_MIN = 64, DETAIL_MAX = 4096, SECONDS_PER_LOOK = 64 };
#define BUSY_LIMIT 0.95 /* of the cores: beyond it they are what limits */

const struct rw_simulate_engine *rw_simulate_engine_of(const struct rw_simulate_model *model)
{
    return model->method == RW_SIMULATE_EXACT ? &rw_simulate_exact : &rw_simulate_sampled;
}

static unsigned detail_of(const struct rw_simulate_model *model)
{
    double detail = (double)model->sampled_max / model->seconds;
    return (unsigned)fmin(DETAIL_MAX, fmax(DETAIL_MIN, detail));
}

/* ---- What a second was like ---- */

static double price_of(const struct rw_simulate_node *node)
{
    return rw_simulate_node_billed(node) ? node->type->price_per_hour / 3600 : 0;
}

static void look_at_node(const struct rw_simulate_model *model, const struct rw_simulate_node *node,
                         struct rw_simulate_second *second, double *busy, double *cores)
{
    second->billed += rw_simulate_node_billed(node);
    second->cost += price_of(node);
    second->waiting += node->state == RW_SIMULATE_BOOTING;
    if (node->state == RW_SIMULATE_GONE)
        return;
    double bytes = rw_simulate_node_memory(model, node);
    second->node_memory_bytes = fmax(second->node_memory_bytes, bytes);
    second->node_memory_share =
        fmax(second->node_memory_share, bytes / (double)node->type->memory_bytes);
    second->node_connections = fmax(second->node_connections, node->connections);
    if (!rw_simulate_node_serves(node))
        return;
    second->nodes++;
    second->node_busy = fmax(second->node_busy, node->busy);
    *busy += node->busy * node->type->cores;
    *cores += node->type->cores;
}

static uint64_t of_causes(const uint64_t *now, const uint64_t *before, unsigned from, unsigned to)
{
    uint64_t sum = 0;
    for (unsigned i = from; i <= to; i++)
        sum += now[i] - before[i];
    return sum;
}

static unsigned limits_of(const struct rw_simulate_world *world,
                          const struct rw_simulate_second *second, const uint64_t *before)
{
    const struct rw_simulate_fleet *fleet = &world->fleet;
    const uint64_t *failed = world->ledger->failed;
    bool busy = second->busy >= BUSY_LIMIT || second->nodes == 0 ||
                failed[RW_SIMULATE_OVERLOAD] > before[RW_SIMULATE_OVERLOAD];
    bool waits = second->waiting > 0 || fleet->wanted > second->nodes;
    bool dead = of_causes(failed, before, RW_SIMULATE_NO_NODE, RW_SIMULATE_DISCONNECTED) > 0;
    bool origin = of_causes(failed, before, RW_SIMULATE_ORIGIN_FULL, RW_SIMULATE_ORIGIN_ERROR) > 0;
    unsigned limits = 0;
    limits |= fleet->refused_memory > 0 ? 1u << RW_SIMULATE_LIMIT_MEMORY : 0;
    limits |= fleet->refused_limit > 0 ? 1u << RW_SIMULATE_LIMIT_CONNECTIONS : 0;
    limits |= origin ? 1u << RW_SIMULATE_LIMIT_ORIGIN : 0;
    limits |= dead && !busy ? 1u << RW_SIMULATE_LIMIT_FAILURE : 0;
    limits |= busy && waits ? 1u << RW_SIMULATE_LIMIT_DELAY : 0;
    limits |= busy && !waits ? 1u << RW_SIMULATE_LIMIT_CPU : 0;
    return limits;
}

static void close_second(struct rw_simulate_world *world, const uint64_t *failed_before)
{
    struct rw_simulate_fleet *fleet = &world->fleet;
    struct rw_simulate_second second = {.connections = fleet->connections_held};
    double busy = 0, cores = 0;
    for (uint32_t i = 0; i < fleet->count; i++)
        look_at_node(world->model, &fleet->nodes[i], &second, &busy, &cores);
    second.busy = cores > 0 ? busy / cores : 0;
    second.limits = limits_of(world, &second, failed_before);
    rw_simulate_ledger_second(world->ledger, &second);
    world->ledger->handshakes += (uint64_t)fleet->accepted;
    world->ledger->refused += (uint64_t)(fleet->refused_memory + fleet->refused_limit);
    world->ledger->retries += (uint64_t)world->origin.tried_again;
    fleet->accepted = fleet->refused_memory = fleet->refused_limit = 0;
}

/* ---- One run ---- */

static enum rw_err pass_second(struct rw_simulate_world *world,
                               struct rw_simulate_autoscale *autoscale,
                               struct rw_simulate_rollout *rollout, double now)
{
    const struct rw_simulate_engine *engine = rw_simulate_engine_of(world->model);
    struct rw_simulate_fleet *fleet = &world->fleet;
    uint64_t failed[RW_SIMULATE_CAUSE_COUNT];
    memcpy(failed, world->ledger->failed, sizeof(failed));
    rw_simulate_fleet_advance(fleet, now);
    rw_simulate_failures_second(world->model, fleet, &world->origin, now);
    rw_simulate_deploys_second(rollout, fleet, now);
    enum rw_err err = rw_simulate_fleet_reconcile(fleet);
    if (err)
        return err;
    double users = rw_simulate_users(world->model, now + 0.5);
    rw_simulate_fleet_connect(fleet, users * world->model->connection->per_user, now == 0);
    rw_simulate_origin_second(&world->origin);
    err = rw_simulate_traffic_second(&world->traffic, fleet, world->response_s, !engine->cuts_off);
    if (!err)
        err = engine->second(world, now);
    if (err)
        return err;
    rw_simulate_autoscale_second(autoscale, fleet, now);
    close_second(world, failed);
    return RW_OK;
}

static enum rw_err pass_all(struct rw_simulate_run *run, struct rw_simulate_world *world,
                            struct rw_simulate_rollout *rollout)
{
    struct rw_simulate_autoscale *autoscale = rw_alloc(sizeof(*autoscale));
    enum rw_err err = autoscale ? RW_OK : RW_ENOMEM;
    if (autoscale)
        rw_simulate_autoscale_begin(autoscale, run->model);
    for (unsigned second = 0; !err && second < run->model->seconds; second++) {
        err = pass_second(world, autoscale, rollout, second);
        if (!err && run->look)
            run->look(world, run->user);
        if (!err && atomic_load(&run->stop))
            err = RW_ECANCELED;
        if (!err && run->progress && second % SECONDS_PER_LOOK == 0)
            run->progress((run->done + (double)second / run->model->seconds) / run->runs,
                          world->ledger, run->user);
    }
    rw_free(autoscale);
    return err;
}

static enum rw_err open_world(struct rw_simulate_world *world)
{
    const struct rw_simulate_model *model = world->model;
    const struct rw_simulate_engine *engine = rw_simulate_engine_of(model);
    bool sampled = engine == &rw_simulate_sampled;
    bool one_core = sampled && model->request->queueing == RW_SIMULATE_PER_CORE;
    enum rw_err err = rw_simulate_fleet_open(&world->fleet, model, &world->random, one_core);
    world->fleet.terms = rw_simulate_usual_terms(model);
    if (!err)
        err = rw_simulate_origin_open(&world->origin, model->origin, &world->random, sampled);
    return err ? err : engine->open(world);
}

static void close_world(struct rw_simulate_world *world)
{
    rw_simulate_engine_of(world->model)->close(world);
    rw_simulate_origin_close(&world->origin);
    rw_simulate_traffic_close(&world->traffic);
    rw_simulate_fleet_close(&world->fleet);
}

static enum rw_err run_once(struct rw_simulate_run *run, struct rw_simulate_result *result)
{
    struct rw_simulate_world world = {
        .model = run->model, .ledger = &result->ledger, .detail = detail_of(run->model)};
    struct rw_simulate_rollout rollout = {0};
    result->seed = run->model->seed + run->done;
    rw_random_seed(&world.random, result->seed);
    enum rw_err err = rw_simulate_ledger_open(&result->ledger, run->model->seconds);
    if (!err)
        err = open_world(&world);
    if (!err)
        err = pass_all(run, &world, &rollout);
    rw_simulate_ledger_end(&result->ledger);
    result->ledger.fleet_failures = world.fleet.failed;
    result->ledger.launched = world.fleet.launched;
    result->deploys_done = rollout.done;
    result->deploys_begun = rollout.next;
    result->deploy_longest_s = rollout.longest_s;
    close_world(&world);
    return err;
}

enum rw_err rw_simulate_run(struct rw_simulate_run *run)
{
    run->results = rw_alloc_zero(run->runs * sizeof(*run->results));
    run->latency = rw_histogram_create();
    enum rw_err err = run->results && run->latency ? RW_OK : RW_ENOMEM;
    for (run->done = 0; !err && run->done < run->runs; run->done++) {
        err = run_once(run, &run->results[run->done]);
        if (!err)
            rw_histogram_add(run->latency, run->results[run->done].ledger.latency);
    }
    return err;
}

void rw_simulate_stop(struct rw_simulate_run *run)
{
    atomic_store(&run->stop, true);
}

void rw_simulate_run_close(struct rw_simulate_run *run)
{
    for (unsigned i = 0; run->results && i < run->runs; i++)
        rw_simulate_ledger_close(&run->results[i].ledger);
    rw_free(run->results);
    rw_free(run->latency);
    run->results = NULL;
    run->latency = NULL;
}
