/* The result of a run as a page: figures first, then charts, then tables. */
#include "load/report_parts.h"

#include "report/document.h"
#include "report/html.h"
#include "report/number.h"

#include <inttypes.h>

enum {
    ROWS_MAX = 240, /* points of a chart over time; longer runs are thinned out */
    CLASSES = 40    /* of latencies */
};

static const char *const share_names[RW_LOAD_SHARES] = {"p50", "p75",   "p90",    "p95",
                                                        "p99", "p99.9", "p99.99", "max"};

struct page {
    struct rw_doc *doc;
    const struct rw_load_settings *settings;
    const struct rw_load_result *result;
    size_t rows; /* whole seconds: what came after the last one is in the tables only */
};

static unsigned figure(const struct page *page, const char *id, struct rw_label label,
                       double number, struct rw_span value)
{
    return rw_doc_figure(page->doc, &(struct rw_doc_figure){
                                        .id = rw_span_text(id),
                                        .label = rw_doc_say(page->doc, label),
                                        .value = value,
                                        .number = number,
                                        .origin = RW_DOC_MEASURED,
                                        .source = page->settings->url,
                                    });
}

static struct rw_span time_text(const struct page *page, double ns)
{
    char text[16];
    return rw_doc_format(page->doc, "%s", rw_load_format_ns(text, ns));
}

/* ---- The summary ---- */

static void put_time_metric(const struct page *page, const char *id, struct rw_label label,
                            double share)
{
    double ns = (double)rw_histogram_quantile(&page->result->tally.latency, share);
    unsigned number = figure(page, id, label, ns / 1e9, time_text(page, ns));
    rw_doc_metric(page->doc, RW_DOC_NEUTRAL, rw_doc_say(page->doc, label), number,
                  (struct rw_span){"", 0});
}

static void put_metrics(const struct page *page)
{
    const struct rw_load_counts *counts = &page->result->tally.counts;
    const struct rw_label rate = RW_TEXTS("Answers per second", "每秒应答"),
                          failed = RW_TEXTS("Failed", "失败");
    double share = counts->due ? (double)counts->failed / (double)counts->due : 0;
    double answers = rw_load_rate_of(page->settings, page->result, counts->answered);
    rw_doc_metric(
        page->doc, RW_DOC_NEUTRAL, rw_doc_say(page->doc, rate),
        figure(page, "load.rate", rate, answers, rw_doc_format(page->doc, "%.1f", answers)),
        (struct rw_span){"", 0});
    put_time_metric(page, "load.p50", RW_TEXTS("Half of all within", "半数不超过"), 0.5);
    put_time_metric(page, "load.p99", RW_TEXTS("99 % within", "99 % 不超过"), 0.99);
    put_time_metric(page, "load.p999", RW_TEXTS("99.9 % within", "99.9 % 不超过"), 0.999);
    rw_doc_metric(
        page->doc, counts->failed ? RW_DOC_BAD : RW_DOC_GOOD, rw_doc_say(page->doc, failed),
        figure(page, "load.failed", failed, share,
               rw_doc_format(page->doc, "%" PRIu64 " (%.4f %%)", counts->failed, share * 100)),
        (struct rw_span){"", 0});
}

