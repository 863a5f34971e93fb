#include "verify/trial.h"

#include "base/alloc.h"
#include "verify/recovery.h"

#include <math.h>
#include <stdio.h>

enum { SPARE_MS = 2000 };

enum stage { BEFORE, DURING, AFTER, OVER };

struct trial {
    struct rw_verify_run *run;
    struct rw_trial *record;
    const struct rw_verify_fault *file;
    const struct rw_dependency *dependency;
    struct rw_system_target target;
    struct rw_fault *fault;
    struct rw_criteria criteria;
    struct rw_load_run load_run;
    enum stage stage;
    enum rw_err err;
};

/* ---- The fault ---- */

static void give_order(const struct rw_verify_fault *from, struct rw_fault_order *to)
{
    rw_fault_order_init(to, from->class);
    to->ms_max = from->for_ms + SPARE_MS;
    to->parts = from->parts;
    to->share_percent = from->share_percent;
    to->delay_ms = from->delay_ms;
    to->jitter_ms = from->jitter_ms;
    to->step_ms = from->back ? -(int64_t)from->step_ms : from->step_ms;
    to->connections = from->connections;
    to->per_second = from->per_second;
    if (from->bytes)
        to->bytes = from->bytes;
    if (from->bytes_per_second)
        to->bytes_per_second = from->bytes_per_second;
}

static void begin_fault(struct trial *trial, double now_s)
{
    struct rw_fault_order order;
    give_order(trial->file, &order);
    rw_system_target(&trial->run->system, trial->dependency, &trial->target);
    trial->record->begin_s = now_s;
    trial->stage = DURING;
    if (rw_fault_begin(trial->run->faults, &trial->target.target, &order, &trial->fault,
                       trial->record->why)) {
        trial->fault = NULL;
        trial->stage = OVER;
    }
}

static void end_fault(struct trial *trial)
{
    struct rw_fault_observed observed = {0};
    if (!trial->fault)
        return;
    rw_fault_end(trial->fault, &observed);
    trial->fault = NULL;
    trial->record->happened = observed.happened;
    trial->record->observed = observed.count;
    if (!observed.happened)
        snprintf(trial->record->why, sizeof(trial->record->why), "it was not seen to act");
    if (trial->file->class == RW_FAULT_KILL)
        trial->err = rw_system_revive(&trial->run->system, trial->dependency, &trial->run->why);
}

/* ---- The load around it ---- */

static void look_after(struct trial *trial, const struct rw_load_progress *progress)
{
    struct rw_trial so_far = *trial->record;
    struct rw_recovery recovery;
    so_far.rows = (struct rw_timeline_row *)progress->all;
    so_far.row_count = progress->rows;
    rw_recovery_of(&trial->criteria, &so_far, &recovery);
    double waited_s = progress->seconds - trial->record->end_s;
    if (isfinite(recovery.from_end) || waited_s * 1e3 > trial->file->recovery_ms_max)
        trial->stage = OVER;
}

static void advance(struct trial *trial, const struct rw_load_progress *progress)
{
    struct rw_fault_observed observed;
    double now_s = progress->seconds;
    switch (trial->stage) {
    case BEFORE:
        if (now_s * 1e3 >= trial->file->before_ms)
            begin_fault(trial, now_s);
        break;
    case DURING:
        rw_fault_observe(trial->fault, &observed);
        if ((now_s - trial->record->begin_s) * 1e3 < trial->file->for_ms)
            break;
        end_fault(trial);
        trial->record->end_s = now_s;
        trial->stage = trial->err ? OVER : AFTER;
        break;
    case AFTER:
        look_after(trial, progress);
        break;
    case OVER:
        break;
    }
}

static void on_progress(const struct rw_load_progress *progress, void *user)
{
    struct trial *trial = user;
    struct rw_verify_run *run = trial->run;
    if (progress->seconds >= 0)
        advance(trial, progress);
    run->now.now = progress;
    run->now.left_s = fmax(0, run->planned_s - run->done_s - progress->seconds);
    if (run->progress)
        run->progress(&run->now, run->user);
    if (trial->stage == OVER || atomic_load(&run->stop))
        rw_load_stop(&trial->load_run);
}

