#include "plan/intake/interview.h"

#include "plan/intake/reader.h"

#include <math.h>

enum answer { ANSWER_TAKEN, ANSWER_SKIPPED, ANSWER_SECTION_ENDS, ANSWER_ALL_ENDS };

struct interview {
    struct rw_intake_reader reader;
    FILE *in, *out;
    enum rw_language language;
    bool expert;
    uint32_t lines;
};

static const char *pick(const struct interview *interview, const char *en, const char *zh)
{
    return interview->language == RW_LANGUAGE_ZH ? zh : en;
}

/* False at the end. A longer line than RW_INTERVIEW_LINE_MAX is cut. */
static bool next_line(struct interview *interview, char *line, struct rw_span *text)
{
    if (!fgets(line, RW_INTERVIEW_LINE_MAX, interview->in))
        return false;
    size_t len = strcspn(line, "\r\n");
    bool whole = line[len] != 0;
    for (int c; !whole && (c = fgetc(interview->in)) != EOF && c != '\n';)
        ;
    interview->lines++;
    *text = rw_span_trim(rw_span(line, len));
    return true;
}

static void explain(const struct interview *interview, const struct rw_intake_field *field)
{
    struct rw_label absent = rw_intake_field_absent(field);
    struct rw_text text = {0};
    if (*rw_label_in(field->example, interview->language))
        rw_text_addf(&text, "    %s%s\n", pick(interview, "for example: ", "例如："),
                     rw_label_in(field->example, interview->language));
    if (rw_intake_field_dimensions(field)) {
        rw_text_adds(&text, "    ");
        rw_dimensions_write(rw_intake_field_dimensions(field), interview->language, &text);
        rw_text_adds(&text, "\n");
    }
    if (absent.en)
        rw_text_addf(&text, "    %s%s\n", pick(interview, "without it: ", "未填时："),
                     rw_label_in(absent, interview->language));
    fprintf(interview->out, "%s", text.len ? text.at : "");
    rw_text_free(&text);
}

/* The mistake names the field, which has just been asked for. */
static void tell_last(struct interview *interview, const struct rw_intake_field *field)
{
    struct rw_conf_report *report = interview->reader.report;
    if (report->count == 0)
        return;
    struct rw_span message = report->mistakes[report->count - 1].message;
    struct rw_span name = rw_span_text(rw_intake_called(report, field));
    struct rw_span colon = rw_span_text(pick(interview, ": ", "："));
    if (rw_span_starts(message, name) && rw_span_starts(rw_span_skip(message, name.len), colon))
        message = rw_span_skip(message, name.len + colon.len);
    fprintf(interview->out, "    %s%.*s\n", pick(interview, "no: ", "有误："),
            RW_SPAN_ARGS(message));
    report->count = 0; /* told; the next answer begins anew */
    report->attempts = 0;
}

static size_t split_items(struct rw_span text, bool list, struct rw_span *items)
{
    size_t count = 0;
    struct rw_span item;
    if (!list) {
        items[0] = text;
        return 1;
    }
    while (count < RW_INTAKE_ITEMS_MAX && rw_span_next(&text, ';', &item))
        if (item.len)
            items[count++] = item;
    return count;
}

static void put(struct interview *interview, struct rw_intake_value *value, struct rw_span text)
{
    struct rw_span items[RW_INTAKE_ITEMS_MAX];
    struct rw_conf_place places[RW_INTAKE_ITEMS_MAX];
    bool list = value->field->kind == RW_INTAKE_TEXTS || value->field->kind == RW_INTAKE_AMOUNTS;
    size_t count = split_items(text, list, items);
    for (size_t i = 0; i < count; i++)
        places[i] = (struct rw_conf_place){interview->lines, (uint32_t)(items[i].at - text.at) + 1};
    rw_intake_put(&interview->reader, value, items, places, count);
}

