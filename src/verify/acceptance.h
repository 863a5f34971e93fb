/* The acceptance file: what is started or attached to, what load it gets, which targets are judged,
 * which faults are caused.
 *
 * rw_acceptance_read fills it by the tables of conf/schema.h (acceptance_tables.c), so that all
 * mistakes are told at once with their places, and a JSON Schema comes for free
 * (rw_acceptance_record). What it promises afterwards: every reference is resolved, every address
 * is allowed, every count and time is bounded. Then it is only read.
 */
#ifndef RW_VERIFY_ACCEPTANCE_H
#define RW_VERIFY_ACCEPTANCE_H

#include "conf/read.h"
#include "io/address.h"
#include "verify/fault/class.h"

enum {
    RW_ACCEPTANCE_LOADS_MAX = 8,
    RW_ACCEPTANCE_TARGETS_MAX = 64,
    RW_ACCEPTANCE_FAULTS_MAX = 64,
    RW_ACCEPTANCE_SERVERS_MAX = 32,
    RW_ACCEPTANCE_REQUESTS_MAX = 64,
    RW_ACCEPTANCE_REPETITIONS_MAX = 20,
    RW_ACCEPTANCE_SECONDS_MAX = 7 * 24 * 3600, /* of the whole run */
    RW_ACCEPTANCE_ALLOWED_MAX = 16,
};

/* What stands behind the gateway, built in: it answers after a time that is known. */
enum rw_origin_distribution {
    RW_ORIGIN_CONSTANT,
    RW_ORIGIN_UNIFORM, /* from 0 to twice the mean */
    RW_ORIGIN_EXPONENTIAL
};

struct rw_verify_origin {
    uint32_t latency_ms; /* the mean */
    int distribution;    /* enum rw_origin_distribution */
    double slow_percent; /* of the answers take slow_ms instead */
    uint32_t slow_ms;
    double error_percent; /* of the answers are 503 */
    uint64_t body_bytes;
};

struct rw_verify_server {
    struct rw_span name;
    struct rw_span upstream; /* as the gateway's configuration calls it; the name, if not given */
    int kind;                /* enum rw_dependency_kind, of those that are servers */
    struct rw_span address;
    struct rw_span listens; /* where it does, when a relay stands at `address`; empty: not said */
    struct rw_verify_origin *origin; /* or */
    struct rw_conf_list command;     /* of struct rw_span: the program and its arguments; or */
    struct rw_span pid_file;         /* it runs already: whose process may be touched */
    struct rw_conf_list restart;     /* as command: brings it back after a kill */
    uint32_t start_ms_max;
    struct rw_conf_place place;
};

struct rw_verify_gateway {
    struct rw_span config;   /* after reading: a path that can be opened; empty: not known */
    struct rw_span pid_file; /* it runs already, and is not started; empty: it is */
    uint32_t start_ms_max;
};

struct rw_verify_request {
    struct rw_span method, path, body;
    struct rw_conf_list headers; /* of struct rw_conf_pair */
    uint32_t weight;
};

struct rw_verify_load {
    struct rw_span name;
    double rate, rate_to; /* requests per second; 0: a closed loop; rate_to 0: as rate */
    int arrivals;         /* enum rw_arrivals */
    uint32_t duration_ms, warmup_ms, timeout_ms;
    uint32_t connections, streams, threads, processes;
    bool http2;
};

struct rw_verify_fault {
    struct rw_span cause;      /* the class, by its name */
    enum rw_fault_class class; /* filled by the check */
    struct rw_span on;         /* a dependency; empty: all to which the class applies */
    struct rw_span load_name;
    unsigned load; /* which of the loads; filled by the check */
    uint32_t before_ms, for_ms, recovery_ms_max;
    uint32_t per_window;              /* how often it is expected in the window of availability */
    uint32_t parts, share_percent;    /* 0: all */
    uint64_t bytes, bytes_per_second; /* 0: as usual for the class (rw_fault_order_init) */
    uint32_t delay_ms, jitter_ms, step_ms, connections, per_second;
    bool back;
    struct rw_conf_place place;
};

struct rw_verify_target_latency {
    double percentile;
    uint32_t most_ms;
};

struct rw_verify_target_errors {
    double most_percent;
};

