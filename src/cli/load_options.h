/* The command line of `ringway load` as settings of a run. */
#ifndef RW_CLI_LOAD_OPTIONS_H
#define RW_CLI_LOAD_OPTIONS_H

#include "cli/load_output.h"
#include "load/script/config.h"
#include "load/settings.h"

struct rw_load_options {
    struct rw_load_settings settings;
    struct rw_load_request request;
    struct rw_load_request message; /* of a WebSocket, which `request` opens */
    struct rw_load_config config;   /* of a scenario file */
    struct rw_arena arena;          /* of what the settings point to */
    struct rw_cli_reports reports;
    /* As written. */
    const char *url, *target, *method, *body, *body_file, *ca;
    const char *rate, *phases, *duration, *warmup, *think, *timeout, *held, *arrivals;
    const char *replay, *speed;
    const char *connections, *streams, *threads, *processes, *seed;
    bool http2, insecure, sources, all_methods, websocket, check;
    const char *headers[RW_LOAD_HEADERS_MAX];
    unsigned header_count;
};

/* 0, or the exit code after having said what is wrong. Either way rw_load_options_free follows. */
int rw_load_options_parse(int argc, char **argv, struct rw_load_options *options);
void rw_load_options_free(struct rw_load_options *options);

/* Parts of it (load_target.c): the address, TLS and the URL; the requests. */
int rw_load_options_target(struct rw_load_options *options);
int rw_load_options_request(struct rw_load_options *options);

#endif
