/* Bars beside each other, bars on top of each other, and lines: values over groups. */
#include "report/chart_private.h"

#define LEFT 64.0
#define PLOT 230.0
#define LABELS 38.0

struct plot {
    struct rw_scale values;                 /* `from` is the bottom */
    double left, right, top, bottom, group; /* group: width of one */
};

static double known(double value)
{
    return isfinite(value) ? value : 0;
}

/* The lowest and highest value that the plot must hold; bars stand on zero. */
static void find_bounds(const struct rw_doc_chart *chart, double *low, double *high)
{
    *low = *high = 0;
    for (const struct rw_doc_point *point = chart->first; point; point = point->next) {
        double above = 0, below = 0;
        for (size_t i = 0; i < chart->series_count; i++) {
            double value = known(point->values[i]);
            bool add = chart->kind == RW_DOC_STACKED;
            above = value > 0 ? fmax(add ? above + value : value, above) : above;
            below = value < 0 ? fmin(add ? below + value : value, below) : below;
        }
        *low = fmin(*low, below);
        *high = fmax(*high, above);
    }
    for (const struct rw_doc_mark *mark = chart->marks; mark; mark = mark->next) {
        *low = fmin(*low, mark->at);
        *high = fmax(*high, mark->at);
    }
}

static void draw_grid(struct rw_chart_view *view, const struct plot *plot)
{
    struct rw_text text = {0};
    const struct rw_scale *values = &plot->values;
    size_t count = (size_t)llround((values->high - values->low) / values->step);
    for (size_t i = 0; i <= count; i++) {
        double value = values->low + values->step * (double)i;
        double y = rw_scale_at(values, value);
        if (fabs(value) < values->step / 2)
            RW_MARKUP(view->out, "<line class=\"zero\"");
        else
            RW_MARKUP(view->out, "<line class=\"grid\"");
        rw_chart_line(view, plot->left, y, plot->right, y);
        RW_CHART_WORDS(view, "axis", plot->left - 8, y + 4, RW_ANCHOR_END,
                       rw_chart_value(view, &text, value), 0);
    }
    RW_CHART_WORDS(view, "axis", 0, plot->top - 10, RW_ANCHOR_START, view->chart->unit,
                   view->width);
    if (text.err)
        view->out->text.err = text.err;
    rw_text_free(&text);
}

/* The label of a group below it, on up to two lines. */
static void draw_label(struct rw_chart_view *view, const struct plot *plot, double middle,
                       struct rw_span label, double room)
{
    size_t first = rw_text_fit(label, (unsigned)(room * 100 / 12));
    struct rw_span rest = rw_span_trim(rw_span_skip(label, first));
    RW_CHART_WORDS(view, "label", middle, plot->bottom + 17, RW_ANCHOR_MIDDLE,
                   rw_span(label.at, first), 0);
    if (rest.len)
        RW_CHART_WORDS(view, "label", middle, plot->bottom + 32, RW_ANCHOR_MIDDLE, rest, room);
}

/* With many groups each k-th has its label. */
static size_t label_stride(const struct rw_doc_chart *chart, const struct plot *plot)
{
    unsigned widest = 0;
    for (const struct rw_doc_point *point = chart->first; point; point = point->next) {
        unsigned width = rw_text_width(point->label);
        widest = width > widest ? width : widest;
    }
    double needed = fmin(widest * 12.0 / 100, 48) + 4;
    size_t stride = (size_t)ceil(needed / plot->group);
    return stride ? stride : 1;
}

/* No number: said, as a bar without height would be taken for zero. */
static void draw_value(struct rw_chart_view *view, double x, double y, double value)
{
    struct rw_text text = {0};
    struct rw_span words = isfinite(value) ? rw_chart_value(view, &text, value)
                                           : rw_report_word(RW_SAY_MISSING_VALUE, view->language);
    RW_CHART_WORDS(view, "value", x, y, RW_ANCHOR_MIDDLE, words, 0);
    if (text.err)
        view->out->text.err = text.err;
    rw_text_free(&text);
}

static void draw_bar(struct rw_chart_view *view, const struct plot *plot, size_t series, double x,
                     double width, double from, double to)
{
    double y1 = rw_scale_at(&plot->values, from), y2 = rw_scale_at(&plot->values, to);
    RW_MARKUP(view->out, "<rect");
    rw_chart_colour(view, series);
    rw_chart_box(view, x, fmin(y1, y2), width, fabs(y1 - y2));
}

static void draw_stack(struct rw_chart_view *view, const struct plot *plot,
                       const struct rw_doc_point *point, double x)
{
    double width = fmin(plot->group * 0.62, 64), above = 0, below = 0;
    double left = x + (plot->group - width) / 2;
    bool whole = true;
    for (size_t i = 0; i < view->chart->series_count; i++) {
        double value = known(point->values[i]);
        whole = whole && isfinite(point->values[i]);
        double *edge = value < 0 ? &below : &above;
        draw_bar(view, plot, i, left, width, *edge, *edge + value);
        *edge += value;
    }
    if (plot->group > 40 && (above > 0 || !whole))
        draw_value(view, x + plot->group / 2, rw_scale_at(&plot->values, above) - 6,
                   whole ? above : NAN);
}

