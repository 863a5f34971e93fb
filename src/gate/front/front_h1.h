/* The HTTP/1.1 front: client connections of a worker, from the first byte to the close.
 *
 * A connection without a request costs one small object and no buffer. Bytes that arrive are parsed
 * where they landed; when a head is complete its texts move into the arena of a new exchange. One
 * exchange at a time: what a client pipelines waits in the connection's buffer, and reading stops
 * meanwhile. */
#ifndef RW_GATE_FRONT_FRONT_H1_H
#define RW_GATE_FRONT_FRONT_H1_H

#include <stddef.h>

struct rw_client_front;

/* Size of a connection object. */
size_t rw_front_h1_bytes(void);

extern const struct rw_client_front rw_front_h1_client;

#endif
