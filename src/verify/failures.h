/* What failed under a load, and how: of all its repetitions, for reports.
 *
 * Faults have loads of their own, which do not count here. Pure.
 */
#ifndef RW_VERIFY_FAILURES_H
#define RW_VERIFY_FAILURES_H

#include "report/label.h"
#include "verify/record.h"

struct rw_failures {
    uint64_t asked, failed;
    uint64_t errors[RW_LOAD_ERROR_COUNT];
    uint64_t statuses[RW_LOAD_STATUS_MAX]; /* from 400 on */
};

void rw_failures_of(const struct rw_record *record, unsigned load, struct rw_failures *failures);

/* "98 of 98 requests failed: status 502 (98)", the most frequent first; nothing where none did. */
void rw_failures_describe(const struct rw_failures *failures, enum rw_language language,
                          struct rw_text *text);

/* {"reset": 3, "502": 95} */
void rw_failures_json(const struct rw_load_counts *counts, struct rw_text *text);

#endif
