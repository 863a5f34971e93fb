/* What `ringway load` writes down in the end, and the options that say where. */
#ifndef RW_CLI_LOAD_OUTPUT_H
#define RW_CLI_LOAD_OUTPUT_H

#include "load/run.h"
#include "report/label.h"

enum { RW_CLI_OUTPUTS_MAX = 8 };

struct rw_load_output {
    const char *files[RW_CLI_OUTPUTS_MAX];
    unsigned count;
    bool json, quiet;
    enum rw_language language;
};

/* Takes --out, --lang, --json, --quiet at argv[*i]. False: it is none of them. `*code` is not 0
 * after having said what is wrong with it. */
bool rw_load_output_option(int argc, char **argv, int *i, struct rw_load_output *output, int *code);

/* The summary, or JSON, and the files; the exit code, which also tells of what the figures are
 * worth. */
int rw_load_write(const struct rw_load_output *output, const struct rw_load_settings *settings,
                  const struct rw_load_result *result);

/* `ringway load merge`, `ringway load import`. */
int rw_load_merge_files(int argc, char **argv);
int rw_load_import_file(int argc, char **argv);

#endif
