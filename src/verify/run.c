#include "verify/run.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "verify/target.h"
#include "verify/trial.h"

#include <math.h>

/* ---- One load ---- */

static void on_progress(const struct rw_load_progress *progress, void *user)
{
    struct rw_verify_run *run = user;
    double seconds = fmax(0, progress->seconds);
    if (progress->seconds >= 0 && progress->connected < run->take->connections_least)
        run->take->connections_least = progress->connected;
    run->now.now = progress;
    run->now.left_s = fmax(0, run->planned_s - run->done_s - seconds);
    if (run->progress)
        run->progress(&run->now, run->user);
    if (atomic_load(&run->stop))
        rw_load_stop(run->load_run);
}

/* The same in each repetition is told once. */
static void tell_refused(struct rw_verify_run *run, unsigned connections, const char *why)
{
    struct rw_text line = {0};
    rw_text_addf(&line, "%s: the %u connections could not all be had: %s\n", run->file->url.at,
                 connections, why[0] ? why : "no answer in time");
    if (line.at && (!run->why.at || !strstr(run->why.at, line.at)))
        rw_text_adds(&run->why, line.at);
    rw_text_free(&line);
}

static enum rw_err keep(struct rw_verify_run *run, const struct rw_load_settings *settings,
                        const struct rw_load_result *result, enum rw_err err)
{
    run->take->refused = err == RW_EREFUSED && !result->interrupted;
    if (run->take->refused) {
        tell_refused(run, settings->connections, result->why);
        return RW_OK;
    }
    if (err == RW_EREFUSED || (result->interrupted && result->timeline->count == 0))
        return RW_OK; /* stopped before anything was measured */
    return err ? err : rw_take_keep(run->take, settings, result);
}

static enum rw_err drive_load(struct rw_verify_run *run, unsigned load, unsigned repetition)
{
    const struct rw_verify_load *loads = rw_acceptance_loads(run->file);
    struct rw_load_result *result = rw_alloc_zero(sizeof(*result));
    struct rw_load_settings settings;
    if (!result)
        return RW_ENOMEM;
    rw_drive_settings(&run->drive, &loads[load], run->file->seed + repetition, &settings);
    struct rw_load_run load_run = {.settings = &settings, .progress = on_progress, .user = run};
    run->take = rw_record_take(&run->record, load, repetition);
    run->take->begin_s = (double)(rw_clock_monotonic_ns() - run->begin_ns) / 1e9;
    run->take->connections_least = settings.connections;
    run->now.load = &loads[load];
    run->load_run = &load_run;
    double cpu_s = rw_system_cpu_seconds(&run->system);
    enum rw_err err = keep(run, &settings, result, rw_load_run(&load_run, result));
    run->take->cpu_seconds = rw_system_cpu_seconds(&run->system) - cpu_s;
    run->load_run = NULL;
    run->done_s += rw_load_seconds(&settings) + settings.warmup_seconds;
    rw_load_result_close(result);
    rw_free(result);
    return err;
}

/* ---- One repetition ---- */

static enum rw_err drive_loads(struct rw_verify_run *run, unsigned repetition)
{
    enum rw_err err = RW_OK;
    for (unsigned i = 0; !err && i < run->file->loads.count && !atomic_load(&run->stop); i++) {
        err = drive_load(run, i, repetition);
        if (!err && !rw_system_runs(&run->system, &run->why))
            err = RW_ECLOSED;
    }
    return err;
}

static enum rw_err begin_writing(struct rw_verify_run *run)
{
    rw_ledger_prove(run->ledger);
    return rw_ledger_start(run->ledger);
}

static void end_writing(struct rw_verify_run *run, enum rw_err err)
{
    rw_ledger_stop(run->ledger);
    run->now.reading = true;
    if (!err && run->progress)
        run->progress(&run->now, run->user);
    if (!err)
        rw_ledger_read_back(run->ledger);
    run->now.reading = false;
}

/* The system again, this time with relays: what they cost is not measured with the targets. */
static enum rw_err disturb(struct rw_verify_run *run, unsigned repetition)
{
    const struct rw_faults_options options = {.seed = run->file->seed + repetition};
    run->now.load = NULL;
    if (run->progress)
        run->progress(&run->now, run->user);
    enum rw_err err = rw_faults_open(&options, &run->faults);
    if (!err)
        err = rw_system_place(&run->system, run->faults, RW_SYSTEM_DISTURBED, &run->why);
    if (!err)
        err = rw_system_start(&run->system, &run->why);
    if (!err && run->ledger)
        err = begin_writing(run);
    if (!err)
        err = rw_trials_run(run, repetition);
    if (run->ledger)
        end_writing(run, err);
    rw_system_stop(&run->system);
    rw_faults_close(run->faults);
    run->faults = NULL;
    return err;
}

