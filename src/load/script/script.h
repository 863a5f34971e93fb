/* A script: what virtual users do, compiled from a scenario file (config.h) or an access log
 * (replay.h), then only read, by all threads.
 *
 * Each step is one of the settings' requests: what is constant in it is written down there as that
 * of a plain run is, and only what has variables in it is a template here. A user goes through one
 * scenario, step by step (users.h); what an answer is held against is judge.h's.
 */
#ifndef RW_LOAD_SCRIPT_SCRIPT_H
#define RW_LOAD_SCRIPT_SCRIPT_H

#include "load/script/data.h"
#include "load/script/template.h"

struct rw_load_regex;

enum {
    RW_LOAD_SCENARIOS_MAX = 256,
    RW_LOAD_DATA_MAX = 8,
    RW_LOAD_CAPTURES_MAX = 32,            /* names, of one scenario */
    RW_LOAD_CHECKS_MAX = 1024,            /* of all scenarios, captures among them */
    RW_LOAD_STATUSES_MAX = 16,            /* of one check */
    RW_LOAD_WEIGHT_MAX = 1000,            /* of a scenario */
    RW_LOAD_TIMES_MAX = 1000 * 1000,      /* a step, one after the other */
    RW_LOAD_USERS_MAX = 1000000,          /* at a time, of one thread */
    RW_LOAD_ANSWER_BYTES_MAX = 1 << 20,   /* of a body that is looked into; the rest is not seen */
    RW_LOAD_CAPTURED_BYTES_MAX = 16 << 10 /* a captured value */
};

/* What a body is written from, and how it is framed: message.h. */
enum rw_load_form {
    RW_LOAD_FORM_TEXT,        /* as it is */
    RW_LOAD_FORM_BASE64,      /* bytes */
    RW_LOAD_FORM_GRPC_BASE64, /* a message of protocol buffers, with gRPC's five bytes before it */
    RW_LOAD_FORM_GRPC_FIELDS  /* ... from JSON, by numbers of fields */
};

/* What is looked at. */
enum rw_load_part {
    RW_LOAD_STATUS,
    RW_LOAD_LATENCY,
    RW_LOAD_FIELD, /* of the head: the first of that name */
    RW_LOAD_JSON,  /* the value at a JSON pointer (RFC 6901) in the body */
    RW_LOAD_MATCH, /* of a regular expression in the body */
    RW_LOAD_BODY,
    RW_LOAD_GRPC /* its status, of the trailers */
};

/* A check: what is looked at is there and is as it is to be. A capture: it is there, and is kept.
 */
struct rw_load_check {
    enum rw_load_part part;
    struct rw_span text; /* for reports: "status is 200" */
    struct rw_span name; /* of the field; the pointer */
    const struct rw_load_regex *regex;
    uint16_t statuses[RW_LOAD_STATUSES_MAX];
    unsigned status_count;
    uint64_t below_ns;
    bool has_equals, has_contains;
    struct rw_load_template equals, contains;
    int capture;     /* the number of the name that it gives a value to; -1: a check */
    unsigned number; /* among all of the script */
};

struct rw_load_step {
    unsigned request; /* of the settings */
    /* All of the request that may have variables; where it `varies` these are its texts. */
    struct rw_load_template target, body;
    struct rw_load_template *headers; /* as many as the request has */
    struct rw_load_check *checks;
    unsigned check_count;
    struct rw_load_template answer; /* the message that is waited for has this in it */
    bool has_answer;
    bool opens;             /* a WebSocket */
    enum rw_load_form form; /* of `body`, where it varies */
    uint32_t times, every_ms;
    bool judges_grpc;
    bool judges_status; /* otherwise statuses from 400 on are failures */
    bool looks_at_body;
    uint32_t think_ms_least, think_ms_most; /* after it */
};

struct rw_load_scenario {
    struct rw_span name;
    uint32_t weight;
    struct rw_load_step *steps;
    unsigned step_count;
    unsigned capture_count;
    bool uses[RW_LOAD_DATA_MAX]; /* of which data sets each iteration draws a row */
};

struct rw_load_script {
    struct rw_load_scenario *scenarios;
    unsigned scenario_count;
    struct rw_load_data data[RW_LOAD_DATA_MAX];
    unsigned data_count;
    const uint8_t *row_scenarios; /* of the first data set: each row's; NULL: by weight */
    unsigned check_count;
    const struct rw_load_check *checks[RW_LOAD_CHECKS_MAX]; /* by number */
    unsigned check_steps[RW_LOAD_CHECKS_MAX];               /* the request each belongs to */
    uint32_t users;                                         /* closed loop: of all threads */
};

#endif
