/* What the files of a store share; nobody else includes this. */
#ifndef RW_GATE_REDIS_STORE_PRIVATE_H
#define RW_GATE_REDIS_STORE_PRIVATE_H

#include "base/arena.h"
#include "gate/redis/guide.h"
#include "gate/redis/store.h"

/* One of the configured Sentinels, or members of a cluster. */
struct rw_redis_seed {
    struct rw_redis_store *store;
    struct rw_place place;
};

struct rw_redis_store {
    struct rw_loop *loop;
    enum rw_redis_kind kind;
    const struct rw_redis_store_events *events;
    void *user;
    struct rw_arena arena;
    struct rw_resolver *resolver; /* NULL: no names */
    struct rw_redis_secure servers, sentinels;
    struct rw_redis_node_options node_options;
    uint32_t timeout_ms;
    struct rw_span primary; /* what Sentinels call it */

    struct rw_list nodes;
    unsigned node_count;
    struct rw_redis_node *only;     /* other than in a cluster; NULL: not known */
    struct rw_redis_node **by_slot; /* in a cluster */
    unsigned covered;               /* slots that have a server */

    struct rw_redis_seed *seeds;
    unsigned seed_count;
    struct rw_redis_guide *guide; /* NULL: a single server */
    unsigned troubles;            /* answers in a row with which something stayed amiss */

    struct rw_redis_store_counts counts;
    unsigned alive; /* nodes and guide that are not yet closed */
    bool closing;
};

/* ---- store.c ---- */

RW_MUST_CHECK enum rw_err rw_redis_store_add(struct rw_redis_store *store,
                                             const struct rw_place *place,
                                             struct rw_redis_node **node);
/* Whoever pointed to it has been corrected before. */
void rw_redis_store_remove(struct rw_redis_store *store, struct rw_redis_node *node);
/* The server at this address, which is made if it is new; NULL: it is no address, or there is no
 * room for it. */
struct rw_redis_node *rw_redis_store_reach(struct rw_redis_store *store, struct rw_span host,
                                           uint16_t port);
/* A node or the guide has closed. */
void rw_redis_store_let_go(struct rw_redis_store *store);

/* ---- store_turn.c ---- */

/* A server of a cluster has sent `command` on, which goes there. Always NULL: the server is fine.
 */
const char *rw_redis_store_turn(struct rw_redis_store *store, const struct rw_redis_node *node,
                                struct rw_redis_command *command, enum rw_redis_turn turn,
                                const struct rw_redis_redirect *redirect);

/* ---- store_guide.c ---- */

RW_MUST_CHECK enum rw_err rw_redis_store_start_guide(struct rw_redis_store *store,
                                                     const struct rw_conf_list *addresses,
                                                     struct rw_span username,
                                                     struct rw_span password);
void rw_redis_store_stop_seeds(struct rw_redis_store *store);

#endif