static void put_verdict(const struct page *page)
{
    enum rw_load_verdict verdict = rw_load_judge(page->settings, page->result);
    const enum rw_doc_tone tones[] = {
        [RW_LOAD_SOUND] = RW_DOC_GOOD,           [RW_LOAD_GENERATOR_LATE] = RW_DOC_BAD,
        [RW_LOAD_GENERATOR_BUSY] = RW_DOC_BAD,   [RW_LOAD_CONNECTIONS_BUSY] = RW_DOC_WARNING,
        [RW_LOAD_NOTHING_ANSWERED] = RW_DOC_BAD,
    };
    static const struct rw_label texts[] = {
        [RW_LOAD_SOUND] = RW_LABEL("The generator kept its schedule: the figures stand.",
                                   "发压端按计划发出请求：数字有效。"),
        [RW_LOAD_GENERATOR_LATE] =
            RW_LABEL("The generator was the bottleneck: it sent late although connections were "
                     "free. What was measured is the generator, not the target.",
                     "发压端成为瓶颈：连接空闲却发送延迟。测得的是发压端，而非被测系统。"),
        [RW_LOAD_GENERATOR_BUSY] =
            RW_LABEL("The generator was the bottleneck: its threads were busy all the time. The "
                     "target may be able to do more.",
                     "发压端成为瓶颈：其线程始终忙碌。被测系统的能力可能更高。"),
        [RW_LOAD_CONNECTIONS_BUSY] =
            RW_LABEL("The connections were the bottleneck: requests found none free when they were "
                     "due. The target does not keep up with the rate, or more connections are "
                     "needed.",
                     "连接成为瓶颈：请求到期时没有空闲连接。被测系统跟不上速率，或需要更多连接。"),
        [RW_LOAD_NOTHING_ANSWERED] =
            RW_LABEL("Nothing was answered: the target is down, or does not speak HTTP.",
                     "没有任何应答：被测系统不可用，或不支持 HTTP。"),
    };
    rw_doc_note(page->doc, tones[verdict],
                rw_doc_say(page->doc, RW_TEXTS("What it is worth", "结果可信度")), texts[verdict],
                NULL, 0);
    unsigned silent = rw_load_silent_seconds(page->result);
    const struct rw_doc_argument seconds = RW_DOC_TEXT(
        rw_doc_format(page->doc, page->doc->language == RW_LANGUAGE_ZH ? "%u 秒" : "%u s", silent));
    if (silent && verdict != RW_LOAD_NOTHING_ANSWERED)
        rw_doc_note(page->doc, RW_DOC_BAD,
                    rw_doc_say(page->doc, RW_TEXTS("The target was away", "被测系统曾无应答")),
                    (struct rw_label)RW_TEXTS(
                        "For {0} requests failed and none was answered: see Figures for why.",
                        "有 {0}请求失败且没有任何应答：原因见“明细”。"),
                    &seconds, 1);
}

/* ---- Charts ---- */

static void put_percentiles(const struct page *page)
{
    struct rw_doc *doc = page->doc;
    const struct rw_load_tally *tally = &page->result->tally;
    struct rw_doc_chart *chart =
        rw_doc_chart(doc, RW_DOC_LINES,
                     rw_doc_say(page->doc, RW_TEXTS("Latency by share of requests", "各分位延迟")),
                     RW_LITERAL("ms"));
    rw_doc_series(doc, chart,
                  rw_doc_say(page->doc, RW_TEXTS("from when a request was due", "自应发时刻起")));
    rw_doc_series(doc, chart,
                  rw_doc_say(page->doc, RW_TEXTS("from when it was sent", "自实际发出起")));
    for (unsigned i = 0; i < RW_LOAD_SHARES; i++) {
        struct rw_doc_point *point = rw_doc_point(doc, chart, rw_span_text(share_names[i]));
        point->values[0] = (double)rw_histogram_quantile(&tally->latency, rw_load_shares[i]) / 1e6;
        point->values[1] = (double)rw_histogram_quantile(&tally->service, rw_load_shares[i]) / 1e6;
    }
}

/* How often each latency was, up to the 99th percentile: what is beyond would press the rest into
 * one corner, and stands in the chart of the percentiles. */
