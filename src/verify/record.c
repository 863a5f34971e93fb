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

void rw_record_free(struct rw_record *record)
{
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
    size_t seconds = (size_t)result->seconds;
    return seconds < result->timeline->count ? seconds : result->timeline->count;
}

enum rw_err rw_take_keep(struct rw_take *take, const struct rw_load_settings *settings,
                         const struct rw_load_result *result)
{
    take->row_count = whole_rows(result);
    take->tally = rw_alloc(sizeof(*take->tally));
    take->rows = rw_alloc((take->row_count + 1) * sizeof(*take->rows));
    if (!take->tally || !take->rows)
        return RW_ENOMEM;
    *take->tally = result->tally;
    memcpy(take->rows, result->timeline->rows, take->row_count * sizeof(*take->rows));
    enum rw_load_verdict verdict = rw_load_judge(settings, result);
    take->late = verdict == RW_LOAD_GENERATOR_LATE;
    take->busy = verdict == RW_LOAD_CONNECTIONS_BUSY;
    take->seconds = result->seconds;
    take->done = true;
    return RW_OK;
}
