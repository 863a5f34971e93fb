/* The interview of `ringway plan init`: asks field by field, checks each answer at once, writes the
 * intake as YAML. Works from a pipe as well as from a terminal.
 *
 * An empty line passes a question over, "?" explains it, "unknown" is an answer, "." ends the
 * section, ".." the interview.
 */
#ifndef RW_PLAN_INTAKE_INTERVIEW_H
#define RW_PLAN_INTAKE_INTERVIEW_H

#include "plan/intake/intake.h"

#include <stdio.h>

enum { RW_INTERVIEW_LINE_MAX = 4096 };

/* Questions that only an expert answers (the constants of the sizing models) are asked when
 * `expert`. The answers are in `intake` (rw_intake_free), also when the input ended early. */
RW_MUST_CHECK enum rw_err rw_intake_interview(FILE *in, FILE *out, enum rw_language language,
                                              bool expert, struct rw_intake *intake);

#endif
