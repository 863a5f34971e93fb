/* A scenario file as it stands, read by the tables of config*.c.
 *
 * `ringway load FILE` calls rw_load_script_read, which reads the file, compiles it (compile.h, as
 * the check of the whole file, so that its mistakes are told with their places as all others are)
 * and fills the settings of a run. `ringway schema --format load` writes the tables down. One
 * thread. */
#ifndef RW_LOAD_SCRIPT_CONFIG_H
#define RW_LOAD_SCRIPT_CONFIG_H

#include "conf/read.h"
#include "load/script/script.h"
#include "load/settings.h"

struct rw_load_config_check {
    struct rw_conf_list status, grpc; /* uint32_t */
    uint32_t below_ms;
    struct rw_span header, json, regex, equals, contains;
    struct rw_conf_place place;
};

struct rw_load_config_capture {
    struct rw_span as, header, json, regex;
    struct rw_conf_place place;
};

struct rw_load_config_grpc {
    struct rw_span message, file, fields;
    struct rw_conf_place place;
};

struct rw_load_config_step {
    struct rw_span name, method, path, body, body_file, think;
    struct rw_span open, send, send_binary, answer; /* of a WebSocket */
    uint32_t close, times, every_ms;
    bool unanswered;
    struct rw_load_config_grpc *grpc; /* NULL: it is none */
    struct rw_conf_list headers;      /* pairs */
    struct rw_conf_list captures, checks;
    struct rw_conf_place place;
};

struct rw_load_config_scenario {
    struct rw_span name, think;
    uint32_t weight;
    struct rw_conf_list steps;
    struct rw_conf_place place;
};

struct rw_load_config_data {
    struct rw_span name, file;
    int order;                   /* enum rw_load_order */
    struct rw_conf_list columns; /* struct rw_span */
    struct rw_conf_place place;
};

struct rw_load_config_phase {
    uint32_t for_ms;
    struct rw_span rate, to;
    struct rw_conf_place place;
};

struct rw_load_config {
    struct rw_span target, ca;
    bool insecure;
    int protocol, arrivals; /* enum rw_load_protocol_kind, enum rw_arrivals */
    uint32_t connections, streams, threads, processes, seed, users;
    uint32_t timeout_ms, duration_ms, warmup_ms;
    struct rw_span rate;
    struct rw_conf_list phases;
    struct rw_conf_list variables, headers; /* pairs */
    struct rw_conf_list data, scenarios;
    /* Compiled. */
    struct rw_load_script *script;
    struct rw_load_request *requests;
    unsigned request_count;
};

extern const struct rw_conf_record rw_load_config_record;

/* A rate as people write it: "100", "0.5", "100/s". */
bool rw_load_parse_rate(struct rw_span text, double *rate);

/* Fills the settings but for the address, TLS and what the protocols prepare. Everything lives in
 * `arena`, but what rw_load_script_free gives back. RW_EINVAL: the report says all that is wrong;
 * RW_ENOENT, RW_EACCES (also told there), RW_ENOMEM. `config` is what stands in the file.
 * rw_load_script_free in any case. */
RW_MUST_CHECK enum rw_err rw_load_script_read(const char *path, struct rw_arena *arena,
                                              struct rw_load_config *config,
                                              struct rw_load_settings *settings,
                                              struct rw_conf_report *report);
/* What the arena does not hold: compiled expressions. NULL is fine. */
void rw_load_script_free(struct rw_load_script *script);

#endif