static void put_classes(const struct page *page)
{
    const struct rw_histogram *latency = &page->result->tally.latency;
    struct rw_doc *doc = page->doc;
    uint64_t most_ns = rw_histogram_quantile(latency, 0.99);
    if (latency->count < CLASSES || most_ns <= latency->least)
        return;
    struct rw_doc_chart *chart = rw_doc_chart(
        doc, RW_DOC_RANGE,
        rw_doc_say(doc, RW_TEXTS("How often each latency was (ms), of the fastest 99 %",
                                 "延迟分布（毫秒，最快的 99 %）")),
        RW_LITERAL("ms"));
    rw_doc_series(doc, chart, rw_doc_say(doc, RW_TEXTS("answers", "应答")));
    double width = (double)(most_ns - latency->least) / CLASSES, before = 0;
    for (unsigned i = 0; i < CLASSES; i++) {
        double from = (double)latency->least + width * i, to = from + width;
        double within = rw_histogram_share_within(latency, (uint64_t)to);
        struct rw_doc_point *point =
            rw_doc_point(doc, chart, rw_doc_format(doc, "%.3g–%.3g", from / 1e6, to / 1e6));
        point->low = from / 1e6;
        point->high = to / 1e6;
        point->values[0] = rint((within - before) * (double)latency->count);
        before = within;
    }
    rw_doc_mark(doc, chart, RW_LITERAL("p50"), (double)rw_histogram_quantile(latency, 0.5) / 1e6,
                RW_DOC_INFORMATION);
    rw_doc_mark(doc, chart, RW_LITERAL("p90"), (double)rw_histogram_quantile(latency, 0.9) / 1e6,
                RW_DOC_INFORMATION);
}

/* The rows [from, to), one at least, as one: counts a second, the worst percentiles. */
static struct rw_timeline_row row_of(const struct rw_timeline *timeline, size_t from, size_t to)
{
    struct rw_timeline_row sum = {0};
    rw_assert(from < to);
    for (size_t i = from; i < to; i++) {
        const struct rw_timeline_row *row = &timeline->rows[i];
        sum.answered += row->answered;
        sum.failed += row->failed;
        sum.p50_ns = row->p50_ns > sum.p50_ns ? row->p50_ns : sum.p50_ns;
        sum.p99_ns = row->p99_ns > sum.p99_ns ? row->p99_ns : sum.p99_ns;
        sum.most_ns = row->most_ns > sum.most_ns ? row->most_ns : sum.most_ns;
    }
    sum.answered /= to - from;
    sum.failed /= to - from;
    return sum;
}

static bool any_answered(const struct rw_timeline *timeline, size_t from, size_t to)
{
    while (from < to && !timeline->rows[from].answered)
        from++;
    return from < to;
}

static void put_times(const struct page *page, size_t step)
{
    struct rw_doc *doc = page->doc;
    const struct rw_timeline *timeline = page->result->timeline;
    struct rw_doc_chart *latency = rw_doc_chart(
        doc, RW_DOC_LINES, rw_doc_say(page->doc, RW_TEXTS("Latency over time", "延迟随时间变化")),
        RW_LITERAL("ms"));
    const char *const names[] = {"p50", "p99", "max"};
    for (size_t i = 0; i < 3; i++)
        rw_doc_series(doc, latency, rw_span_text(names[i]));
    for (size_t at = 0; at < page->rows; at += step) {
        size_t end = at + step < page->rows ? at + step : page->rows;
        const struct rw_timeline_row row = row_of(timeline, at, end);
        struct rw_doc_point *point = rw_doc_point(doc, latency, rw_doc_format(doc, "%zu s", at));
        const uint64_t latencies_ns[] = {row.p50_ns, row.p99_ns, row.most_ns};
        for (size_t i = 0; i < 3; i++)
            point->values[i] =
                any_answered(timeline, at, end) ? (double)latencies_ns[i] / 1e6 : NAN;
    }
}

/* What the schedule asked for, in the mean of these seconds; NaN: it does not tell (a closed loop,
 * a script's users, a log). */
static double asked(const struct page *page, size_t from, size_t to)
{
    const struct rw_load_settings *settings = page->settings;
    double sum = 0;
    if (settings->closed || settings->script || !settings->profile.phase_count)
        return NAN;
    for (size_t second = from; second < to; second++)
        sum += rw_profile_rate(&settings->profile, settings->warmup_seconds + (double)second + 0.5);
    return sum / (double)(to - from);
}

