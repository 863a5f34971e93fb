/* A plan for a terminal and for programs: the summary, and all cells with all findings.
 *
 * The proposal for people is made by plan/report; these are what `ringway plan` prints without
 * --format, and the cells.json beside each proposal. Both are complete in themselves: every figure
 * has its origin, and what is missing is named with its reason.
 */
#ifndef RW_PLAN_LISTING_H
#define RW_PLAN_LISTING_H

#include "plan/plan.h"

/* Findings, a table of the tiers, what is missing. */
void rw_listing_write(struct rw_plan *plan, enum rw_language language, struct rw_text *text);

/* {"schema": "ringway.plan/1", "date", "currency", "tiers": [...], "findings": [...], "cells":
 * [...]}; both languages. Missing values are null. */
void rw_listing_write_json(struct rw_plan *plan, struct rw_text *text);

#endif
