/* Tables: what goes wrong. */
#include "simulate/model_tables.h"

#define AT(type_)                                                                                  \
    {                                                                                              \
        .name = "at", .type = RW_CONF_DURATION, .flags = RW_CONF_REQUIRED,                         \
        .offset = offsetof(struct rw_simulate_fail_##type_, at_ms),                                \
        .doc = "When, after the simulation's begin.", .example = "1h",                             \
    }
#define FOR(type_, fallback_, doc_)                                                                \
    {                                                                                              \
        .name = "for", .type = RW_CONF_DURATION,                                                   \
        .offset = offsetof(struct rw_simulate_fail_##type_, for_ms), .fallback = fallback_,        \
        .min = 1000, .max = UINT32_MAX, .doc = doc_,                                               \
    }

static const char comes_back[] = "Then it is back, unless it was replaced meanwhile.";

static const struct rw_conf_field nodes_fields[] = {
    AT(nodes),
    FOR(nodes, "10m", comes_back),
    {.name = "count",
     .type = RW_CONF_UINT,
     .offset = offsetof(struct rw_simulate_fail_nodes, count),
     .fallback = "1",
     .min = 1,
     .max = RW_SIMULATE_NODES_MAX,
     .doc = "How many nodes, any of those that serve."},
    {.name = NULL},
};

static const struct rw_conf_field zone_fields[] = {
    {.name = "name",
     .type = RW_CONF_TEXT,
     .flags = RW_CONF_REQUIRED,
     .offset = offsetof(struct rw_simulate_fail_zone, name),
     .min = 1,
     .max = 64,
     .doc = "Which zone: all nodes in it, and nothing new comes up there.",
     .example = "a"},
    AT(zone),
    FOR(zone, "30m", "Then it is there again."),
    {.name = NULL},
};

static const struct rw_conf_field random_fields[] = {
    {.name = "mtbf_hours",
     .type = RW_CONF_NUMBER,
     .flags = RW_CONF_REQUIRED,
     .offset = offsetof(struct rw_simulate_fail_random, mtbf_hours),
     .max = 100000000,
     .doc = "How long a node lives, on average; exponentially distributed.",
     .example = "8760"},
    {.name = "repair",
     .type = RW_CONF_DURATION,
     .offset = offsetof(struct rw_simulate_fail_random, for_ms),
     .fallback = "10m",
     .min = 1000,
     .max = UINT32_MAX,
     .doc = "How long until it is back, unless it is replaced."},
    {.name = NULL},
};

static const struct rw_conf_field ailing_fields[] = {
    AT(origin),
    FOR(origin, "5m", "How long it lasts."),
    {.name = "slower",
     .type = RW_CONF_NUMBER,
     .offset = offsetof(struct rw_simulate_fail_origin, slower),
     .fallback = "1",
     .max = 1000000,
     .doc = "How many times longer it serves each request."},
    {.name = "error_percent",
     .type = RW_CONF_NUMBER,
     .offset = offsetof(struct rw_simulate_fail_origin, error_percent),
     .fallback = "0",
     .max = 100,
     .doc = "How many of its answers are errors."},
    {.name = NULL},
};

#define RECORD(key, type_, fields_, doc_)                                                          \
    {                                                                                              \
        .name = key, .size = sizeof(struct rw_simulate_fail_##type_), .fields = fields_,           \
        .place_offset = -1, .doc = doc_,                                                           \
    }

static const struct rw_conf_record records[RW_SIMULATE_FAILURE_KINDS] = {
    [RW_SIMULATE_FAIL_NODES] =
        RECORD("failure.nodes", nodes, nodes_fields, "Some nodes die at once."),
    [RW_SIMULATE_FAIL_ZONE] = RECORD("failure.zone", zone, zone_fields, "A zone is gone."),
    [RW_SIMULATE_FAIL_RANDOM] =
        RECORD("failure.by_chance", random, random_fields, "Nodes die now and then."),
    [RW_SIMULATE_FAIL_ORIGIN] =
        RECORD("failure.origin", origin, ailing_fields, "The origin is slow, or fails."),
};

static const struct rw_conf_variant_kind kinds[RW_SIMULATE_FAILURE_KINDS] = {
    [RW_SIMULATE_FAIL_NODES] = {.name = "nodes",
                                .record = &records[RW_SIMULATE_FAIL_NODES],
                                .doc = "Some nodes die at once."},
    [RW_SIMULATE_FAIL_ZONE] = {.name = "zone",
                               .record = &records[RW_SIMULATE_FAIL_ZONE],
                               .doc = "A zone is gone."},
    [RW_SIMULATE_FAIL_RANDOM] = {.name = "by_chance",
                                 .record = &records[RW_SIMULATE_FAIL_RANDOM],
                                 .doc = "Nodes die now and then. At most one of these."},
    [RW_SIMULATE_FAIL_ORIGIN] = {.name = "origin",
                                 .record = &records[RW_SIMULATE_FAIL_ORIGIN],
                                 .doc = "The origin is slow, or fails."},
};

const struct rw_conf_variant_kind *const rw_simulate_failure_kinds[] = {
    [RW_SIMULATE_FAIL_NODES] = &kinds[RW_SIMULATE_FAIL_NODES],
    [RW_SIMULATE_FAIL_ZONE] = &kinds[RW_SIMULATE_FAIL_ZONE],
    [RW_SIMULATE_FAIL_RANDOM] = &kinds[RW_SIMULATE_FAIL_RANDOM],
    [RW_SIMULATE_FAIL_ORIGIN] = &kinds[RW_SIMULATE_FAIL_ORIGIN],
    [RW_SIMULATE_FAILURE_KINDS] = NULL,
};
static const struct rw_conf_variant_kind *const *const variants = rw_simulate_failure_kinds;

static const struct rw_conf_field failure_fields[] = {
    {
        .name = "failure",
        .type = RW_CONF_VARIANT,
        .flags = RW_CONF_REQUIRED,
        .offset = offsetof(struct rw_simulate_failure, what),
        .variants = &variants,
        .doc = "What goes wrong, one of:",
    },
    {.name = NULL},
};

const struct rw_conf_record rw_simulate_failure_record = {
    .name = "failure",
    .doc = "Something that goes wrong.",
    .size = sizeof(struct rw_simulate_failure),
    .fields = failure_fields,
    .place_offset = offsetof(struct rw_simulate_failure, place),
};
