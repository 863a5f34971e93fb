/* One server that keeps data: its place, its connection, and the commands for it.
 *
 * Life: rw_redis_node_create; when it is connected, `probe` writes a command that shows whether the
 * server does what it is wanted for, and when `take` finds its reply good the node is up
 * (`changed`). rw_redis_node_put gives it commands, rw_redis_node_flush sends those that wait in
 * one batch; a batch at a time. Each command comes back: by `take` with its reply, or by `lost`.
 * rw_redis_node_close ends all: what it still has is lost at once, and after `closed` it is gone.
 * The thread of the loop; callbacks come from the loop, `lost` also from rw_redis_node_close.
 */
#ifndef RW_GATE_REDIS_NODE_H
#define RW_GATE_REDIS_NODE_H

#include "gate/redis/aim.h"

/* Embedded in the owner's struct, who has filled `slot`. */
struct rw_redis_command {
    struct rw_list link;
    uint16_t slot;
    uint8_t hops; /* servers that have sent it on */
    bool asking;  /* ASKING goes before it */
};

struct rw_redis_node;

struct rw_redis_node_events {
    /* Adds one command with one reply. False: there is nothing to probe, it is fine. */
    bool (*probe)(void *user, const struct rw_redis_node *node, struct rw_text *text);
    void (*write)(void *user, const struct rw_redis_command *command, struct rw_text *text);
    /* `command` NULL: of the probe. NULL: the server is of use. Else why it is not: it goes down.
     * The command is the owner's again in any case. */
    const char *(*take)(void *user, struct rw_redis_node *node, struct rw_redis_command *command,
                        struct rw_span reply);
    void (*lost)(void *user, struct rw_redis_command *command);
    /* It is up, or down: `why`. */
    void (*changed)(void *user, struct rw_redis_node *node, const char *why);
    void (*closed)(void *user);
};

enum rw_redis_state { RW_REDIS_DOWN, RW_REDIS_PROBING, RW_REDIS_UP };

struct rw_redis_node {
    struct rw_list link; /* the owner's, as what follows */
    unsigned slots;      /* of a cluster: how many it has */
    uint64_t guest_ms;   /* until when it is kept without one */

    struct rw_place place; /* read only from here on */
    enum rw_redis_state state;
    uint64_t up_count, down_count; /* times */
    uint64_t batches, commands;    /* answered */
    uint64_t trip_ns, trip_sum_ns; /* from a batch's sending to its last reply */
    char why[120];                 /* it is down; empty: it was never tried */

    /* private */
    struct rw_loop *loop;
    struct rw_redis *redis;
    struct rw_address address;
    const struct rw_redis_secure *secure;
    const struct rw_redis_node_events *events;
    void *user;
    struct rw_list waiting, sent;
    bool ask_replied; /* the reply to ASKING has come, that to the command is next */
    bool ask_refused; /* it was an error, which is told once until ASKING is taken again */
    uint64_t sent_ns;
};

struct rw_redis_node_options {
    struct rw_span username, password; /* copied */
    uint32_t database, timeout_ms;
    bool primary;                         /* a replica is no use */
    const struct rw_redis_secure *secure; /* stays the owner's, who may change it */
    struct rw_resolver *resolver;         /* NULL: no names */
    const struct rw_redis_node_events *events;
    void *user;
};

RW_MUST_CHECK enum rw_err rw_redis_node_create(struct rw_loop *loop,
                                               const struct rw_redis_node_options *options,
                                               const struct rw_place *place,
                                               struct rw_redis_node **node);
void rw_redis_node_close(struct rw_redis_node *node);

/* Up, and nothing is under way: a command would be sent at once. */
bool rw_redis_node_ready(const struct rw_redis_node *node);
/* The node is up. */
void rw_redis_node_put(struct rw_redis_node *node, struct rw_redis_command *command);
void rw_redis_node_flush(struct rw_redis_node *node);

/* Has no effect on a node that is up. */
void rw_redis_node_hurry(struct rw_redis_node *node);

#endif
