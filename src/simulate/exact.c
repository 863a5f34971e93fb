/* Every request an event.
 *
 * First come, first served, a request's time at a core is known as soon as it arrives (queue.h).
 * Where cores are shared it is not: then it is parked, and the node's cores have an event of their
 * own for the first of theirs that will be through (share.h); each arrival makes a new such event,
 * and the one before void. The queue is served all the same: the work that is left in a node does
 * not depend on who gets it first, and says how busy it is. */
#include "base/alloc.h"
#include "simulate/draw.h"
#include "simulate/engine.h"
#include "simulate/share.h"

#include <math.h>

enum { FLIGHT_MAX = 1 << 24 }; /* requests at the same time */

#define NOBODY UINT32_MAX

/* A request, waiting for its next event in a heap by time; or (`of_cores`) what comes next for
 * cores that are shared. */
struct flight {
    double at, begun;
    uint32_t node, life;
    uint32_t core, version; /* of_cores */
    uint16_t tries;         /* that have failed */
    bool leaving;           /* it has its answer, or will never get one */
    bool failed, of_cores;
    uint8_t cause;
};

/* Of a core, or of all cores of a node where any takes the next request. */
struct cores {
    struct rw_simulate_share share; /* a job's number: where it is parked; NOBODY: a handshake */
    uint32_t version;               /* grows with each change */
};

struct site {
    struct cores *cores;
    uint32_t count, life;
};

struct parked {
    struct flight flight;
    uint32_t next; /* a free place: the next one */
};

struct exact {
    struct site *sites; /* of each node; NULL: cores are not shared */
    uint32_t site_count;
    struct parked *parked;
    uint32_t parked_room, parked_free;
    struct flight *heap;
    uint32_t count, room;
    double *busy_s; /* of each node in this second */
    uint32_t busy_room;
    double answered, answered_s;
};

/* ---- The heap ---- */

static enum rw_err push(struct exact *exact, const struct flight *flight)
{
    if (exact->count == exact->room) {
        uint32_t room = exact->room ? 2 * exact->room : 1024;
        struct flight *heap =
            room > FLIGHT_MAX ? NULL : rw_realloc(exact->heap, room * sizeof(*heap));
        if (!heap)
            return room > FLIGHT_MAX ? RW_ELIMIT : RW_ENOMEM;
        exact->heap = heap;
        exact->room = room;
    }
    uint32_t at = exact->count++;
    for (; at && exact->heap[(at - 1) / 2].at > flight->at; at = (at - 1) / 2)
        exact->heap[at] = exact->heap[(at - 1) / 2];
    exact->heap[at] = *flight;
    return RW_OK;
}

static struct flight pop(struct exact *exact)
{
    struct flight top = exact->heap[0], last = exact->heap[--exact->count];
    uint32_t at = 0;
    for (uint32_t child = 1; child < exact->count; child = 2 * at + 1) {
        if (child + 1 < exact->count && exact->heap[child + 1].at < exact->heap[child].at)
            child++;
        if (exact->heap[child].at >= last.at)
            break;
        exact->heap[at] = exact->heap[child];
        at = child;
    }
    exact->heap[at] = last;
    return top;
}

/* ---- Shared cores ---- */

static enum rw_err park(struct exact *exact, const struct flight *flight, uint32_t *place)
{
    if (exact->parked_free == NOBODY) {
        uint32_t room = exact->parked_room ? 2 * exact->parked_room : 1024;
        struct parked *parked =
            room > FLIGHT_MAX ? NULL : rw_realloc(exact->parked, room * sizeof(*parked));
        if (!parked)
            return room > FLIGHT_MAX ? RW_ELIMIT : RW_ENOMEM;
        for (uint32_t i = exact->parked_room; i < room; i++)
            parked[i].next = i + 1 < room ? i + 1 : NOBODY;
        exact->parked_free = exact->parked_room;
        exact->parked = parked;
        exact->parked_room = room;
    }
    *place = exact->parked_free;
    exact->parked_free = exact->parked[*place].next;
    exact->parked[*place].flight = *flight;
    return RW_OK;
}

static struct flight unpark(struct exact *exact, uint32_t place)
{
    exact->parked[place].next = exact->parked_free;
    exact->parked_free = place;
    return exact->parked[place].flight;
}

