/* What a run says: to a terminal, and for machines. Each appends to `text`, whose `err` tells when
 * memory ran out. Times in JSON are seconds, in CSV milliseconds, for people what reads best. */
#ifndef RW_LOAD_REPORT_H
#define RW_LOAD_REPORT_H

#include "base/text.h"
#include "load/run.h"
#include "report/label.h"

/* The summary at the end of a run. */
void rw_load_report_text(const struct rw_load_settings *settings,
                         const struct rw_load_result *result, struct rw_text *text);
/* One object; with the whole histogram, so that several results can be added exactly. */
void rw_load_report_json(const struct rw_load_settings *settings,
                         const struct rw_load_result *result, struct rw_text *text);
/* One line a second. */
void rw_load_report_csv(const struct rw_load_result *result, struct rw_text *text);
/* One page that needs nothing else: figures, charts, tables. */
void rw_load_report_html(const struct rw_load_settings *settings,
                         const struct rw_load_result *result, enum rw_language language,
                         struct rw_text *text);

/* What a verdict means, as a sentence. */
void rw_load_explain(const struct rw_load_settings *settings, const struct rw_load_result *result,
                     struct rw_text *text);

/* "1.23 ms", "45.6 us", "2.00 s": 16 bytes of room at `to`, which is returned. */
char *rw_load_format_ns(char *to, double ns);

#endif
