/* What all tunnels of a route have in common, kept once for all of them.
 *
 * Whoever makes a tunnel fills a struct rw_tunnel_terms on its stack; the tunnel holds one with the
 * same contents that outlives route and snapshot (rw_tunnel_terms_hold), and lets go of it at its
 * end (rw_tunnel_terms_drop). The last to let go frees it. Tunnels that were begun before and after
 * a reload share theirs as long as nothing in it has changed. Each worker has its own, so on the
 * worker's thread only.
 */
#ifndef RW_GATE_TUNNEL_TUNNEL_TERMS_H
#define RW_GATE_TUNNEL_TUNNEL_TERMS_H

#include "base/span.h"

#include <stdint.h>

struct rw_tunnel_observer;
struct rw_worker;

enum rw_tunnel_side { RW_TUNNEL_CLIENT, RW_TUNNEL_UPSTREAM };

/* Numbers without gaps between them. */
struct rw_tunnel_limits {
    uint32_t total_ms;       /* from its start; 0: no limit */
    uint32_t idle_ms;        /* no byte in either direction for so long */
    uint32_t half_closed_ms; /* the same, once a side has ended */
    uint32_t send_idle_ms;   /* the client takes no byte for so long */
    /* Of a WebSocket, as in struct rw_config_websocket. */
    uint32_t message_bytes_max, ping_ms, close_ms_max;
};

struct rw_tunnel_terms {
    struct rw_worker *worker;
    const struct rw_tunnel_observer *observer; /* NULL: raw bytes */
    struct rw_tunnel_limits limits;
    uint32_t route_series;
    struct rw_span route, upstream; /* their names, for the log */
};

/* One that equals `like`, with a reference; its spans are its own. NULL: out of memory. */
const struct rw_tunnel_terms *rw_tunnel_terms_hold(const struct rw_tunnel_terms *like);
void rw_tunnel_terms_drop(const struct rw_tunnel_terms *terms);

#endif
