/* Charts as SVG, drawn for a given width: html.c draws each one twice, for a wide and for a narrow
 * screen, and the style sheet shows the one that fits, so that letters keep their size.
 *
 * Colours are classes (style.c), so that light, dark and paper each have theirs.
 */
#ifndef RW_REPORT_CHART_H
#define RW_REPORT_CHART_H

#include "report/document.h"
#include "report/markup.h"

enum { RW_CHART_WIDE = 720, RW_CHART_NARROW = 340 };

/* A whole <svg> element. */
void rw_chart_draw(struct rw_markup *out, const struct rw_doc_chart *chart,
                   enum rw_language language, unsigned width);

#endif
