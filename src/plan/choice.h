/* Which tier is the one to take: asked by the comparison with other places, by the proposal and for
 * the artefacts, so that all speak of the same. After the money chapter; only reads. */
#ifndef RW_PLAN_CHOICE_H
#define RW_PLAN_CHOICE_H

#include "plan/plan.h"

/* Whether the tier keeps the targets that were stated for availability, downtime, recovery and
 * latency; what nobody wants is kept. */
bool rw_plan_keeps(const struct rw_plan *plan, const struct rw_tier *tier);

/* Whether it costs no more than its budget. A budget that nobody gave is no bound; a cost that is
 * missing is not known to be within any. */
bool rw_plan_affords(const struct rw_plan *plan, const struct rw_tier *tier);

/* The first tier that keeps what is wanted, within its budget; NULL: none. */
const struct rw_tier *rw_plan_recommended(const struct rw_plan *plan);

/* The tier that charts, drawings and artefacts are of, as its place in plan->tiers: the recommended
 * one, else the last, which keeps the most. There is one. */
unsigned rw_plan_shown(const struct rw_plan *plan);

#endif
