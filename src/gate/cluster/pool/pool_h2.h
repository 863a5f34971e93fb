/* Connections that carry many requests at a time (struct rw_shared_connection): pool_h2.c gives
 * leases to them, pool_h2_connection.c runs them. Private to these two. */
#ifndef RW_GATE_CLUSTER_POOL_POOL_H2_H
#define RW_GATE_CLUSTER_POOL_POOL_H2_H

#include "gate/cluster/pool/pool_private.h"

static inline struct rw_loop *rw_shared_loop(const struct rw_shared_connection *c)
{
    return c->pool->worker->loop;
}

/* May a stream be begun now? */
static inline bool rw_shared_has_room(const struct rw_shared_connection *c)
{
    return c->phase == RW_SHARED_OPEN && !c->full && rw_h2_room(&c->h2) > 0;
}

/* ---- pool_h2.c ---- */

/* The lease waits until the connection is open. */
void rw_shared_wait_for(struct rw_shared_connection *c, struct rw_lease *lease);
/* The lease gets a stream. False: no memory. */
RW_MUST_CHECK bool rw_shared_begin(struct rw_shared_connection *c, struct rw_lease *lease);
/* The lease is through with the connection: with its stream, or with waiting. */
void rw_shared_part(struct rw_lease *lease);
/* Who waited for the connection, or in the queue, begins; or goes elsewhere. */
void rw_shared_admit(struct rw_shared_connection *c);

/* ---- pool_h2_connection.c ---- */

/* What there is to do is done at the end of the turn. */
void rw_shared_see_to_it(struct rw_shared_connection *c);
/* No new streams: others take its place. */
void rw_shared_leave(struct rw_shared_connection *c);
/* Closes now. Its streams end, with a reset, and who waits for it is told why. Never from inside an
 * event of the engine. */
void rw_shared_end(struct rw_shared_connection *c, enum rw_reason reason, const char *detail);
/* The timer of the connection; 0: none. */
void rw_shared_deadline_in(struct rw_shared_connection *c, uint32_t ms);

#endif
