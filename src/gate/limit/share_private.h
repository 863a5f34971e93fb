/* What the files of shared limits have in common; nobody else includes this. */
#ifndef RW_GATE_LIMIT_SHARE_PRIVATE_H
#define RW_GATE_LIMIT_SHARE_PRIVATE_H

#include "base/text.h"
#include "gate/limit/share.h"
#include "gate/limit/usage.h"
#include "gate/redis/store.h"

#include <stdatomic.h>

/* Keys that belong together in a cluster: those whose names begin with the same byte, which is
 * their hash tag, are in one slot, and told with one command. */
enum { RW_SHARE_TAGS = 256, RW_SHARE_COMMAND_KEYS = 64 };

static inline unsigned rw_share_tag(uint64_t id)
{
    return (unsigned)(id >> 56);
}

struct rw_shares {
    struct rw_usages usages;
    struct rw_shares_options options;
    struct rw_redis_store *store;    /* NULL: none configured */
    unsigned alive;                  /* stores that are not yet closed */
    struct rw_text prefix, identity; /* in force; identity: which servers, and how to sign in */
    uint16_t slots[RW_SHARE_TAGS];
    uint32_t interval_ms;
    int when_down;
    bool up;
    struct rw_timer timer;
    struct rw_usage *batch; /* of RW_SHARES_BATCH_MAX: what the next commands are made of */
    unsigned batch_count;
    unsigned kept; /* in this round, of RW_SHARES_KEPT_MAX */
    char why[240]; /* the last reply is no good */
    /* For workers: */
    _Atomic int mode, mode_down;                  /* enum rw_shares_mode */
    _Atomic uint64_t tags_up[RW_SHARE_TAGS / 64]; /* where the mode is PARTLY */
};

/* ---- share_script.c: what servers are told ---- */

/* What is told of one key. */
struct rw_share_item {
    struct rw_usage usage;
    struct rw_meters_used used; /* of a quota, now */
};

void rw_share_write(const struct rw_shares *shares, struct rw_text *text,
                    const struct rw_share_item *items, unsigned count);
/* The slot that keys with this tag are in. */
uint16_t rw_share_slot(const struct rw_shares *shares, unsigned tag);
/* rw_redis_store_events.probe */
bool rw_share_probe(void *user, const struct rw_redis_node *node, struct rw_text *text);

/* ---- share_command.c: commands, and what they answer ---- */

/* A command that is under way. */
struct rw_share_told {
    struct rw_redis_command command;
    unsigned count;
    struct rw_share_item items[];
};

/* The batch becomes commands of the store. */
void rw_share_put_batch(struct rw_shares *shares);

extern const struct rw_redis_store_events rw_share_events;

/* ---- share.c ---- */

/* A server is up, or down: what workers do may change. */
void rw_share_judge(struct rw_shares *shares);

#endif
