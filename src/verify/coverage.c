#include "verify/coverage.h"

#include "base/alloc.h"
#include "verify/recovery.h"
#include "verify/target.h"

#include <math.h>

static const struct {
    const char *name;
    struct rw_label label;
} states[] = {
    [RW_PAIR_NOT_ASKED] = {"not_exercised", RW_LABEL("not exercised", "未演练")},
    [RW_PAIR_IMPOSSIBLE] = {"impossible", RW_LABEL("could not be caused", "无法制造")},
    [RW_PAIR_FAILED] = {"failed", RW_LABEL("failed", "未通过")},
    [RW_PAIR_PASSED] = {"passed", RW_LABEL("passed", "通过")},
};

const char *rw_pair_state_name(enum rw_pair_state state)
{
    return states[state].name;
}

struct rw_label rw_pair_state_label(enum rw_pair_state state)
{
    return states[state].label;
}

/* What the recovery must keep within: from the fault's end, and from its begin. */
struct limits {
    double from_end, from_begin;
};

static struct limits limits_of(const struct rw_acceptance *file,
                               const struct rw_verify_fault *fault)
{
    const struct rw_verify_target *targets = rw_acceptance_targets(file);
    struct limits limits = {INFINITY, INFINITY};
    for (size_t i = 0; i < file->targets.count; i++) {
        const struct rw_verify_target_recovery *target = targets[i].what.value;
        if (!rw_target_is(&targets[i], RW_TARGET_RECOVERY))
            continue;
        double *limit =
            target->from == RW_RECOVERY_FROM_END ? &limits.from_end : &limits.from_begin;
        *limit = fmin(*limit, target->most_ms / 1e3);
    }
    if (isinf(limits.from_end) && isinf(limits.from_begin))
        limits.from_end = fault->recovery_ms_max / 1e3;
    return limits;
}

/* A trial more: a pair is as good as its worst one. */
static void add_trial(const struct rw_acceptance *file, const struct rw_verify_fault *fault,
                      const struct rw_trial *trial, struct rw_pair *pair)
{
    const struct limits limits = limits_of(file, fault);
    struct rw_criteria criteria;
    struct rw_recovery recovery;
    if (!trial->done && !trial->why[0])
        return; /* interrupted before, or meanwhile */
    if (!trial->done || !trial->happened) {
        pair->state = RW_PAIR_IMPOSSIBLE;
        pair->why = trial->why;
        return;
    }
    rw_criteria_of(file, fault->load, &criteria);
    rw_recovery_of(&criteria, trial, &recovery);
    pair->recovery_s = fmax(pair->recovery_s, recovery.from_end);
    pair->recovery_begin_s = fmax(pair->recovery_begin_s, recovery.from_begin);
    pair->lost_s = fmax(pair->lost_s, recovery.lost_seconds);
    pair->observed += trial->observed;
    pair->noticed |= recovery.noticed;
    if (!trial->survived)
        pair->why = trial->why;
    bool passed = trial->survived && recovery.from_end <= limits.from_end &&
                  recovery.from_begin <= limits.from_begin;
    if (pair->state == RW_PAIR_NOT_ASKED || (pair->state == RW_PAIR_PASSED && !passed))
        pair->state = passed ? RW_PAIR_PASSED : RW_PAIR_FAILED;
}

static void fill(const struct rw_acceptance *file, const struct rw_record *record,
                 struct rw_pair *pair)
{
    unsigned repeated =
        record->repeated < record->fault_repetitions ? record->repeated : record->fault_repetitions;
    for (unsigned i = 0; i < record->case_count; i++) {
        const struct rw_verify_fault *fault = &rw_acceptance_faults(file)[record->cases[i].fault];
        if (record->cases[i].dependency != pair->dependency || fault->class != pair->fault)
            continue;
        for (unsigned k = 0; k < repeated; k++)
            add_trial(file, fault, rw_record_trial(record, i, k), pair);
    }
}

enum rw_err rw_coverage_make(const struct rw_acceptance *file, const struct rw_record *record,
                             struct rw_coverage *coverage)
{
    *coverage = (struct rw_coverage){.count = rw_fault_pairs(&record->dependencies)};
    coverage->pairs = rw_alloc_zero((coverage->count + 1) * sizeof(*coverage->pairs));
    if (!coverage->pairs)
        return RW_ENOMEM;
    for (size_t i = 0; i < coverage->count; i++) {
        struct rw_pair *pair = &coverage->pairs[i];
        rw_fault_pair(&record->dependencies, i, &pair->dependency, &pair->fault);
        pair->recovery_s = pair->recovery_begin_s = pair->lost_s = NAN;
        pair->why = "";
        fill(file, record, pair);
        coverage->passed += pair->state == RW_PAIR_PASSED;
        coverage->failed += pair->state == RW_PAIR_FAILED;
        coverage->exercised += pair->state >= RW_PAIR_FAILED;
    }
    return RW_OK;
}

void rw_coverage_free(struct rw_coverage *coverage)
{
    rw_free(coverage->pairs);
    coverage->pairs = NULL;
}
