/* Chaos coverage: of every (dependency, fault class) pair that applies to this configuration, which
 * were exercised, and which of them passed.
 *
 *   exercised  the fault was caused, and seen to act at the other side, in every repetition
 *   passed     exercised; each time the targets held again within the recovery target (without
 *              one, within the fault's recovery_timeout), and nothing ended by itself
 *
 * Coverage is passed pairs / all pairs. Pure.
 */
#ifndef RW_VERIFY_COVERAGE_H
#define RW_VERIFY_COVERAGE_H

#include "verify/record.h"

enum rw_pair_state {
    RW_PAIR_NOT_ASKED,  /* no fault of the file says so */
    RW_PAIR_IMPOSSIBLE, /* it could not be caused, or did nothing; `why` */
    RW_PAIR_FAILED,
    RW_PAIR_PASSED
};

struct rw_pair {
    const struct rw_dependency *dependency;
    enum rw_fault_class fault;
    enum rw_pair_state state;
    double recovery_s; /* the worst, from the fault's end; infinite: never; NaN: not exercised */
    double recovery_begin_s; /* the same from its begin */
    double lost_s;           /* the worst: traffic that failed, in seconds */
    uint64_t observed;       /* at the other side, all repetitions */
    bool noticed;            /* some target did not hold meanwhile */
    const char *why;         /* impossible, or something ended by itself; else "" */
};

struct rw_coverage {
    struct rw_pair *pairs;
    size_t count, exercised, passed, failed;
};

/* RW_ENOMEM. rw_coverage_free in any case. */
RW_MUST_CHECK enum rw_err rw_coverage_make(const struct rw_acceptance *file,
                                           const struct rw_record *record,
                                           struct rw_coverage *coverage);
void rw_coverage_free(struct rw_coverage *coverage);

const char *rw_pair_state_name(enum rw_pair_state state); /* "passed" */
struct rw_label rw_pair_state_label(enum rw_pair_state state);

static inline double rw_coverage_share(const struct rw_coverage *coverage)
{
    return coverage->count ? (double)coverage->passed / (double)coverage->count : 0;
}

#endif
