#include "simulate/traffic.h"

#include "base/alloc.h"
#include "simulate/arrivals.h"

#include <math.h>

enum { NOWHERE = 3 }; /* streams without a node */

static enum rw_err make_room(struct rw_simulate_traffic *traffic, unsigned room)
{
    if (room <= traffic->room)
        return RW_OK;
    room = room < 64 ? 64 : 2 * room;
    struct rw_simulate_stream *streams = rw_realloc(traffic->streams, room * sizeof(*streams));
    if (!streams)
        return RW_ENOMEM;
    traffic->streams = streams;
    traffic->room = room;
    return RW_OK;
}

static void add(struct rw_simulate_traffic *traffic, struct rw_simulate_node *node,
                enum rw_simulate_cause cause, double share)
{
    double before = traffic->stream_count ? traffic->streams[traffic->stream_count - 1].upto : 0;
    if (share > 0)
        traffic->streams[traffic->stream_count++] =
            (struct rw_simulate_stream){node, cause, before + share};
}

static double weight_of(const struct rw_simulate_fleet *fleet, const struct rw_simulate_node *node)
{
    if (fleet->model->balance == RW_SIMULATE_BY_CONNECTION)
        return node->state <= RW_SIMULATE_DRAINING ? node->connections : 0;
    bool gets = rw_simulate_node_serves(node) || node->state == RW_SIMULATE_DEAD;
    return gets ? node->type->cores : 0;
}

static void share_out(struct rw_simulate_traffic *traffic, struct rw_simulate_fleet *fleet,
                      double rest)
{
    double weights = 0;
    for (uint32_t i = 0; i < fleet->count; i++)
        weights += weight_of(fleet, &fleet->nodes[i]);
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct rw_simulate_node *node = &fleet->nodes[i];
        double share = weights > 0 ? rest * weight_of(fleet, node) / weights : 0;
        bool dead = node->state == RW_SIMULATE_DEAD;
        node->rate = dead ? 0 : share * traffic->rate;
        add(traffic, dead ? NULL : node, RW_SIMULATE_DEAD_NODE, share);
    }
    if (weights == 0)
        add(traffic, NULL, RW_SIMULATE_NO_NODE, rest);
}

enum rw_err rw_simulate_traffic_second(struct rw_simulate_traffic *traffic,
                                       struct rw_simulate_fleet *fleet, double response_s,
                                       bool cut_off)
{
    enum rw_err err = make_room(traffic, fleet->count + NOWHERE);
    if (err)
        return err;
    double wanted = fleet->connections_wanted, rest = 1;
    traffic->rate = rw_simulate_rate(fleet->model, fleet->now_s + 0.5, response_s);
    traffic->count = rw_simulate_poisson(traffic->rate, fleet->random);
    traffic->stream_count = 0;
    if (cut_off && fleet->cut_off > 0 && traffic->rate > 0) {
        double share = fmin(1, fleet->cut_off / traffic->rate);
        add(traffic, NULL, RW_SIMULATE_CUT_OFF, share);
        rest -= share;
    }
    fleet->cut_off = 0;
    /* Less than one connection is what rounding leaves. */
    if (wanted - fleet->connections_held > 1) {
        double share = rest * (1 - fleet->connections_held / wanted);
        add(traffic, NULL, RW_SIMULATE_DISCONNECTED, share);
        rest -= share;
    }
    share_out(traffic, fleet, rest);
    return RW_OK;
}

void rw_simulate_traffic_close(struct rw_simulate_traffic *traffic)
{
    rw_free(traffic->streams);
    *traffic = (struct rw_simulate_traffic){0};
}

const struct rw_simulate_stream *rw_simulate_traffic_at(const struct rw_simulate_traffic *traffic,
                                                        double share)
{
    unsigned low = 0, high = traffic->stream_count - 1;
    rw_assert(traffic->stream_count > 0);
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (traffic->streams[middle].upto > share)
            high = middle;
        else
            low = middle + 1;
    }
    return &traffic->streams[low];
}
