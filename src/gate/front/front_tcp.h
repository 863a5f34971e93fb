/* The front of listeners with `protocol: tcp`: a connection is given to the endpoint that its route
 * names, and becomes a tunnel (gate/tunnel/tunnel.h).
 *
 * Where a route asks for a name, the first bytes are kept until the ClientHello has told it; then
 * an endpoint is chosen and connected to, another one when that fails; what has come is passed on.
 * Every connection that got so far as to be routed has its line in the access log. */
#ifndef RW_GATE_FRONT_FRONT_TCP_H
#define RW_GATE_FRONT_FRONT_TCP_H

#include "gate/front/client.h"

extern const struct rw_client_front rw_front_tcp_client;
size_t rw_front_tcp_bytes(void);

#endif
