/* The sheet of verdicts, and as a table for a terminal. */
#include "verify/report.h"

#include "base/alloc.h"
#include "verify/failures.h"

#include <math.h>

enum { COLUMNS = 5, NOTE_INDENT = 4 };

enum rw_err rw_verify_sheet_make(const struct rw_acceptance *file, const struct rw_record *record,
                                 const char *failed, struct rw_verify_sheet *sheet)
{
    const struct rw_verify_target *targets = rw_acceptance_targets(file);
    *sheet = (struct rw_verify_sheet){.file = file, .record = record, .failed = failed};
    sheet->verdicts = rw_alloc_zero(file->targets.count * sizeof(*sheet->verdicts));
    enum rw_err err = rw_coverage_make(file, record, &sheet->coverage);
    if (err || !sheet->verdicts)
        return RW_ENOMEM;
    const struct rw_judging judging = {.file = file,
                                       .record = record,
                                       .coverage = &sheet->coverage,
                                       .confidence = file->confidence_percent / 100};
    for (size_t i = 0; i < file->targets.count; i++) {
        rw_verdict_of(&judging, &targets[i], &sheet->verdicts[i]);
        sheet->met += sheet->verdicts[i].result == RW_VERIFY_MET;
        sheet->not_met += sheet->verdicts[i].result == RW_VERIFY_NOT_MET;
        sheet->unjudged += sheet->verdicts[i].result == RW_VERIFY_UNJUDGED;
    }
    return RW_OK;
}

void rw_verify_sheet_free(struct rw_verify_sheet *sheet)
{
    rw_free(sheet->verdicts);
    sheet->verdicts = NULL;
    rw_coverage_free(&sheet->coverage);
}

bool rw_verify_holds(const struct rw_verify_sheet *sheet)
{
    return sheet->met == sheet->file->targets.count && !sheet->failed[0] &&
           !sheet->record->interrupted;
}

/* ---- Cells ---- */

static void add(struct rw_text *text, struct rw_label label, enum rw_language language)
{
    rw_text_adds(text, rw_label_in(label, language));
}

/* No time at all is no matter of microseconds. */
static void add_quantity(struct rw_text *text, struct rw_quantity quantity,
                         enum rw_language language)
{
    if (isnan(quantity.value))
        rw_text_adds(text, "–");
    else if (quantity.unit == RW_UNIT_SECONDS && quantity.value == 0)
        add(text, RW_TEXTS("0 s", "0 秒"), language);
    else
        rw_quantity_write(text, quantity, language);
}

void rw_verify_add_interval(const struct rw_verify_target *target, const struct rw_verdict *verdict,
                            enum rw_language language, struct rw_text *text)
{
    struct rw_interval interval = verdict->interval;
    if (isnan(interval.low)) {
        rw_text_adds(text, "–");
        return;
    }
    if (verdict->method == RW_VERIFY_METHOD_COUNTED || verdict->method == RW_VERIFY_METHOD_LEAST) {
        add(text, RW_TEXTS("exact", "精确"), language);
        return;
    }
    add_quantity(text, rw_target_quantity(target, interval.low), language);
    add(text, RW_TEXTS(" to ", " 至 "), language);
    add_quantity(text, rw_target_quantity(target, interval.high), language);
}

void rw_verify_add_limit(const struct rw_verify_target *target, double limit,
                         enum rw_language language, struct rw_text *text)
{
    bool at_least = rw_target_kind(target)->at_least;
    add(text, at_least ? RW_TEXTS("at least ", "至少 ") : RW_TEXTS("at most ", "至多 "), language);
    add_quantity(text, rw_target_quantity(target, limit), language);
}

void rw_verify_add_measured(const struct rw_verify_target *target, double measured,
                            enum rw_language language, struct rw_text *text)
{
    add_quantity(text, rw_target_quantity(target, measured), language);
}

struct row {
    struct rw_text cells[COLUMNS];
    struct rw_text note;
};

