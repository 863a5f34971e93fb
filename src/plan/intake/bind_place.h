/* Within intake: where the planned system is to run, and which frameworks it has to answer to, as
 * far as the customer's words say.
 */
#ifndef RW_PLAN_INTAKE_BIND_PLACE_H
#define RW_PLAN_INTAKE_BIND_PLACE_H

#include "plan/intake/intake.h"
#include "plan/terms.h"

/* The sites of the intake, weighted by their machines; without any, the clouds that its text names,
 * each with the same weight. Places that nobody knows are passed over: lint tells of them. */
void rw_intake_bind_sites(const struct rw_intake *intake, struct rw_terms *terms);

/* The frameworks named where compliance, audits and security are asked about. */
void rw_intake_bind_frameworks(const struct rw_intake *intake, struct rw_terms *terms);

#endif
