/* For machines: JSON, and rows for spreadsheets. */
#include "simulate/report.h"

#include <inttypes.h>
#include <math.h>

static void number(struct rw_text *text, const char *before, const char *name, double value)
{
    rw_text_addf(text, "%s\"%s\": ", before, name);
    rw_number_write(text, value);
}

static void count(struct rw_text *text, const char *before, const char *name, uint64_t value)
{
    rw_text_addf(text, "%s\"%s\": %" PRIu64, before, name, value);
}

static void add_goal(const struct rw_simulate_sheet *sheet, size_t index, struct rw_text *text)
{
    const struct rw_simulate_goal *goal = &rw_simulate_goals(sheet->model)[index];
    const struct rw_simulate_goal_kind *kind = rw_simulate_goal_kind(goal);
    const struct rw_simulate_verdict *verdict = &sheet->verdicts[index];
    struct rw_text name = {0};
    rw_simulate_goal_name(goal, RW_LANGUAGE_EN, &name);
    rw_text_adds(text, "{\"name\": ");
    rw_text_add_json(text, rw_text_span(&name));
    rw_text_addf(text,
                 ", \"kind\": \"%s\", \"line\": %u, \"result\": \"%s\", \"unit\": \"%s\", "
                 "\"bound\": \"%s\"",
                 kind->key.name, goal->place.line, rw_simulate_outcome_key(verdict->outcome),
                 rw_unit_name(kind->unit), kind->at_least ? "at_least" : "at_most");
    number(text, ", ", "limit", verdict->limit);
    number(text, ", ", "simulated", verdict->median);
    number(text, ", ", "low", verdict->low);
    number(text, ", ", "high", verdict->high);
    rw_text_addf(text, ", \"unbounded\": %s}", isinf(verdict->median) ? "true" : "false");
    text->err = text->err ? text->err : name.err;
    rw_text_free(&name);
}

static void add_requests(const struct rw_simulate_ledger *ledger, struct rw_text *text)
{
    count(text, "     \"requests\": {", "arrived", ledger->arrived);
    count(text, ", ", "served", ledger->served);
    count(text, ", ", "failed", rw_simulate_ledger_failed(ledger));
    count(text, ", ", "in_flight", ledger->in_flight);
    count(text, ", ", "retries", ledger->retries);
    rw_text_adds(text, "},\n     \"failures\": {");
    for (unsigned i = 0; i < RW_SIMULATE_CAUSE_COUNT; i++)
        count(text, i ? ", " : "", rw_simulate_cause_key(i), ledger->failed[i]);
    number(text, "},\n     \"latency\": {", "mean", rw_histogram_mean(ledger->latency) / 1e9);
    for (unsigned i = 0; i < RW_SIMULATE_SHARES; i++)
        number(text, ", ", rw_simulate_share_names[i],
               (double)rw_histogram_quantile(ledger->latency, rw_simulate_shares[i]) / 1e9);
    rw_text_adds(text, "},\n");
}

static void add_run(const struct rw_simulate_sheet *sheet, unsigned which, struct rw_text *text)
{
    const struct rw_simulate_result *result = &sheet->run->results[which];
    const struct rw_simulate_ledger *ledger = &result->ledger;
    count(text, "{", "seed", result->seed);
    rw_text_adds(text, ",\n");
    add_requests(ledger, text);
    number(text, "     ", "availability", rw_simulate_ledger_availability(ledger));
    number(text, ", ", "error_budget_used", rw_simulate_budget_used(sheet->model, ledger));
    number(text, ",\n     ", "nodes_least", ledger->nodes_least);
    number(text, ", ", "nodes_most", ledger->nodes_most);
    number(text, ", ", "node_hours", ledger->node_seconds / 3600);
    count(text, ", ", "nodes_launched", ledger->launched);
    count(text, ", ", "nodes_died", ledger->fleet_failures);
    number(text, ", ", "cost", ledger->cost);
    number(text, ",\n     ", "busy", ledger->busy_sum / fmax(1, ledger->seconds));
    number(text, ", ", "busy_most", ledger->most.busy);
    number(text, ", ", "connections_most", ledger->most.connections);
    number(text, ", ", "node_connections_most", ledger->most.node_connections);
    number(text, ", ", "node_memory_bytes_most", ledger->most.node_memory_bytes);
    count(text, ",\n     ", "handshakes", ledger->handshakes);
    count(text, ", ", "connections_refused", ledger->refused);
    count(text, ", ", "deploys_done", result->deploys_done);
    number(text, ", ", "deploy_seconds_longest", result->deploy_longest_s);
    rw_text_adds(text, ",\n     \"limited_seconds\": {");
    for (unsigned i = 0; i < RW_SIMULATE_LIMIT_COUNT; i++)
        count(text, i ? ", " : "", rw_simulate_limit_key(i), ledger->limited_s[i]);
    rw_text_adds(text, "}}");
}

