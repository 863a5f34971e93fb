/* Lint: what cannot be, or does not fit together, in what a customer asked for.
 *
 * Rules are a table of small functions over the intake (rules.h): each looks at a few values, and
 * tells by a finding what was claimed, what is possible, where the limit comes from and what to do.
 * What they know of the world (products, places, standards) is data: data/plan/lint.yaml and
 * models.yaml. No rule looks for the words of one document.
 */
#ifndef RW_PLAN_LINT_LINT_H
#define RW_PLAN_LINT_LINT_H

#include "plan/finding.h"
#include "plan/intake/intake.h"

/* Adds findings. `date` (days since 1970) is the day of the plan; NaN: dates are not checked.
 * Subjects live in the findings' arena; places and files are the intake's. RW_ENOMEM, RW_ELIMIT
 * (too many findings); RW_EINVAL: the program's own data are broken, which tests find. */
RW_MUST_CHECK enum rw_err rw_lint_intake(const struct rw_intake *intake, double date,
                                         struct rw_findings *findings);

/* Rules in the order in which they are run, for the manual. */
unsigned rw_lint_rule_count(void);
const char *rw_lint_rule_name(unsigned index);
struct rw_label rw_lint_rule_text(unsigned index);

#endif
