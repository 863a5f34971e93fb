/* The summary for people, JSON and CSV for machines. */
#include "load/report.h"

#include <inttypes.h>
#include <stdio.h>

static const double shares[] = {0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1};
enum { SHARES = sizeof(shares) / sizeof(shares[0]) };

char *rw_load_format_ns(char *to, double ns)
{
    static const struct {
        double ns;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {0, "ns"}};
    unsigned which = 0;
    while (ns < units[which].ns)
        which++;
    double value = units[which].ns > 0 ? ns / units[which].ns : ns;
    int digits = value >= 100 || which == 3 ? 0 : value >= 10 ? 1 : 2;
    snprintf(to, 16, "%.*f %s", digits, value, units[which].unit);
    return to;
}

void rw_load_explain(const struct rw_load_settings *settings, const struct rw_load_result *result,
                     struct rw_text *text)
{
    const struct rw_load_counts *counts = &result->tally.counts;
    char late[16];
    switch (rw_load_judge(settings, result)) {
    case RW_LOAD_SOUND:
        rw_text_adds(text, "sound: the generator kept its schedule");
        break;
    case RW_LOAD_GENERATOR_LATE:
        rw_text_addf(
            text,
            "the generator was the bottleneck: 1%% of its requests left %s late or more. "
            "Give it more threads or cores, or ask for less",
            rw_load_format_ns(late, (double)rw_histogram_quantile(&result->tally.lateness, 0.99)));
        break;
    case RW_LOAD_CONNECTIONS_BUSY:
        rw_text_addf(text,
                     "the connections were the bottleneck: %.1f%% of the requests found none free "
                     "when they were due. The target does not keep up with the rate, or more "
                     "connections are needed",
                     100.0 * (double)counts->queued / (double)counts->due);
        break;
    case RW_LOAD_NOTHING_ANSWERED:
        rw_text_adds(text, "nothing was answered: the target is down, or does not speak HTTP");
        break;
    }
}

static double rate_of(const struct rw_load_result *result, uint64_t count)
{
    return result->seconds > 0 ? (double)count / result->seconds : 0;
}

static void add_latency(const char *name, const struct rw_histogram *histogram,
                        struct rw_text *text)
{
    char value[16];
    rw_text_addf(text, "  %-10s", name);
    for (unsigned i = 0; i < SHARES; i++)
        rw_text_addf(text, " %9s",
                     rw_load_format_ns(value, (double)rw_histogram_quantile(histogram, shares[i])));
    rw_text_adds(text, "\n");
}

static void add_errors(const struct rw_load_counts *counts, struct rw_text *text)
{
    for (unsigned i = 0; i < RW_LOAD_STATUS_MAX; i++)
        if (counts->statuses[i] && i >= 400)
            rw_text_addf(text, "  %" PRIu64 " answers with status %u\n", counts->statuses[i], i);
    for (unsigned i = 0; i < RW_LOAD_ERROR_COUNT; i++)
        if (counts->errors[i])
            rw_text_addf(text, "  %" PRIu64 " errors: %s\n", counts->errors[i],
                         rw_load_error_name(i));
}

void rw_load_report_text(const struct rw_load_settings *settings,
                         const struct rw_load_result *result, struct rw_text *text)
{
    const struct rw_load_counts *counts = &result->tally.counts;
    rw_text_addf(text, "%.*s: %s, %s, %u connections, %u threads, %.1f s%s\n",
                 RW_SPAN_ARGS(settings->url),
                 settings->protocol == RW_LOAD_H2 ? "HTTP/2" : "HTTP/1.1",
                 settings->closed ? "closed loop" : "open loop", settings->connections,
                 settings->threads, result->seconds, result->interrupted ? " (interrupted)" : "");
    rw_text_addf(text,
                 "\n  requests   %" PRIu64 " due, %" PRIu64 " sent, %" PRIu64 " answered, %" PRIu64
                 " failed (%.4f%%)\n",
                 counts->due, counts->sent, counts->answered, counts->failed,
                 counts->due ? 100.0 * (double)counts->failed / (double)counts->due : 0.0);
    rw_text_addf(text, "  rate       %.1f answers/s; %.2f MB/s in, %.2f MB/s out\n",
                 rate_of(result, counts->answered), rate_of(result, counts->bytes_in) / 1e6,
                 rate_of(result, counts->bytes_out) / 1e6);
    rw_text_addf(
        text, "  generator  %.0f answers per CPU second\n\n",
        result->tally.cpu_ns ? (double)counts->answered * 1e9 / (double)result->tally.cpu_ns : 0.0);
    rw_text_addf(text, "  %-10s", "latency");
    for (unsigned i = 0; i < SHARES - 1; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%g", shares[i] * 100);
        rw_text_addf(text, " %9s", name);
    }
    rw_text_addf(text, " %9s\n", "max");
    add_latency("from due", &result->tally.latency, text);
    add_latency("from sent", &result->tally.service, text);
    if (settings->held_ms)
        rw_text_addf(text, "  (without the %.3f s that the target takes by design)\n",
                     settings->held_ms / 1000.0);
    rw_text_adds(text, "\n");
    add_errors(counts, text);
    rw_text_adds(text, "  verdict    ");
    rw_load_explain(settings, result, text);
    rw_text_adds(text, "\n");
}