/* As few things in the way as can be. */
static enum rw_err measure(struct rw_verify_run *run, unsigned repetition)
{
    const struct rw_faults_options options = {.seed = run->file->seed + repetition};
    enum rw_err err =
        rw_system_needs_faults(&run->system) ? rw_faults_open(&options, &run->faults) : RW_OK;
    if (!err)
        err = rw_system_place(&run->system, run->faults, RW_SYSTEM_QUIET, &run->why);
    if (!err)
        err = rw_system_start(&run->system, &run->why);
    if (!err)
        err = drive_loads(run, repetition);
    rw_system_stop(&run->system);
    rw_faults_close(run->faults);
    run->faults = NULL;
    return err;
}

static enum rw_err repeat(struct rw_verify_run *run, unsigned repetition)
{
    run->now = (struct rw_verify_progress){.repetition = repetition + 1,
                                           .repetitions = run->file->repetitions};
    if (run->progress)
        run->progress(&run->now, run->user);
    run->record.repeated = repetition + 1;
    enum rw_err err = measure(run, repetition);
    if (!err && repetition < run->file->fault_repetitions && run->record.case_count &&
        !atomic_load(&run->stop))
        err = disturb(run, repetition);
    return err;
}

/* ---- The run ---- */

static enum rw_err check_address(const struct rw_verify_run *run,
                                 const struct rw_verify_server *server, struct rw_span text,
                                 struct rw_text *why)
{
    struct rw_address address;
    enum rw_err err = rw_address_parse(text, &address);
    if (!err && !rw_is_allowed(run->allowed, (struct rw_span){"", 0}, &address))
        err = RW_EACCES;
    if (err)
        rw_text_addf(why, "%s:%u:%u: the server %s is not on loopback: %s\n", run->file->path,
                     server->place.line, server->place.column, server->name.at, text.at);
    return err;
}

static enum rw_err check_servers(const struct rw_verify_run *run, struct rw_text *why)
{
    const struct rw_verify_server *servers = rw_acceptance_servers(run->file);
    enum rw_err err = RW_OK;
    for (size_t i = 0; i < run->file->servers.count && !err; i++) {
        err = check_address(run, &servers[i], servers[i].address, why);
        if (!err && servers[i].listens.len)
            err = check_address(run, &servers[i], servers[i].listens, why);
    }
    return err;
}

/* Writes with numbers, if a target asks for them. */
static enum rw_err open_ledger(struct rw_verify_run *run)
{
    const struct rw_verify_target *targets = rw_acceptance_targets(run->file);
    const struct rw_verify_target_data_loss *target = NULL;
    bool built_in = false;
    for (size_t i = 0; i < run->file->targets.count; i++)
        if (rw_target_is(&targets[i], RW_TARGET_DATA_LOSS))
            target = targets[i].what.value;
    for (size_t i = 0; i < run->file->servers.count; i++)
        built_in = built_in || rw_acceptance_servers(run->file)[i].origin;
    if (!target || (!built_in && !target->read.len))
        return RW_OK;
    run->ledger = rw_alloc_zero(sizeof(*run->ledger));
    if (!run->ledger)
        return RW_ENOMEM;
    run->ledger->drive = &run->drive;
    run->ledger->target = target;
    run->ledger->counts = run->system.counts;
    run->ledger->interrupted = &run->stop;
    return rw_ledger_open(run->ledger, &run->why);
}

enum rw_err rw_verify_prepare(struct rw_verify_run *run)
{
    const struct rw_acceptance *file = run->file;
    rw_arena_init(&run->arena, NULL, 0, 64 * 1024, 256u << 20);
    enum rw_err err = rw_record_init(&run->record, (unsigned)file->loads.count, file->repetitions);
    if (!err)
        err = rw_cases_make(file, &run->arena, &run->record, &run->why);
    if (!err)
        run->planned_s = rw_cases_seconds(file, &run->record);
    if (!err)
        err = rw_drive_init(&run->drive, file, run->allowed, &run->why);
    if (!err)
        err = check_servers(run, &run->why);
    return err;
}

enum rw_err rw_verify_run(struct rw_verify_run *run)
{
    const struct rw_acceptance *file = run->file;
    run->begin_ns = rw_clock_monotonic_ns();
    rw_clock_format_rfc3339(run->record.began, rw_clock_wall_ns());
    enum rw_err err =
        rw_system_open(&run->system, &run->drive, run->record.config, &run->stop, &run->why);
    if (err)
        return err;
    err = open_ledger(run);
    for (unsigned i = 0; !err && i < file->repetitions && !atomic_load(&run->stop); i++)
        err = repeat(run, i);
    if (run->ledger)
        rw_ledger_sum(run->ledger, &run->record.ledger);
    rw_system_close(&run->system);
    run->record.interrupted = atomic_load(&run->stop);
    run->record.seconds = (double)(rw_clock_monotonic_ns() - run->begin_ns) / 1e9;
    return err == RW_ECANCELED ? RW_OK : err;
}

void rw_verify_stop(struct rw_verify_run *run)
{
    atomic_store(&run->stop, true);
}

void rw_verify_run_close(struct rw_verify_run *run)
{
    rw_drive_free(&run->drive);
    rw_record_free(&run->record);
    rw_arena_free(&run->arena);
    if (run->ledger)
        rw_ledger_close(run->ledger);
    rw_free(run->ledger);
    rw_text_free(&run->why);
}
