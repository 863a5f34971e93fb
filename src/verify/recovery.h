/* When the targets hold again: read off the tenths of seconds of a trial. Pure.
 *
 * A second, from any tenth on, is good when all targets of the trial's load that it can show hold
 * in it: errors at most as the error rate says (RW_RECOVERY_ERRORS_USUAL without one), percentiles
 * of the latency (50, 90, 99, 99.9 or 100, the next one above), and something was answered. The
 * system has recovered at the first tenth from which on all seconds that begin within one second
 * are good. So a time is known to a tenth of a second, and never told shorter than it was.
 */
#ifndef RW_VERIFY_RECOVERY_H
#define RW_VERIFY_RECOVERY_H

#include "load/timeline.h"
#include "verify/record.h"

#define RW_RECOVERY_STEP_S (1.0 / RW_TIMELINE_PARTS)
#define RW_RECOVERY_ERRORS_USUAL 0.01

struct rw_criteria {
    double error_share;
    /* Of p50, p90, p99, p99.9, the slowest; UINT64_MAX: no such target. The load counts by them. */
    uint64_t most_ns[RW_TIMELINE_LIMITS];
    double rate; /* requests per second that are due; 0: a closed loop */
};

void rw_criteria_of(const struct rw_acceptance *file, unsigned load, struct rw_criteria *criteria);

struct rw_recovery {
    bool noticed;                /* something was not good */
    double from_begin, from_end; /* seconds; infinite: not within the rows */
    double lost_seconds;         /* of traffic: requests that failed until then */
};

void rw_recovery_of(const struct rw_criteria *criteria, const struct rw_trial *trial,
                    struct rw_recovery *recovery);

#endif