/* Asks until the answer is right, or none. */
static enum answer ask(struct interview *interview, struct rw_intake_value *value)
{
    const struct rw_intake_field *field = value->field;
    char line[RW_INTERVIEW_LINE_MAX];
    struct rw_span text;
    bool list = field->kind == RW_INTAKE_TEXTS || field->kind == RW_INTAKE_AMOUNTS;
    for (;;) {
        fprintf(interview->out,
                "  %s%s: ", rw_label_in(rw_intake_field_label(field), interview->language),
                list ? pick(interview, " (parted by ;)", "（用 ; 分隔）") : "");
        fflush(interview->out);
        if (!next_line(interview, line, &text) || rw_span_is(text, ".."))
            return ANSWER_ALL_ENDS;
        if (rw_span_is(text, "."))
            return ANSWER_SECTION_ENDS;
        if (text.len == 0)
            return ANSWER_SKIPPED;
        if (rw_span_is(text, "?") || rw_span_is(text, "？")) {
            explain(interview, field);
            continue;
        }
        put(interview, value, text);
        if (interview->reader.err || interview->reader.report->err)
            return ANSWER_ALL_ENDS;
        if (interview->reader.report->count == 0)
            return ANSWER_TAKEN;
        value->there = false;
        value->count = 0;
        tell_last(interview, field);
    }
}

/* What has an assumption of the sizing models is left to experts. */
static bool is_asked(const struct interview *interview, const struct rw_intake_field *field)
{
    return interview->expert || !field->is_input || isnan(rw_input_entry(field->input)->assumed) ||
           field->input == RW_INPUT_THINK_TIME || field->input == RW_INPUT_GROWTH ||
           field->input == RW_INPUT_RETENTION;
}

static enum answer ask_row(struct interview *interview, struct rw_intake_row *row, bool *any)
{
    *any = false;
    for (unsigned f = 0; f < rw_intake_field_count(row->section); f++) {
        if (!is_asked(interview, row->values[f].field))
            continue;
        enum answer answer = ask(interview, &row->values[f]);
        *any |= answer == ANSWER_TAKEN;
        if (answer >= ANSWER_SECTION_ENDS)
            return answer;
        /* An entry of a list without its first field is none. */
        if (row->section->many && f == 0 && answer == ANSWER_SKIPPED)
            return ANSWER_SECTION_ENDS;
    }
    return ANSWER_TAKEN;
}

static enum answer ask_list(struct interview *interview, const struct rw_intake_section *section)
{
    struct rw_intake *intake = interview->reader.intake;
    enum answer answer = ANSWER_TAKEN;
    while (answer < ANSWER_SECTION_ENDS) {
        struct rw_conf_place place = {interview->lines + 1, 1};
        struct rw_intake_row *row = rw_intake_add_row(&interview->reader, section, place);
        bool any;
        if (!row)
            return ANSWER_ALL_ENDS;
        answer = ask_row(interview, row, &any);
        if (!any)
            intake->rows[section - rw_intake_sections].count--;
    }
    return answer;
}

enum rw_err rw_intake_interview(FILE *in, FILE *out, enum rw_language language, bool expert,
                                struct rw_intake *intake)
{
    struct rw_conf_report report = {0};
    struct interview interview = {.reader = {.intake = intake, .report = &report},
                                  .in = in,
                                  .out = out,
                                  .language = language,
                                  .expert = expert};
    enum rw_err err = rw_intake_begin(intake, "interview");
    report.arena = &intake->arena;
    report.voice = language == RW_LANGUAGE_ZH ? RW_CONF_VOICE_CHINESE : RW_CONF_VOICE_ENGLISH;
    fprintf(out, "%s\n",
            pick(&interview,
                 "Empty line: no answer. ?: explain. unknown: not known. .: next section. ..: end.",
                 "空行：跳过；？：说明；未知：暂不清楚；.：下一节；..：结束。"));
    enum answer answer = ANSWER_TAKEN;
    for (size_t i = 0; !err && i < RW_INTAKE_SECTIONS && answer != ANSWER_ALL_ENDS; i++) {
        const struct rw_intake_section *section = &rw_intake_sections[i];
        bool any;
        fprintf(out, "\n%s: %s\n", rw_label_in(section->label, language),
                rw_label_in(section->doc, language));
        answer = section->many ? ask_list(&interview, section)
                               : ask_row(&interview, rw_intake_single(intake, section), &any);
        err = interview.reader.err ? interview.reader.err : report.err;
    }
    return err;
}
