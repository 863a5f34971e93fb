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
 * A server is up when it has done for a key of nobody what it shall do for all: one that only
 * reads, has no memory left or does not permit it takes connections, too, and shares nothing.
 *
 * When Redis cannot be reached, or fails, the configuration says what becomes of shared limits:
 * `local`, `admit` or `refuse`. What is used meanwhile is not told later: it would refuse for as
 * long as the outage took.
 */
#ifndef RW_GATE_LIMIT_SHARE_H
#define RW_GATE_LIMIT_SHARE_H

#include "gate/config/config.h"
#include "gate/limit/meter.h"
#include "io/loop.h"
#include "watch/metrics.h"

enum {
    RW_SHARES_KEYS_MAX = 65536, /* noted between two rounds */
    RW_SHARES_BATCH_MAX = 8192, /* told in one round */
};

/* What a worker does with a shared limit at present. */
enum rw_shares_mode { RW_SHARES_ENFORCE, RW_SHARES_ADMIT, RW_SHARES_REFUSE };

struct rw_shares;

struct rw_shares_options {
    struct rw_loop *loop;
    struct rw_meters *meters;
    struct rw_metrics_shard *metrics; /* of the loop's thread */
};

RW_MUST_CHECK enum rw_err rw_shares_create(const struct rw_shares_options *options,
                                           struct rw_shares **shares);
/* Runs the loop until the connection has gone. NULL is fine. */
void rw_shares_destroy(struct rw_shares *shares);

/* A configuration comes into force; `config` NULL: there is none. Control thread. */
void rw_shares_configure(struct rw_shares *shares, const struct rw_config_redis *config);

/* ---- Worker threads ---- */

enum rw_shares_mode rw_shares_mode(const struct rw_shares *shares);

/* One request was charged to this key. False: it is the first of the round: rw_shares_add. */
RW_MUST_CHECK bool rw_shares_use(struct rw_shares *shares, uint64_t hash);
/* The same, with the name that the key has in Redis: the same for all gateways. */
void rw_shares_add(struct rw_shares *shares, uint64_t hash, const uint64_t id[2],
                   const struct rw_meter_rate *rate);

#endif
