/* Paths: how an endpoint is reached, and how good that way is.
 *
 * An upstream may have several lines (links, source addresses). Each of its endpoints is then one
 * endpoint for each line, with connections, health and figures of its own, so that all that holds
 * for endpoints (ejection, priorities, retries elsewhere) holds for lines. `balance: path` chooses
 * by their scores: the time that a segment is likely to take, and a surcharge for the price.
 *
 *   score = rtt + loss * (200 ms + rtt) + price of a GB * weight of the price
 *
 * rtt is the kernel's smoothed round-trip time (RFC 6298), loss the share of segments that were
 * sent again, each of which costs at least the shortest retransmission timeout of Linux (200 ms,
 * TCP_RTO_MIN) and the way once more. Both are TCP_INFO's, of connections as they come back to the
 * pool, a few times a second; means over eight samples, as RFC 6298 section 2 has it.
 */
#ifndef RW_GATE_CLUSTER_BALANCE_PATH_H
#define RW_GATE_CLUSTER_BALANCE_PATH_H

#include "base/span.h"
#include "io/address.h"
#include "io/socket_options.h"

#include <stdatomic.h>

enum { RW_LINES_MAX = 16 };

struct rw_endpoint;
struct rw_stream;

/* Settings; of an endpoint they never change. */
struct rw_path {
    struct rw_span line; /* its name; empty: there is only this one */
    struct rw_socket_options socket;
    struct rw_address source; /* bytes 0: any */
    uint32_t price_us;        /* what it adds to the score */
};

bool rw_path_eq(const struct rw_path *a, const struct rw_path *b);

/* What was seen. */
struct rw_path_state {
    _Atomic uint64_t due_ms; /* the next sample is taken; 0: none was */
    _Atomic uint32_t rtt_us; /* 0: not known */
    _Atomic uint32_t loss_ppm;
};

/* A connection to the endpoint comes back: what the kernel knows of it, if it is time. Any thread.
 */
void rw_path_sample(struct rw_endpoint *endpoint, const struct rw_stream *stream, uint64_t now_ms);
/* Of the measured part: a sample. For tests and for those. */
void rw_path_observe(struct rw_path_state *state, const struct rw_socket_path *sample,
                     uint64_t now_ms);
/* In microseconds. A path that nobody has tried costs its price only, and what was not seen for 10
 * s is believed by half, after 20 s by a quarter, so that a bad path is tried again: by one
 * request, while which is under way it is no better than it was. */
uint64_t rw_path_score(const struct rw_endpoint *endpoint, uint64_t now_ms);

#endif
