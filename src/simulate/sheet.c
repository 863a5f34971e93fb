/* Verdicts, and the words that reports share. */
#include "simulate/report.h"

#include <math.h>

const double rw_simulate_shares[RW_SIMULATE_SHARES] = {0.5, 0.9, 0.99, 0.999, 1};
const char *const rw_simulate_share_names[RW_SIMULATE_SHARES] = {"p50", "p90", "p99", "p99.9",
                                                                 "max"};

static const struct {
    const char *key;
    struct rw_label label;
} outcomes[] = {
    [RW_SIMULATE_MET] = {"met", RW_LABEL("met", "达标")},
    [RW_SIMULATE_NOT_MET] = {"not_met", RW_LABEL("not met", "未达标")},
    [RW_SIMULATE_UNDECIDED] = {"undecided", RW_LABEL("in some runs", "部分运行达标")},
};

const char *rw_simulate_outcome_key(enum rw_simulate_outcome outcome)
{
    return outcomes[outcome].key;
}

struct rw_label rw_simulate_outcome_label(enum rw_simulate_outcome outcome)
{
    return outcomes[outcome].label;
}

void rw_simulate_add_quantity(struct rw_quantity quantity, enum rw_language language,
                              struct rw_text *text)
{
    if (isnan(quantity.value))
        rw_text_adds(text, "–");
    else if (quantity.unit == RW_UNIT_SECONDS && quantity.value == 0)
        rw_text_adds(text, rw_label_in(RW_TEXTS("0 s", "0 秒"), language));
    else
        rw_quantity_write(text, quantity, language);
}

/* Rising; NaN last. */
static void sort(double *values, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        for (unsigned k = i; k && !(values[k - 1] <= values[k]); k--) {
            double swapped = values[k];
            values[k] = values[k - 1];
            values[k - 1] = swapped;
        }
}

static void judge(const struct rw_simulate_sheet *sheet, const struct rw_simulate_goal *goal,
                  struct rw_simulate_verdict *verdict)
{
    const struct rw_simulate_goal_kind *kind = rw_simulate_goal_kind(goal);
    const struct rw_simulate_run *run = sheet->run;
    double values[RW_SIMULATE_RUNS_MAX];
    unsigned held = 0;
    rw_assert(run->runs >= 1 && run->runs <= RW_SIMULATE_RUNS_MAX);
    for (unsigned i = 0; i < run->runs; i++) {
        values[i] = kind->value(sheet->model, &run->results[i].ledger, goal->what.value);
        held += rw_simulate_goal_holds(goal, values[i]);
    }
    sort(values, run->runs);
    *verdict = (struct rw_simulate_verdict){
        .outcome = held == run->runs ? RW_SIMULATE_MET
                   : held            ? RW_SIMULATE_UNDECIDED
                                     : RW_SIMULATE_NOT_MET,
        .limit = kind->limit(goal->what.value),
        .median = (values[(run->runs - 1) / 2] + values[run->runs / 2]) / 2,
        .low = values[0],
        .high = values[run->runs - 1],
    };
}

void rw_simulate_sheet_make(const struct rw_simulate_model *model,
                            const struct rw_simulate_run *run, struct rw_simulate_sheet *sheet)
{
    *sheet = (struct rw_simulate_sheet){.model = model, .run = run};
    for (size_t i = 0; i < model->goals.count; i++) {
        judge(sheet, &rw_simulate_goals(model)[i], &sheet->verdicts[i]);
        sheet->met += sheet->verdicts[i].outcome == RW_SIMULATE_MET;
        sheet->not_met += sheet->verdicts[i].outcome == RW_SIMULATE_NOT_MET;
        sheet->undecided += sheet->verdicts[i].outcome == RW_SIMULATE_UNDECIDED;
    }
}
