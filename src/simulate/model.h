/* The file of a simulation: what a request costs (measured), the fleet that carries it, who comes
 * and when, what goes wrong, and what must hold.
 *
 * rw_simulate_read fills it by the tables of conf/schema.h (model*.c), so that all mistakes are
 * told at once with their places, and a JSON Schema comes for free (rw_simulate_record). Files that
 * it names (results of `ringway load`) are read, too. Afterwards it is only read: by any number of
 * runs.
 */
#ifndef RW_SIMULATE_MODEL_H
#define RW_SIMULATE_MODEL_H

#include "conf/read.h"
#include "simulate/draw.h"

enum {
    RW_SIMULATE_SECONDS_MAX = 31 * 24 * 3600,
    RW_SIMULATE_TYPES_MAX = 16,
    RW_SIMULATE_ZONES_MAX = 16,
    RW_SIMULATE_POINTS_MAX = 256,
    RW_SIMULATE_SPIKES_MAX = 64,
    RW_SIMULATE_FAILURES_MAX = 64,
    RW_SIMULATE_DEPLOYS_MAX = 64,
    RW_SIMULATE_GOALS_MAX = 32,
    RW_SIMULATE_NODES_MAX = 10000,
    RW_SIMULATE_CORES_MAX = 1024,
    RW_SIMULATE_CONCURRENCY_MAX = 65536,
    RW_SIMULATE_WAITING_MAX = 1000000,
    RW_SIMULATE_PLACES_MAX = 16 << 20, /* of all endpoints: servers and places in their queues */
    RW_SIMULATE_RUNS_MAX = 100,
};

/* Requests that exact mode takes, and how many are expected up to which it is chosen by itself. */
#define RW_SIMULATE_EXACT_MAX 50e6
#define RW_SIMULATE_EXACT_AUTO 2e6
/* Work: nodes times seconds. */
#define RW_SIMULATE_NODE_SECONDS_MAX 2e9

enum rw_simulate_method { RW_SIMULATE_AUTO, RW_SIMULATE_EXACT, RW_SIMULATE_SAMPLED };
enum rw_simulate_queueing { RW_SIMULATE_PER_CORE, RW_SIMULATE_SHARED };
enum rw_simulate_discipline { RW_SIMULATE_FIRST_COME, RW_SIMULATE_SHARING };
enum rw_simulate_balance { RW_SIMULATE_BY_REQUEST, RW_SIMULATE_BY_CONNECTION };

/* What one request takes of a node. One of the first three says how much. */
struct rw_simulate_request {
    double per_cpu_second, cpu_us;
    struct rw_span from;
    uint32_t from_cores;
    int distribution; /* enum rw_simulate_kind, of those that a file names */
    double variation;
    int queueing;      /* enum rw_simulate_queueing */
    int discipline;    /* enum rw_simulate_discipline */
    double latency_us; /* besides, while no core is busy with it */
    uint64_t memory_bytes;
    uint32_t timeout_ms;
    struct rw_simulate_draw cpu; /* filled by the read: seconds */
};

struct rw_simulate_connection {
    uint64_t memory_bytes;
    double handshakes_per_cpu_second;
    uint32_t lifetime_ms; /* 0: for as long as the user stays */
    double per_user;
    double handshake_s; /* filled by the check */
};

struct rw_simulate_type {
    struct rw_span name;
    uint32_t cores;
    uint64_t memory_bytes, base_bytes;
    double price_per_hour;
    struct rw_conf_list zones; /* of struct rw_span */
    uint32_t least, most, begin;
    uint32_t connections_max;
    struct rw_conf_place place;
};

struct rw_simulate_point {
    struct rw_span at_text; /* time of day */
    double rate, users;     /* one of them */
    double at_s;            /* filled by the check: since midnight */
    struct rw_conf_place place;
};

struct rw_simulate_spike {
    uint32_t at_ms, for_ms, ramp_ms;
    double factor;
};

struct rw_simulate_arrivals {
    double rate, users;
    uint32_t think_ms;
    struct rw_conf_list points; /* of struct rw_simulate_point */
    struct rw_conf_list spikes; /* of struct rw_simulate_spike */
    bool by_users;              /* filled by the check */
};

/* The Horizontal Pod Autoscaler's terms, with its defaults: autoscale.h. */
struct rw_simulate_autoscaling {
    double target_percent, memory_percent, tolerance_percent;
    uint32_t period_ms, ready_ms;
    uint32_t up_window_ms, down_window_ms; /* stabilisation */
    double up_percent, down_percent;       /* of the nodes, in a step */
    uint32_t up_nodes, down_nodes;         /* or so many, whichever is more */
    uint32_t step_ms;
};

