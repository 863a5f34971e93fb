/* A small proposal with one of everything that a document can hold, for the tests of its renderers.
 */
#ifndef RW_TESTS_REPORT_SAMPLE_H
#define RW_TESTS_REPORT_SAMPLE_H

#include "report/document.h"

/* Fills `doc`, which is initialised, and finishes it; gives doc->err. `customer` comes from
 * outside: it stands wherever a text may stand. */
enum rw_err rw_report_sample(struct rw_doc *doc, struct rw_span customer);

#endif
