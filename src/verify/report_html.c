/* As one page: verdicts first, then what went wrong on purpose, then the loads. */
#include "report/document.h"
#include "report/html.h"
#include "report/number.h"
#include "verify/failures.h"
#include "verify/recovery.h"
#include "verify/report.h"

#include <math.h>

enum { POINTS_MAX = 240 }; /* of a chart over time; longer runs are thinned out */

struct page {
    struct rw_doc *doc;
    const struct rw_verify_sheet *sheet;
};

static struct rw_span none(void)
{
    return (struct rw_span){"", 0};
}

/* What a writer of words gives, as a text of the document. */
static struct rw_span keep(const struct page *page, struct rw_text *words)
{
    struct rw_span text = rw_doc_copy(page->doc, words->at ? rw_text_span(words) : none());
    if (words->err && !page->doc->err)
        page->doc->err = words->err;
    rw_text_free(words);
    return text;
}

static void put_words(const struct page *page, struct rw_doc_cell *cell, struct rw_span text,
                      enum rw_doc_tone tone)
{
    rw_doc_words(page->doc, cell, text);
    cell->tone = tone;
}

static void put_columns(const struct page *page, struct rw_doc_table *table,
                        const struct rw_label *titles, size_t count, size_t status)
{
    for (size_t i = 0; i < count; i++)
        rw_doc_column(page->doc, table, i == status ? RW_DOC_STATUS : RW_DOC_WORDS,
                      rw_doc_say(page->doc, titles[i]), none());
}

/* ---- Verdicts ---- */

static enum rw_doc_tone tone_of(enum rw_verify_result result)
{
    static const enum rw_doc_tone tones[] = {[RW_VERIFY_MET] = RW_DOC_GOOD,
                                             [RW_VERIFY_NOT_MET] = RW_DOC_BAD,
                                             [RW_VERIFY_UNJUDGED] = RW_DOC_WARNING};
    return tones[result];
}

static struct rw_span name_of(const struct page *page, const struct rw_verify_target *target)
{
    struct rw_text words = {0};
    rw_target_name(target, page->doc->language, &words);
    if (page->sheet->file->loads.count > 1 && !rw_target_kind(target)->of_faults) {
        rw_text_adds(&words, " · ");
        rw_text_add(&words, rw_acceptance_loads(page->sheet->file)[target->load].name);
    }
    return keep(page, &words);
}

/* The measured value opens: how it was measured, the values of the repetitions. */
static unsigned figure_of(const struct page *page, size_t index, struct rw_span name,
                          struct rw_span value)
{
    const struct rw_verdict *verdict = &page->sheet->verdicts[index];
    const struct rw_verify_target *target = &rw_acceptance_targets(page->sheet->file)[index];
    struct rw_text source = {0};
    rw_text_adds(&source,
                 rw_label_in(rw_verify_method_label(verdict->method), page->doc->language));
    for (unsigned i = 0; i < verdict->repetitions; i++) {
        rw_text_adds(&source, i ? ", " : ": ");
        rw_verify_add_measured(target, verdict->values[i], page->doc->language, &source);
    }
    return rw_doc_figure(page->doc, &(struct rw_doc_figure){
                                        .id = rw_doc_format(page->doc, "target.%zu", index + 1),
                                        .label = name,
                                        .value = value,
                                        .number = verdict->measured,
                                        .origin = RW_DOC_MEASURED,
                                        .source = keep(page, &source),
                                    });
}

static void put_target(const struct page *page, struct rw_doc_table *table, size_t index)
{
    enum rw_language language = page->doc->language;
    const struct rw_verify_target *target = &rw_acceptance_targets(page->sheet->file)[index];
    const struct rw_verdict *verdict = &page->sheet->verdicts[index];
    struct rw_doc_cell *cells = rw_doc_row(page->doc, table);
    struct rw_text measured = {0}, limit = {0}, interval = {0}, reason = {0};
    struct rw_span name = name_of(page, target);
    rw_doc_words(page->doc, &cells[0], name);
    put_words(page, &cells[1], rw_doc_say(page->doc, rw_verify_result_label(verdict->result)),
              tone_of(verdict->result));
    rw_verify_add_measured(target, verdict->measured, language, &measured);
    struct rw_span value = keep(page, &measured);
    rw_doc_words(page->doc, &cells[2], value);
    cells[2].figure = figure_of(page, index, name, value);
    rw_verify_add_limit(target, verdict->limit, language, &limit);
    rw_doc_words(page->doc, &cells[3], keep(page, &limit));
    rw_verify_add_interval(target, verdict, language, &interval);
    rw_doc_words(page->doc, &cells[4], keep(page, &interval));
    rw_verdict_explain(verdict, language, &reason);
    rw_doc_words(page->doc, &cells[5], keep(page, &reason));
}

