/* Two plans side by side: what `ringway plan diff` and `ringway plan whatif` print.
 *
 * Cells are matched by id. A cell is different when its value is (beyond rounding in the last
 * digits), when only one plan has it, or when it is missing in one of them.
 */
#ifndef RW_PLAN_COMPARE_H
#define RW_PLAN_COMPARE_H

#include "plan/plan.h"

struct rw_comparison {
    unsigned changed, only_before, only_after;
};

/* Adds a line for each difference: first the findings that came or went, then cells whose id begins
 * with `prefix` ("" for all), in the order of the sheets. */
struct rw_comparison rw_compare_write(const struct rw_plan *before, const struct rw_plan *after,
                                      const char *prefix, enum rw_language language,
                                      struct rw_text *text);

/* The same as JSON: {"changed": [{"id", "unit", "before", "after"}...], "findings": {...}}. */
void rw_compare_write_json(const struct rw_plan *before, const struct rw_plan *after,
                           struct rw_text *text);

#endif
