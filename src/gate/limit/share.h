/* Rate limits that several gateways share: what this process has used of them goes to Redis, and
 * what all have used comes back.
 *
 * Local first: a request is decided by this gateway's own meters (gate/limit/meter.h), and never
 * waits. Worker threads note what they admitted (rw_shares_use, rw_shares_add). Every interval the
 * control thread tells Redis, which adds it to the theoretical arrival time of the key there, and
 * raises the meters here to what comes back; so others' use is known an interval later. What was
 * admitted too much meanwhile is a debt there, and is paid by all: over time no more is admitted
 * than the limit says.
 *
 * Quotas by the calendar are told as absolute numbers: how much this gateway has used in all, as
 * its file says, under its own name. Redis keeps the number of each gateway, and answers with what
 * the others have used. So nothing is counted twice when an answer was lost, and nothing is
 * forgotten when Redis was gone or has lost everything: the next number says it all.
 *
 * What Redis is (a server, one that Sentinels name, a Cluster) is gate/redis/store.h's. A server is
 * up when it has done for a key of nobody what it shall do for all: one that only reads, has no
 * memory left or does not permit it takes connections, too, and shares nothing.
 *
 * When Redis cannot be reached, or fails, the configuration says what becomes of shared limits, in
 * a cluster of those that the lost server has: `local`, `admit` or `refuse`. What is used meanwhile
 * of paced limits is not told later: it would refuse for as long as the outage took.
 */
#ifndef RW_GATE_LIMIT_SHARE_H
#define RW_GATE_LIMIT_SHARE_H

#include "base/text.h"
#include "gate/config/config.h"
#include "gate/limit/meter.h"
#include "gate/redis/aim.h"
#include "io/loop.h"
#include "watch/metrics.h"

enum {
    RW_SHARES_BATCH_MAX = 8192, /* keys that are told in one round */
    RW_SHARES_KEPT_MAX = 32768, /* quotas whose server is gone, to be told when it is back */
};

/* What a worker does with a shared limit at present. PARTLY: it depends on the key, as some servers
 * of a cluster are gone (rw_shares_mode_of). */
enum rw_shares_mode { RW_SHARES_ENFORCE, RW_SHARES_ADMIT, RW_SHARES_REFUSE, RW_SHARES_PARTLY };

struct rw_shares;

struct rw_shares_options {
    struct rw_loop *loop;
    struct rw_meters *meters;
    struct rw_known *known;           /* NULL: nothing */
    struct rw_metrics_shard *metrics; /* of the loop's thread */
};

RW_MUST_CHECK enum rw_err rw_shares_create(const struct rw_shares_options *options,
                                           struct rw_shares **shares);
/* Runs the loop until the connection has gone. NULL is fine. */
void rw_shares_destroy(struct rw_shares *shares);

struct rw_shares_setup {
    const struct rw_config_redis *redis;
    const struct rw_config_dns *dns;           /* NULL: names are not resolved */
    struct rw_redis_secure servers, sentinels; /* references are taken */
};

/* A configuration comes into force, which is read during the call; NULL: there is none. Control
 * thread. */
void rw_shares_configure(struct rw_shares *shares, const struct rw_shares_setup *setup);

/* The control thread, too: for the admin API (JSON), and metrics of each server. */
void rw_shares_describe(const struct rw_shares *shares, struct rw_text *json);
void rw_shares_expose(const struct rw_shares *shares, struct rw_text *text);

/* ---- Worker threads ---- */

enum rw_shares_mode rw_shares_mode(const struct rw_shares *shares);
/* Never PARTLY. `id`: the first half of the key's name. */
enum rw_shares_mode rw_shares_mode_of(const struct rw_shares *shares, uint64_t id);

/* One request was charged to this key, or (a quota) refused for it. False: it is the first of the
 * round: rw_shares_add. */
RW_MUST_CHECK bool rw_shares_use(struct rw_shares *shares, uint64_t hash);
/* The same, with the name that the key has in Redis: the same for all gateways. */
void rw_shares_add(struct rw_shares *shares, uint64_t hash, const uint64_t id[2],
                   const struct rw_meter_rate *rate);

#endif
