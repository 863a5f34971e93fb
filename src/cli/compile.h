/* Loads and compiles a configuration for the verbs that look at one without serving. */
#ifndef RW_CLI_COMPILE_H
#define RW_CLI_COMPILE_H

#include "gate/snapshot.h"

struct rw_compiled {
    struct rw_snapshot *snapshot;
    struct rw_clusters *clusters;
    struct rw_text warnings; /* lines: what is no mistake, but ought to be known */
};

/* 0, or the exit code after the mistakes were printed to standard error. */
int rw_cli_compile(const char *path, struct rw_compiled *compiled);
void rw_cli_compiled_free(struct rw_compiled *compiled);

#endif
