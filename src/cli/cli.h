/* The verbs of the command line, one file each. A verb gets the arguments after its name and
 * returns the exit code: 0 done, 1 it failed, 2 wrong use or wrong configuration. */
#ifndef RW_CLI_CLI_H
#define RW_CLI_CLI_H

#include "base/text.h"
#include "report/label.h"

struct rw_verb {
    const char *name;
    const char *arguments; /* "FILE" */
    const char *summary;   /* one line */
    const char *help;      /* the rest of --help */
    int (*run)(int argc, char **argv);
};

extern const struct rw_verb rw_verb_serve;
extern const struct rw_verb rw_verb_check;
extern const struct rw_verb rw_verb_schema;
extern const struct rw_verb rw_verb_explain;
extern const struct rw_verb rw_verb_load;
extern const struct rw_verb rw_verb_plan;
extern const struct rw_verb rw_verb_verify;
extern const struct rw_verb rw_verb_simulate;

/* argv[0] of the program, for the upgrade; the whole vector. */
extern char **rw_cli_argv;

/* Prints "ringway VERB: message", points to --help; returns 2. */
int rw_cli_usage_error(const char *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The whole text into a file. Otherwise says "ringway VERB: PATH cannot be written: why". The exit
 * code. */
int rw_cli_write_file(const char *verb, const char *path, const struct rw_text *text);

/* What --lang says, of a verb that takes it. The exit code. */
int rw_cli_language(const char *verb, const char *name, enum rw_language *language);

/* The value of "--name VALUE" or "--name=VALUE" at *index, which is moved on; NULL when it is
 * another option. An option without its value sets *lacking. */
const char *rw_cli_option(int argc, char **argv, int *index, const char *name, bool *lacking);

#endif