struct rw_simulate_health {
    uint32_t detect_ms;
    uint32_t reconnect_ms; /* clients of a dead node are back within this time, spread evenly */
    bool replace;
    uint32_t ready_ms; /* until a replacement serves */
};

enum rw_simulate_failure_kind {
    RW_SIMULATE_FAIL_NODES,
    RW_SIMULATE_FAIL_ZONE,
    RW_SIMULATE_FAIL_RANDOM,
    RW_SIMULATE_FAIL_ORIGIN,
    RW_SIMULATE_FAILURE_KINDS
};

struct rw_simulate_fail_nodes {
    uint32_t at_ms, for_ms, count;
};
struct rw_simulate_fail_zone {
    struct rw_span name;
    uint32_t at_ms, for_ms;
    unsigned zone; /* filled by the check */
};
struct rw_simulate_fail_random {
    double mtbf_hours;
    uint32_t for_ms;
};
struct rw_simulate_fail_origin {
    uint32_t at_ms, for_ms;
    double slower, error_percent;
};

struct rw_simulate_failure {
    struct rw_conf_variant what;
    struct rw_conf_place place;
};

/* A rolling replacement of all nodes: deploy.h. */
struct rw_simulate_deploy {
    uint32_t at_ms;
    uint32_t surge, unavailable;
    uint32_t ready_ms, drain_ms, warmup_ms;
    double warmup_speed_percent;
};

struct rw_simulate_origin {
    uint32_t endpoints, concurrency, waiting_max;
    double latency_ms; /* or */
    struct rw_span latency_from;
    double way_us; /* there and back, while none of its servers is busy with it */
    int distribution;
    double variation;
    double error_percent;
    uint32_t timeout_ms;
    uint32_t retries;
    double retry_budget_percent;
    struct rw_simulate_draw service; /* filled by the read: seconds */
};

struct rw_simulate_goal {
    struct rw_span name;
    struct rw_conf_variant what; /* its kind's `user` is a struct rw_simulate_goal_kind: goal.h */
    struct rw_conf_place place;
};

struct rw_simulate_model {
    int schema;
    struct rw_span name, begin_text, currency;
    uint32_t seed, duration_ms;
    int method;  /* enum rw_simulate_method */
    int balance; /* enum rw_simulate_balance */
    uint32_t sampled_max;
    struct rw_simulate_request *request;
    struct rw_simulate_connection *connection;
    struct rw_conf_list fleet; /* of struct rw_simulate_type; one at least */
    struct rw_simulate_arrivals *arrivals;
    struct rw_simulate_autoscaling *autoscaling; /* NULL: the fleet stays as it begins */
    struct rw_simulate_health *health;
    struct rw_conf_list failures;      /* of struct rw_simulate_failure */
    struct rw_conf_list deploys;       /* of struct rw_simulate_deploy */
    struct rw_simulate_origin *origin; /* NULL: nodes answer themselves */
    struct rw_conf_list goals;         /* of struct rw_simulate_goal */
    /* Filled by the read. */
    const char *path;
    double begin_s; /* since midnight */
    unsigned seconds;
    struct rw_span zones[RW_SIMULATE_ZONES_MAX]; /* of all types */
    unsigned zone_count;
};

extern const struct rw_conf_record rw_simulate_record;
extern const struct rw_conf_variant_kind *const rw_simulate_failure_kinds[];

static inline const struct rw_simulate_type *
rw_simulate_types(const struct rw_simulate_model *model)
{
    return model->fleet.items;
}

static inline const struct rw_simulate_goal *
rw_simulate_goals(const struct rw_simulate_model *model)
{
    return model->goals.items;
}

static inline bool rw_simulate_fails(const struct rw_simulate_failure *failure,
                                     enum rw_simulate_failure_kind kind)
{
    return failure->what.kind == rw_simulate_failure_kinds[kind];
}

/* As rw_conf_read_file. `path` outlives the result. */
RW_MUST_CHECK enum rw_err rw_simulate_read(const char *path, struct rw_arena *arena,
                                           struct rw_simulate_model **model,
                                           struct rw_conf_report *report);
/* From memory: files that it names are looked for beside `name`. */
RW_MUST_CHECK enum rw_err rw_simulate_read_text(struct rw_span yaml, const char *name,
                                                struct rw_arena *arena,
                                                struct rw_simulate_model **model,
                                                struct rw_conf_report *report);

#endif
