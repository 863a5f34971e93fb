#include "report/diagram.h"

#define FONT 12.0

struct drawing {
    struct rw_markup *out;
    const struct rw_doc_diagram *diagram;
    const struct rw_diagram_layout *layout;
    enum rw_language language;
};

static void put_place(struct drawing *drawing, const struct rw_diagram_place *place)
{
    RW_MARKUP_AT(drawing->out, "x", place->x + 0.5);
    RW_MARKUP_AT(drawing->out, "y", place->y + 0.5);
    RW_MARKUP_AT(drawing->out, "width", place->width - 1);
    RW_MARKUP_AT(drawing->out, "height", place->height - 1);
    RW_MARKUP(drawing->out, "/>");
}

/* Words cut to `width` pixels. */
static void put_words(struct drawing *drawing, double x, double y, struct rw_span words,
                      double width)
{
    RW_MARKUP_AT(drawing->out, "x", x);
    RW_MARKUP_AT(drawing->out, "y", y);
    RW_MARKUP(drawing->out, ">");
    unsigned room = (unsigned)(width * 100 / FONT);
    bool cut = rw_text_width(words) > room;
    rw_markup_text(drawing->out,
                   cut ? rw_span(words.at, rw_text_fit(words, room > 80 ? room - 80 : 0)) : words);
    if (cut)
        RW_MARKUP(drawing->out, "…");
    RW_MARKUP(drawing->out, "</text>");
}

static void draw_residency(struct drawing *drawing, const struct rw_doc_zone *zone,
                           const struct rw_diagram_place *place)
{
    struct rw_span note = rw_report_word(RW_SAY_LEGEND_RESIDENT, drawing->language);
    RW_MARKUP(drawing->out, "<text class=\"residency\" text-anchor=\"end\"");
    RW_MARKUP_AT(drawing->out, "x", place->x + place->width - 10);
    RW_MARKUP_AT(drawing->out, "y", place->y + 16);
    RW_MARKUP(drawing->out, ">");
    rw_markup_text(drawing->out, zone->residency);
    RW_MARKUP(drawing->out, " · ");
    rw_markup_text(drawing->out, note);
    RW_MARKUP(drawing->out, "</text>");
}

static void draw_zone(struct drawing *drawing, const struct rw_doc_zone *zone)
{
    const struct rw_diagram_place *place = &drawing->layout->zones[zone->index];
    RW_MARKUP(drawing->out, "<rect rx=\"8\" class=\"zone ");
    switch (zone->kind) {
    case RW_DOC_PROVIDER:
        RW_MARKUP(drawing->out, "provider");
        break;
    case RW_DOC_REGION:
        RW_MARKUP(drawing->out, "region");
        break;
    case RW_DOC_FAILURE_DOMAIN:
        RW_MARKUP(drawing->out, "domain");
        break;
    case RW_DOC_OUTSIDE:
        RW_MARKUP(drawing->out, "outside");
        break;
    }
    if (zone->residency.len)
        RW_MARKUP(drawing->out, " resident");
    RW_MARKUP(drawing->out, "\"");
    put_place(drawing, place);
    RW_MARKUP(drawing->out, "<text class=\"lane\"");
    put_words(drawing, place->x + 10, place->y + 16, zone->label, place->width * 0.6);
    if (zone->residency.len)
        draw_residency(drawing, zone, place);
}

static void put_curve(struct drawing *drawing, double x1, double y1, double x2, double y2,
                      double bend_x, double bend_y)
{
    const double numbers[] = {x1, y1, x1 + bend_x, y1 + bend_y, x2 - bend_x, y2 - bend_y, x2, y2};
    RW_MARKUP(drawing->out, " d=\"M");
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (i == 2)
            RW_MARKUP(drawing->out, " C");
        else if (i)
            RW_MARKUP(drawing->out, " ");
        rw_markup_coordinate(drawing->out, numbers[i]);
    }
    RW_MARKUP(drawing->out, "\"/>");
}

/* From the side that faces the other box; in the same column from bottom to top or back. */
static void draw_link(struct drawing *drawing, const struct rw_doc_link *link)
{
    const struct rw_diagram_place *from = &drawing->layout->boxes[link->from->index];
    const struct rw_diagram_place *to = &drawing->layout->boxes[link->to->index];
    RW_MARKUP(drawing->out, "<path class=\"link");
    if (link->dashed)
        RW_MARKUP(drawing->out, " dashed");
    RW_MARKUP(drawing->out, "\" marker-end=\"url(#arrow)\"");
    double from_y = from->y + from->height / 2, to_y = to->y + to->height / 2;
    if (to->x > from->x)
        put_curve(drawing, from->x + from->width, from_y, to->x - 2, to_y, 26, 0);
    else if (to->x < from->x)
        put_curve(drawing, from->x, from_y, to->x + to->width + 2, to_y, -26, 0);
    else if (to->y > from->y)
        put_curve(drawing, from->x + from->width * 0.7, from->y + from->height,
                  to->x + to->width * 0.7, to->y - 2, 0, 12);
    else
        put_curve(drawing, from->x + from->width * 0.3, from->y, to->x + to->width * 0.3,
                  to->y + to->height + 2, 0, -12);
}

