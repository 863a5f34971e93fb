/* Targets that faults show. */
#include "verify/coverage.h"
#include "verify/judge.h"
#include "verify/recovery.h"

#include <math.h>

/* ---- Recovery ---- */

/* Trials in which the fault was seen to act. */
static bool is_valid(const struct rw_trial *trial)
{
    return trial->done && trial->happened;
}

static struct rw_recovery recovery_of(const struct rw_judging *judging, unsigned which,
                                      const struct rw_trial *trial)
{
    const struct rw_verify_fault *faults = rw_acceptance_faults(judging->file);
    struct rw_criteria criteria;
    struct rw_recovery recovery;
    rw_criteria_of(judging->file, faults[judging->record->cases[which].fault].load, &criteria);
    rw_recovery_of(&criteria, trial, &recovery);
    return recovery;
}

/* The worst of one repetition; NaN: none was caused. */
static double worst_of(const struct rw_judging *judging, enum rw_recovery_from from,
                       unsigned repetition)
{
    double worst = NAN;
    for (unsigned i = 0; i < judging->record->case_count; i++) {
        const struct rw_trial *trial = rw_record_trial(judging->record, i, repetition);
        if (!is_valid(trial))
            continue;
        struct rw_recovery recovery = recovery_of(judging, i, trial);
        worst = fmax(worst, from == RW_RECOVERY_FROM_END ? recovery.from_end : recovery.from_begin);
    }
    return worst;
}

void rw_judge_recovery(const struct rw_judging *judging, const void *value,
                       struct rw_verdict *verdict)
{
    const struct rw_verify_target_recovery *target = value;
    double worst = NAN;
    for (unsigned i = 0; i < judging->record->fault_repetitions; i++) {
        double seconds = worst_of(judging, (enum rw_recovery_from)target->from, i);
        if (isnan(seconds))
            continue;
        verdict->values[verdict->repetitions++] = seconds;
        worst = fmax(worst, seconds);
    }
    if (isnan(worst)) {
        verdict->reason = RW_VERIFY_REASON_NO_FAULT;
        return;
    }
    verdict->measured = worst;
    verdict->interval =
        (struct rw_interval){isinf(worst) ? worst : fmax(0, worst - RW_RECOVERY_STEP_S), worst};
    verdict->method = RW_VERIFY_METHOD_WORST_MOMENT;
    rw_verdict_decide(verdict, false);
}

/* ---- Coverage ---- */

void rw_judge_coverage(const struct rw_judging *judging, const void *value,
                       struct rw_verdict *verdict)
{
    double share = rw_coverage_share(judging->coverage);
    (void)value;
    verdict->measured = share;
    verdict->interval = (struct rw_interval){share, share};
    verdict->method = RW_VERIFY_METHOD_COUNTED;
    rw_verdict_decide(verdict, true);
}

/* ---- Data loss ---- */

static enum rw_verify_reason why_not_counted(const struct rw_record *record)
{
    const struct rw_ledger_sum *ledger = &record->ledger;
    if (ledger->blind == RW_LEDGER_FINDS_ALL)
        return RW_VERIFY_REASON_READS_FIND_ALL;
    if (ledger->blind == RW_LEDGER_FINDS_NONE)
        return RW_VERIFY_REASON_READS_FIND_NONE;
    if (!ledger->kept)
        return record->case_count ? RW_VERIFY_REASON_NOT_COUNTED : RW_VERIFY_REASON_NO_FAULT;
    return ledger->acknowledged ? RW_VERIFY_REASON_NONE : RW_VERIFY_REASON_NOTHING_ANSWERED;
}

void rw_judge_data_loss(const struct rw_judging *judging, const void *value,
                        struct rw_verdict *verdict)
{
    const struct rw_ledger_sum *ledger = &judging->record->ledger;
    (void)value;
    verdict->reason = why_not_counted(judging->record);
    if (verdict->reason != RW_VERIFY_REASON_NONE)
        return;
    double lost = (double)ledger->lost, unread = (double)ledger->unread;
    verdict->measured = lost;
    verdict->interval = (struct rw_interval){lost, lost + unread};
    verdict->method = RW_VERIFY_METHOD_COUNTED;
    rw_verdict_decide(verdict, false);
    bool judged = verdict->result != RW_VERIFY_UNJUDGED;
    verdict->reason = judged ? RW_VERIFY_REASON_WRITES : RW_VERIFY_REASON_UNREAD;
    verdict->number = judged ? (double)ledger->acknowledged : unread;
    verdict->number_unit = RW_UNIT_COUNT;
}

