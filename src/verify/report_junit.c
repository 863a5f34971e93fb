/* As JUnit XML (the form that Jenkins, GitLab and others read): a test case for each target, and
 * one for each pair of chaos coverage. */
#include "report/markup.h"
#include "verify/failures.h"
#include "verify/report.h"

#include <math.h>

static void put(struct rw_markup *out, const struct rw_text *words)
{
    rw_markup_text(out, words->at ? rw_text_span(words) : RW_LITERAL(""));
    if (words->err)
        out->text.err = words->err;
}

static void put_seconds(struct rw_markup *out, double seconds)
{
    RW_MARKUP(out, " time=\"");
    rw_number_write(&out->text, isfinite(seconds) ? round(seconds * 1000) / 1000 : 0);
    RW_MARKUP(out, "\"");
}

static void begin_suite(struct rw_markup *out, struct rw_span name, size_t tests, size_t failures,
                        size_t errors, size_t skipped)
{
    RW_MARKUP(out, "  <testsuite name=\"");
    rw_markup_text(out, name);
    RW_MARKUP(out, "\" tests=\"");
    rw_markup_count(out, tests);
    RW_MARKUP(out, "\" failures=\"");
    rw_markup_count(out, failures);
    RW_MARKUP(out, "\" errors=\"");
    rw_markup_count(out, errors);
    RW_MARKUP(out, "\" skipped=\"");
    rw_markup_count(out, skipped);
    RW_MARKUP(out, "\"");
}

/* ---- Targets ---- */

/* "measured 62 ms (61 ms to 64 ms), limit at most 50 ms; too few requests: ..." */
static void describe(const struct rw_verify_target *target, const struct rw_verdict *verdict,
                     enum rw_language language, struct rw_text *text)
{
    rw_text_adds(text, rw_label_in(RW_TEXTS("measured ", "实测 "), language));
    rw_verify_add_measured(target, verdict->measured, language, text);
    rw_text_adds(text, rw_label_in(RW_TEXTS(" (", "（"), language));
    rw_verify_add_interval(target, verdict, language, text);
    rw_text_adds(text, rw_label_in(RW_TEXTS("), limit ", "），限值 "), language));
    rw_verify_add_limit(target, verdict->limit, language, text);
    if (verdict->reason) {
        rw_text_adds(text, rw_label_in(RW_TEXTS("; ", "；"), language));
        rw_verdict_explain(verdict, language, text);
    }
}

static void put_target(const struct rw_verify_sheet *sheet, size_t index, enum rw_language language,
                       struct rw_markup *out)
{
    const struct rw_verify_target *target = &rw_acceptance_targets(sheet->file)[index];
    const struct rw_verdict *verdict = &sheet->verdicts[index];
    struct rw_text words = {0};
    RW_MARKUP(out, "    <testcase classname=\"");
    rw_markup_text(out, rw_acceptance_loads(sheet->file)[target->load].name);
    RW_MARKUP(out, "\" name=\"");
    rw_target_name(target, language, &words);
    put(out, &words);
    RW_MARKUP(out, "\">");
    words.len = 0;
    describe(target, verdict, language, &words);
    if (verdict->result == RW_VERIFY_MET)
        RW_MARKUP(out, "<system-out>");
    else if (verdict->result == RW_VERIFY_NOT_MET)
        RW_MARKUP(out, "<failure message=\"not met\">");
    else
        RW_MARKUP(out, "<error message=\"could not be judged\">");
    put(out, &words);
    if (verdict->result == RW_VERIFY_MET)
        RW_MARKUP(out, "</system-out>");
    else if (verdict->result == RW_VERIFY_NOT_MET)
        RW_MARKUP(out, "</failure>");
    else
        RW_MARKUP(out, "</error>");
    RW_MARKUP(out, "</testcase>\n");
    rw_text_free(&words);
}

/* As JUnit has it: without a zone. */
static void put_began(struct rw_markup *out, const char *began)
{
    if (!began[0])
        return;
    RW_MARKUP(out, " timestamp=\"");
    rw_markup_text(out, rw_span(began, strcspn(began, ".")));
    RW_MARKUP(out, "\"");
}

