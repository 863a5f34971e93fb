/* The summary for people, CSV for spreadsheets. */
#include "load/report_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

const double rw_load_shares[RW_LOAD_SHARES] = {0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1};

enum { NAME_COLUMNS = 34 }; /* of a step or a check */

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

enum rw_load_error rw_load_most_met(const struct rw_load_counts *counts)
{
    enum rw_load_error most = 0;
    for (unsigned i = 1; i < RW_LOAD_ERROR_COUNT; i++)
        if (counts->errors[i] > counts->errors[most])
            most = i;
    return most;
}

/* By what happened most. */
static void explain_silence(const struct rw_load_settings *settings,
                            const struct rw_load_counts *counts, struct rw_text *text)
{
    const char *protocol = rw_load_protocol_name(settings->protocol);
    enum rw_load_error most = rw_load_most_met(counts);
    rw_text_adds(text, "nothing was answered: ");
    if (!counts->errors[most])
        rw_text_adds(text, counts->sent ? "the run ended before" : "nothing was sent");
    else if (most == RW_LOAD_ERROR_TIMEOUT)
        rw_text_adds(text, "the target takes requests, and longer than --timeout to answer");
    else if (most == RW_LOAD_ERROR_PROTOCOL)
        rw_text_addf(text, "what the target says is not %s", protocol);
    else if (most == RW_LOAD_ERROR_UNMADE)
        rw_text_adds(text, "the values of variables make no requests");
    else if (most == RW_LOAD_ERROR_RESET || most == RW_LOAD_ERROR_CLOSED)
        rw_text_addf(text, "the target ends the connections; does it speak %s?", protocol);
    else
        rw_text_addf(text, "the target is down, or does not speak %s", protocol);
}

unsigned rw_load_silent_seconds(const struct rw_load_result *result)
{
    unsigned silent = 0;
    for (size_t i = 0; i < result->timeline->count; i++) {
        const struct rw_timeline_row *row = &result->timeline->rows[i];
        silent += row->failed && !row->answered;
    }
    return silent;
}

/* Whatever the verdict is: a target that was away for a while is not to be read off the errors. */
static void explain_outage(const struct rw_load_result *result, struct rw_text *text)
{
    unsigned silent = rw_load_silent_seconds(result);
    enum rw_load_error most = rw_load_most_met(&result->tally.counts);
    if (!silent || !result->tally.counts.errors[most])
        return;
    rw_text_addf(text, ". For %u second%s requests failed and none was answered", silent,
                 silent == 1 ? "" : "s");
    if (most == RW_LOAD_ERROR_CONNECT)
        rw_text_adds(text, ": the target was down");
    else
        rw_text_addf(text, " (most met: %s)", rw_load_error_name(most));
}

/* What is over 100 is the last look's delay. */
static double busy_per_cent(const struct rw_load_settings *settings,
                            const struct rw_load_result *result)
{
    return fmin(100, 100 * rw_load_busy_share(settings, result));
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
    case RW_LOAD_GENERATOR_BUSY:
        rw_text_addf(
            text,
            "the generator was the bottleneck: its threads had something to do for %.0f%% "
            "of the time. Give it more threads or cores; the target may be able to do more",
            busy_per_cent(settings, result));
        break;
    case RW_LOAD_CONNECTIONS_BUSY:
        rw_text_addf(text,
                     "the connections were the bottleneck: %.1f%% of the requests found none free "
                     "when they were due. The target does not keep up with the rate, or more "
                     "connections are needed",
                     100.0 * (double)counts->queued / (double)counts->due);
        break;
    case RW_LOAD_NOTHING_ANSWERED:
        explain_silence(settings, counts, text);
        return;
    }
    explain_outage(result, text);
}

/* A backlog that is worked off after the end was not done within the measured time: counted as if
 * it were, a target that does not keep up would seem to. */
static double seconds_of(const struct rw_load_settings *settings,
                         const struct rw_load_result *result)
{
    size_t rows = result->timeline->count;
    if (rw_load_judge(settings, result) != RW_LOAD_CONNECTIONS_BUSY || result->timeline->lacking)
        return result->seconds;
    while (rows && !result->timeline->rows[rows - 1].answered)
        rows--;
    return (double)rows > result->seconds ? (double)rows : result->seconds;
}

