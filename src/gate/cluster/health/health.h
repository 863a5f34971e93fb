/* Active health checks of one cluster: a GET to each endpoint every now and then, or a call of
 * gRPC's health service.
 *
 * The cluster registry makes one when a cluster comes into force (rw_health_create), tells it each
 * new endpoint set (rw_health_sync) and destroys it when the cluster goes or a newer one takes its
 * place. All of it on the control thread, whose loop carries the probes: one connection each,
 * closed as soon as the status is known.
 *
 * An endpoint counts as healthy until probes say otherwise, so a gateway that starts serves at
 * once; its first probe leaves at once, too. After `unhealthy_after` bad probes in a row (no
 * connection, no complete head in `timeout_ms`, a malformed one, a status outside
 * status_min..status_max, or an answer of gRPC other than SERVING) it is down:
 * endpoint->probe_failed. After `healthy_after` good ones in a row it is up. Each change is logged
 * once, with the reason. What an earlier check found is taken over, not forgotten. Where a reload
 * changes nothing about the probes (rw_health_hand_over), they go on as they are: with what they
 * have counted, and those that are under way.
 */
#ifndef RW_GATE_CLUSTER_HEALTH_HEALTH_H
#define RW_GATE_CLUSTER_HEALTH_HEALTH_H

#include "gate/cluster/cluster.h"

enum {
    RW_PROBES_UNDER_WAY_MAX = 256, /* of one cluster; the others wait for their turn */
    RW_PROBE_HEAD_BYTES_MAX = 16 * 1024,
};

struct rw_health;

/* `cluster` (name, tls) and `config` outlive the health check. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_health_create(struct rw_loop *loop, const struct rw_cluster *cluster,
                                           const struct rw_config_active_health *config,
                                           struct rw_health **health);
/* A newer cluster takes the old one's place: the health check is its own from now on, with its
 * configuration. False: its probes are others, and nothing was done. rw_health_sync comes next. */
RW_MUST_CHECK bool rw_health_hand_over(struct rw_health *health, const struct rw_cluster *cluster,
                                       const struct rw_config_active_health *config);
/* Probes exactly the endpoints of this set from now on. RW_ENOMEM: some are not probed; call it
 * again. */
RW_MUST_CHECK enum rw_err rw_health_sync(struct rw_health *health,
                                         const struct rw_endpoint_set *set);
/* Connections under way are closed in the loop's next turns. NULL is fine. */
void rw_health_destroy(struct rw_health *health);

#endif