/* A run that was cut off is a test case, too. */
static void put_run(const struct rw_verify_sheet *sheet, struct rw_markup *out)
{
    if (!sheet->failed[0])
        return;
    RW_MARKUP(out, "    <testcase classname=\"run\" name=\"run\"><error message=\"the run was "
                   "cut off\">");
    rw_markup_text(out, rw_span_text(sheet->failed));
    RW_MARKUP(out, "</error></testcase>\n");
}

static void put_failures(const struct rw_verify_sheet *sheet, enum rw_language language,
                         struct rw_markup *out)
{
    struct rw_text words = {0};
    for (unsigned i = 0; i < sheet->record->loads; i++) {
        struct rw_failures failures;
        rw_failures_of(sheet->record, i, &failures);
        if (!failures.failed)
            continue;
        rw_text_addf(&words, "%s%s: ", words.len ? "\n" : "",
                     rw_acceptance_loads(sheet->file)[i].name.at);
        rw_failures_describe(&failures, language, &words);
    }
    if (words.len || words.err) {
        RW_MARKUP(out, "    <system-out>");
        put(out, &words);
        RW_MARKUP(out, "</system-out>\n");
    }
    rw_text_free(&words);
}

static void put_targets(const struct rw_verify_sheet *sheet, enum rw_language language,
                        struct rw_markup *out)
{
    bool failed = sheet->failed[0] != '\0';
    begin_suite(out, RW_LITERAL("targets"), sheet->file->targets.count + failed, sheet->not_met,
                sheet->unjudged + failed, 0);
    put_seconds(out, sheet->record->seconds);
    put_began(out, sheet->record->began);
    RW_MARKUP(out, ">\n");
    for (size_t i = 0; i < sheet->file->targets.count; i++)
        put_target(sheet, i, language, out);
    put_run(sheet, out);
    put_failures(sheet, language, out);
    RW_MARKUP(out, "  </testsuite>\n");
}

/* ---- Chaos coverage ---- */

static void put_pair(const struct rw_pair *pair, enum rw_language language, struct rw_markup *out)
{
    struct rw_text words = {0};
    RW_MARKUP(out, "    <testcase classname=\"");
    rw_markup_text(out, pair->dependency->name);
    RW_MARKUP(out, "\" name=\"");
    rw_markup_text(out, rw_span_text(rw_fault_class_info(pair->fault)->name));
    RW_MARKUP(out, "\"");
    put_seconds(out, pair->recovery_s);
    RW_MARKUP(out, ">");
    rw_verify_describe_pair(pair, language, &words);
    if (pair->state == RW_PAIR_PASSED) {
        RW_MARKUP(out, "<system-out>");
        put(out, &words);
        RW_MARKUP(out, "</system-out>");
    } else if (pair->state == RW_PAIR_FAILED) {
        RW_MARKUP(out, "<failure message=\"failed\">");
        put(out, &words);
        RW_MARKUP(out, "</failure>");
    } else {
        RW_MARKUP(out, "<skipped message=\"");
        if (!words.len)
            rw_text_adds(&words, rw_label_in(rw_pair_state_label(pair->state), language));
        put(out, &words);
        RW_MARKUP(out, "\"/>");
    }
    RW_MARKUP(out, "</testcase>\n");
    rw_text_free(&words);
}

static void put_coverage(const struct rw_coverage *coverage, enum rw_language language,
                         struct rw_markup *out)
{
    begin_suite(out, RW_LITERAL("chaos"), coverage->count, coverage->failed, 0,
                coverage->count - coverage->exercised);
    RW_MARKUP(out, ">\n");
    for (size_t i = 0; i < coverage->count; i++)
        put_pair(&coverage->pairs[i], language, out);
    RW_MARKUP(out, "  </testsuite>\n");
}

void rw_verify_report_junit(const struct rw_verify_sheet *sheet, enum rw_language language,
                            struct rw_text *text)
{
    struct rw_markup out = {.text = *text};
    RW_MARKUP(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"");
    rw_markup_text(&out, sheet->file->name.len ? sheet->file->name : sheet->file->url);
    RW_MARKUP(&out, "\">\n");
    put_targets(sheet, language, &out);
    if (sheet->file->faults.count)
        put_coverage(&sheet->coverage, language, &out);
    RW_MARKUP(&out, "</testsuites>\n");
    *text = out.text;
}
