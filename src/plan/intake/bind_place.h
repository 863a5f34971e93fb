/* Within intake: where the planned system is to run, and which frameworks it has to answer to, as
 * far as the customer's words say.
 */
#ifndef RW_PLAN_INTAKE_BIND_PLACE_H
#define RW_PLAN_INTAKE_BIND_PLACE_H

#include "plan/intake/intake.h"
#include "plan/terms.h"

/* The sites of the intake, weighted by their shares or machines; without any, the clouds that its
 * text names, each with the same weight. What in running text is no place is passed over: lint
 * tells of it. More sites than there is room for are a mistake. */
void rw_intake_bind_sites(const struct rw_intake *intake, struct rw_terms *terms,
                          struct rw_conf_report *report);

/* The frameworks named where compliance, audits and security are asked about. */
void rw_intake_bind_frameworks(const struct rw_intake *intake, struct rw_terms *terms);

#endif
