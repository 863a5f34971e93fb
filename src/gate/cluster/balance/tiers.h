/* Tiers: endpoints that are preferred alike, by their priority and their distance from the gateway.
 *
 * The control thread adds tiers to a set whose endpoints have different ranks
 * (rw_endpoint_set_add_tiers); each tier is a set of its own, laid out for the cluster's balancing.
 * A worker first draws a tier, then an endpoint of it by any balancing (rw_tiers_choose). A set
 * whose endpoints are all alike has none, and its requests never come here.
 *
 * Shares are those of Envoy's priority levels (envoyproxy.io, "Load Balancing: Priority levels",
 * its overprovisioning factor): a tier of which `full_percent` or more is up takes all that the
 * tiers before it have left; with less up it takes that much less, in proportion, and the rest
 * spills over to the next tier. When all tiers together cannot take everything, what there is is
 * divided by what is up. With consistent hashing the hash draws the tier too, so that as few keys
 * move as the shares do.
 *
 * What is up is counted again by whoever comes first after a while. Between two counts nothing is
 * lost: where a tier has nobody to take a request, the other tiers are asked, the nearest first.
 */
#ifndef RW_GATE_CLUSTER_BALANCE_TIERS_H
#define RW_GATE_CLUSTER_BALANCE_TIERS_H

#include "gate/cluster/balance/balance.h"

enum { RW_TIER_SHARE_ONE = 1 << 16 };

struct rw_endpoint_tier {
    uint32_t rank;               /* of its endpoints; lower ones are preferred */
    struct rw_endpoint_set *set; /* owned; has no tiers */
    _Atomic uint32_t share;      /* of RW_TIER_SHARE_ONE requests; as last counted */
};

struct rw_endpoint_tiers {
    uint32_t full_percent;
    _Atomic uint64_t due_ms; /* when the shares are counted again */
    unsigned count;
    struct rw_endpoint_tier tiers[];
};

/* With members of one rank only: nothing, and RW_OK. `members` are those of the set. */
RW_MUST_CHECK enum rw_err rw_endpoint_set_add_tiers(struct rw_endpoint_set *set,
                                                    const struct rw_balance_member *members,
                                                    int balance, uint32_t full_percent);
void rw_tiers_destroy(struct rw_endpoint_tiers *tiers);

/* Of a set with tiers; as rw_balance_choose. */
struct rw_endpoint *rw_tiers_choose(const struct rw_endpoint_set *set, int balance,
                                    const struct rw_choice *choice);

/* Counts the shares now. Any thread. */
void rw_tiers_count(const struct rw_endpoint_set *set,
                    const struct rw_config_passive_health *passive, uint64_t now_ms);

#endif