/* ---- Availability ---- */

/* The time that the faults of the window cost, in seconds of traffic: how often each is expected,
 * times what one costs. With two trials or more a confidence interval of that; one stands for
 * itself. */
struct lost_time {
    double mean;
    struct rw_interval interval;
};

static void add_case(const struct rw_judging *judging, unsigned which, struct lost_time *lost)
{
    const struct rw_verify_fault *fault =
        &rw_acceptance_faults(judging->file)[judging->record->cases[which].fault];
    double values[RW_RECORD_REPETITIONS_MAX], often = fault->per_window;
    size_t count = 0;
    for (unsigned i = 0; often > 0 && i < judging->record->fault_repetitions; i++) {
        const struct rw_trial *trial = rw_record_trial(judging->record, which, i);
        if (is_valid(trial))
            values[count++] = recovery_of(judging, which, trial).lost_seconds;
    }
    if (!count)
        return;
    double mean = rw_mean(values, count);
    struct rw_interval interval = {mean, mean};
    if (count >= 2)
        interval = rw_confidence_mean(values, count, judging->confidence);
    lost->mean += often * mean;
    lost->interval.low += often * fmax(0, interval.low);
    lost->interval.high += often * interval.high;
}

/* Requests of the load, all repetitions; how many of them failed. */
static uint64_t count_requests(const struct rw_judging *judging, uint64_t *failed)
{
    uint64_t all = 0;
    *failed = 0;
    for (unsigned i = 0; i < judging->record->repetitions; i++) {
        const struct rw_take *take = rw_record_take(judging->record, judging->load, i);
        if (!take->done)
            continue;
        all += take->tally->counts.answered;
        *failed += take->tally->counts.failed;
        for (unsigned k = 0; k < RW_LOAD_ERROR_COUNT; k++)
            all += take->tally->counts.errors[k];
    }
    return all;
}

/* Errors between faults, and the time that faults cost, each share of the window. */
void rw_judge_availability(const struct rw_judging *judging, const void *value,
                           struct rw_verdict *verdict)
{
    const struct rw_verify_target_availability *target = value;
    double window_s = target->window_days * 86400.0, budget = 1 - verdict->limit;
    struct lost_time lost = {0};
    uint64_t failed, all = count_requests(judging, &failed);
    if (!all) {
        verdict->reason = RW_VERIFY_REASON_NOTHING_ANSWERED;
        return;
    }
    for (unsigned i = 0; i < judging->record->case_count; i++)
        add_case(judging, i, &lost);
    struct rw_interval errors = rw_confidence_share(failed, all, judging->confidence);
    verdict->measured = fmax(0, 1 - (double)failed / (double)all - lost.mean / window_s);
    verdict->interval.low = fmax(0, 1 - errors.high - lost.interval.high / window_s);
    verdict->interval.high = fmax(0, 1 - errors.low - lost.interval.low / window_s);
    verdict->method = RW_VERIFY_METHOD_BUDGET;
    double spare = budget - lost.interval.high / window_s;
    if (!failed && spare > 0 && errors.high > spare) {
        verdict->reason = RW_VERIFY_REASON_FEW_REQUESTS;
        verdict->number = (double)rw_confidence_trials(spare, judging->confidence);
        verdict->number_unit = RW_UNIT_COUNT;
    }
    rw_verdict_decide(verdict, true);
    if (verdict->reason == RW_VERIFY_REASON_NONE && budget > 0) {
        verdict->reason = RW_VERIFY_REASON_BUDGET;
        verdict->number = (1 - verdict->measured) / budget;
        verdict->number_unit = RW_UNIT_SHARE;
    }
}
