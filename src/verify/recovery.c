#include "verify/recovery.h"

#include "verify/target.h"

#include <math.h>

enum { SECOND = RW_TIMELINE_PARTS };

static const double percentiles[RW_TIMELINE_LIMITS] = {50, 90, 99, 99.9, 100};

static void add_latency(const struct rw_verify_target_latency *target, struct rw_criteria *criteria)
{
    unsigned column = 0;
    uint64_t most_ns = target->most_ms * 1000000ull;
    while (percentiles[column] < target->percentile)
        column++;
    if (most_ns < criteria->most_ns[column])
        criteria->most_ns[column] = most_ns;
}

void rw_criteria_of(const struct rw_acceptance *file, unsigned load, struct rw_criteria *criteria)
{
    const struct rw_verify_target *targets = rw_acceptance_targets(file);
    *criteria =
        (struct rw_criteria){.error_share = INFINITY, .rate = rw_acceptance_loads(file)[load].rate};
    for (unsigned i = 0; i < RW_TIMELINE_LIMITS; i++)
        criteria->most_ns[i] = UINT64_MAX;
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

/* ---- Tenths of seconds ---- */

static const struct rw_timeline_part *part_at(const struct rw_trial *trial, size_t at)
{
    return &trial->rows[at / RW_TIMELINE_PARTS].parts[at % RW_TIMELINE_PARTS];
}

static double seconds_at(size_t at)
{
    return (double)at / RW_TIMELINE_PARTS;
}

static size_t part_of(double seconds)
{
    return (size_t)(seconds * RW_TIMELINE_PARTS);
}

/* The second that begins there is whole, and good. */
static bool is_good(const struct rw_criteria *criteria, const struct rw_trial *trial, size_t from)
{
    double answered = 0, failed = 0, slow[RW_TIMELINE_LIMITS] = {0};
    if (from + SECOND > trial->row_count * RW_TIMELINE_PARTS)
        return false;
    for (size_t i = from; i < from + SECOND; i++) {
        const struct rw_timeline_part *part = part_at(trial, i);
        answered += part->answered;
        failed += part->failed;
        for (unsigned k = 0; k < RW_TIMELINE_LIMITS; k++)
            slow[k] += part->slow[k];
    }
    bool good = answered > 0 && failed <= criteria->error_share * answered;
    for (unsigned k = 0; k < RW_TIMELINE_LIMITS && good; k++)
        good = criteria->most_ns[k] == UINT64_MAX ||
               slow[k] <= (100 - percentiles[k]) / 100 * answered + 1e-9;
    return good;
}

/* The first, from `from` on, with which all is good for good; `none`: it never is. */
static size_t first_good(const struct rw_criteria *criteria, const struct rw_trial *trial,
                         size_t from, size_t none)
{
    size_t run = 0;
    for (size_t i = from; i < none; i++) {
        run = is_good(criteria, trial, i) ? run + 1 : 0;
        if (run > SECOND)
            return i + 1 - run;
    }
    return none;
}

/* ---- A trial ---- */

/* Requests per second; of a closed loop those that were answered before the fault. */
static double rate_of(const struct rw_criteria *criteria, const struct rw_trial *trial)
{
    size_t begin = part_of(trial->begin_s);
    double answered = 0;
    for (size_t i = 0; i < begin && i < trial->row_count * RW_TIMELINE_PARTS; i++)
        answered += part_at(trial, i)->answered;
    return criteria->rate > 0 ? criteria->rate : fmax(1, answered / fmax(1, trial->begin_s));
}

void rw_recovery_of(const struct rw_criteria *criteria, const struct rw_trial *trial,
                    struct rw_recovery *recovery)
{
    size_t count = trial->row_count * RW_TIMELINE_PARTS;
    size_t begin = part_of(trial->begin_s), end = part_of(trial->end_s), bad = begin;
    size_t good = first_good(criteria, trial, end, count);
    double failed = 0;
    *recovery = (struct rw_recovery){0};
    for (size_t i = begin; i < good; i++) {
        failed += part_at(trial, i)->failed;
        if (is_good(criteria, trial, i))
            continue;
        recovery->noticed = true;
        bad = i;
    }
    recovery->lost_seconds = failed / rate_of(criteria, trial);
    if (good == count) {
        recovery->from_begin = recovery->from_end = INFINITY;
        return;
    }
    /* The last bad moment may be long before the fault's end: the system went around it. */
    recovery->from_begin = recovery->noticed ? seconds_at(bad + 1) - trial->begin_s : 0;
    recovery->from_end = good > end ? seconds_at(good) - trial->end_s : 0;
}
