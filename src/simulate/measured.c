#include "simulate/measured.h"

#include "base/alloc.h"
#include "conf/file.h"
#include "load/merge.h"

enum { FAILED_PER_CENT_MAX = 1, SAMPLES_MIN = 100 };

/* Beside the model's file, unless the name says where. NULL: out of memory. */
static const char *path_of(struct rw_span name, struct rw_conf_report *report)
{
    size_t folder = report->file.len;
    while (folder && report->file.at[folder - 1] != '/')
        folder--;
    if (!folder || name.at[0] == '/')
        return name.at;
    return rw_arena_format(rw_conf_results(report), "%.*s%.*s", (int)folder, report->file.at,
                           RW_SPAN_ARGS(name))
        .at;
}

/* Why a run shows neither a capacity nor a latency; NULL: it does. */
static const char *objection(const struct rw_load_merge *run)
{
    const struct rw_load_counts *counts = &run->result.tally.counts;
    switch (rw_load_judge(&run->settings, &run->result)) {
    case RW_LOAD_GENERATOR_LATE:
    case RW_LOAD_GENERATOR_BUSY:
        return "was limited by the load generator: give it more threads, or another machine";
    case RW_LOAD_NOTHING_ANSWERED:
        return "got no answers";
    default:
        break;
    }
    if (counts->failed * 100 > counts->answered * FAILED_PER_CENT_MAX)
        return "has more than 1 % failed requests";
    return NULL;
}

static const char *take_capacity(struct rw_simulate_model *model, const struct rw_load_merge *run,
                                 struct rw_conf_report *report)
{
    struct rw_simulate_request *request = model->request;
    const struct rw_load_result *result = &run->result;
    (void)report;
    if (!run->settings.closed && rw_load_judge(&run->settings, result) == RW_LOAD_SOUND)
        return "kept the rate that was asked for, so it does not show what a node can do: measure "
               "without --rate, or with one that it cannot keep";
    if (!(result->seconds > 0))
        return "measured nothing";
    double rate = (double)result->tally.counts.answered / result->seconds;
    rw_simulate_draw_init(&request->cpu, (enum rw_simulate_kind)request->distribution,
                          request->from_cores / rate, request->variation);
    return NULL;
}

static const char *take_latency(struct rw_simulate_model *model, const struct rw_load_merge *run,
                                struct rw_conf_report *report)
{
    const struct rw_histogram *service = &run->result.tally.service;
    if (rw_load_judge(&run->settings, &run->result) == RW_LOAD_CONNECTIONS_BUSY)
        return "had requests that waited for a connection";
    if (service->count < SAMPLES_MIN)
        return "has fewer than 100 answers";
    double *quantiles =
        rw_arena_alloc(rw_conf_results(report), RW_SIMULATE_QUANTILES * sizeof(*quantiles));
    if (!quantiles)
        report->err = RW_ENOMEM;
    else
        rw_simulate_draw_measured(&model->origin->service, service, model->origin->way_us / 1e6,
                                  quantiles);
    return NULL;
}

/* What a file is taken for: gives what is wrong with it, or NULL. */
struct taker {
    const char *(*take)(struct rw_simulate_model *model, const struct rw_load_merge *run,
                        struct rw_conf_report *report);
};

static void take_from(struct rw_simulate_model *model, const struct rw_span *name,
                      struct rw_load_merge *run, struct taker taker, struct rw_conf_report *report)
{
    struct rw_text text = {0};
    char why[256] = "";
    const char *path = path_of(*name, report), *wrong = NULL;
    enum rw_err err = path ? rw_conf_slurp(path, RW_LOAD_RESULT_BYTES_MAX, true, &text) : RW_ENOMEM;
    if (!err)
        err = rw_load_merge_add(run, rw_text_span(&text), why);
    if (!err)
        wrong = objection(run);
    if (!err && !wrong)
        wrong = taker.take(model, run, report);
    if (err == RW_ENOMEM)
        report->err = RW_ENOMEM;
    else if (wrong)
        rw_conf_mistake_on(report, name, "%s %s", rw_conf_quote(report, *name), wrong);
    else if (err)
        rw_conf_mistake_on(report, name, "%s cannot be used: %s", rw_conf_quote(report, *name),
                           why[0] ? why : rw_conf_slurp_flaw(err, RW_LOAD_RESULT_BYTES_MAX, why));
    rw_text_free(&text);
}

static void take(struct rw_simulate_model *model, const struct rw_span *name, struct taker taker,
                 struct rw_conf_report *report)
{
    struct rw_load_merge *run = rw_alloc_zero(sizeof(*run));
    if (!run || rw_load_merge_begin(run))
        report->err = RW_ENOMEM;
    else
        take_from(model, name, run, taker, report);
    if (run)
        rw_load_merge_free(run);
    rw_free(run);
}

void rw_simulate_take_measured(struct rw_simulate_model *model, struct rw_conf_report *report)
{
    if (model->request && model->request->from.len && !report->err)
        take(model, &model->request->from, (struct taker){take_capacity}, report);
    if (model->origin && model->origin->latency_from.len && !report->err)
        take(model, &model->origin->latency_from, (struct taker){take_latency}, report);
}