static void put_rates(const struct page *page, size_t step)
{
    struct rw_doc *doc = page->doc;
    const struct rw_timeline *timeline = page->result->timeline;
    struct rw_doc_chart *rates = rw_doc_chart(
        doc, RW_DOC_LINES, rw_doc_say(page->doc, RW_TEXTS("Answers over time", "应答随时间变化")),
        rw_doc_say(page->doc, RW_TEXTS("per second", "每秒")));
    bool has_asked = isfinite(asked(page, 0, 1));
    rw_doc_series(doc, rates, rw_doc_say(page->doc, RW_TEXTS("answered", "应答")));
    if (has_asked)
        rw_doc_series(doc, rates, rw_doc_say(page->doc, RW_TEXTS("asked for", "要求")));
    for (size_t at = 0; at < page->rows; at += step) {
        size_t end = at + step < page->rows ? at + step : page->rows;
        const struct rw_timeline_row row = row_of(timeline, at, end);
        struct rw_doc_point *point = rw_doc_point(doc, rates, rw_doc_format(doc, "%zu s", at));
        point->values[0] = (double)row.answered;
        point->values[1] = has_asked ? asked(page, at, end) : 0;
    }
}

/* On a scale of their own: a few of many answers would not be seen. */
static void put_failures(const struct page *page, size_t step)
{
    struct rw_doc *doc = page->doc;
    const struct rw_timeline *timeline = page->result->timeline;
    if (!page->result->tally.counts.failed)
        return;
    struct rw_doc_chart *failures = rw_doc_chart(
        doc, RW_DOC_LINES, rw_doc_say(page->doc, RW_TEXTS("Failures over time", "失败随时间变化")),
        rw_doc_say(page->doc, RW_TEXTS("per second", "每秒")));
    rw_doc_series(doc, failures, rw_doc_say(page->doc, RW_TEXTS("failed", "失败")));
    for (size_t at = 0; at < page->rows; at += step) {
        size_t end = at + step < page->rows ? at + step : page->rows;
        uint64_t failed = 0;
        for (size_t i = at; i < end; i++)
            failed += timeline->rows[i].failed;
        rw_doc_point(doc, failures, rw_doc_format(doc, "%zu s", at))->values[0] =
            (double)failed / (double)(end - at);
    }
}

/* ---- Tables ---- */

static void put_row(const struct page *page, struct rw_doc_table *table, struct rw_span name,
                    double value)
{
    struct rw_doc_cell *cells = rw_doc_row(page->doc, table);
    rw_doc_words(page->doc, &cells[0], name);
    rw_doc_number(&cells[1], value, RW_DOC_NO_FIGURE);
}

static struct rw_doc_table *put_table(const struct page *page, struct rw_label caption)
{
    struct rw_doc_table *table =
        rw_doc_table(page->doc, rw_doc_say(page->doc, caption), (struct rw_span){"", 0});
    rw_doc_column(page->doc, table, RW_DOC_WORDS, rw_doc_say(page->doc, RW_TEXTS("What", "项目")),
                  (struct rw_span){"", 0});
    rw_doc_column(page->doc, table, RW_DOC_NUMBER,
                  rw_doc_say(page->doc, RW_TEXTS("How many", "数量")), (struct rw_span){"", 0});
    return table;
}

