/* For machines. */
#include "verify/failures.h"
#include "verify/report.h"

#include <inttypes.h>
#include <math.h>

static void add_text(struct rw_text *text, const char *name, struct rw_span value)
{
    rw_text_addf(text, "\"%s\": ", name);
    rw_text_add_json(text, value);
}

static void add_number(struct rw_text *text, const char *name, double value)
{
    rw_text_addf(text, ", \"%s\": ", name);
    rw_number_write(text, value);
}

static void add_interval(struct rw_text *text, struct rw_interval interval)
{
    rw_text_adds(text, ", \"interval\": ");
    if (isnan(interval.low)) {
        rw_text_adds(text, "null");
        return;
    }
    rw_text_adds(text, "[");
    rw_number_write(text, interval.low);
    rw_text_adds(text, ", ");
    rw_number_write(text, interval.high);
    rw_text_adds(text, "]");
}

static void add_target(const struct rw_verify_sheet *sheet, size_t index, struct rw_text *text)
{
    const struct rw_verify_target *target = &rw_acceptance_targets(sheet->file)[index];
    const struct rw_target_kind *kind = rw_target_kind(target);
    const struct rw_verdict *verdict = &sheet->verdicts[index];
    struct rw_text words = {0};
    rw_target_name(target, RW_LANGUAGE_EN, &words);
    rw_text_adds(text, "{");
    add_text(text, "name", rw_text_span(&words));
    rw_text_addf(text, ", \"kind\": \"%s\", ", kind->key.name);
    add_text(text, "load", rw_acceptance_loads(sheet->file)[target->load].name);
    rw_text_addf(text, ", \"line\": %u, \"result\": \"%s\", \"unit\": \"%s\", \"bound\": \"%s\"",
                 target->place.line, rw_verify_result_name(verdict->result),
                 rw_unit_name(kind->unit), kind->at_least ? "at_least" : "at_most");
    add_number(text, "limit", verdict->limit);
    add_number(text, "measured", verdict->measured);
    if (isinf(verdict->measured))
        rw_text_adds(text, ", \"unbounded\": true");
    add_interval(text, verdict->interval);
    rw_text_adds(text, ", ");
    add_text(text, "method", rw_span_text(rw_verify_method_label(verdict->method).en));
    rw_text_adds(text, ", \"repetitions\": [");
    for (unsigned i = 0; i < verdict->repetitions; i++) {
        rw_text_adds(text, i ? ", " : "");
        rw_number_write(text, verdict->values[i]);
    }
    rw_text_adds(text, "], ");
    words.len = 0;
    rw_verdict_explain(verdict, RW_LANGUAGE_EN, &words);
    add_text(text, "reason", words.len ? rw_text_span(&words) : RW_LITERAL(""));
    rw_text_adds(text, "}");
    text->err = text->err ? text->err : words.err;
    rw_text_free(&words);
}

static void add_take(const struct rw_verify_sheet *sheet, unsigned load, unsigned repetition,
                     struct rw_text *text)
{
    const struct rw_take *take = rw_record_take(sheet->record, load, repetition);
    const struct rw_load_counts *counts = &take->tally->counts;
    rw_text_adds(text, "{");
    add_text(text, "load", rw_acceptance_loads(sheet->file)[load].name);
    rw_text_addf(text, ", \"repetition\": %u", repetition + 1);
    add_number(text, "seconds", take->seconds);
    add_number(text, "cpu_seconds", take->cpu_seconds);
    rw_text_addf(text,
                 ", \"connections\": %u, \"due\": %" PRIu64 ", \"sent\": %" PRIu64
                 ", \"answered\": %" PRIu64 ", \"failed\": %" PRIu64,
                 take->connections_least, counts->due, counts->sent, counts->answered,
                 counts->failed);
    static const double shares[] = {0.5, 0.9, 0.99, 0.999};
    static const char *const names[] = {"p50", "p90", "p99", "p99.9"};
    for (unsigned i = 0; i < sizeof(shares) / sizeof(*shares); i++)
        add_number(text, names[i],
                   (double)rw_histogram_quantile(&take->tally->latency, shares[i]) / 1e9);
    rw_text_adds(text, ", \"failures\": ");
    rw_failures_json(counts, text);
    rw_text_addf(text, ", \"generator_late\": %s, \"connections_busy\": %s}",
                 take->late ? "true" : "false", take->busy ? "true" : "false");
}

