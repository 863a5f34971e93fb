/* What a run left behind: for each repetition and load what the generator counted, its rows of
 * seconds, what the system used. Written by the run, read by verdicts and reports.
 */
#ifndef RW_VERIFY_RECORD_H
#define RW_VERIFY_RECORD_H

#include "load/run.h"
#include "verify/acceptance.h"
#include "verify/fault/fault.h"

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
    struct rw_timeline_row *rows; /* whole seconds, while requests were due */
    size_t row_count;
};

/* A fault of the file on one dependency. */
struct rw_case {
    unsigned fault; /* of the file */
    const struct rw_dependency *dependency;
};

/* A case in one repetition: the load, the fault in the middle of it, and what came after. Times are
 * seconds since the begin of its load, as the rows count them, whose parts are filled. */
struct rw_trial {
    bool done;
    bool happened; /* it was seen to act */
    bool survived; /* nothing ended that was not killed by it */
    uint64_t observed;
    double begin_s, end_s;
    struct rw_timeline_row *rows;
    size_t row_count;
    char why[RW_FAULT_WHY_BYTES]; /* it could not be caused; "" */
};

/* Why reads say nothing of what is lost. */
enum rw_ledger_blind { RW_LEDGER_SEES, RW_LEDGER_FINDS_ALL, RW_LEDGER_FINDS_NONE };

/* Writes that were acknowledged, against those that the built-in servers have seen, or that were
 * read back. */
struct rw_ledger_sum {
    bool kept; /* somebody looked on both sides */
    enum rw_ledger_blind blind;
    uint64_t sent, acknowledged, lost;
    uint64_t twice;  /* seen by built-in servers more than once */
    uint64_t unread; /* of the acknowledged: no read told */
};

struct rw_record {
    unsigned loads, repetitions; /* planned */
    unsigned repeated;           /* that have begun */
    bool interrupted;
    char began[25];                 /* "2026-01-31T23:59:59.123Z" */
    double seconds;                 /* of all */
    struct rw_take *takes;          /* loads x repetitions */
    const struct rw_config *config; /* of the gateway that is started; NULL: it runs already */
    struct rw_dependencies dependencies;
    const struct rw_case *cases;
    unsigned case_count, fault_repetitions;
    struct rw_trial *trials; /* cases x fault repetitions */
    struct rw_ledger_sum ledger;
};

/* RW_ENOMEM. Cases come later: rw_record_take_cases. */
RW_MUST_CHECK enum rw_err rw_record_init(struct rw_record *record, unsigned loads,
                                         unsigned repetitions);
/* Makes room for their trials. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_record_take_cases(struct rw_record *record, unsigned repetitions);
void rw_record_free(struct rw_record *record);

static inline struct rw_trial *rw_record_trial(const struct rw_record *record, unsigned which,
                                               unsigned repetition)
{
    return &record->trials[repetition * record->case_count + which];
}

static inline struct rw_take *rw_record_take(const struct rw_record *record, unsigned load,
                                             unsigned repetition)
{
    return &record->takes[repetition * record->loads + load];
}

/* Takes a copy of what a load run measured. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_take_keep(struct rw_take *take,
                                       const struct rw_load_settings *settings,
                                       const struct rw_load_result *result);
/* The same for a trial: its rows. */
RW_MUST_CHECK enum rw_err rw_trial_keep(struct rw_trial *trial,
                                        const struct rw_load_result *result);

#endif
