/* The figures of each chart as a table: for readers who cannot see it, and for Markdown. */
#include "report/number.h"

#define DAYS_MAX 3.6e6 /* of a Gantt chart: years of four digits */

static bool all_whole(const struct rw_doc_chart *chart)
{
    bool whole = true;
    for (const struct rw_doc_point *point = chart->first; point; point = point->next)
        for (size_t i = 0; i < chart->series_count; i++)
            whole &= !isfinite(point->values[i]) || point->values[i] == rint(point->values[i]);
    return whole;
}

/* In a histogram the unit is that of the classes; what falls into them is counted. */
static void add_value_columns(struct rw_doc *doc, const struct rw_doc_chart *chart,
                              struct rw_doc_table *table)
{
    bool counts = chart->kind == RW_DOC_RANGE;
    enum rw_doc_column_kind kind = chart->money && !counts ? RW_DOC_MONEY : RW_DOC_NUMBER;
    bool whole = all_whole(chart);
    for (size_t i = 0; i < chart->series_count; i++) {
        struct rw_doc_column *column = rw_doc_column(
            doc, table, kind, chart->series[i], counts ? (struct rw_span){"", 0} : chart->unit);
        column->sum = false;
        column->decimals = whole ? 0 : 2;
    }
}

static void add_span_columns(struct rw_doc *doc, const struct rw_doc_chart *chart,
                             struct rw_doc_table *table)
{
    bool dates = chart->kind == RW_DOC_GANTT;
    enum rw_doc_column_kind kind = dates          ? RW_DOC_WORDS
                                   : chart->money ? RW_DOC_MONEY
                                                  : RW_DOC_NUMBER;
    struct rw_span unit = dates ? (struct rw_span){"", 0} : chart->unit;
    enum rw_report_word low = dates ? RW_SAY_START : RW_SAY_LOW;
    enum rw_report_word high = dates ? RW_SAY_END : RW_SAY_HIGH;
    struct rw_doc_column *column = rw_doc_column(doc, table, kind, rw_doc_word(doc, low), unit);
    column->decimals = 2;
    column->sum = false;
    column = rw_doc_column(doc, table, kind, rw_doc_word(doc, high), unit);
    column->decimals = 2;
    column->sum = false;
}

static bool has_span(const struct rw_doc_chart *chart)
{
    return chart->kind >= RW_DOC_TORNADO;
}

static void put_end(struct rw_doc *doc, const struct rw_doc_chart *chart, struct rw_doc_cell *cell,
                    double value)
{
    if (chart->kind != RW_DOC_GANTT) {
        rw_doc_number(cell, value, RW_DOC_NO_FIGURE);
        return;
    }
    if (!isfinite(value) || fabs(value) > DAYS_MAX) {
        rw_doc_words(doc, cell, rw_doc_word(doc, RW_SAY_MISSING));
        return;
    }
    struct rw_text date = {0};
    rw_report_date(&date, (int64_t)(chart->day_zero + value));
    if (date.err)
        doc->err = date.err;
    else
        rw_doc_words(doc, cell, rw_text_span(&date));
    rw_text_free(&date);
}

static void add_data(struct rw_doc *doc, struct rw_doc_chart *chart)
{
    struct rw_doc_table *table = rw_doc_loose_table(doc, chart->caption, chart->unit);
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_word(doc, RW_SAY_LABEL),
                  (struct rw_span){"", 0});
    if (has_span(chart))
        add_span_columns(doc, chart, table);
    if (chart->kind != RW_DOC_TORNADO && chart->kind != RW_DOC_GANTT)
        add_value_columns(doc, chart, table);
    for (const struct rw_doc_point *point = chart->first; point; point = point->next) {
        struct rw_doc_cell *cells = rw_doc_row(doc, table);
        rw_doc_words(doc, cells++, point->label);
        if (has_span(chart)) {
            put_end(doc, chart, cells++, point->low);
            put_end(doc, chart, cells++, point->high);
        }
        if (chart->kind == RW_DOC_TORNADO || chart->kind == RW_DOC_GANTT)
            continue;
        for (size_t i = 0; i < chart->series_count; i++)
            rw_doc_number(cells++, point->values[i], RW_DOC_NO_FIGURE);
    }
    chart->data = table;
}

/* What cannot be drawn stands at the base, with no length; the table of the figures tells. */
static double drawable(double value, double base)
{
    return isfinite(value) ? fmax(fmin(value, 1e18), -1e18) : base;
}

static void make_drawable(struct rw_doc_chart *chart)
{
    chart->base = drawable(chart->base, 0);
    for (struct rw_doc_point *point = chart->first; point; point = point->next) {
        if (chart->kind == RW_DOC_GANTT && !(fmax(fabs(point->low), fabs(point->high)) < DAYS_MAX))
            point->low = point->high = 0;
        point->low = drawable(point->low, chart->base);
        point->high = drawable(point->high, chart->base);
        for (size_t i = 0; i < chart->series_count; i++)
            point->values[i] = isfinite(point->values[i]) ? drawable(point->values[i], 0) : NAN;
    }
    struct rw_doc_mark **at = &chart->marks;
    while (*at) {
        if (fabs((*at)->at) < (chart->kind == RW_DOC_GANTT ? DAYS_MAX : 1e18))
            at = &(*at)->next;
        else
            *at = (*at)->next;
    }
}

enum rw_err rw_doc_finish(struct rw_doc *doc)
{
    for (struct rw_doc_block *block = doc->first; block && !doc->err; block = block->next) {
        if (!block->chart)
            continue;
        add_data(doc, block->chart);
        make_drawable(block->chart);
    }
    return doc->err;
}
