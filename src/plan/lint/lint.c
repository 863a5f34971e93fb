#include "plan/lint/lint.h"

#include "base/alloc.h"
#include "plan/lint/rules.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- Telling ---- */

const char *rw_lint_format(struct rw_lint *lint, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t kept = len < 0 ? 0 : (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    while (kept && kept == sizeof(text) - 1 && ((unsigned char)text[kept - 1] & 0xc0) == 0x80)
        kept--; /* no half of a character */
    struct rw_span copy = rw_arena_copy(lint->findings->arena, rw_span(text, kept));
    if (!copy.at)
        lint->err = RW_ENOMEM;
    return copy.at ? copy.at : "";
}

void rw_lint_tell(struct rw_lint *lint, const struct rw_lint_hit *hit)
{
    const struct rw_lint_rule *rule = lint->rule;
    struct rw_finding finding = {
        .rule = rule->name,
        .severity = rule->severity,
        .text = rule->text,
        .action = hit->action.en ? hit->action : rule->action,
        .numbers = {hit->claimed, hit->possible},
        .cells = {UINT32_MAX, UINT32_MAX},
        .subject = hit->subject,
        .named = hit->named,
        .source = hit->source ? rw_lint_format(lint, "%s", hit->source) : rule->source,
    };
    if (hit->value && hit->value->place.line) {
        finding.file = lint->intake->file;
        finding.place = hit->value->place;
    }
    rw_findings_add(lint->findings, &finding);
}

struct rw_quantity rw_lint_money(const char *currency, double units)
{
    return (struct rw_quantity){.value = units * 100, .unit = RW_UNIT_MONEY, .currency = currency};
}

/* ---- Words ---- */

static bool is_ascii_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool stands_alone(struct rw_span text, size_t at, size_t len)
{
    const char *word = text.at + at;
    bool before = at > 0 && is_ascii_word(text.at[at - 1]) && is_ascii_word(word[0]) &&
                  (word[0] < '0' || word[0] > '9');
    bool after = at + len < text.len && is_ascii_word(text.at[at + len]) &&
                 is_ascii_word(word[len - 1]) &&
                 (text.at[at + len] < '0' || text.at[at + len] > '9');
    return !before && !after;
}

bool rw_lint_find(struct rw_span text, const char *words, size_t *at, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < text.len && *len == 0; i++) {
        struct rw_span rest = rw_span_text(words), word;
        while (rw_intake_next_word(&rest, &word))
            if (word.len > *len && i + word.len <= text.len &&
                rw_span_eq_nocase(rw_span(text.at + i, word.len), word) &&
                stands_alone(text, i, word.len)) {
                *at = i;
                *len = word.len;
            }
    }
    return *len > 0;
}

/* Bytes of a mark at `at`; 0: none. */
static size_t mark_at(struct rw_span text, size_t at)
{
    static const char *const marks[] = {"，", "；", "。", "、", "（", "）",
                                        ",",  ";",  "(",  ")",  "|"};
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        if (rw_span_starts(rw_span_skip(text, at), rw_span_text(marks[i])))
            return strlen(marks[i]);
    return 0;
}

struct rw_span rw_lint_clause(struct rw_span text, size_t at)
{
    size_t begin = 0, end = text.len;
    for (size_t i = 0; i < text.len; i++) {
        size_t mark = mark_at(text, i);
        if (!mark)
            continue;
        if (i < at) {
            begin = i + mark;
        } else {
            end = i;
            break;
        }
        i += mark - 1;
    }
    return rw_span(text.at + begin, end - begin);
}

/* ---- Targets ---- */

enum rw_lint_measure rw_lint_measure_of(const struct rw_intake_row *target)
{
    static const struct {
        enum rw_lint_measure measure;
        enum rw_dimension dimension;
        const char *words;
    } measures[] = {
        {RW_LINT_COVERAGE, RW_DIMENSION_FRACTION, "覆盖|coverage"},
        {RW_LINT_AVAILABILITY, RW_DIMENSION_FRACTION, "可用性|availability"},
        {RW_LINT_RECOVERY, RW_DIMENSION_TIME, "恢复|recovery|RTO"},
        {RW_LINT_LATENCY, RW_DIMENSION_TIME, "时延|延迟|响应时间|检索速度|latency|response time"},
        {RW_LINT_UTILIZATION, RW_DIMENSION_FRACTION, "利用率|utilization|utilisation"},
        {RW_LINT_SAVING, RW_DIMENSION_FRACTION, "节省|成本|saving|cost"},
        {RW_LINT_RATE, RW_DIMENSION_COUNT, "调用量|速率|rate|calls|请求量"},
    };
    const struct rw_intake_value *value = rw_intake_in(target, "value");
    const struct rw_intake_value *stated = rw_intake_in(target, "measure");
    struct rw_span text = stated->there ? stated->text : rw_intake_in(target, "name")->text;
    for (size_t i = 0; value->there && i < sizeof(measures) / sizeof(*measures); i++)
        if (value->amount.dimension == measures[i].dimension &&
            rw_lint_has(text, measures[i].words))
            return measures[i].measure;
    return RW_LINT_OTHER;
}

