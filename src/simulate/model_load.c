/* Tables: what a request and a connection cost, who comes, what stands behind. */
#include "simulate/model_tables.h"

static const char *const distributions[] = {"constant", "uniform", "exponential", "lognormal",
                                            NULL};
static const char *const queueings[] = {"per_core", "shared", NULL};
static const char *const disciplines[] = {"fcfs", "ps", NULL};

/* ---- A request ---- */

#define MEMBER(member) offsetof(struct rw_simulate_request, member)

static const struct rw_conf_field request_fields[] = {
    {
        .name = "per_cpu_second",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(per_cpu_second),
        .max = 1000000000,
        .doc = "How many requests a core does in a second, as bench/RESULTS.md measures it.",
        .example = "79930",
    },
    {
        .name = "cpu_us",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(cpu_us),
        .max = 3600000000,
        .doc = "Or: how many microseconds of a core one takes, on average.",
        .example = "12.5",
    },
    {
        .name = "capacity_from",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(from),
        .max = 4096,
        .doc = "Or: a result of `ringway load --out FILE.json` of a run that the nodes limited (a "
               "closed loop, or a rate that they did not keep); relative to this file.",
        .example = "capacity.json",
    },
    {
        .name = "capacity_cores",
        .type = RW_CONF_UINT,
        .offset = MEMBER(from_cores),
        .fallback = "1",
        .min = 1,
        .max = RW_SIMULATE_CORES_MAX,
        .doc = "How many cores were busy in that run.",
    },
    {
        .name = "distribution",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(distribution),
        .names = distributions,
        .fallback = "exponential",
        .doc = "How that time varies from request to request.",
    },
    {
        .name = "variation",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(variation),
        .fallback = "1",
        .max = 100,
        .doc = "Of `lognormal`: standard deviation by mean.",
    },
    {
        .name = "queueing",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(queueing),
        .names = queueings,
        .fallback = "per_core",
        .doc =
            "`per_core`: a connection stays on its core, as in Ringway; `shared`: any core takes "
            "the next request.",
    },
    {
        .name = "discipline",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(discipline),
        .names = disciplines,
        .fallback = "fcfs",
        .doc = "`fcfs`: a core does one request after the other, as in Ringway; `ps`: it gives all "
               "that it has an equal share, as with a thread for each.",
    },
    {
        .name = "latency_us",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(latency_us),
        .fallback = "0",
        .max = 3600000000,
        .doc = "What an answer takes besides, while no core is busy with it: the way there and "
               "back, in microseconds.",
    },
    {
        .name = "memory",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(memory_bytes),
        .fallback = "0",
        .max = 1ll << 40,
        .doc = "Of a request in flight.",
    },
    {
        .name = "timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(timeout_ms),
        .fallback = "30s",
        .min = 1,
        .max = 3600000,
        .doc = "A request that takes longer has failed; one that would wait longer for a core is "
               "refused.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_simulate_request_record = {
    .name = "request",
    .doc = "What one request takes of a node, as it was measured.",
    .size = sizeof(struct rw_simulate_request),
    .fields = request_fields,
    .place_offset = -1,
    .check = rw_simulate_check_request,
};

/* ---- A connection ---- */

#define MEMBER(member) offsetof(struct rw_simulate_connection, member)

static const struct rw_conf_field connection_fields[] = {
    {
        .name = "memory",
        .type = RW_CONF_SIZE,
        .offset = MEMBER(memory_bytes),
        .fallback = "0",
        .max = 1ll << 40,
        .doc = "Of an idle connection: of the program, and of the kernel if the node's limit "
               "includes it.",
        .example = "6748",
    },
    {
        .name = "handshakes_per_cpu_second",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(handshakes_per_cpu_second),
        .fallback = "0",
        .max = 1000000000,
        .doc = "How many a core accepts in a second, with TLS; 0: they cost nothing.",
        .example = "5788",
    },
    {
        .name = "lifetime",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(lifetime_ms),
        .fallback = "0s",
        .doc = "How long one lasts on average, before its user makes a new one; 0s: for as long as "
               "the user stays.",
    },
    {
        .name = "per_user",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(per_user),
        .fallback = "1",
        .max = 1000,
        .doc = "How many a user holds.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_simulate_connection_record = {
    .name = "connection",
    .doc = "What one connection takes of a node.",
    .size = sizeof(struct rw_simulate_connection),
    .fields = connection_fields,
    .place_offset = -1,
    .check = rw_simulate_check_connection,
};

/* ---- Who comes ---- */

#define MEMBER(member) offsetof(struct rw_simulate_point, member)

static const struct rw_conf_field point_fields[] = {
    {
        .name = "at",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(at_text),
        .min = 1,
        .max = 8,
        .doc = "The time of day.",
        .example = "20:30",
    },
    {
        .name = "rate",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(rate),
        .max = 1000000000,
        .doc = "Requests per second at that time;",
        .example = "120000",
    },
    {
        .name = "users",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(users),
        .max = 10000000000,
        .doc = "or users.",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record point_record = {
    .name = "point",
    .doc = "The curve of a day is a straight line from each point to the next, every day the same.",
    .size = sizeof(struct rw_simulate_point),
    .fields = point_fields,
    .place_offset = offsetof(struct rw_simulate_point, place),
    .check = rw_simulate_check_point,
};

#define MEMBER(member) offsetof(struct rw_simulate_spike, member)

static const struct rw_conf_field spike_fields[] = {
    {
        .name = "at",
        .type = RW_CONF_DURATION,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(at_ms),
        .doc = "When it begins, after the simulation's begin.",
        .example = "2h",
    },
    {
        .name = "for",
        .type = RW_CONF_DURATION,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(for_ms),
        .doc = "How long it stays at its height.",
        .example = "10m",
    },
    {
        .name = "ramp",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(ramp_ms),
        .fallback = "0s",
        .doc = "How long it takes to get there, and back.",
    },
    {
        .name = "factor",
        .type = RW_CONF_NUMBER,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(factor),
        .max = 1000000,
        .doc = "How many times what comes otherwise.",
        .example = "5",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record spike_record = {
    .name = "spike",
    .doc = "A sale, a goal, a newsletter.",
    .size = sizeof(struct rw_simulate_spike),
    .fields = spike_fields,
    .place_offset = -1,
    .check = rw_simulate_check_spike,
};

#define MEMBER(member) offsetof(struct rw_simulate_arrivals, member)

static const struct rw_conf_field arrivals_fields[] = {
    {
        .name = "rate",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(rate),
        .max = 1000000000,
        .doc = "Requests per second, by chance (a Poisson process);",
        .example = "5000",
    },
    {
        .name = "users",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(users),
        .max = 10000000000,
        .doc = "or users: each holds a connection, asks, waits for the answer, and thinks.",
        .example = "10000000",
    },
    {
        .name = "think",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(think_ms),
        .fallback = "10s",
        .min = 1,
        .max = UINT32_MAX,
        .doc = "How long a user thinks on average.",
    },
    {
        .name = "points",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(points),
        .record = &point_record,
        .doc = "Instead of one `rate` or number of `users`: by the time of day.",
    },
    {
        .name = "spikes",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(spikes),
        .record = &spike_record,
        .doc = "What comes on top.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_simulate_arrivals_record = {
    .name = "arrivals",
    .doc = "Who comes, and when.",
    .size = sizeof(struct rw_simulate_arrivals),
    .fields = arrivals_fields,
    .place_offset = -1,
    .check = rw_simulate_check_arrivals,
};

/* ---- What stands behind ---- */

#define MEMBER(member) offsetof(struct rw_simulate_origin, member)

static const struct rw_conf_field origin_fields[] = {
    {
        .name = "endpoints",
        .type = RW_CONF_UINT,
        .offset = MEMBER(endpoints),
        .fallback = "1",
        .min = 1,
        .max = RW_SIMULATE_NODES_MAX,
        .doc = "How many there are; a request goes to any of them.",
    },
    {
        .name = "concurrency",
        .type = RW_CONF_UINT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(concurrency),
        .min = 1,
        .max = RW_SIMULATE_CONCURRENCY_MAX,
        .doc = "How many requests an endpoint serves at a time: its workers, threads or database "
               "connections.",
        .example = "32",
    },
    {
        .name = "queue",
        .type = RW_CONF_UINT,
        .offset = MEMBER(waiting_max),
        .fallback = "0",
        .max = RW_SIMULATE_WAITING_MAX,
        .doc = "How many may wait at an endpoint; one more fails at once. 0: any number.",
    },
    {
        .name = "latency_ms",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(latency_ms),
        .max = 3600000,
        .doc = "How long it serves one request, without waiting, on average.",
        .example = "12",
    },
    {
        .name = "latency_from",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(latency_from),
        .max = 4096,
        .doc = "Or: a result of `ringway load --out FILE.json` in which nobody waited, whose times "
               "from sent to answered are taken as they were measured.",
        .example = "origin.json",
    },
    {
        .name = "way_us",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(way_us),
        .fallback = "0",
        .max = 3600000000,
        .doc =
            "The way to it and back, in microseconds, while none of its servers is busy with the "
            "request: on top of `latency_ms`; of what `latency_from` measured a part.",
    },
    {
        .name = "distribution",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(distribution),
        .names = distributions,
        .fallback = "exponential",
        .doc = "How `latency_ms` varies.",
    },
    {
        .name = "variation",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(variation),
        .fallback = "1",
        .max = 100,
        .doc = "Of `lognormal`: standard deviation by mean.",
    },
    {
        .name = "error_percent",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(error_percent),
        .fallback = "0",
        .max = 100,
        .doc = "So many of its answers are errors.",
    },
    {
        .name = "timeout",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(timeout_ms),
        .fallback = "15s",
        .min = 1,
        .max = 3600000,
        .doc = "How long the gateway waits for it.",
    },
    {
        .name = "retries",
        .type = RW_CONF_UINT,
        .offset = MEMBER(retries),
        .fallback = "0",
        .max = 10,
        .doc = "How often a request that failed there is tried again.",
    },
    {
        .name = "retry_budget_percent",
        .type = RW_CONF_NUMBER,
        .offset = MEMBER(retry_budget_percent),
        .fallback = "20",
        .max = 1000,
        .doc = "Of the requests, so many may be retries.",
    },
    {.name = NULL},
};
#undef MEMBER

const struct rw_conf_record rw_simulate_origin_record = {
    .name = "origin",
    .doc = "The servers behind the nodes.",
    .size = sizeof(struct rw_simulate_origin),
    .fields = origin_fields,
    .place_offset = -1,
    .check = rw_simulate_check_origin,
};
