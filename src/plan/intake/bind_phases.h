/* Within intake: the customer's own roadmap.
 */
#ifndef RW_PLAN_INTAKE_BIND_PHASES_H
#define RW_PLAN_INTAKE_BIND_PHASES_H

#include "plan/intake/intake.h"
#include "plan/terms.h"

/* Fills terms->phases. Where one phase says what it comes after, those that say nothing begin at
 * the start; where none does, they follow each other. Told to `report`: a phase without a name, a
 * name that stands twice, and one after a phase that does not stand above it. */
void rw_intake_bind_phases(const struct rw_intake *intake, struct rw_terms *terms,
                           struct rw_conf_report *report);

#endif
