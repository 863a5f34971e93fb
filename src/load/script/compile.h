/* Within script: from what a scenario file says to what generators run.
 *
 * rw_load_script_compile is called once the tables have filled `config`, also where some of it was
 * wrong; it tells further mistakes and leaves config->script and config->requests. compile.c has
 * names, data and scenarios, compile_step.c one step.
 */
#ifndef RW_LOAD_SCRIPT_COMPILE_H
#define RW_LOAD_SCRIPT_COMPILE_H

#include "load/script/config.h"

struct rw_load_compiler {
    struct rw_load_config *config;
    struct rw_conf_report *report;
    struct rw_arena *arena;
    struct rw_load_script *script;
    struct rw_load_names names; /* those that may be used here: captures come and go */
    size_t names_of_file;       /* of all scenarios; captures follow */
    bool names_lack;            /* a data file could not be read */
    struct rw_load_scenario *scenario;
};

void rw_load_script_compile(struct rw_load_config *config, struct rw_conf_report *report);

/* `text` (a member of the config) as a template; mistakes are told. */
void rw_load_compile_template(struct rw_load_compiler *compiler, const struct rw_span *text,
                              enum rw_load_encoding encoding, struct rw_load_template *to);
void rw_load_compile_step(struct rw_load_compiler *compiler, const struct rw_load_config_step *from,
                          struct rw_span think, const void *think_place, struct rw_load_step *step);

/* The number of a capture's name in this scenario, a new one where it has none. */
unsigned rw_load_compile_capture(struct rw_load_compiler *compiler,
                                 const struct rw_load_config_capture *capture);

/* A file of the scenario's, from where that lies; NULL: it cannot be read, which is told at
 * `place`. */
const struct rw_span *rw_load_compile_file(struct rw_load_compiler *compiler,
                                           const struct rw_span *path, size_t bytes_max);

/* Memory for results, zeroed; NULL is remembered in the report. */
void *rw_load_compile_memory(struct rw_load_compiler *compiler, size_t size);

#endif
