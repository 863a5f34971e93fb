/* The arguments of a verb that takes options and one file, by a table. */
#ifndef RW_CLI_ARGUMENTS_H
#define RW_CLI_ARGUMENTS_H

#include "cli/reports.h"

#include <stddef.h>

/* One option. With `take`: its value goes there, which returns the exit code. Without: a flag is a
 * bool at `offset` of the verb's options, any other option a const char * there. */
struct rw_cli_word {
    const char *name; /* NULL ends the table */
    int (*take)(void *options, const char *value);
    size_t offset;
    bool flag;
};

struct rw_cli_arguments {
    const char *verb;
    const struct rw_cli_word *words;
    void *options;
    struct rw_cli_reports *reports; /* takes options, too */
    const char **file;
    const char *lacking; /* "a file, please" */
};

/* The exit code; 2 after having said what is wrong. */
int rw_cli_arguments(const struct rw_cli_arguments *arguments, int argc, char **argv);

/* A whole number from `least` to `most`. The exit code. */
int rw_cli_number(const char *verb, const char *name, const char *text, uint64_t least,
                  uint64_t most, uint32_t *to);

#endif
