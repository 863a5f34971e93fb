#include "report/diagram.h"

#define BOX_WIDTH 136.0
#define BOX_HEIGHT 46.0
#define COLUMN_GAP 52.0
#define ROW_GAP 12.0
#define LANE_GAP 10.0
#define LANE_INDENT 10.0
#define LANE_HEAD 24.0
#define LANE_FOOT 12.0

struct laying {
    const struct rw_doc_diagram *diagram;
    struct rw_diagram_layout *layout;
    unsigned columns, depth; /* how many columns; how deep zones lie in each other */
};

static unsigned depth_of(const struct rw_doc_zone *zone)
{
    unsigned depth = 0;
    for (; zone; zone = zone->parent)
        depth++;
    return depth;
}

/* Links go from earlier to later boxes, so each pass over them settles at least one more column. */
static void find_columns(struct laying *laying)
{
    unsigned *column = laying->layout->column;
    for (unsigned pass = 0; pass < laying->diagram->box_count; pass++) {
        for (const struct rw_doc_link *link = laying->diagram->links; link; link = link->next) {
            unsigned from = link->from->index, to = link->to->index;
            unsigned least = column[from] + (link->beside ? 0 : 1);
            if (from < to && column[to] < least)
                column[to] = least;
        }
    }
    for (unsigned i = 0; i < laying->diagram->box_count; i++)
        laying->columns = column[i] + 1 > laying->columns ? column[i] + 1 : laying->columns;
}

static double column_x(const struct laying *laying, unsigned column)
{
    return laying->depth * LANE_INDENT + 6 + column * (BOX_WIDTH + COLUMN_GAP);
}

/* The boxes of one zone below `y`, those of a column under each other; gives the height taken. */
static double place_boxes(struct laying *laying, const struct rw_doc_zone *zone, double y)
{
    unsigned taken[RW_DOC_BOXES_MAX] = {0}, most = 0;
    for (const struct rw_doc_box *box = laying->diagram->boxes; box; box = box->next) {
        if (box->zone != zone)
            continue;
        unsigned column = laying->layout->column[box->index], row = taken[column]++;
        laying->layout->boxes[box->index] = (struct rw_diagram_place){
            column_x(laying, column), y + row * (BOX_HEIGHT + ROW_GAP), BOX_WIDTH, BOX_HEIGHT};
        most = taken[column] > most ? taken[column] : most;
    }
    return most ? most * (BOX_HEIGHT + ROW_GAP) - ROW_GAP : 0;
}

/* A zone with all that is in it, from `y` on. */
static double place_zone(struct laying *laying, const struct rw_doc_zone *zone, double y)
{
    double inset = (depth_of(zone) - 1) * LANE_INDENT, at = y + LANE_HEAD;
    double own = place_boxes(laying, zone, at);
    at += own;
    bool any = own > 0;
    for (const struct rw_doc_zone *inner = laying->diagram->zones; inner; inner = inner->next) {
        if (inner->parent != zone)
            continue;
        at += any ? LANE_GAP : 0;
        at += place_zone(laying, inner, at);
        any = true;
    }
    at += LANE_FOOT;
    laying->layout->zones[zone->index] =
        (struct rw_diagram_place){inset, y, laying->layout->width - 2 * inset, at - y};
    return at - y;
}

void rw_diagram_lay_out(const struct rw_doc_diagram *diagram, struct rw_diagram_layout *layout)
{
    memset(layout, 0, sizeof(*layout));
    struct laying laying = {.diagram = diagram, .layout = layout, .columns = 1};
    find_columns(&laying);
    for (const struct rw_doc_zone *zone = diagram->zones; zone; zone = zone->next) {
        unsigned depth = depth_of(zone);
        laying.depth = depth > laying.depth ? depth : laying.depth;
    }
    layout->width = column_x(&laying, laying.columns) - COLUMN_GAP + laying.depth * LANE_INDENT + 6;
    double y = 0;
    for (const struct rw_doc_zone *zone = diagram->zones; zone; zone = zone->next) {
        if (!zone->parent)
            y += place_zone(&laying, zone, y) + LANE_GAP;
    }
    layout->height = y;
}
