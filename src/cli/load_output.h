/* What `ringway load` writes down in the end. */
#ifndef RW_CLI_LOAD_OUTPUT_H
#define RW_CLI_LOAD_OUTPUT_H

#include "cli/reports.h"
#include "load/run.h"

/* To begin with. */
extern const struct rw_cli_reports rw_load_reports;

/* The summary, or JSON, and the files; the exit code, which also tells of what the figures are
 * worth. */
int rw_load_write(const struct rw_cli_reports *reports, const struct rw_load_settings *settings,
                  const struct rw_load_result *result);

/* `ringway load merge`, `ringway load import`. */
int rw_load_merge_files(int argc, char **argv);
int rw_load_import_file(int argc, char **argv);

#endif