/* ---- JSON ---- */

static void add_json_histogram(const char *name, const struct rw_histogram *histogram, bool whole,
                               struct rw_text *text)
{
    rw_text_addf(text, "  \"%s\": {\"count\": %" PRIu64 ", \"mean\": %.9f, \"min\": %.9f", name,
                 histogram->count, rw_histogram_mean(histogram) / 1e9,
                 histogram->count ? (double)histogram->least / 1e9 : 0.0);
    for (unsigned i = 0; i < SHARES - 1; i++)
        rw_text_addf(text, ", \"p%g\": %.9f", shares[i] * 100,
                     (double)rw_histogram_quantile(histogram, shares[i]) / 1e9);
    rw_text_addf(text, ", \"max\": %.9f", (double)histogram->most / 1e9);
    bool first = true;
    if (whole)
        rw_text_adds(text, ",\n    \"buckets_ns\": [");
    for (unsigned i = 0; whole && i < RW_HISTOGRAM_BUCKETS; i++)
        if (histogram->buckets[i]) {
            rw_text_addf(text, "%s[%" PRIu64 ", %" PRIu64 "]", first ? "" : ", ",
                         rw_histogram_bucket_value(i), histogram->buckets[i]);
            first = false;
        }
    rw_text_adds(text, whole ? "]}" : "}");
}

static void add_json_counts(const struct rw_load_counts *counts, struct rw_text *text)
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
    rw_text_adds(text, "},\n  \"errors\": {");
    for (unsigned i = 0; i < RW_LOAD_ERROR_COUNT; i++)
        rw_text_addf(text, "%s\"%s\": %" PRIu64, i ? ", " : "", rw_load_error_name(i),
                     counts->errors[i]);
    rw_text_adds(text, "},\n");
}

static const char *const verdict_names[] = {
    [RW_LOAD_SOUND] = "sound",
    [RW_LOAD_GENERATOR_LATE] = "generator_late",
    [RW_LOAD_CONNECTIONS_BUSY] = "connections_busy",
    [RW_LOAD_NOTHING_ANSWERED] = "nothing_answered",
};

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
                 settings->protocol == RW_LOAD_H2 ? "http2" : "http1",
                 settings->closed ? "closed" : "open", settings->threads, settings->connections,
                 settings->streams);
    rw_text_addf(text,
                 "  \"seconds\": %.3f, \"held_seconds\": %.3f, \"interrupted\": %s, "
                 "\"cpu_seconds\": %.6f,\n",
                 result->seconds, settings->held_ms / 1000.0,
                 result->interrupted ? "true" : "false", (double)result->tally.cpu_ns / 1e9);
    rw_text_addf(text, "  \"verdict\": \"%s\", \"verdict_text\": ",
                 verdict_names[rw_load_judge(settings, result)]);
    rw_text_add_json(text, rw_text_span(&why));
    rw_text_addf(text, ",\n  \"rate\": %.3f,\n", rate_of(result, result->tally.counts.answered));
    add_json_counts(&result->tally.counts, text);
    add_json_histogram("latency", &result->tally.latency, true, text);
    rw_text_adds(text, ",\n");
    add_json_histogram("service", &result->tally.service, true, text);
    rw_text_adds(text, ",\n");
    add_json_histogram("lateness", &result->tally.lateness, false, text);
    rw_text_adds(text, ",\n  \"timeline\": [");
    for (size_t i = 0; i < result->timeline->count; i++) {
        const struct rw_timeline_row *row = &result->timeline->rows[i];
        rw_text_addf(
            text,
            "%s\n    {\"second\": %zu, \"sent\": %" PRIu64 ", \"answered\": %" PRIu64
            ", \"failed\": %" PRIu64
            ", \"p50\": %.9f, \"p90\": %.9f, \"p99\": %.9f, \"p99.9\": %.9f, \"max\": %.9f}",
            i ? "," : "", i, row->sent, row->answered, row->failed, (double)row->p50_ns / 1e9,
            (double)row->p90_ns / 1e9, (double)row->p99_ns / 1e9, (double)row->p999_ns / 1e9,
            (double)row->most_ns / 1e9);
    }
    rw_text_adds(text, "\n  ]\n}\n");
    if (why.err)
        text->err = why.err;
    rw_text_free(&why);
}

/* ---- CSV ---- */

void rw_load_report_csv(const struct rw_load_result *result, struct rw_text *text)
{
    rw_text_adds(text, "second,sent,answered,failed,p50_ms,p90_ms,p99_ms,p999_ms,max_ms\n");
    for (size_t i = 0; i < result->timeline->count; i++) {
        const struct rw_timeline_row *row = &result->timeline->rows[i];
        rw_text_addf(text, "%zu,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.6f,%.6f,%.6f,%.6f,%.6f\n", i,
                     row->sent, row->answered, row->failed, (double)row->p50_ns / 1e6,
                     (double)row->p90_ns / 1e6, (double)row->p99_ns / 1e6,
                     (double)row->p999_ns / 1e6, (double)row->most_ns / 1e6);
    }
}
