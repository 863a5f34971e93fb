/* What gate/cluster/pool/pool*.c have in common: slots, the queue, the pool of an endpoint. */
#ifndef RW_GATE_CLUSTER_POOL_POOL_PRIVATE_H
#define RW_GATE_CLUSTER_POOL_POOL_PRIVATE_H

#include "gate/cluster/pool/pool.h"
#include "gate/worker.h"

/* Of one worker, for one endpoint. */
struct rw_pool {
    struct rw_worker *worker;
    struct rw_endpoint *endpoint; /* a reference */
    struct rw_config_connections limits;
    struct rw_list idle;   /* HTTP/1: rw_upstream_connection.link */
    struct rw_list shared; /* HTTP/2: rw_shared_connection.link */
    struct rw_list queue;  /* rw_lease.link */
    uint64_t broken_ms;    /* when a shared connection last ended without warning */
    size_t idle_count, queue_count, connection_count;
    struct rw_timer queue_timer;
    bool asked; /* the other workers were asked to give up an idle connection */
    /* Where threads wait for each other: turns.h. 0: never, none. */
    uint64_t turn_until_ms; /* before it no connection is given up to those who wait */
    uint64_t passed_ms;     /* when one last was */
    uint64_t patient_ms;    /* a slot is free, and others come first: until then */
    uint32_t connect_ms;    /* what it last took to connect */
};

/* ---- pool.c ---- */

/* A connection more, if the endpoint's limit over all threads allows. */
bool rw_pool_take_slot(struct rw_pool *pool);
/* ... for a request that has not waited: not before those who have. */
bool rw_pool_take_slot_at_once(struct rw_pool *pool);
void rw_pool_give_slot(struct rw_pool *pool);
/* A connection exists, for which a slot was taken; it can be used; it is gone: the next that waits,
 * here or on another thread, gets its slot. */
void rw_pool_count_in(struct rw_pool *pool);
void rw_pool_connected(struct rw_pool *pool, uint16_t begun_ms);
void rw_pool_count_out(struct rw_pool *pool);

/* What its connection's TLS is made with; NULL: plain. */
static inline struct rw_tls_client *rw_lease_tls(const struct rw_lease *lease)
{
    const struct rw_cluster *cluster = lease->cluster;
    return cluster->negotiated && !lease->http2 ? cluster->tls_http1 : cluster->tls;
}

/* How to connect to the endpoint. */
struct rw_connect_options rw_pool_connect_options(const struct rw_pool *pool,
                                                  const struct rw_lease *lease);

/* FAILED, and why. */
enum rw_pool_result rw_pool_refuse(struct rw_lease *lease, enum rw_reason reason,
                                   const char *detail);
enum rw_pool_result rw_pool_enqueue(struct rw_pool *pool, struct rw_lease *lease);
/* The first of the queue leaves it; NULL: nobody waits. */
struct rw_lease *rw_pool_dequeue(struct rw_pool *pool);

/* Why a connection could not be made. */
enum rw_reason rw_pool_reason_of(enum rw_err err);
const char *rw_pool_detail_of(const struct rw_endpoint *endpoint, enum rw_err err);
/* ... in the words of TLS where it was that. */
struct rw_pool_failure {
    enum rw_reason reason;
    const char *detail;
};
struct rw_pool_failure rw_pool_explain(const struct rw_pool *pool, const struct rw_stream *stream,
                                       bool tls, enum rw_err err);

/* ---- pool_h1.c ---- */

enum rw_pool_result rw_pool_h1_acquire(struct rw_pool *pool, struct rw_lease *lease, bool fresh);
/* A slot has been taken for this lease, which waited: begins to connect. */
RW_MUST_CHECK enum rw_err rw_pool_h1_open(struct rw_pool *pool, struct rw_lease *lease);
void rw_pool_h1_release(struct rw_lease *lease);
void rw_pool_h1_discard(struct rw_lease *lease);
void rw_pool_h1_deadline(struct rw_lease *lease, uint64_t at_ms);
/* Closes the connection that has been idle for longest; false: there is none. */
bool rw_pool_h1_close_idle(struct rw_pool *pool);

/* ---- pool_h2.c: the same for shared connections ---- */

enum rw_pool_result rw_pool_h2_acquire(struct rw_pool *pool, struct rw_lease *lease, bool fresh);
RW_MUST_CHECK enum rw_err rw_pool_h2_open(struct rw_pool *pool, struct rw_lease *lease);
/* The lease is the first of the queue: it leaves it for a connection that is being opened; false:
 * there is none for it. */
bool rw_pool_h2_admit(struct rw_pool *pool, struct rw_lease *lease);
void rw_pool_h2_release(struct rw_lease *lease);
void rw_pool_h2_discard(struct rw_lease *lease);
void rw_pool_h2_deadline(struct rw_lease *lease, uint64_t at_ms);
void rw_pool_h2_yield(struct rw_pool *pool);
/* All shared connections end, with their streams. */
void rw_pool_h2_leave_all(struct rw_pool *pool);

#endif
