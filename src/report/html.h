/* A document as one HTML page that needs nothing else: style and pictures inside, no script.
 *
 * A page for a board: it reads on paper (A4), on a wide screen and on a telephone, in light and
 * dark. Each figure is a button that opens a card with its formula, inputs and sources, by the
 * popover attribute of HTML, so by keyboard as well. The page says in its
 * Content-Security-Policy that it loads nothing and runs nothing; the style is let in by its hash.
 */
#ifndef RW_REPORT_HTML_H
#define RW_REPORT_HTML_H

#include "report/document.h"
#include "report/markup.h"

/* Appends the page to `out`. The document is finished (rw_doc_finish). */
RW_MUST_CHECK enum rw_err rw_report_html(const struct rw_doc *doc, struct rw_text *out);

/* For whoever wants the page alone: finishes the document, appends its page and frees it. An error
 * is remembered in `out`. */
void rw_report_page(struct rw_doc *doc, struct rw_text *out);

#endif