static void draw_beside(struct rw_chart_view *view, const struct plot *plot,
                        const struct rw_doc_point *point, double x)
{
    double count = (double)view->chart->series_count;
    double width = fmin(plot->group * 0.8 / count, 56);
    double left = x + (plot->group - width * count) / 2;
    for (size_t i = 0; i < view->chart->series_count; i++, left += width) {
        double value = known(point->values[i]);
        draw_bar(view, plot, i, left, width - 2, 0, value);
        double y = rw_scale_at(&plot->values, value);
        if (width > 34)
            draw_value(view, left + width / 2 - 1, value < 0 ? y + 14 : y - 6, point->values[i]);
    }
}

/* Points stand in the middle of their groups. */
static double place_at(const struct rw_chart_view *view, const struct plot *plot, double at)
{
    double most = (double)view->chart->point_count - 1;
    return plot->left + plot->group * (fmax(0, fmin(at, most)) + 0.5);
}

static void draw_band(struct rw_chart_view *view, const struct plot *plot)
{
    double from = place_at(view, plot, view->chart->band_from);
    double to = place_at(view, plot, view->chart->band_to);
    if (!view->chart->band.len)
        return;
    RW_MARKUP(view->out, "<rect class=\"band\"");
    rw_chart_box(view, from, plot->top, fmax(2, to - from), plot->bottom - plot->top);
    RW_CHART_WORDS(view, "note", from, plot->top - 5, RW_ANCHOR_START, view->chart->band,
                   plot->right - from);
}

/* From `*at`, a point that has a figure, to the last before one that has none; `*x` moves along. A
 * point alone is a line of no length, which its round ends make a dot. */
static void draw_stretch(struct rw_chart_view *view, const struct plot *plot, size_t series,
                         const struct rw_doc_point **at, double *x)
{
    bool alone = !(*at)->next || !isfinite((*at)->next->values[series]);
    RW_MARKUP(view->out, "<polyline");
    RW_MARKUP(view->out, " class=\"line l");
    rw_markup_count(view->out, series);
    RW_MARKUP(view->out, "\" points=\"");
    for (; *at && isfinite((*at)->values[series]); *at = (*at)->next, *x += plot->group)
        for (unsigned times = alone ? 2 : 1; times; times--) {
            rw_markup_coordinate(view->out, *x);
            RW_MARKUP(view->out, ",");
            rw_markup_coordinate(view->out, rw_scale_at(&plot->values, (*at)->values[series]));
            RW_MARKUP(view->out, " ");
        }
    RW_MARKUP(view->out, "\"/>");
}

/* Where there is no figure, there is no line. */
static void draw_lines(struct rw_chart_view *view, const struct plot *plot)
{
    for (size_t i = 0; i < view->chart->series_count; i++) {
        const struct rw_doc_point *point = view->chart->first;
        double x = plot->left + plot->group / 2;
        while (point) {
            if (isfinite(point->values[i])) {
                draw_stretch(view, plot, i, &point, &x);
            } else {
                point = point->next;
                x += plot->group;
            }
        }
    }
}

static void draw_marks(struct rw_chart_view *view, const struct plot *plot)
{
    for (const struct rw_doc_mark *mark = view->chart->marks; mark; mark = mark->next) {
        double y = rw_scale_at(&plot->values, mark->at);
        RW_MARKUP(view->out, "<line");
        rw_chart_tone(view, mark->tone);
        rw_chart_line(view, plot->left, y, plot->right, y);
        RW_CHART_WORDS(view, "note", plot->right, y - 5, RW_ANCHOR_END, mark->label,
                       plot->right - plot->left);
    }
}

void rw_chart_draw_bars(struct rw_chart_view *view)
{
    const struct rw_doc_chart *chart = view->chart;
    double low, high, top = rw_chart_legend(view, 0, false) + 26;
    find_bounds(chart, &low, &high);
    struct plot plot = {.left = LEFT, .right = view->width, .top = top, .bottom = top + PLOT};
    plot.values = rw_scale_around(low, high, 5, plot.bottom, plot.top);
    plot.group = (plot.right - plot.left) / (double)(chart->point_count ? chart->point_count : 1);
    rw_chart_begin(view, plot.bottom + LABELS);
    rw_chart_legend(view, 0, true);
    draw_band(view, &plot);
    draw_grid(view, &plot);
    size_t stride = label_stride(chart, &plot), index = 0;
    double x = plot.left;
    for (const struct rw_doc_point *point = chart->first; point; point = point->next, index++) {
        if (chart->kind == RW_DOC_STACKED)
            draw_stack(view, &plot, point, x);
        else if (chart->kind == RW_DOC_BARS)
            draw_beside(view, &plot, point, x);
        if (index % stride == 0)
            draw_label(view, &plot, x + plot.group / 2, point->label,
                       plot.group * (double)stride - 4);
        x += plot.group;
    }
    if (chart->kind == RW_DOC_LINES)
        draw_lines(view, &plot);
    draw_marks(view, &plot);
    rw_chart_end(view);
}
