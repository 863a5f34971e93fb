/* A number and its unit stand on one line, however narrow the column. */
#ifndef RW_REPORT_BIND_H
#define RW_REPORT_BIND_H

#include "base/span.h"

/* If the blank at `at` stands between a number and its unit ("12 ms", "99.9 %", "5 天",
 * "1,234.50 USD"): the bytes of the unit; else 0. */
size_t rw_report_unit(struct rw_span text, size_t at);

/* The next number with its unit: where it begins, or text.len when there is none, and its bytes. */
size_t rw_report_measure(struct rw_span text, size_t *length);

#endif
