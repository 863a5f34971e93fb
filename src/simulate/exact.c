/* Every request an event. */
#include "base/alloc.h"
#include "simulate/draw.h"
#include "simulate/engine.h"

#include <math.h>

enum { FLIGHT_MAX = 1 << 24 }; /* requests at the same time */

/* A request, waiting for its next event in a heap by time. */
struct flight {
    double at, begun;
    uint32_t node, life;
    uint16_t tries; /* that have failed */
    bool leaving;   /* it has its answer, or will never get one */
    bool failed;
    uint8_t cause;
};

struct exact {
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

/* ---- A request's life ---- */

/* Gives the job a core. False: it would wait beyond the timeout. */
static bool take_core(struct rw_simulate_world *world, uint32_t index, double now, double cpu,
                      double *end)
{
    struct rw_simulate_node *node = &world->fleet.nodes[index];
    struct exact *exact = world->engine;
    uint32_t core = rw_simulate_queue_choose(&node->queue, &world->random);
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
    if (!take_core(world, flight.node, now, cpu, &flight.at)) {
        rw_simulate_ledger_fail(world->ledger, RW_SIMULATE_OVERLOAD, 1);
        return RW_OK;
    }
    rw_simulate_origin_begin(&world->origin);
    return push(exact, &flight);
}

/* The connection's handshake is work for the node, and nobody's request. */
static void shake_hands(struct rw_simulate_world *world, uint32_t index, double now)
{
    double end;
    if (!take_core(world, index, now, world->model->connection->handshake_s, &end))
        world->fleet.nodes[index].handshakes_lost++;
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
    for (uint32_t i = 0; i < count; i++)
        exact->busy_s[i] = 0;
    return RW_OK;
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
        world->fleet.nodes[exact->heap[i].node].in_flight++;
    if (exact->answered > 0)
        world->response_s = exact->answered_s / exact->answered;
    exact->answered = exact->answered_s = 0;
}

/* Each node's handshakes at the second's begin come evenly over it; here, for the order of times,
 * with the arrivals: after each of them a part of what is due by then. */
static void catch_up(struct rw_simulate_world *world, double now, double *done, double part)
{
    for (uint32_t i = 0; i < world->fleet.count; i++) {
        double due = world->fleet.nodes[i].handshakes;
        unsigned from = (unsigned)(due * *done + 0.5), to = (unsigned)(due * part + 0.5);
        for (; from < to; from++)
            shake_hands(world, i, now);
    }
    *done = part;
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
            err = go_on(world, &flight);
        }
        double part = floor((next - now) * HANDSHAKE_STEPS) / HANDSHAKE_STEPS;
        if (part > done)
            catch_up(world, next, &done, part);
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
    world->engine = rw_alloc_zero(sizeof(struct exact));
    return world->engine ? RW_OK : RW_ENOMEM;
}

static void close_exact(struct rw_simulate_world *world)
{
    struct exact *exact = world->engine;
    if (!exact)
        return;
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