static void fill_row(const struct rw_verify_sheet *sheet, size_t index, enum rw_language language,
                     struct row *row)
{
    const struct rw_verify_target *target = &rw_acceptance_targets(sheet->file)[index];
    const struct rw_verdict *verdict = &sheet->verdicts[index];
    add(&row->cells[0], rw_verify_result_label(verdict->result), language);
    rw_target_name(target, language, &row->cells[1]);
    if (sheet->file->loads.count > 1 && !rw_target_kind(target)->of_faults) {
        rw_text_adds(&row->cells[1], " · ");
        rw_text_add(&row->cells[1], rw_acceptance_loads(sheet->file)[target->load].name);
    }
    rw_verify_add_measured(target, verdict->measured, language, &row->cells[2]);
    rw_verify_add_limit(target, verdict->limit, language, &row->cells[3]);
    rw_verify_add_interval(target, verdict, language, &row->cells[4]);
    rw_verdict_explain(verdict, language, &row->note);
}

static void fill_head(const struct rw_verify_sheet *sheet, enum rw_language language,
                      struct row *row)
{
    const struct rw_label titles[COLUMNS - 1] = {
        RW_LABEL("verdict", "结论"),
        RW_LABEL("target", "指标"),
        RW_LABEL("measured", "实测"),
        RW_LABEL("limit", "限值"),
    };
    for (unsigned i = 0; i < COLUMNS - 1; i++)
        add(&row->cells[i], titles[i], language);
    rw_number_write(&row->cells[4], sheet->file->confidence_percent);
    add(&row->cells[4], RW_TEXTS(" % sure", " % 置信区间"), language);
}

/* ---- The table ---- */

/* On a terminal: Chinese characters are two columns wide. */
static size_t width_of(const struct rw_text *text)
{
    size_t width = 0;
    for (size_t i = 0; i < text->len; i++) {
        unsigned char byte = (unsigned char)text->at[i];
        width += (byte < 0x80 || byte >= 0xc0) + (byte >= 0xe3);
    }
    return width;
}

static void put_row(const struct row *row, const size_t *widths, struct rw_text *text)
{
    for (unsigned i = 0; i < COLUMNS; i++) {
        rw_text_adds(text, "  ");
        rw_text_add(text, rw_text_span(&row->cells[i]));
        for (size_t k = width_of(&row->cells[i]); i + 1 < COLUMNS && k < widths[i]; k++)
            rw_text_adds(text, " ");
    }
    rw_text_adds(text, "\n");
    if (row->note.len)
        rw_text_addf(text, "%*s%.*s\n", NOTE_INDENT, "", (int)row->note.len, row->note.at);
}

static void free_rows(struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (unsigned k = 0; k < COLUMNS; k++)
            rw_text_free(&rows[i].cells[k]);
        rw_text_free(&rows[i].note);
    }
    rw_free(rows);
}

static void put_table(const struct rw_verify_sheet *sheet, enum rw_language language,
                      struct rw_text *text)
{
    size_t count = sheet->file->targets.count + 1, widths[COLUMNS] = {0};
    struct row *rows = rw_alloc_zero(count * sizeof(*rows));
    if (!rows) {
        text->err = RW_ENOMEM;
        return;
    }
    fill_head(sheet, language, &rows[0]);
    for (size_t i = 1; i < count; i++)
        fill_row(sheet, i - 1, language, &rows[i]);
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < COLUMNS; k++) {
            size_t width = width_of(&rows[i].cells[k]);
            widths[k] = width > widths[k] ? width : widths[k];
            text->err = text->err ? text->err : rows[i].cells[k].err;
        }
    for (size_t i = 0; i < count; i++)
        text->err = text->err ? text->err : rows[i].note.err;
    for (size_t i = 0; i < count; i++)
        put_row(&rows[i], widths, text);
    free_rows(rows, count);
}

/* ---- Failures ---- */

