/* Within cli: what the parts of the verb `plan` share. */
#ifndef RW_CLI_PLAN_H
#define RW_CLI_PLAN_H

#include "plan/make.h"

enum {
    RW_CLI_PLAN_FILES_MAX = 2,
    RW_CLI_PLAN_PRICES_MAX = 8,
};

struct rw_cli_plan {
    struct rw_plan_options options;
    enum rw_language language;
    bool language_given;
    const char *format; /* NULL: text on standard output */
    const char *out;    /* a file or a folder; NULL: standard output */
    const char *cells;  /* only those that begin so: of whatif and diff */
    bool template;
    const char *files[RW_CLI_PLAN_FILES_MAX];
    unsigned file_count;
    const char *settings[RW_SHEET_SETTINGS_MAX];
    const char *prices[RW_CLI_PLAN_PRICES_MAX];
};

/* 0, or 2 after a message. */
int rw_cli_plan_parse(int argc, char **argv, struct rw_cli_plan *arguments);

/* Makes the plan of one file and prints what was wrong with it; 0, 1 or 2. The caller frees `made`
 * whatever the outcome. */
int rw_cli_plan_make(const struct rw_cli_plan *arguments, const char *file,
                     struct rw_plan_made *made);

/* Writes a text to a file or, with NULL, to standard output; 0 or 1. */
int rw_cli_plan_write(const char *path, const struct rw_text *text);

/* The proposal as html, md, json or pdf; 0, 1 or 2. */
int rw_cli_plan_report(const struct rw_cli_plan *arguments, struct rw_plan_made *made);

/* Proposals in all formats and both languages, and the cells, into the folder --out. */
int rw_cli_plan_write_folder(const struct rw_cli_plan *arguments, struct rw_plan_made *made);
/* It is one, or is written like one: with "/" at its end. NULL is none. */
bool rw_cli_plan_is_folder(const char *path);

int rw_cli_plan_whatif(const struct rw_cli_plan *arguments);
int rw_cli_plan_diff(const struct rw_cli_plan *arguments);

#endif
