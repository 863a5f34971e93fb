/* Charts of spans along a scale from left to right: tornado, range, Gantt. */
#include "report/chart_private.h"

#include "report/number.h"

#define ROW 26.0

/* Where rows begin: beside their labels when there is room, else each row has its label above. */
static double label_room(const struct rw_chart_view *view)
{
    if (view->narrow)
        return 0;
    unsigned widest = 0;
    for (const struct rw_doc_point *point = view->chart->first; point; point = point->next) {
        unsigned width = rw_text_width(point->label);
        widest = width > widest ? width : widest;
    }
    return fmin(fmax(widest * 12.0 / 100 + 14, 90), 250);
}

static double row_height(const struct rw_chart_view *view)
{
    return view->narrow ? ROW + 16 : ROW;
}

/* Writes the label of the row at `y`; gives where its bar begins. */
static double draw_row_label(struct rw_chart_view *view, const struct rw_doc_point *point, double y,
                             double room)
{
    if (view->narrow) {
        RW_CHART_WORDS(view, "label", 0, y + 13, RW_ANCHOR_START, point->label, view->width);
        return y + 18;
    }
    RW_CHART_WORDS(view, "label", room - 10, y + 17, RW_ANCHOR_END, point->label, room - 10);
    return y + 4;
}

/* The marks as vertical lines; each has its words on a line of its own above the plot. */
static void draw_marks(struct rw_chart_view *view, const struct rw_scale *scale, double top,
                       double bottom)
{
    double y = 12;
    for (const struct rw_doc_mark *mark = view->chart->marks; mark; mark = mark->next, y += 16) {
        double x = rw_scale_at(scale, mark->at);
        RW_MARKUP(view->out, "<line");
        rw_chart_tone(view, mark->tone);
        rw_chart_line(view, x, y + 4, x, bottom);
        double width = rw_text_width(mark->label) * 12.0 / 100;
        enum rw_anchor anchor = x + width / 2 > view->width ? RW_ANCHOR_END
                                : x - width / 2 < 0         ? RW_ANCHOR_START
                                                            : RW_ANCHOR_MIDDLE;
        RW_CHART_WORDS(view, "note", x, y, anchor, mark->label, view->width);
    }
    rw_assert(y <= top + 16);
}

static double marks_height(const struct rw_chart_view *view)
{
    double height = 4;
    for (const struct rw_doc_mark *mark = view->chart->marks; mark; mark = mark->next)
        height += 16;
    return height;
}

/* ---- Tornado ---- */

static void tornado_bounds(const struct rw_doc_chart *chart, double *low, double *high)
{
    *low = *high = chart->base;
    for (const struct rw_doc_point *point = chart->first; point; point = point->next) {
        *low = fmin(*low, fmin(point->low, point->high));
        *high = fmax(*high, fmax(point->low, point->high));
    }
    for (const struct rw_doc_mark *mark = chart->marks; mark; mark = mark->next) {
        *low = fmin(*low, mark->at);
        *high = fmax(*high, mark->at);
    }
}

static void draw_tornado_end(struct rw_chart_view *view, const struct rw_scale *scale, double y,
                             double value, size_t series)
{
    double base = rw_scale_at(scale, view->chart->base), x = rw_scale_at(scale, value);
    RW_MARKUP(view->out, "<rect");
    rw_chart_colour(view, series);
    rw_chart_box(view, fmin(base, x), y, fabs(x - base), ROW - 8);
    struct rw_text text = {0};
    bool left = value < view->chart->base;
    RW_CHART_WORDS(view, "value", left ? x - 5 : x + 5, y + 13,
                   left ? RW_ANCHOR_END : RW_ANCHOR_START, rw_chart_value(view, &text, value), 0);
    if (text.err)
        view->out->text.err = text.err;
    rw_text_free(&text);
}

void rw_chart_draw_tornado(struct rw_chart_view *view)
{
    const struct rw_doc_chart *chart = view->chart;
    double low, high, room = label_room(view);
    tornado_bounds(chart, &low, &high);
    double top = marks_height(view) + rw_chart_legend(view, 0, false);
    double bottom = top + row_height(view) * (double)chart->point_count + 4;
    /* The numbers at both ends stay inside. */
    struct rw_scale scale =
        rw_scale_around(low, high, view->narrow ? 3 : 5, room + 52, view->width - 52);
    rw_chart_begin(view, bottom + 24);
    rw_chart_legend(view, top - rw_chart_legend(view, 0, false), true);
    rw_chart_rules(view, &scale, top, bottom);
    double y = top;
    for (const struct rw_doc_point *point = chart->first; point; point = point->next) {
        double bar = draw_row_label(view, point, y, room);
        draw_tornado_end(view, &scale, bar, point->low, 0);
        draw_tornado_end(view, &scale, bar, point->high, 1);
        y += row_height(view);
    }
    double base = rw_scale_at(&scale, chart->base);
    RW_MARKUP(view->out, "<line class=\"zero\"");
    rw_chart_line(view, base, top, base, bottom);
    draw_marks(view, &scale, top, bottom);
    rw_chart_end(view);
}

