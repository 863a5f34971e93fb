/* A document as Markdown (CommonMark with the tables of GFM): for a repository, a wiki, a review.
 *
 * Charts become their figures as tables, the diagram a list of zones, boxes and links. Every text
 * is escaped, so that none of it can make a heading, a link, a table cell or a piece of HTML.
 */
#ifndef RW_REPORT_MARKDOWN_H
#define RW_REPORT_MARKDOWN_H

#include "base/text.h"
#include "report/document.h"

/* Appends to `out`. The document is finished. */
RW_MUST_CHECK enum rw_err rw_report_markdown(const struct rw_doc *doc, struct rw_text *out);

#endif