static void add_row(const struct rw_simulate_row *row, struct rw_text *text)
{
    number(text, "{", "second", row->begin_s);
    number(text, ", ", "seconds", row->seconds);
    count(text, ", ", "arrived", row->arrived);
    count(text, ", ", "served", row->served);
    count(text, ", ", "failed", row->failed);
    number(text, ", ", "p50", (double)row->p50_ns / 1e9);
    number(text, ", ", "p99", (double)row->p99_ns / 1e9);
    number(text, ", ", "nodes", row->mean.nodes);
    number(text, ", ", "nodes_waiting", row->mean.waiting);
    number(text, ", ", "busy", row->mean.busy);
    number(text, ", ", "connections", row->mean.connections);
    number(text, ", ", "node_memory_bytes", row->mean.node_memory_bytes);
    number(text, ", ", "cost", row->mean.cost);
    rw_text_adds(text, "}");
}

void rw_simulate_report_json(const struct rw_simulate_sheet *sheet, struct rw_text *text)
{
    const struct rw_simulate_model *model = sheet->model;
    const struct rw_simulate_ledger *first = &sheet->run->results[0].ledger;
    rw_text_adds(text, "{\n  \"schema\": \"ringway.simulated/1\",\n  \"name\": ");
    rw_text_add_json(text, model->name);
    rw_text_adds(text, ",\n  \"file\": ");
    rw_text_add_json(text, rw_span_text(model->path));
    rw_text_addf(
        text,
        ",\n  \"method\": \"%s\", \"seconds\": %u, \"runs\": %u, \"currency\": \"%s\",\n"
        "  \"holds\": %s, \"met\": %u, \"not_met\": %u, \"undecided\": %u,\n  \"goals\": [",
        rw_simulate_engine_of(model)->name, model->seconds, sheet->run->runs, model->currency.at,
        rw_simulate_holds(sheet) ? "true" : "false", sheet->met, sheet->not_met, sheet->undecided);
    for (size_t i = 0; i < model->goals.count; i++) {
        rw_text_adds(text, i ? ",\n    " : "\n    ");
        add_goal(sheet, i, text);
    }
    rw_text_adds(text, "\n  ],\n  \"results\": [");
    for (unsigned i = 0; i < sheet->run->runs; i++) {
        rw_text_adds(text, i ? ",\n    " : "\n    ");
        add_run(sheet, i, text);
    }
    rw_text_adds(text, "\n  ],\n  \"timeline\": [");
    for (unsigned i = 0; i < first->row_count; i++) {
        rw_text_adds(text, i ? ",\n    " : "\n    ");
        add_row(&first->rows[i], text);
    }
    rw_text_adds(text, "\n  ]\n}\n");
}

/* ---- CSV ---- */

void rw_simulate_report_csv(const struct rw_simulate_sheet *sheet, struct rw_text *text)
{
    const struct rw_simulate_ledger *ledger = &sheet->run->results[0].ledger;
    rw_text_adds(text, "second,seconds,arrived,served,failed,p50_ms,p99_ms,nodes,nodes_waiting,"
                       "busy,connections,node_memory_bytes,cost\n");
    for (unsigned i = 0; i < ledger->row_count; i++) {
        const struct rw_simulate_row *row = &ledger->rows[i];
        rw_text_addf(text,
                     "%.0f,%.0f,%" PRIu64 ",%" PRIu64 ",%" PRIu64
                     ",%.6f,%.6f,%.3f,%.3f,%.6f,%.0f,%.0f,%.6f\n",
                     row->begin_s, row->seconds, row->arrived, row->served, row->failed,
                     (double)row->p50_ns / 1e6, (double)row->p99_ns / 1e6, row->mean.nodes,
                     row->mean.waiting, row->mean.busy, row->mean.connections,
                     row->mean.node_memory_bytes, row->mean.cost);
    }
}