static void put_sockets(const struct page *page, struct rw_doc_table *table)
{
    const struct rw_load_counts *counts = &page->result->tally.counts;
    const struct {
        struct rw_label what;
        uint64_t count;
    } rows[] = {
        {RW_TEXTS("WebSockets opened", "已打开的 WebSocket"), counts->sockets},
        {RW_TEXTS("messages sent", "已发消息"), counts->messages_out},
        {RW_TEXTS("messages received", "已收消息"), counts->messages_in},
        {RW_TEXTS("of them unasked", "其中非应答"), counts->pushed},
        {RW_TEXTS("pings answered", "已回应的 ping"), counts->pings},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        put_row(page, table, rw_doc_say(page->doc, rows[i].what), (double)rows[i].count);
}

static void put_counts(const struct page *page)
{
    const struct rw_load_counts *counts = &page->result->tally.counts;
    struct rw_doc_table *table = put_table(page, RW_TEXTS("Requests", "请求"));
    put_row(page, table, rw_doc_say(page->doc, RW_TEXTS("due", "应发")), (double)counts->due);
    put_row(page, table, rw_doc_say(page->doc, RW_TEXTS("sent", "已发")), (double)counts->sent);
    put_row(page, table, rw_doc_say(page->doc, RW_TEXTS("answered", "应答")),
            (double)counts->answered);
    put_row(page, table, rw_doc_say(page->doc, RW_TEXTS("found no free connection", "无空闲连接")),
            (double)counts->queued);
    if (counts->sockets)
        put_sockets(page, table);
    for (unsigned i = 0; i < RW_LOAD_STATUS_MAX; i++)
        if (counts->statuses[i])
            put_row(page, table,
                    rw_doc_format(page->doc, "%s %u",
                                  rw_label_in(RW_TEXTS("status", "状态码"), page->doc->language),
                                  i),
                    (double)counts->statuses[i]);
    for (unsigned i = 0; i < RW_LOAD_ERROR_COUNT; i++)
        if (counts->errors[i])
            put_row(page, table,
                    rw_doc_format(page->doc, "%s: %s",
                                  rw_label_in(RW_TEXTS("error", "错误"), page->doc->language),
                                  rw_load_error_name(i)),
                    (double)counts->errors[i]);
}

static void put_setting(const struct page *page, struct rw_doc_table *table, struct rw_label what,
                        struct rw_span value)
{
    struct rw_doc_cell *cells = rw_doc_row(page->doc, table);
    rw_doc_words(page->doc, &cells[0], rw_doc_say(page->doc, what));
    rw_doc_words(page->doc, &cells[1], value);
}

/* "4 s: 100 to 800/s, 10 s: 800/s". */
static struct rw_span phases_text(const struct page *page)
{
    const struct rw_profile *profile = &page->settings->profile;
    struct rw_text words = {0};
    for (unsigned i = 0; i < profile->phase_count; i++) {
        const struct rw_phase *phase = &profile->phases[i];
        rw_text_addf(&words, "%s%g s: %g", i ? ", " : "", phase->seconds, phase->from);
        if (phase->to != phase->from)
            rw_text_addf(&words, "–%g", phase->to);
        rw_text_adds(&words, "/s");
    }
    struct rw_span text = rw_doc_copy(page->doc, rw_text_span(&words));
    page->doc->err = page->doc->err ? page->doc->err : words.err;
    rw_text_free(&words);
    return text;
}

static void put_settings(const struct page *page)
{
    const struct rw_load_settings *s = page->settings;
    const struct rw_load_counts *counts = &page->result->tally.counts;
    struct rw_doc *doc = page->doc;
    struct rw_doc_table *table = rw_doc_table(doc, rw_doc_say(doc, RW_TEXTS("The run", "测试设置")),
                                              (struct rw_span){"", 0});
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_say(doc, RW_TEXTS("What", "项目")),
                  RW_LITERAL(""));
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_say(doc, RW_TEXTS("Value", "数值")),
                  RW_LITERAL(""));
    if (!s->closed && s->profile.phase_count) {
        bool poisson = s->profile.arrivals == RW_ARRIVALS_POISSON;
        put_setting(page, table, (struct rw_label)RW_TEXTS("asked for", "要求"), phases_text(page));
        put_setting(page, table, (struct rw_label)RW_TEXTS("arrivals", "到达过程"),
                    rw_doc_say(doc, poisson ? RW_TEXTS("at random (Poisson)", "随机（泊松）")
                                            : RW_TEXTS("evenly spaced", "等间隔")));
    }
    put_setting(page, table, (struct rw_label)RW_TEXTS("measured", "测量时长"),
                rw_doc_format(doc, "%.1f s", page->result->seconds));
    if (s->warmup_seconds > 0)
        put_setting(page, table, (struct rw_label)RW_TEXTS("warm-up before", "预热"),
                    rw_doc_format(doc, "%.1f s", s->warmup_seconds));
    put_setting(page, table, (struct rw_label)RW_TEXTS("connections", "连接"),
                rw_doc_format(doc, "%u", s->connections));
    if (s->protocol == RW_LOAD_H2)
        put_setting(page, table, (struct rw_label)RW_TEXTS("streams of each", "每连接并发流"),
                    rw_doc_format(doc, "%u", s->streams));
    put_setting(page, table, (struct rw_label)RW_TEXTS("threads", "线程"),
                rw_doc_format(doc, "%u", s->threads));
    put_setting(page, table, (struct rw_label)RW_TEXTS("received", "接收"),
                rw_doc_format(doc, "%.2f MB", (double)counts->bytes_in / 1e6));
    put_setting(page, table, (struct rw_label)RW_TEXTS("sent", "发送"),
                rw_doc_format(doc, "%.2f MB", (double)counts->bytes_out / 1e6));
    put_setting(page, table,
                (struct rw_label)RW_TEXTS("generator's processor time", "发压端处理器时间"),
                rw_doc_format(doc, "%.2f s", (double)page->result->tally.cpu_ns / 1e9));
}