/* What the verdicts stand on. */
static void put_basis(const struct page *page)
{
    const struct rw_verify_sheet *sheet = page->sheet;
    const struct rw_doc_argument basis[] = {
        RW_DOC_TEXT(rw_doc_format(page->doc, "%u", sheet->record->repeated)),
        RW_DOC_TEXT(rw_doc_format(page->doc, "%.0f s", sheet->record->seconds)),
        RW_DOC_TEXT(rw_doc_format(page->doc, "%g %%", sheet->file->confidence_percent))};
    rw_doc_paragraph(page->doc,
                     RW_TEXTS("Repetitions: {0}, in {1}. A target is met when the whole interval, "
                              "which holds the true value with {2} certainty, keeps the limit.",
                              "重复 {0} 次，共 {1}。置信区间以 {2} 的把握包含真值；整个区间满足限值"
                              "方为达标。"),
                     basis, 3);
}

static void put_verdicts(const struct page *page)
{
    const struct rw_label titles[] = {RW_LABEL("Target", "指标"),
                                      RW_LABEL("Verdict", "结论"),
                                      RW_LABEL("Measured", "实测"),
                                      RW_LABEL("Limit", "限值"),
                                      RW_LABEL("Confidence interval", "置信区间"),
                                      RW_LABEL("Why", "说明")};
    const struct rw_verify_sheet *sheet = page->sheet;
    bool holds = rw_verify_holds(sheet);
    const struct rw_doc_argument counts[] = {
        RW_DOC_TEXT(rw_doc_format(page->doc, "%u", sheet->met)),
        RW_DOC_TEXT(rw_doc_format(page->doc, "%u", sheet->not_met)),
        RW_DOC_TEXT(rw_doc_format(page->doc, "%u", sheet->unjudged))};
    rw_doc_section(page->doc, 1, RW_TEXTS("Verdict", "结论"));
    rw_doc_note(page->doc, holds ? RW_DOC_GOOD : RW_DOC_BAD,
                rw_doc_say(page->doc, holds ? RW_TEXTS("Accepted", "验收通过")
                                            : RW_TEXTS("Not accepted", "验收未通过")),
                RW_TEXTS("{0} targets met, {1} not met, {2} could not be judged.",
                         "{0} 项达标，{1} 项未达标，{2} 项无法判定。"),
                counts, 3);
    if (sheet->failed[0]) {
        const struct rw_doc_argument why = RW_DOC_TEXT(rw_span_text(sheet->failed));
        rw_doc_note(page->doc, RW_DOC_BAD,
                    rw_doc_say(page->doc, RW_TEXTS("The run was cut off", "测试中途终止")),
                    RW_TEXTS("{0}", "{0}"), &why, 1);
    }
    struct rw_doc_table *table =
        rw_doc_table(page->doc, rw_doc_say(page->doc, RW_TEXTS("Targets", "指标")), none());
    put_columns(page, table, titles, sizeof(titles) / sizeof(*titles), 1);
    for (size_t i = 0; i < sheet->file->targets.count; i++)
        put_target(page, table, i);
    put_basis(page);
}

/* ---- Chaos coverage ---- */

/* What there is several times has a name, what there is once a title. */
static struct rw_span dependency_of(const struct page *page, const struct rw_dependency *dependency)
{
    struct rw_span title = rw_doc_say(page->doc, rw_dependency_title(dependency->kind));
    if (dependency->kind == RW_DEPENDENCY_CERTIFICATE)
        return rw_doc_format(page->doc, "%.*s · %.*s", RW_SPAN_ARGS(dependency->name),
                             RW_SPAN_ARGS(title));
    bool single = rw_span_is(dependency->name, rw_dependency_name(dependency->kind));
    return single ? title : dependency->name;
}