/* The load that the fault names, for as long as this may take, from the first second on. */
static void set_load(struct rw_verify_run *run, const struct rw_verify_fault *fault,
                     unsigned repetition, struct rw_load_settings *settings)
{
    struct rw_verify_load load = rw_acceptance_loads(run->file)[fault->load];
    load.warmup_ms = 0;
    load.rate_to = 0;
    load.duration_ms = (uint32_t)(rw_acceptance_fault_seconds(fault) * 1e3) + SPARE_MS;
    rw_drive_settings(&run->drive, &load, run->file->seed + repetition, settings);
}

static enum rw_err keep(struct trial *trial, const struct rw_load_result *result, enum rw_err err)
{
    bool begun = trial->record->end_s > 0;
    if (trial->err)
        return trial->err;
    if (atomic_load(&trial->run->stop) && trial->stage != OVER) {
        trial->record->why[0] = '\0';
        return RW_OK; /* cut off: who knows what would have come of it */
    }
    if (err == RW_EREFUSED) {
        snprintf(trial->record->why, sizeof(trial->record->why),
                 "the connections could not all be had: %.150s", result->why);
        return RW_OK;
    }
    return err || !begun ? err : rw_trial_keep(trial->record, result);
}

static enum rw_err drive(struct trial *trial, unsigned repetition)
{
    struct rw_load_settings settings;
    struct rw_load_result *result = rw_alloc_zero(sizeof(*result));
    if (!result)
        return RW_ENOMEM;
    set_load(trial->run, trial->file, repetition, &settings);
    settings.limits_ns = trial->criteria.most_ns;
    trial->load_run =
        (struct rw_load_run){.settings = &settings, .progress = on_progress, .user = trial};
    enum rw_err err = rw_load_run(&trial->load_run, result);
    end_fault(trial);
    err = keep(trial, result, err);
    rw_load_result_close(result);
    rw_free(result);
    return err;
}

/* ---- All of them ---- */

/* What has ended by itself is started anew, for the next one. */
static enum rw_err look_at_system(struct rw_verify_run *run, struct rw_trial *trial)
{
    struct rw_text words = {0};
    trial->survived = rw_system_runs(&run->system, &words);
    if (!trial->survived)
        snprintf(trial->why, sizeof(trial->why), "%.200s", words.at ? words.at : "");
    rw_text_free(&words);
    if (trial->survived)
        return RW_OK;
    rw_system_stop(&run->system);
    return rw_system_start(&run->system, &run->why);
}

static enum rw_err run_trial(struct rw_verify_run *run, unsigned which, unsigned repetition)
{
    const struct rw_case *one = &run->record.cases[which];
    struct trial trial = {
        .run = run,
        .record = rw_record_trial(&run->record, which, repetition),
        .file = &rw_acceptance_faults(run->file)[one->fault],
        .dependency = one->dependency,
    };
    rw_system_target(&run->system, one->dependency, &trial.target);
    if (!rw_fault_possible(&trial.target.target, trial.file->class, trial.record->why)) {
        if (trial.target.why[0])
            snprintf(trial.record->why, sizeof(trial.record->why), "%s", trial.target.why);
        return RW_OK;
    }
    rw_criteria_of(run->file, trial.file->load, &trial.criteria);
    run->now.load = &rw_acceptance_loads(run->file)[trial.file->load];
    run->now.trial = one;
    run->now.fault = trial.file->class;
    enum rw_err err = drive(&trial, repetition);
    run->done_s += rw_acceptance_fault_seconds(trial.file);
    return err ? err : look_at_system(run, trial.record);
}

enum rw_err rw_trials_run(struct rw_verify_run *run, unsigned repetition)
{
    enum rw_err err = RW_OK;
    for (unsigned i = 0; !err && i < run->record.case_count && !atomic_load(&run->stop); i++)
        err = run_trial(run, i, repetition);
    run->now.trial = NULL;
    return err;
}
