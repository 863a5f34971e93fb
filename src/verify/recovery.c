#include "verify/recovery.h"

#include "verify/target.h"

#include <math.h>

enum { COLUMNS = 5 };

static const double percentiles[COLUMNS] = {50, 90, 99, 99.9, 100};

static void add_latency(const struct rw_verify_target_latency *target, struct rw_criteria *criteria)
{
    unsigned column = 0;
    while (percentiles[column] < target->percentile)
        column++;
    criteria->most_s[column] = fmin(criteria->most_s[column], target->most_ms / 1e3);
}

void rw_criteria_of(const struct rw_acceptance *file, unsigned load, struct rw_criteria *criteria)
{
    const struct rw_verify_target *targets = rw_acceptance_targets(file);
    *criteria =
        (struct rw_criteria){.error_share = INFINITY, .rate = rw_acceptance_loads(file)[load].rate};
    for (unsigned i = 0; i < COLUMNS; i++)
        criteria->most_s[i] = INFINITY;
    for (size_t i = 0; i < file->targets.count; i++) {
        const void *value = targets[i].what.value;
        if (targets[i].load != load)
            continue;
        if (rw_target_is(&targets[i], RW_TARGET_LATENCY))
            add_latency(value, criteria);
        if (rw_target_is(&targets[i], RW_TARGET_ERRORS))
            criteria->error_share =
                fmin(criteria->error_share,
                     ((const struct rw_verify_target_errors *)value)->most_percent / 100);
    }
    if (isinf(criteria->error_share))
        criteria->error_share = RW_RECOVERY_ERRORS_USUAL;
}

bool rw_row_is_good(const struct rw_criteria *criteria, const struct rw_timeline_row *row)
{
    const uint64_t values[COLUMNS] = {row->p50_ns, row->p90_ns, row->p99_ns, row->p999_ns,
                                      row->most_ns};
    if (!row->answered)
        return false;
    if ((double)row->failed > criteria->error_share * (double)row->answered)
        return false;
    for (unsigned i = 0; i < COLUMNS; i++)
        if ((double)values[i] / 1e9 > criteria->most_s[i])
            return false;
    return true;
}

/* The first row, from `from` on, with which a run of good ones begins; row_count: none does. */
static size_t first_good(const struct rw_criteria *criteria, const struct rw_trial *trial,
                         size_t from)
{
    size_t run = 0;
    for (size_t i = from; i < trial->row_count; i++) {
        run = rw_row_is_good(criteria, &trial->rows[i]) ? run + 1 : 0;
        if (run == RW_RECOVERY_ROWS)
            return i + 1 - run;
    }
    return trial->row_count;
}

void rw_recovery_of(const struct rw_criteria *criteria, const struct rw_trial *trial,
                    struct rw_recovery *recovery)
{
    size_t begin = (size_t)trial->begin_s, end = (size_t)trial->end_s;
    size_t good = first_good(criteria, trial, end), bad = begin;
    double failed = 0, answered = 0;
    *recovery = (struct rw_recovery){0};
    for (size_t i = begin; i < good; i++) {
        failed += (double)trial->rows[i].failed;
        answered += (double)trial->rows[i].answered;
        if (rw_row_is_good(criteria, &trial->rows[i]))
            continue;
        recovery->noticed = true;
        bad = i;
    }
    recovery->lost_seconds = failed / (criteria->rate > 0 ? criteria->rate : fmax(1, answered));
    if (good == trial->row_count) {
        recovery->from_begin = recovery->from_end = INFINITY;
        return;
    }
    /* The last bad second may be long before the fault's end: the system went around it. */
    recovery->from_begin = recovery->noticed ? (double)(bad + 1) - trial->begin_s : 0;
    recovery->from_end = good > end ? (double)good - trial->end_s : 0;
}