/* ---- Running ---- */

static void gather_row(struct rw_lint *lint, const struct rw_intake_row *row)
{
    for (unsigned f = 0; f < rw_intake_field_count(row->section); f++) {
        const struct rw_intake_value *value = &row->values[f];
        for (size_t i = 0; value->there && value->texts && i < value->count; i++) {
            if (lint->text_count == RW_LINT_TEXTS_MAX)
                return;
            lint->texts[lint->text_count++] =
                (struct rw_lint_text){value, value->texts[i], row->section};
        }
    }
}

static void gather_texts(struct rw_lint *lint)
{
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++)
        for (size_t row = 0; row < lint->intake->rows[i].count; row++)
            gather_row(lint, &lint->intake->rows[i].at[row]);
}

/* "55, 56, 71..." */
static const char *lines_of(struct rw_lint *lint)
{
    const struct rw_intake *intake = lint->intake;
    const char *text = "";
    unsigned shown = intake->doubtful_count < RW_INTAKE_DOUBTFUL_MAX ? intake->doubtful_count
                                                                     : RW_INTAKE_DOUBTFUL_MAX;
    for (unsigned i = 0; i < shown; i++)
        text = rw_lint_format(lint, "%s%s%u", text, i ? ", " : "", intake->doubtful_lines[i]);
    return shown < intake->doubtful_count ? rw_lint_format(lint, "%s...", text) : text;
}

/* Who means just what the template gives as an example is told that it was not taken. */
static void tell_doubtful(struct rw_lint *lint)
{
    static const struct rw_lint_rule rule = {
        "blank_untouched",
        RW_SEVERITY_WARNING,
        RW_LABEL("{0} blanks still hold the template's own words and count as not filled in: "
                 "lines {2}",
                 "{0} 处填空仍为模板原文，按未填处理：第 {2} 行"),
        RW_LABEL("If these words are the answer, write them without the marks of the blank",
                 "如确为答案，请去掉填空标记 __( )__ 后直接书写"),
        "",
        NULL};
    if (!lint->intake->doubtful_count)
        return;
    lint->rule = &rule;
    const struct rw_intake_value first = {.place = {lint->intake->doubtful_lines[0], 1}};
    rw_lint_tell(lint, &(struct rw_lint_hit){
                           .value = &first,
                           .claimed = rw_lint_quantity(lint->intake->doubtful_count, RW_UNIT_COUNT),
                           .possible = rw_lint_quantity(NAN, RW_UNIT_ONE),
                           .subject = lines_of(lint),
                           .source = "the template's hints"});
}

static void run(struct rw_lint *lint)
{
    gather_texts(lint);
    rw_lint_find_sites(lint);
    for (const struct rw_lint_rule *rule = rw_lint_rules; rule->name && !lint->err; rule++) {
        lint->rule = rule;
        rule->check(lint);
    }
    if (!lint->err)
        tell_doubtful(lint);
    if (!lint->err)
        lint->err = lint->findings->err;
}

enum rw_err rw_lint_intake(const struct rw_intake *intake, double date,
                           struct rw_findings *findings)
{
    struct rw_lint *lint = rw_alloc_zero(sizeof(*lint));
    if (!lint)
        return RW_ENOMEM;
    *lint = (struct rw_lint){.intake = intake, .date = date, .findings = findings};
    struct rw_conf_report report = {0}, second = {0};
    lint->err = rw_lint_facts_load(&lint->facts, &report);
    enum rw_err err = rw_reference_load(&lint->reference, &second);
    if (!lint->err)
        lint->err = err;
    if (!lint->err)
        run(lint);
    err = lint->err;
    rw_reference_free(&lint->reference);
    rw_lint_facts_free(&lint->facts);
    rw_free(lint);
    return err;
}

unsigned rw_lint_rule_count(void)
{
    unsigned count = 0;
    while (rw_lint_rules[count].name)
        count++;
    return count;
}

const char *rw_lint_rule_name(unsigned index)
{
    return rw_lint_rules[index].name;
}

struct rw_label rw_lint_rule_text(unsigned index)
{
    return rw_lint_rules[index].text;
}