/* ---- Steps and checks ---- */

static void put_head(const struct page *page, struct rw_doc_table *table,
                     enum rw_doc_column_kind kind, struct rw_label label)
{
    rw_doc_column(page->doc, table, kind, rw_doc_say(page->doc, label), RW_LITERAL(""));
}

static void put_steps(const struct page *page)
{
    static const double some[] = {0.5, 0.95, 0.99, 1};
    static const char *const names[] = {"p50", "p95", "p99", "max"};
    struct rw_doc_table *table =
        rw_doc_table(page->doc, rw_doc_say(page->doc, RW_TEXTS("Steps", "步骤")), RW_LITERAL(""));
    put_head(page, table, RW_DOC_WORDS, RW_TEXTS("Scenario", "场景"));
    put_head(page, table, RW_DOC_WORDS, RW_TEXTS("Step", "步骤"));
    put_head(page, table, RW_DOC_NUMBER, RW_TEXTS("answered", "应答"));
    put_head(page, table, RW_DOC_NUMBER, RW_TEXTS("failed", "失败"));
    for (unsigned i = 0; i < 4; i++)
        rw_doc_column(page->doc, table, RW_DOC_NUMBER, rw_span_text(names[i]), RW_LITERAL("ms"))
            ->decimals = 2;
    for (unsigned i = 0; i < page->settings->request_count; i++) {
        const struct rw_load_step_tally *step = &page->result->steps[i];
        struct rw_doc_cell *cells = rw_doc_row(page->doc, table);
        rw_doc_words(page->doc, &cells[0], rw_load_scenario_of(page->settings, i));
        rw_doc_words(page->doc, &cells[1], page->settings->requests[i].name);
        rw_doc_number(&cells[2], (double)step->answered, RW_DOC_NO_FIGURE);
        rw_doc_number(&cells[3], (double)step->failed, RW_DOC_NO_FIGURE);
        for (unsigned k = 0; k < 4; k++)
            rw_doc_number(&cells[4 + k],
                          (double)rw_histogram_quantile(&step->latency, some[k]) / 1e6,
                          RW_DOC_NO_FIGURE);
    }
}

