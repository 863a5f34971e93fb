/* What a run left behind: for each repetition and load what the generator counted, its rows of
 * seconds, what the system used. Written by the run, read by verdicts and reports.
 */
#ifndef RW_VERIFY_RECORD_H
#define RW_VERIFY_RECORD_H

#include "load/run.h"
#include "verify/acceptance.h"

enum { RW_RECORD_REPETITIONS_MAX = RW_ACCEPTANCE_REPETITIONS_MAX };

/* One load of one repetition. */
struct rw_take {
    bool done;
    bool refused; /* the system did not take all connections: nothing was measured */
    bool late;    /* the generator was the bottleneck */
    bool busy;    /* all connections were, when requests were due */
    double seconds;
    double begin_s;               /* since the begin of the run */
    double cpu_seconds;           /* of the gateway's processes; NaN: not known */
    uint32_t connections_least;   /* open at the same time, at the worst moment */
    struct rw_load_tally *tally;  /* NULL unless done */
    struct rw_timeline_row *rows; /* whole seconds */
    size_t row_count;
};

struct rw_record {
    unsigned loads, repetitions; /* planned */
    unsigned repeated;           /* that have begun */
    bool interrupted;
    double seconds;        /* of all */
    struct rw_take *takes; /* loads x repetitions */
};

RW_MUST_CHECK enum rw_err rw_record_init(struct rw_record *record, unsigned loads,
                                         unsigned repetitions);
void rw_record_free(struct rw_record *record);

static inline struct rw_take *rw_record_take(const struct rw_record *record, unsigned load,
                                             unsigned repetition)
{
    return &record->takes[repetition * record->loads + load];
}

/* Takes a copy of what a load run measured. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_take_keep(struct rw_take *take,
                                       const struct rw_load_settings *settings,
                                       const struct rw_load_result *result);

#endif
