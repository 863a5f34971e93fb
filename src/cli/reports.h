/* Where the verbs that end in a report write it: on standard output, and to the files of --out, by
 * how their names end. A verb sets `verb` and `writers`, gives its arguments to
 * rw_cli_reports_option, and in the end what there is to tell (its own struct) to
 * rw_cli_reports_write.
 */
#ifndef RW_CLI_REPORTS_H
#define RW_CLI_REPORTS_H

#include "base/text.h"
#include "report/label.h"

#include <stdbool.h>

enum { RW_CLI_REPORTS_MAX = 8 };

struct rw_cli_writer {
    const char *suffix; /* ".json" */
    void (*write)(const void *result, enum rw_language language, struct rw_text *text);
};

struct rw_cli_reports {
    const char *verb;
    const struct rw_cli_writer *writers; /* the one for standard output, the one for --json, then
                                            others; ended by one without a suffix. One whose suffix
                                            is "" is for no file */
    const char *files[RW_CLI_REPORTS_MAX];
    unsigned count;
    enum rw_language language;
    bool json;
    bool quiet; /* no progress on a terminal */
};

/* Takes --out, --lang, --json, --quiet at argv[*i]. False: it is none of them. `*code` is not 0
 * after having said what is wrong with it; a file that cannot be written is told now, and not at
 * the end of an hour. */
bool rw_cli_reports_option(int argc, char **argv, int *i, struct rw_cli_reports *reports,
                           int *code);

/* The exit code. */
int rw_cli_reports_write(const struct rw_cli_reports *reports, const void *result);

#endif
