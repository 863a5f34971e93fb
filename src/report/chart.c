#include "report/chart_private.h"

#include "report/number.h"

#define FONT 12.0

/* ---- Scales ---- */

static double round_step(double rough)
{
    double magnitude = pow(10, floor(log10(rough)));
    double digit = rough / magnitude;
    return magnitude * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 2.5 ? 2.5 : digit <= 5 ? 5 : 10);
}

struct rw_scale rw_scale_around(double low, double high, unsigned ticks, double from, double to)
{
    if (!(low < high))
        high = low + (low != 0 ? fabs(low) : 1);
    double step = round_step((high - low) / ticks);
    return (struct rw_scale){floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step, step,
                             from, to};
}

double rw_scale_at(const struct rw_scale *scale, double value)
{
    double part = (value - scale->low) / (scale->high - scale->low);
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return scale->from + part * (scale->to - scale->from);
}

/* ---- Marks on paper ---- */

void rw_chart_begin(struct rw_chart_view *view, double height)
{
    view->height = height;
    RW_MARKUP(view->out, "<svg class=\"");
    if (view->narrow)
        RW_MARKUP(view->out, "narrow\"");
    else
        RW_MARKUP(view->out, "wide\"");
    RW_MARKUP(view->out, " role=\"img\" viewBox=\"0 0 ");
    rw_markup_coordinate(view->out, view->width);
    RW_MARKUP(view->out, " ");
    rw_markup_coordinate(view->out, height);
    RW_MARKUP(view->out, "\" aria-label=\"");
    rw_markup_text(view->out, view->chart->caption);
    if (view->chart->summary.len)
        RW_MARKUP(view->out, ". ");
    rw_markup_text(view->out, view->chart->summary);
    RW_MARKUP(view->out, "\">");
}

void rw_chart_end(struct rw_chart_view *view)
{
    RW_MARKUP(view->out, "</svg>");
}

void rw_chart_words(struct rw_chart_view *view, double x, double y, enum rw_anchor anchor,
                    struct rw_span words, double width)
{
    RW_MARKUP_AT(view->out, "x", x);
    RW_MARKUP_AT(view->out, "y", y);
    if (anchor == RW_ANCHOR_MIDDLE)
        RW_MARKUP(view->out, " text-anchor=\"middle\"");
    else if (anchor == RW_ANCHOR_END)
        RW_MARKUP(view->out, " text-anchor=\"end\"");
    RW_MARKUP(view->out, ">");
    unsigned room = (unsigned)(width * 100 / FONT);
    bool cut = width > 0 && rw_text_width(words) > room;
    rw_markup_text(view->out,
                   cut ? rw_span(words.at, rw_text_fit(words, room > 80 ? room - 80 : 0)) : words);
    if (cut)
        RW_MARKUP(view->out, "…");
    RW_MARKUP(view->out, "</text>");
}

struct rw_span rw_chart_value(const struct rw_chart_view *view, struct rw_text *text, double value)
{
    text->len = 0;
    rw_report_short(text, view->chart->money ? value / 100 : value, view->language);
    if (rw_span_is(view->chart->unit, "%"))
        rw_text_adds(text, "%");
    return rw_text_span(text);
}

void rw_chart_line(struct rw_chart_view *view, double x1, double y1, double x2, double y2)
{
    RW_MARKUP_AT(view->out, "x1", x1);
    RW_MARKUP_AT(view->out, "y1", y1);
    RW_MARKUP_AT(view->out, "x2", x2);
    RW_MARKUP_AT(view->out, "y2", y2);
    RW_MARKUP(view->out, "/>");
}

void rw_chart_colour(struct rw_chart_view *view, size_t series)
{
    RW_MARKUP(view->out, " class=\"s");
    rw_markup_count(view->out, series);
    RW_MARKUP(view->out, "\"");
}

void rw_chart_box(struct rw_chart_view *view, double x, double y, double width, double height)
{
    RW_MARKUP_AT(view->out, "x", x);
    RW_MARKUP_AT(view->out, "y", y);
    RW_MARKUP_AT(view->out, "width", width < 0 ? 0 : width);
    RW_MARKUP_AT(view->out, "height", height < 0 ? 0 : height);
    RW_MARKUP(view->out, "/>");
}

void rw_chart_tone(struct rw_chart_view *view, enum rw_doc_tone tone)
{
    switch (tone) {
    case RW_DOC_GOOD:
        RW_MARKUP(view->out, " class=\"mark good\"");
        return;
    case RW_DOC_WARNING:
        RW_MARKUP(view->out, " class=\"mark warning\"");
        return;
    case RW_DOC_BAD:
        RW_MARKUP(view->out, " class=\"mark bad\"");
        return;
    default:
        RW_MARKUP(view->out, " class=\"mark\"");
        return;
    }
}

/* ---- What several kinds show ---- */

double rw_chart_legend(struct rw_chart_view *view, double y, bool draw)
{
    double x = 0, height = 20;
    if (view->chart->series_count < 2)
        return 0;
    for (size_t i = 0; i < view->chart->series_count; i++) {
        double width = 18 + rw_text_width(view->chart->series[i]) * FONT / 100;
        if (x > 0 && x + width > view->width) {
            x = 0;
            height += 18;
        }
        if (draw) {
            RW_MARKUP(view->out, "<rect rx=\"2\"");
            rw_chart_colour(view, i);
            rw_chart_box(view, x, y + height - 18, 11, 11);
            RW_CHART_WORDS(view, "key", x + 16, y + height - 8, RW_ANCHOR_START,
                           view->chart->series[i], view->width - 20);
        }
        x += width + 16;
    }
    return height + 6;
}

void rw_chart_rules(struct rw_chart_view *view, const struct rw_scale *scale, double top,
                    double bottom)
{
    struct rw_text text = {0};
    size_t count = (size_t)llround((scale->high - scale->low) / scale->step);
    for (size_t i = 0; i <= count; i++) {
        double value = scale->low + scale->step * (double)i;
        double x = rw_scale_at(scale, value);
        RW_MARKUP(view->out, "<line class=\"grid\"");
        rw_chart_line(view, x, top, x, bottom);
        enum rw_anchor anchor = i == 0       ? RW_ANCHOR_START
                                : i == count ? RW_ANCHOR_END
                                             : RW_ANCHOR_MIDDLE;
        RW_CHART_WORDS(view, "axis", x, bottom + 16, anchor, rw_chart_value(view, &text, value), 0);
    }
    if (text.err)
        view->out->text.err = text.err;
    rw_text_free(&text);
}

void rw_chart_draw(struct rw_markup *out, const struct rw_doc_chart *chart,
                   enum rw_language language, unsigned width)
{
    struct rw_chart_view view = {.out = out,
                                 .chart = chart,
                                 .language = language,
                                 .width = width,
                                 .narrow = width < RW_CHART_WIDE};
    switch (chart->kind) {
    case RW_DOC_BARS:
    case RW_DOC_STACKED:
    case RW_DOC_LINES:
        rw_chart_draw_bars(&view);
        return;
    case RW_DOC_TORNADO:
        rw_chart_draw_tornado(&view);
        return;
    case RW_DOC_RANGE:
        rw_chart_draw_range(&view);
        return;
    case RW_DOC_GANTT:
        rw_chart_draw_gantt(&view);
        return;
    }
}
