/* A result for machines, with whole histograms: results that were written down can be added
 * exactly.
 */
#include "load/report_parts.h"

#include <inttypes.h>

static void add_histogram(const char *indent, const char *name,
                          const struct rw_histogram *histogram, struct rw_text *text)
{
    rw_text_addf(
        text, "%s\"%s\": {\"count\": %" PRIu64 ", \"sum_ns\": %.0f, \"mean\": %.9f, \"min\": %.9f",
        indent, name, histogram->count, histogram->sum, rw_histogram_mean(histogram) / 1e9,
        histogram->count ? (double)histogram->least / 1e9 : 0.0);
    for (unsigned i = 0; i < RW_LOAD_SHARES - 1; i++)
        rw_text_addf(text, ", \"p%g\": %.9f", rw_load_shares[i] * 100,
                     (double)rw_histogram_quantile(histogram, rw_load_shares[i]) / 1e9);
    rw_text_addf(text, ", \"max\": %.9f", (double)histogram->most / 1e9);
    bool first = true;
    rw_text_adds(text, ",\n    \"buckets_ns\": [");
    for (unsigned i = 0; i < RW_HISTOGRAM_BUCKETS; i++)
        if (histogram->buckets[i]) {
            rw_text_addf(text, "%s[%" PRIu64 ", %" PRIu64 "]", first ? "" : ", ",
                         rw_histogram_bucket_value(i), histogram->buckets[i]);
            first = false;
        }
    rw_text_adds(text, "]}");
}

static void add_counts(const struct rw_load_counts *counts, struct rw_text *text)
{
    const char *separator = "";
    rw_text_addf(text,
                 "  \"requests\": {\"due\": %" PRIu64 ", \"sent\": %" PRIu64
                 ", \"answered\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"queued\": %" PRIu64
                 "},\n",
                 counts->due, counts->sent, counts->answered, counts->failed, counts->queued);
    rw_text_addf(text,
                 "  \"connects\": %" PRIu64 ", \"bytes_in\": %" PRIu64 ", \"bytes_out\": %" PRIu64
                 ",\n  \"statuses\": {",
                 counts->connects, counts->bytes_in, counts->bytes_out);
    for (unsigned i = 0; i < RW_LOAD_STATUS_MAX; i++)
        if (counts->statuses[i]) {
            rw_text_addf(text, "%s\"%u\": %" PRIu64, separator, i, counts->statuses[i]);
            separator = ", ";
        }
    rw_text_addf(text,
                 "},\n  \"websocket\": {\"opened\": %" PRIu64 ", \"sent\": %" PRIu64
                 ", \"received\": %" PRIu64 ", \"unasked\": %" PRIu64 ", \"pings\": %" PRIu64,
                 counts->sockets, counts->messages_out, counts->messages_in, counts->pushed,
                 counts->pings);
    rw_text_adds(text, "},\n  \"errors\": {");
    for (unsigned i = 0; i < RW_LOAD_ERROR_COUNT; i++)
        rw_text_addf(text, "%s\"%s\": %" PRIu64, i ? ", " : "", rw_load_error_name(i),
                     counts->errors[i]);
    rw_text_adds(text, "},\n");
}

static void add_addresses(const struct rw_load_settings *settings,
                          const struct rw_load_counts *counts, struct rw_text *text)
{
    rw_text_adds(text, "  \"addresses\": {");
    for (unsigned i = 0; i < settings->address_count; i++) {
        char name[RW_ADDRESS_TEXT_MAX];
        size_t len = rw_address_format(name, &settings->addresses[i].storage);
        rw_text_adds(text, i ? ", " : "");
        rw_text_add_json(text, rw_span(name, len));
        rw_text_addf(text, ": %" PRIu64, counts->ways[i]);
    }
    rw_text_adds(text, "},\n");
}

static const char *const verdict_names[] = {
    [RW_LOAD_SOUND] = "sound",
    [RW_LOAD_GENERATOR_LATE] = "generator_late",
    [RW_LOAD_GENERATOR_BUSY] = "generator_busy",
    [RW_LOAD_CONNECTIONS_BUSY] = "connections_busy",
    [RW_LOAD_NOTHING_ANSWERED] = "nothing_answered",
};

static void add_step(const struct rw_load_settings *settings, const struct rw_load_result *result,
                     unsigned request, struct rw_text *text)
{
    const struct rw_load_step_tally *step = &result->steps[request];
    rw_text_addf(text, "%s\n    {\"scenario\": ", request ? "," : "");
    rw_text_add_json(text, rw_load_scenario_of(settings, request));
    rw_text_adds(text, ", \"name\": ");
    rw_text_add_json(text, settings->requests[request].name);
    rw_text_addf(text,
                 ", \"sent\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"failed\": %" PRIu64 ",\n",
                 step->sent, step->answered, step->failed);
    add_histogram("     ", "latency", &step->latency, text);
    rw_text_adds(text, "}");
}

