/* Launching, failing and ending nodes. Connections: fleet_connections.c. */
#include "simulate/fleet.h"

#include "base/alloc.h"
#include "simulate/draw.h"

#include <math.h>

static const struct rw_simulate_fail_random *chance_of(const struct rw_simulate_model *model)
{
    const struct rw_simulate_failure *failures = model->failures.items;
    for (size_t i = 0; i < model->failures.count; i++)
        if (rw_simulate_fails(&failures[i], RW_SIMULATE_FAIL_RANDOM))
            return failures[i].what.value;
    return NULL;
}

static double next_failure(const struct rw_simulate_fleet *fleet)
{
    const struct rw_simulate_fail_random *chance = chance_of(fleet->model);
    if (!chance)
        return INFINITY;
    return fleet->now_s + chance->mtbf_hours * 3600 * rw_simulate_exponential(fleet->random);
}

unsigned rw_simulate_fleet_count(const struct rw_simulate_fleet *fleet,
                                 enum rw_simulate_state state)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < fleet->count; i++)
        count += fleet->nodes[i].state == state;
    return count;
}

unsigned rw_simulate_fleet_least(const struct rw_simulate_model *model)
{
    unsigned sum = 0;
    for (size_t i = 0; i < model->fleet.count; i++)
        sum += rw_simulate_types(model)[i].least;
    return sum;
}

unsigned rw_simulate_fleet_most(const struct rw_simulate_model *model)
{
    unsigned sum = 0;
    for (size_t i = 0; i < model->fleet.count; i++)
        sum += rw_simulate_types(model)[i].most;
    return sum;
}

/* ---- Launching ---- */

/* As far as anybody knows, or because it will be back. */
static bool lives(const struct rw_simulate_node *node)
{
    return node->state <= RW_SIMULATE_SERVING || node->state == RW_SIMULATE_DEAD ||
           (node->state == RW_SIMULATE_DOWN && isfinite(node->back_s));
}

/* Of the type's zones that are up the one with the fewest nodes; -1: none is. */
static int zone_for(const struct rw_simulate_fleet *fleet, const struct rw_simulate_type *type)
{
    const struct rw_span *names = type->zones.items;
    unsigned fewest = UINT32_MAX;
    int best = -1;
    for (size_t z = 0; z < type->zones.count; z++) {
        unsigned zone = 0, count = 0;
        while (!rw_span_eq(fleet->model->zones[zone], names[z]))
            zone++;
        for (uint32_t i = 0; i < fleet->count; i++)
            count += lives(&fleet->nodes[i]) && fleet->nodes[i].zone == zone;
        if (!fleet->zone_down[zone] && count < fewest) {
            fewest = count;
            best = (int)zone;
        }
    }
    return best;
}

/* A place that nobody has, or a new one. */
static enum rw_err find_place(struct rw_simulate_fleet *fleet, struct rw_simulate_node **node)
{
    for (uint32_t i = 0; i < fleet->count; i++)
        if (fleet->nodes[i].state == RW_SIMULATE_GONE) {
            *node = &fleet->nodes[i];
            return RW_OK;
        }
    if (fleet->count == RW_SIMULATE_NODES_MAX)
        return RW_ELIMIT;
    if (fleet->count == fleet->room) {
        uint32_t room = fleet->room ? 2 * fleet->room : 64;
        struct rw_simulate_node *nodes = rw_realloc(fleet->nodes, room * sizeof(*nodes));
        if (!nodes)
            return RW_ENOMEM;
        fleet->nodes = nodes;
        fleet->room = room;
    }
    *node = &fleet->nodes[fleet->count];
    **node = (struct rw_simulate_node){.state = RW_SIMULATE_GONE};
    fleet->count++;
    return RW_OK;
}

static enum rw_err launch(struct rw_simulate_fleet *fleet, const struct rw_simulate_type *type,
                          unsigned zone, double ready_s)
{
    struct rw_simulate_node *node;
    bool pinned = fleet->model->request->queueing == RW_SIMULATE_PER_CORE;
    enum rw_err err = find_place(fleet, &node);
    if (err)
        return err;
    unsigned life = node->life;
    rw_simulate_queue_close(&node->queue);
    *node = (struct rw_simulate_node){.type = type,
                                      .state = RW_SIMULATE_GONE,
                                      .zone = zone,
                                      .generation = fleet->generation,
                                      .life = life + 1,
                                      .launched_s = fleet->now_s,
                                      .speed = 1};
    err = rw_simulate_queue_open(&node->queue, pinned && fleet->per_core ? 1 : type->cores, pinned,
                                 0);
    if (err)
        return err;
    rw_simulate_queue_clear(&node->queue, fleet->now_s);
    node->state = ready_s > 0 ? RW_SIMULATE_BOOTING : RW_SIMULATE_SERVING;
    node->until_s = ready_s > 0 ? fleet->now_s + ready_s : INFINITY;
    node->back_s = INFINITY;
    node->fails_s = next_failure(fleet);
    fleet->launched++;
    return RW_OK;
}

