/* The front of connections that are to begin with a PROXY header (http/proxy_protocol.h): after it,
 * or without one where that is allowed, the connection begins as any other (rw_client_begin), and
 * client->peer is who the header says. */
#ifndef RW_GATE_FRONT_CLIENT_PROXY_H
#define RW_GATE_FRONT_CLIENT_PROXY_H

#include "gate/front/client.h"

extern const struct rw_client_front rw_client_proxy_front;
size_t rw_client_proxy_bytes(void);

#endif
