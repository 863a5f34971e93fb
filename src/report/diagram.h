/* The architecture drawn: lanes for zones, columns for the path of a request.
 *
 * The layout is layered: a box stands in the column after the last of those that link to it (links
 * are followed from boxes that were added earlier to later ones only, so there
 * is no circle; a replica stands in its original's column or after it), and in the lane of its
 * zone. Zones lie inside each other and never overlap, so that what fails together and what must
 * stay in a country is seen at once. All of it is arithmetic over the order in which things were
 * added: the same plan gives the same picture.
 */
#ifndef RW_REPORT_DIAGRAM_H
#define RW_REPORT_DIAGRAM_H

#include "report/document.h"
#include "report/markup.h"

struct rw_diagram_place {
    double x, y, width, height;
};

struct rw_diagram_layout {
    double width, height;
    struct rw_diagram_place boxes[RW_DOC_BOXES_MAX]; /* by their index */
    struct rw_diagram_place zones[RW_DOC_ZONES_MAX];
    unsigned column[RW_DOC_BOXES_MAX];
};

void rw_diagram_lay_out(const struct rw_doc_diagram *diagram, struct rw_diagram_layout *layout);

/* A whole <svg> element. */
void rw_diagram_draw(struct rw_markup *out, const struct rw_doc_diagram *diagram,
                     enum rw_language language);

#endif