/* ---- A range of outcomes ---- */

void rw_chart_draw_range(struct rw_chart_view *view)
{
    const struct rw_doc_chart *chart = view->chart;
    double low = INFINITY, high = -INFINITY, most = 0;
    for (const struct rw_doc_point *point = chart->first; point; point = point->next) {
        low = fmin(low, point->low);
        high = fmax(high, point->high);
        most = fmax(most, point->values[0]);
    }
    for (const struct rw_doc_mark *mark = chart->marks; mark; mark = mark->next) {
        low = fmin(low, mark->at);
        high = fmax(high, mark->at);
    }
    if (!chart->first)
        low = high = 0;
    double top = marks_height(view), bottom = top + 180;
    struct rw_scale scale = rw_scale_around(low, high, view->narrow ? 3 : 6, 0, view->width);
    rw_chart_begin(view, bottom + 24);
    rw_chart_rules(view, &scale, top, bottom);
    for (const struct rw_doc_point *point = chart->first; point; point = point->next) {
        double x1 = rw_scale_at(&scale, point->low), x2 = rw_scale_at(&scale, point->high);
        double height = most > 0 ? 160 * point->values[0] / most : 0;
        RW_MARKUP(view->out, "<rect");
        rw_chart_colour(view, 0);
        rw_chart_box(view, x1 + 0.5, bottom - height, x2 - x1 - 1, height);
    }
    draw_marks(view, &scale, top, bottom);
    rw_chart_end(view);
}

/* ---- Gantt ---- */

static void draw_days(struct rw_chart_view *view, const struct rw_scale *scale, double top,
                      double bottom)
{
    struct rw_text date = {0};
    unsigned ticks = view->narrow ? 2 : 5;
    for (unsigned i = 0; i <= ticks; i++) {
        double day = floor(scale->low + (scale->high - scale->low) * i / ticks);
        double x = rw_scale_at(scale, day);
        date.len = 0;
        rw_report_date(&date, (int64_t)(view->chart->day_zero + day));
        RW_MARKUP(view->out, "<line class=\"grid\"");
        rw_chart_line(view, x, top, x, bottom);
        enum rw_anchor anchor = i == 0       ? RW_ANCHOR_START
                                : i == ticks ? RW_ANCHOR_END
                                             : RW_ANCHOR_MIDDLE;
        RW_CHART_WORDS(view, "axis", x, bottom + 16, anchor, rw_text_span(&date), 0);
    }
    if (date.err)
        view->out->text.err = date.err;
    rw_text_free(&date);
}

static void draw_phase(struct rw_chart_view *view, const struct rw_scale *scale,
                       const struct rw_doc_point *point, double y)
{
    double x1 = rw_scale_at(scale, point->low), x2 = rw_scale_at(scale, point->high);
    RW_MARKUP(view->out, "<rect rx=\"3\"");
    if (point->strong)
        RW_MARKUP(view->out, " class=\"critical\"");
    else
        rw_chart_colour(view, 0);
    rw_chart_box(view, x1, y, fmax(x2 - x1, 2), ROW - 8);
    double width = rw_text_width(point->note) * 12.0 / 100;
    if (x2 + 6 + width <= view->width)
        RW_CHART_WORDS(view, "value", x2 + 6, y + 13, RW_ANCHOR_START, point->note, 0);
    else if (x2 - x1 > width + 10)
        RW_CHART_WORDS(view, "inside", x2 - 6, y + 13, RW_ANCHOR_END, point->note, 0);
    else if (x1 - 6 - width > scale->from)
        RW_CHART_WORDS(view, "value", x1 - 6, y + 13, RW_ANCHOR_END, point->note, 0);
}

void rw_chart_draw_gantt(struct rw_chart_view *view)
{
    const struct rw_doc_chart *chart = view->chart;
    double high = 1, room = label_room(view), top = marks_height(view);
    for (const struct rw_doc_point *point = chart->first; point; point = point->next)
        high = fmax(high, point->high);
    for (const struct rw_doc_mark *mark = chart->marks; mark; mark = mark->next)
        high = fmax(high, mark->at);
    struct rw_scale scale = {0, high, high, room, view->width};
    double bottom = top + row_height(view) * (double)chart->point_count + 4;
    rw_chart_begin(view, bottom + 24);
    draw_days(view, &scale, top, bottom);
    double y = top;
    for (const struct rw_doc_point *point = chart->first; point; point = point->next) {
        draw_phase(view, &scale, point, draw_row_label(view, point, y, room));
        y += row_height(view);
    }
    draw_marks(view, &scale, top, bottom);
    rw_chart_end(view);
}