static void draw_link_label(struct drawing *drawing, const struct rw_doc_link *link)
{
    if (link->label.len == 0)
        return;
    const struct rw_diagram_place *from = &drawing->layout->boxes[link->from->index];
    const struct rw_diagram_place *to = &drawing->layout->boxes[link->to->index];
    bool beside = from->x == to->x;
    double x = beside ? from->x + from->width * 0.7 - 6 : (from->x + to->x + from->width) / 2;
    double y = (from->y + to->y + from->height) / 2;
    if (beside)
        RW_MARKUP(drawing->out, "<text class=\"wire\" text-anchor=\"end\"");
    else
        RW_MARKUP(drawing->out, "<text class=\"wire\" text-anchor=\"middle\"");
    put_words(drawing, x, beside ? y + 4 : y - 6, link->label, 150);
}

static void draw_box(struct drawing *drawing, const struct rw_doc_box *box)
{
    const struct rw_diagram_place *place = &drawing->layout->boxes[box->index];
    RW_MARKUP(drawing->out, "<g class=\"box ");
    if (box->change == RW_DOC_ADDED)
        RW_MARKUP(drawing->out, "added");
    else if (box->change == RW_DOC_RETIRED)
        RW_MARKUP(drawing->out, "retired");
    else
        RW_MARKUP(drawing->out, "kept");
    RW_MARKUP(drawing->out, "\"><title>");
    rw_markup_text(drawing->out, box->label);
    RW_MARKUP(drawing->out, " ");
    rw_markup_text(drawing->out, box->detail);
    RW_MARKUP(drawing->out, "</title><rect rx=\"6\"");
    put_place(drawing, place);
    double middle = place->x + place->width / 2;
    RW_MARKUP(drawing->out, "<text class=\"name\" text-anchor=\"middle\"");
    put_words(drawing, middle, place->y + (box->detail.len ? 20 : 27), box->label,
              place->width - 8);
    if (box->detail.len) {
        RW_MARKUP(drawing->out, "<text class=\"detail\" text-anchor=\"middle\"");
        put_words(drawing, middle, place->y + 36, box->detail, place->width - 4);
    }
    RW_MARKUP(drawing->out, "</g>");
}

static void begin(struct drawing *drawing)
{
    RW_MARKUP(drawing->out, "<svg class=\"diagram\" role=\"img\"");
    RW_MARKUP_AT(drawing->out, "width", drawing->layout->width);
    RW_MARKUP(drawing->out, " viewBox=\"0 0 ");
    rw_markup_coordinate(drawing->out, drawing->layout->width);
    RW_MARKUP(drawing->out, " ");
    rw_markup_coordinate(drawing->out, drawing->layout->height);
    RW_MARKUP(drawing->out, "\" aria-label=\"");
    rw_markup_text(drawing->out, drawing->diagram->caption);
    if (drawing->diagram->summary.len)
        RW_MARKUP(drawing->out, ". ");
    rw_markup_text(drawing->out, drawing->diagram->summary);
    RW_MARKUP(drawing->out,
              "\"><defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" "
              "markerWidth=\"7\" markerHeight=\"7\" orient=\"auto-start-reverse\">"
              "<path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker></defs>");
}

/* Outer zones first, so that the inner ones lie on them. */
static void draw_zones(struct drawing *drawing, const struct rw_doc_zone *parent)
{
    for (const struct rw_doc_zone *zone = drawing->diagram->zones; zone; zone = zone->next) {
        if (zone->parent != parent)
            continue;
        draw_zone(drawing, zone);
        draw_zones(drawing, zone);
    }
}

void rw_diagram_draw(struct rw_markup *out, const struct rw_doc_diagram *diagram,
                     enum rw_language language)
{
    struct rw_diagram_layout layout;
    rw_diagram_lay_out(diagram, &layout);
    struct drawing drawing = {out, diagram, &layout, language};
    begin(&drawing);
    draw_zones(&drawing, NULL);
    for (const struct rw_doc_link *link = diagram->links; link; link = link->next)
        draw_link(&drawing, link);
    for (const struct rw_doc_box *box = diagram->boxes; box; box = box->next)
        draw_box(&drawing, box);
    for (const struct rw_doc_link *link = diagram->links; link; link = link->next)
        draw_link_label(&drawing, link);
    RW_MARKUP(out, "</svg>");
}
