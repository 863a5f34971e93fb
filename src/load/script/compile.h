/* Within script: from what a scenario file says to what generators run.
 *
 * rw_load_script_compile is called once the tables have filled `config`, also where some of it was
 * wrong; it tells further mistakes and leaves config->script and config->requests. compile.c has
 * names, data and scenarios, compile_step.c one step, compile_message.c what it sends where that is
 * not HTTP's own.
 */
#ifndef RW_LOAD_SCRIPT_COMPILE_H
#define RW_LOAD_SCRIPT_COMPILE_H

#include "load/script/config.h"

enum { RW_LOAD_BODY_FILE_BYTES_MAX = 64 << 20 };

struct rw_load_compiler {
    struct rw_load_config *config;
    struct rw_conf_report *report;
    struct rw_arena *arena;
    struct rw_load_script *script;
    struct rw_load_names names; /* those that may be used here: captures come and go */
    size_t names_of_file;       /* of all scenarios; captures follow */
    bool names_lack;            /* a data file could not be read */
    struct rw_load_scenario *scenario;
    bool socket_open; /* a step of it has opened one */
};

void rw_load_script_compile(struct rw_load_config *config, struct rw_conf_report *report);

/* `text` (a member of the config) as a template; mistakes are told. */
void rw_load_compile_template(struct rw_load_compiler *compiler, const struct rw_span *text,
                              enum rw_load_encoding encoding, struct rw_load_template *to);
void rw_load_compile_step(struct rw_load_compiler *compiler, const struct rw_load_config_step *from,
                          struct rw_span think, const void *think_place, struct rw_load_step *step);

/* gRPC's message and fields; a WebSocket's opening, messages and closing. */
void rw_load_compile_grpc(struct rw_load_compiler *compiler, const struct rw_load_config_grpc *from,
                          struct rw_load_request *request, struct rw_load_step *step);
void rw_load_compile_socket(struct rw_load_compiler *compiler,
                            const struct rw_load_config_step *from, struct rw_load_request *request,
                            struct rw_load_step *step);

/* One more header field of the request, whose templates have room for it. */
void rw_load_compile_header(struct rw_load_compiler *compiler, const struct rw_conf_pair *pair,
                            struct rw_load_request *request, const struct rw_load_step *step);
/* Room in the script for one more; NULL: there is none. */
struct rw_load_check *rw_load_compile_new_check(struct rw_load_compiler *compiler,
                                                struct rw_load_step *step, const void *place);

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