static void close_site(struct site *site)
{
    for (uint32_t i = 0; i < site->count; i++)
        rw_simulate_share_close(&site->cores[i].share);
    rw_free(site->cores);
    *site = (struct site){0};
}

/* Whoever was in a node that has died since is cut off. */
static void empty_site(struct rw_simulate_world *world, struct site *site)
{
    struct exact *exact = world->engine;
    for (uint32_t i = 0; i < site->count; i++) {
        struct rw_simulate_share *share = &site->cores[i].share;
        for (uint32_t k = 0; k < share->count; k++)
            if (share->jobs[k].number != NOBODY) {
                unpark(exact, share->jobs[k].number);
                rw_simulate_ledger_fail(world->ledger, RW_SIMULATE_CUT_OFF, 1);
            }
    }
    close_site(site);
}

static enum rw_err open_site(struct rw_simulate_world *world, uint32_t index, struct site **site)
{
    const struct rw_simulate_node *node = &world->fleet.nodes[index];
    struct exact *exact = world->engine;
    *site = &exact->sites[index];
    if ((*site)->count && (*site)->life == node->life)
        return RW_OK;
    empty_site(world, *site);
    uint32_t servers = node->queue.servers, count = node->queue.pinned ? servers : 1;
    (*site)->cores = rw_alloc_zero(count * sizeof(*(*site)->cores));
    if (!(*site)->cores)
        return RW_ENOMEM;
    (*site)->count = count;
    (*site)->life = node->life;
    for (uint32_t i = 0; i < count; i++)
        rw_simulate_share_open(&(*site)->cores[i].share, servers / count);
    return RW_OK;
}

/* The event of who will be through first. */
static enum rw_err expect(struct exact *exact, uint32_t node, uint32_t core)
{
    const struct site *site = &exact->sites[node];
    struct cores *cores = &site->cores[core];
    struct flight event = {.at = rw_simulate_share_end(&cores->share),
                           .node = node,
                           .life = site->life,
                           .core = core,
                           .version = ++cores->version,
                           .of_cores = true};
    return cores->share.count ? push(exact, &event) : RW_OK;
}

/* `flight` NULL: nobody's request. */
static enum rw_err share_core(struct rw_simulate_world *world, uint32_t index, uint32_t core,
                              double now, double service, const struct flight *flight)
{
    struct exact *exact = world->engine;
    struct site *site;
    uint32_t place = NOBODY;
    enum rw_err err = open_site(world, index, &site);
    if (!err && flight)
        err = park(exact, flight, &place);
    if (!err)
        err = rw_simulate_share_add(&site->cores[core].share, now, service, place);
    return err ? err : expect(exact, index, core);
}

static enum rw_err go_on(struct rw_simulate_world *world, struct flight *flight);

static enum rw_err leave_core(struct rw_simulate_world *world, const struct flight *event)
{
    struct exact *exact = world->engine;
    struct site *site = &exact->sites[event->node];
    if (site->life != event->life || site->cores[event->core].version != event->version)
        return RW_OK; /* void */
    uint32_t place = rw_simulate_share_take(&site->cores[event->core].share, event->at);
    enum rw_err err = expect(exact, event->node, event->core);
    if (err || place == NOBODY)
        return err;
    struct flight flight = unpark(exact, place);
    flight.at = event->at;
    return go_on(world, &flight);
}

/* ---- A request's life ---- */

/* Gives the job a core. False: it would wait beyond the timeout. */
static bool take_core(struct rw_simulate_world *world, uint32_t index, uint32_t core, double now,
                      double cpu, double *end)
{
    struct rw_simulate_node *node = &world->fleet.nodes[index];
    struct exact *exact = world->engine;
    if (rw_simulate_queue_wait(&node->queue, core, now) > world->model->request->timeout_ms / 1e3)
        return false;
    *end = rw_simulate_queue_serve(&node->queue, core, now, cpu / node->speed);
    exact->busy_s[index] += cpu / node->speed;
    return true;
}

