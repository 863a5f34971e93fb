/* When the targets hold again: read off the seconds of a trial. Pure.
 *
 * A second is good when all targets of the trial's load that a second can show hold in it: errors
 * at most as the error rate says (RW_RECOVERY_ERRORS_USUAL without one), percentiles of the latency
 * (of those that a second has, the next one above), and something was answered. The system has
 * recovered at the first of RW_RECOVERY_ROWS good seconds in a row. So a time is known to the
 * second, and never told shorter than it was.
 */
#ifndef RW_VERIFY_RECOVERY_H
#define RW_VERIFY_RECOVERY_H

#include "verify/record.h"

enum { RW_RECOVERY_ROWS = 2 };
#define RW_RECOVERY_ERRORS_USUAL 0.01

struct rw_criteria {
    double error_share;
    double most_s[5]; /* of p50, p90, p99, p99.9, the slowest; infinite: no such target */
    double rate;      /* requests per second that are due; 0: a closed loop */
};

void rw_criteria_of(const struct rw_acceptance *file, unsigned load, struct rw_criteria *criteria);

bool rw_row_is_good(const struct rw_criteria *criteria, const struct rw_timeline_row *row);

struct rw_recovery {
    bool noticed;                /* some second was not good */
    double from_begin, from_end; /* seconds; infinite: not within the rows */
    double lost_seconds;         /* of traffic: requests that failed until then */
};

void rw_recovery_of(const struct rw_criteria *criteria, const struct rw_trial *trial,
                    struct rw_recovery *recovery);

#endif