static void add_pair(const struct rw_pair *pair, struct rw_text *text)
{
    const struct rw_fault_class_info *class = rw_fault_class_info(pair->fault);
    rw_text_adds(text, "{");
    add_text(text, "dependency", pair->dependency->name);
    rw_text_addf(text, ", \"kind\": \"%s\", \"fault\": \"%s\", \"state\": \"%s\"",
                 rw_dependency_name(pair->dependency->kind), class->name,
                 rw_pair_state_name(pair->state));
    if (pair->state >= RW_PAIR_FAILED) {
        add_number(text, "recovery_seconds", pair->recovery_s);
        add_number(text, "recovery_seconds_from_begin", pair->recovery_begin_s);
        add_number(text, "failed_traffic_seconds", pair->lost_s);
        rw_text_addf(text, ", \"observed\": %" PRIu64, pair->observed);
    }
    rw_text_adds(text, ", ");
    add_text(text, "why", rw_span_text(pair->why));
    rw_text_adds(text, "}");
}

static void add_coverage(const struct rw_coverage *coverage, struct rw_text *text)
{
    rw_text_addf(text, "{\"pairs\": %zu, \"exercised\": %zu, \"passed\": %zu, \"failed\": %zu",
                 coverage->count, coverage->exercised, coverage->passed, coverage->failed);
    add_number(text, "share", rw_coverage_share(coverage));
    rw_text_adds(text, ", \"of\": [");
    for (size_t i = 0; i < coverage->count; i++) {
        rw_text_adds(text, i ? ",\n    " : "\n    ");
        add_pair(&coverage->pairs[i], text);
    }
    rw_text_adds(text, "\n  ]}");
}

static void add_takes(const struct rw_verify_sheet *sheet, struct rw_text *text)
{
    const char *separator = "";
    for (unsigned i = 0; i < sheet->record->repetitions; i++)
        for (unsigned k = 0; k < sheet->record->loads; k++) {
            if (!rw_record_take(sheet->record, k, i)->done)
                continue;
            rw_text_addf(text, "%s\n    ", separator);
            add_take(sheet, k, i, text);
            separator = ",";
        }
}

static void add_writes(const struct rw_ledger_sum *ledger, struct rw_text *text)
{
    rw_text_addf(text,
                 ",\n  \"writes\": {\"sent\": %" PRIu64 ", \"acknowledged\": %" PRIu64
                 ", \"lost\": %" PRIu64 ", \"unread\": %" PRIu64 ", \"twice\": %" PRIu64 "}",
                 ledger->sent, ledger->acknowledged, ledger->lost, ledger->unread, ledger->twice);
}

void rw_verify_report_json(const struct rw_verify_sheet *sheet, struct rw_text *text)
{
    const struct rw_acceptance *file = sheet->file;
    rw_text_adds(text, "{\n  \"schema\": \"ringway.verdict/1\",\n  ");
    add_text(text, "name", file->name);
    rw_text_adds(text, ",\n  ");
    add_text(text, "file", rw_span_text(file->path));
    rw_text_adds(text, ",\n  ");
    add_text(text, "url", file->url);
    rw_text_adds(text, ",\n  ");
    add_text(text, "began", rw_span_text(sheet->record->began));
    rw_text_addf(text,
                 ",\n  \"accepted\": %s,\n  \"interrupted\": %s,\n  \"repetitions\": %u,\n  "
                 "\"confidence\": ",
                 rw_verify_holds(sheet) ? "true" : "false",
                 sheet->record->interrupted ? "true" : "false", sheet->record->repeated);
    rw_number_write(text, file->confidence_percent / 100);
    rw_text_addf(text, ",\n  \"met\": %u, \"not_met\": %u, \"unjudged\": %u,\n  ", sheet->met,
                 sheet->not_met, sheet->unjudged);
    add_text(text, "failed", rw_span_text(sheet->failed));
    rw_text_adds(text, ",\n  \"targets\": [");
    for (size_t i = 0; i < file->targets.count; i++) {
        rw_text_adds(text, i ? ",\n    " : "\n    ");
        add_target(sheet, i, text);
    }
    rw_text_adds(text, "\n  ],\n  \"coverage\": ");
    add_coverage(&sheet->coverage, text);
    add_writes(&sheet->record->ledger, text);
    rw_text_adds(text, ",\n  \"loads\": [");
    add_takes(sheet, text);
    rw_text_adds(text, "\n  ]\n}\n");
}
