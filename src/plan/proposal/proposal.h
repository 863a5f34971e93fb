/* The proposal: a finished plan told as a document.
 *
 * rw_report_proposal runs after all chapters of the plan, the lint and the outlook, once for each
 * language wanted; the plan stays as it is. The order is that of a reader who has little time: the
 * verdict and what cannot be come first, all figures with their formulas last. What the plan does
 * not have (no bill, no outlook) has no section; what is missing inside a section is said there.
 */
#ifndef RW_PLAN_PROPOSAL_PROPOSAL_H
#define RW_PLAN_PROPOSAL_PROPOSAL_H

#include "plan/plan.h"
#include "report/document.h"

struct rw_intake;

/* Fills `doc` (not initialised before; rw_doc_free in any case) and finishes it. RW_ENOMEM,
 * RW_ELIMIT. `intake` (plan/intake/intake.h) tells what there is today; it may be NULL. */
RW_MUST_CHECK enum rw_err rw_report_proposal(struct rw_plan *plan, const struct rw_intake *intake,
                                             enum rw_language language, struct rw_doc *doc);

#endif