/* ---- Ends ---- */

static void end(struct rw_simulate_node *node)
{
    node->state = RW_SIMULATE_GONE;
    node->connections = 0;
    node->rate = node->handshakes = node->busy = node->in_flight = 0;
    node->life++;
}

static void drain(struct rw_simulate_fleet *fleet, struct rw_simulate_node *node)
{
    if (node->state == RW_SIMULATE_BOOTING) {
        end(node);
        return;
    }
    node->state = RW_SIMULATE_DRAINING;
    node->until_s = fleet->now_s + fleet->terms.drain_s;
}

void rw_simulate_fleet_kill(struct rw_simulate_fleet *fleet, struct rw_simulate_node *node,
                            double for_s)
{
    const struct rw_simulate_health *health = fleet->model->health;
    if (node->state >= RW_SIMULATE_DEAD)
        return;
    fleet->failed++;
    fleet->cut_off += node->in_flight;
    unsigned spread = health->reconnect_ms / 1000 + 1;
    for (unsigned i = 0; node->connections > 0 && i < spread; i++) {
        unsigned second = ((unsigned)fleet->now_s + 1 + i) % fleet->returning_room;
        fleet->returning[second] += node->connections / spread;
    }
    fleet->returning_sum += node->connections;
    bool served = rw_simulate_node_serves(node);
    bool leaves = node->state == RW_SIMULATE_DRAINING;
    node->connections = 0;
    node->rate = node->handshakes = node->busy = node->in_flight = 0;
    node->life++;
    node->state = leaves ? RW_SIMULATE_GONE : RW_SIMULATE_DEAD;
    node->until_s = fleet->now_s + (served ? health->detect_ms / 1e3 : 0);
    node->back_s = health->replace ? INFINITY : fleet->now_s + for_s;
}

/* ---- A second passes ---- */

static void step(struct rw_simulate_fleet *fleet, struct rw_simulate_node *node)
{
    const struct rw_simulate_terms *terms = &fleet->terms;
    bool over = node->until_s <= fleet->now_s;
    switch (node->state) {
    case RW_SIMULATE_BOOTING:
        if (!over)
            break;
        node->state = terms->warmup_s > 0 ? RW_SIMULATE_WARMING : RW_SIMULATE_SERVING;
        node->speed = terms->warmup_s > 0 ? terms->warmup_speed : 1;
        node->until_s = terms->warmup_s > 0 ? fleet->now_s + terms->warmup_s : INFINITY;
        rw_simulate_queue_clear(&node->queue, fleet->now_s);
        break;
    case RW_SIMULATE_WARMING:
        if (over) {
            node->state = RW_SIMULATE_SERVING;
            node->speed = 1;
            node->until_s = INFINITY;
        }
        break;
    case RW_SIMULATE_DRAINING:
        if (over)
            end(node);
        break;
    case RW_SIMULATE_DEAD:
        if (over)
            node->state = isfinite(node->back_s) ? RW_SIMULATE_DOWN : RW_SIMULATE_GONE;
        break;
    case RW_SIMULATE_DOWN:
        if (node->back_s <= fleet->now_s && !fleet->zone_down[node->zone]) {
            node->state = RW_SIMULATE_SERVING;
            node->until_s = INFINITY;
            node->fails_s = next_failure(fleet);
            rw_simulate_queue_clear(&node->queue, fleet->now_s);
        }
        break;
    default:
        break;
    }
}

void rw_simulate_fleet_advance(struct rw_simulate_fleet *fleet, double now_s)
{
    const struct rw_simulate_fail_random *chance = chance_of(fleet->model);
    fleet->now_s = now_s;
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct rw_simulate_node *node = &fleet->nodes[i];
        step(fleet, node);
        if (chance && node->state <= RW_SIMULATE_SERVING && node->fails_s <= now_s)
            rw_simulate_fleet_kill(fleet, node, chance->for_ms / 1e3);
    }
}

/* ---- As wanted ---- */

/* Of the whole number the type's part: the types are filled in their order, each to its least
 * first. */
static unsigned share_of(const struct rw_simulate_fleet *fleet, size_t index)
{
    const struct rw_simulate_type *types = rw_simulate_types(fleet->model);
    unsigned least = rw_simulate_fleet_least(fleet->model), more = 0;
    unsigned left = fleet->wanted > least ? fleet->wanted - least : 0;
    for (size_t i = 0; i <= index; i++) {
        more = types[i].most - types[i].least;
        more = more < left ? more : left;
        left -= more;
    }
    return types[index].least + more;
}

