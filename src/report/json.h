/* A document as JSON, for programs. Its shape, version 1:
 *
 *   {"schema": "ringway.proposal/1", "language": "en", "title", "subtitle", "customer", "date",
 *    "blocks": [ in the order of the document, each with "kind":
 *       {"kind": "section", "level", "title"}
 *       {"kind": "paragraph" | "item", "text"}             texts are plain, figures filled in
 *       {"kind": "note", "tone", "title", "text"}
 *       {"kind": "metric", "tone", "title", "figure", "text"}
 *       {"kind": "table", "caption", "currency", "columns": [{"title", "unit", "type"}],
 *        "rows": [{"role": "row" | "group" | "total", "cells": [...]}]}
 *       {"kind": "chart", "type", "caption", "unit", "series", "points", "marks"}
 *       {"kind": "diagram", "caption", "zones", "boxes", "links"}   refer to each other by index
 *       {"kind": "figures"} ],
 *    "figures": {"ID": {"label", "value", "number", "unit", "origin", "formula", "inputs": [IDs],
 *                       "source"}}}
 *
 * A cell is null (blank), a text, or {"number", "figure"}; money is in whole cents; a missing
 * number is {"missing": true}, never null and never zero.
 */
#ifndef RW_REPORT_JSON_H
#define RW_REPORT_JSON_H

#include "base/text.h"
#include "report/document.h"

/* Appends to `out`, with a line for each block. The document is finished. */
RW_MUST_CHECK enum rw_err rw_report_json(const struct rw_doc *doc, struct rw_text *out);

#endif