/* A verdict says that too much failed; this says what. */
static void put_failures(const struct rw_verify_sheet *sheet, enum rw_language language,
                         struct rw_text *text)
{
    bool first = true;
    for (unsigned i = 0; i < sheet->record->loads; i++) {
        struct rw_failures failures;
        rw_failures_of(sheet->record, i, &failures);
        if (!failures.failed)
            continue;
        rw_text_addf(text, "%s  %s: ", first ? "\n" : "",
                     rw_acceptance_loads(sheet->file)[i].name.at);
        rw_failures_describe(&failures, language, text);
        rw_text_adds(text, "\n");
        first = false;
    }
}

/* ---- Chaos coverage ---- */

enum { STATE_WIDTH = 22, NAME_WIDTH = 34, EFFECT_WIDTH = 54 };

static void put_cell(const struct rw_text *cell, size_t width, struct rw_text *text)
{
    size_t is = width_of(cell);
    if (cell->len)
        rw_text_add(text, rw_text_span(cell));
    rw_text_addf(text, "%*s", is < width ? (int)(width - is) : 1, "");
    text->err = text->err ? text->err : cell->err;
}

static void put_pair(const struct rw_pair *pair, enum rw_language language, struct rw_text *text)
{
    struct rw_text state = {0}, name = {0}, effect = {0};
    add(&state, rw_pair_state_label(pair->state), language);
    rw_text_addf(&name, "%s · %.*s", rw_fault_class_info(pair->fault)->name,
                 RW_SPAN_ARGS(pair->dependency->name));
    rw_verify_describe_effect(pair, language, &effect);
    rw_text_adds(text, "  ");
    put_cell(&state, STATE_WIDTH, text);
    put_cell(&name, NAME_WIDTH, text);
    put_cell(&effect, pair->state < RW_PAIR_FAILED ? 0 : EFFECT_WIDTH, text);
    rw_verify_describe_observed(pair, language, text);
    while (text->len && text->at[text->len - 1] == ' ')
        text->at[--text->len] = '\0';
    rw_text_adds(text, "\n");
    rw_text_free(&state);
    rw_text_free(&name);
    rw_text_free(&effect);
}

void rw_verify_describe_effect(const struct rw_pair *pair, enum rw_language language,
                               struct rw_text *text)
{
    const struct rw_quantity recovery = {pair->recovery_s, RW_UNIT_SECONDS, NULL, NULL},
                             lost = {pair->lost_s, RW_UNIT_SECONDS, NULL, NULL};
    if (pair->state < RW_PAIR_FAILED || pair->why[0]) {
        rw_text_adds(text, pair->why);
        return;
    }
    if (!pair->noticed) {
        add(text, RW_TEXTS("all targets held", "全部指标保持"), language);
    } else if (isinf(pair->recovery_s)) {
        add(text, RW_TEXTS("not well again in time", "未在时限内恢复"), language);
    } else if (pair->recovery_s > 0) {
        add(text, RW_TEXTS("well again after ", "恢复用时 "), language);
        add_quantity(text, recovery, language);
    } else {
        add(text, RW_TEXTS("well again before its end", "故障结束前已恢复"), language);
    }
    if (!(pair->lost_s > 0))
        return;
    add(text, RW_TEXTS(", failed traffic ", "，失败流量 "), language);
    add_quantity(text, lost, language);
}

void rw_verify_describe_observed(const struct rw_pair *pair, enum rw_language language,
                                 struct rw_text *text)
{
    const struct rw_quantity observed = {(double)pair->observed, RW_UNIT_COUNT, NULL, NULL};
    if (pair->state < RW_PAIR_FAILED)
        return;
    add(text, rw_fault_class_info(pair->fault)->observed, language);
    add(text, RW_TEXTS(": ", "："), language);
    rw_quantity_write(text, observed, language);
}

