/* What a run of verify says: to people, and for machines. Each writer adds to `text`, whose `err`
 * tells when memory ran out, and is pure: the same run gives the same bytes. */
#ifndef RW_VERIFY_REPORT_H
#define RW_VERIFY_REPORT_H

#include "base/text.h"
#include "verify/coverage.h"
#include "verify/target.h"

struct rw_verify_sheet {
    const struct rw_acceptance *file;
    const struct rw_record *record;
    struct rw_verdict *verdicts; /* one for each target */
    struct rw_coverage coverage;
    unsigned met, not_met, unjudged;
    const char *failed; /* what ended the run early; "" for nothing */
};

/* Judges all targets. RW_ENOMEM. rw_verify_sheet_free in any case. */
RW_MUST_CHECK enum rw_err rw_verify_sheet_make(const struct rw_acceptance *file,
                                               const struct rw_record *record, const char *failed,
                                               struct rw_verify_sheet *sheet);
void rw_verify_sheet_free(struct rw_verify_sheet *sheet);

/* Everything holds, and the run was whole. */
bool rw_verify_holds(const struct rw_verify_sheet *sheet);

/* ---- In words ---- */

/* "12.3 ms", "at most 50 ms", "11.9 ms to 13 ms"; a dash where there is none. */
void rw_verify_add_measured(const struct rw_verify_target *target, double measured,
                            enum rw_language language, struct rw_text *text);
void rw_verify_add_limit(const struct rw_verify_target *target, double limit,
                         enum rw_language language, struct rw_text *text);
void rw_verify_add_interval(const struct rw_verify_target *target, const struct rw_verdict *verdict,
                            enum rw_language language, struct rw_text *text);
/* What the fault did to the traffic, "well again after 0.4 s, 0.2 s of traffic failed"; how it was
 * seen to act, "processes gone: 1"; both, or why there is neither. */
void rw_verify_describe_effect(const struct rw_pair *pair, enum rw_language language,
                               struct rw_text *text);
void rw_verify_describe_observed(const struct rw_pair *pair, enum rw_language language,
                                 struct rw_text *text);
void rw_verify_describe_pair(const struct rw_pair *pair, enum rw_language language,
                             struct rw_text *text);
void rw_verify_describe_coverage(const struct rw_coverage *coverage, enum rw_language language,
                                 struct rw_text *text);

/* ---- Whole ---- */

/* A table, for a terminal. */
void rw_verify_report_text(const struct rw_verify_sheet *sheet, enum rw_language language,
                           struct rw_text *text);
/* JUnit XML: met is a pass, not met a failure, what could not be judged an error. */
void rw_verify_report_junit(const struct rw_verify_sheet *sheet, enum rw_language language,
                            struct rw_text *text);
/* One page that needs nothing else. */
void rw_verify_report_html(const struct rw_verify_sheet *sheet, enum rw_language language,
                           struct rw_text *text);
/* One object; times in seconds, shares from 0 to 1. */
void rw_verify_report_json(const struct rw_verify_sheet *sheet, struct rw_text *text);

#endif
