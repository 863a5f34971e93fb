/* Tables: nodes, and what changes their number. */
#include "simulate/model_tables.h"

/* ---- A kind of node ---- */

#define MEMBER(member) offsetof(struct rw_simulate_type, member)

static const struct rw_conf_field type_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(name),
        .min = 1,
        .max = 64,
        .doc = "Its name.",
        .example = "c7g.xlarge",
    },
    {
        .name = "cores",
        .type = RW_CONF_UINT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(cores),
        .min = 1,
        .max = RW_SIMULATE_CORES_MAX,
        .doc = "Those that serve requests.",
        .example = "4",
    },
    {
        .name = "memory",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(memory_bytes),
        .fallback = "1TiB",
        .min = 1 << 20,
        .max = 1ll << 50,
        .doc = "What connections and requests may take of it, the program included. No connection "
               "is taken beyond it.",
        .example = "6GiB",
    },
    {
        .name = "base_memory",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(base_bytes),
        .fallback = "0",
        .max = 1ll << 50,
        .doc = "Of the program, before anybody comes.",
    },
    {
        .name = "price_per_hour",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(price_per_hour),
        .fallback = "0",
        .max = 1000000,
        .doc = "From its launch to its end, by the second.",
        .example = "0.145",
    },
    {
        .name = "zones",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(zones),
        .min = 1,
        .max = 64,
        .doc = "Where they are, spread evenly; without it in one, `a`.",
        .example = "[a, b, c]",
    },
    {
        .name = "nodes",
        .type = RW_CONF_UINT,
        .offset = MEMBER(begin),
        .fallback = "1",
        .max = RW_SIMULATE_NODES_MAX,
        .doc = "How many there are at the begin.",
        .example = "12",
    },
    {
        .name = "min",
        .type = RW_CONF_UINT,
        .offset = MEMBER(least),
        .fallback = "0",
        .max = RW_SIMULATE_NODES_MAX,
        .doc = "With autoscaling: never fewer;",
    },
    {
        .name = "max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(most),
        .fallback = "0",
        .max = RW_SIMULATE_NODES_MAX,
        .doc = "never more. 0: as many as at the begin.",
    },
    {
        .name = "connections_max",
        .type = RW_CONF_UINT,
        .offset = MEMBER(connections_max),
        .fallback = "0",
        .doc = "How many a node takes; 0: as its memory allows.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_simulate_type_record = {
    .name = "node",
    .doc = "A kind of node.",
    .size = sizeof(struct rw_simulate_type),
    .fields = type_fields,
    .place_offset = offsetof(struct rw_simulate_type, place),
    .check = rw_simulate_check_type,
};

/* ---- Autoscaling ---- */

#define MEMBER(member) offsetof(struct rw_simulate_autoscaling, member)

