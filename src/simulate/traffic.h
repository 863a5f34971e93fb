/* One second's requests, and where they go: to nodes, or nowhere, for a reason. */
#ifndef RW_SIMULATE_TRAFFIC_H
#define RW_SIMULATE_TRAFFIC_H

#include "simulate/fleet.h"
#include "simulate/ledger.h"

struct rw_simulate_stream {
    struct rw_simulate_node *node; /* NULL: they fail at once */
    enum rw_simulate_cause cause;
    double upto; /* its share and those before it, of 1 */
};

struct rw_simulate_traffic {
    double rate; /* requests per second */
    uint64_t count;
    struct rw_simulate_stream *streams;
    unsigned stream_count, room;
};

/* Fills it, and each node's `rate`. `response_s` is what users wait for an answer; `cut_off` says
 * whether requests that were in flight on dead nodes have to be counted here. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_simulate_traffic_second(struct rw_simulate_traffic *traffic,
                                                     struct rw_simulate_fleet *fleet,
                                                     double response_s, bool cut_off);
void rw_simulate_traffic_close(struct rw_simulate_traffic *traffic);

/* The stream that a number from 0 to 1 falls into. */
const struct rw_simulate_stream *rw_simulate_traffic_at(const struct rw_simulate_traffic *traffic,
                                                        double share);

#endif
