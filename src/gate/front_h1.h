/* The HTTP/1.1 front: client connections of a worker, from accept to close.
 *
 * A connection without a request costs one small object and no buffer. Bytes that arrive are parsed
 * where they landed; when a head is complete its texts move into the arena of a new exchange. One
 * exchange at a time: what a client pipelines waits in the connection's buffer, and reading stops
 * meanwhile. */
#ifndef RW_GATE_FRONT_H1_H
#define RW_GATE_FRONT_H1_H

#include <stddef.h>
#include <sys/socket.h>

struct rw_worker;
struct rw_worker_listener;

/* Size of a connection object, for the worker's slab. */
size_t rw_front_h1_bytes(void);

/* Takes over an accepted descriptor. */
void rw_front_h1_accept(struct rw_worker_listener *listener, int fd,
                        const struct sockaddr_storage *peer);

/* Connections end with the response under way; those without a request may send one more for a
 * short while. */
void rw_front_h1_drain(struct rw_worker *worker);

/* Cuts all connections. */
void rw_front_h1_close_all(struct rw_worker *worker);

#endif
