/* What `ringway explain` and `check` tell of where a cluster's endpoints come from, besides what is
 * in the configuration. Control thread.
 */
#ifndef RW_GATE_CLUSTER_CLUSTER_EXPLAIN_H
#define RW_GATE_CLUSTER_CLUSTER_EXPLAIN_H

#include "base/text.h"
#include "gate/cluster/cluster.h"

/* Lines that begin with a line feed: names, discovery, and where to see what a gateway knows. */
void rw_cluster_explain_sources(const struct rw_cluster *cluster, struct rw_text *text);
/* A line with the endpoint that `balance: hash` chooses; nothing, where there is none. */
void rw_cluster_explain_hash(const struct rw_cluster *cluster, uint64_t hash,
                             const struct rw_residency *residency, struct rw_text *text);
/* Why its file of endpoints was of no use; empty: it was, or there is none. */
struct rw_span rw_cluster_source_flaw(const struct rw_cluster *cluster);

#endif