static const struct rw_conf_field autoscaling_fields[] = {
    {
        .name = "target_percent",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(target_percent),
        .fallback = "60",
        .min = 1,
        .max = 100,
        .doc = "How busy the nodes' cores are to be.",
    },
    {
        .name = "memory_percent",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(memory_percent),
        .fallback = "0",
        .max = 100,
        .doc =
            "How full their memory is to be; what wants more nodes wins. 0: it is not looked at, "
            "and users who only hold connections do not make the fleet grow.",
    },
    {
        .name = "tolerance_percent",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(tolerance_percent),
        .fallback = "10",
        .max = 100,
        .doc = "So far off the target nothing is done, in per cent of it.",
    },
    {
        .name = "period",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(period_ms),
        .fallback = "15s",
        .min = 1000,
        .max = 3600000,
        .doc = "How often it looks, at the mean since it looked last.",
    },
    {
        .name = "ready_after",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(ready_ms),
        .fallback = "60s",
        .max = 86400000,
        .doc = "How long a new node takes until it serves.",
    },
    {
        .name = "up_window",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(up_window_ms),
        .fallback = "0s",
        .max = 3600000,
        .doc = "Up only to the lowest number wanted within this time.",
    },
    {
        .name = "down_window",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(down_window_ms),
        .fallback = "5m",
        .max = 3600000,
        .doc = "Down only to the highest number wanted within this time.",
    },
    {
        .name = "step",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(step_ms),
        .fallback = "15s",
        .min = 1000,
        .max = 1800000,
        .doc = "The time in which at most the following changes.",
    },
    {
        .name = "up_percent",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(up_percent),
        .fallback = "100",
        .max = 100000,
        .doc = "Up: of the nodes so many,",
    },
    {
        .name = "up_nodes",
        .type = RW_CONF_UINT,
        .offset = MEMBER(up_nodes),
        .fallback = "4",
        .max = RW_SIMULATE_NODES_MAX,
        .doc = "or this number, whichever is more.",
    },
    {
        .name = "down_percent",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(down_percent),
        .fallback = "100",
        .max = 100,
        .doc = "Down: of the nodes so many,",
    },
    {
        .name = "down_nodes",
        .type = RW_CONF_UINT,
        .offset = MEMBER(down_nodes),
        .fallback = "0",
        .max = RW_SIMULATE_NODES_MAX,
        .doc = "or this number, whichever is more.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_simulate_autoscaling_record = {
    .name = "autoscaling",
    .doc = "When nodes are launched and ended: the algorithm of Kubernetes' Horizontal Pod "
           "Autoscaler, with its defaults.",
    .size = sizeof(struct rw_simulate_autoscaling),
    .fields = autoscaling_fields,
    .place_offset = -1,
};

/* ---- Nodes that die ---- */

#define MEMBER(member) offsetof(struct rw_simulate_health, member)

static const struct rw_conf_field health_fields[] = {
    {
        .name = "detect",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(detect_ms),
        .fallback = "10s",
        .max = 3600000,
        .doc = "How long a dead node still gets requests and connections: interval and threshold "
               "of the health checks.",
    },
    {
        .name = "reconnect",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(reconnect_ms),
        .fallback = "10s",
        .max = 3600000,
        .doc = "Within this time, evenly, its users connect elsewhere.",
    },
    {
        .name = "replace",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(replace),
        .fallback = "true",
        .doc = "Is a new node launched as soon as it is found dead? Otherwise it comes back by "
               "itself.",
    },
    {
        .name = "ready_after",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(ready_ms),
        .fallback = "60s",
        .max = 86400000,
        .doc = "Without autoscaling: how long a new node takes until it serves.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_simulate_health_record = {
    .name = "health",
    .doc = "What happens when a node dies.",
    .size = sizeof(struct rw_simulate_health),
    .fields = health_fields,
    .place_offset = -1,
};

/* ---- Deploys ---- */

#define MEMBER(member) offsetof(struct rw_simulate_deploy, member)

static const struct rw_conf_field deploy_fields[] = {
    {
        .name = "at",
        .type = RW_CONF_DURATION,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(at_ms),
        .doc = "When it begins, after the simulation's begin. Waits for one that still goes on.",
        .example = "3h",
    },
    {
        .name = "surge",
        .type = RW_CONF_UINT,
        .offset = MEMBER(surge),
        .fallback = "1",
        .max = RW_SIMULATE_NODES_MAX,
        .doc = "So many more nodes than wanted are there at a time.",
    },
    {
        .name = "unavailable",
        .type = RW_CONF_UINT,
        .offset = MEMBER(unavailable),
        .fallback = "0",
        .max = RW_SIMULATE_NODES_MAX,
        .doc = "So many fewer than wanted serve.",
    },
    {
        .name = "ready_after",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(ready_ms),
        .fallback = "30s",
        .max = 86400000,
        .doc = "How long a new node takes until it serves.",
    },
    {
        .name = "drain",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(drain_ms),
        .fallback = "30s",
        .max = 86400000,
        .doc = "How long an old one closes its connections, evenly. Without it they are cut off.",
    },
    {
        .name = "warmup",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(warmup_ms),
        .fallback = "0s",
        .max = 86400000,
        .doc = "How long a new one is slower.",
    },
    {
        .name = "warmup_speed_percent",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(warmup_speed_percent),
        .fallback = "50",
        .min = 1,
        .max = 100,
        .doc = "How fast it is meanwhile.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_simulate_deploy_record = {
    .name = "deploy",
    .doc = "A rolling replacement of all nodes.",
    .size = sizeof(struct rw_simulate_deploy),
    .fields = deploy_fields,
    .place_offset = -1,
    .check = rw_simulate_check_deploy,
};
