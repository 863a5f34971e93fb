/* Addresses whose connections keep ending by floods (http2.flooders): each new connection is
 * another handshake, so that who comes back at once would cost the gateway more than himself.
 *
 * A worker counts for itself, in a table of fixed size that it makes with the first flood: by
 * address a level that a flood raises and time lowers, as the limits of floods themselves. While it
 * is full, connections of that address are closed as they are accepted, by
 * rw_client_accept, or when a PROXY header has told whose they are. The fewest floods are forgotten
 * when a place is wanted, so that an attacker with many addresses displaces no one but himself. On
 * the worker's thread.
 */
#ifndef RW_GATE_FRONT_FLOODERS_H
#define RW_GATE_FRONT_FLOODERS_H

#include "gate/front/client.h"

/* A connection of this client has ended by a flood, or was about to. Without memory for the table
 * nobody is remembered. */
void rw_flooders_note(struct rw_client *client);

/* Is a connection of this peer to be closed? Then it has been counted as refused. */
bool rw_flooders_refuse(struct rw_worker *worker, const struct rw_listener_settings *settings,
                        const struct sockaddr *peer);

void rw_flooders_free(struct rw_worker *worker);

#endif
