/* Balancing: endpoint sets laid out for a fast choice, and the choice.
 *
 * The control thread builds a set (rw_endpoint_set_create) whenever a cluster's endpoints change;
 * any number of workers choose from it at once. All that weights mean is worked out beforehand: the
 * `schedule` holds each endpoint as often as its weight says, spread evenly, and round robin walks
 * it, while random and least requests draw from it. Consistent hashing looks into a Maglev table
 * (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016,
 * section 3.4). An endpoint that takes no requests is passed over, so its share goes to all others.
 *
 * By latency is peak EWMA (known from Finagle; "Beyond Round Robin: Load Balancing for Latency",
 * Buoyant, 2016): each endpoint has a mean of its latencies that goes up at once and down with
 * time, and what it would cost to ask it is that, times the requests under way there. The cheapest
 * is chosen: of all where they are few, else of some that are drawn (of two alone, both are often
 * slow ones). What was seen long ago is believed less and less, so that a slow endpoint is tried
 * again.
 */
#ifndef RW_GATE_CLUSTER_BALANCE_BALANCE_H
#define RW_GATE_CLUSTER_BALANCE_BALANCE_H

#include "gate/cluster/cluster.h"

enum {
    RW_SCHEDULE_MAX = RW_CLUSTER_ENDPOINTS_MAX, /* entries; weights are scaled down to fit */
    /* Primes. The small table is for at most RW_MAGLEV_FEW endpoints, at least 100 entries each.
     * Just two sizes, because another size is another assignment of nearly all keys. */
    RW_MAGLEV_SMALL = 5003,
    RW_MAGLEV_LARGE = 65537,
    RW_MAGLEV_FEW = 50,
};

struct rw_balance_member {
    struct rw_endpoint *endpoint;
    uint32_t weight;
    uint32_t rank; /* gate/cluster/balance/tiers.h; below RW_TIERS_MAX */
};

/* How good an endpoint is for a choice. */
enum rw_rank { RW_RANK_DOWN, RW_RANK_PANIC_AVOIDED, RW_RANK_PANIC, RW_RANK_AVOIDED, RW_RANK_GOOD };

/* `members` are in the order of their names, none twice, at most RW_CLUSTER_ENDPOINTS_MAX
 * (RW_ELIMIT). The set takes a reference to each endpoint. */
RW_MUST_CHECK enum rw_err rw_endpoint_set_create(const struct rw_balance_member *members,
                                                 unsigned count, int balance,
                                                 struct rw_endpoint_set **set);
void rw_endpoint_set_destroy(struct rw_endpoint_set *set);

/* As rw_cluster_choose. `balance` is what the set was made for. */
struct rw_endpoint *rw_balance_choose(const struct rw_endpoint_set *set, int balance,
                                      const struct rw_choice *choice);

/* Its two parts: one that is good, by the balancing, or NULL where none was found quickly; and the
 * best of all, told how good it is, or NULL. */
struct rw_endpoint *rw_balance_choose_good(const struct rw_endpoint_set *set, int balance,
                                           const struct rw_choice *choice);
struct rw_endpoint *rw_balance_choose_best(const struct rw_endpoint_set *set, int balance,
                                           const struct rw_choice *choice, enum rw_rank *rank);

#endif