struct census {
    unsigned alive, ready, old;
};

static struct census take_census(const struct rw_simulate_fleet *fleet,
                                 const struct rw_simulate_type *type)
{
    struct census census = {0};
    for (uint32_t i = 0; i < fleet->count; i++) {
        const struct rw_simulate_node *node = &fleet->nodes[i];
        if (node->type != type || !lives(node))
            continue;
        census.alive++;
        census.ready += rw_simulate_node_serves(node);
        census.old += node->generation != fleet->generation;
    }
    return census;
}

/* Who goes first: whoever is not ready yet, then the youngest; in a deploy the old generation. */
static struct rw_simulate_node *pick(struct rw_simulate_fleet *fleet,
                                     const struct rw_simulate_type *type, bool old)
{
    struct rw_simulate_node *best = NULL;
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct rw_simulate_node *node = &fleet->nodes[i];
        if (node->type != type || node->state > RW_SIMULATE_SERVING ||
            (old && node->generation == fleet->generation))
            continue;
        if (!best || (node->state < best->state) ||
            (node->state == best->state && node->launched_s > best->launched_s))
            best = node;
    }
    return best;
}

static enum rw_err launch_some(struct rw_simulate_fleet *fleet, const struct rw_simulate_type *type,
                               unsigned count)
{
    enum rw_err err = RW_OK;
    for (unsigned i = 0; !err && i < count; i++) {
        int zone = zone_for(fleet, type);
        if (zone < 0)
            break;
        err = launch(fleet, type, (unsigned)zone, fleet->terms.ready_s);
    }
    return err;
}

static enum rw_err reconcile(struct rw_simulate_fleet *fleet, const struct rw_simulate_type *type,
                             unsigned wanted)
{
    struct census census = take_census(fleet, type);
    bool replacing = fleet->deploying && census.old > 0;
    unsigned most = wanted + (replacing ? fleet->surge : 0);
    enum rw_err err = RW_OK;
    if (census.alive < most) {
        /* In a deploy no more than there are old ones to replace. */
        unsigned lacking = census.alive < wanted ? wanted - census.alive : 0;
        unsigned extra = most - census.alive - lacking;
        extra = extra < census.old ? extra : census.old;
        err = launch_some(fleet, type, lacking + extra);
    }
    for (unsigned i = most; i < census.alive; i++) {
        struct rw_simulate_node *node = pick(fleet, type, false);
        if (node)
            drain(fleet, node);
    }
    unsigned ready = take_census(fleet, type).ready;
    unsigned least = wanted > fleet->unavailable ? wanted - fleet->unavailable : 0;
    for (; replacing && ready > least; ready--) {
        struct rw_simulate_node *node = pick(fleet, type, true);
        if (!node)
            break;
        drain(fleet, node);
    }
    return err;
}

enum rw_err rw_simulate_fleet_reconcile(struct rw_simulate_fleet *fleet)
{
    enum rw_err err = RW_OK;
    for (size_t i = 0; !err && i < fleet->model->fleet.count; i++)
        err = reconcile(fleet, &rw_simulate_types(fleet->model)[i], share_of(fleet, i));
    return err;
}

/* ---- Begin and end ---- */

enum rw_err rw_simulate_fleet_open(struct rw_simulate_fleet *fleet,
                                   const struct rw_simulate_model *model, struct rw_random *random,
                                   bool per_core)
{
    *fleet = (struct rw_simulate_fleet){.model = model, .random = random, .per_core = per_core};
    fleet->returning_room = model->health->reconnect_ms / 1000 + 3;
    fleet->returning = rw_alloc_zero(fleet->returning_room * sizeof(double));
    if (!fleet->returning)
        return RW_ENOMEM;
    for (size_t i = 0; i < model->fleet.count; i++)
        fleet->wanted += rw_simulate_types(model)[i].begin;
    enum rw_err err = RW_OK;
    for (size_t i = 0; !err && i < model->fleet.count; i++) {
        const struct rw_simulate_type *type = &rw_simulate_types(model)[i];
        for (unsigned k = 0; !err && k < type->begin; k++)
            err = launch(fleet, type, (unsigned)zone_for(fleet, type), 0);
    }
    fleet->launched = 0;
    return err;
}

void rw_simulate_fleet_close(struct rw_simulate_fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->count; i++)
        rw_simulate_queue_close(&fleet->nodes[i].queue);
    rw_free(fleet->nodes);
    rw_free(fleet->returning);
    *fleet = (struct rw_simulate_fleet){0};
}