static enum rw_err arrive(struct rw_simulate_world *world, double now)
{
    struct exact *exact = world->engine;
    const struct rw_simulate_stream *stream =
        rw_simulate_traffic_at(&world->traffic, rw_simulate_uniform(&world->random));
    struct flight flight = {.at = now, .begun = now};
    rw_simulate_ledger_arrive(world->ledger, 1);
    if (!stream->node) {
        rw_simulate_ledger_fail(world->ledger, stream->cause, 1);
        return RW_OK;
    }
    flight.node = (uint32_t)(stream->node - world->fleet.nodes);
    flight.life = stream->node->life;
    double cpu = rw_simulate_draw(&world->model->request->cpu, &world->random);
    uint32_t core = rw_simulate_queue_choose(&stream->node->queue, &world->random);
    if (!take_core(world, flight.node, core, now, cpu, &flight.at)) {
        rw_simulate_ledger_fail(world->ledger, RW_SIMULATE_OVERLOAD, 1);
        return RW_OK;
    }
    rw_simulate_origin_begin(&world->origin);
    if (exact->sites)
        return share_core(world, flight.node, core, now, cpu / stream->node->speed, &flight);
    return push(exact, &flight);
}

/* The connection's handshake is work for the node, and nobody's request. */
static enum rw_err shake_hands(struct rw_simulate_world *world, uint32_t index, double now)
{
    struct rw_simulate_node *node = &world->fleet.nodes[index];
    const struct exact *exact = world->engine;
    double end, cpu = world->model->connection->handshake_s;
    uint32_t core = rw_simulate_queue_choose(&node->queue, &world->random);
    bool served = take_core(world, index, core, now, cpu, &end);
    node->handshakes_lost += !served;
    return served && exact->sites ? share_core(world, index, core, now, cpu / node->speed, NULL)
                                  : RW_OK;
}

static void leave(struct rw_simulate_world *world, const struct flight *flight)
{
    struct exact *exact = world->engine;
    double latency = flight->at - flight->begun;
    if (flight->failed) {
        rw_simulate_ledger_fail(world->ledger, flight->cause, 1);
    } else if (latency > world->model->request->timeout_ms / 1e3) {
        rw_simulate_ledger_fail(world->ledger, RW_SIMULATE_TIMEOUT, 1);
    } else {
        rw_simulate_ledger_serve(world->ledger, latency, 1);
        exact->answered++;
        exact->answered_s += latency;
    }
}

static enum rw_err go_on(struct rw_simulate_world *world, struct flight *flight)
{
    if (world->fleet.nodes[flight->node].life != flight->life) {
        rw_simulate_ledger_fail(world->ledger, RW_SIMULATE_CUT_OFF, 1);
        return RW_OK;
    }
    if (flight->leaving) {
        leave(world, flight);
        return RW_OK;
    }
    struct rw_simulate_try try = rw_simulate_origin_try(&world->origin, flight->at);
    flight->at += try.seconds;
    if (!try.failed || !rw_simulate_origin_again(&world->origin, ++flight->tries)) {
        flight->leaving = true;
        flight->failed = try.failed;
        flight->cause = (uint8_t)try.cause;
        flight->at += world->model->request->latency_us / 1e6;
    }
    return push(world->engine, flight);
}

/* ---- A second ---- */

static enum rw_err make_room(struct rw_simulate_world *world)
{
    struct exact *exact = world->engine;
    uint32_t count = world->fleet.count;
    if (exact->busy_room < count) {
        double *busy_s = rw_realloc(exact->busy_s, 2 * count * sizeof(*busy_s));
        if (!busy_s)
            return RW_ENOMEM;
        exact->busy_s = busy_s;
        exact->busy_room = 2 * count;
    }
    if (exact->sites && exact->site_count < count) {
        struct site *sites = rw_realloc(exact->sites, 2 * count * sizeof(*sites));
        if (!sites)
            return RW_ENOMEM;
        for (uint32_t i = exact->site_count; i < 2 * count; i++)
            sites[i] = (struct site){0};
        exact->sites = sites;
        exact->site_count = 2 * count;
    }
    for (uint32_t i = 0; i < count; i++)
        exact->busy_s[i] = 0;
    return RW_OK;
}

static void count_parked(struct rw_simulate_world *world)
{
    const struct exact *exact = world->engine;
    for (uint32_t i = 0; i < exact->site_count && i < world->fleet.count; i++)
        for (uint32_t k = 0; k < exact->sites[i].count; k++) {
            const struct rw_simulate_share *share = &exact->sites[i].cores[k].share;
            for (uint32_t j = 0; j < share->count; j++)
                world->fleet.nodes[i].in_flight += share->jobs[j].number != NOBODY;
        }
}