static void put_pair(const struct page *page, struct rw_doc_table *table,
                     const struct rw_pair *pair)
{
    static const enum rw_doc_tone tones[] = {[RW_PAIR_NOT_ASKED] = RW_DOC_NEUTRAL,
                                             [RW_PAIR_IMPOSSIBLE] = RW_DOC_WARNING,
                                             [RW_PAIR_FAILED] = RW_DOC_BAD,
                                             [RW_PAIR_PASSED] = RW_DOC_GOOD};
    const struct rw_fault_class_info *class = rw_fault_class_info(pair->fault);
    struct rw_doc_cell *cells = rw_doc_row(page->doc, table);
    struct rw_text words = {0};
    rw_doc_words(page->doc, &cells[0], rw_doc_say(page->doc, class->title));
    rw_doc_words(page->doc, &cells[1], dependency_of(page, pair->dependency));
    put_words(page, &cells[2], rw_doc_say(page->doc, rw_pair_state_label(pair->state)),
              tones[pair->state]);
    rw_verify_describe_effect(pair, page->doc->language, &words);
    rw_doc_words(page->doc, &cells[3], keep(page, &words));
    words = (struct rw_text){0};
    rw_verify_describe_observed(pair, page->doc->language, &words);
    rw_doc_words(page->doc, &cells[4], keep(page, &words));
}

/* The moments of a trial: what was answered, what failed. */
static void put_trial(const struct page *page, const struct rw_case *one,
                      const struct rw_trial *trial)
{
    struct rw_doc *doc = page->doc;
    const struct rw_verify_fault *fault = &rw_acceptance_faults(page->sheet->file)[one->fault];
    struct rw_text caption = {0};
    rw_text_adds(&caption, rw_label_in(rw_fault_class_info(fault->class)->title, doc->language));
    rw_text_addf(&caption, " · %.*s", RW_SPAN_ARGS(one->dependency->name));
    struct rw_doc_chart *chart =
        rw_doc_chart(doc, RW_DOC_LINES, keep(page, &caption),
                     rw_doc_say(page->doc, RW_TEXTS("per second", "每秒")));
    rw_doc_series(doc, chart, rw_doc_say(page->doc, RW_TEXTS("answered", "应答")));
    rw_doc_series(doc, chart, rw_doc_say(page->doc, RW_TEXTS("failed", "失败")));
    size_t count = trial->row_count * RW_TIMELINE_PARTS, step = count / POINTS_MAX + 1;
    /* A point stands for the tenth of a second that begins there. */
    double points_per_s = 1 / (RW_RECOVERY_STEP_S * (double)step);
    rw_doc_band(doc, chart,
                rw_doc_format(doc, "%s %.1f–%.1f s",
                              rw_label_in(RW_TEXTS("the fault,", "故障"), doc->language),
                              trial->begin_s, trial->end_s),
                trial->begin_s * points_per_s - 0.5, trial->end_s * points_per_s - 0.5);
    for (size_t i = 0; i < count; i += step) {
        const struct rw_timeline_part *part =
            &trial->rows[i / RW_TIMELINE_PARTS].parts[i % RW_TIMELINE_PARTS];
        struct rw_doc_point *point =
            rw_doc_point(doc, chart, rw_doc_format(doc, "%.1f s", (double)i * RW_RECOVERY_STEP_S));
        point->values[0] = part->answered * (double)RW_TIMELINE_PARTS;
        point->values[1] = part->failed * (double)RW_TIMELINE_PARTS;
    }
}

/* Where all targets held there is nothing to see. */
static bool was_noticed(const struct rw_verify_sheet *sheet, const struct rw_case *one)
{
    const struct rw_verify_fault *fault = &rw_acceptance_faults(sheet->file)[one->fault];
    for (size_t i = 0; i < sheet->coverage.count; i++) {
        const struct rw_pair *pair = &sheet->coverage.pairs[i];
        if (pair->dependency == one->dependency && pair->fault == fault->class)
            return pair->noticed;
    }
    return false;
}

/* From one pair on, all that nobody asked for of the same dependency; where the next one begins. */
static size_t put_rest(const struct page *page, struct rw_doc_table *table, size_t from)
{
    const struct rw_coverage *coverage = &page->sheet->coverage;
    const struct rw_dependency *dependency = coverage->pairs[from].dependency;
    struct rw_text faults = {0};
    size_t at = from;
    for (; at < coverage->count && coverage->pairs[at].dependency == dependency; at++) {
        const struct rw_fault_class_info *class = rw_fault_class_info(coverage->pairs[at].fault);
        if (coverage->pairs[at].state == RW_PAIR_NOT_ASKED)
            rw_text_addf(&faults, "%s%s", faults.len ? ", " : "", class->name);
    }
    if (faults.len || faults.err) {
        struct rw_doc_cell *cells = rw_doc_row(page->doc, table);
        rw_doc_words(page->doc, &cells[0], dependency_of(page, dependency));
        rw_doc_words(page->doc, &cells[1], keep(page, &faults));
    }
    return at;
}

