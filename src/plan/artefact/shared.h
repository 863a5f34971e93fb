/* Within plan/artefact: cells by name, and dates.
 */
#ifndef RW_PLAN_ARTEFACT_SHARED_H
#define RW_PLAN_ARTEFACT_SHARED_H

#include "plan/artefact/artefact.h"

/* "sizing.TIER.NAME"; NaN: missing. */
double rw_artefact_sizing(const struct rw_plan *plan, unsigned tier, const char *name);

/* "# Made from the plan ... for the tier ...": the first lines of every file but the CSV. */
void rw_artefact_head(const struct rw_plan *plan, unsigned tier, const char *what,
                      struct rw_text *text);

/* "2026-11-01" of the month that is `months` after that of `day`. */
void rw_artefact_month(double day, int months, struct rw_text *text);

/* As a number for people and parsers: "150", "0.5"; seconds with the unit that the configuration
 * wants: "1500ms". */
void rw_artefact_milliseconds(double seconds, struct rw_text *text);

#endif