/* A backlog is work, too, of this second and of those before. */
static void look_at_nodes(struct rw_simulate_world *world, double now)
{
    struct exact *exact = world->engine;
    for (uint32_t i = 0; i < world->fleet.count; i++) {
        struct rw_simulate_node *node = &world->fleet.nodes[i];
        double cores = node->queue.servers, backlog = 0;
        for (uint32_t k = 0; k < node->queue.servers; k++)
            backlog += fmin(1, fmax(0, node->queue.free[k] - now - 1));
        node->busy = cores > 0 ? fmin(1, (exact->busy_s[i] + backlog) / cores) : 0;
        node->in_flight = 0;
    }
    for (uint32_t i = 0; i < exact->count; i++)
        world->fleet.nodes[exact->heap[i].node].in_flight += !exact->heap[i].of_cores;
    count_parked(world);
    if (exact->answered > 0)
        world->response_s = exact->answered_s / exact->answered;
    exact->answered = exact->answered_s = 0;
}

/* Each node's handshakes at the second's begin come evenly over it; here, for the order of times,
 * with the arrivals: after each of them a part of what is due by then. */
static enum rw_err catch_up(struct rw_simulate_world *world, double now, double *done, double part)
{
    enum rw_err err = RW_OK;
    for (uint32_t i = 0; i < world->fleet.count; i++) {
        double due = world->fleet.nodes[i].handshakes;
        unsigned from = (unsigned)(due * *done + 0.5), to = (unsigned)(due * part + 0.5);
        for (; from < to && !err; from++)
            err = shake_hands(world, i, now);
    }
    *done = part;
    return err;
}

static enum rw_err second(struct rw_simulate_world *world, double now)
{
    enum { HANDSHAKE_STEPS = 100 };
    struct exact *exact = world->engine;
    enum rw_err err = make_room(world);
    uint64_t left = world->traffic.count;
    double at = now, done = 0;
    if (!err && (double)(world->ledger->arrived + left) > RW_SIMULATE_EXACT_MAX)
        err = RW_ELIMIT;
    while (!err) {
        /* The least of as many times as are left, each anywhere in what is left of the second. */
        double next = left ? at + (now + 1 - at) * -expm1(-rw_simulate_exponential(&world->random) /
                                                          (double)left)
                           : now + 1;
        while (!err && exact->count && exact->heap[0].at <= next) {
            struct flight flight = pop(exact);
            err = flight.of_cores ? leave_core(world, &flight) : go_on(world, &flight);
        }
        double part = floor((next - now) * HANDSHAKE_STEPS) / HANDSHAKE_STEPS;
        if (part > done && !err)
            err = catch_up(world, next, &done, part);
        if (!left || err)
            break;
        left--;
        at = next;
        err = arrive(world, at);
    }
    if (!err)
        look_at_nodes(world, now);
    return err;
}

static enum rw_err open_exact(struct rw_simulate_world *world)
{
    struct exact *exact = rw_alloc_zero(sizeof(*exact));
    world->engine = exact;
    if (!exact)
        return RW_ENOMEM;
    exact->parked_free = NOBODY;
    if (world->model->request->discipline != RW_SIMULATE_SHARING)
        return RW_OK;
    exact->sites = rw_alloc_zero(sizeof(*exact->sites));
    exact->site_count = exact->sites != NULL;
    return exact->sites ? RW_OK : RW_ENOMEM;
}

static void close_exact(struct rw_simulate_world *world)
{
    struct exact *exact = world->engine;
    if (!exact)
        return;
    for (uint32_t i = 0; i < exact->site_count; i++)
        close_site(&exact->sites[i]);
    rw_free(exact->sites);
    rw_free(exact->parked);
    rw_free(exact->heap);
    rw_free(exact->busy_s);
    rw_free(exact);
    world->engine = NULL;
}

const struct rw_simulate_engine rw_simulate_exact = {
    .name = "exact",
    .cuts_off = true,
    .open = open_exact,
    .close = close_exact,
    .second = second,
};
