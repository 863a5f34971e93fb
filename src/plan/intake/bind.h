/* From an intake to what the chapters of a plan read: the values of the inputs (plan/inputs.h) and
 * the terms (plan/terms.h).
 *
 * Units become those of the inputs, money whole cents of the plan's currency. An amount in another
 * currency needs a rate in the intake; without one it is told as a mistake, with its place. A range
 * ("30-40%") becomes its middle, with the range as its spread.
 */
#ifndef RW_PLAN_INTAKE_BIND_H
#define RW_PLAN_INTAKE_BIND_H

#include "plan/intake/intake.h"
#include "plan/terms.h"

/* `values` and `terms` are filled; their texts live as long as the intake. `date` (days since
 * 1970) replaces that of the intake unless it is NaN. Mistakes go to `report`, which the reading of
 * the intake has left without any: RW_EINVAL. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_intake_bind(struct rw_intake *intake, double date,
                                         struct rw_input_value values[RW_INPUT_END],
                                         struct rw_terms *terms, struct rw_conf_report *report);

/* The currency of the plan: as stated, else that of the budget, else "USD". */
const char *rw_intake_currency(const struct rw_intake *intake);

/* The last day of the deadline; of "6个月内" counted from `date`. NaN: none, or no date. */
double rw_intake_deadline(const struct rw_intake *intake, double date);
/* The day of the plan; NaN: nobody said. */
double rw_intake_date(const struct rw_intake *intake);

#endif