void rw_verify_describe_pair(const struct rw_pair *pair, enum rw_language language,
                             struct rw_text *text)
{
    rw_verify_describe_effect(pair, language, text);
    if (pair->state < RW_PAIR_FAILED)
        return;
    add(text, RW_TEXTS("; ", "；"), language);
    rw_verify_describe_observed(pair, language, text);
}

void rw_verify_describe_coverage(const struct rw_coverage *coverage, enum rw_language language,
                                 struct rw_text *text)
{
    const struct rw_quantity share = {rw_coverage_share(coverage), RW_UNIT_SHARE, NULL, NULL};
    add(text, RW_TEXTS("Chaos coverage: ", "故障演练覆盖率："), language);
    rw_quantity_write(text, share, language);
    if (language == RW_LANGUAGE_ZH)
        rw_text_addf(text, "（适用 %zu 对，演练 %zu 对，通过 %zu 对）", coverage->count,
                     coverage->exercised, coverage->passed);
    else
        rw_text_addf(text,
                     " (%zu pairs of dependency and fault apply, %zu were exercised, %zu passed)",
                     coverage->count, coverage->exercised, coverage->passed);
}

static void put_coverage(const struct rw_verify_sheet *sheet, enum rw_language language,
                         struct rw_text *text)
{
    const struct rw_coverage *coverage = &sheet->coverage;
    if (!sheet->file->faults.count)
        return;
    rw_text_adds(text, "\n");
    rw_verify_describe_coverage(coverage, language, text);
    rw_text_adds(text, "\n\n");
    for (size_t i = 0; i < coverage->count; i++)
        if (coverage->pairs[i].state != RW_PAIR_NOT_ASKED)
            put_pair(&coverage->pairs[i], language, text);
}

/* ---- Around it ---- */

static void put_head(const struct rw_verify_sheet *sheet, enum rw_language language,
                     struct rw_text *text)
{
    const struct rw_acceptance *file = sheet->file;
    rw_text_add(text, file->name.len ? file->name : file->url);
    add(text, RW_TEXTS(": repetitions ", "：重复 "), language);
    rw_text_addf(text, "%u/%u, ", sheet->record->repeated, file->repetitions);
    add_quantity(
        text,
        (struct rw_quantity){round(sheet->record->seconds * 10) / 10, RW_UNIT_SECONDS, NULL, NULL},
        language);
    if (sheet->record->interrupted)
        add(text, RW_TEXTS(", interrupted", "，已中断"), language);
    rw_text_adds(text, "\n\n");
    if (!sheet->failed[0])
        return;
    add(text, RW_TEXTS("The run was cut off: ", "测试中途终止："), language);
    rw_text_addf(text, "%s\n", sheet->failed);
}

static void put_sum(const struct rw_verify_sheet *sheet, enum rw_language language,
                    struct rw_text *text)
{
    const struct {
        enum rw_verify_result result;
        unsigned count;
    } parts[] = {{RW_VERIFY_MET, sheet->met},
                 {RW_VERIFY_NOT_MET, sheet->not_met},
                 {RW_VERIFY_UNJUDGED, sheet->unjudged}};
    rw_text_adds(text, "\n");
    for (size_t i = 0, written = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (!parts[i].count)
            continue;
        rw_text_addf(text, "%s%u ", written++ ? ", " : "", parts[i].count);
        add(text, rw_verify_result_label(parts[i].result), language);
    }
    rw_text_adds(text, "\n");
    add(text,
        rw_verify_holds(sheet)
            ? RW_TEXTS("ACCEPTED: every target holds\n", "验收通过：全部指标达标\n")
            : RW_TEXTS("NOT ACCEPTED\n", "验收未通过\n"),
        language);
}

void rw_verify_report_text(const struct rw_verify_sheet *sheet, enum rw_language language,
                           struct rw_text *text)
{
    put_head(sheet, language, text);
    put_table(sheet, language, text);
    put_failures(sheet, language, text);
    put_coverage(sheet, language, text);
    put_sum(sheet, language, text);
}
