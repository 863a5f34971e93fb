/* What the kinds of chart have in common: a view, a scale for values, and words at a place.
 *
 * rw_chart_draw fills the view and calls one of the drawing functions, which first say how high
 * they will be (rw_chart_begin) and then draw.
 */
#ifndef RW_REPORT_CHART_PRIVATE_H
#define RW_REPORT_CHART_PRIVATE_H

#include "report/chart.h"

struct rw_chart_view {
    struct rw_markup *out;
    const struct rw_doc_chart *chart;
    enum rw_language language;
    double width, height;
    bool narrow;
};

/* Values from `low` to `high` lie at pixels `from` to `to`; ticks each `step`. */
struct rw_scale {
    double low, high, step, from, to;
};

enum rw_anchor { RW_ANCHOR_START, RW_ANCHOR_MIDDLE, RW_ANCHOR_END };

/* The smallest scale of round steps that holds both; about `ticks` of them. */
struct rw_scale rw_scale_around(double low, double high, unsigned ticks, double from, double to);
double rw_scale_at(const struct rw_scale *scale, double value);

void rw_chart_begin(struct rw_chart_view *view, double height);
void rw_chart_end(struct rw_chart_view *view);

/* Words at a place, cut with an ellipsis to `width` pixels (0: as they are). `style` is one or more
 * classes, a literal. */
#define RW_CHART_WORDS(view, style, x, y, anchor, words, width)                                    \
    do {                                                                                           \
        RW_MARKUP((view)->out, "<text class=\"" style "\"");                                       \
        rw_chart_words((view), (x), (y), (anchor), (words), (width));                              \
    } while (0)
void rw_chart_words(struct rw_chart_view *view, double x, double y, enum rw_anchor anchor,
                    struct rw_span words, double width);

/* A value as words in `text` (which is emptied first): money in its currency, others with the
 * unit's letters. */
struct rw_span rw_chart_value(const struct rw_chart_view *view, struct rw_text *text, double value);

void rw_chart_line(struct rw_chart_view *view, double x1, double y1, double x2, double y2);
/* class="sN", the colour of a series. */
void rw_chart_colour(struct rw_chart_view *view, size_t series);
void rw_chart_box(struct rw_chart_view *view, double x, double y, double width, double height);
/* class="mark TONE" for a line or words. */
void rw_chart_tone(struct rw_chart_view *view, enum rw_doc_tone tone);

/* The names of the series with their colours, from `y` on; gives the height taken. Without `draw`
 * it only measures. */
double rw_chart_legend(struct rw_chart_view *view, double y, bool draw);

/* Vertical rules with numbers below, for a scale from left to right. */
void rw_chart_rules(struct rw_chart_view *view, const struct rw_scale *scale, double top,
                    double bottom);

void rw_chart_draw_bars(struct rw_chart_view *view);
void rw_chart_draw_tornado(struct rw_chart_view *view);
void rw_chart_draw_range(struct rw_chart_view *view);
void rw_chart_draw_gantt(struct rw_chart_view *view);

#endif