static void put_not_asked(const struct page *page)
{
    const struct rw_label titles[] = {RW_LABEL("Dependency", "依赖"),
                                      RW_LABEL("Not exercised", "未演练")};
    const struct rw_coverage *coverage = &page->sheet->coverage;
    bool any = false;
    for (size_t i = 0; i < coverage->count; i++)
        any = any || coverage->pairs[i].state == RW_PAIR_NOT_ASKED;
    if (!any)
        return;
    struct rw_doc_table *table = rw_doc_table(
        page->doc, rw_doc_say(page->doc, RW_TEXTS("What else can happen", "其他可能的故障")),
        none());
    put_columns(page, table, titles, sizeof(titles) / sizeof(*titles), SIZE_MAX);
    for (size_t i = 0; i < coverage->count;)
        i = put_rest(page, table, i);
}

static void put_coverage(const struct page *page)
{
    const struct rw_label titles[] = {
        RW_LABEL("Fault", "故障"), RW_LABEL("Dependency", "依赖"), RW_LABEL("State", "状态"),
        RW_LABEL("What came of it", "结果"), RW_LABEL("Seen at the other side", "对端观察")};
    const struct rw_verify_sheet *sheet = page->sheet;
    struct rw_text words = {0};
    if (!sheet->file->faults.count)
        return;
    rw_doc_section(page->doc, 1, RW_TEXTS("Faults", "故障"));
    rw_verify_describe_coverage(&sheet->coverage, page->doc->language, &words);
    const struct rw_doc_argument sum = RW_DOC_TEXT(keep(page, &words));
    rw_doc_paragraph(page->doc, RW_TEXTS("{0}", "{0}"), &sum, 1);
    struct rw_doc_table *table = rw_doc_table(
        page->doc, rw_doc_say(page->doc, RW_TEXTS("Faults that were caused", "已演练的故障")),
        none());
    put_columns(page, table, titles, sizeof(titles) / sizeof(*titles), 2);
    for (size_t i = 0; i < sheet->coverage.count; i++)
        if (sheet->coverage.pairs[i].state != RW_PAIR_NOT_ASKED)
            put_pair(page, table, &sheet->coverage.pairs[i]);
    put_not_asked(page);
    for (unsigned i = 0; i < sheet->record->case_count; i++) {
        const struct rw_trial *trial = rw_record_trial(sheet->record, i, 0);
        if (trial->done && trial->row_count && was_noticed(sheet, &sheet->record->cases[i]))
            put_trial(page, &sheet->record->cases[i], trial);
    }
}

/* ---- Loads ---- */

/* The limits of the load's latency targets, as lines. */
static void put_limits(const struct page *page, struct rw_doc_chart *chart, unsigned load)
{
    const struct rw_verify_target *targets = rw_acceptance_targets(page->sheet->file);
    for (size_t i = 0; i < page->sheet->file->targets.count; i++)
        if (targets[i].load == load && rw_target_is(&targets[i], RW_TARGET_LATENCY))
            rw_doc_mark(page->doc, chart, name_of(page, &targets[i]),
                        rw_target_kind(&targets[i])->limit(targets[i].what.value) * 1e3,
                        RW_DOC_INFORMATION);
}

static void put_latency(const struct page *page, unsigned load)
{
    static const double shares[] = {0.5, 0.9, 0.95, 0.99, 0.999, 1};
    static const char *const names[] = {"p50", "p90", "p95", "p99", "p99.9", "max"};
    const struct rw_record *record = page->sheet->record;
    struct rw_doc *doc = page->doc;
    struct rw_doc_chart *chart =
        rw_doc_chart(doc, RW_DOC_LINES,
                     rw_doc_say(page->doc, RW_TEXTS("Latency by share of requests", "各分位延迟")),
                     RW_LITERAL("ms"));
    unsigned taken[RW_DOC_SERIES_MAX], count = 0;
    for (unsigned i = 0; i < record->repetitions && count < RW_DOC_SERIES_MAX; i++) {
        if (!rw_record_take(record, load, i)->done)
            continue;
        taken[count++] = i;
        rw_doc_series(doc, chart,
                      rw_doc_format(doc, "%s %u",
                                    rw_label_in(RW_TEXTS("repetition", "重复"), doc->language),
                                    i + 1));
    }
    for (size_t k = 0; k < sizeof(shares) / sizeof(*shares); k++) {
        struct rw_doc_point *point = rw_doc_point(doc, chart, rw_span_text(names[k]));
        for (unsigned i = 0; i < count; i++)
            point->values[i] =
                (double)rw_histogram_quantile(
                    &rw_record_take(record, load, taken[i])->tally->latency, shares[k]) /
                1e6;
    }
    put_limits(page, chart, load);
}

