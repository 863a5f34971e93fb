#include "plan/compare.h"

static bool differs(double before, double after)
{
    if (isnan(before) || isnan(after))
        return isnan(before) != isnan(after);
    if (before == after)
        return false;
    return !(fabs(before - after) <= 1e-12 * fmax(fabs(before), fabs(after)));
}

static bool has_finding(const struct rw_plan *plan, const struct rw_finding *wanted)
{
    const char *subject = wanted->subject ? wanted->subject : "";
    for (unsigned i = 0; i < plan->findings.count; i++) {
        const struct rw_finding *finding = &plan->findings.at[i];
        const char *other = finding->subject ? finding->subject : "";
        if (strcmp(finding->rule, wanted->rule) == 0 && strcmp(other, subject) == 0)
            return true;
    }
    return false;
}

/* Findings of `plan` that `other` lacks. */
static void write_findings(const struct rw_plan *plan, const struct rw_plan *other,
                           const char *mark, enum rw_language language, struct rw_text *text)
{
    for (unsigned i = 0; i < plan->findings.count; i++) {
        const struct rw_finding *finding = &plan->findings.at[i];
        if (has_finding(other, finding))
            continue;
        rw_text_addf(text, "%s %s (%s): ", mark, rw_severity_text(finding->severity, language),
                     finding->rule);
        rw_finding_write(finding, finding->text, language, text);
        rw_text_adds(text, "\n");
    }
}

static void write_value(const struct rw_plan *plan, uint32_t cell, enum rw_language language,
                        struct rw_text *text)
{
    if (cell == RW_CELL_NONE)
        rw_text_adds(text, "-");
    else
        rw_quantity_write(text, rw_sheet_quantity(&plan->sheet, cell), language);
}

/* By how much, where that says something. */
static void write_change(double before, double after, struct rw_text *text)
{
    if (isfinite(before) && isfinite(after) && before != 0 && fabs(after / before) < 1000)
        rw_text_addf(text, " (%+.1f %%)", (after / before - 1) * 100);
}

static void write_pair(const struct rw_plan *before, uint32_t a, const struct rw_plan *after,
                       uint32_t b, enum rw_language language, struct rw_text *text)
{
    const struct rw_cell *cell =
        a == RW_CELL_NONE ? rw_sheet_cell(&after->sheet, b) : rw_sheet_cell(&before->sheet, a);
    rw_text_addf(text, "%s: %s: ", cell->id, rw_label_in(cell->label, language));
    write_value(before, a, language, text);
    rw_text_adds(text, " -> ");
    write_value(after, b, language, text);
    write_change(rw_sheet_value(&before->sheet, a), rw_sheet_value(&after->sheet, b), text);
    rw_text_adds(text, "\n");
}

static bool matches(const struct rw_cell *cell, const char *prefix)
{
    return strncmp(cell->id, prefix, strlen(prefix)) == 0;
}

struct rw_comparison rw_compare_write(const struct rw_plan *before, const struct rw_plan *after,
                                      const char *prefix, enum rw_language language,
                                      struct rw_text *text)
{
    struct rw_comparison counts = {0};
    write_findings(before, after, "-", language, text);
    write_findings(after, before, "+", language, text);
    for (uint32_t a = 0; a < before->sheet.count; a++) {
        const struct rw_cell *cell = &before->sheet.cells[a];
        uint32_t b = rw_sheet_find(&after->sheet, cell->id);
        bool gone = b == RW_CELL_NONE;
        if (!gone && !differs(cell->value, after->sheet.cells[b].value))
            continue;
        counts.only_before += gone;
        counts.changed += !gone;
        if (matches(cell, prefix))
            write_pair(before, a, after, b, language, text);
    }
    for (uint32_t b = 0; b < after->sheet.count; b++) {
        const struct rw_cell *cell = &after->sheet.cells[b];
        if (rw_sheet_find(&before->sheet, cell->id) != RW_CELL_NONE)
            continue;
        counts.only_after++;
        if (matches(cell, prefix))
            write_pair(before, RW_CELL_NONE, after, b, language, text);
    }
    return counts;
}

static void write_json_pair(const struct rw_cell *cell, double before, double after, bool first,
                            struct rw_text *text)
{
    rw_text_adds(text, first ? "\n    {\"id\": " : ",\n    {\"id\": ");
    rw_text_add_json(text, rw_span_text(cell->id));
    rw_text_adds(text, ", \"unit\": ");
    rw_text_add_json(text, rw_span_text(rw_unit_name(cell->unit)));
    rw_text_adds(text, ", \"before\": ");
    rw_number_write(text, before);
    rw_text_adds(text, ", \"after\": ");
    rw_number_write(text, after);
    rw_text_adds(text, "}");
}

static void write_json_findings(const struct rw_plan *plan, const struct rw_plan *other,
                                struct rw_text *text)
{
    bool first = true;
    for (unsigned i = 0; i < plan->findings.count; i++) {
        const struct rw_finding *finding = &plan->findings.at[i];
        if (has_finding(other, finding))
            continue;
        rw_text_adds(text, first ? "" : ", ");
        rw_text_add_json(text, rw_span_text(finding->rule));
        first = false;
    }
}

void rw_compare_write_json(const struct rw_plan *before, const struct rw_plan *after,
                           struct rw_text *text)
{
    bool first = true;
    rw_text_adds(text, "{\n  \"changed\": [");
    for (uint32_t a = 0; a < before->sheet.count; a++) {
        const struct rw_cell *cell = &before->sheet.cells[a];
        double now = rw_sheet_value_of(&after->sheet, cell->id);
        if (!differs(cell->value, now))
            continue;
        write_json_pair(cell, cell->value, now, first, text);
        first = false;
    }
    for (uint32_t b = 0; b < after->sheet.count; b++) {
        const struct rw_cell *cell = &after->sheet.cells[b];
        if (rw_sheet_find(&before->sheet, cell->id) != RW_CELL_NONE)
            continue;
        write_json_pair(cell, NAN, cell->value, first, text);
        first = false;
    }
    rw_text_adds(text, "\n  ],\n  \"findings\": {\"gone\": [");
    write_json_findings(before, after, text);
    rw_text_adds(text, "], \"come\": [");
    write_json_findings(after, before, text);
    rw_text_adds(text, "]}\n}\n");
}
