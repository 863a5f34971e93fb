/* What a tunnel does for a WebSocket: it knows where frames begin and end (http/websocket.h).
 *
 * So it can refuse messages that are too large and frames that the grammar does not allow, ask a
 * silent client by a Ping whether it is there, and end the WebSocket with a Close frame to both
 * sides when the worker drains. Frames go on as they come; nothing of them is kept but a head that
 * comes in pieces. Pongs that answer a Ping of the gateway go on to the origin, as unasked ones may
 * (RFC 6455 section 5.5.3): to pick them out again would mean to hold frames back.
 *
 * rw_tunnel_create with rw_tunnel_websocket as the observer, then rw_tunnel_websocket_begin, then
 * as with every tunnel. On the worker's thread.
 */
#ifndef RW_GATE_TUNNEL_WEBSOCKET_H
#define RW_GATE_TUNNEL_WEBSOCKET_H

#include "gate/tunnel.h"

extern const struct rw_tunnel_observer rw_tunnel_websocket;

/* Before it is started. `rsv` by rw_websocket_rsv. */
void rw_tunnel_websocket_begin(struct rw_tunnel *tunnel, uint8_t rsv);

/* A WebSocket has ended, with this code in the first Close frame; 0: there was none. */
void rw_tunnel_websocket_count(struct rw_worker *worker, unsigned code);

#endif
