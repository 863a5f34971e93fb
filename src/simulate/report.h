/* What a simulation says: to people, and for machines. Each writer adds to `text`, whose `err`
 * tells when memory ran out, and is pure: the same run gives the same bytes.
 *
 * Of several runs the figures of the first are shown in full; a goal has the median of all and what
 * they range over. It is met when it holds in every run, not met when it holds in none, and else
 * undecided: n runs of which all are on one side say that the median is there, too, with a
 * confidence of 1 - 2^(1-n) (the sign test: 6 runs for 97 %).
 */
#ifndef RW_SIMULATE_REPORT_H
#define RW_SIMULATE_REPORT_H

#include "base/text.h"
#include "simulate/goal.h"

enum rw_simulate_outcome { RW_SIMULATE_MET, RW_SIMULATE_NOT_MET, RW_SIMULATE_UNDECIDED };

struct rw_simulate_verdict {
    enum rw_simulate_outcome outcome;
    double limit, median, low, high;
};

struct rw_simulate_sheet {
    const struct rw_simulate_model *model;
    const struct rw_simulate_run *run;
    struct rw_simulate_verdict verdicts[RW_SIMULATE_GOALS_MAX];
    unsigned met, not_met, undecided;
};

/* Judges all goals; the run is over. */
void rw_simulate_sheet_make(const struct rw_simulate_model *model,
                            const struct rw_simulate_run *run, struct rw_simulate_sheet *sheet);
static inline bool rw_simulate_holds(const struct rw_simulate_sheet *sheet)
{
    return sheet->met == sheet->model->goals.count;
}

const char *rw_simulate_outcome_key(enum rw_simulate_outcome outcome);
struct rw_label rw_simulate_outcome_label(enum rw_simulate_outcome outcome);

/* "12.3 ms"; a dash where there is none. */
void rw_simulate_add_quantity(struct rw_quantity quantity, enum rw_language language,
                              struct rw_text *text);

/* The shares of which all reports tell the latency. */
enum { RW_SIMULATE_SHARES = 5 };
extern const double rw_simulate_shares[RW_SIMULATE_SHARES];
extern const char *const rw_simulate_share_names[RW_SIMULATE_SHARES];

/* A table, for a terminal. */
void rw_simulate_report_text(const struct rw_simulate_sheet *sheet, enum rw_language language,
                             struct rw_text *text);
/* One page that needs nothing else. */
void rw_simulate_report_html(const struct rw_simulate_sheet *sheet, enum rw_language language,
                             struct rw_text *text);
/* One object; times in seconds, shares from 0 to 1. */
void rw_simulate_report_json(const struct rw_simulate_sheet *sheet, struct rw_text *text);
/* The rows of the first run. */
void rw_simulate_report_csv(const struct rw_simulate_sheet *sheet, struct rw_text *text);

#endif
