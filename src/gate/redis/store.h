/* A Redis as people run it: one server, the primary that Sentinels know, or a Cluster.
 *
 * rw_redis_store_create begins to find and connect to what the configuration says. The owner gives
 * it commands (rw_redis_store_put), each for the slot of its keys; after rw_redis_store_flush they
 * are under way, all for one server in one batch. In a cluster a command that has come to the wrong
 * server is sent on to where MOVED or ASK point, RW_REDIS_HOPS_MAX times at most. Each command
 * comes back: by `take` with its reply; by `lost`, when its server goes; by `again`, when it has to
 * be told once more. Who has which slots, or which server is the primary, is asked at the start,
 * from time to time, and at once when something does not fit (gate/redis/guide.h).
 *
 * rw_redis_store_close ends all: commands are lost at once, and after `closed` it is gone. The
 * thread of the loop; callbacks come from the loop, `lost` also from rw_redis_store_close.
 */
#ifndef RW_GATE_REDIS_STORE_H
#define RW_GATE_REDIS_STORE_H

#include "gate/config/config.h"
#include "gate/redis/node.h"
#include "gate/redis/slots.h"

enum {
    RW_REDIS_NODES_MAX = 256,
    RW_REDIS_HOPS_MAX = 5,
    RW_REDIS_GUEST_MS = 10000,   /* a server without slots that was pointed to is kept */
    RW_REDIS_SENTINEL_MS = 1000, /* Sentinels are asked so often */
    RW_REDIS_CLUSTER_MS = 60000, /* members of a cluster, */
    RW_REDIS_TROUBLE_MS = 250,   /* and either while something is amiss; */
    RW_REDIS_TROUBLES_MAX = 8,   /* after so many answers that did not help another one is asked */
};

enum rw_redis_kind { RW_REDIS_SINGLE, RW_REDIS_SENTINEL, RW_REDIS_CLUSTER };

struct rw_redis_store;

struct rw_redis_store_events {
    /* Adds a command with one reply that shows whether the server does what it is wanted for.
     * False: nothing of the owner's is there. */
    bool (*probe)(void *user, const struct rw_redis_node *node, struct rw_text *text);
    void (*write)(void *user, const struct rw_redis_command *command, struct rw_text *text);
    /* `command` NULL: of the probe. NULL: the server is of use; else why not: it goes down. */
    const char *(*take)(void *user, struct rw_redis_command *command, struct rw_span reply);
    void (*lost)(void *user, struct rw_redis_command *command);
    /* Its server is not there yet, or (`apart`) does not take several keys at once at present: the
     * owner puts it again, now or later. */
    void (*again)(void *user, struct rw_redis_command *command, bool apart);
    /* A server is up, or down: `why`. */
    void (*changed)(void *user, const struct rw_redis_node *node, const char *why);
    /* Other servers than before have the slots. */
    void (*moved)(void *user);
    /* Whoever was asked who that is cannot tell. `from` NULL: there was nobody to ask. */
    void (*astray)(void *user, const struct rw_place *from, const char *why);
    void (*closed)(void *user);
};

struct rw_redis_store_options {
    const struct rw_config_redis *config;
    const struct rw_config_dns *dns; /* NULL: names are not resolved */
    struct rw_known *known;          /* NULL: names are not known from before */
    const struct rw_redis_store_events *events;
    void *user;
};

/* The configuration is read during the call only. RW_EINVAL: an address is none. */
RW_MUST_CHECK enum rw_err rw_redis_store_create(struct rw_loop *loop,
                                                const struct rw_redis_store_options *options,
                                                struct rw_redis_store **store);
void rw_redis_store_close(struct rw_redis_store *store);

/* TLS for connections from now on: towards servers, and Sentinels. References are taken. */
void rw_redis_store_secure(struct rw_redis_store *store, const struct rw_redis_secure *servers,
                           const struct rw_redis_secure *sentinels);

enum rw_redis_kind rw_redis_store_kind(const struct rw_redis_store *store);
/* Which server keys of this slot are on; NULL: it is not known. Other than in a cluster, any slot
 * will do. */
struct rw_redis_node *rw_redis_store_node(const struct rw_redis_store *store, uint16_t slot);

/* The node of its slot is up. */
void rw_redis_store_put(struct rw_redis_store *store, struct rw_redis_command *command);
void rw_redis_store_flush(struct rw_redis_store *store);

/* All servers in turn, from NULL to NULL. */
struct rw_redis_node *rw_redis_store_next(const struct rw_redis_store *store,
                                          const struct rw_redis_node *node);

/* What has happened so far. */
struct rw_redis_store_counts {
    uint64_t moved, asked, split; /* answers of servers of a cluster */
    uint64_t changes;             /* of the primary, or of who has the slots */
    uint64_t astray;              /* questions that were not answered */
};

const struct rw_redis_store_counts *rw_redis_store_counts(const struct rw_redis_store *store);
/* Whom it asks about all this; NULL: nobody. */
const struct rw_place *rw_redis_store_guide(const struct rw_redis_store *store);

#endif
