/* A page as PDF, printed by a Chromium that is installed: found on PATH by the names it goes by.
 *
 * Nothing of it is ours but the page; so what a board prints itself and what is sent is the same.
 * The page needs no network and has no script; the browser gets a folder of its own that is
 * removed afterwards. A PDF has its time of making inside, so it is not the same from run to run.
 */
#ifndef RW_REPORT_PDF_H
#define RW_REPORT_PDF_H

#include "base/err.h"
#include "base/span.h"

enum { RW_REPORT_PDF_SECONDS_MAX = 120 };

/* RW_ENOENT: no Chromium on PATH. RW_ETIMEDOUT: it did not end in time and was stopped. RW_EIO: it
 * wrote no PDF, or files could not be written. `path` is replaced when it exists. */
RW_MUST_CHECK enum rw_err rw_report_pdf(struct rw_span page, const char *path);

/* The names that are looked for, for a message: "chromium, chromium-browser, google-chrome...". */
const char *rw_report_pdf_programs(void);

#endif