static void put_counts(const struct page *page, unsigned load)
{
    const struct rw_label titles[] = {
        RW_LABEL("Repetition", "重复"),  RW_LABEL("Due", "应发"),
        RW_LABEL("Answered", "应答"),    RW_LABEL("Failed", "失败"),
        RW_LABEL("Connections", "连接"), RW_LABEL("Processor seconds", "处理器秒")};
    const struct rw_record *record = page->sheet->record;
    struct rw_doc_table *table =
        rw_doc_table(page->doc, rw_doc_say(page->doc, RW_TEXTS("Requests", "请求")), none());
    for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++) {
        struct rw_doc_column *column = rw_doc_column(page->doc, table, RW_DOC_NUMBER,
                                                     rw_doc_say(page->doc, titles[i]), none());
        column->decimals = i == 5 ? 2 : 0;
    }
    for (unsigned i = 0; i < record->repetitions; i++) {
        const struct rw_take *take = rw_record_take(record, load, i);
        if (!take->done)
            continue;
        const struct rw_load_counts *counts = &take->tally->counts;
        const double numbers[] = {i + 1.0,
                                  (double)counts->due,
                                  (double)counts->answered,
                                  (double)counts->failed,
                                  take->connections_least,
                                  take->cpu_seconds};
        struct rw_doc_cell *cells = rw_doc_row(page->doc, table);
        for (unsigned k = 0; k < 6; k++)
            rw_doc_number(&cells[k], numbers[k], RW_DOC_NO_FIGURE);
    }
}

static void put_failures(const struct page *page, unsigned load)
{
    struct rw_failures failures;
    struct rw_text words = {0};
    rw_failures_of(page->sheet->record, load, &failures);
    rw_failures_describe(&failures, page->doc->language, &words);
    if (!words.len && !words.err)
        return;
    const struct rw_doc_argument sum = RW_DOC_TEXT(keep(page, &words));
    rw_doc_paragraph(page->doc, RW_TEXTS("{0}.", "{0}。"), &sum, 1);
}

static bool was_done(const struct rw_record *record, unsigned load)
{
    for (unsigned i = 0; i < record->repetitions; i++)
        if (rw_record_take(record, load, i)->done)
            return true;
    return false;
}

static void put_load(const struct page *page, unsigned load)
{
    const char *name = rw_acceptance_loads(page->sheet->file)[load].name.at;
    rw_doc_section(page->doc, 2, RW_TEXTS(name, name));
    if (!was_done(page->sheet->record, load))
        return;
    put_latency(page, load);
    put_failures(page, load);
    put_counts(page, load);
}

void rw_verify_report_html(const struct rw_verify_sheet *sheet, enum rw_language language,
                           struct rw_text *text)
{
    struct rw_doc doc;
    rw_doc_init(&doc, language);
    const struct page page = {&doc, sheet};
    doc.title = rw_doc_say(&doc, RW_TEXTS("Acceptance", "验收报告"));
    struct rw_text moment = {0};
    rw_report_moment(&moment, rw_span_text(sheet->record->began));
    doc.subtitle = rw_doc_format(&doc, "%.*s%s%.*s%s%.*s", RW_SPAN_ARGS(sheet->file->name),
                                 sheet->file->name.len ? " · " : "", RW_SPAN_ARGS(sheet->file->url),
                                 moment.len ? " · " : "", RW_SPAN_ARGS(rw_text_span(&moment)));
    rw_text_free(&moment);
    put_verdicts(&page);
    put_coverage(&page);
    rw_doc_section(&doc, 1, RW_TEXTS("Loads", "负载"));
    for (unsigned i = 0; i < sheet->record->loads; i++)
        put_load(&page, i);
    rw_report_page(&doc, text);
}