static void put_checks(const struct page *page)
{
    const struct rw_load_script *script = page->settings->script;
    struct rw_doc_table *table =
        rw_doc_table(page->doc, rw_doc_say(page->doc, RW_TEXTS("Checks", "检查")), RW_LITERAL(""));
    put_head(page, table, RW_DOC_WORDS, RW_TEXTS("Step", "步骤"));
    put_head(page, table, RW_DOC_WORDS, RW_TEXTS("Check", "检查"));
    put_head(page, table, RW_DOC_NUMBER, RW_TEXTS("held", "通过"));
    put_head(page, table, RW_DOC_NUMBER, RW_TEXTS("missed", "未通过"));
    for (unsigned i = 0; i < script->check_count; i++) {
        struct rw_doc_cell *cells = rw_doc_row(page->doc, table);
        rw_doc_words(page->doc, &cells[0], page->settings->requests[script->check_steps[i]].name);
        rw_doc_words(page->doc, &cells[1], script->checks[i]->text);
        rw_doc_number(&cells[2], (double)page->result->checks[i].held, RW_DOC_NO_FIGURE);
        rw_doc_number(&cells[3], (double)page->result->checks[i].missed, RW_DOC_NO_FIGURE);
    }
}

static void put_script(const struct page *page)
{
    if (!page->settings->script)
        return;
    rw_doc_section(page->doc, 1, RW_TEXTS("Users", "用户"));
    put_steps(page);
    if (page->settings->script->check_count)
        put_checks(page);
}

static size_t whole_seconds(const struct rw_load_result *result)
{
    size_t seconds = (size_t)result->seconds;
    return seconds < result->timeline->count ? seconds : result->timeline->count;
}

void rw_load_report_html(const struct rw_load_settings *settings,
                         const struct rw_load_result *result, enum rw_language language,
                         struct rw_text *text)
{
    struct rw_doc doc;
    rw_doc_init(&doc, language);
    const struct page page = {&doc, settings, result, whole_seconds(result)};
    doc.title = rw_doc_say(&doc, RW_TEXTS("Load test", "压力测试报告"));
    struct rw_text moment = {0};
    rw_report_moment(&moment, rw_span_text(result->began));
    doc.subtitle = rw_doc_format(&doc, "%.*s · %s · %s%s%.*s", RW_SPAN_ARGS(settings->url),
                                 rw_load_protocol_name(settings->protocol),
                                 rw_label_in(settings->closed ? RW_TEXTS("closed loop", "闭环")
                                                              : RW_TEXTS("open loop", "开环"),
                                             language),
                                 moment.len ? " · " : "", RW_SPAN_ARGS(rw_text_span(&moment)));
    rw_text_free(&moment);
    size_t step = (page.rows + ROWS_MAX - 1) / ROWS_MAX;
    rw_doc_section(&doc, 1, RW_TEXTS("Result", "结果"));
    put_verdict(&page);
    put_metrics(&page);
    rw_doc_section(&doc, 1, RW_TEXTS("Latency", "延迟"));
    put_percentiles(&page);
    put_classes(&page);
    if (page.rows) {
        put_times(&page, step);
        if (result->timeline->lacking)
            rw_doc_note(&doc, RW_DOC_WARNING,
                        rw_doc_say(&doc, RW_TEXTS("Rows are missing", "缺少数据行")),
                        (struct rw_label)RW_TEXTS(
                            "A thread of the generator lagged too far behind to be counted in its "
                            "second. The totals are whole.",
                            "某个发压线程落后过多，未计入所在的秒。总数完整。"),
                        NULL, 0);
        rw_doc_section(&doc, 1, RW_TEXTS("Rate", "速率"));
        put_rates(&page, step);
        put_failures(&page, step);
    }
    put_script(&page);
    rw_doc_section(&doc, 1, RW_TEXTS("Figures", "明细"));
    put_counts(&page);
    put_settings(&page);
    rw_report_page(&doc, text);
}
