/* A tunnel that carries a WebSocket: the observer that has its frames followed
 * (gate/tunnel/websocket_relay.h).
 *
 * rw_tunnel_create with rw_tunnel_websocket as the observer, then rw_tunnel_websocket_begin, then
 * as with every tunnel. On the worker's thread.
 */
#ifndef RW_GATE_TUNNEL_TUNNEL_WEBSOCKET_H
#define RW_GATE_TUNNEL_TUNNEL_WEBSOCKET_H

#include "gate/tunnel/tunnel.h"

extern const struct rw_tunnel_observer rw_tunnel_websocket;

/* Before it is started. `rsv` by rw_websocket_rsv. */
void rw_tunnel_websocket_begin(struct rw_tunnel *tunnel, uint8_t rsv);

#endif
