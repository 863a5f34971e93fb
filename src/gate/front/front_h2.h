/* The HTTP/2 front: client connections that speak HTTP/2, from the first byte to the close.
 *
 * The engine (http/h2.h) makes streams and frames of bytes, and bytes of answers; the front makes
 * an exchange of each stream, and keeps the times. What is made within a turn of the loop leaves
 * with one send at its end. A connection ends in two steps (RFC 9113 section 6.8): a GOAWAY that
 * asks for no more streams, and once that has arrived (a PING is answered) one that names the last.
 */
#ifndef RW_GATE_FRONT_FRONT_H2_H
#define RW_GATE_FRONT_FRONT_H2_H

#include <stddef.h>

struct rw_buf;
struct rw_client;
struct rw_client_front;

/* Size of a connection object; the larger part of it lies elsewhere. */
size_t rw_front_h2_bytes(void);

/* A connection of HTTP/1.1 whose first bytes are the preface of HTTP/2. Takes over `buf`. */
void rw_front_h2_take(struct rw_client *client, struct rw_buf *buf);

extern const struct rw_client_front rw_front_h2_client;

#endif