double rw_load_rate_of(const struct rw_load_settings *settings, const struct rw_load_result *result,
                       uint64_t count)
{
    double seconds = seconds_of(settings, result);
    return seconds > 0 ? (double)count / seconds : 0;
}

static void add_latency(const char *name, const struct rw_histogram *histogram,
                        struct rw_text *text)
{
    char value[16];
    rw_text_addf(text, "  %-10s", name);
    for (unsigned i = 0; i < RW_LOAD_SHARES; i++) {
        double ns = (double)rw_histogram_quantile(histogram, rw_load_shares[i]);
        rw_text_addf(text, " %9s", histogram->count ? rw_load_format_ns(value, ns) : "-");
    }
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

struct rw_span rw_load_scenario_of(const struct rw_load_settings *settings, unsigned request)
{
    const struct rw_load_script *script = settings->script;
    unsigned seen = 0, i = 0;
    while (i + 1 < script->scenario_count && (seen += script->scenarios[i].step_count) <= request)
        i++;
    return script->scenarios[i].name;
}

/* Of a name that has several. */
static void add_addresses(const struct rw_load_settings *settings,
                          const struct rw_load_counts *counts, struct rw_text *text)
{
    for (unsigned i = 0; settings->address_count > 1 && i < settings->address_count; i++) {
        char name[RW_ADDRESS_TEXT_MAX];
        size_t len = rw_address_format(name, &settings->addresses[i].storage);
        rw_text_addf(text, "%s%.*s %" PRIu64, i ? ", " : "  addresses  ", (int)len, name,
                     counts->ways[i]);
    }
    if (settings->address_count > 1)
        rw_text_adds(text, " connections\n");
}

/* At most so many columns of it: bytes of a character after its first take none. */
static void add_name(struct rw_text *text, struct rw_span name)
{
    size_t columns = 0, len = 0;
    for (; len < name.len; len++) {
        columns += ((uint8_t)name.at[len] & 0xc0) != 0x80;
        if (columns > NAME_COLUMNS)
            break;
    }
    rw_text_addf(text, "  %.*s%*s", (int)len, name.at,
                 columns < NAME_COLUMNS ? (int)(NAME_COLUMNS - columns) : 0, "");
}

static void add_step(const struct rw_load_settings *settings, const struct rw_load_result *result,
                     unsigned request, struct rw_text *text)
{
    static const double some[] = {0.5, 0.95, 0.99, 1};
    const struct rw_load_step_tally *step = &result->steps[request];
    char value[16];
    add_name(text, settings->requests[request].name);
    rw_text_addf(text, " %9" PRIu64 " %9" PRIu64, step->answered, step->failed);
    for (unsigned i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        double ns = (double)rw_histogram_quantile(&step->latency, some[i]);
        rw_text_addf(text, " %9s", step->answered ? rw_load_format_ns(value, ns) : "-");
    }
    rw_text_adds(text, "\n");
}

static void add_checks(const struct rw_load_settings *settings, const struct rw_load_result *result,
                       struct rw_text *text)
{
    const struct rw_load_script *script = settings->script;
    for (unsigned i = 0; i < script->check_count; i++) {
        if (i == 0)
            rw_text_addf(text, "\n  %-*s %9s %9s\n", NAME_COLUMNS, "checks", "held", "missed");
        add_name(text, script->checks[i]->text);
        struct rw_span step = settings->requests[script->check_steps[i]].name;
        rw_text_addf(text, " %9" PRIu64 " %9" PRIu64, result->checks[i].held,
                     result->checks[i].missed);
        if (result->checks[i].missed)
            rw_text_addf(text, "  in %.*s", RW_SPAN_ARGS(step));
        rw_text_adds(text, "\n");
    }
}

static void add_script(const struct rw_load_settings *settings, const struct rw_load_result *result,
                       struct rw_text *text)
{
    const struct rw_load_counts *counts = &result->tally.counts;
    const char *before = "";
    rw_text_addf(
        text, "  iterations %" PRIu64 " done, %" PRIu64 " failed, %" PRIu64 " cut at the end\n\n",
        counts->iterations_done, counts->iterations_failed, counts->iterations_cut);
    rw_text_addf(text, "  %-*s %9s %9s %9s %9s %9s %9s\n", NAME_COLUMNS, "steps", "answered",
                 "failed", "p50", "p95", "p99", "max");
    for (unsigned i = 0; i < settings->request_count; i++) {
        struct rw_span scenario = rw_load_scenario_of(settings, i);
        if (settings->script->scenario_count > 1 && scenario.at != before)
            rw_text_addf(text, "  -- %.*s\n", RW_SPAN_ARGS(scenario));
        before = scenario.at;
        add_step(settings, result, i, text);
    }
    add_checks(settings, result, text);
    rw_text_adds(text, "\n");
}

void rw_load_report_text(const struct rw_load_settings *settings,
                         const struct rw_load_result *result, struct rw_text *text)
{
    const struct rw_load_counts *counts = &result->tally.counts;
    rw_text_addf(text, "%.*s: %s, %s, %u connection%s, %u thread%s, %.1f s%s\n",
                 RW_SPAN_ARGS(settings->url), rw_load_protocol_name(settings->protocol),
                 settings->closed ? "closed loop" : "open loop", settings->connections,
                 settings->connections == 1 ? "" : "s", settings->threads,
                 settings->threads == 1 ? "" : "s", result->seconds,
                 result->interrupted ? " (interrupted)" : "");
    rw_text_addf(text,
                 "\n  requests   %" PRIu64 " due, %" PRIu64 " sent, %" PRIu64 " answered, %" PRIu64
                 " failed (%.4f%%)\n",
                 counts->due, counts->sent, counts->answered, counts->failed,
                 counts->due ? 100.0 * (double)counts->failed / (double)counts->due : 0.0);
    rw_text_addf(text, "  rate       %.1f answers/s; %.2f MB/s in, %.2f MB/s out\n",
                 rw_load_rate_of(settings, result, counts->answered),
                 rw_load_rate_of(settings, result, counts->bytes_in) / 1e6,
                 rw_load_rate_of(settings, result, counts->bytes_out) / 1e6);
    add_addresses(settings, counts, text);
    if (counts->sockets)
        rw_text_addf(text,
                     "  WebSockets %" PRIu64 " opened; messages: %" PRIu64 " sent, %" PRIu64
                     " received, %" PRIu64 " of them unasked; %" PRIu64 " pings\n",
                     counts->sockets, counts->messages_out, counts->messages_in, counts->pushed,
                     counts->pings);
    rw_text_addf(
        text, "  generator  %.0f answers per CPU second",
        result->tally.cpu_ns ? (double)counts->answered * 1e9 / (double)result->tally.cpu_ns : 0.0);
    if (result->tally.busy_ns)
        rw_text_addf(text, "; busy %.0f%% of the time", busy_per_cent(settings, result));
    rw_text_adds(text, "\n\n");
    rw_text_addf(text, "  %-10s", "latency");
    for (unsigned i = 0; i < RW_LOAD_SHARES - 1; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%g", rw_load_shares[i] * 100);
        rw_text_addf(text, " %9s", name);
    }
    rw_text_addf(text, " %9s\n", "max");
    add_latency("from due", &result->tally.latency, text);
    add_latency("from sent", &result->tally.service, text);
    if (settings->held_ms)
        rw_text_addf(text, "  (without the %.3f s that the target takes by design)\n",
                     settings->held_ms / 1000.0);
    rw_text_adds(text, "\n");
    if (settings->script)
        add_script(settings, result, text);
    add_errors(counts, text);
    if (result->timeline->lacking)
        rw_text_adds(text, "  rows are missing in the timeline: a thread lagged too far behind\n");
    if (result->timeline->coarse)
        rw_text_adds(text,
                     "  the run was too long for the histograms of all rows: merged with others, "
                     "their\n  percentiles are the highest of any\n");
    rw_text_adds(text, "  verdict    ");
    rw_load_explain(settings, result, text);
    rw_text_adds(text, "\n");
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
