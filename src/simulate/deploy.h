/* Rolling replacements: a new generation of nodes takes the place of the old one, so many more and
 * so many fewer at a time (Kubernetes' maxSurge and maxUnavailable:
 * https://kubernetes.io/docs/concepts/workloads/controllers/deployment/, "Rolling Update
 * Deployment"). rw_simulate_fleet_reconcile does it; here is when it begins and ends. */
#ifndef RW_SIMULATE_DEPLOY_H
#define RW_SIMULATE_DEPLOY_H

#include "simulate/fleet.h"

struct rw_simulate_rollout {
    unsigned next; /* of the model's deploys, which begin in their order */
    unsigned done;
    double begun_s, longest_s;
};

/* Before the fleet is reconciled: begins and ends what is due. */
void rw_simulate_deploys_second(struct rw_simulate_rollout *rollout,
                                struct rw_simulate_fleet *fleet, double now);

/* How nodes come and go while none is in progress. */
struct rw_simulate_terms rw_simulate_usual_terms(const struct rw_simulate_model *model);

#endif
