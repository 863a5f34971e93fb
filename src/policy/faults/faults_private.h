/* Within the policy `faults`: faults_config.c has the tables, faults.c draws and deals with
 * requests, faults_filter.c with bodies. */
#ifndef RW_POLICY_FAULTS_FAULTS_PRIVATE_H
#define RW_POLICY_FAULTS_FAULTS_PRIVATE_H

#include "base/random.h"
#include "policy/faults/faults.h"

/* Each is drawn by itself. Enumerator, name in configuration and log. */
#define RW_FAULTS(X)                                                                               \
    X(DELAY, "delay")                                                                              \
    X(RESET, "reset")                                                                              \
    X(ABORT, "abort")                                                                              \
    X(TRUNCATE, "truncate")                                                                        \
    X(THROTTLE, "throttle")

enum rw_faults_kind {
#define RW_FAULTS_ENUM(id, name) RW_FAULTS_##id,
    RW_FAULTS(RW_FAULTS_ENUM)
#undef RW_FAULTS_ENUM
        RW_FAULTS_COUNT
};

struct rw_faults_config_delay {
    uint32_t percent, by_ms, jitter_ms;
};

struct rw_faults_config_reset {
    uint32_t percent;
};

struct rw_faults_config_abort {
    uint32_t percent, status;
};

struct rw_faults_config_truncate {
    uint32_t percent;
    uint64_t after_bytes;
};

struct rw_faults_config_throttle {
    uint32_t percent;
    uint64_t bytes_per_second;
};

struct rw_faults_config_when {
    struct rw_conf_list methods; /* of rw_span; empty: any */
    struct rw_conf_list headers; /* of rw_conf_pair; "*": any value */
};

struct rw_faults_config {
    bool enabled;
    uint32_t seed; /* 0: none */
    struct rw_faults_config_when *when;
    struct rw_faults_config_delay *delay; /* NULL: none of these */
    struct rw_faults_config_reset *reset;
    struct rw_faults_config_abort *abort;
    struct rw_faults_config_truncate *truncate;
    struct rw_faults_config_throttle *throttle;
    struct rw_conf_place place;
};

extern const struct rw_conf_record rw_faults_record;

/* 0: that fault is not configured. */
uint32_t rw_faults_percent(const struct rw_faults_config *config, enum rw_faults_kind kind);
const char *rw_faults_kind_name(enum rw_faults_kind kind);

/* It happens now: counted, and noted for the log. */
void rw_faults_tell(struct rw_exchange *x, enum rw_faults_kind kind);

/* Puts a filter before the response's body; only where rw_filter_response_possible. `kinds`: bits
 * of TRUNCATE and THROTTLE. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_faults_filter(struct rw_exchange *x,
                                           const struct rw_faults_config *config, unsigned kinds);

#endif
