/* Connections: who comes, goes, is thrown out, and on which node they end up. */
#include "simulate/fleet.h"

#include <math.h>

double rw_simulate_node_memory(const struct rw_simulate_model *model,
                               const struct rw_simulate_node *node)
{
    return (double)node->type->base_bytes +
           node->connections * (double)model->connection->memory_bytes +
           node->in_flight * (double)model->request->memory_bytes;
}

/* How many more it takes. */
static double room_of(const struct rw_simulate_model *model, const struct rw_simulate_node *node,
                      bool *by_memory)
{
    double bytes = (double)node->type->memory_bytes - rw_simulate_node_memory(model, node);
    double by_bytes = model->connection->memory_bytes
                          ? fmax(0, bytes / (double)model->connection->memory_bytes)
                          : INFINITY;
    double by_count = node->type->connections_max
                          ? fmax(0, node->type->connections_max - node->connections)
                          : INFINITY;
    *by_memory = by_bytes < by_count;
    return fmin(by_bytes, by_count);
}

/* Again in a second. */
static void come_back(struct rw_simulate_fleet *fleet, double count)
{
    fleet->returning[((unsigned)fleet->now_s + 1) % fleet->returning_room] += count;
    fleet->returning_sum += count;
}

/* New ones, over all nodes that the balancer believes to be well, by their cores. */
static void place(struct rw_simulate_fleet *fleet, double count, bool handshakes)
{
    double weights = 0;
    for (uint32_t i = 0; i < fleet->count; i++) {
        const struct rw_simulate_node *node = &fleet->nodes[i];
        if (rw_simulate_node_serves(node) || node->state == RW_SIMULATE_DEAD)
            weights += node->type->cores;
    }
    if (weights == 0) {
        come_back(fleet, count);
        return;
    }
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct rw_simulate_node *node = &fleet->nodes[i];
        double part = count * node->type->cores / weights;
        if (node->state == RW_SIMULATE_DEAD)
            come_back(fleet, part);
        if (!rw_simulate_node_serves(node))
            continue;
        bool by_memory;
        double taken = fmin(part, room_of(fleet->model, node, &by_memory));
        node->connections += taken;
        node->handshakes += handshakes ? taken : 0;
        fleet->accepted += handshakes ? taken : 0;
        if (taken < part) {
            *(by_memory ? &fleet->refused_memory : &fleet->refused_limit) += part - taken;
            come_back(fleet, part - taken);
        }
    }
}

/* Of all that there are, on a node or on their way back, a share stays. */
static void leave(struct rw_simulate_fleet *fleet, double share)
{
    for (uint32_t i = 0; i < fleet->count; i++)
        fleet->nodes[i].connections *= share;
    for (unsigned i = 0; i < fleet->returning_room; i++)
        fleet->returning[i] *= share;
    fleet->returning_sum *= share;
}

/* Connections that end by their age, or because their node drains, and come again at once. */
static double churn(struct rw_simulate_fleet *fleet)
{
    double lifetime_s = fleet->model->connection->lifetime_ms / 1e3, moved = 0;
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct rw_simulate_node *node = &fleet->nodes[i];
        double gone = lifetime_s > 0 ? fmin(1, 1 / lifetime_s) : 0;
        if (node->state == RW_SIMULATE_DRAINING)
            gone = fmin(1, 1 / fmax(1, node->until_s - fleet->now_s));
        moved += node->connections * gone;
        node->connections *= 1 - gone;
    }
    return moved;
}

void rw_simulate_fleet_connect(struct rw_simulate_fleet *fleet, double wanted, bool first)
{
    unsigned second = (unsigned)fleet->now_s % fleet->returning_room;
    double coming = fleet->returning[second];
    fleet->returning[second] = 0;
    fleet->returning_sum = fmax(0, fleet->returning_sum - coming);
    fleet->connections_wanted = wanted;
    fleet->connections_held = 0;
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct rw_simulate_node *node = &fleet->nodes[i];
        /* What a node could not shake hands with in the last second tries again. */
        node->connections = fmax(0, node->connections - node->handshakes_lost);
        coming += node->handshakes_lost;
        node->handshakes = node->handshakes_lost = 0;
        fleet->connections_held += node->connections;
    }
    double there = fleet->connections_held + fleet->returning_sum + coming;
    double stays = there > wanted ? wanted / there : 1;
    if (stays < 1)
        leave(fleet, stays);
    coming = coming * stays + churn(fleet);
    place(fleet, coming + fmax(0, wanted - there), !first);
    fleet->connections_held = 0;
    for (uint32_t i = 0; i < fleet->count; i++)
        fleet->connections_held += fleet->nodes[i].connections;
}