static void add_script(const struct rw_load_settings *settings, const struct rw_load_result *result,
                       struct rw_text *text)
{
    const struct rw_load_counts *counts = &result->tally.counts;
    const struct rw_load_script *script = settings->script;
    rw_text_addf(text,
                 ",\n  \"iterations\": {\"done\": %" PRIu64 ", \"failed\": %" PRIu64
                 ", \"cut\": %" PRIu64 "},\n  \"steps\": [",
                 counts->iterations_done, counts->iterations_failed, counts->iterations_cut);
    for (unsigned i = 0; i < settings->request_count; i++)
        add_step(settings, result, i, text);
    rw_text_adds(text, "\n  ],\n  \"checks\": [");
    for (unsigned i = 0; i < script->check_count; i++) {
        rw_text_addf(text, "%s\n    {\"step\": %u, \"check\": ", i ? "," : "",
                     script->check_steps[i]);
        rw_text_add_json(text, script->checks[i]->text);
        rw_text_addf(text, ", \"held\": %" PRIu64 ", \"missed\": %" PRIu64 "}",
                     result->checks[i].held, result->checks[i].missed);
    }
    rw_text_adds(text, "\n  ]");
}

/* Buckets by their distances, each with its count: a run of an hour has 3,600 rows. */
static void add_pairs(const struct rw_timeline *timeline, size_t row, struct rw_text *text)
{
    const struct rw_timeline_pair *pairs = rw_timeline_pairs(timeline, row);
    uint32_t count = timeline->rows[row].pair_count, before = 0;
    rw_text_adds(text, ", \"buckets\": [");
    for (uint32_t i = 0; i < count; i++) {
        rw_text_addf(text, "%s%u,%u", i ? "," : "", pairs[i].bucket - before, pairs[i].count);
        before = pairs[i].bucket;
    }
    rw_text_adds(text, "]}");
}

static void add_timeline(const struct rw_timeline *timeline, struct rw_text *text)
{
    rw_text_addf(text, ",\n  \"timeline_lacks_rows\": %s, \"timeline_is_coarse\": %s",
                 timeline->lacking ? "true" : "false", timeline->coarse ? "true" : "false");
    rw_text_adds(text, ",\n  \"timeline\": [");
    for (size_t i = 0; i < timeline->count; i++) {
        const struct rw_timeline_row *row = &timeline->rows[i];
        rw_text_addf(
            text,
            "%s\n    {\"second\": %zu, \"sent\": %" PRIu64 ", \"answered\": %" PRIu64
            ", \"failed\": %" PRIu64
            ", \"p50\": %.9f, \"p90\": %.9f, \"p99\": %.9f, \"p99.9\": %.9f, \"min\": %.9f, "
            "\"max\": %.9f",
            i ? "," : "", i, row->sent, row->answered, row->failed, (double)row->p50_ns / 1e9,
            (double)row->p90_ns / 1e9, (double)row->p99_ns / 1e9, (double)row->p999_ns / 1e9,
            (double)row->least_ns / 1e9, (double)row->most_ns / 1e9);
        add_pairs(timeline, i, text);
    }
    rw_text_adds(text, "\n  ]");
}

static const char *const protocol_names[] =
    {[RW_LOAD_H1] = "http1", [RW_LOAD_H2] = "http2", [RW_LOAD_WEBSOCKET] = "websocket"};

void rw_load_report_json(const struct rw_load_settings *settings,
                         const struct rw_load_result *result, struct rw_text *text)
{
    struct rw_text why = {0};
    rw_load_explain(settings, result, &why);
    rw_text_adds(text, "{\n  \"schema\": \"ringway.load/1\",\n  \"url\": ");
    rw_text_add_json(text, settings->url);
    rw_text_addf(text,
                 ",\n  \"protocol\": \"%s\", \"loop\": \"%s\", \"threads\": %u, "
                 "\"connections\": %u, \"streams\": %u,\n",
                 protocol_names[settings->protocol], settings->closed ? "closed" : "open",
                 settings->threads, settings->connections, settings->streams);
    rw_text_adds(text, "  \"began\": ");
    rw_text_add_json(text, rw_span_text(result->began));
    rw_text_adds(text, ",\n");
    rw_text_addf(text,
                 "  \"seconds\": %.9f, \"warmup_seconds\": %.3f, \"held_seconds\": %.3f, "
                 "\"interrupted\": %s, \"cpu_seconds\": %.9f, "
                 "\"busy_seconds\": %.9f,\n",
                 result->seconds, settings->warmup_seconds, settings->held_ms / 1000.0,
                 result->interrupted ? "true" : "false", (double)result->tally.cpu_ns / 1e9,
                 (double)result->tally.busy_ns / 1e9);
    rw_text_addf(text, "  \"verdict\": \"%s\", \"verdict_text\": ",
                 verdict_names[rw_load_judge(settings, result)]);
    rw_text_add_json(text, rw_text_span(&why));
    rw_text_addf(text, ",\n  \"rate\": %.3f,\n",
                 rw_load_rate_of(settings, result, result->tally.counts.answered));
    add_addresses(settings, &result->tally.counts, text);
    add_counts(&result->tally.counts, text);
    add_histogram("  ", "latency", &result->tally.latency, text);
    rw_text_adds(text, ",\n");
    add_histogram("  ", "service", &result->tally.service, text);
    rw_text_adds(text, ",\n");
    add_histogram("  ", "lateness", &result->tally.lateness, text);
    if (settings->script)
        add_script(settings, result, text);
    add_timeline(result->timeline, text);
    rw_text_adds(text, "\n}\n");
    if (why.err)
        text->err = why.err;
    rw_text_free(&why);
}
