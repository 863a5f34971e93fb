#include "verify/record.h"

#include "base/alloc.h"

#include <math.h>

enum rw_err rw_record_init(struct rw_record *record, unsigned loads, unsigned repetitions)
{
    *record = (struct rw_record){.loads = loads, .repetitions = repetitions};
    record->takes = rw_alloc_zero((size_t)loads * repetitions * sizeof(*record->takes));
    for (size_t i = 0; record->takes && i < (size_t)loads * repetitions; i++)
        record->takes[i].cpu_seconds = NAN;
    return record->takes ? RW_OK : RW_ENOMEM;
}

enum rw_err rw_record_take_cases(struct rw_record *record, unsigned repetitions)
{
    record->fault_repetitions = repetitions;
    record->trials =
        rw_alloc_zero(((size_t)record->case_count * repetitions + 1) * sizeof(*record->trials));
    return record->trials ? RW_OK : RW_ENOMEM;
}

void rw_record_free(struct rw_record *record)
{
    size_t trials = record->trials ? (size_t)record->case_count * record->fault_repetitions : 0;
    for (size_t i = 0; i < trials; i++)
        rw_free(record->trials[i].rows);
    rw_free(record->trials);
    for (size_t i = 0; record->takes && i < (size_t)record->loads * record->repetitions; i++) {
        rw_free(record->takes[i].tally);
        rw_free(record->takes[i].rows);
    }
    rw_free(record->takes);
    *record = (struct rw_record){0};
}

/* The last row is of a second that was not whole, and of what came after the end. */
static size_t whole_rows(const struct rw_load_result *result)
{
    size_t seconds = (size_t)result->seconds, count = result->timeline->count;
    if (result->interrupted && count)
        count--;
    return seconds < count ? seconds : count;
}

static enum rw_err keep_rows(const struct rw_load_result *result, size_t count,
                             struct rw_timeline_row **rows)
{
    *rows = rw_alloc((count + 1) * sizeof(**rows));
    if (!*rows)
        return RW_ENOMEM;
    memcpy(*rows, result->timeline->rows, count * sizeof(**rows));
    return RW_OK;
}

enum rw_err rw_trial_keep(struct rw_trial *trial, const struct rw_load_result *result)
{
    trial->row_count = whole_rows(result);
    trial->done = true;
    return keep_rows(result, trial->row_count, &trial->rows);
}

enum rw_err rw_take_keep(struct rw_take *take, const struct rw_load_settings *settings,
                         const struct rw_load_result *result)
{
    take->row_count = whole_rows(result);
    take->tally = rw_alloc(sizeof(*take->tally));
    if (!take->tally || keep_rows(result, take->row_count, &take->rows))
        return RW_ENOMEM;
    *take->tally = result->tally;
    enum rw_load_verdict verdict = rw_load_judge(settings, result);
    take->late = verdict == RW_LOAD_GENERATOR_LATE || verdict == RW_LOAD_GENERATOR_BUSY;
    take->busy = verdict == RW_LOAD_CONNECTIONS_BUSY;
    take->seconds = result->seconds;
    take->done = true;
    return RW_OK;
}