struct rw_verify_target_throughput {
    double least;
};

struct rw_verify_target_concurrency {
    uint32_t least;
};

struct rw_verify_target_availability {
    double least_percent;
    uint32_t window_days;
};

struct rw_verify_target_recovery {
    uint32_t most_ms;
    int from; /* enum rw_recovery_from */
};

enum rw_recovery_from { RW_RECOVERY_FROM_END, RW_RECOVERY_FROM_BEGIN };

/* What stands for a write's number in its path, body and fields, and in the path of its read. */
#define RW_WRITE_NUMBER "{number}"

struct rw_verify_target_data_loss {
    uint32_t most; /* acknowledged writes */
    uint32_t per_second;
    struct rw_span method, path, body;
    struct rw_conf_list headers; /* of struct rw_conf_pair, of writes and reads */
    struct rw_span read;         /* path of the read; empty: the built-in servers have counted */
};

struct rw_verify_target_coverage {
    double least_percent;
};

struct rw_verify_target_goodput {
    double least;
    uint32_t within_ms;
};

struct rw_verify_target_cost {
    double most;
    double core_hour; /* price */
    struct rw_span currency;
};

enum rw_verify_target_kind {
    RW_TARGET_LATENCY,
    RW_TARGET_ERRORS,
    RW_TARGET_THROUGHPUT,
    RW_TARGET_GOODPUT,
    RW_TARGET_CONCURRENCY,
    RW_TARGET_AVAILABILITY,
    RW_TARGET_RECOVERY,
    RW_TARGET_DATA_LOSS,
    RW_TARGET_COVERAGE,
    RW_TARGET_COST,
    RW_TARGET_KIND_COUNT
};

struct rw_verify_target {
    struct rw_span name;
    struct rw_span load_name;
    struct rw_conf_variant what; /* its kind's `user` is a struct rw_target_kind */
    unsigned load;               /* which of the loads; filled by the check */
    struct rw_conf_place place;
};

struct rw_acceptance {
    int schema;
    struct rw_span name;
    struct rw_verify_gateway *gateway; /* NULL: attach to what runs */
    struct rw_span url;                /* of the gateway, and the path before all requests' */
    struct rw_span ca;
    bool insecure;
    struct rw_conf_list servers;  /* of struct rw_verify_server */
    struct rw_conf_list requests; /* of struct rw_verify_request; one at least after reading */
    struct rw_conf_list loads;    /* of struct rw_verify_load; one at least */
    struct rw_conf_list targets;  /* of struct rw_verify_target; one at least */
    struct rw_conf_list faults;   /* of struct rw_verify_fault */
    uint32_t repetitions, fault_repetitions, seed;
    double confidence_percent;
    struct rw_span openslo; /* a file of more targets; empty: none */
    struct rw_conf_place url_place, openslo_place;
    /* Filled by rw_acceptance_read. */
    const char *path;
};

extern const struct rw_conf_record rw_acceptance_record;

static inline const struct rw_verify_load *rw_acceptance_loads(const struct rw_acceptance *file)
{
    return file->loads.items;
}

static inline const struct rw_verify_target *rw_acceptance_targets(const struct rw_acceptance *file)
{
    return file->targets.items;
}

static inline const struct rw_verify_server *rw_acceptance_servers(const struct rw_acceptance *file)
{
    return file->servers.items;
}

static inline const struct rw_verify_fault *rw_acceptance_faults(const struct rw_acceptance *file)
{
    return file->faults.items;
}

/* Its command says by a placeholder where it listens, so that it can be told another place. */
bool rw_verify_server_is_placed(const struct rw_verify_server *server);

/* As rw_conf_read_file. `path` outlives the result. */
RW_MUST_CHECK enum rw_err rw_acceptance_read(const char *path, struct rw_arena *arena,
                                             struct rw_acceptance **file,
                                             struct rw_conf_report *report);

/* How long the loads take, all repetitions together; how long a fault takes at most, each time. */
double rw_acceptance_load_seconds(const struct rw_acceptance *file);
double rw_acceptance_fault_seconds(const struct rw_verify_fault *fault);
/* Both, with each fault on one dependency. */
double rw_acceptance_seconds(const struct rw_acceptance *file);

#endif
