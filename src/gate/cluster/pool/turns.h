/* Which thread gets the next connection slot of an endpoint, where more want one than there are.
 *
 * Each thread that waits publishes when its first request is due (would be given up), and whether
 * it has a connection at all. A free slot is for the thread that is due first. Who has a connection
 * serves its own queue with it, since a connection cannot move between threads; it gives it up to
 * the others after a turn when one of them has none, or is due earlier by a turn. A turn is ten
 * times what it takes to connect, so that no more than a tenth is lost, and at most a quarter of
 * what a request may wait. */
#ifndef RW_GATE_CLUSTER_POOL_TURNS_H
#define RW_GATE_CLUSTER_POOL_TURNS_H

#include "gate/cluster/pool/pool_private.h"

/* Before a pool's queue is used. False: no memory. */
RW_MUST_CHECK bool rw_turns_prepare(struct rw_endpoint *endpoint);

/* The first of the queue is another one, or the pool has got its first connection or lost its last.
 */
void rw_turns_publish(const struct rw_pool *pool);

/* How many of the free slots the others get before this thread, which waits. */
unsigned rw_turns_ahead(const struct rw_pool *pool);

/* Others wait: is it time to give up a connection, though there is work for it here? */
bool rw_turns_over(const struct rw_pool *pool);
/* One is given up. */
void rw_turns_pass(struct rw_pool *pool);
/* A slot was taken: a turn begins. */
void rw_turns_begin(struct rw_pool *pool);

#endif
