/* Numbers as people read them: grouped by thousands, the same on every machine, whatever its
 * locale. A number that is missing (NaN) is the renderer's affair; here it is a mistake.
 */
#ifndef RW_REPORT_NUMBER_H
#define RW_REPORT_NUMBER_H

#include "base/text.h"
#include "report/document.h"

/* "1,234,567.89" with `decimals` digits (at most 6) after the point; below zero with U+2212. */
void rw_report_number(struct rw_text *text, double value, unsigned decimals);

/* An integral number of cents as "12,345.67". */
void rw_report_money(struct rw_text *text, double cents);

/* Three or four digits and a magnitude: "1.25M", "12.5万": for axes and labels. */
void rw_report_short(struct rw_text *text, double value, enum rw_language language);

/* Days since 1970-01-01 as "2026-11-20". */
void rw_report_date(struct rw_text *text, int64_t days);
/* "2026-01-31T23:59:59.123Z" as "2026-01-31 23:59 UTC"; nothing when it is none. */
void rw_report_moment(struct rw_text *text, struct rw_span rfc3339);

/* What stands in a cell of a table; a blank cell gives nothing, a missing number its word. */
void rw_report_cell(struct rw_text *text, const struct rw_doc_column *column,
                    const struct rw_doc_cell *cell, enum rw_language language);

#endif
